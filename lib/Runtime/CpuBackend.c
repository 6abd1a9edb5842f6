/*===- CpuBackend.c - kernels as functions, work items as ranges ---------------===*/
#include "Internal.h"

#include <string.h>

static lutra_status openModel(lutra_model *model, lutra_error *error) {
  model->level = lutra_rt_pick_level(error);
  return model->level ? LUTRA_OK : LUTRA_ERROR_UNSUPPORTED;
}

static void closeModel(lutra_model *model) { (void)model; }

static lutra_status createContext(lutra_context *context, lutra_error *error) {
  (void)context, (void)error;
  return LUTRA_OK;
}

static void destroyContext(lutra_context *context) { (void)context; }

typedef struct {
  const lutra_kernel *kernel;
  const int64_t *args;
} Launch;

static void runItems(void *state, int64_t begin, int64_t end) {
  const Launch *launch = state;
  launch->kernel->run(launch->args, begin, end);
}

static void launchKernel(lutra_call *call, int64_t index, const int64_t *args, int64_t slots) {
  (void)slots;
  lutra_context *context = call->context;
  const lutra_kernel *kernel = &context->model->level->kernels[index];
  Launch launch = {kernel, args};
  int64_t items = kernel->grid(args);
  if (context->trace)
    context->trace(context->trace_user, kernel->name, items);
  if (items == 1)
    kernel->run(args, 0, 1);
  else if (items > 1)
    context->parallel_for(context->parallel_user, items, runItems, &launch);
  if (context->trace)
    context->trace(context->trace_user, kernel->name, -1);
}

static void copyBytes(lutra_call *call, void *dest, const void *source, int64_t bytes) {
  (void)call;
  memmove(dest, source, (size_t)bytes);
}

static lutra_status runCall(lutra_context *context, int64_t *args, uint64_t bytes,
                            lutra_error *error) {
  lutra_status status = lutra_rt_reserve_arena(context, bytes, error);
  if (status)
    return status;
  lutra_call call = {context, LUTRA_OK, error};
  lutra_table.entry(&call, args, context->arena, context->model->weights);
  return call.status;
}

const lutra_backend lutra_cpu_backend = {
    openModel, closeModel, createContext, destroyContext, runCall, launchKernel, copyBytes};
