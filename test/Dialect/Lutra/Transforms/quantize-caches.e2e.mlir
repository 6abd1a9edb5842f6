// Kernels of codes beside floats against the coded graph in the evaluator, for one row of queries, a few and many, with no
// old token, few and many. What the codes mean beside f32 is in test/python/test_caches.py.
// REQUIRES: lutra-compile, avx2
// RUN: sed "s/xROWSx/x?x/g" %s | lutra-opt - --lutra-quantize-caches -o %t.mlir
// RUN: lutra-run %t.mlir --before-after=lutra-form-kernels{targets=avx2} --seed=7 --dim=*=3
// RUN: lutra-opt %t.mlir --lutra-form-kernels=targets=avx2 | FileCheck %s
// Casts are in the kernels of the products, of which no f32 copy of the cache remains.
// CHECK-DAG: lutra.kernel @{{.*}}(%{{.*}}: tensor<?x2x?x20xi8>, {{.*}}) -> tensor<?x2x?x?xf32>
// CHECK-DAG: lutra.kernel @{{.*}}(%{{.*}}: tensor<?x2x?x36xi8>, {{.*}}) -> tensor<?x2x?x36xf32>
// CHECK-LABEL: func.func @main
// CHECK-NOT: lutra.launch {{.*}}sizes({{.*}}) : (tensor<?x2x?x36xi8>) ->
// RUN: lutra-compile %t.mlir --target-cpu=avx512vnni,avx2,baseline -o %t.so
// RUN: lutra-run %t.so --compare=%t.mlir --seed=7 --dim=b=1 --dim=m=1 --dim=past=128
// RUN: lutra-run %t.so --compare=%t.mlir --seed=7 --dim=b=2 --dim=m=3 --dim=past=0
// RUN: lutra-run %t.so --compare=%t.mlir --seed=7 --dim=b=1 --dim=m=37 --dim=past=500
// RUN: lutra-run %t.so --compare=%t.mlir --seed=7 --dim=b=0 --dim=m=1 --dim=past=1
// RUN: not lutra-run %t.so --compare=%t.mlir --seed=7 --dim=b=1 --dim=m=1 --dim=past=128 --corrupt=0
// RUN: env LUTRA_ISA=avx2 lutra-run %t.so --compare=%t.mlir --seed=7 --dim=b=1 --dim=m=1 --dim=past=33
// RUN: env LUTRA_ISA=avx2 lutra-run %t.so --compare=%t.mlir --seed=7 --dim=b=1 --dim=m=9 --dim=past=71
// RUN: env LUTRA_ISA=baseline lutra-run %t.so --compare=%t.mlir --seed=7 --dim=b=1 --dim=m=2 --dim=past=33
// RUN: sed "s/xROWSx/x1x/g" %s | lutra-opt - --lutra-quantize-caches -o %t.one.mlir
// RUN: lutra-compile %t.one.mlir --target-cpu=avx512vnni,avx2,baseline -o %t.one.so
// RUN: lutra-run %t.one.so --compare=%t.one.mlir --seed=7 --dim=b=1 --dim=past=257
// RUN: env LUTRA_ISA=avx2 lutra-run %t.one.so --compare=%t.one.mlir --seed=7 --dim=b=2 --dim=past=257
// RUN: env LUTRA_ISA=baseline lutra-run %t.one.so --compare=%t.one.mlir --seed=7 --dim=b=2 --dim=past=30
// RUN: sed "s/xROWSx/x3x/g" %s | lutra-opt - --lutra-quantize-caches -o %t.three.mlir
// RUN: lutra-compile %t.three.mlir --target-cpu=avx512vnni,avx2,baseline -o %t.three.so
// RUN: lutra-run %t.three.so --compare=%t.three.mlir --seed=7 --dim=b=1 --dim=past=257
// RUN: lutra-run %t.three.so --compare=%t.three.mlir --seed=7 --dim=b=1 --dim=past=257 --values=one-nan
// RUN: env LUTRA_ISA=avx2 lutra-run %t.three.so --compare=%t.three.mlir --seed=7 --dim=b=2 --dim=past=21
// With zero points casts of codes are in the kernels of the products as well.
// RUN: sed "s/xROWSx/x?x/g" %s | lutra-opt - --lutra-quantize-caches=spec=kv=int8:asym -o %t.asym.mlir
// RUN: lutra-run %t.asym.mlir --before-after=lutra-form-kernels{targets=avx2} --seed=7 --dim=*=3
// RUN: lutra-opt %t.asym.mlir --lutra-form-kernels=targets=avx2 | FileCheck %s
// RUN: lutra-compile %t.asym.mlir --target-cpu=avx512vnni,avx2,baseline -o %t.asym.so
// RUN: lutra-run %t.asym.so --compare=%t.asym.mlir --seed=7 --dim=b=1 --dim=m=1 --dim=past=128
// RUN: lutra-run %t.asym.so --compare=%t.asym.mlir --seed=7 --dim=b=2 --dim=m=3 --dim=past=0
// RUN: lutra-run %t.asym.so --compare=%t.asym.mlir --seed=7 --dim=b=1 --dim=m=37 --dim=past=500
// RUN: lutra-run %t.asym.so --compare=%t.asym.mlir --seed=7 --dim=b=0 --dim=m=1 --dim=past=1
// RUN: env LUTRA_ISA=avx2 lutra-run %t.asym.so --compare=%t.asym.mlir --seed=7 --dim=b=1 --dim=m=9 --dim=past=71
// RUN: env LUTRA_ISA=baseline lutra-run %t.asym.so --compare=%t.asym.mlir --seed=7 --dim=b=1 --dim=m=2 --dim=past=33
// RUN: sed "s/xROWSx/x3x/g" %s | lutra-opt - --lutra-quantize-caches=spec=kv=int8:asym -o %t.asym.three.mlir
// RUN: lutra-compile %t.asym.three.mlir --target-cpu=avx512vnni,avx2,baseline -o %t.asym.three.so
// RUN: lutra-run %t.asym.three.so --compare=%t.asym.three.mlir --seed=7 --dim=b=1 --dim=past=257
// RUN: lutra-run %t.asym.three.so --compare=%t.asym.three.mlir --seed=7 --dim=b=1 --dim=past=257 --values=one-nan

