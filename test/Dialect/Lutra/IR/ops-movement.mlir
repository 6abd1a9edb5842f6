// RUN: lutra-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @slice
func.func @slice(%a: tensor<?x8xf32>, %o: index, %n: index) -> tensor<?x4xf32> {
  // CHECK: lutra.slice %{{.*}}[%{{.*}}, 7] sizes [%{{.*}}] steps [1, -2] : tensor<?x8xf32> -> tensor<?x4xf32>
  %r = lutra.slice %a[%o, 7] sizes [%n] steps [1, -2] : tensor<?x8xf32> -> tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// CHECK-LABEL: func @pad
func.func @pad(%a: tensor<?x8xf32>, %v: tensor<f32>, %o: index) -> tensor<?x9xf32> {
  // CHECK: lutra.pad<constant> %{{.*}}, %{{.*}} low [%{{.*}}, -1] high [0, 2] : tensor<?x8xf32>, tensor<f32> -> tensor<?x9xf32>
  %r = lutra.pad<constant> %a, %v low [%o, -1] high [0, 2] : tensor<?x8xf32>, tensor<f32> -> tensor<?x9xf32>
  return %r : tensor<?x9xf32>
}
