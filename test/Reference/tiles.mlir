// RUN: split-file %s %t
// RUN: lutra-run %t/ops.mlir --print | FileCheck %s --check-prefix=OPS
// RUN: lutra-run %t/launch.mlir --print --values=integers | FileCheck %s --check-prefix=LAUNCH
// RUN: not lutra-run %t/outside.mlir 2>&1 | FileCheck %s --check-prefix=OUTSIDE

//--- ops.mlir
// Source 0 1 2 .. 7 as [2, 4]. A tile of 2 x 2 along both dims from (0, 1) by steps (1, 2): 1 3 / 5 7.
// A bounded tile of 4 with 3 existing elements: 4 5 6 0; its sum 15 and maximum 6.
// OPS: @tiles 0: 2x2xf32 = {{\[\[}}1, 3], [5, 7]]
// OPS: @tiles 1: f32 = 15
// OPS: @tiles 2: f32 = 6
// Offsets 7 - 2 * (0, 1) doubled: 14, 10.
// OPS: @tiles 3: 2xf32 = [14, 10]
func.func @tiles() -> (memref<2x2xf32>, f32, f32, memref<2xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c8 = arith.constant 8 : index
  %flat = memref.alloc() : memref<8xf32>
  scf.for %i = %c0 to %c8 step %c1 {
    %n = arith.index_cast %i : index to i32
    %f = arith.sitofp %n : i32 to f32
    memref.store %f, %flat[%i] : memref<8xf32>
  }
  %m = memref.expand_shape %flat [[0, 1]] output_shape [2, 4] : memref<8xf32> into memref<2x4xf32>
  %block = memref.alloc() : memref<2x2xf32>
  %t = lutra.tile_load %m[%c0, %c1] dims = [0, 1] steps = [1, 2] : memref<2x4xf32> -> !lutra.tile<2x2xf32>
  lutra.tile_store %t, %block[%c0, %c0] dims = [0, 1] steps = [1, 1] : !lutra.tile<2x2xf32>, memref<2x2xf32>
  %u = lutra.tile_load %m[%c1, %c0] bounds(%c3) dims = [1] steps = [1] : memref<2x4xf32> -> !lutra.tile<4xf32>
  %s = lutra.tile_reduce<sum> %u : !lutra.tile<4xf32> -> !lutra.tile<f32>
  %sum = lutra.tile_extract %s : !lutra.tile<f32> -> f32
  %x = lutra.tile_reduce<max> %u : !lutra.tile<4xf32> -> !lutra.tile<f32>
  %max = lutra.tile_extract %x : !lutra.tile<f32> -> f32
  %k = lutra.tile_iota %c0 {dim = 0 : i64} : !lutra.tile<2xindex>
  %o = lutra.tile_map(%k) : (!lutra.tile<2xindex>) -> !lutra.tile<2xindex> {
  ^bb0(%i: index):
    %c7 = arith.constant 7 : index
    %c2 = arith.constant 2 : index
    %d = arith.muli %i, %c2 : index
    %r = arith.subi %c7, %d : index
    lutra.yield %r : index
  }
  %g = lutra.tile_gather %m[%o] : memref<2x4xf32>, !lutra.tile<2xindex> -> !lutra.tile<2xf32>
  %d = lutra.tile_map(%g) : (!lutra.tile<2xf32>) -> !lutra.tile<2xf32> {
  ^bb0(%v: f32):
    %r = arith.addf %v, %v : f32
    lutra.yield %r : f32
  }
  %out = memref.alloc() : memref<2xf32>
  lutra.tile_store %d, %out[%c0] dims = [0] steps = [1] : !lutra.tile<2xf32>, memref<2xf32>
  return %block, %sum, %max, %out : memref<2x2xf32>, f32, f32, memref<2xf32>
}

