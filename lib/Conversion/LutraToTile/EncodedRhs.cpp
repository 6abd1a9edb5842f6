//===- EncodedRhs.cpp - encoded weights as panels of floats -------------------===//
// (value - zero point) times the scales, computed as lutra.decode means it, rounded once: values and zero points are
// exact in f32 (DecodedValues.cpp), and so are all products but the last. That is either the one with the product of
// all scales, made once for a group, or the one with the coarsest scale.
#include "EncodedRhs.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include <cmath>
#include <numeric>

using namespace mlir;

namespace lutra {

namespace {
/// What a product of side values needs of f32: bits of the significand, and the exponents that it may have.
struct NumberRange {
  int bits, least, greatest;

  NumberRange operator*(const NumberRange &other) const {
    return {bits + other.bits, least + other.least, greatest + other.greatest + 1};
  }
  /// Whether every such number is a normal one of f32, so that no product of them is rounded.
  bool isExact() const { return bits <= 24 && least >= -126 && greatest <= 127; }
};
} // namespace

/// Of an element and a number `offset` that is added to it.
static NumberRange rangeOf(const SideType &element, double offset) {
  switch (element.kind) {
  case SideType::F32:
    return {24, -149, 127};
  case SideType::F16:
    return {11, -24, 15};
  case SideType::BF16:
    return {8, -133, 127};
  case SideType::E8M0:
    return {1, -127, 127};
  case SideType::E4M3:
  case SideType::UE4M3:
    return {4, -9, 8};
  case SideType::E5M2:
    return {3, -16, 15};
  case SideType::Uint:
  case SideType::Int: {
    int bits = std::ilogb(std::ldexp(1.0, static_cast<int>(element.width)) + std::abs(offset)) + 1;
    return {bits, 0, bits};
  }
  }
  return {24, -149, 127};
}

static NumberRange rangeOf(const PanelSide &side) { return rangeOf(side.element, side.offset); }

/// Whether f32 holds the product of all scales.
static bool hasExactScale(const EncodedPanels &panels) {
  if (panels.scales.size() <= 1)
    return true;
  NumberRange product = rangeOf(panels.scales.front());
  for (const PanelSide &scale : ArrayRef(panels.scales).drop_front())
    product = product * rangeOf(scale);
  return product.isExact();
}

/// Of value - zero point.
static NumberRange valueRange(const EncodedPanels &panels) {
  double most = panels.zero ? 256 : 0, unit = 1;
  if (panels.values.empty()) // in a table
    return rangeOf(panels.map.element, /*offset=*/0);
  for (double value : panels.values) {
    if (std::isnan(value))
      continue;
    most = std::max(most, std::abs(value) + (panels.zero ? 256 : 0));
    while (value / unit != std::round(value / unit) && unit > 0x1p-60)
      unit /= 2;
  }
  if (most == 0)
    return {1, 0, 0};
  return {std::ilogb(most / unit) + 1, std::ilogb(unit), std::ilogb(most)};
}

std::string findSideObstacle(const EncodedPanels &panels) {
  for (const PanelSide &scale : panels.scales) {
    if (scale.element.bits() > 16 && scale.element.kind != SideType::F32)
      return "takes integer scales of up to 16 bits alone";
    if (scale.offset != std::round(scale.offset) || std::abs(scale.offset) > 65536)
      return "takes scales with a distance that is an integer alone";
    if (scale.offset != 0 && !scale.element.isInteger())
      return "takes scales with a distance of integers alone";
  }
  if (panels.zero && (panels.zero->element.kind != SideType::Uint || panels.zero->element.width > 8))
    return "takes zero points of up to 8 bits without a sign alone";
  return {};
}

std::string findDecodeObstacle(RankedTensorType type, int64_t width) {
  const Encoding &encoding = cast<EncodingAttr>(type.getEncoding()).getValue();
  int64_t depth = panelDepthOf(encoding, 1);
  if (depth == 0)
    return "takes one dense term of codes of up to 8 bits alone";
  llvm::Expected<EncodedPanels> panels =
      EncodedPanels::of(encoding, type.getShape().front(), type.getShape().back(), width, depth);
  if (!panels)
    return llvm::toString(panels.takeError());
  if (std::string why = findSideObstacle(*panels); !why.empty())
    return why;
  if (std::string why = findValueObstacle(*panels); !why.empty())
    return why;
  if (!hasExactScale(*panels)) { // one scale after the other
    NumberRange product = valueRange(*panels);
    for (const PanelSide &scale : ArrayRef(panels->scales).drop_back())
      product = product * rangeOf(scale);
    if (!product.isExact())
      return "takes scales whose products f32 holds alone";
  }
  if (panels->group < type.getShape().back() && panels->group % 8 != 0)
    return "takes groups of multiples of 8 along K alone";
  return {};
}

EncodedPanels getStoredPanels(RankedTensorType type) {
  auto encoding = cast<EncodingAttr>(type.getEncoding());
  PackingAttr packing = encoding.getPacking();
  return llvm::cantFail(EncodedPanels::of(encoding.getValue(), type.getShape().front(), type.getShape().back(),
                                          packing.getWidth(), packing.getDepth()));
}

EncodedRhs::EncodedRhs(KernelEmitter &kernelEmitter, RankedTensorType type, Value buffer) : emitter(kernelEmitter) {
  panels = getStoredPanels(type);
  OpBuilder &builder = emitter.builder;
  auto view = [&](int64_t offset, ArrayRef<int64_t> shape, Type element) -> Value {
    return memref::ViewOp::create(builder, emitter.loc, MemRefType::get(shape, element), buffer,
                                  emitter.constant(offset), ValueRange());
  };
  Type byte = builder.getI8Type();
  int64_t count = panels.steps() * panels.code.words();
  words = view(0, {panels.panels(), count, panels.width * panels.wordBytes()}, byte);
  codes = view(0, {panels.panels(), count, panels.width, panels.wordBytes()}, byte);
  auto sideView = [&](const PanelSide &side) -> Value {
    Type element = side.element.kind == SideType::F32    ? Type(builder.getF32Type())
                   : side.element.kind == SideType::F16  ? Type(builder.getF16Type())
                   : side.element.kind == SideType::BF16 ? Type(builder.getBF16Type())
                                                         : Type(builder.getIntegerType(side.bytes() * 8));
    return view(side.at, {panels.panels(), panels.groupsOf(side), panels.width}, element);
  };
  for (const PanelSide &scale : panels.scales)
    scales.push_back(sideView(scale));
  if (panels.zero)
    zeros = sideView(*panels.zero);
  if (panels.selector)
    selectors = sideView(*panels.selector);
  if (panels.tableAt)
    table = view(*panels.tableAt, {panels.storedEntries()}, builder.getF32Type());
  values.emplace(emitter, panels, table);
}

int64_t EncodedRhs::getStep(int64_t block) const {
  return panels.groups() == 1 ? llvm::alignTo(block, panels.depth) : std::gcd(block, panels.group);
}

/// Side values as they are stored.
Value EncodedRhs::loadStored(const PanelSide &side, Value view, const Place &place) {
  TileWindow window;
  Value group = side.gk == panels.group ? place.group
                : panels.groupsOf(side) == 1
                    ? emitter.constant(0)
                    : emitter.div(place.group, emitter.constant(side.gk / panels.group));
  window.indices = {place.panel, group, emitter.constant(0)};
  window.shape = place.shape;
  window.dims = place.dims;
  window.steps.assign(place.shape.size(), 1);
  return emitter.loadTile(view, window, cast<MemRefType>(view.getType()).getElementType());
}

/// Side values in f32.
Value EncodedRhs::loadSide(const PanelSide &side, Value view, const Place &place) {
  Type real = emitter.builder.getF32Type();
  Value tile = loadStored(side, view, place);
  if (cast<TileType>(tile.getType()).getElementType() == real)
    return tile;
  return emitter.map(tile, real, [&](OpBuilder &builder, ValueRange scalars) -> Value {
    Value value = decodeSide(builder, emitter.loc, scalars[0], side.element);
    if (side.offset == 0)
      return value;
    Value offset = arith::ConstantOp::create(builder, emitter.loc, FloatAttr::get(real, side.offset));
    return arith::AddFOp::create(builder, emitter.loc, value, offset);
  });
}

Value EncodedRhs::loadScale(size_t index, const Place &place) {
  return loadSide(panels.scales[index], scales[index], place);
}

static Value widen(KernelEmitter &emitter, Value tile) {
  Type wide = emitter.builder.getI32Type();
  return emitter.map(tile, wide, [&](OpBuilder &builder, ValueRange scalars) -> Value {
    return arith::ExtUIOp::create(builder, emitter.loc, wide, scalars[0]);
  });
}

Value EncodedRhs::loadZeroCode(const Place &place) { return widen(emitter, loadStored(*panels.zero, zeros, place)); }

Value EncodedRhs::loadSelector(const Place &place) {
  return widen(emitter, loadStored(*panels.selector, selectors, place));
}

static Value multiply(KernelEmitter &emitter, Value left, Value right) {
  return emitter.map({left, right}, emitter.builder.getF32Type(),
                     [&](OpBuilder &builder, ValueRange scalars) -> Value {
                       return arith::MulFOp::create(builder, emitter.loc, scalars[0], scalars[1]);
                     });
}

EncodedRhs::Group EncodedRhs::loadGroup(const Place &place) {
  Group group;
  for (size_t index = 0; index < panels.scales.size(); ++index) {
    Value factor = loadScale(index, place);
    // All but the last have an exact product in any case.
    if (index > 0 && (index + 1 < panels.scales.size() || hasExactScale(panels)))
      group.factors[0] = multiply(emitter, group.factors[0], factor);
    else
      group.factors.push_back(factor);
  }
  if (panels.zero)
    group.point = loadSide(*panels.zero, zeros, place);
  group.own = values->makeGroup(panels.selector ? loadSelector(place) : Value());
  return group;
}

SmallVector<Value> EncodedRhs::loadStep(const Place &place, Value k) {
  Value first = emitter.mul(emitter.div(k, emitter.constant(panels.depth)), emitter.constant(panels.code.words()));
  SmallVector<Value> read;
  for (unsigned word = 0; word < panels.code.words(); ++word) {
    TileWindow stored;
    stored.indices = {place.panel, emitter.add(first, emitter.constant(word)), emitter.constant(0)};
    stored.shape = place.shape;
    stored.dims = place.dims;
    stored.steps.assign(place.shape.size(), 1);
    read.push_back(emitter.loadTile(words, stored, emitter.builder.getI8Type()));
  }
  return read;
}

Value EncodedRhs::decode(ArrayRef<Value> words, unsigned field, const Group &group) {
  Value value = values->decode(words, field, group.own);
  if (!group.point)
    return value;
  return emitter.map({value, group.point}, emitter.builder.getF32Type(),
                     [&](OpBuilder &builder, ValueRange scalars) -> Value {
                       return arith::SubFOp::create(builder, emitter.loc, scalars[0], scalars[1]);
                     });
}

Value EncodedRhs::scale(Value values, const Group &group) {
  for (Value factor : group.factors)
    values = multiply(emitter, values, factor);
  return values;
}

Value EncodedRhs::addScaled(Value sums, const Group &group, Value totals) {
  SmallVector<Value> tiles{sums, totals};
  llvm::append_range(tiles, group.factors);
  return emitter.map(tiles, emitter.builder.getF32Type(), [&](OpBuilder &builder, ValueRange scalars) -> Value {
    Value sum = scalars[0];
    if (scalars.size() == 2)
      return arith::AddFOp::create(builder, emitter.loc, sum, scalars[1]);
    for (Value factor : scalars.drop_front(2).drop_back())
      sum = arith::MulFOp::create(builder, emitter.loc, sum, factor);
    return math::FmaOp::create(builder, emitter.loc, sum, scalars.back(), scalars[1]);
  });
}

bool EncodedRhs::mayScaleSums() const {
  constexpr int least = -24, greatest = 16;
  NumberRange range = valueRange(panels);
  return range.least >= least && range.greatest <= greatest;
}

LogicalResult EncodedRhs::copy(Value panel, Value low, Value depth, int64_t step, Value scratch, Value to) {
  Value zero = emitter.constant(0), fields = emitter.constant(panels.depth);
  return emitter.forEach(zero, depth, emitter.constant(step), [&](Value at) {
    Place place{panel, emitter.div(emitter.add(low, at), emitter.constant(panels.group)), {panels.width}, {2}};
    Group group = loadGroup(place);
    Value end = emitter.min(emitter.add(at, emitter.constant(step)), depth);
    return emitter.forEach(at, end, fields, [&](Value k) {
      SmallVector<Value> read = loadStep(place, emitter.add(low, k));
      for (int64_t field = 0; field < panels.depth; ++field) {
        TileWindow row = TileWindow::row({to, emitter.add(k, emitter.constant(field)), zero}, 2, panels.width);
        emitter.storeTile(scale(decode(read, field, group), group), scratch, row);
      }
      return success();
    });
  });
}

} // namespace lutra
