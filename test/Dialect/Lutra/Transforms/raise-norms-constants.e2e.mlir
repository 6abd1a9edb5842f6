// Constants on both sides of the limit: whatever is raised keeps its results.
// RUN: lutra-run %s --before-after=lutra-raise-norms --seed=7

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
