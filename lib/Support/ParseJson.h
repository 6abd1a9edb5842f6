//===- ParseJson.h - JSON of files that anybody wrote ------------------------===//
#ifndef LUTRA_LIB_SUPPORT_PARSEJSON_H
#define LUTRA_LIB_SUPPORT_PARSEJSON_H

#include "llvm/Support/JSON.h"

namespace lutra {

/// Refuses text nested so deep that LLVM's parser, which calls itself, would overflow the stack.
llvm::Expected<llvm::json::Value> parseJson(llvm::StringRef text);

} // namespace lutra

#endif // LUTRA_LIB_SUPPORT_PARSEJSON_H
