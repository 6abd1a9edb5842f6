// RUN: lutra-opt %s --convert-tile-to-vector=target=avx2 | FileCheck %s --implicit-check-not=lutra.tile

// A loop that carries a tile carries its rows.
// CHECK-LABEL: func.func @carried(
// CHECK: scf.for {{.*}} -> (vector<8xf32>, vector<8xf32>)
// CHECK: vector.load {{.*}} : memref<4x8xf32>, vector<8xf32>
// CHECK: arith.addf {{.*}} : vector<8xf32>
func.func @carried(%a: memref<4x8xf32>, %out: memref<4x8xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %acc = lutra.tile_fill %zero : f32 -> <2x8xf32>
  %sum = scf.for %i = %begin to %end step %c1 iter_args(%s = %acc) -> (!lutra.tile<2x8xf32>) {
    %x = lutra.tile_load %a[%i, %c0] dims = [0, 1] steps = [1, 1] : memref<4x8xf32> -> <2x8xf32>
    %n = lutra.tile_map(%s, %x) : (!lutra.tile<2x8xf32>, !lutra.tile<2x8xf32>) -> !lutra.tile<2x8xf32> {
    ^bb0(%p: f32, %q: f32):
      %r = arith.addf %p, %q : f32
      lutra.yield %r : f32
    }
    scf.yield %n : !lutra.tile<2x8xf32>
  }
  lutra.tile_store %sum, %out[%c0, %c0] dims = [0, 1] steps = [1, 1] : <2x8xf32>, memref<4x8xf32>
  return
}

// Bounds are masks on 32-bit elements and a short loop on bytes.
// CHECK-LABEL: func.func @bounds(
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<16xi8>
// CHECK: vector.maskedload
// CHECK: scf.for
// CHECK: memref.load
// CHECK: arith.cmpi ne
// CHECK: vector.maskedstore
func.func @bounds(%a: memref<?xf32>, %m: memref<?xi8>, %out: memref<?xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %x = lutra.tile_load %a[%begin] bounds(%end) dims = [0] steps = [1] : memref<?xf32> -> <16xf32>
  %k = lutra.tile_load %m[%begin] bounds(%end) dims = [0] steps = [1] : memref<?xi8> -> <16xi1>
  %r = lutra.tile_map(%k, %x) : (!lutra.tile<16xi1>, !lutra.tile<16xf32>) -> !lutra.tile<16xf32> {
  ^bb0(%c: i1, %v: f32):
    %zero = arith.constant 0.0 : f32
    %s = arith.select %c, %v, %zero : f32
    lutra.yield %s : f32
  }
  lutra.tile_store %r, %out[%begin] bounds(%end) dims = [0] steps = [1] : <16xf32>, memref<?xf32>
  return
}

// Sums are pairwise trees; exp and the NaN-correct maximum have no calls.
// CHECK-LABEL: func.func @tree(
// CHECK-NOT: call
// CHECK: vector.shuffle {{.*}} [0, 1, 2, 3]
// CHECK: vector.shuffle {{.*}} [4, 5, 6, 7]
// CHECK: math.fma
// CHECK-NOT: math.exp
func.func @tree(%a: memref<8xf32>, %out: memref<1xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %x = lutra.tile_load %a[%c0] dims = [0] steps = [1] : memref<8xf32> -> <8xf32>
  %m = lutra.tile_reduce<max> %x : <8xf32> -> <f32>
  %e = lutra.tile_map(%m) : (!lutra.tile<f32>) -> !lutra.tile<f32> {
  ^bb0(%v: f32):
    %y = math.exp %v : f32
    lutra.yield %y : f32
  }
  %s = lutra.tile_extract %e : <f32> -> f32
  memref.store %s, %out[%c0] : memref<1xf32>
  return
}

// What has no polynomial calls libm once per element.
// CHECK-LABEL: func.func @library(
// CHECK-COUNT-4: call @asinf
func.func @library(%a: memref<4xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %x = lutra.tile_load %a[%c0] dims = [0] steps = [1] : memref<4xf32> -> <4xf32>
  %e = lutra.tile_map(%x) : (!lutra.tile<4xf32>) -> !lutra.tile<4xf32> {
  ^bb0(%v: f32):
    %y = math.asin %v : f32
    lutra.yield %y : f32
  }
  lutra.tile_store %e, %a[%c0] dims = [0] steps = [1] : <4xf32>, memref<4xf32>
  return
}

// A tile whose columns lie in order is read in vectors along them and turned over.
// CHECK-LABEL: func.func @turned(
// CHECK-COUNT-4: vector.load {{.*}} vector<4xf32>
// CHECK-COUNT-8: vector.shuffle
// CHECK-NOT: vector.load
// CHECK-COUNT-4: vector.store {{.*}} vector<4xf32>
// CHECK: return
func.func @turned(%a: memref<4x4xf32>, %out: memref<4x4xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %x = lutra.tile_load %a[%c0, %c0] dims = [1, 0] steps = [1, 1] : memref<4x4xf32> -> <4x4xf32>
  lutra.tile_store %x, %out[%c0, %c0] dims = [0, 1] steps = [1, 1] : <4x4xf32>, memref<4x4xf32>
  return
}
