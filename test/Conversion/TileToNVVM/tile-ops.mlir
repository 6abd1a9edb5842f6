// Tile ops other than products.
// RUN: lutra-opt %s --convert-tile-to-nvvm=target=sm_80 | FileCheck %s

// A static tile inside its buffer moves in whole vectors without predicates.
// CHECK-LABEL: func.func @copy_whole(
// CHECK-COUNT-2: llvm.load {{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
// CHECK-COUNT-2: llvm.store {{.*}} {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<1>
// CHECK-NOT: nvvm.barrier
func.func @copy_whole(%a: memref<4096xf32>, %b: memref<4096xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c1 = arith.constant 1 : index
  %c1024 = arith.constant 1024 : index
  scf.for %item = %begin to %end step %c1 {
    %i = arith.muli %item, %c1024 : index
    %t = lutra.tile_load %a[%i] dims = [0] steps = [1] : memref<4096xf32> -> !lutra.tile<1024xf32>
    lutra.tile_store %t, %b[%i] dims = [0] steps = [1] : !lutra.tile<1024xf32>, memref<4096xf32>
  }
  return
}

// A bound that nothing is known about: single elements with predicates.
// CHECK-LABEL: func.func @copy_bounded(
// CHECK-COUNT-4: @p ld.global.b32
// CHECK-COUNT-4: @p st.global.b32
func.func @copy_bounded(%a: memref<?xf32>, %b: memref<?xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %c512 = arith.constant 512 : index
  %n = memref.dim %a, %c0 : memref<?xf32>
  %i = arith.muli %begin, %c512 : index
  %left = arith.subi %n, %i : index
  %bound = arith.minsi %left, %c512 : index
  %t = lutra.tile_load %a[%i] bounds(%bound) dims = [0] steps = [1] : memref<?xf32> -> !lutra.tile<512xf32>
  lutra.tile_store %t, %b[%i] bounds(%bound) dims = [0] steps = [1] : !lutra.tile<512xf32>, memref<?xf32>
  return
}

// A transposing store: rows of the load are not the columns of the store, so lanes write single elements.
// CHECK-LABEL: func.func @transposed(
// CHECK: llvm.load {{.*}} -> vector<4xf32>
// CHECK: llvm.store {{.*}} : f32, !llvm.ptr<1>
func.func @transposed(%a: memref<32x64xf32>, %b: memref<64x32xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %t = lutra.tile_load %a[%c0, %c0] dims = [0, 1] steps = [1, 1] : memref<32x64xf32> -> !lutra.tile<32x64xf32>
  lutra.tile_store %t, %b[%c0, %c0] dims = [1, 0] steps = [1, 1] : !lutra.tile<32x64xf32>, memref<64x32xf32>
  return
}

// One value for each row: lanes of a row meet by shuffles, and the first of them writes.
// CHECK-LABEL: func.func @rows(
// CHECK-NOT: !llvm.ptr<3>
// CHECK: nvvm.shfl.sync bfly
// CHECK-NOT: !llvm.ptr<3>
// CHECK: @p st.global.b32
func.func @rows(%a: memref<64x128xf32>, %b: memref<64xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %t = lutra.tile_load %a[%c0, %c0] dims = [0, 1] steps = [1, 1] : memref<64x128xf32> -> !lutra.tile<64x128xf32>
  %m = lutra.tile_reduce<max> %t : !lutra.tile<64x128xf32> -> !lutra.tile<64xf32>
  lutra.tile_store %m, %b[%c0] dims = [0] steps = [1] : !lutra.tile<64xf32>, memref<64xf32>
  return
}