// [1 2] * [[3 4], [5 6]] = 13 16, on top of 100; the same rhs in one panel of width 2.
// OPS: @product 0: 1x2xf32 = {{\[\[}}113, 116]]
// OPS: @product 1: 1x2xf32 = {{\[\[}}113, 116]]
func.func @product() -> (memref<1x2xf32>, memref<1x2xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %one = arith.constant 1.0 : f32
  %hundred = arith.constant 100.0 : f32
  %a = memref.alloc() : memref<1x2xf32>
  %b = memref.alloc() : memref<2x2xf32>
  scf.for %i = %c0 to %c2 step %c1 {
    %n = arith.index_cast %i : index to i32
    %f = arith.sitofp %n : i32 to f32
    %v = arith.addf %f, %one : f32
    memref.store %v, %a[%c0, %i] : memref<1x2xf32>
    scf.for %j = %c0 to %c2 step %c1 {
      %c3 = arith.constant 3 : index
      %d = arith.addi %i, %i : index
      %e = arith.addi %d, %j : index
      %g = arith.addi %e, %c3 : index
      %h = arith.index_cast %g : index to i32
      %w = arith.sitofp %h : i32 to f32
      memref.store %w, %b[%i, %j] : memref<2x2xf32>
    }
  }
  %p = memref.expand_shape %b [[0, 1], [2]] output_shape [1, 2, 2] : memref<2x2xf32> into memref<1x2x2xf32>
  %acc = lutra.tile_fill %hundred : f32 -> !lutra.tile<1x2xf32>
  %0 = lutra.tile_matmul %a[%c0, %c0], %b<row_major>[%c0, %c0], %acc depth %c2 {lhs_row_dim = 0 : i64} : memref<1x2xf32>, memref<2x2xf32>, !lutra.tile<1x2xf32> -> !lutra.tile<1x2xf32>
  %1 = lutra.tile_matmul %a[%c0, %c0], %p<panel>[%c0, %c0, %c0], %acc depth %c2 {lhs_row_dim = 0 : i64} : memref<1x2xf32>, memref<1x2x2xf32>, !lutra.tile<1x2xf32> -> !lutra.tile<1x2xf32>
  %r0 = memref.alloc() : memref<1x2xf32>
  %r1 = memref.alloc() : memref<1x2xf32>
  lutra.tile_store %0, %r0[%c0, %c0] dims = [0, 1] steps = [1, 1] : !lutra.tile<1x2xf32>, memref<1x2xf32>
  lutra.tile_store %1, %r1[%c0, %c0] dims = [0, 1] steps = [1, 1] : !lutra.tile<1x2xf32>, memref<1x2xf32>
  return %r0, %r1 : memref<1x2xf32>, memref<1x2xf32>
}

// Two panels of one column, one step of two bytes each, with and without signs: 0xff 0x02 and 0x80 0x01 beside 0xfe 3.
// Both with a sign: 2 + 6, 256 + 3; the left without: -254 + 6, -32512 + 3. Side by side.
// OPS: @panels 0: 1x4xi32 = {{\[\[}}8, 259, -248, -32509]]
func.func @panels() -> memref<1x4xi32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %x = memref.alloc() : memref<1x2xi8>
  %w = memref.alloc() : memref<2x1x1x2xi8>
  %y = memref.alloc() : memref<1x4xi32>
  %x0 = arith.constant 0xfe : i8
  %x1 = arith.constant 3 : i8
  memref.store %x0, %x[%c0, %c0] : memref<1x2xi8>
  memref.store %x1, %x[%c0, %c1] : memref<1x2xi8>
  %w0 = arith.constant 0xff : i8
  %w1 = arith.constant 0x02 : i8
  %w2 = arith.constant 0x80 : i8
  %w3 = arith.constant 0x01 : i8
  memref.store %w0, %w[%c0, %c0, %c0, %c0] : memref<2x1x1x2xi8>
  memref.store %w1, %w[%c0, %c0, %c0, %c1] : memref<2x1x1x2xi8>
  memref.store %w2, %w[%c1, %c0, %c0, %c0] : memref<2x1x1x2xi8>
  memref.store %w3, %w[%c1, %c0, %c0, %c1] : memref<2x1x1x2xi8>
  %zero = arith.constant 0 : i32
  %acc = lutra.tile_fill %zero : i32 -> !lutra.tile<1x2xi32>
  %s = lutra.tile_coded_matmul %x[%c0, %c0], %w[%c0, %c0], %acc depth %c2 {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes}
         : memref<1x2xi8>, memref<2x1x1x2xi8>, !lutra.tile<1x2xi32> -> !lutra.tile<1x2xi32>
  %u = lutra.tile_coded_matmul %x[%c0, %c0], %w[%c0, %c0], %acc depth %c2 {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes, unsigned_lhs}
         : memref<1x2xi8>, memref<2x1x1x2xi8>, !lutra.tile<1x2xi32> -> !lutra.tile<1x2xi32>
  %r = lutra.tile_join %s, %u : !lutra.tile<1x2xi32>, !lutra.tile<1x2xi32> -> !lutra.tile<1x4xi32>
  lutra.tile_store %r, %y[%c0, %c0] dims = [-1, 1] steps = [1, 1] : !lutra.tile<1x4xi32>, memref<1x4xi32>
  return %y : memref<1x4xi32>
}

