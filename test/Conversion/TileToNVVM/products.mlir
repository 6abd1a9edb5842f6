// Every way an operand reaches the tensor cores. Target/NVGPU/catalogue.test assembles the same kernels.
// RUN: lutra-opt %s --convert-tile-to-nvvm=target=sm_80 | FileCheck %s --check-prefixes=CHECK,SM80
// RUN: lutra-opt %s --convert-tile-to-nvvm=target=sm_90a | FileCheck %s --check-prefixes=CHECK,SM90

// Rows of depth on both sides, f16: the narrow result leaves in pairs.
// CHECK-LABEL: func.func @half_col_major(
// SM80: nvvm.ldmatrix {{.*}}layout = #nvvm.mma_layout<row>
// SM80: nvvm.mma.sync {{.*}}shape = #nvvm.shape<m = 16, n = 8, k = 16>{{.*}} vector<2xf16>
// SM90: nvvm.wgmma.mma_async {{.*}} <m = 64, n = 64, k = 16>{{.*}}A[<f16>, <one>, <row>], B[<f16>, <one>, <col>]
// CHECK: llvm.inline_asm {{.*}}@p st.global.b32
func.func @half_col_major(%a: memref<?x192xf16>, %b: memref<256x192xf16>, %c: memref<?x256xf16>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %rows = arith.constant 64 : index
  %columns = arith.constant 64 : index
  %zero = arith.constant 0.0 : f32
  %m = memref.dim %a, %c0 : memref<?x192xf16>
  %k = memref.dim %a, %c1 : memref<?x192xf16>
  %n = memref.dim %c, %c1 : memref<?x256xf16>
  scf.for %item = %begin to %end step %c1 {
    %across = arith.ceildivui %n, %columns : index
    %i = arith.divui %item, %across : index
    %j = arith.remui %item, %across : index
    %row = arith.muli %i, %rows : index
    %column = arith.muli %j, %columns : index
    %below = arith.subi %m, %row : index
    %right = arith.subi %n, %column : index
    %height = arith.minsi %below, %rows : index
    %width = arith.minsi %right, %columns : index
    %acc0 = lutra.tile_fill %zero : f32 -> !lutra.tile<64x64xf32>
    %acc = lutra.tile_matmul %a[%row, %c0], %b<col_major>[%column, %c0], %acc0 depth %k bounds(%height, %width)
        {lhs_row_dim = 0 : i64} : memref<?x192xf16>, memref<256x192xf16>, !lutra.tile<64x64xf32> -> !lutra.tile<64x64xf32>
    %narrow = lutra.tile_map(%acc) : (!lutra.tile<64x64xf32>) -> !lutra.tile<64x64xf16> {
    ^bb0(%x: f32):
      %y = arith.truncf %x : f32 to f16
      lutra.yield %y : f16
    }
    lutra.tile_store %narrow, %c[%row, %column] bounds(%height, %width) dims = [0, 1] steps = [1, 1] : !lutra.tile<64x64xf16>, memref<?x256xf16>
  }
  return
}

// Rows of columns, f16: transposed by the load of the fragment, or by wgmma.
// CHECK-LABEL: func.func @half_row_major(
// SM80: nvvm.ldmatrix {{.*}}layout = #nvvm.mma_layout<col>
// SM90: nvvm.wgmma.mma_async {{.*}}B[<f16>, <one>, <row>]
func.func @half_row_major(%a: memref<?x192xf16>, %b: memref<192x256xf16>, %c: memref<?x256xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %rows = arith.constant 64 : index
  %columns = arith.constant 64 : index
  %zero = arith.constant 0.0 : f32
  %m = memref.dim %a, %c0 : memref<?x192xf16>
  %k = memref.dim %a, %c1 : memref<?x192xf16>
  %n = memref.dim %c, %c1 : memref<?x256xf32>
  scf.for %item = %begin to %end step %c1 {
    %across = arith.ceildivui %n, %columns : index
    %i = arith.divui %item, %across : index
    %j = arith.remui %item, %across : index
    %row = arith.muli %i, %rows : index
    %column = arith.muli %j, %columns : index
    %below = arith.subi %m, %row : index
    %right = arith.subi %n, %column : index
    %height = arith.minsi %below, %rows : index
    %width = arith.minsi %right, %columns : index
    %acc0 = lutra.tile_fill %zero : f32 -> !lutra.tile<64x64xf32>
    %acc = lutra.tile_matmul %a[%row, %c0], %b<row_major>[%c0, %column], %acc0 depth %k bounds(%height, %width)
        {lhs_row_dim = 0 : i64} : memref<?x192xf16>, memref<192x256xf16>, !lutra.tile<64x64xf32> -> !lutra.tile<64x64xf32>
    lutra.tile_store %acc, %c[%row, %column] bounds(%height, %width) dims = [0, 1] steps = [1, 1] : !lutra.tile<64x64xf32>, memref<?x256xf32>
  }
  return
}

