//===- ProductCompute.cpp - tensor-core instructions over one stage --------===//
#include "ProductEmitter.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lutra {

/// Bytes of depth that one instruction consumes.
static constexpr int64_t stepBytes = 32;

SmallVector<Value> ProductEmitter::loadMatrices(Value byteOffset, bool transpose) {
  MLIRContext *context = at.getContext();
  Type word = at.getI32Type();
  Type four = LLVM::LLVMStructType::getLiteral(context, {word, word, word, word});
  Value loaded = NVVM::LdMatrixOp::create(
      at, four, block.sharedPointer(byteOffset), at.getI32IntegerAttr(4),
      NVVM::MMALayoutAttr::get(context, transpose ? NVVM::MMALayout::col : NVVM::MMALayout::row),
      NVVM::LdStMatrixShapeAttr::get(context, 8, 8),
      NVVM::LdStMatrixEltTypeAttr::get(context, NVVM::LdStMatrixEltType::B16));
  SmallVector<Value> words;
  for (int64_t index = 0; index < 4; ++index)
    words.push_back(LLVM::ExtractValueOp::create(at, loaded, index));
  return words;
}

/// Operands as the instruction wants them: f32 rounded to tf32 (nearest), f16 in pairs.
void ProductEmitter::roundOperands(SmallVectorImpl<Value> &words) {
  for (Value &word : words) {
    if (lhs.element.isF32())
      word = LLVM::InlineAsmOp::create(at, at.getI32Type(), word, "cvt.rna.tf32.f32 $0, $1;", "=r,r",
                                       /*has_side_effects=*/false, /*is_align_stack=*/false,
                                       LLVM::TailCallKind::None, LLVM::AsmDialectAttr{}, ArrayAttr{})
                 .getResult(0);
    else if (lhs.element.isF16())
      word = LLVM::BitcastOp::create(at, VectorType::get(2, at.getF16Type()), word);
  }
}

static NVVM::MMATypes getMmaType(Type element) {
  if (element.isF32())
    return NVVM::MMATypes::tf32;
  if (element.isF16())
    return NVVM::MMATypes::f16;
  return element.isBF16() ? NVVM::MMATypes::bf16 : NVVM::MMATypes::s8;
}

void ProductEmitter::multiplyWarps(Value stage, MutableArrayRef<Value> acc) {
  // The warp's corner of the tile and its number of blocks, from the accumulator's layout.
  int64_t rowBits = rows >= 32 ? 1 : 0, columnBits = blockWarpBits - rowBits;
  int64_t warpRows = rows >> rowBits, warpColumns = columns >> columnBits;
  Value warp = block.shiftRight(block.thread, 5), lane = block.bitAnd(block.thread, 31);
  Value rowOrigin = block.mul(block.shiftRight(warp, columnBits), block.i32(warpRows));
  Value columnOrigin =
      block.mul(block.bitAnd(warp, (1 << columnBits) - 1), block.i32(warpColumns));
  Value low3 = block.bitAnd(lane, 7), bit3 = block.bitAnd(block.shiftRight(lane, 3), 1);
  Value bit4 = block.shiftRight(lane, 4);
  constexpr int64_t pitch = SwizzledRows::rowBytes;

  bool columnRows = rhs.form == Form::ColumnRows;
  // lhs: lanes 0-15 address 16 rows, lanes 16-31 the next 16 bytes of them.
  Value lhsRow = block.add(rowOrigin, block.bitAnd(lane, 15));
  Value lhsBase = block.add(stage, block.mul(lhsRow, block.i32(pitch)));
  // rhs as rows of depth: 8 columns, their next 16 bytes, then 8 more columns.
  Value rhsRow = block.add(columnOrigin, block.add(low3, block.shiftLeft(bit4, 3)));
  Value rhsBase = block.add(stage, block.add(block.mul(rhsRow, block.i32(pitch)),
                                             block.i32(rhs.stageOffset)));
  for (int64_t step = 0; step < pitch / stepBytes; ++step) {
    Value lhsChunk = at.createOrFold<arith::XOrIOp>(block.add(bit4, block.i32(2 * step)), low3);
    Value lhsAddress = block.add(lhsBase, block.shiftLeft(lhsChunk, 4));
    SmallVector<SmallVector<Value>> a, b;
    for (int64_t row = 0; row < warpRows; row += 16) {
      a.push_back(loadMatrices(block.add(lhsAddress, block.i32(row * pitch)), false));
      roundOperands(a.back());
    }
    for (int64_t column = 0; column < warpColumns; column += 16) {
      Value address;
      if (columnRows) {
        // 16 rows of depth, transposed on the way; lanes 16-31 take the next 8 columns.
        Value first = block.add(columnOrigin, block.i32(column));
        Value depthRow = block.add(block.bitAnd(lane, 15), block.i32(step * stepBytes / elementBytes));
        Value group = block.shiftRight(first, 6);
        Value chunk = block.add(block.bitAnd(block.shiftRight(first, 3), 7), bit4);
        chunk = at.createOrFold<arith::XOrIOp>(chunk, low3);
        address = block.add(block.mul(group, block.i32(blockDepth * pitch)),
                            block.mul(depthRow, block.i32(pitch)));
        address = block.add(block.add(address, block.shiftLeft(chunk, 4)),
                            block.add(stage, block.i32(rhs.stageOffset)));
      } else {
        Value chunk = at.createOrFold<arith::XOrIOp>(block.add(bit3, block.i32(2 * step)), low3);
        address = block.add(block.add(rhsBase, block.shiftLeft(chunk, 4)), block.i32(column * pitch));
      }
      SmallVector<Value> words = loadMatrices(address, columnRows);
      roundOperands(words);
      b.push_back({words[0], words[1]});
      b.push_back({words[2], words[3]});
    }
    Type accumulator = acc.front().getType();
    Type result = LLVM::LLVMStructType::getLiteral(
        at.getContext(), {accumulator, accumulator, accumulator, accumulator});
    bool isInteger = accumulator.isInteger();
    NVVM::MMATypes type = getMmaType(lhs.element);
    for (auto [rowBlock, aWords] : llvm::enumerate(a))
      for (auto [columnBlock, bWords] : llvm::enumerate(b)) {
        MutableArrayRef<Value> c = acc.slice((rowBlock * b.size() + columnBlock) * 4, 4);
        SmallVector<Value> cWords(c.begin(), c.end());
        Value product = NVVM::MmaOp::create(
            at, result, ValueRange(aWords), ValueRange(bWords), ValueRange(cWords),
            ArrayRef<int64_t>{16, 8, stepBytes / elementBytes}, std::nullopt,
            isInteger ? std::optional(NVVM::MMAIntOverflow::wrapped) : std::nullopt,
            std::array<NVVM::MMATypes, 2>{type, type},
            std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row, NVVM::MMALayout::col});
        for (int64_t index = 0; index < 4; ++index)
          c[index] = LLVM::ExtractValueOp::create(at, product, index);
      }
  }
}

