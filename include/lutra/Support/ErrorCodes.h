//===- ErrorCodes.h - stable codes of every diagnostic a user can meet -----===//
// One table serves the emitters, the tools (exit code) and the documentation. Codes are never reused.
#ifndef LUTRA_SUPPORT_ERRORCODES_H
#define LUTRA_SUPPORT_ERRORCODES_H

#include "mlir/IR/Diagnostics.h"

#include "llvm/ADT/StringRef.h"

#include <optional>

namespace lutra {

/// Exit codes of the tools.
enum class ExitCode : int {
  Ok = 0,
  BadInput = 1,
  Usage = 2,
  Unsupported = 3,
  Limit = 4,
  Environment = 5,
  Internal = 70
};

/// A code as printed: E0101 is 101.
enum class ErrorCode : int {
  FileFormat = 101,      // not a model file, truncated, or a broken container
  FileEmpty = 102,       // nothing in the file
  GraphStructure = 201,  // cycles, undefined or duplicate names
  GraphType = 202,       // types or shapes that contradict each other
  Attribute = 301,       // attribute or constant value out of range
  ExternalPath = 401,    // external data outside the model's folder, or not a regular file
  ExternalRange = 402,   // external data shorter than a tensor needs
  IrSyntax = 501,        // IR text that does not parse or verify
  UnsupportedOp = 601,   // operator (version, attribute value) without an import
  UnsupportedType = 602, // element type
  UnsupportedOpset = 603,
  UnsupportedTarget = 604,
  LimitMemory = 701,
  LimitSize = 702, // element counts, depth, file size
  LimitTime = 703,
  EnvironmentRead = 801,
  EnvironmentWrite = 802,
  EnvironmentTool = 803, // ptxas, ld.lld or a library is missing
  RuntimeArgument = 901,
  RuntimeArtifact = 902,
  Internal = 1001
};

/// The tool's exit code for an error.
ExitCode exitCodeOf(ErrorCode code);

/// "E0101".
std::string codeText(ErrorCode code);

/// The code that a diagnostic's text starts with, as written by emitCodedError.
std::optional<ErrorCode> codeOfMessage(llvm::StringRef message);

/// An error diagnostic whose text starts with the code: `E0601: node "a" ...`.
mlir::InFlightDiagnostic emitCodedError(mlir::Location loc, ErrorCode code);

} // namespace lutra

#endif // LUTRA_SUPPORT_ERRORCODES_H
