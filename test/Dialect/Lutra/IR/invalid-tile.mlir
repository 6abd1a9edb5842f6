// RUN: lutra-opt %s --split-input-file --verify-diagnostics

// tile_fill E1
func.func @tile_fill_e1(%v: f32) {
  // expected-error @below {{fills with 'f32', but the tile holds 'f16'}}
  %r = lutra.tile_fill %v : f32 -> !lutra.tile<4xf16>
  return
}

// -----
// tile_iota E1
func.func @tile_iota_e1(%b: index) {
  // expected-error @below {{counts along dimension 1, but the tile has rank 1}}
  %r = lutra.tile_iota %b {dim = 1 : i64} : !lutra.tile<4xindex>
  return
}

// -----
// tile_iota E2
func.func @tile_iota_e2(%b: index) {
  // expected-error @below {{counts in elements 'i32'; use index and convert in a tile_map}}
  %r = lutra.tile_iota %b {dim = 0 : i64} : !lutra.tile<4xi32>
  return
}

// -----
// tile_load E1
func.func @tile_load_e1(%m: memref<?x64xf32>, %i: index) {
  // expected-error @below {{gives 1 indices into a buffer of rank 2; give one for each dimension}}
  %r = lutra.tile_load %m[%i] dims = [1] steps = [1] : memref<?x64xf32> -> !lutra.tile<16xf32>
  return
}

// -----
// tile_store E1
func.func @tile_store_e1(%m: memref<?x64xf32>, %i: index, %t: !lutra.tile<16xf32>) {
  // expected-error @below {{gives 1 indices into a buffer of rank 2; give one for each dimension}}
  lutra.tile_store %t, %m[%i] dims = [1] steps = [1] : !lutra.tile<16xf32>, memref<?x64xf32>
  return
}

// -----
// tile_load E2
func.func @tile_load_e2(%m: memref<?x64xf32>, %i: index) {
  // expected-error @below {{gives 2 dims and 1 steps for a tile of rank 1}}
  %r = lutra.tile_load %m[%i, %i] dims = [0, 1] steps = [1] : memref<?x64xf32> ->
         !lutra.tile<16xf32>
  return
}

// -----
// tile_store E2
func.func @tile_store_e2(%m: memref<?x64xf32>, %i: index, %t: !lutra.tile<16xf32>) {
  // expected-error @below {{gives 2 dims and 1 steps for a tile of rank 1}}
  lutra.tile_store %t, %m[%i, %i] dims = [0, 1] steps = [1] : !lutra.tile<16xf32>,
         memref<?x64xf32>
  return
}

// -----
// tile_load E3
func.func @tile_load_e3(%m: memref<?x64xf32>, %i: index) {
  // expected-error @below {{advances along buffer dimension 2 of a buffer of rank 2; use a dimension, or -1 to repeat}}
  %r = lutra.tile_load %m[%i, %i] dims = [2] steps = [1] : memref<?x64xf32> -> !lutra.tile<16xf32>
  return
}

// -----
// tile_load E4
func.func @tile_load_e4(%m: memref<?x64xf32>, %i: index) {
  // expected-error @below {{gives 2 bounds for a tile of rank 1; give none or one for each tile dimension}}
  %r = lutra.tile_load %m[%i, %i] bounds(%i, %i) dims = [1] steps = [1] : memref<?x64xf32> ->
         !lutra.tile<16xf32>
  return
}

// -----
// tile_store E4
func.func @tile_store_e4(%m: memref<?x64xf32>, %i: index, %t: !lutra.tile<16xf32>) {
  // expected-error @below {{gives 2 bounds for a tile of rank 1; give none or one for each tile dimension}}
  lutra.tile_store %t, %m[%i, %i] bounds(%i, %i) dims = [1] steps = [1] : !lutra.tile<16xf32>,
         memref<?x64xf32>
  return
}

// -----
// tile_load E5
func.func @tile_load_e5(%m: memref<?x64xf32>, %i: index) {
  // expected-error @below {{moves elements 'f16' of a tile, but the buffer stores 'f32'; convert in a tile_map}}
  %r = lutra.tile_load %m[%i, %i] dims = [1] steps = [1] : memref<?x64xf32> -> !lutra.tile<16xf16>
  return
}

// -----
// tile_store E5
func.func @tile_store_e5(%m: memref<?x64xf32>, %i: index, %t: !lutra.tile<16xf16>) {
  // expected-error @below {{moves elements 'f16' of a tile, but the buffer stores 'f32'; convert in a tile_map}}
  lutra.tile_store %t, %m[%i, %i] dims = [1] steps = [1] : !lutra.tile<16xf16>, memref<?x64xf32>
  return
}

// -----
// tile_store E3
func.func @tile_store_e3(%m: memref<?x64xf32>, %i: index, %t: !lutra.tile<16xf32>) {
  // expected-error @below {{advances along buffer dimension -1 of a buffer of rank 2; use a dimension}}
  lutra.tile_store %t, %m[%i, %i] dims = [-1] steps = [1] : !lutra.tile<16xf32>, memref<?x64xf32>
  return
}

// -----
// tile_gather E1
func.func @tile_gather_e1(%m: memref<?xf32>, %o: !lutra.tile<8xindex>) {
  // expected-error @below {{reads '!lutra.tile<16xf32>' at offsets '!lutra.tile<8xindex>'}}
  %r = lutra.tile_gather %m[%o] : memref<?xf32>, !lutra.tile<8xindex> -> !lutra.tile<16xf32>
  return
}

// -----
// tile_gather E1
func.func @tile_gather_e1_bytes(%m: memref<200xf32>, %o: !lutra.tile<8xi8>) {
  // expected-error @below {{reads '!lutra.tile<8xf32>' at offsets '!lutra.tile<8xi8>' of 'memref<200xf32>'}}
  %r = lutra.tile_gather %m[%o] : memref<200xf32>, !lutra.tile<8xi8> -> !lutra.tile<8xf32>
  return
}

// -----
// tile_gather E2
func.func @tile_gather_e2(%m: memref<?xf32>, %o: !lutra.tile<8xindex>, %i: index) {
  // expected-error @below {{gives 2 bounds for a tile of rank 1}}
  %r = lutra.tile_gather %m[%o] bounds(%i, %i) : memref<?xf32>, !lutra.tile<8xindex> ->
         !lutra.tile<8xf32>
  return
}

// -----
// tile_gather E3
func.func @tile_gather_e3(%m: memref<?xf32>, %o: !lutra.tile<8xindex>) {
  // expected-error @below {{moves elements 'f16' of a tile, but the buffer stores 'f32'}}
  %r = lutra.tile_gather %m[%o] : memref<?xf32>, !lutra.tile<8xindex> -> !lutra.tile<8xf16>
  return
}

