// RUN: lutra-opt %s --lutra-form-kernels=targets=avx2,avx512 --split-input-file | FileCheck %s
// RUN: lutra-opt %s --lutra-form-kernels --split-input-file | FileCheck %s --check-prefix=NONE
// RUN: lutra-opt %s --lutra-form-kernels=targets=sm_80 --split-input-file | FileCheck %s --check-prefix=NONE
// RUN: not lutra-opt %s --lutra-form-kernels=targets=z80 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: E0604: no tile target is named 'z80'; registered are avx2, avx512, avxvnni, avx512vnni, avx512vbmi, amx, sse2

// Only where targets are named that hold the rows: else each of these is a kernel of its own.
// NONE-NOT: {{(matmul|conv<channels_last>) %[0-9]}}

// A normalisation and what follows it, before a product of few columns. What the norm reads stays outside.
// CHECK: lutra.kernel @k0
// CHECK-NEXT: lutra.unary<tanh>
// CHECK-NEXT: lutra.yield
// CHECK: lutra.kernel @k1
// CHECK-NEXT: lutra.layer_norm
// CHECK-NEXT: lutra.unary<relu>
// CHECK-NEXT: lutra.matmul
// CHECK-NEXT: lutra.yield
func.func @norm(%x: tensor<96x64xf32>, %w: tensor<64x256xf32>, %s: tensor<64xf32>, %b: tensor<64xf32>) -> tensor<96x256xf32> {
  %t = lutra.unary<tanh> %x : tensor<96x64xf32> -> tensor<96x64xf32>
  %n = lutra.layer_norm %t scale(%s : tensor<64xf32>) bias(%b : tensor<64xf32>) {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<96x64xf32> -> tensor<96x64xf32>
  %r = lutra.unary<relu> %n : tensor<96x64xf32> -> tensor<96x64xf32>
  %y = lutra.matmul %r, %w : (tensor<96x64xf32>, tensor<64x256xf32>) -> tensor<96x256xf32>
  return %y : tensor<96x256xf32>
}

// -----

// Attention's second product, of a dynamic number of rows.
// CHECK: lutra.kernel @k0
// CHECK-NEXT: lutra.softmax
// CHECK-NEXT: lutra.matmul
func.func @attention(%p: tensor<2x4x?x48xf32>, %v: tensor<2x4x48x16xf32>) -> tensor<2x4x?x16xf32> {
  %s = lutra.softmax %p {axis = 3 : i64} : tensor<2x4x?x48xf32>
  %y = lutra.matmul %s, %v : (tensor<2x4x?x48xf32>, tensor<2x4x48x16xf32>) -> tensor<2x4x?x16xf32>
  return %y : tensor<2x4x?x16xf32>
}

// -----

// A window of one pixel reads each element once.
// CHECK: lutra.kernel @k0
// CHECK-NEXT: lutra.binary<mul>
// CHECK-NEXT: lutra.unary<relu>
// CHECK-NEXT: lutra.conv
func.func @pixel(%x: tensor<1x14x14x32xf32>, %c: tensor<32xf32>, %f: tensor<1x1x32x64xf32>) -> tensor<1x14x14x64xf32> {
  %a = lutra.binary<mul> %x, %c : (tensor<1x14x14x32xf32>, tensor<32xf32>) -> tensor<1x14x14x32xf32>
  %r = lutra.unary<relu> %a : tensor<1x14x14x32xf32> -> tensor<1x14x14x32xf32>
  %y = lutra.conv<channels_last> %r, %f {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x14x14x32xf32>, tensor<1x1x32x64xf32>) -> tensor<1x14x14x64xf32>
  return %y : tensor<1x14x14x64xf32>
}

// -----

// A product before takes them as its epilogue; nothing reaches past the product behind.
// CHECK: lutra.kernel @k0
// CHECK-NEXT: lutra.matmul
// CHECK-NEXT: lutra.unary<gelu_erf>
// CHECK-NEXT: lutra.yield
// CHECK: lutra.kernel @k1
// CHECK-NEXT: lutra.matmul
// CHECK-NEXT: lutra.yield
func.func @epilogue(%x: tensor<96x64xf32>, %v: tensor<64x64xf32>) -> tensor<96x64xf32> {
  %p = lutra.matmul %x, %v : (tensor<96x64xf32>, tensor<64x64xf32>) -> tensor<96x64xf32>
  %g = lutra.unary<gelu_erf> %p : tensor<96x64xf32> -> tensor<96x64xf32>
  %y = lutra.matmul %g, %v : (tensor<96x64xf32>, tensor<64x64xf32>) -> tensor<96x64xf32>
  return %y : tensor<96x64xf32>
}

// -----

// Left alone: a larger window, many columns, few rows, rows too long to hold, another axis, scales within a row, a value
// with other users.
// CHECK: func.func @epilogue
// CHECK-NOT: {{(matmul|conv<channels_last>) %[0-9]}}
// CHECK: func.func @alone
func.func @alone(%i: tensor<1x14x14x32xf32>, %f: tensor<3x3x32x64xf32>, %x: tensor<96x64xf32>, %w: tensor<64x272xf32>, %o: tensor<1x64xf32>, %v: tensor<64x64xf32>, %l: tensor<96x2048xf32>, %u: tensor<2048x16xf32>, %s: tensor<96x4xf32>) -> (tensor<1x12x12x64xf32>, tensor<96x272xf32>, tensor<1x64xf32>, tensor<96x16xf32>, tensor<96x64xf32>, tensor<96x64xf32>, tensor<96x64xf32>, tensor<96x64xf32>) {
  %r = lutra.unary<relu> %i : tensor<1x14x14x32xf32> -> tensor<1x14x14x32xf32>
  %y0 = lutra.conv<channels_last> %r, %f {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x14x14x32xf32>, tensor<3x3x32x64xf32>) -> tensor<1x12x12x64xf32>
  %t = lutra.unary<tanh> %x : tensor<96x64xf32> -> tensor<96x64xf32>
  %y1 = lutra.matmul %t, %w : (tensor<96x64xf32>, tensor<64x272xf32>) -> tensor<96x272xf32>
  %n = lutra.softmax %o {axis = 1 : i64} : tensor<1x64xf32>
  %y2 = lutra.matmul %n, %v : (tensor<1x64xf32>, tensor<64x64xf32>) -> tensor<1x64xf32>
  %m = lutra.softmax %l {axis = 1 : i64} : tensor<96x2048xf32>
  %y3 = lutra.matmul %m, %u : (tensor<96x2048xf32>, tensor<2048x16xf32>) -> tensor<96x16xf32>
  %c = lutra.softmax %x {axis = 0 : i64} : tensor<96x64xf32>
  %y4 = lutra.matmul %c, %v : (tensor<96x64xf32>, tensor<64x64xf32>) -> tensor<96x64xf32>
  %q = lutra.quantize %x scale(%s : tensor<96x4xf32>) {axis = 1 : i64, block = 16 : i64} : tensor<96x64xf32> -> tensor<96x64xi8>
  %d = lutra.dequantize %q scale(%s : tensor<96x4xf32>) {axis = 1 : i64, block = 16 : i64} : tensor<96x64xi8> -> tensor<96x64xf32>
  %y5 = lutra.matmul %d, %v : (tensor<96x64xf32>, tensor<64x64xf32>) -> tensor<96x64xf32>
  %e = lutra.unary<relu> %x : tensor<96x64xf32> -> tensor<96x64xf32>
  %y6 = lutra.matmul %e, %v : (tensor<96x64xf32>, tensor<64x64xf32>) -> tensor<96x64xf32>
  return %y0, %y1, %y2, %y3, %y4, %y5, %e, %y6 : tensor<1x12x12x64xf32>, tensor<96x272xf32>, tensor<1x64xf32>, tensor<96x16xf32>, tensor<96x64xf32>, tensor<96x64xf32>, tensor<96x64xf32>, tensor<96x64xf32>
}

// -----

// Nothing is computed twice: what the operand and the epilogue both read is a kernel of its own. A lookup and scales within
// a row have no values for a tile of a product, whether they stand before it or behind.
// CHECK: lutra.kernel @k0
// CHECK-NEXT: lutra.unary<tanh>
// CHECK-NEXT: lutra.yield
// CHECK: lutra.kernel @k1
// CHECK-NEXT: lutra.layer_norm
// CHECK-NEXT: lutra.matmul
// CHECK-NEXT: lutra.binary<add>
// CHECK-NEXT: lutra.yield
// CHECK: lutra.kernel @k2
// CHECK-NEXT: lutra.gather
// CHECK-NEXT: lutra.yield
// CHECK: lutra.kernel @k3
// CHECK-NEXT: lutra.matmul
// CHECK-NEXT: lutra.binary<add>
// CHECK-NEXT: lutra.yield
// CHECK: lutra.kernel @k4
// CHECK-NEXT: lutra.matmul
// CHECK-NEXT: lutra.yield
// CHECK: lutra.kernel @k5
// CHECK-NEXT: lutra.quantize
func.func @twice(%x: tensor<96x64xf32>, %v: tensor<64x64xf32>, %s: tensor<64xf32>, %b: tensor<64xf32>, %i: tensor<96xi64>, %t: tensor<50x64xf32>, %c: tensor<96x4xf32>) -> (tensor<96x64xf32>, tensor<96x64xf32>, tensor<96x64xi8>) {
  %h = lutra.unary<tanh> %x : tensor<96x64xf32> -> tensor<96x64xf32>
  %n = lutra.layer_norm %h scale(%s : tensor<64xf32>) bias(%b : tensor<64xf32>) {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<96x64xf32> -> tensor<96x64xf32>
  %p = lutra.matmul %n, %v : (tensor<96x64xf32>, tensor<64x64xf32>) -> tensor<96x64xf32>
  %y = lutra.binary<add> %p, %h : (tensor<96x64xf32>, tensor<96x64xf32>) -> tensor<96x64xf32>
  %g = lutra.gather %t, %i {axis = 0 : i64} : (tensor<50x64xf32>, tensor<96xi64>) -> tensor<96x64xf32>
  %q = lutra.matmul %x, %v : (tensor<96x64xf32>, tensor<64x64xf32>) -> tensor<96x64xf32>
  %z = lutra.binary<add> %q, %g : (tensor<96x64xf32>, tensor<96x64xf32>) -> tensor<96x64xf32>
  %r = lutra.matmul %y, %v : (tensor<96x64xf32>, tensor<64x64xf32>) -> tensor<96x64xf32>
  %k = lutra.quantize %r scale(%c : tensor<96x4xf32>) {axis = 1 : i64, block = 16 : i64} : tensor<96x64xf32> -> tensor<96x64xi8>
  return %y, %z, %k : tensor<96x64xf32>, tensor<96x64xf32>, tensor<96x64xi8>
}

// -----

// What a convolution of single channels reads: a border around dequantized codes. Another reader, of the border or of the
// values, keeps them out; so does a window of several channels.
// CHECK: lutra.kernel @k0
// CHECK-NEXT: lutra.constant
// CHECK-NEXT: lutra.constant
// CHECK-NEXT: lutra.constant
// CHECK-NEXT: lutra.dequantize
// CHECK-NEXT: lutra.pad
// CHECK-NEXT: lutra.conv
// CHECK-NEXT: lutra.quantize
// CHECK-NEXT: lutra.yield
// CHECK: lutra.kernel @k1
// CHECK: lutra.pad
// CHECK-NEXT: lutra.yield
// CHECK: lutra.kernel @k2
// CHECK-NEXT: lutra.conv
// CHECK: lutra.kernel @k3
// CHECK-NEXT: lutra.conv
func.func @channels(%x: tensor<?x8x8x32xui8>, %f: tensor<3x3x1x32xf32>, %z: tensor<?x8x8x32xf32>, %g: tensor<3x3x32x32xf32>) -> (tensor<?x8x8x32xui8>, tensor<?x8x8x32xf32>, tensor<?x8x8x32xf32>) {
  %scale = lutra.constant dense<0.5> : tensor<f32>
  %point = lutra.constant dense<118> : tensor<ui8>
  %zero = lutra.constant dense<0.0> : tensor<f32>
  %d = lutra.dequantize %x scale(%scale : tensor<f32>) zero_point(%point : tensor<ui8>) {axis = -1 : i64, block = 0 : i64} : tensor<?x8x8x32xui8> -> tensor<?x8x8x32xf32>
  %p = lutra.pad<constant> %d, %zero low [0, 1, 1, 0] high [0, 1, 1, 0] : tensor<?x8x8x32xf32>, tensor<f32> -> tensor<?x10x10x32xf32>
  %c = lutra.conv<channels_last> %p, %f {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 32 : i64} : (tensor<?x10x10x32xf32>, tensor<3x3x1x32xf32>) -> tensor<?x8x8x32xf32>
  %q = lutra.quantize %c scale(%scale : tensor<f32>) zero_point(%point : tensor<ui8>) {axis = -1 : i64, block = 0 : i64} : tensor<?x8x8x32xf32> -> tensor<?x8x8x32xui8>
  %b = lutra.pad<constant> %z, %zero low [0, 1, 1, 0] high [0, 1, 1, 0] : tensor<?x8x8x32xf32>, tensor<f32> -> tensor<?x10x10x32xf32>
  %e = lutra.conv<channels_last> %b, %f {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 32 : i64} : (tensor<?x10x10x32xf32>, tensor<3x3x1x32xf32>) -> tensor<?x8x8x32xf32>
  %h = lutra.conv<channels_last> %b, %g {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x10x10x32xf32>, tensor<3x3x32x32xf32>) -> tensor<?x8x8x32xf32>
  return %q, %e, %h : tensor<?x8x8x32xui8>, tensor<?x8x8x32xf32>, tensor<?x8x8x32xf32>
}
