//===- NVGPUTarget.cpp - what NVIDIA tensor-core GPUs are ------------------===//
#include "lutra/Machine/NVGPUTarget.h"

#include <array>

namespace lutra {

// PTX 7.0 and 8.0 are the lowest versions with the instructions used: cp.async and mma.sync of
// 8.0 devices, wgmma of 9.0a. A 9.0a cubin runs on 9.0 only; an 8.0 cubin on every 8.x.
static const NVGPUArch archs[] = {
    {"sm_80", "+ptx70", 8, 0, false, false, 163 * 1024},
    {"sm_90a", "+ptx80", 9, 0, true, true, 227 * 1024},
};

namespace {

/// A work item is a thread block of four warps. Products take square tiles with the whole depth in
/// one tile op, which the conversion pipelines through shared memory.
class NVGPUTileTarget final : public TileTarget {
public:
  explicit NVGPUTileTarget(const NVGPUArch &arch) : arch(arch) {}

  llvm::StringRef getName() const override { return arch.name; }

  ProductPlan planProduct(const ProductShape &shape) const override {
    ProductPlan plan;
    // 64 until both sides give several tiles of 128: a small grid leaves multiprocessors idle,
    // and a thread holds rows * columns / 128 accumulators (32 or 128 of 255 registers).
    bool large = shape.m >= 1024 && shape.n >= 1024;
    plan.rows = plan.columns = large ? 128 : 64;
    plan.rowBlock = plan.rows;
    plan.columnBlock = plan.columns;
    plan.depthBlock = 0;
    plan.maskedEdges = true;
    return plan;
  }

  /// Dense f16 products per cycle of an SM: 1024 on 8.0, 2048 on 9.0 (vendor's peak rates / SMs / clock), f64 1/16.
  double getFmaPerCycle(unsigned bits) const override {
    return (arch.major >= 9 ? 2048 : 1024) / (bits > 32 ? 16.0 : 1.0);
  }
  /// Shared memory takes rows of any matrix and hands out fragments.
  int64_t getPanelWidth() const override { return 0; }

  /// One access of 16 bytes for each thread, four values at least.
  int64_t getMapWidth(unsigned bits) const override {
    return nvgpuBlockThreads * 128 / std::min(32u, std::max(8u, bits));
  }
  int64_t getGrain() const override { return 2048; }

private:
  const NVGPUArch &arch;
};

} // namespace

llvm::ArrayRef<NVGPUArch> getNVGPUArchs() { return archs; }

const NVGPUArch *getNVGPUArch(llvm::StringRef name) {
  for (const NVGPUArch &arch : archs)
    if (arch.name == name)
      return &arch;
  return nullptr;
}

llvm::ArrayRef<const TileTarget *> getNVGPUTileTargets() {
  static const NVGPUTileTarget sm80(archs[0]), sm90a(archs[1]);
  static const std::array<const TileTarget *, 2> targets = {&sm80, &sm90a};
  return targets;
}

} // namespace lutra
