// RUN: lutra-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @reduce
func.func @reduce(%a: tensor<?x5xf32>) -> tensor<1x1xf32> {
  // CHECK: lutra.reduce<sum> %{{.*}} axes = [1] : tensor<?x5xf32> -> tensor<?x1xf32>
  %0 = lutra.reduce<sum> %a axes = [1] : tensor<?x5xf32> -> tensor<?x1xf32>
  // CHECK: lutra.reduce<max> %{{.*}} axes = [0, 1] : tensor<?x5xf32> -> tensor<1x1xf32>
  %1 = lutra.reduce<max> %a axes = [0, 1] : tensor<?x5xf32> -> tensor<1x1xf32>
  return %1 : tensor<1x1xf32>
}

// CHECK-LABEL: func @arg_reduce
func.func @arg_reduce(%a: tensor<?x5xf32>) -> tensor<?x1xi64> {
  // CHECK: lutra.arg_reduce<max> %{{.*}} {axis = 1 : i64} : tensor<?x5xf32> -> tensor<?x1xi64>
  %0 = lutra.arg_reduce<max> %a {axis = 1 : i64} : tensor<?x5xf32> -> tensor<?x1xi64>
  // CHECK: lutra.arg_reduce<min> %{{.*}} {axis = 0 : i64, select_last} : tensor<?x5xf32> -> tensor<1x5xi64>
  %1 = lutra.arg_reduce<min> %a {axis = 0 : i64, select_last} : tensor<?x5xf32> -> tensor<1x5xi64>
  return %0 : tensor<?x1xi64>
}

// CHECK-LABEL: func @cumulative
func.func @cumulative(%a: tensor<?x5xf32>) -> tensor<?x5xf32> {
  // CHECK: lutra.cumulative<sum> %{{.*}} {axis = 0 : i64} : tensor<?x5xf32>
  %0 = lutra.cumulative<sum> %a {axis = 0 : i64} : tensor<?x5xf32>
  // CHECK: lutra.cumulative<prod> %{{.*}} {axis = 1 : i64, exclusive, reverse} : tensor<?x5xf32>
  %1 = lutra.cumulative<prod> %0 {axis = 1 : i64, exclusive, reverse} : tensor<?x5xf32>
  return %1 : tensor<?x5xf32>
}

// CHECK-LABEL: func @top_k
func.func @top_k(%a: tensor<?x5xf32>, %k: index) -> tensor<?x?xi64> {
  // CHECK: lutra.top_k %{{.*}}, %{{.*}} {axis = 1 : i64, largest = true} : tensor<?x5xf32> -> tensor<?x?xf32>, tensor<?x?xi64>
  %v, %i = lutra.top_k %a, %k {axis = 1 : i64, largest = true}
             : tensor<?x5xf32> -> tensor<?x?xf32>, tensor<?x?xi64>
  return %i : tensor<?x?xi64>
}
