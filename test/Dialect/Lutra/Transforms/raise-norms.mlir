// RUN: lutra-opt %s --lutra-raise-norms | FileCheck %s

// CHECK-LABEL: func @layer_norm
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>, %[[G:.*]]: tensor<8xf32>, %[[B:.*]]: tensor<8xf32>
// CHECK-NEXT: %[[Y:.*]] = lutra.layer_norm %[[X]] scale(%[[G]] {{.*}}) bias(%[[B]]
// CHECK-NEXT: return %[[Y]]
func.func @layer_norm(%x: tensor<?x8xf32>, %g: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<?x8xf32> {
  %eighth = lutra.constant dense<0.125> : tensor<f32>
  %count = lutra.constant dense<8.0> : tensor<f32>
  %epsilon = lutra.constant dense<1.0e-5> : tensor<f32>
  %0 = lutra.reduce<sum> %x axes = [1] : tensor<?x8xf32> -> tensor<?x1xf32>
  %1 = lutra.binary<mul> %0, %eighth : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %2 = lutra.binary<sub> %x, %1 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %3 = lutra.binary<mul> %2, %2 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %4 = lutra.reduce<sum> %3 axes = [1] : tensor<?x8xf32> -> tensor<?x1xf32>
  %5 = lutra.binary<div> %4, %count : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %6 = lutra.binary<add> %5, %epsilon : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %7 = lutra.unary<sqrt> %6 : tensor<?x1xf32> -> tensor<?x1xf32>
  %8 = lutra.binary<div> %2, %7 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %9 = lutra.binary<mul> %8, %g : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %10 = lutra.binary<add> %9, %b : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %10 : tensor<?x8xf32>
}

// CHECK-LABEL: func @rms_norm
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>, %[[G:.*]]: tensor<8xf32>
// CHECK-NEXT: %[[Y:.*]] = lutra.rms_norm %[[X]] scale(%[[G]]
// CHECK-NEXT: return %[[Y]]
func.func @rms_norm(%x: tensor<?x8xf32>, %g: tensor<8xf32>) -> tensor<?x8xf32> {
  %count = lutra.constant dense<8.0> : tensor<f32>
  %epsilon = lutra.constant dense<1.0e-6> : tensor<f32>
  %0 = lutra.binary<mul> %x, %x : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = lutra.reduce<sum> %0 axes = [1] : tensor<?x8xf32> -> tensor<?x1xf32>
  %2 = lutra.binary<div> %1, %count : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %3 = lutra.binary<add> %2, %epsilon : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %4 = lutra.unary<sqrt> %3 : tensor<?x1xf32> -> tensor<?x1xf32>
  %5 = lutra.unary<reciprocal> %4 : tensor<?x1xf32> -> tensor<?x1xf32>
  %6 = lutra.binary<mul> %x, %5 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %7 = lutra.binary<mul> %g, %6 : (tensor<8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %7 : tensor<?x8xf32>
}

// CHECK-LABEL: func @softmax
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>
// CHECK-NEXT: %[[Y:.*]] = lutra.softmax %[[X]] {axis = 1 : i64}
// CHECK-NEXT: return %[[Y]]
func.func @softmax(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %m = lutra.reduce<max> %x axes = [1] : tensor<?x8xf32> -> tensor<?x1xf32>
  %d = lutra.binary<sub> %x, %m : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %e = lutra.unary<exp> %d : tensor<?x8xf32> -> tensor<?x8xf32>
  %s = lutra.reduce<sum> %e axes = [1] : tensor<?x8xf32> -> tensor<?x1xf32>
  %y = lutra.binary<div> %e, %s : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// A sum divided by another number is no mean.
// CHECK-LABEL: func @other_divisor
// CHECK-NOT: lutra.rms_norm
func.func @other_divisor(%x: tensor<?x8xf32>, %g: tensor<8xf32>) -> tensor<?x8xf32> {
  %count = lutra.constant dense<4.0> : tensor<f32>
  %epsilon = lutra.constant dense<1.0e-6> : tensor<f32>
  %0 = lutra.binary<mul> %x, %x : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = lutra.reduce<sum> %0 axes = [1] : tensor<?x8xf32> -> tensor<?x1xf32>
  %2 = lutra.binary<div> %1, %count : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %3 = lutra.binary<add> %2, %epsilon : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
  %4 = lutra.unary<sqrt> %3 : tensor<?x1xf32> -> tensor<?x1xf32>
  %5 = lutra.unary<reciprocal> %4 : tensor<?x1xf32> -> tensor<?x1xf32>
  %6 = lutra.binary<mul> %x, %5 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %7 = lutra.binary<mul> %g, %6 : (tensor<8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %7 : tensor<?x8xf32>
}
