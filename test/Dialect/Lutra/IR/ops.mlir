// RUN: lutra-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @unary
func.func @unary(%a: tensor<?x5xf32>) -> tensor<?x5xf32> {
  // CHECK: lutra.unary<exp> %{{.*}} : tensor<?x5xf32> -> tensor<?x5xf32>
  %r = lutra.unary<exp> %a : tensor<?x5xf32> -> tensor<?x5xf32>
  return %r : tensor<?x5xf32>
}
