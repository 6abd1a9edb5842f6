// RUN: lutra-opt %s "--lutra-quantize-weights=spec=int8,exclude=excluded" | FileCheck %s
// RUN: lutra-opt %s "--lutra-quantize-weights=spec=layer(few).weights=int4" | FileCheck %s --check-prefix=FEW
// RUN: lutra-opt %s "--lutra-quantize-weights=spec=w4a8,exclude=excluded" | FileCheck %s --check-prefix=ROWS
// RUN: not lutra-opt %s "--lutra-quantize-weights=spec=int8 pixel-filters=false" 2>&1 | FileCheck %s --check-prefix=FILTERS
// FILTERS: E0301: --quantize changes nothing: {{.*}} shared (is a filter, which gets codes beside activations of integers alone
// FILTERS-SAME: pairs (is a filter of groups of 2 channels and 2 filters; integers take multiples of 4 and 16)
lutra.global @shared : tensor<32x64x1x1xf32> = dense<1.5> : tensor<32x64x1x1xf32>
lutra.global @sound : tensor<32x64x1xf32> = dense<1.5> : tensor<32x64x1xf32>
lutra.global @few : tensor<64x48x1x1xf32> = dense<1.5> : tensor<64x48x1x1xf32>
lutra.global @small : tensor<31x64x1x1xf32> = dense<1.5> : tensor<31x64x1x1xf32>
lutra.global @wide : tensor<32x64x3x1xf32> = dense<1.5> : tensor<32x64x3x1xf32>
lutra.global @pairs : tensor<64x2x3x3xf32> = dense<1.5> : tensor<64x2x3x3xf32>
lutra.global @excluded : tensor<32x64x1x1xf32> = dense<1.5> : tensor<32x64x1x1xf32>

// Strides take pixels first; where an extent is not known, they keep the convolution, as padding does. What else reads
// the filter reads it in its own shape.
// CHECK: lutra.global @shared.quantized : tensor<32x64xf32, #lutra.encoding<[dense<uint<8>
// CHECK-LABEL: func.func @images
// CHECK: %[[W:.+]] = lutra.weight @shared : tensor<32x64xf32>
// CHECK: %[[FILTER:.+]] = lutra.reshape %[[W]][] : tensor<32x64xf32> -> tensor<32x64x1x1xf32>
// CHECK: %[[X:.+]] = lutra.transpose %arg0 [0, 2, 3, 1] : tensor<?x64x9x7xf32> -> tensor<?x9x7x64xf32>
// CHECK: %[[P:.+]] = lutra.matmul %[[X]], %{{.+}} {transpose_rhs} : (tensor<?x9x7x64xf32>, tensor<32x64xf32, #lutra.encoding<
// CHECK: lutra.transpose %[[P]] [0, 3, 1, 2] : tensor<?x9x7x32xf32> -> tensor<?x32x9x7xf32>
// CHECK: %[[B:.+]] = tensor.dim %arg0, %{{.+}} : tensor<?x64x9x7xf32>
// CHECK: %[[S:.+]] = lutra.slice %arg0[0, 0, 0, 0] sizes [%[[B]]] steps [1, 1, 2, 3] : tensor<?x64x9x7xf32> -> tensor<?x64x5x3xf32>
// CHECK: lutra.transpose %[[S]] [0, 2, 3, 1]
// CHECK: lutra.conv<channels_first> %arg0, %[[FILTER]] {{.*}} low = array<i64: 1, 1>
// CHECK: lutra.matmul %{{.+}}, %{{.+}} {transpose_rhs} : (tensor<2x?x?x64xf32>, tensor<32x64xf32, #lutra.encoding<
// CHECK: lutra.conv<channels_first> %arg1, %[[FILTER]] {{.*}} strides = array<i64: 2, 2>
// FEW: lutra.global @few.quantized : tensor<64x48xf32, #lutra.encoding<
// FEW: lutra.global @shared : tensor<32x64x1x1xf32>
// ROWS: lutra.global @shared.quantized : tensor<32x64xf32, #lutra.encoding<[dense<uint<4>, {{.*}} act = int<8
func.func @images(%x: tensor<?x64x9x7xf32>, %y: tensor<2x64x?x?xf32>)
    -> (tensor<?x32x9x7xf32>, tensor<?x32x5x3xf32>, tensor<?x32x11x9xf32>, tensor<2x32x?x?xf32>, tensor<2x32x?x?xf32>) {
  %w = lutra.weight @shared : tensor<32x64x1x1xf32>
  %a = lutra.conv<channels_first> %x, %w {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x64x9x7xf32>, tensor<32x64x1x1xf32>) -> tensor<?x32x9x7xf32>
  %b = lutra.conv<channels_first> %x, %w {strides = array<i64: 2, 3>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x64x9x7xf32>, tensor<32x64x1x1xf32>) -> tensor<?x32x5x3xf32>
  %c = lutra.conv<channels_first> %x, %w {strides = array<i64: 1, 1>, low = array<i64: 1, 1>, high = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x64x9x7xf32>, tensor<32x64x1x1xf32>) -> tensor<?x32x11x9xf32>
  %d = lutra.conv<channels_first> %y, %w {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<2x64x?x?xf32>, tensor<32x64x1x1xf32>) -> tensor<2x32x?x?xf32>
  %e = lutra.conv<channels_first> %y, %w {strides = array<i64: 2, 2>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<2x64x?x?xf32>, tensor<32x64x1x1xf32>) -> tensor<2x32x?x?xf32>
  return %a, %b, %c, %d, %e : tensor<?x32x9x7xf32>, tensor<?x32x5x3xf32>, tensor<?x32x11x9xf32>, tensor<2x32x?x?xf32>, tensor<2x32x?x?xf32>
}

