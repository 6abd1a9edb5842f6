//===- Passes.td - contract of the conversion of tile ops to nvvm ----------===//
#ifndef LUTRA_CONVERSION_TILETONVVM_PASSES_TD
#define LUTRA_CONVERSION_TILETONVVM_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertTileToNVVM : Pass<"convert-tile-to-nvvm", "mlir::ModuleOp"> {
  let summary = "turn tile ops into the code of one thread of a block";
  let description = [{
    Needs: functions with the attribute `lutra.kernel` made by convert-lutra-to-tile for the same
    target. Other functions (the grids) are left alone.

    Guarantees: a kernel becomes a function for one thread of a block (`lutra.block_threads`) that
    computes work item number blockIdx.x. Its parameters are the slots of the kernel ABI: for each
    buffer a global pointer and then its dynamic sizes, for each index its value. No tile op or tile
    type is left: a tile is a list of scalars for each thread, by a bit-linear layout
    (Support/LinearLayout.h). Products run on the tensor cores through a ring of swizzled
    buffers in shared memory that cp.async fills; f32 operands enter them as tf32. `exp` is within
    3 units of the last place, other functions become polynomials. The attribute
    `lutra.shared_bytes` says how much dynamic shared memory a launch must give.

    Fails, naming the op, on what the target has no code for (E0601, E0602), and when a layout
    breaks a static check: a fragment that is no bijection, a bank conflict, shared memory beyond
    the device's (E1001, E0701).

    ```mlir
    func.func @k(%a: memref<64x64xf16>, %b: memref<64x64xf16>, %c: memref<64x64xf32>,
                 %begin: index, %end: index) attributes {lutra.kernel} { .. lutra.tile_matmul .. }
    // becomes
    func.func @k(%a: !llvm.ptr<1>, %b: !llvm.ptr<1>, %c: !llvm.ptr<1>)
        attributes {lutra.block_threads = 128 : i64, lutra.shared_bytes = 49152 : i64} { .. }
    ```
  }];
  let options = [Option<"target", "target", "std::string", "\"sm_80\"",
                        "architecture: sm_80 or sm_90a">];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::func::FuncDialect",
                           "mlir::LLVM::LLVMDialect", "mlir::math::MathDialect",
                           "mlir::NVVM::NVVMDialect", "mlir::scf::SCFDialect"];
}

#endif
