// RUN: lutra-opt %s --convert-lutra-to-tile=target=avx2 --canonicalize --cse | FileCheck %s

// Tables of every row first, then panels of words of one byte: two rows at a time, and one.
// CHECK-LABEL: func.func @groups(
// CHECK-DAG: %[[SUMS:.*]] = memref.alloca() {{.*}} : memref<2x4xf32>
// CHECK-DAG: %[[TABLES:.*]] = memref.alloca() {{.*}} : memref<4x8x4x32xi8>
// CHECK: lutra.tile_reduce<sum> {{.*}} -> <i32>
// CHECK: %[[TILE:.*]] = lutra.tile_subset_sums %{{.*}} : memref<3x128xi8> -> <4x32xi8>
// CHECK: lutra.tile_store %[[TILE]], %[[TABLES]]
// CHECK: lutra.tile_lookup_matmul %[[TABLES]][{{.*}} {depth = 64 : i64} : memref<4x8x4x32xi8>, {{.*}} -> <2x16xi32>
// CHECK: lutra.tile_map
// CHECK: lutra.tile_lookup_matmul %[[TABLES]][{{.*}} -> <1x16xi32>
#w1 = #lutra.encoding<[dense<uint<1>, bipolar, scales = [f16, 1, 64]>], packing = #lutra.packing<width = 16, depth = 8>>
lutra.kernel @groups(%a: tensor<3x128xi8>, %s: tensor<3x1xf32>, %w: tensor<19x128xf32, #w1>) -> tensor<3x19xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<3x1xf32>) {transpose_rhs, block = 128 : i64, strategy = #lutra.strategy<"lookup">} : (tensor<3x128xi8>, tensor<19x128xf32, #w1>) -> tensor<3x19xf32>
  lutra.yield %r : tensor<3x19xf32>
}

// A single row meets two panels at once, whose sums leave one after the other; the third alone.
// CHECK-LABEL: func.func @single(
// CHECK: lutra.tile_subset_sums
// CHECK: %[[SUM:.*]] = lutra.tile_lookup_matmul {{.*}} {across, depth = 64 : i64} {{.*}} -> <2x16xi32>
// CHECK: lutra.tile_map(%[[SUM]],
// CHECK: lutra.tile_store {{.*}} memref<1x40xf32>
// CHECK: lutra.tile_store {{.*}} memref<1x40xf32>
// CHECK: lutra.tile_lookup_matmul {{.*}} {depth = 64 : i64} {{.*}} -> <1x16xi32>
// CHECK: lutra.tile_store {{.*}} bounds(%{{.*}}, %c8)
lutra.kernel @single(%a: tensor<1x128xi8>, %s: tensor<1x1xf32>, %w: tensor<40x128xf32, #w1>) -> tensor<1x40xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<1x1xf32>) {transpose_rhs, block = 128 : i64, strategy = #lutra.strategy<"lookup">} : (tensor<1x128xi8>, tensor<40x128xf32, #w1>) -> tensor<1x40xf32>
  lutra.yield %r : tensor<1x40xf32>
}

// Of seven panels four at once, then two, then the last.
// CHECK-LABEL: func.func @many(
// CHECK: lutra.tile_lookup_matmul {{.*}} {across, depth = 64 : i64} {{.*}} -> <4x16xi32>
// CHECK: lutra.tile_lookup_matmul {{.*}} {across, depth = 64 : i64} {{.*}} -> <2x16xi32>
// CHECK: lutra.tile_lookup_matmul {{.*}} {depth = 64 : i64} {{.*}} -> <1x16xi32>
lutra.kernel @many(%a: tensor<1x128xi8>, %s: tensor<1x1xf32>, %w: tensor<112x128xf32, #w1>) -> tensor<1x112xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<1x1xf32>) {transpose_rhs, block = 128 : i64, strategy = #lutra.strategy<"lookup">} : (tensor<1x128xi8>, tensor<112x128xf32, #w1>) -> tensor<1x112xf32>
  lutra.yield %r : tensor<1x112xf32>
}

// Planes of three bits: 16 steps of K are two words of each, and a group of 64 begins 24 words after the one before it.
// CHECK-LABEL: func.func @planes(
// CHECK: lutra.tile_subset_sums
// CHECK: arith.muli %{{.*}}, %c6
// CHECK: lutra.tile_lookup_matmul {{.*}} {bits = 3 : i64, depth = 64 : i64, plane_words = 2 : i64} {{.*}} -> <1x16xi32>
#w3 = #lutra.encoding<[dense<uint<3>, affine, scales = [f16, 1, 64]>], packing = #lutra.packing<width = 16, depth = 16>>
lutra.kernel @planes(%a: tensor<1x128xi8>, %s: tensor<1x1xf32>, %w: tensor<16x128xf32, #w3>) -> tensor<1x16xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<1x1xf32>) {transpose_rhs, block = 128 : i64, strategy = #lutra.strategy<"lookup">} : (tensor<1x128xi8>, tensor<16x128xf32, #w3>) -> tensor<1x16xf32>
  lutra.yield %r : tensor<1x16xf32>
}

// Activations of 6 bits: a byte holds a sum.
// CHECK-LABEL: func.func @small(
// CHECK-DAG: %[[TABLES:.*]] = memref.alloca() {{.*}} : memref<1x8x2x32xi8>
// CHECK: lutra.tile_subset_sums {{.*}} {lhs_bits = 6 : i64} : memref<1x128xi8> -> <2x32xi8>
// CHECK: lutra.tile_lookup_matmul %[[TABLES]]{{.*}} {depth = 64 : i64, lhs_bits = 6 : i64}
#w6 = #lutra.encoding<[dense<uint<1>, bipolar, scales = [f16, 1, 64]>], act = int<6, sym, row>, packing = #lutra.packing<width = 16, depth = 8>>
lutra.kernel @small(%a: tensor<1x128xi8>, %s: tensor<1x1xf32>, %w: tensor<16x128xf32, #w6>) -> tensor<1x16xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<1x1xf32>) {transpose_rhs, block = 128 : i64, strategy = #lutra.strategy<"lookup">} : (tensor<1x128xi8>, tensor<16x128xf32, #w6>) -> tensor<1x16xf32>
  lutra.yield %r : tensor<1x16xf32>
}
