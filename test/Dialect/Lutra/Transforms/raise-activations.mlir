// RUN: lutra-opt %s --lutra-raise-activations | FileCheck %s

// CHECK-LABEL: func @silu
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
// CHECK-NEXT: %[[Y:.*]] = lutra.unary<silu> %[[X]]
// CHECK-NEXT: return %[[Y]]
func.func @silu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %s = lutra.unary<sigmoid> %x : tensor<4xf32> -> tensor<4xf32>
  %y = lutra.binary<mul> %s, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// The order of torch's exporter: x / sqrt 2, erf, + 1, times x, times a half.
// CHECK-LABEL: func @gelu_erf
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>)
// CHECK-NEXT: %[[Y:.*]] = lutra.unary<gelu_erf> %[[X]]
// CHECK-NEXT: return %[[Y]]
func.func @gelu_erf(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %root = lutra.constant dense<1.41421354> : tensor<f32>
  %one = lutra.constant dense<1.0> : tensor<f32>
  %half = lutra.constant dense<0.5> : tensor<f32>
  %0 = lutra.binary<div> %x, %root : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %1 = lutra.unary<erf> %0 : tensor<?x8xf32> -> tensor<?x8xf32>
  %2 = lutra.binary<add> %1, %one : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  %3 = lutra.binary<mul> %x, %2 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %4 = lutra.binary<mul> %3, %half : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  return %4 : tensor<?x8xf32>
}

// GPT-2: the half is multiplied first and the cube is a power.
// CHECK-LABEL: func @gelu_tanh
// CHECK-SAME: (%[[X:.*]]: tensor<8xf32>)
// CHECK-NEXT: %[[Y:.*]] = lutra.unary<gelu_tanh> %[[X]]
// CHECK-NEXT: return %[[Y]]
func.func @gelu_tanh(%x: tensor<8xf32>) -> tensor<8xf32> {
  %three = lutra.constant dense<3.0> : tensor<f32>
  %inner = lutra.constant dense<0.044715> : tensor<f32>
  %outer = lutra.constant dense<0.797884583> : tensor<f32>
  %one = lutra.constant dense<1.0> : tensor<f32>
  %half = lutra.constant dense<0.5> : tensor<f32>
  %h = lutra.binary<mul> %half, %x : (tensor<f32>, tensor<8xf32>) -> tensor<8xf32>
  %0 = lutra.binary<pow> %x, %three : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %1 = lutra.binary<mul> %0, %inner : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %2 = lutra.binary<add> %x, %1 : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %3 = lutra.binary<mul> %outer, %2 : (tensor<f32>, tensor<8xf32>) -> tensor<8xf32>
  %4 = lutra.unary<tanh> %3 : tensor<8xf32> -> tensor<8xf32>
  %5 = lutra.binary<add> %one, %4 : (tensor<f32>, tensor<8xf32>) -> tensor<8xf32>
  %6 = lutra.binary<mul> %h, %5 : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %6 : tensor<8xf32>
}

// A gate on another value is no activation.
// CHECK-LABEL: func @other_gate
// CHECK: lutra.unary<sigmoid>
// CHECK: lutra.binary<mul>
func.func @other_gate(%x: tensor<4xf32>, %g: tensor<4xf32>) -> tensor<4xf32> {
  %s = lutra.unary<sigmoid> %g : tensor<4xf32> -> tensor<4xf32>
  %y = lutra.binary<mul> %x, %s : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