// -----
// tile_map E1
func.func @tile_map_e1(%t: !lutra.tile<8xf32>) {
  // expected-error @below {{has input '!lutra.tile<8xf32>' for results of shape [16]}}
  %r = lutra.tile_map(%t) : (!lutra.tile<8xf32>) -> !lutra.tile<16xf32> {
  ^bb0(%x: f32):
    lutra.yield %x : f32
  }
  return
}

// -----
// tile_map E2
func.func @tile_map_e2(%t: !lutra.tile<8xf32>) {
  // expected-error @below {{has a region of ('f16'), but inputs of ('f32')}}
  %r = lutra.tile_map(%t) : (!lutra.tile<8xf32>) -> !lutra.tile<8xf16> {
  ^bb0(%x: f16):
    lutra.yield %x : f16
  }
  return
}

// -----
// tile_map E3
func.func @tile_map_e3(%t: !lutra.tile<8xf32>) {
  // expected-error @below {{yields ('f32'), but its results hold ('f16')}}
  %r = lutra.tile_map(%t) : (!lutra.tile<8xf32>) -> !lutra.tile<8xf16> {
  ^bb0(%x: f32):
    lutra.yield %x : f32
  }
  return
}

// -----
// tile_map E4
func.func @tile_map_e4(%t: !lutra.tile<8xf32>) {
  // expected-error @below {{holds memref.alloc, which touches memory; a tile_map is pure}}
  %r = lutra.tile_map(%t) : (!lutra.tile<8xf32>) -> !lutra.tile<8xf32> {
  ^bb0(%x: f32):
    // expected-note @below {{the op is here}}
    %m = memref.alloc() : memref<4xf32>
    lutra.yield %x : f32
  }
  return
}

// -----
// tile_reduce E1
func.func @tile_reduce_e1(%t: !lutra.tile<f32>) {
  // expected-error @below {{reduces '!lutra.tile<f32>', which has no dimension left}}
  %r = lutra.tile_reduce<sum> %t : !lutra.tile<f32> -> !lutra.tile<f32>
  return
}

// -----
// tile_reduce E2
func.func @tile_reduce_e2(%t: !lutra.tile<4x8xf32>) {
  // expected-error @below {{but its last dimension goes: [4] is left}}
  %r = lutra.tile_reduce<sum> %t : !lutra.tile<4x8xf32> -> !lutra.tile<8xf32>
  return
}

// -----
// tile_reduce E3
func.func @tile_reduce_e3(%t: !lutra.tile<4x8xf32>) {
  // expected-error @below {{the elements keep their type, so convert in a tile_map}}
  %r = lutra.tile_reduce<sum> %t : !lutra.tile<4x8xf32> -> !lutra.tile<4xf16>
  return
}

// -----
// tile_extract E1
func.func @tile_extract_e1(%t: !lutra.tile<4xf32>) {
  // expected-error @below {{which holds 4; reduce it first}}
  %r = lutra.tile_extract %t : !lutra.tile<4xf32> -> f32
  return
}

// -----
// tile_extract E2
func.func @tile_extract_e2(%t: !lutra.tile<f32>) {
  // expected-error @below {{extracts 'f16', but the tile holds 'f32'}}
  %r = lutra.tile_extract %t : !lutra.tile<f32> -> f16
  return
}

// -----
// tile_matmul E1
func.func @tile_matmul_e1(
    %a: memref<?x?xf32>, %b: memref<?x?x16xf32>, %c: !lutra.tile<16xf32>, %i: index) {
  // expected-error @below {{both must be one tile type of rank 2}}
  %r = lutra.tile_matmul %a[%i, %i], %b<panel>[%i, %i, %i], %c depth %i {lhs_row_dim = 0 : i64} :
         memref<?x?xf32>, memref<?x?x16xf32>, !lutra.tile<16xf32> -> !lutra.tile<16xf32>
  return
}

// -----
// tile_matmul E2
func.func @tile_matmul_e2(
    %a: memref<?x?xf32>, %b: memref<?x?x16xf32>, %c: !lutra.tile<6x16xf32>, %i: index) {
  // expected-error @below {{gives 1 and 3 indices into buffers of rank 2 and 3}}
  %r = lutra.tile_matmul %a[%i], %b<panel>[%i, %i, %i], %c depth %i {lhs_row_dim = 0 : i64} :
         memref<?x?xf32>, memref<?x?x16xf32>, !lutra.tile<6x16xf32> -> !lutra.tile<6x16xf32>
  return
}

// -----
// tile_matmul E3
func.func @tile_matmul_e3(
    %a: memref<?x?xf32>, %b: memref<?x?x16xf32>, %c: !lutra.tile<6x16xf32>, %i: index) {
  // expected-error @below {{advances rows by 1 along dimension 1 of a buffer of rank 2}}
  %r = lutra.tile_matmul %a[%i, %i], %b<panel>[%i, %i, %i], %c depth %i {lhs_row_dim = 1 : i64} :
         memref<?x?xf32>, memref<?x?x16xf32>, !lutra.tile<6x16xf32> -> !lutra.tile<6x16xf32>
  return
}

// -----
// tile_matmul E3
func.func @tile_matmul_e3_2(
    %a: memref<?x?xf32>, %b: memref<?x?x16xf32>, %c: !lutra.tile<6x16xf32>, %i: index) {
  // expected-error @below {{advances rows by 0 along dimension 0 of a buffer of rank 2}}
  %r = lutra.tile_matmul %a[%i, %i], %b<panel>[%i, %i, %i], %c depth %i {lhs_row_dim = 0 : i64,
         row_step = 0 : i64} : memref<?x?xf32>, memref<?x?x16xf32>, !lutra.tile<6x16xf32> ->
         !lutra.tile<6x16xf32>
  return
}

// -----
// tile_matmul E4
func.func @tile_matmul_e4(
    %a: memref<?x?xf32>, %b: memref<?x16xf32>, %c: !lutra.tile<6x16xf32>, %i: index) {
  // expected-error @below {{reads rhs as panel from a buffer of rank 2; give it at least rank 3}}
  %r = lutra.tile_matmul %a[%i, %i], %b<panel>[%i, %i], %c depth %i {lhs_row_dim = 0 : i64} :
         memref<?x?xf32>, memref<?x16xf32>, !lutra.tile<6x16xf32> -> !lutra.tile<6x16xf32>
  return
}

