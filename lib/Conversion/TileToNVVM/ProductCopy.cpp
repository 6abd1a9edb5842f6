//===- ProductCopy.cpp - operand blocks from global to shared memory -------===//
#include "ProductEmitter.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lutra {

void ProductEmitter::copyBlock(Value stage, Value depthStart) {
  for (const Operand *operand : {&lhs, &rhs})
    if (operand->form == Form::Transposed)
      copyTransposed(*operand, stage, depthStart);
    else
      copyRows(*operand, stage, depthStart);
}

Value ProductEmitter::countBytes(const Operand &operand, Value limit, Value position,
                                 int64_t limitDivisor, Value also) {
  int64_t perGranule = operand.granule / elementBytes;
  Value none = block.i32(0), bytes = block.i32(operand.granule);
  Value inside;
  if (limit && limitDivisor < perGranule) { // the last granule may be cut
    Value left = arith::SubIOp::create(at, limit, position);
    left = block.mul(left, block.i32(elementBytes));
    left = arith::MaxSIOp::create(at, left, none);
    bytes = arith::MinSIOp::create(at, left, bytes);
  } else if (limit) {
    inside = arith::CmpIOp::create(at, arith::CmpIPredicate::slt, position, limit);
  }
  if (also)
    inside = inside ? Value(arith::AndIOp::create(at, inside, also)) : also;
  if (inside)
    return arith::SelectOp::create(at, inside, bytes, none);
  return limit ? bytes : Value();
}

void ProductEmitter::copyGranule(const Operand &operand, Value to, Value from, Value bytes) {
  if (operand.granule >= 4) {
    auto cache = operand.granule == 16 ? NVVM::LoadCacheModifierKind::CG
                                       : NVVM::LoadCacheModifierKind::CA;
    NVVM::CpAsyncOp::create(at, block.sharedPointer(to), from,
                            at.getI32IntegerAttr(operand.granule),
                            NVVM::LoadCacheModifierKindAttr::get(at.getContext(), cache), bytes);
    return;
  }
  Value predicate;
  if (bytes)
    predicate = arith::CmpIOp::create(at, arith::CmpIPredicate::ne, bytes, block.i32(0));
  SmallVector<Value> values;
  block.loadVector(from, predicate, operand.element, operand.granule / elementBytes, values);
  for (auto [position, value] : llvm::enumerate(values))
    LLVM::StoreOp::create(at, value,
                          block.offsetPointer(block.sharedPointer(to), operand.element,
                                              block.i32(position)));
}

/// Rows of 128 bytes: thread t copies granule t % n of row t / n, then of the rows 128 / n further on, n being the
/// granules of a row.
void ProductEmitter::copyRows(const Operand &operand, Value stage, Value depthStart) {
  int64_t granule = operand.granule, perRow = SwizzledRows::rowBytes / granule;
  int64_t rowsPerStep = nvgpuBlockThreads / perRow, perGranule = granule / elementBytes;
  Value position = block.bitAnd(block.thread, perRow - 1);
  Value firstRow = block.shiftRight(block.thread, llvm::Log2_64(perRow));
  Value byte = block.mul(position, block.i32(granule));
  Value chunk = block.shiftRight(byte, 4);
  Value permuted = at.createOrFold<arith::XOrIOp>(chunk, block.bitAnd(firstRow, 7));
  Value threadByte =
      block.add(block.mul(firstRow, block.i32(SwizzledRows::rowBytes)), block.bitAnd(byte, 15));
  Value element = block.mul(position, block.i32(perGranule));
  Value to = block.add(stage, block.add(threadByte, block.i32(operand.stageOffset)));
  bool columnRows = operand.form == Form::ColumnRows;

  Value depthPosition = block.add(depthStart, element); // of a depth row's granule
  for (int64_t row = 0; row < operand.rows; row += rowsPerStep) {
    Value bytes, from;
    if (columnRows) {
      // Row `row` of the stage: depth row % blockDepth of column group row / blockDepth.
      int64_t group = row / blockDepth * (SwizzledRows::rowBytes / elementBytes);
      Value depthRow = block.add(depthStart, block.add(firstRow, block.i32(row % blockDepth)));
      Value column = block.add(element, block.i32(group));
      Value exists;
      if (!wholeBlocks)
        exists = arith::CmpIOp::create(at, arith::CmpIPredicate::slt, depthRow, depth);
      bytes = countBytes(operand, operand.rowBound, column, operand.boundDivisor, exists);
      from = block.add(block.mul(depthRow, operand.stride), column);
    } else {
      Value tileRow = block.add(firstRow, block.i32(row));
      Value exists;
      if (operand.rowBound)
        exists = arith::CmpIOp::create(at, arith::CmpIPredicate::slt, tileRow, operand.rowBound);
      bytes = countBytes(operand, wholeBlocks ? Value() : depth, depthPosition, depthDivisor, exists);
      from = block.add(block.mul(tileRow, operand.stride), depthPosition);
    }
    Value place = at.createOrFold<arith::XOrIOp>(permuted, block.i32(row & 7));
    Value offset = block.add(block.shiftLeft(place, 4), block.i32(row * SwizzledRows::rowBytes));
    copyGranule(operand, block.add(to, offset),
                block.offsetPointer(operand.base, operand.element, from), bytes);
  }
}

/// Single elements: the low bits of the thread run inside a chunk of depth, the next three over
/// eight columns, the rest over chunks. Eight columns are eight different chunk places, so that
/// the 32 words of a warp fall into 32 banks.
void ProductEmitter::copyTransposed(const Operand &operand, Value stage, Value depthStart) {
  int64_t insideBits = llvm::Log2_64(SwizzledRows::chunkBytes / elementBytes);
  int64_t chunkBits = llvm::Log2_64(nvgpuBlockThreads) - 3 - insideBits;
  Value inside = block.bitAnd(block.thread, (1 << insideBits) - 1);
  Value column = block.bitAnd(block.shiftRight(block.thread, insideBits), 7);
  Value chunk = block.shiftRight(block.thread, insideBits + 3);
  Value threadDepth = block.add(block.shiftLeft(chunk, insideBits), inside);
  Value permuted = at.createOrFold<arith::XOrIOp>(chunk, column);
  Value to = block.add(block.mul(column, block.i32(SwizzledRows::rowBytes)),
                       block.mul(inside, block.i32(elementBytes)));
  to = block.add(stage, block.add(to, block.i32(operand.stageOffset)));
  int64_t chunks = SwizzledRows::rowBytes / SwizzledRows::chunkBytes;
  for (int64_t chunkStep = 0; chunkStep < chunks; chunkStep += int64_t(1) << chunkBits) {
    Value position = block.add(depthStart, block.add(threadDepth, block.i32(chunkStep << insideBits)));
    Value depthExists;
    if (!wholeBlocks)
      depthExists = arith::CmpIOp::create(at, arith::CmpIPredicate::slt, position, depth);
    Value memoryRow = block.mul(position, operand.stride);
    Value place =
        block.shiftLeft(at.createOrFold<arith::XOrIOp>(permuted, block.i32(chunkStep)), 4);
    for (int64_t step = 0; step < operand.rows; step += 8) {
      Value tileColumn = block.add(column, block.i32(step));
      Value bytes = countBytes(operand, operand.rowBound, tileColumn, 1, depthExists);
      Value from = block.offsetPointer(operand.base, operand.element, block.add(memoryRow, tileColumn));
      copyGranule(operand,
                  block.add(to, block.add(place, block.i32(step * SwizzledRows::rowBytes))), from,
                  bytes);
    }
  }
}

} // namespace lutra