// Two columns, a step of two bytes each: low halves are k 0 1, high ones k 2 3. Column 0: bytes 0x21 0x43 hold 1 3 2 4;
// column 1: 0xf0 0x0f hold 0 15 15 0. Times 1 -1 2 -2: 1 - 3 + 4 - 8 = -6, and 0 - 15 + 30 - 0 = 15; added to 100.
// OPS: @coded 0: 1x2xi32 = {{\[\[}}94, 115]]
func.func @coded() -> memref<1x2xi32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %x = memref.alloc() : memref<1x4xi8>
  %w = memref.alloc() : memref<1x1x2x2xi8>
  %y = memref.alloc() : memref<1x2xi32>
  %x0 = arith.constant 1 : i8
  %x1 = arith.constant -1 : i8
  %x2 = arith.constant 2 : i8
  %x3 = arith.constant -2 : i8
  memref.store %x0, %x[%c0, %c0] : memref<1x4xi8>
  memref.store %x1, %x[%c0, %c1] : memref<1x4xi8>
  memref.store %x2, %x[%c0, %c2] : memref<1x4xi8>
  memref.store %x3, %x[%c0, %c3] : memref<1x4xi8>
  %w0 = arith.constant 0x21 : i8
  %w1 = arith.constant 0x43 : i8
  %w2 = arith.constant 0xf0 : i8
  %w3 = arith.constant 0x0f : i8
  memref.store %w0, %w[%c0, %c0, %c0, %c0] : memref<1x1x2x2xi8>
  memref.store %w1, %w[%c0, %c0, %c0, %c1] : memref<1x1x2x2xi8>
  memref.store %w2, %w[%c0, %c0, %c1, %c0] : memref<1x1x2x2xi8>
  memref.store %w3, %w[%c0, %c0, %c1, %c1] : memref<1x1x2x2xi8>
  %hundred = arith.constant 100 : i32
  %acc = lutra.tile_fill %hundred : i32 -> !lutra.tile<1x2xi32>
  %r = lutra.tile_coded_matmul %x[%c0, %c0], %w[%c0, %c0], %acc depth %c4 {bits = 4 : i64, lhs_row_dim = 0 : i64}
         : memref<1x4xi8>, memref<1x1x2x2xi8>, !lutra.tile<1x2xi32> -> !lutra.tile<1x2xi32>
  lutra.tile_store %r, %y[%c0, %c0] dims = [-1, 1] steps = [1, 1] : !lutra.tile<1x2xi32>, memref<1x2xi32>
  return %y : memref<1x2xi32>
}

