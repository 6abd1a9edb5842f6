//===- FormKernelsGroups.h - which ops share a kernel ---------------------------===//
#ifndef LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_FORMKERNELSGROUPS_H
#define LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_FORMKERNELSGROUPS_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Machine/TileTarget.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace lutra {

/// One kernel to be: every member but the sink is used by members alone, or else (`kept`) after the sink, so that no
/// path comes back to the group and groups never depend on each other in a circle.
struct KernelGroup {
  mlir::Operation *sink = nullptr;
  mlir::Operation *root = nullptr; // null: pointwise and movement alone
  mlir::Operation *row = nullptr;  // a softmax or norm whose rows the root, a product or dynamic_quantize, reads
  llvm::SmallPtrSet<mlir::Operation *, 4> operand; // of the members: what computes the product's left-hand side
  llvm::SetVector<mlir::Operation *> members;
  llvm::SmallVector<mlir::Operation *> kept; // of the members: their results are the kernel's besides the sink's
};

/// What an op may be to a group.
enum class FusionClass {
  Alias,     // moves no data (reshape): stays between kernels as a view
  Free,      // computed from nothing (iota, from_index): copied into each user
  Pointwise,
  Expand, Slice, Transpose, Gather, // windows of another tensor
  Sink,      // may only end a group (pad, gather_elements, gather_nd)
  Root,      // decides a kernel's kind; at most one per group
  Outside    // weights, constants, index arithmetic
};
FusionClass getFusionClass(mlir::Operation *op);

/// Whether a pointwise op is costly enough never to be computed twice for an element.
bool isHeavy(mlir::Operation *op);

struct GroupOptions {
  int64_t maxOps;
  llvm::ArrayRef<const TileTarget *> targets; // whose products may compute their left-hand side; none: no product does
};

/// Groups the ops of a block. In program order of the sinks.
std::vector<KernelGroup> formGroups(mlir::Block &block, const GroupOptions &options);

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_FORMKERNELSGROUPS_H
