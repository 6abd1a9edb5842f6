// Products of unsigned integers, modulo their width: with computed, constant and packed operands; and of unsigned 16 bits
// with a weight, whose pairs fit no signed 16 bits.
// RUN: lutra-run %s --before-after="lutra-form-kernels,lutra-choose-strategy{targets=avx2},lutra-pack-weights,convert-lutra-to-tile{target=avx2}" --seed=7 --exact --values=saturating --dim=*=1
// RUN: lutra-run %s --before-after="lutra-form-kernels,lutra-choose-strategy{targets=avx2},lutra-pack-weights,convert-lutra-to-tile{target=avx2}" --seed=7 --exact --values=saturating --dim=*=7
// RUN: lutra-run %s --before-after="lutra-form-kernels,lutra-choose-strategy{targets=avx512},lutra-pack-weights,convert-lutra-to-tile{target=avx512}" --seed=9 --exact --dim=*=9
// RUN: not lutra-run %s --before-after="lutra-form-kernels,lutra-choose-strategy{targets=avx2},lutra-pack-weights,convert-lutra-to-tile{target=avx2}" --seed=7 --exact --dim=*=7 --corrupt=0

lutra.global @words : tensor<5x19xui32> = dense<4000000000> : tensor<5x19xui32>
lutra.global @longs : tensor<5x3xui64> = dense<18446744073709551610> : tensor<5x3xui64>
lutra.global @bytes : tensor<8x32xi8> = dense<-3> : tensor<8x32xi8>
func.func @main(%x: tensor<?x5xui32> {lutra.name = "x", lutra.dim_names = ["n", ""]}, %y: tensor<?x5xui64> {lutra.name = "y", lutra.dim_names = ["n", ""]}, %z: tensor<5x6xui32> {lutra.name = "z"}, %h: tensor<?x8xui16> {lutra.name = "h", lutra.dim_names = ["n", ""]}, %bias: tensor<19xui32> {lutra.name = "bias"}) -> (tensor<?x19xui32>, tensor<?x3xui64>, tensor<?x6xui32>, tensor<?x32xi32>, tensor<?x32xi32>) {
  %words = lutra.weight @words : tensor<5x19xui32>
  %longs = lutra.weight @longs : tensor<5x3xui64>
  %bytes = lutra.weight @bytes : tensor<8x32xi8>
  %p = lutra.matmul %x, %words : (tensor<?x5xui32>, tensor<5x19xui32>) -> tensor<?x19xui32>
  %b = lutra.binary<add> %p, %bias : (tensor<?x19xui32>, tensor<19xui32>) -> tensor<?x19xui32>
  %q = lutra.matmul %y, %longs : (tensor<?x5xui64>, tensor<5x3xui64>) -> tensor<?x3xui64>
  %r = lutra.matmul %x, %z : (tensor<?x5xui32>, tensor<5x6xui32>) -> tensor<?x6xui32>
  %s = lutra.matmul %h, %bytes : (tensor<?x8xui16>, tensor<8x32xi8>) -> tensor<?x32xi32>
  %g = lutra.binary<max> %h, %h : (tensor<?x8xui16>, tensor<?x8xui16>) -> tensor<?x8xui16>
  %t = lutra.matmul %g, %bytes : (tensor<?x8xui16>, tensor<8x32xi8>) -> tensor<?x32xi32>
  return %b, %q, %r, %s, %t : tensor<?x19xui32>, tensor<?x3xui64>, tensor<?x6xui32>, tensor<?x32xi32>, tensor<?x32xi32>
}
