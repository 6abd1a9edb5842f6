/* Runs on another machine, or an emulator of one, what a test made for it.
 *
 *   guest model LIBRARY < REQUEST > ANSWER      one call of a compiled model
 *   guest call LIBRARY < REQUEST > ANSWER       calls of functions, one after another
 *
 * Requests and answers are what guest.py writes and reads: numbers of 64 bits and bytes. Buffers of calls end where
 * memory does.
 */
#define _GNU_SOURCE
#include "lutra/Runtime/Artifact.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST_ARGUMENTS = 112, MOST_BUFFERS = 16, BUFFER_BYTES = 1 << 24 };
enum { NUMBER, BUFFER, SAME_BUFFER };

static void stop(const char *what, const char *why) {
  fprintf(stderr, "guest: %s: %s\n", what, why);
  exit(1);
}

/* Whether all of it was there. */
static int take(void *to, uint64_t bytes) { return fread(to, 1, bytes, stdin) == bytes; }

static int64_t number(void) {
  int64_t value;
  if (!take(&value, sizeof value))
    stop("request", "ends early");
  return value;
}

static void give(const void *from, uint64_t bytes) {
  if (fwrite(from, 1, bytes, stdout) != bytes)
    stop("answer", "cannot be written");
}

static uint64_t bytes_of(lutra_dtype type) {
  switch (type) {
  case LUTRA_FLOAT64:
  case LUTRA_INT64:
  case LUTRA_UINT64:
    return 8;
  case LUTRA_FLOAT32:
  case LUTRA_INT32:
  case LUTRA_UINT32:
    return 4;
  case LUTRA_FLOAT16:
  case LUTRA_BFLOAT16:
  case LUTRA_INT16:
  case LUTRA_UINT16:
    return 2;
  default:
    return 1;
  }
}

static void *make(uint64_t bytes) {
  void *memory = calloc(bytes + 1, 1);
  if (!memory)
    stop("memory", "there is none");
  return memory;
}

static uint64_t size_of(const lutra_tensor_info *info, const int64_t *dims) {
  uint64_t bytes = bytes_of(info->dtype);
  for (int32_t dim = 0; dim < info->rank; ++dim)
    bytes *= (uint64_t)dims[dim];
  return bytes;
}

/* How many sizes tensors have together. */
static uint64_t rank_of(const lutra_tensor_info *infos, int32_t count) {
  uint64_t rank = 0;
  for (int32_t i = 0; i < count; ++i)
    rank += (uint64_t)infos[i].rank;
  return rank;
}

/* Request: threads; for each input its sizes, then its bytes. Answer: the level's name, a line; for each output its
 * type, rank, sizes and bytes. */
static void run_model(void *library) {
  lutra_get_model_fn get_model;
  void *symbol = dlsym(library, "lutra_get_model");
  memcpy(&get_model, &symbol, sizeof get_model);
  const lutra_model_api *api = get_model ? get_model(LUTRA_ABI_VERSION) : NULL;
  if (!api)
    stop("library", "holds no model");
  const lutra_model_info *info = api->info;
  lutra_error error = {0};
  lutra_model *model = NULL;
  lutra_context *context = NULL;
  lutra_context_options options = {.struct_size = sizeof options, .threads = (int32_t)number()};
  if (api->open(NULL, &model, &error) || api->create_context(model, &options, &context, &error))
    stop("model", error.text);
  int64_t *in_dims = make(rank_of(info->inputs, info->input_count) * sizeof *in_dims), *at = in_dims;
  int64_t *out_dims = make(rank_of(info->outputs, info->output_count) * sizeof *out_dims);
  lutra_buffer *inputs = make((uint64_t)info->input_count * sizeof *inputs);
  lutra_buffer *outputs = make((uint64_t)info->output_count * sizeof *outputs);
  for (int32_t i = 0; i < info->input_count; ++i) {
    for (int32_t dim = 0; dim < info->inputs[i].rank; ++dim)
      at[dim] = number();
    inputs[i].bytes = size_of(&info->inputs[i], at);
    inputs[i].data = make(inputs[i].bytes);
    if (!take(inputs[i].data, inputs[i].bytes))
      stop("request", "ends early");
    at += info->inputs[i].rank;
  }
  if (api->infer_shapes(in_dims, out_dims, &error))
    stop("sizes", error.text);
  at = out_dims;
  for (int32_t i = 0; i < info->output_count; ++i) {
    outputs[i].bytes = size_of(&info->outputs[i], at);
    outputs[i].data = make(outputs[i].bytes);
    at += info->outputs[i].rank;
  }
  if (api->run(context, inputs, in_dims, outputs, &error))
    stop("run", error.text);
  const char *level = api->level(model);
  give(level, strlen(level));
  give("\n", 1);
  at = out_dims;
  for (int32_t i = 0; i < info->output_count; ++i) {
    int64_t head[2] = {info->outputs[i].dtype, info->outputs[i].rank};
    give(head, sizeof head);
    give(at, (uint64_t)info->outputs[i].rank * sizeof *at);
    give(outputs[i].data, outputs[i].bytes);
    at += info->outputs[i].rank;
  }
  api->destroy_context(context);
  api->close(model);
}

