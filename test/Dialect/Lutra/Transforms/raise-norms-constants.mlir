// Which constants make a sum a mean: the number of elements, or its reciprocal rounded once.
// RUN: lutra-opt %s --lutra-raise-norms | FileCheck %s

// A divisor that the type holds, and a reciprocal that is rounded to it.
// CHECK-LABEL: func @rounded_reciprocal
// CHECK-NEXT: lutra.layer_norm
func.func @rounded_reciprocal(%x: tensor<4x1000xf32>) -> tensor<4x1000xf32> {
  %mean = lutra.constant dense<0.001> : tensor<f32>
  %var = lutra.constant dense<1000.0> : tensor<f32>
  %epsilon = lutra.constant dense<1.0e-5> : tensor<f32>
  %0 = lutra.reduce<sum> %x axes = [1] : tensor<4x1000xf32> -> tensor<4x1xf32>
  %1 = lutra.binary<mul> %0, %mean : (tensor<4x1xf32>, tensor<f32>) -> tensor<4x1xf32>
  %2 = lutra.binary<sub> %x, %1 : (tensor<4x1000xf32>, tensor<4x1xf32>) -> tensor<4x1000xf32>
  %3 = lutra.binary<mul> %2, %2 : (tensor<4x1000xf32>, tensor<4x1000xf32>) -> tensor<4x1000xf32>
  %4 = lutra.reduce<sum> %3 axes = [1] : tensor<4x1000xf32> -> tensor<4x1xf32>
  %5 = lutra.binary<div> %4, %var : (tensor<4x1xf32>, tensor<f32>) -> tensor<4x1xf32>
  %6 = lutra.binary<add> %5, %epsilon : (tensor<4x1xf32>, tensor<f32>) -> tensor<4x1xf32>
  %7 = lutra.unary<sqrt> %6 : tensor<4x1xf32> -> tensor<4x1xf32>
  %8 = lutra.binary<div> %2, %7 : (tensor<4x1000xf32>, tensor<4x1xf32>) -> tensor<4x1000xf32>
  return %8 : tensor<4x1000xf32>
}

// CHECK-LABEL: func @rounded_reciprocal_f16
// CHECK-NEXT: lutra.layer_norm
func.func @rounded_reciprocal_f16(%x: tensor<4x100xf16>) -> tensor<4x100xf16> {
  %mean = lutra.constant dense<0.01> : tensor<f16>
  %var = lutra.constant dense<0.01> : tensor<f16>
  %epsilon = lutra.constant dense<1.0e-3> : tensor<f16>
  %0 = lutra.reduce<sum> %x axes = [1] : tensor<4x100xf16> -> tensor<4x1xf16>
  %1 = lutra.binary<mul> %0, %mean : (tensor<4x1xf16>, tensor<f16>) -> tensor<4x1xf16>
  %2 = lutra.binary<sub> %x, %1 : (tensor<4x100xf16>, tensor<4x1xf16>) -> tensor<4x100xf16>
  %3 = lutra.binary<mul> %2, %2 : (tensor<4x100xf16>, tensor<4x100xf16>) -> tensor<4x100xf16>
  %4 = lutra.reduce<sum> %3 axes = [1] : tensor<4x100xf16> -> tensor<4x1xf16>
  %5 = lutra.binary<mul> %4, %var : (tensor<4x1xf16>, tensor<f16>) -> tensor<4x1xf16>
  %6 = lutra.binary<add> %5, %epsilon : (tensor<4x1xf16>, tensor<f16>) -> tensor<4x1xf16>
  %7 = lutra.unary<sqrt> %6 : tensor<4x1xf16> -> tensor<4x1xf16>
  %8 = lutra.binary<div> %2, %7 : (tensor<4x100xf16>, tensor<4x1xf16>) -> tensor<4x100xf16>
  return %8 : tensor<4x100xf16>
}

