// RUN: lutra-run %s --print | FileCheck %s

// CHECK: @sums 0: 2x1xf32 = {{\[\[}}6], [15]]
// CHECK: @sums 1: 1x1xf32 = {{\[\[}}21]]
func.func @sums() -> (tensor<2x1xf32>, tensor<1x1xf32>) {
  %a = lutra.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %0 = lutra.reduce<sum> %a axes = [1] : tensor<2x3xf32> -> tensor<2x1xf32>
  %1 = lutra.reduce<sum> %a axes = [0, 1] : tensor<2x3xf32> -> tensor<1x1xf32>
  return %0, %1 : tensor<2x1xf32>, tensor<1x1xf32>
}

// Nothing to reduce gives the neutral elements 0, 1, -inf and the largest i8.
// CHECK: @neutral 0: 1x2xf32 = {{\[\[}}0, 0]]
// CHECK: @neutral 1: 1x2xf32 = {{\[\[}}1, 1]]
// CHECK: @neutral 2: 1x2xf32 = {{\[\[}}-inf, -inf]]
// CHECK: @neutral 3: 1xi8 = [127]
func.func @neutral() -> (tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1xi8>) {
  %a = lutra.constant dense<> : tensor<0x2xf32>
  %b = lutra.constant dense<> : tensor<0xi8>
  %0 = lutra.reduce<sum> %a axes = [0] : tensor<0x2xf32> -> tensor<1x2xf32>
  %1 = lutra.reduce<prod> %a axes = [0] : tensor<0x2xf32> -> tensor<1x2xf32>
  %2 = lutra.reduce<max> %a axes = [0] : tensor<0x2xf32> -> tensor<1x2xf32>
  %3 = lutra.reduce<min> %b axes = [0] : tensor<0xi8> -> tensor<1xi8>
  return %0, %1, %2, %3 : tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1xi8>
}

// CHECK: @unsigned_max 0: 1xui8 = [200]
func.func @unsigned_max() -> tensor<1xui8> {
  %a = lutra.constant dense<[3, 200, 100]> : tensor<3xui8>
  %r = lutra.reduce<max> %a axes = [0] : tensor<3xui8> -> tensor<1xui8>
  return %r : tensor<1xui8>
}

// CHECK: @running 0: 4xi32 = [1, 3, 6, 10]
// CHECK: @running 1: 4xi32 = [0, 1, 3, 6]
// CHECK: @running 2: 4xi32 = [10, 9, 7, 4]
// CHECK: @running 3: 4xi32 = [24, 12, 4, 1]
func.func @running() -> (tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>) {
  %a = lutra.constant dense<[1, 2, 3, 4]> : tensor<4xi32>
  %0 = lutra.cumulative<sum> %a {axis = 0 : i64} : tensor<4xi32>
  %1 = lutra.cumulative<sum> %a {axis = 0 : i64, exclusive} : tensor<4xi32>
  %2 = lutra.cumulative<sum> %a {axis = 0 : i64, reverse} : tensor<4xi32>
  %3 = lutra.cumulative<prod> %a {axis = 0 : i64, exclusive, reverse} : tensor<4xi32>
  return %0, %1, %2, %3 : tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>
}
