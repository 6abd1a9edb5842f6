//===- QuantizeRow.h - codes and scales of one row of a weight ---------------===//
#ifndef LUTRA_SUPPORT_QUANTIZEROW_H
#define LUTRA_SUPPORT_QUANTIZEROW_H

#include "lutra/Support/QuantizeSpec.h"

#include "llvm/ADT/ArrayRef.h"

namespace lutra {

/// Codes of finite `values`; `scales` and `zeros` get an entry for each group. A scale is rounded to its storage type
/// before the codes are chosen. With `search` it is the one of least squared error among 20 that clip the extremes
/// ever more, each refitted to its codes by least squares (Nagel et al., arXiv 2106.08295, section 3.1); else the
/// extremes just fit. False where scales need a wider type than f16.
bool quantizeRow(llvm::ArrayRef<float> values, const WeightForm &form, llvm::MutableArrayRef<uint32_t> codes,
                 llvm::MutableArrayRef<float> scales, llvm::MutableArrayRef<uint32_t> zeros);

} // namespace lutra

#endif // LUTRA_SUPPORT_QUANTIZEROW_H
