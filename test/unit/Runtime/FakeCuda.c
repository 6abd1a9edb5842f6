/*===- FakeCuda.c - a driver library without a GPU ----------------------------===*
 * Stands in for libcuda.so.1: device memory is host memory, kernel "scale" is a loop, and fake_cuda_fail makes one
 * entry point return a result of the driver's. A test may take over the memory (fake_cuda_heap) and the launches.
 *===----------------------------------------------------------------------===*/
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int Result;
typedef uint64_t Pointer;

/* What the test sets and reads, through dlsym. */
char fake_cuda_failing[64]; /* entry point that fails, or empty */
int fake_cuda_result;       /* what it returns */
int fake_cuda_major = 9, fake_cuda_minor = 0;
char fake_cuda_log[4096]; /* calls in order */
int64_t fake_cuda_live;   /* allocations that were not freed */

const void *fake_cuda_image; /* the code that was loaded last */
/* Runs a kernel in place of the loop: every name then exists. */
void (*fake_cuda_on_launch)(const char *name, unsigned blocks, unsigned threads, unsigned shared,
                            void **params);
/* When not null, allocations are cut from here and never given back. */
uint8_t *fake_cuda_heap;
uint64_t fake_cuda_heap_bytes, fake_cuda_heap_used;

/* With FAKE_CUDA_TRACE=FILE every kernel exists and does nothing but leave a line there. */
static const char *tracePath(void) { return getenv("FAKE_CUDA_TRACE"); }

static Result enter(const char *name) {
  strncat(fake_cuda_log, name, sizeof fake_cuda_log - strlen(fake_cuda_log) - 1);
  strncat(fake_cuda_log, " ", sizeof fake_cuda_log - strlen(fake_cuda_log) - 1);
  return strcmp(name, fake_cuda_failing) == 0 ? fake_cuda_result : 0;
}
#define ENTER(name)                                                                                \
  do {                                                                                             \
    Result result = enter(name);                                                                   \
    if (result)                                                                                    \
      return result;                                                                               \
  } while (0)

static Result Init(unsigned flags) {
  (void)flags;
  ENTER("cuInit");
  return 0;
}
static Result DriverGetVersion(int *version) {
  *version = 12040;
  return 0;
}
static Result DeviceGetCount(int *count) {
  ENTER("cuDeviceGetCount");
  *count = 1;
  return 0;
}
static Result DeviceGet(int *device, int ordinal) {
  *device = ordinal;
  return 0;
}
static Result DeviceGetAttribute(int *value, int attribute, int device) {
  (void)device;
  *value = attribute == 75 ? fake_cuda_major : attribute == 76 ? fake_cuda_minor : 232448;
  return 0;
}
static Result PrimaryCtxRetain(void **context, int device) {
  (void)device;
  *context = &fake_cuda_live;
  return 0;
}
static Result PrimaryCtxRelease(int device) {
  (void)device;
  ENTER("cuDevicePrimaryCtxRelease");
  return 0;
}
static Result CtxPush(void *context) {
  (void)context;
  return 0;
}
static Result CtxPop(void **context) {
  *context = NULL;
  return 0;
}
static Result ModuleLoad(void **module, const void *image, unsigned count, int *options,
                         void **values) {
  char call[64];
  snprintf(call, sizeof call, "load:%.8s", (const char *)image);
  enter(call);
  if (strcmp(fake_cuda_failing, call) == 0) {
    for (unsigned i = 0; i < count; ++i)
      if (options[i] == 5 && fake_cuda_result == 218)
        strcpy(values[i], "line 3: syntax error");
    return fake_cuda_result;
  }
  *module = (void *)image;
  fake_cuda_image = image;
  return 0;
}
static Result ModuleUnload(void *module) {
  (void)module;
  return 0;
}
static Result ModuleGetFunction(void **function, void *module, const char *name) {
  (void)module;
  ENTER("cuModuleGetFunction");
  if (strcmp(name, "scale") != 0 && !tracePath() && !fake_cuda_on_launch)
    return 500;
  *function = (void *)name;
  return 0;
}
static Result FuncSetAttribute(void *function, int attribute, int value) {
  char call[64];
  (void)function, (void)attribute;
  snprintf(call, sizeof call, "shared:%d", value);
  enter(call);
  return 0;
}
static Result Launch(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                     unsigned bz, unsigned shared, void *stream, void **params, void **extra) {
  char call[96];
  if (fake_cuda_on_launch) {
    ENTER("cuLaunchKernel");
    fake_cuda_on_launch((const char *)function, gx, bx, shared, params);
    return 0;
  }
  (void)gy, (void)gz, (void)by, (void)bz, (void)stream, (void)extra;
  if (tracePath()) {
    FILE *file = fopen(tracePath(), "a");
    if (!file)
      return 1;
    fprintf(file, "%s blocks=%u threads=%u shared=%u\n", (const char *)function, gx, bx, shared);
    fclose(file);
    return 0;
  }
  snprintf(call, sizeof call, "launch:%u,%u,%u", gx, bx, shared);
  enter(call);
  ENTER("cuLaunchKernel");
  /* slots: x, its size, weight, y, its size */
  const float *x = *(float **)params[0], *weight = *(float **)params[2];
  float *y = *(float **)params[3];
  int64_t n = *(int64_t *)params[1];
  for (int64_t i = 0; i < n; ++i)
    y[i] = x[i] * weight[0];
  return 0;
}
static Result StreamCreate(void **stream, unsigned flags) {
  (void)flags;
  ENTER("cuStreamCreate");
  *stream = &fake_cuda_live;
  return 0;
}
static Result StreamDestroy(void *stream) {
  (void)stream;
  return 0;
}
static Result StreamSynchronize(void *stream) {
  (void)stream;
  ENTER("cuStreamSynchronize");
  return 0;
}
static Result MemAlloc(Pointer *pointer, size_t bytes) {
  ENTER("cuMemAlloc");
  if (fake_cuda_heap) {
    if (bytes > fake_cuda_heap_bytes - fake_cuda_heap_used)
      return 2;
    *pointer = (Pointer)(uintptr_t)(fake_cuda_heap + fake_cuda_heap_used);
    fake_cuda_heap_used += (bytes + 511) / 256 * 256; /* what lies between two is nobody's */
    return 0;
  }
  *pointer = (Pointer)(uintptr_t)malloc(bytes);
  ++fake_cuda_live;
  return 0;
}
static Result MemFree(Pointer pointer) {
  if (fake_cuda_heap)
    return 0;
  free((void *)(uintptr_t)pointer);
  --fake_cuda_live;
  return 0;
}
static Result MemGetInfo(size_t *available, size_t *total) {
  *available = 1000;
  *total = 2000;
  return 0;
}
static Result ToDevice(Pointer dest, const void *source, size_t bytes, void *stream) {
  (void)stream;
  memcpy((void *)(uintptr_t)dest, source, bytes);
  return 0;
}
static Result ToHost(void *dest, Pointer source, size_t bytes, void *stream) {
  (void)stream;
  ENTER("cuMemcpyDtoHAsync");
  memcpy(dest, (const void *)(uintptr_t)source, bytes);
  return 0;
}
static Result OnDevice(Pointer dest, Pointer source, size_t bytes, void *stream) {
  (void)stream;
  memcpy((void *)(uintptr_t)dest, (const void *)(uintptr_t)source, bytes);
  return 0;
}
static Result GetErrorName(Result result, const char **name) {
  *name = result == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR_OF_TEST";
  return 0;
}

