//===- NamePattern.cpp - names that a text stands for ------------------------===//
#include "lutra/Support/NamePattern.h"

#include "Message.h"

using namespace lutra;
using llvm::StringRef;

llvm::Expected<NamePattern> NamePattern::create(StringRef text) {
  if (text.empty())
    return fault("it is empty");
  NamePattern pattern;
  pattern.text = text;
  StringRef inner = text;
  if (text.size() > 1 && inner.consume_front("/") && inner.consume_back("/")) {
    if (inner.empty())
      return fault("its regular expression is empty");
    pattern.regex.emplace(inner);
    if (std::string why; !pattern.regex->isValid(why))
      return fault("its regular expression has ", why);
    return pattern;
  }
  llvm::Expected<llvm::GlobPattern> glob = llvm::GlobPattern::create(text);
  if (!glob)
    return glob.takeError();
  pattern.glob = std::move(*glob);
  return pattern;
}

bool NamePattern::match(StringRef name) const {
  return name == text || (regex ? regex->match(name) : glob->match(name));
}
