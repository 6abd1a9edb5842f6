// REQUIRES: lutra-run
// RUN: lutra-run %s --before-after=lutra-fold-weights --seed=7 --exact
// RUN: lutra-run %s --before-after=lutra-fold-weights --seed=7 --exact --function=halves
lutra.global @w : tensor<2x3x5xf32> = dense<[[[0.0, 1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0, 9.0], [10.0, 11.0, 12.0, 13.0, 14.0]], [[15.0, 16.0, 17.0, 18.0, 19.0], [20.0, 21.0, 22.0, 23.0, 24.0], [25.0, 26.0, 27.0, 28.0, 29.0]]]> : tensor<2x3x5xf32>
func.func @main(%x: tensor<5x2x3xf32>) -> tensor<5x2x3xf32> {
  %w = lutra.weight @w : tensor<2x3x5xf32>
  %t = lutra.transpose %w [2, 0, 1] : tensor<2x3x5xf32> -> tensor<5x2x3xf32>
  %y = lutra.binary<add> %x, %t : (tensor<5x2x3xf32>, tensor<5x2x3xf32>) -> tensor<5x2x3xf32>
  return %y : tensor<5x2x3xf32>
}

lutra.global @half : tensor<2x3xf16> = dense<[[1.5, -0.0, 65504.0], [5.96046e-08, 0x7C00, -2.25]]> : tensor<2x3xf16>
func.func @halves(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<3xf32>) {
  %w = lutra.weight @half : tensor<2x3xf16>
  %a = lutra.cast %w : tensor<2x3xf16> -> tensor<2x3xf32>
  %y = lutra.binary<max> %x, %a : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %c = lutra.constant dense<[3.140625, 1.0e-40, -1.0e38]> : tensor<3xbf16>
  %b = lutra.cast %c : tensor<3xbf16> -> tensor<3xf32>
  return %y, %b : tensor<2x3xf32>, tensor<3xf32>
}
