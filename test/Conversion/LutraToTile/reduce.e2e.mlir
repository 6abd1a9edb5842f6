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