// A tile around a loop is one value for each register; a single element is written by one thread.
// CHECK-LABEL: func.func @carried(
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}) -> (f32, f32)
// CHECK: nvvm.shfl.sync bfly
// CHECK: @p st.global.b32
func.func @carried(%a: memref<?x256xf32>, %b: memref<1xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %n = memref.dim %a, %c0 : memref<?x256xf32>
  %init = lutra.tile_fill %zero : f32 -> !lutra.tile<256xf32>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%acc = %init) -> !lutra.tile<256xf32> {
    %t = lutra.tile_load %a[%i, %c0] dims = [1] steps = [1] : memref<?x256xf32> -> !lutra.tile<256xf32>
    %next = lutra.tile_map(%acc, %t) : (!lutra.tile<256xf32>, !lutra.tile<256xf32>) -> !lutra.tile<256xf32> {
    ^bb0(%x: f32, %y: f32):
      %s = arith.addf %x, %y : f32
      lutra.yield %s : f32
    }
    scf.yield %next : !lutra.tile<256xf32>
  }
  %total = lutra.tile_reduce<sum> %sum : !lutra.tile<256xf32> -> !lutra.tile<f32>
  lutra.tile_store %total, %b[%c0] dims = [] steps = [] : !lutra.tile<f32>, memref<1xf32>
  return
}

// Each element at its own place; truth values are bytes in memory.
// CHECK-LABEL: func.func @gather(
// CHECK: arith.index_cast {{.*}} : i64 to index
// CHECK: llvm.load {{.*}} : !llvm.ptr<1> -> f32
// CHECK: arith.cmpf
// CHECK: arith.extui {{.*}} : i1 to i8
func.func @gather(%a: memref<1000xf32>, %i: memref<128xi64>, %b: memref<128xi8>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %p = lutra.tile_load %i[%c0] dims = [0] steps = [1] : memref<128xi64> -> !lutra.tile<128xi64>
  %o = lutra.tile_map(%p) : (!lutra.tile<128xi64>) -> !lutra.tile<128xindex> {
  ^bb0(%x: i64):
    %y = arith.index_cast %x : i64 to index
    lutra.yield %y : index
  }
  %t = lutra.tile_gather %a[%o] : memref<1000xf32>, !lutra.tile<128xindex> -> !lutra.tile<128xf32>
  %f = lutra.tile_map(%t) : (!lutra.tile<128xf32>) -> !lutra.tile<128xi1> {
  ^bb0(%x: f32):
    %zero = arith.constant 0.0 : f32
    %y = arith.cmpf ogt, %x, %zero : f32
    lutra.yield %y : i1
  }
  lutra.tile_store %f, %b[%c0] dims = [0] steps = [1] : !lutra.tile<128xi1>, memref<128xi8>
  return
}

// Constants of the kernel lie in the GPU's memory, beside the code. PTX has no dots in names: two that differ in a dot
// alone stay two.
// CHECK-DAG: llvm.mlir.global internal constant @lutra_constant_a_db__c(dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>) {addr_space = 1 : i32, alignment = 64 : i64} : !llvm.array<2 x f32>
// CHECK-DAG: llvm.mlir.global internal constant @lutra_constant_a__b_dc(dense<[3.000000e+00, 4.000000e+00]> : tensor<2xf32>)
// CHECK-LABEL: func.func @constants(
// CHECK-DAG: llvm.mlir.addressof @lutra_constant_a_db__c : !llvm.ptr<1>
// CHECK-DAG: llvm.mlir.addressof @lutra_constant_a__b_dc : !llvm.ptr<1>
// CHECK: llvm.load {{.*}} : !llvm.ptr<1> -> f32
memref.global "private" constant @a.b_c : memref<2xf32> = dense<[1.0, 2.0]> {alignment = 64 : i64}
memref.global "private" constant @a_b.c : memref<2xf32> = dense<[3.0, 4.0]> {alignment = 64 : i64}
func.func @constants(%b: memref<2xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %first = memref.get_global @a.b_c : memref<2xf32>
  %second = memref.get_global @a_b.c : memref<2xf32>
  %x = memref.load %first[%c1] : memref<2xf32>
  %y = memref.load %second[%c1] : memref<2xf32>
  memref.store %x, %b[%c0] : memref<2xf32>
  memref.store %y, %b[%c1] : memref<2xf32>
  return
}
