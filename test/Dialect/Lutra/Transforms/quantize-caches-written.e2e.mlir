// Kernels of caches of a fixed length, and of any, against the coded graph in the evaluator; places that lie outside are limited in
// codes and scales alike. What the codes mean beside f32 is in test/python/test_caches.py.
// REQUIRES: lutra-compile, avx2
// RUN: lutra-opt %s --lutra-quantize-caches -o %t.mlir
// RUN: FileCheck %s --input-file=%t.mlir
// CHECK-COUNT-4: lutra.scatter_nd<set>
// RUN: lutra-run %t.mlir --before-after=lutra-form-kernels{targets=avx2} --seed=7 --dim=*=3
// RUN: lutra-compile %t.mlir --target-cpu=avx512vnni,avx2,baseline -o %t.so
// RUN: lutra-run %t.so --compare=%t.mlir --seed=7 --dim=b=1 --dim=m=1 --dim=s=128
// RUN: lutra-run %t.so --compare=%t.mlir --seed=7 --dim=b=2 --dim=m=3 --dim=s=37
// RUN: lutra-run %t.so --compare=%t.mlir --seed=7 --dim=b=2 --dim=m=0 --dim=s=5
// RUN: not lutra-run %t.so --compare=%t.mlir --seed=7 --dim=b=1 --dim=m=1 --dim=s=128 --corrupt=0
// RUN: env LUTRA_ISA=avx2 lutra-run %t.so --compare=%t.mlir --seed=7 --dim=b=1 --dim=m=9 --dim=s=71
// RUN: env LUTRA_ISA=baseline lutra-run %t.so --compare=%t.mlir --seed=7 --dim=b=1 --dim=m=2 --dim=s=33
// RUN: lutra-opt %s --lutra-quantize-caches=spec=kv=int8:asym -o %t.asym.mlir
// RUN: lutra-compile %t.asym.mlir --target-cpu=avx512vnni,avx2,baseline -o %t.asym.so
// RUN: lutra-run %t.asym.so --compare=%t.asym.mlir --seed=7 --dim=b=1 --dim=m=1 --dim=s=128
// RUN: lutra-run %t.asym.so --compare=%t.asym.mlir --seed=7 --dim=b=2 --dim=m=3 --dim=s=37 --values=one-nan
// RUN: env LUTRA_ISA=avx2 lutra-run %t.asym.so --compare=%t.asym.mlir --seed=7 --dim=b=2 --dim=m=3 --dim=s=37

func.func @main(%q: tensor<?x2x?x20xf32> {lutra.name = "q", lutra.dim_names = ["b", "", "m", ""]}, %pk: tensor<?x2x?x20xf32> {lutra.name = "past.key", lutra.dim_names = ["b", "", "s", ""]}, %pv: tensor<?x2x?x36xf32> {lutra.name = "past.value", lutra.dim_names = ["b", "", "s", ""]}, %at: tensor<?x2x?x3xi64> {lutra.name = "at", lutra.dim_names = ["b", "", "m", ""]}, %k: tensor<?x2x?x20xf32> {lutra.name = "key", lutra.dim_names = ["b", "", "m", ""]}, %v: tensor<?x2x?x36xf32> {lutra.name = "value", lutra.dim_names = ["b", "", "m", ""]}) -> (tensor<?x2x?x36xf32> {lutra.name = "y"}, tensor<?x2x?x20xf32> {lutra.name = "present.key"}, tensor<?x2x?x36xf32> {lutra.name = "present.value"}) {
  %ck = lutra.scatter_nd<set> %pk, %at, %k : (tensor<?x2x?x20xf32>, tensor<?x2x?x3xi64>, tensor<?x2x?x20xf32>) -> tensor<?x2x?x20xf32>
  %cv = lutra.scatter_nd<set> %pv, %at, %v : (tensor<?x2x?x36xf32>, tensor<?x2x?x3xi64>, tensor<?x2x?x36xf32>) -> tensor<?x2x?x36xf32>
  %p = lutra.matmul %q, %ck {transpose_rhs} : (tensor<?x2x?x20xf32>, tensor<?x2x?x20xf32>) -> tensor<?x2x?x?xf32>
  %s = lutra.softmax %p {axis = 3 : i64} : tensor<?x2x?x?xf32>
  %o = lutra.matmul %s, %cv : (tensor<?x2x?x?xf32>, tensor<?x2x?x36xf32>) -> tensor<?x2x?x36xf32>
  return %o, %ck, %cv : tensor<?x2x?x36xf32>, tensor<?x2x?x20xf32>, tensor<?x2x?x36xf32>
}
