// RUN: lutra-opt %s --lutra-use-integer-arithmetic --remark-format=emitRemark --remarks-filter=lutra-use-integer-arithmetic 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t

// 2^-9 and 2^-10 of sums, codes of 1/2: multipliers 2^30 and 2^29, and a bias of 2 steps, 1/2 to round and a zero point of 3.
// CHECK-LABEL: func @product
// CHECK-SAME: (%[[I:.*]]: tensor<?x2xi32>)
// CHECK-DAG: %[[M:.*]] = lutra.constant dense<[1073741824, 536870912]> : tensor<2xi32>
// CHECK-DAG: %[[O:.*]] = lutra.constant dense<1511828488192> : tensor<2xi64>
// CHECK: %[[Q:.*]] = lutra.requantize %[[I]] multiplier(%[[M]] : tensor<2xi32>) offset(%[[O]] : tensor<2xi64>) {shift = 38 : i64} : tensor<?x2xi32> -> tensor<?x2xi8>
// CHECK: %[[Z:.*]] = lutra.constant dense<3> : tensor<i8>
// CHECK: %[[R:.*]] = lutra.binary<max> %[[Q]], %[[Z]]
// CHECK: return %[[R]]
func.func @product(%i: tensor<?x2xi32>) -> tensor<?x2xi8> {
  %f = lutra.cast %i : tensor<?x2xi32> -> tensor<?x2xf32>
  %s = lutra.constant dense<[0.001953125, 0.0009765625]> : tensor<2xf32>
  %b = lutra.constant dense<1.0> : tensor<f32>
  %t = lutra.constant dense<0.5> : tensor<f32>
  %z = lutra.constant dense<3> : tensor<i8>
  %0 = lutra.binary<mul> %f, %s : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %1 = lutra.binary<add> %0, %b : (tensor<?x2xf32>, tensor<f32>) -> tensor<?x2xf32>
  %2 = lutra.unary<relu> %1 : tensor<?x2xf32> -> tensor<?x2xf32>
  %q = lutra.quantize %2 scale(%t : tensor<f32>) zero_point(%z : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<?x2xf32> -> tensor<?x2xi8>
  return %q : tensor<?x2xi8>
}

// A bias that is a weight: 2 and -2 steps.
// CHECK-LABEL: func @weights
// CHECK-DAG: lutra.constant dense<[687194767360, -412316860416]> : tensor<2xi64>
// CHECK: lutra.requantize
// CHECK-NOT: f32
// CHECK: return
lutra.global @bias : tensor<2xf32> = dense<[1.0, -1.0]> : tensor<2xf32>
func.func @weights(%i: tensor<?x2xi32>) -> tensor<?x2xi8> {
  %f = lutra.cast %i : tensor<?x2xi32> -> tensor<?x2xf32>
  %s = lutra.constant dense<0.001953125> : tensor<f32>
  %b = lutra.weight @bias : tensor<2xf32>
  %t = lutra.constant dense<0.5> : tensor<f32>
  %0 = lutra.binary<mul> %f, %s : (tensor<?x2xf32>, tensor<f32>) -> tensor<?x2xf32>
  %1 = lutra.binary<add> %0, %b : (tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %q = lutra.quantize %1 scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?x2xf32> -> tensor<?x2xi8>
  return %q : tensor<?x2xi8>
}

// Rows: nothing but integers is left.
// CHECK-LABEL: func @rows
// CHECK-NOT: f32
// CHECK: %[[P:.*]] = lutra.integer_softmax %{{.*}} {fraction = 30 : i64, step = 1549082 : i64}
// CHECK: lutra.requantize %[[P]]
// CHECK: %[[Y:.*]] = lutra.integer_norm %{{.*}} {centred, epsilon = 671089 : i64, zero_point = 1 : i64}
// CHECK: lutra.requantize %[[Y]]
// CHECK-NOT: f32
// CHECK: return
func.func @rows(%c: tensor<?x4xi8>) -> (tensor<?x4xui8>, tensor<?x4xi8>) {
  %s = lutra.constant dense<0.001> : tensor<f32>
  %z = lutra.constant dense<1> : tensor<i8>
  %t = lutra.constant dense<0.00390625> : tensor<f32>
  %g = lutra.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %b = lutra.constant dense<[0.0, 0.5, 0.0, -1.0]> : tensor<4xf32>
  %x = lutra.dequantize %c scale(%s : tensor<f32>) zero_point(%z : tensor<i8>) {axis = 0 : i64, block = 0 : i64} : tensor<?x4xi8> -> tensor<?x4xf32>
  %p = lutra.softmax %x {axis = 1 : i64} : tensor<?x4xf32>
  %0 = lutra.quantize %p scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?x4xf32> -> tensor<?x4xui8>
  %y = lutra.layer_norm %x scale(%g : tensor<4xf32>) bias(%b : tensor<4xf32>) {dims = 1 : i64, epsilon = 1.024e-5 : f64} : tensor<?x4xf32> -> tensor<?x4xf32>
  %1 = lutra.quantize %y scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?x4xf32> -> tensor<?x4xi8>
  return %0, %1 : tensor<?x4xui8>, tensor<?x4xi8>
}

// A residual: the offset is computed in 64 bits.
// CHECK-LABEL: func @residual
// CHECK: lutra.cast %{{.*}} : tensor<?x4xui8> -> tensor<?x4xi64>
// CHECK: lutra.requantize %{{.*}} offset(%{{.*}} : tensor<?x4xi64>)
func.func @residual(%a: tensor<?x4xi8>, %c: tensor<?x4xui8>) -> tensor<?x4xi8> {
  %s = lutra.constant dense<0.03> : tensor<f32>
  %t = lutra.constant dense<0.07> : tensor<f32>
  %z = lutra.constant dense<128> : tensor<ui8>
  %x = lutra.dequantize %a scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?x4xi8> -> tensor<?x4xf32>
  %y = lutra.dequantize %c scale(%t : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<?x4xui8> -> tensor<?x4xf32>
  %0 = lutra.binary<sub> %x, %y : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %q = lutra.quantize %0 scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?x4xf32> -> tensor<?x4xi8>
  return %q : tensor<?x4xi8>
}

// REMARK-COUNT-4: computes codes in integers
// REMARK: reads an argument
// REMARK: reads lutra.unary
// REMARK: has factors so different that 31 bits do not hold them
// REMARK: lutra.softmax reads no 8-bit codes with one scale along its last dimension
// CHECK-LABEL: func @refused
// CHECK-NOT: lutra.requantize
func.func @refused(%x: tensor<4xf32>, %i: tensor<2xi32>, %c: tensor<4x3xi8>) -> (tensor<4xi8>, tensor<2xi8>, tensor<2xi8>, tensor<4x3xi8>) {
  %t = lutra.constant dense<0.5> : tensor<f32>
  %0 = lutra.quantize %x scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<4xf32> -> tensor<4xi8>
  %f = lutra.cast %i : tensor<2xi32> -> tensor<2xf32>
  %g = lutra.unary<gelu_erf> %f : tensor<2xf32> -> tensor<2xf32>
  %1 = lutra.quantize %g scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2xf32> -> tensor<2xi8>
  %s = lutra.constant dense<[1.0, 1.0e-9]> : tensor<2xf32>
  %b = lutra.binary<mul> %f, %s : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %2 = lutra.quantize %b scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2xf32> -> tensor<2xi8>
  %d = lutra.dequantize %c scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<4x3xi8> -> tensor<4x3xf32>
  %p = lutra.softmax %d {axis = 0 : i64} : tensor<4x3xf32>
  %3 = lutra.quantize %p scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<4x3xf32> -> tensor<4x3xi8>
  return %0, %1, %2, %3 : tensor<4xi8>, tensor<2xi8>, tensor<2xi8>, tensor<4x3xi8>
}
