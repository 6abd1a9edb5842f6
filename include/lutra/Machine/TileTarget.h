//===- TileTarget.h - what a target tells the code above the tile ops ------===//
// A target registers the tile shapes it likes and how it wants constant operands packed. Tiling asks; the
// target's conversion (Conversion/TileTo<X>) turns the tile ops into instructions. Nothing above
// the tile ops names a target.
#ifndef LUTRA_MACHINE_TILETARGET_H
#define LUTRA_MACHINE_TILETARGET_H

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <memory>
#include <optional>

namespace lutra {

/// A product [m, k] x [k, n] as tiling sees it; -1 where a size is known at run time only.
struct ProductShape {
  int64_t m = -1, n = -1, k = -1;
  unsigned lhsBits = 32, rhsBits = 32, accBits = 32;
  bool constantRhs = false; // may be packed at compile time
};

/// The tile and cache blocks of a product.
struct ProductPlan {
  int64_t rows = 1, columns = 1;              // register (or block) tile
  int64_t panelWidth = 0, panelDepth = 1;     // packing of a constant rhs; width 0: row major
  int64_t rowBlock = 0, columnBlock = 0, depthBlock = 0; // work item and cache blocks; 0: whole
  /// Bytes of left-hand rows, of the whole depth, that a kernel may compute for a row block and hold; 0: it loads them.
  int64_t lhsBytes = 0;
  /// Tile products may cover rows and columns past the operands' sizes: they read as zero, so
  /// every tile is a full one and only its store needs bounds.
  bool maskedEdges = false;
};

/// How tile_coded_matmul is computed.
struct CodedProduct {
  int64_t rows;        // of a tile, a power of two
  int64_t tableBits;   // of a code that is looked up in a table, at most
  bool takesBytes;     // values of 0 to 255; else products of a pair must fit 16 bits: 0 to 127, or with a sign
  int64_t vectorBytes; // of codes that one instruction multiplies
  double perCycle;     // instructions of one core
  int64_t blockRows;   // of a tile over entries that were unpacked to bytes; 0: none are
  int64_t unpackRows;  // of a work item from which on they are
  int64_t sums = 1;    // of a tile that meets codes as they lie, rows by panels
  int64_t blockPanels = 1; // of a tile over unpacked entries
  bool addsFours = false; // an instruction adds four products, of factors with signs alike, to sums of 32 bits
  int64_t digits = 1;     // of a value, at most: bytes, or of 7 bits where products of a pair must fit 16
};

/// How tile_bitserial_matmul is computed.
struct BitserialProduct {
  int64_t rows;          // of a tile, a power of two
  int64_t sums;          // of a tile, rows by panels
  int64_t vectorBytes;
  double pairOperations; // that join two vectors of bits, count and add
  double perCycle;       // operations of one core
};

/// How tile_shift_matmul is computed.
struct ShiftProduct {
  int64_t rows;            // of a tile, a power of two
  int64_t sums;            // of a tile, rows by panels
  int64_t vectorBytes;
  int64_t laneBytes;       // of an element that is shifted by a count of its own
  double rowOperations;    // that shift a vector of elements and add it
  double codeOperations;   // that find its counts and signs
  double perCycle;         // operations of one core
};

/// A tile of sums of bytes without a sign times bytes with one.
struct ByteTile {
  int64_t rows, columns; // at most
};

/// One instruction-set level of one target. Stateless; all sizes in elements.
class TileTarget {
public:
  virtual ~TileTarget();
  /// Name used by pass options and in artifacts: "avx2", "avx512", "sm_80".
  virtual llvm::StringRef getName() const = 0;
  /// Tile and blocks of a product.
  virtual ProductPlan planProduct(const ProductShape &shape) const = 0;
  /// Columns of a tile of the same product with fewer rows, where what the rows free pays for more
  /// columns; a multiple of the panel's width.
  virtual int64_t getProductColumns(const ProductShape &shape, int64_t rows) const {
    return planProduct(shape).columns;
  }
  /// Multiply-adds per cycle of one core (GPU: of one multiprocessor's tensor cores), sums of `bits` bits.
  virtual double getFmaPerCycle(unsigned bits) const = 0;
  /// Multiply-adds per cycle of one core on 16-bit integers with sums of 32 bits, where neighbouring products are added
  /// in pairs; 0: not computed so.
  virtual double getPairDotPerCycle() const { return 0; }
  /// Bits of the registers that hold vectors; 0: tiles are no vectors.
  virtual unsigned getVectorBits() const { return 0; }
  /// Whether one instruction adds four products of bytes, one factor with and one without a sign, to sums of 32 bits
  /// without saturation.
  virtual bool hasByteDot() const { return false; }
  /// Whether it also has tiles of bytes, 16 rows by 64, of which one instruction multiplies two.
  virtual bool hasByteTiles() const { return false; }
  /// Whether it has tiles of bf16, 16 rows by 32, of which one instruction multiplies two and adds to sums of f32.
  virtual bool hasBfloatTiles() const { return false; }
  /// Whether one instruction picks each byte of a vector of 64 from 64 others.
  virtual bool hasByteShuffle() const { return false; }
  /// Tables of 16 bytes that one instruction reads, each with indices of its own; 0: it looks up no sums.
  virtual int64_t getLookupLanes() const { return 0; }
  /// Products of 8-bit integers with codes; nothing where they are not computed.
  virtual std::optional<CodedProduct> getCodedProduct() const { return std::nullopt; }
  /// Whether it multiplies codes that became bytes with one scale a column; else it takes codes as they are.
  bool multipliesRescaled() const {
    std::optional<CodedProduct> product = getCodedProduct();
    return product && product->takesBytes && product->blockRows > 0;
  }
  /// Products of bits with bits; nothing where they are not computed.
  virtual std::optional<BitserialProduct> getBitserialProduct() const { return std::nullopt; }
  /// Sums of shifted 8-bit integers; nothing where none are shifted.
  virtual std::optional<ShiftProduct> getShiftProduct() const { return std::nullopt; }
  /// Rows up to which values of an encoded weight are decoded in registers, where products with floats use them; 0:
  /// they always are in a buffer.
  virtual int64_t getDecodedRows() const { return 0; }
  /// Tiles of a convolution of bytes; nothing where they are not multiplied.
  virtual std::optional<ByteTile> getByteTile() const { return std::nullopt; }
  /// Columns of a panel of a packed weight; 0: products read matrices as they are. One artifact holds one packing, so
  /// the levels of one kind of machine answer alike.
  virtual int64_t getPanelWidth() const = 0;
  /// Elements per tile of a pointwise kernel whose widest element has `bits` bits.
  virtual int64_t getMapWidth(unsigned bits) const = 0;
  /// Edge of the squares in which a matrix of `bits`-bit elements is turned over; 0: it is copied in rows.
  virtual int64_t getTurnWidth(unsigned bits) const { return 0; }
  /// Elements that one work item of a pointwise or reduction kernel should cover, so that
  /// dispatching it costs little beside its work.
  virtual int64_t getGrain() const = 0;
};

/// The target of that name, or null. Names: getTileTargetNames().
const TileTarget *getTileTarget(llvm::StringRef name);
llvm::SmallVector<llvm::StringRef> getTileTargetNames();

} // namespace lutra

#endif // LUTRA_MACHINE_TILETARGET_H