// Words of two rows side by side, two of each: row 0 has k 0 to 3 = 1 0 0 0 and k 4 to 7 = 0 2 0 0, row 1 three times
// as much. Codes of one column: 1 to 8, so that row 0 gives 1 + 2 * 6 = 13.
// OPS: @words 0: 2x1xi32 = {{\[\[}}13], [39]]
func.func @words() -> memref<2x1xi32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  %none = arith.constant 0 : i8
  %x = memref.alloc() : memref<2x2x4xi8>
  %w = memref.alloc() : memref<1x2x1x4xi8>
  %y = memref.alloc() : memref<2x1xi32>
  scf.for %k = %c0 to %c8 step %c1 {
    %word = arith.divui %k, %c4 : index
    %byte = arith.remui %k, %c4 : index
    %next = arith.addi %k, %c1 : index
    %code = arith.index_cast %next : index to i8
    memref.store %code, %w[%c0, %word, %c0, %byte] : memref<1x2x1x4xi8>
    memref.store %none, %x[%word, %c0, %byte] : memref<2x2x4xi8>
    memref.store %none, %x[%word, %c1, %byte] : memref<2x2x4xi8>
  }
  %x0 = arith.constant 1 : i8
  %x1 = arith.constant 2 : i8
  %x2 = arith.constant 3 : i8
  %x3 = arith.constant 6 : i8
  memref.store %x0, %x[%c0, %c0, %c0] : memref<2x2x4xi8>
  memref.store %x1, %x[%c1, %c0, %c1] : memref<2x2x4xi8>
  memref.store %x2, %x[%c0, %c1, %c0] : memref<2x2x4xi8>
  memref.store %x3, %x[%c1, %c1, %c1] : memref<2x2x4xi8>
  %zero = arith.constant 0 : i32
  %acc = lutra.tile_fill %zero : i32 -> !lutra.tile<2x1xi32>
  %r = lutra.tile_coded_matmul %x[%c0, %c0, %c0], %w[%c0, %c0], %acc depth %c8 {bits = 8 : i64, lhs_row_dim = 1 : i64, lhs_words}
         : memref<2x2x4xi8>, memref<1x2x1x4xi8>, !lutra.tile<2x1xi32> -> !lutra.tile<2x1xi32>
  lutra.tile_store %r, %y[%c0, %c0] dims = [0, 1] steps = [1, 1] : !lutra.tile<2x1xi32>, memref<2x1xi32>
  return %y : memref<2x1xi32>
}

// Codes of 4 bits, high halves the special one: column 0 takes 10 for it, column 1 16.
// OPS: @special 0: 2x2xi8 = {{\[\[}}6, 2], [10, 16]]
func.func @special() -> memref<2x2xi8> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %w = memref.alloc() : memref<1x1x2x1xi8>
  %t = memref.alloc() : memref<1x2xi32>
  %y = memref.alloc() : memref<2x2xi8>
  %w0 = arith.constant 0x83 : i8
  %w1 = arith.constant 0x81 : i8
  memref.store %w0, %w[%c0, %c0, %c0, %c0] : memref<1x1x2x1xi8>
  memref.store %w1, %w[%c0, %c0, %c1, %c0] : memref<1x1x2x1xi8>
  %t0 = arith.constant 0 : i32
  %t1 = arith.constant 2 : i32
  memref.store %t0, %t[%c0, %c0] : memref<1x2xi32>
  memref.store %t1, %t[%c0, %c1] : memref<1x2xi32>
  %s = lutra.tile_load %t[%c0, %c0] dims = [-1, 1] steps = [1, 1] : memref<1x2xi32> -> !lutra.tile<1x2xi32>
  %r = lutra.tile_unpack %w[%c0, %c0] special(%s : !lutra.tile<1x2xi32>)
         {bits = 4 : i64, values = array<i64: 0, 2, 4, 6, 8, 10, 12, 14, 0, 1, 3, 5, 7, 9, 11, 13, 10, -10, 16, -16>,
          special_code = 8 : i64} : memref<1x1x2x1xi8> -> !lutra.tile<2x2xi8>
  lutra.tile_store %r, %y[%c0, %c0] dims = [0, 1] steps = [1, 1] : !lutra.tile<2x2xi8>, memref<2x2xi8>
  return %y : memref<2x2xi8>
}

