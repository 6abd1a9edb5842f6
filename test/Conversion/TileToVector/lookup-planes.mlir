// RUN: lutra-opt %s --convert-tile-to-vector=target=avx512vbmi --split-input-file --verify-diagnostics -o /dev/null

// As many words of a plane as a loop takes at once.
func.func @whole(%t: memref<1x48x4x64xi8>, %w: memref<1x384x16x1xi8>, %y: memref<1x16xi32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %zero = arith.constant 0 : i32
  %a = lutra.tile_fill %zero : i32 -> !lutra.tile<1x16xi32>
  %r = lutra.tile_lookup_matmul %t[%z, %z], %w[%z, %z], %a {bits = 2 : i64, depth = 1536 : i64, plane_words = 16 : i64}
         : memref<1x48x4x64xi8>, memref<1x384x16x1xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  lutra.tile_store %r, %y[%z, %z] dims = [-1, 1] steps = [1, 1] : !lutra.tile<1x16xi32>, memref<1x16xi32>
  return
}

// -----
// Loops of four chunks would begin within a step of planes.
func.func @longer(%t: memref<1x48x4x64xi8>, %w: memref<1x384x16x1xi8>, %y: memref<1x16xi32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %zero = arith.constant 0 : i32
  %a = lutra.tile_fill %zero : i32 -> !lutra.tile<1x16xi32>
  // expected-error @below {{failed to legalize operation 'lutra.tile_lookup_matmul'}}
  %r = lutra.tile_lookup_matmul %t[%z, %z], %w[%z, %z], %a {bits = 2 : i64, depth = 1536 : i64, plane_words = 32 : i64}
         : memref<1x48x4x64xi8>, memref<1x384x16x1xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  lutra.tile_store %r, %y[%z, %z] dims = [-1, 1] steps = [1, 1] : !lutra.tile<1x16xi32>, memref<1x16xi32>
  return
}

// -----
// So would those of 16 chunks of two lanes.
func.func @uneven(%t: memref<1x48x4x32xi8>, %w: memref<1x192x16x1xi8>, %y: memref<1x16xi32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %zero = arith.constant 0 : i32
  %a = lutra.tile_fill %zero : i32 -> !lutra.tile<1x16xi32>
  // expected-error @below {{failed to legalize operation 'lutra.tile_lookup_matmul'}}
  %r = lutra.tile_lookup_matmul %t[%z, %z], %w[%z, %z], %a {bits = 2 : i64, depth = 768 : i64, plane_words = 6 : i64}
         : memref<1x48x4x32xi8>, memref<1x192x16x1xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  lutra.tile_store %r, %y[%z, %z] dims = [-1, 1] steps = [1, 1] : !lutra.tile<1x16xi32>, memref<1x16xi32>
  return
}

// -----
// Lanes do not divide these.
func.func @fewer(%t: memref<1x48x4x64xi8>, %w: memref<1x384x16x1xi8>, %y: memref<1x16xi32>) attributes {lutra.kernel} {
  %z = arith.constant 0 : index
  %zero = arith.constant 0 : i32
  %a = lutra.tile_fill %zero : i32 -> !lutra.tile<1x16xi32>
  // expected-error @below {{failed to legalize operation 'lutra.tile_lookup_matmul'}}
  %r = lutra.tile_lookup_matmul %t[%z, %z], %w[%z, %z], %a {bits = 2 : i64, depth = 1536 : i64, plane_words = 2 : i64}
         : memref<1x48x4x64xi8>, memref<1x384x16x1xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
  lutra.tile_store %r, %y[%z, %z] dims = [-1, 1] steps = [1, 1] : !lutra.tile<1x16xi32>, memref<1x16xi32>
  return
}
