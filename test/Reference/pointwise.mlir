// RUN: lutra-run %s --print | FileCheck %s

// Half to even; the sign of zero is kept.
// CHECK: @round 0: 5xf32 = [-2, -0, 0, 2, 2]
func.func @round() -> tensor<5xf32> {
  %a = lutra.constant dense<[-1.5, -0.5, 0.5, 1.5, 2.5]> : tensor<5xf32>
  %r = lutra.unary<round> %a : tensor<5xf32> -> tensor<5xf32>
  return %r : tensor<5xf32>
}

// CHECK: @relu_keeps_nan 0: 3xf32 = [0, 2, nan]
func.func @relu_keeps_nan() -> tensor<3xf32> {
  %a = lutra.constant dense<[-1.0, 2.0, 0x7FC00000]> : tensor<3xf32>
  %r = lutra.unary<relu> %a : tensor<3xf32> -> tensor<3xf32>
  return %r : tensor<3xf32>
}

// sigmoid(0) = 1/2, silu(0) = 0, gelu(0) = 0, tanh(0) = 0, exp(0) = 1.
// CHECK: @at_zero 0: 1xf32 = [0.5]
// CHECK: @at_zero 1: 1xf32 = [0]
// CHECK: @at_zero 2: 1xf32 = [0]
// CHECK: @at_zero 3: 1xf32 = [1]
func.func @at_zero() -> (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) {
  %a = lutra.constant dense<0.0> : tensor<1xf32>
  %0 = lutra.unary<sigmoid> %a : tensor<1xf32> -> tensor<1xf32>
  %1 = lutra.unary<silu> %a : tensor<1xf32> -> tensor<1xf32>
  %2 = lutra.unary<gelu_erf> %a : tensor<1xf32> -> tensor<1xf32>
  %3 = lutra.unary<exp> %a : tensor<1xf32> -> tensor<1xf32>
  return %0, %1, %2, %3 : tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>
}

// x Phi(x) at 1: 0.841345; the tanh form gives 0.841192.
// CHECK: @gelu_forms 0: 1xf32 = [0.841345]
// CHECK: @gelu_forms 1: 1xf32 = [0.841192]
func.func @gelu_forms() -> (tensor<1xf32>, tensor<1xf32>) {
  %a = lutra.constant dense<1.0> : tensor<1xf32>
  %0 = lutra.unary<gelu_erf> %a : tensor<1xf32> -> tensor<1xf32>
  %1 = lutra.unary<gelu_tanh> %a : tensor<1xf32> -> tensor<1xf32>
  return %0, %1 : tensor<1xf32>, tensor<1xf32>
}

// The least i8 has no opposite.
// CHECK: @integers_wrap 0: 2xi8 = [-128, 3]
// CHECK: @integers_wrap 1: 2xi8 = [-128, -3]
func.func @integers_wrap() -> (tensor<2xi8>, tensor<2xi8>) {
  %a = lutra.constant dense<[-128, 3]> : tensor<2xi8>
  %0 = lutra.unary<abs> %a : tensor<2xi8> -> tensor<2xi8>
  %1 = lutra.unary<neg> %a : tensor<2xi8> -> tensor<2xi8>
  return %0, %1 : tensor<2xi8>, tensor<2xi8>
}

// mod follows the divisor's sign, rem the dividend's; division truncates.
// CHECK: @divisions 0: 4xi32 = [-2, -2, 2, 2]
// CHECK: @divisions 1: 4xi32 = [2, -1, -2, 1]
// CHECK: @divisions 2: 4xi32 = [-1, 2, -2, 1]
func.func @divisions() -> (tensor<4xi32>, tensor<4xi32>, tensor<4xi32>) {
  %a = lutra.constant dense<[-7, 8, -8, 7]> : tensor<4xi32>
  %b = lutra.constant dense<[3, -3, -3, 3]> : tensor<4xi32>
  %0 = lutra.binary<div> %a, %b : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %1 = lutra.binary<mod> %a, %b : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %2 = lutra.binary<rem> %a, %b : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  return %0, %1, %2 : tensor<4xi32>, tensor<4xi32>, tensor<4xi32>
}

