// RUN: lutra-opt %s --lutra-raise-lookups --canonicalize | FileCheck %s
// RUN: lutra-opt %s --lutra-raise-lookups --lutra-raise-lookups --canonicalize | FileCheck %s
lutra.global @w : tensor<7x5xf32> = dense<[[1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 10.0], [-1.0, -2.0, -3.0, -4.0, -5.0], [0.5, 0.25, 0.125, 3.5, 4.5], [9.0, 8.0, 7.0, 6.0, 5.0], [-6.0, -7.0, -8.0, -9.0, -10.0], [11.0, 12.0, 13.0, 14.0, 15.0]]> : tensor<7x5xf32>
lutra.global @n : tensor<7x5xf32> = dense<[[1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 10.0], [-1.0, -2.0, -3.0, -4.0, -5.0], [0.5, 0.25, 0x7FC00000, 3.5, 4.5], [9.0, 8.0, 7.0, 6.0, 5.0], [-6.0, -7.0, -8.0, -9.0, -10.0], [11.0, 12.0, 13.0, 14.0, 15.0]]> : tensor<7x5xf32>

// CHECK-LABEL: func @embedding
// CHECK-SAME: %[[I:.*]]: tensor<?x3x1xi32>
// CHECK-NOT: lutra.matmul
// CHECK-DAG: %[[LOW:.*]] = lutra.compare<ge> %[[I]], {{.*}}
// CHECK-DAG: %[[HIGH:.*]] = lutra.compare<lt> %[[I]], {{.*}}
// CHECK-DAG: %[[FLAT:.*]] = lutra.reshape %[[I]][%{{.*}}] : tensor<?x3x1xi32> -> tensor<?x3xi32>
// CHECK-DAG: %[[ROWS:.*]] = lutra.gather %{{.*}}, %[[FLAT]] {axis = 0 : i64}
// CHECK-DAG: %[[IN:.*]] = lutra.binary<and> %[[LOW]], %[[HIGH]]
// CHECK: lutra.select %[[IN]], %[[ROWS]]
func.func @embedding(%i: tensor<?x3x1xi32>) -> tensor<?x3x5xf32> {
  %c = lutra.constant dense<[[[0, 1, 2, 3, 4, 5, 6]]]> : tensor<1x1x7xi32>
  %w = lutra.weight @w : tensor<7x5xf32>
  %h = lutra.compare<eq> %i, %c : (tensor<?x3x1xi32>, tensor<1x1x7xi32>) -> tensor<?x3x7xi1>
  %o = lutra.cast %h : tensor<?x3x7xi1> -> tensor<?x3x7xf32>
  %y = lutra.matmul %o, %w : (tensor<?x3x7xf32>, tensor<7x5xf32>) -> tensor<?x3x5xf32>
  return %y : tensor<?x3x5xf32>
}

// The count may stand on either side.
// CHECK-LABEL: func @swapped
// CHECK: lutra.gather
func.func @swapped(%i: tensor<?x3x1xi32>) -> tensor<?x3x5xf32> {
  %c = lutra.constant dense<[[[0, 1, 2, 3, 4, 5, 6]]]> : tensor<1x1x7xi32>
  %w = lutra.weight @w : tensor<7x5xf32>
  %h = lutra.compare<eq> %c, %i : (tensor<1x1x7xi32>, tensor<?x3x1xi32>) -> tensor<?x3x7xi1>
  %o = lutra.cast %h : tensor<?x3x7xi1> -> tensor<?x3x7xf32>
  %y = lutra.matmul %o, %w : (tensor<?x3x7xf32>, tensor<7x5xf32>) -> tensor<?x3x5xf32>
  return %y : tensor<?x3x5xf32>
}

// 0 * NaN is NaN: such a product is none.
// CHECK-LABEL: func @nan
// CHECK-NOT: lutra.gather
// CHECK: lutra.matmul
func.func @nan(%i: tensor<?x3x1xi32>) -> tensor<?x3x5xf32> {
  %c = lutra.constant dense<[[[0, 1, 2, 3, 4, 5, 6]]]> : tensor<1x1x7xi32>
  %w = lutra.weight @n : tensor<7x5xf32>
  %h = lutra.compare<eq> %i, %c : (tensor<?x3x1xi32>, tensor<1x1x7xi32>) -> tensor<?x3x7xi1>
  %o = lutra.cast %h : tensor<?x3x7xi1> -> tensor<?x3x7xf32>
  %y = lutra.matmul %o, %w : (tensor<?x3x7xf32>, tensor<7x5xf32>) -> tensor<?x3x5xf32>
  return %y : tensor<?x3x5xf32>
}

// CHECK-LABEL: func @less
// CHECK-NOT: lutra.gather
// CHECK: lutra.matmul
func.func @less(%i: tensor<?x3x1xi32>) -> tensor<?x3x5xf32> {
  %c = lutra.constant dense<[[[0, 1, 2, 3, 4, 5, 6]]]> : tensor<1x1x7xi32>
  %w = lutra.weight @w : tensor<7x5xf32>
  %h = lutra.compare<lt> %i, %c : (tensor<?x3x1xi32>, tensor<1x1x7xi32>) -> tensor<?x3x7xi1>
  %o = lutra.cast %h : tensor<?x3x7xi1> -> tensor<?x3x7xf32>
  %y = lutra.matmul %o, %w : (tensor<?x3x7xf32>, tensor<7x5xf32>) -> tensor<?x3x5xf32>
  return %y : tensor<?x3x5xf32>
}

// CHECK-LABEL: func @other_count
// CHECK-NOT: lutra.gather
// CHECK: lutra.matmul
func.func @other_count(%i: tensor<?x3x1xi32>) -> tensor<?x3x5xf32> {
  %c = lutra.constant dense<[[[0, 1, 2, 3, 4, 6, 5]]]> : tensor<1x1x7xi32>
  %w = lutra.weight @w : tensor<7x5xf32>
  %h = lutra.compare<eq> %i, %c : (tensor<?x3x1xi32>, tensor<1x1x7xi32>) -> tensor<?x3x7xi1>
  %o = lutra.cast %h : tensor<?x3x7xi1> -> tensor<?x3x7xf32>
  %y = lutra.matmul %o, %w : (tensor<?x3x7xf32>, tensor<7x5xf32>) -> tensor<?x3x5xf32>
  return %y : tensor<?x3x5xf32>
}

// A matrix that is computed may hold anything.
// CHECK-LABEL: func @computed
// CHECK-NOT: lutra.gather
// CHECK: lutra.matmul
func.func @computed(%i: tensor<2x1xi32>, %w: tensor<3x5xf32>) -> tensor<2x5xf32> {
  %c = lutra.constant dense<[[0, 1, 2]]> : tensor<1x3xi32>
  %h = lutra.compare<eq> %i, %c : (tensor<2x1xi32>, tensor<1x3xi32>) -> tensor<2x3xi1>
  %o = lutra.cast %h : tensor<2x3xi1> -> tensor<2x3xf32>
  %y = lutra.matmul %o, %w : (tensor<2x3xf32>, tensor<3x5xf32>) -> tensor<2x5xf32>
  return %y : tensor<2x5xf32>
}