// The same in two panels, the second of which takes 16: 6 + 10 and 2 + 16.
// OPS: @special_panels 0: 1x2xi32 = {{\[\[}}16, 18]]
func.func @special_panels() -> memref<1x2xi32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %w = memref.alloc() : memref<2x1x1x1xi8>
  %x = memref.alloc() : memref<1x2xi8>
  %t = memref.alloc() : memref<1x2xi32>
  %y = memref.alloc() : memref<1x2xi32>
  %w0 = arith.constant 0x83 : i8
  %w1 = arith.constant 0x81 : i8
  memref.store %w0, %w[%c0, %c0, %c0, %c0] : memref<2x1x1x1xi8>
  memref.store %w1, %w[%c1, %c0, %c0, %c0] : memref<2x1x1x1xi8>
  %one = arith.constant 1 : i8
  memref.store %one, %x[%c0, %c0] : memref<1x2xi8>
  memref.store %one, %x[%c0, %c1] : memref<1x2xi8>
  %t0 = arith.constant 0 : i32
  %t1 = arith.constant 2 : i32
  memref.store %t0, %t[%c0, %c0] : memref<1x2xi32>
  memref.store %t1, %t[%c0, %c1] : memref<1x2xi32>
  %s = lutra.tile_load %t[%c0, %c0] dims = [-1, 1] steps = [1, 1] : memref<1x2xi32> -> !lutra.tile<1x2xi32>
  %acc = lutra.tile_fill %t0 : i32 -> !lutra.tile<1x2xi32>
  %r = lutra.tile_coded_matmul %x[%c0, %c0], %w[%c0, %c0], %acc depth %c2 special(%s : !lutra.tile<1x2xi32>)
         {bits = 4 : i64, lhs_row_dim = 0 : i64, values = array<i64: 0, 2, 4, 6, 8, 10, 12, 14, 0, 1, 3, 5, 7, 9, 11, 13, 10, -10, 16, -16>,
          special_code = 8 : i64} : memref<1x2xi8>, memref<2x1x1x1xi8>, !lutra.tile<1x2xi32> -> !lutra.tile<1x2xi32>
  lutra.tile_store %r, %y[%c0, %c0] dims = [-1, 1] steps = [1, 1] : !lutra.tile<1x2xi32>, memref<1x2xi32>
  return %y : memref<1x2xi32>
}

// Two bytes times 640 / 256 and rounded: 3 -> 7.5, 200 -> 500 = 256 + 244. Two times -1, less 2: 0, 15.
// OPS: @rescaled 0: 1x4xi8 = {{\[\[}}8, -12, -2, -17]]
func.func @rescaled() -> memref<1x4xi8> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %x = memref.alloc() : memref<1x4xi8>
  %f = memref.alloc() : memref<1x2xi16>
  %o = memref.alloc() : memref<1x2xi16>
  %y = memref.alloc() : memref<1x4xi8>
  %x0 = arith.constant 3 : i8
  %x1 = arith.constant -56 : i8
  %x2 = arith.constant 0 : i8
  %x3 = arith.constant 15 : i8
  memref.store %x0, %x[%c0, %c0] : memref<1x4xi8>
  memref.store %x1, %x[%c0, %c1] : memref<1x4xi8>
  memref.store %x2, %x[%c0, %c2] : memref<1x4xi8>
  memref.store %x3, %x[%c0, %c3] : memref<1x4xi8>
  %f0 = arith.constant 640 : i16
  %f1 = arith.constant -256 : i16
  %o0 = arith.constant 128 : i16
  %o1 = arith.constant -512 : i16
  memref.store %f0, %f[%c0, %c0] : memref<1x2xi16>
  memref.store %f1, %f[%c0, %c1] : memref<1x2xi16>
  memref.store %o0, %o[%c0, %c0] : memref<1x2xi16>
  memref.store %o1, %o[%c0, %c1] : memref<1x2xi16>
  %v = lutra.tile_load %x[%c0, %c0] dims = [0, 1] steps = [1, 1] : memref<1x4xi8> -> !lutra.tile<1x4xi8>
  %m = lutra.tile_load %f[%c0, %c0] dims = [0, 1] steps = [1, 1] : memref<1x2xi16> -> !lutra.tile<1x2xi16>
  %p = lutra.tile_load %o[%c0, %c0] dims = [0, 1] steps = [1, 1] : memref<1x2xi16> -> !lutra.tile<1x2xi16>
  %r = lutra.tile_rescale %v by %m plus %p : !lutra.tile<1x4xi8>, !lutra.tile<1x2xi16>
  lutra.tile_store %r, %y[%c0, %c0] dims = [0, 1] steps = [1, 1] : !lutra.tile<1x4xi8>, memref<1x4xi8>
  return %y : memref<1x4xi8>
}

