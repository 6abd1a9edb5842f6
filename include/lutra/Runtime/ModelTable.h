/*===- ModelTable.h - what the compiler emits and the runtime reads ----------===*
 * The compiler emits one constant `lutra_table` per model (Target/CPU/ModelTable.cpp writes it field by field: keep
 * both in step) and links it with the runtime's bitcode. Not part of the public interface.
 *===----------------------------------------------------------------------===*/
#ifndef LUTRA_RUNTIME_MODELTABLE_H
#define LUTRA_RUNTIME_MODELTABLE_H

#include "lutra/Runtime/Artifact.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Features that a level may need: what cpuid and xgetbv report together, or the auxiliary vector. */
enum {
  LUTRA_CPU_AVX2 = 1 << 0,
  LUTRA_CPU_FMA = 1 << 1,
  LUTRA_CPU_F16C = 1 << 2,
  LUTRA_CPU_BMI2 = 1 << 3,
  LUTRA_CPU_AVX512F = 1 << 4,
  LUTRA_CPU_AVX512BW = 1 << 5,
  LUTRA_CPU_AVX512DQ = 1 << 6,
  LUTRA_CPU_AVX512VL = 1 << 7,
  LUTRA_CPU_AVX512VNNI = 1 << 8,
  LUTRA_CPU_AVX512BF16 = 1 << 9,
  LUTRA_CPU_AMX_TILE = 1 << 10,
  LUTRA_CPU_AMX_INT8 = 1 << 11,
  LUTRA_CPU_AMX_BF16 = 1 << 12,
  LUTRA_CPU_AVXVNNI = 1 << 13,
  LUTRA_CPU_DOTPROD = 1 << 14, /* aarch64: sdot */
  LUTRA_CPU_I8MM = 1 << 15,    /* smmla */
  LUTRA_CPU_AVX512VBMI = 1 << 16 /* with BITALG */
};

/* The kernel ABI. `args` has, in the order of the launch (inputs, then outputs): for a buffer its address and then its
 * dynamic sizes, for an index its value. */
typedef struct lutra_kernel {
  const char *name;
  void (*run)(const int64_t *args, int64_t begin, int64_t end);
  int64_t (*grid)(const int64_t *args);
} lutra_kernel;

typedef struct lutra_level {
  const char *name;
  uint64_t features;
  const lutra_kernel *kernels;
} lutra_level;

typedef struct lutra_call lutra_call;

/* How kernels are run. The CPU's is lutra_cpu_backend; another device supplies its own. */
typedef struct lutra_backend {
  lutra_status (*open)(lutra_model *model, lutra_error *error);
  void (*close)(lutra_model *model);
  lutra_status (*create)(lutra_context *context, lutra_error *error);
  void (*destroy)(lutra_context *context);
  /* Runs the whole call; `args` are the slots of the entry function. */
  lutra_status (*run)(lutra_context *context, int64_t *args, uint64_t arena_bytes,
                      lutra_error *error);
  void (*launch)(lutra_call *call, int64_t kernel, const int64_t *args, int64_t slots);
  void (*copy)(lutra_call *call, void *dest, const void *source, int64_t bytes);
} lutra_backend;

/* What a call compares one size of an input with: another size (a place in the list of all sizes of inputs, in order)
 * and a range, -1 where there is none. The compiler finds both by name, so that a call compares no text. */
typedef struct lutra_size_check {
  int32_t input, dim; /* whose size this is */
  int64_t same;       /* the first size of the same name, where that is an earlier one */
  int64_t range;      /* which of info.dim_ranges */
} lutra_size_check;

typedef struct lutra_model_table {
  lutra_model_info info;
  const uint8_t *weights; /* inside the image, or null */
  uint64_t weights_hash;  /* XXH64 of the weights */
  /* dynamic sizes of the inputs -> dynamic sizes of the outputs, then bytes of the arena */
  void (*shapes)(const int64_t *in_dims, int64_t *results);
  /* slots of all inputs, then of all outputs */
  void (*entry)(lutra_call *call, const int64_t *args, uint8_t *arena, const uint8_t *weights);
  const lutra_backend *backend;
  const lutra_level *levels;
  const void *device; /* the backend's own images */
  int64_t slot_count; /* of the entry function */
  const lutra_size_check *size_checks; /* one for each size of the inputs, in order */
  const int64_t *relation_sizes;       /* of each of info.dim_relations the sizes of lhs and rhs; -1: no size */
} lutra_model_table;

/* Called by the compiled entry function. */
void lutra_rt_launch(lutra_call *call, int64_t kernel, const int64_t *args, int64_t slots);
void lutra_rt_copy(lutra_call *call, void *dest, const void *source, int64_t bytes);

/* Head of a weights file; the weights follow at LUTRA_WEIGHTS_OFFSET. */
#define LUTRA_WEIGHTS_MAGIC "LUTRAWT1"
#define LUTRA_WEIGHTS_OFFSET 4096
typedef struct lutra_weights_header {
  char magic[8];
  uint32_t abi_version;
  uint32_t offset;
  uint64_t bytes;
  uint64_t hash;
} lutra_weights_header;

/* Last bytes of a library: what was linked, so that a loader finds damage before it maps anything. A library without
 * one was changed by another tool, such as strip. */
#define LUTRA_SEAL_MAGIC "LUTRASO1"
typedef struct lutra_seal {
  char magic[8];
  uint64_t bytes; /* of the file before the seal */
  uint64_t hash;  /* of them */
} lutra_seal;

/* XXH64, seed 0. */
uint64_t lutra_rt_hash(const void *data, uint64_t bytes);
/* The same of data that come in parts: whole stripes each, then what is left. */
#define LUTRA_HASH_STRIPE 32
typedef struct lutra_hash {
  uint64_t lanes[4];
  uint64_t bytes; /* so far */
} lutra_hash;
void lutra_rt_hash_begin(lutra_hash *hash);
void lutra_rt_hash_stripes(lutra_hash *hash, const void *data, uint64_t bytes);
uint64_t lutra_rt_hash_end(const lutra_hash *begun, const void *data, uint64_t bytes);

#ifdef __cplusplus
}
#endif
#endif
