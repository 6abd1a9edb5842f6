/*===- Weights.c - the weights file, mapped read-only and checked --------------===*
 * Small weights are a section of the library; larger ones are a file beside it that is shared by all processes through
 * the page cache. Its header, size and hash must be those that the compiler wrote into the model.
 *===----------------------------------------------------------------------===*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
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

/* Where the weights may lie: beside the library (or executable) that holds this code, under that file's own name +
 * ".weights", so that a renamed pair stays a pair, or under the name of compile time. */
static bool findBeside(const char *recorded, char *own, char *original) {
  Dl_info info;
  if (!dladdr(&lutra_table, &info) || !info.dli_fname)
    return false;
  const char *slash = strrchr(info.dli_fname, '/');
  int folder = slash ? (int)(slash + 1 - info.dli_fname) : 0;
  return snprintf(own, PATH_BYTES, "%s.weights", info.dli_fname) < PATH_BYTES &&
         snprintf(original, PATH_BYTES, "%.*s%s", folder, info.dli_fname, recorded) < PATH_BYTES;
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

/* Maps a file and checks all but the hash of its contents. */
static lutra_status mapFile(lutra_model *model, const char *path, lutra_error *error) {
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
  if (result)
    lutra_rt_unmap_weights(model);
  else
    model->weights = (const uint8_t *)model->mapping + LUTRA_WEIGHTS_OFFSET;
  return result;
}

lutra_status lutra_rt_map_weights(lutra_model *model, const lutra_model_options *options,
                                  lutra_error *error) {
  const lutra_model_info *info = &lutra_table.info;
  if (!info->weights_file) {
    model->weights = lutra_table.weights;
    return LUTRA_OK;
  }
  char own[PATH_BYTES], original[PATH_BYTES];
  const char *path = options ? options->weights_path : NULL;
  lutra_status result;
  if (path) {
    result = mapFile(model, path, error);
  } else {
    if (!findBeside(info->weights_file, own, original))
      return lutra_rt_fail(error, LUTRA_ERROR_ENVIRONMENT,
                           "cannot tell where %s lies; pass weights_path", info->weights_file);
    path = own;
    result = mapFile(model, path, error);
    if (result && strcmp(own, original) != 0) {
      lutra_error second = {0};
      lutra_status found = mapFile(model, original, &second);
      /* A file that exists says more about what is wrong than the absence of the other. */
      if (found != LUTRA_ERROR_ENVIRONMENT) {
        path = original;
        result = found;
        if (error)
          *error = second;
      }
    }
  }
  if (!result && !(options && options->trust_weights) &&
      lutra_rt_hash(model->weights, info->weights_bytes) != lutra_table.weights_hash) {
    result = lutra_rt_fail(error, LUTRA_ERROR_ARTIFACT,
                           "%.300s is damaged: its hash is not the one it was written with", path);
    lutra_rt_unmap_weights(model);
  }
  return result;
}

void lutra_rt_unmap_weights(lutra_model *model) {
  if (model->mapping)
    munmap(model->mapping, model->mapping_bytes);
  model->mapping = NULL;
  model->weights = NULL;
}
