// The comparison passes on equal programs, and fails when one element is changed or a pass is wrong.
// RUN: lutra-run %s --before-after=cse --seed=7 | FileCheck %s
// RUN: lutra-run %s --before-after=cse --seed=7 --exact
// RUN: not lutra-run %s --before-after=cse --seed=7 --corrupt=0 2>&1 | FileCheck %s --check-prefix=CORRUPT
// RUN: not lutra-run %s --before-after=cse --seed=7 --exact --corrupt=5
// RUN: not lutra-run %s --before-after=lutra-test-plant-wrong-result --seed=7 2>&1 | FileCheck %s --check-prefix=PLANTED
// RUN: lutra-run %s --before-after=lutra-test-plant-wrong-result{relative=1e-9} --seed=7
// RUN: not lutra-run %s --before-after=lutra-test-fail 2>&1 | FileCheck %s --check-prefix=BROKEN
// RUN: not lutra-run %s --before-after=no-such-pass 2>&1 | FileCheck %s --check-prefix=PASS
// RUN: not lutra-run %s --values=strange 2>&1 | FileCheck %s --check-prefix=VALUES
// RUN: lutra-run %s --output=%t.out --bounds --dim=n=2
// RUN: lutra-run %s --output=%t.plain --dim=n=2 && lutra-run %s --input=x=%t.plain/y.npy --print

// CHECK: @main y: ok: 15 elements, max error {{.*}}, max error/bound 0.
// CORRUPT: @main y: FAIL: 15 elements, {{.*}}1 outside the bound, 0 non-finite mismatches; worst element 0
// CORRUPT: lutra-run: error: E0202: @main gives other values
// PLANTED: @main y: FAIL: 15 elements, {{.*}} 15 outside the bound
// BROKEN: error: E0501: planted by lutra-test-fail
// PASS: error: E0301: cannot parse the pipeline 'no-such-pass'
// VALUES: --values=strange is no value set
func.func @main(%x: tensor<?x5xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]})
    -> (tensor<?x5xf32> {lutra.name = "y"}) {
  %0 = lutra.unary<exp> %x : tensor<?x5xf32> -> tensor<?x5xf32>
  %1 = lutra.unary<exp> %x : tensor<?x5xf32> -> tensor<?x5xf32>
  %2 = lutra.binary<div> %0, %x : (tensor<?x5xf32>, tensor<?x5xf32>) -> tensor<?x5xf32>
  %3 = lutra.binary<sub> %2, %1 : (tensor<?x5xf32>, tensor<?x5xf32>) -> tensor<?x5xf32>
  return %3 : tensor<?x5xf32>
}
