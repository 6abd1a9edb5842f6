// Filters whose values codes of 8 bits name exactly give what their convolutions give, whatever strides and dimensions. Those
// that codes of 2 bits change do not.
// RUN: lutra-run %s --before-after="lutra-quantize-weights{spec=layer(image).weights=int8,layer(sound).weights=int8}" --seed=7 --dim=b=3
// RUN: lutra-run %s --before-after="lutra-quantize-weights{spec=layer(image).weights=int8,layer(sound).weights=int8}" --seed=7 --dim=b=0
// RUN: not lutra-run %s --before-after="lutra-quantize-weights{spec=layer(image).weights=int2,layer(sound).weights=int8}" --seed=7 --dim=b=3
lutra.global @image : tensor<3x4x1x1xf32> = dense<[[[[63.5]], [[-1.0]], [[2.5]], [[7.0]]], [[[-63.5]], [[12.0]], [[0.5]], [[-30.0]]], [[[3.0]], [[63.5]], [[-20.5]], [[11.0]]]]> : tensor<3x4x1x1xf32>
lutra.global @sound : tensor<2x4x1xf32> = dense<[[[1.5], [63.5], [-2.5], [9.0]], [[8.0], [-5.5], [0.0], [63.5]]]> : tensor<2x4x1xf32>
func.func @main(%x: tensor<?x4x5x6xf32> {lutra.name = "x", lutra.dim_names = ["b", "", "", ""]}, %y: tensor<2x4x7xf32>)
    -> (tensor<?x3x5x6xf32>, tensor<?x3x3x2xf32>, tensor<2x2x7xf32>) {
  %w = lutra.weight @image : tensor<3x4x1x1xf32>
  %v = lutra.weight @sound : tensor<2x4x1xf32>
  %a = lutra.conv<channels_first> %x, %w {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x4x5x6xf32>, tensor<3x4x1x1xf32>) -> tensor<?x3x5x6xf32>
  %b = lutra.conv<channels_first> %x, %w {strides = array<i64: 2, 3>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x4x5x6xf32>, tensor<3x4x1x1xf32>) -> tensor<?x3x3x2xf32>
  %c = lutra.conv<channels_first> %y, %v {strides = array<i64: 1>, low = array<i64: 0>, high = array<i64: 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<2x4x7xf32>, tensor<2x4x1xf32>) -> tensor<2x2x7xf32>
  return %a, %b, %c : tensor<?x3x5x6xf32>, tensor<?x3x3x2xf32>, tensor<2x2x7xf32>
}
