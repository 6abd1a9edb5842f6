/*===- Loader.c - loads compiled models from their files ----------------------===*
 * glibc's dlopen gives the library that it already has for a name, whatever lies there now. So a file is opened here
 * and loaded as a name of its descriptor that was never used before; the weights are then looked up beside the path
 * that the caller named. Mapping a file that was cut ends the process (SIGBUS), and so may a flipped bit: what the
 * file's headers and its seal say is checked before.
 *===----------------------------------------------------------------------===*/
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "lutra/Runtime/Loader.h"

#include "lutra/Runtime/ModelTable.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, NAME_BYTES = 192 };

static lutra_status fail(lutra_error *error, lutra_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static lutra_status fail(lutra_error *error, lutra_status code, const char *format, ...) {
  if (error) {
    va_list arguments;
    va_start(arguments, format);
    error->code = code;
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
  }
  return code;
}

/* A spelling of /proc/self/fd/<file> that no earlier call gave: the digits of a counter stand between the folder and
 * the number, "/." for a one and "/" for a zero. Descriptors alone repeat, and dlopen remembers names for longer. A
 * process may hold several copies of this file (the Python package has two), so the counter starts at its address. */
static void spellOnce(int file, char name[NAME_BYTES]) {
  static atomic_ullong counter;
  int at = snprintf(name, NAME_BYTES, "/proc/self/fd");
  unsigned long long start = (unsigned long long)(uintptr_t)&counter << 16;
  for (unsigned long long rest = start + atomic_fetch_add(&counter, 1); rest; rest >>= 1)
    at += snprintf(name + at, NAME_BYTES - at, rest & 1 ? "/." : "/");
  snprintf(name + at, NAME_BYTES - at, "/%d", file);
}

/* Copies a file to a fresh one, whose name it tells; false with errno set. */
static bool copyPrivately(int file, char name[NAME_BYTES]) {
  char buffer[1 << 16];
  snprintf(name, NAME_BYTES, "/tmp/lutra-XXXXXX");
  int copy = mkostemp(name, O_CLOEXEC);
  if (copy < 0)
    return false;
  off_t at = 0;
  for (ssize_t got; (got = pread(file, buffer, sizeof buffer, at)) != 0; at += got)
    if (got < 0 || write(copy, buffer, (size_t)got) != got) {
      int problem = got < 0 || errno ? errno : ENOSPC;
      close(copy);
      unlink(name);
      errno = problem;
      return false;
    }
  close(copy);
  return true;
}

/* Where the library in `bytes` bytes ends by its own headers: 0 if it is none, more than `bytes` if it was cut. */
static uint64_t findEnd(const uint8_t *image, uint64_t bytes) {
  Elf64_Ehdr header;
  if (bytes < sizeof header)
    return 0;
  memcpy(&header, image, sizeof header);
  if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_type != ET_DYN ||
      header.e_phentsize != sizeof(Elf64_Phdr) || (header.e_shnum && header.e_shentsize != sizeof(Elf64_Shdr)))
    return 0;
  uint64_t end = header.e_shnum ? header.e_shoff + header.e_shnum * sizeof(Elf64_Shdr) : 0;
  uint64_t segments = header.e_phoff + header.e_phnum * sizeof(Elf64_Phdr);
  if (header.e_phoff > bytes || segments > bytes || header.e_shoff > bytes)
    return UINT64_MAX;
  end = end > segments ? end : segments;
  for (uint64_t at = header.e_phoff; at < segments; at += sizeof(Elf64_Phdr)) {
    Elf64_Phdr segment;
    memcpy(&segment, image + at, sizeof segment);
    if (segment.p_offset > bytes || segment.p_filesz > bytes - segment.p_offset)
      return UINT64_MAX;
    end = end > segment.p_offset + segment.p_filesz ? end : segment.p_offset + segment.p_filesz;
  }
  return end;
}

/* What is wrong with a library, or null. */
static const char *findDamage(const uint8_t *image, uint64_t bytes) {
  uint64_t end = findEnd(image, bytes);
  if (!end)
    return "not a shared library for 64-bit Linux";
  if (end > bytes)
    return "damaged: it was cut";
  lutra_seal seal;
  if (bytes - end < sizeof seal)
    return NULL;
  memcpy(&seal, image + bytes - sizeof seal, sizeof seal);
  if (memcmp(seal.magic, LUTRA_SEAL_MAGIC, sizeof seal.magic) != 0)
    return NULL;
  if (seal.bytes != bytes - sizeof seal || seal.hash != lutra_rt_hash(image, seal.bytes))
    return "damaged: its hash is not the one it was written with";
  return NULL;
}

/* What another machine's library is for, or null. dlopen says of one that there is no such file. */
static const char *findOtherMachine(const uint8_t *image) {
  Elf64_Half machine;
  memcpy(&machine, image + offsetof(Elf64_Ehdr, e_machine), sizeof machine);
#if defined(__x86_64__)
  bool isOwn = machine == EM_X86_64;
#elif defined(__aarch64__)
  bool isOwn = machine == EM_AARCH64;
#else
  bool isOwn = true;
#endif
  return isOwn ? NULL : machine == EM_AARCH64 ? "aarch64" : machine == EM_X86_64 ? "x86-64" : "another kind";
}

