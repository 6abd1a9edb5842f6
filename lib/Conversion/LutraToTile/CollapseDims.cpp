//===- CollapseDims.cpp - fewer, longer dimensions ---------------------------------------===//
// All values of a pointwise, reduction or row kernel are aligned at their last dimension with one
// domain. In each of its dimensions a value is either full or 1. Adjacent dimensions are joined when no
// value is full in one and 1 in another and no op names one without the others. A convolution whose window is one
// pixel treats all spatial dimensions alike: its image becomes one row, which is cut into tiles without remainders. So
// does a product of the channels of pixels with one matrix.
#include "CollapseDims.h"

#include "lutra/Analysis/ProductStrategy.h"

using namespace mlir;

namespace lutra {

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Whether each result of a conv depends on the input at its own place alone.
static bool isPointwiseConv(ConvOp op) {
  auto filter = typeOf(op.getFilter());
  auto all = [](ArrayRef<int64_t> values, int64_t wanted) {
    return llvm::all_of(values, [&](int64_t value) { return value == wanted; });
  };
  return op.getLayout() == ConvLayout::ChannelsLast && filter.getRank() > 3 && filter.getEncoding() &&
         isa<BlockArgument>(op.getFilter()) && all(filter.getShape().drop_back(2), 1) && all(op.getStrides(), 1) &&
         all(op.getLow(), 0) && all(op.getHigh(), 0);
}

static bool isAligned(Operation *op) {
  if (auto conv = dyn_cast<ConvOp>(op))
    return isPointwiseConv(conv);
  if (auto matmul = dyn_cast<MatmulOp>(op))
    return isPixelProduct(matmul) && isa<BlockArgument>(matmul.getRhs());
  if (isa<QuantizeOp, DequantizeOp>(op)) // with one scale
    return typeOf(op->getOperand(1)).getRank() == 0;
  if (auto gather = dyn_cast<GatherOp>(op)) // of one entry for each element
    return gather.isByteTable();
  return isa<UnaryOp, BinaryOp, CompareOp, SelectOp, CastOp, RequantizeOp, ReduceOp, SoftmaxOp, LayerNormOp, RmsNormOp,
             ConstantOp, YieldOp>(op);
}

namespace {
class Collapser {
public:
  explicit Collapser(KernelOp kernel) : kernel(kernel) {}

  CollapsedDims run() {
    Block &body = kernel.getBody().front();
    for (Operation &op : body)
      if (!isAligned(&op))
        return {};
    for (BlockArgument argument : body.getArguments())
      if (isa<RankedTensorType>(argument.getType())) {
        if (isOutside(argument))
          continue;
        if (typeOf(argument).getEncoding())
          return {};
        values.push_back(argument);
      }
    for (Operation &op : body)
      llvm::copy_if(op.getResults(), std::back_inserter(values), [](Value value) { return !isOutside(value); });
    // Upstream infers no type for the join of a size 0 and an unknown one; such a kernel has nothing to do.
    auto isEmpty = [](Value value) { return llvm::is_contained(typeOf(value).getShape(), 0); };
    if (values.empty() || llvm::any_of(values, isEmpty))
      return {};
    for (Value value : values)
      rank = std::max(rank, typeOf(value).getRank());
    if (!findGroups())
      return {};

    CollapsedDims collapsed;
    for (BlockArgument argument : body.getArguments())
      collapsed.arguments.push_back(isa<RankedTensorType>(argument.getType()) && !isOutside(argument)
                                        ? groupsOf(argument)
                                        : SmallVector<ReassociationIndices>());
    for (Value value : kernel.getYield().getValues())
      collapsed.results.push_back(groupsOf(value));
    rewrite();
    return collapsed;
  }

private:
  /// Whether a value lies outside of the domain: the packed filter of a conv, whose panels know no spatial dimensions,
  /// the matrix of a product of pixels, or a table that codes index, which no other op reads.
  static bool isOutside(Value value) {
    auto isTable = [&](OpOperand &use) {
      auto gather = dyn_cast<GatherOp>(use.getOwner());
      return gather && use.getOperandNumber() == 0 && gather.isByteTable();
    };
    if (!value.use_empty() && llvm::all_of(value.getUses(), isTable))
      return true;
    if (!value.hasOneUse())
      return false;
    if (auto matmul = dyn_cast<MatmulOp>(*value.user_begin()))
      return matmul.getRhs() == value;
    auto conv = dyn_cast<ConvOp>(*value.user_begin());
    return conv && conv.getFilter() == value && isPointwiseConv(conv);
  }

  /// Size of a value in a dimension of the domain.
  int64_t sizeAt(Value value, int64_t dim) {
    int64_t own = dim - (rank - typeOf(value).getRank());
    return own < 0 ? 1 : typeOf(value).getDimSize(own);
  }

