/*===- GpuBackend.c - kernels as thread blocks of an NVIDIA GPU ----------------===*
 * A model holds its module and its weights on the device; a context holds a stream, its arena and room for inputs and
 * outputs. The primary context of device 0 is used, so that other CUDA code of the process shares it;
 * it is current only inside our calls. One call: copy in, launches in order, copy out, wait.
 *===----------------------------------------------------------------------===*/
#include "GpuDriver.h"

#include "lutra/Runtime/GpuTable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Device buffers begin at multiples of this. */
#define ALIGNMENT 256

typedef struct {
  lutra_gpu_driver driver;
  GpuDevice device;
  GpuContext context;
  GpuModule module;
  GpuFunction *functions;
  const lutra_gpu_image *image;
  GpuPointer weights;
  bool from_ptx;
} DeviceModel;

typedef struct {
  GpuStream stream;
  GpuPointer arena, tensors;
  uint64_t arena_bytes, tensor_bytes;
  const char *last_kernel;
} DeviceContext;

static const lutra_gpu_table *getTable(void) { return lutra_table.device; }

static void popContext(const lutra_gpu_driver *driver) {
  GpuContext popped;
  driver->cuCtxPopCurrent(&popped);
}

/* "sm_90a, sm_80", for messages. */
static void listArchs(char *text, size_t bytes) {
  const lutra_gpu_table *table = getTable();
  size_t used = 0;
  *text = 0;
  for (int64_t i = 0; i < table->image_count && used < bytes; ++i)
    used += (size_t)snprintf(text + used, bytes - used, "%s%s", i ? ", " : "", table->images[i].arch);
}

static bool matches(const lutra_gpu_image *image, int major, int minor) {
  return image->major == major && (image->exact ? image->minor == minor : image->minor <= minor);
}

static GpuResult loadPtx(DeviceModel *model, const lutra_gpu_image *image, char *log, size_t bytes) {
  int options[] = {GPU_JIT_ERROR_LOG, GPU_JIT_ERROR_LOG_BYTES};
  void *values[] = {log, (void *)(uintptr_t)bytes};
  *log = 0;
  model->from_ptx = true;
  model->image = image;
  return model->driver.cuModuleLoadDataEx(&model->module, image->ptx, 2, options, values);
}

/* The cubin for this capability, else PTX of an older one, which the driver compiles. */
static lutra_status loadModule(DeviceModel *model, int major, int minor, lutra_error *error) {
  const lutra_gpu_table *table = getTable();
  char archs[64], log[256] = "";
  GpuResult result = 209;
  for (int64_t i = 0; i < table->image_count; ++i) {
    const lutra_gpu_image *image = &table->images[i];
    if (!matches(image, major, minor))
      continue;
    model->image = image;
    result = model->driver.cuModuleLoadDataEx(&model->module, image->cubin, 0, NULL, NULL);
    if (!result)
      return LUTRA_OK;
    if (result != 209 && result != 200)
      return lutra_gpu_fail(&model->driver, result, "load the model's code", error);
    break;
  }
  for (int64_t i = 0; i < table->image_count; ++i) {
    const lutra_gpu_image *image = &table->images[i];
    bool older = image->major < major || (image->major == major && image->minor <= minor);
    if (!image->ptx || image->exact || !older)
      continue;
    result = loadPtx(model, image, log, sizeof log);
    if (!result)
      return LUTRA_OK;
    if (result == 222)
      return lutra_rt_fail(error, LUTRA_ERROR_UNSUPPORTED,
                           "the model's PTX %d.%d is newer than the driver (CUDA %d.%d); update the driver",
                           image->ptx_version / 10, image->ptx_version % 10,
                           model->driver.version / 1000, model->driver.version % 1000 / 10);
    if (*log)
      return lutra_rt_fail(error, LUTRA_ERROR_INTERNAL, "the driver rejects the model's PTX: %s", log);
  }
  listArchs(archs, sizeof archs);
  if (result == 209)
    return lutra_rt_fail(error, LUTRA_ERROR_UNSUPPORTED,
                         "the model holds code for %s, but this GPU has compute capability %d.%d; "
                         "compile it with --gpu-arch for this GPU",
                         archs, major, minor);
  return lutra_gpu_fail(&model->driver, result, "load the model's code", error);
}

