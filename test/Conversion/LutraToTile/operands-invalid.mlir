// RUN: lutra-opt %s --convert-lutra-to-tile=target=avx2 --split-input-file --verify-diagnostics

lutra.kernel @unknown(%p: tensor<4x?xf32>, %v: tensor<?x16xf32>) -> tensor<4x16xf32> {
  // expected-error @below {{E0601: 'lutra.softmax' is in one kernel with a product on avx2, which does not hold rows of unknown size there; give it a kernel of its own}}
  %s = lutra.softmax %p {axis = 1 : i64} : tensor<4x?xf32>
  %y = lutra.matmul %s, %v : (tensor<4x?xf32>, tensor<?x16xf32>) -> tensor<4x16xf32>
  lutra.yield %y : tensor<4x16xf32>
}

// -----

lutra.kernel @long(%p: tensor<40x900000xf32>, %v: tensor<900000x16xf32>) -> tensor<40x16xf32> {
  // expected-error @below {{E0601: 'lutra.softmax' is in one kernel with a product on avx2, which does not hold rows of 900000 elements there}}
  %s = lutra.softmax %p {axis = 1 : i64} : tensor<40x900000xf32>
  %y = lutra.matmul %s, %v : (tensor<40x900000xf32>, tensor<900000x16xf32>) -> tensor<40x16xf32>
  lutra.yield %y : tensor<40x16xf32>
}

// -----

lutra.kernel @window(%x: tensor<1x8x8x16xf32>, %f: tensor<3x3x16x32xf32>) -> tensor<1x6x6x32xf32> {
  %r = lutra.unary<relu> %x : tensor<1x8x8x16xf32> -> tensor<1x8x8x16xf32>
  // expected-error @below {{E0601: 'lutra.conv' reads a value of its own kernel through a window of several pixels or in groups; give the value a kernel of its own}}
  %y = lutra.conv<channels_last> %r, %f {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x8x8x16xf32>, tensor<3x3x16x32xf32>) -> tensor<1x6x6x32xf32>
  lutra.yield %y : tensor<1x6x6x32xf32>
}
