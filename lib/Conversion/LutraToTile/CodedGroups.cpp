//===- CodedGroups.cpp - the groups of products of codes ----------------------===//
#include "CodedEmission.h"

#include "lutra/Dialect/Lutra/IR/LutraTableOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lutra;

/// Of codes, and then those of the special one by table; null where codes stand for themselves.
DenseI64ArrayAttr CodedEmission::getEntries() {
  std::vector<int64_t> entries(values.entries);
  entries.insert(entries.end(), values.special.begin(), values.special.end());
  return entries.empty() ? nullptr : emitter.builder.getDenseI64ArrayAttr(entries);
}

Value CodedEmission::makeSums(int64_t rows, int64_t columns, Type element) {
  return emitter.fill(emitter.builder.getZeroAttr(element), {rows, columns});
}

SmallVector<Value> CodedEmission::lhsIndices(Value row, Value k) {
  if (unpacking.packsRows && copiedFrom) {
    Value own = emitter.sub(row, rows.low), count = emitter.constant(packedRows);
    Value word = emitter.div(emitter.sub(k, copiedFrom), emitter.constant(wordBytes));
    return {emitter.div(own, count), word, emitter.rem(own, count), emitter.constant(0)};
  }
  if (copies) {
    Value own = emitter.sub(row, rows.low);
    return {copiedTo ? emitter.add(copiedTo, own) : own, copiedFrom ? emitter.sub(k, copiedFrom) : k};
  }
  SmallVector<Value> at(indices);
  at[rowDim] = row;
  at[rank - 1] = k;
  return at;
}

/// A row of side values for all columns of a spot.
Value CodedEmission::joinSides(const ProductSpot &spot, Value group,
                               llvm::function_ref<Value(const EncodedRhs::Place &)> load) {
  Value first = emitter.div(spot.column, emitter.constant(panel));
  if (across > 1)
    return load({first, group, {across, panel}, {0, 2}});
  SmallVector<Value> parts;
  for (int64_t part = 0; part < spot.columns / panel; ++part)
    parts.push_back(load({emitter.add(first, emitter.constant(part)), group, {1, panel}, {-1, 2}}));
  if (parts.size() == 1)
    return parts.front();
  Type element = cast<TileType>(parts.front().getType()).getElementType();
  auto type = TileType::get(emitter.builder.getContext(), {1, spot.columns}, element);
  return TileJoinOp::create(emitter.builder, emitter.loc, type, parts);
}

/// A column of a buffer's values for the rows of a spot, which lie along dimension `dim` from `at` on.
Value CodedEmission::loadOfRows(const ProductSpot &spot, Value buffer, ArrayRef<Value> at, int64_t dim) {
  TileWindow window;
  window.indices.assign(at.begin(), at.end());
  window.shape = {spot.rows, 1};
  window.dims = {spot.rows == 1 ? -1 : dim, -1};
  window.steps = {1, 1};
  return emitter.loadTile(buffer, window, cast<MemRefType>(buffer.getType()).getElementType());
}

