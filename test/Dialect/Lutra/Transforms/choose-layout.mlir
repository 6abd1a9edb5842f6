// RUN: lutra-opt %s --lutra-choose-layout --lutra-fold-weights --canonicalize | FileCheck %s

// Two convs, a channel bias, a residual and a pool between one transpose at each end; padding is explicit and
// the filters and the bias are turned at compile time.
// CHECK-LABEL: func @chain
// CHECK-SAME: %[[X:.*]]: tensor<?x4x8x8xf32>
// CHECK: %[[FIRST:.*]] = lutra.transpose %[[X]] [0, 2, 3, 1]
// CHECK: %[[PAD:.*]] = lutra.pad<constant> %[[FIRST]], {{.*}} low [0, 1, 1, 0] high [0, 1, 1, 0]
// CHECK: %[[A:.*]] = lutra.conv<channels_last> %[[PAD]]
// CHECK: %[[B:.*]] = lutra.binary<add> %[[A]], {{.*}} tensor<1x1x1x4xf32>
// CHECK: %[[C:.*]] = lutra.conv<channels_last> %[[B]]
// CHECK: %[[IN:.*]] = lutra.transpose %[[X]] [0, 2, 3, 1]
// CHECK: %[[I:.*]] = lutra.conv<channels_last> %[[IN]]
// CHECK: %[[D:.*]] = lutra.binary<add> %[[C]], %[[I]]
// CHECK: %[[E:.*]] = lutra.pool<max> %[[D]] {{.*}}layout = #lutra.conv_layout<channels_last>
// CHECK: %[[OUT:.*]] = lutra.transpose %[[E]] [0, 3, 1, 2]
// CHECK: return %[[OUT]]
lutra.global @f : tensor<4x4x3x3xf32> = dense<0.5> : tensor<4x4x3x3xf32>
lutra.global @g : tensor<4x4x1x1xf32> = dense<0.25> : tensor<4x4x1x1xf32>
func.func @chain(%x: tensor<?x4x8x8xf32>) -> tensor<?x4x4x4xf32> {
  %f = lutra.weight @f : tensor<4x4x3x3xf32>
  %g = lutra.weight @g : tensor<4x4x1x1xf32>
  %bias = lutra.constant dense<[[[1.0]], [[2.0]], [[3.0]], [[4.0]]]> : tensor<4x1x1xf32>
  %a = lutra.conv<channels_first> %x, %f {strides = array<i64: 1, 1>, low = array<i64: 1, 1>, high = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x4x8x8xf32>, tensor<4x4x3x3xf32>) -> tensor<?x4x8x8xf32>
  %b = lutra.binary<add> %a, %bias : (tensor<?x4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<?x4x8x8xf32>
  %c = lutra.conv<channels_first> %b, %g {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<?x4x8x8xf32>
  %i = lutra.conv<channels_first> %x, %g {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<?x4x8x8xf32>
  %d = lutra.binary<add> %c, %i : (tensor<?x4x8x8xf32>, tensor<?x4x8x8xf32>) -> tensor<?x4x8x8xf32>
  %e = lutra.pool<max> %d {layout = #lutra.conv_layout<channels_first>, window = array<i64: 2, 2>, strides = array<i64: 2, 2>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>} : tensor<?x4x8x8xf32> -> tensor<?x4x4x4xf32>
  return %e : tensor<?x4x4x4xf32>
}

// Concatenation along the channels, then a mean over the image: what is left after it is a reshape.
// CHECK-LABEL: func @concat
// CHECK: lutra.concat {{.*}} {axis = 3 : i64}
// CHECK: lutra.reduce<sum> {{.*}}axes = [1, 2]
// CHECK-NOT: lutra.transpose
// CHECK: lutra.reshape
// CHECK: return
func.func @concat(%x: tensor<1x4x8x8xf32>) -> tensor<1x8x1x1xf32> {
  %g = lutra.weight @g : tensor<4x4x1x1xf32>
  %a = lutra.conv<channels_first> %x, %g {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32>
  %b = lutra.unary<relu> %a : tensor<1x4x8x8xf32> -> tensor<1x4x8x8xf32>
  %c = lutra.concat %a, %b {axis = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>) -> tensor<1x8x8x8xf32>
  %d = lutra.reduce<sum> %c axes = [2, 3] : tensor<1x8x8x8xf32> -> tensor<1x8x1x1xf32>
  return %d : tensor<1x8x1x1xf32>
}

// Convolutions of sequences, spelled with a dimension of size 1 that comes and goes: no transpose is left between them,
// nor before the maximum.
// CHECK-LABEL: func @sequence
// CHECK: %[[A:.*]] = lutra.conv<channels_last>
// CHECK: lutra.reshape %[[A]][] : tensor<2x8x1x5xf32> -> tensor<2x8x5xf32>
// CHECK: lutra.unary<relu>
// CHECK: %[[B:.*]] = lutra.reshape {{.*}} : tensor<2x8x5xf32> -> tensor<2x8x1x5xf32>
// CHECK: lutra.conv<channels_last> %[[B]]
// CHECK-NOT: lutra.transpose
// CHECK: lutra.reduce<max> {{.*}} axes = [1] : tensor<2x7x3xf32>
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

// Channels are shuffled where they lie: 2 x 4 of them become 4 x 2.
// CHECK-LABEL: func @shuffle
// CHECK: %[[CONV:.*]] = lutra.conv<channels_last>
// CHECK: %[[SPLIT:.*]] = lutra.reshape %[[CONV]][] : tensor<1x8x8x4xf32> -> tensor<1x8x8x2x2xf32>
// CHECK: %[[SWAPPED:.*]] = lutra.transpose %[[SPLIT]] [0, 1, 2, 4, 3]
// CHECK: %[[JOINED:.*]] = lutra.reshape %[[SWAPPED]][] : tensor<1x8x8x2x2xf32> -> tensor<1x8x8x4xf32>
// CHECK: %[[NEXT:.*]] = lutra.conv<channels_last> %[[JOINED]]
// CHECK: lutra.transpose %[[NEXT]] [0, 3, 1, 2]
func.func @shuffle(%x: tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32> {
  %g = lutra.weight @g : tensor<4x4x1x1xf32>
  %a = lutra.conv<channels_first> %x, %g {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32>
  %s = lutra.reshape %a[] : tensor<1x4x8x8xf32> -> tensor<1x2x2x8x8xf32>
  %t = lutra.transpose %s [0, 2, 1, 3, 4] : tensor<1x2x2x8x8xf32> -> tensor<1x2x2x8x8xf32>
  %r = lutra.reshape %t[] : tensor<1x2x2x8x8xf32> -> tensor<1x4x8x8xf32>
  %b = lutra.conv<channels_first> %r, %g {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32>
  return %b : tensor<1x4x8x8xf32>
}

// The heads of an attention are joined by one transpose before a product, not by two around the reshape; so are codes
// turned, and not their differences.
// CHECK-LABEL: func @attention
// CHECK: %[[HEADS:.*]] = lutra.transpose %{{.*}} [0, 2, 1, 3] : tensor<1x3x5x4xi8> -> tensor<1x5x3x4xi8>
// CHECK: %[[ROWS:.*]] = lutra.reshape %[[HEADS]][] : tensor<1x5x3x4xi8> -> tensor<1x5x12xi8>
// CHECK: %[[CODES:.*]] = lutra.transpose %{{.*}} [1, 0] : tensor<2x12xi8> -> tensor<12x2xi8>
// CHECK: %[[WIDE:.*]] = lutra.cast %[[CODES]]
// CHECK: lutra.matmul %[[ROWS]], %{{.*}} : (tensor<1x5x12xi8>, tensor<12x2xi16>)
func.func @attention(%x: tensor<1x3x5x4xi8>, %y: tensor<2x12xi8>) -> tensor<1x5x2xi32> {
  %z = lutra.constant dense<7> : tensor<i16>
  %t = lutra.transpose %x [0, 2, 1, 3] : tensor<1x3x5x4xi8> -> tensor<1x5x3x4xi8>
  %r = lutra.reshape %t[] : tensor<1x5x3x4xi8> -> tensor<1x5x12xi8>
  %u = lutra.transpose %y [1, 0] : tensor<2x12xi8> -> tensor<12x2xi8>
  %c = lutra.cast %u : tensor<12x2xi8> -> tensor<12x2xi16>
  %d = lutra.binary<sub> %c, %z : (tensor<12x2xi16>, tensor<i16>) -> tensor<12x2xi16>
  %p = lutra.matmul %r, %d : (tensor<1x5x12xi8>, tensor<12x2xi16>) -> tensor<1x5x2xi32>
  return %p : tensor<1x5x2xi32>
}

// What joins channels and image into one row takes them in the order of the model.
// CHECK-LABEL: func @flatten
// CHECK: %[[CONV:.*]] = lutra.conv<channels_last>
// CHECK: %[[BACK:.*]] = lutra.transpose %[[CONV]] [0, 3, 1, 2]
// CHECK: lutra.reshape %[[BACK]][] : tensor<1x4x8x8xf32> -> tensor<1x256xf32>
func.func @flatten(%x: tensor<1x4x8x8xf32>) -> tensor<1x256xf32> {
  %g = lutra.weight @g : tensor<4x4x1x1xf32>
  %a = lutra.conv<channels_first> %x, %g {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32>
  %r = lutra.reshape %a[] : tensor<1x4x8x8xf32> -> tensor<1x256xf32>
  return %r : tensor<1x256xf32>
}

// A mean over neighbouring channels, as local response normalisation takes it: the pool slides along the channels
// where they lie.
// CHECK-LABEL: func @neighbours
// CHECK: %[[CONV:.*]] = lutra.conv<channels_last>
// CHECK: %[[ROWS:.*]] = lutra.reshape %[[CONV]][] : tensor<1x8x8x4xf32> -> tensor<1x1x64x4xf32>
// CHECK: %[[POOL:.*]] = lutra.pool<average> %[[ROWS]] {{.*}}high = array<i64: 0, 1>, {{.*}}low = array<i64: 0, 1>, {{.*}}window = array<i64: 1, 3>
// CHECK: %[[IMAGE:.*]] = lutra.reshape %[[POOL]][] : tensor<1x1x64x4xf32> -> tensor<1x8x8x4xf32>
// CHECK: lutra.transpose %[[IMAGE]] [0, 3, 1, 2]
func.func @neighbours(%x: tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32> {
  %g = lutra.weight @g : tensor<4x4x1x1xf32>
  %a = lutra.conv<channels_first> %x, %g {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32>
  %s = lutra.reshape %a[] : tensor<1x4x8x8xf32> -> tensor<1x1x4x64xf32>
  %p = lutra.pool<average> %s {count_padding, layout = #lutra.conv_layout<channels_first>, window = array<i64: 3, 1>, strides = array<i64: 1, 1>, low = array<i64: 1, 0>, high = array<i64: 1, 0>, dilations = array<i64: 1, 1>} : tensor<1x1x4x64xf32> -> tensor<1x1x4x64xf32>
  %r = lutra.reshape %p[] : tensor<1x1x4x64xf32> -> tensor<1x4x8x8xf32>
  return %r : tensor<1x4x8x8xf32>
}

// A pool that no conv feeds stays as it is.
// CHECK-LABEL: func @pool_alone
// CHECK-NOT: lutra.transpose
// CHECK: channels_first
func.func @pool_alone(%x: tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32> {
  %e = lutra.pool<max> %x {layout = #lutra.conv_layout<channels_first>, window = array<i64: 2, 2>, strides = array<i64: 2, 2>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>} : tensor<1x4x8x8xf32> -> tensor<1x4x4x4xf32>
  return %e : tensor<1x4x4x4xf32>
}

// What a reshape joins beside a dynamic size moves along.
// CHECK-LABEL: func @beside_dynamic
// CHECK: %[[N:.*]] = tensor.dim
// CHECK: %[[CONV:.*]] = lutra.conv<channels_last>
// CHECK: %[[ROWS:.*]] = lutra.reshape %[[CONV]][%[[N]]] : tensor<?x4x4x8xf32> -> tensor<?x16x8xf32>
// CHECK: %[[Y:.*]] = lutra.unary<relu> %[[ROWS]]
// CHECK: lutra.transpose %[[Y]] [0, 2, 1]
func.func @beside_dynamic(%x: tensor<?x3x4x4xf32> {lutra.dim_names = ["n", "", "", ""]}, %f: tensor<8x3x1x1xf32>) -> tensor<?x8x16xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x3x4x4xf32>
  %a = lutra.conv<channels_first> %x, %f {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x3x4x4xf32>, tensor<8x3x1x1xf32>) -> tensor<?x8x4x4xf32>
  %r = lutra.reshape %a[%n] : tensor<?x8x4x4xf32> -> tensor<?x8x16xf32>
  %y = lutra.unary<relu> %r : tensor<?x8x16xf32> -> tensor<?x8x16xf32>
  return %y : tensor<?x8x16xf32>
}

// A dynamic size that is split keeps the transpose before it.
// CHECK-LABEL: func @splits_dynamic
// CHECK: %[[TURNED:.*]] = lutra.transpose {{.*}} [0, 3, 1, 2]
// CHECK: lutra.reshape %[[TURNED]][%{{.*}}] : tensor<?x8x4x4xf32> -> tensor<2x?x8x16xf32>
func.func @splits_dynamic(%x: tensor<?x3x4x4xf32>, %f: tensor<8x3x1x1xf32>, %half: index) -> tensor<2x?x8x16xf32> {
  %a = lutra.conv<channels_first> %x, %f {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x3x4x4xf32>, tensor<8x3x1x1xf32>) -> tensor<?x8x4x4xf32>
  %r = lutra.reshape %a[%half] : tensor<?x8x4x4xf32> -> tensor<2x?x8x16xf32>
  return %r : tensor<2x?x8x16xf32>
}

// Codes between two convs, with one scale and with one for each channel, stay in the order of the convs; scales in blocks do not.
// CHECK-LABEL: func @quantized
// CHECK: %[[A:.*]] = lutra.conv<channels_last>
// CHECK: %[[Q:.*]] = lutra.quantize %[[A]] scale({{.*}}) zero_point({{.*}}) {axis = 1 : i64, block = 0 : i64} : tensor<?x8x8x4xf32> -> tensor<?x8x8x4xi8>
// CHECK: %[[D:.*]] = lutra.dequantize %[[Q]] scale({{.*}}) {axis = 3 : i64, block = 0 : i64} : tensor<?x8x8x4xi8> -> tensor<?x8x8x4xf32>
// CHECK: %[[C:.*]] = lutra.conv<channels_last> %[[D]]
// CHECK: %[[T:.*]] = lutra.transpose %[[C]] [0, 3, 1, 2]
// CHECK: lutra.dequantize %{{.*}} scale({{.*}}) {axis = 1 : i64, block = 2 : i64} : tensor<1x4x8x8xi8> -> tensor<1x4x8x8xf32>
func.func @quantized(%x: tensor<?x4x8x8xf32>, %y: tensor<1x4x8x8xf32>) -> (tensor<?x4x8x8xf32>, tensor<1x4x8x8xf32>) {
  %g = lutra.weight @g : tensor<4x4x1x1xf32>
  %one = lutra.constant dense<0.5> : tensor<f32>
  %zero = lutra.constant dense<3> : tensor<i8>
  %four = lutra.constant dense<[0.5, 1.0, 0.25, 2.0]> : tensor<4xf32>
  %blocks = lutra.constant dense<0.5> : tensor<1x2x8x8xf32>
  %a = lutra.conv<channels_first> %x, %g {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<?x4x8x8xf32>
  %q = lutra.quantize %a scale(%one : tensor<f32>) zero_point(%zero : tensor<i8>) {axis = 1 : i64, block = 0 : i64} : tensor<?x4x8x8xf32> -> tensor<?x4x8x8xi8>
  %d = lutra.dequantize %q scale(%four : tensor<4xf32>) {axis = 1 : i64, block = 0 : i64} : tensor<?x4x8x8xi8> -> tensor<?x4x8x8xf32>
  %c = lutra.conv<channels_first> %d, %g {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<?x4x8x8xf32>
  %b = lutra.conv<channels_first> %y, %g {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32>
  %p = lutra.quantize %b scale(%one : tensor<f32>) zero_point(%zero : tensor<i8>) {axis = 1 : i64, block = 0 : i64} : tensor<1x4x8x8xf32> -> tensor<1x4x8x8xi8>
  %r = lutra.dequantize %p scale(%blocks : tensor<1x2x8x8xf32>) {axis = 1 : i64, block = 2 : i64} : tensor<1x4x8x8xi8> -> tensor<1x4x8x8xf32>
  return %c, %r : tensor<?x4x8x8xf32>, tensor<1x4x8x8xf32>
}

// Codes are turned, not the values that they stand for; with a scale for each channel the values are.
// CHECK-LABEL: func @codes
// CHECK: %[[T:.*]] = lutra.transpose %{{.*}} [0, 2, 3, 1] : tensor<1x4x8x8xui8> -> tensor<1x8x8x4xui8>
// CHECK: %[[D:.*]] = lutra.dequantize %[[T]]
// CHECK: lutra.pad<constant> %[[D]]
// CHECK: %[[E:.*]] = lutra.dequantize %{{.*}} : tensor<1x4x8x8xui8> -> tensor<1x4x8x8xf32>
// CHECK: lutra.transpose %[[E]] [0, 2, 3, 1]
func.func @codes(%x: tensor<1x4x8x8xui8>, %y: tensor<1x4x8x8xui8>, %f: tensor<4x1x3x3xf32>, %s: tensor<f32>, %c: tensor<4xf32>) -> (tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>) {
  %d = lutra.dequantize %x scale(%s : tensor<f32>) {axis = -1 : i64, block = 0 : i64} : tensor<1x4x8x8xui8> -> tensor<1x4x8x8xf32>
  %a = lutra.conv<channels_first> %d, %f {strides = array<i64: 1, 1>, low = array<i64: 1, 1>, high = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 4 : i64} : (tensor<1x4x8x8xf32>, tensor<4x1x3x3xf32>) -> tensor<1x4x8x8xf32>
  %e = lutra.dequantize %y scale(%c : tensor<4xf32>) {axis = 1 : i64, block = 0 : i64} : tensor<1x4x8x8xui8> -> tensor<1x4x8x8xf32>
  %b = lutra.conv<channels_first> %e, %f {strides = array<i64: 1, 1>, low = array<i64: 1, 1>, high = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 4 : i64} : (tensor<1x4x8x8xf32>, tensor<4x1x3x3xf32>) -> tensor<1x4x8x8xf32>
  return %a, %b : tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>
}
