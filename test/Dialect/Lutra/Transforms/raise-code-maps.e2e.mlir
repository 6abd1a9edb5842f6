// Every code is there: 768 seeded elements would hold most, so they are made of positions.
// RUN: lutra-run %s --before-after=lutra-raise-code-maps --seed=7 --exact
// RUN: not lutra-run %s --before-after=lutra-raise-code-maps --seed=7 --exact --corrupt=0

// A requantization at ties, a chain with codes in between, a choice, and what f32 cannot tell from a tie.
func.func @chains(%n: tensor<3xi32>) -> (tensor<3x256xi8>, tensor<3x256xui8>, tensor<3x256xi8>, tensor<3x256xui8>) {
  %i = lutra.iota() {axis = 1 : i64} : tensor<3x256xi32>
  %c = lutra.cast %i : tensor<3x256xi32> -> tensor<3x256xi8>
  %u = lutra.cast %i : tensor<3x256xi32> -> tensor<3x256xui8>
  %half = lutra.constant dense<0.5> : tensor<f32>
  %one = lutra.constant dense<1.0> : tensor<f32>
  %x = lutra.dequantize %c scale(%half : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<3x256xi8> -> tensor<3x256xf32>
  %q0 = lutra.quantize %x scale(%one : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<3x256xf32> -> tensor<3x256xi8>
  %s = lutra.constant dense<0.0437> : tensor<f32>
  %t = lutra.constant dense<0.0213> : tensor<f32>
  %z = lutra.constant dense<131> : tensor<ui8>
  %w = lutra.constant dense<17> : tensor<ui8>
  %y = lutra.dequantize %u scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<3x256xui8> -> tensor<3x256xf32>
  %g = lutra.unary<gelu_erf> %y : tensor<3x256xf32> -> tensor<3x256xf32>
  %q1 = lutra.quantize %g scale(%t : tensor<f32>) zero_point(%w : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<3x256xf32> -> tensor<3x256xui8>
  %d = lutra.dequantize %q1 scale(%t : tensor<f32>) zero_point(%w : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<3x256xui8> -> tensor<3x256xf32>
  %b = lutra.compare<lt> %d, %half : (tensor<3x256xf32>, tensor<f32>) -> tensor<3x256xi1>
  %m = lutra.binary<mul> %d, %y : (tensor<3x256xf32>, tensor<3x256xf32>) -> tensor<3x256xf32>
  %e = lutra.select %b, %m, %y : (tensor<3x256xi1>, tensor<3x256xf32>, tensor<3x256xf32>) -> tensor<3x256xf32>
  %q2 = lutra.quantize %e scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<3x256xf32> -> tensor<3x256xi8>
  // log of what is negative is NaN, which counts as 0.
  %l = lutra.unary<log> %y : tensor<3x256xf32> -> tensor<3x256xf32>
  %q3 = lutra.quantize %l scale(%t : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<3x256xf32> -> tensor<3x256xui8>
  return %q0, %q1, %q2, %q3 : tensor<3x256xi8>, tensor<3x256xui8>, tensor<3x256xi8>, tensor<3x256xui8>
}
