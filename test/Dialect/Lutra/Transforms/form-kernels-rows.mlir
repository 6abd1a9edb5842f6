// RUN: lutra-opt %s --lutra-form-kernels --split-input-file | FileCheck %s

// A norm and what rounds its rows are one kernel.
// CHECK: lutra.kernel @k0({{.*}}) -> (tensor<?x64xi8>, tensor<?x2xf32>) {
// CHECK-NEXT: lutra.rms_norm
// CHECK-NEXT: lutra.dynamic_quantize
// CHECK-NEXT: lutra.yield
// CHECK-NOT: lutra.kernel
func.func @norm(%x: tensor<?x64xf32>, %g: tensor<64xf32>) -> (tensor<?x64xi8>, tensor<?x2xf32>) {
  %n = lutra.rms_norm %x scale(%g : tensor<64xf32>) {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<?x64xf32> -> tensor<?x64xf32>
  %q:2 = lutra.dynamic_quantize %n {bits = 8 : i64, block = 32 : i64, floor = 1.0e-20 : f32} : tensor<?x64xf32> -> tensor<?x64xi8>, tensor<?x2xf32>
  return %q#0, %q#1 : tensor<?x64xi8>, tensor<?x2xf32>
}

// -----

// Two sets of codes share the sum before the norm and the norm, which others read as well: the first of them returns both.
// CHECK: lutra.kernel @k0({{.*}}) -> (tensor<?x64xi8>, tensor<?x2xf32>, tensor<?x64xf32>, tensor<?x64xf32>) {
// CHECK-NEXT: %[[SUM:.*]] = lutra.binary<add>
// CHECK-NEXT: %[[NORM:.*]] = lutra.layer_norm %[[SUM]]
// CHECK-NEXT: %{{.*}}, %{{.*}} = lutra.dynamic_quantize %[[NORM]]
// CHECK-NEXT: lutra.yield %{{.*}}, %{{.*}}, %[[NORM]], %[[SUM]]
// CHECK: lutra.kernel @k1({{.*}}) -> (tensor<?x64xi8>, tensor<?x1xf32>, tensor<?x1xi8>) {
// CHECK-NEXT: lutra.dynamic_quantize
// CHECK: lutra.kernel @k2
// CHECK-NEXT: lutra.binary<add>
// CHECK-NOT: lutra.kernel
// CHECK: %[[FIRST:.*]]:4 = lutra.launch @k0
// CHECK: lutra.launch @k1(%[[FIRST]]#2)
// CHECK: lutra.launch @k2({{.*}}%[[FIRST]]#3
func.func @residual(%x: tensor<?x64xf32>, %y: tensor<?x64xf32>) -> (tensor<?x64xi8>, tensor<?x2xf32>, tensor<?x64xi8>, tensor<?x1xf32>, tensor<?x1xi8>, tensor<?x64xf32>) {
  %h = lutra.binary<add> %x, %y : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %n = lutra.layer_norm %h {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<?x64xf32> -> tensor<?x64xf32>
  %q:2 = lutra.dynamic_quantize %n {bits = 8 : i64, block = 32 : i64, floor = 1.0e-20 : f32} : tensor<?x64xf32> -> tensor<?x64xi8>, tensor<?x2xf32>
  %r:3 = lutra.dynamic_quantize %n {bits = 8 : i64, block = 64 : i64, floor = 1.0e-20 : f32} : tensor<?x64xf32> -> tensor<?x64xi8>, tensor<?x1xf32>, tensor<?x1xi8>
  %z = lutra.binary<add> %n, %h : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  return %q#0, %q#1, %r#0, %r#1, %r#2, %z : tensor<?x64xi8>, tensor<?x2xf32>, tensor<?x64xi8>, tensor<?x1xf32>, tensor<?x1xi8>, tensor<?x64xf32>
}

// -----

// A gated product of two inputs; a softmax over the rows.
// CHECK: lutra.kernel @k0
// CHECK-NEXT: lutra.unary<silu>
// CHECK-NEXT: lutra.binary<mul>
// CHECK-NEXT: lutra.dynamic_quantize
// CHECK: lutra.kernel @k1
// CHECK-NEXT: lutra.softmax
// CHECK-NEXT: lutra.dynamic_quantize
// CHECK-NOT: lutra.kernel
func.func @gate(%x: tensor<8x64xf32>, %y: tensor<8x64xf32>) -> (tensor<8x64xi8>, tensor<8x2xf32>, tensor<8x64xi8>, tensor<8x1xf32>) {
  %s = lutra.unary<silu> %x : tensor<8x64xf32> -> tensor<8x64xf32>
  %p = lutra.binary<mul> %s, %y : (tensor<8x64xf32>, tensor<8x64xf32>) -> tensor<8x64xf32>
  %q:2 = lutra.dynamic_quantize %p {bits = 8 : i64, block = 32 : i64, floor = 1.0e-20 : f32} : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x2xf32>
  %m = lutra.softmax %y {axis = 1 : i64} : tensor<8x64xf32>
  %r:2 = lutra.dynamic_quantize %m {bits = 8 : i64, block = 64 : i64, floor = 1.0e-20 : f32} : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x1xf32>
  return %q#0, %q#1, %r#0, %r#1 : tensor<8x64xi8>, tensor<8x2xf32>, tensor<8x64xi8>, tensor<8x1xf32>
}

// -----

// What a product ends with stays there. A norm of which something is read before stays alone.
// CHECK: lutra.kernel @k0
// CHECK-NEXT: lutra.matmul
// CHECK-NEXT: lutra.unary<relu>
// CHECK-NEXT: lutra.yield
// CHECK: lutra.kernel @k1
// CHECK-NEXT: lutra.dynamic_quantize
// CHECK: lutra.kernel @k2
// CHECK-NEXT: lutra.rms_norm
// CHECK-NEXT: lutra.yield
// CHECK: lutra.kernel @k3
// CHECK: lutra.kernel @k4
// CHECK-NEXT: lutra.binary<add>
// CHECK-NEXT: lutra.dynamic_quantize
func.func @others(%x: tensor<8x64xf32>, %w: tensor<64x64xf32>) -> (tensor<8x64xi8>, tensor<8x2xf32>, tensor<8x64xi8>, tensor<8x2xf32>) {
  %p = lutra.matmul %x, %w : (tensor<8x64xf32>, tensor<64x64xf32>) -> tensor<8x64xf32>
  %a = lutra.unary<relu> %p : tensor<8x64xf32> -> tensor<8x64xf32>
  %q:2 = lutra.dynamic_quantize %a {bits = 8 : i64, block = 32 : i64, floor = 1.0e-20 : f32} : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x2xf32>
  %n = lutra.rms_norm %x {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<8x64xf32> -> tensor<8x64xf32>
  %t = lutra.reduce<sum> %n axes = [0] : tensor<8x64xf32> -> tensor<1x64xf32>
  %y = lutra.binary<add> %n, %t : (tensor<8x64xf32>, tensor<1x64xf32>) -> tensor<8x64xf32>
  %r:2 = lutra.dynamic_quantize %y {bits = 8 : i64, block = 32 : i64, floor = 1.0e-20 : f32} : tensor<8x64xf32> -> tensor<8x64xi8>, tensor<8x2xf32>
  return %q#0, %q#1, %r#0, %r#1 : tensor<8x64xi8>, tensor<8x2xf32>, tensor<8x64xi8>, tensor<8x2xf32>
}
