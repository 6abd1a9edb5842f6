/* Calls a model (entry.mlir) with arguments that it must refuse, and prints each status and text. */
#include "lutra/Runtime/Artifact.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static const lutra_model_api *api;
static float a[64], s, y[64];
static int64_t b[16];

static void print(const char *what, lutra_status status, const lutra_error *error) {
  printf("%s: %d %s\n", what, status, status ? error->text : "");
}

/* The inputs for three rows. */
static void fill(lutra_tensor *inputs, int64_t *dims) {
  const int64_t right[] = {3, 5, 3, 1};
  memcpy(dims, right, sizeof right);
  inputs[0] = (lutra_tensor){LUTRA_FLOAT32, 2, dims, {a, 60}};
  inputs[1] = (lutra_tensor){LUTRA_INT64, 2, dims + 2, {b, 24}};
  inputs[2] = (lutra_tensor){LUTRA_FLOAT32, 0, NULL, {&s, 4}};
}

static void check(const char *what, const lutra_tensor *inputs, int32_t count) {
  lutra_error error = {0};
  print(what, api->check_inputs(inputs, count, &error), &error);
}

static void run(const char *what, lutra_context *context, const lutra_tensor *inputs, uint64_t out_bytes) {
  int64_t dims[4], out_dims[2] = {-7, -7};
  lutra_buffer in[3] = {inputs[0].buffer, inputs[1].buffer, inputs[2].buffer}, out = {y, out_bytes};
  lutra_error error = {0};
  memcpy(dims, inputs[0].dims, 16);
  memcpy(dims + 2, inputs[1].dims, 16);
  lutra_status status = api->infer_shapes(dims, out_dims, &error);
  if (!status)
    printf("%s gives %lld x %lld\n", what, (long long)out_dims[0], (long long)out_dims[1]);
  print(what, api->run(context, in, dims, &out, &error), &error);
}

int main(int argc, char **argv) {
  void *library = dlopen(argv[argc - 1], RTLD_NOW);
  lutra_model *model = NULL;
  lutra_context *context = NULL;
  api = ((lutra_get_model_fn)dlsym(library, "lutra_get_model"))(LUTRA_ABI_VERSION);
  if (api->open(NULL, &model, NULL) || api->create_context(model, NULL, &context, NULL))
    return 1;
  lutra_tensor inputs[3];
  int64_t dims[4];
  fill(inputs, dims), check("right", inputs, 3);
  fill(inputs, dims), check("count", inputs, 2);
  fill(inputs, dims), inputs[1].dtype = LUTRA_INT32, check("type", inputs, 3);
  fill(inputs, dims), inputs[1].dtype = 99, check("unknown type", inputs, 3);
  fill(inputs, dims), inputs[0].rank = 1, check("rank", inputs, 3);
  fill(inputs, dims), inputs[2].rank = 1, inputs[2].dims = dims, check("scalar", inputs, 3);
  fill(inputs, dims), dims[1] = 4, check("fixed", inputs, 3), run("fixed run", context, inputs, 60);
  fill(inputs, dims), dims[2] = 2, check("named", inputs, 3), run("named run", context, inputs, 60);
  fill(inputs, dims), dims[0] = -1, check("negative", inputs, 3), run("negative run", context, inputs, 60);
  fill(inputs, dims), dims[0] = dims[2] = 1ll << 40, check("huge", inputs, 3);
  fill(inputs, dims), inputs[0].buffer.bytes = 59, check("short", inputs, 3), run("short run", context, inputs, 60);
  fill(inputs, dims), inputs[1].buffer.data = NULL, check("null", inputs, 3);
  fill(inputs, dims), inputs[1].buffer.data = (char *)b + 4, check("misaligned", inputs, 3);
  fill(inputs, dims), run("short output", context, inputs, 59);
  /* Nothing was written by any refused call. */
  for (int i = 0; i < 64; ++i)
    if (y[i] != 0)
      return 2;
  for (int i = 0; i < 15; ++i)
    a[i] = i, b[i / 5] = 100;
  s = 2;
  fill(inputs, dims), run("three rows", context, inputs, 60);
  printf("%g %g\n", y[0], y[14]);
  fill(inputs, dims), dims[0] = dims[2] = 0, y[0] = 7;
  inputs[0].buffer = inputs[1].buffer = (lutra_buffer){NULL, 0};
  check("no rows checked", inputs, 3), run("no rows", context, inputs, 0);
  printf("%g\n", y[0]);
  api->destroy_context(context);
  api->close(model);
  return 0;
}
