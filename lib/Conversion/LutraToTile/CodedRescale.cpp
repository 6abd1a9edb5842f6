//===- CodedRescale.cpp - codes of groups as bytes with one scale a column ----===//
// Where rows have one scale each and a weight has one for each group of a column, sums of all of K can be integers too:
// once they are unpacked, entries become the nearest multiples of a scale of their column, of which the column's
// greatest magnitude is 127:
//
//   column scale C = max over groups of |scale[g]| * greatest |factor * entry - bias - z| of any entry / 127
//   byte = round((factor * entry - bias - z) * scale[g] / C)        lutra.tile_rescale, 8 bits behind the point
//
// So a value moves by half of C, and by what rounding its factor adds: no more than extent / 512 of C, where the extent
// is the greatest |factor * entry - bias - z|.
#include "CodedEmission.h"

#include "lutra/Dialect/Lutra/IR/LutraTableOps.h"
#include "lutra/Support/RescaledCodes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace lutra;

/// A byte of the greatest magnitude, and units of a fixed-point factor.
static constexpr double greatestByte = 127, fixedUnits = 256;

static Value makeReal(OpBuilder &builder, Location loc, double value) {
  return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(static_cast<float>(value)));
}

static Value makeInteger(OpBuilder &builder, Location loc, int64_t value) {
  return arith::ConstantIntOp::create(builder, loc, builder.getI32Type(), value);
}

/// The scales of a panel's columns in a group.
Value CodedEmission::loadColumnScale(const EncodedRhs::Place &columns) {
  Value product = weight->loadScale(0, columns);
  for (size_t index = 1; index < weight->getPanels().scales.size(); ++index)
    product = emitter.map({product, weight->loadScale(index, columns)}, emitter.builder.getF32Type(),
                          [&](OpBuilder &builder, ValueRange scalars) -> Value {
                            return arith::MulFOp::create(builder, emitter.loc, scalars[0], scalars[1]);
                          });
  return product;
}

/// Finds the scales of columns that a block of them needs, panel after panel.
LogicalResult CodedEmission::findColumnScales(ProductRange block) {
  const EncodedPanels &panels = weight->getPanels();
  Type real = emitter.builder.getF32Type();
  int64_t count = llvm::divideCeil(columnBlocks.size, panel);
  unpacking.columnScales = makeScratch(emitter, {count * panel}, real);
  unpacking.rescaling = makeScratch(emitter, {count * panel}, real);
  unpacking.firstColumn = block.low;
  Value zero = emitter.constant(0), one = emitter.constant(1);
  int64_t low = values.factor * values.least - values.bias, high = values.factor * values.greatest - values.bias;
  int64_t farthest = std::max(std::abs(low), std::abs(high));
  return emitter.forEach(block.low, block.high, emitter.constant(panel), [&](Value column) -> LogicalResult {
    Value number = emitter.div(column, emitter.constant(panel));
    auto addGroup = [&](Value group, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
      EncodedRhs::Place columns{number, group, {1, panel}, {-1, 2}};
      SmallVector<Value> tiles{carried[0], loadColumnScale(columns)};
      if (panels.zero)
        tiles.push_back(weight->loadZeroCode(columns));
      Value peak = emitter.map(tiles, real, [&](OpBuilder &builder, ValueRange scalars) -> Value {
        Location loc = emitter.loc;
        auto distance = [&](int64_t from) -> Value {
          Value point = arith::MulIOp::create(builder, loc, scalars[2], makeInteger(builder, loc, values.zeroUnits()));
          Value less = arith::SubIOp::create(builder, loc, makeInteger(builder, loc, from), point);
          Value asReal = arith::SIToFPOp::create(builder, loc, real, less);
          return math::AbsFOp::create(builder, loc, asReal);
        };
        Value extent = panels.zero ? arith::MaxNumFOp::create(builder, loc, distance(low), distance(high)).getResult()
                                   : makeReal(builder, loc, static_cast<double>(farthest));
        Value scale = math::AbsFOp::create(builder, loc, scalars[1]);
        Value magnitude = arith::MulFOp::create(builder, loc, scale, extent);
        return arith::MaxNumFOp::create(builder, loc, scalars[0], magnitude);
      });
      return KernelEmitter::Carried{peak};
    };
    Value none = emitter.fill(emitter.builder.getF32FloatAttr(0), {1, panel});
    auto peak = emitter.fold(zero, emitter.constant(panels.groups()), one, none, addGroup);
    if (failed(peak))
      return failure();
    TileWindow window = columnsAt(column, panel);
    Value scale = emitter.map((*peak)[0], real, [&](OpBuilder &builder, ValueRange scalars) -> Value {
      Value share = makeReal(builder, emitter.loc, values.unit / greatestByte);
      Value scaled = arith::MulFOp::create(builder, emitter.loc, scalars[0], share);
      Value least = makeReal(builder, emitter.loc, RescaledCodes::leastScale);
      return arith::MaxNumFOp::create(builder, emitter.loc, scaled, least);
    });
    emitter.storeTile(scale, unpacking.columnScales, window);
    Value inverse = emitter.map(scale, real, [&](OpBuilder &builder, ValueRange scalars) -> Value {
      return arith::DivFOp::create(builder, emitter.loc, makeReal(builder, emitter.loc, fixedUnits * values.unit),
                                   scalars[0]);
    });
    emitter.storeTile(inverse, unpacking.rescaling, window);
    return success();
  });
}

