// softmax(relu(x w1^T + b1) w2^T + b2) of fixed size, for every target.
lutra.global @w1 : tensor<24x16xf32> = dense<0.01> : tensor<24x16xf32>
lutra.global @w2 : tensor<12x24xf32> = dense<0.02> : tensor<12x24xf32>
func.func @main(%x: tensor<4x16xf32> {lutra.name = "x", lutra.dim_names = ["", ""]})
    -> (tensor<4x12xf32> {lutra.name = "y", lutra.dim_names = ["", ""]}) {
  %w1 = lutra.weight @w1 : tensor<24x16xf32>
  %w2 = lutra.weight @w2 : tensor<12x24xf32>
  %h = lutra.matmul %x, %w1 {transpose_rhs} : (tensor<4x16xf32>, tensor<24x16xf32>) -> tensor<4x24xf32>
  %a = lutra.unary<relu> %h : tensor<4x24xf32> -> tensor<4x24xf32>
  %l = lutra.matmul %a, %w2 {transpose_rhs} : (tensor<4x24xf32>, tensor<12x24xf32>) -> tensor<4x12xf32>
  %y = lutra.softmax %l {axis = 1 : i64} : tensor<4x12xf32>
  return %y : tensor<4x12xf32>
}
