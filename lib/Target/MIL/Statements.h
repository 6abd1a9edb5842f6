//===- Statements.h - an ML program as plain statements ----------------------===//
// Text and package say the same things in two encodings. Both are written from this list, in which
// constant parameters have become statements of their own, named after the result they belong to.
#ifndef LUTRA_LIB_TARGET_MIL_STATEMENTS_H
#define LUTRA_LIB_TARGET_MIL_STATEMENTS_H

#include "lutra/Dialect/MIL/IR/MIL.h"
#include "lutra/Dialect/MIL/IR/MILOpTable.h"

#include <optional>
#include <string>
#include <vector>

namespace lutra::mil {

class BlobWriter;

/// A constant: a string, or a tensor whose bytes are here (row-major, one byte for a boolean) or in
/// the weight file.
struct Constant {
  mlir::Type element; // null: a string
  llvm::SmallVector<int64_t> shape;
  std::string bytes; // or the string
  std::optional<uint64_t> blob;
};

struct Argument {
  std::string parameter;
  bool isList = false;
  llvm::SmallVector<std::string> names;
};

struct Statement {
  std::string op; // "const" when `value` is set
  llvm::SmallVector<Argument> arguments; // sorted by parameter
  llvm::SmallVector<std::pair<std::string, mlir::RankedTensorType>> results;
  std::string constantName; // of a const
  std::optional<Constant> value;
};

/// The body of a function in order. Long constants go to `blobs`.
mlir::FailureOr<std::vector<Statement>> listStatements(FuncOp func, BlobWriter &blobs, int64_t blobElements);

/// A parameter of mil.apply as a constant, and back. The way back fails when the constant is not of
/// the kind.
Constant constantOfParam(mlir::Attribute value);
mlir::Attribute paramOfConstant(mlir::MLIRContext *context, const Constant &value, ParamKind kind);

/// Bytes of one element as stored here.
unsigned byteWidth(mlir::Type element);

} // namespace lutra::mil

#endif // LUTRA_LIB_TARGET_MIL_STATEMENTS_H
