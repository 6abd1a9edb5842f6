// Products of codes through deep panels: K odd, below a pair and in several blocks; rows below, at and above a tile.
// RUN: lutra-run %s --before-after="lutra-form-kernels,lutra-choose-strategy{targets=avx2},lutra-pack-weights,convert-lutra-to-tile{target=avx2}" --seed=7 --exact --dim=*=1
// RUN: lutra-run %s --before-after="lutra-form-kernels,lutra-choose-strategy{targets=avx2},lutra-pack-weights,convert-lutra-to-tile{target=avx2}" --seed=7 --exact --dim=*=7
// RUN: lutra-run %s --before-after="lutra-form-kernels,lutra-choose-strategy{targets=avx512},lutra-pack-weights,convert-lutra-to-tile{target=avx512}" --seed=7 --exact --dim=*=15
// RUN: not lutra-run %s --before-after="lutra-form-kernels,lutra-choose-strategy{targets=avx2},lutra-pack-weights,convert-lutra-to-tile{target=avx2}" --seed=7 --exact --dim=*=7 --corrupt=0

lutra.global @one : tensor<1x17xi8> = dense<-128> : tensor<1x17xi8>
lutra.global @deep : tensor<3x771xi8> = dense<-127> : tensor<3x771xi8>
lutra.global @wide : tensor<5x19xi16> = dense<-255> : tensor<5x19xi16>
func.func @main(%x: tensor<?x1xui8> {lutra.name = "x", lutra.dim_names = ["n", ""]}, %y: tensor<?x771xi8> {lutra.name = "y", lutra.dim_names = ["n", ""]}, %z: tensor<?x5xui8> {lutra.name = "z", lutra.dim_names = ["n", ""]}, %zero: tensor<ui8> {lutra.name = "zero"}) -> (tensor<?x17xi32>, tensor<?x3xi32>, tensor<?x19xi32>) {
  %one = lutra.weight @one : tensor<1x17xi8>
  %deep = lutra.weight @deep : tensor<3x771xi8>
  %wide = lutra.weight @wide : tensor<5x19xi16>
  %p = lutra.matmul %x, %one : (tensor<?x1xui8>, tensor<1x17xi8>) -> tensor<?x17xi32>
  %q = lutra.matmul %y, %deep {transpose_rhs} : (tensor<?x771xi8>, tensor<3x771xi8>) -> tensor<?x3xi32>
  %w = lutra.cast %z : tensor<?x5xui8> -> tensor<?x5xi16>
  %v = lutra.cast %zero : tensor<ui8> -> tensor<i16>
  %c = lutra.binary<sub> %w, %v : (tensor<?x5xi16>, tensor<i16>) -> tensor<?x5xi16>
  %r = lutra.matmul %c, %wide : (tensor<?x5xi16>, tensor<5x19xi16>) -> tensor<?x19xi32>
  return %p, %q, %r : tensor<?x17xi32>, tensor<?x3xi32>, tensor<?x19xi32>
}
