//===- ConvertTileToVector.cpp - tile ops become vector code --------------===//
// One dialect conversion turns tiles into rows of vectors (TileToVector.h states the types); loops that
// carry tiles carry the rows instead. Afterwards ExpandMath.cpp spells what LLVM would turn into calls
// or long sequences.
#include "TileToVector.h"

#include "TileMatmul.h"

#include "lutra/Conversion/Passes.h"
#include "lutra/Dialect/Lutra/IR/LutraTableOps.h"
#include "lutra/Machine/TileTarget.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace lutra {
#define GEN_PASS_DEF_CONVERTTILETOVECTOR
#include "lutra/Conversion/Passes.h.inc"
} // namespace lutra

using namespace mlir;
using namespace lutra;

int64_t lutra::getTileRows(TileType type) {
  return type.getShape().size() == 2 ? type.getShape()[0] : 1;
}

int64_t lutra::getTileColumns(TileType type) {
  return type.getShape().empty() ? 1 : type.getShape().back();
}

Type lutra::getRowType(TileType type) {
  int64_t columns = getTileColumns(type);
  return columns == 1 ? type.getElementType() : VectorType::get({columns}, type.getElementType());
}

/// `value` repeated to the type of a row.
static Value splat(OpBuilder &builder, Location loc, Value value, Type rowType) {
  if (value.getType() == rowType)
    return value;
  return vector::BroadcastOp::create(builder, loc, rowType, value);
}

namespace {
struct FillPattern final : OpConversionPattern<TileFillOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(TileFillOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto type = op.getResult().getType();
    Value row = splat(rewriter, op.getLoc(), adaptor.getValue().front(), getRowType(type));
    rewriter.replaceOpWithMultiple(op, {SmallVector<Value>(getTileRows(type), row)});
    return success();
  }
};

struct IotaPattern final : OpConversionPattern<TileIotaOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(TileIotaOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto type = op.getResult().getType();
    Location loc = op.getLoc();
    Value base = adaptor.getBase().front();
    Type rowType = getRowType(type);
    bool alongColumns = (int64_t)op.getDim() == type.getRank() - 1;
    SmallVector<Value> rows;
    for (int64_t r = 0; r < getTileRows(type); ++r) {
      Value row = base;
      if (!alongColumns && r > 0)
        row = arith::AddIOp::create(rewriter, loc, base, arith::ConstantIndexOp::create(rewriter, loc, r));
      row = splat(rewriter, loc, row, rowType);
      if (auto vectorType = dyn_cast<VectorType>(rowType); vectorType && alongColumns)
        row = arith::AddIOp::create(rewriter, loc, row, vector::StepOp::create(rewriter, loc, vectorType));
      rows.push_back(row);
    }
    rewriter.replaceOpWithMultiple(op, {rows});
    return success();
  }
};

struct MapPattern final : OpConversionPattern<TileMapOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(TileMapOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<TileType>(op.getResult(0).getType());
    int64_t rows = getTileRows(type), columns = getTileColumns(type);
    Block &body = op.getBody().front();
    auto widen = [&](Type element) -> Type {
      return columns == 1 ? element : VectorType::get({columns}, element);
    };
    SmallVector<SmallVector<Value>> results(op.getNumResults());
    for (int64_t r = 0; r < rows; ++r) {
      IRMapping mapping;
      for (auto [argument, operand] : llvm::zip_equal(body.getArguments(), adaptor.getInputs())) {
        Value row = operand[operand.size() == 1 ? 0 : r];
        mapping.map(argument, splat(rewriter, loc, row, widen(argument.getType())));
      }
      for (Operation &inner : body.without_terminator()) {
        if (auto constant = dyn_cast<arith::ConstantOp>(inner)) {
          Value copy = rewriter.clone(inner)->getResult(0);
          if (columns != 1) {
            auto dense = DenseElementsAttr::get(cast<ShapedType>(widen(constant.getType())), constant.getValue());
            copy = arith::ConstantOp::create(rewriter, loc, dense);
          }
          mapping.map(constant.getResult(), copy);
          continue;
        }
        Operation *copy = rewriter.clone(inner, mapping);
        for (auto [from, to] : llvm::zip_equal(inner.getResults(), copy->getResults())) {
          to.setType(widen(from.getType()));
          mapping.map(from, to);
        }
      }
      for (auto [list, value] : llvm::zip_equal(results, body.getTerminator()->getOperands()))
        list.push_back(mapping.lookup(value));
    }
    rewriter.replaceOpWithMultiple(op, std::move(results));
    return success();
  }
};

