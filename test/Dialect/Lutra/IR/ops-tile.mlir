// RUN: lutra-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @fill_iota_extract
func.func @fill_iota_extract(%v: f32, %b: index) -> f32 {
  // CHECK: lutra.tile_fill %{{.*}} : f32 -> <6x16xf32>
  %0 = lutra.tile_fill %v : f32 -> !lutra.tile<6x16xf32>
  // CHECK: lutra.tile_iota %{{.*}} {dim = 0 : i64} : <16xindex>
  %1 = lutra.tile_iota %b {dim = 0 : i64} : !lutra.tile<16xindex>
  // CHECK: lutra.tile_fill %{{.*}} : f32 -> <f32>
  %2 = lutra.tile_fill %v : f32 -> !lutra.tile<f32>
  // CHECK: lutra.tile_extract %{{.*}} : <f32> -> f32
  %3 = lutra.tile_extract %2 : !lutra.tile<f32> -> f32
  return %3 : f32
}

// CHECK-LABEL: func @load_store
func.func @load_store(%m: memref<?x64xf32>, %q: memref<64xi8>, %i: index, %b: index) {
  // CHECK: lutra.tile_load %{{.*}}[%{{.*}}, %{{.*}}] bounds(%{{.*}}) dims = [1] steps = [1] : memref<?x64xf32> -> <16xf32>
  %0 = lutra.tile_load %m[%i, %i] bounds(%b) dims = [1] steps = [1] : memref<?x64xf32> -> !lutra.tile<16xf32>
  // CHECK: lutra.tile_load %{{.*}}[%{{.*}}, %{{.*}}] dims = [-1, 1] steps = [0, 2] : memref<?x64xf32> -> <4x16xf32>
  %1 = lutra.tile_load %m[%i, %i] dims = [-1, 1] steps = [0, 2] : memref<?x64xf32> -> !lutra.tile<4x16xf32>
  // A truth value is a byte in memory, and memory does not know signs.
  // CHECK: memref<64xi8> -> <16xi1>
  %2 = lutra.tile_load %q[%i] dims = [0] steps = [1] : memref<64xi8> -> !lutra.tile<16xi1>
  // CHECK: memref<64xi8> -> <16xui8>
  %3 = lutra.tile_load %q[%i] dims = [0] steps = [1] : memref<64xi8> -> !lutra.tile<16xui8>
  // CHECK: lutra.tile_store %{{.*}}, %{{.*}}[%{{.*}}, %{{.*}}] bounds(%{{.*}}) dims = [1] steps = [1] : <16xf32>, memref<?x64xf32>
  lutra.tile_store %0, %m[%i, %i] bounds(%b) dims = [1] steps = [1] : !lutra.tile<16xf32>, memref<?x64xf32>
  return
}

// CHECK-LABEL: func @gather
func.func @gather(%m: memref<?xf32>, %o: !lutra.tile<16xindex>, %b: index) -> !lutra.tile<16xf32> {
  // CHECK: lutra.tile_gather %{{.*}}[%{{.*}}] bounds(%{{.*}}) : memref<?xf32>, <16xindex> -> <16xf32>
  %0 = lutra.tile_gather %m[%o] bounds(%b) : memref<?xf32>, !lutra.tile<16xindex> -> !lutra.tile<16xf32>
  return %0 : !lutra.tile<16xf32>
}

// CHECK-LABEL: func @gather_bytes
func.func @gather_bytes(%m: memref<256xi8>, %o: !lutra.tile<16xi8>) -> !lutra.tile<16xi8> {
  // CHECK: lutra.tile_gather %{{.*}}[%{{.*}}] : memref<256xi8>, <16xi8> -> <16xi8>
  %0 = lutra.tile_gather %m[%o] : memref<256xi8>, !lutra.tile<16xi8> -> !lutra.tile<16xi8>
  return %0 : !lutra.tile<16xi8>
}

