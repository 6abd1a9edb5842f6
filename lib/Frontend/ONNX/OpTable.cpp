//===- OpTable.cpp - which import serves an operator at an opset -----------===//
// Each family's file lists (name, since version, import, domain). The newest row at or below the model's opset
// holds. A row whose import reads attributes and operands of several versions stands for all of them.
#include "Importer.h"

using namespace lutra;
using namespace lutra::frontend;

const OpEntry *frontend::findOp(llvm::StringRef domain, llvm::StringRef name, int64_t version) {
  const OpEntry *best = nullptr;
  for (llvm::ArrayRef<OpEntry> family :
       {activationOps(), controlOps(), encodedProductOps(), lossOps(), movementOps(), normOps(), pointwiseOps(),
        productOps(), quantizationOps(), quantizedOps(), recurrentOps(), reductionOps(), selectionOps(), shapeOps(),
        transformerOps(), windowOps()})
    for (const OpEntry &entry : family)
      if (domain == entry.domain && name == entry.name && entry.since <= version &&
          (!best || best->since < entry.since))
        best = &entry;
  return best;
}
