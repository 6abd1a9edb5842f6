//===- Passes.h - passes from the lutra dialect to the lutra dialect -------===//
#ifndef LUTRA_DIALECT_LUTRA_TRANSFORMS_PASSES_H
#define LUTRA_DIALECT_LUTRA_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"

namespace lutra {

#define GEN_PASS_DECL
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"

} // namespace lutra

#endif // LUTRA_DIALECT_LUTRA_TRANSFORMS_PASSES_H
