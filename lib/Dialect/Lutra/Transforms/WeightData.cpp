//===- WeightData.cpp - bytes of a module's weights ------------------------===//
#include "WeightData.h"

#include "lutra/Support/ConstantBytes.h"
#include "lutra/Support/EncodedTensor.h"

#include "mlir/IR/DialectResourceBlobManager.h"

#include "llvm/ADT/StringSet.h"

#include <cstring>

using namespace mlir;
using namespace lutra;

std::optional<int64_t> lutra::elementBytes(Type type) {
  if (!type.isIntOrFloat() || type.getIntOrFloatBitWidth() % 8 != 0)
    return std::nullopt;
  return type.getIntOrFloatBitWidth() / 8;
}

bool WeightBytes::hasReals(Type type) { return isa<Float32Type, Float16Type, BFloat16Type>(type); }

/// The number of an f16. Its fields in their places of f32; a factor sets the exponent's bias right and makes subnormal
/// numbers normal.
static float widenHalf(uint32_t word) {
  constexpr uint32_t fields = 0x7fff, exponent = 0x7c00, sign = 0x8000, widest = 0x7f800000;
  uint32_t placed = (word & fields) << 13;
  float value = (word & exponent) == exponent ? llvm::bit_cast<float>(placed | widest)
                                              : llvm::bit_cast<float>(placed) * 0x1p112f;
  return word & sign ? -value : value;
}

void WeightBytes::reals(Type type, int64_t first, int64_t stride, MutableArrayRef<float> values) const {
  assert(hasReals(type) && "no other floats are widened");
  bool isWide = type.isF32(), isHalf = type.isF16();
  for (auto [i, value] : llvm::enumerate(values)) {
    const char *from = element(first + static_cast<int64_t>(i) * stride);
    uint16_t word = 0;
    if (isWide) { // memcpy: files align nothing
      std::memcpy(&value, from, sizeof(value));
      continue;
    }
    std::memcpy(&word, from, sizeof(word));
    value = isHalf ? widenHalf(word) : llvm::bit_cast<float>(static_cast<uint32_t>(word) << 16);
  }
}

void lutra::writeReal(double value, FloatType type, char *out) {
  if (type.isF32()) { // nearly all are
    auto narrow = static_cast<float>(value);
    std::memcpy(out, &narrow, sizeof(narrow));
    return;
  }
  APFloat number(value);
  bool lossy;
  number.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven, &lossy);
  uint64_t word = number.bitcastToAPInt().getZExtValue();
  std::memcpy(out, &word, type.getWidth() / 8);
}

int64_t WeightBytes::integer(int64_t index, bool isUnsigned) const {
  uint64_t word = 0;
  std::memcpy(&word, element(index), width);
  int64_t spare = 64 - width * 8;
  return isUnsigned ? static_cast<int64_t>(word) : static_cast<int64_t>(word << spare) >> spare;
}

WeightStore::WeightStore(ModuleOp module) : module(module), symbols(module) {}

GlobalOp WeightStore::getGlobal(Value value) {
  auto weight = value.getDefiningOp<WeightOp>();
  return weight ? symbols.lookup<GlobalOp>(weight.getGlobal()) : GlobalOp();
}

static std::optional<WeightBytes> readElements(ElementsAttr data) {
  std::optional<int64_t> width = elementBytes(data.getElementType());
  if (!width)
    return std::nullopt;
  if (auto dense = dyn_cast<DenseElementsAttr>(data))
    return WeightBytes{dense.getRawData(), *width, dense.isSplat()};
  auto resource = dyn_cast<DenseResourceElementsAttr>(data);
  const AsmResourceBlob *blob = resource ? resource.getRawHandle().getBlob() : nullptr;
  if (!blob || static_cast<int64_t>(blob->getData().size()) != data.getNumElements() * *width)
    return std::nullopt;
  return WeightBytes{blob->getData(), *width, false};
}

std::optional<WeightBytes> WeightStore::read(GlobalOp global) {
  auto type = dyn_cast<RankedTensorType>(global.getType());
  if (!type || type.getEncoding())
    return std::nullopt;
  return readElements(global.getData());
}

