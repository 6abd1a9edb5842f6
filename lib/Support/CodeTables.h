//===- CodeTables.h - tables that weights store themselves -------------------===//
#ifndef LUTRA_LIB_SUPPORT_CODETABLES_H
#define LUTRA_LIB_SUPPORT_CODETABLES_H

#include "lutra/Support/GroupCoder.h"

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <vector>

namespace lutra {

/// 2^bits values of f16, rising, of least squared error over the elements of a matrix of rows of k, each group of
/// `size` in a row over its scale and weighted by its square: k-means on a histogram of 4096 bins over up to 8 scales,
/// from `start` or, where that is empty, from values between even spacing and even shares.
std::vector<float> fitTable(llvm::ArrayRef<float> weights, int64_t k, int64_t size, llvm::ArrayRef<GroupSide> sides,
                            unsigned bits, llvm::ArrayRef<float> start);

/// The 256 values of the dynamic tree (arXiv 1511.04561, as in bitsandbytes), rising: 0, 1, and with either sign for
/// each exponent i = 0 .. 6 the means of 2^i equal parts of [0.1, 1] times 10^(i - 6).
std::vector<float> dynamicTable();

} // namespace lutra

#endif // LUTRA_LIB_SUPPORT_CODETABLES_H
