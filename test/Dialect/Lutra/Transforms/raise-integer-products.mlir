// RUN: lutra-opt %s --lutra-raise-integer-products --remark-format=emitRemark --remarks-filter=lutra-raise-integer-products 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t
// RUN: lutra-opt %s --lutra-raise-integer-products=targets=sm_80 | FileCheck %s --check-prefix=SAME
// RUN: lutra-opt %s --lutra-raise-integer-products=strategy=tiled | FileCheck %s --check-prefix=SAME
// SAME-NOT: xi32>
// REMARK-COUNT-2: multiplies integers
// REMARK: has several scales along K
// REMARK: computes both operands, and no level multiplies bytes
// REMARK: has no left-hand side of 8-bit codes with one scale
// REMARK: sums more along K than 32 bits hold
// REMARK: has scales with which a sum may leave f32
// REMARK: names a strategy, which reads it as it is

lutra.global @w : tensor<2x3xi8> = dense<[[1, 2, 3], [-128, 5, 127]]> : tensor<2x3xi8>
lutra.global @long : tensor<65793x1xui8> = dense<255> : tensor<65793x1xui8>
lutra.global @least : tensor<2x3xi8> = dense<-128> : tensor<2x3xi8>

// The differences of the weight are constants: 8 bits hold those without zero points, 16 those with.
// CHECK-DAG: lutra.global @w.integers : tensor<2x3xi8> = dense_resource
// CHECK-DAG: lutra.global @least.integers : tensor<3x2xi16> = dense_resource
// CHECK-LABEL: func.func @columns
// CHECK: %[[W:.*]] = lutra.weight @w.integers
// CHECK: %[[SUM:.*]] = lutra.matmul %arg0, %[[W]] : (tensor<?x2xui8>, tensor<2x3xi8>) -> tensor<?x3xi32>
// CHECK: %[[REAL:.*]] = lutra.cast %[[SUM]] : tensor<?x3xi32> -> tensor<?x3xf32>
// CHECK: %[[SCALED:.*]] = lutra.binary<mul> %[[REAL]], %{{.*}} : (tensor<?x3xf32>, tensor<3xf32>) -> tensor<?x3xf32>
// CHECK: %[[R:.*]] = lutra.binary<mul> %[[SCALED]], %arg1 : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
// CHECK: return %[[R]]
func.func @columns(%x: tensor<?x2xui8>, %s: tensor<f32>) -> tensor<?x3xf32> {
  %w = lutra.weight @w : tensor<2x3xi8>
  %sw = lutra.constant dense<[1.0, 2.0, 0.5]> : tensor<3xf32>
  %l = lutra.dequantize %x scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?x2xui8> -> tensor<?x2xf32>
  %r = lutra.dequantize %w scale(%sw : tensor<3xf32>) {axis = 1 : i64, block = 0 : i64} : tensor<2x3xi8> -> tensor<2x3xf32>
  %p = lutra.matmul %l, %r : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  return %p : tensor<?x3xf32>
}

