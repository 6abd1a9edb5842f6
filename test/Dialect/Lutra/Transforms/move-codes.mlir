// RUN: lutra-opt %s --lutra-move-codes | FileCheck %s

// CHECK-LABEL: func @dequantize_last
// CHECK-SAME: (%[[C:.*]]: tensor<4x?x6xui8>
// CHECK: %[[T:.*]] = lutra.transpose %[[C]] [1, 0, 2] : tensor<4x?x6xui8> -> tensor<?x4x6xui8>
// CHECK: %[[R:.*]] = lutra.reshape %[[T]]{{.*}} -> tensor<?x24xui8>
// CHECK: %[[X:.*]] = lutra.dequantize %[[R]]
// CHECK: return %[[X]]
func.func @dequantize_last(%c: tensor<4x?x6xui8>, %n: index) -> tensor<?x24xf32> {
  %s = lutra.constant dense<0.1> : tensor<f32>
  %z = lutra.constant dense<3> : tensor<ui8>
  %x = lutra.dequantize %c scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x?x6xui8> -> tensor<4x?x6xf32>
  %t = lutra.transpose %x [1, 0, 2] : tensor<4x?x6xf32> -> tensor<?x4x6xf32>
  %r = lutra.reshape %t[%n] : tensor<?x4x6xf32> -> tensor<?x24xf32>
  return %r : tensor<?x24xf32>
}

// A factor between them moves along.
// CHECK-LABEL: func @quantize_first
// CHECK-SAME: (%[[X:.*]]: tensor<4x5xf32>)
// CHECK: %[[Y:.*]] = lutra.binary<mul> %[[X]], %{{.*}} : (tensor<4x5xf32>, tensor<f32>) -> tensor<4x5xf32>
// CHECK: %[[Q:.*]] = lutra.quantize %[[Y]]
// CHECK: %[[T:.*]] = lutra.transpose %[[Q]] [1, 0] : tensor<4x5xi8> -> tensor<5x4xi8>
// CHECK: return %[[T]]
func.func @quantize_first(%x: tensor<4x5xf32>) -> tensor<5x4xi8> {
  %s = lutra.constant dense<0.1> : tensor<f32>
  %f = lutra.constant dense<0.25> : tensor<f32>
  %t = lutra.transpose %x [1, 0] : tensor<4x5xf32> -> tensor<5x4xf32>
  %y = lutra.binary<mul> %t, %f : (tensor<5x4xf32>, tensor<f32>) -> tensor<5x4xf32>
  %q = lutra.quantize %y scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<5x4xf32> -> tensor<5x4xi8>
  return %q : tensor<5x4xi8>
}

// CHECK-LABEL: func @there_and_back
// CHECK-SAME: (%[[C:.*]]: tensor<4x5xi8>)
// CHECK: %[[T:.*]] = lutra.transpose %[[C]]
// CHECK: return %[[T]]
func.func @there_and_back(%c: tensor<4x5xi8>) -> tensor<5x4xi8> {
  %s = lutra.constant dense<0.1> : tensor<f32>
  %z = lutra.constant dense<3> : tensor<i8>
  %x = lutra.dequantize %c scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x5xi8> -> tensor<4x5xf32>
  %t = lutra.transpose %x [1, 0] : tensor<4x5xf32> -> tensor<5x4xf32>
  %q = lutra.quantize %t scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<5x4xf32> -> tensor<5x4xi8>
  return %q : tensor<5x4xi8>
}

