// Two products with bias, one with an activation, a softmax: y = softmax(relu(x w1^T + b1) w2 + b2).
lutra.global @w1 : tensor<512x256xf32> = dense<0.01> : tensor<512x256xf32>
lutra.global @b1 : tensor<512xf32> = dense<0.5> : tensor<512xf32>
lutra.global @w2 : tensor<512x10xf32> = dense<0.02> : tensor<512x10xf32>
lutra.global @b2 : tensor<10xf32> = dense<-0.5> : tensor<10xf32>
lutra.kernel @dense(%x: tensor<?x256xf32>, %w: tensor<512x256xf32>, %b: tensor<512xf32>) -> tensor<?x512xf32> {
  %0 = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x256xf32>, tensor<512x256xf32>) -> tensor<?x512xf32>
  %1 = lutra.binary<add> %0, %b : (tensor<?x512xf32>, tensor<512xf32>) -> tensor<?x512xf32>
  %2 = lutra.unary<relu> %1 : tensor<?x512xf32> -> tensor<?x512xf32>
  lutra.yield %2 : tensor<?x512xf32>
}
lutra.kernel @last(%x: tensor<?x512xf32>, %w: tensor<512x10xf32>, %b: tensor<10xf32>) -> tensor<?x10xf32> {
  %0 = lutra.matmul %x, %w : (tensor<?x512xf32>, tensor<512x10xf32>) -> tensor<?x10xf32>
  %1 = lutra.binary<add> %0, %b : (tensor<?x10xf32>, tensor<10xf32>) -> tensor<?x10xf32>
  lutra.yield %1 : tensor<?x10xf32>
}
lutra.kernel @share(%x: tensor<?x10xf32>) -> tensor<?x10xf32> {
  %0 = lutra.softmax %x {axis = 1 : i64} : tensor<?x10xf32>
  lutra.yield %0 : tensor<?x10xf32>
}
func.func @main(%x: tensor<?x256xf32> {lutra.name = "x", lutra.dim_names = ["rows", ""]})
    -> (tensor<?x10xf32> {lutra.name = "y", lutra.dim_names = ["rows", ""]}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x256xf32>
  %w1 = lutra.weight @w1 : tensor<512x256xf32>
  %b1 = lutra.weight @b1 : tensor<512xf32>
  %w2 = lutra.weight @w2 : tensor<512x10xf32>
  %b2 = lutra.weight @b2 : tensor<10xf32>
  %h = lutra.launch @dense(%x, %w1, %b1) sizes(%n) : (tensor<?x256xf32>, tensor<512x256xf32>, tensor<512xf32>) -> tensor<?x512xf32>
  %y = lutra.launch @last(%h, %w2, %b2) sizes(%n) : (tensor<?x512xf32>, tensor<512x10xf32>, tensor<10xf32>) -> tensor<?x10xf32>
  %s = lutra.launch @share(%y) sizes(%n) : (tensor<?x10xf32>) -> tensor<?x10xf32>
  return %s : tensor<?x10xf32>
}
