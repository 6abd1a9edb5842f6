// Dimensions that are known to be 0: turned ones, a batch of images, sums over nothing.
// REQUIRES: lutra-compile, x86-64
// RUN: lutra-compile %s -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=7
// RUN: not lutra-run %t.so --compare=%s --seed=7 --corrupt=0
func.func @main(%x: tensor<0x4xf32>, %i: tensor<0x3x8x8xf32>, %f: tensor<5x3x3x3xf32>, %j: tensor<2x0x8x8xf32>, %g: tensor<5x0x3x3xf32>) -> (tensor<4x1xf32>, tensor<4x0xf32>, tensor<0x5x6x6xf32>, tensor<2x5x6x6xf32>) {
  %t = lutra.transpose %x [1, 0] : tensor<0x4xf32> -> tensor<4x0xf32>
  %u = lutra.unary<relu> %t : tensor<4x0xf32> -> tensor<4x0xf32>
  %s = lutra.reduce<sum> %u axes = [1] : tensor<4x0xf32> -> tensor<4x1xf32>
  %one = lutra.constant dense<1.0> : tensor<f32>
  %r = lutra.binary<add> %s, %one : (tensor<4x1xf32>, tensor<f32>) -> tensor<4x1xf32>
  %c = lutra.conv<channels_first> %i, %f {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<0x3x8x8xf32>, tensor<5x3x3x3xf32>) -> tensor<0x5x6x6xf32>
  %d = lutra.conv<channels_first> %j, %g {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<2x0x8x8xf32>, tensor<5x0x3x3xf32>) -> tensor<2x5x6x6xf32>
  return %r, %u, %c, %d : tensor<4x1xf32>, tensor<4x0xf32>, tensor<0x5x6x6xf32>, tensor<2x5x6x6xf32>
}
