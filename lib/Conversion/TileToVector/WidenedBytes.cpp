//===- WidenedBytes.cpp - bytes with a sign times bytes without, by pairs ------===//
// vpmaddubsw would saturate. Even and odd bytes of a word become 16 bits, so that each sum stays in its lane:
//
//   for step:
//     even[c] = (words(c) << 8) >> 8;  odd[c] = words(c) >> 8                 arithmetic, in lanes of 16 bits
//     x[r] = broadcast(load lhs(r, 4 neighbours))
//     wide[r][c] += pmaddwd(even[c], x[r] & 255) + pmaddwd(odd[c], x[r] >> 8)
#include "WidenedBytes.h"

#include "CodedTile.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lutra;

namespace {
class WidenedEmitter : public CodedTile {
public:
  WidenedEmitter(OpBuilder &builder, TileCodedMatmulOp op) : CodedTile(builder, op, Vectors{32}) {}
  Values emit(ValueRange accumulator);

private:
  Value lanes(Value words) { return vector::BitCastOp::create(builder, loc, narrowType, words); }
  void addStep(Value step, Values &sums);
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

SmallVector<Value> lutra::emitWidenedProduct(OpBuilder &builder, TileCodedMatmulOp op, ValueRange accumulator) {
  WidenedEmitter emitter(builder, op);
  emitter.prepare(/*specialRow=*/Value());
  return emitter.emit(accumulator);
}
