//===- Safetensors.h - arrays in files of safetensors ------------------------===//
#ifndef LUTRA_SUPPORT_SAFETENSORS_H
#define LUTRA_SUPPORT_SAFETENSORS_H

#include "lutra/Support/Npz.h"

namespace lutra {

/// The arrays of a .safetensors file, by name. Errors as codeOfRead of Files.h takes them.
llvm::Expected<std::vector<NamedArray>> readSafetensors(llvm::StringRef path);

} // namespace lutra

#endif // LUTRA_SUPPORT_SAFETENSORS_H
