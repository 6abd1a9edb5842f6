// RUN: split-file %s %t
// RUN: lutra-run %t/views.mlir --print | FileCheck %s --check-prefix=VIEWS
// RUN: not lutra-run %t/outside.mlir 2>&1 | FileCheck %s --check-prefix=OUTSIDE
// RUN: not lutra-run %t/arena.mlir 2>&1 | FileCheck %s --check-prefix=ARENA

//--- views.mlir
// A result that nobody wrote reads as NaN.
// VIEWS: @views 0: 2x2xf32 = {{\[\[}}1, nan], [3, nan]]
func.func @views() -> memref<2x2xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %bytes = arith.constant 128 : index
  %one = arith.constant 1.0 : f32
  %three = arith.constant 3.0 : f32
  %arena = lutra.arena %bytes : memref<?xi8>
  %a = memref.view %arena[%c64][] : memref<?xi8> to memref<4xf32>
  %m = memref.expand_shape %a [[0, 1]] output_shape [2, 2] : memref<4xf32> into memref<2x2xf32>
  memref.store %one, %m[%c0, %c0] : memref<2x2xf32>
  %column = memref.subview %m[0, 0] [2, 1] [1, 1] : memref<2x2xf32> to memref<2xf32, strided<[2]>>
  memref.store %three, %column[%c1] : memref<2xf32, strided<[2]>>
  %r = memref.alloc() : memref<2x2xf32>
  memref.copy %m, %r : memref<2x2xf32> to memref<2x2xf32>
  return %r : memref<2x2xf32>
}

//--- outside.mlir
func.func @main(%m: memref<?xf32>) -> f32 {
  %c3 = arith.constant 3 : index
  // OUTSIDE: error: E0901: 'memref.load' accesses index 3 of dimension 0 of a buffer of shape [3]
  %r = memref.load %m[%c3] : memref<?xf32>
  return %r : f32
}

//--- arena.mlir
func.func @main() -> f32 {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %arena = lutra.arena %c64 : memref<?xi8>
  // ARENA: error: E0901: 'memref.view' shows bytes 0 to 68 of 64
  %a = memref.view %arena[%c0][] : memref<?xi8> to memref<17xf32>
  %r = memref.load %a[%c0] : memref<17xf32>
  return %r : f32
}
