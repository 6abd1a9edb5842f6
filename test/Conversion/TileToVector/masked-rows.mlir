// RUN: lutra-opt %s --convert-tile-to-vector=target=avx2 --canonicalize --cse | FileCheck %s
// RUN: lutra-opt %s --convert-tile-to-vector=target=avx512 --canonicalize --cse | FileCheck %s --check-prefix=WIDENED

// Without VNNI five rows and more of bytes without a sign are masked by what signs their words have, in vectors of 256
// bits. What such sums lack, those of a row of zeros, is computed before the loops whose iterations meet the same words;
// each vector of columns meets all rows before the next one.
// WIDENED-NOT: pmadd.ub.sw
// WIDENED-COUNT-8: "llvm.x86.avx2.pmadd.wd"
// CHECK-LABEL: func.func @tiles(
// CHECK-DAG: %[[SEVEN:.*]] = arith.constant dense<7> : vector<32xi8>
// CHECK-DAG: %[[BIAS:.*]] = arith.constant dense<-128> : vector<32xi8>
// CHECK: %[[LACKING:.*]]:2 = scf.for
// CHECK: %[[WORD:.*]] = vector.load
// CHECK: %[[MAGNITUDE:.*]] = math.absi %[[WORD]] : vector<32xi8>
// CHECK: %[[SIGNS:.*]] = arith.shrsi %[[WORD]], %[[SEVEN]]
// CHECK: %[[MASK:.*]] = arith.xori %[[SIGNS]], %[[BIAS]]
// CHECK: "llvm.x86.avx2.pmadd.ub.sw"(%[[MAGNITUDE]], %[[MASK]])
// CHECK: "llvm.x86.avx2.pmadd.ub.sw"
// CHECK-NOT: pmadd.ub.sw
// CHECK: scf.for
// CHECK: scf.for
// CHECK-COUNT-5: "llvm.x86.avx2.pmadd.ub.sw"
// CHECK: scf.yield
// CHECK: arith.subi %{{.*}}, %[[LACKING]]#0
// CHECK: scf.for
// CHECK-COUNT-5: "llvm.x86.avx2.pmadd.ub.sw"
// CHECK: scf.yield
// CHECK: arith.subi %{{.*}}, %[[LACKING]]#1
// CHECK-NOT: pmadd.ub.sw
func.func @tiles(%x: memref<40x64xi8>, %w: memref<1x17x16x4xi8>, %y: memref<40x16xi32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %five = arith.constant 5 : index
  %all = arith.constant 40 : index
  %d = arith.constant 64 : index
  %zero = arith.constant 0 : i32
  scf.for %row = %z to %all step %five {
    %a = lutra.tile_fill %zero : i32 -> !lutra.tile<5x16xi32>
    %r = lutra.tile_coded_matmul %x[%row, %z], %w[%z, %z], %a depth %d {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes, unsigned_lhs}
           : memref<40x64xi8>, memref<1x17x16x4xi8>, !lutra.tile<5x16xi32> -> !lutra.tile<5x16xi32>
    lutra.tile_store %r, %y[%row, %z] dims = [0, 1] steps = [1, 1] : !lutra.tile<5x16xi32>, memref<40x16xi32>
  }
  return
}

// Of products that follow each other, each vector of columns meets all before the next one, and what they lack is one sum.
// CHECK-LABEL: func.func @taps(
// CHECK: %[[FIRST:.*]]:2 = scf.for
// CHECK: %[[BOTH:.*]]:2 = scf.for {{.*}} iter_args(%{{.*}} = %[[FIRST]]#0, %{{.*}} = %[[FIRST]]#1)
// CHECK: scf.for
// CHECK: %[[TAP:.*]]:5 = scf.for
// CHECK-COUNT-5: "llvm.x86.avx2.pmadd.ub.sw"
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %[[TAP]]#0, {{.*}})
// CHECK-COUNT-5: "llvm.x86.avx2.pmadd.ub.sw"
// CHECK-COUNT-5: arith.subi %{{.*}}, %[[BOTH]]#0
// CHECK-COUNT-2: scf.for
// CHECK-COUNT-5: arith.subi %{{.*}}, %[[BOTH]]#1
func.func @taps(%x: memref<42x64xi8>, %w: memref<1x33x16x4xi8>, %y: memref<40x16xi32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %two = arith.constant 2 : index
  %five = arith.constant 5 : index
  %second = arith.constant 16 : index
  %all = arith.constant 40 : index
  %d = arith.constant 64 : index
  %zero = arith.constant 0 : i32
  scf.for %row = %z to %all step %five {
    %a = lutra.tile_fill %zero : i32 -> !lutra.tile<5x16xi32>
    %p = lutra.tile_coded_matmul %x[%row, %z], %w[%z, %z], %a depth %d {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes, unsigned_lhs}
           : memref<42x64xi8>, memref<1x33x16x4xi8>, !lutra.tile<5x16xi32> -> !lutra.tile<5x16xi32>
    %below = arith.addi %row, %two : index
    %r = lutra.tile_coded_matmul %x[%below, %z], %w[%z, %second], %p depth %d {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes, unsigned_lhs}
           : memref<42x64xi8>, memref<1x33x16x4xi8>, !lutra.tile<5x16xi32> -> !lutra.tile<5x16xi32>
    lutra.tile_store %r, %y[%row, %z] dims = [0, 1] steps = [1, 1] : !lutra.tile<5x16xi32>, memref<40x16xi32>
  }
  return
}

