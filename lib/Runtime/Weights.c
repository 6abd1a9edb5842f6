/*===- Weights.c - the weights file, mapped read-only and checked --------------===*
 * Small weights are a section of the library; larger ones are a file beside it that is shared by all processes through the page
 * cache. Its header, size and hash must be those that the compiler wrote into the model.
 *===----------------------------------------------------------------------===*/
#define _GNU_SOURCE
#include "Internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

/* The folder of the library (or executable) that holds this code, then `name`. */
static bool findBeside(const char *name, char *path) {
  Dl_info info;
  if (!dladdr(&lutra_table, &info) || !info.dli_fname)
    return false;
  const char *slash = strrchr(info.dli_fname, '/');
  int folder = slash ? (int)(slash + 1 - info.dli_fname) : 0;
  return snprintf(path, PATH_BYTES, "%.*s%s", folder, info.dli_fname, name) < PATH_BYTES;
}

static lutra_status checkHeader(const lutra_weights_header *header, uint64_t fileBytes,
                                const char *path, lutra_error *error) {
  if (memcmp(header->magic, LUTRA_WEIGHTS_MAGIC, sizeof header->magic) != 0)
    return lutra_rt_fail(error, LUTRA_ERROR_ARTIFACT, "%.300s is not a weights file of Lutra", path);
  if (header->abi_version != LUTRA_ABI_VERSION || header->offset != LUTRA_WEIGHTS_OFFSET)
    return lutra_rt_fail(error, LUTRA_ERROR_ARTIFACT,
                         "%.300s has format version %u, but the model reads version %u", path,
                         header->abi_version, LUTRA_ABI_VERSION);
  if (header->bytes != lutra_table.info.weights_bytes || header->hash != lutra_table.weights_hash)
    return lutra_rt_fail(error, LUTRA_ERROR_ARTIFACT,
                         "%.300s belongs to another model or version; take the file that was "
                         "compiled together with this library",
                         path);
  if (fileBytes != LUTRA_WEIGHTS_OFFSET + header->bytes)
    return lutra_rt_fail(error, LUTRA_ERROR_ARTIFACT,
                         "%.300s has %llu bytes, but the model needs %llu: it was cut or appended to",
                         path, (unsigned long long)fileBytes,
                         (unsigned long long)(LUTRA_WEIGHTS_OFFSET + header->bytes));
  return LUTRA_OK;
}

lutra_status lutra_rt_map_weights(lutra_model *model, const lutra_model_options *options,
                                  lutra_error *error) {
  const lutra_model_info *info = &lutra_table.info;
  if (!info->weights_file) {
    model->weights = lutra_table.weights;
    return LUTRA_OK;
  }
  char beside[PATH_BYTES];
  const char *path = options ? options->weights_path : NULL;
  if (!path) {
    if (!findBeside(info->weights_file, beside))
      return lutra_rt_fail(error, LUTRA_ERROR_ENVIRONMENT,
                           "cannot tell where %s lies; pass weights_path", info->weights_file);
    path = beside;
  }
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return lutra_rt_fail(error, LUTRA_ERROR_ENVIRONMENT, "cannot open the weights file %.300s: %s",
                         path, strerror(errno));
  struct stat status;
  lutra_status result = LUTRA_OK;
  if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode) ||
      status.st_size < LUTRA_WEIGHTS_OFFSET)
    result = lutra_rt_fail(error, LUTRA_ERROR_ARTIFACT, "%.300s is too short for a weights file", path);
  if (!result) {
    void *mapping = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, file, 0);
    if (mapping == MAP_FAILED)
      result = lutra_rt_fail(error, LUTRA_ERROR_MEMORY, "cannot map %.300s: %s", path,
                             strerror(errno));
    else {
      model->mapping = mapping;
      model->mapping_bytes = (uint64_t)status.st_size;
    }
  }
  close(file);
  if (result)
    return result;
  result = checkHeader(model->mapping, model->mapping_bytes, path, error);
  model->weights = (const uint8_t *)model->mapping + LUTRA_WEIGHTS_OFFSET;
  if (!result && !(options && options->trust_weights) &&
      lutra_rt_hash(model->weights, info->weights_bytes) != lutra_table.weights_hash)
    result = lutra_rt_fail(error, LUTRA_ERROR_ARTIFACT,
                           "%.300s is damaged: its hash is not the one it was written with", path);
  if (result)
    lutra_rt_unmap_weights(model);
  return result;
}

void lutra_rt_unmap_weights(lutra_model *model) {
  if (model->mapping)
    munmap(model->mapping, model->mapping_bytes);
  model->mapping = NULL;
  model->weights = NULL;
}
