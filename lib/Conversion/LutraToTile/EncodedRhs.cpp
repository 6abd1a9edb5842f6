//===- EncodedRhs.cpp - encoded weights as panels of floats -------------------===//
// (code + offset - zero point) * scale, computed as lutra.decode means it: codes and integer zero points are exact in
// f32, their product with the scale is rounded once.
#include "EncodedRhs.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include <cmath>
#include <numeric>

using namespace mlir;

namespace lutra {

int64_t decodedDepth(const Encoding &encoding) {
  if (encoding.terms.size() != 1 || encoding.terms.front().kind != EncodingTerm::Dense)
    return 0;
  const CodeForm &code = encoding.terms.front().formats.front().code;
  bool isInteger = code.kind == CodeForm::Uint || code.kind == CodeForm::Int;
  return isInteger && code.codeBits() <= 8 && 8 % code.codeBits() == 0 ? 8 / code.codeBits() : 0;
}

std::string findSideObstacle(const EncodedPanels &panels) {
  const std::optional<SideType> &scale = panels.scale, &zero = panels.zero;
  if (scale && scale->kind != SideType::F32 && scale->kind != SideType::F16 && scale->kind != SideType::BF16)
    return "takes scales of f32, f16 and bf16 alone";
  if (zero && (zero->kind != SideType::Uint || zero->width > 8))
    return "takes zero points of up to 8 bits without a sign alone";
  return {};
}

std::string findDecodeObstacle(RankedTensorType type, int64_t width) {
  const Encoding &encoding = cast<EncodingAttr>(type.getEncoding()).getValue();
  int64_t depth = decodedDepth(encoding);
  if (depth == 0)
    return "takes one dense term of codes of 1, 2, 4 or 8 bits alone";
  llvm::Expected<EncodedPanels> panels =
      EncodedPanels::of(encoding, type.getShape().front(), type.getShape().back(), width, depth);
  if (!panels)
    return llvm::toString(panels.takeError());
  if (std::string why = findSideObstacle(*panels); !why.empty())
    return why;
  // Halves are exact beside codes of 8 bits.
  if (std::abs(panels->offset) > 65536 || panels->offset * 2 != std::round(panels->offset * 2))
    return "takes constant zero points that are multiples of a half alone";
  if (panels->group < type.getShape().back() && panels->group % 8 != 0)
    return "takes groups of multiples of 8 along K alone";
  return {};
}

EncodedRhs::EncodedRhs(KernelEmitter &kernelEmitter, RankedTensorType type, Value buffer) : emitter(kernelEmitter) {
  auto encoding = cast<EncodingAttr>(type.getEncoding());
  PackingAttr packing = encoding.getPacking();
  panels = llvm::cantFail(EncodedPanels::of(encoding.getValue(), type.getShape().front(), type.getShape().back(),
                                            packing.getWidth(), packing.getDepth()));
  OpBuilder &builder = emitter.builder;
  auto view = [&](int64_t offset, ArrayRef<int64_t> shape, Type element) -> Value {
    return memref::ViewOp::create(builder, emitter.loc, MemRefType::get(shape, element), buffer,
                                  emitter.constant(offset), ValueRange());
  };
  Type byte = builder.getI8Type();
  steps = view(0, {panels.panels(), panels.steps(), panels.width * panels.stepBytes()}, byte);
  codes = view(0, {panels.panels(), panels.steps(), panels.width, panels.stepBytes()}, byte);
  auto sideView = [&](const std::optional<SideType> &side, int64_t offset) -> Value {
    if (!side)
      return {};
    Type element = side->kind == SideType::F32    ? Type(builder.getF32Type())
                   : side->kind == SideType::F16  ? Type(builder.getF16Type())
                   : side->kind == SideType::BF16 ? Type(builder.getBF16Type())
                                                  : byte;
    return view(offset, {panels.panels(), panels.groups(), panels.width}, element);
  };
  scales = sideView(panels.scale, panels.scalesAt);
  zeros = sideView(panels.zero, panels.zerosAt);
}

int64_t EncodedRhs::getStep(int64_t block) const {
  return panels.groups() == 1 ? llvm::alignTo(block, panels.depth) : std::gcd(block, panels.group);
}

Value EncodedRhs::loadScale(const TileWindow &window) { return loadSide(scales, window); }

Value EncodedRhs::loadZeroCode(const TileWindow &window) {
  Value tile = emitter.loadTile(zeros, window, emitter.builder.getI8Type());
  Type wide = emitter.builder.getI32Type();
  return emitter.map(tile, wide, [&](OpBuilder &builder, ValueRange scalars) -> Value {
    Value zero = arith::ExtUIOp::create(builder, emitter.loc, wide, scalars[0]);
    Value offset = arith::ConstantIntOp::create(builder, emitter.loc, wide, static_cast<int64_t>(panels.offset));
    return arith::SubIOp::create(builder, emitter.loc, zero, offset);
  });
}

/// Side values in f32.
Value EncodedRhs::loadSide(Value view, const TileWindow &window) {
  Type element = cast<MemRefType>(view.getType()).getElementType(), real = emitter.builder.getF32Type();
  Value tile = emitter.loadTile(view, window, element);
  if (element == real)
    return tile;
  return emitter.map(tile, real, [&](OpBuilder &builder, ValueRange scalars) -> Value {
    if (isa<FloatType>(element))
      return arith::ExtFOp::create(builder, emitter.loc, real, scalars[0]);
    Value wide = arith::ExtUIOp::create(builder, emitter.loc, builder.getI32Type(), scalars[0]);
    return arith::SIToFPOp::create(builder, emitter.loc, real, wide);
  });
}

/// The values of the codes number `field` of a step.
Value EncodedRhs::decode(Value bytes, int64_t field, Value scale, Value zero) {
  Type real = emitter.builder.getF32Type();
  SmallVector<Value> tiles{bytes};
  for (Value side : {scale, zero})
    if (side)
      tiles.push_back(side);
  return emitter.map(tiles, real, [&](OpBuilder &builder, ValueRange scalars) -> Value {
    Location loc = emitter.loc;
    auto number = [&](int64_t value) -> Value {
      return arith::ConstantIntOp::create(builder, loc, builder.getI32Type(), value);
    };
    // The field to the top of the word or its bottom, whichever fills in its sign.
    Value word = arith::ExtUIOp::create(builder, loc, builder.getI32Type(), scalars[0]);
    int64_t low = field * panels.bits;
    if (panels.isSigned) {
      word = arith::ShLIOp::create(builder, loc, word, number(32 - low - panels.bits));
      word = arith::ShRSIOp::create(builder, loc, word, number(32 - panels.bits));
    } else {
      if (low > 0)
        word = arith::ShRUIOp::create(builder, loc, word, number(low));
      if (low + panels.bits < 8)
        word = arith::AndIOp::create(builder, loc, word, number((1 << panels.bits) - 1));
    }
    Value value = arith::SIToFPOp::create(builder, loc, real, word);
    if (panels.offset != 0)
      value = arith::AddFOp::create(
          builder, loc, value, arith::ConstantOp::create(builder, loc, FloatAttr::get(real, panels.offset)));
    if (zero)
      value = arith::SubFOp::create(builder, loc, value, scalars[scale ? 2 : 1]);
    return scale ? arith::MulFOp::create(builder, loc, value, scalars[1]).getResult() : value;
  });
}

LogicalResult EncodedRhs::copy(Value panel, Value low, Value depth, int64_t step, Value scratch, Value to) {
  Value zero = emitter.constant(0), fields = emitter.constant(panels.depth);
  return emitter.forEach(zero, depth, emitter.constant(step), [&](Value at) {
    Value group = emitter.div(emitter.add(low, at), emitter.constant(panels.group));
    TileWindow side = TileWindow::row({panel, group, zero}, 2, panels.width);
    Value scale = panels.scale ? loadSide(scales, side) : Value();
    Value point = panels.zero ? loadSide(zeros, side) : Value();
    Value end = emitter.min(emitter.add(at, emitter.constant(step)), depth);
    return emitter.forEach(at, end, fields, [&](Value k) {
      Value place = emitter.div(emitter.add(low, k), fields);
      TileWindow stored = TileWindow::row({panel, place, zero}, 2, panels.width);
      Value bytes = emitter.loadTile(steps, stored, emitter.builder.getI8Type());
      for (int64_t field = 0; field < panels.depth; ++field) {
        TileWindow row = TileWindow::row({to, emitter.add(k, emitter.constant(field)), zero}, 2, panels.width);
        emitter.storeTile(decode(bytes, field, scale, point), scratch, row);
      }
      return success();
    });
  });
}

} // namespace lutra