// A zero point on the left is taken off in 16 bits; the weight is turned to [K, N].
// CHECK-LABEL: func.func @zeros
// CHECK: %[[X:.*]] = lutra.cast %arg0 : tensor<?x3xi8> -> tensor<?x3xi16>
// CHECK: %[[Z:.*]] = lutra.cast %arg2 : tensor<1xi8> -> tensor<1xi16>
// CHECK: %[[POINT:.*]] = lutra.reshape %[[Z]]
// CHECK: %[[LEFT:.*]] = lutra.binary<sub> %[[X]], %[[POINT]] : (tensor<?x3xi16>, tensor<i16>) -> tensor<?x3xi16>
// CHECK: lutra.matmul %[[LEFT]], %{{.*}} : (tensor<?x3xi16>, tensor<3x2xi16>) -> tensor<?x2xi32>
func.func @zeros(%x: tensor<?x3xi8>, %s: tensor<1xf32>, %z: tensor<1xi8>) -> tensor<?x2xf32> {
  %w = lutra.weight @least : tensor<2x3xi8>
  %sw = lutra.constant dense<0.5> : tensor<f32>
  %zw = lutra.constant dense<1> : tensor<i8>
  %l = lutra.dequantize %x scale(%s : tensor<1xf32>) zero_point(%z : tensor<1xi8>) {axis = 0 : i64, block = 0 : i64} : tensor<?x3xi8> -> tensor<?x3xf32>
  %r = lutra.dequantize %w scale(%sw : tensor<f32>) zero_point(%zw : tensor<i8>) {axis = 1 : i64, block = 0 : i64} : tensor<2x3xi8> -> tensor<2x3xf32>
  %t = lutra.transpose %r [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
  %p = lutra.matmul %l, %t : (tensor<?x3xf32>, tensor<3x2xf32>) -> tensor<?x2xf32>
  return %p : tensor<?x2xf32>
}

// CHECK-LABEL: func.func @left
// CHECK-COUNT-4: lutra.matmul %{{.*}}, %{{.*}} : (tensor<?x{{[0-9]+}}xf32>
func.func @left(%x: tensor<?x2xi8>, %y: tensor<?x65793xui8>, %c: tensor<2x3xi8>, %s: tensor<f32>, %rows: tensor<2xf32>) -> (tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x1xf32>) {
  %w = lutra.weight @w : tensor<2x3xi8>
  %one = lutra.constant dense<1.0> : tensor<f32>
  %blocks = lutra.constant dense<1.0> : tensor<2x3xf32>
  %long = lutra.weight @long : tensor<65793x1xui8>
  %l = lutra.dequantize %x scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?x2xi8> -> tensor<?x2xf32>
  %0 = lutra.dequantize %w scale(%blocks : tensor<2x3xf32>) {axis = 0 : i64, block = 1 : i64} : tensor<2x3xi8> -> tensor<2x3xf32>
  %p0 = lutra.matmul %l, %0 : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  %1 = lutra.dequantize %c scale(%one : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2x3xi8> -> tensor<2x3xf32>
  %p1 = lutra.matmul %l, %1 : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  %2 = lutra.dequantize %w scale(%one : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2x3xi8> -> tensor<2x3xf32>
  %l2 = lutra.dequantize %x scale(%rows : tensor<2xf32>) {axis = 1 : i64, block = 0 : i64} : tensor<?x2xi8> -> tensor<?x2xf32>
  %p2 = lutra.matmul %l2, %2 : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  %3 = lutra.dequantize %long scale(%one : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<65793x1xui8> -> tensor<65793x1xf32>
  %l3 = lutra.dequantize %y scale(%one : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?x65793xui8> -> tensor<?x65793xf32>
  %p3 = lutra.matmul %l3, %3 : (tensor<?x65793xf32>, tensor<65793x1xf32>) -> tensor<?x1xf32>
  return %p0, %p1, %p2, %p3 : tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x1xf32>
}

// A sum times a scale of the weight may be too large where the result is not; a named strategy reads floats.
// CHECK-LABEL: func.func @others
// CHECK: lutra.matmul %{{.*}}, %{{.*}} : (tensor<?x2xf32>
// CHECK: lutra.matmul %{{.*}}, %{{.*}} {strategy = #lutra.strategy<"tiled">} : (tensor<?x2xf32>
func.func @others(%x: tensor<?x2xi8>) -> (tensor<?x3xf32>, tensor<?x3xf32>) {
  %w = lutra.weight @w : tensor<2x3xi8>
  %small = lutra.constant dense<1.0e-35> : tensor<f32>
  %large = lutra.constant dense<1.0e35> : tensor<f32>
  %l = lutra.dequantize %x scale(%small : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?x2xi8> -> tensor<?x2xf32>
  %0 = lutra.dequantize %w scale(%large : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2x3xi8> -> tensor<2x3xf32>
  %p0 = lutra.matmul %l, %0 : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  %1 = lutra.dequantize %w scale(%small : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2x3xi8> -> tensor<2x3xf32>
  %p1 = lutra.matmul %l, %1 {strategy = #lutra.strategy<"tiled">} : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  return %p0, %p1 : tensor<?x3xf32>, tensor<?x3xf32>
}
