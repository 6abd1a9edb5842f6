// RUN: lutra-opt %s --lutra-test-tile --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func @binary
// CHECK: scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[OUT:.*]] = %{{.*}}) -> (tensor<64x32xf32>)
// CHECK:   %[[A:.*]] = tensor.extract_slice %{{.*}}[%[[I]], 0] [16, 32] [1, 1] : tensor<64x32xf32> to tensor<16x32xf32>
// CHECK:   %[[B:.*]] = tensor.extract_slice %{{.*}}[0] [32] [1] : tensor<32xf32> to tensor<32xf32>
// CHECK:   %[[R:.*]] = lutra.binary<add> %[[A]], %[[B]] : (tensor<16x32xf32>, tensor<32xf32>) -> tensor<16x32xf32>
// CHECK:   tensor.insert_slice %[[R]] into %[[OUT]][%[[I]], 0] [16, 32] [1, 1]
func.func @binary(%a: tensor<64x32xf32>, %b: tensor<32xf32>) -> tensor<64x32xf32> {
  %0 = lutra.binary<add> %a, %b {tile = array<i64: 16, 0>} : (tensor<64x32xf32>, tensor<32xf32>) -> tensor<64x32xf32>
  return %0 : tensor<64x32xf32>
}

// -----
// The last tile of a dynamic extent is ragged; a repeated operand is not cut.
// CHECK-LABEL: func @binary_dynamic
// CHECK: tensor.dim %{{.*}}, %{{.*}} : tensor<?x32xf32>
// CHECK: scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step
// CHECK:   %[[SIZE:.*]] = affine.min
// CHECK:   tensor.extract_slice %{{.*}}[%[[I]], 0] [%[[SIZE]], 32] [1, 1] : tensor<?x32xf32> to tensor<?x32xf32>
// CHECK:   lutra.binary<mul> %{{.*}}, %arg1 : (tensor<?x32xf32>, tensor<1x1xf32>) -> tensor<?x32xf32>
func.func @binary_dynamic(%a: tensor<?x32xf32>, %b: tensor<1x1xf32>) -> tensor<?x32xf32> {
  %0 = lutra.binary<mul> %a, %b {tile = array<i64: 16, 0>} : (tensor<?x32xf32>, tensor<1x1xf32>) -> tensor<?x32xf32>
  return %0 : tensor<?x32xf32>
}