// CHECK: @broadcasts 0: 2x3xf32 = [
// CHECK-SAME: [11, 21, 31], [12, 22, 32]]
func.func @broadcasts() -> tensor<2x3xf32> {
  %a = lutra.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  %b = lutra.constant dense<[10.0, 20.0, 30.0]> : tensor<3xf32>
  %r = lutra.binary<add> %a, %b : (tensor<2x1xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK: @empty 0: 0x3xf32 = []
func.func @empty() -> tensor<0x3xf32> {
  %a = lutra.constant dense<> : tensor<0x1xf32>
  %b = lutra.constant dense<1.0> : tensor<3xf32>
  %r = lutra.binary<add> %a, %b : (tensor<0x1xf32>, tensor<3xf32>) -> tensor<0x3xf32>
  return %r : tensor<0x3xf32>
}

// CHECK: @unsigned_order 0: 2xi1 = [0, 1]
func.func @unsigned_order() -> tensor<2xi1> {
  %a = lutra.constant dense<[200, 3]> : tensor<2xui8>
  %b = lutra.constant dense<[100, 4]> : tensor<2xui8>
  %r = lutra.compare<lt> %a, %b : (tensor<2xui8>, tensor<2xui8>) -> tensor<2xi1>
  return %r : tensor<2xi1>
}

// NaN is unequal to itself and neither less nor greater.
// CHECK: @nan_order 0: i1 = 0
// CHECK: @nan_order 1: i1 = 1
func.func @nan_order() -> (tensor<i1>, tensor<i1>) {
  %a = lutra.constant dense<0x7FC00000> : tensor<f32>
  %0 = lutra.compare<ge> %a, %a : (tensor<f32>, tensor<f32>) -> tensor<i1>
  %1 = lutra.compare<ne> %a, %a : (tensor<f32>, tensor<f32>) -> tensor<i1>
  return %0, %1 : tensor<i1>, tensor<i1>
}

// CHECK: @select 0: 2x2xf32 = [
// CHECK-SAME: [1, 20], [1, 20]]
func.func @select() -> tensor<2x2xf32> {
  %c = lutra.constant dense<[true, false]> : tensor<2xi1>
  %a = lutra.constant dense<1.0> : tensor<f32>
  %b = lutra.constant dense<[[10.0, 20.0], [10.0, 20.0]]> : tensor<2x2xf32>
  %r = lutra.select %c, %a, %b : (tensor<2xi1>, tensor<f32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %r : tensor<2x2xf32>
}

// Towards zero, saturating, NaN gives 0.
// CHECK: @float_to_i8 0: 5xi8 = [-2, 127, -128, 0, 2]
func.func @float_to_i8() -> tensor<5xi8> {
  %a = lutra.constant dense<[-2.9, 300.0, -300.0, 0x7FC00000, 2.9]> : tensor<5xf32>
  %r = lutra.cast %a : tensor<5xf32> -> tensor<5xi8>
  return %r : tensor<5xi8>
}

// Integers wrap; truth is "not zero"; f32 -> bf16 keeps 8 bits, half to even: 257 -> 256, 259 -> 260.
// CHECK: @other_casts 0: 2xi8 = [44, -1]
// CHECK: @other_casts 1: 2xi1 = [1, 1]
// CHECK: @other_casts 2: 2xbf16 = [256, 260]
func.func @other_casts() -> (tensor<2xi8>, tensor<2xi1>, tensor<2xbf16>) {
  %a = lutra.constant dense<[300, -1]> : tensor<2xi32>
  %0 = lutra.cast %a : tensor<2xi32> -> tensor<2xi8>
  %1 = lutra.cast %a : tensor<2xi32> -> tensor<2xi1>
  %b = lutra.constant dense<[257.0, 259.0]> : tensor<2xf32>
  %2 = lutra.cast %b : tensor<2xf32> -> tensor<2xbf16>
  return %0, %1, %2 : tensor<2xi8>, tensor<2xi1>, tensor<2xbf16>
}
