/*===- Cpu.c - which instruction-set level this machine can run ---------------===*
 * On x86-64 a feature counts only when cpuid reports it and the operating system saves its registers (xgetbv); on
 * aarch64 Linux says what programs may use.
 * LUTRA_ISA=<level> forces a level that the CPU has; it exists for tests.
 *===----------------------------------------------------------------------===*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "Internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* Linux saves a process's tiles after it has asked for them; without that their first use is a fault. */
static bool mayUseTiles(void) {
#if defined(__linux__) && defined(SYS_arch_prctl)
  enum { askForPermission = 0x1023, tileData = 18 };
  return syscall(SYS_arch_prctl, askForPermission, tileData) == 0;
#else
  return false;
#endif
}

static uint64_t readXcr0(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

uint64_t lutra_rt_cpu_features(void) {
  uint32_t a, b, c, d, features = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1))
    return 0;
  uint64_t saved = readXcr0();
  bool ymm = (saved & 0x6) == 0x6, zmm = (saved & 0xe6) == 0xe6;
  bool tiles = (saved & 0x60000) == 0x60000 && mayUseTiles();
  if (ymm && (c >> 28 & 1)) {
    features |= (c >> 12 & 1) ? LUTRA_CPU_FMA : 0;
    features |= (c >> 29 & 1) ? LUTRA_CPU_F16C : 0;
  }
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
    return features;
  uint32_t subleaves = a;
  features |= (b >> 8 & 1) ? LUTRA_CPU_BMI2 : 0;
  features |= ymm && (b >> 5 & 1) ? LUTRA_CPU_AVX2 : 0;
  if (zmm && (b >> 16 & 1)) {
    features |= LUTRA_CPU_AVX512F;
    features |= (b >> 30 & 1) ? LUTRA_CPU_AVX512BW : 0;
    features |= (b >> 17 & 1) ? LUTRA_CPU_AVX512DQ : 0;
    features |= (b >> 31 & 1) ? LUTRA_CPU_AVX512VL : 0;
    features |= (c >> 1 & c >> 12 & 1) ? LUTRA_CPU_AVX512VBMI : 0; /* and BITALG */
    features |= (c >> 11 & 1) ? LUTRA_CPU_AVX512VNNI : 0;
  }
  if (tiles) {
    features |= (d >> 24 & 1) ? LUTRA_CPU_AMX_TILE : 0;
    features |= (d >> 25 & 1) ? LUTRA_CPU_AMX_INT8 : 0;
    features |= (d >> 22 & 1) ? LUTRA_CPU_AMX_BF16 : 0;
  }
  if (subleaves >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) {
    features |= ymm && (a >> 4 & 1) ? LUTRA_CPU_AVXVNNI : 0;
    features |= zmm && (a >> 5 & 1) ? LUTRA_CPU_AVX512BF16 : 0;
  }
  return features;
}
#elif defined(__aarch64__)
#include <sys/auxv.h>

uint64_t lutra_rt_cpu_features(void) {
  unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
  return ((first & HWCAP_ASIMDDP) ? LUTRA_CPU_DOTPROD : 0) | ((second & HWCAP2_I8MM) ? LUTRA_CPU_I8MM : 0);
}
#else
uint64_t lutra_rt_cpu_features(void) { return 0; }
#endif

/* The level that any CPU of this kind can run. */
#if defined(__aarch64__)
#define LEAST_LEVEL "neon"
#else
#define LEAST_LEVEL "baseline"
#endif

const lutra_level *lutra_rt_pick_level(lutra_error *error) {
  uint64_t features = lutra_rt_cpu_features();
  const char *wanted = getenv("LUTRA_ISA");
  char names[128] = "";
  for (int32_t i = 0; i < lutra_table.info.level_count; ++i) {
    const lutra_level *level = &lutra_table.levels[i];
    bool able = (level->features & features) == level->features;
    if (wanted && *wanted) {
      if (strcmp(wanted, level->name) == 0) {
        if (able)
          return level;
        lutra_rt_fail(error, LUTRA_ERROR_UNSUPPORTED,
                      "LUTRA_ISA asks for level %s, which this CPU does not have", wanted);
        return NULL;
      }
    } else if (able) {
      return level;
    }
    size_t used = strlen(names);
    snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", level->name);
  }
  if (wanted && *wanted)
    lutra_rt_fail(error, LUTRA_ERROR_UNSUPPORTED,
                  "LUTRA_ISA asks for level %s, but the model has only: %s", wanted, names);
  else
    lutra_rt_fail(error, LUTRA_ERROR_UNSUPPORTED,
                  "this CPU has none of the instruction-set levels of the model (%s); compile it "
                  "again with --target-cpu=" LEAST_LEVEL,
                  names);
  return NULL;
}
