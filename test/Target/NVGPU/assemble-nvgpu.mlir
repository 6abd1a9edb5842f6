// The small network's kernels as PTX and as machine code; ptxas judges registers and spills.
// RUN: rm -f %t.80.* %t.90.*
// RUN: lutra-opt %s --convert-tile-to-nvvm=target=sm_80 --lutra-assemble-nvgpu="target=sm_80 output=%t.80 ptx-only"
// RUN: FileCheck %s --check-prefix=PTX80 --input-file=%t.80.ptx
// RUN: lutra-opt %s --convert-tile-to-nvvm=target=sm_90a --lutra-assemble-nvgpu="target=sm_90a output=%t.90 ptx-only"
// RUN: FileCheck %s --check-prefix=PTX90 --input-file=%t.90.ptx
// RUN: not ls %t.80.cubin %t.80.report
// RUN: not lutra-opt %s --convert-tile-to-nvvm=target=sm_80 --lutra-assemble-nvgpu="target=sm_80 output=%t.none/k ptx-only" 2>&1 | FileCheck %s --check-prefix=UNWRITTEN
// RUN: %if ptxas %{ lutra-opt %s --convert-tile-to-nvvm=target=sm_80 --lutra-assemble-nvgpu="target=sm_80 output=%t.80 forbid-spills" %}
// RUN: %if ptxas %{ FileCheck %s --check-prefix=REPORT --input-file=%t.80.report %}
// RUN: %if ptxas %{ lutra-opt %s --convert-tile-to-nvvm=target=sm_90a --lutra-assemble-nvgpu="target=sm_90a output=%t.90 forbid-spills" %}
// RUN: %if ptxas %{ FileCheck %s --check-prefix=REPORT --input-file=%t.90.report %}

// UNWRITTEN: error: E0802: cannot write {{.*}}.none/k.ptx: No such file or directory

// Parameters are the slots of the kernel ABI, 64 bits each.
// PTX80: .version 7.0
// PTX80: .target sm_80
// PTX80: .extern .shared .align 1024 .b8 lutra_shared[];
// PTX80: .visible .entry product(
// PTX80-NEXT: .param .u64 .ptr .global .align 1 product_param_0,
// PTX80-NEXT: .param .u64 product_param_1,
// PTX80: .reqntid 128, 1, 1
// PTX80-COUNT-8: cp.async.cg.shared.global {{.*}}, 16
// PTX80-DAG: cp.async.wait_group 1
// PTX80-DAG: ldmatrix.sync.aligned.m8n8.x4.shared.b16
// PTX80-DAG: cvt.rna.tf32.f32
// PTX80-DAG: mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32
// PTX80: .visible .entry exponentials(
// PTX80-COUNT-4: ex2.approx.ftz.f32
// PTX80-NOT: ex2

// PTX90: .version 8.0
// PTX90: .target sm_90a
// PTX90: wgmma.fence.sync.aligned
// PTX90-COUNT-4: wgmma.mma_async.sync.aligned.m64n64k8.f32.tf32.tf32
// PTX90: wgmma.commit_group.sync.aligned
// PTX90: wgmma.wait_group.sync.aligned 0
// The head of the loop, which LLVM places after its body.
// PTX90: cp.async.wait_group 1
// PTX90-NEXT: fence.proxy.async.shared::cta
// PTX90-NEXT: bar.sync 0

// 65536 registers of a multiprocessor hold four blocks of 128 threads up to 128 registers.
// REPORT: product sm_{{80|90a}} registers={{[1-9][0-9]|10[0-9]|11[0-9]|12[0-8]}} shared=49152 stack=0 spill_stores=0 spill_loads=0
// REPORT: exponentials sm_{{80|90a}} registers={{[1-3][0-9]}} shared=0 stack=0 spill_stores=0 spill_loads=0
func.func @product(%x: memref<?x256xf32>, %w: memref<512x256xf32>, %y: memref<?x512xf32>,
                   %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %c64 = arith.constant 64 : index
  %c256 = arith.constant 256 : index
  %zero = arith.constant 0.0 : f32
  %m = memref.dim %x, %c0 : memref<?x256xf32>
  %i = arith.divui %begin, %c8 : index
  %j = arith.remui %begin, %c8 : index
  %row = arith.muli %i, %c64 : index
  %column = arith.muli %j, %c64 : index
  %left = arith.subi %m, %row : index
  %rows = arith.minsi %left, %c64 : index
  %acc0 = lutra.tile_fill %zero : f32 -> !lutra.tile<64x64xf32>
  %acc = lutra.tile_matmul %x[%row, %c0], %w<col_major>[%column, %c0], %acc0 depth %c256 bounds(%rows, %c64)
      {lhs_row_dim = 0 : i64} : memref<?x256xf32>, memref<512x256xf32>, !lutra.tile<64x64xf32> -> !lutra.tile<64x64xf32>
  lutra.tile_store %acc, %y[%row, %column] bounds(%rows, %c64) dims = [0, 1] steps = [1, 1] : !lutra.tile<64x64xf32>, memref<?x512xf32>
  return
}

func.func @exponentials(%x: memref<512xf32>, %y: memref<512xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %c0 = arith.constant 0 : index
  %t = lutra.tile_load %x[%c0] dims = [0] steps = [1] : memref<512xf32> -> !lutra.tile<512xf32>
  %e = lutra.tile_map(%t) : (!lutra.tile<512xf32>) -> !lutra.tile<512xf32> {
  ^bb0(%a: f32):
    %r = math.exp %a : f32
    lutra.yield %r : f32
  }
  lutra.tile_store %e, %y[%c0] dims = [0] steps = [1] : !lutra.tile<512xf32>, memref<512xf32>
  return
}