// -----
// tile_matmul E4
func.func @tile_matmul_e4_2(
    %a: memref<?x?xf32>, %b: memref<?x?x12xf32>, %c: !lutra.tile<6x16xf32>, %i: index) {
  // expected-error @below {{has 16 columns over panels of shape [?, ?, 12]; the panel width must be static and divide the columns}}
  %r = lutra.tile_matmul %a[%i, %i], %b<panel>[%i, %i, %i], %c depth %i {lhs_row_dim = 0 : i64} :
         memref<?x?xf32>, memref<?x?x12xf32>, !lutra.tile<6x16xf32> -> !lutra.tile<6x16xf32>
  return
}

// -----
// tile_matmul E4
func.func @tile_matmul_e4_deep(
    %a: memref<?x?xi16>, %b: memref<?x?x16x?xi8>, %c: !lutra.tile<6x16xi32>, %i: index) {
  // expected-error @below {{the step of K, which is the last size, must be static}}
  %r = lutra.tile_matmul %a[%i, %i], %b<deep_panel>[%i, %i, %i, %i], %c depth %i {lhs_row_dim = 0 : i64} :
         memref<?x?xi16>, memref<?x?x16x?xi8>, !lutra.tile<6x16xi32> -> !lutra.tile<6x16xi32>
  return
}

// -----
// tile_matmul E5
func.func @tile_matmul_e5(
    %a: memref<?x?xf32>, %b: memref<?x?x16xf16>, %c: !lutra.tile<6x16xf32>, %i: index) {
  // expected-error @below {{multiplies elements 'f32' and 'f16' into 'f32'}}
  %r = lutra.tile_matmul %a[%i, %i], %b<panel>[%i, %i, %i], %c depth %i {lhs_row_dim = 0 : i64} :
         memref<?x?xf32>, memref<?x?x16xf16>, !lutra.tile<6x16xf32> -> !lutra.tile<6x16xf32>
  return
}

// -----
// tile_matmul E6
func.func @tile_matmul_e6(
    %a: memref<?x?xf32>, %b: memref<?x?x16xf32>, %c: !lutra.tile<6x16xf32>, %i: index) {
  // expected-error @below {{gives 1 bounds for a tile of rank 2}}
  %r = lutra.tile_matmul %a[%i, %i], %b<panel>[%i, %i, %i], %c depth %i bounds(%i) {lhs_row_dim =
         0 : i64} : memref<?x?xf32>, memref<?x?x16xf32>, !lutra.tile<6x16xf32> ->
         !lutra.tile<6x16xf32>
  return
}

// -----
// tile_coded_matmul E1
func.func @tile_coded_matmul_e1(%a: memref<?x?xi8>, %w: memref<?x?x16x4xi8>, %c: !lutra.tile<4x16xf32>, %i: index) {
  // expected-error @below {{adds to '!lutra.tile<4x16xf32>'}}
  %r = lutra.tile_coded_matmul %a[%i, %i], %w[%i, %i], %c depth %i {bits = 4 : i64, lhs_row_dim = 0 : i64}
         : memref<?x?xi8>, memref<?x?x16x4xi8>, !lutra.tile<4x16xf32> -> !lutra.tile<4x16xf32>
  return
}

// -----
// tile_coded_matmul E2
func.func @tile_coded_matmul_e2(%a: memref<?x?xi8>, %w: memref<?x?x16x4xi8>, %c: !lutra.tile<4x16xi32>, %i: index) {
  // expected-error @below {{gives 1 indices into lhs of rank 2 and 2 into the codes}}
  %r = lutra.tile_coded_matmul %a[%i], %w[%i, %i], %c depth %i {bits = 4 : i64, lhs_row_dim = 0 : i64}
         : memref<?x?xi8>, memref<?x?x16x4xi8>, !lutra.tile<4x16xi32> -> !lutra.tile<4x16xi32>
  return
}

// -----
// tile_coded_matmul E3
func.func @tile_coded_matmul_e3(%a: memref<?x?xi8>, %w: memref<?x?x16x4xi8>, %c: !lutra.tile<4x16xi32>, %i: index) {
  // expected-error @below {{advances rows along dimension 1 of a buffer of rank 2}}
  %r = lutra.tile_coded_matmul %a[%i, %i], %w[%i, %i], %c depth %i {bits = 4 : i64, lhs_row_dim = 1 : i64}
         : memref<?x?xi8>, memref<?x?x16x4xi8>, !lutra.tile<4x16xi32> -> !lutra.tile<4x16xi32>
  return
}

// -----
// tile_coded_matmul E4
func.func @tile_coded_matmul_e4(%a: memref<?x?xi8>, %w: memref<?x?x7x4xi8>, %c: !lutra.tile<4x16xi32>, %i: index) {
  // expected-error @below {{reads codes of shape [?, ?, 7, 4] for a tile of 16 columns}}
  %r = lutra.tile_coded_matmul %a[%i, %i], %w[%i, %i], %c depth %i {bits = 4 : i64, lhs_row_dim = 0 : i64}
         : memref<?x?xi8>, memref<?x?x7x4xi8>, !lutra.tile<4x16xi32> -> !lutra.tile<4x16xi32>
  return
}

// -----
// tile_coded_matmul E4
func.func @tile_coded_matmul_no_step(%a: memref<?x?xi8>, %w: memref<?x?x16x0xi8>, %c: !lutra.tile<4x16xi32>, %i: index) {
  // expected-error @below {{reads codes of shape [?, ?, 16, 0] for a tile of 16 columns}}
  %r = lutra.tile_coded_matmul %a[%i, %i], %w[%i, %i], %c depth %i {bits = 4 : i64, lhs_row_dim = 0 : i64}
         : memref<?x?xi8>, memref<?x?x16x0xi8>, !lutra.tile<4x16xi32> -> !lutra.tile<4x16xi32>
  return
}

// -----
// tile_coded_matmul E4
func.func @tile_coded_matmul_step(%a: memref<?x?xi8>, %w: memref<?x?x16x4398046511104xi8>, %c: !lutra.tile<4x16xi32>, %i: index) {
  // expected-error @below {{give [panels, words, width, bytes]}}
  %r = lutra.tile_coded_matmul %a[%i, %i], %w[%i, %i], %c depth %i {bits = 4 : i64, lhs_row_dim = 0 : i64}
         : memref<?x?xi8>, memref<?x?x16x4398046511104xi8>, !lutra.tile<4x16xi32> -> !lutra.tile<4x16xi32>
  return
}

// -----
// tile_coded_matmul E5
func.func @tile_coded_matmul_e5(%a: memref<?x?xi16>, %w: memref<?x?x16x4xi8>, %c: !lutra.tile<4x16xi32>, %i: index) {
  // expected-error @below {{multiplies 'i16' and 'i8'; both buffers must hold i8}}
  %r = lutra.tile_coded_matmul %a[%i, %i], %w[%i, %i], %c depth %i {bits = 4 : i64, lhs_row_dim = 0 : i64}
         : memref<?x?xi16>, memref<?x?x16x4xi8>, !lutra.tile<4x16xi32> -> !lutra.tile<4x16xi32>
  return
}

