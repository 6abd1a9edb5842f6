// A product of 12 rows with a weight.
lutra.global @w : tensor<64x32xf32> = dense<0.5> : tensor<64x32xf32>
lutra.kernel @product(%a: tensor<12x64xf32>, %b: tensor<64x32xf32>) -> tensor<12x32xf32> {
  %r = lutra.matmul %a, %b : (tensor<12x64xf32>, tensor<64x32xf32>) -> tensor<12x32xf32>
  lutra.yield %r : tensor<12x32xf32>
}
func.func @main(%x: tensor<12x64xf32> {lutra.name = "x"}) -> (tensor<12x32xf32> {lutra.name = "y"}) {
  %w = lutra.weight @w : tensor<64x32xf32>
  %y = lutra.launch @product(%x, %w) sizes() : (tensor<12x64xf32>, tensor<64x32xf32>) -> tensor<12x32xf32>
  return %y : tensor<12x32xf32>
}
