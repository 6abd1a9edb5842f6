// RUN: lutra-opt %s --convert-tile-to-vector=target=avxvnni --canonicalize --cse | FileCheck %s

// Of a table of 32 entries the second 16 are what those differ by from the first: the code less 16 finds 0 where it is
// negative.
// CHECK-LABEL: func.func @thirty_two(
// CHECK-DAG: %[[FIRST:.*]] = arith.constant dense<[0, 1, 2, 3, {{.*}}, 14, 15]> : vector<32xi8>
// CHECK-DAG: %[[OTHER:.*]] = arith.constant dense<48> : vector<32xi8>
// CHECK-DAG: %[[LESS:.*]] = arith.constant dense<16> : vector<32xi8>
// CHECK: %[[LOW:[0-9]+]] = llvm.call_intrinsic "llvm.x86.avx2.pshuf.b"(%[[FIRST]], %[[CODES:[0-9]+]])
// CHECK: %[[REST:[0-9]+]] = arith.subi %[[CODES]], %[[LESS]]
// CHECK: %[[HIGH:[0-9]+]] = llvm.call_intrinsic "llvm.x86.avx2.pshuf.b"(%[[OTHER]], %[[REST]])
// CHECK: arith.xori %[[LOW]], %[[HIGH]]
// CHECK-NOT: arith.select
func.func @thirty_two(%x: memref<1x64xi8>, %w: memref<1x10x16x4xi8>, %y: memref<1x16xi32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %d = arith.constant 32 : index
  %zero = arith.constant 0 : i32
  %a = lutra.tile_fill %zero : i32 -> !lutra.tile<1x16xi32>
  %r = lutra.tile_coded_matmul %x[%z, %z], %w[%z, %z], %a depth %d
         {bits = 5 : i64, lhs_row_dim = 0 : i64, values = array<i64: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
          48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63>}
         : memref<1x64xi8>, memref<1x10x16x4xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  lutra.tile_store %r, %y[%z, %z] dims = [-1, 1] steps = [1, 1] : !lutra.tile<1x16xi32>, memref<1x16xi32>
  return
}
