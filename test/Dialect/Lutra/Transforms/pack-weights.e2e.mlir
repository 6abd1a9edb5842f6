// REQUIRES: lutra-run
// RUN: lutra-run %s --before-after=lutra-pack-weights --seed=7 --exact
// RUN: lutra-run - --before-after=lutra-pack-weights --seed=7 --exact < %s
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

// Bytes of a resource, which a pass frees that packs them: the values before it are computed from others.
lutra.global @r : tensor<2x3xf32> = dense_resource<r> : tensor<2x3xf32>
func.func @resource(%x: tensor<4x2xf32>) -> tensor<4x3xf32> {
  %r = lutra.weight @r : tensor<2x3xf32>
  %p = lutra.matmul %x, %r : (tensor<4x2xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  return %p : tensor<4x3xf32>
}

// Pairs of K, which is odd, in panels of 16 columns: below, at and above one.
lutra.global @c : tensor<7x15xi8> = dense<-128> : tensor<7x15xi8>
lutra.global @d : tensor<17x3xi8> = dense<[[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12], [13, 14, 15], [16, 17, 18], [19, 20, 21], [22, 23, 24], [25, 26, 27], [28, 29, 30], [31, 32, 33], [34, 35, 36], [37, 38, 39], [40, 41, 42], [43, 44, 45], [46, 47, 48], [49, 50, 51]]> : tensor<17x3xi8>
func.func @pairs(%x: tensor<3x7xi8>, %y: tensor<2x3xui8>) -> (tensor<3x15xi32>, tensor<2x17xi32>) {
  %c = lutra.weight @c : tensor<7x15xi8>
  %d = lutra.weight @d : tensor<17x3xi8>
  %p = lutra.matmul %x, %c {strategy = #lutra.strategy<"dot">} : (tensor<3x7xi8>, tensor<7x15xi8>) -> tensor<3x15xi32>
  %q = lutra.matmul %y, %d {transpose_rhs, strategy = #lutra.strategy<"dot">} : (tensor<2x3xui8>, tensor<17x3xi8>) -> tensor<2x17xi32>
  return %p, %q : tensor<3x15xi32>, tensor<2x17xi32>
}

{-#
  dialect_resources: {
    builtin: {
      r: "0x040000000000C03F000000C000004040000088C00000A0400000C040"
    }
  }
#-}
