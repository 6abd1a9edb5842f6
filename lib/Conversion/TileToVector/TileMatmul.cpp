//===- TileMatmul.cpp - the register-tiled product on CPU vectors ----------===//
// One tile_matmul becomes one loop over K whose carried values are the accumulators, one native
// vector each: rows x (columns / lanes) of them. A step loads the right-hand vectors once, and each left-hand
// element once by scalar broadcast, and issues one fused multiply-add per accumulator:
//
//   for k in 0 .. depth iter_args(acc[r][c]):
//     b[c] = load rhs(k, c);  a[r] = broadcast(load lhs(r, k));  acc[r][c] = fma(a[r], b[c], acc[r][c])
//
// Addresses are split into what changes with k and what does not; the latter is the start of a view that is made before
// the loop, and rows that exist lie at constant distances in one view, so that the loop holds loads with one index
// register (unknown-rows.mlir): sums of both in the loop took a register for each row and made LLVM keep
// accumulators in memory where it does not turn the loop's addresses over by itself (rows of an unknown number).
// Deep panels hold pairs of k side by side: each lane multiplies a pair of 16-bit integers and adds both products,
// which is written as arithmetic that LLVM has one instruction for on x86 (vpmaddwd). On aarch64 the vectors are taken
// apart into first and second elements, each of which has one that multiplies and adds (smlal).
// A column-major rhs is read in square blocks along K, which are transposed in registers. Few rows are multiplied with
// it as it lies instead: each accumulator holds the sums of one row and one column at every so manieth k, and a tree of
// shuffles adds them up after the last.
// Codes of 8 bits beside floats become floats as they are loaded.
// Rows outside the bounds read the last row that exists; columns outside are masked.
#include "TileMatmul.h"
#include "TileParts.h"
#include "TileToVector.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/DialectConversion.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace lutra;

namespace {

/// Emits one product. All values are created at the builder's insertion point.
class MatmulEmitter {
public:
  using Values = SmallVector<Value>;

  MatmulEmitter(OpBuilder &builder, TileMatmulOp op, unsigned vectorBits);

  /// The rows of the accumulator tile after the product.
  Values emit(ValueRange accumulator);

private:
  struct Row {
    Value view, address; // of k = 0 in it
  };

  Value index(int64_t value) { return arith::ConstantIndexOp::create(builder, loc, value); }
  Value add(Value lhs, Value rhs) { return builder.createOrFold<arith::AddIOp>(loc, lhs, rhs); }
  Value mul(Value lhs, Value rhs) { return builder.createOrFold<arith::MulIOp>(loc, lhs, rhs); }
  Value viewFrom(const FlatOperand &operand, Value address);
  Value mul(Value lhs, int64_t rhs) { return rhs == 1 ? lhs : mul(lhs, index(rhs)); }
  Value widen(Value value);
  Value loadVector(Value buffer, Value address, Value mask);
  void prepareColumns();
  bool addsAlongDepth() {
    return op.getRhsLayout() == PanelLayout::ColMajor && isa<FloatType>(scalarType) && lanes >= 4 && rows <= lanes / 2;
  }
  void addDots(Value whole, Values &accumulators);
  Value sumEach(Values vectors);
  Value loadPart(Value offset, int64_t part);
  Value loadPair(const Row &row, Value k);
  Value multiplyPairs(Value left, Value right);
  Value addInTurn(Value sum, Value left, Value right);
  void multiply(Value k, llvm::function_ref<Value(int64_t)> loadPart, Values &accumulators);
  Values loop(Value lower, Value upper, int64_t step, ValueRange carried, LoopBody body) {
    return carryLoop(builder, loc, {lower, upper, index(step)}, carried, body);
  }

  OpBuilder &builder;
  TileMatmulOp op;
  Location loc;
  Type scalarType; // of the accumulators
  int64_t rows, parts, lanes;
  VectorType partType;
  FlatOperand lhs, rhs;
  SmallVector<Row> lhsRows;
  Values columnAddress; // rhs address of (k = 0, first column of the part); col_major: of each column
  Value columns;        // the rhs from its base on, which those addresses count from
  Values columnMask;    // per part, null without bounds
  Value depthStride;    // rhs elements between two k (deep panels: between two pairs, per k)
  int64_t step = 1;     // of k that lie together
  bool addsPairs;       // one instruction multiplies and adds them
};

} // namespace