/// Adds the products of entries over `size` steps of K from `low` on, inside one group.
Value CodedEmission::multiplyGroup(const ProductSpot &spot, const Depth &part, const Source &source, Value sum) {
  const EncodedPanels &panels = weight->getPanels();
  OpBuilder &builder = emitter.builder;
  if (way == CodedWay::Planes)
    return multiplyPlanes(spot, part, source, sum);
  if (looksUp) {
    Value chunk = emitter.div(part.low, emitter.constant(8 * getLookupLanes(emitter.target, panels)));
    Value step = emitter.div(part.low, emitter.constant(panels.depth));
    Value word = emitter.mul(step, emitter.constant(panels.code.words()));
    return TileLookupMatmulOp::create(builder, emitter.loc, sum.getType(), tables,
                                      ValueRange{emitter.sub(spot.row, firstTable), chunk}, source.buffer,
                                      ValueRange{source.panel, word}, sum, part.size, across > 1, panels.code.bits,
                                      std::max(1u, panels.code.planes / 8),
                                      std::max<int64_t>(2, getLhsBits(cast<RankedTensorType>(op.getRhs().getType()))));
  }
  Value depthValue = emitter.constant(llvm::alignTo(part.size, source.isUnpacked ? unpacking.step : panels.depth));
  SmallVector<Value> left = lhsIndices(spot.row, part.low);
  bool hasWords = unpacking.packsRows && copiedFrom;
  int64_t leftDim = hasWords ? 2 : copies ? 0 : rowDim;
  if (source.isUnpacked) {
    Value word = getWord(part.low, source.low);
    return TileCodedMatmulOp::create(builder, emitter.loc, sum.getType(), lhs, left, source.buffer,
                                     ValueRange{source.panel, word}, sum, depthValue, Value(), /*bits=*/8, leftDim,
                                     /*offset=*/0, nullptr, /*special_code=*/-1,
                                     /*limit=*/unpacking.isSigned || rescales ? -1 : values.greatest,
                                     /*signed_codes=*/unpacking.isSigned, /*unsigned_lhs=*/false,
                                     /*triples=*/false, hasWords);
  }
  Value step = emitter.div(part.low, emitter.constant(panels.depth));
  Value word = emitter.mul(step, emitter.constant(panels.code.words()));
  if (way == CodedWay::Shifts)
    return TileShiftMatmulOp::create(builder, emitter.loc, sum.getType(), lhs, left, source.buffer,
                                     ValueRange{source.panel, word}, sum, llvm::alignTo(part.size, panels.depth),
                                     panels.code.bits, leftDim);
  Value group = emitter.div(part.low, emitter.constant(panels.group));
  Value special = values.special.empty() ? Value() : joinSides(spot, group, [&](const EncodedRhs::Place &place) {
    return weight->loadSelector(place);
  });
  // A limit keeps rows that are left over from tiles out of tiles: those have one shape in a function.
  int64_t limit = unpacking.depth > 0 && panels.code.bits == 8 ? 255 : -1;
  return TileCodedMatmulOp::create(builder, emitter.loc, sum.getType(), lhs, left, source.buffer,
                                   ValueRange{source.panel, word}, sum, depthValue, special, panels.code.bits, leftDim,
                                   values.codeOffset, getEntries(), values.specialCode, limit,
                                   /*signed_codes=*/false, /*unsigned_lhs=*/false, panels.code.triples, hasWords);
}