/* Looks every kernel up and allows it its shared memory. */
static lutra_status findKernels(DeviceModel *model, lutra_error *error) {
  const lutra_gpu_table *table = getTable();
  char action[128];
  int limit = 0;
  model->driver.cuDeviceGetAttribute(&limit, GPU_ATTRIBUTE_SHARED_BYTES, model->device);
  model->functions = calloc((size_t)table->kernel_count + 1, sizeof *model->functions);
  if (!model->functions)
    return lutra_rt_fail(error, LUTRA_ERROR_MEMORY, "no memory for %lld kernels",
                         (long long)table->kernel_count);
  for (int64_t i = 0; i < table->kernel_count; ++i) {
    const lutra_gpu_kernel *kernel = &model->image->kernels[i];
    if (kernel->shared_bytes > limit)
      return lutra_rt_fail(error, LUTRA_ERROR_UNSUPPORTED,
                           "kernel \"%s\" needs %lld bytes of shared memory per block, but this GPU has %d",
                           kernel->name, (long long)kernel->shared_bytes, limit);
    GpuResult result =
        model->driver.cuModuleGetFunction(&model->functions[i], model->module, kernel->name);
    if (!result)
      result = model->driver.cuFuncSetAttribute(model->functions[i], GPU_FUNCTION_SHARED_BYTES,
                                                (int)kernel->shared_bytes);
    if (result) {
      snprintf(action, sizeof action, "prepare kernel \"%s\"", kernel->name);
      return lutra_gpu_fail(&model->driver, result, action, error);
    }
  }
  return LUTRA_OK;
}

static lutra_status allocate(const lutra_gpu_driver *driver, GpuPointer *pointer, uint64_t *capacity,
                             uint64_t bytes, const char *what, lutra_error *error) {
  size_t available = 0, total = 0;
  if (bytes <= *capacity)
    return LUTRA_OK;
  if (*pointer)
    driver->cuMemFree(*pointer);
  *pointer = 0;
  *capacity = 0;
  GpuResult result = driver->cuMemAlloc(pointer, bytes);
  if (result == 2) {
    driver->cuMemGetInfo(&available, &total);
    return lutra_rt_fail(error, LUTRA_ERROR_MEMORY,
                         "%s need %llu bytes of GPU memory, but %llu of %llu are free", what,
                         (unsigned long long)bytes, (unsigned long long)available,
                         (unsigned long long)total);
  }
  if (result)
    return lutra_gpu_fail(driver, result, "allocate GPU memory", error);
  *capacity = bytes;
  return LUTRA_OK;
}

static lutra_status uploadWeights(lutra_model *model, DeviceModel *device, lutra_error *error) {
  uint64_t bytes = lutra_table.info.weights_bytes, capacity = 0;
  if (!bytes)
    return LUTRA_OK;
  lutra_status status =
      allocate(&device->driver, &device->weights, &capacity, bytes, "the weights", error);
  if (status)
    return status;
  GpuResult result = device->driver.cuMemcpyHtoDAsync(device->weights, model->weights, bytes, NULL);
  if (!result)
    result = device->driver.cuStreamSynchronize(NULL);
  return result ? lutra_gpu_fail(&device->driver, result, "copy the weights", error) : LUTRA_OK;
}

static lutra_status prepare(lutra_model *model, DeviceModel *device, lutra_error *error) {
  const lutra_gpu_driver *driver = &device->driver;
  int count = 0, major = 0, minor = 0;
  lutra_status status;
  GpuResult result = driver->cuDeviceGetCount(&count);
  if (!result && !count)
    result = 100;
  if (!result)
    result = driver->cuDeviceGet(&device->device, 0);
  if (!result)
    result = driver->cuDeviceGetAttribute(&major, GPU_ATTRIBUTE_MAJOR, device->device);
  if (!result)
    result = driver->cuDeviceGetAttribute(&minor, GPU_ATTRIBUTE_MINOR, device->device);
  if (!result)
    result = driver->cuDevicePrimaryCtxRetain(&device->context, device->device);
  if (result) {
    device->context = NULL;
    return lutra_gpu_fail(driver, result, "use GPU 0", error);
  }
  result = driver->cuCtxPushCurrent(device->context);
  if (result)
    return lutra_gpu_fail(driver, result, "use GPU 0", error);
  status = loadModule(device, major, minor, error);
  if (!status)
    status = findKernels(device, error);
  if (!status)
    status = uploadWeights(model, device, error);
  popContext(driver);
  return status;
}

