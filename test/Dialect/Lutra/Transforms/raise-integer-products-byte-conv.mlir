// RUN: lutra-opt %s --lutra-raise-integer-products=targets=amx,avx2 | FileCheck %s
// RUN: lutra-opt %s --lutra-raise-integer-products=targets=amx,avx2 | lutra-opt --lutra-choose-layout --canonicalize --lutra-fold-weights --lutra-form-kernels=targets=amx,avx2 --lutra-choose-strategy=targets=amx,avx2 --lutra-pack-weights | FileCheck %s --check-prefix=CHOICE
// RUN: lutra-opt %s --lutra-raise-integer-products=targets=amx,sse2 | FileCheck %s --check-prefix=PAIRS
// Levels without tiles of bytes keep pairs.
// PAIRS-NOT: tensor<1x4x4x4xui8>

lutra.global @w : tensor<2x3x1x1xi8> = dense<[[[[1]], [[2]], [[3]]], [[[-128]], [[5]], [[127]]]]> : tensor<2x3x1x1xi8>

// What is quantized to codes with a sign is quantized without; padding and the fourth channel hold the zero point, and
// sums lose what it adds to them.
// CHECK-LABEL: func.func @codes
// CHECK-DAG: %[[Z:.*]] = lutra.constant dense<125> : tensor<ui8>
// CHECK: %[[Q:.*]] = lutra.quantize %arg0 {{.*}} -> tensor<1x3x4x4xui8>
// CHECK: lutra.dequantize %[[Q]] {{.*}} -> tensor<1x3x4x4xf32>
// CHECK: %[[P:.*]] = lutra.pad<constant> %[[Q]], %{{.*}} low [0, 0, 1, 0] high [0, 1, 0, 2] : {{.*}} -> tensor<1x4x5x6xui8>
// CHECK: %[[SUM:.*]] = lutra.conv<channels_first> %[[P]], %{{.*}}low = array<i64: 0, 0>{{.*}} : (tensor<1x4x5x6xui8>, tensor<2x4x1x1xi8>) -> tensor<1x2x5x6xi32>
// CHECK: lutra.constant dense<{{\[\[\[}}750]], {{\[\[}}500]]]> : tensor<2x1x1xi32>
// CHECK: lutra.binary<sub> %[[SUM]]
// CHOICE: lutra.conv<channels_last> {{.*}}strategy = #lutra.strategy<"bytes">{{.*}} (tensor<1x5x6x4xui8>, tensor<1x1x4x2xi8, #lutra.packing<width = 16, depth = 4>>)
func.func @codes(%x: tensor<1x3x4x4xf32>) -> (tensor<1x2x5x6xf32>, tensor<1x3x4x4xf32>) {
  %w = lutra.weight @w : tensor<2x3x1x1xi8>
  %s = lutra.constant dense<0.5> : tensor<f32>
  %z = lutra.constant dense<-3> : tensor<i8>
  %sw = lutra.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %q = lutra.quantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<1x3x4x4xf32> -> tensor<1x3x4x4xi8>
  %l = lutra.dequantize %q scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<1x3x4x4xi8> -> tensor<1x3x4x4xf32>
  %r = lutra.dequantize %w scale(%sw : tensor<2xf32>) {axis = 0 : i64, block = 0 : i64} : tensor<2x3x1x1xi8> -> tensor<2x3x1x1xf32>
  %p = lutra.conv<channels_first> %l, %r {strides = array<i64: 1, 1>, low = array<i64: 1, 0>, high = array<i64: 0, 2>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x3x4x4xf32>, tensor<2x3x1x1xf32>) -> tensor<1x2x5x6xf32>
  %a = lutra.unary<abs> %l : tensor<1x3x4x4xf32> -> tensor<1x3x4x4xf32>
  return %p, %a : tensor<1x2x5x6xf32>, tensor<1x3x4x4xf32>
}
