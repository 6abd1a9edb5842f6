// RUN: lutra-run %s --print | FileCheck %s

// Sources of 0..3 at scale 2: half_pixel -0.25, 0.25, 0.75, 1.25 (clamped): 10, 12.5, 17.5, 20.
// asymmetric 0, 0.5, 1, 1.5: 10, 15, 20, 20. align_corners 0, 1/3, 2/3, 1.
// CHECK: @linear 0: 4xf32 = [10, 12.5, 17.5, 20]
// CHECK: @linear 1: 4xf32 = [10, 15, 20, 20]
// CHECK: @linear 2: 4xf32 = [10, 13.3333, 16.6667, 20]
func.func @linear() -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %x = lutra.constant dense<[10.0, 20.0]> : tensor<2xf32>
  %0 = lutra.resize<linear> %x [] {scales = array<f64: 2.0>, coordinates = #lutra.resize_coordinates<half_pixel>, rounding = #lutra.resize_rounding<floor>, cubic_coefficient = -0.75 : f64} : tensor<2xf32> -> tensor<4xf32>
  %1 = lutra.resize<linear> %x [] {scales = array<f64: 2.0>, coordinates = #lutra.resize_coordinates<asymmetric>, rounding = #lutra.resize_rounding<floor>, cubic_coefficient = -0.75 : f64} : tensor<2xf32> -> tensor<4xf32>
  %2 = lutra.resize<linear> %x [] {scales = array<f64: 2.0>, coordinates = #lutra.resize_coordinates<align_corners>, rounding = #lutra.resize_rounding<floor>, cubic_coefficient = -0.75 : f64} : tensor<2xf32> -> tensor<4xf32>
  return %0, %1, %2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// asymmetric sources 0, 0.5, 1, 1.5 rounded: floor 0 0 1 1; prefer ceil 0 1 1 (2 clamped to) 1.
// CHECK: @nearest 0: 1x4xi32 = {{\[\[}}7, 7, 8, 8]]
// CHECK: @nearest 1: 1x4xi32 = {{\[\[}}7, 8, 8, 8]]
func.func @nearest() -> (tensor<1x4xi32>, tensor<1x4xi32>) {
  %x = lutra.constant dense<[[7, 8]]> : tensor<1x2xi32>
  %0 = lutra.resize<nearest> %x [] {scales = array<f64: 1.0, 2.0>, coordinates = #lutra.resize_coordinates<asymmetric>, rounding = #lutra.resize_rounding<floor>, cubic_coefficient = -0.75 : f64} : tensor<1x2xi32> -> tensor<1x4xi32>
  %1 = lutra.resize<nearest> %x [] {scales = array<f64: 1.0, 2.0>, coordinates = #lutra.resize_coordinates<asymmetric>, rounding = #lutra.resize_rounding<round_prefer_ceil>, cubic_coefficient = -0.75 : f64} : tensor<1x2xi32> -> tensor<1x4xi32>
  return %0, %1 : tensor<1x4xi32>, tensor<1x4xi32>
}

// Cubic with a = -0.5 at 0.5: weights -1/16, 9/16, 9/16, -1/16 on 0 0 16 16 = 8.
// CHECK: @cubic 0: 4xf32 = [0, 8, 16, 17]
func.func @cubic() -> tensor<4xf32> {
  %x = lutra.constant dense<[0.0, 16.0]> : tensor<2xf32>
  %r = lutra.resize<cubic> %x [] {scales = array<f64: 2.0>, coordinates = #lutra.resize_coordinates<asymmetric>, rounding = #lutra.resize_rounding<floor>, cubic_coefficient = -0.5 : f64} : tensor<2xf32> -> tensor<4xf32>
  return %r : tensor<4xf32>
}
