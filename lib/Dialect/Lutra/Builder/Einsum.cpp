//===- Einsum.cpp - Einstein sums as transposes, reshapes and matmuls ------===//
// Operands are contracted from left to right. For a pair, labels fall into four groups: batch (in both
// and needed later), depth (in both, not needed later), rows and columns (in one). Labels of one
// operand that nothing needs are summed first; then [batch, rows, depth] x [batch, depth, columns].
// Every step is in the operands' type, integers modulo its width.
#include "lutra/Dialect/Lutra/Builder/GraphBuilder.h"

using namespace mlir;
using namespace lutra;

namespace {
/// A tensor with one label per dimension; the labels of "..." are negative.
struct Labelled {
  GraphTensor tensor;
  SmallVector<int> labels;
};
} // namespace

/// Reorders (and drops size-free) dimensions so that the labels stand in that order.
static Labelled arrange(GraphBuilder &b, const Labelled &from, ArrayRef<int> order) {
  SmallVector<int64_t> permutation;
  for (int label : order)
    permutation.push_back(llvm::find(from.labels, label) - from.labels.begin());
  return {b.transpose(from.tensor, permutation), SmallVector<int>(order)};
}

static Labelled sumOut(GraphBuilder &b, const Labelled &from, ArrayRef<int> needed) {
  SmallVector<int64_t> axes;
  Labelled result{from.tensor, {}};
  for (auto [axis, label] : llvm::enumerate(from.labels)) {
    if (llvm::is_contained(needed, label))
      result.labels.push_back(label);
    else
      axes.push_back(axis);
  }
  result.tensor = b.reduce(ReduceKind::Sum, from.tensor, axes, /*keepDims=*/false);
  return result;
}

static Labelled contract(GraphBuilder &b, Labelled lhs, Labelled rhs, ArrayRef<int> needed) {
  SmallVector<int> keepLeft(needed), keepRight(needed);
  llvm::append_range(keepLeft, rhs.labels);
  llvm::append_range(keepRight, lhs.labels);
  lhs = sumOut(b, lhs, keepLeft);
  rhs = sumOut(b, rhs, keepRight);
  if (!lhs.tensor || !rhs.tensor)
    return {};
  SmallVector<int> batch, depth, rows, columns;
  for (int label : lhs.labels) {
    bool shared = llvm::is_contained(rhs.labels, label);
    (!shared ? rows : llvm::is_contained(needed, label) ? batch : depth).push_back(label);
  }
  for (int label : rhs.labels)
    if (!llvm::is_contained(lhs.labels, label))
      columns.push_back(label);
  auto join = [](ArrayRef<int> x, ArrayRef<int> y, ArrayRef<int> z) {
    SmallVector<int> joined(x);
    llvm::append_range(joined, y);
    llvm::append_range(joined, z);
    return joined;
  };
  lhs = arrange(b, lhs, join(batch, rows, depth));
  rhs = arrange(b, rhs, join(batch, depth, columns));
  if (!lhs.tensor || !rhs.tensor)
    return {};
  auto sizeOf = [](const Labelled &from, size_t first, size_t count) {
    DimExpr product = 1;
    for (const DimExpr &dim : from.tensor.shape().slice(first, count))
      product = product * dim;
    return product;
  };
  Shape batchSizes, result;
  for (size_t index = 0; index < batch.size(); ++index) {
    const DimExpr &left = lhs.tensor.dim(index), &right = rhs.tensor.dim(index);
    batchSizes.push_back(b.dims().broadcast(left, right));
  }
  result = batchSizes;
  llvm::append_range(result, lhs.tensor.shape().slice(batch.size(), rows.size()));
  llvm::append_range(result, rhs.tensor.shape().drop_front(batch.size() + depth.size()));
  Shape left(lhs.tensor.shape().take_front(batch.size())), right(rhs.tensor.shape().take_front(batch.size()));
  left.push_back(sizeOf(lhs, batch.size(), rows.size()));
  left.push_back(sizeOf(lhs, batch.size() + rows.size(), depth.size()));
  right.push_back(sizeOf(rhs, batch.size(), depth.size()));
  right.push_back(sizeOf(rhs, batch.size() + depth.size(), columns.size()));
  GraphTensor product = b.matmul(b.reshape(lhs.tensor, left), b.reshape(rhs.tensor, right));
  product = b.cast(product, lhs.tensor.type());
  return {b.reshape(product, result), join(batch, rows, columns)};
}

