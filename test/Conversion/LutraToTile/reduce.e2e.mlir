// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx2}" --seed=3 --dim=*=1
// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx2}" --seed=3 --dim=*=31
// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx2}" --seed=3 --dim=*=33
// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx512}" --seed=3 --dim=*=67

func.func @inner(%a: tensor<5x?xf32> {lutra.name = "a", lutra.dim_names = ["", "n"]}) -> (tensor<5x1xf32>, tensor<5x1xf32>) {
  %0 = lutra.binary<mul> %a, %a : (tensor<5x?xf32>, tensor<5x?xf32>) -> tensor<5x?xf32>
  %1 = lutra.reduce<sum> %0 axes = [1] : tensor<5x?xf32> -> tensor<5x1xf32>
  %2 = lutra.unary<sqrt> %1 : tensor<5x1xf32> -> tensor<5x1xf32>
  %3 = lutra.reduce<max> %a axes = [1] : tensor<5x?xf32> -> tensor<5x1xf32>
  return %2, %3 : tensor<5x1xf32>, tensor<5x1xf32>
}

func.func @outer(%a: tensor<5x3x?xf32> {lutra.name = "a", lutra.dim_names = ["", "", "n"]}) -> (tensor<1x3x?xf32>, tensor<5x1x1xf32>, tensor<1x1x?xf32>, tensor<1x1x1xf32>) {
  %0 = lutra.reduce<sum> %a axes = [0] : tensor<5x3x?xf32> -> tensor<1x3x?xf32>
  %1 = lutra.reduce<min> %a axes = [1, 2] : tensor<5x3x?xf32> -> tensor<5x1x1xf32>
  %2 = lutra.reduce<prod> %a axes = [0, 1] : tensor<5x3x?xf32> -> tensor<1x1x?xf32>
  %3 = lutra.reduce<sum> %a axes = [0, 1, 2] : tensor<5x3x?xf32> -> tensor<1x1x1xf32>
  return %0, %1, %2, %3 : tensor<1x3x?xf32>, tensor<5x1x1xf32>, tensor<1x1x?xf32>, tensor<1x1x1xf32>
}

func.func @integers(%a: tensor<?x3xi32> {lutra.name = "a", lutra.dim_names = ["n", ""]}, %b: tensor<3x?xui8> {lutra.name = "b", lutra.dim_names = ["", "n"]}) -> (tensor<1x3xi32>, tensor<3x1xui8>) {
  %0 = lutra.reduce<max> %a axes = [0] : tensor<?x3xi32> -> tensor<1x3xi32>
  %1 = lutra.reduce<max> %b axes = [1] : tensor<3x?xui8> -> tensor<3x1xui8>
  return %0, %1 : tensor<1x3xi32>, tensor<3x1xui8>
}

// The first size that the kernel asks for is one of its arguments.
func.func @sliced(%x: tensor<?x?xf32> {lutra.name = "x", lutra.dim_names = ["n", "n"]}) -> (tensor<?x1xf32>, tensor<1x?xi64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = tensor.dim %x, %c0 : tensor<?x?xf32>
  %n = tensor.dim %x, %c1 : tensor<?x?xf32>
  %m = arith.subi %n, %c1 : index
  %s = lutra.slice %x[0, 1] sizes [%a, %m] steps [1, 1] : tensor<?x?xf32> -> tensor<?x?xf32>
  %y = lutra.reduce<sum> %s axes = [1] : tensor<?x?xf32> -> tensor<?x1xf32>
  %i = lutra.arg_reduce<max> %s {axis = 0 : i64} : tensor<?x?xf32> -> tensor<1x?xi64>
  return %y, %i : tensor<?x1xf32>, tensor<1x?xi64>
}
