/*===- embed.c - a plain C program that runs a compiled model -------------------===*
 * No Python, no framework, no library of ours. Two ways to get a model:
 *
 *   lutra-compile model.onnx -o model.so          cc embed.c -ldl && ./a.out model.so
 *   lutra-compile model.onnx --emit=lib           cc -DEMBEDDED=model_get_model embed.c model.a -lm -lpthread
 *
 * Fills every input with ones (a run-time size is taken as 1, or as the second argument says), runs
 * once and prints each output's first values.
 *===----------------------------------------------------------------------===*/
#include "lutra/Runtime/Artifact.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef EMBEDDED
const lutra_model_api *EMBEDDED(uint32_t abi_version);
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

/* Allocates one tensor of `dims`; returns how many elements it has. */
static int64_t make_buffer(const lutra_tensor_info *info, const int64_t *dims, lutra_buffer *buffer) {
  int64_t count = 1;
  for (int32_t d = 0; d < info->rank; ++d)
    count *= dims[d];
  buffer->bytes = (uint64_t)(count * bytes_of(info->dtype));
  buffer->data = calloc(1, buffer->bytes + 1);
  if (info->dtype == LUTRA_FLOAT32)
    for (int64_t i = 0; i < count; ++i)
      ((float *)buffer->data)[i] = 1.0f;
  return count;
}

static int fail(const lutra_error *error) {
  fprintf(stderr, "error %d: %s\n", error->code, error->text);
  return 1;
}

int main(int argc, char **argv) {
  lutra_get_model_fn get_model = NULL;
#ifdef EMBEDDED
  get_model = EMBEDDED;
#else
  void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
  if (library)
    get_model = (lutra_get_model_fn)dlsym(library, "lutra_get_model");
#endif
  const lutra_model_api *api = get_model ? get_model(LUTRA_ABI_VERSION) : NULL;
  if (!api) {
    fprintf(stderr, "usage: embed MODEL.so [SIZE]\n");
    return 2;
  }
  const lutra_model_info *info = api->info;
  int64_t dynamic = argc > 2 ? atoll(argv[2]) : 1;
  lutra_error error = {0};
  lutra_model *model = NULL;
  lutra_context *context = NULL;
  if (api->open(NULL, &model, &error) || api->create_context(model, NULL, &context, &error))
    return fail(&error);
  printf("%s for %s, level %s\n", info->name, info->target, api->level(model));

  int64_t in_dims[64], out_dims[64], *at = in_dims;
  lutra_buffer inputs[16], outputs[16];
  for (int32_t i = 0; i < info->input_count; ++i) {
    for (int32_t d = 0; d < info->inputs[i].rank; ++d)
      at[d] = info->inputs[i].dims[d] < 0 ? dynamic : info->inputs[i].dims[d];
    make_buffer(&info->inputs[i], at, &inputs[i]);
    at += info->inputs[i].rank;
  }
  if (api->infer_shapes(in_dims, out_dims, &error))
    return fail(&error);
  int64_t counts[16];
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
  api->destroy_context(context);
  api->close(model);
  return 0;
}
