// RUN: lutra-opt %s --lutra-group-heads --canonicalize | FileCheck %s

// Four heads of queries share one of keys; their number and that of tokens may be open.
// CHECK-LABEL: func.func @scores
// CHECK-SAME: %[[Q:.*]]: tensor<?x8x?x16xf32>, %[[K:.*]]: tensor<?x2x?x16xf32>
// CHECK: %[[G:.*]] = lutra.reshape %[[Q]][{{.*}}] : tensor<?x8x?x16xf32> -> tensor<?x2x?x16xf32>
// CHECK: %[[P:.*]] = lutra.matmul %[[G]], %[[K]] {transpose_rhs} : (tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>) -> tensor<?x2x?x?xf32>
// CHECK: lutra.reshape %[[P]][{{.*}}] : tensor<?x2x?x?xf32> -> tensor<?x8x?x?xf32>
func.func @scores(%q: tensor<?x8x?x16xf32>, %k: tensor<?x2x?x16xf32>) -> tensor<?x8x?x?xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %b = tensor.dim %k, %c0 : tensor<?x2x?x16xf32>
  %t = tensor.dim %k, %c2 : tensor<?x2x?x16xf32>
  %u = lutra.reshape %k[%b, %t] : tensor<?x2x?x16xf32> -> tensor<?x2x1x?x16xf32>
  %e = lutra.expand %u[%b, %t] : tensor<?x2x1x?x16xf32> -> tensor<?x2x4x?x16xf32>
  %r = lutra.reshape %e[%b, %t] : tensor<?x2x4x?x16xf32> -> tensor<?x8x?x16xf32>
  %x = lutra.transpose %r [0, 1, 3, 2] : tensor<?x8x?x16xf32> -> tensor<?x8x16x?xf32>
  %p = lutra.matmul %q, %x : (tensor<?x8x?x16xf32>, tensor<?x8x16x?xf32>) -> tensor<?x8x?x?xf32>
  return %p : tensor<?x8x?x?xf32>
}

// One row for each head: rows of a group are a number.
// CHECK-LABEL: func.func @values
// CHECK: lutra.matmul %{{.*}}, %{{.*}} : (tensor<1x2x4x?xf32>, tensor<1x2x?x16xf32>) -> tensor<1x2x4x16xf32>
func.func @values(%p: tensor<1x8x1x?xf32>, %v: tensor<1x2x?x16xf32>) -> tensor<1x8x1x16xf32> {
  %c2 = arith.constant 2 : index
  %t = tensor.dim %v, %c2 : tensor<1x2x?x16xf32>
  %u = lutra.reshape %v[%t] : tensor<1x2x?x16xf32> -> tensor<1x2x1x?x16xf32>
  %e = lutra.expand %u[%t] : tensor<1x2x1x?x16xf32> -> tensor<1x2x4x?x16xf32>
  %r = lutra.reshape %e[%t] : tensor<1x2x4x?x16xf32> -> tensor<1x8x?x16xf32>
  %o = lutra.matmul %p, %r : (tensor<1x8x1x?xf32>, tensor<1x8x?x16xf32>) -> tensor<1x8x1x16xf32>
  return %o : tensor<1x8x1x16xf32>
}

// Sizes of another input stand for those of the same name, also behind a concatenation.
// CHECK-LABEL: func.func @named
// CHECK-NOT: lutra.expand
func.func @named(%i: tensor<?x?xi64> {lutra.dim_names = ["batch", "new"]}, %q: tensor<?x8x?x16xf32>, %past: tensor<?x2x?x16xf32> {lutra.dim_names = ["batch", "", "past", ""]}, %own: tensor<?x2x?x16xf32>, %t: index) -> tensor<?x8x?x?xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %i, %c0 : tensor<?x?xi64>
  %k = lutra.concat %past, %own {axis = 2 : i64} : (tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>) -> tensor<?x2x?x16xf32>
  %u = lutra.reshape %k[%b, %t] : tensor<?x2x?x16xf32> -> tensor<?x2x1x?x16xf32>
  %e = lutra.expand %u[%b, %t] : tensor<?x2x1x?x16xf32> -> tensor<?x2x4x?x16xf32>
  %r = lutra.reshape %e[%b, %t] : tensor<?x2x4x?x16xf32> -> tensor<?x8x?x16xf32>
  %x = lutra.transpose %r [0, 1, 3, 2] : tensor<?x8x?x16xf32> -> tensor<?x8x16x?xf32>
  %p = lutra.matmul %q, %x : (tensor<?x8x?x16xf32>, tensor<?x8x16x?xf32>) -> tensor<?x8x?x?xf32>
  return %p : tensor<?x8x?x?xf32>
}

// Two sizes of which nothing is known may be exchanged: the reshape would be another one.
// CHECK-LABEL: func.func @exchanged
// CHECK: lutra.expand
func.func @exchanged(%q: tensor<?x8x?x16xf32>, %k: tensor<?x2x?x16xf32>) -> tensor<?x8x?x?xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %t = tensor.dim %k, %c0 : tensor<?x2x?x16xf32>
  %b = tensor.dim %k, %c2 : tensor<?x2x?x16xf32>
  %u = lutra.reshape %k[%b, %t] : tensor<?x2x?x16xf32> -> tensor<?x2x1x?x16xf32>
  %e = lutra.expand %u[%b, %t] : tensor<?x2x1x?x16xf32> -> tensor<?x2x4x?x16xf32>
  %r = lutra.reshape %e[%b, %t] : tensor<?x2x4x?x16xf32> -> tensor<?x8x?x16xf32>
  %x = lutra.transpose %r [0, 1, 3, 2] : tensor<?x8x?x16xf32> -> tensor<?x8x16x?xf32>
  %p = lutra.matmul %q, %x : (tensor<?x8x?x16xf32>, tensor<?x8x16x?xf32>) -> tensor<?x8x?x?xf32>
  return %p : tensor<?x8x?x?xf32>
}

// Heads in turn (0 1 0 1) instead of each several times: left alone.
// CHECK-LABEL: func.func @tiled
// CHECK: lutra.expand
// CHECK: lutra.matmul {{.*}} -> tensor<1x4x3x5xf32>
func.func @tiled(%q: tensor<1x4x3x16xf32>, %k: tensor<1x2x16x5xf32>) -> tensor<1x4x3x5xf32> {
  %u = lutra.reshape %k[] : tensor<1x2x16x5xf32> -> tensor<1x1x2x16x5xf32>
  %e = lutra.expand %u[] : tensor<1x1x2x16x5xf32> -> tensor<1x2x2x16x5xf32>
  %r = lutra.reshape %e[] : tensor<1x2x2x16x5xf32> -> tensor<1x4x16x5xf32>
  %p = lutra.matmul %q, %r : (tensor<1x4x3x16xf32>, tensor<1x4x16x5xf32>) -> tensor<1x4x3x5xf32>
  return %p : tensor<1x4x3x5xf32>
}
