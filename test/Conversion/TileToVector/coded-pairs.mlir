// RUN: lutra-opt %s --convert-tile-to-vector=target=avx2 --canonicalize --cse | FileCheck %s

// Codes of two bits beside a single row: one shift for all four fields, and sums of two of them four times too large.
// Each vector is done with before the next one's codes are taken apart, and a chunk is as long as 16 bits hold them.
// CHECK-LABEL: func.func @quads(
// CHECK-DAG: %[[ONES:.*]] = arith.constant dense<3> : vector<32xi8>
// CHECK-DAG: %[[FOURS:.*]] = arith.constant dense<12> : vector<32xi8>
// CHECK-DAG: %[[HALF:.*]] = arith.constant dense<4> : vector<16xi16>
// CHECK-DAG: %[[TWO:.*]] = arith.constant dense<2> : vector<16xi16>
// CHECK: scf.for
// CHECK: arith.andi %[[WORD:.*]], %[[ONES]]
// CHECK: arith.andi %[[WORD]], %[[FOURS]]
// CHECK: arith.shrui %{{.*}}, %[[HALF]]
// CHECK: arith.andi %[[UPPER:.*]], %[[ONES]]
// CHECK: arith.andi %[[UPPER]], %[[FOURS]]
// CHECK-COUNT-7: arith.shrui %{{.*}}, %[[HALF]]
// CHECK-NOT: arith.shrui
// CHECK-COUNT-2: arith.shrsi %{{.*}}, %[[TWO]]
// CHECK: scf.yield
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
func.func @quads(%x: memref<1x128xi8>, %w: memref<1x8x16x4xi8>, %y: memref<1x16xi32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %d = arith.constant 128 : index
  %zero = arith.constant 0 : i32
  %a = lutra.tile_fill %zero : i32 -> !lutra.tile<1x16xi32>
  %r = lutra.tile_coded_matmul %x[%z, %z], %w[%z, %z], %a depth %d {bits = 2 : i64, lhs_row_dim = 0 : i64}
         : memref<1x128xi8>, memref<1x8x16x4xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  lutra.tile_store %r, %y[%z, %z] dims = [-1, 1] steps = [1, 1] : !lutra.tile<1x16xi32>, memref<1x16xi32>
  return
}

// A step of bytes fills no loop: four follow each other, each of which 32 bits take at once.
// CHECK-LABEL: func.func @bytes(
// CHECK: scf.for %{{.*}} = %c0 to %c32 step %c4
// CHECK-COUNT-8: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// CHECK-NOT: llvm.call_intrinsic
// CHECK: scf.yield
func.func @bytes(%x: memref<1x128xi8>, %w: memref<1x32x16x4xi8>, %y: memref<1x16xi32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %d = arith.constant 128 : index
  %zero = arith.constant 0 : i32
  %a = lutra.tile_fill %zero : i32 -> !lutra.tile<1x16xi32>
  %r = lutra.tile_coded_matmul %x[%z, %z], %w[%z, %z], %a depth %d {bits = 8 : i64, lhs_row_dim = 0 : i64, offset = 128 : i64}
         : memref<1x128xi8>, memref<1x32x16x4xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  lutra.tile_store %r, %y[%z, %z] dims = [-1, 1] steps = [1, 1] : !lutra.tile<1x16xi32>, memref<1x16xi32>
  return
}

// A group of two chunks takes no loop: five products of 24 fit 16 bits, of which steps have two.
// CHECK-LABEL: func.func @table(
// CHECK-NOT: scf.for
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// CHECK: llvm.call_intrinsic "llvm.x86.avx2.pshuf.b"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// CHECK-NOT: llvm.call_intrinsic
// CHECK: return
func.func @table(%x: memref<1x32xi8>, %w: memref<1x4x16x4xi8>, %y: memref<1x16xi32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %d = arith.constant 32 : index
  %zero = arith.constant 0 : i32
  %a = lutra.tile_fill %zero : i32 -> !lutra.tile<1x16xi32>
  %r = lutra.tile_coded_matmul %x[%z, %z], %w[%z, %z], %a depth %d
         {bits = 4 : i64, lhs_row_dim = 0 : i64,
          values = array<i64: 12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0>}
         : memref<1x32xi8>, memref<1x4x16x4xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  lutra.tile_store %r, %y[%z, %z] dims = [-1, 1] steps = [1, 1] : !lutra.tile<1x16xi32>, memref<1x16xi32>
  return
}
