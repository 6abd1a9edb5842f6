// RUN: lutra-run %s --before-after=lutra-raise-norms --seed=7
// RUN: not lutra-run %s --before-after=lutra-raise-norms --seed=7 --corrupt=0

func.func @layer_norm(%x: tensor<5x8xf32>, %g: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<5x8xf32> {
  %eighth = lutra.constant dense<0.125> : tensor<f32>
  %count = lutra.constant dense<8.0> : tensor<f32>
  %epsilon = lutra.constant dense<1.0e-5> : tensor<f32>
  %0 = lutra.reduce<sum> %x axes = [1] : tensor<5x8xf32> -> tensor<5x1xf32>
  %1 = lutra.binary<mul> %0, %eighth : (tensor<5x1xf32>, tensor<f32>) -> tensor<5x1xf32>
  %2 = lutra.binary<sub> %x, %1 : (tensor<5x8xf32>, tensor<5x1xf32>) -> tensor<5x8xf32>
  %3 = lutra.binary<mul> %2, %2 : (tensor<5x8xf32>, tensor<5x8xf32>) -> tensor<5x8xf32>
  %4 = lutra.reduce<sum> %3 axes = [1] : tensor<5x8xf32> -> tensor<5x1xf32>
  %5 = lutra.binary<div> %4, %count : (tensor<5x1xf32>, tensor<f32>) -> tensor<5x1xf32>
  %6 = lutra.binary<add> %5, %epsilon : (tensor<5x1xf32>, tensor<f32>) -> tensor<5x1xf32>
  %7 = lutra.unary<sqrt> %6 : tensor<5x1xf32> -> tensor<5x1xf32>
  %8 = lutra.binary<div> %2, %7 : (tensor<5x8xf32>, tensor<5x1xf32>) -> tensor<5x8xf32>
  %9 = lutra.binary<mul> %8, %g : (tensor<5x8xf32>, tensor<8xf32>) -> tensor<5x8xf32>
  %10 = lutra.binary<add> %9, %b : (tensor<5x8xf32>, tensor<8xf32>) -> tensor<5x8xf32>
  return %10 : tensor<5x8xf32>
}

func.func @rms_norm(%x: tensor<5x8xf32>, %g: tensor<8xf32>) -> tensor<5x8xf32> {
  %count = lutra.constant dense<8.0> : tensor<f32>
  %epsilon = lutra.constant dense<1.0e-6> : tensor<f32>
  %0 = lutra.binary<mul> %x, %x : (tensor<5x8xf32>, tensor<5x8xf32>) -> tensor<5x8xf32>
  %1 = lutra.reduce<sum> %0 axes = [1] : tensor<5x8xf32> -> tensor<5x1xf32>
  %2 = lutra.binary<div> %1, %count : (tensor<5x1xf32>, tensor<f32>) -> tensor<5x1xf32>
  %3 = lutra.binary<add> %2, %epsilon : (tensor<5x1xf32>, tensor<f32>) -> tensor<5x1xf32>
  %4 = lutra.unary<sqrt> %3 : tensor<5x1xf32> -> tensor<5x1xf32>
  %5 = lutra.unary<reciprocal> %4 : tensor<5x1xf32> -> tensor<5x1xf32>
  %6 = lutra.binary<mul> %x, %5 : (tensor<5x8xf32>, tensor<5x1xf32>) -> tensor<5x8xf32>
  %7 = lutra.binary<mul> %g, %6 : (tensor<8xf32>, tensor<5x8xf32>) -> tensor<5x8xf32>
  return %7 : tensor<5x8xf32>
}

func.func @softmax(%x: tensor<5x8xf32>) -> tensor<5x8xf32> {
  %m = lutra.reduce<max> %x axes = [1] : tensor<5x8xf32> -> tensor<5x1xf32>
  %d = lutra.binary<sub> %x, %m : (tensor<5x8xf32>, tensor<5x1xf32>) -> tensor<5x8xf32>
  %e = lutra.unary<exp> %d : tensor<5x8xf32> -> tensor<5x8xf32>
  %s = lutra.reduce<sum> %e axes = [1] : tensor<5x8xf32> -> tensor<5x1xf32>
  %y = lutra.binary<div> %e, %s : (tensor<5x8xf32>, tensor<5x1xf32>) -> tensor<5x8xf32>
  return %y : tensor<5x8xf32>
}
