//===- RowCodes.h - rows of 8-bit codes that a softmax or norm reads -------------------===//
#ifndef LUTRA_LIB_CONVERSION_LUTRATOTILE_ROWCODES_H
#define LUTRA_LIB_CONVERSION_LUTRATOTILE_ROWCODES_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include <optional>

namespace lutra {

/// Codes of 8 bits, with one known scale, that stand for rows of f32.
struct RowCodes {
  mlir::Value codes;
  float scale;  // positive and normal
  int64_t zero; // the code that stands for 0

  static std::optional<RowCodes> of(mlir::Value values);
  mlir::Type element() const { return mlir::getElementTypeOrSelf(codes); }
};

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOTILE_ROWCODES_H
