// RUN: lutra-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @constant
func.func @constant() -> tensor<2xf32> {
  // CHECK: lutra.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
  %0 = lutra.constant dense<[1.0, 2.0]> : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// CHECK-LABEL: func @iota
func.func @iota(%n: index) -> tensor<?x3xi64> {
  // CHECK: lutra.iota() {axis = 0 : i64} : tensor<4xf32>
  %0 = lutra.iota() {axis = 0 : i64} : tensor<4xf32>
  // CHECK: lutra.iota(%{{.*}}) {axis = 1 : i64} : tensor<?x3xi64>
  %1 = lutra.iota(%n) {axis = 1 : i64} : tensor<?x3xi64>
  return %1 : tensor<?x3xi64>
}

// CHECK-LABEL: func @from_index
func.func @from_index(%n: index) -> tensor<i64> {
  // CHECK: lutra.from_index %{{.*}} : tensor<i64>
  %0 = lutra.from_index %n : tensor<i64>
  return %0 : tensor<i64>
}

// CHECK-LABEL: func @reshape
func.func @reshape(%a: tensor<?x6xf32>, %n: index) -> tensor<?x2x3xf32> {
  // CHECK: lutra.reshape %{{.*}}[%{{.*}}] : tensor<?x6xf32> -> tensor<?x2x3xf32>
  %0 = lutra.reshape %a [%n] : tensor<?x6xf32> -> tensor<?x2x3xf32>
  // CHECK: lutra.reshape %{{.*}}[] : tensor<?x6xf32> -> tensor<12xf32>
  %1 = lutra.reshape %a [] : tensor<?x6xf32> -> tensor<12xf32>
  return %0 : tensor<?x2x3xf32>
}

// CHECK-LABEL: func @transpose
func.func @transpose(%a: tensor<?x5x2xf32>) -> tensor<5x2x?xf32> {
  // CHECK: lutra.transpose %{{.*}} [1, 2, 0] : tensor<?x5x2xf32> -> tensor<5x2x?xf32>
  %0 = lutra.transpose %a [1, 2, 0] : tensor<?x5x2xf32> -> tensor<5x2x?xf32>
  return %0 : tensor<5x2x?xf32>
}

// CHECK-LABEL: func @expand
func.func @expand(%a: tensor<1x5xf32>, %b: tensor<?xf32>, %n: index) -> tensor<?x5xf32> {
  // CHECK: lutra.expand %{{.*}}[%{{.*}}] : tensor<1x5xf32> -> tensor<?x5xf32>
  %0 = lutra.expand %a [%n] : tensor<1x5xf32> -> tensor<?x5xf32>
  // CHECK: lutra.expand %{{.*}}[%{{.*}}] : tensor<?xf32> -> tensor<3x?xf32>
  %1 = lutra.expand %b [%n] : tensor<?xf32> -> tensor<3x?xf32>
  return %0 : tensor<?x5xf32>
}

// CHECK-LABEL: func @slice
func.func @slice(%a: tensor<?x8xf32>, %o: index, %n: index) -> tensor<?x4xf32> {
  // CHECK: lutra.slice %{{.*}}[%{{.*}}, 7] sizes [%{{.*}}] steps [1, -2] : tensor<?x8xf32> -> tensor<?x4xf32>
  %0 = lutra.slice %a[%o, 7] sizes [%n] steps [1, -2] : tensor<?x8xf32> -> tensor<?x4xf32>
  // CHECK: lutra.slice %{{.*}}[0, 4] sizes [] steps [1, 1] : tensor<?x8xf32> -> tensor<3x4xf32>
  %1 = lutra.slice %a[0, 4] sizes [] steps [1, 1] : tensor<?x8xf32> -> tensor<3x4xf32>
  return %0 : tensor<?x4xf32>
}

// CHECK-LABEL: func @concat
func.func @concat(%a: tensor<?x5xf32>, %b: tensor<?x2xf32>) -> tensor<?x7xf32> {
  // CHECK: lutra.concat %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<?x5xf32>, tensor<?x2xf32>) -> tensor<?x7xf32>
  %0 = lutra.concat %a, %b {axis = 1 : i64} : (tensor<?x5xf32>, tensor<?x2xf32>) -> tensor<?x7xf32>
  return %0 : tensor<?x7xf32>
}

// CHECK-LABEL: func @pad
func.func @pad(%a: tensor<?x8xf32>, %v: tensor<f32>, %o: index) -> tensor<?x9xf32> {
  // CHECK: lutra.pad<constant> %{{.*}}, %{{.*}} low [%{{.*}}, -1] high [0, 2] : tensor<?x8xf32>, tensor<f32> -> tensor<?x9xf32>
  %0 = lutra.pad<constant> %a, %v low [%o, -1] high [0, 2] : tensor<?x8xf32>, tensor<f32> -> tensor<?x9xf32>
  // CHECK: lutra.pad<reflect> %{{.*}}, %{{.*}} low [0, 1] high [0, 0]
  %1 = lutra.pad<reflect> %a, %v low [0, 1] high [0, 0] : tensor<?x8xf32>, tensor<f32> -> tensor<?x9xf32>
  return %0 : tensor<?x9xf32>
}

// CHECK-LABEL: func @gather
func.func @gather(%a: tensor<9x5xf32>, %i: tensor<?x2xi64>) -> tensor<?x2x5xf32> {
  // CHECK: lutra.gather %{{.*}}, %{{.*}} {axis = 0 : i64} : (tensor<9x5xf32>, tensor<?x2xi64>) -> tensor<?x2x5xf32>
  %0 = lutra.gather %a, %i {axis = 0 : i64} : (tensor<9x5xf32>, tensor<?x2xi64>) -> tensor<?x2x5xf32>
  return %0 : tensor<?x2x5xf32>
}

// CHECK-LABEL: func @gather_codes
func.func @gather_codes(%a: tensor<256xui8>, %i: tensor<?xi8>) -> tensor<?xui8> {
  // CHECK: lutra.gather %{{.*}}, %{{.*}} {axis = 0 : i64} : (tensor<256xui8>, tensor<?xi8>) -> tensor<?xui8>
  %0 = lutra.gather %a, %i {axis = 0 : i64} : (tensor<256xui8>, tensor<?xi8>) -> tensor<?xui8>
  return %0 : tensor<?xui8>
}

// CHECK-LABEL: func @gather_elements
func.func @gather_elements(%a: tensor<?x5xf32>, %i: tensor<?x9xi32>) -> tensor<?x9xf32> {
  // CHECK: lutra.gather_elements %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<?x5xf32>, tensor<?x9xi32>) -> tensor<?x9xf32>
  %0 = lutra.gather_elements %a, %i {axis = 1 : i64} : (tensor<?x5xf32>, tensor<?x9xi32>) -> tensor<?x9xf32>
  return %0 : tensor<?x9xf32>
}

// CHECK-LABEL: func @gather_nd
func.func @gather_nd(%a: tensor<?x5x4xf32>, %i: tensor<?x3x1xi64>) -> tensor<?x3x4xf32> {
  // CHECK: lutra.gather_nd %{{.*}}, %{{.*}} {batch_dims = 1 : i64} : (tensor<?x5x4xf32>, tensor<?x3x1xi64>) -> tensor<?x3x4xf32>
  %0 = lutra.gather_nd %a, %i {batch_dims = 1 : i64} : (tensor<?x5x4xf32>, tensor<?x3x1xi64>) -> tensor<?x3x4xf32>
  return %0 : tensor<?x3x4xf32>
}

// CHECK-LABEL: func @scatter_elements
func.func @scatter_elements(%a: tensor<?x5xf32>, %i: tensor<?x3xi64>, %u: tensor<?x3xf32>) -> tensor<?x5xf32> {
  // CHECK: lutra.scatter_elements<add> %{{.*}}, %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<?x5xf32>, tensor<?x3xi64>, tensor<?x3xf32>) -> tensor<?x5xf32>
  %0 = lutra.scatter_elements<add> %a, %i, %u {axis = 1 : i64}
         : (tensor<?x5xf32>, tensor<?x3xi64>, tensor<?x3xf32>) -> tensor<?x5xf32>
  return %0 : tensor<?x5xf32>
}

// CHECK-LABEL: func @scatter_nd
func.func @scatter_nd(%a: tensor<9x5xf32>, %i: tensor<?x1xi64>, %u: tensor<?x5xf32>) -> tensor<9x5xf32> {
  // CHECK: lutra.scatter_nd<set> %{{.*}}, %{{.*}}, %{{.*}} : (tensor<9x5xf32>, tensor<?x1xi64>, tensor<?x5xf32>) -> tensor<9x5xf32>
  %0 = lutra.scatter_nd<set> %a, %i, %u : (tensor<9x5xf32>, tensor<?x1xi64>, tensor<?x5xf32>) -> tensor<9x5xf32>
  return %0 : tensor<9x5xf32>
}

// CHECK-LABEL: func @resize
func.func @resize(%a: tensor<?x4xf32>, %n: index) -> tensor<?x8xf32> {
  // CHECK: lutra.resize<nearest> %{{.*}}[%{{.*}}]
  // CHECK-SAME: scales = array<f64: 1.000000e+00, 2.000000e+00>
  %0 = lutra.resize<nearest> %a [%n] {scales = array<f64: 1.0, 2.0>,
         coordinates = #lutra.resize_coordinates<asymmetric>,
         rounding = #lutra.resize_rounding<floor>, cubic_coefficient = -0.75 : f64}
         : tensor<?x4xf32> -> tensor<?x8xf32>
  // CHECK: lutra.resize<cubic> %{{.*}}[%{{.*}}]
  // CHECK-SAME: exclude_outside
  %1 = lutra.resize<cubic> %a [%n] {scales = array<f64: 1.0, 2.0>, exclude_outside,
         coordinates = #lutra.resize_coordinates<half_pixel>,
         rounding = #lutra.resize_rounding<round_prefer_floor>, cubic_coefficient = -0.5 : f64}
         : tensor<?x4xf32> -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
