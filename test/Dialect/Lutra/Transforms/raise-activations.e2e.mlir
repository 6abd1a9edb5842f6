// RUN: lutra-run %s --before-after=lutra-raise-activations --seed=7
// RUN: not lutra-run %s --before-after=lutra-raise-activations --seed=7 --corrupt=0

func.func @silu(%x: tensor<37xf32>) -> tensor<37xf32> {
  %s = lutra.unary<sigmoid> %x : tensor<37xf32> -> tensor<37xf32>
  %y = lutra.binary<mul> %s, %x : (tensor<37xf32>, tensor<37xf32>) -> tensor<37xf32>
  return %y : tensor<37xf32>
}

func.func @gelu_erf(%x: tensor<5x8xf32>) -> tensor<5x8xf32> {
  %root = lutra.constant dense<1.41421354> : tensor<f32>
  %one = lutra.constant dense<1.0> : tensor<f32>
  %half = lutra.constant dense<0.5> : tensor<f32>
  %0 = lutra.binary<div> %x, %root : (tensor<5x8xf32>, tensor<f32>) -> tensor<5x8xf32>
  %1 = lutra.unary<erf> %0 : tensor<5x8xf32> -> tensor<5x8xf32>
  %2 = lutra.binary<add> %1, %one : (tensor<5x8xf32>, tensor<f32>) -> tensor<5x8xf32>
  %3 = lutra.binary<mul> %x, %2 : (tensor<5x8xf32>, tensor<5x8xf32>) -> tensor<5x8xf32>
  %4 = lutra.binary<mul> %3, %half : (tensor<5x8xf32>, tensor<f32>) -> tensor<5x8xf32>
  return %4 : tensor<5x8xf32>
}