// CHECK-LABEL: func @map
func.func @map(%a: !lutra.tile<6x16xf32>, %b: !lutra.tile<1x16xf32>, %c: !lutra.tile<f32>)
    -> !lutra.tile<6x16xf32> {
  // CHECK: lutra.tile_map(%{{.*}}, %{{.*}}, %{{.*}}) : (!lutra.tile<6x16xf32>, !lutra.tile<1x16xf32>, !lutra.tile<f32>) -> !lutra.tile<6x16xf32> {
  %0 = lutra.tile_map(%a, %b, %c) : (!lutra.tile<6x16xf32>, !lutra.tile<1x16xf32>, !lutra.tile<f32>)
         -> !lutra.tile<6x16xf32> {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %s = arith.addf %x, %y : f32
    %p = arith.mulf %s, %z : f32
    // CHECK: lutra.yield %{{.*}} : f32
    lutra.yield %p : f32
  }
  return %0 : !lutra.tile<6x16xf32>
}

// CHECK-LABEL: func @reduce
func.func @reduce(%a: !lutra.tile<4x16xf32>) -> !lutra.tile<4xf32> {
  // CHECK: lutra.tile_reduce<sum> %{{.*}} : <4x16xf32> -> <4xf32>
  %0 = lutra.tile_reduce<sum> %a : !lutra.tile<4x16xf32> -> !lutra.tile<4xf32>
  return %0 : !lutra.tile<4xf32>
}

// CHECK-LABEL: func @matmul
func.func @matmul(%a: memref<?x?xf32>, %p: memref<?x?x16xf32>, %b: memref<?x?xf32>,
                  %acc: !lutra.tile<6x32xf32>, %i: index, %d: index) -> !lutra.tile<6x32xf32> {
  // CHECK: lutra.tile_matmul %{{.*}}[%{{.*}}, %{{.*}}], %{{.*}}<panel>[%{{.*}}, %{{.*}}, %{{.*}}], %{{.*}} depth %{{.*}} {lhs_row_dim = 0 : i64} :
  %0 = lutra.tile_matmul %a[%i, %i], %p<panel>[%i, %i, %i], %acc depth %d {lhs_row_dim = 0 : i64}
         : memref<?x?xf32>, memref<?x?x16xf32>, !lutra.tile<6x32xf32> -> !lutra.tile<6x32xf32>
  // CHECK: lutra.tile_matmul %{{.*}}[%{{.*}}, %{{.*}}], %{{.*}}<row_major>[%{{.*}}, %{{.*}}], %{{.*}} depth %{{.*}} {lhs_row_dim = 0 : i64, row_step = 2 : i64}
  %1 = lutra.tile_matmul %a[%i, %i], %b<row_major>[%i, %i], %0 depth %d
         {lhs_row_dim = 0 : i64, row_step = 2 : i64}
         : memref<?x?xf32>, memref<?x?xf32>, !lutra.tile<6x32xf32> -> !lutra.tile<6x32xf32>
  return %1 : !lutra.tile<6x32xf32>
}

// CHECK-LABEL: func @matmul_pairs
func.func @matmul_pairs(%a: memref<?x?xi16>, %p: memref<?x?x16x2xi8>, %acc: !lutra.tile<6x16xi32>, %i: index, %d: index)
    -> !lutra.tile<6x16xi32> {
  // CHECK: lutra.tile_matmul %{{.*}}[%{{.*}}, %{{.*}}], %{{.*}}<deep_panel>[%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}], %{{.*}} depth
  %0 = lutra.tile_matmul %a[%i, %i], %p<deep_panel>[%i, %i, %i, %i], %acc depth %d {lhs_row_dim = 0 : i64}
         : memref<?x?xi16>, memref<?x?x16x2xi8>, !lutra.tile<6x16xi32> -> !lutra.tile<6x16xi32>
  return %0 : !lutra.tile<6x16xi32>
}

