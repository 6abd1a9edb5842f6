// RUN: lutra-opt %s --convert-lutra-to-tile=target=avx512 --canonicalize --cse | FileCheck %s
// RUN: lutra-opt %s --convert-lutra-to-tile=target=avx2 --canonicalize --cse | FileCheck %s --check-prefix=FEW

// Elements of rows as they lie meet codes, a group at a time; four rows with four panels, or one where registers are few.
// CHECK-LABEL: func.func @groups(
// CHECK: lutra.tile_shift_matmul %{{.*}} {bits = 4 : i64, depth = 64 : i64, lhs_row_dim = 0 : i64} : memref<4x128xi8>, {{.*}} -> <4x64xi32>
// CHECK-NOT: lutra.tile_coded_matmul
// FEW-LABEL: func.func @groups(
// FEW: lutra.tile_shift_matmul {{.*}} -> <4x16xi32>
#w4 = #lutra.encoding<[dense<uint<4>, pot<1, 3>, scales = [f16, 1, 64]>], act = int<8, sym, row>, packing = #lutra.packing<width = 16, depth = 8>>
lutra.kernel @groups(%a: tensor<4x128xi8>, %s: tensor<4x1xf32>, %w: tensor<64x128xf32, #w4>) -> tensor<4x64xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<4x1xf32>) {transpose_rhs, block = 128 : i64, strategy = #lutra.strategy<"shift">} : (tensor<4x128xi8>, tensor<64x128xf32, #w4>) -> tensor<4x64xf32>
  lutra.yield %r : tensor<4x64xf32>
}

// A row that ends within a step is copied and filled up.
// CHECK-LABEL: func.func @ragged(
// CHECK: memref.alloca() {{.*}} : memref<4x128xi8>
// CHECK: lutra.tile_shift_matmul %{{.*}} {bits = 3 : i64, depth = 128 : i64, lhs_row_dim = 0 : i64}
#w3 = #lutra.encoding<[dense<uint<3>, pot<1, 2>, scales = [f16, row]>], act = int<8, sym, row>, packing = #lutra.packing<width = 16, depth = 32>>
lutra.kernel @ragged(%a: tensor<1x100xi8>, %s: tensor<1x1xf32>, %w: tensor<16x100xf32, #w3>) -> tensor<1x16xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<1x1xf32>) {transpose_rhs, block = 100 : i64, strategy = #lutra.strategy<"shift">} : (tensor<1x100xi8>, tensor<16x100xf32, #w3>) -> tensor<1x16xf32>
  lutra.yield %r : tensor<1x16xf32>
}
