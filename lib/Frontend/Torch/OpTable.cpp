//===- OpTable.cpp - every PyTorch operator that can be imported -------------===//
#include "Operators.h"

using namespace lutra::torch;

Handler lutra::torch::lookupOperator(llvm::StringRef name) {
  for (llvm::ArrayRef<Row> rows : {creationRows(), indexingRows(), movementRows(), normRows(), pointwiseRows(),
                                   productRows(), reductionRows()})
    for (const Row &row : rows)
      if (row.name == name)
        return row.handler;
  return nullptr;
}
