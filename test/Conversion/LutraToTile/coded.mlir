// RUN: lutra-opt %s --convert-lutra-to-tile=target=avx2 --canonicalize --cse | FileCheck %s
// RUN: lutra-opt %s --convert-lutra-to-tile=target=amx --canonicalize --cse | FileCheck %s --check-prefix=AMX
// RUN: lutra-opt %s --convert-lutra-to-tile=target=avx512vnni --canonicalize --cse | FileCheck %s --check-prefix=VNNI

// Codes of all groups become bytes with one scale a column: sums stay integers, in tiles, and wait as such. Rows that
// fill tiles are read as they lie; sums begin in the first turn and wait from the second on.
// AMX-LABEL: func.func @rescaled(%arg0: memref<64x512xi8>,
// AMX: memref.alloca() {{.*}} : memref<3x64x32xi32>
// AMX: math.absf
// AMX: arith.divf
// AMX: lutra.tile_unpack {{.*}} {bits = 4 : i64}
// AMX: lutra.tile_rescale {{.*}} : <2x64xi8>, <1x32xi16>
// AMX-NOT: lutra.tile_load {{.*}} : memref<3x64x32xi32>
// AMX-COUNT-8: lutra.tile_coded_matmul %arg0{{.*}} depth %c64 {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes} : {{.*}} -> <32x32xi32>
// AMX: lutra.tile_store {{.*}} : <32x32xi32>, memref<3x64x32xi32>
// AMX: lutra.tile_load {{.*}} : memref<3x64x32xi32> -> <8x32xi32>
// With VNNI alone bytes have no sign: they are 128 more, and 128 times the totals of rows are taken off at the end.
// Sums begin in the first turn here too.
// VNNI-LABEL: func.func @rescaled(
// VNNI-DAG: %[[TOTALS:.*]] = memref.alloca() {{.*}} : memref<1x64xi32>
// VNNI-DAG: %[[WAITING:.*]] = memref.alloca() {{.*}} : memref<2x64x32xi32>
// VNNI: lutra.tile_coded_matmul {{.*}} {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes, unsigned_lhs} : {{.*}} -> <1x16xi32>
// VNNI-NEXT: lutra.tile_store {{.*}}, %[[TOTALS]]
// VNNI: lutra.tile_rescale {{.*}} : <2x64xi8>, <1x32xi16>
// VNNI-NOT: lutra.tile_load %[[WAITING]]
// VNNI: lutra.tile_coded_matmul {{.*}} depth %c512 {bits = 8 : i64, lhs_row_dim = 2 : i64, lhs_words} : {{.*}} -> <8x32xi32>
// VNNI-NEXT: lutra.tile_store {{.*}}, %[[WAITING]]
// VNNI: lutra.tile_load %[[TOTALS]]
// VNNI: arith.subi
// CHECK-LABEL: func.func @rescaled(
// CHECK-NOT: lutra.tile_rescale
#r4 = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 128], zero = tensor<u4, 1, 128>>], packing = #lutra.packing<width = 16, depth = 8>>
lutra.kernel @rescaled(%a: tensor<64x512xi8>, %s: tensor<64x1xf32>, %w: tensor<32x512xf32, #r4>) -> tensor<64x32xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<64x1xf32>) {transpose_rhs, block = 512 : i64, rounds_rhs, strategy = #lutra.strategy<"rescaled">} : (tensor<64x512xi8>, tensor<32x512xf32, #r4>) -> tensor<64x32xf32>
  lutra.yield %r : tensor<64x32xf32>
}

