// RUN: lutra-opt %s --convert-lutra-to-tile=target=avx512vbmi --canonicalize --cse | FileCheck %s

// Planes of every row first, and how many ones each group has; then four rows at a time with two panels.
// CHECK-LABEL: func.func @signs(
// CHECK-DAG: %[[SUMS:.*]] = memref.alloca() {{.*}} : memref<2x4xf32>
// CHECK-DAG: %[[PLANES:.*]] = memref.alloca() {{.*}} : memref<4x1x4xi32>
// CHECK-DAG: %[[ONES:.*]] = memref.alloca() {{.*}} : memref<2x4xi32>
// CHECK: %[[TILE:.*]] = lutra.tile_bit_planes %{{.*}} {code_bits = 1 : i64} : memref<4x128xi8> -> <1x2xi32>
// CHECK: lutra.tile_store %[[TILE]], %[[PLANES]]
// CHECK: lutra.tile_store %{{.*}}, %[[ONES]]
// CHECK: %[[START:.*]] = lutra.tile_load %[[ONES]]
// CHECK: %[[FROM:.*]] = lutra.tile_map(%{{.*}}, %[[START]]
// CHECK: lutra.tile_bitserial_matmul %[[PLANES]][{{.*}}, %[[FROM]] {bits = 1 : i64, depth = 64 : i64} : memref<4x1x4xi32>, {{.*}} -> <4x32xi32>
#w1 = #lutra.encoding<[dense<uint<1>, bipolar, scales = [f16, 1, 64]>], act = int<1, sym, row>, packing = #lutra.packing<width = 16, depth = 32>>
lutra.kernel @signs(%a: tensor<4x128xi8>, %s: tensor<4x1xf32>, %w: tensor<40x128xf32, #w1>) -> tensor<4x40xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<4x1xf32>) {transpose_rhs, block = 128 : i64, strategy = #lutra.strategy<"bitserial">} : (tensor<4x128xi8>, tensor<40x128xf32, #w1>) -> tensor<4x40xf32>
  lutra.yield %r : tensor<4x40xf32>
}

// Two bits have two planes and nothing to begin with. 96 is three words: a pair, and one.
// CHECK-LABEL: func.func @twos(
// CHECK: lutra.tile_bit_planes %{{.*}} {code_bits = 2 : i64} : memref<1x96xi8> -> <2x2xi32>
// CHECK: lutra.tile_bit_planes %{{.*}} {code_bits = 2 : i64} : memref<1x96xi8> -> <2x1xi32>
// CHECK: lutra.tile_bitserial_matmul {{.*}} {bits = 2 : i64, depth = 96 : i64} : memref<{{[0-9]+}}x2x3xi32>, {{.*}} -> <1x64xi32>
#w2 = #lutra.encoding<[dense<uint<2>, affine, scales = [f16, row]>], act = int<2, sym, row>, packing = #lutra.packing<width = 16, depth = 16>>
lutra.kernel @twos(%a: tensor<1x96xi8>, %s: tensor<1x1xf32>, %w: tensor<64x96xf32, #w2>) -> tensor<1x64xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<1x1xf32>) {transpose_rhs, block = 96 : i64, strategy = #lutra.strategy<"bitserial">} : (tensor<1x96xi8>, tensor<64x96xf32, #w2>) -> tensor<1x64xf32>
  lutra.yield %r : tensor<1x64xf32>
}
