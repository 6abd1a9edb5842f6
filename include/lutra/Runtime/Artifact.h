/*===- Artifact.h - the interface of a compiled model ------------------------===*
 * A model compiled by Lutra is a shared library (or an object with a prefixed name) that exports one function:
 *
 *   const lutra_model_api *lutra_get_model(uint32_t abi_version);
 *
 * Everything else is reached through the returned table. Plain C11; needs libc, libm and threads.
 *
 *   open -> create_context -> infer_shapes -> run (as often as wanted) -> destroy_context -> close
 *
 * A model is immutable and may be shared by threads; a context owns an arena and worker threads and
 * runs one call at a time. Nothing here aborts or prints: every failure is a status with a text.
 *
 * An artifact is code: loading one runs it. Load only files that you trust.
 *===----------------------------------------------------------------------===*/
#ifndef LUTRA_RUNTIME_ARTIFACT_H
#define LUTRA_RUNTIME_ARTIFACT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes when a table below changes incompatibly. Tables only grow at their end otherwise. */
#define LUTRA_ABI_VERSION 1u

typedef int32_t lutra_status;
enum {
  LUTRA_OK = 0,
  LUTRA_ERROR_ARGUMENT = 1,    /* a pointer, size or shape that the caller passed */
  LUTRA_ERROR_ARTIFACT = 2,    /* the weights are missing, damaged or of another model */
  LUTRA_ERROR_UNSUPPORTED = 3, /* this machine lacks what the model was compiled for */
  LUTRA_ERROR_MEMORY = 4,
  LUTRA_ERROR_ENVIRONMENT = 5, /* a file, a thread or a driver */
  LUTRA_ERROR_INTERNAL = 70
};

/* Where a call writes why it failed. May be null everywhere. */
typedef struct lutra_error {
  lutra_status code;
  char text[508];
} lutra_error;

typedef int32_t lutra_dtype;
enum {
  LUTRA_BOOL = 1, /* one byte, 0 or 1 */
  LUTRA_INT8 = 2,
  LUTRA_INT16 = 3,
  LUTRA_INT32 = 4,
  LUTRA_INT64 = 5,
  LUTRA_UINT8 = 6,
  LUTRA_UINT16 = 7,
  LUTRA_UINT32 = 8,
  LUTRA_UINT64 = 9,
  LUTRA_FLOAT16 = 10,
  LUTRA_BFLOAT16 = 11,
  LUTRA_FLOAT32 = 12,
  LUTRA_FLOAT64 = 13,
  LUTRA_FLOAT8_E4M3FN = 14,
  LUTRA_FLOAT8_E5M2 = 15
};

typedef struct lutra_tensor_info {
  const char *name;
  lutra_dtype dtype;
  int32_t rank;
  const int64_t *dims;          /* -1 where the size is known at run time only */
  const char *const *dim_names; /* "" where static or unnamed; equal names are equal sizes */
} lutra_tensor_info;

/* What a size may be; inputs outside are refused. The name is the dimension's; "x.0" for an unnamed one of input x. */
typedef struct lutra_dim_range {
  const char *name;
  int64_t low, high;
} lutra_dim_range;

/* Two sizes that must be equal, or with `broadcasts` may also be 1. A side is the size of that name (as above) plus a
 * number; the name "" stands for 0. */
typedef struct lutra_dim_relation {
  const char *lhs, *rhs;
  int64_t lhs_add, rhs_add;
  int64_t broadcasts;
} lutra_dim_relation;

/* How the value at `place` of a condition is computed: from the values at places a and b before it, from the number a,
 * or from the size of dimension b of input a. A quotient is rounded down; broadcast is b where a is 1, else a. */
typedef enum lutra_dim_operation {
  LUTRA_DIM_NUMBER,
  LUTRA_DIM_SIZE,
  LUTRA_DIM_ADD,
  LUTRA_DIM_MUL,
  LUTRA_DIM_FLOORDIV,
  LUTRA_DIM_MOD,
  LUTRA_DIM_MIN,
  LUTRA_DIM_MAX,
  LUTRA_DIM_BROADCAST
} lutra_dim_operation;

typedef struct lutra_dim_step {
  int64_t operation, a, b;
} lutra_dim_step;

typedef enum lutra_dim_condition_kind {
  LUTRA_DIM_EQUAL,
  LUTRA_DIM_BROADCASTS, /* equal, or one of them is 1 */
  LUTRA_DIM_AT_LEAST
} lutra_dim_condition_kind;

