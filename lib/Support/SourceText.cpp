//===- SourceText.cpp - IR text that upstream's parser can take ----------------===//
#include "lutra/Support/SourceText.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"

using namespace lutra;

/// Deeper text would overflow the parser's stack.
static constexpr unsigned maxNesting = 256;

/// Whether a bracket opens an array attribute of index elements: upstream's parser asks those for their width.
static bool opensIndexArray(llvm::StringRef text, size_t bracket) {
  llvm::StringRef before = text.take_front(bracket).rtrim();
  if (!before.consume_back("array") || !text.substr(bracket + 1).ltrim().starts_with("index"))
    return false;
  return before.empty() || !(llvm::isAlnum(before.back()) || llvm::StringRef("._$").contains(before.back()));
}

std::optional<std::pair<ErrorCode, std::string>> lutra::guardText(llvm::StringRef text, bool allowBytecode) {
  if (text.starts_with("ML\xefR")) {
    if (allowBytecode)
      return std::nullopt;
    return std::make_pair(ErrorCode::FileFormat,
                          "this is MLIR bytecode; pass --allow-bytecode if you trust its origin");
  }
  if (text.contains('\0'))
    return std::make_pair(ErrorCode::IrSyntax, "the text holds a null byte");
  if (text.starts_with("\xef\xbb\xbf"))
    return std::make_pair(ErrorCode::IrSyntax, "the text begins with a byte order mark; remove it");
  const auto *begin = reinterpret_cast<const llvm::UTF8 *>(text.begin());
  if (!llvm::isLegalUTF8String(&begin, reinterpret_cast<const llvm::UTF8 *>(text.end())))
    return std::make_pair(ErrorCode::IrSyntax, "the text is not valid UTF-8");
  unsigned depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"' || c == '\n')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '/' && text.substr(i).starts_with("//")) {
      i = std::min(text.find('\n', i), text.size());
    } else if (llvm::StringRef("([{<").contains(c)) {
      if (++depth > maxNesting)
        return std::make_pair(ErrorCode::LimitSize, "brackets are nested more than " +
                                                        std::to_string(maxNesting) + " deep");
      if (c == '<' && opensIndexArray(text, i))
        return std::make_pair(ErrorCode::IrSyntax, "the text has an array of index elements; make them i64");
    } else if (c == '>' && i > 0 && text[i - 1] == '-') {
      continue; // an arrow
    } else if (llvm::StringRef(")]}>").contains(c) && depth > 0) {
      --depth;
    }
  }
  return std::nullopt;
}
