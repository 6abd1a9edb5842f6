//===- JsonLines.h - arrays in lines of JSON ---------------------------------===//
#ifndef LUTRA_SUPPORT_JSONLINES_H
#define LUTRA_SUPPORT_JSONLINES_H

#include "lutra/Support/Npz.h"

namespace lutra {

struct JsonLine {
  int64_t number = 0; // from 1
  std::vector<NamedArray> arrays;
};

/// The lines of a .jsonl file that are not blank: objects of numbers, or lists of lists of these, by name. Arrays are
/// of int64, or of float64 where a number is no integer. Errors as codeOfRead of Files.h takes them.
llvm::Expected<std::vector<JsonLine>> readJsonLines(llvm::StringRef path);

} // namespace lutra

#endif // LUTRA_SUPPORT_JSONLINES_H
