//===- AmxCodedMatmul.h - products of tiles of bytes with AMX -----------------===//
#ifndef LUTRA_LIB_CONVERSION_TILETOVECTOR_AMXCODEDMATMUL_H
#define LUTRA_LIB_CONVERSION_TILETOVECTOR_AMXCODEDMATMUL_H

#include "CodedTile.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

#include <functional>

namespace lutra {

/// Sums of products of whole tiles: up to 16 rows by 64 steps of K, and those by 16 columns, whose words lie as they
/// are stored. Up to four tiles of sums share the tiles of their rows and of their columns.
class AmxTiles : public CodedTile {
public:
  /// `products` follow each other into the same sums; the last is the one of which the sums are wanted.
  /// Where a function has mixed depths, registers do not hold blocks of tiles.
  AmxTiles(mlir::OpBuilder &builder, llvm::ArrayRef<TileCodedMatmulOp> products, Vectors vectors, bool isMixed)
      : CodedTile(builder, products.back(), vectors), products(products), isMixed(isMixed) {}
  /// Rows of a tile, and bytes of one of them.
  static constexpr int64_t tileRows = 16, tileBytes = 64;
  /// Fewer rows take vectors less time: a product of tiles lasts as long for one as for eight.
  static constexpr int64_t leastRows = 4;
  /// Steps of K of a tile, where as few as can be cover `depth` evenly, else of all but the last.
  static int64_t stepsOf(int64_t depth) {
    int64_t tiles = llvm::divideCeil(depth, tileBytes);
    return tiles > 0 && depth % (tiles * wordBytes) == 0 ? depth / tiles : tileBytes;
  }
  /// Whether tiles hold that many sums.
  static bool fits(llvm::ArrayRef<int64_t> shape) {
    int64_t down = llvm::divideCeil(shape[0], tileRows), across = shape[1] * wordBytes / tileBytes;
    return (shape[0] <= tileRows || shape[0] % tileRows == 0) && shape[1] * wordBytes % tileBytes == 0 &&
           down * across <= 4 && down + across <= 5;
  }
  /// The sums, whose vectors start with `accumulator`.
  Values emit(mlir::ValueRange accumulator);
  /// Where tiles of sums lie in memory: from a pointer on, rows at a distance in bytes, tiles likewise.
  struct SumPlaces {
    mlir::Value out, rowStride;
    std::function<mlir::Value(int64_t row, int64_t column)> distance;
  };
  /// A buffer whose rows are `rowStride` sums apart.
  SumPlaces placesAt(const FlatOperand &out, mlir::Value rowStride);
  /// Tiles of sums.
  struct Block {
    int64_t row, rows, column, columns;
  };
  /// Those that registers hold at once.
  std::vector<Block> getBlocks();
  /// What the sums of a block begin with: what lies at some places; null: 0.
  Values start(const Block &block, const SumPlaces *places);
  /// Adds a product to them.
  void multiply(const Block &block, TileCodedMatmulOp product, Values &sums);
  void store(const Block &block, mlir::ValueRange sums, const SumPlaces &places);

private:
  /// Steps of K without a loop, and tiles of a turn.
  static constexpr int64_t straightDepth = 512, turnTiles = 2;
  struct Part { // one of the products
    Values lefts, rights; // of tiles of rows and of panels
    mlir::Value stride;
    int64_t depth;
  };
  Part makePart(TileCodedMatmulOp product);
  void forTiles(const Block &block, const SumPlaces &places,
                llvm::function_ref<void(int64_t index, mlir::Value place)> body);
  void addSteps(const Block &block, const Part &part, Values &sums, mlir::Value first, int64_t depth);
  mlir::Value at(mlir::Value base, mlir::Value distance);
  mlir::Value load(int64_t tileHeight, int64_t rowBytes, mlir::Value from, mlir::Value stride, bool isStreamed = false);
  mlir::Value makeBuffer(int64_t size);
  mlir::Value small(int64_t value) { return number(builder.getI16Type(), value); }
  mlir::Value number(mlir::Type type, int64_t value) {
    return mlir::LLVM::ConstantOp::create(builder, loc, type, builder.getIntegerAttr(type, value));
  }
  mlir::Value toNumber(mlir::Value value) {
    return mlir::arith::IndexCastOp::create(builder, loc, builder.getI64Type(), value);
  }
  int64_t height() const { return std::min(rows, tileRows); } // of a tile, and tiles below and beside each other
  int64_t down() const { return rows / height(); }
  int64_t across() const { return parts / panelParts; }

  llvm::ArrayRef<TileCodedMatmulOp> products;
  bool isMixed;
};

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_TILETOVECTOR_AMXCODEDMATMUL_H
