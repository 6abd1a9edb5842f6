/*===- Compiler.h - the compiler as a C library --------------------------------===*
 * Takes the flags of lutra-compile, returns its exit code, reports findings one line at a time. Never aborts on bad
 * input; a host that must survive faults of the compiler itself runs the tool lutra-compile, which isolates them.
 *===----------------------------------------------------------------------===*/
#ifndef LUTRA_C_COMPILER_H
#define LUTRA_C_COMPILER_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { LUTRA_FINDING_ERROR = 0, LUTRA_FINDING_WARNING = 1, LUTRA_FINDING_NOTE = 2 };

typedef void (*lutra_finding_fn)(void *user, int severity, const char *text);
typedef void (*lutra_text_fn)(void *user, const char *text, size_t bytes);

/* Compiles the file named in `flags`. `dump` (may be null) receives the module's text when the flags
 * stop before the artifact and name no output. */
int lutra_compile(int count, const char *const *flags, lutra_finding_fn finding, lutra_text_fn dump,
                  void *user);

/* Compiles a model in memory; the flags' input names it in messages. */
int lutra_compile_bytes(const void *data, size_t bytes, int count, const char *const *flags,
                        lutra_finding_fn finding, lutra_text_fn dump, void *user);

/* "0.1.0" */
const char *lutra_version(void);

#ifdef __cplusplus
}
#endif
#endif