// Fewer rows are not, nor those that meet other words in each iteration, or words that the kernel made itself.
// CHECK-LABEL: func.func @few(
// CHECK-NOT: pmadd.ub.sw
// CHECK: "llvm.x86.avx2.pmadd.wd"
func.func @few(%x: memref<40x64xi8>, %w: memref<1x17x16x4xi8>, %y: memref<40x16xi32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %four = arith.constant 4 : index
  %all = arith.constant 40 : index
  %d = arith.constant 64 : index
  %zero = arith.constant 0 : i32
  scf.for %row = %z to %all step %four {
    %a = lutra.tile_fill %zero : i32 -> !lutra.tile<4x16xi32>
    %r = lutra.tile_coded_matmul %x[%row, %z], %w[%z, %z], %a depth %d {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes, unsigned_lhs}
           : memref<40x64xi8>, memref<1x17x16x4xi8>, !lutra.tile<4x16xi32> -> !lutra.tile<4x16xi32>
    lutra.tile_store %r, %y[%row, %z] dims = [0, 1] steps = [1, 1] : !lutra.tile<4x16xi32>, memref<40x16xi32>
  }
  return
}

// CHECK-LABEL: func.func @panels(
// CHECK-NOT: pmadd.ub.sw
// CHECK: "llvm.x86.avx2.pmadd.wd"
func.func @panels(%x: memref<5x64xi8>, %w: memref<3x17x16x4xi8>, %y: memref<5x48xi32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %one = arith.constant 1 : index
  %all = arith.constant 3 : index
  %d = arith.constant 64 : index
  %width = arith.constant 16 : index
  %zero = arith.constant 0 : i32
  scf.for %panel = %z to %all step %one {
    %a = lutra.tile_fill %zero : i32 -> !lutra.tile<5x16xi32>
    %r = lutra.tile_coded_matmul %x[%z, %z], %w[%panel, %z], %a depth %d {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes, unsigned_lhs}
           : memref<5x64xi8>, memref<3x17x16x4xi8>, !lutra.tile<5x16xi32> -> !lutra.tile<5x16xi32>
    %column = arith.muli %panel, %width : index
    lutra.tile_store %r, %y[%z, %column] dims = [0, 1] steps = [1, 1] : !lutra.tile<5x16xi32>, memref<5x48xi32>
  }
  return
}

// CHECK-LABEL: func.func @copied(
// CHECK-NOT: pmadd.ub.sw
// CHECK: "llvm.x86.avx2.pmadd.wd"
func.func @copied(%x: memref<40x64xi8>, %y: memref<40x16xi32>) attributes {lutra.kernel} {
  %w = memref.alloca() : memref<1x16x16x4xi8>
  %z = arith.constant 0 : index
  %five = arith.constant 5 : index
  %all = arith.constant 40 : index
  %d = arith.constant 64 : index
  %zero = arith.constant 0 : i32
  scf.for %row = %z to %all step %five {
    %a = lutra.tile_fill %zero : i32 -> !lutra.tile<5x16xi32>
    %r = lutra.tile_coded_matmul %x[%row, %z], %w[%z, %z], %a depth %d {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes, unsigned_lhs}
           : memref<40x64xi8>, memref<1x16x16x4xi8>, !lutra.tile<5x16xi32> -> !lutra.tile<5x16xi32>
    lutra.tile_store %r, %y[%row, %z] dims = [0, 1] steps = [1, 1] : !lutra.tile<5x16xi32>, memref<40x16xi32>
  }
  return
}