MatmulEmitter::MatmulEmitter(OpBuilder &builder, TileMatmulOp op, unsigned vectorBits)
    : builder(builder), op(op), loc(op.getLoc()), addsPairs(vectorBits > 128) {
  auto tileType = cast<TileType>(op.getAcc().getType());
  scalarType = tileType.getElementType();
  rows = tileType.getShape()[0];
  int64_t columns = tileType.getShape()[1];
  lanes = std::max<int64_t>(1, vectorBits / scalarType.getIntOrFloatBitWidth());
  while (columns % lanes != 0)
    lanes /= 2;
  parts = columns / lanes;
  if (op.getRhsLayout() == PanelLayout::DeepPanel)
    step = cast<MemRefType>(op.getRhs().getType()).getShape().back();
  partType = VectorType::get({lanes}, scalarType);
}

/// The operand's elements from `address` on, which counts from its base.
Value MatmulEmitter::viewFrom(const FlatOperand &operand, Value address) {
  auto type = cast<MemRefType>(operand.buffer.getType());
  auto layout = StridedLayoutAttr::get(builder.getContext(), ShapedType::kDynamic, {1});
  auto viewType = MemRefType::get(type.getShape(), type.getElementType(), layout, type.getMemorySpace());
  Value size = index(std::numeric_limits<int32_t>::max()); // never read
  return memref::ReinterpretCastOp::create(builder, loc, viewType, operand.buffer,
                                           OpFoldResult(add(operand.base, address)),
                                           ArrayRef<OpFoldResult>{size},
                                           ArrayRef<OpFoldResult>{builder.getIndexAttr(1)});
}

/// A loaded scalar or vector in the accumulators' type.
Value MatmulEmitter::widen(Value value) {
  if (getElementTypeOrSelf(value.getType()) == scalarType)
    return value;
  Type type = scalarType;
  if (auto vectorType = dyn_cast<VectorType>(value.getType()))
    type = VectorType::get(vectorType.getShape(), scalarType);
  if (isa<IntegerType>(getElementTypeOrSelf(value.getType())) && isa<FloatType>(scalarType))
    return arith::SIToFPOp::create(builder, loc, type, value);
  if (isa<FloatType>(scalarType))
    return arith::ExtFOp::create(builder, loc, type, value);
  return arith::ExtSIOp::create(builder, loc, type, value);
}

Value MatmulEmitter::loadVector(Value buffer, Value address, Value mask) {
  auto type = VectorType::get({lanes * step}, cast<MemRefType>(buffer.getType()).getElementType());
  if (!mask)
    return vector::LoadOp::create(builder, loc, type, buffer, ValueRange{address});
  Value zero = arith::ConstantOp::create(builder, loc, type, builder.getZeroAttr(type));
  return vector::MaskedLoadOp::create(builder, loc, type, buffer, ValueRange{address}, mask, zero);
}

/// Computes everything about the right-hand side that does not change with k.
void MatmulEmitter::prepareColumns() {
  auto type = cast<MemRefType>(op.getRhs().getType());
  unsigned rank = type.getRank();
  Value columnBound = op.getBounds().empty() ? Value() : op.getBounds()[1];
  switch (op.getRhsLayout()) {
  case PanelLayout::DeepPanel: { // zero filled likewise
    int64_t width = type.getDimSize(rank - 2);
    depthStride = index(width);
    for (int64_t part = 0; part < parts; ++part) {
      int64_t column = part * lanes;
      Value panel = mul(rhs.strides[rank - 4], column / width);
      columnAddress.push_back(add(panel, index(column % width * step)));
      columnMask.push_back(Value());
    }
    break;
  }
  case PanelLayout::Panel: { // zero filled to whole panels: no bound
    int64_t width = type.getDimSize(rank - 1);
    depthStride = rhs.strides[rank - 2];
    for (int64_t part = 0; part < parts; ++part) {
      int64_t column = part * lanes;
      Value panel = mul(rhs.strides[rank - 3], column / width);
      columnAddress.push_back(add(panel, index(column % width)));
      columnMask.push_back(Value());
    }
    break;
  }
  case PanelLayout::RowMajor:
    depthStride = rhs.strides[rank - 2];
    for (int64_t part = 0; part < parts; ++part) {
      Value column = index(part * lanes);
      columnAddress.push_back(column);
      Value mask;
      if (columnBound)
        mask = vector::CreateMaskOp::create(
            builder, loc, VectorType::get({lanes}, builder.getI1Type()),
            ValueRange{arith::SubIOp::create(builder, loc, columnBound, column)});
      columnMask.push_back(mask);
    }
    break;
  case PanelLayout::ColMajor:
    depthStride = index(1);
    for (int64_t column = 0; column < parts * lanes; ++column) {
      Value position = index(column);
      if (columnBound) {
        Value last = arith::SubIOp::create(builder, loc, columnBound, index(1));
        position = arith::MinSIOp::create(builder, loc, position, last);
      }
      columnAddress.push_back(mul(position, rhs.strides[rank - 2]));
    }
    break;
  }
}

