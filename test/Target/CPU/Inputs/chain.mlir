// Two launches, a weight, a run-time size: y = (x + w) * 2 + w.
lutra.global @w : tensor<5xf32> = dense<[1.0, 2.0, 3.0, 4.0, 5.0]> : tensor<5xf32>
lutra.kernel @double(%a: tensor<?x5xf32>, %b: tensor<5xf32>) -> tensor<?x5xf32> {
  %s = lutra.binary<add> %a, %b : (tensor<?x5xf32>, tensor<5xf32>) -> tensor<?x5xf32>
  %r = lutra.binary<add> %s, %s : (tensor<?x5xf32>, tensor<?x5xf32>) -> tensor<?x5xf32>
  lutra.yield %r : tensor<?x5xf32>
}
lutra.kernel @shift(%a: tensor<?x5xf32>, %b: tensor<5xf32>) -> tensor<?x5xf32> {
  %r = lutra.binary<add> %a, %b : (tensor<?x5xf32>, tensor<5xf32>) -> tensor<?x5xf32>
  lutra.yield %r : tensor<?x5xf32>
}
func.func @main(%x: tensor<?x5xf32> {lutra.name = "x", lutra.dim_names = ["rows", ""]})
    -> (tensor<?x5xf32> {lutra.name = "y", lutra.dim_names = ["rows", ""]}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x5xf32>
  %w = lutra.weight @w : tensor<5xf32>
  %h = lutra.launch @double(%x, %w) sizes(%n) : (tensor<?x5xf32>, tensor<5xf32>) -> tensor<?x5xf32>
  %y = lutra.launch @shift(%h, %w) sizes(%n) : (tensor<?x5xf32>, tensor<5xf32>) -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}
