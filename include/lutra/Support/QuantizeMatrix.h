//===- QuantizeMatrix.h - codes of a weight ----------------------------------===//
// Without inputs rows are quantized on their own (GroupCoder.h). With H, the mean of x x^T over inputs x, the codes
// make the error of the products small, tr(E H E^T) for E = W - codes: GPTQ (arXiv 2210.17323) in the form of LDLQ
// (QuIP, arXiv 2307.13304), which has the same codes:
//
//   columns in the order of falling H_kk; H + damp = U U^T with U upper triangular, M = U with columns divided by their
//   diagonal elements; for k = 0, 1, ..: q_k = nearest(w_k + sum over p < k of e_p M_pk), e_k = w_k - q_k.
//
// Scales of all groups come first, from the weights and the diagonal of H, so that a group stays a run of columns.
// Channels without any input keep their nearest codes. At 3 bits and below codes that have another that is better are
// replaced afterwards, in order, until few are. All of it is the same for any number of threads.
#ifndef LUTRA_SUPPORT_QUANTIZEMATRIX_H
#define LUTRA_SUPPORT_QUANTIZEMATRIX_H

#include "lutra/Support/EncodedLayout.h"
#include "lutra/Support/GramMatrix.h"
#include "lutra/Support/GroupCoder.h"
#include "lutra/Support/ResidualTerms.h"

namespace lutra {

/// A weight to be read by rows along K.
struct MatrixSource {
  int64_t n = 0, k = 0;
  llvm::function_ref<void(int64_t row, llvm::MutableArrayRef<float> values)> read;
};

/// Codes and sides, row by row, and terms besides.
struct QuantizedMatrix {
  WeightForm form;
  int64_t n = 0, k = 0, groups = 0;
  float tensorScale = 1;
  std::vector<uint8_t> codes;
  std::vector<GroupSide> sides;
  std::vector<SuperSide> supers;    // of K-quants, row by row
  std::vector<float> table;         // value of each code, of forms that store it
  std::vector<int64_t> columnOrder; // column of the weight of each stored one; empty: as they are
  int64_t wideBlocks = 0;           // first blocks of channels beside which activations take 8 bits
  std::vector<int64_t> wideRows;    // rising; their codes are those of `wide`
  std::vector<QuantizedMatrix> wide; // one, of the wide rows, or none
  ResidualTerms rest; // of forms that are sums
  /// What the codes leave of each row, times the mean input: products want it added. Empty where codes make up for it
  /// themselves (GPTQ) or inputs are not known.
  std::vector<float> correction;

  /// What the encoding gives back.
  void readRow(int64_t row, llvm::MutableArrayRef<float> values) const;
  /// The same in the order of stored columns.
  void readStored(int64_t row, llvm::MutableArrayRef<float> values) const;
  /// Writes the arrays of the form's encoding; `bytes` are zeros.
  void pack(const EncodedLayout &layout, llvm::MutableArrayRef<uint8_t> bytes, ParallelFor parallel) const;
};

/// Writes the arrays of the first term and of permutations (PackCodes.cpp).
void packCodes(const QuantizedMatrix &matrix, const EncodedLayout &layout, llvm::MutableArrayRef<uint8_t> bytes,
               ParallelFor parallel);

/// What happened, for the report.
struct QuantizeNotes {
  WeightForm::Method method = WeightForm::Search;
  std::string reason;   // why it is not the one asked for
  double damp = 0;      // share of the mean diagonal that was added to H
  int64_t tokens = 0, deadChannels = 0, polished = 0;
  int64_t outlierChannel = -1; // of the input, that of the greatest magnitude ..
  double outlierRatio = 0;     // .. and this over the median of those channels that are not always 0
  int64_t clipped = 0;  // weights beyond the range of their codes
  double weightPower = 0, weightError = 0; // sums of squares
  double outputPower = 0, outputError = 0; // tr(W H W^T), tr(E H E^T); 0 without H
};

struct QuantizeOptions {
  double damp = 0;      // 0: by the number of tokens
  bool measure = false; // fill the sums of the notes
  /// Of its share of wide blocks: sorts channels by their magnitudes, where the form may.
  ActivationRounding activations = {};
  bool inOrder = false; // columns lie in the order of these magnitudes already
};

enum class QuantizeFault { None, NotFinite };

/// Columns by falling magnitude, equal ones in their order.
std::vector<int64_t> orderColumns(llvm::ArrayRef<float> extremes);

/// `gram` may be null. Methods that need it fall back as the notes tell. Scales that f16 does not hold make the form
/// one of f32.
QuantizeFault quantizeMatrix(const MatrixSource &source, const WeightForm &form, const GramMatrix *gram,
                             const QuantizeOptions &options, ParallelFor parallel, QuantizedMatrix &matrix,
                             QuantizeNotes &notes);

} // namespace lutra

#endif // LUTRA_SUPPORT_QUANTIZEMATRIX_H
