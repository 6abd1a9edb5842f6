// RUN: lutra-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func @from_index_constant
// CHECK-NEXT: lutra.constant dense<7> : tensor<i64>
func.func @from_index_constant() -> tensor<i64> {
  %n = arith.constant 7 : index
  %0 = lutra.from_index %n : tensor<i64>
  return %0 : tensor<i64>
}

// One dynamic size at most is fixed by the number of elements.
// CHECK-LABEL: func @reshape_identity
// CHECK-SAME: (%[[A:.*]]: tensor<?x5xf32>)
// CHECK-NEXT: return %[[A]]
func.func @reshape_identity(%a: tensor<?x5xf32>) -> tensor<?x5xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %a, %c0 : tensor<?x5xf32>
  %0 = lutra.reshape %a [%n] : tensor<?x5xf32> -> tensor<?x5xf32>
  return %0 : tensor<?x5xf32>
}

// CHECK-LABEL: func @reshape_of_two_dynamic_sizes_stays
// CHECK: lutra.reshape
func.func @reshape_of_two_dynamic_sizes_stays(%a: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %a, %c0 : tensor<?x?xf32>
  %m = tensor.dim %a, %c1 : tensor<?x?xf32>
  %0 = lutra.reshape %a [%m, %n] : tensor<?x?xf32> -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// CHECK-LABEL: func @reshape_of_reshape
// CHECK-SAME: (%[[A:.*]]: tensor<?x6xf32>)
// CHECK: %[[R:.*]] = lutra.reshape %[[A]][%{{.*}}] : tensor<?x6xf32> -> tensor<?x3xf32>
// CHECK-NEXT: return %[[R]]
func.func @reshape_of_reshape(%a: tensor<?x6xf32>) -> tensor<?x3xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c6 = arith.constant 6 : index
  %rows = tensor.dim %a, %c0 : tensor<?x6xf32>
  %n = arith.muli %rows, %c6 : index
  %m = arith.muli %rows, %c2 : index
  %0 = lutra.reshape %a [%n] : tensor<?x6xf32> -> tensor<?xf32>
  %1 = lutra.reshape %0 [%m] : tensor<?xf32> -> tensor<?x3xf32>
  return %1 : tensor<?x3xf32>
}

// CHECK-LABEL: func @reshape_constant
// CHECK-NEXT: lutra.constant dense<{{\[\[}}1, 2], [3, 4]]> : tensor<2x2xi32>
func.func @reshape_constant() -> tensor<2x2xi32> {
  %0 = lutra.constant dense<[1, 2, 3, 4]> : tensor<4xi32>
  %1 = lutra.reshape %0 [] : tensor<4xi32> -> tensor<2x2xi32>
  return %1 : tensor<2x2xi32>
}

// CHECK-LABEL: func @transpose_identity
// CHECK-SAME: (%[[A:.*]]: tensor<?x5xf32>)
// CHECK-NEXT: return %[[A]]
func.func @transpose_identity(%a: tensor<?x5xf32>) -> tensor<?x5xf32> {
  %0 = lutra.transpose %a [0, 1] : tensor<?x5xf32> -> tensor<?x5xf32>
  return %0 : tensor<?x5xf32>
}

// CHECK-LABEL: func @transpose_of_transpose
// CHECK-SAME: (%[[A:.*]]: tensor<2x3x4xf32>)
// CHECK-NEXT: %[[R:.*]] = lutra.transpose %[[A]] [2, 1, 0] : tensor<2x3x4xf32> -> tensor<4x3x2xf32>
// CHECK-NEXT: return %[[R]], %[[A]]
func.func @transpose_of_transpose(%a: tensor<2x3x4xf32>) -> (tensor<4x3x2xf32>, tensor<2x3x4xf32>) {
  %0 = lutra.transpose %a [1, 2, 0] : tensor<2x3x4xf32> -> tensor<3x4x2xf32>
  %1 = lutra.transpose %0 [1, 0, 2] : tensor<3x4x2xf32> -> tensor<4x3x2xf32>
  %2 = lutra.transpose %0 [2, 0, 1] : tensor<3x4x2xf32> -> tensor<2x3x4xf32>
  return %1, %2 : tensor<4x3x2xf32>, tensor<2x3x4xf32>
}

