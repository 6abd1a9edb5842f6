// How far the constants of an activation may be off: as long as the result stays within the bound of the raised op.
// RUN: lutra-opt %s --lutra-raise-activations | FileCheck %s

// A decimal constant of seven digits: inside the bound in f32.
// CHECK-LABEL: func @seven_digits
// CHECK-NEXT: lutra.unary<gelu_erf>
func.func @seven_digits(%x: tensor<1024xf32>) -> tensor<1024xf32> {
  %scale = lutra.constant dense<1.414213> : tensor<f32>
  %one = lutra.constant dense<1.0> : tensor<f32>
  %half = lutra.constant dense<0.5> : tensor<f32>
  %0 = lutra.binary<div> %x, %scale : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %1 = lutra.unary<erf> %0 : tensor<1024xf32> -> tensor<1024xf32>
  %2 = lutra.binary<add> %1, %one : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %3 = lutra.binary<mul> %x, %2 : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
  %4 = lutra.binary<mul> %3, %half : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  return %4 : tensor<1024xf32>
}

// Five units in the last place off, and six: 7.4 and 8.8 unit roundoffs.
// CHECK-LABEL: func @largest_error
// CHECK-NEXT: lutra.unary<gelu_erf>
func.func @largest_error(%x: tensor<1024xf32>) -> tensor<1024xf32> {
  %scale = lutra.constant dense<0.70710647> : tensor<f32>
  %one = lutra.constant dense<1.0> : tensor<f32>
  %half = lutra.constant dense<0.5> : tensor<f32>
  %0 = lutra.binary<mul> %x, %scale : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %1 = lutra.unary<erf> %0 : tensor<1024xf32> -> tensor<1024xf32>
  %2 = lutra.binary<add> %1, %one : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %3 = lutra.binary<mul> %x, %2 : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
  %4 = lutra.binary<mul> %3, %half : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  return %4 : tensor<1024xf32>
}

// CHECK-LABEL: func @one_more
// CHECK: lutra.unary<erf>
func.func @one_more(%x: tensor<1024xf32>) -> tensor<1024xf32> {
  %scale = lutra.constant dense<0.7071064> : tensor<f32>
  %one = lutra.constant dense<1.0> : tensor<f32>
  %half = lutra.constant dense<0.5> : tensor<f32>
  %0 = lutra.binary<mul> %x, %scale : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %1 = lutra.unary<erf> %0 : tensor<1024xf32> -> tensor<1024xf32>
  %2 = lutra.binary<add> %1, %one : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %3 = lutra.binary<mul> %x, %2 : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
  %4 = lutra.binary<mul> %3, %half : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  return %4 : tensor<1024xf32>
}

// Six digits are outside the bound in f32...
// CHECK-LABEL: func @six_digits
// CHECK: lutra.unary<erf>
func.func @six_digits(%x: tensor<1024xf32>) -> tensor<1024xf32> {
  %scale = lutra.constant dense<1.41421> : tensor<f32>
  %one = lutra.constant dense<1.0> : tensor<f32>
  %half = lutra.constant dense<0.5> : tensor<f32>
  %0 = lutra.binary<div> %x, %scale : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %1 = lutra.unary<erf> %0 : tensor<1024xf32> -> tensor<1024xf32>
  %2 = lutra.binary<add> %1, %one : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %3 = lutra.binary<mul> %x, %2 : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
  %4 = lutra.binary<mul> %3, %half : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  return %4 : tensor<1024xf32>
}

// CHECK-LABEL: func @four_digits
// CHECK: lutra.unary<erf>
func.func @four_digits(%x: tensor<1024xf32>) -> tensor<1024xf32> {
  %scale = lutra.constant dense<0.7071> : tensor<f32>
  %one = lutra.constant dense<1.0> : tensor<f32>
  %half = lutra.constant dense<0.5> : tensor<f32>
  %0 = lutra.binary<mul> %x, %scale : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %1 = lutra.unary<erf> %0 : tensor<1024xf32> -> tensor<1024xf32>
  %2 = lutra.binary<add> %1, %one : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %3 = lutra.binary<mul> %x, %2 : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
  %4 = lutra.binary<mul> %3, %half : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  return %4 : tensor<1024xf32>
}

