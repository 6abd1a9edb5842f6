// Sizes: 1, a tile of 16 less and more one, a prime, none.
// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx2}" --seed=7 --dim=*=1
// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx2}" --seed=7 --dim=*=15
// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx2}" --seed=7 --dim=*=16
// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx512}" --seed=7 --dim=*=17
// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx2}" --seed=7 --dim=*=37
// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx2}" --seed=7 --dim=*=0
// RUN: not lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx2}" --seed=7 --dim=*=17 --corrupt=0

func.func @broadcast(%a: tensor<?x5x19xf32> {lutra.name = "a", lutra.dim_names = ["n", "", ""]}, %b: tensor<5x1xf32>, %c: tensor<19xf32>) -> tensor<?x5x19xf32> {
  %0 = lutra.binary<add> %a, %b : (tensor<?x5x19xf32>, tensor<5x1xf32>) -> tensor<?x5x19xf32>
  %1 = lutra.binary<mul> %0, %c : (tensor<?x5x19xf32>, tensor<19xf32>) -> tensor<?x5x19xf32>
  %2 = lutra.unary<relu> %1 : tensor<?x5x19xf32> -> tensor<?x5x19xf32>
  return %2 : tensor<?x5x19xf32>
}

func.func @types(%a: tensor<?xi32> {lutra.name = "a", lutra.dim_names = ["n"]}, %b: tensor<?xf32> {lutra.name = "b", lutra.dim_names = ["n"]}, %u: tensor<?xui8> {lutra.name = "u", lutra.dim_names = ["n"]}) -> (tensor<?xi1>, tensor<?xf32>, tensor<?xui8>, tensor<?xf16>) {
  %0 = lutra.cast %a : tensor<?xi32> -> tensor<?xf32>
  %1 = lutra.compare<lt> %0, %b : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xi1>
  %2 = lutra.select %1, %0, %b : (tensor<?xi1>, tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  %3 = lutra.binary<max> %u, %u : (tensor<?xui8>, tensor<?xui8>) -> tensor<?xui8>
  %4 = lutra.cast %b : tensor<?xf32> -> tensor<?xf16>
  %5 = lutra.binary<mul> %4, %4 : (tensor<?xf16>, tensor<?xf16>) -> tensor<?xf16>
  return %1, %2, %3, %5 : tensor<?xi1>, tensor<?xf32>, tensor<?xui8>, tensor<?xf16>
}

func.func @movement(%a: tensor<?x3x8xf32> {lutra.name = "a", lutra.dim_names = ["n", "", ""]}) -> (tensor<3x?x8xf32>, tensor<8x3x?xf32>, tensor<?x24xf32>, tensor<?x2x3xf32>, tensor<?x3x8xf32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %a, %c0 : tensor<?x3x8xf32>
  %0 = lutra.transpose %a [1, 0, 2] : tensor<?x3x8xf32> -> tensor<3x?x8xf32>
  %1 = lutra.transpose %a [2, 1, 0] : tensor<?x3x8xf32> -> tensor<8x3x?xf32>
  %2 = lutra.reshape %a[%n] : tensor<?x3x8xf32> -> tensor<?x24xf32>
  %3 = lutra.slice %a[0, 1, 7] sizes [%n] steps [1, 1, -3] : tensor<?x3x8xf32> -> tensor<?x2x3xf32>
  %4 = lutra.unary<neg> %a : tensor<?x3x8xf32> -> tensor<?x3x8xf32>
  return %0, %1, %2, %3, %4 : tensor<3x?x8xf32>, tensor<8x3x?xf32>, tensor<?x24xf32>, tensor<?x2x3xf32>, tensor<?x3x8xf32>
}

func.func @gathers(%a: tensor<7x19xf32>, %i: tensor<?xi64> {lutra.name = "i", lutra.dim_names = ["n"]}) -> (tensor<?x19xf32>, tensor<7x?xf32>) {
  %0 = lutra.gather %a, %i {axis = 0 : i64} : (tensor<7x19xf32>, tensor<?xi64>) -> tensor<?x19xf32>
  %1 = lutra.gather %a, %i {axis = 1 : i64} : (tensor<7x19xf32>, tensor<?xi64>) -> tensor<7x?xf32>
  return %0, %1 : tensor<?x19xf32>, tensor<7x?xf32>
}

func.func @generated(%a: tensor<?x4xi64> {lutra.name = "a", lutra.dim_names = ["n", ""]}) -> tensor<?x4xi64> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %a, %c0 : tensor<?x4xi64>
  %0 = lutra.iota(%n) {axis = 0 : i64} : tensor<?x4xi64>
  %1 = lutra.from_index %n : tensor<i64>
  %2 = lutra.binary<add> %0, %1 : (tensor<?x4xi64>, tensor<i64>) -> tensor<?x4xi64>
  %3 = lutra.binary<add> %2, %a : (tensor<?x4xi64>, tensor<?x4xi64>) -> tensor<?x4xi64>
  return %3 : tensor<?x4xi64>
}

// A dimension of ones between two that differ joins neither both.
func.func @masks(%a: tensor<1x1x?x1xi1> {lutra.name = "a", lutra.dim_names = ["", "", "n", ""]}, %b: tensor<?x1x1x?xi1> {lutra.name = "b", lutra.dim_names = ["n", "", "", "n"]}) -> tensor<?x1x?x?xi1> {
  %0 = lutra.binary<and> %a, %b : (tensor<1x1x?x1xi1>, tensor<?x1x1x?xi1>) -> tensor<?x1x?x?xi1>
  return %0 : tensor<?x1x?x?xi1>
}

// Nothing, beside a size that is known at run time only.
func.func @empty(%a: tensor<?x0x31xf32> {lutra.name = "a", lutra.dim_names = ["n", "", ""]}, %b: tensor<4x?x0xi64> {lutra.name = "b", lutra.dim_names = ["", "n", ""]}) -> (tensor<?x0x31xf32>, tensor<4x?x0xi64>) {
  %0 = lutra.unary<tanh> %a : tensor<?x0x31xf32> -> tensor<?x0x31xf32>
  %1 = lutra.binary<max> %b, %b : (tensor<4x?x0xi64>, tensor<4x?x0xi64>) -> tensor<4x?x0xi64>
  return %0, %1 : tensor<?x0x31xf32>, tensor<4x?x0xi64>
}
