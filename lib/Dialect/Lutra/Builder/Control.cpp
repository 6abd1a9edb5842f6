//===- Control.cpp - one of two branches, chosen at run time ----------------===//
// The branches are built into regions of their own and become one scf.if when both are complete: its result types
// are known only then. Constants and sizes are emitted in the entry block all the same (GraphBuilder::value, index):
// they depend on no branch, and a value that is emitted once must dominate all later uses.
#include "lutra/Dialect/Lutra/Builder/GraphBuilder.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lutra;

std::optional<SmallVector<GraphTensor>> GraphBuilder::branch(GraphTensor condition, BranchFunction yes,
                                                             BranchFunction no) {
  if (!(condition = reshape(condition, {})))
    return std::nullopt;
  Region regions[2];
  std::optional<SmallVector<GraphTensor>> results[2];
  BranchFunction functions[] = {yes, no};
  for (auto [region, function, tensors] : llvm::zip_equal(regions, functions, results)) {
    OpBuilder::InsertionGuard guard(builder);
    builder.createBlock(&region);
    tensors = function();
  }
  if (!results[0] || !results[1])
    return std::nullopt;
  if (results[0]->size() != results[1]->size()) {
    fail(ErrorCode::GraphStructure, "has a branch of " + Twine(results[0]->size()) + " results and one of " +
                                        Twine(results[1]->size()));
    return std::nullopt;
  }

  SmallVector<GraphTensor> chosen;
  SmallVector<unsigned> computed; // results that a branch computes
  SmallVector<Value> yields[2];
  SmallVector<Type> types;
  for (auto [index, a, b] : llvm::enumerate(*results[0], *results[1])) {
    if (!a || !b)
      return std::nullopt;
    if (a.type() != b.type() || a.shape() != b.shape()) {
      std::string text;
      llvm::raw_string_ostream(text) << "has the result " << index << " of shape " << symbols.text(a.shape())
                                     << " with elements " << a.type() << " in one branch, " << symbols.text(b.shape())
                                     << " with " << b.type()
                                     << " in the other, and a condition known at run time only; "
                                     << "give both branches the same";
      fail(ErrorCode::UnsupportedOp, text);
      return std::nullopt;
    }
    auto isInside = [&](GraphTensor tensor, Region &region) {
      return tensor->value && tensor->value.getParentRegion() == &region;
    };
    if (!isInside(a, regions[0]) && !isInside(b, regions[1])) {
      chosen.push_back(a == b ? a : select(condition, a, b));
      continue;
    }
    yields[0].push_back(value(a));
    yields[1].push_back(value(b));
    types.push_back(yields[0].back().getType());
    computed.push_back(index);
    chosen.push_back(GraphTensor());
  }
  if (computed.empty())
    return chosen;
  Value flag = tensor::ExtractOp::create(builder, loc, value(condition), ValueRange());
  auto op = scf::IfOp::create(builder, loc, types, flag, /*addThenBlock=*/false, /*addElseBlock=*/false);
  for (auto [region, target, values] : llvm::zip_equal(regions, op->getRegions(), yields)) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&region.front());
    scf::YieldOp::create(builder, loc, values);
    target.takeBody(region);
  }
  for (auto [index, result] : llvm::zip_equal(computed, op.getResults()))
    chosen[index] = make((*results[0])[index].type(), (*results[0])[index].shape(), result);
  return chosen;
}
