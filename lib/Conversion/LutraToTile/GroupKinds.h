//===- GroupKinds.h - the kinds of kernels and how each is split ------------===//
// A kernel has at most one root: the last op that is neither pointwise nor fusable movement. The root decides
// the kind. Before a product's root, or that of dynamic_quantize, may stand one softmax or norm that its first operand
// comes from.
// A new kind is one file that defines its functions and one line in the table of ConvertLutraToTile.cpp.
#ifndef LUTRA_LIB_CONVERSION_LUTRATOTILE_GROUPKINDS_H
#define LUTRA_LIB_CONVERSION_LUTRATOTILE_GROUPKINDS_H

#include "KernelEmitter.h"

namespace lutra {

/// `grid` gives the number of work items; `item` emits the code of one (emitter.getItem()). A failure of
/// `item` without a diagnostic makes the driver emit again with `elementwise` set: tiles of one element.
struct GroupKind {
  bool (*matches)(KernelOp kernel);
  mlir::FailureOr<mlir::Value> (*grid)(KernelEmitter &emitter);
  mlir::LogicalResult (*item)(KernelEmitter &emitter, bool elementwise);
};

GroupKind getArgReduceKind();
/// Of the bfloat strategy. Rows of an item at most.
GroupKind getBfloatKind();
inline constexpr int64_t bfloatRows = 128;
/// Of the coded strategy. Bytes of left-hand rows that an item copies at most, and of the sums of groups; the strategy
/// takes no product of which one tile needs more.
GroupKind getCodedKind();
GroupKind getRescaledKind();
inline constexpr int64_t codedCopyBytes = 192 << 10, codedSumBytes = 96 << 10;
/// Of the lookup strategy. Bytes of the tables that an item makes at most; columns of an item, which pay for them; and
/// where another kernel made them, of an item of a product that has few items.
GroupKind getLookupKind();
inline constexpr int64_t lookupTableBytes = 256 << 10, lookupColumns = 512, sharedTableColumns = 256;
/// Of the bitserial strategy.
GroupKind getBitserialKind();
/// Of the shift strategy.
GroupKind getShiftKind();
/// Of the byte strategy, for convolutions.
GroupKind getByteConvKind();
GroupKind getConcatKind();
/// Of the decode strategy.
GroupKind getDecodedKind();
/// Of the tiled strategy.
GroupKind getConvKind();
GroupKind getConvTransposeKind();
/// Of the strategies of getConvKind, for convolutions of single channels.
GroupKind getDepthwiseKind();
GroupKind getCumulativeKind();
GroupKind getDynamicQuantizeKind();
GroupKind getLstmKind();
GroupKind getMapKind();
GroupKind getMatmulKind();
GroupKind getPoolKind();
GroupKind getReduceKind();
GroupKind getResizeKind();
GroupKind getRowKind();
GroupKind getScatterKind();
GroupKind getTopKKind();

/// The root of a kernel; null for a map.
mlir::Operation *getRoot(KernelOp kernel);
/// The softmax or norm whose rows the root's left-hand side is computed from; null: none.
mlir::Operation *getRowProducer(KernelOp kernel);

template <typename... Ops> bool hasRoot(KernelOp kernel) {
  mlir::Operation *root = getRoot(kernel);
  return root && mlir::isa<Ops...>(root);
}

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOTILE_GROUPKINDS_H
