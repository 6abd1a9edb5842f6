//===- MILOpTable.h - what the operations of MIL take and return ------------===//
// One row for each operation that the compiler may emit. The verifier, the text parser and the
// package writer read it; a new operation is a new row (and a result rule, if none fits).
#ifndef LUTRA_DIALECT_MIL_IR_MILOPTABLE_H
#define LUTRA_DIALECT_MIL_IR_MILOPTABLE_H

#include "mlir/IR/BuiltinTypes.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <optional>

namespace lutra::mil {

class ApplyOp;

/// What a parameter holds. All but the first two are constants.
enum class ParamKind { Tensor, TensorList, Int, IntList, Bool, BoolList, Float, String };

struct ParamSchema {
  llvm::StringRef name;
  ParamKind kind = ParamKind::Tensor;
  bool required = true;
  int since = 0; // first specification version that has it, 0: as old as the operation
};

/// How the result type follows from operands and parameters.
enum class ResultRule {
  Same,      // x
  Broadcast, // NumPy broadcast of all operands, element type of the last
  Compare,   // NumPy broadcast, i1
  Cast,      // shape of x, type named by `dtype`
  Reduce,    // axes of x become 1 or vanish
  ArgReduce, // as Reduce, i32
  Linear,    // x [.., K], weight [N, K]
  Matmul,    // batch broadcast of x and y
  Conv,
  Pool,
  Reshape,   // the shape is `shape`
  Transpose, // permuted by `perm`
  Slice,     // begin, end, stride, masks
  Concat,
  Pad,
  Gather,
  GatherNd,
  Indices,   // the shape of `indices`, element type of x
  Tile
};

struct OpSchema {
  llvm::StringRef name;
  ResultRule rule;
  llvm::StringRef parameters; // see MILOpTable.cpp

  /// The parameters in the table's order.
  llvm::SmallVector<ParamSchema> getParams() const;
  std::optional<ParamSchema> findParam(llvm::StringRef parameter) const;
};

/// The row of an operation, or null.
const OpSchema *lookupOp(llvm::StringRef name);

/// "CoreML8" for specification version 9.
llvm::StringRef opsetName(int64_t spec);
/// "ios18" for specification version 9.
llvm::StringRef opsetTextName(int64_t spec);

/// "fp16" for f16; empty for a type that MIL lacks.
llvm::StringRef typeName(mlir::Type element);
/// f16 for "fp16"; null for an unknown name.
mlir::Type typeOfName(mlir::MLIRContext *context, llvm::StringRef name);

/// The result type that the operation's rule gives, or null when the operands and parameters do not
/// fit together (then `why` says so).
mlir::RankedTensorType inferResult(ApplyOp op, std::string &why);

} // namespace lutra::mil

#endif // LUTRA_DIALECT_MIL_IR_MILOPTABLE_H
