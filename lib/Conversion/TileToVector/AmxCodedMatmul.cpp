//===- AmxCodedMatmul.cpp - products of tiles of bytes with AMX ---------------===//
#include "AmxCodedMatmul.h"

#include "TileMatmul.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include "llvm/ADT/SmallSet.h"

using namespace mlir;
using namespace lutra;

/// A pointer to the element of a buffer of integers that an operand begins with.
static Value pointerTo(OpBuilder &builder, Location loc, const FlatOperand &operand) {
  Value start = memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, operand.buffer);
  Value bytes = arith::ConstantIndexOp::create(builder, loc, operand.elementType.getIntOrFloatBitWidth() / 8);
  Value distance = builder.createOrFold<arith::MulIOp>(loc, operand.base, bytes);
  Value address = arith::AddIOp::create(builder, loc, start, distance);
  Value number = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), address);
  return LLVM::IntToPtrOp::create(builder, loc, LLVM::LLVMPointerType::get(builder.getContext()), number);
}

AmxTiles::Part AmxTiles::makePart(TileCodedMatmulOp product) {
  Type byte = builder.getI8Type();
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  FlatOperand rows = flattenOperand(builder, loc, product.getLhs(), product.getLhsIndices());
  FlatOperand panels = flattenOperand(builder, loc, product.getCodes(), product.getCodeIndices());
  Value rowStride = rows.strides[product.getLhsRowDim()];
  auto starts = [&](const FlatOperand &operand, Value distance, int64_t count) {
    Values all{pointerTo(builder, loc, operand)};
    for (int64_t i = 1; i < count; ++i)
      all.push_back(
          LLVM::GEPOp::create(builder, loc, pointer, byte, all.front(), ValueRange{toNumber(mul(distance, i))}));
    return all;
  };
  return {starts(rows, mul(rowStride, tileRows), down()), starts(panels, panels.strides[0], across()),
          toNumber(rowStride), *getConstantIntValue(product.getDepth())};
}

Value AmxTiles::at(Value base, Value distance) {
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  return LLVM::GEPOp::create(builder, loc, pointer, builder.getI8Type(), base, ValueRange{distance});
}

Value AmxTiles::load(int64_t tileHeight, int64_t rowBytes, Value from, Value stride, bool isStreamed) {
  Type tile = LLVM::LLVMX86AMXType::get(builder.getContext());
  const char *name = isStreamed ? "llvm.x86.tileloaddt164.internal" : "llvm.x86.tileloadd64.internal";
  return call(name, tile, {small(tileHeight), small(rowBytes), from, stride});
}

void AmxTiles::forTiles(const Block &block, const SumPlaces &places,
                        llvm::function_ref<void(int64_t index, Value place)> body) {
  for (int64_t row = 0; row < block.rows; ++row)
    for (int64_t column = 0; column < block.columns; ++column)
      body(row * block.columns + column, at(places.out, places.distance(block.row + row, block.column + column)));
}

/// Adds `depth` steps of K from `first` (i64) on.
void AmxTiles::addSteps(const Block &block, const Part &part, Values &sums, Value first, int64_t depth) {
  Type tile = LLVM::LLVMX86AMXType::get(builder.getContext()), wide = builder.getI64Type();
  std::string multiply = (Twine("llvm.x86.tdpb") + (op.getUnsignedLhs() ? "u" : "s") +
                          (op.getSignedCodes() ? "s" : "u") + "d.internal")
                             .str();
  int64_t most = stepsOf(part.depth);
  bool isStreamed = block.rows * block.columns > 2; // each tile of many rows is read once: entries stay in the cache
  Value line = number(wide, tileBytes);
  for (int64_t k = 0; k < depth; k += most) {
    int64_t size = std::min(most, depth - k);
    Value step = LLVM::AddOp::create(builder, loc, first, number(wide, k));
    Value word = LLVM::MulOp::create(builder, loc, step, number(wide, tileBytes / wordBytes));
    // The tiles of rows wait for those of columns, one of which is held at a time: eight registers hold all.
    Values left(block.rows);
    for (int64_t column = 0; column < block.columns; ++column) {
      Value right = load(size / wordBytes, tileBytes, at(part.rights[block.column + column], word), line);
      for (int64_t row = 0; row < block.rows; ++row) {
        if (column == 0)
          left[row] = load(height(), size, at(part.lefts[block.row + row], step), part.stride, isStreamed);
        Value &sum = sums[row * block.columns + column];
        sum = call(multiply, tile, {small(height()), small(tileBytes), small(size), sum, left[row], right});
      }
    }
  }
}

