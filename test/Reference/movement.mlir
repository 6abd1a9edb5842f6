// RUN: lutra-run %s --print | FileCheck %s

// CHECK: @iota 0: 2x3xi32 = {{\[\[}}0, 1, 2], [0, 1, 2]]
func.func @iota() -> tensor<2x3xi32> {
  %r = lutra.iota() {axis = 1 : i64} : tensor<2x3xi32>
  return %r : tensor<2x3xi32>
}

// CHECK: @reshape_transpose 0: 3x2xi32 = {{\[\[}}1, 4], [2, 5], [3, 6]]
func.func @reshape_transpose() -> tensor<3x2xi32> {
  %a = lutra.constant dense<[1, 2, 3, 4, 5, 6]> : tensor<6xi32>
  %b = lutra.reshape %a[] : tensor<6xi32> -> tensor<2x3xi32>
  %r = lutra.transpose %b [1, 0] : tensor<2x3xi32> -> tensor<3x2xi32>
  return %r : tensor<3x2xi32>
}

// CHECK: @expand_dynamic 0: 3x2xi32 = {{\[\[}}7, 8], [7, 8], [7, 8]]
func.func @expand_dynamic() -> tensor<?x2xi32> {
  %c3 = arith.constant 3 : index
  %a = lutra.constant dense<[[7, 8]]> : tensor<1x2xi32>
  %r = lutra.expand %a[%c3] : tensor<1x2xi32> -> tensor<?x2xi32>
  return %r : tensor<?x2xi32>
}

// A negative step starts at the largest index: 4, 2, 0.
// CHECK: @slice_backwards 0: 3xi32 = [14, 12, 10]
func.func @slice_backwards() -> tensor<3xi32> {
  %a = lutra.constant dense<[10, 11, 12, 13, 14]> : tensor<5xi32>
  %r = lutra.slice %a[4] sizes [] steps [-2] : tensor<5xi32> -> tensor<3xi32>
  return %r : tensor<3xi32>
}

// CHECK: @slice_at_run_time 0: 2xi32 = [11, 12]
func.func @slice_at_run_time() -> tensor<?xi32> {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %a = lutra.constant dense<[10, 11, 12, 13, 14]> : tensor<5xi32>
  %r = lutra.slice %a[%c1] sizes [%c2] steps [1] : tensor<5xi32> -> tensor<?xi32>
  return %r : tensor<?xi32>
}

// CHECK: @concat 0: 2x3xi32 = {{\[\[}}1, 5, 6], [2, 7, 8]]
func.func @concat() -> tensor<2x3xi32> {
  %a = lutra.constant dense<[[1], [2]]> : tensor<2x1xi32>
  %b = lutra.constant dense<[[5, 6], [7, 8]]> : tensor<2x2xi32>
  %e = lutra.constant dense<> : tensor<2x0xi32>
  %r = lutra.concat %a, %e, %b {axis = 1 : i64} : (tensor<2x1xi32>, tensor<2x0xi32>, tensor<2x2xi32>) -> tensor<2x3xi32>
  return %r : tensor<2x3xi32>
}

// CHECK: @pads 0: 6xi32 = [9, 9, 1, 2, 3, 9]
// CHECK: @pads 1: 6xi32 = [1, 1, 1, 2, 3, 3]
// CHECK: @pads 2: 7xi32 = [3, 2, 1, 2, 3, 2, 1]
// CHECK: @pads 3: 6xi32 = [2, 3, 1, 2, 3, 1]
// CHECK: @pads 4: 1xi32 = [2]
func.func @pads() -> (tensor<6xi32>, tensor<6xi32>, tensor<7xi32>, tensor<6xi32>, tensor<1xi32>) {
  %a = lutra.constant dense<[1, 2, 3]> : tensor<3xi32>
  %v = lutra.constant dense<9> : tensor<i32>
  %0 = lutra.pad<constant> %a, %v low [2] high [1] : tensor<3xi32>, tensor<i32> -> tensor<6xi32>
  %1 = lutra.pad<edge> %a, %v low [2] high [1] : tensor<3xi32>, tensor<i32> -> tensor<6xi32>
  %2 = lutra.pad<reflect> %a, %v low [2] high [2] : tensor<3xi32>, tensor<i32> -> tensor<7xi32>
  %3 = lutra.pad<wrap> %a, %v low [2] high [1] : tensor<3xi32>, tensor<i32> -> tensor<6xi32>
  %4 = lutra.pad<constant> %a, %v low [-1] high [-1] : tensor<3xi32>, tensor<i32> -> tensor<1xi32>
  return %0, %1, %2, %3, %4 : tensor<6xi32>, tensor<6xi32>, tensor<7xi32>, tensor<6xi32>, tensor<1xi32>
}

// CHECK: @sizes 0: i64 = 3
func.func @sizes() -> tensor<i64> {
  %a = lutra.constant dense<0> : tensor<3x2xi32>
  %c0 = arith.constant 0 : index
  %d = tensor.dim %a, %c0 : tensor<3x2xi32>
  %r = lutra.from_index %d : tensor<i64>
  return %r : tensor<i64>
}

lutra.global @w : tensor<2x2xf32> = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
// CHECK: @weight 0: 2x2xf32 = {{\[\[}}1, 2], [3, 4]]
func.func @weight() -> tensor<2x2xf32> {
  %r = lutra.weight @w : tensor<2x2xf32>
  return %r : tensor<2x2xf32>
}