// -----
// tile_coded_matmul E5
func.func @tile_coded_matmul_e5_masks(%a: memref<?x?xi32>, %w: memref<?x?x16x4xi8>, %c: !lutra.tile<4x16xi32>, %i: index) {
  // expected-error @below {{multiplies 'i32' and 'i8'; both buffers must hold i8, or lhs i32 beside plain codes of 8 bits}}
  %r = lutra.tile_coded_matmul %a[%i, %i], %w[%i, %i], %c depth %i {bits = 4 : i64, lhs_row_dim = 0 : i64}
         : memref<?x?xi32>, memref<?x?x16x4xi8>, !lutra.tile<4x16xi32> -> !lutra.tile<4x16xi32>
  return
}

// -----
// tile_coded_matmul E6
func.func @tile_coded_matmul_e6(%a: memref<?x?xi8>, %w: memref<?x?x16x4xi8>, %c: !lutra.tile<4x16xi32>, %i: index) {
  // expected-error @below {{reads codes of 9 bits; panels hold 1 to 8}}
  %r = lutra.tile_coded_matmul %a[%i, %i], %w[%i, %i], %c depth %i {bits = 9 : i64, lhs_row_dim = 0 : i64}
         : memref<?x?xi8>, memref<?x?x16x4xi8>, !lutra.tile<4x16xi32> -> !lutra.tile<4x16xi32>
  return
}

// -----
// tile_coded_matmul E7
func.func @tile_coded_matmul_e7(%a: memref<?x?xi8>, %w: memref<?x?x16x4xi8>, %c: !lutra.tile<4x16xi32>, %i: index) {
  // expected-error @below {{gives 3 values for codes of 2 bits; give one of 32 bits for each code}}
  %r = lutra.tile_coded_matmul %a[%i, %i], %w[%i, %i], %c depth %i {bits = 2 : i64, lhs_row_dim = 0 : i64, values = array<i64: 1, 2, 3>}
         : memref<?x?xi8>, memref<?x?x16x4xi8>, !lutra.tile<4x16xi32> -> !lutra.tile<4x16xi32>
  return
}

// -----
// tile_coded_matmul E8
func.func @tile_coded_matmul_e8(%a: memref<?x?xi8>, %w: memref<?x?x16x4xi8>, %c: !lutra.tile<4x16xi32>, %s: !lutra.tile<16xi32>, %i: index) {
  // expected-error @below {{takes '!lutra.tile<16xi32>' as tables of code 1; give a row of i32 for a code of 2 bits}}
  %r = lutra.tile_coded_matmul %a[%i, %i], %w[%i, %i], %c depth %i special(%s : !lutra.tile<16xi32>) {bits = 2 : i64, lhs_row_dim = 0 : i64, special_code = 1 : i64, values = array<i64: 1, 2, 3, 4, 5>}
         : memref<?x?xi8>, memref<?x?x16x4xi8>, !lutra.tile<4x16xi32> -> !lutra.tile<4x16xi32>
  return
}

// -----
// tile_coded_matmul E8
func.func @tile_coded_matmul_no_special(%a: memref<?x?xi8>, %w: memref<?x?x16x4xi8>, %c: !lutra.tile<4x16xi32>, %i: index) {
  // expected-error @below {{names the code 1 as special, but gives no tables for it}}
  %r = lutra.tile_coded_matmul %a[%i, %i], %w[%i, %i], %c depth %i {bits = 2 : i64, lhs_row_dim = 0 : i64, special_code = 1 : i64}
         : memref<?x?xi8>, memref<?x?x16x4xi8>, !lutra.tile<4x16xi32> -> !lutra.tile<4x16xi32>
  return
}

// -----
// tile_lookup E1
func.func @tile_lookup_e1(%c: !lutra.tile<16xi8>) {
  // expected-error @below {{looks up '!lutra.tile<16xi8>' as '!lutra.tile<16xf32>'; give one shape, of i32 and of f32}}
  %r = lutra.tile_lookup %c [0.0, 1.0] : !lutra.tile<16xi8> -> !lutra.tile<16xf32>
  return
}

// -----
// tile_lookup E2
func.func @tile_lookup_e2(%c: !lutra.tile<16xi32>) {
  // expected-error @below {{has 3 entries; tables have 2, 4, 8 or 16}}
  %r = lutra.tile_lookup %c [0.0, 1.0, 2.0] : !lutra.tile<16xi32> -> !lutra.tile<16xf32>
  return
}

// -----
// tile_coded_matmul E7
func.func @tile_coded_matmul_no_tables(%a: memref<?x?xi8>, %w: memref<?x?x16x4xi8>, %c: !lutra.tile<4x16xi32>, %s: !lutra.tile<1x16xi32>, %i: index) {
  // expected-error @below {{gives 4 values for codes of 2 bits; give one of 32 bits for each code and for each table}}
  %r = lutra.tile_coded_matmul %a[%i, %i], %w[%i, %i], %c depth %i special(%s : !lutra.tile<1x16xi32>) {bits = 2 : i64, lhs_row_dim = 0 : i64, special_code = 1 : i64, values = array<i64: 1, 2, 3, 4>}
         : memref<?x?xi8>, memref<?x?x16x4xi8>, !lutra.tile<4x16xi32> -> !lutra.tile<4x16xi32>
  return
}

// -----
// tile_coded_matmul E7
func.func @tile_coded_matmul_no_values(%a: memref<?x?xi8>, %w: memref<?x?x16x4xi8>, %c: !lutra.tile<4x16xi32>, %s: !lutra.tile<1x16xi32>, %i: index) {
  // expected-error @below {{has a special code without values}}
  %r = lutra.tile_coded_matmul %a[%i, %i], %w[%i, %i], %c depth %i special(%s : !lutra.tile<1x16xi32>) {bits = 2 : i64, lhs_row_dim = 0 : i64, special_code = 1 : i64}
         : memref<?x?xi8>, memref<?x?x16x4xi8>, !lutra.tile<4x16xi32> -> !lutra.tile<4x16xi32>
  return
}

// -----
// tile_coded_matmul E9
func.func @tile_coded_matmul_e9(%a: memref<?x?xi8>, %w: memref<?x?x16x4xi8>, %c: !lutra.tile<4x16xi32>, %i: index) {
  // expected-error @below {{bounds codes of 2 bits by 4; give a code, or -1 for all}}
  %r = lutra.tile_coded_matmul %a[%i, %i], %w[%i, %i], %c depth %i {bits = 2 : i64, lhs_row_dim = 0 : i64, limit = 4 : i64}
         : memref<?x?xi8>, memref<?x?x16x4xi8>, !lutra.tile<4x16xi32> -> !lutra.tile<4x16xi32>
  return
}