// An unbiased variance, which torch's var_mean exports so: n / (n - 1) is near 1 and is not 1.
// CHECK-LABEL: func @unbiased_factor
// CHECK-NOT: _norm
// CHECK: return
func.func @unbiased_factor(%x: tensor<4x1024xf32>) -> tensor<4x1024xf32> {
  %mean = lutra.constant dense<1024.0> : tensor<f32>
  %var = lutra.constant dense<1024.0> : tensor<f32>
  %epsilon = lutra.constant dense<1.0e-5> : tensor<f32>
  %extra = lutra.constant dense<1.00097752> : tensor<f32>
  %0 = lutra.reduce<sum> %x axes = [1] : tensor<4x1024xf32> -> tensor<4x1xf32>
  %1 = lutra.binary<div> %0, %mean : (tensor<4x1xf32>, tensor<f32>) -> tensor<4x1xf32>
  %2 = lutra.binary<sub> %x, %1 : (tensor<4x1024xf32>, tensor<4x1xf32>) -> tensor<4x1024xf32>
  %3 = lutra.binary<mul> %2, %2 : (tensor<4x1024xf32>, tensor<4x1024xf32>) -> tensor<4x1024xf32>
  %4 = lutra.reduce<sum> %3 axes = [1] : tensor<4x1024xf32> -> tensor<4x1xf32>
  %5 = lutra.binary<div> %4, %var : (tensor<4x1xf32>, tensor<f32>) -> tensor<4x1xf32>
  %more = lutra.binary<mul> %5, %extra : (tensor<4x1xf32>, tensor<f32>) -> tensor<4x1xf32>
  %6 = lutra.binary<add> %more, %epsilon : (tensor<4x1xf32>, tensor<f32>) -> tensor<4x1xf32>
  %7 = lutra.unary<sqrt> %6 : tensor<4x1xf32> -> tensor<4x1xf32>
  %8 = lutra.binary<div> %2, %7 : (tensor<4x1024xf32>, tensor<4x1xf32>) -> tensor<4x1024xf32>
  return %8 : tensor<4x1024xf32>
}

// CHECK-LABEL: func @unbiased_divisor
// CHECK-NOT: _norm
// CHECK: return
func.func @unbiased_divisor(%x: tensor<4x1024xf32>) -> tensor<4x1024xf32> {
  %mean = lutra.constant dense<1024.0> : tensor<f32>
  %var = lutra.constant dense<1023.0> : tensor<f32>
  %epsilon = lutra.constant dense<1.0e-5> : tensor<f32>
  %0 = lutra.reduce<sum> %x axes = [1] : tensor<4x1024xf32> -> tensor<4x1xf32>
  %1 = lutra.binary<div> %0, %mean : (tensor<4x1xf32>, tensor<f32>) -> tensor<4x1xf32>
  %2 = lutra.binary<sub> %x, %1 : (tensor<4x1024xf32>, tensor<4x1xf32>) -> tensor<4x1024xf32>
  %3 = lutra.binary<mul> %2, %2 : (tensor<4x1024xf32>, tensor<4x1024xf32>) -> tensor<4x1024xf32>
  %4 = lutra.reduce<sum> %3 axes = [1] : tensor<4x1024xf32> -> tensor<4x1xf32>
  %5 = lutra.binary<div> %4, %var : (tensor<4x1xf32>, tensor<f32>) -> tensor<4x1xf32>
  %6 = lutra.binary<add> %5, %epsilon : (tensor<4x1xf32>, tensor<f32>) -> tensor<4x1xf32>
  %7 = lutra.unary<sqrt> %6 : tensor<4x1xf32> -> tensor<4x1xf32>
  %8 = lutra.binary<div> %2, %7 : (tensor<4x1024xf32>, tensor<4x1xf32>) -> tensor<4x1024xf32>
  return %8 : tensor<4x1024xf32>
}

// 1 / 1000 rounded to f16, then stored as f32: what is subtracted is no mean, and what it leaves is divided by its norm.
// CHECK-LABEL: func @f16_reciprocal
// CHECK-NOT: lutra.layer_norm
// CHECK: lutra.rms_norm
func.func @f16_reciprocal(%x: tensor<4x1000xf32>) -> tensor<4x1000xf32> {
  %mean = lutra.constant dense<0.00100040436> : tensor<f32>
  %var = lutra.constant dense<1000.0> : tensor<f32>
  %epsilon = lutra.constant dense<1.0e-5> : tensor<f32>
  %0 = lutra.reduce<sum> %x axes = [1] : tensor<4x1000xf32> -> tensor<4x1xf32>
  %1 = lutra.binary<mul> %0, %mean : (tensor<4x1xf32>, tensor<f32>) -> tensor<4x1xf32>
  %2 = lutra.binary<sub> %x, %1 : (tensor<4x1000xf32>, tensor<4x1xf32>) -> tensor<4x1000xf32>
  %3 = lutra.binary<mul> %2, %2 : (tensor<4x1000xf32>, tensor<4x1000xf32>) -> tensor<4x1000xf32>
  %4 = lutra.reduce<sum> %3 axes = [1] : tensor<4x1000xf32> -> tensor<4x1xf32>
  %5 = lutra.binary<div> %4, %var : (tensor<4x1xf32>, tensor<f32>) -> tensor<4x1xf32>
  %6 = lutra.binary<add> %5, %epsilon : (tensor<4x1xf32>, tensor<f32>) -> tensor<4x1xf32>
  %7 = lutra.unary<sqrt> %6 : tensor<4x1xf32> -> tensor<4x1xf32>
  %8 = lutra.binary<div> %2, %7 : (tensor<4x1000xf32>, tensor<4x1xf32>) -> tensor<4x1000xf32>
  return %8 : tensor<4x1000xf32>
}
