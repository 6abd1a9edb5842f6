// REQUIRES: lutra-run
// RUN: lutra-run %s --before-after=lutra-choose-layout --seed=7
// RUN: lutra-run %s --before-after=lutra-choose-layout --seed=7 --function=sequence
// RUN: lutra-run %s --before-after=lutra-choose-layout --seed=7 --function=shuffle
// RUN: lutra-run %s --before-after=lutra-choose-layout --seed=7 --function=attention --exact
// RUN: lutra-run %s --before-after=lutra-choose-layout --seed=7 --function=flatten
// RUN: lutra-run %s --before-after=lutra-choose-layout --seed=7 --function=beside_dynamic --dim=n=3
// RUN: lutra-run %s --before-after=lutra-choose-layout --seed=7 --function=neighbours
// RUN: lutra-run %s --before-after=lutra-choose-layout --seed=7 --function=quantized --dim=n=2
// RUN: not lutra-run %s --before-after=lutra-choose-layout --seed=7 --function=quantized --dim=n=2 --corrupt=0
// Taps and channels are summed in another order: within the bound of the sums.
lutra.global @f : tensor<4x4x3x3xf32> = dense<0.5> : tensor<4x4x3x3xf32>
// Unequal filters, so that exchanged channels show.
lutra.global @g : tensor<4x4x1x1xf32> = dense<[[[[1.0]], [[-0.5]], [[0.25]], [[2.0]]], [[[0.5]], [[3.0]], [[-1.0]], [[0.125]]], [[[-2.0]], [[1.5]], [[0.75]], [[1.0]]], [[[0.25]], [[0.5]], [[4.0]], [[-3.0]]]]> : tensor<4x4x1x1xf32>
func.func @main(%x: tensor<2x4x8x8xf32>) -> tensor<2x4x4x4xf32> {
  %f = lutra.weight @f : tensor<4x4x3x3xf32>
  %g = lutra.weight @g : tensor<4x4x1x1xf32>
  %bias = lutra.constant dense<[[[1.0]], [[2.0]], [[3.0]], [[4.0]]]> : tensor<4x1x1xf32>
  %a = lutra.conv<channels_first> %x, %f {strides = array<i64: 1, 1>, low = array<i64: 1, 1>, high = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<2x4x8x8xf32>, tensor<4x4x3x3xf32>) -> tensor<2x4x8x8xf32>
  %b = lutra.binary<add> %a, %bias : (tensor<2x4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<2x4x8x8xf32>
  %c = lutra.conv<channels_first> %b, %g {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<2x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x8x8xf32>
  %i = lutra.conv<channels_first> %x, %g {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<2x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x8x8xf32>
  %d = lutra.binary<add> %c, %i : (tensor<2x4x8x8xf32>, tensor<2x4x8x8xf32>) -> tensor<2x4x8x8xf32>
  %e = lutra.pool<max> %d {layout = #lutra.conv_layout<channels_first>, window = array<i64: 2, 2>, strides = array<i64: 2, 2>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>} : tensor<2x4x8x8xf32> -> tensor<2x4x4x4xf32>
  return %e : tensor<2x4x4x4xf32>
}

// Sequences with a dimension of size 1; the filters are inputs, so that no two of their elements are equal.
func.func @sequence(%x: tensor<2x3x9xf32>, %h: tensor<5x3x2x1xf32>, %k: tensor<3x5x2x1xf32>) -> tensor<2x3x1xf32> {
  %0 = lutra.reshape %x[] : tensor<2x3x9xf32> -> tensor<2x3x9x1xf32>
  %a = lutra.conv<channels_first> %0, %h {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<2x3x9x1xf32>, tensor<5x3x2x1xf32>) -> tensor<2x5x8x1xf32>
  %b = lutra.reshape %a[] : tensor<2x5x8x1xf32> -> tensor<2x5x8xf32>
  %c = lutra.unary<relu> %b : tensor<2x5x8xf32> -> tensor<2x5x8xf32>
  %d = lutra.reshape %c[] : tensor<2x5x8xf32> -> tensor<2x5x8x1xf32>
  %e = lutra.conv<channels_first> %d, %k {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<2x5x8x1xf32>, tensor<3x5x2x1xf32>) -> tensor<2x3x7x1xf32>
  %f = lutra.reshape %e[] : tensor<2x3x7x1xf32> -> tensor<2x3x7xf32>
  %m = lutra.reduce<max> %f axes = [2] : tensor<2x3x7xf32> -> tensor<2x3x1xf32>
  return %m : tensor<2x3x1xf32>
}

func.func @shuffle(%x: tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32> {
  %g = lutra.weight @g : tensor<4x4x1x1xf32>
  %a = lutra.conv<channels_first> %x, %g {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32>
  %s = lutra.reshape %a[] : tensor<1x4x8x8xf32> -> tensor<1x2x2x8x8xf32>
  %t = lutra.transpose %s [0, 2, 1, 3, 4] : tensor<1x2x2x8x8xf32> -> tensor<1x2x2x8x8xf32>
  %r = lutra.reshape %t[] : tensor<1x2x2x8x8xf32> -> tensor<1x4x8x8xf32>
  %b = lutra.conv<channels_first> %r, %g {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32>
  return %b : tensor<1x4x8x8xf32>
}

func.func @flatten(%x: tensor<1x4x8x8xf32>) -> tensor<1x256xf32> {
  %g = lutra.weight @g : tensor<4x4x1x1xf32>
  %a = lutra.conv<channels_first> %x, %g {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32>
  %r = lutra.reshape %a[] : tensor<1x4x8x8xf32> -> tensor<1x256xf32>
  return %r : tensor<1x256xf32>
}

func.func @neighbours(%x: tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32> {
  %g = lutra.weight @g : tensor<4x4x1x1xf32>
  %a = lutra.conv<channels_first> %x, %g {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32>
  %s = lutra.reshape %a[] : tensor<1x4x8x8xf32> -> tensor<1x1x4x64xf32>
  %p = lutra.pool<average> %s {count_padding, layout = #lutra.conv_layout<channels_first>, window = array<i64: 3, 1>, strides = array<i64: 1, 1>, low = array<i64: 1, 0>, high = array<i64: 1, 0>, dilations = array<i64: 1, 1>} : tensor<1x1x4x64xf32> -> tensor<1x1x4x64xf32>
  %r = lutra.reshape %p[] : tensor<1x1x4x64xf32> -> tensor<1x4x8x8xf32>
  return %r : tensor<1x4x8x8xf32>
}

func.func @beside_dynamic(%x: tensor<?x3x4x4xf32> {lutra.dim_names = ["n", "", "", ""]}, %f: tensor<8x3x1x1xf32>) -> tensor<?x8x16xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x3x4x4xf32>
  %a = lutra.conv<channels_first> %x, %f {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x3x4x4xf32>, tensor<8x3x1x1xf32>) -> tensor<?x8x4x4xf32>
  %r = lutra.reshape %a[%n] : tensor<?x8x4x4xf32> -> tensor<?x8x16xf32>
  %y = lutra.unary<relu> %r : tensor<?x8x16xf32> -> tensor<?x8x16xf32>
  return %y : tensor<?x8x16xf32>
}

// Codes as input: what is rounded to codes may fall on either side of a tie.
func.func @quantized(%x: tensor<?x4x8x8xi8> {lutra.name = "x", lutra.dim_names = ["n", "", "", ""]}) -> tensor<?x4x8x8xf32> {
  %g = lutra.weight @g : tensor<4x4x1x1xf32>
  %one = lutra.constant dense<0.5> : tensor<f32>
  %zero = lutra.constant dense<[3, -5, 0, 9]> : tensor<4xi8>
  %four = lutra.constant dense<[0.5, 1.0, 0.25, 2.0]> : tensor<4xf32>
  %i = lutra.dequantize %x scale(%one : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?x4x8x8xi8> -> tensor<?x4x8x8xf32>
  %a = lutra.conv<channels_first> %i, %g {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<?x4x8x8xf32>
  %q = lutra.quantize %a scale(%four : tensor<4xf32>) zero_point(%zero : tensor<4xi8>) {axis = 1 : i64, block = 0 : i64} : tensor<?x4x8x8xf32> -> tensor<?x4x8x8xi8>
  %d = lutra.dequantize %q scale(%four : tensor<4xf32>) zero_point(%zero : tensor<4xi8>) {axis = 1 : i64, block = 0 : i64} : tensor<?x4x8x8xi8> -> tensor<?x4x8x8xf32>
  %c = lutra.conv<channels_first> %d, %g {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<?x4x8x8xf32>
  return %c : tensor<?x4x8x8xf32>
}

func.func @attention(%x: tensor<1x3x5x4xi8> {lutra.name = "x"}, %y: tensor<2x12xi8> {lutra.name = "y"}) -> tensor<1x5x2xi32> {
  %z = lutra.constant dense<7> : tensor<i16>
  %t = lutra.transpose %x [0, 2, 1, 3] : tensor<1x3x5x4xi8> -> tensor<1x5x3x4xi8>
  %r = lutra.reshape %t[] : tensor<1x5x3x4xi8> -> tensor<1x5x12xi8>
  %u = lutra.transpose %y [1, 0] : tensor<2x12xi8> -> tensor<12x2xi8>
  %c = lutra.cast %u : tensor<12x2xi8> -> tensor<12x2xi16>
  %d = lutra.binary<sub> %c, %z : (tensor<12x2xi16>, tensor<i16>) -> tensor<12x2xi16>
  %p = lutra.matmul %r, %d : (tensor<1x5x12xi8>, tensor<12x2xi16>) -> tensor<1x5x2xi32>
  return %p : tensor<1x5x2xi32>
}
