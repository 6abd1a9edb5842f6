// RUN: lutra-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @unary
func.func @unary(%a: tensor<?x5xf32>, %b: tensor<3xi1>, %c: tensor<ui8>) -> tensor<?x5xi1> {
  // CHECK: lutra.unary<exp> %{{.*}} : tensor<?x5xf32> -> tensor<?x5xf32>
  %0 = lutra.unary<exp> %a : tensor<?x5xf32> -> tensor<?x5xf32>
  // CHECK: lutra.unary<not> %{{.*}} : tensor<3xi1> -> tensor<3xi1>
  %1 = lutra.unary<not> %b : tensor<3xi1> -> tensor<3xi1>
  // CHECK: lutra.unary<bitwise_not> %{{.*}} : tensor<ui8> -> tensor<ui8>
  %2 = lutra.unary<bitwise_not> %c : tensor<ui8> -> tensor<ui8>
  // CHECK: lutra.unary<is_nan> %{{.*}} : tensor<?x5xf32> -> tensor<?x5xi1>
  %3 = lutra.unary<is_nan> %a : tensor<?x5xf32> -> tensor<?x5xi1>
  return %3 : tensor<?x5xi1>
}

// CHECK-LABEL: func @binary
func.func @binary(%a: tensor<?x5xf32>, %b: tensor<5xf32>, %c: tensor<2x1xi32>, %d: tensor<1x3xi32>)
    -> tensor<?x5xf32> {
  // CHECK: lutra.binary<add> %{{.*}}, %{{.*}} : (tensor<?x5xf32>, tensor<5xf32>) -> tensor<?x5xf32>
  %0 = lutra.binary<add> %a, %b : (tensor<?x5xf32>, tensor<5xf32>) -> tensor<?x5xf32>
  // CHECK: lutra.binary<shift_left> %{{.*}}, %{{.*}} : (tensor<2x1xi32>, tensor<1x3xi32>) -> tensor<2x3xi32>
  %1 = lutra.binary<shift_left> %c, %d : (tensor<2x1xi32>, tensor<1x3xi32>) -> tensor<2x3xi32>
  return %0 : tensor<?x5xf32>
}

// CHECK-LABEL: func @compare
func.func @compare(%a: tensor<?x5xf32>, %b: tensor<f32>) -> tensor<?x5xi1> {
  // CHECK: lutra.compare<lt> %{{.*}}, %{{.*}} : (tensor<?x5xf32>, tensor<f32>) -> tensor<?x5xi1>
  %0 = lutra.compare<lt> %a, %b : (tensor<?x5xf32>, tensor<f32>) -> tensor<?x5xi1>
  return %0 : tensor<?x5xi1>
}

// CHECK-LABEL: func @select
func.func @select(%c: tensor<?x5xi1>, %a: tensor<?x5xf32>, %b: tensor<f32>) -> tensor<?x5xf32> {
  // CHECK: lutra.select %{{.*}}, %{{.*}}, %{{.*}} : (tensor<?x5xi1>, tensor<?x5xf32>, tensor<f32>) -> tensor<?x5xf32>
  %0 = lutra.select %c, %a, %b : (tensor<?x5xi1>, tensor<?x5xf32>, tensor<f32>) -> tensor<?x5xf32>
  return %0 : tensor<?x5xf32>
}

// CHECK-LABEL: func @cast
func.func @cast(%a: tensor<?x5xf32>) -> tensor<?x5xi8> {
  // CHECK: lutra.cast %{{.*}} : tensor<?x5xf32> -> tensor<?x5xi8>
  %0 = lutra.cast %a : tensor<?x5xf32> -> tensor<?x5xi8>
  return %0 : tensor<?x5xi8>
}
