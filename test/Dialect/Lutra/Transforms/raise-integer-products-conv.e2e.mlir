// Convolutions of codes are those of what they mean, in the evaluator and as machine code: an odd number of channels,
// zero points on both sides, padding, strides and dilations, a window of one pixel with more than one panel of filters,
// rows that are cut into tiles, an unknown number of images; and convolutions that were integers from the start.
// RUN: lutra-run %s --before-after=lutra-raise-integer-products --seed=7 --dim=n=1
// RUN: lutra-run %s --before-after=lutra-raise-integer-products --seed=7 --dim=n=2
// RUN: lutra-run %s --before-after=lutra-raise-integer-products --seed=8 --dim=n=1 --values=saturating
// RUN: not lutra-run %s --before-after=lutra-raise-integer-products --seed=7 --dim=n=2 --corrupt=0
// REQUIRES: lutra-compile, avx2
// RUN: lutra-compile %s --target-cpu=avx2 -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=7 --dim=n=1
// RUN: lutra-run %t.so --compare=%s --seed=7 --dim=n=3 --values=saturating
// RUN: lutra-compile %s --target-cpu=baseline -o %t.baseline.so
// RUN: lutra-run %t.baseline.so --compare=%s --seed=7 --dim=n=2
// RUN: not lutra-run %t.so --compare=%s --seed=7 --dim=n=1 --corrupt=0

lutra.global @w : tensor<5x3x2x3xi8> = dense<[[[[2, 55, -114], [110, -1, -102]], [[-48, -71, 62], [112, -2, 66]], [[-76, -1, -122], [-18, 80, 15]]], [[[-35, 71, -47], [-92, -57, 99]], [[-64, -61, -128], [-126, -21, -18]], [[-44, -43, 20], [32, -27, -24]]], [[[-35, -28, 68], [24, -117, 56]], [[84, -44, -54], [7, -95, 41]], [[26, -127, 45], [-95, 30, 53]]], [[[28, 118, 33], [-34, 118, 113]], [[-38, -99, 3], [-117, 55, 78]], [[-119, 86, 59], [64, -124, 103]]], [[[-105, -36, -28], [-68, -3, 108]], [[48, 53, 0], [108, -73, 60]], [[23, -110, 93], [-82, -22, 46]]]]> : tensor<5x3x2x3xi8>
lutra.global @u : tensor<17x4x1x1xui8> = dense<[[[[185]], [[75]], [[174]], [[141]]], [[[47]], [[159]], [[162]], [[156]]], [[[90]], [[40]], [[76]], [[158]]], [[[247]], [[82]], [[24]], [[41]]], [[[207]], [[16]], [[121]], [[176]]], [[[128]], [[233]], [[215]], [[74]]], [[[28]], [[16]], [[252]], [[171]]], [[[106]], [[66]], [[67]], [[211]]], [[[54]], [[86]], [[222]], [[190]]], [[[76]], [[30]], [[215]], [[150]]], [[[72]], [[232]], [[86]], [[232]]], [[[249]], [[162]], [[245]], [[140]]], [[[149]], [[240]], [[206]], [[75]]], [[[57]], [[193]], [[91]], [[255]]], [[[173]], [[92]], [[45]], [[251]]], [[[139]], [[184]], [[32]], [[182]]], [[[17]], [[156]], [[186]], [[143]]]]> : tensor<17x4x1x1xui8>
lutra.global @v : tensor<3x3x3x3xi8> = dense<[[[[-127, -127, -126], [-126, -127, -127], [-126, -128, -126]], [[-128, -127, -126], [-127, -127, -126], [-127, -127, -127]], [[-126, -126, -126], [-127, -127, -127], [-126, -127, -126]]], [[[-127, -127, -128], [-126, -127, -127], [-127, -126, -128]], [[-126, -128, -128], [-127, -127, -127], [-126, -128, -126]], [[-126, -126, -127], [-128, -126, -126], [-126, -126, -127]]], [[[-127, -126, -126], [-126, -127, -126], [-128, -128, -128]], [[-126, -127, -126], [-126, -128, -128], [-126, -128, -126]], [[-126, -128, -127], [-128, -128, -128], [-128, -128, -127]]]]> : tensor<3x3x3x3xi8>
func.func @main(%x: tensor<?x3x7x21xui8> {lutra.name = "x", lutra.dim_names = ["n", "", "", ""]}, %y: tensor<2x4x3x9xi8> {lutra.name = "y"}, %z: tensor<1x3x6x8xi8> {lutra.name = "z"}) -> (tensor<?x5x7x11xf32>, tensor<2x17x3x9xf32>, tensor<1x3x6x8xi32>) {
  %w = lutra.weight @w : tensor<5x3x2x3xi8>
  %u = lutra.weight @u : tensor<17x4x1x1xui8>
  %v = lutra.weight @v : tensor<3x3x3x3xi8>
  %sx = lutra.constant dense<0.037> : tensor<f32>
  %zx = lutra.constant dense<131> : tensor<ui8>
  %sy = lutra.constant dense<0.11> : tensor<f32>
  %sw = lutra.constant dense<[0.5, 0.03, 1.7, 0.002, 0.4]> : tensor<5xf32>
  %zw = lutra.constant dense<[0, 3, -7, 100, -128]> : tensor<5xi8>
  %su = lutra.constant dense<0.02> : tensor<f32>
  %l = lutra.dequantize %x scale(%sx : tensor<f32>) zero_point(%zx : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<?x3x7x21xui8> -> tensor<?x3x7x21xf32>
  %r = lutra.dequantize %w scale(%sw : tensor<5xf32>) zero_point(%zw : tensor<5xi8>) {axis = 0 : i64, block = 0 : i64} : tensor<5x3x2x3xi8> -> tensor<5x3x2x3xf32>
  %a = lutra.conv<channels_first> %l, %r {strides = array<i64: 1, 2>, low = array<i64: 1, 0>, high = array<i64: 1, 2>, dilations = array<i64: 2, 1>, groups = 1 : i64} : (tensor<?x3x7x21xf32>, tensor<5x3x2x3xf32>) -> tensor<?x5x7x11xf32>
  %m = lutra.dequantize %y scale(%sy : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2x4x3x9xi8> -> tensor<2x4x3x9xf32>
  %s = lutra.dequantize %u scale(%su : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<17x4x1x1xui8> -> tensor<17x4x1x1xf32>
  %b = lutra.conv<channels_first> %m, %s {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<2x4x3x9xf32>, tensor<17x4x1x1xf32>) -> tensor<2x17x3x9xf32>
  %c = lutra.conv<channels_first> %z, %v {strides = array<i64: 1, 1>, low = array<i64: 1, 1>, high = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x3x6x8xi8>, tensor<3x3x3x3xi8>) -> tensor<1x3x6x8xi32>
  return %a, %b, %c : tensor<?x5x7x11xf32>, tensor<2x17x3x9xf32>, tensor<1x3x6x8xi32>
}