/* The end of a buffer, behind which a page may not be touched. */
static char *end_of(int index) {
  static char *ends[MOST_BUFFERS];
  if (!ends[index]) {
    long page = sysconf(_SC_PAGESIZE);
    char *memory = mmap(NULL, BUFFER_BYTES + (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + BUFFER_BYTES, (size_t)page, PROT_NONE))
      stop("memory", "there is none");
    ends[index] = memory + BUFFER_BYTES;
  }
  return ends[index];
}

#define FOUR(FROM) a[FROM], a[FROM + 1], a[FROM + 2], a[FROM + 3]
#define SIXTEEN(FROM) FOUR(FROM), FOUR(FROM + 4), FOUR(FROM + 8), FOUR(FROM + 12)
#define P4 int64_t, int64_t, int64_t, int64_t
#define P16 P4, P4, P4, P4
typedef int64_t (*Function)(P16, P16, P16, P16, P16, P16, P16);

/* A function that takes fewer integers leaves the rest alone. */
static int64_t call(void *library, const char *name, const int64_t *a) {
  Function function;
  void *symbol = dlsym(library, name);
  if (!symbol)
    stop(name, "is not in the library");
  memcpy(&function, &symbol, sizeof function);
  return function(SIXTEEN(0), SIXTEEN(16), SIXTEEN(32), SIXTEEN(48), SIXTEEN(64), SIXTEEN(80),
                  SIXTEEN(96));
}

/* Request, as often as wanted: length of a name, the name, whether it is a kernel (which is asked for its items first
 * and then runs their second half before the first), the number of arguments, and each: its kind, and a number or how
 * many bytes, and they. Answer, for each: the bytes of all buffers. */
static void run_calls(void *library) {
  int64_t length;
  while (take(&length, sizeof length)) {
    char name[256] = "", grid[sizeof name + 8];
    if (length < 0 || length >= (int64_t)sizeof name || !take(name, (uint64_t)length))
      stop("request", "holds no name");
    int64_t is_kernel = number(), count = number(), arguments[MOST_ARGUMENTS] = {0}, sizes[MOST_BUFFERS];
    int buffers = 0;
    if (count > MOST_ARGUMENTS - 2)
      stop(name, "takes too many arguments");
    for (int64_t i = 0; i < count; ++i) {
      int64_t kind = number(), value = number();
      if (kind == BUFFER) {
        if (buffers == MOST_BUFFERS || value > BUFFER_BYTES)
          stop(name, "takes too much memory");
        char *place = end_of(buffers) - value;
        if (!take(place, (uint64_t)value))
          stop("request", "ends early");
        sizes[buffers++] = value;
        value = (int64_t)(intptr_t)place;
      } else if (kind == SAME_BUFFER) {
        value = arguments[i - 1];
      }
      arguments[i] = value;
    }
    if (is_kernel) {
      snprintf(grid, sizeof grid, "%s.grid", name);
      int64_t items = call(library, grid, arguments);
      arguments[count] = items / 2, arguments[count + 1] = items;
      call(library, name, arguments);
      arguments[count] = 0, arguments[count + 1] = items / 2;
    }
    call(library, name, arguments);
    for (int i = 0; i < buffers; ++i)
      give(end_of(i) - sizes[i], (uint64_t)sizes[i]);
  }
}

int main(int argc, char **argv) {
  if (argc != 3)
    stop("usage", "guest model|call LIBRARY");
  void *library = dlopen(argv[2], RTLD_NOW);
  if (!library)
    stop(argv[2], dlerror());
  if (strcmp(argv[1], "model") == 0)
    run_model(library);
  else
    run_calls(library);
  return fflush(stdout) ? 1 : 0;
}
