//===- Bitcode.h - the runtime as bitcode, inside the compiler --------------===//
#ifndef LUTRA_RUNTIME_BITCODE_H
#define LUTRA_RUNTIME_BITCODE_H

#include "llvm/ADT/StringRef.h"

namespace lutra {

/// LLVM bitcode of lib/Runtime for x86-64 Linux (baseline CPU, position independent, all symbols
/// hidden but lutra_get_model). Null-terminated.
llvm::StringRef getRuntimeBitcode();

} // namespace lutra

#endif // LUTRA_RUNTIME_BITCODE_H
