//===- NamePattern.h - names that a text stands for --------------------------===//
// pattern ::= glob | "/" regex "/"
//
// A glob (`*`, `?`, `[..]`) matches whole names, and itself, whatever it holds; an extended regular expression of POSIX
// matches names that hold a match.
#ifndef LUTRA_SUPPORT_NAMEPATTERN_H
#define LUTRA_SUPPORT_NAMEPATTERN_H

#include "llvm/Support/Error.h"
#include "llvm/Support/GlobPattern.h"
#include "llvm/Support/Regex.h"

#include <optional>

namespace lutra {

class NamePattern {
public:
  /// `text` outlives the pattern.
  static llvm::Expected<NamePattern> create(llvm::StringRef text);
  bool match(llvm::StringRef name) const;

private:
  llvm::StringRef text;
  std::optional<llvm::GlobPattern> glob;
  std::optional<llvm::Regex> regex;
};

} // namespace lutra

#endif // LUTRA_SUPPORT_NAMEPATTERN_H
