//===- ProductStrategy.cpp - problems and the list of strategies -----------===//
#include "lutra/Analysis/ProductStrategy.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lutra;

ProductStrategy::~ProductStrategy() = default;

double ProductProblem::getMultiplyAdds() const {
  double count = 1;
  for (int64_t size : {shape.m, shape.n, shape.k})
    count *= static_cast<double>(size < 0 ? assumedRows : size);
  return count * static_cast<double>(batch < 0 ? assumedRows : batch);
}

static int64_t known(int64_t size) { return ShapedType::isDynamic(size) ? -1 : size; }

/// Product of sizes, -1 when one is unknown.
static int64_t volume(ArrayRef<int64_t> sizes) {
  return llvm::any_of(sizes, ShapedType::isDynamic) ? -1 : saturatingProduct(sizes);
}

static void setTypes(ProductProblem &problem, RankedTensorType lhs, RankedTensorType rhs, RankedTensorType result) {
  problem.lhs = lhs.getElementType();
  problem.rhs = rhs.getElementType();
  problem.result = result.getElementType();
  problem.shape.lhsBits = lhs.getElementTypeBitWidth();
  problem.shape.rhsBits = rhs.getElementTypeBitWidth();
  problem.shape.accBits = std::max(32u, result.getElementTypeBitWidth());
  problem.shape.constantRhs = problem.weight = rhs.getEncoding() != nullptr;
  problem.encoded = isa_and_present<EncodingAttr>(rhs.getEncoding());
}

int64_t lutra::getRowDim(MatmulOp op) {
  auto type = cast<RankedTensorType>(op.getType());
  int64_t last = type.getRank() - 1;
  bool isOneMatrix = cast<RankedTensorType>(op.getRhs().getType()).getRank() == 2 && !op.getTransposeLhs();
  return last > 1 && isOneMatrix && type.getDimSize(last - 1) == 1 ? last - 2 : last - 1;
}

/// Whether all in the kernel of a product takes the dimensions of pixels alike: they become one (CollapseDims.cpp).
static bool joinsPixels(MatmulOp op) {
  auto kernel = op->getParentOfType<KernelOp>();
  if (!kernel)
    return true;
  Value matrix = op.getRhs();
  if (!isa<BlockArgument>(matrix) || !matrix.hasOneUse())
    return false;
  ArrayRef<int64_t> shape = cast<RankedTensorType>(op.getType()).getShape();
  auto rank = static_cast<int64_t>(shape.size());
  auto isAlike = [&](Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type || value == matrix)
      return true;
    int64_t lead = rank - type.getRank();
    if (lead < 0 || type.getEncoding())
      return false;
    bool isFull = true, isOne = true;
    for (int64_t dim = 1; dim < rank - 1; ++dim) {
      int64_t size = dim < lead ? 1 : type.getDimSize(dim - lead);
      isFull &= size == shape[dim];
      isOne &= size == 1;
    }
    return isFull || isOne;
  };
  Block &body = kernel.getBody().front();
  return llvm::all_of(body.getArguments(), isAlike) && llvm::all_of(body, [&](Operation &other) {
    bool hasOneScale = isa<QuantizeOp, DequantizeOp>(&other) &&
                       cast<RankedTensorType>(other.getOperand(1).getType()).getRank() == 0;
    return (hasOneScale || &other == op.getOperation() ||
            isa<UnaryOp, BinaryOp, CompareOp, SelectOp, CastOp, RequantizeOp, ConstantOp, YieldOp>(&other)) &&
           llvm::all_of(other.getResults(), isAlike);
  });
}

bool lutra::isPixelProduct(MatmulOp op) {
  auto type = cast<RankedTensorType>(op.getType());
  return type.getRank() > 3 && cast<RankedTensorType>(op.getRhs().getType()).getRank() == 2 && !op.getTransposeLhs() &&
         cast<RankedTensorType>(op.getLhs().getType()).getRank() == type.getRank() &&
         !ShapedType::isDynamicShape(type.getShape().drop_front().drop_back()) && joinsPixels(op);
}

