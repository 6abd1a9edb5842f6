// RUN: lutra-run %s --print | FileCheck %s

// exp(0) : exp(0) : exp(ln 2) = 1 : 1 : 2, also when the logits are huge.
// CHECK: @softmax 0: 2x3xf32 = {{\[\[}}0.25, 0.25, 0.5], [0.5, 0.5, 0]]
// CHECK: @softmax 1: 2xf32 = [-0.693147, -0.693147]
func.func @softmax() -> (tensor<2x3xf32>, tensor<2xf32>) {
  %a = lutra.constant dense<[[0.0, 0.0, 0.693147182], [10000.0, 10000.0, 0.0]]> : tensor<2x3xf32>
  %b = lutra.constant dense<3.0> : tensor<2xf32>
  %0 = lutra.softmax %a {axis = 1 : i64} : tensor<2x3xf32>
  %1 = lutra.softmax %b {axis = 0 : i64, log} : tensor<2xf32>
  return %0, %1 : tensor<2x3xf32>, tensor<2xf32>
}

// Mean 2, variance 1 (+ epsilon 3 = 4): (-1, 1) / 2, then * 2 and + 10.
// CHECK: @layer_norm 0: 1x2xf32 = {{\[\[}}-0.5, 0.5]]
// CHECK: @layer_norm 1: 1x2xf32 = {{\[\[}}9, 11]]
func.func @layer_norm() -> (tensor<1x2xf32>, tensor<1x2xf32>) {
  %a = lutra.constant dense<[[1.0, 3.0]]> : tensor<1x2xf32>
  %s = lutra.constant dense<2.0> : tensor<2xf32>
  %b = lutra.constant dense<10.0> : tensor<2xf32>
  %0 = lutra.layer_norm %a {dims = 1 : i64, epsilon = 3.0 : f64} : tensor<1x2xf32> -> tensor<1x2xf32>
  %1 = lutra.layer_norm %a scale(%s : tensor<2xf32>) bias(%b : tensor<2xf32>) {dims = 1 : i64, epsilon = 3.0 : f64} : tensor<1x2xf32> -> tensor<1x2xf32>
  return %0, %1 : tensor<1x2xf32>, tensor<1x2xf32>
}

// Mean square (9 + 16) / 2 = 12.5, + 3.5 = 16: divided by 4.
// CHECK: @rms_norm 0: 1x2xf32 = {{\[\[}}0.75, 1]]
func.func @rms_norm() -> tensor<1x2xf32> {
  %a = lutra.constant dense<[[3.0, 4.0]]> : tensor<1x2xf32>
  %r = lutra.rms_norm %a {dims = 1 : i64, epsilon = 3.5 : f64} : tensor<1x2xf32> -> tensor<1x2xf32>
  return %r : tensor<1x2xf32>
}