// Triples in words of one byte: word 0 holds 5 = 2 + 3 * 1 + 9 * 0, word 1 26, and what is left of both the bits 01101
// of the eighth, 13 = 1 + 3 + 9.
// OPS: @triples 0: 32x1xi8 = {{\[}}[2], [1], [0], [2], [2], [2], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [1], [1], [1], [0], [0], [0], [0], [0], [0], [0], [0]]
func.func @triples() -> memref<32x1xi8> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c7 = arith.constant 7 : index
  %w = memref.alloc() : memref<1x7x1x1xi8>
  %y = memref.alloc() : memref<32x1xi8>
  %w0 = arith.constant 0xa5 : i8
  %w1 = arith.constant 0x3a : i8
  %rest = arith.constant 0 : i8
  scf.for %i = %c0 to %c7 step %c1 {
    memref.store %rest, %w[%c0, %i, %c0, %c0] : memref<1x7x1x1xi8>
  }
  memref.store %w0, %w[%c0, %c0, %c0, %c0] : memref<1x7x1x1xi8>
  memref.store %w1, %w[%c0, %c1, %c0, %c0] : memref<1x7x1x1xi8>
  %r = lutra.tile_unpack %w[%c0, %c0] {bits = 2 : i64, triples} : memref<1x7x1x1xi8> -> !lutra.tile<32x1xi8>
  lutra.tile_store %r, %y[%c0, %c0] dims = [0, 1] steps = [1, 1] : !lutra.tile<32x1xi8>, memref<32x1xi8>
  return %y : memref<32x1xi8>
}

// Bits of 32 neighbours: k = 4 f + b lies at bit 8 b + place(f). One plane says what is above 0: 5 (f = 1, b = 1: bit 9)
// and 31 (f = 7, b = 3: bit 31). Of two planes of -1 and 1, beside codes of 2 bits, place(1) is 2 and place(7) 7: bits 10
// and 31 of the lower plane, 10 of the upper one.
// OPS: @planes 0: 1x1xi32 = {{\[\[}}-2147483136]]
// OPS: @planes 1: 2x1xi32 = {{\[\[}}-2147482624], [1024]]
// Codes of one bit, 1 for 5 alone, differ from the plane at 31: 10 - 1. Codes of 2 bits, 3 for 5 and 2 for 31, beside -1
// and 1: -3 + 2.
// OPS: @planes 2: 1x1xi32 = {{\[\[}}9]]
// OPS: @planes 3: 1x1xi32 = {{\[\[}}-1]]
func.func @planes() -> (memref<1x1xi32>, memref<2x1xi32>, memref<1x1xi32>, memref<1x1xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %c5 = arith.constant 5 : index
  %c31 = arith.constant 31 : index
  %c32 = arith.constant 32 : index
  %zero = arith.constant 0 : i8
  %one = arith.constant 1 : i8
  %minus = arith.constant -1 : i8
  %x = memref.alloc() : memref<32xi8>
  scf.for %i = %c0 to %c32 step %c1 {
    memref.store %zero, %x[%i] : memref<32xi8>
  }
  memref.store %one, %x[%c5] : memref<32xi8>
  memref.store %one, %x[%c31] : memref<32xi8>
  %p = lutra.tile_bit_planes %x[%c0] {code_bits = 1 : i64} : memref<32xi8> -> !lutra.tile<1x1xi32>
  %single = memref.alloc() : memref<1x1xi32>
  lutra.tile_store %p, %single[%c0, %c0] dims = [0, 1] steps = [1, 1] : !lutra.tile<1x1xi32>, memref<1x1xi32>
  memref.store %minus, %x[%c5] : memref<32xi8>
  %q = lutra.tile_bit_planes %x[%c0] {code_bits = 2 : i64} : memref<32xi8> -> !lutra.tile<2x1xi32>
  %double = memref.alloc() : memref<2x1xi32>
  lutra.tile_store %q, %double[%c0, %c0] dims = [0, 1] steps = [1, 1] : !lutra.tile<2x1xi32>, memref<2x1xi32>

  %w = memref.alloc() : memref<1x2x1x4xi8>
  scf.for %i = %c0 to %c4 step %c1 {
    memref.store %zero, %w[%c0, %c0, %c0, %i] : memref<1x2x1x4xi8>
    memref.store %zero, %w[%c0, %c1, %c0, %i] : memref<1x2x1x4xi8>
  }
  %bit = arith.constant 0x02 : i8
  memref.store %bit, %w[%c0, %c0, %c0, %c1] : memref<1x2x1x4xi8>
  %ten = arith.constant 10 : i32
  %a = lutra.tile_fill %ten : i32 -> !lutra.tile<1x1xi32>
  %single3 = memref.expand_shape %single [[0], [1, 2]] output_shape [1, 1, 1] : memref<1x1xi32> into memref<1x1x1xi32>
  %r = lutra.tile_bitserial_matmul %single3[%c0, %c0], %w[%c0, %c0], %a {depth = 32 : i64, bits = 1 : i64}
         : memref<1x1x1xi32>, memref<1x2x1x4xi8>, !lutra.tile<1x1xi32> -> !lutra.tile<1x1xi32>
  %y = memref.alloc() : memref<1x1xi32>
  lutra.tile_store %r, %y[%c0, %c0] dims = [0, 1] steps = [1, 1] : !lutra.tile<1x1xi32>, memref<1x1xi32>

  %three = arith.constant 0x0c : i8
  %two = arith.constant 0x80 : i8
  memref.store %three, %w[%c0, %c0, %c0, %c1] : memref<1x2x1x4xi8>
  memref.store %two, %w[%c0, %c1, %c0, %c3] : memref<1x2x1x4xi8>
  %none = arith.constant 0 : i32
  %b = lutra.tile_fill %none : i32 -> !lutra.tile<1x1xi32>
  %double3 = memref.expand_shape %double [[0, 1], [2]] output_shape [1, 2, 1] : memref<2x1xi32> into memref<1x2x1xi32>
  %s = lutra.tile_bitserial_matmul %double3[%c0, %c0], %w[%c0, %c0], %b {depth = 32 : i64, bits = 2 : i64}
         : memref<1x2x1xi32>, memref<1x2x1x4xi8>, !lutra.tile<1x1xi32> -> !lutra.tile<1x1xi32>
  %z = memref.alloc() : memref<1x1xi32>
  lutra.tile_store %s, %z[%c0, %c0] dims = [0, 1] steps = [1, 1] : !lutra.tile<1x1xi32>, memref<1x1xi32>
  return %single, %double, %y, %z : memref<1x1xi32>, memref<2x1xi32>, memref<1x1xi32>, memref<1x1xi32>
}

