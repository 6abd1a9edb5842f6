/*===- GpuDriver.h - the CUDA driver, opened at run time ----------------------===*
 * No CUDA header or library is needed to build: the few types and numbers of the driver's stable interface that are
 * used stand here. Entry points come from cuGetProcAddress for version 12.0, so the driver picks their variants.
 *===----------------------------------------------------------------------===*/
#ifndef LUTRA_LIB_RUNTIME_GPUDRIVER_H
#define LUTRA_LIB_RUNTIME_GPUDRIVER_H

#include "Internal.h"

typedef int GpuResult;
typedef int GpuDevice;
typedef uint64_t GpuPointer;
typedef void *GpuContext, *GpuModule, *GpuFunction, *GpuStream;

enum {
  GPU_ATTRIBUTE_SHARED_BYTES = 97, /* most dynamic shared memory of a block */
  GPU_ATTRIBUTE_MAJOR = 75,
  GPU_ATTRIBUTE_MINOR = 76,
  GPU_FUNCTION_SHARED_BYTES = 8,
  GPU_JIT_ERROR_LOG = 5,
  GPU_JIT_ERROR_LOG_BYTES = 6
};

/* name in the driver, type of the result and of the arguments */
#define LUTRA_GPU_ENTRY_POINTS(X)                                                                  \
  X(cuInit, (unsigned flags))                                                                      \
  X(cuDriverGetVersion, (int *version))                                                            \
  X(cuDeviceGetCount, (int *count))                                                                \
  X(cuDeviceGet, (GpuDevice * device, int ordinal))                                                \
  X(cuDeviceGetAttribute, (int *value, int attribute, GpuDevice device))                           \
  X(cuDevicePrimaryCtxRetain, (GpuContext * context, GpuDevice device))                            \
  X(cuDevicePrimaryCtxRelease, (GpuDevice device))                                                 \
  X(cuCtxPushCurrent, (GpuContext context))                                                        \
  X(cuCtxPopCurrent, (GpuContext * context))                                                       \
  X(cuModuleLoadDataEx,                                                                            \
    (GpuModule * module, const void *image, unsigned count, int *options, void **values))          \
  X(cuModuleUnload, (GpuModule module))                                                            \
  X(cuModuleGetFunction, (GpuFunction * function, GpuModule module, const char *name))             \
  X(cuFuncSetAttribute, (GpuFunction function, int attribute, int value))                          \
  X(cuLaunchKernel,                                                                                \
    (GpuFunction function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,        \
     unsigned bz, unsigned shared, GpuStream stream, void **params, void **extra))                 \
  X(cuStreamCreate, (GpuStream * stream, unsigned flags))                                          \
  X(cuStreamDestroy, (GpuStream stream))                                                           \
  X(cuStreamSynchronize, (GpuStream stream))                                                       \
  X(cuMemAlloc, (GpuPointer * pointer, size_t bytes))                                              \
  X(cuMemFree, (GpuPointer pointer))                                                               \
  X(cuMemGetInfo, (size_t * available, size_t *total))                                             \
  X(cuMemcpyHtoDAsync, (GpuPointer dest, const void *source, size_t bytes, GpuStream stream))      \
  X(cuMemcpyDtoHAsync, (void *dest, GpuPointer source, size_t bytes, GpuStream stream))            \
  X(cuMemcpyDtoDAsync, (GpuPointer dest, GpuPointer source, size_t bytes, GpuStream stream))       \
  X(cuGetErrorName, (GpuResult result, const char **name))

typedef struct lutra_gpu_driver {
#define DECLARE(name, arguments) GpuResult(*name) arguments;
  LUTRA_GPU_ENTRY_POINTS(DECLARE)
#undef DECLARE
  void *library;
  int version; /* 12040 is 12.4 */
} lutra_gpu_driver;

/* Opens libcuda.so.1, finds the entry points, initialises. Zeroes `driver` on failure. */
lutra_status lutra_gpu_open_driver(lutra_gpu_driver *driver, lutra_error *error);
void lutra_gpu_close_driver(lutra_gpu_driver *driver);

/* The status and text of a driver's result; `action` says what was done, "copy input x". */
lutra_status lutra_gpu_fail(const lutra_gpu_driver *driver, GpuResult result, const char *action,
                            lutra_error *error);

#endif