// -----
// tile_coded_matmul E10
func.func @tile_coded_matmul_e10(%a: memref<?x?xi8>, %w: memref<?x?x16x4xi8>, %c: !lutra.tile<4x16xi32>, %i: index) {
  // expected-error @below {{says which factors have signs; that goes with plain codes of 8 bits and an lhs of i8 alone}}
  %r = lutra.tile_coded_matmul %a[%i, %i], %w[%i, %i], %c depth %i {bits = 4 : i64, lhs_row_dim = 0 : i64, signed_codes}
         : memref<?x?xi8>, memref<?x?x16x4xi8>, !lutra.tile<4x16xi32> -> !lutra.tile<4x16xi32>
  return
}

// -----
// tile_coded_matmul E10
func.func @tile_coded_matmul_e10_masks(%a: memref<?x?xi32>, %w: memref<?x?x16x4xi8>, %c: !lutra.tile<4x16xi32>, %i: index) {
  // expected-error @below {{says which factors have signs}}
  %r = lutra.tile_coded_matmul %a[%i, %i], %w[%i, %i], %c depth %i {bits = 8 : i64, lhs_row_dim = 0 : i64, unsigned_lhs}
         : memref<?x?xi32>, memref<?x?x16x4xi8>, !lutra.tile<4x16xi32> -> !lutra.tile<4x16xi32>
  return
}

// -----
// tile_coded_matmul E12
func.func @tile_coded_matmul_e12(%a: memref<?x16x8xi8>, %w: memref<?x?x16x4xi8>, %c: !lutra.tile<4x16xi32>, %i: index) {
  // expected-error @below {{reads words of rows of 'memref<?x16x8xi8>' along dimension 1; give an lhs of i8 of shape [.., words, rows, 4]}}
  %r = lutra.tile_coded_matmul %a[%i, %i, %i], %w[%i, %i], %c depth %i {bits = 8 : i64, lhs_row_dim = 1 : i64, lhs_words}
         : memref<?x16x8xi8>, memref<?x?x16x4xi8>, !lutra.tile<4x16xi32> -> !lutra.tile<4x16xi32>
  return
}

// -----
// tile_coded_matmul E11
func.func @tile_coded_matmul_e11(%a: memref<?x?xi8>, %w: memref<?x?x16x4xi8>, %c: !lutra.tile<4x16xi32>, %i: index) {
  // expected-error @below {{reads triples of codes of 3 bits; those have 2, no offset and nothing special}}
  %r = lutra.tile_coded_matmul %a[%i, %i], %w[%i, %i], %c depth %i {bits = 3 : i64, lhs_row_dim = 0 : i64, triples}
         : memref<?x?xi8>, memref<?x?x16x4xi8>, !lutra.tile<4x16xi32> -> !lutra.tile<4x16xi32>
  return
}

// -----
// tile_join E1
func.func @tile_join_e1() {
  // expected-error @below {{joins no tile; give one or more}}
  %r = "lutra.tile_join"() : () -> !lutra.tile<1x16xf32>
  return
}

// -----
// tile_join E2
func.func @tile_join_rows(%a: !lutra.tile<1x16xf32>, %b: !lutra.tile<2x16xf32>) {
  // expected-error @below {{joins '!lutra.tile<1x16xf32>', '!lutra.tile<2x16xf32>' to '!lutra.tile<1x32xf32>'}}
  %r = lutra.tile_join %a, %b : !lutra.tile<1x16xf32>, !lutra.tile<2x16xf32> -> !lutra.tile<1x32xf32>
  return
}

// -----
// tile_join E2
func.func @tile_join_columns(%a: !lutra.tile<1x16xf32>) {
  // expected-error @below {{give tiles of its rows and elements whose columns add up to its own}}
  %r = lutra.tile_join %a, %a : !lutra.tile<1x16xf32>, !lutra.tile<1x16xf32> -> !lutra.tile<1x48xf32>
  return
}

// -----
// tile_unpack E1
func.func @tile_unpack_e1(%w: memref<?x?x16x4xi8>, %i: index) {
  // expected-error @below {{yields '!lutra.tile<4x64xi8>'; give a row of i8 for each of the 2 codes in a byte of a step}}
  %r = lutra.tile_unpack %w[%i, %i] {bits = 4 : i64} : memref<?x?x16x4xi8> -> !lutra.tile<4x64xi8>
  return
}

// -----
// tile_unpack E2
func.func @tile_unpack_e2(%w: memref<?x?x16x4xi8>, %i: index) {
  // expected-error @below {{gives 1 indices into the codes; give the panel and the word}}
  %r = lutra.tile_unpack %w[%i] {bits = 4 : i64} : memref<?x?x16x4xi8> -> !lutra.tile<2x64xi8>
  return
}

// -----
// tile_unpack E3
func.func @tile_unpack_e3(%w: memref<?x?x8x4xi8>, %i: index) {
  // expected-error @below {{reads codes of shape [?, ?, 8, 4] of 'i8' for 64 bytes; give [panels, words, columns, bytes] of i8}}
  %r = lutra.tile_unpack %w[%i, %i] {bits = 4 : i64} : memref<?x?x8x4xi8> -> !lutra.tile<2x64xi8>
  return
}

// -----
// tile_unpack E4
func.func @tile_unpack_e4(%w: memref<?x?x16x4xi8>, %i: index) {
  // expected-error @below {{reads codes of 9 bits; panels hold 1 to 8}}
  %r = lutra.tile_unpack %w[%i, %i] {bits = 9 : i64} : memref<?x?x16x4xi8> -> !lutra.tile<1x64xi8>
  return
}

// -----
// tile_unpack E5
func.func @tile_unpack_e5(%w: memref<?x?x16x4xi8>, %i: index) {
  // expected-error @below {{gives 3 values for codes of 4 bits; give one of 32 bits for each code}}
  %r = lutra.tile_unpack %w[%i, %i] {bits = 4 : i64, values = array<i64: 1, 2, 3>} : memref<?x?x16x4xi8> -> !lutra.tile<2x64xi8>
  return
}

// -----
// tile_unpack E6
func.func @tile_unpack_e6(%w: memref<?x?x16x4xi8>, %i: index) {
  // expected-error @below {{names the code 1 as special, but gives no tables for it}}
  %r = lutra.tile_unpack %w[%i, %i] {bits = 4 : i64, special_code = 1 : i64} : memref<?x?x16x4xi8> -> !lutra.tile<2x64xi8>
  return
}