// CHECK-LABEL: func @transpose_constant
// CHECK-NEXT: lutra.constant dense<{{\[\[}}1, 4], [2, 5], [3, 6]]> : tensor<3x2xi32>
func.func @transpose_constant() -> tensor<3x2xi32> {
  %0 = lutra.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %1 = lutra.transpose %0 [1, 0] : tensor<2x3xi32> -> tensor<3x2xi32>
  return %1 : tensor<3x2xi32>
}

// CHECK-LABEL: func @expand_identity
// CHECK-SAME: (%[[A:.*]]: tensor<4xf32>)
// CHECK-NEXT: return %[[A]]
func.func @expand_identity(%a: tensor<4xf32>) -> tensor<4xf32> {
  %0 = lutra.expand %a [] : tensor<4xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func @expand_constant
// CHECK-NEXT: lutra.constant dense<{{\[\[}}1, 1], [2, 2]]> : tensor<2x2xi32>
func.func @expand_constant() -> tensor<2x2xi32> {
  %0 = lutra.constant dense<[[1], [2]]> : tensor<2x1xi32>
  %1 = lutra.expand %0 [] : tensor<2x1xi32> -> tensor<2x2xi32>
  return %1 : tensor<2x2xi32>
}

// A result of more than 4096 elements would make the module grow, unless it is a splat.
// CHECK-LABEL: func @expand_of_large_constant_stays
// CHECK-DAG: lutra.expand
// CHECK-DAG: lutra.constant dense<3> : tensor<5000xi32>
func.func @expand_of_large_constant_stays() -> (tensor<2500x2xi32>, tensor<5000xi32>) {
  %0 = lutra.constant dense<[1, 2]> : tensor<2xi32>
  %1 = lutra.expand %0 [] : tensor<2xi32> -> tensor<2500x2xi32>
  %2 = lutra.constant dense<3> : tensor<i32>
  %3 = lutra.expand %2 [] : tensor<i32> -> tensor<5000xi32>
  return %1, %3 : tensor<2500x2xi32>, tensor<5000xi32>
}

// CHECK-LABEL: func @slice_identity
// CHECK-SAME: (%[[A:.*]]: tensor<4x5xf32>)
// CHECK-NEXT: return %[[A]]
func.func @slice_identity(%a: tensor<4x5xf32>) -> tensor<4x5xf32> {
  %0 = lutra.slice %a[0, 0] sizes [] steps [1, 1] : tensor<4x5xf32> -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}

// CHECK-LABEL: func @slice_constant
// CHECK-NEXT: lutra.constant dense<[6, 4, 2]> : tensor<3xi32>
func.func @slice_constant() -> tensor<3xi32> {
  %o = arith.constant 5 : index
  %0 = lutra.constant dense<[1, 2, 3, 4, 5, 6]> : tensor<6xi32>
  %1 = lutra.slice %0[%o] sizes [] steps [-2] : tensor<6xi32> -> tensor<3xi32>
  return %1 : tensor<3xi32>
}

// CHECK-LABEL: func @concat_of_one
// CHECK-SAME: (%[[A:.*]]: tensor<?xf32>)
// CHECK-NEXT: return %[[A]]
func.func @concat_of_one(%a: tensor<?xf32>) -> tensor<?xf32> {
  %0 = lutra.concat %a {axis = 0 : i64} : (tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// CHECK-LABEL: func @concat_constants
// CHECK-NEXT: lutra.constant dense<{{\[\[}}1, 5, 5], [2, 6, 6]]> : tensor<2x3xi32>
func.func @concat_constants() -> tensor<2x3xi32> {
  %0 = lutra.constant dense<[[1], [2]]> : tensor<2x1xi32>
  %1 = lutra.constant dense<[[5, 5], [6, 6]]> : tensor<2x2xi32>
  %2 = lutra.concat %0, %1 {axis = 1 : i64} : (tensor<2x1xi32>, tensor<2x2xi32>) -> tensor<2x3xi32>
  return %2 : tensor<2x3xi32>
}

// CHECK-LABEL: func @pad_by_nothing
// CHECK-SAME: (%[[A:.*]]: tensor<?xf32>
// CHECK-NEXT: return %[[A]]
func.func @pad_by_nothing(%a: tensor<?xf32>, %v: tensor<f32>) -> tensor<?xf32> {
  %0 = lutra.pad<constant> %a, %v low [0] high [0] : tensor<?xf32>, tensor<f32> -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// Negative indices count from the end; one outside is clamped.
// CHECK-LABEL: func @gather_constants
// CHECK-NEXT: lutra.constant dense<{{\[\[}}12, 10, 12], [22, 20, 22]]> : tensor<2x3xi32>
func.func @gather_constants() -> tensor<2x3xi32> {
  %0 = lutra.constant dense<[[10, 11, 12], [20, 21, 22]]> : tensor<2x3xi32>
  %1 = lutra.constant dense<[-1, 0, 9]> : tensor<3xi64>
  %2 = lutra.gather %0, %1 {axis = 1 : i64} : (tensor<2x3xi32>, tensor<3xi64>) -> tensor<2x3xi32>
  return %2 : tensor<2x3xi32>
}

// CHECK-LABEL: func @reduce_nothing
// CHECK-SAME: (%[[A:.*]]: tensor<?xf32>)
// CHECK-NEXT: return %[[A]]
func.func @reduce_nothing(%a: tensor<?xf32>) -> tensor<?xf32> {
  %0 = lutra.reduce<sum> %a axes = [] : tensor<?xf32> -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// CHECK-LABEL: func @reduce_constant
// CHECK-NEXT: lutra.constant dense<24> : tensor<1xi64>
func.func @reduce_constant() -> tensor<1xi64> {
  %0 = lutra.constant dense<[2, 3, 4]> : tensor<3xi64>
  %1 = lutra.reduce<prod> %0 axes = [0] : tensor<3xi64> -> tensor<1xi64>
  return %1 : tensor<1xi64>
}

// CHECK-LABEL: func @pack_nothing
// CHECK-SAME: (%[[A:.*]]: tensor<4x5xf32, #lutra.packing<width = 16, depth = 1>>)
// CHECK-NEXT: return %[[A]]
func.func @pack_nothing(%a: tensor<4x5xf32, #lutra.packing<width = 16, depth = 1>>)
    -> tensor<4x5xf32, #lutra.packing<width = 16, depth = 1>> {
  %0 = lutra.pack %a : tensor<4x5xf32, #lutra.packing<width = 16, depth = 1>>
         -> tensor<4x5xf32, #lutra.packing<width = 16, depth = 1>>
  return %0 : tensor<4x5xf32, #lutra.packing<width = 16, depth = 1>>
}

// Indices without a sign are not below 0: those past the end are the last.
// CHECK-LABEL: func.func @gather_codes
// CHECK-DAG: lutra.constant dense<[9, 3]> : tensor<2xi32>
// CHECK-DAG: lutra.constant dense<[8, 3]> : tensor<2xi32>
func.func @gather_codes() -> (tensor<2xi32>, tensor<2xi32>) {
  %t = lutra.constant dense<[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]> : tensor<10xi32>
  %u = lutra.constant dense<[250, 3]> : tensor<2xui8>
  %s = lutra.constant dense<[-2, 3]> : tensor<2xi8>
  %0 = lutra.gather %t, %u {axis = 0 : i64} : (tensor<10xi32>, tensor<2xui8>) -> tensor<2xi32>
  %1 = lutra.gather %t, %s {axis = 0 : i64} : (tensor<10xi32>, tensor<2xi8>) -> tensor<2xi32>
  return %0, %1 : tensor<2xi32>, tensor<2xi32>
}
