// REQUIRES: lutra-run
// RUN: lutra-run %s --before-after=lutra-pack-weights --seed=7 --exact
// Sizes: N below, at and above one panel of 16; K prime.
lutra.global @a : tensor<15x7xf32> = dense<0.5> : tensor<15x7xf32>
lutra.global @b : tensor<2x17xf32> = dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0], [-1.0, -2.0, -3.0, -4.0, -5.0, -6.0, -7.0, -8.0, -9.0, -10.0, -11.0, -12.0, -13.0, -14.0, -15.0, -16.0, -17.0]]> : tensor<2x17xf32>
lutra.global @f : tensor<3x2x1x2xf32> = dense<[[[[1.0, 2.0]], [[3.0, 4.0]]], [[[5.0, 6.0]], [[7.0, 8.0]]], [[[9.0, 10.0]], [[11.0, 12.0]]]]> : tensor<3x2x1x2xf32>
func.func @main(%x: tensor<3x7xf32>, %z: tensor<3x2xf32>, %i: tensor<1x4x4x1xf32>) -> (tensor<3x15xf32>, tensor<3x17xf32>, tensor<1x2x3x2xf32>) {
  %a = lutra.weight @a : tensor<15x7xf32>
  %b = lutra.weight @b : tensor<2x17xf32>
  %f = lutra.weight @f : tensor<3x2x1x2xf32>
  %p = lutra.matmul %x, %a {transpose_rhs} : (tensor<3x7xf32>, tensor<15x7xf32>) -> tensor<3x15xf32>
  %q = lutra.matmul %z, %b : (tensor<3x2xf32>, tensor<2x17xf32>) -> tensor<3x17xf32>
  %c = lutra.conv<channels_last> %i, %f {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x4x1xf32>, tensor<3x2x1x2xf32>) -> tensor<1x2x3x2xf32>
  return %p, %q, %c : tensor<3x15xf32>, tensor<3x17xf32>, tensor<1x2x3x2xf32>
}
