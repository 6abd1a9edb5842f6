// RUN: lutra-opt %s --convert-tile-to-vector=target=amx | FileCheck %s
// RUN: not lutra-opt %s --convert-tile-to-vector=target=avx512 2>&1 | FileCheck %s --check-prefix=REFUSED

// Two by two tiles of sums start and end in memory; a step of 32 along K loads two tiles of rows and two of pairs.
// CHECK-LABEL: func.func @added(
// CHECK-COUNT-4: llvm.x86.tileloadd64.internal
// CHECK-COUNT-4: llvm.x86.tdpbf16ps.internal
// CHECK-NOT: llvm.x86.tdpbf16ps.internal
// CHECK-COUNT-4: llvm.x86.tilestored64.internal
// CHECK-NOT: vector.store
// REFUSED: failed to legalize operation 'lutra.tile_matmul'
func.func @added(%x: memref<32x96xbf16>, %w: memref<2x16x16x2xbf16>, %y: memref<32x48xf32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %d = arith.constant 32 : index
  %a = lutra.tile_load %y[%z, %z] dims = [0, 1] steps = [1, 1] : memref<32x48xf32> -> !lutra.tile<32x32xf32>
  %r = lutra.tile_matmul %x[%z, %d], %w<deep_panel>[%z, %z, %z, %z], %a depth %d {lhs_row_dim = 0 : i64}
         : memref<32x96xbf16>, memref<2x16x16x2xbf16>, !lutra.tile<32x32xf32> -> !lutra.tile<32x32xf32>
  lutra.tile_store %r, %y[%z, %z] dims = [0, 1] steps = [1, 1] : !lutra.tile<32x32xf32>, memref<32x48xf32>
  return
}

// Sums that one product hands to the next stay in tiles, and what stands between the products stays there; the first
// one's tiles are multiplied between it.
// CHECK-LABEL: func.func @chained(
// CHECK-COUNT-2: llvm.x86.tileloadd64.internal
// CHECK: llvm.x86.tileloaddt164.internal
// CHECK: llvm.x86.tdpbf16ps.internal
// CHECK: vector.load %{{.*}} : memref<32x48xf32>
// CHECK: llvm.x86.tdpbf16ps.internal
// CHECK: vector.store %{{.*}} : memref<16xf32>
// CHECK-NOT: tilestored
// CHECK-COUNT-2: llvm.x86.tdpbf16ps.internal
// CHECK-COUNT-2: llvm.x86.tilestored64.internal
func.func @chained(%x: memref<32x64xbf16>, %w: memref<1x32x16x2xbf16>, %y: memref<32x48xf32>, %b: memref<16xf32>)
    attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %p = arith.constant 16 : index
  %d = arith.constant 32 : index
  %a = lutra.tile_load %y[%z, %z] dims = [0, 1] steps = [1, 1] : memref<32x48xf32> -> !lutra.tile<32x16xf32>
  %r = lutra.tile_matmul %x[%z, %z], %w<deep_panel>[%z, %z, %z, %z], %a depth %d {lhs_row_dim = 0 : i64}
         : memref<32x64xbf16>, memref<1x32x16x2xbf16>, !lutra.tile<32x16xf32> -> !lutra.tile<32x16xf32>
  %t = lutra.tile_load %y[%z, %p] dims = [1] steps = [1] : memref<32x48xf32> -> !lutra.tile<16xf32>
  lutra.tile_store %t, %b[%z] dims = [0] steps = [1] : !lutra.tile<16xf32>, memref<16xf32>
  %s = lutra.tile_matmul %x[%z, %d], %w<deep_panel>[%z, %p, %z, %z], %r depth %d {lhs_row_dim = 0 : i64}
         : memref<32x64xbf16>, memref<1x32x16x2xbf16>, !lutra.tile<32x16xf32> -> !lutra.tile<32x16xf32>
  lutra.tile_store %s, %y[%z, %z] dims = [0, 1] steps = [1, 1] : !lutra.tile<32x16xf32>, memref<32x48xf32>
  return
}
