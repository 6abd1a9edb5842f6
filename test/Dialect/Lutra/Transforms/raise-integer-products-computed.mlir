// Both operands are computed: their codes are multiplied where a level has instructions for bytes, the right one as it
// lay before its last two dimensions were exchanged.
// RUN: lutra-opt %s --lutra-raise-integer-products=targets=avx512vnni,avx2 --remark-format=emitRemark --remarks-filter=lutra-raise-integer-products 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t
// RUN: lutra-opt %s --lutra-raise-integer-products=targets=avx2 | FileCheck %s --check-prefix=SAME
// SAME-NOT: xi32>
// REMARK-COUNT-2: multiplies integers
// REMARK: may sum more along K than 32 bits hold
// REMARK: may sum more along K than 32 bits hold
// REMARK: has no right-hand side of 8-bit codes with one scale
// REMARK: has scales with which a sum may leave f32

// CHECK-LABEL: func.func @scores
// CHECK: %[[X:.*]] = lutra.cast %arg0 : tensor<2x5x8xi8> -> tensor<2x5x8xi16>
// CHECK: %[[L:.*]] = lutra.binary<sub> %[[X]], %{{.*}} : (tensor<2x5x8xi16>, tensor<i16>) -> tensor<2x5x8xi16>
// CHECK: %[[SUM:.*]] = lutra.matmul %[[L]], %arg1 {transpose_rhs} : (tensor<2x5x8xi16>, tensor<2x7x8xui8>) -> tensor<2x5x7xi32>
// CHECK: %[[REAL:.*]] = lutra.cast %[[SUM]] : tensor<2x5x7xi32> -> tensor<2x5x7xf32>
// CHECK: lutra.binary<mul> %[[REAL]], %{{.*}} : (tensor<2x5x7xf32>, tensor<f32>) -> tensor<2x5x7xf32>
func.func @scores(%x: tensor<2x5x8xi8>, %y: tensor<2x7x8xui8>) -> tensor<2x5x7xf32> {
  %s = lutra.constant dense<0.5> : tensor<f32>
  %z = lutra.constant dense<-11> : tensor<i8>
  %t = lutra.transpose %y [0, 2, 1] : tensor<2x7x8xui8> -> tensor<2x8x7xui8>
  %l = lutra.dequantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<2x5x8xi8> -> tensor<2x5x8xf32>
  %r = lutra.dequantize %t scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2x8x7xui8> -> tensor<2x8x7xf32>
  %p = lutra.matmul %l, %r : (tensor<2x5x8xf32>, tensor<2x8x7xf32>) -> tensor<2x5x7xf32>
  return %p : tensor<2x5x7xf32>
}

// The heads were joined to one batch dimension while the matrices were turned.
// CHECK-LABEL: func.func @heads
// CHECK: lutra.matmul %arg0, %arg1 {transpose_rhs} : (tensor<2x3x5x8xi8>, tensor<2x3x7x8xi8>) -> tensor<2x3x5x7xi32>
func.func @heads(%x: tensor<2x3x5x8xi8>, %y: tensor<2x3x7x8xi8>) -> tensor<2x3x5x7xf32> {
  %s = lutra.constant dense<0.5> : tensor<f32>
  %j = lutra.reshape %y[] : tensor<2x3x7x8xi8> -> tensor<6x7x8xi8>
  %t = lutra.transpose %j [0, 2, 1] : tensor<6x7x8xi8> -> tensor<6x8x7xi8>
  %b = lutra.reshape %t[] : tensor<6x8x7xi8> -> tensor<2x3x8x7xi8>
  %l = lutra.dequantize %x scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2x3x5x8xi8> -> tensor<2x3x5x8xf32>
  %r = lutra.dequantize %b scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2x3x8x7xi8> -> tensor<2x3x8x7xf32>
  %p = lutra.matmul %l, %r : (tensor<2x3x5x8xf32>, tensor<2x3x8x7xf32>) -> tensor<2x3x5x7xf32>
  return %p : tensor<2x3x5x7xf32>
}

// Sums that 32 bits may not hold, of a known depth or not; two scales; one with which a sum leaves f32.
// CHECK-LABEL: func.func @others
// CHECK-COUNT-4: lutra.matmul %{{.*}} -> tensor<5x{{[0-9]+}}xf32>
func.func @others(%x: tensor<5x?xi8>, %y: tensor<?x7xi8>, %a: tensor<5x33026xi8>, %b: tensor<33026x7xi8>, %c: tensor<5x2xi8>, %d: tensor<2x7xi8>) -> (tensor<5x7xf32>, tensor<5x7xf32>, tensor<5x7xf32>, tensor<5x7xf32>) {
  %s = lutra.constant dense<0.5> : tensor<f32>
  %two = lutra.constant dense<0.5> : tensor<2xf32>
  %large = lutra.constant dense<1.0e35> : tensor<f32>
  %z = lutra.constant dense<127> : tensor<i8>
  %l0 = lutra.dequantize %x scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<5x?xi8> -> tensor<5x?xf32>
  %r0 = lutra.dequantize %y scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?x7xi8> -> tensor<?x7xf32>
  %p0 = lutra.matmul %l0, %r0 : (tensor<5x?xf32>, tensor<?x7xf32>) -> tensor<5x7xf32>
  %l1 = lutra.dequantize %a scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<5x33026xi8> -> tensor<5x33026xf32>
  %r1 = lutra.dequantize %b scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<33026x7xi8> -> tensor<33026x7xf32>
  %p1 = lutra.matmul %l1, %r1 : (tensor<5x33026xf32>, tensor<33026x7xf32>) -> tensor<5x7xf32>
  %l2 = lutra.dequantize %c scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<5x2xi8> -> tensor<5x2xf32>
  %r2 = lutra.dequantize %d scale(%two : tensor<2xf32>) {axis = 0 : i64, block = 0 : i64} : tensor<2x7xi8> -> tensor<2x7xf32>
  %p2 = lutra.matmul %l2, %r2 : (tensor<5x2xf32>, tensor<2x7xf32>) -> tensor<5x7xf32>
  %r3 = lutra.dequantize %d scale(%large : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2x7xi8> -> tensor<2x7xf32>
  %p3 = lutra.matmul %l2, %r3 : (tensor<5x2xf32>, tensor<2x7xf32>) -> tensor<5x7xf32>
  return %p0, %p1, %p2, %p3 : tensor<5x7xf32>, tensor<5x7xf32>, tensor<5x7xf32>, tensor<5x7xf32>
}