// -----
// tile_unpack E7
func.func @tile_unpack_e7(%w: memref<?x?x16x4xi8>, %i: index) {
  // expected-error @below {{reads triples of codes of 1 bits; those have 2, no offset and nothing special}}
  %r = lutra.tile_unpack %w[%i, %i] {bits = 1 : i64, triples} : memref<?x?x16x4xi8> -> !lutra.tile<32x64xi8>
  return
}

// -----
// tile_rescale E1
func.func @tile_rescale_e1(%v: !lutra.tile<2x31xi8>, %f: !lutra.tile<1x15xi16>) {
  // expected-error @below {{scales '!lutra.tile<2x31xi8>'; give rows of i8 whose length is even}}
  %r = lutra.tile_rescale %v by %f plus %f : !lutra.tile<2x31xi8>, !lutra.tile<1x15xi16>
  return
}

// -----
// tile_rescale E2
func.func @tile_rescale_e2(%v: !lutra.tile<2x64xi8>, %f: !lutra.tile<1x16xi32>) {
  // expected-error @below {{takes '!lutra.tile<1x16xi32>' as factors; give a row of i16 for 32 pairs of bytes}}
  %r = lutra.tile_rescale %v by %f plus %f : !lutra.tile<2x64xi8>, !lutra.tile<1x16xi32>
  return
}

// -----
// tile_bit_planes E1
func.func @tile_bit_planes_e1(%x: memref<?x?xi8>, %i: index) {
  // expected-error @below {{yields '!lutra.tile<5x2xi32>'; give 1 to 4 rows of i32, a column for 32 steps of K}}
  %r = lutra.tile_bit_planes %x[%i, %i] {code_bits = 1 : i64} : memref<?x?xi8> -> !lutra.tile<5x2xi32>
  return
}

// -----
// tile_bit_planes E2
func.func @tile_bit_planes_e2(%x: memref<?x?xi8>, %i: index) {
  // expected-error @below {{gives 1 indices into a buffer of rank 2; give one for each dimension}}
  %r = lutra.tile_bit_planes %x[%i] {code_bits = 1 : i64} : memref<?x?xi8> -> !lutra.tile<1x2xi32>
  return
}

// -----
// tile_bit_planes E3
func.func @tile_bit_planes_e3(%x: memref<?x?xi16>, %i: index) {
  // expected-error @below {{takes bits of 'i16'; the buffer must hold i8}}
  %r = lutra.tile_bit_planes %x[%i, %i] {code_bits = 1 : i64} : memref<?x?xi16> -> !lutra.tile<1x2xi32>
  return
}

// -----
// tile_bit_planes E4
func.func @tile_bit_planes_e4(%x: memref<i8>) {
  // expected-error @below {{reads a buffer without dimensions; the last one must be that of K}}
  %r = lutra.tile_bit_planes %x[] {code_bits = 1 : i64} : memref<i8> -> !lutra.tile<1x2xi32>
  return
}

// -----
// tile_bit_planes E5
func.func @tile_bit_planes_e5(%x: memref<?x?xi8>, %i: index) {
  // expected-error @below {{orders bits for codes of 5 bits; give 1 to 4}}
  %r = lutra.tile_bit_planes %x[%i, %i] {code_bits = 5 : i64} : memref<?x?xi8> -> !lutra.tile<1x2xi32>
  return
}

// -----
// tile_bitserial_matmul E1
func.func @tile_bitserial_matmul_e1(%p: memref<1x1x8xi32>, %w: memref<?x?x16x4xi8>, %a: !lutra.tile<1x16xi64>, %i: index) {
  // expected-error @below {{adds to '!lutra.tile<1x16xi64>' and yields '!lutra.tile<1x16xi64>'; both must be one tile type of rank 2 with i32 elements}}
  %r = lutra.tile_bitserial_matmul %p[%i, %i], %w[%i, %i], %a {depth = 32 : i64, bits = 1 : i64} : memref<1x1x8xi32>, memref<?x?x16x4xi8>, !lutra.tile<1x16xi64> -> !lutra.tile<1x16xi64>
  return
}

// -----
// tile_bitserial_matmul E2
func.func @tile_bitserial_matmul_e2(%p: memref<1x1x8xi32>, %w: memref<?x?x16x4xi8>, %a: !lutra.tile<1x16xi32>, %i: index) {
  // expected-error @below {{gives 2 indices into the planes and 1 into the codes; give row and step, and panel and word}}
  %r = lutra.tile_bitserial_matmul %p[%i, %i], %w[%i], %a {depth = 32 : i64, bits = 1 : i64} : memref<1x1x8xi32>, memref<?x?x16x4xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  return
}

// -----
// tile_bitserial_matmul E3
func.func @tile_bitserial_matmul_e3(%p: memref<1x5x8xi32>, %w: memref<?x?x16x4xi8>, %a: !lutra.tile<1x16xi32>, %i: index) {
  // expected-error @below {{reads planes of shape [1, 5, 8] of 'i32'; give [rows, 1 to 4 planes, steps] of i32}}
  %r = lutra.tile_bitserial_matmul %p[%i, %i], %w[%i, %i], %a {depth = 32 : i64, bits = 1 : i64} : memref<1x5x8xi32>, memref<?x?x16x4xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  return
}

// -----
// tile_bitserial_matmul E4
func.func @tile_bitserial_matmul_e4(%p: memref<1x1x8xi32>, %w: memref<?x?x16x1xi8>, %a: !lutra.tile<1x16xi32>, %i: index) {
  // expected-error @below {{reads codes of shape [?, ?, 16, 1] of 'i8' for a tile of 16 columns; give [panels, words, width, 4] of i8}}
  %r = lutra.tile_bitserial_matmul %p[%i, %i], %w[%i, %i], %a {depth = 32 : i64, bits = 1 : i64} : memref<1x1x8xi32>, memref<?x?x16x1xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  return
}

// -----
// tile_bitserial_matmul E5
func.func @tile_bitserial_matmul_e5(%p: memref<1x1x8xi32>, %w: memref<?x?x16x4xi8>, %a: !lutra.tile<1x16xi32>, %i: index) {
  // expected-error @below {{counts codes of 5 bits; give 1 to 4}}
  %r = lutra.tile_bitserial_matmul %p[%i, %i], %w[%i, %i], %a {depth = 32 : i64, bits = 5 : i64} : memref<1x1x8xi32>, memref<?x?x16x4xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  return
}

// -----
// tile_bitserial_matmul E6
func.func @tile_bitserial_matmul_e6(%p: memref<1x1x8xi32>, %w: memref<?x?x16x4xi8>, %a: !lutra.tile<1x16xi32>, %i: index) {
  // expected-error @below {{covers 40 steps of K; give a multiple of the 32 of a word}}
  %r = lutra.tile_bitserial_matmul %p[%i, %i], %w[%i, %i], %a {depth = 40 : i64, bits = 1 : i64} : memref<1x1x8xi32>, memref<?x?x16x4xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  return
}

