// RUN: lutra-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @matmul
func.func @matmul(%a: tensor<?x4xf32>, %b: tensor<8x4xf32>, %c: tensor<2x4x?xui8>, %d: tensor<2x4x3xi8>)
    -> tensor<?x8xf32> {
  // CHECK: lutra.matmul %{{.*}}, %{{.*}} {transpose_rhs} : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  %0 = lutra.matmul %a, %b {transpose_rhs} : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  // CHECK: lutra.matmul %{{.*}}, %{{.*}} {transpose_lhs} : (tensor<2x4x?xui8>, tensor<2x4x3xi8>) -> tensor<2x?x3xi32>
  %1 = lutra.matmul %c, %d {transpose_lhs} : (tensor<2x4x?xui8>, tensor<2x4x3xi8>) -> tensor<2x?x3xi32>
  // CHECK: strategy = #lutra.strategy<"tiled">
  %2 = lutra.matmul %a, %b {transpose_rhs, strategy = #lutra.strategy<"tiled">}
         : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// A packed rhs keeps its logical shape.
// CHECK-LABEL: func @matmul_packed
func.func @matmul_packed(%a: tensor<?x4xf32>, %b: tensor<4x8xf32, #lutra.packing<width = 16, depth = 1>>)
    -> tensor<?x8xf32> {
  // CHECK: lutra.matmul %{{.*}}, %{{.*}} : (tensor<?x4xf32>, tensor<4x8xf32, #lutra.packing<width = 16, depth = 1>>)
  %0 = lutra.matmul %a, %b : (tensor<?x4xf32>, tensor<4x8xf32, #lutra.packing<width = 16, depth = 1>>)
         -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// CHECK-LABEL: func @conv
func.func @conv(%a: tensor<?x8x8x3xf32>, %f: tensor<3x3x3x16xf32>, %b: tensor<1x4x?xf32>, %g: tensor<6x2x3xf32>)
    -> tensor<?x4x4x16xf32> {
  // CHECK: lutra.conv<channels_last> %{{.*}}, %{{.*}} {
  // CHECK-SAME: (tensor<?x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<?x4x4x16xf32>
  %0 = lutra.conv<channels_last> %a, %f {strides = array<i64: 2, 2>, low = array<i64: 1, 1>,
         high = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
         : (tensor<?x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<?x4x4x16xf32>
  // CHECK: lutra.conv<channels_first> %{{.*}}, %{{.*}} {
  // CHECK-SAME: groups = 2 : i64
  // CHECK-SAME: (tensor<1x4x?xf32>, tensor<6x2x3xf32>) -> tensor<1x6x?xf32>
  %1 = lutra.conv<channels_first> %b, %g {strides = array<i64: 1>, low = array<i64: 0>,
         high = array<i64: 0>, dilations = array<i64: 2>, groups = 2 : i64}
         : (tensor<1x4x?xf32>, tensor<6x2x3xf32>) -> tensor<1x6x?xf32>
  return %0 : tensor<?x4x4x16xf32>
}

// CHECK-LABEL: func @conv_transpose
func.func @conv_transpose(%a: tensor<?x3x8xf32>, %f: tensor<3x4x2xf32>) -> tensor<?x4x16xf32> {
  // CHECK: lutra.conv_transpose %{{.*}}, %{{.*}} {
  // CHECK-SAME: (tensor<?x3x8xf32>, tensor<3x4x2xf32>) -> tensor<?x4x16xf32>
  %0 = lutra.conv_transpose %a, %f {strides = array<i64: 2>, low = array<i64: 0>,
         high = array<i64: 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>,
         groups = 1 : i64} : (tensor<?x3x8xf32>, tensor<3x4x2xf32>) -> tensor<?x4x16xf32>
  return %0 : tensor<?x4x16xf32>
}

// With ceil_mode no window starts behind the input: 5 elements, window 1, stride 3 give 2, not 3.
// CHECK-LABEL: func @pool
func.func @pool(%a: tensor<?x3x8x8xf32>, %b: tensor<1x5x2xf32>) -> tensor<?x3x4x4xf32> {
  // CHECK: lutra.pool<max> %{{.*}} {
  // CHECK-SAME: tensor<?x3x8x8xf32> -> tensor<?x3x4x4xf32>
  %0 = lutra.pool<max> %a {layout = #lutra.conv_layout<channels_first>,
         window = array<i64: 2, 2>, strides = array<i64: 2, 2>, low = array<i64: 0, 0>,
         high = array<i64: 0, 0>, dilations = array<i64: 1, 1>}
         : tensor<?x3x8x8xf32> -> tensor<?x3x4x4xf32>
  // CHECK: lutra.pool<average> %{{.*}} {ceil_mode, count_padding
  // CHECK-SAME: tensor<1x5x2xf32> -> tensor<1x2x2xf32>
  %1 = lutra.pool<average> %b {layout = #lutra.conv_layout<channels_last>, ceil_mode, count_padding,
         window = array<i64: 1>, strides = array<i64: 3>, low = array<i64: 0>,
         high = array<i64: 1>, dilations = array<i64: 1>} : tensor<1x5x2xf32> -> tensor<1x2x2xf32>
  return %0 : tensor<?x3x4x4xf32>
}

// CHECK-LABEL: func @lstm
func.func @lstm(%x: tensor<?x1x4xf32>, %w: tensor<2x32x4xf32>, %r: tensor<2x32x8xf32>,
                %b: tensor<2x64xf32>, %s: tensor<2x1x8xf32>) -> tensor<?x2x1x8xf32> {
  // CHECK: lutra.lstm<bidirectional> %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} :
  %y, %h, %c = lutra.lstm<bidirectional> %x, %w, %r, %b, %s, %s
    : (tensor<?x1x4xf32>, tensor<2x32x4xf32>, tensor<2x32x8xf32>, tensor<2x64xf32>,
       tensor<2x1x8xf32>, tensor<2x1x8xf32>)
    -> (tensor<?x2x1x8xf32>, tensor<2x1x8xf32>, tensor<2x1x8xf32>)
  return %y : tensor<?x2x1x8xf32>
}

// CHECK-LABEL: func @matmul_scaled
func.func @matmul_scaled(%q: tensor<?x64xi8>, %s: tensor<?x2xf32>, %w: tensor<8x64xf32>) -> tensor<?x8xf32> {
  // CHECK: lutra.matmul %{{.*}}, %{{.*}} scale(%{{.*}} : tensor<?x2xf32>) {block = 32 : i64, transpose_rhs} : (tensor<?x64xi8>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %r = lutra.matmul %q, %w scale(%s : tensor<?x2xf32>) {transpose_rhs, block = 32 : i64} : (tensor<?x64xi8>, tensor<8x64xf32>) -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}
