//===- Bitcode.h - the runtime as bitcode, inside the compiler --------------===//
#ifndef LUTRA_RUNTIME_BITCODE_H
#define LUTRA_RUNTIME_BITCODE_H

#include <string_view>

namespace lutra {

/// LLVM bitcode of lib/Runtime (baseline CPU, position independent, all symbols hidden but lutra_get_model). A null
/// byte follows `end`.
struct RuntimeBitcode {
  const char *begin, *end;
};
/// For a triple such as "x86_64-linux-gnu"; null where this build of the compiler holds none.
RuntimeBitcode getRuntimeBitcode(std::string_view triple);

} // namespace lutra

#endif // LUTRA_RUNTIME_BITCODE_H
