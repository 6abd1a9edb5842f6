//===- Interpreter.h - values, buffers and the op table of the evaluator ---===//
// One handler per op, found by name. SSA values live in a frame (one per function call); regions of
// scf loops share their function's frame, since a value is always defined again before it is used.
// Invariant: a result array has the element type and fits the shape of its op's result type.
#ifndef LUTRA_LIB_REFERENCE_INTERPRETER_H
#define LUTRA_LIB_REFERENCE_INTERPRETER_H

#include "Array.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Reference/Evaluator.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringMap.h"

namespace lutra {

/// Bytes of one allocation. Fresh memory holds a pattern that reads as NaN, so that an element that
/// nobody wrote shows.
struct Memory {
  std::vector<uint8_t> bytes;
};

/// A memref: a typed window of an allocation.
struct Buffer {
  std::shared_ptr<Memory> memory;
  int64_t offset = 0; ///< in bytes
  mlir::Type elementType;
  llvm::SmallVector<int64_t> shape;
  llvm::SmallVector<int64_t> strides; ///< in elements
};

/// One SSA value at run time: a scalar (integer or float), an array or a buffer.
struct Datum {
  int64_t integer = 0;
  double number = 0;
  ArrayPtr array;
  std::shared_ptr<const Buffer> buffer;

  static Datum of(int64_t value) {
    Datum datum;
    datum.integer = value;
    return datum;
  }
  static Datum of(double value) {
    Datum datum;
    datum.number = value;
    return datum;
  }
  static Datum of(ArrayPtr value) {
    Datum datum;
    datum.array = std::move(value);
    return datum;
  }
  static Datum of(std::shared_ptr<const Buffer> value) {
    Datum datum;
    datum.buffer = std::move(value);
    return datum;
  }
};

class Interpreter;
using Handler = mlir::LogicalResult (*)(mlir::Operation *, Interpreter &);

/// Handlers by op name.
class HandlerTable {
public:
  HandlerTable();

  template <typename OpTy, mlir::LogicalResult (*function)(OpTy, Interpreter &)>
  void add() {
    handlers[OpTy::getOperationName()] = [](mlir::Operation *op, Interpreter &interpreter) {
      return function(llvm::cast<OpTy>(op), interpreter);
    };
  }
  Handler lookup(mlir::Operation *op);

private:
  llvm::StringMap<Handler> handlers;
  llvm::DenseMap<mlir::OperationName, Handler> cache; // names hashed by pointer
};

// One per op family, each in the family's own file.
void addControlHandlers(HandlerTable &table);
void addConvolutionHandlers(HandlerTable &table);
void addGatherHandlers(HandlerTable &table);
void addIntegerHandlers(HandlerTable &table);
void addMemoryHandlers(HandlerTable &table);
void addMovementHandlers(HandlerTable &table);
void addNormHandlers(HandlerTable &table);
void addPointwiseHandlers(HandlerTable &table);
void addPoolHandlers(HandlerTable &table);
void addProductHandlers(HandlerTable &table);
void addProgramHandlers(HandlerTable &table);
void addQuantizationHandlers(HandlerTable &table);
void addRecurrenceHandlers(HandlerTable &table);
void addReductionHandlers(HandlerTable &table);
void addResizeHandlers(HandlerTable &table);
void addScalarHandlers(HandlerTable &table);
void addSelectionHandlers(HandlerTable &table);
void addTensorHandlers(HandlerTable &table);
void addTileHandlers(HandlerTable &table);

class Interpreter {
public:
  Interpreter(mlir::ModuleOp module, const EvaluatorOptions &options, bool bounds)
      : module(module), options(options), bounds(bounds) {}

  const EvaluatorOptions &getOptions() const { return options; }
  /// Whether errors are derived next to values.
  bool hasBounds() const { return bounds; }
  bool isWide() const { return options.arithmetic == Arithmetic::Wide; }
  ErrorModel getErrorModel() const { return options.errorModel; }

  // --- Values of the running function.
  const Datum &get(mlir::Value value);
  int64_t getInteger(mlir::Value value) { return get(value).integer; }
  double getNumber(mlir::Value value) { return get(value).number; }
  const Array &getArray(mlir::Value value) { return *get(value).array; }
  const Buffer &getBuffer(mlir::Value value) { return *get(value).buffer; }
  void set(mlir::Value value, Datum datum);
  llvm::SmallVector<Datum> getAll(mlir::ValueRange values);

  /// Binds a result array: floats are rounded as the arithmetic asks, the shape is checked against
  /// the result type, the errors are dropped when they are not wanted.
  mlir::LogicalResult setArray(mlir::OpResult result, std::shared_ptr<Array> array);

  /// The result's shape, dynamic sizes taken in order from index operands.
  mlir::FailureOr<llvm::SmallVector<int64_t>> shapeFrom(mlir::OpResult result,
                                                        mlir::ValueRange sizes);
  /// A zero array for an op's result, with errors of 0 where they are derived; fails when it would be too large.
  mlir::FailureOr<std::shared_ptr<Array>> makeResult(mlir::OpResult result,
                                                     llvm::ArrayRef<int64_t> shape);
  /// Static values with the dynamic ones filled in from index operands.
  llvm::SmallVector<int64_t> mixed(llvm::ArrayRef<int64_t> statics, mlir::ValueRange dynamics);

  // --- Execution.
  mlir::LogicalResult call(mlir::Operation *function, llvm::ArrayRef<Datum> arguments,
                           llvm::SmallVectorImpl<Datum> &results);
  /// Runs a block up to its terminator, whose operands are the results.
  mlir::LogicalResult runBlock(mlir::Block &block, llvm::ArrayRef<Datum> arguments,
                               llvm::SmallVectorImpl<Datum> &results);
  mlir::Operation *lookup(mlir::Operation *from, mlir::StringAttr name);

  /// Arrays of globals, converted once.
  llvm::DenseMap<mlir::Operation *, ArrayPtr> globals;
  llvm::DenseMap<mlir::Operation *, std::shared_ptr<const Buffer>> globalBuffers;

private:
  using Frame = llvm::DenseMap<mlir::Value, Datum>;
  mlir::ModuleOp module;
  EvaluatorOptions options;
  bool bounds;
  HandlerTable table;
  Frame *frame = nullptr;
  mlir::SymbolTableCollection symbols;
  int64_t steps = 0;
  int depth = 0;
};

/// A failure with a code, at an op: `return refuse(op, ErrorCode::GraphType) << "...";`.
mlir::InFlightDiagnostic refuse(mlir::Operation *op, ErrorCode code);

} // namespace lutra

#endif // LUTRA_LIB_REFERENCE_INTERPRETER_H