/// Takes what zero points add off a group's sums, unless they are exact, and adds them, times their scales, to the f32
/// tile.
Value CodedEmission::scaleGroup(const ProductSpot &spot, Value group, Value sum, Value accumulator, bool isExact) {
  const EncodedPanels &panels = weight->getPanels();
  Type wide = emitter.builder.getI32Type(), real = emitter.builder.getF32Type();
  SmallVector<Value> at(indices);
  at[rowDim] = spot.row;
  int64_t block = op.getBlock();
  at[rank - 1] = block >= depth ? emitter.constant(0) : emitter.div(group, emitter.constant(block / panels.group));
  Value scales = unpacking.scales
                     ? loadOfRows(spot, unpacking.scales, {at[rank - 1], emitter.sub(spot.row, rows.low)}, 1)
                     : loadOfRows(spot, emitter.getBuffer(op.getScale()), at, rowDim);
  SmallVector<Value> tiles{sum, accumulator, scales};
  auto addSide = [&](auto load) { tiles.push_back(joinSides(spot, group, load)); };
  for (size_t index = 0; index < panels.scales.size(); ++index)
    addSide([&](const EncodedRhs::Place &place) { return weight->loadScale(index, place); });
  size_t scalesEnd = tiles.size();
  bool corrects = sums && !isExact && !beginsWithSums;
  if (corrects)
    tiles.push_back(loadOfRows(spot, sums, {group, emitter.sub(spot.row, rows.low)}, 1));
  if (panels.zero && corrects)
    addSide([&](const EncodedRhs::Place &place) { return weight->loadZeroCode(place); });
  return emitter.map(tiles, real, [&](OpBuilder &inner, ValueRange scalars) -> Value {
    Location loc = emitter.loc;
    auto integer = [&](int64_t value) -> Value { return arith::ConstantIntOp::create(inner, loc, wide, value); };
    auto multiplied = [&](Value value, int64_t by) -> Value {
      return by == 1 ? value : arith::MulIOp::create(inner, loc, value, integer(by)).getResult();
    };
    auto toFloat = [&](Value value) -> Value { return arith::SIToFPOp::create(inner, loc, real, value); };
    Value value = multiplied(scalars[0], isExact ? 1 : values.factor), point;
    if (panels.zero && corrects) {
      point = multiplied(scalars[scalesEnd + 1], values.zeroUnits());
      if (values.bias != 0)
        point = arith::AddIOp::create(inner, loc, point, integer(values.bias));
    }
    if (corrects && !addsFloats) {
      Value correction = scalars[scalesEnd];
      if (point)
        correction = arith::MulIOp::create(inner, loc, correction, point);
      value = arith::AddIOp::create(inner, loc, value, correction);
    }
    // One scale after the other: their product may be too large or too small where the sum is neither.
    Value scaled = toFloat(value);
    if (corrects && addsFloats)
      scaled = point ? math::FmaOp::create(inner, loc, scalars[scalesEnd], toFloat(point), scaled).getResult()
                     : arith::AddFOp::create(inner, loc, scaled, scalars[scalesEnd]).getResult();
    if (values.unit != 1)
      scaled = arith::MulFOp::create(inner, loc, scaled,
                                     arith::ConstantOp::create(inner, loc, FloatAttr::get(real, values.unit)));
    for (Value scale : scalars.slice(3, scalesEnd - 3))
      scaled = arith::MulFOp::create(inner, loc, scaled, scale);
    return math::FmaOp::create(inner, loc, scaled, scalars[2], scalars[1]);
  });
}

/// The sums of some steps of K, inside one group.
Value CodedEmission::sumGroup(const ProductSpot &spot, const Depth &part, const Source &source) {
  Type wide = emitter.builder.getI32Type();
  Value start = makeSums(spot.rows * across, across > 1 ? panel : spot.columns, wide);
  if (beginsWithSums) {
    Value group = emitter.div(part.low, emitter.constant(weight->getPanels().group));
    Value less = loadOfRows(spot, sums, {group, emitter.sub(spot.row, rows.low)}, 1);
    start = emitter.map({start, less}, wide, [&](OpBuilder &inner, ValueRange scalars) -> Value {
      return arith::AddIOp::create(inner, emitter.loc, scalars[0], scalars[1]);
    });
  }
  if (source.isUnpacked)
    askAhead(spot.row, emitter.sub(part.low, source.low));
  return multiplyGroup(spot, part, source, start);
}

/// Adds some steps of K, inside one group, to the f32 tile.
Value CodedEmission::addGroup(const ProductSpot &spot, const Depth &part, const Source &source, Value accumulator) {
  Value group = emitter.div(part.low, emitter.constant(weight->getPanels().group));
  bool isExact = source.isUnpacked && unpacking.isSigned;
  return scaleGroup(spot, group, sumGroup(spot, part, source), accumulator, isExact);
}

/// Adds some steps of K, from the beginning of a group on, to the f32 tile.
FailureOr<Value> CodedEmission::addGroups(const ProductSpot &spot, const Depth &part, const Source &source,
                                          Value accumulator) {
  int64_t group = weight->getPanels().group, rest = part.size % group;
  Value end = emitter.add(part.low, emitter.constant(part.size - rest));
  auto total = emitter.fold(part.low, end, emitter.constant(group), accumulator,
                            [&](Value low, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
                              return KernelEmitter::Carried{addGroup(spot, {low, group}, source, carried[0])};
                            });
  if (failed(total))
    return failure();
  return rest > 0 ? addGroup(spot, {end, rest}, source, (*total)[0]) : (*total)[0];
}
