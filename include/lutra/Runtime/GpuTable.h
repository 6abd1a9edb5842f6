/*===- GpuTable.h - GPU code inside a model ----------------------------------===*
 * `lutra_model_table.device` of a model for NVIDIA GPUs points to a lutra_gpu_table
 * (Target/NVGPU/GpuTable.cpp writes it field by field: keep both in step). Not part of the public interface.
 *===----------------------------------------------------------------------===*/
#ifndef LUTRA_RUNTIME_GPUTABLE_H
#define LUTRA_RUNTIME_GPUTABLE_H

#include "lutra/Runtime/ModelTable.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One kernel of one image. The parameters of its entry are the slots of the kernel ABI. */
typedef struct lutra_gpu_kernel {
  const char *name;
  int64_t (*grid)(const int64_t *args); /* thread blocks; runs on the host, reads sizes alone */
  int64_t threads;                      /* of a block */
  int64_t shared_bytes;                 /* dynamic shared memory of a block */
} lutra_gpu_kernel;

typedef struct lutra_gpu_image {
  const char *arch;                  /* "sm_90a" */
  const uint8_t *cubin;
  uint64_t cubin_bytes;
  const char *ptx;                   /* null-terminated, or null */
  const lutra_gpu_kernel *kernels;
  int32_t major, minor;              /* compute capability */
  int32_t exact;                     /* nonzero: the cubin runs on that capability alone */
  int32_t ptx_version;               /* 70 is 7.0 */
} lutra_gpu_image;

typedef struct lutra_gpu_table {
  const lutra_gpu_image *images; /* best first */
  int64_t image_count;
  int64_t kernel_count;
} lutra_gpu_table;

/* Runs the kernels of lutra_gpu_table through the driver library, which it opens when a model is opened. */
extern const lutra_backend lutra_gpu_backend;

#ifdef __cplusplus
}
#endif
#endif
