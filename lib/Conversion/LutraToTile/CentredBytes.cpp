//===- CentredBytes.cpp - zero points of a product of two computed operands --------===//
#include "CentredBytes.h"

#include "lutra/Support/BytePanels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace lutra;

bool CentredBytes::isUnsigned(const CentredCodes &side) {
  return cast<RankedTensorType>(side.codes.getType()).getElementType().isUnsignedInteger();
}

/// What factors are more than codes: those without a sign, and those with one.
static int64_t getShift(ByteForm form, bool isUnsigned) {
  if (form == ByteForm::Raised)
    return isUnsigned ? 0 : bytePanelBias;
  return form == ByteForm::Masked && isUnsigned ? -bytePanelBias : 0;
}

CentredBytes::CentredBytes(KernelEmitter &emitter, ByteForm form, const CentredCodes &left, const CentredCodes &right)
    : emitter(emitter), form(form), left(left), right(right) {
  a = readZero(left, getShift(form, isUnsigned(left)));
  b = readZero(right, isUnsigned(right) ? -bytePanelBias : 0);
}

CentredBytes::Zero CentredBytes::readZero(const CentredCodes &side, int64_t shift) {
  if (std::optional<int64_t> known = side.getKnownZero())
    return {shift + *known, Value()};
  auto type = cast<RankedTensorType>(side.zero.getType());
  OpBuilder &builder = emitter.builder;
  Type i32 = builder.getI32Type();
  FailureOr<Value> point =
      emitter.emitElement(side.zero, SmallVector<Value>(type.getRank(), emitter.constant(0)));
  assert(succeeded(point) && "single elements can be computed");
  Value wide = widenOperand(builder, emitter.loc, *point, type.getElementType(), i32);
  Value distance = arith::ConstantOp::create(builder, emitter.loc, builder.getI32IntegerAttr(shift));
  return {std::nullopt, emitter.fill(arith::AddIOp::create(builder, emitter.loc, wide, distance), {})};
}

Value CentredBytes::tileOf(const Zero &zero) {
  return zero.known ? emitter.fill(emitter.builder.getI32IntegerAttr(*zero.known), {}) : zero.value;
}

Value CentredBytes::combine(ValueRange tiles, llvm::function_ref<Value(OpBuilder &, ValueRange)> body) {
  return emitter.map(tiles, emitter.builder.getI32Type(), body);
}

void CentredBytes::makeBuffers(int64_t height, int64_t width, int64_t depth) {
  Builder &builder = emitter.builder;
  Type i8 = builder.getI8Type(), i32 = builder.getI32Type();
  int64_t words = depth / bytePanelDepth;
  panels = makeScratch(emitter, {width / bytePanelWidth, words, bytePanelWidth, bytePanelDepth}, i8);
  if (sumsColumns()) {
    columnSums = makeScratch(emitter, {width}, i32);
    oneRow = form == ByteForm::Masked ? makeScratch(emitter, {1, 2 * words}, i32)
                                      : makeScratch(emitter, {1, depth}, i8);
  }
  if (sumsRows()) {
    rowSums = makeScratch(emitter, {height, bytePanelWidth}, i32);
    onePanel = makeScratch(emitter, {1, words, bytePanelWidth, bytePanelDepth}, i8);
  }
}

LogicalResult CentredBytes::begin() {
  Builder &builder = emitter.builder;
  Value zero = emitter.constant(0), one = emitter.constant(1);
  if (sumsRows()) {
    Value line = emitter.fill(builder.getI8IntegerAttr(1), {bytePanelWidth, bytePanelDepth});
    Value words = emitter.constant(cast<MemRefType>(onePanel.getType()).getDimSize(1));
    if (failed(emitter.forEach(zero, words, one, [&](Value word) {
          TileWindow window;
          window.indices = {zero, word, zero, zero};
          window.shape = {bytePanelWidth, bytePanelDepth};
          window.dims = {2, 3};
          window.steps = {1, 1};
          emitter.storeTile(line, onePanel, window);
          return success();
        })))
      return failure();
    Value none = emitter.fill(builder.getI32IntegerAttr(0), {bytePanelWidth});
    Value height = emitter.constant(cast<MemRefType>(rowSums.getType()).getDimSize(0));
    if (failed(emitter.forEach(zero, height, one, [&](Value row) {
          emitter.storeTile(none, rowSums, TileWindow::row({row, zero}, 1, bytePanelWidth));
          return success();
        })))
      return failure();
  }
  if (!sumsColumns())
    return success();
  auto rowType = cast<MemRefType>(oneRow.getType());
  bool isMasked = form == ByteForm::Masked;
  int64_t size = isMasked ? 2 : bytePanelDepth;
  if (failed(emitter.forEach(zero, emitter.constant(rowType.getDimSize(1)), emitter.constant(size), [&](Value at) {
        if (!isMasked) {
          emitter.storeTile(emitter.fill(builder.getI8IntegerAttr(1), {size}), oneRow,
                            TileWindow::row({zero, at}, 1, size));
          return success();
        }
        auto store = [&](int32_t value, Value place) { // a word of magnitudes, and its mask
          Value scalar = arith::ConstantOp::create(emitter.builder, emitter.loc, builder.getI32IntegerAttr(value));
          emitter.storeElement(scalar, oneRow, {zero, place});
        };
        store(0x01010101, at);
        store(0, emitter.add(at, one));
        return success();
      })))
    return failure();
  Value none = emitter.fill(builder.getI32IntegerAttr(0), {bytePanelWidth});
  Value width = emitter.constant(cast<MemRefType>(columnSums.getType()).getDimSize(0));
  return emitter.forEach(zero, width, emitter.constant(bytePanelWidth), [&](Value column) {
    emitter.storeTile(none, columnSums, TileWindow::row({column}, 0, bytePanelWidth));
    return success();
  });
}