/// Where what belongs to columns of the item lies.
TileWindow CodedEmission::columnsAt(Value column, int64_t count) {
  TileWindow window;
  window.indices = {emitter.sub(column, unpacking.firstColumn)};
  window.shape = {1, count};
  window.dims = {-1, 0};
  window.steps = {1, 1};
  return window;
}

/// Factors and offsets of lutra.tile_rescale, of groups and panels of a turn.
Value CodedEmission::viewRescaling(Type element) {
  int64_t groups = llvm::divideCeil(unpacking.depth, weight->getPanels().group);
  constexpr int64_t kinds = 2;
  int64_t length = rowBytes * 8 / element.getIntOrFloatBitWidth(), count = groups * unpacking.panels;
  auto type = MemRefType::get({count, kinds, length}, element);
  if (!unpacking.factors)
    unpacking.factors = makeScratch(emitter, {count * kinds * rowBytes}, emitter.builder.getI8Type());
  Value none = emitter.constant(0);
  return memref::ViewOp::create(emitter.builder, emitter.loc, type, unpacking.factors, none, ValueRange());
}

/// Computes them: entry * factor + offset is a byte, raised where it has no sign, and half a unit.
LogicalResult CodedEmission::prepareRescaling(const PanelBlock &block, const Depth &part) {
  KernelEmitter::Scope scope(emitter);
  Type real = emitter.builder.getF32Type(), wide = emitter.builder.getI32Type();
  const EncodedPanels &panels = weight->getPanels();
  Value view = viewRescaling(wide), firstGroup = emitter.div(part.low, emitter.constant(panels.group));
  Value firstPanel = emitter.div(block.column, emitter.constant(panel));
  auto multiplied = [&](OpBuilder &builder, Value value, int64_t by) -> Value {
    return arith::MulIOp::create(builder, emitter.loc, value, makeInteger(builder, emitter.loc, by));
  };
  auto twice = [&](OpBuilder &builder, Value value) -> Value { // in both halves
    Value low = arith::AndIOp::create(builder, emitter.loc, value, makeInteger(builder, emitter.loc, 0xFFFF));
    Value high = arith::ShLIOp::create(builder, emitter.loc, value, makeInteger(builder, emitter.loc, 16));
    return arith::OrIOp::create(builder, emitter.loc, low, high);
  };
  auto prepare = [&](Value index, int64_t next) {
    EncodedRhs::Place columns{emitter.add(firstPanel, emitter.constant(next)), emitter.add(firstGroup, index),
                              {1, panel}, {-1, 2}};
    Value column = emitter.mul(columns.panel, emitter.constant(panel));
    Value inverse = emitter.loadTile(unpacking.rescaling, columnsAt(column, panel), real);
    Value units = emitter.map({loadColumnScale(columns), inverse}, wide, [&](OpBuilder &builder, ValueRange scalars) {
      Value scaled = arith::MulFOp::create(builder, emitter.loc, scalars[0], scalars[1]);
      Value rounded = math::RoundEvenOp::create(builder, emitter.loc, scaled);
      return arith::FPToSIOp::create(builder, emitter.loc, wide, rounded).getResult();
    });
    SmallVector<Value> tiles{units};
    if (panels.zero)
      tiles.push_back(weight->loadZeroCode(columns));
    Value factors = emitter.map(units, wide, [&](OpBuilder &builder, ValueRange scalars) {
      return twice(builder, multiplied(builder, scalars[0], values.factor));
    });
    Value offsets = emitter.map(tiles, wide, [&](OpBuilder &builder, ValueRange scalars) {
      Value less = makeInteger(builder, emitter.loc, values.bias);
      if (panels.zero)
        less = arith::AddIOp::create(builder, emitter.loc, less, multiplied(builder, scalars[1], values.zeroUnits()));
      less = arith::MulIOp::create(builder, emitter.loc, less, scalars[0]);
      constexpr auto half = static_cast<int64_t>(fixedUnits / 2), unit = static_cast<int64_t>(fixedUnits);
      Value raised = makeInteger(builder, emitter.loc, half + (unpacking.isSigned ? 0 : byteOffset * unit));
      Value offset = arith::SubIOp::create(builder, emitter.loc, raised, less);
      return twice(builder, offset);
    });
    emitter.storeTile(factors, view, rescalingAt(index, next, 0, panel));
    emitter.storeTile(offsets, view, rescalingAt(index, next, 1, panel));
  };
  Value count = emitter.constant(llvm::divideCeil(part.size, panels.group));
  return emitter.forEach(emitter.constant(0), count, emitter.constant(1), [&](Value index) {
    for (int64_t next = 0; next < block.panels; ++next)
      prepare(index, next);
    return success();
  });
}

