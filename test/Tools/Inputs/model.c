/* A model by hand: y = x + 1 for x of shape [n, 2]. With SPOIL_INPUT it writes to its input, with
 * REFUSE_INPUTS it takes none, with WRITE_BEFORE it touches what lies before its output. */
#include "lutra/Runtime/Artifact.h"

#include <string.h>

static const int64_t dims[2] = {-1, 2};
static const char *const dim_names[2] = {"n", ""};
static const lutra_tensor_info input = {"x", LUTRA_FLOAT32, 2, dims, dim_names};
static const lutra_tensor_info output = {"y", LUTRA_FLOAT32, 2, dims, dim_names};
static const lutra_model_info info = {
    .name = "plus", .inputs = &input, .outputs = &output, .input_count = 1, .output_count = 1};

static lutra_status open_model(const lutra_model_options *options, lutra_model **model, lutra_error *error) {
  (void)options, (void)error;
  *model = (lutra_model *)&info;
  return LUTRA_OK;
}
static void close_model(lutra_model *model) { (void)model; }
static lutra_status create(lutra_model *model, const lutra_context_options *options, lutra_context **context,
                           lutra_error *error) {
  (void)options, (void)error;
  *context = (lutra_context *)model;
  return LUTRA_OK;
}
static void destroy(lutra_context *context) { (void)context; }
static lutra_status infer(const int64_t *in_dims, int64_t *out_dims, lutra_error *error) {
  if (in_dims[0] > 100) {
    error->code = LUTRA_ERROR_ARGUMENT;
    strcpy(error->text, "n is larger than 100");
    return LUTRA_ERROR_ARGUMENT;
  }
  memcpy(out_dims, in_dims, 2 * sizeof(int64_t));
  return LUTRA_OK;
}
static lutra_status check(const lutra_tensor *inputs, int32_t count, lutra_error *error) {
#ifdef REFUSE_INPUTS
  error->code = LUTRA_ERROR_ARGUMENT;
  strcpy(error->text, "no input is good enough");
#else
  if (count != 1 || inputs[0].dtype != LUTRA_FLOAT32 || inputs[0].rank != 2 || inputs[0].dims[1] != 2)
    strcpy(error->text, "x is no [n, 2] of float32");
  else
    return LUTRA_OK;
#endif
  return LUTRA_ERROR_ARGUMENT;
}
static lutra_status run(lutra_context *context, const lutra_buffer *inputs, const int64_t *in_dims,
                        const lutra_buffer *outputs, lutra_error *error) {
  (void)context, (void)error;
  float *x = inputs[0].data, *y = outputs[0].data;
  for (int64_t i = 0; i < 2 * in_dims[0]; ++i)
    y[i] = x[i] + 1;
#ifdef SPOIL_INPUT
  x[0] += 1;
#endif
#ifdef WRITE_BEFORE
  ((volatile float *)y)[-1] = 0;
#endif
  return LUTRA_OK;
}
static const lutra_model_api api = {.abi_version = LUTRA_ABI_VERSION,
                                    .struct_size = sizeof(lutra_model_api),
                                    .info = &info,
                                    .open = open_model,
                                    .close = close_model,
                                    .create_context = create,
                                    .destroy_context = destroy,
                                    .infer_shapes = infer,
                                    .run = run,
                                    .check_inputs = check};
const lutra_model_api *lutra_get_model(uint32_t abi_version) {
  return abi_version == LUTRA_ABI_VERSION ? &api : NULL;
}
