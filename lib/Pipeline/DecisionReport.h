//===- DecisionReport.h - what passes decided, for --report ------------------===//
#ifndef LUTRA_LIB_PIPELINE_DECISIONREPORT_H
#define LUTRA_LIB_PIPELINE_DECISIONREPORT_H

#include "mlir/IR/MLIRContext.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/JSON.h"

#include <mutex>
#include <string>

namespace lutra {

/// Collects the remarks of a context's passes while it lives. One context has one such report at a time.
class DecisionReport {
public:
  explicit DecisionReport(mlir::MLIRContext &context);
  ~DecisionReport();
  DecisionReport(const DecisionReport &) = delete;
  DecisionReport &operator=(const DecisionReport &) = delete;

  /// While paused, remarks are dropped: those of compilations inside this one.
  void pause(bool yes) { paused = yes; }

  /// {"decisions": [{"pass", "at", "done", "text", values by name ..}, ..]}, in the order of the passes. Values that
  /// occur several times in one remark are lists.
  std::string text() const;

private:
  class Streamer;
  mlir::MLIRContext &context;
  mutable std::mutex mutex; // passes on functions run side by side
  llvm::json::Array decisions;
  bool paused = false;
};

} // namespace lutra

#endif // LUTRA_LIB_PIPELINE_DECISIONREPORT_H
