// The small network's kernels before tiling.
lutra.kernel @product_relu(%x: tensor<?x256xf32>, %w: tensor<512x256xf32>, %b: tensor<512xf32>) -> tensor<?x512xf32> {
  %0 = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x256xf32>, tensor<512x256xf32>) -> tensor<?x512xf32>
  %1 = lutra.binary<add> %0, %b : (tensor<?x512xf32>, tensor<512xf32>) -> tensor<?x512xf32>
  %2 = lutra.unary<relu> %1 : tensor<?x512xf32> -> tensor<?x512xf32>
  lutra.yield %2 : tensor<?x512xf32>
}
lutra.kernel @softmax(%x: tensor<?x1000xf32>) -> tensor<?x1000xf32> {
  %0 = lutra.softmax %x {axis = 1 : i64} : tensor<?x1000xf32>
  lutra.yield %0 : tensor<?x1000xf32>
}
