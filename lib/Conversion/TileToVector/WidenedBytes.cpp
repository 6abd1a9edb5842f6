//===- WidenedBytes.cpp - bytes with a sign times bytes without, by pairs ------===//
// vpmaddubsw would saturate. Even and odd bytes of a word become 16 bits, so that each sum stays in its lane:
//
//   for step:
//     even[c] = (words(c) << 8) >> 8;  odd[c] = words(c) >> 8                 arithmetic, in lanes of 16 bits
//     x[r] = broadcast(load lhs(r, 4 neighbours))
//     wide[r][c] += pmaddwd(even[c], x[r] & 255) + pmaddwd(odd[c], x[r] >> 8)
//
// Or rows are bytes with a sign and words magnitudes: an exclusive or with 128 makes x - 128, one with 127 makes
// 127 - x, so that w * x lacks 128 * w where w is not below 0, 127 * w where it is. Sums of two products, of magnitudes
// up to 128 with bytes from -128 to 127, lie between -2^15 and 2 * 128 * 127. What all rows of a column lack are the
// sums of a row of zeros, which are computed before the loop over tiles that meet the same words, and taken off once
// for all products that follow each other:
//
//   for step: magnitude[c] = |words(c)|;  mask[c] = words(c) < 0 ? 127 : 128
//     lacking[c] += pmaddwd(pmaddubsw(magnitude[c], mask[c]), 1)
//   for tile, for part c, for step:
//     wide[r][c] += pmaddwd(pmaddubsw(magnitude[c], broadcast(load lhs(r, 4 neighbours)) xor mask[c]), 1)
//   wide[r][c] -= lacking[c]
//
// Eight rows meet one vector of columns at a time: 35 operations for 256 products, of which 32 are the least; words
// that are widened for 4 rows by two vectors take 46. Zen 3, from the first level: 23.5 products of a clock (22.7 where
// a product is added before the next is computed), 20.4 of widened words, 21.5 where each tile computes what it lacks.
#include "WidenedBytes.h"

#include "CodedTile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lutra;

/// Of a tile that masks them: fewer take as many operations as those that are widened.
static constexpr int64_t leastMaskedRows = 5;

/// Vectors that are multiplied before any of the products is added.
static constexpr int64_t atOnce = 2;

namespace {
class WidenedEmitter : public CodedTile {
public:
  WidenedEmitter(OpBuilder &builder, TileCodedMatmulOp op) : CodedTile(builder, op, Vectors{32}) {}
  Values emit(ValueRange accumulator);

private:
  Value lanes(Value words) { return vector::BitCastOp::create(builder, loc, narrowType, words); }
  void addStep(Value step, Values &sums);
};

/// What becomes of words beside masked rows.
struct MaskedFactor {
  Value magnitude, mask;
};

/// Sums, by part of the columns, of a row of zeros that is masked.
class ZeroRow : public CodedWords {
public:
  ZeroRow(OpBuilder &builder, TileCodedMatmulOp op)
      : CodedWords(builder, op.getLoc(), CodeMeaning::of(op), op.getAcc().getType().getShape()[1], Vectors{32}) {}
  /// Added to `sums` for the product of `op`; nothing where the loop ahead has no iterations, for which there may be no
  /// words.
  Values emit(TileCodedMatmulOp op, scf::ForOp ahead, Values sums);
  Values zeros() { return Values(parts, splat(wideType, 0)); }
};

class MaskedRows : public CodedTile {
public:
  MaskedRows(OpBuilder &builder, TileCodedMatmulOp op) : CodedTile(builder, op, Vectors{32}) {}
  /// The sums of rows in one part of the columns with those of this product.
  Values emit(int64_t part, Values sums);
  /// The sums of rows, by row and part.
  Values split(ValueRange accumulator) { return splitRows(builder, loc, accumulator, wideType, parts); }
  Values join(ArrayRef<Value> sums, ValueRange accumulator) {
    return joinRows(builder, loc, sums, llvm::to_vector(accumulator.getTypes()), parts);
  }

private:
  void addStep(Value step, int64_t part, Values &sums);
};
} // namespace

