//===- LinearLayout.h - bit-linear layouts of tiles and of shared memory ---===//
// Problem: a tile's elements live in the registers of a block's threads, or in shared memory behind
// a swizzle. Every layout that tensor cores ask for has one form: the bits of (register, lane,
// warp) are added, without carry, to give the bits of the element's coordinates. So a layout is a
// list of basis vectors over F2, and composing, comparing and inverting layouts is arithmetic on
// them rather than code for each pair.
//
// Example, the accumulator of mma.sync m16n8 (lane L holds rows L/4 and L/4 + 8, columns
// 2 (L % 4) and the next):
//
//   register bit 0 -> (0, 1)   lane bit 0 -> (0, 2)   lane bit 2 -> (1, 0)
//   register bit 1 -> (8, 0)   lane bit 1 -> (0, 4)   lane bit 3 -> (2, 0)   lane bit 4 -> (4, 0)
//
// Register 3 of lane 6 = 4 + 2 holds (8, 1) + (0, 4) + (1, 0) = row 9, column 5.
// Invariants: sizes are powers of two; a zero basis means that the bit does not matter, so the
// element is replicated. Used by Conversion/TileToNVVM for each tile value, by unit tests and by
// packers on the host.
#ifndef LUTRA_SUPPORT_LINEARLAYOUT_H
#define LUTRA_SUPPORT_LINEARLAYOUT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <optional>
#include <string>

namespace lutra {

/// Where each (register, lane, warp) of a thread block stands in a tile.
class LinearLayout {
public:
  /// Coordinates, one per tile dimension.
  using Point = llvm::SmallVector<int64_t, 2>;

  LinearLayout() = default;
  LinearLayout(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<Point> registers,
               llvm::ArrayRef<Point> lanes, llvm::ArrayRef<Point> warps);

  /// Contiguous runs of `vector` elements of the last dimension for each thread, lanes along the
  /// rest of it, then rows; bits that find no room replicate. `warpBits` = log2 of the warps.
  static LinearLayout blocked(llvm::ArrayRef<int64_t> shape, int64_t vector, unsigned warpBits);
  /// Accumulator of mma.sync m16n8 blocks; the warps tile it in 2^warpRowBits rows of warps and
  /// 2^warpColumnBits columns, the columns in the low warp bits.
  static LinearLayout mmaAccumulator(int64_t rows, int64_t columns, unsigned warpRowBits,
                                     unsigned warpColumnBits);
  /// Operand A [16, 8 R] of one mma.sync, R elements in each 32-bit register.
  static LinearLayout mmaOperandA(int64_t elementsPerRegister);
  /// Operand B as [8 columns, 8 R of k].
  static LinearLayout mmaOperandB(int64_t elementsPerRegister);
  /// Accumulator of wgmma m64nN for one group of four warps; `rows` is a multiple of 64.
  static LinearLayout wgmmaAccumulator(int64_t rows, int64_t columns);

  llvm::ArrayRef<int64_t> getShape() const { return shape; }
  unsigned getRank() const { return shape.size(); }
  llvm::ArrayRef<Point> getRegisterBases() const { return registers; }
  llvm::ArrayRef<Point> getLaneBases() const { return lanes; }
  llvm::ArrayRef<Point> getWarpBases() const { return warps; }
  int64_t getNumRegisters() const { return int64_t(1) << registers.size(); }

  /// Basis of bit `bit` of the thread's index in its block (lanes below, warps above).
  const Point &getThreadBasis(unsigned bit) const;
  unsigned getNumThreadBits() const { return lanes.size() + warps.size(); }

  /// The element that a register of a thread holds.
  Point apply(int64_t reg, int64_t thread) const;
  /// The register's share of the coordinates (its thread's share added gives the element).
  Point registerPoint(int64_t reg) const;

  /// Every element is held by some thread.
  bool isSurjective() const;
  /// Every element is held exactly once.
  bool isBijective() const;
  /// Mask of the thread bits whose basis is zero: threads that differ there hold the same values.
  int64_t getReplicatedThreads() const;

  /// The layout of this tile with the marked dimensions shrunk to one element. Register bits that
  /// no longer matter disappear; thread bits become replicas.
  LinearLayout project(llvm::ArrayRef<bool> removed) const;
  /// The same layout without dimension `dim`, which has one element.
  LinearLayout dropDim(unsigned dim) const;

  /// For each register here, the register of `source` in the same thread with the same element;
  /// none when some value is in another thread. Dimensions of `source` with one element match all.
  std::optional<llvm::SmallVector<int64_t>> registersFrom(const LinearLayout &source) const;

  bool operator==(const LinearLayout &other) const;
  bool operator!=(const LinearLayout &other) const { return !(*this == other); }

  /// "[64, 64] reg (0,1) (8,0) lane .. warp ..", for messages and tests.
  std::string str() const;

private:
  llvm::SmallVector<int64_t, 2> shape;
  llvm::SmallVector<Point> registers, lanes, warps;
};

/// Rows of 128 bytes in shared memory whose 16-byte chunks are permuted by the row: chunk ^= row & 7.
/// ldmatrix, cp.async, wgmma (swizzle mode 128B) and TMA agree on it. Base aligned to 1024 bytes.
struct SwizzledRows {
  static constexpr int64_t rowBytes = 128, chunkBytes = 16, alignment = 1024;
  /// Byte offset of byte `byte` of row `row`.
  static int64_t offset(int64_t row, int64_t byte) {
    return row * rowBytes + (((byte / chunkBytes) ^ (row & 7)) * chunkBytes) + byte % chunkBytes;
  }
};

/// How many times a warp's access to shared memory is repeated because of bank conflicts: the most
/// distinct 4-byte words of one of the 32 banks, over phases of 128 bytes. 1 is free of conflicts.
int64_t bankConflictDegree(llvm::ArrayRef<int64_t> byteOffsets, int64_t bytesPerLane);

} // namespace lutra

#endif // LUTRA_SUPPORT_LINEARLAYOUT_H
