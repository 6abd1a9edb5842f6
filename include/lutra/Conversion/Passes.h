//===- Passes.h - passes that convert between levels -----------------------===//
#ifndef LUTRA_CONVERSION_PASSES_H
#define LUTRA_CONVERSION_PASSES_H

#include "mlir/Pass/Pass.h"

#include <memory>
#include <string>

namespace lutra {

#define GEN_PASS_DECL
#include "lutra/Conversion/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "lutra/Conversion/Passes.h.inc"

} // namespace lutra

#endif // LUTRA_CONVERSION_PASSES_H