GraphTensor GraphBuilder::einsum(StringRef equation, ArrayRef<GraphTensor> inputs) {
  for (GraphTensor input : inputs)
    if (!input)
      return {};
  std::string text;
  for (char letter : equation)
    if (letter != ' ')
      text.push_back(letter);
  auto [terms, output] = StringRef(text).split("->");
  bool isExplicit = StringRef(text).contains("->");
  SmallVector<StringRef> parts;
  terms.split(parts, ',');
  if (parts.size() != inputs.size())
    return fail(ErrorCode::Attribute, "names " + Twine(parts.size()) + " operands in its equation but has " +
                                          Twine(inputs.size()));
  // "..." stands for labels -1, -2, .. counted from its last dimension.
  int64_t ellipsis = 0;
  for (auto [part, input] : llvm::zip_equal(parts, inputs))
    if (part.contains("..."))
      ellipsis = std::max(ellipsis, input.rank() - ((int64_t)part.size() - 3));
  auto labelsOf = [&](StringRef part, int64_t rank) -> std::optional<SmallVector<int>> {
    SmallVector<int> labels;
    while (!part.empty()) {
      if (part.consume_front("...")) {
        int64_t count = rank < 0 ? ellipsis : rank - (int64_t)part.size() - (int64_t)labels.size();
        if (count < 0)
          return std::nullopt;
        for (int64_t label = count; label > 0; --label)
          labels.push_back(-(int)label);
        continue;
      }
      if (!isalpha((unsigned char)part[0]))
        return std::nullopt;
      labels.push_back(part[0]);
      part = part.drop_front();
    }
    return labels;
  };
  SmallVector<Labelled> operands;
  std::map<int, unsigned> uses;
  for (auto [part, input] : llvm::zip_equal(parts, inputs)) {
    std::optional<SmallVector<int>> labels = labelsOf(part, input.rank());
    if (!labels || (int64_t)labels->size() != input.rank())
      return fail(ErrorCode::Attribute, "has an equation whose term \"" + part +
                                            "\" does not fit an operand of rank " + Twine(input.rank()));
    for (int label : *labels)
      if (llvm::count(*labels, label) > 1)
        return fail(ErrorCode::UnsupportedOp, "takes the diagonal of an operand in its equation");
    for (int label : *labels)
      ++uses[label];
    operands.push_back({input, *labels});
  }
  SmallVector<int> wanted;
  if (isExplicit) {
    std::optional<SmallVector<int>> labels = labelsOf(output, -1);
    if (!labels)
      return fail(ErrorCode::Attribute, "has an equation that does not parse");
    wanted = *labels;
  } else {
    for (int64_t label = ellipsis; label > 0; --label)
      wanted.push_back(-(int)label);
    for (auto [label, count] : uses)
      if (label > 0 && count == 1)
        wanted.push_back(label);
  }
  for (int label : wanted)
    if (!uses.count(label))
      return fail(ErrorCode::Attribute, "has a label in the result of its equation that no operand has");
  Labelled result = operands.front();
  for (size_t next = 1; next < operands.size(); ++next) {
    SmallVector<int> needed(wanted);
    for (const Labelled &later : ArrayRef<Labelled>(operands).drop_front(next + 1))
      llvm::append_range(needed, later.labels);
    result = contract(*this, result, operands[next], needed);
    if (!result.tensor)
      return {};
  }
  result = sumOut(*this, result, wanted);
  return result.tensor ? arrange(*this, result, wanted).tensor : GraphTensor();
}