std::optional<ProductProblem> lutra::getProductProblem(Operation *op) {
  ProductProblem problem{op, {}, 1, {}, {}, {}};
  if (auto matmul = dyn_cast<MatmulOp>(op)) {
    auto lhs = cast<RankedTensorType>(matmul.getLhs().getType());
    auto rhs = cast<RankedTensorType>(matmul.getRhs().getType());
    auto result = cast<RankedTensorType>(matmul.getType());
    int64_t rowDim = getRowDim(matmul);
    setTypes(problem, lhs, rhs, result);
    problem.shape.m = known(result.getDimSize(rowDim));
    problem.shape.n = known(result.getShape().back());
    problem.shape.k = known(lhs.getDimSize(lhs.getRank() - (matmul.getTransposeLhs() ? 2 : 1)));
    if (problem.shape.k < 0)
      problem.shape.k = known(rhs.getDimSize(rhs.getRank() - (matmul.getTransposeRhs() ? 1 : 2)));
    problem.batch = volume(result.getShape().take_front(rowDim));
    if (isPixelProduct(matmul)) {
      problem.shape.m = volume(result.getShape().drop_front().drop_back());
      problem.batch = known(result.getDimSize(0));
    }
    return problem;
  }
  auto conv = dyn_cast<ConvOp>(op);
  if (!conv)
    return std::nullopt;
  auto input = cast<RankedTensorType>(conv.getInput().getType());
  auto filter = cast<RankedTensorType>(conv.getFilter().getType());
  auto result = cast<RankedTensorType>(conv.getType());
  setTypes(problem, input, filter, result);
  bool last = conv.getLayout() == ConvLayout::ChannelsLast;
  SmallVector<int64_t> places(result.getShape());
  places.erase(places.begin() + (last ? result.getRank() - 1 : 1));
  int64_t filters = filter.getDimSize(last ? filter.getRank() - 1 : 0), all = volume(filter.getShape());
  problem.shape.m = volume(places);
  problem.shape.n = ShapedType::isDynamic(filters) ? -1 : filters / static_cast<int64_t>(conv.getGroups());
  problem.shape.k = all < 0 || filters <= 0 ? -1 : all / filters;
  problem.batch = conv.getGroups();
  return problem;
}

bool lutra::mayComputeLhs(const ProductProblem &problem, const TileTarget &target) {
  ProductPlan plan = target.planProduct(problem.shape);
  // Integers are held in 16 bits at least.
  int64_t bits = isa<IntegerType>(problem.lhs) ? std::max(16u, problem.shape.lhsBits) : problem.shape.lhsBits;
  if (problem.shape.n < 0 || problem.shape.n > plan.columnBlock || problem.shape.k < 0 ||
      plan.rowBlock * problem.shape.k * bits / 8 > plan.lhsBytes)
    return false;
  auto result = cast<RankedTensorType>(problem.op->getResult(0).getType());
  int64_t batch = 1, rows = 1; // that are known
  if (auto matmul = dyn_cast<MatmulOp>(problem.op)) {
    if (matmul.getTransposeLhs() || matmul.getScale())
      return false;
    int64_t rowDim = getRowDim(matmul);
    bool joins = isPixelProduct(matmul);
    for (auto [dim, size] : llvm::enumerate(result.getShape().drop_back())) {
      bool isRow = joins ? dim > 0 : static_cast<int64_t>(dim) == rowDim;
      (isRow ? rows : batch) *= ShapedType::isDynamic(size) ? 1 : size;
    }
  } else {
    auto conv = cast<ConvOp>(problem.op);
    auto filter = cast<RankedTensorType>(conv.getFilter().getType());
    auto isZero = [](int64_t size) { return size == 0; };
    // A larger window would compute an element for each of its taps.
    if (conv.getLayout() != ConvLayout::ChannelsLast || conv.getGroups() != 1 ||
        !llvm::all_of(filter.getShape().drop_back(2), [](int64_t size) { return size == 1; }) ||
        !llvm::all_of(conv.getLow(), isZero) || !llvm::all_of(conv.getHigh(), isZero))
      return false;
    for (int64_t size : result.getShape().drop_back())
      rows *= ShapedType::isDynamic(size) ? 1 : size;
  }
  constexpr int64_t fewestItems = 4;
  return batch * llvm::divideCeil(rows, 2 * plan.rows) >= fewestItems;
}

bool lutra::holdsWindowRows(int64_t rows, int64_t columns) {
  constexpr int64_t mostBytes = 128 << 10;
  return rows * columns * windowChannels * static_cast<int64_t>(sizeof(float)) <= mostBytes;
}

bool lutra::mayComputeWindows(ConvOp op) {
  auto input = cast<RankedTensorType>(op.getInput().getType()), result = cast<RankedTensorType>(op.getType());
  auto filter = cast<RankedTensorType>(op.getFilter().getType());
  auto isZero = [](int64_t size) { return size == 0; };
  bool isDepthwise = op.getLayout() == ConvLayout::ChannelsLast && filter.getRank() == 4 && filter.hasStaticShape() &&
                     op.getGroups() > 1 && filter.getDimSize(2) == 1 &&
                     filter.getDimSize(3) == static_cast<int64_t>(op.getGroups());
  if (!isDepthwise || !input.getElementType().isF32() || !result.getElementType().isF32() ||
      ShapedType::isDynamicShape(input.getShape().drop_front()) || result.getDimSize(2) < 2 ||
      llvm::is_contained(result.getShape(), 0) || !llvm::all_of(op.getLow(), isZero) ||
      !llvm::all_of(op.getHigh(), isZero))
    return false;
  int64_t rows = (filter.getDimSize(0) - 1) * op.getDilations()[0] + 1;
  return holdsWindowRows(rows, input.getDimSize(2));
}

