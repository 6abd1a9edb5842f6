//===- TileTarget.cpp - the registered targets -----------------------------===//
#include "lutra/Machine/TileTarget.h"

#include "lutra/Machine/NVGPUTarget.h"
#include "lutra/Machine/NeonTarget.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/MathExtras.h"

namespace lutra {

TileTarget::~TileTarget() = default;

namespace {

/// x86 with 256- or 512-bit vectors: 16 columns are one panel on both, so that one packing of the
/// weights serves every level of an artifact.
class X86Target final : public TileTarget {
public:
  /// What products of bytes have: nothing, vpmaddubsw, or also VNNI, or also AMX.
  enum class Bytes { None, Pairs, Quads, Tiles };

  X86Target(llvm::StringRef name, unsigned vectorBits, Bytes bytes, bool shuffles = false)
      : name(name), vectorBits(vectorBits), bytes(bytes), shuffles(shuffles) {}

  llvm::StringRef getName() const override { return name; }

  ProductPlan planProduct(const ProductShape &shape) const override {
    ProductPlan plan;
    plan.rows = isBytes(shape) ? getByteRows(shape) : getRows(shape);
    plan.columns = getProductColumns(shape, plan.rows);
    plan.panelWidth = shape.constantRhs ? panel : 0;
    // 96 rows of 256 f32 are a fifth of an L2 of 512 KB; one panel of 256 steps is half an L1.
    plan.rowBlock = 96 / plan.rows * plan.rows;
    plan.columnBlock = 256;
    plan.depthBlock = 256;
    plan.lhsBytes = 384 << 10; // what 96 rows of 1024 f32 loaded take of the L2 as well
    if (isBytes(shape) && takesTiles(shape)) {
      // Half of an L2 of 2 MB: rows stay there while panels pass. Computed ones are counted as 16 bits.
      int64_t most = (1 << 20) / std::max<int64_t>(1, shape.k);
      plan.lhsBytes = 2 << 20;
      plan.rowBlock = std::max<int64_t>(32, std::min<int64_t>(512, most / 32 * 32));
    }
    return plan;
  }

  int64_t getProductColumns(const ProductShape &shape, int64_t rows) const override {
    if (isBytes(shape))
      return getByteColumns(shape, rows);
    int64_t vectors = panel * shape.accBits / vectorBits; // of one row in one panel
    int64_t registers = vectorBits == 512 ? 32 : 16, best = 1;
    // Accumulators, and either all right-hand vectors and one broadcast or the other way round. Eight
    // accumulators hide the latency of a fused multiply-add, more columns only split the stream. Powers of two: what
    // whole tiles of left-over rows cover, whole tiles of other rows cover as well.
    for (int64_t panels = 2; panels <= 8 && panels / 2 * vectors * rows < 8; panels *= 2) {
      int64_t held = panels * vectors;
      if (rows * held + std::min(rows, held) + 1 <= registers)
        best = panels;
    }
    if (vectorBits == 512 && best == 1 && 2 * (rows + 1) * vectors + 1 <= registers)
      best = 2; // each broadcast then feeds two multiply-adds
    return best * panel;
  }