static const struct {
  const char *name;
  void *entry;
} entries[] = {
    {"cuInit", (void *)Init},
    {"cuDriverGetVersion", (void *)DriverGetVersion},
    {"cuDeviceGetCount", (void *)DeviceGetCount},
    {"cuDeviceGet", (void *)DeviceGet},
    {"cuDeviceGetAttribute", (void *)DeviceGetAttribute},
    {"cuDevicePrimaryCtxRetain", (void *)PrimaryCtxRetain},
    {"cuDevicePrimaryCtxRelease", (void *)PrimaryCtxRelease},
    {"cuCtxPushCurrent", (void *)CtxPush},
    {"cuCtxPopCurrent", (void *)CtxPop},
    {"cuModuleLoadDataEx", (void *)ModuleLoad},
    {"cuModuleUnload", (void *)ModuleUnload},
    {"cuModuleGetFunction", (void *)ModuleGetFunction},
    {"cuFuncSetAttribute", (void *)FuncSetAttribute},
    {"cuLaunchKernel", (void *)Launch},
    {"cuStreamCreate", (void *)StreamCreate},
    {"cuStreamDestroy", (void *)StreamDestroy},
    {"cuStreamSynchronize", (void *)StreamSynchronize},
    {"cuMemAlloc", (void *)MemAlloc},
    {"cuMemFree", (void *)MemFree},
    {"cuMemGetInfo", (void *)MemGetInfo},
    {"cuMemcpyHtoDAsync", (void *)ToDevice},
    {"cuMemcpyDtoHAsync", (void *)ToHost},
    {"cuMemcpyDtoDAsync", (void *)OnDevice},
    {"cuGetErrorName", (void *)GetErrorName},
};

Result cuGetProcAddress_v2(const char *name, void **entry, int version, uint64_t flags, int *status) {
  (void)flags, (void)status;
  if (version > 12040 || strcmp(fake_cuda_failing, "cuGetProcAddress") == 0)
    return 500;
  for (size_t i = 0; i < sizeof entries / sizeof *entries; ++i)
    if (strcmp(entries[i].name, name) == 0) {
      *entry = entries[i].entry;
      return 0;
    }
  return 500;
}
