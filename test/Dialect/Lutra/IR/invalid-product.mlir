// RUN: lutra-opt %s --split-input-file --verify-diagnostics

// matmul E1
func.func @matmul_e1(%a: tensor<2x3x4xf32>, %b: tensor<5x2x4x6xf32>) {
  // expected-error @below {{multiplies ranks 3 and 4 into 3, but all must be equal and at least 2}}
  %r = lutra.matmul %a, %b : (tensor<2x3x4xf32>, tensor<5x2x4x6xf32>) -> tensor<2x3x6xf32>
  return
}

// -----
// matmul E2
func.func @matmul_e2(%a: tensor<3x4xf32>, %b: tensor<5x6xf32>) {
  // expected-error @below {{sums over 4 elements of lhs but 5 of rhs; check the shapes and the transpose flags}}
  %r = lutra.matmul %a, %b : (tensor<3x4xf32>, tensor<5x6xf32>) -> tensor<3x6xf32>
  return
}

// -----
// matmul E3
func.func @matmul_e3(%a: tensor<2x3x4xf32>, %b: tensor<5x4x6xf32>) {
  // expected-error @below {{has batch sizes [2] in lhs but [5] in rhs; insert lutra.expand}}
  %r = lutra.matmul %a, %b : (tensor<2x3x4xf32>, tensor<5x4x6xf32>) -> tensor<2x3x6xf32>
  return
}

// -----
// matmul E4
func.func @matmul_e4(%a: tensor<3x4xf32>, %b: tensor<4x6xf32>) {
  // expected-error @below {{has a result of shape [3, 5], but lhs times rhs makes it [3, 6]}}
  %r = lutra.matmul %a, %b : (tensor<3x4xf32>, tensor<4x6xf32>) -> tensor<3x5xf32>
  return
}

// -----
// matmul E5
func.func @matmul_e5(%a: tensor<3x4xi8>, %b: tensor<4x6xi8>) {
  // expected-error @below {{multiplies elements 'i8' and 'i8' into 'i8'}}
  %r = lutra.matmul %a, %b : (tensor<3x4xi8>, tensor<4x6xi8>) -> tensor<3x6xi8>
  return
}

// -----
// matmul E5
func.func @matmul_e5_scaled(%a: tensor<3x4xi16>, %b: tensor<4x6xf32>, %s: tensor<3x2xf32>) {
  // expected-error @below {{multiplies scaled codes of type 'i16' and 'f32' into 'f32'; codes are i8, and both others floats of one type}}
  %r = lutra.matmul %a, %b scale(%s : tensor<3x2xf32>) {block = 2 : i64} : (tensor<3x4xi16>, tensor<4x6xf32>) -> tensor<3x6xf32>
  return
}

// -----
// matmul E6
func.func @matmul_e6(%a: tensor<3x4xi8>, %b: tensor<4x6xf32>, %s: tensor<3x3xf32>) {
  // expected-error @below {{has scales of shape [3, 3], but lhs asks for [3, 2]}}
  %r = lutra.matmul %a, %b scale(%s : tensor<3x3xf32>) {block = 2 : i64} : (tensor<3x4xi8>, tensor<4x6xf32>) -> tensor<3x6xf32>
  return
}

// -----
// matmul E6
func.func @matmul_e6_block(%a: tensor<3x4xi8>, %b: tensor<4x6xf32>, %s: tensor<3x4xf32>) {
  // expected-error @below {{has scales for blocks of 0 elements; blocks of at least one lie along the last dimension}}
  %r = lutra.matmul %a, %b scale(%s : tensor<3x4xf32>) : (tensor<3x4xi8>, tensor<4x6xf32>) -> tensor<3x6xf32>
  return
}

// -----
// matmul E6
func.func @matmul_e6_without(%a: tensor<3x4xf32>, %b: tensor<4x6xf32>) {
  // expected-error @below {{has blocks of 2 elements without scales; give scale(..)}}
  %r = lutra.matmul %a, %b {block = 2 : i64} : (tensor<3x4xf32>, tensor<4x6xf32>) -> tensor<3x6xf32>
  return
}

// -----
// matmul E6
func.func @matmul_e6_transposed(%a: tensor<4x3xi8>, %b: tensor<4x6xf32>, %s: tensor<4x2xf32>) {
  // expected-error @below {{has scales for blocks of 2 elements of a transposed lhs}}
  %r = lutra.matmul %a, %b scale(%s : tensor<4x2xf32>) {transpose_lhs, block = 2 : i64} : (tensor<4x3xi8>, tensor<4x6xf32>) -> tensor<3x6xf32>
  return
}

