//===- PackWeights.cpp - constant operands of products become panels -------===//
// A product reads its right-hand side in panels of `width` columns, so that one step of K is one
// contiguous stretch. For a weight that order is made here, once: [K, N] (or [N, K]) becomes
// [ceil(N / width)][ceil(K / depth)][width][depth], filled with zeros, under the type
// tensor<KxNxT, #lutra.packing<..>>; panels of signed bytes in steps of four end with words of their own
// (BytePanels.h). The product's strategy says the depth. Before fusion the operand is the weight itself; afterwards it
// is an argument of a kernel, which is changed together with every launch of that kernel.
// An encoded weight [N, K] keeps its shape; its codes become panels (include/lutra/Support/EncodedPanels.h). Where all
// scales of groups in f32 are numbers of f16, they are stored so: of 4 bits in groups of 32 a tenth less is read.
// A weight is packed once for each form in which it is used; the original goes, with its memory, as soon as nothing
// else reads it.
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "KernelLaunches.h"
#include "WeightData.h"

#include "lutra/Analysis/ProductStrategy.h"
#include "lutra/Dialect/Lutra/IR/PanelSums.h"
#include "lutra/Support/BytePanels.h"
#include "lutra/Support/EncodedPanels.h"
#include "lutra/Support/NarrowScales.h"

#include "mlir/IR/DialectResourceBlobManager.h"

#include "llvm/ADT/StringMap.h"

#include <cstring>
#include <map>
#include <tuple>

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
  int64_t depth;   // of the panels
  bool isNarrow;   // scales of f32 become those of f16
};

class Packer {
public:
  Packer(ModuleOp module, int64_t width) : module(module), store(module), launches(module), width(width) {}
  void run();

private:
  bool pack(Operand operand);
  GlobalOp packed(GlobalOp global, const Operand &operand);
  GlobalOp packedCodes(GlobalOp global, EncodingAttr encoding, const Operand &operand);
  void countReaders();
  void replace(OpOperand &operand, GlobalOp result);

  ModuleOp module;
  WeightStore store;
  KernelLaunches launches;
  int64_t width;
  llvm::StringMap<int64_t> readers; // weights in use, and constants, by the key of the resource that they read
  std::map<std::tuple<Operation *, bool, int64_t, bool>, GlobalOp> done; // by global, transposed, depth and scales
};

struct PackWeights final : lutra::impl::PackWeightsBase<PackWeights> {
  using Base::Base;
  void runOnOperation() override { Packer(getOperation(), width).run(); }
};
} // namespace

/// Panels of the matrix `source`, [k, n] or (transposed) [n, k], `words` words each.
template <typename T>
static void fillPanels(WeightBytes source, int64_t k, int64_t n, int64_t width, int64_t depth, bool transposed,
                       int64_t words, char *bytes) {
  T *out = reinterpret_cast<T *>(bytes);
  int64_t rowStep = source.splat ? 0 : transposed ? 1 : n;
  int64_t columnStep = source.splat ? 0 : transposed ? k : 1;
  for (int64_t first = 0; first < n; first += width) {
    int64_t columns = std::min(width, n - first);
    for (int64_t row = 0; row < k; ++row) {
      const char *from = source.data.data() + (first * columnStep + row * rowStep) * sizeof(T);
      T *to = out + row / depth * depth * width + row % depth;
      for (int64_t column = 0; column < columns; ++column) // memcpy: files align nothing
        std::memcpy(to + column * depth, from + column * columnStep * sizeof(T), sizeof(T));
    }
    out += words * depth * width;
  }
}

namespace {
/// What is stored for an encoded weight, also where it is one byte over and over.
struct StoredBytes {
  WeightBytes source;
  SmallVector<char, 0> repeated;

  explicit StoredBytes(WeightBytes read, RankedTensorType type) : source(read) {
    if (source.splat)
      repeated.assign(storedByteCount(type), source.data.front());
  }
  ArrayRef<uint8_t> get() const {
    ArrayRef<char> data = source.splat ? ArrayRef<char>(repeated) : source.data;
    return {reinterpret_cast<const uint8_t *>(data.data()), data.size()};
  }
};
} // namespace

