// RUN: lutra-opt %s --split-input-file --lutra-flatten-branches --verify-diagnostics | FileCheck %s --implicit-check-not=scf.if

// An inner branch moves with the one around it; a value from outside is selected as it is.
// CHECK-LABEL: func @nested(
// CHECK-SAME: %[[X:.+]]: tensor<4xf32>, %[[C:.+]]: tensor<i1>, %[[D:.+]]: tensor<i1>
// CHECK: %[[E:.+]] = lutra.unary<exp> %[[X]]
// CHECK: %[[N:.+]] = lutra.unary<neg> %[[X]]
// CHECK: %[[S:.+]] = lutra.select %[[D]], %[[N]], %[[X]]
// CHECK: %[[R:.+]] = lutra.select %[[C]], %[[E]], %[[S]]
// CHECK: return %[[R]]
func.func @nested(%x: tensor<4xf32>, %c: tensor<i1>, %d: tensor<i1>) -> tensor<4xf32> {
  %f = tensor.extract %c[] : tensor<i1>
  %r = scf.if %f -> (tensor<4xf32>) {
    %a = lutra.unary<exp> %x : tensor<4xf32> -> tensor<4xf32>
    scf.yield %a : tensor<4xf32>
  } else {
    %g = tensor.extract %d[] : tensor<i1>
    %s = scf.if %g -> (tensor<4xf32>) {
      %b = lutra.unary<neg> %x : tensor<4xf32> -> tensor<4xf32>
      scf.yield %b : tensor<4xf32>
    } else {
      scf.yield %x : tensor<4xf32>
    }
    scf.yield %s : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}

// -----

func.func @foreign(%x: tensor<4xf32>, %f: i1) -> tensor<4xf32> {
  // expected-error @below {{E0601: this target computes both branches and selects, which takes tensors as results}}
  %r = scf.if %f -> (tensor<4xf32>) {
    %a = lutra.unary<exp> %x : tensor<4xf32> -> tensor<4xf32>
    scf.yield %a : tensor<4xf32>
  } else {
    scf.yield %x : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}
