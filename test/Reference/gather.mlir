// RUN: lutra-run %s --print | FileCheck %s

// Rows 1, last (-1), and 7 clamped to 2.
// CHECK: @take 0: 3x2xi32 = {{\[\[}}3, 4], [5, 6], [5, 6]]
// CHECK: @take 1: 3x1xi32 = {{\[\[}}2], [4], [6]]
func.func @take() -> (tensor<3x2xi32>, tensor<3x1xi32>) {
  %x = lutra.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi32>
  %i = lutra.constant dense<[1, -1, 7]> : tensor<3xi64>
  %j = lutra.constant dense<[1]> : tensor<1xi32>
  %0 = lutra.gather %x, %i {axis = 0 : i64} : (tensor<3x2xi32>, tensor<3xi64>) -> tensor<3x2xi32>
  %1 = lutra.gather %x, %j {axis = 1 : i64} : (tensor<3x2xi32>, tensor<1xi32>) -> tensor<3x1xi32>
  return %0, %1 : tensor<3x2xi32>, tensor<3x1xi32>
}

// Codes as indices: without a sign 250 is past the end, with one -2 counts from it.
// CHECK: @codes 0: 2xi32 = [12, 11]
// CHECK: @codes 1: 2xi32 = [11, 10]
func.func @codes() -> (tensor<2xi32>, tensor<2xi32>) {
  %x = lutra.constant dense<[10, 11, 12]> : tensor<3xi32>
  %i = lutra.constant dense<[250, 1]> : tensor<2xui8>
  %j = lutra.constant dense<[-2, 0]> : tensor<2xi8>
  %0 = lutra.gather %x, %i {axis = 0 : i64} : (tensor<3xi32>, tensor<2xui8>) -> tensor<2xi32>
  %1 = lutra.gather %x, %j {axis = 0 : i64} : (tensor<3xi32>, tensor<2xi8>) -> tensor<2xi32>
  return %0, %1 : tensor<2xi32>, tensor<2xi32>
}

// CHECK: @along_axis 0: 2x2xi32 = {{\[\[}}2, 1], [4, 4]]
func.func @along_axis() -> tensor<2x2xi32> {
  %x = lutra.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>
  %i = lutra.constant dense<[[1, 0], [1, -1]]> : tensor<2x2xi64>
  %r = lutra.gather_elements %x, %i {axis = 1 : i64} : (tensor<2x2xi32>, tensor<2x2xi64>) -> tensor<2x2xi32>
  return %r : tensor<2x2xi32>
}

// Whole tuples name elements, short tuples rows; with a batch, each entry reads its own matrix.
// CHECK: @tuples 0: 2xi32 = [2, 3]
// CHECK: @tuples 1: 1x2xi32 = {{\[\[}}3, 4]]
// CHECK: @tuples 2: 2xi32 = [2, 3]
func.func @tuples() -> (tensor<2xi32>, tensor<1x2xi32>, tensor<2xi32>) {
  %x = lutra.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>
  %i = lutra.constant dense<[[0, 1], [1, 0]]> : tensor<2x2xi64>
  %j = lutra.constant dense<[[1]]> : tensor<1x1xi64>
  %b = lutra.constant dense<[[1], [0]]> : tensor<2x1xi64>
  %0 = lutra.gather_nd %x, %i {batch_dims = 0 : i64} : (tensor<2x2xi32>, tensor<2x2xi64>) -> tensor<2xi32>
  %1 = lutra.gather_nd %x, %j {batch_dims = 0 : i64} : (tensor<2x2xi32>, tensor<1x1xi64>) -> tensor<1x2xi32>
  %2 = lutra.gather_nd %x, %b {batch_dims = 1 : i64} : (tensor<2x2xi32>, tensor<2x1xi64>) -> tensor<2xi32>
  return %0, %1, %2 : tensor<2xi32>, tensor<1x2xi32>, tensor<2xi32>
}

// The last update of one place wins; with add both count.
// CHECK: @scatter_elements 0: 1x3xf32 = {{\[\[}}1, 20, 3]]
// CHECK: @scatter_elements 1: 1x3xf32 = {{\[\[}}1, 32, 3]]
// CHECK: @scatter_elements 2: 1x3xf32 = {{\[\[}}1, 2, 3]]
func.func @scatter_elements() -> (tensor<1x3xf32>, tensor<1x3xf32>, tensor<1x3xf32>) {
  %x = lutra.constant dense<[[1.0, 2.0, 3.0]]> : tensor<1x3xf32>
  %i = lutra.constant dense<[[1, 1]]> : tensor<1x2xi64>
  %u = lutra.constant dense<[[10.0, 20.0]]> : tensor<1x2xf32>
  %0 = lutra.scatter_elements<set> %x, %i, %u {axis = 1 : i64} : (tensor<1x3xf32>, tensor<1x2xi64>, tensor<1x2xf32>) -> tensor<1x3xf32>
  %1 = lutra.scatter_elements<add> %x, %i, %u {axis = 1 : i64} : (tensor<1x3xf32>, tensor<1x2xi64>, tensor<1x2xf32>) -> tensor<1x3xf32>
  %2 = lutra.scatter_elements<min> %x, %i, %u {axis = 1 : i64} : (tensor<1x3xf32>, tensor<1x2xi64>, tensor<1x2xf32>) -> tensor<1x3xf32>
  return %0, %1, %2 : tensor<1x3xf32>, tensor<1x3xf32>, tensor<1x3xf32>
}

// CHECK: @scatter_rows 0: 3x2xi32 = {{\[\[}}1, 1], [1, 1], [8, 9]]
func.func @scatter_rows() -> tensor<3x2xi32> {
  %x = lutra.constant dense<1> : tensor<3x2xi32>
  %i = lutra.constant dense<[[-1]]> : tensor<1x1xi64>
  %u = lutra.constant dense<[[8, 9]]> : tensor<1x2xi32>
  %r = lutra.scatter_nd<set> %x, %i, %u : (tensor<3x2xi32>, tensor<1x1xi64>, tensor<1x2xi32>) -> tensor<3x2xi32>
  return %r : tensor<3x2xi32>
}