// ... and more than f16 holds.
// CHECK-LABEL: func @four_digits_f16
// CHECK-NEXT: lutra.unary<gelu_erf>
func.func @four_digits_f16(%x: tensor<1024xf16>) -> tensor<1024xf16> {
  %scale = lutra.constant dense<0.7071> : tensor<f16>
  %one = lutra.constant dense<1.0> : tensor<f16>
  %half = lutra.constant dense<0.5> : tensor<f16>
  %0 = lutra.binary<mul> %x, %scale : (tensor<1024xf16>, tensor<f16>) -> tensor<1024xf16>
  %1 = lutra.unary<erf> %0 : tensor<1024xf16> -> tensor<1024xf16>
  %2 = lutra.binary<add> %1, %one : (tensor<1024xf16>, tensor<f16>) -> tensor<1024xf16>
  %3 = lutra.binary<mul> %x, %2 : (tensor<1024xf16>, tensor<1024xf16>) -> tensor<1024xf16>
  %4 = lutra.binary<mul> %3, %half : (tensor<1024xf16>, tensor<f16>) -> tensor<1024xf16>
  return %4 : tensor<1024xf16>
}

// CHECK-LABEL: func @three_digits_bf16
// CHECK-NEXT: lutra.unary<gelu_erf>
func.func @three_digits_bf16(%x: tensor<1024xbf16>) -> tensor<1024xbf16> {
  %scale = lutra.constant dense<0.707> : tensor<bf16>
  %one = lutra.constant dense<1.0> : tensor<bf16>
  %half = lutra.constant dense<0.5> : tensor<bf16>
  %0 = lutra.binary<mul> %x, %scale : (tensor<1024xbf16>, tensor<bf16>) -> tensor<1024xbf16>
  %1 = lutra.unary<erf> %0 : tensor<1024xbf16> -> tensor<1024xbf16>
  %2 = lutra.binary<add> %1, %one : (tensor<1024xbf16>, tensor<bf16>) -> tensor<1024xbf16>
  %3 = lutra.binary<mul> %x, %2 : (tensor<1024xbf16>, tensor<1024xbf16>) -> tensor<1024xbf16>
  %4 = lutra.binary<mul> %3, %half : (tensor<1024xbf16>, tensor<bf16>) -> tensor<1024xbf16>
  return %4 : tensor<1024xbf16>
}

// Near the constants of a gelu, and another function.
// CHECK-LABEL: func @other_scale
// CHECK: lutra.unary<erf>
func.func @other_scale(%x: tensor<1024xf32>) -> tensor<1024xf32> {
  %scale = lutra.constant dense<0.7075> : tensor<f32>
  %one = lutra.constant dense<1.0> : tensor<f32>
  %half = lutra.constant dense<0.5> : tensor<f32>
  %0 = lutra.binary<mul> %x, %scale : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %1 = lutra.unary<erf> %0 : tensor<1024xf32> -> tensor<1024xf32>
  %2 = lutra.binary<add> %1, %one : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %3 = lutra.binary<mul> %x, %2 : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
  %4 = lutra.binary<mul> %3, %half : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  return %4 : tensor<1024xf32>
}

// CHECK-LABEL: func @other_one
// CHECK: lutra.unary<erf>
func.func @other_one(%x: tensor<1024xf32>) -> tensor<1024xf32> {
  %scale = lutra.constant dense<0.70710678> : tensor<f32>
  %one = lutra.constant dense<1.0009> : tensor<f32>
  %half = lutra.constant dense<0.5> : tensor<f32>
  %0 = lutra.binary<mul> %x, %scale : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %1 = lutra.unary<erf> %0 : tensor<1024xf32> -> tensor<1024xf32>
  %2 = lutra.binary<add> %1, %one : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %3 = lutra.binary<mul> %x, %2 : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
  %4 = lutra.binary<mul> %3, %half : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  return %4 : tensor<1024xf32>
}

