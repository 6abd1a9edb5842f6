// The small network's kernels as tiling hands them over: a product with bias and activation, a
// softmax over rows of 1000.
// RUN: lutra-opt %s --split-input-file --convert-tile-to-nvvm=target=sm_80 | FileCheck %s --check-prefixes=CHECK,SM80
// RUN: lutra-opt %s --split-input-file --convert-tile-to-nvvm=target=sm_90a | FileCheck %s --check-prefixes=CHECK,SM90

// CHECK: llvm.mlir.global external @lutra_shared() {addr_space = 3 : i32, alignment = 1024 : i64}

// Slots of the kernel ABI become parameters: pointer, then dynamic sizes.
// CHECK-LABEL: func.func @product_relu(
// CHECK-SAME: %{{.*}}: !llvm.ptr<1>, %{{.*}}: index, %{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: index)
// CHECK-SAME: lutra.block_threads = 128 : i64, lutra.shared_bytes = 49152 : i64
// CHECK: nvvm.read.ptx.sreg.ctaid.x
// Rows past the end are copied as zeros: the last operand counts bytes. Columns need no count.
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg, %{{.*}} : !llvm.ptr<3>, !llvm.ptr<1>, i32
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
// CHECK: nvvm.cp.async.commit.group
// CHECK: scf.for
// CHECK: nvvm.cp.async.wait.group 1
// SM90: nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>
// CHECK: nvvm.barrier0
// SM80: nvvm.ldmatrix {{.*}} num = 4
// SM80: cvt.rna.tf32.f32
// SM80: nvvm.mma.sync A{{.*}} multiplicandAPtxType = #nvvm.mma_type<tf32>{{.*}} shape = #nvvm.shape<m = 16, n = 8, k = 8>
// SM90: nvvm.wgmma.fence.aligned
// SM90-COUNT-4: nvvm.wgmma.mma_async {{.*}} <m = 64, n = 64, k = 8>
// SM90: nvvm.wgmma.commit.group.sync.aligned
// SM90: nvvm.wgmma.wait.group.sync.aligned 0
// The bias comes in the accumulator's layout: no conversion before the epilogue.
// CHECK: nvvm.cp.async.wait.group 0
// CHECK-NOT: !llvm.ptr<3>
// CHECK: arith.addf
// CHECK: arith.maximumf
// CHECK: @p st.global.v2.b32
// CHECK: return
func.func @product_relu(%x: memref<?x256xf32>, %w: memref<512x256xf32>, %b: memref<512xf32>,
                        %y: memref<?x512xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c64 = arith.constant 64 : index
  %c256 = arith.constant 256 : index
  %zero = arith.constant 0.0 : f32
  %m = memref.dim %x, %c0 : memref<?x256xf32>
  scf.for %item = %begin to %end step %c1 {
    %i = arith.divui %item, %c8 : index
    %j = arith.remui %item, %c8 : index
    %row = arith.muli %i, %c64 : index
    %column = arith.muli %j, %c64 : index
    %left = arith.subi %m, %row : index
    %rows = arith.minsi %left, %c64 : index
    %acc0 = lutra.tile_fill %zero : f32 -> !lutra.tile<64x64xf32>
    %acc = lutra.tile_matmul %x[%row, %c0], %w<col_major>[%column, %c0], %acc0 depth %c256 bounds(%rows, %c64)
        {lhs_row_dim = 0 : i64} : memref<?x256xf32>, memref<512x256xf32>, !lutra.tile<64x64xf32> -> !lutra.tile<64x64xf32>
    %bias = lutra.tile_load %b[%column] dims = [-1, 0] steps = [1, 1] : memref<512xf32> -> !lutra.tile<1x64xf32>
    %out = lutra.tile_map(%acc, %bias) : (!lutra.tile<64x64xf32>, !lutra.tile<1x64xf32>) -> !lutra.tile<64x64xf32> {
    ^bb0(%a: f32, %c: f32):
      %s = arith.addf %a, %c : f32
      %z = arith.constant 0.0 : f32
      %r = arith.maximumf %s, %z : f32
      lutra.yield %r : f32
    }
    lutra.tile_store %out, %y[%row, %column] bounds(%rows, %c64) dims = [0, 1] steps = [1, 1] : !lutra.tile<64x64xf32>, memref<?x512xf32>
  }
  return
}

// The grid is host code and stays.
// CHECK: func.func @product_relu.grid(%{{.*}}: memref<?x256xf32>
func.func @product_relu.grid(%x: memref<?x256xf32>, %w: memref<512x256xf32>, %b: memref<512xf32>,
                        %y: memref<?x512xf32>) -> index {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %c64 = arith.constant 64 : index
  %m = memref.dim %x, %c0 : memref<?x256xf32>
  %t = arith.ceildivui %m, %c64 : index
  %r = arith.muli %t, %c8 : index
  return %r : index
}

// -----

// Eight values for each thread; halves meet by registers, warps through shared memory, lanes by shuffles.
// CHECK-LABEL: func.func @softmax(
// CHECK-SAME: lutra.shared_bytes = 2048 : i64
// CHECK: @p ld.global.v4.b32
// CHECK: arith.maximumf
// CHECK: nvvm.barrier0
// CHECK: nvvm.shfl.sync bfly
// CHECK-COUNT-8: ex2.approx.ftz.f32
// CHECK: arith.divf
// CHECK: @p st.global.v4.b32
func.func @softmax(%x: memref<?x1000xf32>, %y: memref<?x1000xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 1000 : index
  %low = arith.constant 0xFF800000 : f32
  scf.for %row = %begin to %end step %c1 {
    %t = lutra.tile_load %x[%row, %c0] bounds(%n) dims = [1] steps = [1] : memref<?x1000xf32> -> !lutra.tile<1024xf32>
    %i = lutra.tile_iota %c0 {dim = 0 : i64} : !lutra.tile<1024xindex>
    %masked = lutra.tile_map(%t, %i) : (!lutra.tile<1024xf32>, !lutra.tile<1024xindex>) -> !lutra.tile<1024xf32> {
    ^bb0(%a: f32, %p: index):
      %neg = arith.constant 0xFF800000 : f32
      %nn = arith.constant 1000 : index
      %inside = arith.cmpi ult, %p, %nn : index
      %r = arith.select %inside, %a, %neg : f32
      lutra.yield %r : f32
    }
    %max = lutra.tile_reduce<max> %masked : !lutra.tile<1024xf32> -> !lutra.tile<f32>
    %e = lutra.tile_map(%masked, %max) : (!lutra.tile<1024xf32>, !lutra.tile<f32>) -> !lutra.tile<1024xf32> {
    ^bb0(%a: f32, %m: f32):
      %d = arith.subf %a, %m : f32
      %r = math.exp %d : f32
      lutra.yield %r : f32
    }
    %sum = lutra.tile_reduce<sum> %e : !lutra.tile<1024xf32> -> !lutra.tile<f32>
    %o = lutra.tile_map(%e, %sum) : (!lutra.tile<1024xf32>, !lutra.tile<f32>) -> !lutra.tile<1024xf32> {
    ^bb0(%a: f32, %m: f32):
      %r = arith.divf %a, %m : f32
      lutra.yield %r : f32
    }
    lutra.tile_store %o, %y[%row, %c0] bounds(%n) dims = [1] steps = [1] : !lutra.tile<1024xf32>, memref<?x1000xf32>
  }
  return
}
