/*===- Loader.h - loads compiled models from their files ---------------------===*
 * For programs of ours that load models: the Python package and lutra-run. Never part of a model.
 *===----------------------------------------------------------------------===*/
#ifndef LUTRA_RUNTIME_LOADER_H
#define LUTRA_RUNTIME_LOADER_H

#include "lutra/Runtime/Artifact.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lutra_library {
  void *handle; /* of dlopen */
  const lutra_model_api *api;
} lutra_library;

/* Loads what lies at `path` now, even if the process holds an older library of that path. */
lutra_status lutra_load_library(const char *path, lutra_library *library, lutra_error *error);

/* Opens the model of a library that was loaded from `path`. Its weights file is `weights_path`; null: beside `path`, or
 * beside the file that `path` links to, named as the library + ".weights" or as at compile time. */
lutra_status lutra_open_model(const lutra_library *library, const char *path, const char *weights_path,
                              lutra_model **model, lutra_error *error);

#ifdef __cplusplus
}
#endif
#endif