// -----
// tile_subset_sums E1
func.func @tile_subset_sums_e1(%x: memref<?x?xi8>, %i: index) {
  // expected-error @below {{yields '!lutra.tile<4x24xi8>'; give 4 rows of i8, 16 columns for each lane}}
  %r = lutra.tile_subset_sums %x[%i, %i] : memref<?x?xi8> -> !lutra.tile<4x24xi8>
  return
}

// -----
// tile_subset_sums E2
func.func @tile_subset_sums_e2(%x: memref<?x?xi8>, %i: index) {
  // expected-error @below {{gives 1 indices into a buffer of rank 2; give one for each dimension}}
  %r = lutra.tile_subset_sums %x[%i] : memref<?x?xi8> -> !lutra.tile<4x32xi8>
  return
}

// -----
// tile_subset_sums E3
func.func @tile_subset_sums_e3(%x: memref<?x?xi16>, %i: index) {
  // expected-error @below {{sums elements of 'i16'; the buffer must hold i8}}
  %r = lutra.tile_subset_sums %x[%i, %i] : memref<?x?xi16> -> !lutra.tile<4x32xi8>
  return
}

// -----

// tile_subset_sums E4
func.func @tile_subset_sums_e4(%x: memref<i8>) {
  // expected-error @+1 {{reads a buffer without dimensions; the last one must be that of K}}
  %r = lutra.tile_subset_sums %x[] : memref<i8> -> !lutra.tile<4x32xi8>
  return
}

// -----
// tile_lookup_matmul E1
func.func @tile_lookup_matmul_e1(%t: memref<1x4x4x32xi8>, %w: memref<?x?x16x1xi8>, %a: !lutra.tile<1x16xi64>, %i: index) {
  // expected-error @below {{adds to '!lutra.tile<1x16xi64>' and yields '!lutra.tile<1x16xi64>'; both must be one tile type of rank 2 with i32 elements}}
  %r = lutra.tile_lookup_matmul %t[%i, %i], %w[%i, %i], %a {depth = 16 : i64} : memref<1x4x4x32xi8>, memref<?x?x16x1xi8>, !lutra.tile<1x16xi64> -> !lutra.tile<1x16xi64>
  return
}

// -----
// tile_lookup_matmul E2
func.func @tile_lookup_matmul_e2(%t: memref<1x4x4x32xi8>, %w: memref<?x?x16x1xi8>, %a: !lutra.tile<1x16xi32>, %i: index) {
  // expected-error @below {{gives 2 indices into the tables and 1 into the codes; give row and chunk, and panel and word}}
  %r = lutra.tile_lookup_matmul %t[%i, %i], %w[%i], %a {depth = 16 : i64} : memref<1x4x4x32xi8>, memref<?x?x16x1xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  return
}

// -----
// tile_lookup_matmul E3
func.func @tile_lookup_matmul_e3(%t: memref<1x4x3x32xi8>, %w: memref<?x?x16x1xi8>, %a: !lutra.tile<1x16xi32>, %i: index) {
  // expected-error @below {{reads tables of shape [1, 4, 3, 32] of 'i8'; give [rows, chunks, 4, 16 * lanes] of i8}}
  %r = lutra.tile_lookup_matmul %t[%i, %i], %w[%i, %i], %a {depth = 16 : i64} : memref<1x4x3x32xi8>, memref<?x?x16x1xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  return
}

// -----
// tile_lookup_matmul E4
func.func @tile_lookup_matmul_e4(%t: memref<1x4x4x32xi8>, %w: memref<?x?x16x4xi8>, %a: !lutra.tile<1x16xi32>, %i: index) {
  // expected-error @below {{reads codes of shape [?, ?, 16, 4] of 'i8' for a tile of 16 columns; give [panels, words, columns, 1] of i8}}
  %r = lutra.tile_lookup_matmul %t[%i, %i], %w[%i, %i], %a {depth = 16 : i64} : memref<1x4x4x32xi8>, memref<?x?x16x4xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  return
}

// -----
// tile_lookup_matmul E5
func.func @tile_lookup_matmul_e5(%t: memref<1x4x4x32xi8>, %w: memref<?x?x16x1xi8>, %a: !lutra.tile<1x16xi32>, %i: index) {
  // expected-error @below {{covers 24 steps of K; give a multiple of the 16 of a chunk}}
  %r = lutra.tile_lookup_matmul %t[%i, %i], %w[%i, %i], %a {depth = 24 : i64} : memref<1x4x4x32xi8>, memref<?x?x16x1xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  return
}

// -----
// tile_subset_sums E5
func.func @tile_subset_sums_e5(%x: memref<4x64xi8>, %i: index) {
  // expected-error @below {{sums integers of 9 bits; give 2 to 8}}
  %t = lutra.tile_subset_sums %x[%i, %i] {lhs_bits = 9 : i64} : memref<4x64xi8> -> !lutra.tile<4x32xi8>
  return
}

// -----
// tile_subset_sums E1
func.func @tile_subset_sums_e1_one_part(%x: memref<4x64xi8>, %i: index) {
  // expected-error @below {{yields '!lutra.tile<4x32xi8>'; give 2 rows of i8, 16 columns for each lane}}
  %t = lutra.tile_subset_sums %x[%i, %i] {lhs_bits = 6 : i64} : memref<4x64xi8> -> !lutra.tile<4x32xi8>
  return
}

// -----
// tile_lookup_matmul E7
func.func @tile_lookup_matmul_e7(%t: memref<1x4x4x32xi8>, %w: memref<?x?x16x1xi8>, %a: !lutra.tile<1x16xi32>, %i: index) {
  // expected-error @below {{reads sums of integers of 1 bits; give 2 to 8}}
  %r = lutra.tile_lookup_matmul %t[%i, %i], %w[%i, %i], %a {depth = 16 : i64, lhs_bits = 1 : i64} : memref<1x4x4x32xi8>, memref<?x?x16x1xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  return
}

// -----
// tile_lookup_matmul E6
func.func @tile_lookup_matmul_e6(%t: memref<1x4x4x32xi8>, %w: memref<?x?x16x1xi8>, %a: !lutra.tile<1x16xi32>, %i: index) {
  // expected-error @below {{reads 5 planes, 2 words of each beside each other; give 1 to 4 planes and 1 word or more}}
  %r = lutra.tile_lookup_matmul %t[%i, %i], %w[%i, %i], %a {depth = 16 : i64, bits = 5 : i64, plane_words = 2 : i64} : memref<1x4x4x32xi8>, memref<?x?x16x1xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  return
}

