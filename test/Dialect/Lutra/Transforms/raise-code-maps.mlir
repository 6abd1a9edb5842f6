// RUN: lutra-opt %s --lutra-raise-code-maps | FileCheck %s

// Entries lie in the order of bit patterns: 0 to 127, then -128 to -1. Half of each code, to even.
// CHECK-LABEL: func @requantize
// CHECK-SAME: (%[[C:.*]]: tensor<2x?xi8>)
// CHECK: %[[T:.*]] = lutra.constant dense<"0x0000010202020304{{.*}}FCFCFDFEFEFEFF00"> : tensor<256xi8>
// CHECK: %[[Q:.*]] = lutra.gather %[[T]], %[[C]] {axis = 0 : i64} : (tensor<256xi8>, tensor<2x?xi8>) -> tensor<2x?xi8>
// CHECK: return %[[Q]]
func.func @requantize(%c: tensor<2x?xi8>) -> tensor<2x?xi8> {
  %s = lutra.constant dense<0.5> : tensor<f32>
  %t = lutra.constant dense<1.0> : tensor<f32>
  %x = lutra.dequantize %c scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2x?xi8> -> tensor<2x?xf32>
  %q = lutra.quantize %x scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2x?xf32> -> tensor<2x?xi8>
  return %q : tensor<2x?xi8>
}

// x * sigmoid(x) with codes in between: one table from the codes at the start, of bytes without a sign.
// CHECK-LABEL: func @swish_of_codes
// CHECK-SAME: (%[[C:.*]]: tensor<?xui8>)
// CHECK: %[[T:.*]] = lutra.constant dense<{{.*}}> : tensor<256xi8>
// CHECK: %[[Q:.*]] = lutra.gather %[[T]], %[[C]]
// CHECK: return %[[Q]]
func.func @swish_of_codes(%c: tensor<?xui8>) -> tensor<?xi8> {
  %s = lutra.constant dense<0.05> : tensor<f32>
  %z = lutra.constant dense<131> : tensor<ui8>
  %s1 = lutra.constant dense<0.00390625> : tensor<f32>
  %s2 = lutra.constant dense<0.04> : tensor<f32>
  %x = lutra.dequantize %c scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<?xui8> -> tensor<?xf32>
  %g = lutra.unary<sigmoid> %x : tensor<?xf32> -> tensor<?xf32>
  %q = lutra.quantize %g scale(%s1 : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?xf32> -> tensor<?xui8>
  %d = lutra.dequantize %q scale(%s1 : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?xui8> -> tensor<?xf32>
  %y = lutra.binary<mul> %x, %d : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  %r = lutra.quantize %y scale(%s2 : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?xf32> -> tensor<?xi8>
  return %r : tensor<?xi8>
}

// The codes that come back are those that went in.
// CHECK-LABEL: func @same
// CHECK-SAME: (%[[C:.*]]: tensor<?xi8>)
// CHECK-NOT: lutra.gather
// CHECK: return %[[C]]
func.func @same(%c: tensor<?xi8>) -> tensor<?xi8> {
  %s = lutra.constant dense<0.1> : tensor<f32>
  %zero = lutra.constant dense<-30.0> : tensor<f32>
  %x = lutra.dequantize %c scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?xi8> -> tensor<?xf32>
  %y = lutra.binary<max> %x, %zero : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  %q = lutra.quantize %y scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?xf32> -> tensor<?xi8>
  return %q : tensor<?xi8>
}

// Two tensors of codes decide this sum.
// CHECK-LABEL: func @two_bases
// CHECK-NOT: lutra.gather
// CHECK: return
func.func @two_bases(%c: tensor<?xi8>, %e: tensor<?xi8>) -> tensor<?xi8> {
  %s = lutra.constant dense<0.1> : tensor<f32>
  %x = lutra.dequantize %c scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?xi8> -> tensor<?xf32>
  %y = lutra.dequantize %e scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?xi8> -> tensor<?xf32>
  %a = lutra.binary<add> %x, %y : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  %q = lutra.quantize %a scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?xf32> -> tensor<?xi8>
  return %q : tensor<?xi8>
}

// A scale for each column, one that is computed, and values that are used otherwise stay.
// CHECK-LABEL: func @other_scales
// CHECK-NOT: lutra.gather
// CHECK: return
func.func @other_scales(%c: tensor<?x3xi8>, %t: tensor<f32>) -> (tensor<?x3xi8>, tensor<?x3xi8>) {
  %s = lutra.constant dense<[0.1, 0.2, 0.3]> : tensor<3xf32>
  %u = lutra.constant dense<0.1> : tensor<f32>
  %x = lutra.dequantize %c scale(%s : tensor<3xf32>) {axis = 1 : i64, block = 0 : i64} : tensor<?x3xi8> -> tensor<?x3xf32>
  %q = lutra.quantize %x scale(%u : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?x3xf32> -> tensor<?x3xi8>
  %y = lutra.dequantize %c scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?x3xi8> -> tensor<?x3xf32>
  %r = lutra.quantize %y scale(%u : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?x3xf32> -> tensor<?x3xi8>
  return %q, %r : tensor<?x3xi8>, tensor<?x3xi8>
}

// CHECK-LABEL: func @also_values
// CHECK: %[[X:.*]] = lutra.dequantize
// CHECK: %[[Y:.*]] = lutra.unary<tanh> %[[X]]
// CHECK: %[[Q:.*]] = lutra.gather
// CHECK: return %[[Y]], %[[Q]]
func.func @also_values(%c: tensor<?xi8>) -> (tensor<?xf32>, tensor<?xi8>) {
  %s = lutra.constant dense<0.1> : tensor<f32>
  %x = lutra.dequantize %c scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?xi8> -> tensor<?xf32>
  %y = lutra.unary<tanh> %x : tensor<?xf32> -> tensor<?xf32>
  %q = lutra.quantize %y scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?xf32> -> tensor<?xi8>
  return %y, %q : tensor<?xf32>, tensor<?xi8>
}