// More rows share what is unpacked where they are read as they lie; those of a copy, on the stack, are half as many. Rows
// at a distance that has them all in the same place of a cache are copied.
// AMX-LABEL: func.func @rescaled_shared(
// AMX: memref.alloca() {{.*}} : memref<3x256x32xi32>
// AMX-LABEL: func.func @rescaled_conflicting(
// AMX-DAG: memref.alloca() {{.*}} : memref<3x128x32xi32>
// AMX-DAG: memref.alloca() {{.*}} : memref<8192x64xi8>
// AMX-LABEL: func.func @rescaled_copied(
// AMX-DAG: memref.alloca() {{.*}} : memref<3x128x32xi32>
// AMX-DAG: memref.alloca() {{.*}} : memref<1024x64xi8>
#r128 = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 128]>], packing = #lutra.packing<width = 16, depth = 8>>
lutra.kernel @rescaled_shared(%a: tensor<512x512xi8>, %s: tensor<512x1xf32>, %w: tensor<32x512xf32, #r128>) -> tensor<512x32xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<512x1xf32>) {transpose_rhs, block = 512 : i64, rounds_rhs, strategy = #lutra.strategy<"rescaled">} : (tensor<512x512xi8>, tensor<32x512xf32, #r128>) -> tensor<512x32xf32>
  lutra.yield %r : tensor<512x32xf32>
}
lutra.kernel @rescaled_conflicting(%a: tensor<384x4096xi8>, %s: tensor<384x1xf32>, %w: tensor<32x4096xf32, #r128>) -> tensor<384x32xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<384x1xf32>) {transpose_rhs, block = 4096 : i64, rounds_rhs, strategy = #lutra.strategy<"rescaled">} : (tensor<384x4096xi8>, tensor<32x4096xf32, #r128>) -> tensor<384x32xf32>
  lutra.yield %r : tensor<384x32xf32>
}
lutra.kernel @rescaled_copied(%a: tensor<511x512xi8>, %s: tensor<511x1xf32>, %w: tensor<32x512xf32, #r128>) -> tensor<511x32xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<511x1xf32>) {transpose_rhs, block = 512 : i64, rounds_rhs, strategy = #lutra.strategy<"rescaled">} : (tensor<511x512xi8>, tensor<32x512xf32, #r128>) -> tensor<511x32xf32>
  lutra.yield %r : tensor<511x32xf32>
}

// Rows are read as they lie; sums of each group of a row are made first, then panels of codes meet four rows, two, one.
// The last columns are bounded.
// With AMX, tiles of a number of rows that is not known are filled: copies of rows and of scales have that many, and
// only the last rows, if few, take codes as they lie and need their sums.
// AMX-LABEL: func.func @groups(
// AMX-DAG: memref.alloca() {{.*}} : memref<2x[[ROWS:[0-9]+]]xf32>
// AMX-DAG: memref.alloca() {{.*}} : memref<[[ROWS]]x64xi8>
// AMX: lutra.tile_reduce<sum> {{.*}} -> <i32>
// AMX: lutra.tile_coded_matmul {{.*}} depth %c32 {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes} : {{.*}} -> <16x16xi32>
// AMX-NOT: signed_codes} : {{.*}} -> <8x
// AMX: lutra.tile_coded_matmul {{.*}} depth %c32 {bits = 4 : i64, lhs_row_dim = 0 : i64} : {{.*}} -> <8x16xi32>
// CHECK-LABEL: func.func @groups(
// CHECK: %[[SUMS:.*]] = memref.alloca() {{.*}} : memref<2x128xf32>
// CHECK: lutra.tile_reduce<sum> {{.*}} -> <i32>
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}) -> (!lutra.tile<4x16xf32>)
// CHECK: lutra.tile_coded_matmul {{.*}} depth %c32 {bits = 4 : i64, lhs_row_dim = 0 : i64} : memref<?x64xi8>, {{.*}} -> <4x16xi32>
// CHECK: lutra.tile_map
// CHECK: lutra.tile_coded_matmul {{.*}} -> <2x16xi32>
// CHECK: lutra.tile_coded_matmul {{.*}} -> <1x16xi32>
// CHECK: lutra.tile_store {{.*}} bounds(%c4, %c3)
#w4 = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32], zero = tensor<u4, 1, 32>>], packing = #lutra.packing<width = 16, depth = 8>>
lutra.kernel @groups(%a: tensor<?x64xi8>, %s: tensor<?x2xf32>, %w: tensor<19x64xf32, #w4>) -> tensor<?x19xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<?x2xf32>) {transpose_rhs, block = 32 : i64, strategy = #lutra.strategy<"coded">} : (tensor<?x64xi8>, tensor<19x64xf32, #w4>) -> tensor<?x19xf32>
  lutra.yield %r : tensor<?x19xf32>
}

// Rows that end within a step of the panels are copied and filled up; without zero points there are no sums of rows.
// CHECK-LABEL: func.func @ragged(
// CHECK: %[[ROWS:.*]] = memref.alloca() {{.*}} : memref<4x56xi8>
// CHECK-NOT: tile_reduce
// CHECK: lutra.tile_store %{{.*}}, %[[ROWS]]
// CHECK: lutra.tile_coded_matmul %[[ROWS]]{{.*}} depth %c56
#row = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, row]>], packing = #lutra.packing<width = 16, depth = 8>>
lutra.kernel @ragged(%a: tensor<4x50xi8>, %s: tensor<4x1xf32>, %w: tensor<16x50xf32, #row>) -> tensor<4x16xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<4x1xf32>) {transpose_rhs, block = 50 : i64, strategy = #lutra.strategy<"coded">} : (tensor<4x50xi8>, tensor<16x50xf32, #row>) -> tensor<4x16xf32>
  lutra.yield %r : tensor<4x16xf32>
}