// Scales of columns, and a transpose that others read.
// CHECK-LABEL: func @stays
// CHECK: lutra.dequantize {{.*}} -> tensor<4x5xf32>
// CHECK: lutra.transpose {{.*}} -> tensor<5x4xf32>
// CHECK: lutra.transpose {{.*}} -> tensor<5x4xf32>
// CHECK: lutra.quantize {{.*}} -> tensor<5x4xi8>
func.func @stays(%c: tensor<4x5xi8>, %x: tensor<4x5xf32>) -> (tensor<5x4xf32>, tensor<5x4xf32>, tensor<5x4xi8>) {
  %s = lutra.constant dense<[0.1, 0.2, 0.3, 0.4, 0.5]> : tensor<5xf32>
  %u = lutra.constant dense<0.1> : tensor<f32>
  %d = lutra.dequantize %c scale(%s : tensor<5xf32>) {axis = 1 : i64, block = 0 : i64} : tensor<4x5xi8> -> tensor<4x5xf32>
  %t = lutra.transpose %d [1, 0] : tensor<4x5xf32> -> tensor<5x4xf32>
  %y = lutra.transpose %x [1, 0] : tensor<4x5xf32> -> tensor<5x4xf32>
  %q = lutra.quantize %y scale(%u : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<5x4xf32> -> tensor<5x4xi8>
  return %t, %y, %q : tensor<5x4xf32>, tensor<5x4xf32>, tensor<5x4xi8>
}

// A maximum that nobody else reads, of values and of dequantized codes; a mean, and a maximum that others read, stay.
// CHECK-LABEL: func @maximum
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x6xf32>, %[[C:.*]]: tensor<1x2x6xui8>, %[[Y:.*]]: tensor<1x2x6xf32>)
// CHECK: %[[Q:.*]] = lutra.quantize %[[X]] {{.*}} : tensor<1x2x6xf32> -> tensor<1x2x6xui8>
// CHECK: %[[P:.*]] = lutra.pool<max> %[[Q]] {{.*}} low = array<i64: 1>{{.*}} : tensor<1x2x6xui8> -> tensor<1x2x3xui8>
// CHECK: %[[M:.*]] = lutra.pool<max> %[[C]]
// CHECK: %[[A:.*]] = lutra.pool<average> %[[Y]]
// CHECK: %[[B:.*]] = lutra.quantize %[[A]]
// CHECK: return %[[P]], %[[M]], %[[B]]
func.func @maximum(%x: tensor<1x2x6xf32>, %c: tensor<1x2x6xui8>, %y: tensor<1x2x6xf32>) -> (tensor<1x2x3xui8>, tensor<1x2x3xui8>, tensor<1x2x3xui8>) {
  %s = lutra.constant dense<0.1> : tensor<f32>
  %z = lutra.constant dense<3> : tensor<ui8>
  %p = lutra.pool<max> %x {layout = #lutra.conv_layout<channels_first>, window = array<i64: 3>, strides = array<i64: 2>, low = array<i64: 1>, high = array<i64: 0>, dilations = array<i64: 1>} : tensor<1x2x6xf32> -> tensor<1x2x3xf32>
  %q = lutra.quantize %p scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<1x2x3xf32> -> tensor<1x2x3xui8>
  %d = lutra.dequantize %c scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<1x2x6xui8> -> tensor<1x2x6xf32>
  %m = lutra.pool<max> %d {layout = #lutra.conv_layout<channels_first>, window = array<i64: 3>, strides = array<i64: 2>, low = array<i64: 1>, high = array<i64: 0>, dilations = array<i64: 1>} : tensor<1x2x6xf32> -> tensor<1x2x3xf32>
  %r = lutra.quantize %m scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<1x2x3xf32> -> tensor<1x2x3xui8>
  %a = lutra.pool<average> %y {layout = #lutra.conv_layout<channels_first>, window = array<i64: 2>, strides = array<i64: 2>, low = array<i64: 0>, high = array<i64: 0>, dilations = array<i64: 1>} : tensor<1x2x6xf32> -> tensor<1x2x3xf32>
  %b = lutra.quantize %a scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<1x2x3xf32> -> tensor<1x2x3xui8>
  return %q, %r, %b : tensor<1x2x3xui8>, tensor<1x2x3xui8>, tensor<1x2x3xui8>
}