// CHECK-LABEL: func @unpacked
func.func @unpacked(%w: memref<?x?x16x4xi8>, %s: !lutra.tile<1x16xi32>, %i: index) -> !lutra.tile<8x64xi8> {
  // CHECK: lutra.tile_unpack %{{.*}}[%{{.*}}, %{{.*}}] special(%{{.*}} : !lutra.tile<1x16xi32>) {bits = 3 : i64, special_code = 4 : i64, values = array<i64: 6, 7, 8, 10, 12, 5, 4, 2, 9, 3>} : memref
  %0 = lutra.tile_unpack %w[%i, %i] special(%s : !lutra.tile<1x16xi32>) {bits = 3 : i64, special_code = 4 : i64, values = array<i64: 6, 7, 8, 10, 12, 5, 4, 2, 9, 3>} : memref<?x?x16x4xi8> -> !lutra.tile<8x64xi8>
  return %0 : !lutra.tile<8x64xi8>
}

// CHECK-LABEL: func @unpacked_triples
func.func @unpacked_triples(%w: memref<?x?x16x4xi8>, %i: index) -> !lutra.tile<32x64xi8> {
  // CHECK: lutra.tile_unpack %{{.*}}[%{{.*}}, %{{.*}}] {bits = 2 : i64, triples} : memref
  %0 = lutra.tile_unpack %w[%i, %i] {bits = 2 : i64, triples} : memref<?x?x16x4xi8> -> !lutra.tile<32x64xi8>
  return %0 : !lutra.tile<32x64xi8>
}

// CHECK-LABEL: func @rescaled
func.func @rescaled(%v: !lutra.tile<2x64xi8>, %f: !lutra.tile<1x32xi16>) -> !lutra.tile<2x64xi8> {
  // CHECK: lutra.tile_rescale %{{.*}} by %{{.*}} plus %{{.*}} : <2x64xi8>, <1x32xi16>
  %0 = lutra.tile_rescale %v by %f plus %f : !lutra.tile<2x64xi8>, !lutra.tile<1x32xi16>
  return %0 : !lutra.tile<2x64xi8>
}

// CHECK-LABEL: func @tables
func.func @tables(%x: memref<?x?xi8>, %i: index) -> !lutra.tile<4x32xi8> {
  // CHECK: lutra.tile_subset_sums %{{.*}}[%{{.*}}, %{{.*}}] : memref<?x?xi8> -> <4x32xi8>
  %0 = lutra.tile_subset_sums %x[%i, %i] : memref<?x?xi8> -> !lutra.tile<4x32xi8>
  return %0 : !lutra.tile<4x32xi8>
}

// CHECK-LABEL: func @planes
func.func @planes(%x: memref<?x?xi8>, %i: index) -> !lutra.tile<3x2xi32> {
  // CHECK: lutra.tile_bit_planes %{{.*}}[%{{.*}}, %{{.*}}] {code_bits = 1 : i64} : memref<?x?xi8> -> <3x2xi32>
  %0 = lutra.tile_bit_planes %x[%i, %i] {code_bits = 1 : i64} : memref<?x?xi8> -> !lutra.tile<3x2xi32>
  return %0 : !lutra.tile<3x2xi32>
}

// CHECK-LABEL: func @by_bits
func.func @by_bits(%p: memref<2x3x8xi32>, %w: memref<?x?x16x4xi8>, %a: !lutra.tile<2x32xi32>, %i: index) -> !lutra.tile<2x32xi32> {
  // CHECK: lutra.tile_bitserial_matmul %{{.*}}[%{{.*}}, %{{.*}}], %{{.*}}[%{{.*}}, %{{.*}}], %{{.*}} {bits = 2 : i64, depth = 64 : i64} : memref<2x3x8xi32>, memref<?x?x16x4xi8>, <2x32xi32> -> <2x32xi32>
  %0 = lutra.tile_bitserial_matmul %p[%i, %i], %w[%i, %i], %a {depth = 64 : i64, bits = 2 : i64} : memref<2x3x8xi32>, memref<?x?x16x4xi8>, !lutra.tile<2x32xi32> -> !lutra.tile<2x32xi32>
  return %0 : !lutra.tile<2x32xi32>
}

