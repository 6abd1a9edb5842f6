// RUN: lutra-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func @double_not
// CHECK-SAME: (%[[A:.*]]: tensor<?xi1>)
// CHECK-NEXT: return %[[A]]
func.func @double_not(%a: tensor<?xi1>) -> tensor<?xi1> {
  %0 = lutra.unary<not> %a : tensor<?xi1> -> tensor<?xi1>
  %1 = lutra.unary<not> %0 : tensor<?xi1> -> tensor<?xi1>
  return %1 : tensor<?xi1>
}

// CHECK-LABEL: func @repeated_relu
// CHECK: %[[R:.*]] = lutra.unary<relu>
// CHECK-NEXT: return %[[R]]
func.func @repeated_relu(%a: tensor<?xf32>) -> tensor<?xf32> {
  %0 = lutra.unary<relu> %a : tensor<?xf32> -> tensor<?xf32>
  %1 = lutra.unary<relu> %0 : tensor<?xf32> -> tensor<?xf32>
  return %1 : tensor<?xf32>
}

// CHECK-LABEL: func @unary_constant
// CHECK-NEXT: %[[R:.*]] = lutra.constant dense<[2.000000e+00, 3.000000e+00]> : tensor<2xf32>
// CHECK-NEXT: return %[[R]]
func.func @unary_constant() -> tensor<2xf32> {
  %0 = lutra.constant dense<[4.0, 9.0]> : tensor<2xf32>
  %1 = lutra.unary<sqrt> %0 : tensor<2xf32> -> tensor<2xf32>
  return %1 : tensor<2xf32>
}