std::optional<WeightBytes> WeightStore::readStored(GlobalOp global) { return readElements(global.getData()); }

std::optional<WeightBytes> WeightStore::read(Value value) {
  if (auto constant = value.getDefiningOp<ConstantOp>())
    return readElements(constant.getValue());
  GlobalOp global = getGlobal(value);
  return global ? read(global) : std::nullopt;
}

AsmResourceBlob WeightStore::allocate(int64_t bytes) { return allocateZeroedBlob(bytes); }

GlobalOp WeightStore::add(Location loc, StringRef base, RankedTensorType type,
                          AsmResourceBlob blob) {
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  ShapedType dataType = type;
  if (type.getEncoding())
    dataType = RankedTensorType::get({static_cast<int64_t>(blob.getData().size())},
                                     builder.getI8Type());
  auto data = DenseResourceElementsAttr::get(dataType, base, std::move(blob));
  auto global = GlobalOp::create(builder, loc, base, type, cast<ElementsAttr>(data));
  symbols.insert(global); // gives it a free name
  return global;
}

GlobalOp WeightStore::addView(GlobalOp global, StringRef base, RankedTensorType type) {
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  auto view = GlobalOp::create(builder, global.getLoc(), base, type, global.getData());
  symbols.insert(view); // gives it a free name
  return view;
}

void WeightStore::removeUnused() {
  llvm::StringSet<> used;
  module.walk([&](WeightOp weight) { used.insert(weight.getGlobal()); });
  for (GlobalOp global : module.getOps<GlobalOp>()) // dictionaries are named by types alone
    if (EncodingAttr encoding = encodingOf(cast<RankedTensorType>(global.getType())))
      for (const auto &dictionary : dictionariesOf(encoding.getValue()))
        used.insert(dictionary.first);
  SmallVector<DenseResourceElementsAttr> dropped;
  llvm::StringSet<> read; // resources of the globals that stay, and of constants
  module.walk([&](ConstantOp constant) {
    if (auto resource = dyn_cast<DenseResourceElementsAttr>(constant.getValue()))
      read.insert(resource.getRawHandle().getKey());
  });
  for (GlobalOp global : llvm::make_early_inc_range(module.getOps<GlobalOp>())) {
    auto resource = dyn_cast<DenseResourceElementsAttr>(global.getData());
    bool stays = used.contains(global.getSymName());
    if (resource && stays)
      read.insert(resource.getRawHandle().getKey());
    if (resource && !stays)
      dropped.push_back(resource);
    if (!stays)
      symbols.erase(global);
  }
  // What an earlier pass computed is freed; a blob that is no one's own is only a view.
  for (DenseResourceElementsAttr resource : dropped) {
    const AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (blob && blob->isMutable() && !read.contains(resource.getRawHandle().getKey()))
      resource.getRawHandle().getResource()->setBlob({});
  }
}

void lutra::permuteBytes(WeightBytes source, ArrayRef<int64_t> shape,
                         ArrayRef<int64_t> permutation, char *destination) {
  int64_t rank = shape.size();
  SmallVector<int64_t> sourceStrides(rank, 1), sizes, strides, position(rank, 0);
  for (int64_t dim = rank - 2; dim >= 0; --dim)
    sourceStrides[dim] = sourceStrides[dim + 1] * shape[dim + 1];
  int64_t count = 1;
  for (int64_t dim : permutation) {
    sizes.push_back(shape[dim]);
    strides.push_back(sourceStrides[dim] * (source.splat ? 0 : source.width));
    count *= shape[dim];
  }
  const char *from = source.data.data();
  for (int64_t done = 0; done < count; ++done, destination += source.width) {
    std::memcpy(destination, from, source.width);
    for (int64_t dim = rank - 1; dim >= 0; --dim) { // next position, like an odometer
      from += strides[dim];
      if (++position[dim] < sizes[dim])
        break;
      from -= strides[dim] * sizes[dim];
      position[dim] = 0;
    }
  }
}