// CHECK-LABEL: func.func @brain_large(
// CHECK-SAME: lutra.shared_bytes = 98304 : i64
// SM80: nvvm.mma.sync {{.*}}multiplicandAPtxType = #nvvm.mma_type<bf16>
// SM90-COUNT-8: nvvm.wgmma.mma_async {{.*}} <m = 64, n = 128, k = 16>
func.func @brain_large(%a: memref<4096x4096xbf16>, %b: memref<4096x4096xbf16>, %c: memref<4096x4096xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %rows = arith.constant 128 : index
  %columns = arith.constant 128 : index
  %zero = arith.constant 0.0 : f32
  %m = memref.dim %a, %c0 : memref<4096x4096xbf16>
  %k = memref.dim %a, %c1 : memref<4096x4096xbf16>
  %n = memref.dim %c, %c1 : memref<4096x4096xf32>
  scf.for %item = %begin to %end step %c1 {
    %across = arith.ceildivui %n, %columns : index
    %i = arith.divui %item, %across : index
    %j = arith.remui %item, %across : index
    %row = arith.muli %i, %rows : index
    %column = arith.muli %j, %columns : index
    %below = arith.subi %m, %row : index
    %right = arith.subi %n, %column : index
    %height = arith.minsi %below, %rows : index
    %width = arith.minsi %right, %columns : index
    %acc0 = lutra.tile_fill %zero : f32 -> !lutra.tile<128x128xf32>
    %acc = lutra.tile_matmul %a[%row, %c0], %b<row_major>[%c0, %column], %acc0 depth %k bounds(%height, %width)
        {lhs_row_dim = 0 : i64} : memref<4096x4096xbf16>, memref<4096x4096xbf16>, !lutra.tile<128x128xf32> -> !lutra.tile<128x128xf32>
    lutra.tile_store %acc, %c[%row, %column] bounds(%height, %width) dims = [0, 1] steps = [1, 1] : !lutra.tile<128x128xf32>, memref<4096x4096xf32>
  }
  return
}

// f32 with rows of columns: words are transposed on their way into shared memory.
// CHECK-LABEL: func.func @single_row_major(
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 4, cache = ca
// SM80: nvvm.mma.sync {{.*}}shape = #nvvm.shape<m = 16, n = 8, k = 8>
// SM90: nvvm.wgmma.mma_async {{.*}}B[<tf32>, <one>, <col>]
func.func @single_row_major(%a: memref<?x36xf32>, %b: memref<36x100xf32>, %c: memref<?x100xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %rows = arith.constant 64 : index
  %columns = arith.constant 64 : index
  %zero = arith.constant 0.0 : f32
  %m = memref.dim %a, %c0 : memref<?x36xf32>
  %k = memref.dim %a, %c1 : memref<?x36xf32>
  %n = memref.dim %c, %c1 : memref<?x100xf32>
  scf.for %item = %begin to %end step %c1 {
    %across = arith.ceildivui %n, %columns : index
    %i = arith.divui %item, %across : index
    %j = arith.remui %item, %across : index
    %row = arith.muli %i, %rows : index
    %column = arith.muli %j, %columns : index
    %below = arith.subi %m, %row : index
    %right = arith.subi %n, %column : index
    %height = arith.minsi %below, %rows : index
    %width = arith.minsi %right, %columns : index
    %acc0 = lutra.tile_fill %zero : f32 -> !lutra.tile<64x64xf32>
    %acc = lutra.tile_matmul %a[%row, %c0], %b<row_major>[%c0, %column], %acc0 depth %k bounds(%height, %width)
        {lhs_row_dim = 0 : i64} : memref<?x36xf32>, memref<36x100xf32>, !lutra.tile<64x64xf32> -> !lutra.tile<64x64xf32>
    lutra.tile_store %acc, %c[%row, %column] bounds(%height, %width) dims = [0, 1] steps = [1, 1] : !lutra.tile<64x64xf32>, memref<?x100xf32>
  }
  return
}

