//===- Isolation.h - a compilation that cannot take its parent down ----------===//
#ifndef LUTRA_TOOLS_LUTRA_COMPILE_ISOLATION_H
#define LUTRA_TOOLS_LUTRA_COMPILE_ISOLATION_H

#include "lutra/API/Driver.h"

/// Compiles in a child process with limits on memory and CPU time; turns signals into exit codes, removes temporaries,
/// leaves a reproducer after an internal error.
int compileIsolated(const lutra::CompileRequest &request, llvm::ArrayRef<llvm::StringRef> flags);

/// Compiles in this process.
int compileHere(const lutra::CompileRequest &request);

#endif // LUTRA_TOOLS_LUTRA_COMPILE_ISOLATION_H
