//===- Evaluator.h - runs a module by plain loops --------------------------===//
// The oracle of every numeric test: each op does what its description says, one element at a time,
// sharing no code with the compiler. Graph level, kernels, planned memory and tile level all run.
#ifndef LUTRA_REFERENCE_EVALUATOR_H
#define LUTRA_REFERENCE_EVALUATOR_H

#include "lutra/Reference/Tensor.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"

namespace lutra {

/// How float values are held between ops.
enum class Arithmetic {
  AsTyped, ///< every op rounds to its result type; products accumulate in f32
  Wide     ///< values stay in f64 from the stored inputs on (overflow still becomes infinity)
};

/// How the errors of the terms of a sum add up when bounds are derived.
enum class ErrorModel {
  WorstCase,  ///< all in one direction: holds for every program, but grows with each layer
  Independent ///< as the root of their squares: for whole networks of dozens of layers
};

struct EvaluatorOptions {
  Arithmetic arithmetic = Arithmetic::AsTyped;
  ErrorModel errorModel = ErrorModel::WorstCase;
  /// Bounds for a program whose softmax and norms round each of their steps to the result's type, as
  /// Core ML's do in fp16; else they are held in f32 at least.
  bool roundSteps = false;
  /// Shapes of destination arguments (trailing memrefs beyond the inputs) with dynamic sizes.
  llvm::SmallVector<llvm::SmallVector<int64_t>> destinationShapes;
  /// Elements that one value may have, and ops that one run may execute.
  int64_t maxElements = int64_t(1) << 31;
  int64_t maxSteps = int64_t(1) << 40;
};

/// An f64 result with, for each element, how far a right program may be from it. `kind` is the type
/// that the program stores. An empty bound means exact; infinity means not determined.
struct BoundedTensor {
  Tensor value;
  ElementKind kind = ElementKind::F32;
  std::vector<double> bound;
};

/// Results of `function` for `inputs`. Arguments beyond the inputs must be memrefs: the function
/// writes them and their contents follow its results. Errors are diagnostics.
mlir::FailureOr<llvm::SmallVector<Tensor>> evaluate(mlir::ModuleOp module, llvm::StringRef function,
                                                    llvm::ArrayRef<Tensor> inputs,
                                                    const EvaluatorOptions &options = {});

/// The same in f64 with error bounds of a program that computes the graph in its own precision.
/// Floats come back as f64, other kinds unchanged. Graph level only.
mlir::FailureOr<llvm::SmallVector<BoundedTensor>>
evaluateWithBounds(mlir::ModuleOp module, llvm::StringRef function, llvm::ArrayRef<Tensor> inputs,
                   const EvaluatorOptions &options = {});

} // namespace lutra

#endif // LUTRA_REFERENCE_EVALUATOR_H