void WidenedEmitter::addStep(Value step, Values &sums) {
  Value eight = splat(narrowType, 8), low = splat(narrowType, 0xFF);
  SmallVector<Values> words = loadWords(step);
  Values even, odd;
  for (int64_t part = 0; part < parts; ++part) {
    Value pairs = lanes(words[part].front());
    Value raised = arith::ShLIOp::create(builder, loc, pairs, eight);
    even.push_back(arith::ShRSIOp::create(builder, loc, raised, eight));
    odd.push_back(arith::ShRSIOp::create(builder, loc, pairs, eight));
  }
  for (int64_t row = 0; row < rows; ++row) {
    Value left = lanes(loadRow(step, row, /*field=*/0));
    Value first = arith::AndIOp::create(builder, loc, left, low);
    Value second = arith::ShRUIOp::create(builder, loc, left, eight);
    for (int64_t part = 0; part < parts; ++part) {
      Value &sum = sums[row * parts + part];
      sum = arith::AddIOp::create(builder, loc, sum,
                                  call("llvm.x86.avx2.pmadd.wd", wideType, {even[part], first}));
      sum = arith::AddIOp::create(builder, loc, sum,
                                  call("llvm.x86.avx2.pmadd.wd", wideType, {odd[part], second}));
    }
  }
}

SmallVector<Value> WidenedEmitter::emit(ValueRange accumulator) {
  Values sums = splitRows(builder, loc, accumulator, wideType, parts);
  Value steps = builder.createOrFold<arith::DivUIOp>(loc, op.getDepth(), index(op.getStepDepth()));
  sums = loop(steps, 1, sums, [&](Value step, Values &carried) { addStep(step, carried); });
  return joinRows(builder, loc, sums, llvm::to_vector(accumulator.getTypes()), parts);
}

static MaskedFactor factorOf(OpBuilder &builder, Location loc, Value word) {
  auto constant = [&](int64_t value) {
    auto bytes = DenseElementsAttr::get(cast<VectorType>(word.getType()), APInt(8, value, /*isSigned=*/true));
    return arith::ConstantOp::create(builder, loc, bytes).getResult();
  };
  Value magnitude = math::AbsIOp::create(builder, loc, word); // of -128, 128
  Value signs = arith::ShRSIOp::create(builder, loc, word, constant(7));
  return {magnitude, arith::XOrIOp::create(builder, loc, signs, constant(-128))};
}

SmallVector<Value> ZeroRow::emit(TileCodedMatmulOp op, scf::ForOp ahead, Values sums) {
  prepareCodes(op.getCodes(), op.getCodeIndices(), /*tableRow=*/Value());
  Value iterates = builder.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, ahead.getLowerBound(),
                                                       ahead.getUpperBound());
  Value depth = builder.createOrFold<arith::SelectOp>(loc, iterates, op.getDepth(), index(0));
  Value steps = builder.createOrFold<arith::DivUIOp>(loc, depth, index(op.getStepDepth()));
  return carryLoop(builder, loc, {index(0), steps, index(1)}, sums, [&](Value step, Values &carried) {
    SmallVector<Values> words = loadWords(step);
    for (int64_t part = 0; part < parts; ++part) {
      MaskedFactor factor = factorOf(builder, loc, words[part].front());
      Value pairs = call("llvm.x86.avx2.pmadd.ub.sw", narrowType, {factor.magnitude, factor.mask});
      Value fours = call("llvm.x86.avx2.pmadd.wd", wideType, {pairs, splat(narrowType, 1)});
      carried[part] = arith::AddIOp::create(builder, loc, carried[part], fours);
    }
  });
}

void MaskedRows::addStep(Value step, int64_t part, Values &sums) {
  Value word = vector::LoadOp::create(builder, loc, bytes, codes.buffer, addressOfWords(step, /*word=*/0, part));
  MaskedFactor factor = factorOf(builder, loc, word);
  Value one = splat(narrowType, 1);
  for (int64_t first = 0; first < rows; first += atOnce) {
    Values products;
    for (int64_t row = first; row < std::min(first + atOnce, rows); ++row)
      products.push_back(arith::XOrIOp::create(builder, loc, loadRow(step, row, /*field=*/0), factor.mask));
    for (Value &product : products)
      product = call("llvm.x86.avx2.pmadd.ub.sw", narrowType, {factor.magnitude, product});
    for (Value &product : products)
      product = call("llvm.x86.avx2.pmadd.wd", wideType, {product, one});
    for (auto [place, product] : llvm::enumerate(products)) {
      Value &sum = sums[first + static_cast<int64_t>(place)];
      sum = arith::AddIOp::create(builder, loc, sum, product);
    }
  }
}