// CHECK-LABEL: func @by_tables
func.func @by_tables(%t: memref<2x4x4x32xi8>, %w: memref<?x?x16x1xi8>, %a: !lutra.tile<2x16xi32>, %i: index) -> !lutra.tile<2x16xi32> {
  // CHECK: lutra.tile_lookup_matmul %{{.*}}[%{{.*}}, %{{.*}}], %{{.*}}[%{{.*}}, %{{.*}}], %{{.*}} {depth = 64 : i64} : memref<2x4x4x32xi8>, memref<?x?x16x1xi8>, <2x16xi32> -> <2x16xi32>
  %0 = lutra.tile_lookup_matmul %t[%i, %i], %w[%i, %i], %a {depth = 64 : i64} : memref<2x4x4x32xi8>, memref<?x?x16x1xi8>, !lutra.tile<2x16xi32> -> !lutra.tile<2x16xi32>
  // CHECK: lutra.tile_lookup_matmul {{.*}} {across, depth = 16 : i64}
  %1 = lutra.tile_lookup_matmul %t[%i, %i], %w[%i, %i], %0 {across, depth = 16 : i64} : memref<2x4x4x32xi8>, memref<?x?x16x1xi8>, !lutra.tile<2x16xi32> -> !lutra.tile<2x16xi32>
  // CHECK: lutra.tile_lookup_matmul {{.*}} {bits = 3 : i64, depth = 16 : i64, plane_words = 2 : i64}
  %2 = lutra.tile_lookup_matmul %t[%i, %i], %w[%i, %i], %1 {bits = 3 : i64, depth = 16 : i64, plane_words = 2 : i64} : memref<2x4x4x32xi8>, memref<?x?x16x1xi8>, !lutra.tile<2x16xi32> -> !lutra.tile<2x16xi32>
  return %2 : !lutra.tile<2x16xi32>
}

// CHECK-LABEL: func @by_small_tables
func.func @by_small_tables(%x: memref<4x64xi8>, %t: memref<2x4x2x32xi8>, %w: memref<?x?x16x1xi8>, %a: !lutra.tile<2x16xi32>, %i: index) -> (!lutra.tile<2x32xi8>, !lutra.tile<2x16xi32>) {
  // CHECK: lutra.tile_subset_sums {{.*}} {lhs_bits = 4 : i64} : memref<4x64xi8> -> <2x32xi8>
  %0 = lutra.tile_subset_sums %x[%i, %i] {lhs_bits = 4 : i64} : memref<4x64xi8> -> !lutra.tile<2x32xi8>
  // CHECK: lutra.tile_lookup_matmul {{.*}} {depth = 16 : i64, lhs_bits = 4 : i64} : memref<2x4x2x32xi8>
  %1 = lutra.tile_lookup_matmul %t[%i, %i], %w[%i, %i], %a {depth = 16 : i64, lhs_bits = 4 : i64} : memref<2x4x2x32xi8>, memref<?x?x16x1xi8>, !lutra.tile<2x16xi32> -> !lutra.tile<2x16xi32>
  return %0, %1 : !lutra.tile<2x32xi8>, !lutra.tile<2x16xi32>
}

// CHECK-LABEL: func @looked_up
func.func @looked_up(%c: !lutra.tile<16xi32>) -> !lutra.tile<16xf32> {
  // CHECK: lutra.tile_lookup %{{.*}} [-1.000000e+00, 0.000000e+00, 1.000000e+00, 2.500000e+00] : <16xi32> -> <16xf32>
  %0 = lutra.tile_lookup %c [-1.0, 0.0, 1.0, 2.5] : !lutra.tile<16xi32> -> !lutra.tile<16xf32>
  return %0 : !lutra.tile<16xf32>
}

// CHECK-LABEL: func @joined
func.func @joined(%a: !lutra.tile<2x16xi32>, %b: !lutra.tile<2x8xi32>) -> !lutra.tile<2x24xi32> {
  // CHECK: lutra.tile_join %{{.*}}, %{{.*}} : !lutra.tile<2x16xi32>, !lutra.tile<2x8xi32> -> <2x24xi32>
  %0 = lutra.tile_join %a, %b : !lutra.tile<2x16xi32>, !lutra.tile<2x8xi32> -> !lutra.tile<2x24xi32>
  return %0 : !lutra.tile<2x24xi32>
}

