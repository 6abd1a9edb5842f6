// Sizes of results in terms of the operands' sizes.
// RUN: lutra-opt %s --lutra-test-shapes --canonicalize | FileCheck %s

// Of @windows: (d + 1 + 1 - 2 * (3 - 1) - 1) / 2 + 1.
// CHECK-DAG: #[[$CONV:.*]] = affine_map<()[s0] -> ((s0 - 3) floordiv 2 + 1)>

// CHECK-LABEL: func @broadcast
// CHECK-SAME: (%[[A:.*]]: tensor<1x5xf32>, %[[B:.*]]: tensor<?x1xf32>)
// CHECK: %[[D:.*]] = tensor.dim %[[B]], %{{.*}} : tensor<?x1xf32>
// CHECK: return %[[D]]
func.func @broadcast(%a: tensor<1x5xf32>, %b: tensor<?x1xf32>) -> index {
  %c0 = arith.constant 0 : index
  %0 = lutra.binary<add> %a, %b : (tensor<1x5xf32>, tensor<?x1xf32>) -> tensor<?x5xf32>
  %d = tensor.dim %0, %c0 : tensor<?x5xf32>
  return %d : index
}

// CHECK-LABEL: func @transpose
// CHECK: tensor.dim %{{.*}}, %c0{{.*}} : tensor<?x5xf32>
func.func @transpose(%a: tensor<?x5xf32>) -> index {
  %c1 = arith.constant 1 : index
  %0 = lutra.transpose %a [1, 0] : tensor<?x5xf32> -> tensor<5x?xf32>
  %d = tensor.dim %0, %c1 : tensor<5x?xf32>
  return %d : index
}

// CHECK-LABEL: func @sizes_of_movement
// CHECK-SAME: (%{{.*}}: tensor<?xf32>, %[[N:.*]]: index)
// CHECK-NEXT: return %[[N]], %[[N]], %[[N]], %[[N]]
func.func @sizes_of_movement(%a: tensor<?xf32>, %n: index) -> (index, index, index, index) {
  %c0 = arith.constant 0 : index
  %0 = lutra.reshape %a [%n] : tensor<?xf32> -> tensor<?x2xf32>
  %1 = lutra.expand %a [%n] : tensor<?xf32> -> tensor<?xf32>
  %2 = lutra.slice %a[0] sizes [%n] steps [1] : tensor<?xf32> -> tensor<?xf32>
  %3 = lutra.iota(%n) {axis = 0 : i64} : tensor<?xi64>
  %d0 = tensor.dim %0, %c0 : tensor<?x2xf32>
  %d1 = tensor.dim %1, %c0 : tensor<?xf32>
  %d2 = tensor.dim %2, %c0 : tensor<?xf32>
  %d3 = tensor.dim %3, %c0 : tensor<?xi64>
  return %d0, %d1, %d2, %d3 : index, index, index, index
}

// CHECK-LABEL: func @concat_and_pad
// CHECK-DAG: affine.apply {{.*}}()[%{{.*}}, %{{.*}}]
func.func @concat_and_pad(%a: tensor<?xf32>, %b: tensor<?xf32>, %v: tensor<f32>) -> (index, index) {
  %c0 = arith.constant 0 : index
  %0 = lutra.concat %a, %b {axis = 0 : i64} : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  %1 = lutra.pad<constant> %a, %v low [2] high [3] : tensor<?xf32>, tensor<f32> -> tensor<?xf32>
  %d0 = tensor.dim %0, %c0 : tensor<?xf32>
  %d1 = tensor.dim %1, %c0 : tensor<?xf32>
  return %d0, %d1 : index, index
}

