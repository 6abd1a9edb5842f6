// The product of codes is that of what they mean, in the evaluator and as machine code; no rows, one, several.
// RUN: lutra-run %s --before-after=lutra-raise-integer-products --seed=7 --dim=n=0
// RUN: lutra-run %s --before-after=lutra-raise-integer-products --seed=7 --dim=n=1
// RUN: lutra-run %s --before-after=lutra-raise-integer-products --seed=7 --dim=n=7
// RUN: lutra-run %s --before-after="lutra-raise-integer-products{targets=avx512vnni}" --seed=7 --dim=n=7
// RUN: not lutra-run %s --before-after=lutra-raise-integer-products --seed=7 --dim=n=7 --corrupt=0
// REQUIRES: lutra-compile, avx2
// RUN: lutra-compile %s --target-cpu=avx2 -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=7 --dim=n=7
// RUN: lutra-compile %s --target-cpu=avx512vnni,avx2 -o %t.bytes.so
// RUN: lutra-run %t.bytes.so --compare=%s --seed=7 --dim=n=7
// RUN: lutra-compile %s --target-cpu=baseline -o %t.baseline.so
// RUN: lutra-run %t.baseline.so --compare=%s --seed=7 --dim=n=7
// RUN: not lutra-run %t.so --compare=%s --seed=7 --dim=n=7 --corrupt=0

lutra.global @w : tensor<9x5xi8> = dense<[[79, -107, -83, -68, -82], [77, 94, 21, -118, -104], [-43, -18, 31, -6, -61], [-88, 49, 60, -120, -99], [-13, -28, 99, 4, -21], [-18, 42, 22, -84, 60], [65, 116, 73, -56, -47], [38, 38, 50, 94, -54], [112, -128, -109, 121, 113]]> : tensor<9x5xi8>
lutra.global @u : tensor<4x9xui8> = dense<[[76, 35, 80, 11, 228, 169, 149, 62, 120], [48, 197, 121, 7, 65, 180, 133, 95, 64], [23, 155, 169, 133, 238, 237, 53, 155, 161], [63, 76, 124, 189, 74, 184, 167, 55, 99]]> : tensor<4x9xui8>
func.func @main(%x: tensor<?x9xui8> {lutra.name = "x", lutra.dim_names = ["n", ""]}, %y: tensor<2x?x9xi8> {lutra.name = "y", lutra.dim_names = ["", "n", ""]}) -> (tensor<?x5xf32>, tensor<2x?x4xf32>) {
  %w = lutra.weight @w : tensor<9x5xi8>
  %u = lutra.weight @u : tensor<4x9xui8>
  %sx = lutra.constant dense<0.037> : tensor<f32>
  %zx = lutra.constant dense<131> : tensor<ui8>
  %sy = lutra.constant dense<0.11> : tensor<f32>
  %sw = lutra.constant dense<[0.5, 0.03, 1.7, 0.002, 0.4]> : tensor<5xf32>
  %zw = lutra.constant dense<[0, 3, -7, 100, -128]> : tensor<5xi8>
  %su = lutra.constant dense<0.02> : tensor<f32>
  %l = lutra.dequantize %x scale(%sx : tensor<f32>) zero_point(%zx : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<?x9xui8> -> tensor<?x9xf32>
  %r = lutra.dequantize %w scale(%sw : tensor<5xf32>) zero_point(%zw : tensor<5xi8>) {axis = 1 : i64, block = 0 : i64} : tensor<9x5xi8> -> tensor<9x5xf32>
  %a = lutra.matmul %l, %r : (tensor<?x9xf32>, tensor<9x5xf32>) -> tensor<?x5xf32>
  %m = lutra.dequantize %y scale(%sy : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2x?x9xi8> -> tensor<2x?x9xf32>
  %s = lutra.dequantize %u scale(%su : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<4x9xui8> -> tensor<4x9xf32>
  %b = lutra.matmul %m, %s {transpose_rhs} : (tensor<2x?x9xf32>, tensor<4x9xf32>) -> tensor<2x?x4xf32>
  return %a, %b : tensor<?x5xf32>, tensor<2x?x4xf32>
}
