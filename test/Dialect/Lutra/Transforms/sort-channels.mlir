// Channels move in what computes the inputs of products and in the weights' rows; where something else reads them, or they
// have an order already, they stay.
// RUN: lutra-opt %s --lutra-test-sort-channels --verify-diagnostics | FileCheck %s
lutra.global @a : tensor<3x2xf32> = dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
lutra.global @b : tensor<2x3xf32> = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
lutra.global @up : tensor<2x3xf32> = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
lutra.global @gate : tensor<3x2xf32> = dense<[[-1.0, -2.0], [-3.0, -4.0], [-5.0, -6.0]]> : tensor<3x2xf32>
lutra.global @down : tensor<3x2xf32> = dense<[[1.5, 2.5], [3.5, 4.5], [5.5, 6.5]]> : tensor<3x2xf32>
lutra.global @normUp : tensor<2x3xf32> = dense<[[7.0, 8.0, 9.0], [-7.0, -8.0, -9.0]]> : tensor<2x3xf32>
lutra.global @normDown : tensor<2x3xf32> = dense<[[7.5, 8.5, 9.5], [-7.5, -8.5, -9.5]]> : tensor<2x3xf32>
lutra.global @square : tensor<3x3xf32> = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]> : tensor<3x3xf32>
lutra.global @read : tensor<2x3xf32> = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
lutra.global @twice : tensor<3x2xf32> = dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
lutra.global @bias : tensor<3xf32> = dense<[0.5, 0.25, 0.125]> : tensor<3xf32>
lutra.global @scale : tensor<3xf32> = dense<[0.5, 0.75, 1.5]> : tensor<3xf32>

// Inputs of the function have the order that they have.
// CHECK: lutra.global @a : {{.*}}[1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00]
// CHECK: lutra.global @up {{.*}} = dense_resource<up>
// CHECK: lutra.global @gate {{.*}} = dense_resource<gate>
// CHECK: lutra.global @down {{.*}} = dense_resource<down>
// CHECK-LABEL: func @input
func.func @input(%x: tensor<?x3xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %a = lutra.weight @a : tensor<3x2xf32>
  %b = lutra.weight @b : tensor<2x3xf32>
  // expected-remark @below {{gathered}}
  %p = lutra.matmul %x, %a : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  %q = lutra.matmul %x, %b {transpose_rhs} : (tensor<?x3xf32>, tensor<2x3xf32>) -> tensor<?x2xf32>
  return %p, %q : tensor<?x2xf32>, tensor<?x2xf32>
}

// Both products of a gated unit, which has the gate twice, with a bias and a constant for all channels.
// CHECK-LABEL: func @gated
// CHECK: %[[BIAS:.*]] = lutra.constant dense<[2.500000e-01, 1.250000e-01, 5.000000e-01]>
// CHECK: lutra.binary<add> %{{.*}}, %[[BIAS]]
func.func @gated(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %up = lutra.weight @up : tensor<2x3xf32>
  %gate = lutra.weight @gate : tensor<3x2xf32>
  %down = lutra.weight @down : tensor<3x2xf32>
  %bias = lutra.weight @bias : tensor<3xf32>
  %two = lutra.constant dense<2.0> : tensor<f32>
  // expected-remark @below {{gathered}}
  %u = lutra.matmul %x, %up : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  %g = lutra.matmul %x, %gate {transpose_rhs} : (tensor<?x2xf32>, tensor<3x2xf32>) -> tensor<?x3xf32>
  %h = lutra.binary<add> %g, %bias : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  %s = lutra.unary<sigmoid> %h : tensor<?x3xf32> -> tensor<?x3xf32>
  %t = lutra.binary<mul> %s, %h : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %v = lutra.binary<mul> %t, %two : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  %w = lutra.binary<mul> %u, %v : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  // expected-remark @below {{folded}}
  %d = lutra.matmul %w, %down : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  return %d : tensor<?x2xf32>
}

// CHECK-LABEL: func @norm
// CHECK-DAG: lutra.constant dense<[7.500000e-01, 1.500000e+00, 5.000000e-01]>
// CHECK-DAG: lutra.constant dense<[2.500000e-01, 1.250000e-01, 5.000000e-01]>
// CHECK: lutra.layer_norm
func.func @norm(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %up = lutra.weight @normUp : tensor<2x3xf32>
  %down = lutra.weight @normDown : tensor<2x3xf32>
  %scale = lutra.weight @scale : tensor<3xf32>
  %bias = lutra.weight @bias : tensor<3xf32>
  // expected-remark @below {{gathered}}
  %u = lutra.matmul %x, %up : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  %n = lutra.layer_norm %u scale(%scale : tensor<3xf32>) bias(%bias : tensor<3xf32>) {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<?x3xf32> -> tensor<?x3xf32>
  // expected-remark @below {{folded}}
  %d = lutra.matmul %n, %down {transpose_rhs} : (tensor<?x3xf32>, tensor<2x3xf32>) -> tensor<?x2xf32>
  return %d : tensor<?x2xf32>
}

// The channels of the inner product's result are also what it would multiply along K, and a caller sees them.
// CHECK-LABEL: func @other
func.func @other(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x3xf32>) {
  %read = lutra.weight @read : tensor<2x3xf32>
  %square = lutra.weight @square : tensor<3x3xf32>
  %twice = lutra.weight @twice : tensor<3x2xf32>
  // expected-remark @below {{gathered}}
  %u = lutra.matmul %x, %read : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  %r = lutra.unary<relu> %u : tensor<?x3xf32> -> tensor<?x3xf32>
  // expected-remark @below {{gathered}}
  %s = lutra.matmul %r, %square : (tensor<?x3xf32>, tensor<3x3xf32>) -> tensor<?x3xf32>
  %w = lutra.binary<mul> %s, %r : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  // expected-remark @below {{gathered}}
  %d = lutra.matmul %w, %twice : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  return %d, %s : tensor<?x2xf32>, tensor<?x3xf32>
}