SmallVector<Value> MaskedRows::emit(int64_t part, Values sums) {
  Value steps = builder.createOrFold<arith::DivUIOp>(loc, op.getDepth(), index(op.getStepDepth()));
  return loop(steps, 1, sums, [&](Value step, Values &carried) { addStep(step, part, carried); });
}

/// The loop around a product whose iterations all meet the same words of a weight; null: none.
static scf::ForOp findTileLoop(TileCodedMatmulOp op) {
  auto loop = dyn_cast<scf::ForOp>(op->getParentOp());
  auto weight = dyn_cast<BlockArgument>(op.getCodes()); // of the kernel, which writes no operand
  if (!loop || !weight || !isa<func::FuncOp>(weight.getOwner()->getParentOp()))
    return {};
  SmallVector<Value> operands(op.getCodeIndices());
  operands.push_back(op.getDepth());
  bool isSame = llvm::all_of(operands, [&](Value value) { return loop.isDefinedOutsideOfLoop(value); });
  return isSame ? loop : scf::ForOp();
}

static bool masksRows(TileCodedMatmulOp op) {
  return op.getSignedCodes() && op.getUnsignedLhs() && op.getAcc().getType().getShape()[0] >= leastMaskedRows &&
         findTileLoop(op);
}

/// Whether the sums of `op` are those with which alone `next` goes on, before anything else touches memory.
static bool precedes(TileCodedMatmulOp op, TileCodedMatmulOp next) {
  if (!op || !next || !op->hasOneUse() || next.getAcc() != op.getResult() || op->getBlock() != next->getBlock() ||
      !masksRows(op) || !masksRows(next))
    return false;
  for (Operation *between = op->getNextNode(); between != next; between = between->getNextNode())
    if (!isMemoryEffectFree(between))
      return false;
  return true;
}

/// The rows of the accumulator after products that follow each other, all of them in one part of the columns before the
/// next: sums of other parts would take registers in each loop.
static SmallVector<Value> emitMaskedProducts(OpBuilder &builder, ArrayRef<TileCodedMatmulOp> products,
                                             ValueRange accumulator) {
  scf::ForOp loop = findTileLoop(products.front());
  SmallVector<Value> lacking;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(loop);
    for (TileCodedMatmulOp product : products) {
      ZeroRow zeros(builder, product);
      lacking = zeros.emit(product, loop, lacking.empty() ? zeros.zeros() : lacking);
    }
  }
  SmallVector<MaskedRows, 0> rows;
  for (TileCodedMatmulOp product : products)
    rows.emplace_back(builder, product).prepare(/*tableRow=*/Value());
  SmallVector<Value> sums = rows.front().split(accumulator);
  int64_t parts = lacking.size();
  for (int64_t part = 0; part < parts; ++part) {
    SmallVector<Value> own;
    for (size_t place = part; place < sums.size(); place += parts)
      own.push_back(sums[place]);
    for (MaskedRows &product : rows)
      own = product.emit(part, own);
    for (auto [row, sum] : llvm::enumerate(own))
      sums[row * parts + part] = arith::SubIOp::create(builder, loop.getLoc(), sum, lacking[part]);
  }
  return rows.front().join(sums, accumulator);
}

SmallVector<Value> lutra::emitWidenedProduct(OpBuilder &builder, TileCodedMatmulOp op, ValueRange accumulator,
                                             bool mayMask) {
  if (mayMask && masksRows(op)) {
    if (op->hasOneUse() && precedes(op, dyn_cast<TileCodedMatmulOp>(*op->user_begin())))
      return llvm::to_vector(accumulator); // the last one multiplies all
    SmallVector<TileCodedMatmulOp> products{op};
    for (auto last = op.getAcc().getDefiningOp<TileCodedMatmulOp>(); precedes(last, products.back());
         last = last.getAcc().getDefiningOp<TileCodedMatmulOp>())
      products.push_back(last);
    std::reverse(products.begin(), products.end());
    return emitMaskedProducts(builder, products, accumulator);
  }
  WidenedEmitter emitter(builder, op);
  emitter.prepare(/*specialRow=*/Value());
  return emitter.emit(accumulator);
}
