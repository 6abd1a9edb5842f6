//===- Levels.cpp - instruction-set levels of x86-64 and aarch64 --------------===//
// Features are stated in full, never taken from a CPU's name: virtual machines report names that their features
// do not match. `required` lists what the runtime must find for the code to be legal.
#include "lutra/Target/CPU/CpuTarget.h"

#include "lutra/Runtime/ModelTable.h"

#include "llvm/TargetParser/Host.h"

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace lutra {

static constexpr uint64_t avx2Bits =
    LUTRA_CPU_AVX2 | LUTRA_CPU_FMA | LUTRA_CPU_F16C | LUTRA_CPU_BMI2;

static constexpr uint64_t avx512Bits =
    avx2Bits | LUTRA_CPU_AVX512F | LUTRA_CPU_AVX512BW | LUTRA_CPU_AVX512DQ | LUTRA_CPU_AVX512VL;

static constexpr uint64_t vbmiBits = avx512Bits | LUTRA_CPU_AVX512VNNI | LUTRA_CPU_AVX512VBMI;

static const CpuLevel levels[] = {
    {"amx", "amx", "x86-64-v4", "+avx512vnni,+avx512vbmi,+avx512bitalg,+amx-tile,+amx-int8,+amx-bf16,+prfchw", 512,
     vbmiBits | LUTRA_CPU_AMX_TILE | LUTRA_CPU_AMX_INT8 | LUTRA_CPU_AMX_BF16},
    {"avx512vbmi", "avx512vbmi", "x86-64-v4", "+avx512vnni,+avx512vbmi,+avx512bitalg", 512, vbmiBits},
    {"avx512vnni", "avx512vnni", "x86-64-v4", "+avx512vnni", 512, avx512Bits | LUTRA_CPU_AVX512VNNI},
    {"avx512", "avx512", "x86-64-v4", "", 512, avx512Bits},
    {"avxvnni", "avxvnni", "x86-64-v3", "+avxvnni", 256, avx2Bits | LUTRA_CPU_AVXVNNI},
    {"avx2", "avx2", "x86-64-v3", "", 256, avx2Bits},
    {"baseline", "sse2", "x86-64", "", 128, 0},
    {"i8mm", "i8mm", "generic", "+neon,+dotprod,+i8mm", 128, LUTRA_CPU_DOTPROD | LUTRA_CPU_I8MM, aarch64Triple},
    {"dotprod", "dotprod", "generic", "+neon,+dotprod", 128, LUTRA_CPU_DOTPROD, aarch64Triple},
    {"neon", "neon", "generic", "+neon", 128, 0, aarch64Triple},
};

const CpuLevel *getCpuLevel(llvm::StringRef name) {
  for (const CpuLevel &level : levels)
    if (level.name == name)
      return &level;
  return nullptr;
}

llvm::SmallVector<llvm::StringRef> getCpuLevelNames(llvm::StringRef triple) {
  llvm::SmallVector<llvm::StringRef> names;
  for (const CpuLevel &level : levels)
    if (triple.empty() || level.triple == triple)
      names.push_back(level.name);
  return names;
}

/// Whether this process may use the tiles of AMX, which Linux grants on request.
static bool mayUseTiles() {
#if defined(__linux__) && defined(__x86_64__)
  constexpr long askForPermission = 0x1023, tileData = 18;
  return syscall(SYS_arch_prctl, askForPermission, tileData) == 0;
#else
  return false;
#endif
}

llvm::StringRef getNativeCpuLevel() {
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  auto has = [&](std::initializer_list<llvm::StringRef> wanted) {
    for (llvm::StringRef name : wanted)
      if (!features.lookup(name))
        return false;
    return true;
  };
  if (!has({"avx2", "fma", "f16c", "bmi2"}))
    return "baseline";
  if (has({"avx512f", "avx512bw", "avx512dq", "avx512vl"})) {
    if (!has({"avx512vnni"}))
      return "avx512";
    if (!has({"avx512vbmi", "avx512bitalg"}))
      return "avx512vnni";
    return has({"amx-tile", "amx-int8", "amx-bf16"}) && mayUseTiles() ? "amx" : "avx512vbmi";
  }
  return has({"avxvnni"}) ? "avxvnni" : "avx2";
}

} // namespace lutra