/// Shared-memory matrix descriptor, swizzle of 128 bytes. `leading` and `stride` are byte distances: of groups of
/// 64 columns (column rows only) and of groups of 8 rows.
Value ProductEmitter::descriptor(Value byteOffset, int64_t leading, int64_t stride) {
  Type wide = at.getI64Type();
  Value address = LLVM::PtrToIntOp::create(at, at.getI32Type(), block.sharedPointer(byteOffset));
  Value low = block.bitAnd(block.shiftRight(address, 4), 0x3fff);
  int64_t fixed = (leading / 16) << 16 | (stride / 16) << 32 | int64_t(1) << 62;
  Value constant = arith::ConstantOp::create(at, at.getI64IntegerAttr(fixed));
  return arith::OrIOp::create(at, arith::ExtUIOp::create(at, wide, low), constant);
}

void ProductEmitter::multiplyGroup(Value stage, MutableArrayRef<Value> acc) {
  MLIRContext *context = at.getContext();
  constexpr int64_t pitch = SwizzledRows::rowBytes, group = 8 * pitch;
  bool columnRows = rhs.form == Form::ColumnRows;
  int64_t perBlock = columns / 2; // accumulators of 64 rows
  Type accumulator = acc.front().getType();
  Type type = LLVM::LLVMStructType::getLiteral(context, SmallVector<Type>(perBlock, accumulator));
  auto inputType = lhs.element.isF32()    ? NVVM::WGMMATypes::tf32
                   : lhs.element.isF16()  ? NVVM::WGMMATypes::f16
                   : lhs.element.isBF16() ? NVVM::WGMMATypes::bf16
                                          : NVVM::WGMMATypes::s8;
  auto resultType = accumulator.isF32() ? NVVM::WGMMATypes::f32 : NVVM::WGMMATypes::s32;
  auto shape = NVVM::MMAShapeAttr::get(context, 64, columns, stepBytes / elementBytes);
  auto input = NVVM::WGMMATypesAttr::get(context, inputType);
  auto one = NVVM::WGMMAScaleInAttr::get(context, NVVM::WGMMAScaleIn::one);
  auto rowLayout = NVVM::MMALayoutAttr::get(context, NVVM::MMALayout::row);
  auto rhsLayout = NVVM::MMALayoutAttr::get(context, columnRows ? NVVM::MMALayout::row
                                                                : NVVM::MMALayout::col);

  SmallVector<Value> sums;
  for (int64_t row = 0; row < rows; row += 64) {
    Value packed = LLVM::PoisonOp::create(at, type);
    for (int64_t index = 0; index < perBlock; ++index)
      packed = LLVM::InsertValueOp::create(at, packed, acc[row / 64 * perBlock + index], index);
    sums.push_back(packed);
  }
  NVVM::WgmmaFenceAlignedOp::create(at);
  for (int64_t step = 0; step < pitch / stepBytes; ++step) {
    int64_t rhsStep = columnRows ? step * stepBytes / elementBytes * pitch : step * stepBytes;
    Value rhsDescriptor = descriptor(block.add(stage, block.i32(rhs.stageOffset + rhsStep)),
                                     columnRows ? blockDepth * pitch : 16, group);
    for (auto [rowBlock, sum] : llvm::enumerate(sums)) {
      Value lhsDescriptor = descriptor(
          block.add(stage, block.i32(rowBlock * 64 * pitch + step * stepBytes)), 16, group);
      sum = NVVM::WgmmaMmaAsyncOp::create(
          at, type, sum, lhsDescriptor, rhsDescriptor, shape, input, input,
          NVVM::WGMMATypesAttr::get(context, resultType),
          NVVM::WGMMAScaleOutAttr::get(context, NVVM::WGMMAScaleOut::one), one, one, rowLayout,
          rhsLayout,
          accumulator.isInteger()
              ? NVVM::MMAIntOverflowAttr::get(context, NVVM::MMAIntOverflow::wrapped)
              : NVVM::MMAIntOverflowAttr());
    }
  }
  NVVM::WgmmaGroupSyncAlignedOp::create(at);
  NVVM::WgmmaWaitGroupSyncOp::create(at, at.getI64IntegerAttr(0));
  for (auto [rowBlock, sum] : llvm::enumerate(sums))
    for (int64_t index = 0; index < perBlock; ++index)
      acc[rowBlock * perBlock + index] = LLVM::ExtractValueOp::create(at, sum, index);
}

} // namespace lutra
