// Products that decode their weight: rows below, at and above a tile; K in one block and in several, no multiple of a byte, a
// group or a block; scales of groups, of rows, none; stored, constant and no zero points; codes with a sign.
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx2},lutra-choose-strategy{targets=avx2},lutra-pack-weights,convert-lutra-to-tile{target=avx2}" --seed=7 --dim=*=0
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx2},lutra-choose-strategy{targets=avx2},lutra-pack-weights,convert-lutra-to-tile{target=avx2}" --seed=7 --dim=*=1
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx2},lutra-choose-strategy{targets=avx2},lutra-pack-weights,convert-lutra-to-tile{target=avx2}" --seed=7 --dim=*=7
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx2},lutra-choose-strategy{targets=avx2},lutra-pack-weights,convert-lutra-to-tile{target=avx2}" --seed=7 --dim=*=33
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx512},lutra-choose-strategy{targets=avx512},lutra-pack-weights,convert-lutra-to-tile{target=avx512}" --seed=8 --dim=*=17
// RUN: not lutra-run %s --before-after="lutra-form-kernels{targets=avx2},lutra-choose-strategy{targets=avx2},lutra-pack-weights,convert-lutra-to-tile{target=avx2}" --seed=7 --dim=*=7 --corrupt=0
// Packing alone changes no value.
// RUN: lutra-run %s --before-after="lutra-form-kernels,lutra-choose-strategy{targets=avx2},lutra-pack-weights" --seed=7 --dim=*=3 --exact

#nibbles = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 32], zero = tensor<u4, 1, 32>>]>
#halves = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 128], zero = const<7.5>>]>
#signs = #lutra.encoding<[dense<int<2>, affine, scales = [bf16, row]>]>
#bytes = #lutra.encoding<[dense<int<8>, affine>]>
#bits = #lutra.encoding<[dense<uint<1>, affine<-1>, scales = [f32, 1, 24]>]>
lutra.global @nibbles : tensor<19x70xf32, #nibbles> = dense<58> : tensor<870xi8>
lutra.global @halves : tensor<40x513xf32, #halves> = dense<58> : tensor<11104xi8>
lutra.global @signs : tensor<16x301xf32, #signs> = dense<57> : tensor<1248xi8>
lutra.global @bytes : tensor<1x9xf32, #bytes> = dense<[-128, 127, 3, -4, 5, 60, -70, 0, 1]> : tensor<9xi8>
lutra.global @bits : tensor<33x50xf32, #bits> = dense<53> : tensor<652xi8>
func.func @main(%a: tensor<?x70xf32> {lutra.name = "a", lutra.dim_names = ["n", ""]}, %b: tensor<2x?x513xf32> {lutra.name = "b", lutra.dim_names = ["", "n", ""]}, %c: tensor<?x301xf32> {lutra.name = "c", lutra.dim_names = ["n", ""]}, %d: tensor<?x9xf32> {lutra.name = "d", lutra.dim_names = ["n", ""]}, %e: tensor<50x50xf32> {lutra.name = "e"}) -> (tensor<?x19xf32>, tensor<2x?x40xf32>, tensor<?x16xf32>, tensor<?x1xf32>, tensor<50x33xf32>) {
  %nibbles = lutra.weight @nibbles : tensor<19x70xf32, #nibbles>
  %halves = lutra.weight @halves : tensor<40x513xf32, #halves>
  %signs = lutra.weight @signs : tensor<16x301xf32, #signs>
  %bytes = lutra.weight @bytes : tensor<1x9xf32, #bytes>
  %bits = lutra.weight @bits : tensor<33x50xf32, #bits>
  %v = lutra.matmul %a, %nibbles {transpose_rhs} : (tensor<?x70xf32>, tensor<19x70xf32, #nibbles>) -> tensor<?x19xf32>
  %w = lutra.matmul %b, %halves {transpose_rhs} : (tensor<2x?x513xf32>, tensor<40x513xf32, #halves>) -> tensor<2x?x40xf32>
  %r = lutra.unary<relu> %w : tensor<2x?x40xf32> -> tensor<2x?x40xf32>
  %x = lutra.matmul %c, %signs {transpose_rhs} : (tensor<?x301xf32>, tensor<16x301xf32, #signs>) -> tensor<?x16xf32>
  %y = lutra.matmul %d, %bytes {transpose_rhs} : (tensor<?x9xf32>, tensor<1x9xf32, #bytes>) -> tensor<?x1xf32>
  %s = lutra.softmax %e {axis = 1 : i64} : tensor<50x50xf32>
  %z = lutra.matmul %s, %bits {transpose_rhs} : (tensor<50x50xf32>, tensor<33x50xf32, #bits>) -> tensor<50x33xf32>
  return %v, %r, %x, %y, %z : tensor<?x19xf32>, tensor<2x?x40xf32>, tensor<?x16xf32>, tensor<?x1xf32>, tensor<50x33xf32>
}
