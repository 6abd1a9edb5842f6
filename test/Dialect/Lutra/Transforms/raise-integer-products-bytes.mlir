// Codes on the left get a sign where a level multiplies bytes by one instruction; sums get what that leaves out.
// RUN: lutra-opt %s --lutra-raise-integer-products=targets=avx512vnni,avx2 | FileCheck %s
// RUN: lutra-opt %s --lutra-raise-integer-products=targets=avx2 | FileCheck %s --check-prefix=PAIRS

lutra.global @w : tensor<2x3xi8> = dense<[[1, 2, 3], [-128, 5, 127]]> : tensor<2x3xi8>

// The columns of the weight add up to -127, 7 and 130.
// CHECK-LABEL: func.func @dequantized
// CHECK: %[[W:.*]] = lutra.weight @w.integers
// CHECK: %[[WIDE:.*]] = lutra.cast %arg0 : tensor<?x2xui8> -> tensor<?x2xi16>
// CHECK: %[[LESS:.*]] = lutra.binary<sub> %[[WIDE]], %{{.*}} : (tensor<?x2xi16>, tensor<i16>) -> tensor<?x2xi16>
// CHECK: %[[X:.*]] = lutra.cast %[[LESS]] : tensor<?x2xi16> -> tensor<?x2xi8>
// CHECK: %[[PRODUCT:.*]] = lutra.matmul %[[X]], %[[W]] : (tensor<?x2xi8>, tensor<2x3xi8>) -> tensor<?x3xi32>
// CHECK: %[[MORE:.*]] = lutra.constant dense<[-16256, 896, 16640]> : tensor<3xi32>
// CHECK: lutra.binary<add> %[[PRODUCT]], %[[MORE]] : (tensor<?x3xi32>, tensor<3xi32>) -> tensor<?x3xi32>
// PAIRS-LABEL: func.func @dequantized
// PAIRS: lutra.matmul %arg0, %{{.*}} : (tensor<?x2xui8>, tensor<2x3xi8>) -> tensor<?x3xi32>
func.func @dequantized(%x: tensor<?x2xui8>, %s: tensor<f32>) -> tensor<?x3xf32> {
  %w = lutra.weight @w : tensor<2x3xi8>
  %sw = lutra.constant dense<[1.0, 2.0, 0.5]> : tensor<3xf32>
  %l = lutra.dequantize %x scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?x2xui8> -> tensor<?x2xf32>
  %r = lutra.dequantize %w scale(%sw : tensor<3xf32>) {axis = 1 : i64, block = 0 : i64} : tensor<2x3xi8> -> tensor<2x3xf32>
  %p = lutra.matmul %l, %r : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  return %p : tensor<?x3xf32>
}

// A zero point of 128 is the distance itself.
// CHECK-LABEL: func.func @middle
// CHECK: lutra.matmul %{{.*}} : (tensor<?x2xi8>, tensor<2x3xi8>) -> tensor<?x3xi32>
// CHECK-NOT: lutra.binary<add>
// CHECK: return
func.func @middle(%x: tensor<?x2xui8>) -> tensor<?x3xi32> {
  %w = lutra.weight @w : tensor<2x3xi8>
  %z = lutra.constant dense<128> : tensor<i16>
  %c = lutra.cast %x : tensor<?x2xui8> -> tensor<?x2xi16>
  %l = lutra.binary<sub> %c, %z : (tensor<?x2xi16>, tensor<i16>) -> tensor<?x2xi16>
  %p = lutra.matmul %l, %w : (tensor<?x2xi16>, tensor<2x3xi8>) -> tensor<?x3xi32>
  return %p : tensor<?x3xi32>
}

// One that is computed meets the sums of the columns.
// CHECK-LABEL: func.func @computed
// CHECK: %[[P:.*]] = lutra.matmul %arg0, %{{.*}} : (tensor<?x2xi8>, tensor<2x3xi8>) -> tensor<?x3xi32>
// CHECK: %[[D:.*]] = lutra.binary<sub> %{{.*}} : (tensor<i32>, tensor<i32>) -> tensor<i32>
// CHECK: %[[SUMS:.*]] = lutra.constant dense<[-127, 7, 130]> : tensor<3xi32>
// CHECK: %[[M:.*]] = lutra.binary<mul> %[[SUMS]], %[[D]] : (tensor<3xi32>, tensor<i32>) -> tensor<3xi32>
// CHECK: lutra.binary<add> %[[P]], %[[M]]
func.func @computed(%x: tensor<?x2xi8>, %z: tensor<i8>) -> tensor<?x3xi32> {
  %w = lutra.weight @w : tensor<2x3xi8>
  %c = lutra.cast %x : tensor<?x2xi8> -> tensor<?x2xi16>
  %zero = lutra.cast %z : tensor<i8> -> tensor<i16>
  %l = lutra.binary<sub> %c, %zero : (tensor<?x2xi16>, tensor<i16>) -> tensor<?x2xi16>
  %p = lutra.matmul %l, %w : (tensor<?x2xi16>, tensor<2x3xi8>) -> tensor<?x3xi32>
  return %p : tensor<?x3xi32>
}

// Differences of a tensor of zero points stay as they are.
// CHECK-LABEL: func.func @rows
// CHECK: lutra.matmul %{{.*}} : (tensor<2x2xi16>, tensor<2x3xi8>) -> tensor<2x3xi32>
func.func @rows(%x: tensor<2x2xui8>, %z: tensor<2x1xi16>) -> tensor<2x3xi32> {
  %w = lutra.weight @w : tensor<2x3xi8>
  %c = lutra.cast %x : tensor<2x2xui8> -> tensor<2x2xi16>
  %l = lutra.binary<sub> %c, %z : (tensor<2x2xi16>, tensor<2x1xi16>) -> tensor<2x2xi16>
  %p = lutra.matmul %l, %w : (tensor<2x2xi16>, tensor<2x3xi8>) -> tensor<2x3xi32>
  return %p : tensor<2x3xi32>
}