TileWindow CodedEmission::rescalingAt(Value group, int64_t next, int64_t kind, int64_t length) {
  Value row = emitter.add(emitter.mul(group, emitter.constant(unpacking.panels)), emitter.constant(next));
  TileWindow window;
  window.indices = {row, emitter.constant(kind), emitter.constant(0)};
  window.shape = {1, length};
  window.dims = {-1, 2};
  window.steps = {1, 1};
  return window;
}

/// The entries of panel number `next` of a turn, some steps of K after its first.
Value CodedEmission::rescale(Value entries, int64_t next, Value steps) {
  Type narrow = emitter.builder.getI16Type();
  Value view = viewRescaling(narrow), group = emitter.div(steps, emitter.constant(weight->getPanels().group));
  Value factors = emitter.loadTile(view, rescalingAt(group, next, 0, rowBytes / 2), narrow);
  Value offsets = emitter.loadTile(view, rescalingAt(group, next, 1, rowBytes / 2), narrow);
  return TileRescaleOp::create(emitter.builder, emitter.loc, entries, factors, offsets);
}

/// Sums of rescaled codes times the scales of their columns and rows.
Value CodedEmission::scaleColumns(const ProductSpot &spot, Value sum) {
  Type real = emitter.builder.getF32Type();
  Value columnScales = emitter.loadTile(unpacking.columnScales, columnsAt(spot.column, spot.columns), real);
  Value rowScales = loadOfRows(spot, unpacking.scales, {emitter.constant(0), emitter.sub(spot.row, rows.low)}, 1);
  SmallVector<Value> tiles{lowerSums(spot, sum), columnScales, rowScales};
  return emitter.map(tiles, real, [&](OpBuilder &builder, ValueRange scalars) -> Value {
    Value value = arith::SIToFPOp::create(builder, emitter.loc, real, scalars[0]);
    value = arith::MulFOp::create(builder, emitter.loc, value, scalars[1]);
    return arith::MulFOp::create(builder, emitter.loc, value, scalars[2]);
  });
}
