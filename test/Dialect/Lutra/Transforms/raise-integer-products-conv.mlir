// RUN: lutra-opt %s --lutra-raise-integer-products --remark-format=emitRemark --remarks-filter=lutra-raise-integer-products 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t
// RUN: lutra-opt %s --lutra-raise-integer-products=targets=sm_80 | FileCheck %s --check-prefix=SAME
// RUN: lutra-opt %s --lutra-raise-integer-products | lutra-opt --lutra-choose-layout --canonicalize --lutra-fold-weights --lutra-form-kernels=targets=avx2 --lutra-choose-strategy=targets=avx2,avxvnni,avx512vnni,sse2 --lutra-pack-weights | FileCheck %s --check-prefix=CHOICE
// SAME: lutra.conv{{.*}} -> tensor<1x2x4x4xf32>
// REMARK: multiplies integers
// REMARK: has groups, whose vectors of channels are computed in f32
// REMARK: has a scale for each element along K
// REMARK: has an unknown number of channels

lutra.global @w : tensor<2x3x1x1xi8> = dense<[[[[1]], [[2]], [[3]]], [[[-128]], [[5]], [[127]]]]> : tensor<2x3x1x1xi8>
lutra.global @g : tensor<2x1x1x1xi8> = dense<7> : tensor<2x1x1x1xi8>

// Channels become even, codes 16 bits without their zero point; scales that are known are one.
// CHECK: lutra.global @w.integers.wider : tensor<2x4x1x1xi8>
// CHECK-LABEL: func.func @channels
// CHECK: %[[X:.*]] = lutra.binary<sub> %{{.*}} : (tensor<1x3x4x4xi16>, tensor<i16>) -> tensor<1x3x4x4xi16>
// CHECK: %[[P:.*]] = lutra.pad<constant> %[[X]], %{{.*}} low [0, 0, 0, 0] high [0, 1, 0, 0] : {{.*}} -> tensor<1x4x4x4xi16>
// CHECK: %[[W:.*]] = lutra.weight @w.integers.wider
// CHECK: %[[SUM:.*]] = lutra.conv<channels_first> %[[P]], %[[W]] {{.*}} -> tensor<1x2x4x4xi32>
// CHECK: %[[REAL:.*]] = lutra.cast %[[SUM]]
// CHECK: %[[S:.*]] = lutra.constant dense<{{.*}}5.000000e-01{{.*}}1.000000e+00{{.*}}> : tensor<2x1x1xf32>
// CHECK: %[[R:.*]] = lutra.binary<mul> %[[REAL]], %[[S]]
// CHECK: return %[[R]]
// All levels of an artifact multiply pairs, from one packing.
// CHOICE: lutra.conv<channels_last> {{.*}}strategy = #lutra.strategy<"dot">{{.*}} (tensor<1x4x4x4xi16>, tensor<1x1x4x2xi8, #lutra.packing<width = 16, depth = 2>>)
func.func @channels(%x: tensor<1x3x4x4xi8>) -> tensor<1x2x4x4xf32> {
  %w = lutra.weight @w : tensor<2x3x1x1xi8>
  %s = lutra.constant dense<0.5> : tensor<f32>
  %z = lutra.constant dense<-3> : tensor<i8>
  %sw = lutra.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %l = lutra.dequantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<1x3x4x4xi8> -> tensor<1x3x4x4xf32>
  %r = lutra.dequantize %w scale(%sw : tensor<2xf32>) {axis = 0 : i64, block = 0 : i64} : tensor<2x3x1x1xi8> -> tensor<2x3x1x1xf32>
  %p = lutra.conv<channels_first> %l, %r {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x3x4x4xf32>, tensor<2x3x1x1xf32>) -> tensor<1x2x4x4xf32>
  return %p : tensor<1x2x4x4xf32>
}