/* Two formulas over sizes of inputs, as text and as places among the values of the steps. */
typedef struct lutra_dim_condition {
  const char *lhs, *rhs;
  int64_t kind, lhs_place, rhs_place;
  const lutra_dim_step *steps;
  int64_t step_count;
} lutra_dim_condition;

typedef struct lutra_model_info {
  const char *name;
  const char *compiler; /* "lutra 0.1.0" */
  const char *target;   /* "x86_64-linux-gnu", "sm_90a", ... */
  const char *const *levels; /* instruction-set levels inside, best first */
  const lutra_tensor_info *inputs;
  const lutra_tensor_info *outputs;
  const char *weights_file; /* name at compile time (<artifact>.weights), or null when inside */
  uint64_t weights_bytes;
  int32_t level_count;
  int32_t input_count;
  int32_t output_count;
  int32_t kernel_count;
  const lutra_dim_range *dim_ranges; /* of the names that are limited */
  int64_t dim_range_count;
  const lutra_dim_relation *dim_relations;
  int64_t dim_relation_count;
  const lutra_dim_condition *dim_conditions;
  int64_t dim_condition_count;
} lutra_model_info;

typedef struct lutra_model lutra_model;
typedef struct lutra_context lutra_context;

/* Runs body on [0, items), cut anyhow, in any order, on any threads; returns when all is done. */
typedef void (*lutra_body)(void *state, int64_t begin, int64_t end);
typedef void (*lutra_parallel_for)(void *user, int64_t items, lutra_body body, void *state);

/* Told of every launch of a kernel, on the thread that runs the call: before it with its number of work items, after
 * it with -1. */
typedef void (*lutra_trace)(void *user, const char *kernel, int64_t items);

typedef struct lutra_model_options {
  uint32_t struct_size;     /* sizeof(lutra_model_options) */
  uint32_t trust_weights;   /* nonzero: do not hash the weights file (size and version are checked) */
  const char *weights_path; /* null: <library>.weights, then weights_file beside the library */
} lutra_model_options;

typedef struct lutra_context_options {
  uint32_t struct_size;
  int32_t threads;                 /* 0: one per CPU that the process may use */
  lutra_parallel_for parallel_for; /* null: the model's own pool */
  void *parallel_user;
  lutra_trace trace; /* null: nobody is told; CPU targets only */
  void *trace_user;
} lutra_context_options;

/* Host memory of one tensor: row-major, aligned to its element. */
typedef struct lutra_buffer {
  void *data;
  uint64_t bytes; /* capacity, checked against the shape */
} lutra_buffer;

/* One input as a host holds it. */
typedef struct lutra_tensor {
  lutra_dtype dtype;
  int32_t rank;
  const int64_t *dims; /* rank entries */
  lutra_buffer buffer;
} lutra_tensor;

/* `in_dims` holds the sizes of all inputs one after another, rank entries each; `out_dims` likewise. */
typedef struct lutra_model_api {
  uint32_t abi_version;
  uint32_t struct_size;
  const lutra_model_info *info;

  /* Maps and checks the weights, picks the instruction-set level. options may be null. */
  lutra_status (*open)(const lutra_model_options *options, lutra_model **model, lutra_error *error);
  void (*close)(lutra_model *model);
  /* Name of the level that was picked. */
  const char *(*level)(const lutra_model *model);

  lutra_status (*create_context)(lutra_model *model, const lutra_context_options *options,
                                 lutra_context **context, lutra_error *error);
  void (*destroy_context)(lutra_context *context);

  /* Checks the input sizes and computes the output sizes. */
  lutra_status (*infer_shapes)(const int64_t *in_dims, int64_t *out_dims, lutra_error *error);
  /* Bytes of intermediate values that a call with these sizes holds in its context. */
  lutra_status (*arena_bytes)(const int64_t *in_dims, uint64_t *bytes, lutra_error *error);
  /* One call. Outputs must not overlap inputs or each other. */
  lutra_status (*run)(lutra_context *context, const lutra_buffer *inputs, const int64_t *in_dims,
                      const lutra_buffer *outputs, lutra_error *error);

  /* Compares inputs with what the model takes: their number, types, ranks, sizes and buffers. `run` does the same as
   * far as its arguments tell; a host whose tensors carry a type and a rank calls this first. */
  lutra_status (*check_inputs)(const lutra_tensor *inputs, int32_t count, lutra_error *error);
} lutra_model_api;

/* The one exported function; null when the library does not speak `abi_version`. */
typedef const lutra_model_api *(*lutra_get_model_fn)(uint32_t abi_version);

#ifdef __cplusplus
}
#endif
#endif
