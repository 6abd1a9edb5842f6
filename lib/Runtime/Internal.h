/*===- Internal.h - state shared by the files of the runtime -----------------===*/
#ifndef LUTRA_LIB_RUNTIME_INTERNAL_H
#define LUTRA_LIB_RUNTIME_INTERNAL_H

#include "lutra/Runtime/ModelTable.h"

#include <stdatomic.h>
#include <stdbool.h>

extern const lutra_model_table lutra_table;
extern const lutra_backend lutra_cpu_backend;

typedef struct lutra_pool lutra_pool;

struct lutra_model {
  const uint8_t *weights;
  void *mapping; /* of the weights file, or null */
  uint64_t mapping_bytes;
  const lutra_level *level; /* null on a device */
  void *device;
};

struct lutra_context {
  lutra_model *model;
  lutra_pool *pool;
  lutra_parallel_for parallel_for;
  void *parallel_user;
  lutra_trace trace;
  void *trace_user;
  uint8_t *arena;
  uint64_t arena_bytes;
  atomic_flag busy;
  void *device;
};

/* One run, as the entry function passes it to lutra_rt_launch. */
struct lutra_call {
  lutra_context *context;
  lutra_status status;
  lutra_error *error;
};

/* Writes `code` and the text into `error` (which may be null) and returns `code`. */
lutra_status lutra_rt_fail(lutra_error *error, lutra_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Bytes of one element. */
uint64_t lutra_rt_bytes_of(lutra_dtype type);

uint64_t lutra_rt_cpu_features(void);
/* The best level that this CPU can run; null after an error. */
const lutra_level *lutra_rt_pick_level(lutra_error *error);

lutra_pool *lutra_rt_pool_create(int threads, lutra_error *error);
void lutra_rt_pool_destroy(lutra_pool *pool);
void lutra_rt_pool_run(void *pool, int64_t items, lutra_body body, void *state);

lutra_status lutra_rt_map_weights(lutra_model *model, const lutra_model_options *options,
                                  lutra_error *error);
void lutra_rt_unmap_weights(lutra_model *model);

/* Grows the context's arena to `bytes`, 64-byte aligned. */
lutra_status lutra_rt_reserve_arena(lutra_context *context, uint64_t bytes, lutra_error *error);

#endif
