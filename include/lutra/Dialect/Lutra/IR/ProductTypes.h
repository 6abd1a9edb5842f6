//===- ProductTypes.h - element types of products ------------------------------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_PRODUCTTYPES_H
#define LUTRA_DIALECT_LUTRA_IR_PRODUCTTYPES_H

#include "mlir/IR/Types.h"

namespace lutra {

/// Integers of 8 or 16 bits, signed or not: codes, or their distances from a zero point. Products are added in i32.
inline bool isNarrowInteger(mlir::Type type) { return type.isInteger(8) || type.isInteger(16); }

} // namespace lutra

#endif // LUTRA_DIALECT_LUTRA_IR_PRODUCTTYPES_H
