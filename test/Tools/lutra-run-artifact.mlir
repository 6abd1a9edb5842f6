// The runner's side of a compiled model, with a model written by hand.
// RUN: clang -shared -fPIC -I%lutra_source/include %S/Inputs/model.c -o %t.so
// RUN: clang -shared -fPIC -DSPOIL_INPUT -I%lutra_source/include %S/Inputs/model.c -o %t.spoils.so
// RUN: lutra-run %t.so --dim=n=3 --print --values=zeros | FileCheck %s
// RUN: lutra-run %t.so --dim=n=3 --compare=%s --repeat=3 | FileCheck %s --check-prefix=COMPARE
// RUN: not lutra-run %t.so --dim=n=3 --compare=%s --corrupt=1
// RUN: not lutra-run %t.so --dim=n=3 --profile 2>&1 | FileCheck %s --check-prefix=PROFILE
// RUN: not lutra-run %t.so --dim=n=101 2>&1 | FileCheck %s --check-prefix=ARGUMENT
// RUN: not lutra-run %t.spoils.so 2>&1 | FileCheck %s --check-prefix=SPOILS
// RUN: not lutra-run %t.missing.so 2>&1 | FileCheck %s --check-prefix=MISSING

// CHECK: @plus y: 3x2xf32 = {{\[\[}}1, 1], [1, 1], [1, 1]]
// COMPARE: time: min {{.*}} ms, median {{.*}} ms of 3 runs
// COMPARE: @plus y: ok: 6 elements
// PROFILE: lutra-run: error: E0604: this model tells of no kernel; only those of target cpu do
// ARGUMENT: lutra-run: error: E0901: n is larger than 100
// SPOILS: lutra-run: error: E1001: the model changed its input 0
// MISSING: lutra-run: error: E0902: {{.*}} cannot be loaded
func.func @main(%x: tensor<?x2xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]})
    -> (tensor<?x2xf32> {lutra.name = "y"}) {
  %one = lutra.constant dense<1.0> : tensor<f32>
  %r = lutra.binary<add> %x, %one : (tensor<?x2xf32>, tensor<f32>) -> tensor<?x2xf32>
  return %r : tensor<?x2xf32>
}
