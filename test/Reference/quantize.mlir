// RUN: lutra-run %s --print | FileCheck %s

// x / 0.5: 1, 1.5 and 2.5 to even, saturated ends; zero point 10 for ui8.
// CHECK: @tensor 0: 5xi8 = [1, 2, 2, 127, -128]
// CHECK: @tensor 1: 5xui8 = [11, 12, 12, 255, 0]
func.func @tensor() -> (tensor<5xi8>, tensor<5xui8>) {
  %x = lutra.constant dense<[0.5, 0.75, 1.25, 1000.0, -1000.0]> : tensor<5xf32>
  %s = lutra.constant dense<0.5> : tensor<f32>
  %z = lutra.constant dense<10> : tensor<ui8>
  %0 = lutra.quantize %x scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<5xf32> -> tensor<5xi8>
  %1 = lutra.quantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<5xf32> -> tensor<5xui8>
  return %0, %1 : tensor<5xi8>, tensor<5xui8>
}

// One scale for each column; one for each block of 2 (the last block is short).
// CHECK: @forms 0: 2x2xf32 = {{\[\[}}0.5, 4], [1.5, 8]]
// CHECK: @forms 1: 1x3xf32 = {{\[\[}}10, 20, 300]]
func.func @forms() -> (tensor<2x2xf32>, tensor<1x3xf32>) {
  %q = lutra.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %s = lutra.constant dense<[0.5, 2.0]> : tensor<2xf32>
  %b = lutra.constant dense<[[1, 2, 3]]> : tensor<1x3xi8>
  %t = lutra.constant dense<[[10.0, 100.0]]> : tensor<1x2xf32>
  %0 = lutra.dequantize %q scale(%s : tensor<2xf32>) {axis = 1 : i64, block = 0 : i64} : tensor<2x2xi8> -> tensor<2x2xf32>
  %1 = lutra.dequantize %b scale(%t : tensor<1x2xf32>) {axis = 1 : i64, block = 2 : i64} : tensor<1x3xi8> -> tensor<1x3xf32>
  return %0, %1 : tensor<2x2xf32>, tensor<1x3xf32>
}

// Groups of 4 and 2 in 4 bits: 7 / 8 and 7 / 3 codes for each unit. With zero points 15 / 10, where -2 is code -8, and
// 15 / 3, where 0 is code 7. A floor instead of a small magnitude; NaN.
// CHECK: @groups 0: 1x6xi8 = {{\[\[}}0, -2, 1, 7, -7, 0]]
// CHECK: @groups 1: 1x2xf32 = {{\[\[}}1.14286, 0.428571]]
// CHECK: @groups 2: 1x6xi8 = {{\[\[}}-4, -8, -3, 7, -8, 7]]
// CHECK: @groups 3: 1x2xf32 = {{\[\[}}0.666667, 0.2]]
// CHECK: @groups 4: 1x2xi8 = {{\[\[}}-5, 7]]
// CHECK: @groups 5: 3xi8 = [0, 0, 0]
// CHECK: @groups 6: 2xf32 = [1, nan]
func.func @groups() -> (tensor<1x6xi8>, tensor<1x2xf32>, tensor<1x6xi8>, tensor<1x2xf32>, tensor<1x2xi8>, tensor<3xi8>, tensor<2xf32>) {
  %x = lutra.constant dense<[[0.5, -2.0, 1.0, 8.0, -3.0, 0.0]]> : tensor<1x6xf32>
  %y = lutra.constant dense<[0.0, 0.5, 0x7FC00000]> : tensor<3xf32>
  %a:2 = lutra.dynamic_quantize %x {bits = 4 : i64, block = 4 : i64} : tensor<1x6xf32> -> tensor<1x6xi8>, tensor<1x2xf32>
  %b:3 = lutra.dynamic_quantize %x {bits = 4 : i64, block = 4 : i64} : tensor<1x6xf32> -> tensor<1x6xi8>, tensor<1x2xf32>, tensor<1x2xi8>
  %c:2 = lutra.dynamic_quantize %y {bits = 4 : i64, block = 2 : i64, floor = 7.0 : f32} : tensor<3xf32> -> tensor<3xi8>, tensor<2xf32>
  return %a#0, %a#1, %b#0, %b#1, %b#2, %c#0, %c#1 : tensor<1x6xi8>, tensor<1x2xf32>, tensor<1x6xi8>, tensor<1x2xf32>, tensor<1x2xi8>, tensor<3xi8>, tensor<2xf32>
}
