//===- PackWeights.cpp - constant operands of products become panels -------===//
// A product reads its right-hand side in panels of `width` columns, so that one step of K is one
// contiguous stretch. For a weight that order is made here, once: [K, N] (or [N, K]) becomes
// [ceil(N / width)][K][width], the last panel filled with zeros, under the type
// tensor<KxNxT, #lutra.packing<..>>. Before fusion the operand is the weight itself; afterwards
// it is an argument of a kernel, which is changed together with every launch of that kernel.
// A weight is packed once for each form in which it is used; the original goes when nothing else reads it.
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "WeightData.h"

#include "lutra/Analysis/ProductStrategy.h"

#include "llvm/ADT/MapVector.h"

#include <cstring>

using namespace mlir;
using namespace lutra;

namespace lutra {
#define GEN_PASS_DEF_PACKWEIGHTS
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

namespace {
/// The right-hand operand of a product.
struct Operand {
  Operation *op;
  OpOperand *use;
  bool transposed; // [N, K]
};

class Packer {
public:
  Packer(ModuleOp module, int64_t width) : module(module), store(module), width(width) {}
  void run();

private:
  void collectLaunches();
  bool pack(const Operand &operand);
  GlobalOp packed(GlobalOp global, bool transposed);

  ModuleOp module;
  WeightStore store;
  int64_t width;
  llvm::MapVector<StringRef, SmallVector<LaunchOp>> launches;
  DenseMap<std::pair<Operation *, unsigned>, GlobalOp> done; // by (global, transposed)
};

struct PackWeights final : lutra::impl::PackWeightsBase<PackWeights> {
  using Base::Base;
  void runOnOperation() override { Packer(getOperation(), width).run(); }
};
} // namespace

/// Panels of the matrix `source`, [k, n] or (transposed) [n, k].
template <typename T>
static void fillPanels(WeightBytes source, int64_t k, int64_t n, int64_t width, bool transposed,
                       char *bytes) {
  T *out = reinterpret_cast<T *>(bytes);
  int64_t rowStep = source.splat ? 0 : transposed ? 1 : n;
  int64_t columnStep = source.splat ? 0 : transposed ? k : 1;
  for (int64_t first = 0; first < n; first += width) {
    int64_t columns = std::min(width, n - first);
    for (int64_t row = 0; row < k; ++row, out += width) {
      const char *from = source.data.data() + (first * columnStep + row * rowStep) * sizeof(T);
      for (int64_t column = 0; column < columns; ++column) // memcpy: files align nothing
        std::memcpy(out + column, from + column * columnStep * sizeof(T), sizeof(T));
    }
  }
}

/// The packed form of a global, made on first use; null when it has none.
GlobalOp Packer::packed(GlobalOp global, bool transposed) {
  auto [entry, isNew] = done.try_emplace({global, transposed});
  if (!isNew)
    return entry->second;
  auto type = cast<RankedTensorType>(global.getType());
  std::optional<WeightBytes> source = WeightStore::read(global);
  if (!source || (source->width != 2 && source->width != 4 && source->width != 8))
    return {};
  SmallVector<int64_t> shape(type.getShape());
  if (transposed)
    std::swap(shape[0], shape[1]);
  int64_t n = shape.back(), k = 1;
  for (int64_t size : ArrayRef(shape).drop_back())
    k *= size;
  AsmResourceBlob blob = WeightStore::allocate(llvm::alignTo(n, width) * k * source->width);
  auto fill = source->width == 2   ? fillPanels<uint16_t>
              : source->width == 4 ? fillPanels<uint32_t>
                                   : fillPanels<uint64_t>;
  fill(*source, k, n, width, transposed, blob.getMutableData().data());
  auto packedType =
      RankedTensorType::get(shape, type.getElementType(),
                            PackingAttr::get(type.getContext(), width, /*depth=*/1));
  std::string name = (global.getSymName() + ".packed").str();
  return done[{global, transposed}] =
             store.add(global.getLoc(), name, packedType, std::move(blob));
}

void Packer::collectLaunches() {
  module.walk([&](LaunchOp launch) { launches[launch.getKernel()].push_back(launch); });
}

/// Whether the product's strategy, if chosen already, reads panels.
static bool wantsPanels(Operation *op) {
  auto named = op->getAttrOfType<StrategyAttr>("strategy");
  const ProductStrategies *strategies = named ? ProductStrategies::get(op->getContext()) : nullptr;
  const ProductStrategy *strategy = strategies ? strategies->find(named.getName()) : nullptr;
  return !strategy || strategy->packsWeight();
}

/// The operand to pack of a product, if it has one.
static std::optional<Operand> getOperand(Operation *op, int64_t width) {
  if (!wantsPanels(op))
    return std::nullopt;
  if (auto matmul = dyn_cast<MatmulOp>(op)) {
    auto type = cast<RankedTensorType>(matmul.getRhs().getType());
    if (type.getRank() != 2 || type.getEncoding() || !isa<FloatType>(type.getElementType()))
      return std::nullopt;
    return Operand{op, &matmul.getRhsMutable(), matmul.getTransposeRhs()};
  }
  auto conv = dyn_cast<ConvOp>(op);
  if (!conv || conv.getLayout() != ConvLayout::ChannelsLast)
    return std::nullopt;
  auto type = cast<RankedTensorType>(conv.getFilter().getType());
  if (type.getEncoding() || !isa<FloatType>(type.getElementType()))
    return std::nullopt;
  // Panels must not mix the columns of two groups.
  int64_t groups = conv.getGroups(), columns = type.getShape().back() / groups;
  if (groups != 1 && (columns % width != 0 || type.getDimSize(type.getRank() - 2) == 1))
    return std::nullopt;
  return Operand{op, &conv.getFilterMutable(), false};
}

/// Packs one operand; false when it is no weight.
bool Packer::pack(const Operand &operand) {
  auto setPacked = [&](Type type) {
    operand.use->get().setType(type);
    if (auto matmul = dyn_cast<MatmulOp>(operand.op))
      matmul.setTransposeRhs(false);
  };
  if (GlobalOp global = store.getGlobal(operand.use->get())) {
    GlobalOp result = packed(global, operand.transposed);
    if (!result)
      return false;
    OpBuilder builder(operand.op);
    operand.use->set(
        WeightOp::create(builder, operand.op->getLoc(), result.getType(), result.getSymName()));
    setPacked(result.getType());
    return true;
  }
  auto argument = dyn_cast<BlockArgument>(operand.use->get());
  auto kernel = dyn_cast<KernelOp>(operand.op->getParentOp());
  if (!argument || !kernel || !argument.hasOneUse())
    return false;
  SmallVector<LaunchOp> uses = launches.lookup(kernel.getSymName());
  unsigned position = argument.getArgNumber();
  SmallVector<GlobalOp> results;
  for (LaunchOp launch : uses) {
    GlobalOp global = store.getGlobal(launch.getInputs()[position]);
    GlobalOp result = global ? packed(global, operand.transposed) : GlobalOp();
    if (!result)
      return false;
    results.push_back(result);
  }
  if (results.empty())
    return false;
  for (size_t index = 0; index < uses.size(); ++index) {
    OpBuilder builder(uses[index]);
    Value weight = WeightOp::create(builder, uses[index].getLoc(), results[index].getType(),
                                    results[index].getSymName());
    uses[index].getInputsMutable()[position].set(weight);
  }
  setPacked(results.front().getType());
  FunctionType type = kernel.getFunctionType();
  SmallVector<Type> inputs(type.getInputs());
  inputs[position] = results.front().getType();
  kernel.setFunctionType(FunctionType::get(type.getContext(), inputs, type.getResults()));
  return true;
}

void Packer::run() {
  collectLaunches();
  SmallVector<Operand> operands;
  module.walk([&](Operation *op) {
    if (std::optional<Operand> operand = getOperand(op, width))
      operands.push_back(*operand);
  });
  for (const Operand &operand : operands)
    pack(operand);
  SmallVector<WeightOp> dead;
  module.walk([&](WeightOp weight) {
    if (weight.use_empty())
      dead.push_back(weight);
  });
  for (WeightOp weight : dead)
    weight.erase();
  store.removeUnused();
}
