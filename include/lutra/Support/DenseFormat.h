//===- DenseFormat.h - weights that are one term of codes for all elements ----===//
#ifndef LUTRA_SUPPORT_DENSEFORMAT_H
#define LUTRA_SUPPORT_DENSEFORMAT_H

#include "lutra/Support/Encoding.h"

namespace lutra {

/// The format of a weight that is a single dense term, whatever the order of its elements; null: it is none.
inline const WeightFormat *findDenseFormat(const Encoding &encoding) {
  bool isDense = encoding.terms.size() == 1 && encoding.terms.front().kind == EncodingTerm::Dense;
  return isDense ? &encoding.terms.front().formats.front() : nullptr;
}

} // namespace lutra

#endif // LUTRA_SUPPORT_DENSEFORMAT_H