// CHECK-LABEL: func @other_half
// CHECK: lutra.unary<erf>
func.func @other_half(%x: tensor<1024xf32>) -> tensor<1024xf32> {
  %scale = lutra.constant dense<0.70710678> : tensor<f32>
  %one = lutra.constant dense<1.0> : tensor<f32>
  %half = lutra.constant dense<0.5004> : tensor<f32>
  %0 = lutra.binary<mul> %x, %scale : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %1 = lutra.unary<erf> %0 : tensor<1024xf32> -> tensor<1024xf32>
  %2 = lutra.binary<add> %1, %one : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %3 = lutra.binary<mul> %x, %2 : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
  %4 = lutra.binary<mul> %3, %half : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  return %4 : tensor<1024xf32>
}

// CHECK-LABEL: func @tanh_decimals
// CHECK-NEXT: lutra.unary<gelu_tanh>
func.func @tanh_decimals(%x: tensor<1024xf32>) -> tensor<1024xf32> {
  %inner = lutra.constant dense<0.044715> : tensor<f32>
  %outer = lutra.constant dense<0.7978845608> : tensor<f32>
  %one = lutra.constant dense<1.0> : tensor<f32>
  %half = lutra.constant dense<0.5> : tensor<f32>
  %0 = lutra.binary<mul> %x, %x : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
  %1 = lutra.binary<mul> %0, %x : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
  %2 = lutra.binary<mul> %1, %inner : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %3 = lutra.binary<add> %x, %2 : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
  %4 = lutra.binary<mul> %3, %outer : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %5 = lutra.unary<tanh> %4 : tensor<1024xf32> -> tensor<1024xf32>
  %6 = lutra.binary<add> %5, %one : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %7 = lutra.binary<mul> %x, %6 : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
  %8 = lutra.binary<mul> %7, %half : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  return %8 : tensor<1024xf32>
}

// CHECK-LABEL: func @tanh_other_outer
// CHECK: lutra.unary<tanh>
func.func @tanh_other_outer(%x: tensor<1024xf32>) -> tensor<1024xf32> {
  %inner = lutra.constant dense<0.044715> : tensor<f32>
  %outer = lutra.constant dense<0.7979> : tensor<f32>
  %one = lutra.constant dense<1.0> : tensor<f32>
  %half = lutra.constant dense<0.5> : tensor<f32>
  %0 = lutra.binary<mul> %x, %x : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
  %1 = lutra.binary<mul> %0, %x : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
  %2 = lutra.binary<mul> %1, %inner : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %3 = lutra.binary<add> %x, %2 : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
  %4 = lutra.binary<mul> %3, %outer : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %5 = lutra.unary<tanh> %4 : tensor<1024xf32> -> tensor<1024xf32>
  %6 = lutra.binary<add> %5, %one : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %7 = lutra.binary<mul> %x, %6 : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
  %8 = lutra.binary<mul> %7, %half : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  return %8 : tensor<1024xf32>
}

// CHECK-LABEL: func @tanh_other_inner
// CHECK: lutra.unary<tanh>
func.func @tanh_other_inner(%x: tensor<1024xf32>) -> tensor<1024xf32> {
  %inner = lutra.constant dense<0.0447> : tensor<f32>
  %outer = lutra.constant dense<0.7978845608> : tensor<f32>
  %one = lutra.constant dense<1.0> : tensor<f32>
  %half = lutra.constant dense<0.5> : tensor<f32>
  %0 = lutra.binary<mul> %x, %x : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
  %1 = lutra.binary<mul> %0, %x : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
  %2 = lutra.binary<mul> %1, %inner : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %3 = lutra.binary<add> %x, %2 : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
  %4 = lutra.binary<mul> %3, %outer : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %5 = lutra.unary<tanh> %4 : tensor<1024xf32> -> tensor<1024xf32>
  %6 = lutra.binary<add> %5, %one : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  %7 = lutra.binary<mul> %x, %6 : (tensor<1024xf32>, tensor<1024xf32>) -> tensor<1024xf32>
  %8 = lutra.binary<mul> %7, %half : (tensor<1024xf32>, tensor<f32>) -> tensor<1024xf32>
  return %8 : tensor<1024xf32>
}