static void closeModel(lutra_model *model) {
  DeviceModel *device = model->device;
  if (!device)
    return;
  if (device->context) {
    device->driver.cuCtxPushCurrent(device->context);
    if (device->weights)
      device->driver.cuMemFree(device->weights);
    if (device->module)
      device->driver.cuModuleUnload(device->module);
    popContext(&device->driver);
    device->driver.cuDevicePrimaryCtxRelease(device->device);
  }
  lutra_gpu_close_driver(&device->driver);
  free(device->functions);
  free(device);
  model->device = NULL;
}

static lutra_status openModel(lutra_model *model, lutra_error *error) {
  DeviceModel *device = calloc(1, sizeof *device);
  if (!device)
    return lutra_rt_fail(error, LUTRA_ERROR_MEMORY, "no memory for the model");
  model->device = device;
  lutra_status status = lutra_gpu_open_driver(&device->driver, error);
  if (!status)
    status = prepare(model, device, error);
  if (status)
    closeModel(model);
  return status;
}

static void destroyContext(lutra_context *context) {
  DeviceModel *model = context->model->device;
  DeviceContext *device = context->device;
  if (!device)
    return;
  model->driver.cuCtxPushCurrent(model->context);
  if (device->arena)
    model->driver.cuMemFree(device->arena);
  if (device->tensors)
    model->driver.cuMemFree(device->tensors);
  if (device->stream)
    model->driver.cuStreamDestroy(device->stream);
  popContext(&model->driver);
  free(device);
  context->device = NULL;
}

static lutra_status createContext(lutra_context *context, lutra_error *error) {
  DeviceModel *model = context->model->device;
  DeviceContext *device = calloc(1, sizeof *device);
  if (!device)
    return lutra_rt_fail(error, LUTRA_ERROR_MEMORY, "no memory for a context");
  context->device = device;
  GpuResult result = model->driver.cuCtxPushCurrent(model->context);
  if (!result) {
    result = model->driver.cuStreamCreate(&device->stream, 1 /* no order with the default stream */);
    popContext(&model->driver);
  }
  if (!result)
    return LUTRA_OK;
  lutra_status status = lutra_gpu_fail(&model->driver, result, "create a stream", error);
  destroyContext(context);
  return status;
}

static void recordFailure(lutra_call *call, GpuResult result, const char *action) {
  DeviceModel *model = call->context->model->device;
  call->status = lutra_gpu_fail(&model->driver, result, action, call->error);
}

static void launchKernel(lutra_call *call, int64_t index, const int64_t *args, int64_t slots) {
  DeviceModel *model = call->context->model->device;
  DeviceContext *device = call->context->device;
  const lutra_gpu_kernel *kernel = &model->image->kernels[index];
  int64_t blocks = kernel->grid(args);
  char action[192];
  void *params[slots + 1];
  if (blocks <= 0)
    return;
  for (int64_t i = 0; i < slots; ++i)
    params[i] = (void *)&args[i];
  device->last_kernel = kernel->name;
  GpuResult result = 1;
  if (blocks <= 0x7fffffff)
    result = model->driver.cuLaunchKernel(model->functions[index], (unsigned)blocks, 1, 1,
                                          (unsigned)kernel->threads, 1, 1,
                                          (unsigned)kernel->shared_bytes, device->stream, params, NULL);
  if (!result && getenv("LUTRA_GPU_SYNC"))
    result = model->driver.cuStreamSynchronize(device->stream);
  if (result) {
    snprintf(action, sizeof action,
             "run kernel \"%s\" with %lld blocks of %lld threads and %lld bytes of shared memory",
             kernel->name, (long long)blocks, (long long)kernel->threads,
             (long long)kernel->shared_bytes);
    recordFailure(call, result, action);
  }
}

static void copyBytes(lutra_call *call, void *dest, const void *source, int64_t bytes) {
  DeviceModel *model = call->context->model->device;
  DeviceContext *device = call->context->device;
  if (bytes <= 0)
    return;
  GpuResult result = model->driver.cuMemcpyDtoDAsync((GpuPointer)(uintptr_t)dest,
                                                     (GpuPointer)(uintptr_t)source, (size_t)bytes,
                                                     device->stream);
  if (result)
    recordFailure(call, result, "copy inside the GPU");
}

