// RUN: lutra-run %s --print | FileCheck %s

// Ties: the first, or with select_last the last.
// CHECK: @arg 0: 1xi64 = [1]
// CHECK: @arg 1: 1xi64 = [3]
// CHECK: @arg 2: 1xi64 = [0]
func.func @arg() -> (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) {
  %x = lutra.constant dense<[1.0, 5.0, 2.0, 5.0]> : tensor<4xf32>
  %0 = lutra.arg_reduce<max> %x {axis = 0 : i64} : tensor<4xf32> -> tensor<1xi64>
  %1 = lutra.arg_reduce<max> %x {axis = 0 : i64, select_last} : tensor<4xf32> -> tensor<1xi64>
  %2 = lutra.arg_reduce<min> %x {axis = 0 : i64} : tensor<4xf32> -> tensor<1xi64>
  return %0, %1, %2 : tensor<1xi64>, tensor<1xi64>, tensor<1xi64>
}

// NaN wins a maximum and a minimum; top_k counts it as the largest.
// CHECK: @nan 0: 1xi64 = [1]
// CHECK: @nan 1: 1xi64 = [1]
// CHECK: @nan 2: 1xi64 = [3]
// CHECK: @nan 4: 4xi64 = [1, 3, 2, 0]
// CHECK: @nan 6: 4xi64 = [0, 2, 1, 3]
func.func @nan() -> (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<4xf32>, tensor<4xi64>, tensor<4xf32>, tensor<4xi64>) {
  %c4 = arith.constant 4 : index
  %x = lutra.constant dense<[1.0, 0x7FC00000, 2.0, 0x7FC00000]> : tensor<4xf32>
  %0 = lutra.arg_reduce<max> %x {axis = 0 : i64} : tensor<4xf32> -> tensor<1xi64>
  %1 = lutra.arg_reduce<min> %x {axis = 0 : i64} : tensor<4xf32> -> tensor<1xi64>
  %2 = lutra.arg_reduce<min> %x {axis = 0 : i64, select_last} : tensor<4xf32> -> tensor<1xi64>
  %3, %4 = lutra.top_k %x, %c4 {axis = 0 : i64, largest = true} : tensor<4xf32> -> tensor<4xf32>, tensor<4xi64>
  %5, %6 = lutra.top_k %x, %c4 {axis = 0 : i64, largest = false} : tensor<4xf32> -> tensor<4xf32>, tensor<4xi64>
  return %0, %1, %2, %3, %4, %5, %6 : tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<4xf32>, tensor<4xi64>, tensor<4xf32>, tensor<4xi64>
}

// Equal elements keep the order of their indices.
// CHECK: @top 0: 3xi32 = [5, 5, 2]
// CHECK: @top 1: 3xi64 = [1, 3, 2]
// CHECK: @top 2: 2xi32 = [1, 2]
// CHECK: @top 3: 2xi64 = [0, 2]
func.func @top() -> (tensor<?xi32>, tensor<?xi64>, tensor<2xi32>, tensor<2xi64>) {
  %c3 = arith.constant 3 : index
  %c2 = arith.constant 2 : index
  %x = lutra.constant dense<[1, 5, 2, 5]> : tensor<4xi32>
  %0, %1 = lutra.top_k %x, %c3 {axis = 0 : i64, largest = true} : tensor<4xi32> -> tensor<?xi32>, tensor<?xi64>
  %2, %3 = lutra.top_k %x, %c2 {axis = 0 : i64, largest = false} : tensor<4xi32> -> tensor<2xi32>, tensor<2xi64>
  return %0, %1, %2, %3 : tensor<?xi32>, tensor<?xi64>, tensor<2xi32>, tensor<2xi64>
}
