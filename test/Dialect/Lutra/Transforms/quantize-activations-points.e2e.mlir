// Activations rounded with zero points, of rows and of groups whose last one is short: within what their form allows, in
// the evaluator and as machine code; no rows; one; several. All values of one sign, or equal, have 0 in their range.
// RUN: lutra-run %s --before-after="lutra-quantize-activations{targets=avx2}" --seed=7 --dim=*=0
// RUN: lutra-run %s --before-after="lutra-quantize-activations{targets=avx2}" --seed=7 --dim=*=1
// RUN: lutra-run %s --before-after="lutra-quantize-activations{targets=avx2}" --seed=7 --dim=*=7
// RUN: lutra-run %s --before-after="lutra-quantize-activations{targets=avx2}" --seed=7 --dim=*=3 --values=equal
// RUN: not lutra-run %s --before-after="lutra-quantize-activations{targets=avx2}" --seed=7 --dim=*=7 --corrupt=0
// REQUIRES: lutra-compile, avx2
// RUN: lutra-compile %s --target-cpu=avx2 --stop-after=fused -o - | FileCheck %s
// CHECK-COUNT-3: lutra.dynamic_quantize
// RUN: lutra-compile %s --target-cpu=avx2 -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=7 --dim=n=1
// RUN: lutra-run %t.so --compare=%s --seed=7 --dim=n=6
// RUN: lutra-run %t.so --compare=%s --seed=7 --dim=n=3 --values=equal
// RUN: lutra-run %t.so --compare=%s --seed=7 --dim=n=3 --values=zeros
// RUN: not lutra-run %t.so --compare=%s --seed=7 --dim=n=6 --corrupt=0

#rows = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 32], zero = tensor<u4, 1, 32>>], act = int<8, asym, row>>
#groups = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 32], zero = tensor<u4, 1, 32>>], act = int<8, asym, group<32>>>
#few = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 32], zero = tensor<u4, 1, 32>>], act = int<5, asym, group<64>>>
lutra.global @rows : tensor<19x70xf32, #rows> = dense<58> : tensor<870xi8>
lutra.global @groups : tensor<19x70xf32, #groups> = dense<58> : tensor<870xi8>
lutra.global @few : tensor<19x70xf32, #few> = dense<58> : tensor<870xi8>
func.func @main(%x: tensor<?x70xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]}) -> (tensor<?x19xf32>, tensor<?x19xf32>, tensor<?x19xf32>) {
  %y = lutra.unary<abs> %x : tensor<?x70xf32> -> tensor<?x70xf32>
  %a = lutra.weight @rows : tensor<19x70xf32, #rows>
  %b = lutra.weight @groups : tensor<19x70xf32, #groups>
  %c = lutra.weight @few : tensor<19x70xf32, #few>
  %0 = lutra.matmul %x, %a {transpose_rhs, strategy = #lutra.strategy<"coded">} : (tensor<?x70xf32>, tensor<19x70xf32, #rows>) -> tensor<?x19xf32>
  %1 = lutra.matmul %y, %b {transpose_rhs, strategy = #lutra.strategy<"coded">} : (tensor<?x70xf32>, tensor<19x70xf32, #groups>) -> tensor<?x19xf32>
  %2 = lutra.matmul %x, %c {transpose_rhs, strategy = #lutra.strategy<"coded">} : (tensor<?x70xf32>, tensor<19x70xf32, #few>) -> tensor<?x19xf32>
  return %0, %1, %2 : tensor<?x19xf32>, tensor<?x19xf32>, tensor<?x19xf32>
}
