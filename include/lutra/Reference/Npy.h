//===- Npy.h - tensors as NumPy files --------------------------------------===//
#ifndef LUTRA_REFERENCE_NPY_H
#define LUTRA_REFERENCE_NPY_H

#include "lutra/Reference/Tensor.h"

#include "llvm/Support/Error.h"

namespace lutra {

/// Reads a .npy file of version 1 or 2 in C order. The file is untrusted: every length is checked. Errors as
/// codeOfRead of Files.h takes them.
llvm::Expected<Tensor> readNpy(llvm::StringRef path);

/// Writes a .npy file. Kinds that NumPy lacks are widened: bf16 and f8 to f32, i2 and i4 to i8.
llvm::Error writeNpy(llvm::StringRef path, const Tensor &tensor);

} // namespace lutra

#endif // LUTRA_REFERENCE_NPY_H
