// RUN: lutra-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @softmax
func.func @softmax(%a: tensor<?x5xf32>) -> tensor<?x5xf32> {
  // CHECK: lutra.softmax %{{.*}} {axis = 1 : i64} : tensor<?x5xf32>
  %0 = lutra.softmax %a {axis = 1 : i64} : tensor<?x5xf32>
  // CHECK: lutra.softmax %{{.*}} {axis = 0 : i64, log} : tensor<?x5xf32>
  %1 = lutra.softmax %0 {axis = 0 : i64, log} : tensor<?x5xf32>
  return %1 : tensor<?x5xf32>
}

// CHECK-LABEL: func @layer_norm
func.func @layer_norm(%a: tensor<?x2x5xf16>, %g: tensor<2x5xf16>, %b: tensor<5xf32>) -> tensor<?x2x5xf16> {
  // CHECK: lutra.layer_norm %{{.*}} {dims = 1 : i64, epsilon = 1.000000e-05 : f64} : tensor<?x2x5xf16> -> tensor<?x2x5xf16>
  %0 = lutra.layer_norm %a {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<?x2x5xf16> -> tensor<?x2x5xf16>
  // CHECK: lutra.layer_norm %{{.*}} scale(%{{.*}} : tensor<2x5xf16>) {dims = 2 : i64
  %1 = lutra.layer_norm %a scale(%g : tensor<2x5xf16>) {dims = 2 : i64, epsilon = 0.0 : f64}
         : tensor<?x2x5xf16> -> tensor<?x2x5xf16>
  // CHECK: lutra.layer_norm %{{.*}} bias(%{{.*}} : tensor<5xf32>) {dims = 1 : i64
  %2 = lutra.layer_norm %a bias(%b : tensor<5xf32>) {dims = 1 : i64, epsilon = 0.0 : f64}
         : tensor<?x2x5xf16> -> tensor<?x2x5xf16>
  // CHECK: lutra.layer_norm %{{.*}} scale(%{{.*}} : tensor<5xf32>) bias(%{{.*}} : tensor<5xf32>) {dims = 1 : i64
  %3 = lutra.layer_norm %a scale(%b : tensor<5xf32>) bias(%b : tensor<5xf32>)
         {dims = 1 : i64, epsilon = 0.0 : f64} : tensor<?x2x5xf16> -> tensor<?x2x5xf16>
  return %3 : tensor<?x2x5xf16>
}

// CHECK-LABEL: func @rms_norm
func.func @rms_norm(%a: tensor<?x5xf32>, %g: tensor<5xf32>) -> tensor<?x5xf32> {
  // CHECK: lutra.rms_norm %{{.*}} scale(%{{.*}} : tensor<5xf32>) {dims = 1 : i64, epsilon = 1.000000e-05 : f64}
  %0 = lutra.rms_norm %a scale(%g : tensor<5xf32>) {dims = 1 : i64, epsilon = 1.0e-5 : f64}
         : tensor<?x5xf32> -> tensor<?x5xf32>
  // CHECK: lutra.rms_norm %{{.*}} {dims = 2 : i64, epsilon = 0.000000e+00 : f64} : tensor<?x5xf32> -> tensor<?x5xf32>
  %1 = lutra.rms_norm %0 {dims = 2 : i64, epsilon = 0.0 : f64} : tensor<?x5xf32> -> tensor<?x5xf32>
  return %1 : tensor<?x5xf32>
}
