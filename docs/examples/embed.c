/*===- embed.c - a plain C program that runs a compiled model -------------------===*
 * No Python, no framework, no library of ours. LUTRA is where Lutra was installed (such as /opt/lutra)
 * or the root of its source tree: both have the one header that is needed in include/.
 *
 * From a shared library:
 *   $ lutra-compile model.onnx -o model.so
 *   $ cc -std=c11 -I$LUTRA/include embed.c -ldl -o embed
 *   $ ./embed model.so
 *
 * With the model inside the program (the entry point is named after the model):
 *   $ lutra-compile model.onnx --emit=lib -o model.a
 *   $ cc -std=c11 -I$LUTRA/include -DEMBEDDED=model_get_model embed.c model.a -lm -lpthread -ldl -o embedded
 *   $ ./embedded
 *
 * Fills every input with ones (a run-time size is taken as 1, or as the last argument says), runs
 * once and prints each output's first values.
 *===----------------------------------------------------------------------===*/
#define _XOPEN_SOURCE 700 /* realpath */
#include "lutra/Runtime/Artifact.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef EMBEDDED
const lutra_model_api *EMBEDDED(uint32_t abi_version);
enum { SIZE_ARGUMENT = 1 };
#else
enum { SIZE_ARGUMENT = 2 };
#endif

static int64_t bytes_of(lutra_dtype type) {
  switch (type) {
  case LUTRA_FLOAT32:
  case LUTRA_INT32:
  case LUTRA_UINT32:
    return 4;
  case LUTRA_INT64:
  case LUTRA_UINT64:
  case LUTRA_FLOAT64:
    return 8;
  case LUTRA_INT16:
  case LUTRA_UINT16:
  case LUTRA_FLOAT16:
  case LUTRA_BFLOAT16:
    return 2;
  default:
    return 1;
  }
}

/* Zeroed memory, at least one byte of it; ends the program when there is none. */
static void *allocate(uint64_t count, uint64_t bytes) {
  void *memory = calloc(count + 1, bytes);
  if (!memory) {
    fprintf(stderr, "cannot allocate %llu times %llu bytes\n", (unsigned long long)count,
            (unsigned long long)bytes);
    exit(1);
  }
  return memory;
}

/* Allocates one tensor of `dims`; returns how many elements it has. */
static int64_t make_buffer(const lutra_tensor_info *info, const int64_t *dims, lutra_buffer *buffer) {
  int64_t count = 1;
  for (int32_t d = 0; d < info->rank; ++d)
    count *= dims[d];
  buffer->bytes = (uint64_t)(count * bytes_of(info->dtype));
  buffer->data = allocate((uint64_t)count, (uint64_t)bytes_of(info->dtype));
  if (info->dtype == LUTRA_FLOAT32)
    for (int64_t i = 0; i < count; ++i)
      ((float *)buffer->data)[i] = 1.0f;
  return count;
}

/* Room for the sizes of `count` tensors, one after the other. */
static int64_t *make_dims(const lutra_tensor_info *tensors, int32_t count) {
  uint64_t ranks = 0;
  for (int32_t i = 0; i < count; ++i)
    ranks += (uint64_t)tensors[i].rank;
  return allocate(ranks, sizeof(int64_t));
}

static int fail(const lutra_error *error) {
  fprintf(stderr, "error %d: %s\n", error->code, error->text);
  return 1;
}

/* The model's functions, or null after a message. */
static const lutra_model_api *find_model(int argc, char **argv) {
#ifdef EMBEDDED
  (void)argc;
  (void)argv;
  lutra_get_model_fn get_model = EMBEDDED;
#else
  if (argc < 2) {
    fprintf(stderr, "usage: embed MODEL.so [SIZE]\n");
    return NULL;
  }
  /* The whole path: a bare name would be looked up among the system's libraries alone. */
  char *path = realpath(argv[1], NULL);
  if (!path) {
    perror(argv[1]);
    return NULL;
  }
  void *library = dlopen(path, RTLD_NOW);
  free(path);
  if (!library) {
    fprintf(stderr, "cannot load the model: %s\n", dlerror());
    return NULL;
  }
  lutra_get_model_fn get_model = NULL;
  void *symbol = dlsym(library, "lutra_get_model");
  memcpy(&get_model, &symbol, sizeof get_model); /* ISO C has no cast from data to functions */
  if (!get_model) {
    fprintf(stderr, "%s is not a model compiled by Lutra\n", argv[1]);
    return NULL;
  }
#endif
  const lutra_model_api *api = get_model(LUTRA_ABI_VERSION);
  if (!api)
    fprintf(stderr, "the model was compiled for another version of lutra/Runtime/Artifact.h\n");
  return api;
}

int main(int argc, char **argv) {
  const lutra_model_api *api = find_model(argc, argv);
  if (!api)
    return 2;
  const lutra_model_info *info = api->info;
  int64_t dynamic = argc > SIZE_ARGUMENT ? atoll(argv[SIZE_ARGUMENT]) : 1;
  lutra_error error = {0};
  lutra_model *model = NULL;
  lutra_context *context = NULL;
  if (api->open(NULL, &model, &error) || api->create_context(model, NULL, &context, &error))
    return fail(&error);
  printf("%s for %s, level %s\n", info->name, info->target, api->level(model));

  int64_t *in_dims = make_dims(info->inputs, info->input_count);
  int64_t *out_dims = make_dims(info->outputs, info->output_count);
  lutra_buffer *inputs = allocate((uint64_t)info->input_count, sizeof *inputs);
  lutra_buffer *outputs = allocate((uint64_t)info->output_count, sizeof *outputs);
  int64_t *counts = allocate((uint64_t)info->output_count, sizeof *counts);
  int64_t *at = in_dims;
  for (int32_t i = 0; i < info->input_count; ++i) {
    for (int32_t d = 0; d < info->inputs[i].rank; ++d)
      at[d] = info->inputs[i].dims[d] < 0 ? dynamic : info->inputs[i].dims[d];
    make_buffer(&info->inputs[i], at, &inputs[i]);
    at += info->inputs[i].rank;
  }
  if (api->infer_shapes(in_dims, out_dims, &error))
    return fail(&error);
  at = out_dims;
  for (int32_t i = 0; i < info->output_count; ++i) {
    counts[i] = make_buffer(&info->outputs[i], at, &outputs[i]);
    at += info->outputs[i].rank;
  }
  if (api->run(context, inputs, in_dims, outputs, &error))
    return fail(&error);
  for (int32_t i = 0; i < info->output_count; ++i) {
    printf("%s:", info->outputs[i].name);
    for (int64_t k = 0; k < counts[i] && k < 8 && info->outputs[i].dtype == LUTRA_FLOAT32; ++k)
      printf(" %g", ((float *)outputs[i].data)[k]);
    printf("\n");
    free(outputs[i].data);
  }
  for (int32_t i = 0; i < info->input_count; ++i)
    free(inputs[i].data);
  free(counts);
  free(outputs);
  free(inputs);
  free(out_dims);
  free(in_dims);
  api->destroy_context(context);
  api->close(model);
  return 0;
}
