// RUN: lutra-run %s --print | FileCheck %s

// Windows of 2 by steps of 2 over -1 -2 -3 (padded by one in front): max(-1), max(-2, -3).
// CHECK: @windows 0: 1x1x2xf32 = {{\[\[\[}}-1, -2]]]
// The mean without padding: -1, -2.5; with it: -0.5, -2.5.
// CHECK: @windows 1: 1x1x2xf32 = {{\[\[\[}}-1, -2.5]]]
// CHECK: @windows 2: 1x1x2xf32 = {{\[\[\[}}-0.5, -2.5]]]
// Rounded up, the last window holds -3 alone; its divisor is 1, not 2.
// CHECK: @windows 3: 1x1x2xf32 = {{\[\[\[}}-1.5, -3]]]
func.func @windows() -> (tensor<1x1x2xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>) {
  %x = lutra.constant dense<[[[-1.0, -2.0, -3.0]]]> : tensor<1x1x3xf32>
  %0 = lutra.pool<max> %x {layout = #lutra.conv_layout<channels_first>, window = array<i64: 2>, strides = array<i64: 2>, low = array<i64: 1>, high = array<i64: 0>, dilations = array<i64: 1>} : tensor<1x1x3xf32> -> tensor<1x1x2xf32>
  %1 = lutra.pool<average> %x {layout = #lutra.conv_layout<channels_first>, window = array<i64: 2>, strides = array<i64: 2>, low = array<i64: 1>, high = array<i64: 0>, dilations = array<i64: 1>} : tensor<1x1x3xf32> -> tensor<1x1x2xf32>
  %2 = lutra.pool<average> %x {layout = #lutra.conv_layout<channels_first>, window = array<i64: 2>, strides = array<i64: 2>, low = array<i64: 1>, high = array<i64: 0>, dilations = array<i64: 1>, count_padding} : tensor<1x1x3xf32> -> tensor<1x1x2xf32>
  %3 = lutra.pool<average> %x {layout = #lutra.conv_layout<channels_first>, window = array<i64: 2>, strides = array<i64: 2>, low = array<i64: 0>, high = array<i64: 0>, dilations = array<i64: 1>, count_padding, ceil_mode} : tensor<1x1x3xf32> -> tensor<1x1x2xf32>
  return %0, %1, %2, %3 : tensor<1x1x2xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>
}

// Two channels last.
// CHECK: @channels_last 0: 1x1x2xi8 = {{\[\[\[}}3, 9]]]
func.func @channels_last() -> tensor<1x1x2xi8> {
  %x = lutra.constant dense<[[[3, 7], [-1, 9]]]> : tensor<1x2x2xi8>
  %r = lutra.pool<max> %x {layout = #lutra.conv_layout<channels_last>, window = array<i64: 2>, strides = array<i64: 1>, low = array<i64: 0>, high = array<i64: 0>, dilations = array<i64: 1>} : tensor<1x2x2xi8> -> tensor<1x1x2xi8>
  return %r : tensor<1x1x2xi8>
}