// With AMX two panels are unpacked in turns, less their zero points. Products of a tile of steps each, the codes of the
// next turn and the scaling of the sums of the one before take turns; only then do sums go to memory. No sums of rows
// are needed; rows are copied so that those of a turn lie together, and scales by groups.
// AMX-LABEL: func.func @blocks(
// AMX-NOT: tile_reduce
// AMX-DAG: %[[ROWS:.*]] = memref.alloca() {{.*}} : memref<32x128xi8>
// AMX-DAG: memref.alloca() {{.*}} : memref<2x16xf32>
// AMX-DAG: %[[PARTIAL:.*]] = memref.alloca() {{.*}} : memref<2x1x16x32xi32>
// AMX-DAG: %[[WAITING:.*]] = memref.alloca() {{.*}} : memref<{{[0-9]}}x16x32xf32>
// AMX: lutra.tile_store {{.*}}, %[[ROWS]]
// AMX: lutra.tile_unpack
// AMX: %[[HALF:.*]] = lutra.tile_coded_matmul {{.*}} depth %c64 {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes} : {{.*}} -> <16x32xi32>
// AMX: lutra.tile_unpack
// AMX: %[[SUM:.*]] = lutra.tile_coded_matmul {{.*}}, %[[HALF]] depth %c64
// AMX-NEXT: lutra.tile_store %[[SUM]], %[[PARTIAL]][%c0,
// AMX: %[[HALF:.*]] = lutra.tile_coded_matmul
// AMX: lutra.tile_load %[[PARTIAL]][{{.*}} -> <16x16xi32>
// AMX: lutra.tile_store {{.*}}, %[[WAITING]]
// AMX: %[[NEXT:.*]] = lutra.tile_coded_matmul {{.*}}, %[[HALF]] depth
// AMX: lutra.tile_load %[[PARTIAL]][{{.*}} -> <16x16xi32>
// AMX: lutra.tile_store {{.*}}, %[[WAITING]]
// AMX-NEXT: lutra.tile_store %[[NEXT]], %[[PARTIAL]]
// CHECK-LABEL: func.func @blocks(
// CHECK: lutra.tile_coded_matmul {{.*}} -> <4x16xi32>
#g128 = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 128], zero = tensor<u4, 1, 128>>], packing = #lutra.packing<width = 16, depth = 8>>
lutra.kernel @blocks(%a: tensor<16x256xi8>, %s: tensor<16x2xf32>, %w: tensor<48x256xf32, #g128>) -> tensor<16x48xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<16x2xf32>) {transpose_rhs, block = 128 : i64, strategy = #lutra.strategy<"coded">} : (tensor<16x256xi8>, tensor<48x256xf32, #g128>) -> tensor<16x48xf32>
  lutra.yield %r : tensor<16x48xf32>
}

// Three tiles of rows are units of four turns: each asks for a few lines of the result, and unpacks a third of the next
// turn's codes, where there is one.
// AMX-LABEL: func.func @units(
// AMX: %[[PARTS:.*]] = memref.alloca() {{.*}} : memref<2x2x16x32xi32>
// AMX: scf.for %[[UNIT:.*]] = %c1 to %c12 step %c1
// AMX-DAG: %[[TURN:.*]] = arith.divui %[[UNIT]], %c3
// AMX-DAG: %[[PLACE:.*]] = arith.remui %[[UNIT]], %c2
// AMX: %[[FIRST:.*]] = lutra.tile_coded_matmul {{.*}} depth %c64 {{.*}}signed_codes} : {{.*}} -> <16x32xi32>
// AMX: memref.prefetch {{.*}} write
// AMX: %[[NEXT:.*]] = arith.addi %[[TURN]], %c1
// AMX: scf.for {{.*}} = %[[NEXT]] to
// AMX: lutra.tile_unpack
// AMX: lutra.tile_load %[[PARTS]]
// AMX: %[[SECOND:.*]] = lutra.tile_coded_matmul
// AMX-NEXT: lutra.tile_store %[[FIRST]], %[[PARTS]][%[[PLACE]],
// AMX: lutra.tile_load %[[PARTS]]
// AMX: lutra.tile_store %[[SECOND]], %[[PARTS]][%[[PLACE]],
#g64 = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 64], zero = const<8.0>>], packing = #lutra.packing<width = 16, depth = 8>>
lutra.kernel @units(%a: tensor<48x512xi8>, %s: tensor<48x8xf32>, %w: tensor<32x512xf32, #g64>) -> tensor<48x32xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<48x8xf32>) {transpose_rhs, block = 64 : i64, strategy = #lutra.strategy<"coded">} : (tensor<48x512xi8>, tensor<32x512xf32, #g64>) -> tensor<48x32xf32>
  lutra.yield %r : tensor<48x32xf32>
}

