// Blocks of columns hold whole tiles of any number of rows: left-over rows have wider tiles.
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx512},lutra-choose-strategy{targets=avx512},lutra-pack-weights,convert-lutra-to-tile{target=avx512}" --seed=7 --dim=*=2
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx512},lutra-choose-strategy{targets=avx512},lutra-pack-weights,convert-lutra-to-tile{target=avx512}" --seed=7 --dim=*=7
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx512},lutra-choose-strategy{targets=avx512},lutra-pack-weights,convert-lutra-to-tile{target=avx512}" --seed=7 --dim=*=17
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx2},lutra-choose-strategy{targets=avx2},lutra-pack-weights,convert-lutra-to-tile{target=avx2}" --seed=7 --dim=*=9

lutra.global @w : tensor<8x768xf32> = dense<0.5> : tensor<8x768xf32>
lutra.global @v : tensor<8x480xf32> = dense<0.5> : tensor<8x480xf32>
func.func @main(%x: tensor<?x8xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]}, %y: tensor<31x8xf32> {lutra.name = "y"}) -> (tensor<?x768xf32>, tensor<31x480xf32>) {
  %w = lutra.weight @w : tensor<8x768xf32>
  %v = lutra.weight @v : tensor<8x480xf32>
  %p = lutra.matmul %x, %w : (tensor<?x8xf32>, tensor<8x768xf32>) -> tensor<?x768xf32>
  %q = lutra.matmul %y, %v : (tensor<31x8xf32>, tensor<8x480xf32>) -> tensor<31x480xf32>
  return %p, %q : tensor<?x768xf32>, tensor<31x480xf32>
}
