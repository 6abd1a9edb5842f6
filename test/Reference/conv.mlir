// RUN: lutra-run %s --print | FileCheck %s

// Cross-correlation of 1 2 3 4 with (1, 10): 1 + 20, 2 + 30, 3 + 40; padded on both sides: 10, .., 4.
// CHECK: @line 0: 1x1x3xf32 = {{\[\[\[}}21, 32, 43]]]
// CHECK: @line 1: 1x1x5xf32 = {{\[\[\[}}10, 21, 32, 43, 4]]]
// Stride 2: 21, 43. Dilation 2: 1 + 30, 2 + 40.
// CHECK: @line 2: 1x1x2xf32 = {{\[\[\[}}21, 43]]]
// CHECK: @line 3: 1x1x2xf32 = {{\[\[\[}}31, 42]]]
func.func @line() -> (tensor<1x1x3xf32>, tensor<1x1x5xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>) {
  %x = lutra.constant dense<[[[1.0, 2.0, 3.0, 4.0]]]> : tensor<1x1x4xf32>
  %f = lutra.constant dense<[[[1.0, 10.0]]]> : tensor<1x1x2xf32>
  %0 = lutra.conv<channels_first> %x, %f {strides = array<i64: 1>, low = array<i64: 0>, high = array<i64: 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x1x4xf32>, tensor<1x1x2xf32>) -> tensor<1x1x3xf32>
  %1 = lutra.conv<channels_first> %x, %f {strides = array<i64: 1>, low = array<i64: 1>, high = array<i64: 1>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x1x4xf32>, tensor<1x1x2xf32>) -> tensor<1x1x5xf32>
  %2 = lutra.conv<channels_first> %x, %f {strides = array<i64: 2>, low = array<i64: 0>, high = array<i64: 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x1x4xf32>, tensor<1x1x2xf32>) -> tensor<1x1x2xf32>
  %3 = lutra.conv<channels_first> %x, %f {strides = array<i64: 1>, low = array<i64: 0>, high = array<i64: 0>, dilations = array<i64: 2>, groups = 1 : i64} : (tensor<1x1x4xf32>, tensor<1x1x2xf32>) -> tensor<1x1x2xf32>
  return %0, %1, %2, %3 : tensor<1x1x3xf32>, tensor<1x1x5xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>
}

// Two groups: channel 0 (1, 2) by 3, channel 1 (10, 20) by 5; the same in the other layout.
// CHECK: @groups 0: 1x2x2xf32 = {{\[\[\[}}3, 6], [50, 100]]]
// CHECK: @groups 1: 1x2x2xf32 = {{\[\[\[}}3, 50], [6, 100]]]
func.func @groups() -> (tensor<1x2x2xf32>, tensor<1x2x2xf32>) {
  %x = lutra.constant dense<[[[1.0, 2.0], [10.0, 20.0]]]> : tensor<1x2x2xf32>
  %f = lutra.constant dense<[[[3.0]], [[5.0]]]> : tensor<2x1x1xf32>
  %xl = lutra.constant dense<[[[1.0, 10.0], [2.0, 20.0]]]> : tensor<1x2x2xf32>
  %fl = lutra.constant dense<[[[3.0, 5.0]]]> : tensor<1x1x2xf32>
  %0 = lutra.conv<channels_first> %x, %f {strides = array<i64: 1>, low = array<i64: 0>, high = array<i64: 0>, dilations = array<i64: 1>, groups = 2 : i64} : (tensor<1x2x2xf32>, tensor<2x1x1xf32>) -> tensor<1x2x2xf32>
  %1 = lutra.conv<channels_last> %xl, %fl {strides = array<i64: 1>, low = array<i64: 0>, high = array<i64: 0>, dilations = array<i64: 1>, groups = 2 : i64} : (tensor<1x2x2xf32>, tensor<1x1x2xf32>) -> tensor<1x2x2xf32>
  return %0, %1 : tensor<1x2x2xf32>, tensor<1x2x2xf32>
}

// 1 and 2 spread by stride 2 over (1, 10, 100): 1, 10, 100 + 2, 20, 200; one cut off the front.
// CHECK: @transposed 0: 1x1x5xf32 = {{\[\[\[}}1, 10, 102, 20, 200]]]
// CHECK: @transposed 1: 1x1x5xf32 = {{\[\[\[}}10, 102, 20, 200, 0]]]
func.func @transposed() -> (tensor<1x1x5xf32>, tensor<1x1x5xf32>) {
  %x = lutra.constant dense<[[[1.0, 2.0]]]> : tensor<1x1x2xf32>
  %f = lutra.constant dense<[[[1.0, 10.0, 100.0]]]> : tensor<1x1x3xf32>
  %0 = lutra.conv_transpose %x, %f {strides = array<i64: 2>, low = array<i64: 0>, high = array<i64: 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x1x2xf32>, tensor<1x1x3xf32>) -> tensor<1x1x5xf32>
  %1 = lutra.conv_transpose %x, %f {strides = array<i64: 2>, low = array<i64: 1>, high = array<i64: 0>, output_padding = array<i64: 1>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x1x2xf32>, tensor<1x1x3xf32>) -> tensor<1x1x5xf32>
  return %0, %1 : tensor<1x1x5xf32>, tensor<1x1x5xf32>
}
