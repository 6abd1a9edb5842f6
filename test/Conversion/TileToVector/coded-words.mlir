// RUN: lutra-opt %s --convert-tile-to-vector=target=avx512vnni --canonicalize --cse | FileCheck %s

// Words of 16 rows side by side: those of a row and the next lie 4 bytes apart, four neighbours along K and the next
// four 64.
// CHECK-LABEL: func.func @words(
// CHECK: scf.for %[[STEP:.*]] = %c0 to %c32 step %c8
// CHECK: %[[AT:.*]] = arith.muli %[[STEP]], %c64
// CHECK: vector.load %[[ROWS:.*]][%[[AT]]] : {{.*}}, vector<4xi8>
// CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK: %[[ROW:.*]] = arith.addi %[[AT]], %c4
// CHECK: vector.load %[[ROWS]][%[[ROW]]] : {{.*}}, vector<4xi8>
// CHECK: %[[NEXT:.*]] = arith.addi %[[STEP]], %c1
// CHECK: %[[FOUR:.*]] = arith.muli %[[NEXT]], %c64
// CHECK: vector.load %[[ROWS]][%[[FOUR]]] : {{.*}}, vector<4xi8>
func.func @words(%x: memref<32x16x4xi8>, %w: memref<1x32x16x4xi8>, %y: memref<4x16xi32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %d = arith.constant 128 : index
  %zero = arith.constant 0 : i32
  %a = lutra.tile_fill %zero : i32 -> !lutra.tile<4x16xi32>
  %r = lutra.tile_coded_matmul %x[%z, %z, %z], %w[%z, %z], %a depth %d {bits = 8 : i64, lhs_row_dim = 1 : i64, lhs_words, limit = 15 : i64}
         : memref<32x16x4xi8>, memref<1x32x16x4xi8>, !lutra.tile<4x16xi32> -> !lutra.tile<4x16xi32>
  lutra.tile_store %r, %y[%z, %z] dims = [0, 1] steps = [1, 1] : !lutra.tile<4x16xi32>, memref<4x16xi32>
  return
}

// Images of four channels are not such words: neighbours along K follow each other.
// CHECK-LABEL: func.func @channels(
// CHECK: vector.load %{{.*}}[%c4] : {{.*}}, vector<4xi8>
// CHECK-NOT: %c64
func.func @channels(%x: memref<32x16x4xi8>, %w: memref<1x2x16x4xi8>, %y: memref<1x16xi32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %d = arith.constant 8 : index
  %zero = arith.constant 0 : i32
  %a = lutra.tile_fill %zero : i32 -> !lutra.tile<1x16xi32>
  %r = lutra.tile_coded_matmul %x[%z, %z, %z], %w[%z, %z], %a depth %d {bits = 8 : i64, lhs_row_dim = 1 : i64, limit = 15 : i64}
         : memref<32x16x4xi8>, memref<1x2x16x4xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  lutra.tile_store %r, %y[%z, %z] dims = [-1, 1] steps = [1, 1] : !lutra.tile<1x16xi32>, memref<1x16xi32>
  return
}

// Long loops over words of many rows take eight at a time.
// CHECK-LABEL: func.func @long(
// CHECK: scf.for %{{.*}} = %c0 to %c128 step %c8
// CHECK-COUNT-64: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK-NOT: llvm.call_intrinsic
// CHECK: scf.yield
func.func @long(%x: memref<128x16x4xi8>, %w: memref<1x128x16x4xi8>, %y: memref<8x16xi32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %d = arith.constant 512 : index
  %zero = arith.constant 0 : i32
  %a = lutra.tile_fill %zero : i32 -> !lutra.tile<8x16xi32>
  %r = lutra.tile_coded_matmul %x[%z, %z, %z], %w[%z, %z], %a depth %d {bits = 8 : i64, lhs_row_dim = 1 : i64, lhs_words, limit = 15 : i64}
         : memref<128x16x4xi8>, memref<1x128x16x4xi8>, !lutra.tile<8x16xi32> -> !lutra.tile<8x16xi32>
  lutra.tile_store %r, %y[%z, %z] dims = [0, 1] steps = [1, 1] : !lutra.tile<8x16xi32>, memref<8x16xi32>
  return
}
