//===- Passes.td - contract of the assembling pass -------------------------===//
#ifndef LUTRA_TARGET_NVGPU_PASSES_TD
#define LUTRA_TARGET_NVGPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def AssembleNVGPU : Pass<"lutra-assemble-nvgpu", "mlir::ModuleOp"> {
  let summary = "assemble converted kernels and write what came out";
  let description = [{
    Needs: kernels converted by convert-tile-to-nvvm for the same target. Guarantees: writes
    `<output>.ptx`, `<output>.cubin` and `<output>.report` (a line for each kernel: registers,
    shared memory, stack and spills as ptxas counted them). Leaves the module alone; a compilation
    puts the same bytes into the artifact instead. For tests and for reading code.

    Fails with E0803 when there is no ptxas: LUTRA looks in `toolkit`, in the environment's
    CUDA_HOME, CUDA_PATH and CUDA_ROOT, on PATH, then in the usual place of the toolkit.
    With `ptx-only` it writes the PTX alone and needs no ptxas.
    With `forbid-spills` a kernel that spills registers is an error.

    ```mlir
    func.func @k(%a: !llvm.ptr<1>) attributes {lutra.block_threads = 128 : i64, lutra.shared_bytes = 0 : i64} { .. }
    // report: k sm_80 registers=16 shared=0 stack=0 spill_stores=0 spill_loads=0
    ```
  }];
  let options = [
    Option<"target", "target", "std::string", "\"sm_80\"", "architecture: sm_80 or sm_90a">,
    Option<"output", "output", "std::string", "\"\"", "path of the files to write, without ending">,
    Option<"toolkit", "toolkit", "std::string", "\"\"", "folder of the CUDA toolkit; empty: search">,
    Option<"ptxOnly", "ptx-only", "bool", "false", "write PTX alone">,
    Option<"forbidSpills", "forbid-spills", "bool", "false", "fail when a kernel spills registers">];
}

#endif