// CHECK-LABEL: func @add_negative_zero
// CHECK-SAME: (%[[A:.*]]: tensor<?xf32>)
// CHECK-NEXT: return %[[A]]
func.func @add_negative_zero(%a: tensor<?xf32>) -> tensor<?xf32> {
  %z = lutra.constant dense<-0.0> : tensor<f32>
  %0 = lutra.binary<add> %a, %z : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// Not exact: -0.0 + 0.0 is 0.0.
// CHECK-LABEL: func @add_positive_zero_stays
// CHECK: lutra.binary<add>
func.func @add_positive_zero_stays(%a: tensor<?xf32>) -> tensor<?xf32> {
  %z = lutra.constant dense<0.0> : tensor<f32>
  %0 = lutra.binary<add> %a, %z : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// CHECK-LABEL: func @neutral_floats
// CHECK-SAME: (%[[A:.*]]: tensor<?xf32>)
// CHECK-NEXT: return %[[A]]
func.func @neutral_floats(%a: tensor<?xf32>) -> tensor<?xf32> {
  %z = lutra.constant dense<0.0> : tensor<f32>
  %o = lutra.constant dense<1.0> : tensor<1xf32>
  %0 = lutra.binary<sub> %a, %z : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  %1 = lutra.binary<mul> %o, %0 : (tensor<1xf32>, tensor<?xf32>) -> tensor<?xf32>
  %2 = lutra.binary<div> %1, %o : (tensor<?xf32>, tensor<1xf32>) -> tensor<?xf32>
  %3 = lutra.binary<pow> %2, %o : (tensor<?xf32>, tensor<1xf32>) -> tensor<?xf32>
  return %3 : tensor<?xf32>
}

// CHECK-LABEL: func @neutral_integers
// CHECK-SAME: (%[[A:.*]]: tensor<?xi8>)
// CHECK-NEXT: return %[[A]]
func.func @neutral_integers(%a: tensor<?xi8>) -> tensor<?xi8> {
  %z = lutra.constant dense<0> : tensor<i8>
  %m = lutra.constant dense<-1> : tensor<i8>
  %0 = lutra.binary<add> %a, %z : (tensor<?xi8>, tensor<i8>) -> tensor<?xi8>
  %1 = lutra.binary<and> %m, %0 : (tensor<i8>, tensor<?xi8>) -> tensor<?xi8>
  %2 = lutra.binary<xor> %1, %z : (tensor<?xi8>, tensor<i8>) -> tensor<?xi8>
  %3 = lutra.binary<shift_left> %2, %z : (tensor<?xi8>, tensor<i8>) -> tensor<?xi8>
  %4 = lutra.binary<max> %3, %3 : (tensor<?xi8>, tensor<?xi8>) -> tensor<?xi8>
  return %4 : tensor<?xi8>
}

// The identity needs the operand's shape to be the result's.
// CHECK-LABEL: func @neutral_that_broadcasts_stays
// CHECK: lutra.binary<mul>
func.func @neutral_that_broadcasts_stays(%a: tensor<1xf32>) -> tensor<4xf32> {
  %o = lutra.constant dense<1.0> : tensor<4xf32>
  %0 = lutra.binary<mul> %a, %o : (tensor<1xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// Integers wrap; -7 mod 3 has the divisor's sign, -7 rem 3 the dividend's.
// CHECK-LABEL: func @binary_constant
// CHECK-DAG: %[[ADD:.*]] = lutra.constant dense<[-128, 4]> : tensor<2xi8>
// CHECK-DAG: %[[MOD:.*]] = lutra.constant dense<2> : tensor<i8>
// CHECK-DAG: %[[REM:.*]] = lutra.constant dense<-1> : tensor<i8>
// CHECK: return %[[ADD]], %[[MOD]], %[[REM]]
func.func @binary_constant() -> (tensor<2xi8>, tensor<i8>, tensor<i8>) {
  %0 = lutra.constant dense<[127, 3]> : tensor<2xi8>
  %1 = lutra.constant dense<1> : tensor<i8>
  %2 = lutra.binary<add> %0, %1 : (tensor<2xi8>, tensor<i8>) -> tensor<2xi8>
  %3 = lutra.constant dense<-7> : tensor<i8>
  %4 = lutra.constant dense<3> : tensor<i8>
  %5 = lutra.binary<mod> %3, %4 : (tensor<i8>, tensor<i8>) -> tensor<i8>
  %6 = lutra.binary<rem> %3, %4 : (tensor<i8>, tensor<i8>) -> tensor<i8>
  return %2, %5, %6 : tensor<2xi8>, tensor<i8>, tensor<i8>
}

// It has no defined result, so nothing may evaluate it.
// CHECK-LABEL: func private @division_by_zero_stays
// CHECK: lutra.binary<div>
func.func private @division_by_zero_stays() -> tensor<i32> {
  %0 = lutra.constant dense<1> : tensor<i32>
  %1 = lutra.constant dense<0> : tensor<i32>
  %2 = lutra.binary<div> %0, %1 : (tensor<i32>, tensor<i32>) -> tensor<i32>
  return %2 : tensor<i32>
}

// 255 is the greatest ui8, but -1 as i8.
// CHECK-LABEL: func @compare_constant
// CHECK: lutra.constant dense<[false, true]> : tensor<2xi1>
func.func @compare_constant() -> tensor<2xi1> {
  %0 = lutra.constant dense<[255, 1]> : tensor<2xui8>
  %1 = lutra.constant dense<2> : tensor<ui8>
  %2 = lutra.compare<lt> %0, %1 : (tensor<2xui8>, tensor<ui8>) -> tensor<2xi1>
  return %2 : tensor<2xi1>
}

// CHECK-LABEL: func @select_constant_condition
// CHECK-SAME: (%[[A:.*]]: tensor<?xf32>, %{{.*}}: tensor<?xf32>)
// CHECK-NEXT: return %[[A]]
func.func @select_constant_condition(%a: tensor<?xf32>, %b: tensor<?xf32>) -> tensor<?xf32> {
  %c = lutra.constant dense<true> : tensor<i1>
  %0 = lutra.select %c, %a, %b : (tensor<i1>, tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// CHECK-LABEL: func @select_of_one_value
// CHECK-SAME: (%{{.*}}: tensor<?xi1>, %[[A:.*]]: tensor<?xf32>)
// CHECK-NEXT: return %[[A]]
func.func @select_of_one_value(%c: tensor<?xi1>, %a: tensor<?xf32>) -> tensor<?xf32> {
  %0 = lutra.select %c, %a, %a : (tensor<?xi1>, tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// CHECK-LABEL: func @cast_identity
// CHECK-SAME: (%[[A:.*]]: tensor<?xf32>)
// CHECK-NEXT: return %[[A]]
func.func @cast_identity(%a: tensor<?xf32>) -> tensor<?xf32> {
  %0 = lutra.cast %a : tensor<?xf32> -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// CHECK-LABEL: func @cast_through_wider
// CHECK-SAME: (%[[A:.*]]: tensor<?xi8>, %[[B:.*]]: tensor<?xf16>)
// CHECK: %[[R:.*]] = lutra.cast %[[A]] : tensor<?xi8> -> tensor<?xf32>
// CHECK: return %[[R]], %[[B]]
func.func @cast_through_wider(%a: tensor<?xi8>, %b: tensor<?xf16>) -> (tensor<?xf32>, tensor<?xf16>) {
  %0 = lutra.cast %a : tensor<?xi8> -> tensor<?xi32>
  %1 = lutra.cast %0 : tensor<?xi32> -> tensor<?xf32>
  %2 = lutra.cast %b : tensor<?xf16> -> tensor<?xf32>
  %3 = lutra.cast %2 : tensor<?xf32> -> tensor<?xf16>
  return %1, %3 : tensor<?xf32>, tensor<?xf16>
}

// Through a narrower type, another sign or a float (which saturates) both steps count.
// CHECK-LABEL: func @cast_through_lossy_stays
// CHECK-COUNT-6: lutra.cast
func.func @cast_through_lossy_stays(%a: tensor<?xi32>, %b: tensor<?xi8>)
    -> (tensor<?xi32>, tensor<?xi32>, tensor<?xui8>) {
  %0 = lutra.cast %a : tensor<?xi32> -> tensor<?xi8>
  %1 = lutra.cast %0 : tensor<?xi8> -> tensor<?xi32>
  %2 = lutra.cast %b : tensor<?xi8> -> tensor<?xui8>
  %3 = lutra.cast %2 : tensor<?xui8> -> tensor<?xi32>
  %4 = lutra.cast %b : tensor<?xi8> -> tensor<?xf32>
  %5 = lutra.cast %4 : tensor<?xf32> -> tensor<?xui8>
  return %1, %3, %5 : tensor<?xi32>, tensor<?xi32>, tensor<?xui8>
}

// Saturation, NaN and truth values.
// CHECK-LABEL: func @cast_constant
// CHECK-DAG: lutra.constant dense<[127, -128, 0, -1]> : tensor<4xi8>
// CHECK-DAG: lutra.constant dense<true> : tensor<4xi1>
// CHECK-DAG: lutra.constant dense<2.550000e+02> : tensor<f32>
func.func @cast_constant() -> (tensor<4xi8>, tensor<4xi1>, tensor<f32>) {
  %0 = lutra.constant dense<[1.0e9, -1.0e9, 0x7FC00000, -1.75]> : tensor<4xf32>
  %1 = lutra.cast %0 : tensor<4xf32> -> tensor<4xi8>
  %2 = lutra.cast %0 : tensor<4xf32> -> tensor<4xi1>
  %3 = lutra.constant dense<255> : tensor<ui8>
  %4 = lutra.cast %3 : tensor<ui8> -> tensor<f32>
  return %1, %2, %4 : tensor<4xi8>, tensor<4xi1>, tensor<f32>
}
