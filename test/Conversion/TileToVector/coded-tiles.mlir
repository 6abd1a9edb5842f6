// RUN: lutra-opt %s --convert-tile-to-vector=target=amx | FileCheck %s

// Sums that only memory takes are stored as tiles, at a distance of 48 sums of 4 bytes; no vector holds them.
// CHECK-LABEL: func.func @stored(
// CHECK: llvm.x86.tilezero.internal
// CHECK: llvm.x86.tdpbssd.internal
// CHECK: llvm.x86.tilestored64.internal
// CHECK-NOT: vector.store
func.func @stored(%x: memref<16x64xi8>, %w: memref<1x16x16x4xi8>, %y: memref<16x48xi32>, %i: index) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %d = arith.constant 64 : index
  %zero = arith.constant 0 : i32
  %a = lutra.tile_fill %zero : i32 -> !lutra.tile<16x16xi32>
  %r = lutra.tile_coded_matmul %x[%z, %z], %w[%z, %z], %a depth %d {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes}
         : memref<16x64xi8>, memref<1x16x16x4xi8>, !lutra.tile<16x16xi32> -> !lutra.tile<16x16xi32>
  lutra.tile_store %r, %y[%z, %i] dims = [0, 1] steps = [1, 1] : !lutra.tile<16x16xi32>, memref<16x48xi32>
  return
}

// Fewer rows than a tile holds are one where no other number occurs: the pixels of a convolution's row.
// CHECK-LABEL: func.func @few(
// CHECK: llvm.x86.tdpbusd.internal
// CHECK-NOT: vpdpbusd
func.func @few(%x: memref<14x64xi8>, %w: memref<1x16x16x4xi8>, %y: memref<14x16xi32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %d = arith.constant 64 : index
  %zero = arith.constant 0 : i32
  %a = lutra.tile_fill %zero : i32 -> !lutra.tile<14x16xi32>
  %r = lutra.tile_coded_matmul %x[%z, %z], %w[%z, %z], %a depth %d {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes, unsigned_lhs}
         : memref<14x64xi8>, memref<1x16x16x4xi8>, !lutra.tile<14x16xi32> -> !lutra.tile<14x16xi32>
  lutra.tile_store %r, %y[%z, %z] dims = [0, 1] steps = [1, 1] : !lutra.tile<14x16xi32>, memref<14x16xi32>
  return
}

// Those that begin with what lies there are loaded as tiles.
// CHECK-LABEL: func.func @added(
// CHECK-NOT: llvm.x86.tilezero.internal
// CHECK: llvm.x86.tdpbssd.internal
// CHECK: llvm.x86.tilestored64.internal
// CHECK-NOT: vector.store
func.func @added(%x: memref<16x64xi8>, %w: memref<1x16x16x4xi8>, %y: memref<16x48xi32>, %i: index) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %d = arith.constant 64 : index
  %a = lutra.tile_load %y[%z, %i] dims = [0, 1] steps = [1, 1] : memref<16x48xi32> -> !lutra.tile<16x16xi32>
  %r = lutra.tile_coded_matmul %x[%z, %z], %w[%z, %z], %a depth %d {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes}
         : memref<16x64xi8>, memref<1x16x16x4xi8>, !lutra.tile<16x16xi32> -> !lutra.tile<16x16xi32>
  lutra.tile_store %r, %y[%z, %i] dims = [0, 1] steps = [1, 1] : !lutra.tile<16x16xi32>, memref<16x48xi32>
  return
}

// As few tiles as can be cover K evenly: two of 48 steps, of which a register has the shape.
// CHECK-LABEL: func.func @even(
// CHECK-DAG: llvm.mlir.constant(48 : i16)
// CHECK-DAG: llvm.mlir.constant(12 : i16)
// CHECK-NOT: llvm.mlir.constant(32 : i16)
// CHECK-COUNT-2: llvm.x86.tdpbssd.internal
// CHECK-NOT: llvm.x86.tdpbssd.internal
// CHECK: llvm.x86.tilestored64.internal
func.func @even(%x: memref<16x96xi8>, %w: memref<1x24x16x4xi8>, %y: memref<16x48xi32>, %i: index) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %d = arith.constant 96 : index
  %zero = arith.constant 0 : i32
  %a = lutra.tile_fill %zero : i32 -> !lutra.tile<16x16xi32>
  %r = lutra.tile_coded_matmul %x[%z, %z], %w[%z, %z], %a depth %d {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes}
         : memref<16x96xi8>, memref<1x24x16x4xi8>, !lutra.tile<16x16xi32> -> !lutra.tile<16x16xi32>
  lutra.tile_store %r, %y[%z, %i] dims = [0, 1] steps = [1, 1] : !lutra.tile<16x16xi32>, memref<16x48xi32>
  return
}

