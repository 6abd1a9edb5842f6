//===- MILDialect.cpp - registration -----------------------------------------===//
#include "lutra/Dialect/MIL/IR/MIL.h"

#include "llvm/ADT/StringExtras.h"

#include "lutra/Dialect/MIL/IR/MILDialect.cpp.inc"

namespace lutra::mil {

void MILDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "lutra/Dialect/MIL/IR/MILOps.cpp.inc"
      >();
}

bool isIdentifier(llvm::StringRef name) {
  if (name.empty() || llvm::isDigit(name.front()))
    return false;
  return llvm::all_of(name, [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

} // namespace lutra::mil