  /// Two units of a vector's width.
  double getFmaPerCycle(unsigned bits) const override { return 2.0 * vectorBits / bits; }
  /// Twice the products of an FMA, and an addition apart.
  double getPairDotPerCycle() const override { return 2 * getFmaPerCycle(32); }
  unsigned getVectorBits() const override { return vectorBits; }
  bool hasByteDot() const override { return bytes == Bytes::Quads || bytes == Bytes::Tiles; }
  bool hasByteTiles() const override { return bytes == Bytes::Tiles; }
  bool hasBfloatTiles() const override { return bytes == Bytes::Tiles; }
  bool hasByteShuffle() const override { return shuffles; }
  /// Without VBMI two, in vectors of 256 bits on every level, since units of 512 bits are fewer.
  int64_t getLookupLanes() const override { return bytes == Bytes::None ? 0 : shuffles ? 4 : 2; }
  /// Three or four units of 256 bits do one operation in a cycle each; whole products reach two thirds of it (Zen 3, 16
  /// rows, K = N = 4096, 4 and 8 bits). Four rows by 16 columns: 8 sums, two vectors of codes, one of activations and
  /// what takes them apart, in 16 registers. Unpacking first gains 1.1 to 1.4 there with 64 rows.
  std::optional<CodedProduct> getCodedProduct() const override {
    if (bytes == Bytes::None)
      return std::nullopt;
    if (!hasByteDot()) {
      // Beside vectors of 512 bits two units are left (4 rows, K = N = 4096, 3 and 4 bits: 592 and 1712 us as avx2, 862
      // and 2728 as avx512).
      double perCycle = vectorBits == 512 ? 2 : 3.4;
      // One row with two panels takes 4 to 10 % less from a cache and a quarter less from memory (Zen 3, 4 and 2 bits).
      int64_t sums = vectorBits == 512 ? 1 : 2;
      return CodedProduct{4, 6, false, 32, perCycle, 4, 32, sums, 1, /*addsFours=*/false, /*digits=*/2};
    }
    // Eight rows of two panels fill half of 32 registers with sums; two units. Of 16 registers a row with two panels
    // leaves eight: sums of fields in their places double.
    int64_t rows = vectorBits == 512 ? 8 : 4;
    CodedProduct product{rows, 6, true, vectorBits / 8, 2, rows, 32};
    product.sums = vectorBits == 512 ? 2 * rows : 2;
    product.blockPanels = vectorBits == 512 ? 2 : 1;
    product.digits = 3;
    if (hasByteTiles()) { // two by two tiles
      product.blockRows = 32;
      product.unpackRows = 6;
    }
    return product;
  }
  /// Bytes are counted by one operation with BITALG, by two shuffles and three more without; VNNI then adds fours to
  /// sums, else they are added as bytes. Two units of 512 bits, of which one counts and shuffles. Whole products, K = N
  /// = 4096: 1.7 cycles for a pair with BITALG, 4.5 without, 2.7 to 3 of 256 bits (Xeon with AMX).
  std::optional<BitserialProduct> getBitserialProduct() const override {
    if (bytes == Bytes::None)
      return std::nullopt;
    if (vectorBits == 512)
      return BitserialProduct{4, 8, 64, shuffles ? 3.4 : 9.0, 2};
    return BitserialProduct{2, 2, 32, 8, 2.7};
  }
  /// Of 256 bits only lanes of 32 have counts of their own. Operations, and those that take rows apart, from products
  /// of 4 bits with 1, 4 and 16 rows, K = N = 4096, Xeon: 634, 1417 and 5659 us of 512 bits, 1434, 4260, 16982 of 256.
  std::optional<ShiftProduct> getShiftProduct() const override {
    if (bytes == Bytes::None)
      return std::nullopt;
    if (vectorBits == 512)
      return ShiftProduct{4, 16, 64, 2, hasByteDot() ? 3.3 : 3.6, 5.1, 2};
    return ShiftProduct{4, 4, 32, 4, 4.8, 2.5, 3};
  }
  /// More have values from a buffer sooner than anew for each tile.
  int64_t getDecodedRows() const override { return bytes == Bytes::None ? 0 : vectorBits == 512 ? 8 : 4; }
  /// Of AMX four tiles of sums share one of rows. Else sums, the words of a step and one word of a row fill the
  /// registers. Without VNNI, of 512 bits, each word takes two, one of even and one of odd bytes; of 256 bits a word of
  /// one vector of columns does, its magnitude and its mask, beside sums of eight rows.
  std::optional<ByteTile> getByteTile() const override {
    switch (bytes) {
    case Bytes::None: return std::nullopt;
    case Bytes::Pairs: return ByteTile{vectorBits == 512 ? 4 : 8, panel};
    case Bytes::Quads: return vectorBits == 512 ? ByteTile{14, 2 * panel} : ByteTile{6, panel};
    case Bytes::Tiles: return ByteTile{16, 4 * panel};
    }
    llvm_unreachable("all kinds are named");
  }
  int64_t getPanelWidth() const override { return panel; }
  int64_t getMapWidth(unsigned bits) const override { return 2 * vectorBits / std::max(8u, bits); }
  /// One vector; elements of 16 bits would need more registers than there are. Bytes are exchanged within 128 bits.
  int64_t getTurnWidth(unsigned bits) const override {
    if (bits == 8)
      return 16;
    return bits == 32 || bits == 64 ? vectorBits / bits : 0;
  }
  int64_t getGrain() const override { return 16384; }

private:
  static constexpr int64_t panel = 16;

