// RUN: lutra-run %s --before-after=lutra-move-codes --seed=7 --exact
// RUN: lutra-run %s --before-after=lutra-move-codes --seed=7 --exact --values=huge
// RUN: not lutra-run %s --before-after=lutra-move-codes --seed=7 --exact --corrupt=0

func.func @both(%c: tensor<4x7x6xui8>, %x: tensor<4x5xf32>) -> (tensor<7x24xf32>, tensor<20xi8>, tensor<7x4x6xui8>) {
  %s = lutra.constant dense<0.1> : tensor<f32>
  %f = lutra.constant dense<0.25> : tensor<f32>
  %z = lutra.constant dense<3> : tensor<ui8>
  %d = lutra.dequantize %c scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<4x7x6xui8> -> tensor<4x7x6xf32>
  %t = lutra.transpose %d [1, 0, 2] : tensor<4x7x6xf32> -> tensor<7x4x6xf32>
  %r = lutra.reshape %t[] : tensor<7x4x6xf32> -> tensor<7x24xf32>
  %u = lutra.transpose %x [1, 0] : tensor<4x5xf32> -> tensor<5x4xf32>
  %v = lutra.reshape %u[] : tensor<5x4xf32> -> tensor<20xf32>
  %y = lutra.binary<mul> %v, %f : (tensor<20xf32>, tensor<f32>) -> tensor<20xf32>
  %q = lutra.quantize %y scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<20xf32> -> tensor<20xi8>
  %p = lutra.quantize %t scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<7x4x6xf32> -> tensor<7x4x6xui8>
  return %r, %q, %p : tensor<7x24xf32>, tensor<20xi8>, tensor<7x4x6xui8>
}