// CHECK-LABEL: func @coded_panels
func.func @coded_panels(%a: memref<?x?xi8>, %w: memref<?x?x16x4xi8>, %acc: !lutra.tile<4x32xi32>, %i: index, %d: index) -> !lutra.tile<4x32xi32> {
  // CHECK: lutra.tile_coded_matmul {{.*}} {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes, unsigned_lhs} :
  %0 = lutra.tile_coded_matmul %a[%i, %i], %w[%i, %i], %acc depth %d {bits = 8 : i64, lhs_row_dim = 0 : i64, signed_codes, unsigned_lhs}
         : memref<?x?xi8>, memref<?x?x16x4xi8>, !lutra.tile<4x32xi32> -> !lutra.tile<4x32xi32>
  return %0 : !lutra.tile<4x32xi32>
}

// CHECK-LABEL: func @coded(
func.func @coded(%a: memref<?x?xi8>, %w: memref<?x?x16x4xi8>, %acc: !lutra.tile<4x16xi32>, %i: index, %d: index) -> !lutra.tile<4x16xi32> {
  // CHECK: lutra.tile_coded_matmul %{{.*}}[%{{.*}}, %{{.*}}], %{{.*}}[%{{.*}}, %{{.*}}], %{{.*}} depth %{{.*}} {bits = 4 : i64, lhs_row_dim = 0 : i64} :
  %0 = lutra.tile_coded_matmul %a[%i, %i], %w[%i, %i], %acc depth %d {bits = 4 : i64, lhs_row_dim = 0 : i64}
         : memref<?x?xi8>, memref<?x?x16x4xi8>, !lutra.tile<4x16xi32> -> !lutra.tile<4x16xi32>
  return %0 : !lutra.tile<4x16xi32>
}

// CHECK-LABEL: func @by_shifts
func.func @by_shifts(%x: memref<?x?xi8>, %w: memref<?x?x16x4xi8>, %a: !lutra.tile<2x32xi32>, %i: index) -> !lutra.tile<2x32xi32> {
  // CHECK: lutra.tile_shift_matmul %{{.*}}[%{{.*}}, %{{.*}}], %{{.*}}[%{{.*}}, %{{.*}}], %{{.*}} {bits = 3 : i64, depth = 64 : i64, lhs_row_dim = 0 : i64} : memref<?x?xi8>, memref<?x?x16x4xi8>, <2x32xi32> -> <2x32xi32>
  %0 = lutra.tile_shift_matmul %x[%i, %i], %w[%i, %i], %a {depth = 64 : i64, bits = 3 : i64, lhs_row_dim = 0 : i64} : memref<?x?xi8>, memref<?x?x16x4xi8>, !lutra.tile<2x32xi32> -> !lutra.tile<2x32xi32>
  return %0 : !lutra.tile<2x32xi32>
}

// CHECK-LABEL: func @shared_tables
func.func @shared_tables(%x: tensor<2x64xi8>) -> tensor<2x64xi8> {
  // CHECK: %[[T:.*]] = lutra.subset_sums %{{.*}} {lhs_bits = 6 : i64} : tensor<2x64xi8> -> tensor<2x2x2x64xi8>
  %t = lutra.subset_sums %x {lhs_bits = 6 : i64} : tensor<2x64xi8> -> tensor<2x2x2x64xi8>
  // CHECK: lutra.with_tables %{{.*}}, %[[T]] {lhs_bits = 6 : i64} : tensor<2x64xi8>, tensor<2x2x2x64xi8>
  %r = lutra.with_tables %x, %t {lhs_bits = 6 : i64} : tensor<2x64xi8>, tensor<2x2x2x64xi8>
  return %r : tensor<2x64xi8>
}