/// The right-hand vector of step k (`offset` = k steps) in one part.
Value MatmulEmitter::loadPart(Value offset, int64_t part) {
  if (step > 1) {
    Value pairs = loadVector(columns, add(offset, columnAddress[part]), Value());
    auto type = VectorType::get({lanes * step}, builder.getI16Type());
    return pairs.getType() == type ? pairs : arith::ExtSIOp::create(builder, loc, type, pairs).getResult();
  }
  if (op.getRhsLayout() != PanelLayout::ColMajor)
    return widen(loadVector(columns, add(offset, columnAddress[part]), columnMask[part]));
  Values scalars;
  for (int64_t lane = 0; lane < lanes; ++lane)
    scalars.push_back(memref::LoadOp::create(
        builder, loc, columns, ValueRange{add(offset, columnAddress[part * lanes + lane])}));
  auto type = VectorType::get({lanes}, rhs.elementType);
  return widen(vector::FromElementsOp::create(builder, loc, type, scalars));
}

/// The pair of 16-bit integers of step k of a row, in every lane where pairs are added.
Value MatmulEmitter::loadPair(const Row &row, Value k) {
  Value address = add(k, row.address);
  auto pairType = VectorType::get({step}, builder.getI16Type());
  if (!addsPairs) {
    Values scalars;
    for (int64_t place = 0; place < step; ++place)
      scalars.push_back(memref::LoadOp::create(builder, loc, row.view, ValueRange{add(address, index(place))}));
    return vector::FromElementsOp::create(builder, loc, pairType, scalars);
  }
  auto wordType = VectorType::get({1}, builder.getI32Type());
  Value pair = vector::LoadOp::create(builder, loc, pairType, row.view, ValueRange{address});
  Value word = vector::ExtractOp::create(builder, loc, vector::BitCastOp::create(builder, loc, wordType, pair), 0);
  Value words = vector::BroadcastOp::create(builder, loc, partType, word);
  return vector::BitCastOp::create(builder, loc, VectorType::get({lanes * step}, builder.getI16Type()), words);
}

/// Products of 16-bit integers in 32 bits, the two of each pair added.
Value MatmulEmitter::multiplyPairs(Value left, Value right) {
  auto wide = VectorType::get({lanes * step}, scalarType);
  Value products = arith::MulIOp::create(builder, loc, arith::ExtSIOp::create(builder, loc, wide, left),
                                         arith::ExtSIOp::create(builder, loc, wide, right));
  SmallVector<int64_t> even, odd;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    even.push_back(2 * lane);
    odd.push_back(2 * lane + 1);
  }
  return arith::AddIOp::create(builder, loc, vector::ShuffleOp::create(builder, loc, products, products, even),
                               vector::ShuffleOp::create(builder, loc, products, products, odd));
}

/// `sum` and the products of a pair with the pairs of a vector, one element of each after the other.
Value MatmulEmitter::addInTurn(Value sum, Value left, Value right) {
  for (int64_t place = 0; place < step; ++place) {
    SmallVector<int64_t> own;
    for (int64_t lane = 0; lane < lanes; ++lane)
      own.push_back(step * lane + place);
    auto type = VectorType::get({lanes}, builder.getI16Type());
    Value element = vector::ExtractOp::create(builder, loc, left, place);
    Value product = arith::MulIOp::create(
        builder, loc, widen(vector::BroadcastOp::create(builder, loc, type, element)),
        widen(vector::ShuffleOp::create(builder, loc, right, right, own)));
    sum = arith::AddIOp::create(builder, loc, sum, product);
  }
  return sum;
}

