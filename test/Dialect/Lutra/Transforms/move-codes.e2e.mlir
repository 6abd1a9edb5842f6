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

func.func @maximum(%x: tensor<2x3x9x7xf32>, %c: tensor<1x2x6xui8>) -> (tensor<2x3x5x3xi8>, tensor<1x2x3xui8>) {
  %s = lutra.constant dense<0.1> : tensor<f32>
  %z = lutra.constant dense<3> : tensor<ui8>
  %p = lutra.pool<max> %x {layout = #lutra.conv_layout<channels_first>, window = array<i64: 3, 3>, strides = array<i64: 2, 2>, low = array<i64: 1, 0>, high = array<i64: 1, 0>, dilations = array<i64: 1, 1>} : tensor<2x3x9x7xf32> -> tensor<2x3x5x3xf32>
  %q = lutra.quantize %p scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2x3x5x3xf32> -> tensor<2x3x5x3xi8>
  %d = lutra.dequantize %c scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<1x2x6xui8> -> tensor<1x2x6xf32>
  %m = lutra.pool<max> %d {layout = #lutra.conv_layout<channels_first>, window = array<i64: 3>, strides = array<i64: 2>, low = array<i64: 1>, high = array<i64: 0>, dilations = array<i64: 1>} : tensor<1x2x6xf32> -> tensor<1x2x3xf32>
  %r = lutra.quantize %m scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>) {axis = 0 : i64, block = 0 : i64} : tensor<1x2x3xf32> -> tensor<1x2x3xui8>
  return %q, %r : tensor<2x3x5x3xi8>, tensor<1x2x3xui8>
}