// -----
// CHECK-LABEL: func @select_unary_cast
// CHECK: lutra.unary<exp> %{{.*}} : tensor<4xf32> -> tensor<4xf32>
// CHECK: lutra.cast %{{.*}} : tensor<4xf32> -> tensor<4xi1>
// CHECK: lutra.select %{{.*}} : (tensor<4xi1>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
func.func @select_unary_cast(%a: tensor<8xf32>, %b: tensor<f32>) -> tensor<8xf32> {
  %0 = lutra.unary<exp> %a {tile = array<i64: 4>} : tensor<8xf32> -> tensor<8xf32>
  %1 = lutra.cast %0 {tile = array<i64: 4>} : tensor<8xf32> -> tensor<8xi1>
  %2 = lutra.select %1, %0, %b {tile = array<i64: 4>} : (tensor<8xi1>, tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  return %2 : tensor<8xf32>
}

// -----
// Reduced axes are read whole.
// CHECK-LABEL: func @reduce
// CHECK: tensor.extract_slice %{{.*}}[%{{.*}}, 0] [8, 32] [1, 1]
// CHECK: lutra.reduce<sum> %{{.*}} axes = [1] : tensor<8x32xf32> -> tensor<8x1xf32>
func.func @reduce(%a: tensor<64x32xf32>) -> tensor<64x1xf32> {
  %0 = lutra.reduce<sum> %a axes = [1] {tile = array<i64: 8, 0>} : tensor<64x32xf32> -> tensor<64x1xf32>
  return %0 : tensor<64x1xf32>
}

// -----
// CHECK-LABEL: func @matmul
// CHECK: scf.for %[[M:.*]] = {{.*}} step
// CHECK:   scf.for %[[N:.*]] = {{.*}} step
// CHECK:     tensor.extract_slice %arg0[%[[M]], 0] [6, %{{.*}}] [1, 1] : tensor<12x?xf32> to tensor<6x?xf32>
// CHECK:     tensor.extract_slice %arg1[%[[N]], 0] [16, %{{.*}}] [1, 1] : tensor<64x?xf32> to tensor<16x?xf32>
// CHECK:     lutra.matmul %{{.*}}, %{{.*}} {transpose_rhs} : (tensor<6x?xf32>, tensor<16x?xf32>) -> tensor<6x16xf32>
func.func @matmul(%a: tensor<12x?xf32>, %b: tensor<64x?xf32>) -> tensor<12x64xf32> {
  %0 = lutra.matmul %a, %b {transpose_rhs, tile = array<i64: 6, 16>} : (tensor<12x?xf32>, tensor<64x?xf32>) -> tensor<12x64xf32>
  return %0 : tensor<12x64xf32>
}

// -----
// A right operand of rank 2 serves every batch.
// CHECK-LABEL: func @matmul_batch
// CHECK: tensor.extract_slice %arg0[%[[B:.*]], 0, 0] [1, 12, 32] [1, 1, 1]
// CHECK: lutra.matmul %{{.*}}, %{{.*}} : (tensor<1x12x32xf32>, tensor<32x64xf32>) -> tensor<1x12x64xf32>
func.func @matmul_batch(%a: tensor<4x12x32xf32>, %b: tensor<32x64xf32>) -> tensor<4x12x64xf32> {
  %0 = lutra.matmul %a, %b {tile = array<i64: 1, 0, 0>} : (tensor<4x12x32xf32>, tensor<32x64xf32>) -> tensor<4x12x64xf32>
  return %0 : tensor<4x12x64xf32>
}

// -----
// Four output rows of a 3 x 3 window with stride 2 read (4 - 1) * 2 + 3 = 9 input rows.
// CHECK-LABEL: func @conv
// CHECK: scf.for %[[Y:.*]] = {{.*}} step
// CHECK:   scf.for %[[F:.*]] = {{.*}} step
// CHECK:     %[[ROW:.*]] = affine.apply #{{.*}}[%[[Y]]]
// CHECK:     tensor.extract_slice %arg0[0, %[[ROW]], 0, 0] [1, 9, 17, 3] [1, 1, 1, 1]
// CHECK:     tensor.extract_slice %arg1[0, 0, 0, %[[F]]] [3, 3, 3, 8] [1, 1, 1, 1]
// CHECK:     lutra.conv<channels_last> {{.*}} : (tensor<1x9x17x3xf32>, tensor<3x3x3x8xf32>) -> tensor<1x4x8x8xf32>
func.func @conv(%a: tensor<1x17x17x3xf32>, %f: tensor<3x3x3x16xf32>) -> tensor<1x8x8x16xf32> {
  %0 = lutra.conv<channels_last> %a, %f {strides = array<i64: 2, 2>, low = array<i64: 0, 0>,
         high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64, tile = array<i64: 0, 4, 0, 8>}
         : (tensor<1x17x17x3xf32>, tensor<3x3x3x16xf32>) -> tensor<1x8x8x16xf32>
  return %0 : tensor<1x8x8x16xf32>
}

// -----
// A border of padding belongs to the op, so a padded dimension stays whole; the batch can be cut.
func.func @conv_padded(%a: tensor<4x16x3xf32>, %f: tensor<3x3x8xf32>) -> tensor<4x16x8xf32> {
  // expected-error @below {{is cut along result dimension 1, which it needs whole; leave that loop out of the tile sizes}}
  // expected-error @below {{tile operation}}
  // expected-error @below {{failed to generate tiling loops}}
  %0 = lutra.conv<channels_last> %a, %f {strides = array<i64: 1>, low = array<i64: 1>,
         high = array<i64: 1>, dilations = array<i64: 1>, groups = 1 : i64, tile = array<i64: 1, 4, 0>}
         : (tensor<4x16x3xf32>, tensor<3x3x8xf32>) -> tensor<4x16x8xf32>
  return %0 : tensor<4x16x8xf32>
}

// -----
// CHECK-LABEL: func @rows
// CHECK: lutra.softmax %{{.*}} {axis = 1 : i64} : tensor<4x32xf32>
// CHECK: lutra.layer_norm %{{.*}} scale(%arg1 : tensor<32xf32>) {dims = 1 : i64, {{.*}}} : tensor<4x32xf32> -> tensor<4x32xf32>
// CHECK: lutra.rms_norm %{{.*}} {dims = 1 : i64, {{.*}}} : tensor<4x32xf32> -> tensor<4x32xf32>
func.func @rows(%a: tensor<16x32xf32>, %g: tensor<32xf32>) -> tensor<16x32xf32> {
  %0 = lutra.softmax %a {axis = 1 : i64, tile = array<i64: 4, 0>} : tensor<16x32xf32>
  %1 = lutra.layer_norm %0 scale(%g : tensor<32xf32>) {dims = 1 : i64, epsilon = 1.0e-5 : f64, tile = array<i64: 4, 0>}
         : tensor<16x32xf32> -> tensor<16x32xf32>
  %2 = lutra.rms_norm %1 {dims = 1 : i64, epsilon = 1.0e-5 : f64, tile = array<i64: 4, 0>}
         : tensor<16x32xf32> -> tensor<16x32xf32>
  return %2 : tensor<16x32xf32>
}

// -----
func.func @softmax_axis(%a: tensor<16x32xf32>) -> tensor<16x32xf32> {
  // expected-error @below {{is cut along result dimension 1, which it needs whole}}
  // expected-error @below {{tile operation}}
  // expected-error @below {{failed to generate tiling loops}}
  %0 = lutra.softmax %a {axis = 1 : i64, tile = array<i64: 0, 8>} : tensor<16x32xf32>
  return %0 : tensor<16x32xf32>
}

// -----
// CHECK-LABEL: func @transpose
// CHECK: tensor.extract_slice %arg0[0, %{{.*}}, 0] [2, 4, 8] [1, 1, 1] : tensor<2x16x8xf32> to tensor<2x4x8xf32>
// CHECK: lutra.transpose %{{.*}} [1, 2, 0] : tensor<2x4x8xf32> -> tensor<4x8x2xf32>
func.func @transpose(%a: tensor<2x16x8xf32>) -> tensor<16x8x2xf32> {
  %0 = lutra.transpose %a [1, 2, 0] {tile = array<i64: 4, 0, 0>} : tensor<2x16x8xf32> -> tensor<16x8x2xf32>
  return %0 : tensor<16x8x2xf32>
}

// -----
// Scales of a channel follow their axis, a scalar is shared.
// CHECK-LABEL: func @quantize
// CHECK: tensor.extract_slice %arg1[%{{.*}}] [8] [1]
// CHECK: lutra.quantize %{{.*}} scale(%{{.*}} : tensor<8xf32>) {axis = 1 : i64, block = 0 : i64} : tensor<16x8xf32> -> tensor<16x8xi8>
// CHECK: lutra.dequantize %{{.*}} scale(%arg2 : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<4x32xi8> -> tensor<4x32xf32>
func.func @quantize(%a: tensor<16x32xf32>, %s: tensor<32xf32>, %t: tensor<f32>) -> tensor<16x32xf32> {
  %0 = lutra.quantize %a scale(%s : tensor<32xf32>) {axis = 1 : i64, block = 0 : i64, tile = array<i64: 0, 8>}
         : tensor<16x32xf32> -> tensor<16x32xi8>
  %1 = lutra.dequantize %0 scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64, tile = array<i64: 4, 0>}
         : tensor<16x32xi8> -> tensor<16x32xf32>
  return %1 : tensor<16x32xf32>
}