// -----
// conv E1
func.func @conv_e1(%a: tensor<1x4xf32>, %f: tensor<6x4xf32>) {
  // expected-error @below {{has operands and result of ranks [2, 2, 2], but they must be equal and between 3 and 5}}
  %r = lutra.conv<channels_first> %a, %f {strides = array<i64: 1>, low = array<i64: 0>, high =
         array<i64: 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x4xf32>,
         tensor<6x4xf32>) -> tensor<1x6xf32>
  return
}

// -----
// conv E2
func.func @conv_e2(%a: tensor<1x4x8xf32>, %f: tensor<6x4x3xf32>) {
  // expected-error @below {{gives 2 strides, but has 1 spatial dimensions}}
  %r = lutra.conv<channels_first> %a, %f {strides = array<i64: 1, 1>, low = array<i64: 0>, high =
         array<i64: 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x4x8xf32>,
         tensor<6x4x3xf32>) -> tensor<1x6x6xf32>
  return
}

// -----
// conv E3
func.func @conv_e3(%a: tensor<1x4x8xf32>, %f: tensor<6x4x3xf32>) {
  // expected-error @below {{has strides [0], but each must be at least 1}}
  %r = lutra.conv<channels_first> %a, %f {strides = array<i64: 0>, low = array<i64: 0>, high =
         array<i64: 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x4x8xf32>,
         tensor<6x4x3xf32>) -> tensor<1x6x6xf32>
  return
}

// -----
// conv E4
func.func @conv_e4(%a: tensor<1x4x8xf32>, %f: tensor<6x4x3xf32>) {
  // expected-error @below {{has 4 channels and 6 filters over 4 channels in 2 groups}}
  %r = lutra.conv<channels_first> %a, %f {strides = array<i64: 1>, low = array<i64: 0>, high =
         array<i64: 0>, dilations = array<i64: 1>, groups = 2 : i64} : (tensor<1x4x8xf32>,
         tensor<6x4x3xf32>) -> tensor<1x6x6xf32>
  return
}

// -----
// conv E5
func.func @conv_e5(%a: tensor<1x4x8xf32>, %f: tensor<6x4x?xf32>) {
  // expected-error @below {{has a window of unknown size in spatial dimension 0}}
  %r = lutra.conv<channels_first> %a, %f {strides = array<i64: 1>, low = array<i64: 0>, high =
         array<i64: 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x4x8xf32>,
         tensor<6x4x?xf32>) -> tensor<1x6x6xf32>
  return
}

// -----
// conv E6
func.func @conv_e6(%a: tensor<1x4x8xf32>, %f: tensor<6x4x3xf32>) {
  // expected-error @below {{has a result of shape [1, 6, 8], but the window walk makes it [1, 6, 6]}}
  %r = lutra.conv<channels_first> %a, %f {strides = array<i64: 1>, low = array<i64: 0>, high =
         array<i64: 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x4x8xf32>,
         tensor<6x4x3xf32>) -> tensor<1x6x8xf32>
  return
}

// -----
// conv E7
func.func @conv_e7(%a: tensor<1x4x8xf32>, %f: tensor<6x4x3xf16>) {
  // expected-error @below {{multiplies elements 'f32' and 'f16' into 'f32'}}
  %r = lutra.conv<channels_first> %a, %f {strides = array<i64: 1>, low = array<i64: 0>, high =
         array<i64: 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x4x8xf32>,
         tensor<6x4x3xf16>) -> tensor<1x6x6xf32>
  return
}

// -----
// conv_transpose E1
func.func @conv_transpose_e1(%a: tensor<1x3x8xf32>, %f: tensor<3x4x2x2xf32>) {
  // expected-error @below {{has operands and result of ranks [3, 4, 3]}}
  %r = lutra.conv_transpose %a, %f {strides = array<i64: 2>, low = array<i64: 0>, high =
         array<i64: 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 1 :
         i64} : (tensor<1x3x8xf32>, tensor<3x4x2x2xf32>) -> tensor<1x4x16xf32>
  return
}

// -----
// conv_transpose E2
func.func @conv_transpose_e2(%a: tensor<1x3x8xf32>, %f: tensor<3x4x2xf32>) {
  // expected-error @below {{gives 2 output paddings, but has 1 spatial dimensions}}
  %r = lutra.conv_transpose %a, %f {strides = array<i64: 2>, low = array<i64: 0>, high =
         array<i64: 0>, output_padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 :
         i64} : (tensor<1x3x8xf32>, tensor<3x4x2xf32>) -> tensor<1x4x16xf32>
  return
}

// -----
// conv_transpose E3
func.func @conv_transpose_e3(%a: tensor<1x3x8xf32>, %f: tensor<3x4x2xf32>) {
  // expected-error @below {{has output paddings [-1], but each must be at least 0}}
  %r = lutra.conv_transpose %a, %f {strides = array<i64: 2>, low = array<i64: 0>, high =
         array<i64: 0>, output_padding = array<i64: -1>, dilations = array<i64: 1>, groups = 1 :
         i64} : (tensor<1x3x8xf32>, tensor<3x4x2xf32>) -> tensor<1x4x16xf32>
  return
}

