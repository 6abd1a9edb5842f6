//===- CodedWeight.h - weights whose codes meet 8-bit integers ----------------===//
#ifndef LUTRA_LIB_CONVERSION_LUTRATOTILE_CODEDWEIGHT_H
#define LUTRA_LIB_CONVERSION_LUTRATOTILE_CODEDWEIGHT_H

#include "CodedValues.h"

#include "lutra/Analysis/ProductStrategy.h"

namespace lutra {

/// The weight of a product of codes with codes (CodedKind.cpp), in panels of words of some bytes.
struct CodedWeight {
  EncodedPanels panels;
  CodedValues values;

  using FindValues = llvm::Expected<CodedValues> (*)(const EncodedPanels &panels, const CodedProduct &product);
  /// Of a problem on a level, in the panels of a strategy, or nothing with the reason in `why`.
  static std::optional<CodedWeight> of(const ProductProblem &problem, const TileTarget &target,
                                       const ProductStrategy &strategy, std::string &why,
                                       FindValues findValues = CodedValues::of);
};

/// Tables beside each other from which a level looks sums of such panels up, 8 steps of K each; 0: it does not.
int64_t getLookupLanes(const TileTarget &target, const EncodedPanels &panels);

/// Bits of the codes of a left-hand side, as the weight's encoding states them; 1: they are 1 and -1.
int64_t getLhsBits(mlir::RankedTensorType rhs);

/// Bytes of an entry of tables of sums of such a left-hand side.
int64_t getTableParts(mlir::RankedTensorType rhs);

/// Steps of K of such panels; 0: the type has none.
int64_t codedPanelDepth(mlir::RankedTensorType type, int64_t wordBytes);
/// The same for tables: in planes, or of codes of one bit.
int64_t lookupPanelDepth(mlir::RankedTensorType type);
/// The same in triples.
int64_t triplePanelDepth(mlir::RankedTensorType type, int64_t wordBytes);

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOTILE_CODEDWEIGHT_H