func.func @main(%q: tensor<?x2xROWSx20xf32> {lutra.name = "q", lutra.dim_names = ["b", "", "m", ""]}, %pk: tensor<?x2x?x20xf32> {lutra.name = "past.key", lutra.dim_names = ["b", "", "past", ""]}, %pv: tensor<?x2x?x36xf32> {lutra.name = "past.value", lutra.dim_names = ["b", "", "past", ""]}, %k: tensor<?x2xROWSx20xf32> {lutra.name = "key", lutra.dim_names = ["b", "", "m", ""]}, %v: tensor<?x2xROWSx36xf32> {lutra.name = "value", lutra.dim_names = ["b", "", "m", ""]}) -> (tensor<?x2xROWSx36xf32> {lutra.name = "y"}, tensor<?x2x?x20xf32> {lutra.name = "present.key"}, tensor<?x2x?x36xf32> {lutra.name = "present.value"}) {
  %ck = lutra.concat %pk, %k {axis = 2 : i64} : (tensor<?x2x?x20xf32>, tensor<?x2xROWSx20xf32>) -> tensor<?x2x?x20xf32>
  %cv = lutra.concat %pv, %v {axis = 2 : i64} : (tensor<?x2x?x36xf32>, tensor<?x2xROWSx36xf32>) -> tensor<?x2x?x36xf32>
  %p = lutra.matmul %q, %ck {transpose_rhs} : (tensor<?x2xROWSx20xf32>, tensor<?x2x?x20xf32>) -> tensor<?x2xROWSx?xf32>
  %s = lutra.softmax %p {axis = 3 : i64} : tensor<?x2xROWSx?xf32>
  %o = lutra.matmul %s, %cv : (tensor<?x2xROWSx?xf32>, tensor<?x2x?x36xf32>) -> tensor<?x2xROWSx36xf32>
  return %o, %ck, %cv : tensor<?x2xROWSx36xf32>, tensor<?x2x?x20xf32>, tensor<?x2x?x36xf32>
}