// Tiles of AMX cut groups of 200 evenly, in four of 52 steps, of which the last meets 8 entries that are cleared before.
// AMX-LABEL: func.func @uneven(
// AMX-DAG: memref.alloca() {{.*}} : memref<32x208xi8>
// AMX-DAG: memref.alloca() {{.*}} : memref<13312xi8>
// AMX-DAG: %[[NONE:.*]] = lutra.tile_fill %{{.*}} : i8 -> <1x64xi8>
// AMX: lutra.tile_store %[[NONE]]
// AMX: lutra.tile_coded_matmul {{.*}} depth %c208 {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes} : {{.*}} -> <16x32xi32>
#g200 = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 200], zero = tensor<u4, 1, 200>>], packing = #lutra.packing<width = 16, depth = 8>>
lutra.kernel @uneven(%a: tensor<16x400xi8>, %s: tensor<16x2xf32>, %w: tensor<48x400xf32, #g200>) -> tensor<16x48xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<16x2xf32>) {transpose_rhs, block = 200 : i64, strategy = #lutra.strategy<"coded">} : (tensor<16x400xi8>, tensor<48x400xf32, #g200>) -> tensor<16x48xf32>
  lutra.yield %r : tensor<16x48xf32>
}

// Entries of two digits are unpacked as two panels of bytes, of one panel in a turn; sums of both are joined before they
// are scaled.
// AMX-LABEL: func.func @digits(
// AMX: %[[PARTIAL:.*]] = memref.alloca() {{.*}} : memref<2x1x16x32xi32>
// AMX: lutra.tile_unpack {{.*}} values = array<i64: 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, -128, -96, -64, -32, 0, 64, -128, -64, 0, -1,
// AMX: lutra.tile_unpack {{.*}} values = array<i64: 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 0, 0,
// AMX: lutra.tile_coded_matmul {{.*}} signed_codes} : {{.*}} -> <16x32xi32>
// AMX: %[[LOW:.*]] = lutra.tile_load %[[PARTIAL]][{{.*}}, %c0] dims = [2, 3] {{.*}} -> <16x16xi32>
// AMX: %[[HIGH:.*]] = lutra.tile_load %[[PARTIAL]][{{.*}}, %c16] dims = [2, 3] {{.*}} -> <16x16xi32>
// AMX: lutra.tile_map(%[[LOW]], %[[HIGH]])
// AMX: arith.shli %{{.*}}, %c8_i32
#e3m2 = #lutra.encoding<[dense<uint<6>, float<3, 2, 3>, scales = [f32, 1, 128]>], packing = #lutra.packing<width = 16, depth = 16>>
lutra.kernel @digits(%a: tensor<16x256xi8>, %s: tensor<16x2xf32>, %w: tensor<48x256xf32, #e3m2>) -> tensor<16x48xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<16x2xf32>) {transpose_rhs, block = 128 : i64, strategy = #lutra.strategy<"coded">} : (tensor<16x256xi8>, tensor<48x256xf32, #e3m2>) -> tensor<16x48xf32>
  lutra.yield %r : tensor<16x48xf32>
}

