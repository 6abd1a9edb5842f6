//===- Passes.h - conversion of tile ops to nvvm ---------------------------===//
#ifndef LUTRA_CONVERSION_TILETONVVM_PASSES_H
#define LUTRA_CONVERSION_TILETONVVM_PASSES_H

#include "mlir/Pass/Pass.h"

#include <memory>
#include <string>

namespace lutra {

#define GEN_PASS_DECL
#include "lutra/Conversion/TileToNVVM/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "lutra/Conversion/TileToNVVM/Passes.h.inc"

/// Attributes of a converted kernel: threads of a block, bytes of dynamic shared memory.
inline constexpr llvm::StringLiteral blockThreadsAttrName = "lutra.block_threads";
inline constexpr llvm::StringLiteral sharedBytesAttrName = "lutra.shared_bytes";

} // namespace lutra

#endif // LUTRA_CONVERSION_TILETONVVM_PASSES_H