/* Bytes of a tensor whose dynamic sizes stand at `slots`; advances it past them. */
static uint64_t tensorBytes(const lutra_tensor_info *tensor, const int64_t **slots) {
  uint64_t bytes = lutra_rt_bytes_of(tensor->dtype);
  for (int32_t d = 0; d < tensor->rank; ++d)
    bytes *= (uint64_t)(tensor->dims[d] < 0 ? *(*slots)++ : tensor->dims[d]);
  return bytes;
}

typedef struct {
  int64_t *slot; /* of the pointer */
  void *host;
  uint64_t bytes, offset;
  const lutra_tensor_info *info;
} Tensor;

/* The tensors behind the entry function's slots, laid out one after another. Returns their bytes. */
static uint64_t layOut(int64_t *args, Tensor *tensors) {
  const lutra_model_info *info = &lutra_table.info;
  uint64_t total = 0;
  for (int32_t i = 0; i < info->input_count + info->output_count; ++i) {
    Tensor *tensor = &tensors[i];
    tensor->info = i < info->input_count ? &info->inputs[i] : &info->outputs[i - info->input_count];
    tensor->slot = args;
    tensor->host = (void *)(uintptr_t)*args;
    const int64_t *sizes = args + 1;
    tensor->bytes = tensorBytes(tensor->info, &sizes);
    tensor->offset = total;
    total += (tensor->bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    args = (int64_t *)sizes;
  }
  return total;
}

static lutra_status transfer(DeviceModel *model, DeviceContext *device, const Tensor *tensor,
                             bool toDevice, lutra_error *error) {
  GpuPointer place = device->tensors + tensor->offset;
  char action[192];
  if (!tensor->bytes)
    return LUTRA_OK;
  GpuResult result =
      toDevice ? model->driver.cuMemcpyHtoDAsync(place, tensor->host, tensor->bytes, device->stream)
               : model->driver.cuMemcpyDtoHAsync(tensor->host, place, tensor->bytes, device->stream);
  if (!result)
    return LUTRA_OK;
  snprintf(action, sizeof action, "copy %s \"%s\"", toDevice ? "input" : "output",
           tensor->info->name);
  return lutra_gpu_fail(&model->driver, result, action, error);
}

static lutra_status runOnDevice(lutra_context *context, int64_t *args, uint64_t bytes,
                                lutra_error *error) {
  DeviceModel *model = context->model->device;
  DeviceContext *device = context->device;
  int32_t inputs = lutra_table.info.input_count, count = inputs + lutra_table.info.output_count;
  Tensor tensors[count + 1];
  char action[192];
  uint64_t total = layOut(args, tensors);
  lutra_status status =
      allocate(&model->driver, &device->arena, &device->arena_bytes, bytes, "intermediate values", error);
  if (!status)
    status = allocate(&model->driver, &device->tensors, &device->tensor_bytes, total,
                      "inputs and outputs", error);
  for (int32_t i = 0; i < inputs && !status; ++i)
    status = transfer(model, device, &tensors[i], true, error);
  if (status)
    return status;
  for (int32_t i = 0; i < count; ++i)
    *tensors[i].slot = (int64_t)(device->tensors + tensors[i].offset);
  device->last_kernel = "none";
  lutra_call call = {context, LUTRA_OK, error};
  lutra_table.entry(&call, args, (uint8_t *)(uintptr_t)device->arena,
                    (const uint8_t *)(uintptr_t)model->weights);
  status = call.status;
  for (int32_t i = inputs; i < count && !status; ++i)
    status = transfer(model, device, &tensors[i], false, error);
  GpuResult result = model->driver.cuStreamSynchronize(device->stream);
  if (result && !status) {
    snprintf(action, sizeof action, "finish the call (last kernel \"%s\")", device->last_kernel);
    status = lutra_gpu_fail(&model->driver, result, action, error);
  }
  return status;
}

static lutra_status runCall(lutra_context *context, int64_t *args, uint64_t bytes,
                            lutra_error *error) {
  DeviceModel *model = context->model->device;
  GpuResult result = model->driver.cuCtxPushCurrent(model->context);
  if (result)
    return lutra_gpu_fail(&model->driver, result, "use GPU 0", error);
  lutra_status status = runOnDevice(context, args, bytes, error);
  popContext(&model->driver);
  return status;
}

const lutra_backend lutra_gpu_backend = {
    openModel, closeModel, createContext, destroyContext, runCall, launchKernel, copyBytes};
