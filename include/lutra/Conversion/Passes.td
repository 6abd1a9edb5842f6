//===- Passes.td - contracts of the conversions between levels -------------===//
// Sorted by name.
#ifndef LUTRA_CONVERSION_PASSES_TD
#define LUTRA_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ApplyKernelAbi : Pass<"lutra-apply-kernel-abi", "mlir::ModuleOp"> {
  let summary = "gives kernels the one signature that the runtime calls";
  let description = [{
    Needs: functions `@k(<buffers and indices>, begin, end)` with the attribute `lutra.kernel`, each with its `@k.grid`.
    Guarantees: `@k(args: !llvm.ptr, begin, end)` and `@k.grid(args: !llvm.ptr)`, where args is an
    array of 64-bit slots: for a buffer its address and then its dynamic sizes, for an index its value.
    The attribute is removed. Functions that a kernel or its grid calls with all of its own arguments get the same.
    Leaves alone: other functions.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::LLVM::LLVMDialect"];
}

def ConvertLutraToMIL : Pass<"convert-lutra-to-mil", "mlir::ModuleOp"> {
  let summary = "turn a graph into an ML program of the mil dialect";
  let description = [{
    Needs: @main at graph level (before fusion), all shapes static, shape arithmetic folded
    (canonicalize).

    Guarantees: @main is a `mil.func` of the same inputs and results under the same names (characters
    that MIL does not allow become underscores); weights are `mil.const`; no lutra op and no global is
    left. Floats cross the interface as fp32 (f16 as fp16) and compute in `compute`; i64, i32 and i1
    cross it as int32.

    Fails with one E0604 that lists every op, type and constant without a form; a dynamic size is
    refused with the dimension and, by `origin`, what fixes it. In fp16, constants out of range become the
    largest number of their sign, with a warning; epsilons of norms are raised to 2^-23.
  }];
  let options = [
    Option<"compute", "compute", "std::string", "\"fp16\"", "type of float arithmetic: fp16 or fp32">,
    Option<"origin", "origin", "std::string", "\"module\"",
           "how the model came in, for advice in errors: onnx, program or module">,
    Option<"products", "products", "std::string", "\"linear\"",
           "form of a product with a constant: linear, or conv (1x1, the engine's faster form)">,
    Option<"spec", "spec", "int64_t", "9", "Core ML specification version: 7, 8 or 9">];
  let dependentDialects = ["lutra::mil::MILDialect"];
}

def ConvertLutraToRuntime : Pass<"convert-lutra-to-runtime", "mlir::ModuleOp"> {
  let summary = "turns @main into the functions that the runtime calls";
  let description = [{
    Needs: lutra-plan-memory. Guarantees: `@lutra_entry(call, args, arena, weights)` reads the slots of the inputs and
    results and calls lutra_rt_launch for each launch, in order, and lutra_rt_copy for each copy;
    `@lutra_shapes(sizes, results)` computes the sizes of the results and the bytes of the arena. Globals get
    `lutra.offset`; `@main.signature` keeps names and types; the module gets `lutra.kernels` (names by number),
    `lutra.weight_bytes` and `lutra.entry_slots`. Kernels are removed: they were copied by lutra-split-levels.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::func::FuncDialect",
                           "mlir::LLVM::LLVMDialect", "mlir::memref::MemRefDialect"];
}

def ConvertLutraToTile : Pass<"convert-lutra-to-tile", "mlir::ModuleOp"> {
  let summary = "turn each lutra.kernel into loops over tile ops";
  let description = [{
    Needs: kernels formed by lutra-form-kernels. Launches are left alone (their operands may already
    be memrefs).

    Each `lutra.kernel @k` becomes two functions:
    - `func.func @k(<inputs>, <outputs>, %begin: index, %end: index) attributes {lutra.kernel}`.
      Inputs in order, tensors as memrefs with identity layout (i1 is stored as i8, uiN as iN) and
      index values as they are; then one memref for each result. The body runs the work items
      [begin, end): scf loops over `lutra.tile_*` ops. Items are independent of each other.
    - `func.func @k.grid(<inputs>, <outputs>) -> index`: the number of work items, which depends on
      shapes alone.
    A product with strategies for fewer rows (`fewer_rows`) gets such a pair of functions for each of them that has
    code of its own on the target, as @k.rows31 and @k.rows31.grid, and one for all others, @k.rows; @k and @k.grid call
    those for the rows that there are.
    Kernels of one root op each, found by that op: products, rows (softmax and norms), reductions,
    single ops (gather, pool, top_k and so on) and, without any of these, maps of pointwise and movement ops.

    Fails, naming the op, on an op that has no emission, and without a target.
  }];
  let options = [Option<"target", "target", "std::string", "\"\"",
                        "registered tile target whose tile shapes are used; must be given">];
  let dependentDialects = ["mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
                           "mlir::func::FuncDialect", "mlir::math::MathDialect",
                           "mlir::memref::MemRefDialect", "mlir::scf::SCFDialect"];
}

def ConvertTileToVector : Pass<"convert-tile-to-vector", "mlir::ModuleOp"> {
  let summary = "turn tile ops into vector code for a CPU level";
  let description = [{
    Needs: functions made by convert-lutra-to-tile for the same target. Guarantees: no tile op and
    no tile type is left; a tile of R rows became R vectors (scalars where the last size is 1);
    bounds became masks or short loops; `exp`, `log`, `tanh`, `erf` on f32 became polynomials
    (their errors, at most 6 units in the last place, are stated in ExpandMath.cpp), the other functions calls of libm.
  }];
  let options = [Option<"target", "target", "std::string", "\"avx2\"",
                        "instruction-set level: avx2 or avx512">];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::func::FuncDialect", "mlir::LLVM::LLVMDialect",
                           "mlir::math::MathDialect", "mlir::memref::MemRefDialect",
                           "mlir::scf::SCFDialect", "mlir::vector::VectorDialect"];
}

def SplitLevels : Pass<"lutra-split-levels", "mlir::ModuleOp"> {
  let summary = "copies each kernel for each instruction-set level";
  let description = [{
    Guarantees: for each level `l` and chunk `c` a nested module `@l_c` with the attribute `lutra.level`, which
    holds every `chunks`-th kernel (and what it refers to); the originals stay, for launches to refer to.
  }];
  let options = [
    ListOption<"levels", "levels", "std::string", "instruction-set levels, best first">,
    Option<"chunks", "chunks", "unsigned", "1", "nested modules per level">];
}

#endif
