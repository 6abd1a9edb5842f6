// RUN: lutra-opt %s --convert-tile-to-nvvm=target=sm_80 --split-input-file --verify-diagnostics

func.func @wide(%a: memref<64x64xf64>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant 0.0 : f64
  %acc = lutra.tile_fill %zero : f64 -> !lutra.tile<64x64xf64>
  // expected-error @below {{E0602: product of 'f64' and 'f64' into 'f64' has no tensor-core instruction on sm_80; use f32, f16 or bf16 into f32, or i8 into i32}}
  %r = lutra.tile_matmul %a[%c0, %c0], %a<row_major>[%c0, %c0], %acc depth %c64 {lhs_row_dim = 0 : i64}
      : memref<64x64xf64>, memref<64x64xf64>, !lutra.tile<64x64xf64> -> !lutra.tile<64x64xf64>
  return
}

// -----

func.func @narrow(%a: memref<64x64xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant 0.0 : f32
  %acc = lutra.tile_fill %zero : f32 -> !lutra.tile<6x16xf32>
  // expected-error @below {{E0601: product tile of 6 x 16 has no fragments on sm_80}}
  %r = lutra.tile_matmul %a[%c0, %c0], %a<row_major>[%c0, %c0], %acc depth %c64 {lhs_row_dim = 0 : i64}
      : memref<64x64xf32>, memref<64x64xf32>, !lutra.tile<6x16xf32> -> !lutra.tile<6x16xf32>
  return
}

// -----

func.func @scratch(%a: memref<64xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  // expected-error @below {{E0601: kernel op "memref.alloc" has no code for sm_80; compile this model for target cpu}}
  %b = memref.alloc() : memref<64xf32>
  return
}

// -----

func.func @wide_exp(%a: memref<64xf64>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %x = lutra.tile_load %a[%c0] dims = [0] steps = [1] : memref<64xf64> -> <64xf64>
  %y = lutra.tile_map(%x) : (!lutra.tile<64xf64>) -> !lutra.tile<64xf64> {
  ^bb0(%v: f64):
    %s = math.sqrt %v : f64
    // expected-error @below {{E0602: 'math.exp' of 'f64' has no code for sm_80; compute it in f32, or compile this model for target cpu}}
    %e = math.exp %s : f64
    lutra.yield %e : f64
  }
  lutra.tile_store %y, %a[%c0] dims = [0] steps = [1] : <64xf64>, memref<64xf64>
  return
}