static constexpr StringRef rangesName = "fewer_rows", mostName = "most", strategyName = "strategy";

SmallVector<RowRange> lutra::getRowRanges(Operation *op) {
  SmallVector<RowRange> ranges;
  auto list = op->getAttrOfType<ArrayAttr>(rangesName);
  for (Attribute entry : list ? list.getValue() : ArrayRef<Attribute>()) {
    auto fields = dyn_cast<DictionaryAttr>(entry);
    auto most = fields ? fields.getAs<IntegerAttr>(mostName) : IntegerAttr();
    auto strategy = fields ? fields.getAs<StrategyAttr>(strategyName) : StrategyAttr();
    if (most && strategy)
      ranges.push_back({most.getInt(), strategy.getName().str()});
  }
  return ranges;
}

void lutra::setRowRanges(Operation *op, ArrayRef<RowRange> ranges) {
  Builder builder(op->getContext());
  SmallVector<Attribute> list;
  for (const RowRange &range : ranges)
    list.push_back(builder.getDictionaryAttr(
        {builder.getNamedAttr(mostName, builder.getI64IntegerAttr(range.most)),
         builder.getNamedAttr(strategyName, StrategyAttr::get(op->getContext(), range.strategy))}));
  op->setAttr(rangesName, builder.getArrayAttr(list));
}

const ProductStrategy *ProductStrategies::find(StringRef name) const {
  for (const std::unique_ptr<ProductStrategy> &strategy : list)
    if (strategy->getName() == name)
      return strategy.get();
  return nullptr;
}

const ProductStrategy *ProductStrategies::cheapest(const ProductProblem &problem, const TileTarget &target,
                                                   std::string &why) const {
  const ProductStrategy *best = nullptr;
  double least = 0;
  for (const std::unique_ptr<ProductStrategy> &strategy : list) {
    std::string reason;
    std::optional<StrategyOffer> offer = strategy->match(problem, target, reason);
    if (!offer) {
      why += (why.empty() ? "" : "; ") + strategy->getName().str() + ": " + reason;
      continue;
    }
    if (best && offer->cycles >= least)
      continue;
    best = strategy.get();
    least = offer->cycles;
  }
  return best;
}

std::optional<StrategyChoice> ProductStrategies::chooseAmong(ArrayRef<const ProductStrategy *> candidates,
                                                             const ProductProblem &problem,
                                                             ArrayRef<const TileTarget *> levels,
                                                             SmallVectorImpl<std::string> &others) const {
  std::optional<StrategyChoice> best;
  for (const ProductStrategy *candidate : candidates) {
    double cycles = 0;
    std::optional<StrategyOffer> first;
    std::string why;
    for (const TileTarget *level : levels) {
      std::optional<StrategyOffer> offer = candidate->match(problem, *level, why);
      if (!offer) {
        why = (level->getName() + ": " + why).str();
        break;
      }
      cycles += offer->cycles;
      if (!first)
        first = offer;
      if (first->tableLanes != offer->tableLanes)
        first->tableLanes = 0;
    }
    bool wins = why.empty() && (!best || cycles < best->cycles);
    const ProductStrategy *loser = !wins ? candidate : best ? best->strategy : nullptr;
    if (loser)
      others.push_back(loser->getName().str() + " " +
                       (why.empty() ? llvm::formatv("{0:e2} cycles", wins ? best->cycles : cycles).str()
                                    : "(" + why + ")"));
    if (wins)
      best = StrategyChoice{candidate, cycles, /*rank=*/0, first ? first->tableLanes : 0, first ? first->tableBits : 0};
  }
  return best;
}

std::optional<StrategyChoice> ProductStrategies::choose(const ProductProblem &problem,
                                                        ArrayRef<const TileTarget *> levels, StringRef names,
                                                        SmallVectorImpl<std::string> &others, Filter allows) const {
  SmallVector<const ProductStrategy *> asked;
  SmallVector<StringRef> wanted(llvm::split(names, ','));
  for (auto [rank, name] : llvm::enumerate(wanted)) {
    SmallVector<const ProductStrategy *> candidates;
    for (const std::unique_ptr<ProductStrategy> &strategy : list)
      if ((name == "auto" || strategy->getName() == name) && !llvm::is_contained(asked, strategy.get()) &&
          (!allows || allows(*strategy)))
        candidates.push_back(strategy.get());
    std::optional<StrategyChoice> best = chooseAmong(candidates, problem, levels, others);
    if (best) {
      best->rank = rank;
      return best;
    }
    llvm::append_range(asked, candidates);
  }
  return std::nullopt;
}

bool ProductStrategies::hasAuto(StringRef names) { return llvm::is_contained(llvm::split(names, ','), "auto"); }

const ProductStrategies *ProductStrategies::get(MLIRContext *context) {
  auto *dialect = context->getLoadedDialect<LutraDialect>();
  return dialect ? dialect->getRegisteredInterface<ProductStrategies>() : nullptr;
}
