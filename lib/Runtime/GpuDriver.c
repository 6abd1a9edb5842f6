/*===- GpuDriver.c - the CUDA driver, opened at run time ----------------------===*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "GpuDriver.h"

#include <dlfcn.h>
#include <string.h>

/* Entry points of this version of the interface are asked for. */
#define INTERFACE_VERSION 12000

typedef GpuResult (*GetProcV2)(const char *name, void **entry, int version, uint64_t flags,
                               int *status);
typedef GpuResult (*GetProcV1)(const char *name, void **entry, int version, uint64_t flags);

typedef struct {
  GpuResult result;
  lutra_status status;
  const char *text;
} Meaning;

/* What a person can do about each result. */
static const Meaning meanings[] = {
    {2, LUTRA_ERROR_MEMORY, "the GPU has not enough free memory"},
    {34, LUTRA_ERROR_ENVIRONMENT,
     "a stub of libcuda was found instead of the driver; take the toolkit's stubs folder out of the "
     "library path"},
    {100, LUTRA_ERROR_ENVIRONMENT,
     "the driver sees no GPU; check CUDA_VISIBLE_DEVICES and the driver, or use a model compiled for "
     "target cpu"},
    {200, LUTRA_ERROR_UNSUPPORTED, "the driver does not accept the compiled code"},
    {209, LUTRA_ERROR_UNSUPPORTED, "the model holds no code for this GPU"},
    {218, LUTRA_ERROR_INTERNAL, "the driver's compiler rejects the model's PTX"},
    {221, LUTRA_ERROR_ENVIRONMENT,
     "the driver's PTX compiler is missing; install the driver's libnvidia-ptxjitcompiler"},
    {222, LUTRA_ERROR_UNSUPPORTED, "the model's PTX is newer than this driver; update the driver"},
    {500, LUTRA_ERROR_ARTIFACT, "a kernel is missing: code and table are of different versions"},
    {700, LUTRA_ERROR_INTERNAL,
     "a kernel touched memory that is not its own; the process has lost its GPU context (set "
     "LUTRA_GPU_SYNC=1 to find the kernel)"},
    {701, LUTRA_ERROR_UNSUPPORTED,
     "a kernel asks for more threads, registers or shared memory than this GPU has"},
    {715, LUTRA_ERROR_INTERNAL,
     "a kernel executed an instruction that this GPU lacks; the process has lost its GPU context"},
    {716, LUTRA_ERROR_INTERNAL,
     "a kernel used a misaligned address; the process has lost its GPU context (set "
     "LUTRA_GPU_SYNC=1 to find the kernel)"},
    {803, LUTRA_ERROR_ENVIRONMENT,
     "the driver library and the kernel's driver are of different versions; reinstall the driver or reboot"},
    {804, LUTRA_ERROR_ENVIRONMENT,
     "this GPU does not support the driver's compatibility libraries; install the matching driver"},
};

lutra_status lutra_gpu_fail(const lutra_gpu_driver *driver, GpuResult result, const char *action,
                            lutra_error *error) {
  const char *name = NULL;
  if (driver->cuGetErrorName)
    driver->cuGetErrorName(result, &name);
  if (!name)
    name = "unknown result";
  for (size_t i = 0; i < sizeof meanings / sizeof *meanings; ++i)
    if (meanings[i].result == result)
      return lutra_rt_fail(error, meanings[i].status, "cannot %s: %s (%s, %d)", action,
                           meanings[i].text, name, result);
  return lutra_rt_fail(error, LUTRA_ERROR_ENVIRONMENT, "cannot %s: the driver reports %s (%d)",
                       action, name, result);
}

/* An entry point by the driver's own look-up; null when it has none. */
static void *findEntry(void *library, const char *name) {
  void *entry = NULL;
  int status = 0;
  GetProcV2 second = (GetProcV2)dlsym(library, "cuGetProcAddress_v2");
  if (second)
    return second(name, &entry, INTERFACE_VERSION, 0, &status) ? NULL : entry;
  GetProcV1 first = (GetProcV1)dlsym(library, "cuGetProcAddress");
  if (first)
    return first(name, &entry, INTERFACE_VERSION, 0) ? NULL : entry;
  return NULL;
}

lutra_status lutra_gpu_open_driver(lutra_gpu_driver *driver, lutra_error *error) {
  memset(driver, 0, sizeof *driver);
  /* The driver keeps threads of its own: once loaded it stays. */
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!library)
    return lutra_rt_fail(error, LUTRA_ERROR_ENVIRONMENT,
                         "this machine has no NVIDIA driver (libcuda.so.1), which the model needs; "
                         "install it or use a model compiled for target cpu");
  driver->library = library;
  const char *missing = NULL;
#define FIND(name, arguments)                                                                      \
  *(void **)&driver->name = findEntry(library, #name);                                             \
  if (!driver->name)                                                                               \
    missing = #name;
  LUTRA_GPU_ENTRY_POINTS(FIND)
#undef FIND
  if (missing) {
    lutra_gpu_close_driver(driver);
    return lutra_rt_fail(error, LUTRA_ERROR_ENVIRONMENT,
                         "the NVIDIA driver has no %s of version 12.0; update it to R525 or later",
                         missing);
  }
  GpuResult result = driver->cuInit(0);
  if (!result)
    result = driver->cuDriverGetVersion(&driver->version);
  if (result) {
    lutra_status status = lutra_gpu_fail(driver, result, "start the NVIDIA driver", error);
    lutra_gpu_close_driver(driver);
    return status;
  }
  return LUTRA_OK;
}

void lutra_gpu_close_driver(lutra_gpu_driver *driver) {
  if (driver->library)
    dlclose(driver->library);
  memset(driver, 0, sizeof *driver);
}
