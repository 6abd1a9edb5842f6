// 72 MB of weights, added to x.
lutra.global @w : tensor<180000x100xf32> = dense<1.5> : tensor<180000x100xf32>
func.func @main(%x: tensor<180000x100xf32> {lutra.name = "x"}) -> (tensor<180000x100xf32> {lutra.name = "y"}) {
  %w = lutra.weight @w : tensor<180000x100xf32>
  %y = lutra.binary<add> %x, %w : (tensor<180000x100xf32>, tensor<180000x100xf32>) -> tensor<180000x100xf32>
  return %y : tensor<180000x100xf32>
}