// Four-bit codes, byte k of word 0 in the low half, k + 4 in the high one. Codes 0x9 (sign, 2^1) at k = 0, 0x7 (2^7) at
// k = 1, 0xf (sign, 2^7) at k = 4 and 0 (2^0) elsewhere beside 3, -128, 0, 0, -128, 0, 0, 1: 10 - 6 - 16384 + 16384 + 1.
// A code of 2 bits, 3 (sign, 2^1), at k = 5 (word 0, byte 1, field 1: 0x0c) beside 100 there and 0 elsewhere: -200.
// OPS: @shifts 0: 1x1xi32 = {{\[\[}}5]]
// OPS: @shifts 1: 1x1xi32 = {{\[\[}}-200]]
func.func @shifts() -> (memref<1x1xi32>, memref<1x1xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c5 = arith.constant 5 : index
  %c7 = arith.constant 7 : index
  %c16 = arith.constant 16 : index
  %zero = arith.constant 0 : i8
  %x = memref.alloc() : memref<2x16xi8>
  scf.for %i = %c0 to %c16 step %c1 {
    memref.store %zero, %x[%c0, %i] : memref<2x16xi8>
    memref.store %zero, %x[%c1, %i] : memref<2x16xi8>
  }
  %one = arith.constant 1 : i8
  %three = arith.constant 3 : i8
  %hundred = arith.constant 100 : i8
  %least = arith.constant -128 : i8
  memref.store %three, %x[%c0, %c0] : memref<2x16xi8>
  memref.store %least, %x[%c0, %c1] : memref<2x16xi8>
  memref.store %least, %x[%c0, %c4] : memref<2x16xi8>
  memref.store %one, %x[%c0, %c7] : memref<2x16xi8>
  memref.store %hundred, %x[%c1, %c5] : memref<2x16xi8>
  %w = memref.alloc() : memref<1x1x1x4xi8>
  scf.for %i = %c0 to %c4 step %c1 {
    memref.store %zero, %w[%c0, %c0, %c0, %i] : memref<1x1x1x4xi8>
  }
  %first = arith.constant 0xf9 : i8
  %second = arith.constant 0x07 : i8
  memref.store %first, %w[%c0, %c0, %c0, %c0] : memref<1x1x1x4xi8>
  memref.store %second, %w[%c0, %c0, %c0, %c1] : memref<1x1x1x4xi8>
  %ten = arith.constant 10 : i32
  %a = lutra.tile_fill %ten : i32 -> !lutra.tile<1x1xi32>
  %r = lutra.tile_shift_matmul %x[%c0, %c0], %w[%c0, %c0], %a {depth = 8 : i64, bits = 4 : i64, lhs_row_dim = 0 : i64}
         : memref<2x16xi8>, memref<1x1x1x4xi8>, !lutra.tile<1x1xi32> -> !lutra.tile<1x1xi32>
  %y = memref.alloc() : memref<1x1xi32>
  lutra.tile_store %r, %y[%c0, %c0] dims = [0, 1] steps = [1, 1] : !lutra.tile<1x1xi32>, memref<1x1xi32>

  %third = arith.constant 0x0c : i8
  memref.store %zero, %w[%c0, %c0, %c0, %c0] : memref<1x1x1x4xi8>
  memref.store %third, %w[%c0, %c0, %c0, %c1] : memref<1x1x1x4xi8>
  %none = arith.constant 0 : i32
  %b = lutra.tile_fill %none : i32 -> !lutra.tile<1x1xi32>
  %s = lutra.tile_shift_matmul %x[%c1, %c0], %w[%c0, %c0], %b {depth = 16 : i64, bits = 2 : i64, lhs_row_dim = 0 : i64}
         : memref<2x16xi8>, memref<1x1x1x4xi8>, !lutra.tile<1x1xi32> -> !lutra.tile<1x1xi32>
  %z = memref.alloc() : memref<1x1xi32>
  lutra.tile_store %s, %z[%c0, %c0] dims = [0, 1] steps = [1, 1] : !lutra.tile<1x1xi32>, memref<1x1xi32>
  return %y, %z : memref<1x1xi32>, memref<1x1xi32>
}

