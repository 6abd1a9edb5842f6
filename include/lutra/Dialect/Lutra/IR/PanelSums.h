//===- PanelSums.h - which packed matrices end with sums ----------------------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_PANELSUMS_H
#define LUTRA_DIALECT_LUTRA_IR_PANELSUMS_H

#include "mlir/IR/BuiltinTypes.h"

namespace lutra {

/// Whether the panels of a packed matrix end with words of their own (BytePanels.h), which its buffer has beside what
/// its shape says.
bool hasPanelSums(mlir::RankedTensorType type);

} // namespace lutra

#endif // LUTRA_DIALECT_LUTRA_IR_PANELSUMS_H
