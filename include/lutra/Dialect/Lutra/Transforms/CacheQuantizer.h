//===- CacheQuantizer.h - keys and values of earlier tokens in few bits ------===//
// Shared by the pass lutra-quantize-caches and by the pipeline, which lists and reports them. `plan` finds the caches
// of @main, `apply` rewrites them, `round` leaves them f32 for a model that shows what codes lose.
#ifndef LUTRA_DIALECT_LUTRA_TRANSFORMS_CACHEQUANTIZER_H
#define LUTRA_DIALECT_LUTRA_TRANSFORMS_CACHEQUANTIZER_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Support/QuantizeSpec.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace lutra {

/// An argument of @main that rows are appended to, or written into.
struct KeyValueCache {
  mlir::BlockArgument past;
  mlir::Operation *present = nullptr; // a concat, or a scatter_nd of whole rows
  std::string name, presentName;
  int64_t rows = 0; // of one token: those of all heads, and of all sequences where their number is known
  int64_t width = 0; // elements of a row
  int64_t group = 0; // of them, which share a scale
  unsigned bits = 8; // of a code; of 4 two lie in a byte
  int64_t products = 0; // that read it
  unsigned result = 0; // of @main, that is `present`
  bool hasZeroPoints = false;

  int64_t bytesBefore() const { return rows * width * static_cast<int64_t>(sizeof(float)); }
  int64_t groups() const { return width / group; }
  /// Of a row's codes.
  int64_t codeBytes() const { return width * bits / 8; }
  int64_t bytesAfter() const {
    return rows * (codeBytes() + groups() * (static_cast<int64_t>(sizeof(float)) + (hasZeroPoints ? 1 : 0)));
  }
  /// As a spec has it, and the group where a row has several.
  std::string format() const {
    std::string own = groups() > 1 ? "g" + std::to_string(group) : "token";
    return "int" + std::to_string(bits) + ":" + own + (hasZeroPoints ? ":asym" : ":sym");
  }
};

/// An argument that is appended to or written into, but stays as it is.
struct KeptCache {
  std::string name, reason;
  mlir::Location loc;
};

class CacheQuantizer {
public:
  CacheQuantizer(mlir::ModuleOp module, const QuantizeSpec &spec, llvm::StringRef category)
      : module(module), zeroPoints(spec.cacheZeroPoints), bits(spec.cacheBits), asked(spec.cacheType()),
        category(category.str()) {}

  void plan();
  llvm::ArrayRef<KeyValueCache> getCaches() const { return caches; }
  llvm::ArrayRef<KeptCache> getKept() const { return kept; }
  /// Without any cache it is an error, which names those that stay.
  mlir::LogicalResult check();
  /// Gives all caches codes.
  mlir::LogicalResult apply();
  /// Puts what codes stand for in the place of each cache's rows. `switches`: only where a global of one truth value,
  /// false, would be true; those, in the order of the caches.
  std::vector<GlobalOp> round(bool switches);

private:
  void classify(mlir::BlockArgument argument);
  void rewrite(KeyValueCache &cache);

  mlir::ModuleOp module;
  bool zeroPoints; // of each scale
  unsigned bits; // of codes
  std::string asked; // as the spec has it
  std::string category; // of remarks
  mlir::func::FuncOp main;
  std::vector<KeyValueCache> caches;
  std::vector<KeptCache> kept;
};

} // namespace lutra

#endif // LUTRA_DIALECT_LUTRA_TRANSFORMS_CACHEQUANTIZER_H
