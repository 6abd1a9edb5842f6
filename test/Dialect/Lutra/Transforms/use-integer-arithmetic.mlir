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

// Codes that repeat: what is added to the whole ones has their shape or that of a row.
// CHECK-LABEL: func @repeated
// CHECK: %[[W:.*]] = lutra.cast %{{.*}} : tensor<1x2xi8> -> tensor<1x2xi64>
// CHECK: %[[M:.*]] = lutra.binary<mul> %[[W]], %{{.*}} : (tensor<1x2xi64>, tensor<2xi64>) -> tensor<1x2xi64>
// CHECK: %[[V:.*]] = lutra.binary<mul> %{{.*}}, %{{.*}} : (tensor<?x1xi64>, tensor<i64>) -> tensor<?x1xi64>
// CHECK: %[[O:.*]] = lutra.binary<add> %[[V]], %{{.*}} : (tensor<?x1xi64>, tensor<1x2xi64>) -> tensor<?x2xi64>
// CHECK: lutra.requantize %{{.*}} offset(%[[O]] : tensor<?x2xi64>)
func.func @repeated(%a: tensor<?x2xi8>, %b: tensor<1x2xi8>, %c: tensor<?x1xi8>) -> tensor<?x2xi8> {
  %s = lutra.constant dense<0.03> : tensor<f32>
  %f = lutra.constant dense<[0.5, 0.0]> : tensor<2xf32>
  %x = lutra.dequantize %a scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?x2xi8> -> tensor<?x2xf32>
  %y = lutra.dequantize %b scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<1x2xi8> -> tensor<1x2xf32>
  %z = lutra.cast %c : tensor<?x1xi8> -> tensor<?x1xf32>
  %0 = lutra.binary<mul> %y, %f : (tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  %1 = lutra.binary<add> %x, %0 : (tensor<?x2xf32>, tensor<1x2xf32>) -> tensor<?x2xf32>
  %2 = lutra.binary<add> %1, %z : (tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %q = lutra.quantize %2 scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?x2xf32> -> tensor<?x2xi8>
  return %q : tensor<?x2xi8>
}

// REMARK-COUNT-5: computes codes in integers
// REMARK: reads an argument
// REMARK: reads lutra.unary
// REMARK: has factors so different that 31 bits do not hold them
// REMARK: lutra.softmax reads no 8-bit codes with one scale along its last dimension
// REMARK: reads a constant that is not known as finite numbers of f32
// REMARK: divides by 0
// REMARK: has more than 64 ops between codes and integers
// REMARK-COUNT-2: has a softmax or norm times a factor that shows how its fixed point is cut
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

// Not numbers, a quotient by 0, and sums of a value with itself, 2^40 of it.
// CHECK-LABEL: func @numbers
// CHECK-NOT: lutra.requantize
func.func @numbers(%i: tensor<2xi32>) -> (tensor<2xi8>, tensor<2xi8>, tensor<2xi8>) {
  %t = lutra.constant dense<0.5> : tensor<f32>
  %d0 = lutra.cast %i : tensor<2xi32> -> tensor<2xf32>
  %n = lutra.constant dense<[1.0, 0x7FC00000]> : tensor<2xf32>
  %a = lutra.binary<add> %d0, %n : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %0 = lutra.quantize %a scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2xf32> -> tensor<2xi8>
  %z = lutra.constant dense<[1.0, 0.0]> : tensor<2xf32>
  %b = lutra.binary<mul> %d0, %z : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %c = lutra.binary<div> %b, %z : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %1 = lutra.quantize %c scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2xf32> -> tensor<2xi8>
  %d1 = lutra.binary<add> %d0, %d0 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d2 = lutra.binary<add> %d1, %d1 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d3 = lutra.binary<add> %d2, %d2 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d4 = lutra.binary<add> %d3, %d3 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d5 = lutra.binary<add> %d4, %d4 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d6 = lutra.binary<add> %d5, %d5 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d7 = lutra.binary<add> %d6, %d6 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d8 = lutra.binary<add> %d7, %d7 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d9 = lutra.binary<add> %d8, %d8 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d10 = lutra.binary<add> %d9, %d9 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d11 = lutra.binary<add> %d10, %d10 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d12 = lutra.binary<add> %d11, %d11 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d13 = lutra.binary<add> %d12, %d12 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d14 = lutra.binary<add> %d13, %d13 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d15 = lutra.binary<add> %d14, %d14 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d16 = lutra.binary<add> %d15, %d15 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d17 = lutra.binary<add> %d16, %d16 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d18 = lutra.binary<add> %d17, %d17 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d19 = lutra.binary<add> %d18, %d18 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d20 = lutra.binary<add> %d19, %d19 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d21 = lutra.binary<add> %d20, %d20 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d22 = lutra.binary<add> %d21, %d21 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d23 = lutra.binary<add> %d22, %d22 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d24 = lutra.binary<add> %d23, %d23 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d25 = lutra.binary<add> %d24, %d24 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d26 = lutra.binary<add> %d25, %d25 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d27 = lutra.binary<add> %d26, %d26 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d28 = lutra.binary<add> %d27, %d27 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d29 = lutra.binary<add> %d28, %d28 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d30 = lutra.binary<add> %d29, %d29 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d31 = lutra.binary<add> %d30, %d30 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d32 = lutra.binary<add> %d31, %d31 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d33 = lutra.binary<add> %d32, %d32 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d34 = lutra.binary<add> %d33, %d33 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d35 = lutra.binary<add> %d34, %d34 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d36 = lutra.binary<add> %d35, %d35 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d37 = lutra.binary<add> %d36, %d36 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d38 = lutra.binary<add> %d37, %d37 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d39 = lutra.binary<add> %d38, %d38 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %d40 = lutra.binary<add> %d39, %d39 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %2 = lutra.quantize %d40 scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2xf32> -> tensor<2xi8>
  return %0, %1, %2 : tensor<2xi8>, tensor<2xi8>, tensor<2xi8>
}

// Steps of 2^-11 of a norm are 2^-9 of its units; a softmax of 10,000 steps, of which a constant leaves 256, shows 3 of them.
// CHECK-LABEL: func @magnified
// CHECK: lutra.integer_norm
// CHECK-NOT: lutra.integer
// CHECK: return
func.func @magnified(%c: tensor<2x3xi8>) -> (tensor<2x3xi8>, tensor<2x3xi8>, tensor<2x3xi8>) {
  %s = lutra.constant dense<0.03125> : tensor<f32>
  %x = lutra.dequantize %c scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2x3xi8> -> tensor<2x3xf32>
  %n = lutra.rms_norm %x {dims = 1 : i64, epsilon = 1.0e-06 : f64} : tensor<2x3xf32> -> tensor<2x3xf32>
  %t = lutra.constant dense<0.00048828125> : tensor<f32>
  %0 = lutra.quantize %n scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2x3xf32> -> tensor<2x3xi8>
  %u = lutra.constant dense<2.0e-06> : tensor<f32>
  %1 = lutra.quantize %n scale(%u : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2x3xf32> -> tensor<2x3xi8>
  %p = lutra.softmax %x {axis = 1 : i64} : tensor<2x3xf32>
  %v = lutra.constant dense<1.0e-04> : tensor<f32>
  %m = lutra.constant dense<0.99> : tensor<f32>
  %d = lutra.binary<sub> %p, %m : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %2 = lutra.quantize %d scale(%v : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2x3xf32> -> tensor<2x3xi8>
  return %0, %1, %2 : tensor<2x3xi8>, tensor<2x3xi8>, tensor<2x3xi8>
}