//--- launch.mlir
// A tiled kernel: its work items are run in two parts, and each writes one element.
func.func @k.grid(%a: memref<?xf32>, %out: memref<?xf32>) -> index {
  %c0 = arith.constant 0 : index
  %n = memref.dim %a, %c0 : memref<?xf32>
  return %n : index
}
func.func @k(%a: memref<?xf32>, %out: memref<?xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c1 = arith.constant 1 : index
  scf.for %i = %begin to %end step %c1 {
    %zero = arith.constant 0.0 : f32
    %v = memref.load %a[%i] : memref<?xf32>
    %d = arith.mulf %v, %zero : f32
    memref.store %d, %out[%i] : memref<?xf32>
  }
  return
}
// LAUNCH: @main 0: 3xf32 = [{{-?}}0, {{-?}}0, {{-?}}0]
func.func @main(%a: memref<?xf32>) -> memref<?xf32> {
  %c0 = arith.constant 0 : index
  %n = memref.dim %a, %c0 : memref<?xf32>
  %out = memref.alloc(%n) : memref<?xf32>
  lutra.launch @k(%a) outs(%out : memref<?xf32>) : (memref<?xf32>) -> ()
  return %out : memref<?xf32>
}

//--- outside.mlir
func.func @main(%m: memref<10xf32>) -> f32 {
  %c8 = arith.constant 8 : index
  // OUTSIDE: error: E0901: 'lutra.tile_load' accesses index 10 of dimension 0 of a buffer of shape [10]
  %t = lutra.tile_load %m[%c8] dims = [0] steps = [1] : memref<10xf32> -> !lutra.tile<4xf32>
  %s = lutra.tile_reduce<sum> %t : !lutra.tile<4xf32> -> !lutra.tile<f32>
  %r = lutra.tile_extract %s : !lutra.tile<f32> -> f32
  return %r : f32
}
