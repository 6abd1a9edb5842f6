// Rounded activations stay within what their form allows, in the evaluator and as machine code; no rows; one; several.
// RUN: lutra-run %s --before-after="lutra-quantize-activations{targets=avx2 strategy=coded}" --seed=7 --dim=*=0
// RUN: lutra-run %s --before-after="lutra-quantize-activations{targets=avx2 strategy=coded}" --seed=7 --dim=*=1
// RUN: lutra-run %s --before-after="lutra-quantize-activations{targets=avx2 strategy=coded}" --seed=7 --dim=*=7
// RUN: not lutra-run %s --before-after="lutra-quantize-activations{targets=avx2 strategy=coded}" --seed=7 --dim=*=7 --corrupt=0
// REQUIRES: lutra-compile, avx2
// RUN: lutra-compile %s --target-cpu=avx2 --strategy=coded -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=7 --dim=n=1
// A level that multiplies no codes leaves the activations as they are.
// RUN: lutra-compile %s --target-cpu=baseline --stop-after=fused -o - | FileCheck %s --check-prefix=BASELINE
// BASELINE-NOT: lutra.matmul {{.*}} scale(
// RUN: lutra-compile %s --target-cpu=baseline -o %t.baseline.so
// RUN: lutra-run %t.baseline.so --compare=%s --seed=7 --dim=n=6
// RUN: lutra-run %t.so --compare=%s --seed=7 --dim=n=6
// RUN: not lutra-run %t.so --compare=%s --seed=7 --dim=n=6 --corrupt=0

#nibbles = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 32], zero = tensor<u4, 1, 32>>], act = int<8, sym, group<32>>>
#points = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 128], zero = const<8.0>>], act = int<8, sym, group<128>>>
#pairs = #lutra.encoding<[dense<uint<2>, affine<-1>, scales = [bf16, 1, 16]>], act = int<8, sym, group<16>>>
#rows = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, row], zero = tensor<u4, row>>], act = int<8, sym, row>>
#bits = #lutra.encoding<[dense<uint<1>, affine>], act = int<8, sym, row>>
#six = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 32], zero = tensor<u4, 1, 32>>], act = int<6, sym, row>>
#bare = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 32], zero = tensor<u4, 1, 32>>]>
lutra.global @six : tensor<19x70xf32, #six> = dense<58> : tensor<870xi8>
lutra.global @bare : tensor<19x70xf32, #bare> = dense<58> : tensor<870xi8>
lutra.global @nibbles : tensor<19x70xf32, #nibbles> = dense<58> : tensor<870xi8>
lutra.global @points : tensor<40x513xf32, #points> = dense<58> : tensor<11104xi8>
lutra.global @pairs : tensor<16x304xf32, #pairs> = dense<57> : tensor<1824xi8>
lutra.global @rows : tensor<33x50xf32, #rows> = dense<53> : tensor<1057xi8>
lutra.global @bits : tensor<5x300xf32, #bits> = dense<53> : tensor<190xi8>
func.func @main(%a: tensor<?x70xf32> {lutra.name = "a", lutra.dim_names = ["n", ""]}, %b: tensor<2x?x513xf32> {lutra.name = "b", lutra.dim_names = ["", "n", ""]}, %c: tensor<?x304xf32> {lutra.name = "c", lutra.dim_names = ["n", ""]}, %d: tensor<?x50xf32> {lutra.name = "d", lutra.dim_names = ["n", ""]}, %e: tensor<3x300xf32> {lutra.name = "e"}) -> (tensor<?x19xf32>, tensor<2x?x40xf32>, tensor<?x16xf32>, tensor<?x33xf32>, tensor<3x5xf32>, tensor<?x19xf32>, tensor<?x19xf32>) {
  %wa = lutra.weight @nibbles : tensor<19x70xf32, #nibbles>
  %ra = lutra.matmul %a, %wa {transpose_rhs} : (tensor<?x70xf32>, tensor<19x70xf32, #nibbles>) -> tensor<?x19xf32>
  %wb = lutra.weight @points : tensor<40x513xf32, #points>
  %rb = lutra.matmul %b, %wb {transpose_rhs} : (tensor<2x?x513xf32>, tensor<40x513xf32, #points>) -> tensor<2x?x40xf32>
  %qb = lutra.unary<relu> %rb : tensor<2x?x40xf32> -> tensor<2x?x40xf32>
  %wc = lutra.weight @pairs : tensor<16x304xf32, #pairs>
  %rc = lutra.matmul %c, %wc {transpose_rhs} : (tensor<?x304xf32>, tensor<16x304xf32, #pairs>) -> tensor<?x16xf32>
  %wd = lutra.weight @rows : tensor<33x50xf32, #rows>
  %rd = lutra.matmul %d, %wd {transpose_rhs} : (tensor<?x50xf32>, tensor<33x50xf32, #rows>) -> tensor<?x33xf32>
  %we = lutra.weight @bits : tensor<5x300xf32, #bits>
  %re = lutra.matmul %e, %we {transpose_rhs} : (tensor<3x300xf32>, tensor<5x300xf32, #bits>) -> tensor<3x5xf32>
  %wf = lutra.weight @six : tensor<19x70xf32, #six>
  %rf = lutra.matmul %a, %wf {transpose_rhs} : (tensor<?x70xf32>, tensor<19x70xf32, #six>) -> tensor<?x19xf32>
  %step = lutra.constant dense<0.03125> : tensor<f32>
  %least = lutra.constant dense<-127> : tensor<i8>
  %codes = lutra.quantize %a scale(%step : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?x70xf32> -> tensor<?x70xi8>
  %bounded = lutra.binary<max> %codes, %least : (tensor<?x70xi8>, tensor<i8>) -> tensor<?x70xi8>
  %known = lutra.dequantize %bounded scale(%step : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?x70xi8> -> tensor<?x70xf32>
  %wg = lutra.weight @bare : tensor<19x70xf32, #bare>
  %rg = lutra.matmul %known, %wg {transpose_rhs} : (tensor<?x70xf32>, tensor<19x70xf32, #bare>) -> tensor<?x19xf32>
  return %ra, %qb, %rc, %rd, %re, %rf, %rg : tensor<?x19xf32>, tensor<2x?x40xf32>, tensor<?x16xf32>, tensor<?x33xf32>, tensor<3x5xf32>, tensor<?x19xf32>, tensor<?x19xf32>
}
