// Rows of signed bytes as magnitudes and masks: two rows meet two panels at once. Where blocks of columns would be narrow,
// rows are cut into items (32 of 128 rows, 128 of 256 columns), so that masks are made for few blocks; with many columns all
// rows are one item's, and 512 columns. Blocks of K are such that two panels fill half of a first level.
// RUN: lutra-opt %s --convert-lutra-to-tile=target=avx2 | FileCheck %s

// CHECK-LABEL: func.func @few.grid
// CHECK: %[[ITEMS:.*]] = arith.constant 8 : index
// CHECK: return %[[ITEMS]]
// CHECK-LABEL: func.func @few(
// CHECK-DAG: memref.alloca() {alignment = 64 : i64} : memref<32x128xi32>
// CHECK-DAG: memref.alloca() {alignment = 64 : i64} : memref<16384xi8>
// CHECK: lutra.tile_coded_matmul {{.*}} -> <2x32xi32>
lutra.kernel @few(%x: tensor<128x1024xi8>, %w: tensor<1024x256xi8, #lutra.packing<width = 16, depth = 4>>) -> tensor<128x256xi32> {
  %y = lutra.matmul %x, %w {strategy = #lutra.strategy<"bytes">} : (tensor<128x1024xi8>, tensor<1024x256xi8, #lutra.packing<width = 16, depth = 4>>) -> tensor<128x256xi32>
  lutra.yield %y : tensor<128x256xi32>
}

// CHECK-LABEL: func.func @many(
// CHECK-DAG: memref.alloca() {alignment = 64 : i64} : memref<128x512xi32>
// CHECK: lutra.tile_coded_matmul {{.*}} -> <2x32xi32>
lutra.kernel @many(%x: tensor<128x1024xi8>, %w: tensor<1024x4096xi8, #lutra.packing<width = 16, depth = 4>>) -> tensor<128x4096xi32> {
  %y = lutra.matmul %x, %w {strategy = #lutra.strategy<"bytes">} : (tensor<128x1024xi8>, tensor<1024x4096xi8, #lutra.packing<width = 16, depth = 4>>) -> tensor<128x4096xi32>
  lutra.yield %y : tensor<128x4096xi32>
}