  /// Whether every value and op treats two dimensions alike. One where all sizes are 1 fits any other.
  bool agree(int64_t a, int64_t b) {
    auto onlyOnes = [&](int64_t d) { return llvm::all_of(values, [&](Value v) { return sizeAt(v, d) == 1; }); };
    bool free = onlyOnes(a) || onlyOnes(b);
    for (Value value : values)
      if (!free && (sizeAt(value, a) == 1) != (sizeAt(value, b) == 1))
        return false;
    for (Operation &op : kernel.getBody().front()) {
      if (auto reduce = dyn_cast<ReduceOp>(op)) {
        int64_t lead = rank - typeOf(reduce.getInput()).getRank();
        if (llvm::is_contained(reduce.getAxes(), a - lead) != llvm::is_contained(reduce.getAxes(), b - lead))
          return false;
      } else if (auto softmax = dyn_cast<SoftmaxOp>(op)) {
        int64_t axis = (int64_t)softmax.getAxis() + rank - typeOf(softmax.getInput()).getRank();
        if (a == axis || b == axis)
          return false;
      } else if (isa<ConvOp, MatmulOp>(op)) {
        if (a == 0 || b == rank - 1) // batch and channels
          return false;
      } else if (isa<LayerNormOp, RmsNormOp>(op)) {
        int64_t first = rank - normDims(&op);
        if ((a < first) != (b < first))
          return false;
      }
    }
    return true;
  }

  static int64_t normDims(Operation *op) {
    if (auto layer = dyn_cast<LayerNormOp>(op))
      return layer.getDims();
    return cast<RmsNormOp>(op).getDims();
  }

  bool findGroups() {
    for (int64_t dim = 0; dim < rank; ++dim) {
      // With all of the group: a dimension of ones agrees with neighbours that disagree with each other.
      if (dim > 0 && llvm::all_of(groups.back(), [&](int64_t other) { return agree(other, dim); }))
        groups.back().push_back(dim);
      else
        groups.push_back({dim});
    }
    return (int64_t)groups.size() < rank;
  }

  int64_t groupOf(int64_t dim) {
    for (auto [index, group] : llvm::enumerate(groups))
      if (llvm::is_contained(group, dim))
        return index;
    llvm_unreachable("every dimension has a group");
  }

  /// The groups in terms of a value's own dimensions.
  SmallVector<ReassociationIndices> groupsOf(Value value) {
    int64_t lead = rank - typeOf(value).getRank();
    SmallVector<ReassociationIndices> own;
    for (const ReassociationIndices &group : groups) {
      ReassociationIndices dims;
      for (int64_t dim : group)
        if (dim >= lead)
          dims.push_back(dim - lead);
      if (!dims.empty())
        own.push_back(dims);
    }
    return own;
  }

  RankedTensorType collapsedType(Value value) {
    RankedTensorType type = typeOf(value);
    SmallVector<int64_t> shape;
    for (const ReassociationIndices &group : groupsOf(value)) {
      int64_t size = 1;
      for (int64_t dim : group)
        size =
            ShapedType::isDynamic(size) || type.isDynamicDim(dim) ? ShapedType::kDynamic : size * type.getDimSize(dim);
      shape.push_back(size);
    }
    return RankedTensorType::get(shape, type.getElementType());
  }

  void rewrite() {
    // Attributes first: they are stated in the old dimensions.
    Builder builder(kernel.getContext());
    for (Operation &op : kernel.getBody().front()) {
      if (auto reduce = dyn_cast<ReduceOp>(op)) {
        int64_t lead = rank - typeOf(reduce.getInput()).getRank();
        int64_t leadGroups = groups.size() - groupsOf(reduce.getInput()).size();
        SmallVector<int64_t> axes;
        for (int64_t axis : reduce.getAxes()) {
          int64_t group = groupOf(axis + lead) - leadGroups;
          if (axes.empty() || axes.back() != group)
            axes.push_back(group);
        }
        reduce.setAxes(axes);
      } else if (auto softmax = dyn_cast<SoftmaxOp>(op)) {
        int64_t lead = rank - typeOf(softmax.getInput()).getRank();
        int64_t leadGroups = groups.size() - groupsOf(softmax.getInput()).size();
        softmax.setAxis(groupOf((int64_t)softmax.getAxis() + lead) - leadGroups);
      } else if (auto conv = dyn_cast<ConvOp>(op)) {
        SmallVector<int64_t> ones(groups.size() - 2, 1), zeros(groups.size() - 2, 0);
        conv.setStrides(ones);
        conv.setDilations(ones);
        conv.setLow(zeros);
        conv.setHigh(zeros);
        RankedTensorType filter = typeOf(conv.getFilter());
        SmallVector<int64_t> shape(ones);
        llvm::append_range(shape, filter.getShape().take_back(2));
        conv.getFilter().setType(RankedTensorType::get(shape, filter.getElementType(), filter.getEncoding()));
      } else if (isa<LayerNormOp, RmsNormOp>(op)) {
        int64_t count = (int64_t)groups.size() - groupOf(rank - normDims(&op));
        if (auto layer = dyn_cast<LayerNormOp>(op))
          layer.setDims(count);
        else
          cast<RmsNormOp>(op).setDims(count);
      }
    }
    SmallVector<RankedTensorType> types;
    for (Value value : values)
      types.push_back(collapsedType(value));
    for (auto [value, type] : llvm::zip_equal(values, types)) {
      if (auto constant = value.getDefiningOp<ConstantOp>())
        if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue()))
          constant.setValueAttr(dense.reshape(type));
      value.setType(type);
    }
  }

  KernelOp kernel;
  int64_t rank = 0;
  SmallVector<Value> values;
  SmallVector<ReassociationIndices> groups;
};
} // namespace

CollapsedDims collapseDims(KernelOp kernel) {
  for (ConstantOp constant : kernel.getBody().front().getOps<ConstantOp>())
    if (!isa<DenseElementsAttr>(constant.getValue()))
      return {};
  return Collapser(kernel).run();
}

} // namespace lutra