// Vectors unpack two panels for all rows. Copies of these steps have words of 16 rows side by side, which make a panel
// of a product with ones: the sums of groups. Codes of the next turn are asked for before each group. Products are added
// to what the zero point takes off; sums of a turn wait together, and columns of some rows are finished side by side.
// VNNI-LABEL: func.func @shared(
// VNNI-DAG: %[[PACKED:.*]] = memref.alloca() {{.*}} : memref<32768xi8>
// VNNI-DAG: %[[STAGED:.*]] = memref.alloca() {{.*}} : memref<8192xi8>
// VNNI-DAG: %[[ONES:.*]] = memref.alloca() {{.*}} : memref<1x128xi8>
// VNNI-DAG: %[[SUMS:.*]] = memref.alloca() {{.*}} : memref<8x64xi32>
// VNNI-DAG: %[[WAITING:.*]] = memref.alloca() {{.*}} : memref<2x64x32xf32>
// VNNI-DAG: memref.alloca() {{.*}} : memref<16384xi8>
// VNNI: %[[ROWS:.*]] = memref.view %[[PACKED]]{{.*}} to memref<4x128x16x4xi8>
// VNNI: lutra.tile_load {{.*}} dims = [1, 0] {{.*}} : memref<16x128xi32> -> <16x16xi32>
// VNNI-NEXT: lutra.tile_store {{.*}} dims = [1, 2] {{.*}} : <16x16xi32>, memref<4x128x16xi32>
// VNNI: lutra.tile_coded_matmul %[[ONES]]{{.*}}, %[[ROWS]]{{.*}} depth %c128 {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes, unsigned_lhs} : {{.*}} -> <1x16xi32>
// VNNI: lutra.tile_store {{.*}}, %[[SUMS]]
// VNNI-COUNT-2: lutra.tile_unpack
// VNNI: %[[LESS:.*]] = lutra.tile_load %[[SUMS]]
// VNNI: %[[START:.*]] = lutra.tile_map(%{{.*}}, %[[LESS]])
// VNNI-COUNT-4: memref.prefetch
// VNNI: lutra.tile_coded_matmul %[[ROWS]]{{.*}}, %[[START]] depth %c128 {bits = 8 : i64, lhs_row_dim = 2 : i64, lhs_words, limit = 15 : i64} : {{.*}} -> <8x32xi32>
// VNNI-NEXT: lutra.tile_load %[[WAITING]]
// VNNI-NOT: arith.addf
// VNNI: lutra.tile_store {{.*}}, %[[WAITING]]
// VNNI: scf.for {{.*}} step %c8
// VNNI-NEXT: scf.for {{.*}} step %c32
// VNNI: lutra.tile_load %[[WAITING]]
#c128 = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 128], zero = const<8.0>>], packing = #lutra.packing<width = 16, depth = 8>>
lutra.kernel @shared(%a: tensor<64x1024xi8>, %s: tensor<64x8xf32>, %w: tensor<64x1024xf32, #c128>) -> tensor<64x64xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<64x8xf32>) {transpose_rhs, block = 128 : i64, strategy = #lutra.strategy<"coded">} : (tensor<64x1024xi8>, tensor<64x1024xf32, #c128>) -> tensor<64x64xf32>
  lutra.yield %r : tensor<64x64xf32>
}

// Few rows of which a stack does not hold all of K are copied for some turns after the other, which all panels meet then.
// AMX-LABEL: func.func @deep(
// AMX-DAG: memref.alloca() {{.*}} : memref<8192x64xi8>
// AMX-NOT: x49{{[0-9]+}}xi8> {
// AMX: scf.for {{.*}} step %c1 {
#deep = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, row]>], packing = #lutra.packing<width = 16, depth = 8>>
lutra.kernel @deep(%a: tensor<31x49160xi8>, %s: tensor<31x1xf32>, %w: tensor<64x49160xf32, #deep>) -> tensor<31x64xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<31x1xf32>) {transpose_rhs, block = 49160 : i64, strategy = #lutra.strategy<"coded">} : (tensor<31x49160xi8>, tensor<64x49160xf32, #deep>) -> tensor<31x64xf32>
  lutra.yield %r : tensor<31x64xf32>
}

// Rows that fill a tile are copied for few items, which have many columns each.
// AMX-LABEL: func.func @few.grid(
// AMX: return %c4 : index
// AMX-LABEL: func.func @few(
// AMX: memref.alloca() {{.*}} : memref<512x128xi8>
#few = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 128], zero = const<8.0>>], packing = #lutra.packing<width = 16, depth = 8>>
lutra.kernel @few(%a: tensor<16x4096xi8>, %s: tensor<16x32xf32>, %w: tensor<4096x4096xf32, #few>) -> tensor<16x4096xf32> {
  %r = lutra.matmul %a, %w scale(%s : tensor<16x32xf32>) {transpose_rhs, block = 128 : i64, strategy = #lutra.strategy<"coded">} : (tensor<16x4096xi8>, tensor<4096x4096xf32, #few>) -> tensor<16x4096xf32>
  lutra.yield %r : tensor<16x4096xf32>
}
