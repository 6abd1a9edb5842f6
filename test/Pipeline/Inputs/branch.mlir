lutra.global @w : tensor<96x96xf32> = dense<1.5> : tensor<96x96xf32>
lutra.global @v : tensor<96x96xf32> = dense<0.5> : tensor<96x96xf32>
func.func @main(%x: tensor<?x96xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]}, %c: tensor<?xi64> {lutra.name = "attention_mask", lutra.dim_names = ["n"]}) -> tensor<?x96xf32> {
  %w = lutra.weight @w : tensor<96x96xf32>
  %n = arith.constant 0 : index
  %four = arith.constant 4 : index
  %size = tensor.dim %x, %n : tensor<?x96xf32>
  %is = arith.cmpi ugt, %size, %four : index
  %a = lutra.matmul %x, %w : (tensor<?x96xf32>, tensor<96x96xf32>) -> tensor<?x96xf32>
  %r = scf.if %is -> (tensor<?x96xf32>) {
    %v = lutra.weight @v : tensor<96x96xf32>
    %b = lutra.unary<relu> %a : tensor<?x96xf32> -> tensor<?x96xf32>
    %d = lutra.matmul %b, %v : (tensor<?x96xf32>, tensor<96x96xf32>) -> tensor<?x96xf32>
    scf.yield %d : tensor<?x96xf32>
  } else {
    scf.yield %a : tensor<?x96xf32>
  }
  return %r : tensor<?x96xf32>
}