// -----
// tile_shift_matmul E1
func.func @tile_shift_matmul_e1(%x: memref<?x?xi8>, %w: memref<?x?x16x4xi8>, %a: !lutra.tile<1x16xi64>, %i: index) {
  // expected-error @below {{adds to '!lutra.tile<1x16xi64>' and yields '!lutra.tile<1x16xi64>'; both must be one tile type of rank 2 with i32 elements}}
  %r = lutra.tile_shift_matmul %x[%i, %i], %w[%i, %i], %a {depth = 32 : i64, bits = 4 : i64, lhs_row_dim = 0 : i64} : memref<?x?xi8>, memref<?x?x16x4xi8>, !lutra.tile<1x16xi64> -> !lutra.tile<1x16xi64>
  return
}

// -----
// tile_shift_matmul E2
func.func @tile_shift_matmul_e2(%x: memref<?x?xi8>, %w: memref<?x?x16x4xi8>, %a: !lutra.tile<1x16xi32>, %i: index) {
  // expected-error @below {{gives 1 indices into lhs of rank 2 and 2 into the codes; give one for each dimension of lhs, and the codes' panel and word}}
  %r = lutra.tile_shift_matmul %x[%i], %w[%i, %i], %a {depth = 32 : i64, bits = 4 : i64, lhs_row_dim = 0 : i64} : memref<?x?xi8>, memref<?x?x16x4xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  return
}

// -----
// tile_shift_matmul E3
func.func @tile_shift_matmul_e3(%x: memref<?x?xi8>, %w: memref<?x?x16x4xi8>, %a: !lutra.tile<1x16xi32>, %i: index) {
  // expected-error @below {{advances rows along dimension 1 of a buffer of rank 2; use one before the last, which is K}}
  %r = lutra.tile_shift_matmul %x[%i, %i], %w[%i, %i], %a {depth = 32 : i64, bits = 4 : i64, lhs_row_dim = 1 : i64} : memref<?x?xi8>, memref<?x?x16x4xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  return
}

// -----
// tile_shift_matmul E4
func.func @tile_shift_matmul_e4(%x: memref<?x?xi16>, %w: memref<?x?x16x4xi8>, %a: !lutra.tile<1x16xi32>, %i: index) {
  // expected-error @below {{shifts elements of 'i16'; the buffer must hold i8}}
  %r = lutra.tile_shift_matmul %x[%i, %i], %w[%i, %i], %a {depth = 32 : i64, bits = 4 : i64, lhs_row_dim = 0 : i64} : memref<?x?xi16>, memref<?x?x16x4xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  return
}

// -----
// tile_shift_matmul E5
func.func @tile_shift_matmul_e5(%x: memref<?x?xi8>, %w: memref<?x?x16x2xi8>, %a: !lutra.tile<1x16xi32>, %i: index) {
  // expected-error @below {{give [panels, words, width, 4] of i8}}
  %r = lutra.tile_shift_matmul %x[%i, %i], %w[%i, %i], %a {depth = 32 : i64, bits = 4 : i64, lhs_row_dim = 0 : i64} : memref<?x?xi8>, memref<?x?x16x2xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  return
}

// -----
// tile_shift_matmul E6
func.func @tile_shift_matmul_e6(%x: memref<?x?xi8>, %w: memref<?x?x16x4xi8>, %a: !lutra.tile<1x16xi32>, %i: index) {
  // expected-error @below {{shifts by codes of 5 bits; give 2 to 4, of which one is the sign}}
  %r = lutra.tile_shift_matmul %x[%i, %i], %w[%i, %i], %a {depth = 32 : i64, bits = 5 : i64, lhs_row_dim = 0 : i64} : memref<?x?xi8>, memref<?x?x16x4xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  return
}

// -----
// tile_shift_matmul E7
func.func @tile_shift_matmul_e7(%x: memref<?x?xi8>, %w: memref<?x?x16x4xi8>, %a: !lutra.tile<1x16xi32>, %i: index) {
  // expected-error @below {{covers 12 steps of K; give a multiple of the 8 codes in a step's words}}
  %r = lutra.tile_shift_matmul %x[%i, %i], %w[%i, %i], %a {depth = 12 : i64, bits = 4 : i64, lhs_row_dim = 0 : i64} : memref<?x?xi8>, memref<?x?x16x4xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  return
}

// -----
// subset_sums E1
func.func @subset_sums_e1(%x: tensor<?x16xi8>) {
  // expected-error @below {{sums elements of 'tensor<?x16xi8>'; give rows of i8 and a static shape}}
  %t = lutra.subset_sums %x : tensor<?x16xi8> -> tensor<1x1x4x32xi8>
  return
}

// -----
// subset_sums E2
func.func @subset_sums_e2(%x: tensor<1x16xi8>) {
  // expected-error @below {{sums integers of 9 bits; give 2 to 8}}
  %t = lutra.subset_sums %x {lhs_bits = 9 : i64} : tensor<1x16xi8> -> tensor<1x1x4x32xi8>
  return
}

// -----
// subset_sums E3
func.func @subset_sums_e3(%x: tensor<1x24xi8>) {
  // expected-error @below {{for lanes that divide K / 8 give [rows, K / (8 * lanes), 4, 16 * lanes] of i8}}
  %t = lutra.subset_sums %x : tensor<1x24xi8> -> tensor<1x1x4x32xi8>
  return
}

// -----
// with_tables E1
func.func @with_tables_e1(%x: tensor<1x16xi16>, %t: tensor<1x1x4x32xi8>) {
  // expected-error @below {{sums elements of 'tensor<1x16xi16>'; give rows of i8 and a static shape}}
  %r = lutra.with_tables %x, %t : tensor<1x16xi16>, tensor<1x1x4x32xi8>
  return
}

// -----
// with_tables E2
func.func @with_tables_e2(%x: tensor<1x16xi8>, %t: tensor<1x1x4x32xi8>) {
  // expected-error @below {{sums integers of 1 bits; give 2 to 8}}
  %r = lutra.with_tables %x, %t {lhs_bits = 1 : i64} : tensor<1x16xi8>, tensor<1x1x4x32xi8>
  return
}

// -----
// with_tables E3
func.func @with_tables_e3(%x: tensor<1x16xi8>, %t: tensor<1x1x4x32xi8>) {
  // expected-error @below {{has tables of type 'tensor<1x1x4x32xi8>'; for lanes that divide K / 8 give [rows, K / (8 * lanes), 2, 16 * lanes] of i8}}
  %r = lutra.with_tables %x, %t {lhs_bits = 6 : i64} : tensor<1x16xi8>, tensor<1x1x4x32xi8>
  return
}