// Products stay where they are, and their sums in tiles, whatever is done between.
// CHECK-LABEL: func.func @between(
// CHECK: llvm.x86.tdpbssd.internal
// CHECK: vector.store
// CHECK: llvm.x86.tdpbssd.internal
// CHECK: vector.store
// CHECK: llvm.x86.tilestored64.internal
func.func @between(%x: memref<16x128xi8>, %w: memref<1x32x16x4xi8>, %y: memref<16x16xi32>, %o: memref<2x16xf32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %one = arith.constant 1 : index
  %d = arith.constant 64 : index
  %h = arith.constant 16 : index
  %zero = arith.constant 0 : i32
  %f = arith.constant 1.0 : f32
  %v = lutra.tile_fill %f : f32 -> !lutra.tile<16xf32>
  %a = lutra.tile_fill %zero : i32 -> !lutra.tile<16x16xi32>
  %r = lutra.tile_coded_matmul %x[%z, %z], %w[%z, %z], %a depth %d {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes}
         : memref<16x128xi8>, memref<1x32x16x4xi8>, !lutra.tile<16x16xi32> -> !lutra.tile<16x16xi32>
  lutra.tile_store %v, %o[%z, %z] dims = [1] steps = [1] : !lutra.tile<16xf32>, memref<2x16xf32>
  %s = lutra.tile_coded_matmul %x[%z, %d], %w[%z, %h], %r depth %d {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes}
         : memref<16x128xi8>, memref<1x32x16x4xi8>, !lutra.tile<16x16xi32> -> !lutra.tile<16x16xi32>
  lutra.tile_store %v, %o[%one, %z] dims = [1] steps = [1] : !lutra.tile<16xf32>, memref<2x16xf32>
  lutra.tile_store %s, %y[%z, %z] dims = [0, 1] steps = [1, 1] : !lutra.tile<16x16xi32>, memref<16x16xi32>
  return
}

// Sums that begin with those of another place are vectors.
// CHECK-LABEL: func.func @apart(
// CHECK: llvm.x86.tilestored64.internal
// CHECK: vector.store
func.func @apart(%x: memref<16x64xi8>, %w: memref<1x16x16x4xi8>, %y: memref<16x48xi32>, %i: index) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %d = arith.constant 64 : index
  %a = lutra.tile_load %y[%z, %z] dims = [0, 1] steps = [1, 1] : memref<16x48xi32> -> !lutra.tile<16x16xi32>
  %r = lutra.tile_coded_matmul %x[%z, %z], %w[%z, %z], %a depth %d {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes}
         : memref<16x64xi8>, memref<1x16x16x4xi8>, !lutra.tile<16x16xi32> -> !lutra.tile<16x16xi32>
  lutra.tile_store %r, %y[%z, %i] dims = [0, 1] steps = [1, 1] : !lutra.tile<16x16xi32>, memref<16x48xi32>
  return
}

// One row asks for the codes of both panels ahead. The upper codes of a byte stay where they are; what they add up to is
// shifted, once for each panel.
// CHECK-LABEL: func.func @row(
// CHECK-COUNT-2: memref.prefetch
// CHECK-NOT: arith.shrui
// CHECK: llvm.x86.avx512.vpdpbusd.512
// CHECK-NOT: arith.shrui
// CHECK-COUNT-2: arith.shrsi
// CHECK-NOT: arith.shrsi
func.func @row(%x: memref<1x64xi8>, %w: memref<2x8x16x4xi8>, %y: memref<1x32xi32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %d = arith.constant 64 : index
  %a = lutra.tile_load %y[%z, %z] dims = [-1, 1] steps = [1, 1] : memref<1x32xi32> -> !lutra.tile<1x32xi32>
  %r = lutra.tile_coded_matmul %x[%z, %z], %w[%z, %z], %a depth %d {bits = 4 : i64, lhs_row_dim = 0 : i64}
         : memref<1x64xi8>, memref<2x8x16x4xi8>, !lutra.tile<1x32xi32> -> !lutra.tile<1x32xi32>
  lutra.tile_store %r, %y[%z, %z] dims = [-1, 1] steps = [1, 1] : !lutra.tile<1x32xi32>, memref<1x32xi32>
  return
}

// Eight rows leave no registers for that: codes are shifted.
// CHECK-LABEL: func.func @rows(
// CHECK-COUNT-2: memref.prefetch
// CHECK: arith.shrui
// CHECK-NOT: arith.shrsi
func.func @rows(%x: memref<8x64xi8>, %w: memref<2x8x16x4xi8>, %y: memref<8x32xi32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %d = arith.constant 64 : index
  %a = lutra.tile_load %y[%z, %z] dims = [0, 1] steps = [1, 1] : memref<8x32xi32> -> !lutra.tile<8x32xi32>
  %r = lutra.tile_coded_matmul %x[%z, %z], %w[%z, %z], %a depth %d {bits = 4 : i64, lhs_row_dim = 0 : i64}
         : memref<8x64xi8>, memref<2x8x16x4xi8>, !lutra.tile<8x32xi32> -> !lutra.tile<8x32xi32>
  lutra.tile_store %r, %y[%z, %z] dims = [0, 1] steps = [1, 1] : !lutra.tile<8x32xi32>, memref<8x32xi32>
  return
}

// Rows that four tiles of sums meet pass by the entries of the first level.
// CHECK-LABEL: func.func @streamed(
// CHECK: llvm.x86.tileloadd64.internal
// CHECK: llvm.x86.tileloaddt164.internal
// CHECK: llvm.x86.tdpbssd.internal
// CHECK: llvm.x86.tileloaddt164.internal
// CHECK: llvm.x86.tdpbssd.internal
// CHECK: llvm.x86.tileloadd64.internal
// CHECK-NOT: llvm.x86.tileloaddt164.internal
// CHECK: llvm.x86.tilestored64.internal
func.func @streamed(%x: memref<32x64xi8>, %w: memref<2x16x16x4xi8>, %y: memref<32x32xi32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %d = arith.constant 64 : index
  %zero = arith.constant 0 : i32
  %a = lutra.tile_fill %zero : i32 -> !lutra.tile<32x32xi32>
  %r = lutra.tile_coded_matmul %x[%z, %z], %w[%z, %z], %a depth %d {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes}
         : memref<32x64xi8>, memref<2x16x16x4xi8>, !lutra.tile<32x32xi32> -> !lutra.tile<32x32xi32>
  lutra.tile_store %r, %y[%z, %z] dims = [0, 1] steps = [1, 1] : !lutra.tile<32x32xi32>, memref<32x32xi32>
  return
}