/// The sums of one panel, as a tile of one row.
static TileWindow columnsOf(KernelEmitter &emitter, Value panel) {
  TileWindow window;
  window.indices = {emitter.mul(panel, emitter.constant(bytePanelWidth))};
  window.shape = {1, bytePanelWidth};
  window.dims = {-1, 0};
  window.steps = {1, 1};
  return window;
}

LogicalResult CentredBytes::addColumns(Value count, Value depth) {
  if (!sumsColumns())
    return success();
  Value zero = emitter.constant(0);
  return emitter.forEach(zero, count, emitter.constant(1), [&](Value panel) {
    TileWindow window = columnsOf(emitter, panel);
    Value sums = emitter.loadTile(columnSums, window, emitter.builder.getI32Type());
    bool isMasked = form == ByteForm::Masked;
    Value more = TileCodedMatmulOp::create(emitter.builder, emitter.loc, sums.getType(), oneRow,
                                           ValueRange{zero, zero}, panels, ValueRange{panel, zero}, sums, depth,
                                           Value(), /*bits=*/8, /*lhs_row_dim=*/0, /*offset=*/0, nullptr,
                                           /*special_code=*/-1, /*limit=*/-1, /*signed_codes=*/!isMasked,
                                           /*unsigned_lhs=*/!isMasked);
    emitter.storeTile(more, columnSums, window);
    return success();
  });
}

LogicalResult CentredBytes::scaleColumns(Value count, Value k) {
  if (!sumsColumns())
    return success();
  OpBuilder &builder = emitter.builder;
  Value steps = arith::IndexCastOp::create(builder, emitter.loc, builder.getI32Type(), k);
  Value first = tileOf(a), second = tileOf(b), all = emitter.fill(steps, {});
  Value product = combine({first, second, all}, [&](OpBuilder &b, ValueRange v) -> Value {
    return arith::MulIOp::create(b, emitter.loc, arith::MulIOp::create(b, emitter.loc, v[0], v[1]), v[2]);
  });
  return emitter.forEach(emitter.constant(0), count, emitter.constant(1), [&](Value panel) {
    TileWindow window = TileWindow::row({emitter.mul(panel, emitter.constant(bytePanelWidth))}, 0, bytePanelWidth);
    Value sums = emitter.loadTile(columnSums, window, emitter.builder.getI32Type());
    Value scaled = combine({sums, first, product}, [&](OpBuilder &b, ValueRange v) -> Value {
      return arith::SubIOp::create(b, emitter.loc, v[2], arith::MulIOp::create(b, emitter.loc, v[0], v[1]));
    });
    emitter.storeTile(scaled, columnSums, window);
    return success();
  });
}

Value CentredBytes::scaleRows(Value sums) {
  return combine({sums, tileOf(b)}, [&](OpBuilder &b, ValueRange v) -> Value {
    Value none = arith::ConstantOp::create(b, emitter.loc, b.getI32IntegerAttr(0));
    return arith::SubIOp::create(b, emitter.loc, none, arith::MulIOp::create(b, emitter.loc, v[0], v[1]));
  });
}

Value CentredBytes::complete(Value sums, Value row, Value column) {
  ArrayRef<int64_t> shape = cast<TileType>(sums.getType()).getShape();
  Type i32 = emitter.builder.getI32Type();
  SmallVector<Value> tiles{sums};
  if (sumsColumns()) {
    TileWindow window;
    window.indices = {column};
    window.shape = {1, shape[1]};
    window.dims = {-1, 0};
    window.steps = {1, 1};
    tiles.push_back(emitter.loadTile(columnSums, window, i32));
  }
  if (sumsRows()) {
    TileWindow window;
    window.indices = {row, emitter.constant(0)};
    window.shape = {shape[0], 1};
    window.dims = {shape[0] == 1 ? -1 : 0, -1};
    window.steps = {1, 1};
    tiles.push_back(emitter.loadTile(rowSums, window, i32));
  }
  if (tiles.size() == 1)
    return sums;
  return combine(tiles, [&](OpBuilder &b, ValueRange v) -> Value {
    Value total = v[0];
    for (Value more : v.drop_front())
      total = arith::AddIOp::create(b, emitter.loc, total, more);
    return total;
  });
}