/// A register has one shape in all of a function: those of a last, smaller step leave none for a block of tiles.
std::vector<AmxTiles::Block> AmxTiles::getBlocks() {
  if (!isMixed)
    return {{0, down(), 0, across()}};
  std::vector<Block> blocks;
  for (int64_t row = 0; row < down(); ++row)
    for (int64_t column = 0; column < across(); ++column)
      blocks.push_back({row, 1, column, 1});
  return blocks;
}

SmallVector<Value> AmxTiles::start(const Block &block, const SumPlaces *places) {
  Type tile = LLVM::LLVMX86AMXType::get(builder.getContext());
  Values sums;
  if (places)
    forTiles(block, *places,
             [&](int64_t, Value from) { sums.push_back(load(height(), tileBytes, from, places->rowStride)); });
  else
    for (int64_t index = 0; index < block.rows * block.columns; ++index)
      sums.push_back(call("llvm.x86.tilezero.internal", tile, {small(height()), small(tileBytes)}));
  return sums;
}

void AmxTiles::multiply(const Block &block, TileCodedMatmulOp product, Values &sums) {
  Part part = makePart(product);
  int64_t turnDepth = turnTiles * stepsOf(part.depth);
  int64_t whole = part.depth <= straightDepth ? 0 : part.depth / turnDepth * turnDepth;
  if (whole > 0)
    sums = loop(index(whole), turnDepth, sums, [&](Value step, Values &carried) {
      addSteps(block, part, carried, toNumber(step), turnDepth);
    });
  addSteps(block, part, sums, number(builder.getI64Type(), whole), part.depth - whole);
}

void AmxTiles::store(const Block &block, ValueRange sums, const SumPlaces &places) {
  forTiles(block, places, [&](int64_t index, Value to) {
    LLVM::CallIntrinsicOp::create(builder, loc, builder.getStringAttr("llvm.x86.tilestored64.internal"),
                                  ValueRange{small(height()), small(tileBytes), to, places.rowStride, sums[index]});
  });
}

SmallVector<Value> AmxTiles::emit(ValueRange accumulator) {
  // Sums of tiles beside each other follow each other in memory.
  auto tileAt = [&](int64_t row, int64_t column) { return (row * across() + column) * height() * tileBytes; };
  FlatOperand buffer = flattenOperand(builder, loc, makeBuffer(tileAt(down(), 0)), ValueRange());
  SumPlaces places{pointerTo(builder, loc, buffer), number(builder.getI64Type(), tileBytes),
                   [&](int64_t row, int64_t column) { return number(builder.getI64Type(), tileAt(row, column)); }};
  for (const Block &block : getBlocks()) {
    Values sums = start(block, /*places=*/nullptr);
    for (TileCodedMatmulOp product : products)
      multiply(block, product, sums);
    store(block, sums, places);
  }
  Values totals, starts = splitRows(builder, loc, accumulator, wideType, parts);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t part = 0; part < parts; ++part) {
      int64_t from = tileAt(row / height(), part / panelParts) + row % height() * tileBytes +
                     part % panelParts * vectorBytes;
      Value read = vector::LoadOp::create(builder, loc, bytes, buffer.buffer, ValueRange{index(from)});
      Value sum = vector::BitCastOp::create(builder, loc, wideType, read);
      totals.push_back(arith::AddIOp::create(builder, loc, starts[row * parts + part], sum));
    }
  return joinRows(builder, loc, totals, llvm::to_vector(accumulator.getTypes()), parts);
}

AmxTiles::SumPlaces AmxTiles::placesAt(const FlatOperand &out, Value rowStride) {
  Value bytesOfRow = mul(rowStride, wordBytes); // the stride is in sums
  return {pointerTo(builder, loc, out), toNumber(bytesOfRow), [this, bytesOfRow](int64_t row, int64_t column) {
            return toNumber(add(mul(bytesOfRow, row * tileRows), index(column * tileBytes)));
          }};
}

/// Sums of tiles in memory, on the stack of the function.
Value AmxTiles::makeBuffer(int64_t size) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&op->getParentOfType<func::FuncOp>().getBody().front());
  auto type = MemRefType::get({size}, builder.getI8Type());
  return memref::AllocaOp::create(builder, loc, type, ValueRange(), builder.getI64IntegerAttr(64));
}

bool lutra::hasMixedDepths(Operation *function) {
  llvm::SmallSet<int64_t, 4> sizes; // of tiles along K
  function->walk([&](TileCodedMatmulOp op) {
    std::optional<int64_t> depth = getConstantIntValue(op.getDepth());
    if (!depth || op.getBits() != 8)
      return;
    int64_t steps = AmxTiles::stepsOf(*depth);
    if (*depth >= steps)
      sizes.insert(steps);
    if (int64_t rest = *depth % steps; rest > 0)
      sizes.insert(rest);
  });
  return sizes.size() > 1;
}
