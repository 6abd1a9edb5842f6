//===- Bitcode.h - the runtime as bitcode, inside the compiler --------------===//
#ifndef LUTRA_RUNTIME_BITCODE_H
#define LUTRA_RUNTIME_BITCODE_H

namespace lutra {

/// LLVM bitcode of lib/Runtime for x86-64 Linux (baseline CPU, position independent, all symbols
/// hidden but lutra_get_model). A null byte follows `end`.
struct RuntimeBitcode {
  const char *begin, *end;
};
RuntimeBitcode getRuntimeBitcode();

} // namespace lutra

#endif // LUTRA_RUNTIME_BITCODE_H
