// RUN: lutra-opt %s --lutra-form-kernels --split-input-file | FileCheck %s

// A product takes its epilogue; the kernel's result is the sink's.
// CHECK: lutra.kernel @k0(%{{.*}}: tensor<?x8xf32>, %{{.*}}: tensor<8x8xf32>, %{{.*}}: tensor<8xf32>) -> tensor<?x8xf32>
// CHECK-NEXT: lutra.matmul
// CHECK-NEXT: lutra.binary<add>
// CHECK-NEXT: lutra.unary<relu>
// CHECK-NEXT: lutra.yield
// CHECK-LABEL: func.func @epilogue(
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>
// CHECK: %[[N:.*]] = tensor.dim %[[X]]
// CHECK: lutra.launch @k0({{.*}}) sizes(%[[N]])
func.func @epilogue(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>, %b: tensor<8xf32>) -> tensor<?x8xf32> {
  %p = lutra.matmul %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %s = lutra.binary<add> %p, %b : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %y = lutra.unary<relu> %s : tensor<?x8xf32> -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// Softmax takes its producers, constants are copied in, and equal groups share one kernel.
// CHECK: lutra.kernel @k0
// CHECK: lutra.constant
// CHECK: lutra.binary<mul>
// CHECK: lutra.softmax
// CHECK-NOT: lutra.kernel
// CHECK-LABEL: func.func @shared(
// CHECK-COUNT-2: lutra.launch @k0
func.func @shared(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %c = lutra.constant dense<0.125> : tensor<f32>
  %a = lutra.binary<mul> %x, %c : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %b = lutra.softmax %a {axis = 1 : i64} : tensor<4x8xf32>
  %d = lutra.binary<mul> %b, %c : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %e = lutra.softmax %d {axis = 1 : i64} : tensor<4x8xf32>
  return %e : tensor<4x8xf32>
}

// -----

// A heavy op is not repeated under a broadcast, a light one is.
// CHECK: lutra.kernel @k0
// CHECK-NEXT: lutra.unary<exp>
// CHECK-NEXT: lutra.yield
// CHECK: lutra.kernel @k1
// CHECK-NEXT: lutra.unary<neg>
// CHECK-NEXT: lutra.binary<add>
// CHECK-NEXT: lutra.binary<mul>
func.func @broadcast(%x: tensor<64x8xf32>, %v: tensor<8xf32>, %w: tensor<8xf32>) -> tensor<64x8xf32> {
  %e = lutra.unary<exp> %v : tensor<8xf32> -> tensor<8xf32>
  %n = lutra.unary<neg> %w : tensor<8xf32> -> tensor<8xf32>
  %a = lutra.binary<add> %x, %n : (tensor<64x8xf32>, tensor<8xf32>) -> tensor<64x8xf32>
  %y = lutra.binary<mul> %a, %e : (tensor<64x8xf32>, tensor<8xf32>) -> tensor<64x8xf32>
  return %y : tensor<64x8xf32>
}

// -----

// Views stay in @main: a reshape, and a transpose that moves only a dimension of size 1.
// CHECK: lutra.kernel @k0
// CHECK-LABEL: func.func @views(
// CHECK: lutra.reshape {{.*}} : tensor<6x1xf32> -> tensor<1x6xf32>
// CHECK: lutra.launch @k0
// CHECK: lutra.reshape
// CHECK-NOT: lutra.transpose
func.func @views(%x: tensor<6x1xf32>) -> tensor<2x3xf32> {
  %t = lutra.transpose %x [1, 0] : tensor<6x1xf32> -> tensor<1x6xf32>
  %e = lutra.unary<exp> %t : tensor<1x6xf32> -> tensor<1x6xf32>
  %r = lutra.reshape %e[] : tensor<1x6xf32> -> tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// -----

// A value with users in two groups is stored once; a result that is an argument is copied.
// CHECK-LABEL: func.func @split(
// CHECK: %[[H:.*]] = lutra.launch @k0(
// CHECK: lutra.launch @k1(%[[H]])
// CHECK: lutra.launch @k2(%arg0)
// CHECK: return
func.func @split(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %h = lutra.unary<exp> %x : tensor<4xf32> -> tensor<4xf32>
  %y = lutra.unary<neg> %h : tensor<4xf32> -> tensor<4xf32>
  return %h, %y, %x : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// The transpose of attention's keys: heads are moved in whole rows, the rest is a flag.
// CHECK: lutra.kernel @k0
// CHECK-NEXT: lutra.transpose {{.*}} [0, 2, 1, 3]
// CHECK-NEXT: lutra.yield
// CHECK: lutra.kernel @k1
// CHECK-NEXT: lutra.matmul {{.*}} {transpose_rhs}
func.func @keys(%q: tensor<2x4x16x8xf32>, %k: tensor<2x16x4x8xf32>) -> tensor<2x4x16x16xf32> {
  %t = lutra.transpose %k [0, 2, 3, 1] : tensor<2x16x4x8xf32> -> tensor<2x4x8x16xf32>
  %s = lutra.matmul %q, %t : (tensor<2x4x16x8xf32>, tensor<2x4x8x16xf32>) -> tensor<2x4x16x16xf32>
  return %s : tensor<2x4x16x16xf32>
}

// -----

// Kernels stay on their side of a branch: its producer, its two regions, its user. An epilogue inside a region joins
// the product there; what a region only hands through is copied.
// CHECK-LABEL: func.func @branches(
// CHECK-SAME: %[[X:.+]]: tensor<?x8xf32>, %[[W:.+]]: tensor<8x8xf32>, %[[C:.+]]: tensor<i1>
// CHECK: %[[N:.+]] = tensor.dim %[[X]]
// CHECK: %[[H:.+]] = lutra.launch @k0(%[[X]]) sizes(%[[N]])
// CHECK: %[[F:.+]] = tensor.extract %[[C]][]
// CHECK: %[[R:.+]]:2 = scf.if %[[F]]
// CHECK:   %[[P:.+]] = lutra.launch @k2(%[[H]], %[[W]]) sizes(%[[N]])
// CHECK:   %[[A:.+]] = lutra.launch @k4(%[[H]])
// CHECK:   scf.yield %[[P]], %[[A]]
// CHECK: } else {
// CHECK:   %[[B:.+]] = lutra.launch @k3(%[[H]]) sizes(%[[N]])
// CHECK:   %[[D:.+]] = lutra.launch @k1(%[[H]]) sizes(%[[N]])
// CHECK:   scf.yield %[[B]], %[[D]]
// CHECK: %[[Y:.+]] = lutra.launch @k1(%[[R]]#0) sizes(%[[N]])
// CHECK: return %[[Y]], %[[R]]#1
func.func @branches(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>, %c: tensor<i1>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %h = lutra.unary<exp> %x : tensor<?x8xf32> -> tensor<?x8xf32>
  %f = tensor.extract %c[] : tensor<i1>
  %r:2 = scf.if %f -> (tensor<?x8xf32>, tensor<?x8xf32>) {
    %p = lutra.matmul %h, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    %q = lutra.unary<relu> %p : tensor<?x8xf32> -> tensor<?x8xf32>
    scf.yield %q, %h : tensor<?x8xf32>, tensor<?x8xf32>
  } else {
    %a = lutra.unary<abs> %h : tensor<?x8xf32> -> tensor<?x8xf32>
    %b = lutra.unary<neg> %h : tensor<?x8xf32> -> tensor<?x8xf32>
    scf.yield %a, %b : tensor<?x8xf32>, tensor<?x8xf32>
  }
  %y = lutra.unary<neg> %r#0 : tensor<?x8xf32> -> tensor<?x8xf32>
  return %y, %r#1 : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// Codes lie between two products, not the sums of the first.
// CHECK: lutra.kernel @k0({{.*}}) -> tensor<8x16xi8>
// CHECK-NEXT: lutra.constant
// CHECK-NEXT: lutra.matmul
// CHECK-NEXT: lutra.quantize
// CHECK-NEXT: lutra.yield
// CHECK: lutra.kernel @k1({{.*}}tensor<8x16xi8>{{.*}}) -> tensor<8x16xi8>
// CHECK: lutra.dequantize
// CHECK: lutra.quantize
func.func @two_products(%x: tensor<8x4xf32>, %w: tensor<4x16xf32>, %v: tensor<4x16xf32>) -> tensor<8x16xi8> {
  %s = lutra.constant dense<0.5> : tensor<f32>
  %a = lutra.matmul %x, %w : (tensor<8x4xf32>, tensor<4x16xf32>) -> tensor<8x16xf32>
  %c = lutra.quantize %a scale(%s : tensor<f32>) {axis = -1 : i64, block = 0 : i64} : tensor<8x16xf32> -> tensor<8x16xi8>
  %d = lutra.dequantize %c scale(%s : tensor<f32>) {axis = -1 : i64, block = 0 : i64} : tensor<8x16xi8> -> tensor<8x16xf32>
  %b = lutra.matmul %x, %v : (tensor<8x4xf32>, tensor<4x16xf32>) -> tensor<8x16xf32>
  %e = lutra.binary<add> %b, %d : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  %r = lutra.quantize %e scale(%s : tensor<f32>) {axis = -1 : i64, block = 0 : i64} : tensor<8x16xf32> -> tensor<8x16xi8>
  return %r : tensor<8x16xi8>
}

// -----

// Codes of a softmax lie between it and their transpose.
// CHECK: lutra.kernel @k0({{.*}}) -> tensor<8x16xi8>
// CHECK: lutra.softmax
// CHECK-NEXT: lutra.quantize
// CHECK-NEXT: lutra.yield
// CHECK: lutra.kernel @k1({{.*}}tensor<8x16xi8>{{.*}}) -> tensor<16x8xi8>
// CHECK-NEXT: lutra.transpose
func.func @turned_codes(%x: tensor<8x16xf32>) -> tensor<16x8xi8> {
  %s = lutra.constant dense<0.0078125> : tensor<f32>
  %a = lutra.softmax %x {axis = 1 : i64} : tensor<8x16xf32>
  %c = lutra.quantize %a scale(%s : tensor<f32>) {axis = -1 : i64, block = 0 : i64} : tensor<8x16xf32> -> tensor<8x16xi8>
  %t = lutra.transpose %c [1, 0] : tensor<8x16xi8> -> tensor<16x8xi8>
  return %t : tensor<16x8xi8>
}
