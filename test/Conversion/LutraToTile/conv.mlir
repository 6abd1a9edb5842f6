// RUN: lutra-opt %s --convert-lutra-to-tile=target=avx2 --canonicalize --cse | FileCheck %s

// Taps along x join the channels: K of one tile product is 3 * 64; the taps along y carry the sum. An output row of
// 56 pixels is nine tiles of six and one of two, which takes twice the columns.
// CHECK-LABEL: func.func @three_by_three(
// CHECK: scf.for %{{.*}} = %c0 to %c3 step %c1 iter_args(%{{.*}}) -> (!lutra.tile<6x16xf32>)
// CHECK: lutra.tile_matmul {{.*}}<panel>{{.*}} depth %c192 {lhs_row_dim = 2 : i64} {{.*}} -> <6x16xf32>
// CHECK: lutra.tile_store
// CHECK: lutra.tile_matmul {{.*}} -> <2x32xf32>
lutra.kernel @three_by_three(%x: tensor<1x58x58x64xf32>, %f: tensor<3x3x64x64xf32, #lutra.packing<width = 16, depth = 1>>) -> tensor<1x56x56x64xf32> {
  %r = lutra.conv<channels_last> %x, %f {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x58x58x64xf32>, tensor<3x3x64x64xf32, #lutra.packing<width = 16, depth = 1>>) -> tensor<1x56x56x64xf32>
  lutra.yield %r : tensor<1x56x56x64xf32>
}

// A stride is the distance of two rows of the tile.
// CHECK-LABEL: func.func @strided(
// CHECK: lutra.tile_matmul {{.*}} {lhs_row_dim = 2 : i64, row_step = 2 : i64}
lutra.kernel @strided(%x: tensor<1x8x8x16xf32>, %f: tensor<1x1x16x32xf32, #lutra.packing<width = 16, depth = 1>>) -> tensor<1x4x4x32xf32> {
  %r = lutra.conv<channels_last> %x, %f {strides = array<i64: 2, 2>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x8x8x16xf32>, tensor<1x1x16x32xf32, #lutra.packing<width = 16, depth = 1>>) -> tensor<1x4x4x32xf32>
  lutra.yield %r : tensor<1x4x4x32xf32>
}

// One output along x: rows advance along y, and the taps of both dimensions join the channels.
// CHECK-LABEL: func.func @column(
// CHECK-NOT: iter_args
// CHECK: lutra.tile_matmul {{.*}} depth %c80 {lhs_row_dim = 1 : i64} {{.*}} -> <6x16xf32>
lutra.kernel @column(%x: tensor<1x40x1x16xf32>, %f: tensor<5x1x16x32xf32, #lutra.packing<width = 16, depth = 1>>) -> tensor<1x36x1x32xf32> {
  %r = lutra.conv<channels_last> %x, %f {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x40x1x16xf32>, tensor<5x1x16x32xf32, #lutra.packing<width = 16, depth = 1>>) -> tensor<1x36x1x32xf32>
  lutra.yield %r : tensor<1x36x1x32xf32>
}

// Depthwise: vectors of channels, no product.
// CHECK-LABEL: func.func @depthwise(
// CHECK-NOT: lutra.tile_matmul
// CHECK: lutra.tile_load %arg0{{.*}} dims = [2, 3]
// CHECK: math.fma
lutra.kernel @depthwise(%x: tensor<1x8x8x64xf32>, %f: tensor<3x3x1x64xf32>) -> tensor<1x6x6x64xf32> {
  %r = lutra.conv<channels_last> %x, %f {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 64 : i64} : (tensor<1x8x8x64xf32>, tensor<3x3x1x64xf32>) -> tensor<1x6x6x64xf32>
  lutra.yield %r : tensor<1x6x6x64xf32>
}

// Groups whose filters do not fill panels read the filter where it lies, one tap at a time.
// CHECK-LABEL: func.func @grouped(
// CHECK: lutra.tile_matmul {{.*}}<row_major>{{.*}} depth %c4 {{.*}}bounds(
lutra.kernel @grouped(%x: tensor<1x8x8x8xf32>, %f: tensor<3x3x4x10xf32>) -> tensor<1x6x6x10xf32> {
  %r = lutra.conv<channels_last> %x, %f {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x8x8x8xf32>, tensor<3x3x4x10xf32>) -> tensor<1x6x6x10xf32>
  lutra.yield %r : tensor<1x6x6x10xf32>
}

// Padding and channels_first: single elements, positions clamped and products deselected.
// CHECK-LABEL: func.func @padded(
// CHECK-NOT: lutra.tile_matmul
// CHECK: arith.select
lutra.kernel @padded(%x: tensor<1x3x8x8xf32>, %f: tensor<4x3x3x3xf32>) -> tensor<1x4x8x8xf32> {
  %r = lutra.conv<channels_first> %x, %f {strides = array<i64: 1, 1>, low = array<i64: 1, 1>, high = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x8x8xf32>
  lutra.yield %r : tensor<1x4x8x8xf32>
}

// CHECK-LABEL: func.func @transposed(
// CHECK: arith.remsi
lutra.kernel @transposed(%x: tensor<1x3x4xf32>, %f: tensor<3x2x3xf32>) -> tensor<1x2x9xf32> {
  %r = lutra.conv_transpose %x, %f {strides = array<i64: 2>, low = array<i64: 0>, high = array<i64: 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x3x4xf32>, tensor<3x2x3xf32>) -> tensor<1x2x9xf32>
  lutra.yield %r : tensor<1x2x9xf32>
}

// A window of one pixel: the 7 x 7 image is one row of 49 pixels, and so is what its epilogue reads.
// CHECK-LABEL: func.func @pointwise(
// CHECK: memref.collapse_shape %arg0 {{.*}} : memref<1x7x7x32xf32> into memref<1x49x32xf32>
// CHECK: lutra.tile_matmul
// CHECK: lutra.tile_load {{.*}} : memref<1x49x16xf32> -> <6x16xf32>
lutra.kernel @pointwise(%x: tensor<1x7x7x32xf32>, %w: tensor<1x1x32x16xf32, #lutra.packing<width = 16, depth = 1>>, %s: tensor<1x7x7x16xf32>) -> tensor<1x7x7x16xf32> {
  %0 = lutra.conv<channels_last> %x, %w {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x7x7x32xf32>, tensor<1x1x32x16xf32, #lutra.packing<width = 16, depth = 1>>) -> tensor<1x7x7x16xf32>
  %1 = lutra.binary<add> %0, %s : (tensor<1x7x7x16xf32>, tensor<1x7x7x16xf32>) -> tensor<1x7x7x16xf32>
  lutra.yield %1 : tensor<1x7x7x16xf32>
}

// So it is with a product of the channels of each pixel.
// CHECK-LABEL: func.func @pixels(
// CHECK: memref.collapse_shape %arg0 {{.*}} : memref<1x7x7x32xf32> into memref<1x49x32xf32>
// CHECK: lutra.tile_matmul
// CHECK: lutra.tile_load {{.*}} : memref<1x49x16xf32> -> <6x16xf32>
lutra.kernel @pixels(%x: tensor<1x7x7x32xf32>, %w: tensor<32x16xf32>, %s: tensor<1x7x7x16xf32>) -> tensor<1x7x7x16xf32> {
  %0 = lutra.matmul %x, %w : (tensor<1x7x7x32xf32>, tensor<32x16xf32>) -> tensor<1x7x7x16xf32>
  %1 = lutra.binary<add> %0, %s : (tensor<1x7x7x16xf32>, tensor<1x7x7x16xf32>) -> tensor<1x7x7x16xf32>
  lutra.yield %1 : tensor<1x7x7x16xf32>
}

// Products of matrices alone have code for fewer rows.
// CHECK-LABEL: func.func @any_width(
// CHECK-NOT: call @any_width
lutra.kernel @any_width(%x: tensor<1x8x?x16xf32>, %f: tensor<1x1x16x32xf32, #lutra.packing<width = 16, depth = 1>>) -> tensor<1x8x?x32xf32> {
  %r = lutra.conv<channels_last> %x, %f {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64, fewer_rows = [{most = 1 : i64, strategy = #lutra.strategy<"scalar">}]} : (tensor<1x8x?x16xf32>, tensor<1x1x16x32xf32, #lutra.packing<width = 16, depth = 1>>) -> tensor<1x8x?x32xf32>
  lutra.yield %r : tensor<1x8x?x32xf32>
}
