// RUN: lutra-opt %s --lutra-choose-strategy=targets=amx --remark-format=emitRemark --remarks-filter=lutra-choose-strategy 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t
// RUN: lutra-opt %s --lutra-choose-strategy=targets=avx2 | FileCheck %s --check-prefix=PLAIN
// RUN: lutra-opt %s --lutra-choose-strategy="targets=amx strategy=rescaled,auto" | FileCheck %s --check-prefix=NAMED
// RUN: lutra-opt %s --lutra-choose-strategy=targets=amx --convert-lutra-to-tile=target=amx | FileCheck %s --check-prefix=TILE
// RUN: lutra-opt %s --lutra-choose-strategy=targets=amx --convert-lutra-to-tile=target=avx2 | FileCheck %s --check-prefix=SAME

// Fewer rows than two tiles of AMX have take codes as they are. Levels without tiles compute all rows one way but a
// single row, which meets more panels at once beside sums of pairs.
// REMARK: Chosen=rescaled, {{.*}}FewerRows="coded up to 31 rows {{.*}} cycles"
// CHECK-LABEL: lutra.kernel @unknown
// CHECK: fewer_rows = [{most = 31 : i64, strategy = #lutra.strategy<"coded">}], rounds_rhs, strategy = #lutra.strategy<"rescaled">
// PLAIN-LABEL: lutra.kernel @unknown
// PLAIN: fewer_rows = [{most = 1 : i64, strategy = #lutra.strategy<"coded">}]
// NAMED-LABEL: lutra.kernel @unknown
// NAMED: fewer_rows = [{most = 31 : i64, strategy = #lutra.strategy<"coded">}]
// TILE: func.func private @unknown.rows31.grid
// TILE: func.func private @unknown.rows31(
// TILE: func.func private @unknown.rows.grid
// TILE: func.func private @unknown.rows(
// TILE-LABEL: func.func @unknown.grid
// TILE: %[[FEW:.*]] = arith.cmpi sle
// TILE: scf.if %[[FEW]] -> (index)
// TILE-NEXT: call @unknown.rows31.grid(
// TILE: call @unknown.rows.grid(
// TILE-LABEL: func.func @unknown(
// TILE-SAME: lutra.kernel
// TILE: call @unknown.rows31(
// TILE: call @unknown.rows(
// SAME-NOT: rows31
#w4 = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 128], zero = const<8.0>>], packing = #lutra.packing<width = 16, depth = 8>>
lutra.kernel @unknown(%x: tensor<?x512xi8>, %s: tensor<?x1xf32>, %w: tensor<64x512xf32, #w4>) -> tensor<?x64xf32> {
  %r = lutra.matmul %x, %w scale(%s : tensor<?x1xf32>) {block = 512 : i64, rounds_rhs, transpose_rhs}
         : (tensor<?x512xi8>, tensor<64x512xf32, #w4>) -> tensor<?x64xf32>
  lutra.yield %r : tensor<?x64xf32>
}

// One strategy is the only one for a known number.
// CHECK-LABEL: lutra.kernel @known
// CHECK-NOT: fewer_rows
lutra.kernel @known(%x: tensor<16x512xi8>, %s: tensor<16x1xf32>, %w: tensor<64x512xf32, #w4>) -> tensor<16x64xf32> {
  %r = lutra.matmul %x, %w scale(%s : tensor<16x1xf32>) {block = 512 : i64, rounds_rhs, transpose_rhs}
         : (tensor<16x512xi8>, tensor<64x512xf32, #w4>) -> tensor<16x64xf32>
  lutra.yield %r : tensor<16x64xf32>
}
