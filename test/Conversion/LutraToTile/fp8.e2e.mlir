// Numbers of fp8 in kernels: codes of groups and rows, known scales, casts both ways and what computes with them. All are
// those of the evaluator in every bit, of large, small and special values, too.
// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx2}" --seed=5 --dim=*=3 --exact
// REQUIRES: lutra-compile, avx2
// RUN: lutra-compile %s --target-cpu=avx512,avx2 -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=5 --dim=n=0 --exact
// RUN: lutra-run %t.so --compare=%s --seed=5 --dim=n=1 --exact
// RUN: env LUTRA_ISA=avx2 lutra-run %t.so --compare=%s --seed=5 --dim=n=37 --exact
// RUN: %if avx512 %{ env LUTRA_ISA=avx512 lutra-run %t.so --compare=%s --seed=5 --dim=n=37 --exact %}
// RUN: lutra-run %t.so --compare=%s --seed=5 --dim=n=7 --exact --values=huge
// RUN: lutra-run %t.so --compare=%s --seed=5 --dim=n=7 --exact --values=subnormal
// RUN: lutra-run %t.so --compare=%s --seed=5 --dim=n=7 --exact --values=one-inf
// RUN: lutra-run %t.so --compare=%s --seed=5 --dim=n=7 --exact --values=one-nan
// RUN: not lutra-run %t.so --compare=%s --seed=5 --dim=n=7 --exact --corrupt=4

func.func @main(%x: tensor<?x70xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]}, %y: tensor<?x70xf64> {lutra.name = "y", lutra.dim_names = ["n", ""]})
    -> (tensor<?x70xf8E4M3FN>, tensor<?x3xf32>, tensor<?x70xf8E5M2>, tensor<?x1xf32>, tensor<?x70xf32>, tensor<?x70xf32>,
        tensor<?x70xf8E4M3FN>, tensor<?x70xf8E5M2>, tensor<?x70xf8E5M2>, tensor<?x70xf8E4M3FN>, tensor<?x70xf8E5M2>) {
  %s = lutra.constant dense<0.0078125> : tensor<f32>
  %a:2 = lutra.dynamic_quantize %x {bits = 8 : i64, block = 32 : i64} : tensor<?x70xf32> -> tensor<?x70xf8E4M3FN>, tensor<?x3xf32>
  %b:2 = lutra.dynamic_quantize %x {bits = 8 : i64, block = 70 : i64} : tensor<?x70xf32> -> tensor<?x70xf8E5M2>, tensor<?x1xf32>
  %c = lutra.dequantize %a#0 scale(%a#1 : tensor<?x3xf32>) {axis = 1 : i64, block = 32 : i64} : tensor<?x70xf8E4M3FN> -> tensor<?x70xf32>
  %d = lutra.cast %b#0 : tensor<?x70xf8E5M2> -> tensor<?x70xf32>
  %e = lutra.cast %x : tensor<?x70xf32> -> tensor<?x70xf8E4M3FN>
  %f = lutra.cast %y : tensor<?x70xf64> -> tensor<?x70xf8E5M2>
  %g = lutra.quantize %x scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?x70xf32> -> tensor<?x70xf8E5M2>
  %h = lutra.quantize %x scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?x70xf32> -> tensor<?x70xf8E4M3FN>
  %i = lutra.cast %e : tensor<?x70xf8E4M3FN> -> tensor<?x70xf8E5M2>
  return %a#0, %a#1, %b#0, %b#1, %c, %d, %e, %f, %g, %h, %i : tensor<?x70xf8E4M3FN>, tensor<?x3xf32>, tensor<?x70xf8E5M2>, tensor<?x1xf32>, tensor<?x70xf32>, tensor<?x70xf32>, tensor<?x70xf8E4M3FN>, tensor<?x70xf8E5M2>, tensor<?x70xf8E5M2>, tensor<?x70xf8E4M3FN>, tensor<?x70xf8E5M2>
}