/// One step. Of the two factors the smaller set stays in registers while the other streams by.
void MatmulEmitter::multiply(Value k, llvm::function_ref<Value(int64_t)> loadPart,
                             Values &accumulators) {
  Values held; // of the smaller set
  auto loadRow = [&](int64_t row) -> Value {
    if (step > 1)
      return loadPair(lhsRows[row], k);
    Value scalar = memref::LoadOp::create(builder, loc, lhsRows[row].view, ValueRange{add(k, lhsRows[row].address)});
    return vector::BroadcastOp::create(builder, loc, partType, widen(scalar));
  };
  // Products of two parts before either is added: Zen 3 lets additions take the units that multiply less often so (a
  // loop over cached data, 6 rows by 16 columns: 25.3 products of a clock, 22.3 one after the other; 512 x 512 x 512 of
  // bytes 1743 us, 1913).
  auto addPairsOf = [&](int64_t row, int64_t first, Value left) {
    Values products;
    int64_t last = std::min(first + 2, parts);
    for (int64_t part = first; part < last; ++part)
      products.push_back(multiplyPairs(left, held[part]));
    for (int64_t part = first; part < last; ++part) {
      Value &accumulator = accumulators[row * parts + part];
      accumulator = arith::AddIOp::create(builder, loc, accumulator, products[part - first]);
    }
  };
  auto accumulate = [&](int64_t row, int64_t part, Value left, Value right) {
    Value &accumulator = accumulators[row * parts + part];
    if (isa<FloatType>(scalarType)) {
      accumulator = vector::FMAOp::create(builder, loc, left, right, accumulator);
      return;
    }
    if (step > 1 && !addsPairs) {
      accumulator = addInTurn(accumulator, left, right);
      return;
    }
    Value product = step > 1 ? multiplyPairs(left, right) : Value(arith::MulIOp::create(builder, loc, left, right));
    accumulator = arith::AddIOp::create(builder, loc, accumulator, product);
  };
  if (rows < parts) {
    for (int64_t row = 0; row < rows; ++row)
      held.push_back(loadRow(row));
    for (int64_t part = 0; part < parts; ++part) {
      Value right = loadPart(part);
      for (int64_t row = 0; row < rows; ++row)
        accumulate(row, part, held[row], right);
    }
    return;
  }
  for (int64_t part = 0; part < parts; ++part)
    held.push_back(loadPart(part));
  for (int64_t row = 0; row < rows; ++row) {
    Value left = loadRow(row);
    bool isPaired = step > 1 && addsPairs;
    for (int64_t part = 0; part < parts; part += isPaired ? 2 : 1) {
      if (isPaired)
        addPairsOf(row, part, left);
      else
        accumulate(row, part, left, held[part]);
    }
  }
}

/// The sum of each vector, in that vector's lane; null vectors are zero.
Value MatmulEmitter::sumEach(Values vectors) {
  SmallVector<int64_t> even, odd;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    even.push_back(2 * lane);
    odd.push_back(2 * lane + 1);
  }
  Value zero = arith::ConstantOp::create(builder, loc, partType, builder.getZeroAttr(partType));
  while (vectors.size() > 1) {
    Values sums;
    for (size_t i = 0; i < vectors.size(); i += 2) {
      if (!vectors[i] && !vectors[i + 1]) {
        sums.push_back(Value());
        continue;
      }
      Value left = vectors[i] ? vectors[i] : zero, right = vectors[i + 1] ? vectors[i + 1] : zero;
      sums.push_back(arith::AddFOp::create(builder, loc, vector::ShuffleOp::create(builder, loc, left, right, even),
                                           vector::ShuffleOp::create(builder, loc, left, right, odd)));
    }
    vectors = std::move(sums);
  }
  return vectors.front();
}

/// Adds the products of the first `whole` steps of K, a multiple of the lanes, of rows and columns that both lie along
/// K. As many columns are read at once as there are accumulators for: one for each lane.
void MatmulEmitter::addDots(Value whole, Values &accumulators) {
  int64_t slots = llvm::PowerOf2Ceil(rows), width = lanes / slots; // columns at once
  Value zero = arith::ConstantOp::create(builder, loc, partType, builder.getZeroAttr(partType));
  Values sums; // of each group of columns, rows one after the other
  for (int64_t first = 0; first < parts * lanes; first += width) {
    Values dots = loop(index(0), whole, lanes, Values(rows * width, zero), [&](Value k, Values &carried) {
      Values left;
      for (int64_t row = 0; row < rows; ++row)
        left.push_back(widen(loadVector(lhsRows[row].view, add(k, lhsRows[row].address), Value())));
      for (int64_t column = 0; column < width; ++column) {
        Value right = widen(loadVector(columns, add(k, columnAddress[first + column]), Value()));
        for (int64_t row = 0; row < rows; ++row) {
          Value &sum = carried[row * width + column];
          sum = vector::FMAOp::create(builder, loc, left[row], right, sum);
        }
      }
    });
    dots.resize(lanes);
    sums.push_back(sumEach(dots));
  }
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t part = 0; part < parts; ++part) {
      Value joined = sums[part * slots];
      for (int64_t group = 0; group < slots && slots > 1; ++group) {
        Value own = vector::ExtractStridedSliceOp::create(builder, loc, sums[part * slots + group], {row * width},
                                                          {width}, {1});
        joined = vector::InsertStridedSliceOp::create(builder, loc, own, group == 0 ? zero : joined, {group * width},
                                                      {1});
      }
      Value &accumulator = accumulators[row * parts + part];
      accumulator = arith::AddFOp::create(builder, loc, accumulator, joined);
    }
}

