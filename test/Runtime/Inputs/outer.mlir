// y = the sum of x * 8 copies of it along dimensions of their own: the arena grows with the eighth power of the size, so
// that 256 elements need 2^66 bytes.
func.func @main(%x: tensor<1x1x1x1x1x1x1x?xf32> {lutra.name = "x", lutra.dim_names = ["", "", "", "", "", "", "", "n"]})
    -> (tensor<1x1x1x1x1x1x1x1xf32> {lutra.name = "y"}) {
  %dim = arith.constant 7 : index
  %n = tensor.dim %x, %dim : tensor<1x1x1x1x1x1x1x?xf32>
  %0 = lutra.expand %x [%n, %n, %n, %n, %n, %n, %n, %n] : tensor<1x1x1x1x1x1x1x?xf32> -> tensor<?x?x?x?x?x?x?x?xf32>
  %1 = lutra.cumulative<sum> %0 {axis = 0 : i64} : tensor<?x?x?x?x?x?x?x?xf32>
  %2 = lutra.reduce<sum> %1 axes = [0, 1, 2, 3, 4, 5, 6, 7] : tensor<?x?x?x?x?x?x?x?xf32> -> tensor<1x1x1x1x1x1x1x1xf32>
  return %2 : tensor<1x1x1x1x1x1x1x1xf32>
}
