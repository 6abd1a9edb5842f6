//===- TileTarget.cpp - the registered targets -----------------------------===//
#include "lutra/Machine/TileTarget.h"

#include "lutra/Machine/NVGPUTarget.h"

#include "llvm/ADT/STLExtras.h"

namespace lutra {

TileTarget::~TileTarget() = default;

namespace {

/// x86 with 256- or 512-bit vectors: 16 columns are one panel on both, so that one packing of the
/// weights serves every level of an artifact.
class X86Target final : public TileTarget {
public:
  X86Target(llvm::StringRef name, int64_t rows, unsigned vectorBits)
      : name(name), rows(rows), vectorBits(vectorBits) {}

  llvm::StringRef getName() const override { return name; }

  ProductPlan planProduct(const ProductShape &shape) const override {
    ProductPlan plan;
    plan.rows = rows;
    plan.columns = 16;
    plan.panelWidth = shape.constantRhs ? 16 : 0;
    plan.rowBlock = 16 * rows;
    plan.columnBlock = 256;
    plan.depthBlock = 256;
    return plan;
  }

  int64_t getMapWidth(unsigned bits) const override { return 2 * vectorBits / std::max(8u, bits); }
  int64_t getGrain() const override { return 16384; }

private:
  llvm::StringRef name;
  int64_t rows;
  unsigned vectorBits;
};

const X86Target avx2("avx2", 6, 256), avx512("avx512", 14, 512);
const TileTarget *const x86Targets[] = {&avx2, &avx512};

} // namespace

static llvm::SmallVector<const TileTarget *> allTargets() {
  llvm::SmallVector<const TileTarget *> targets(std::begin(x86Targets), std::end(x86Targets));
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
