// RUN: lutra-run %s --print | FileCheck %s

// x * 3 / 4 and a half: 0.75 to 1, 1.5 to 2, -1.5 to -1, saturated ends. In ui8 10 more for each.
// CHECK: @requantize 0: 5xi8 = [1, 2, -1, 127, -128]
// CHECK: @requantize 1: 5xui8 = [11, 12, 9, 255, 0]
func.func @requantize() -> (tensor<5xi8>, tensor<5xui8>) {
  %x = lutra.constant dense<[1, 2, -2, 1000, -1000]> : tensor<5xi32>
  %m = lutra.constant dense<3> : tensor<i32>
  %half = lutra.constant dense<2> : tensor<i64>
  %ten = lutra.constant dense<42> : tensor<5xi64>
  %0 = lutra.requantize %x multiplier(%m : tensor<i32>) offset(%half : tensor<i64>) {shift = 2 : i64} : tensor<5xi32> -> tensor<5xi8>
  %1 = lutra.requantize %x multiplier(%m : tensor<i32>) offset(%ten : tensor<5xi64>) {shift = 2 : i64} : tensor<5xi32> -> tensor<5xui8>
  return %0, %1 : tensor<5xi8>, tensor<5xui8>
}

// A step halves: 1/4, 1/4, 1/2 in units of 2^-30, and equal codes. Codes without a sign; 255 steps are nothing.
// CHECK: @softmax 0: 2x3xi32 = {{\[\[}}268435456, 268435456, 536870912], [357913941, 357913941, 357913941]]
// CHECK: @softmax 1: 2xi32 = [0, 1073741824]
func.func @softmax() -> (tensor<2x3xi32>, tensor<2xi32>) {
  %x = lutra.constant dense<[[-128, -128, -127], [5, 5, 5]]> : tensor<2x3xi8>
  %u = lutra.constant dense<[0, 255]> : tensor<2xui8>
  %0 = lutra.integer_softmax %x {step = 4194304 : i64, fraction = 22 : i64} : tensor<2x3xi8> -> tensor<2x3xi32>
  %1 = lutra.integer_softmax %u {step = 4194304 : i64, fraction = 22 : i64} : tensor<2xui8> -> tensor<2xi32>
  return %0, %1 : tensor<2x3xi32>, tensor<2xi32>
}

// Codes 1 and 3 less their mean over 1; equal codes; 3 and 4 over the root of 12.5, which takes 3 / 3.5355 = 0.848528
// to 889746.46 units of 2^-20 and 4 / 3.5355 to 1186328.6. The results are cut to units, and so was the reciprocal.
// CHECK: @norm 0: 2x2xi32 = {{\[\[}}-1048576, 1048575], [0, 0]]
// CHECK: @norm 1: 1x2xi32 = {{\[\[}}889746, 1186328]]
func.func @norm() -> (tensor<2x2xi32>, tensor<1x2xi32>) {
  %x = lutra.constant dense<[[1, 3], [7, 7]]> : tensor<2x2xi8>
  %u = lutra.constant dense<[[203, 204]]> : tensor<1x2xui8>
  %0 = lutra.integer_norm %x {centred, zero_point = 9 : i64, epsilon = 0 : i64} : tensor<2x2xi8> -> tensor<2x2xi32>
  %1 = lutra.integer_norm %u {zero_point = 200 : i64, epsilon = 0 : i64} : tensor<1x2xui8> -> tensor<1x2xi32>
  return %0, %1 : tensor<2x2xi32>, tensor<1x2xi32>
}