/// Whether a global has scales of f32 that f16 holds.
static bool mayNarrow(GlobalOp global) {
  auto type = cast<RankedTensorType>(global.getType());
  EncodingAttr encoding = encodingOf(type);
  std::optional<WeightBytes> source = encoding ? WeightStore::readStored(global) : std::nullopt;
  return source && hasNarrowScales(encoding.getValue(), type.getShape().front(), type.getShape().back(),
                                   StoredBytes(*source, type).get());
}

/// Panels of an encoded weight; null when its bytes cannot be read.
GlobalOp Packer::packedCodes(GlobalOp global, EncodingAttr attribute, const Operand &operand) {
  auto type = cast<RankedTensorType>(global.getType());
  std::optional<WeightBytes> source = WeightStore::readStored(global);
  if (!source)
    return {};
  StoredBytes stored(*source, type);
  int64_t n = type.getShape().front(), k = type.getShape().back(), depth = operand.depth;
  Encoding encoding = attribute.getValue();
  ArrayRef<uint8_t> canonical = stored.get();
  NarrowScales narrow;
  if (operand.isNarrow) {
    narrow = narrowScales(encoding, n, k, canonical);
    encoding = narrow.encoding;
    canonical = narrow.bytes;
  }
  // The product's strategy asked the same.
  EncodedPanels panels = llvm::cantFail(EncodedPanels::of(encoding, n, k, width, depth));
  AsmResourceBlob blob = WeightStore::allocate(panels.bytes);
  panels.pack(encoding, canonical,
              MutableArrayRef(reinterpret_cast<uint8_t *>(blob.getMutableData().data()), panels.bytes));
  attribute = EncodingAttr::get(type.getContext(), encoding, PackingAttr::get(type.getContext(), width, depth));
  auto packedType = RankedTensorType::get(type.getShape(), type.getElementType(), attribute);
  return store.add(global.getLoc(), (global.getSymName() + ".packed").str(), packedType, std::move(blob));
}

/// The packed form of a global, made on first use; null when it has none.
GlobalOp Packer::packed(GlobalOp global, const Operand &operand) {
  auto [entry, isNew] = done.try_emplace({global, operand.transposed, operand.depth, operand.isNarrow});
  if (!isNew)
    return entry->second;
  auto type = cast<RankedTensorType>(global.getType());
  if (auto encoding = dyn_cast_if_present<EncodingAttr>(type.getEncoding()))
    return entry->second = packedCodes(global, encoding, operand);
  std::optional<WeightBytes> source = WeightStore::read(global);
  if (!source)
    return {};
  SmallVector<int64_t> shape(type.getShape());
  if (operand.transposed)
    std::swap(shape[0], shape[1]);
  int64_t n = shape.back(), k = 1;
  for (int64_t size : ArrayRef(shape).drop_back())
    k *= size;
  auto packedType =
      RankedTensorType::get(shape, type.getElementType(),
                            PackingAttr::get(type.getContext(), width, operand.depth));
  MemRefType panels = getBufferType(packedType);
  int64_t words = panels.getDimSize(1);
  AsmResourceBlob blob = WeightStore::allocate(panels.getNumElements() * source->width);
  auto fill = source->width == 1   ? fillPanels<uint8_t>
              : source->width == 2 ? fillPanels<uint16_t>
              : source->width == 4 ? fillPanels<uint32_t>
                                   : fillPanels<uint64_t>;
  MutableArrayRef<char> bytes = blob.getMutableData();
  fill(*source, k, n, width, operand.depth, operand.transposed, words, bytes.data());
  if (hasPanelSums(packedType))
    fillPanelSums<int8_t>({reinterpret_cast<int8_t *>(bytes.data()), bytes.size()}, width, words);
  std::string name = (global.getSymName() + ".packed").str();
  return entry->second = store.add(global.getLoc(), name, packedType, std::move(blob));
}

/// Steps of K in the panels that the product's strategy reads, 0 for none. Before one is chosen: floats, one step.
static int64_t getPanelDepth(Operation *op, RankedTensorType rhs) {
  auto named = op->getAttrOfType<StrategyAttr>("strategy");
  const ProductStrategies *strategies = named ? ProductStrategies::get(op->getContext()) : nullptr;
  const ProductStrategy *strategy = strategies ? strategies->find(named.getName()) : nullptr;
  return strategy ? strategy->getPanelDepth(rhs) : isa<FloatType>(rhs.getElementType()) && !rhs.getEncoding() ? 1 : 0;
}