/// Pairwise: element i meets element i + n/2 until one is left. The order depends on the shape alone.
struct ReducePattern final : OpConversionPattern<TileReduceOp> {
  using OpConversionPattern::OpConversionPattern;

  static Value combine(OpBuilder &b, Location loc, TileReduceOp op, Value x, Value y) {
    bool real = isa<FloatType>(getElementTypeOrSelf(x.getType()));
    bool isUnsigned = op.getIsUnsigned();
    switch (op.getKind()) {
    case ReduceKind::Sum:
      if (real)
        return arith::AddFOp::create(b, loc, x, y);
      return arith::AddIOp::create(b, loc, x, y);
    case ReduceKind::Prod:
      if (real)
        return arith::MulFOp::create(b, loc, x, y);
      return arith::MulIOp::create(b, loc, x, y);
    case ReduceKind::Max:
      if (real)
        return arith::MaximumFOp::create(b, loc, x, y);
      if (isUnsigned)
        return arith::MaxUIOp::create(b, loc, x, y);
      return arith::MaxSIOp::create(b, loc, x, y);
    case ReduceKind::Min:
      if (real)
        return arith::MinimumFOp::create(b, loc, x, y);
      if (isUnsigned)
        return arith::MinUIOp::create(b, loc, x, y);
      return arith::MinSIOp::create(b, loc, x, y);
    }
    llvm_unreachable("all kinds are handled");
  }

  static Value reduceRow(OpBuilder &b, Location loc, TileReduceOp op, Value row) {
    auto type = dyn_cast<VectorType>(row.getType());
    if (!type)
      return row;
    int64_t size = type.getNumElements();
    Value rest;
    while (size > 1) {
      int64_t half = size / 2;
      if (size % 2) {
        Value last = vector::ExtractOp::create(b, loc, row, size - 1);
        rest = rest ? combine(b, loc, op, rest, last) : last;
      }
      if (half == 1) {
        row = combine(b, loc, op, vector::ExtractOp::create(b, loc, row, 0),
                      vector::ExtractOp::create(b, loc, row, 1));
        break;
      }
      SmallVector<int64_t> low = llvm::to_vector(llvm::seq<int64_t>(0, half));
      SmallVector<int64_t> high = llvm::to_vector(llvm::seq<int64_t>(half, 2 * half));
      row = combine(b, loc, op, vector::ShuffleOp::create(b, loc, row, row, low),
                    vector::ShuffleOp::create(b, loc, row, row, high));
      size = half;
    }
    return rest ? combine(b, loc, op, row, rest) : row;
  }

  LogicalResult matchAndRewrite(TileReduceOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    SmallVector<Value> sums;
    for (Value row : adaptor.getInput())
      sums.push_back(reduceRow(rewriter, op.getLoc(), op, row));
    // [R, C] reduces to one row of R elements.
    auto type = cast<TileType>(op.getResult().getType());
    if (getTileColumns(type) != 1)
      sums = {vector::FromElementsOp::create(rewriter, op.getLoc(), cast<VectorType>(getRowType(type)), sums)};
    rewriter.replaceOpWithMultiple(op, {sums});
    return success();
  }
};

struct ExtractPattern final : OpConversionPattern<TileExtractOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(TileExtractOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, adaptor.getInput().front());
    return success();
  }
};

struct JoinPattern final : OpConversionPattern<TileJoinOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(TileJoinOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto rowType = cast<VectorType>(getRowType(op.getType())); // as wide as all inputs
    SmallVector<Value> rows;
    for (int64_t row = 0; row < getTileRows(op.getType()); ++row) {
      Value joined = arith::ConstantOp::create(rewriter, op.getLoc(), rewriter.getZeroAttr(rowType));
      int64_t column = 0;
      for (ValueRange input : adaptor.getInputs()) {
        auto part = dyn_cast<VectorType>(input[row].getType());
        joined = part ? vector::InsertStridedSliceOp::create(rewriter, op.getLoc(), input[row], joined, {column}, {1})
                            .getResult()
                      : vector::InsertOp::create(rewriter, op.getLoc(), input[row], joined, column).getResult();
        column += part ? part.getNumElements() : 1;
      }
      rows.push_back(joined);
    }
    rewriter.replaceOpWithMultiple(op, {rows});
    return success();
  }
};