// Nothing is known about the sizes: words again, the last ones counted by bytes.
// CHECK-LABEL: func.func @single_dynamic(
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 4, cache = ca, %{{.*}} : !llvm.ptr<3>, !llvm.ptr<1>, i32
func.func @single_dynamic(%a: memref<?x?xf32>, %b: memref<?x?xf32>, %c: memref<?x?xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %rows = arith.constant 64 : index
  %columns = arith.constant 64 : index
  %zero = arith.constant 0.0 : f32
  %m = memref.dim %a, %c0 : memref<?x?xf32>
  %k = memref.dim %a, %c1 : memref<?x?xf32>
  %n = memref.dim %c, %c1 : memref<?x?xf32>
  scf.for %item = %begin to %end step %c1 {
    %across = arith.ceildivui %n, %columns : index
    %i = arith.divui %item, %across : index
    %j = arith.remui %item, %across : index
    %row = arith.muli %i, %rows : index
    %column = arith.muli %j, %columns : index
    %below = arith.subi %m, %row : index
    %right = arith.subi %n, %column : index
    %height = arith.minsi %below, %rows : index
    %width = arith.minsi %right, %columns : index
    %acc0 = lutra.tile_fill %zero : f32 -> !lutra.tile<64x64xf32>
    %acc = lutra.tile_matmul %a[%row, %c0], %b<col_major>[%column, %c0], %acc0 depth %k bounds(%height, %width)
        {lhs_row_dim = 0 : i64} : memref<?x?xf32>, memref<?x?xf32>, !lutra.tile<64x64xf32> -> !lutra.tile<64x64xf32>
    lutra.tile_store %acc, %c[%row, %column] bounds(%height, %width) dims = [0, 1] steps = [1, 1] : !lutra.tile<64x64xf32>, memref<?x?xf32>
  }
  return
}

// An odd row length leaves no aligned word: halves go through a register.
// CHECK-LABEL: func.func @half_odd(
// CHECK: @p ld.global.b16
// CHECK: llvm.store {{.*}} : f16, !llvm.ptr<3>
func.func @half_odd(%a: memref<?x33xf16>, %b: memref<64x33xf16>, %c: memref<?x64xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %rows = arith.constant 64 : index
  %columns = arith.constant 64 : index
  %zero = arith.constant 0.0 : f32
  %m = memref.dim %a, %c0 : memref<?x33xf16>
  %k = memref.dim %a, %c1 : memref<?x33xf16>
  %n = memref.dim %c, %c1 : memref<?x64xf32>
  scf.for %item = %begin to %end step %c1 {
    %across = arith.ceildivui %n, %columns : index
    %i = arith.divui %item, %across : index
    %j = arith.remui %item, %across : index
    %row = arith.muli %i, %rows : index
    %column = arith.muli %j, %columns : index
    %below = arith.subi %m, %row : index
    %right = arith.subi %n, %column : index
    %height = arith.minsi %below, %rows : index
    %width = arith.minsi %right, %columns : index
    %acc0 = lutra.tile_fill %zero : f32 -> !lutra.tile<64x64xf32>
    %acc = lutra.tile_matmul %a[%row, %c0], %b<col_major>[%column, %c0], %acc0 depth %k bounds(%height, %width)
        {lhs_row_dim = 0 : i64} : memref<?x33xf16>, memref<64x33xf16>, !lutra.tile<64x64xf32> -> !lutra.tile<64x64xf32>
    lutra.tile_store %acc, %c[%row, %column] bounds(%height, %width) dims = [0, 1] steps = [1, 1] : !lutra.tile<64x64xf32>, memref<?x64xf32>
  }
  return
}