// CHECK-LABEL: func.func @others
// CHECK: lutra.matmul %{{.+}}, %{{.+}} {transpose_rhs} : (tensor<1x40x64xf32>, tensor<32x64xf32, #lutra.encoding<
// CHECK: lutra.conv<channels_first> {{.*}} tensor<64x48x1x1xf32>
// CHECK: lutra.conv<channels_first> {{.*}} tensor<31x64x1x1xf32>
// CHECK: lutra.conv<channels_first> {{.*}} tensor<32x64x3x1xf32>
// CHECK: lutra.conv<channels_first> {{.*}} tensor<32x64x1x1xf32>
// CHECK-LABEL: func.func @empty
// CHECK: lutra.matmul {{.*}} : (tensor<0x5x3x64xf32>
func.func @others(%s: tensor<1x64x40xf32>, %f: tensor<1x48x5x3xf32>, %x: tensor<1x64x5x3xf32>)
    -> (tensor<1x32x40xf32>, tensor<1x64x5x3xf32>, tensor<1x31x5x3xf32>, tensor<1x32x3x3xf32>, tensor<1x32x5x3xf32>) {
  %sound = lutra.weight @sound : tensor<32x64x1xf32>
  %few = lutra.weight @few : tensor<64x48x1x1xf32>
  %small = lutra.weight @small : tensor<31x64x1x1xf32>
  %wide = lutra.weight @wide : tensor<32x64x3x1xf32>
  %excluded = lutra.weight @excluded : tensor<32x64x1x1xf32>
  %a = lutra.conv<channels_first> %s, %sound {strides = array<i64: 1>, low = array<i64: 0>, high = array<i64: 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x64x40xf32>, tensor<32x64x1xf32>) -> tensor<1x32x40xf32>
  %b = lutra.conv<channels_first> %f, %few {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x48x5x3xf32>, tensor<64x48x1x1xf32>) -> tensor<1x64x5x3xf32>
  %c = lutra.conv<channels_first> %x, %small {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x5x3xf32>, tensor<31x64x1x1xf32>) -> tensor<1x31x5x3xf32>
  %d = lutra.conv<channels_first> %x, %wide {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x5x3xf32>, tensor<32x64x3x1xf32>) -> tensor<1x32x3x3xf32>
  %e = lutra.conv<channels_first> %x, %excluded {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x5x3xf32>, tensor<32x64x1x1xf32>) -> tensor<1x32x5x3xf32>
  return %a, %b, %c, %d, %e : tensor<1x32x40xf32>, tensor<1x64x5x3xf32>, tensor<1x31x5x3xf32>, tensor<1x32x3x3xf32>, tensor<1x32x5x3xf32>
}
func.func @empty(%x: tensor<0x64x5x3xf32>) -> tensor<0x32x5x3xf32> {
  %w = lutra.weight @shared : tensor<32x64x1x1xf32>
  %a = lutra.conv<channels_first> %x, %w {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<0x64x5x3xf32>, tensor<32x64x1x1xf32>) -> tensor<0x32x5x3xf32>
  return %a : tensor<0x32x5x3xf32>
}
func.func @grouped(%x: tensor<1x64x5x3xf32>) -> tensor<1x64x3x1xf32> {
  %w = lutra.weight @pairs : tensor<64x2x3x3xf32>
  %a = lutra.conv<channels_first> %x, %w {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 32 : i64} : (tensor<1x64x5x3xf32>, tensor<64x2x3x3xf32>) -> tensor<1x64x3x1xf32>
  return %a : tensor<1x64x3x1xf32>
}
