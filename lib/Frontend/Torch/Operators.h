//===- Operators.h - rows of the operator table, one list per family --------===//
#ifndef LUTRA_LIB_FRONTEND_TORCH_OPERATORS_H
#define LUTRA_LIB_FRONTEND_TORCH_OPERATORS_H

#include "lutra/Frontend/Torch/TorchGraph.h"

namespace lutra::torch {

struct Row {
  llvm::StringLiteral name;
  Handler handler;
};

llvm::ArrayRef<Row> creationRows();
llvm::ArrayRef<Row> indexingRows();
llvm::ArrayRef<Row> movementRows();
llvm::ArrayRef<Row> normRows();
llvm::ArrayRef<Row> pointwiseRows();
llvm::ArrayRef<Row> productRows();
llvm::ArrayRef<Row> reductionRows();

/// The type in which two operands compute: the wider category (bool, integer, float), then the
/// operand with dimensions, then the wider type.
mlir::Type promote(GraphTensor a, GraphTensor b);
/// Both operands in their common type.
std::pair<GraphTensor, GraphTensor> promoted(Arguments &args, llvm::StringRef a, llvm::StringRef b);

} // namespace lutra::torch

#endif // LUTRA_LIB_FRONTEND_TORCH_OPERATORS_H
