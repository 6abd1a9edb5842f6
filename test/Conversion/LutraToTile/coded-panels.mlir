// RUN: lutra-opt %s --convert-lutra-to-tile=target=avx2 --canonicalize --cse | FileCheck %s
// RUN: lutra-opt %s --convert-lutra-to-tile=target=avx512 --canonicalize --cse | FileCheck %s --check-prefix=ONE

// Beside sums of pairs a single row meets two panels at once where each step of one is a word.
// CHECK-LABEL: func.func @words(
// CHECK: lutra.tile_coded_matmul {{.*}} -> <1x32xi32>
// ONE-LABEL: func.func @words(
// ONE: lutra.tile_coded_matmul {{.*}} -> <1x16xi32>
#w4 = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 64], zero = const<8.0>>], packing = #lutra.packing<width = 16, depth = 8>>
lutra.kernel @words(%a: tensor<1x128xi8>, %s: tensor<1x1xf32>, %w: tensor<64x128xf32, #w4>) -> tensor<1x64xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<1x1xf32>) {transpose_rhs, block = 128 : i64, strategy = #lutra.strategy<"coded">} : (tensor<1x128xi8>, tensor<64x128xf32, #w4>) -> tensor<1x64xf32>
  lutra.yield %r : tensor<1x64xf32>
}

// Codes of three bits take three words, which registers hold of one panel alone.
// CHECK-LABEL: func.func @more(
// CHECK: lutra.tile_coded_matmul {{.*}} -> <1x16xi32>
// ONE-LABEL: func.func @more(
#w3 = #lutra.encoding<[dense<uint<3>, affine, scales = [f16, 1, 64], zero = const<4.0>>], packing = #lutra.packing<width = 16, depth = 32>>
lutra.kernel @more(%a: tensor<1x128xi8>, %s: tensor<1x1xf32>, %w: tensor<64x128xf32, #w3>) -> tensor<1x64xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<1x1xf32>) {transpose_rhs, block = 128 : i64, strategy = #lutra.strategy<"coded">} : (tensor<1x128xi8>, tensor<64x128xf32, #w3>) -> tensor<1x64xf32>
  lutra.yield %r : tensor<1x64xf32>
}

// Two rows leave registers for one.
// CHECK-LABEL: func.func @rows(
// CHECK: lutra.tile_coded_matmul {{.*}} -> <2x16xi32>
lutra.kernel @rows(%a: tensor<2x128xi8>, %s: tensor<2x1xf32>, %w: tensor<64x128xf32, #w4>) -> tensor<2x64xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<2x1xf32>) {transpose_rhs, block = 128 : i64, strategy = #lutra.strategy<"coded">} : (tensor<2x128xi8>, tensor<64x128xf32, #w4>) -> tensor<2x64xf32>
  lutra.yield %r : tensor<2x64xf32>
}
