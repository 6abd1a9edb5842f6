//===- ProductWeights.cpp - constant weights that rewrites of products may change ===//
#include "ProductWeights.h"

using namespace mlir;
using namespace lutra;

ProductWeights::ProductWeights(ModuleOp module) : store(module) {
  module.walk([&](WeightOp reader) { readers[reader.getGlobal()].push_back(reader); });
}

GlobalOp ProductWeights::getOwn(MatmulOp op) {
  GlobalOp global = store.getGlobal(op.getRhs());
  if (!global || op.getScale() || op.getTransposeLhs())
    return {};
  auto type = cast<RankedTensorType>(global.getType());
  if (type.getRank() != 2 || type.getEncoding() || !type.getElementType().isF32() || !WeightStore::read(global))
    return {};
  for (WeightOp reader : readers[global.getSymName()])
    for (Operation *user : reader->getUsers()) {
      auto other = dyn_cast<MatmulOp>(user);
      if (!other || other.getLhs() != op.getLhs() || other.getRhs() != reader || other.getScale() ||
          other.getTransposeRhs() != op.getTransposeRhs())
        return {};
    }
  return global;
}

GlobalOp ProductWeights::getSole(MatmulOp op) {
  GlobalOp global = getOwn(op);
  return global && readers[global.getSymName()].size() == 1 && op.getRhs().hasOneUse() ? global : GlobalOp();
}