  /// Products with a weight of bytes that are added in fours.
  bool isBytes(const ProductShape &shape) const {
    return shape.constantRhs && shape.lhsBits == 8 && shape.rhsBits == 8 && bytes != Bytes::None;
  }
  /// Tiles have known sizes.
  bool takesTiles(const ProductShape &shape) const { return hasByteTiles() && shape.k >= 0; }
  /// Of a tile: as many as are computed at once, or fewer such that a known number splits evenly. AMX: two tiles of 16,
  /// or one. VNNI: one panel of 14 rows takes a half of the broadcasts of 7.
  int64_t getByteRows(const ProductShape &shape) const {
    if (takesTiles(shape))
      return shape.m <= 0 || shape.m >= 32 ? 32 : std::min<int64_t>(shape.m, 16);
    int64_t most = !hasByteDot() ? getMaskedRows() : vectorBits == 512 ? 14 : 6;
    if (shape.m <= 0)
      return most;
    return llvm::divideCeil(shape.m, llvm::divideCeil(shape.m, most));
  }
  /// Rows of magnitudes and masks: with eight sums of 256 bits, two rows read two panels from the first level, four
  /// hold what they read of one (Zen 3, TileCodedMatmul.cpp; levels of 512 bits were not measured).
  int64_t getMaskedRows() const { return vectorBits == 512 ? getCodedProduct()->rows : 2; }
  /// Four tiles of sums, or as many vectors of them as leave registers for a word of each panel and one of a row.
  int64_t getByteColumns(const ProductShape &shape, int64_t rows) const {
    if (!hasByteDot())
      return 4 / getMaskedRows() * panel;
    if (takesTiles(shape))
      return rows == 32 ? 2 * panel : 4 * panel;
    int64_t vectors = panel * 32 / vectorBits, registers = vectorBits == 512 ? 32 : 16;
    int64_t fit = std::clamp<int64_t>((registers - 1) / (rows + 1) / vectors, 1, 4);
    return static_cast<int64_t>(llvm::bit_floor(static_cast<uint64_t>(fit))) * panel; // widths divide each other
  }

  /// Rows of the tile: as many as registers allow (6 x 16 in 16 ymm: 95 % of the FMA peak of Zen 3; 14 x
  /// 32 in 32 zmm), or fewer such that a known number of rows splits evenly.
  int64_t getRows(const ProductShape &shape) const {
    int64_t most = vectorBits == 512 ? 14 : 6;
    if (shape.accBits > 32)
      most /= 2;
    if (shape.m <= 0)
      return most;
    int64_t tiles = (shape.m + most - 1) / most;
    return (shape.m + tiles - 1) / tiles;
  }

  llvm::StringRef name;
  unsigned vectorBits;
  Bytes bytes;
  bool shuffles; // VBMI, with which all have BITALG
};

using Bytes = X86Target::Bytes;
const X86Target avx2("avx2", 256, Bytes::Pairs), avx512("avx512", 512, Bytes::Pairs);
const X86Target avxvnni("avxvnni", 256, Bytes::Quads), avx512vnni("avx512vnni", 512, Bytes::Quads);
const X86Target avx512vbmi("avx512vbmi", 512, Bytes::Quads, /*shuffles=*/true);
const X86Target amx("amx", 512, Bytes::Tiles, /*shuffles=*/true);
/// The tiles of AVX2, whose vectors are cut into halves.
const X86Target sse2("sse2", 256, Bytes::None);
const TileTarget *const x86Targets[] = {&avx2, &avx512, &avxvnni, &avx512vnni, &avx512vbmi, &amx, &sse2};

} // namespace

static llvm::SmallVector<const TileTarget *> allTargets() {
  llvm::SmallVector<const TileTarget *> targets(std::begin(x86Targets), std::end(x86Targets));
  llvm::append_range(targets, getNeonTileTargets());
  llvm::append_range(targets, getNVGPUTileTargets());
  return targets;
}

const TileTarget *getTileTarget(llvm::StringRef name) {
  for (const TileTarget *target : allTargets())
    if (target->getName() == name)
      return target;
  return nullptr;
}

llvm::SmallVector<llvm::StringRef> getTileTargetNames() {
  llvm::SmallVector<llvm::StringRef> names;
  for (const TileTarget *target : allTargets())
    names.push_back(target->getName());
  return names;
}

} // namespace lutra