// CHECK-LABEL: func @gathers
// CHECK-SAME: (%{{.*}}: tensor<?x5xf32>, %[[I:.*]]: tensor<?xi64>, %[[T:.*]]: tensor<?x1xi64>)
// CHECK-DAG: %[[D0:.*]] = tensor.dim %[[I]], %{{.*}} : tensor<?xi64>
// CHECK-DAG: %[[D1:.*]] = tensor.dim %[[T]], %{{.*}} : tensor<?x1xi64>
// CHECK: return %[[D0]], %[[D1]]
func.func @gathers(%a: tensor<?x5xf32>, %i: tensor<?xi64>, %t: tensor<?x1xi64>) -> (index, index) {
  %c0 = arith.constant 0 : index
  %0 = lutra.gather %a, %i {axis = 0 : i64} : (tensor<?x5xf32>, tensor<?xi64>) -> tensor<?x5xf32>
  %1 = lutra.gather_nd %a, %t {batch_dims = 0 : i64} : (tensor<?x5xf32>, tensor<?x1xi64>) -> tensor<?x5xf32>
  %d0 = tensor.dim %0, %c0 : tensor<?x5xf32>
  %d1 = tensor.dim %1, %c0 : tensor<?x5xf32>
  return %d0, %d1 : index, index
}

// CHECK-LABEL: func @matmul
// CHECK-SAME: (%[[A:.*]]: tensor<4x?xf32>, %[[B:.*]]: tensor<4x?xf32>)
// CHECK-DAG: %[[M:.*]] = tensor.dim %[[A]], %c1
// CHECK-DAG: %[[N:.*]] = tensor.dim %[[B]], %c1
// CHECK: return %[[M]], %[[N]]
func.func @matmul(%a: tensor<4x?xf32>, %b: tensor<4x?xf32>) -> (index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = lutra.matmul %a, %b {transpose_lhs} : (tensor<4x?xf32>, tensor<4x?xf32>) -> tensor<?x?xf32>
  %m = tensor.dim %0, %c0 : tensor<?x?xf32>
  %n = tensor.dim %0, %c1 : tensor<?x?xf32>
  return %m, %n : index, index
}

// CHECK-LABEL: func @windows
// CHECK: affine.apply #[[$CONV]]
// CHECK: affine.min
// CHECK: affine.apply
func.func @windows(%a: tensor<1x2x?xf32>, %f: tensor<4x2x3xf32>, %g: tensor<2x4x2xf32>) -> (index, index, index) {
  %c2 = arith.constant 2 : index
  %0 = lutra.conv<channels_first> %a, %f {strides = array<i64: 2>, low = array<i64: 1>,
         high = array<i64: 1>, dilations = array<i64: 2>, groups = 1 : i64}
         : (tensor<1x2x?xf32>, tensor<4x2x3xf32>) -> tensor<1x4x?xf32>
  %1 = lutra.pool<max> %a {layout = #lutra.conv_layout<channels_first>, ceil_mode,
         window = array<i64: 2>, strides = array<i64: 2>, low = array<i64: 0>,
         high = array<i64: 0>, dilations = array<i64: 1>} : tensor<1x2x?xf32> -> tensor<1x2x?xf32>
  %2 = lutra.conv_transpose %a, %g {strides = array<i64: 2>, low = array<i64: 0>,
         high = array<i64: 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>,
         groups = 1 : i64} : (tensor<1x2x?xf32>, tensor<2x4x2xf32>) -> tensor<1x4x?xf32>
  %d0 = tensor.dim %0, %c2 : tensor<1x4x?xf32>
  %d1 = tensor.dim %1, %c2 : tensor<1x2x?xf32>
  %d2 = tensor.dim %2, %c2 : tensor<1x4x?xf32>
  return %d0, %d1, %d2 : index, index, index
}

// CHECK-LABEL: func @top_k
// CHECK-SAME: , %[[K:[a-z0-9]+]]: index
// CHECK: return %[[K]]
func.func @top_k(%a: tensor<?xf32>, %k: index) -> index {
  %c0 = arith.constant 0 : index
  %v, %i = lutra.top_k %a, %k {axis = 0 : i64, largest = true} : tensor<?xf32> -> tensor<?xf32>, tensor<?xi64>
  %d = tensor.dim %i, %c0 : tensor<?xi64>
  return %d : index
}