MatmulEmitter::Values MatmulEmitter::emit(ValueRange accumulator) {
  lhs = flattenOperand(builder, loc, op.getLhs(), op.getLhsIndices());
  rhs = flattenOperand(builder, loc, op.getRhs(), op.getRhsIndices());
  Value first = viewFrom(lhs, index(0));
  columns = viewFrom(rhs, index(0));
  Value rowStride = mul(lhs.strides[op.getLhsRowDim()], op.getRowStep());
  Value lastRow;
  if (!op.getBounds().empty())
    lastRow = arith::SubIOp::create(builder, loc, op.getBounds()[0], index(1));
  for (int64_t row = 0; row < rows; ++row) {
    Value address = mul(index(row), rowStride);
    if (lastRow && row > 0) {
      Value position = arith::MinSIOp::create(builder, loc, index(row), lastRow);
      address = mul(position, rowStride);
    }
    lhsRows.push_back(getConstantIntValue(address) ? Row{first, address} : Row{viewFrom(lhs, address), index(0)});
  }
  prepareColumns();

  Values values = splitRows(builder, loc, accumulator, partType, parts);
  Value zero = index(0), start = zero;
  if (op.getRhsLayout() == PanelLayout::ColMajor && lanes > 1) {
    Value whole = arith::MulIOp::create(
        builder, loc, arith::DivUIOp::create(builder, loc, op.getDepth(), index(lanes)), index(lanes));
    if (addsAlongDepth())
      addDots(whole, values);
    else
      values = loop(zero, whole, lanes, values, [&](Value k, Values &carried) {
        SmallVector<Values> blocks(parts);
        for (int64_t part = 0; part < parts; ++part) {
          for (int64_t lane = 0; lane < lanes; ++lane)
            blocks[part].push_back(widen(
                loadVector(columns, add(k, columnAddress[part * lanes + lane]), Value())));
          transposeSquare(builder, loc, blocks[part]);
        }
        for (int64_t lane = 0; lane < lanes; ++lane) {
          multiply(add(k, index(lane)), [&](int64_t part) { return blocks[part][lane]; }, carried);
        }
      });
    start = whole;
  }
  values = loop(start, op.getDepth(), step, values, [&](Value k, Values &carried) {
    Value offset = mul(k, depthStride);
    multiply(k, [&](int64_t part) { return loadPart(offset, part); }, carried);
  });
  return joinRows(builder, loc, values, llvm::to_vector(accumulator.getTypes()), parts);
}

namespace {
/// Needs an accumulator of rank 2 that was converted to its rows.
struct ConvertTileMatmul final : OpConversionPattern<TileMatmulOp> {
  ConvertTileMatmul(const TypeConverter &converter, MLIRContext *context, unsigned vectorBits)
      : OpConversionPattern(converter, context), vectorBits(vectorBits) {}

  LogicalResult matchAndRewrite(TileMatmulOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto tileType = cast<TileType>(op.getAcc().getType());
    if (tileType.getRank() != 2)
      return rewriter.notifyMatchFailure(op, "accumulator has not rank 2");
    if (op.getRhsLayout() == PanelLayout::DeepPanel) {
      auto elementOf = [](Value buffer) { return cast<MemRefType>(buffer.getType()).getElementType(); };
      if (cast<MemRefType>(op.getRhs().getType()).getShape().back() != 2 || !elementOf(op.getLhs()).isInteger(16) ||
          !tileType.getElementType().isInteger(32) || elementOf(op.getRhs()).getIntOrFloatBitWidth() > 16)
        return rewriter.notifyMatchFailure(op, "deep panels are pairs of 16-bit integers into 32 bits alone");
    }
    if (adaptor.getAcc().size() != static_cast<size_t>(tileType.getShape()[0]))
      return rewriter.notifyMatchFailure(op, "accumulator was not converted to its rows");
    MatmulEmitter emitter(rewriter, op, vectorBits);
    rewriter.replaceOpWithMultiple(op, {emitter.emit(adaptor.getAcc())});
    return success();
  }

private:
  unsigned vectorBits;
};
} // namespace

void lutra::populateTileMatmulPatterns(const TypeConverter &converter, unsigned vectorBits,
                                       RewritePatternSet &patterns) {
  patterns.add<ConvertTileMatmul>(converter, patterns.getContext(), vectorBits);
}
