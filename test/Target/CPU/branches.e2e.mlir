// One of two branches runs: more rows than 4 take the first, and the profile lists what was launched.
// REQUIRES: x86-64
// RUN: lutra-compile %s -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=1 --dim=n=3
// RUN: lutra-run %t.so --compare=%s --seed=1 --dim=n=9
// RUN: not lutra-run %t.so --compare=%s --seed=1 --dim=n=9 --corrupt=0
// RUN: lutra-run %t.so --seed=1 --dim=n=9 --repeat=2 --profile | FileCheck %s --check-prefix=MANY
// RUN: lutra-run %t.so --seed=1 --dim=n=3 --repeat=2 --profile | FileCheck %s --check-prefix=FEW

// A GPU computes both and selects.
// RUN: lutra-compile %s --target=nvgpu --stop-after=legal | FileCheck %s --check-prefix=BOTH
// BOTH-NOT: scf.if
// BOTH: lutra.matmul
// BOTH: lutra.softmax
// BOTH: lutra.select

// The condition, then the product or the softmax and what follows it.
// MANY: profile:
// MANY-COUNT-2: {{^k[0-9]+ +1 }}
// MANY-NEXT: total
// FEW: profile:
// FEW-COUNT-3: {{^k[0-9]+ +1 }}
// FEW-NEXT: total
func.func @main(%x: tensor<?x4xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]}, %w: tensor<4x4xf32> {lutra.name = "w"})
    -> (tensor<?x4xf32> {lutra.name = "y"}) {
  %c0 = arith.constant 0 : index
  %rows = tensor.dim %x, %c0 : tensor<?x4xf32>
  %four = lutra.constant dense<4> : tensor<i64>
  %n = lutra.from_index %rows : tensor<i64>
  %c = lutra.compare<gt> %n, %four : (tensor<i64>, tensor<i64>) -> tensor<i1>
  %f = tensor.extract %c[] : tensor<i1>
  %y = scf.if %f -> (tensor<?x4xf32>) {
    %p = lutra.matmul %x, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    scf.yield %p : tensor<?x4xf32>
  } else {
    %s = lutra.softmax %x {axis = 1 : i64} : tensor<?x4xf32>
    %p = lutra.matmul %s, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    scf.yield %p : tensor<?x4xf32>
  }
  return %y : tensor<?x4xf32>
}
