//===- Import.h - ONNX models to graph-level modules -----------------------===//
// The importer's whole public face; protobuf stays inside lib/Frontend/ONNX.
#ifndef LUTRA_FRONTEND_ONNX_IMPORT_H
#define LUTRA_FRONTEND_ONNX_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <map>
#include <string>

namespace lutra {

/// Values that a named dimension may take, both ends included.
struct DimRange {
  int64_t low = 1;
  int64_t high = INT64_MAX;
};

struct OnnxImportOptions {
  /// The model's file. External data is looked for beside it and nowhere else.
  std::string path;
  /// The model itself, used when `path` is empty; it may not refer to external data.
  llvm::StringRef bytes;
  /// Named dimensions that are fixed (low == high) or limited.
  std::map<std::string, DimRange> dims;
  /// Inputs whose values are known at compile time: serialised TensorProto by input name. They are no
  /// arguments of the compiled function.
  std::map<std::string, std::string> bindings;
  /// Symbol of the entry function.
  std::string entry = "main";
};

/// Imports a model. On failure one coded diagnostic was emitted: it names every node that cannot be
/// imported (E0601, E0602), or the first fault of a malformed model (E01xx to E04xx, E0702, E0801).
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> importOnnx(mlir::MLIRContext *context,
                                                              const OnnxImportOptions &options);

} // namespace lutra

#endif // LUTRA_FRONTEND_ONNX_IMPORT_H
