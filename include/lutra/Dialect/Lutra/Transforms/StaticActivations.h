//===- StaticActivations.h - left-hand sides rounded with scales known before ===//
#ifndef LUTRA_DIALECT_LUTRA_TRANSFORMS_STATICACTIVATIONS_H
#define LUTRA_DIALECT_LUTRA_TRANSFORMS_STATICACTIVATIONS_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Support/QuantizeSpec.h"
#include "lutra/Support/SampledRange.h"

#include "mlir/IR/BuiltinOps.h"

#include <map>
#include <memory>
#include <tuple>

namespace lutra {

class WeightStore;

/// Writes the rounding of left-hand sides into the graph as lutra.quantize and lutra.dequantize. Beside an encoded
/// weight of symmetric bytes with a scale for each row, which becomes a dequantized one, that is a product of integers
/// (lutra-raise-integer-products), and the codes may have a zero point; beside others it is one of codes
/// (lutra-quantize-activations). Filters of convolutions are dequantized bytes before. Made when no one else adds
/// weights any more.
class StaticActivations {
public:
  explicit StaticActivations(mlir::ModuleOp module);
  ~StaticActivations();
  /// `op`: a lutra.matmul or a lutra.conv; `range`: of the values of its first operand, not all of them 0.
  void round(mlir::Operation *op, const SampledRange &range, const ActivationRounding &rounding);
  /// With one scale for the whole left-hand side, from its largest magnitude while the model runs.
  void roundWithin(MatmulOp op, const ActivationRounding &rounding);
  /// Lets sums, pools and means read the codes that convolutions read, where nobody else reads the values; removes what
  /// nobody reads any more.
  void finish();

private:
  mlir::Value roundValue(mlir::Value value, mlir::Type code, const RangeCodes &codes, int64_t most, bool isBounded);
  mlir::Value roundWithin(mlir::Value value, int64_t most);
  bool dequantizeWeight(MatmulOp op);

  std::unique_ptr<WeightStore> store;
  /// By value, type of codes, scale, zero point and bounds.
  std::map<std::tuple<const void *, const void *, float, int64_t, bool>, mlir::Value> done;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::Value> doneWithin; // by value and greatest code
  llvm::DenseMap<mlir::Operation *, mlir::Value> weights;        // dequantized, by global
  llvm::SmallVector<std::pair<mlir::Value, mlir::Value>> images; // of convolutions, and their dequantized codes
};

} // namespace lutra

#endif // LUTRA_DIALECT_LUTRA_TRANSFORMS_STATICACTIVATIONS_H
