//===- ErrorCodes.cpp - stable codes of every diagnostic a user can meet ---===//
#include "lutra/Support/ErrorCodes.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace lutra {

ExitCode exitCodeOf(ErrorCode code) {
  switch (static_cast<int>(code) / 100) {
  case 1:
  case 2:
  case 3:
  case 4:
  case 5:
  case 9:
    return ExitCode::BadInput;
  case 6:
    return ExitCode::Unsupported;
  case 7:
    return ExitCode::Limit;
  case 8:
    return ExitCode::Environment;
  default:
    return ExitCode::Internal;
  }
}

std::string codeText(ErrorCode code) {
  std::string digits = std::to_string(static_cast<int>(code));
  return "E" + std::string(digits.size() < 4 ? 4 - digits.size() : 0, '0') + digits;
}

std::optional<ErrorCode> codeOfMessage(StringRef message) {
  int value = 0;
  if (!message.consume_front("E") || message.size() < 5 || message[4] != ':' ||
      message.take_front(4).getAsInteger(10, value))
    return std::nullopt;
  return static_cast<ErrorCode>(value);
}

InFlightDiagnostic emitCodedError(Location loc, ErrorCode code) {
  return emitError(loc) << codeText(code) << ": ";
}

} // namespace lutra