// -----
// conv_transpose E4
func.func @conv_transpose_e4(%a: tensor<1x3x8xf32>, %f: tensor<4x4x2xf32>) {
  // expected-error @below {{has 3 channels but a filter over 4 in 1 groups}}
  %r = lutra.conv_transpose %a, %f {strides = array<i64: 2>, low = array<i64: 0>, high =
         array<i64: 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 1 :
         i64} : (tensor<1x3x8xf32>, tensor<4x4x2xf32>) -> tensor<1x4x16xf32>
  return
}

// -----
// conv_transpose E5
func.func @conv_transpose_e5(%a: tensor<1x3x8xf32>, %f: tensor<3x?x2xf32>) {
  // expected-error @below {{has a filter of shape [3, ?, 2]; all of its sizes after the first must be static}}
  %r = lutra.conv_transpose %a, %f {strides = array<i64: 2>, low = array<i64: 0>, high =
         array<i64: 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 1 :
         i64} : (tensor<1x3x8xf32>, tensor<3x?x2xf32>) -> tensor<1x4x16xf32>
  return
}

// -----
// conv_transpose E6
func.func @conv_transpose_e6(%a: tensor<1x3x8xf32>, %f: tensor<3x4x2xf32>) {
  // expected-error @below {{has a result of shape [1, 4, 17], but the window walk makes it [1, 4, 16]}}
  %r = lutra.conv_transpose %a, %f {strides = array<i64: 2>, low = array<i64: 0>, high =
         array<i64: 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 1 :
         i64} : (tensor<1x3x8xf32>, tensor<3x4x2xf32>) -> tensor<1x4x17xf32>
  return
}

// -----
// conv_transpose E7
func.func @conv_transpose_e7(%a: tensor<1x3x8xf32>, %f: tensor<3x4x2xf16>) {
  // expected-error @below {{multiplies elements 'f32' and 'f16' into 'f32'}}
  %r = lutra.conv_transpose %a, %f {strides = array<i64: 2>, low = array<i64: 0>, high =
         array<i64: 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 1 :
         i64} : (tensor<1x3x8xf32>, tensor<3x4x2xf16>) -> tensor<1x4x16xf32>
  return
}

// -----
// pool E1
func.func @pool_e1(%a: tensor<1x3xf32>) {
  // expected-error @below {{has operands and result of ranks [2, 2]}}
  %r = lutra.pool<max> %a {layout = #lutra.conv_layout<channels_first>, window = array<i64: 2>,
         strides = array<i64: 2>, low = array<i64: 0>, high = array<i64: 0>, dilations =
         array<i64: 1>} : tensor<1x3xf32> -> tensor<1x3xf32>
  return
}

// -----
// pool E2
func.func @pool_e2(%a: tensor<1x3x8xf32>) {
  // expected-error @below {{gives 2 window sizes, but has 1 spatial dimensions}}
  %r = lutra.pool<max> %a {layout = #lutra.conv_layout<channels_first>, window = array<i64: 2, 2>,
         strides = array<i64: 2>, low = array<i64: 0>, high = array<i64: 0>, dilations =
         array<i64: 1>} : tensor<1x3x8xf32> -> tensor<1x3x4xf32>
  return
}

// -----
// pool E3
func.func @pool_e3(%a: tensor<1x3x8xf32>) {
  // expected-error @below {{has window sizes [0], but each must be at least 1}}
  %r = lutra.pool<max> %a {layout = #lutra.conv_layout<channels_first>, window = array<i64: 0>,
         strides = array<i64: 2>, low = array<i64: 0>, high = array<i64: 0>, dilations =
         array<i64: 1>} : tensor<1x3x8xf32> -> tensor<1x3x4xf32>
  return
}

// -----
// pool E4
func.func @pool_e4(%a: tensor<1x3x8xf32>) {
  // expected-error @below {{has a result of shape [1, 3, 5], but the window walk makes it [1, 3, 4]}}
  %r = lutra.pool<max> %a {layout = #lutra.conv_layout<channels_first>, window = array<i64: 2>,
         strides = array<i64: 2>, low = array<i64: 0>, high = array<i64: 0>, dilations =
         array<i64: 1>} : tensor<1x3x8xf32> -> tensor<1x3x5xf32>
  return
}

// -----
// pool E4
func.func @pool_e4_2(%a: tensor<1x3x5xf32>) {
  // expected-error @below {{has a result of shape [1, 3, 3], but the window walk makes it [1, 3, 2]}}
  %r = lutra.pool<max> %a {layout = #lutra.conv_layout<channels_first>, window = array<i64: 1>,
         strides = array<i64: 3>, low = array<i64: 0>, high = array<i64: 1>, dilations =
         array<i64: 1>, ceil_mode} : tensor<1x3x5xf32> -> tensor<1x3x3xf32>
  return
}