// -----
// Product, bias and activation in one nest of loops.
// CHECK-LABEL: func @fuse
// CHECK: scf.for
// CHECK:   scf.for
// CHECK:     %[[P:.*]] = lutra.matmul %{{.*}} : (tensor<6x32xf32>, tensor<32x16xf32>) -> tensor<6x16xf32>
// CHECK:     %[[S:.*]] = lutra.binary<add> %[[P]], %{{.*}} : (tensor<6x16xf32>, tensor<16xf32>) -> tensor<6x16xf32>
// CHECK:     %[[R:.*]] = lutra.unary<relu> %[[S]] : tensor<6x16xf32> -> tensor<6x16xf32>
// CHECK:     tensor.insert_slice %[[R]]
func.func @fuse(%a: tensor<12x32xf32>, %w: tensor<32x64xf32>, %b: tensor<64xf32>) -> tensor<12x64xf32> {
  %0 = lutra.matmul %a, %w : (tensor<12x32xf32>, tensor<32x64xf32>) -> tensor<12x64xf32>
  %1 = lutra.binary<add> %0, %b : (tensor<12x64xf32>, tensor<64xf32>) -> tensor<12x64xf32>
  %2 = lutra.unary<relu> %1 {tile = array<i64: 6, 16>, fuse} : tensor<12x64xf32> -> tensor<12x64xf32>
  return %2 : tensor<12x64xf32>
}
