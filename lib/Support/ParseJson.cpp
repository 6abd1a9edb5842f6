//===- ParseJson.cpp - JSON of files that anybody wrote ----------------------===//
#include "ParseJson.h"

#include "Message.h"

using namespace lutra;

llvm::Expected<llvm::json::Value> lutra::parseJson(llvm::StringRef text) {
  constexpr int mostNesting = 64;
  int depth = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString && c == '\\')
      ++i;
    else if (c == '"')
      inString = !inString;
    else if (!inString && (c == '[' || c == '{') && ++depth > mostNesting)
      return fault("brackets are nested more than ", mostNesting, " deep");
    else if (!inString && (c == ']' || c == '}'))
      --depth;
  }
  return llvm::json::parse(text);
}