struct ConvertTileToVector final : lutra::impl::ConvertTileToVectorBase<ConvertTileToVector> {
  using Base::Base;
  void runOnOperation() override;
};
} // namespace

/// What finds entries of tables of 256 bytes; nothing where only scalar loads do.
static std::optional<ByteTableForm> getByteTableForm(const TileTarget &machine) {
  if (machine.hasByteShuffle())
    return ByteTableForm::Halves;
  if (getNeonBytes(machine))
    return ByteTableForm::Quarters;
  return machine.getLookupLanes() > 0 ? std::optional(ByteTableForm::Sixteenths) : std::nullopt;
}

static FloatTableForm getFloatTableForm(const TileTarget &machine) {
  if (getNeonBytes(machine))
    return {FloatTableForm::Bytes};
  if (machine.getLookupLanes() == 0)
    return {FloatTableForm::Words};
  return {machine.getVectorBits() >= 512 ? FloatTableForm::Wide : FloatTableForm::Narrow};
}

void ConvertTileToVector::runOnOperation() {
  const TileTarget *machine = getTileTarget(target);
  if (!machine || machine->getVectorBits() == 0) {
    SmallVector<StringRef> able = getTileTargetNames();
    llvm::erase_if(able, [](StringRef name) { return getTileTarget(name)->getVectorBits() == 0; });
    emitCodedError(getOperation().getLoc(), ErrorCode::UnsupportedTarget)
        << "vector code exists for " << llvm::join(able, ", ") << ", not for '" << target << "'";
    return signalPassFailure();
  }
  TypeConverter converter;
  converter.addConversion([](Type type) { return type; });
  converter.addConversion([](TileType type, SmallVectorImpl<Type> &rows) -> std::optional<LogicalResult> {
    rows.append(getTileRows(type), getRowType(type));
    return success();
  });
  RewritePatternSet patterns(&getContext());
  patterns.add<FillPattern, IotaPattern, JoinPattern, MapPattern, ReducePattern, ExtractPattern>(converter,
                                                                                                 &getContext());
  populateTileFloatTablePatterns(converter, getFloatTableForm(*machine), patterns);
  populateTileMemoryPatterns(converter, patterns);
  if (std::optional<ByteTableForm> form = getByteTableForm(*machine))
    populateTileByteTablePatterns(converter, *form, patterns);
  populateTileRescalePatterns(converter, machine->getVectorBits(), patterns);
  populateTileMatmulPatterns(converter, machine->getVectorBits(), patterns);
  if (machine->hasBfloatTiles())
    populateTileBfloatMatmulPatterns(converter, patterns);
  llvm::DenseSet<Operation *> mixedDepths;
  for (auto function : getOperation().getOps<func::FuncOp>())
    if (machine->hasByteTiles() && hasMixedDepths(function))
      mixedDepths.insert(function);
  CodedLowering lowering{machine->getVectorBits(),   machine->hasByteDot(),  machine->hasByteTiles(),
                         machine->hasByteShuffle(), getNeonBytes(*machine), mixedDepths};
  if (machine->getCodedProduct())
    populateTileCodedMatmulPatterns(converter, lowering, patterns);
  if (machine->getBitserialProduct())
    populateTileBitserialMatmulPatterns(converter, lowering, patterns);
  if (machine->getShiftProduct())
    populateTileShiftMatmulPatterns(converter, *machine, patterns);
  if (int64_t lanes = machine->getLookupLanes())
    populateTileLookupMatmulPatterns(converter, lanes, patterns);
  ConversionTarget conversion(getContext());
  conversion.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
  conversion.addIllegalOp<TileFillOp, TileIotaOp, TileJoinOp, TileMapOp, TileReduceOp, TileExtractOp, TileLoadOp,
                          TileStoreOp, TileGatherOp, TileLookupOp, TileMatmulOp, TileCodedMatmulOp,
                          TileUnpackOp, TileRescaleOp, TileSubsetSumsOp, TileLookupMatmulOp, TileBitPlanesOp,
                          TileBitserialMatmulOp, TileShiftMatmulOp>();
  scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns, conversion);
  FrozenRewritePatternSet frozen(std::move(patterns));
  for (auto function : getOperation().getOps<func::FuncOp>()) {
    if (!function->hasAttr("lutra.kernel") && !function->hasAttr("lutra.part"))
      continue;
    if (failed(applyPartialConversion(function, conversion, frozen)))
      return signalPassFailure();
    expandMath(function);
  }
}
