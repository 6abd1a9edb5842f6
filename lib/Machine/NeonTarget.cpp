//===- NeonTarget.cpp - aarch64 with vectors of 128 bits -------------------===//
// Panels of 16 columns, as on x86: four vectors, of which a row of a tile has all. No machine was at hand to measure
// on: rates are those of cores with two units, as their makers state them, tile sizes follow from the number of
// registers.
#include "lutra/Machine/NeonTarget.h"

#include <algorithm>

namespace lutra {

namespace {
class NeonTarget final : public TileTarget {
public:
  NeonTarget(llvm::StringRef name, NeonBytes bytes) : name(name), bytes(bytes) {}

  llvm::StringRef getName() const override { return name; }
  NeonBytes getBytes() const { return bytes; }

  ProductPlan planProduct(const ProductShape &shape) const override {
    ProductPlan plan;
    plan.rows = getRows(shape);
    plan.columns = getProductColumns(shape, plan.rows);
    plan.panelWidth = shape.constantRhs ? panel : 0;
    // As on x86: caches of small cores have the same 32 KB and 512 KB.
    plan.rowBlock = 96 / plan.rows * plan.rows;
    plan.columnBlock = 256;
    plan.depthBlock = 256;
    plan.lhsBytes = 384 << 10;
    return plan;
  }

  /// A row's sums in one panel are four vectors: eight of them hide the latency of a fused multiply-add, so few rows
  /// take two or more panels.
  int64_t getProductColumns(const ProductShape &shape, int64_t rows) const override {
    int64_t vectors = panel * shape.accBits / vectorBits, best = 1;
    for (int64_t panels = 2; panels <= 4 && (panels - 1) * vectors * rows < 8; ++panels) {
      int64_t held = panels * vectors;
      if (rows * held + std::min(rows, held) + 1 <= registers)
        best = panels;
    }
    return best * panel;
  }

  /// Four products in one instruction of two units (TileMatmul.cpp).
  double getPairDotPerCycle() const override { return 8; }
  /// Entries of -128 to 127. Four rows by 16 columns are 16 sums; widened products take two for each.
  std::optional<CodedProduct> getCodedProduct() const override {
    if (bytes == NeonBytes::Widen)
      return CodedProduct{2, 6, false, vectorBits / 8, 2, 2, 32};
    return CodedProduct{4, 6, false, vectorBits / 8, bytes == NeonBytes::Matrix ? 4.0 : 2.0, 4, 32, 1, 1, true, 3};
  }
  int64_t getLookupLanes() const override { return 1; }
  /// cnt counts bytes; sdot adds fours, else bytes are added, then pairs (uadalp).
  std::optional<BitserialProduct> getBitserialProduct() const override {
    return BitserialProduct{2, 4, vectorBits / 8, 3, 2};
  }
  std::optional<ShiftProduct> getShiftProduct() const override {
    return ShiftProduct{4, 4, vectorBits / 8, 2, 3, 4.5, 2};
  }
  double getFmaPerCycle(unsigned bits) const override { return 2.0 * vectorBits / bits; }
  unsigned getVectorBits() const override { return vectorBits; }
  int64_t getPanelWidth() const override { return panel; }
  /// Four vectors: cores take more than one operation in a cycle, each of which lasts two to four.
  int64_t getMapWidth(unsigned bits) const override { return 4 * vectorBits / std::max(8u, bits); }
  int64_t getTurnWidth(unsigned bits) const override { return bits == 32 || bits == 64 ? vectorBits / bits : 0; }
  int64_t getGrain() const override { return 16384; }

private:
  static constexpr int64_t panel = 16, registers = 32;
  static constexpr unsigned vectorBits = 128;

  /// Six rows by 16 columns of f32: 24 sums, four right-hand vectors, one left-hand element in every lane. Pairs of
  /// 16 bits are eight right-hand vectors.
  int64_t getRows(const ProductShape &shape) const {
    int64_t most = shape.accBits > 32 ? 3 : std::max(shape.lhsBits, shape.rhsBits) <= 16 ? 4 : 6;
    if (shape.m <= 0)
      return most;
    int64_t tiles = (shape.m + most - 1) / most;
    return (shape.m + tiles - 1) / tiles;
  }

  llvm::StringRef name;
  NeonBytes bytes;
};

const NeonTarget neon("neon", NeonBytes::Widen), dotprod("dotprod", NeonBytes::Dot), i8mm("i8mm", NeonBytes::Matrix);
const TileTarget *const targets[] = {&i8mm, &dotprod, &neon};
} // namespace

llvm::ArrayRef<const TileTarget *> getNeonTileTargets() { return targets; }

std::optional<NeonBytes> getNeonBytes(const TileTarget &target) {
  for (const NeonTarget *level : {&neon, &dotprod, &i8mm})
    if (level == &target)
      return level->getBytes();
  return std::nullopt;
}

} // namespace lutra