// -----
// pool E5
func.func @pool_e5(%a: tensor<1x3x8xf32>) {
  // expected-error @below {{has elements 'f32' in the input but 'f16' in the result}}
  %r = lutra.pool<max> %a {layout = #lutra.conv_layout<channels_first>, window = array<i64: 2>,
         strides = array<i64: 2>, low = array<i64: 0>, high = array<i64: 0>, dilations =
         array<i64: 1>} : tensor<1x3x8xf32> -> tensor<1x3x4xf16>
  return
}

// -----
// lstm E1
func.func @lstm_e1(
    %x: tensor<9x1x4xf32>, %w: tensor<1x32x4xf32>, %r: tensor<1x32x8xf32>, %b: tensor<64xf32>, %s: tensor<1x1x8xf32>) {
  // expected-error @below {{has value 3 of type 'tensor<64xf32>', but needs rank 2 there}}
  %y, %h, %c = lutra.lstm<forward> %x, %w, %r, %b, %s, %s : (tensor<9x1x4xf32>,
         tensor<1x32x4xf32>, tensor<1x32x8xf32>, tensor<64xf32>, tensor<1x1x8xf32>,
         tensor<1x1x8xf32>) -> (tensor<9x1x1x8xf32>, tensor<1x1x8xf32>, tensor<1x1x8xf32>)
  return
}

// -----
// lstm E2
func.func @lstm_e2(
    %x: tensor<9x1x4xf32>, %w: tensor<1x32x4xf32>, %r: tensor<1x32x8xf32>, %b: tensor<1x64xf32>, %s: tensor<1x1x8xf32>) {
  // expected-error @below {{has weights for 1 directions, but bidirectional has 2}}
  %y, %h, %c = lutra.lstm<bidirectional> %x, %w, %r, %b, %s, %s : (tensor<9x1x4xf32>,
         tensor<1x32x4xf32>, tensor<1x32x8xf32>, tensor<1x64xf32>, tensor<1x1x8xf32>,
         tensor<1x1x8xf32>) -> (tensor<9x1x1x8xf32>, tensor<1x1x8xf32>, tensor<1x1x8xf32>)
  return
}

// -----
// lstm E3
func.func @lstm_e3(
    %x: tensor<9x1x4xf32>, %w: tensor<1x32x5xf32>, %r: tensor<1x32x8xf32>, %b: tensor<1x64xf32>, %s: tensor<1x1x8xf32>) {
  // expected-error @below {{has value 1 of shape [1, 32, 5], but the input and recurrence ask for [1, 32, 4]}}
  %y, %h, %c = lutra.lstm<forward> %x, %w, %r, %b, %s, %s : (tensor<9x1x4xf32>,
         tensor<1x32x5xf32>, tensor<1x32x8xf32>, tensor<1x64xf32>, tensor<1x1x8xf32>,
         tensor<1x1x8xf32>) -> (tensor<9x1x1x8xf32>, tensor<1x1x8xf32>, tensor<1x1x8xf32>)
  return
}

// -----
// lstm E3
func.func @lstm_e3_2(
    %x: tensor<9x1x4xf32>, %w: tensor<1x32x4xf32>, %r: tensor<1x32x?xf32>, %b: tensor<1x64xf32>, %s: tensor<1x1x8xf32>) {
  // expected-error @below {{hidden and feature sizes must be static}}
  %y, %h, %c = lutra.lstm<forward> %x, %w, %r, %b, %s, %s : (tensor<9x1x4xf32>,
         tensor<1x32x4xf32>, tensor<1x32x?xf32>, tensor<1x64xf32>, tensor<1x1x8xf32>,
         tensor<1x1x8xf32>) -> (tensor<9x1x1x8xf32>, tensor<1x1x8xf32>, tensor<1x1x8xf32>)
  return
}

// -----
// lstm E4
func.func @lstm_e4(
    %x: tensor<9x1x4xf32>, %w: tensor<1x32x4xf32>, %r: tensor<1x32x8xf32>, %b: tensor<1x64xf16>, %s: tensor<1x1x8xf32>) {
  // expected-error @below {{has elements 'f32' in the input but 'f16' in a value}}
  %y, %h, %c = lutra.lstm<forward> %x, %w, %r, %b, %s, %s : (tensor<9x1x4xf32>,
         tensor<1x32x4xf32>, tensor<1x32x8xf32>, tensor<1x64xf16>, tensor<1x1x8xf32>,
         tensor<1x1x8xf32>) -> (tensor<9x1x1x8xf32>, tensor<1x1x8xf32>, tensor<1x1x8xf32>)
  return
}
