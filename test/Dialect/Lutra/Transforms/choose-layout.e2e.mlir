// REQUIRES: lutra-run
// RUN: lutra-run %s --before-after=lutra-choose-layout --seed=7
// Taps and channels are summed in another order: within the bound of the sums.
lutra.global @f : tensor<4x4x3x3xf32> = dense<0.5> : tensor<4x4x3x3xf32>
lutra.global @g : tensor<4x4x1x1xf32> = dense<0.25> : tensor<4x4x1x1xf32>
func.func @main(%x: tensor<2x4x8x8xf32>) -> tensor<2x4x4x4xf32> {
  %f = lutra.weight @f : tensor<4x4x3x3xf32>
  %g = lutra.weight @g : tensor<4x4x1x1xf32>
  %bias = lutra.constant dense<[[[1.0]], [[2.0]], [[3.0]], [[4.0]]]> : tensor<4x1x1xf32>
  %a = lutra.conv<channels_first> %x, %f {strides = array<i64: 1, 1>, low = array<i64: 1, 1>, high = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<2x4x8x8xf32>, tensor<4x4x3x3xf32>) -> tensor<2x4x8x8xf32>
  %b = lutra.binary<add> %a, %bias : (tensor<2x4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<2x4x8x8xf32>
  %c = lutra.conv<channels_first> %b, %g {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<2x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x8x8xf32>
  %i = lutra.conv<channels_first> %x, %g {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<2x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x8x8xf32>
  %d = lutra.binary<add> %c, %i : (tensor<2x4x8x8xf32>, tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %e = lutra.pool<max> %d {layout = #lutra.conv_layout<channels_first>, window = array<i64: 2, 2>, strides = array<i64: 2, 2>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>} : tensor<2x4x8x8xf32> -> tensor<2x4x4x4xf32>
  return %e : tensor<2x4x4x4xf32>
}