/// The operand to pack of a product, if it has one.
static std::optional<Operand> getOperand(Operation *op, int64_t width) {
  if (auto matmul = dyn_cast<MatmulOp>(op)) {
    auto type = cast<RankedTensorType>(matmul.getRhs().getType());
    int64_t depth = getPanelDepth(op, type);
    if (type.getRank() != 2 || packingOf(type) || depth == 0)
      return std::nullopt;
    return Operand{op, &matmul.getRhsMutable(), matmul.getTransposeRhs(), depth, false};
  }
  auto conv = dyn_cast<ConvOp>(op);
  if (!conv || conv.getLayout() != ConvLayout::ChannelsLast)
    return std::nullopt;
  auto type = cast<RankedTensorType>(conv.getFilter().getType());
  int64_t depth = getPanelDepth(op, type);
  if (type.getEncoding() || depth == 0)
    return std::nullopt;
  // Panels must not mix the columns of two groups.
  int64_t groups = conv.getGroups(), columns = type.getShape().back() / groups;
  if (groups != 1 && (columns % width != 0 || type.getDimSize(type.getRank() - 2) == 1))
    return std::nullopt;
  return Operand{op, &conv.getFilterMutable(), false, depth, false};
}

void Packer::countReaders() {
  auto count = [&](Attribute data) {
    if (auto resource = dyn_cast<DenseResourceElementsAttr>(data))
      ++readers[resource.getRawHandle().getKey()];
  };
  module.walk([&](Operation *op) {
    if (auto constant = dyn_cast<ConstantOp>(op))
      count(constant.getValue());
    else if (auto weight = dyn_cast<WeightOp>(op); weight && !weight.use_empty())
      count(store.getGlobal(weight).getData());
  });
}

/// Lets an operand that is a weight be `result` instead. What nothing reads any more is freed at once, when it is no
/// view of a file, so that a large model never has all its weights in both forms.
void Packer::replace(OpOperand &operand, GlobalOp result) {
  auto old = operand.get().getDefiningOp<WeightOp>();
  OpBuilder builder(operand.getOwner());
  operand.set(WeightOp::create(builder, operand.getOwner()->getLoc(), result.getType(), result.getSymName()));
  auto resource = dyn_cast<DenseResourceElementsAttr>(store.getGlobal(old).getData());
  if (!old.use_empty() || !resource || --readers[resource.getRawHandle().getKey()] > 0)
    return;
  AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  if (blob && blob->isMutable())
    resource.getRawHandle().getResource()->setBlob({});
}

/// Packs one operand; false when it is no weight.
bool Packer::pack(Operand operand) {
  auto setPacked = [&](Type type) {
    operand.use->get().setType(type);
    auto matmul = dyn_cast<MatmulOp>(operand.op);
    if (matmul && !encodingOf(cast<RankedTensorType>(type)))
      matmul.setTransposeRhs(false);
  };
  if (GlobalOp global = store.getGlobal(operand.use->get())) {
    operand.isNarrow = mayNarrow(global);
    GlobalOp result = packed(global, operand);
    if (!result)
      return false;
    replace(*operand.use, result);
    setPacked(result.getType());
    return true;
  }
  auto argument = dyn_cast<BlockArgument>(operand.use->get());
  auto kernel = dyn_cast<KernelOp>(operand.op->getParentOp());
  if (!kernel || !argument || !argument.hasOneUse() || !launches.isWeight(argument))
    return false;
  unsigned position = argument.getArgNumber();
  ArrayRef<LaunchOp> uses = launches.of(kernel);
  SmallVector<GlobalOp> results;
  operand.isNarrow = llvm::all_of(
      uses, [&](LaunchOp launch) { return mayNarrow(store.getGlobal(launch.getInputs()[position])); });
  for (LaunchOp launch : uses) {
    GlobalOp result = packed(store.getGlobal(launch.getInputs()[position]), operand);
    if (!result)
      return false;
    results.push_back(result);
  }
  for (auto [index, result] : llvm::enumerate(results)) {
    LaunchOp launch = uses[index];
    replace(launch.getInputsMutable()[position], result);
  }
  setPacked(results.front().getType());
  FunctionType type = kernel.getFunctionType();
  SmallVector<Type> inputs(type.getInputs());
  inputs[position] = results.front().getType();
  kernel.setFunctionType(FunctionType::get(type.getContext(), inputs, type.getResults()));
  return true;
}

void Packer::run() {
  countReaders();
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
