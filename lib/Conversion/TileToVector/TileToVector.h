//===- TileToVector.h - pattern families of the CPU conversion --------------===//
// A tile of shape [R, C] becomes R values (one for rank 0 and 1): vectors of C elements, scalars where
// C is 1. Each family of tile ops adds its patterns here.
#ifndef LUTRA_LIB_CONVERSION_TILETOVECTOR_TILETOVECTOR_H
#define LUTRA_LIB_CONVERSION_TILETOVECTOR_TILETOVECTOR_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/Transforms/DialectConversion.h"

namespace lutra {

/// Number of values that stand for a tile.
int64_t getTileRows(TileType type);
/// Elements of each.
int64_t getTileColumns(TileType type);
/// Type of each.
mlir::Type getRowType(TileType type);

/// Turns over a square of n vectors of n elements, n a power of two.
void transposeSquare(mlir::OpBuilder &builder, mlir::Location loc, llvm::MutableArrayRef<mlir::Value> square);

/// tile_load, tile_store, tile_gather (TileMemory.cpp).
void populateTileMemoryPatterns(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);

/// Parts of a table of 256 bytes in which instructions find entries: of VBMI, aarch64, AVX2.
enum class ByteTableForm { Halves, Quarters, Sixteenths };

/// tile_gather at offsets of bytes (TileByteTables.cpp).
void populateTileByteTablePatterns(const mlir::TypeConverter &converter, ByteTableForm form,
                                   mlir::RewritePatternSet &patterns);

/// tile_rescale (TileRescale.cpp).
void populateTileRescalePatterns(const mlir::TypeConverter &converter, int64_t vectorBits,
                                 mlir::RewritePatternSet &patterns);

/// How a level finds floats in tables: with vectors of 512 or 256 bits, by bytes on aarch64, word by word.
struct FloatTableForm {
  enum Kind { Wide, Narrow, Bytes, Words } kind;
  /// Codes of one instruction.
  int64_t lanes() const { return kind == Wide ? 16 : kind == Bytes ? 4 : 8; }
  /// Of a table in memory that registers hold.
  int64_t mostEntries() const { return kind == Narrow ? 32 : kind == Words ? 0 : 64; }
};

/// tile_lookup, and tile_gather from tables of floats (TileFloatTables.cpp).
void populateTileFloatTablePatterns(const mlir::TypeConverter &converter, FloatTableForm form,
                                    mlir::RewritePatternSet &patterns);

/// Replaces the math ops of a function that have no good lowering below: polynomials for f32, calls of
/// libm otherwise; bf16 conversions as integer ops; NaN-propagating maxima as compare and select.
void expandMath(mlir::func::FuncOp function);

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_TILETOVECTOR_TILETOVECTOR_H
