// RUN: lutra-opt %s --convert-tile-to-vector=target=avx512 --canonicalize | FileCheck %s --check-prefixes=CHECK,WIDE
// RUN: lutra-opt %s --convert-tile-to-vector=target=avx2 --canonicalize | FileCheck %s --check-prefixes=CHECK,NARROW
// RUN: lutra-opt %s --convert-tile-to-vector=target=neon --canonicalize | FileCheck %s --check-prefixes=CHECK,BYTES

// A mask that keeps all bits of a code is not needed: instructions read no others.
// CHECK-LABEL: func.func @sixteen
// WIDE-NOT: arith.andi
// WIDE: vector.load {{.*}} vector<16xf32>
// WIDE: permvar.sf.512
// NARROW: permps
// NARROW: permps
// NARROW: arith.select
// BYTES-COUNT-4: neon.tbl4
func.func @sixteen(%c: memref<16xi32>, %t: memref<16xf32>, %y: memref<16xf32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %b = lutra.tile_load %c[%z] dims = [0] steps = [1] : memref<16xi32> -> !lutra.tile<16xi32>
  %o = lutra.tile_map(%b) : (!lutra.tile<16xi32>) -> !lutra.tile<16xi32> {
  ^bb0(%code: i32):
    %mask = arith.constant 15 : i32
    %kept = arith.andi %code, %mask : i32
    lutra.yield %kept : i32
  }
  %v = lutra.tile_gather %t[%o] : memref<16xf32>, !lutra.tile<16xi32> -> !lutra.tile<16xf32>
  lutra.tile_store %v, %y[%z] dims = [0] steps = [1] : !lutra.tile<16xf32>, memref<16xf32>
  return
}

// Two parts of 32, four of 16; eight of 8 would take longer than two gathers.
// CHECK-LABEL: func.func @sixty_four
// WIDE-COUNT-2: vpermi2var.ps.512
// WIDE: arith.select
// NARROW-NOT: permps
// NARROW-COUNT-2: avx2.gather.d.ps.256
// NARROW-NOT: avx2.gather
// BYTES: neon.tbl4
// BYTES-COUNT-3: neon.tbx4
func.func @sixty_four(%c: memref<16xi32>, %t: memref<64xf32>, %y: memref<16xf32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %o = lutra.tile_load %c[%z] dims = [0] steps = [1] : memref<16xi32> -> !lutra.tile<16xi32>
  %v = lutra.tile_gather %t[%o] : memref<64xf32>, !lutra.tile<16xi32> -> !lutra.tile<16xf32>
  lutra.tile_store %v, %y[%z] dims = [0] steps = [1] : !lutra.tile<16xf32>, memref<16xf32>
  return
}

// Registers do not hold it.
// CHECK-LABEL: func.func @all_bytes
// WIDE: vector.gather
// NARROW-COUNT-2: avx2.gather.d.ps.256
// NARROW-NOT: memref.load
// BYTES: memref.load
func.func @all_bytes(%c: memref<16xi32>, %t: memref<256xf32>, %y: memref<16xf32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %o = lutra.tile_load %c[%z] dims = [0] steps = [1] : memref<16xi32> -> !lutra.tile<16xi32>
  %v = lutra.tile_gather %t[%o] : memref<256xf32>, !lutra.tile<16xi32> -> !lutra.tile<16xf32>
  lutra.tile_store %v, %y[%z] dims = [0] steps = [1] : !lutra.tile<16xf32>, memref<16xf32>
  return
}
