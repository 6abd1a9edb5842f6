//===- Npz.h - arrays in files of NumPy --------------------------------------===//
#ifndef LUTRA_SUPPORT_NPZ_H
#define LUTRA_SUPPORT_NPZ_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace lutra {

/// A row-major array of a file.
struct NamedArray {
  std::string name;  // within an .npz; "" for an .npy
  std::string dtype; // as NumPy has it, such as "<f4"
  llvm::SmallVector<int64_t> shape;
  std::string bytes;
};

/// The arrays of an .npz or the one of an .npy, told by their first bytes. Compressed archives, Fortran order, objects
/// and big-endian numbers are refused. Errors as codeOfRead of Files.h takes them.
llvm::Expected<std::vector<NamedArray>> readNumpyFile(llvm::StringRef path);

} // namespace lutra

#endif // LUTRA_SUPPORT_NPZ_H