// CHECK-LABEL: func.func @bytes(
// SM80: nvvm.mma.sync {{.*}}intOverflowBehavior = #nvvm.mma_int_overflow<wrapped>{{.*}}<s8>{{.*}}shape = #nvvm.shape<m = 16, n = 8, k = 32>
// SM90: nvvm.wgmma.mma_async {{.*}} <m = 64, n = 64, k = 32>
func.func @bytes(%a: memref<?x512xi8>, %b: memref<256x512xi8>, %c: memref<?x256xi32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %rows = arith.constant 64 : index
  %columns = arith.constant 64 : index
  %zero = arith.constant 0 : i32
  %m = memref.dim %a, %c0 : memref<?x512xi8>
  %k = memref.dim %a, %c1 : memref<?x512xi8>
  %n = memref.dim %c, %c1 : memref<?x256xi32>
  scf.for %item = %begin to %end step %c1 {
    %across = arith.ceildivui %n, %columns : index
    %i = arith.divui %item, %across : index
    %j = arith.remui %item, %across : index
    %row = arith.muli %i, %rows : index
    %column = arith.muli %j, %columns : index
    %below = arith.subi %m, %row : index
    %right = arith.subi %n, %column : index
    %height = arith.minsi %below, %rows : index
    %width = arith.minsi %right, %columns : index
    %acc0 = lutra.tile_fill %zero : i32 -> !lutra.tile<64x64xi32>
    %acc = lutra.tile_matmul %a[%row, %c0], %b<col_major>[%column, %c0], %acc0 depth %k bounds(%height, %width)
        {lhs_row_dim = 0 : i64} : memref<?x512xi8>, memref<256x512xi8>, !lutra.tile<64x64xi32> -> !lutra.tile<64x64xi32>
    lutra.tile_store %acc, %c[%row, %column] bounds(%height, %width) dims = [0, 1] steps = [1, 1] : !lutra.tile<64x64xi32>, memref<?x256xi32>
  }
  return
}

// Few rows: one row of warps, mma.sync on both.
// CHECK-LABEL: func.func @thin(
// CHECK: nvvm.mma.sync
func.func @thin(%a: memref<16x192xf16>, %b: memref<256x192xf16>, %c: memref<16x256xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %rows = arith.constant 16 : index
  %columns = arith.constant 64 : index
  %zero = arith.constant 0.0 : f32
  %m = memref.dim %a, %c0 : memref<16x192xf16>
  %k = memref.dim %a, %c1 : memref<16x192xf16>
  %n = memref.dim %c, %c1 : memref<16x256xf32>
  scf.for %item = %begin to %end step %c1 {
    %across = arith.ceildivui %n, %columns : index
    %i = arith.divui %item, %across : index
    %j = arith.remui %item, %across : index
    %row = arith.muli %i, %rows : index
    %column = arith.muli %j, %columns : index
    %below = arith.subi %m, %row : index
    %right = arith.subi %n, %column : index
    %height = arith.minsi %below, %rows : index
    %width = arith.minsi %right, %columns : index
    %acc0 = lutra.tile_fill %zero : f32 -> !lutra.tile<16x64xf32>
    %acc = lutra.tile_matmul %a[%row, %c0], %b<col_major>[%column, %c0], %acc0 depth %k bounds(%height, %width)
        {lhs_row_dim = 0 : i64} : memref<16x192xf16>, memref<256x192xf16>, !lutra.tile<16x64xf32> -> !lutra.tile<16x64xf32>
    lutra.tile_store %acc, %c[%row, %column] bounds(%height, %width) dims = [0, 1] steps = [1, 1] : !lutra.tile<16x64xf32>, memref<16x256xf32>
  }
  return
}

// Without bounds a tile may pass the ends of the operands, which read as zero: rows of a dynamic size are
// counted, and the 10 columns of the right side too.
// CHECK-LABEL: func.func @past_the_end(
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg, %{{.*}} : !llvm.ptr<3>, !llvm.ptr<1>, i32
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 4, cache = ca, %{{.*}} : !llvm.ptr<3>, !llvm.ptr<1>, i32
func.func @past_the_end(%a: memref<?x64xf32>, %b: memref<64x10xf32>, %c: memref<?x10xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %c10 = arith.constant 10 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant 0.0 : f32
  %m = memref.dim %a, %c0 : memref<?x64xf32>
  %row = arith.muli %begin, %c64 : index
  %height = arith.subi %m, %row : index
  %acc0 = lutra.tile_fill %zero : f32 -> !lutra.tile<64x64xf32>
  %acc = lutra.tile_matmul %a[%row, %c0], %b<row_major>[%c0, %c0], %acc0 depth %c64
      {lhs_row_dim = 0 : i64} : memref<?x64xf32>, memref<64x10xf32>, !lutra.tile<64x64xf32> -> !lutra.tile<64x64xf32>
  lutra.tile_store %acc, %c[%row, %c0] bounds(%height, %c10) dims = [0, 1] steps = [1, 1] : !lutra.tile<64x64xf32>, memref<?x10xf32>
  return
}