static lutra_status checkFile(int file, const char *path, lutra_error *error) {
  struct stat status;
  if (fstat(file, &status) != 0)
    return fail(error, LUTRA_ERROR_ENVIRONMENT, "cannot load the model: %.300s: %s", path, strerror(errno));
  if (status.st_size == 0)
    return fail(error, LUTRA_ERROR_ARTIFACT, "cannot load the model: %.300s is empty", path);
  size_t bytes = (size_t)status.st_size;
  void *image = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, file, 0);
  if (image == MAP_FAILED)
    return fail(error, LUTRA_ERROR_MEMORY, "cannot load the model: %.300s: %s", path, strerror(errno));
  const char *damage = findDamage(image, bytes), *other = damage ? NULL : findOtherMachine(image);
  munmap(image, bytes);
  if (other)
    return fail(error, LUTRA_ERROR_UNSUPPORTED,
                "cannot load the model: %.300s is for machines of %s; compile it with --triple for this one", path,
                other);
  return damage ? fail(error, LUTRA_ERROR_ARTIFACT, "cannot load the model: %.300s is %s", path, damage) : LUTRA_OK;
}

/* Loads a descriptor's file under a name of its own. */
static void *loadOnce(int file, const char *path, lutra_error *error) {
  char name[NAME_BYTES];
  spellOnce(file, name);
  bool copied = access(name, F_OK) != 0; /* no /proc */
  if (copied && !copyPrivately(file, name)) {
    fail(error, LUTRA_ERROR_ENVIRONMENT, "cannot load the model: without /proc it must be copied to /tmp: %s",
         strerror(errno));
    return NULL;
  }
  void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *reason = dlerror();
    size_t length = strlen(name);
    if (strncmp(reason, name, length) == 0 && strncmp(reason + length, ": ", 2) == 0)
      reason += length + 2;
    fail(error, LUTRA_ERROR_ARTIFACT, "cannot load the model: %.300s: %.150s", path, reason);
  }
  if (copied)
    unlink(name);
  return handle;
}

/* A regular file opened for reading, or -1. */
static int openRegular(const char *path, lutra_error *error) {
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe does not wait for its other end */
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0) {
    fail(error, LUTRA_ERROR_ENVIRONMENT, "cannot load the model: %.300s: %s", path, strerror(errno));
  } else if (!S_ISREG(status.st_mode)) {
    fail(error, LUTRA_ERROR_ENVIRONMENT, "cannot load the model: %.300s is not a regular file", path);
  } else {
    return file;
  }
  if (file >= 0)
    close(file);
  return -1;
}

lutra_status lutra_load_library(const char *path, lutra_library *library, lutra_error *error) {
  lutra_error own = {0};
  if (!error)
    error = &own;
  int file = openRegular(path, error);
  if (file < 0)
    return error->code;
  library->handle = checkFile(file, path, error) == LUTRA_OK ? loadOnce(file, path, error) : NULL;
  close(file);
  if (!library->handle)
    return error->code;
  void *symbol = dlsym(library->handle, "lutra_get_model");
  lutra_get_model_fn get = NULL;
  memcpy(&get, &symbol, sizeof get);
  library->api = get ? get(LUTRA_ABI_VERSION) : NULL;
  if (library->api)
    return LUTRA_OK;
  dlclose(library->handle);
  library->handle = NULL;
  return fail(error, LUTRA_ERROR_ARTIFACT,
              get ? "%.300s was compiled for another version of the model interface"
                  : "%.300s is not a model compiled by Lutra",
              path);
}

static lutra_status openWith(const lutra_library *library, const char *weights, lutra_model **model,
                             lutra_error *error) {
  lutra_model_options options = {sizeof options, 0, weights};
  return library->api->open(&options, model, error);
}

lutra_status lutra_open_model(const lutra_library *library, const char *path, const char *weights_path,
                              lutra_model **model, lutra_error *error) {
  const char *recorded = library->api->info->weights_file;
  if (weights_path || !recorded)
    return openWith(library, weights_path, model, error);
  char *target = realpath(path, NULL);
  const char *libraries[] = {path, target && strcmp(target, path) != 0 ? target : NULL};
  lutra_status result = LUTRA_ERROR_ENVIRONMENT;
  for (int i = 0; i < 4; ++i) {
    char weights[PATH_BYTES];
    const char *base = libraries[i / 2], *slash = base ? strrchr(base, '/') : NULL;
    int folder = slash ? (int)(slash + 1 - base) : 0;
    if (!base)
      break;
    int length = i % 2 == 0 ? snprintf(weights, sizeof weights, "%s.weights", base)
                            : snprintf(weights, sizeof weights, "%.*s%s", folder, base, recorded);
    if (length >= PATH_BYTES)
      continue;
    lutra_error problem = {0};
    lutra_status status = openWith(library, weights, model, &problem);
    /* A file that exists says more about what is wrong than the absence of another. */
    if (i == 0 || status != LUTRA_ERROR_ENVIRONMENT) {
      result = status;
      if (error)
        *error = problem;
    }
    if (status == LUTRA_OK)
      break;
  }
  free(target);
  return result;
}