// CHECK-LABEL: func.func @groups
// CHECK: lutra.conv{{.*}} -> tensor<1x2x4x4xf32>
func.func @groups(%x: tensor<1x2x4x4xi8>) -> tensor<1x2x4x4xf32> {
  %w = lutra.weight @g : tensor<2x1x1x1xi8>
  %s = lutra.constant dense<0.5> : tensor<f32>
  %l = lutra.dequantize %x scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<1x2x4x4xi8> -> tensor<1x2x4x4xf32>
  %r = lutra.dequantize %w scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2x1x1x1xi8> -> tensor<2x1x1x1xf32>
  %p = lutra.conv<channels_first> %l, %r {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x2x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  return %p : tensor<1x2x4x4xf32>
}

// CHECK-LABEL: func.func @along
// CHECK: lutra.conv{{.*}} -> tensor<1x2x4x4xf32>
func.func @along(%x: tensor<1x3x4x4xi8>) -> tensor<1x2x4x4xf32> {
  %w = lutra.weight @w : tensor<2x3x1x1xi8>
  %s = lutra.constant dense<0.5> : tensor<f32>
  %sw = lutra.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %l = lutra.dequantize %x scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<1x3x4x4xi8> -> tensor<1x3x4x4xf32>
  %r = lutra.dequantize %w scale(%sw : tensor<3xf32>) {axis = 1 : i64, block = 0 : i64} : tensor<2x3x1x1xi8> -> tensor<2x3x1x1xf32>
  %p = lutra.conv<channels_first> %l, %r {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x3x4x4xf32>, tensor<2x3x1x1xf32>) -> tensor<1x2x4x4xf32>
  return %p : tensor<1x2x4x4xf32>
}

// CHECK-LABEL: func.func @unknown
// CHECK: lutra.conv{{.*}} -> tensor<1x2x4x4xf32>
func.func @unknown(%x: tensor<1x?x4x4xi8>) -> tensor<1x2x4x4xf32> {
  %w = lutra.weight @w : tensor<2x3x1x1xi8>
  %s = lutra.constant dense<0.5> : tensor<f32>
  %l = lutra.dequantize %x scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<1x?x4x4xi8> -> tensor<1x?x4x4xf32>
  %r = lutra.dequantize %w scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2x3x1x1xi8> -> tensor<2x3x1x1xf32>
  %p = lutra.conv<channels_first> %l, %r {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x?x4x4xf32>, tensor<2x3x1x1xf32>) -> tensor<1x2x4x4xf32>
  return %p : tensor<1x2x4x4xf32>
}

// Integers from the start; a filter that is computed stays as it is.
// CHECK-LABEL: func.func @integers
// CHECK: %[[X:.*]] = lutra.cast %arg0 : tensor<1x2x4x4xui8> -> tensor<1x2x4x4xi16>
// CHECK: lutra.conv<channels_first> %[[X]], %{{.*}} : (tensor<1x2x4x4xi16>, tensor<2x2x1x1xi8>) -> tensor<1x2x4x4xi32>
// CHECK: lutra.conv<channels_first> %arg0, %arg1 {{.*}} : (tensor<1x2x4x4xui8>, tensor<2x2x1x1xi8>) -> tensor<1x2x4x4xi32>
func.func @integers(%x: tensor<1x2x4x4xui8>, %f: tensor<2x2x1x1xi8>) -> (tensor<1x2x4x4xi32>, tensor<1x2x4x4xi32>) {
  %w = lutra.constant dense<3> : tensor<2x2x1x1xi8>
  %p = lutra.conv<channels_first> %x, %w {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x4x4xui8>, tensor<2x2x1x1xi8>) -> tensor<1x2x4x4xi32>
  %q = lutra.conv<channels_first> %x, %f {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x4x4xui8>, tensor<2x2x1x1xi8>) -> tensor<1x2x4x4xi32>
  return %p, %q : tensor<1x2x4x4xi32>, tensor<1x2x4x4xi32>
}
