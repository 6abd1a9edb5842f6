// RUN: lutra-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: mil.func @main
// CHECK-SAME: attributes {input_names = ["x"], spec = 9 : i64}
mil.func @main(%x: tensor<2x3xf16>) -> (tensor<2x4xf16>, tensor<4x3xf16>)
    attributes {input_names = ["x"], spec = 9 : i64} {
  // CHECK: %[[W:.*]] = mil.const "w" dense<1.000000e+00> : tensor<4x3xf16>
  %w = mil.const "w" dense<1.0> : tensor<4x3xf16>
  // CHECK: %[[L:.*]] = mil.apply "linear"(x = %{{.*}}, weight = %[[W]]) as "h" : (tensor<2x3xf16>, tensor<4x3xf16>) -> tensor<2x4xf16>
  %h = mil.apply "linear"(x = %x, weight = %w) as "h" : (tensor<2x3xf16>, tensor<4x3xf16>) -> tensor<2x4xf16>
  // CHECK: mil.apply "softmax"(x = %[[L]]) {axis = -1 : i32} as "p"
  %p = mil.apply "softmax"(x = %h) {axis = -1 : i32} as "p" : (tensor<2x4xf16>) -> tensor<2x4xf16>
  // CHECK: mil.apply "concat"(values = %{{.*}}, values = %{{.*}}) {axis = 0 : i32, interleave = false} as "c"
  %c = mil.apply "concat"(values = %x, values = %x) {axis = 0 : i32, interleave = false} as "c"
         : (tensor<2x3xf16>, tensor<2x3xf16>) -> tensor<4x3xf16>
  // CHECK: mil.return
  mil.return %p, %c : tensor<2x4xf16>, tensor<4x3xf16>
}

// Result types of the rules that no other test names.
// CHECK-LABEL: mil.func @rules
mil.func @rules(%x: tensor<1x4x9x9xf32>, %i: tensor<2x3xi32>) -> tensor<1x6x4x4xf32>
    attributes {input_names = ["x", "i"], spec = 8 : i64} {
  %w = mil.const "w" dense<1.0> : tensor<6x2x3x3xf32>
  %a = mil.apply "conv"(x = %x, weight = %w) {strides = array<i32: 2, 2>, pad_type = "custom", pad = array<i32: 0, 0, 0, 0>, dilations = array<i32: 1, 1>, groups = 2 : i32}
         as "a" : (tensor<1x4x9x9xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x4x4xf32>
  %b = mil.apply "max_pool"(x = %x) {kernel_sizes = array<i32: 2, 2>, strides = array<i32: 2, 2>, pad_type = "custom", pad = array<i32: 0, 0, 0, 0>, ceil_mode = true}
         as "b" : (tensor<1x4x9x9xf32>) -> tensor<1x4x5x5xf32>
  %c = mil.apply "reduce_sum"(x = %x) {axes = array<i32: -1, 2>, keep_dims = false} as "c" : (tensor<1x4x9x9xf32>) -> tensor<1x4xf32>
  %d = mil.apply "gather"(x = %x, indices = %i) {axis = 1 : i32, batch_dims = 0 : i32, validate_indices = false}
         as "d" : (tensor<1x4x9x9xf32>, tensor<2x3xi32>) -> tensor<1x2x3x9x9xf32>
  %e = mil.apply "slice_by_index"(x = %x) {begin = array<i32: 0, 3, 8, 1>, end = array<i32: 1, 0, 0, 0>, stride = array<i32: 1, -1, -3, 2>, end_mask = array<i1: false, true, false, true>, squeeze_mask = array<i1: true, false, false, false>}
         as "e" : (tensor<1x4x9x9xf32>) -> tensor<4x3x4xf32>
  %f = mil.apply "transpose"(x = %x) {perm = array<i32: 0, 2, 3, 1>} as "f" : (tensor<1x4x9x9xf32>) -> tensor<1x9x9x4xf32>
  %g = mil.apply "matmul"(x = %f, y = %f) {transpose_x = false, transpose_y = true} as "g" : (tensor<1x9x9x4xf32>, tensor<1x9x9x4xf32>) -> tensor<1x9x9x9xf32>
  %c_s = mil.const "zero" dense<0.0> : tensor<f32>
  %h = mil.apply "greater"(x = %g, y = %c_s) as "h" : (tensor<1x9x9x9xf32>, tensor<f32>) -> tensor<1x9x9x9xi1>
  mil.return %a : tensor<1x6x4x4xf32>
}
