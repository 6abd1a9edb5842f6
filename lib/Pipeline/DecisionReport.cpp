//===- DecisionReport.cpp - what passes decided, for --report ----------------===//
#include "DecisionReport.h"

#include "mlir/IR/Remarks.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;
using namespace lutra;

/// The name that a front end gave, or the place in a file.
static std::string textOf(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName().str();
  std::string text;
  llvm::raw_string_ostream stream(text);
  loc->print(stream);
  return text;
}

/// A number where the text is one, but for names, which a model chooses.
static llvm::json::Value valueOf(StringRef key, StringRef text) {
  int64_t integer = 0;
  double number = 0;
  bool isName = key == "weight" || key == "cache" || key == "reason";
  if (!isName && !text.getAsInteger(10, integer))
    return integer;
  if (!isName && !text.getAsDouble(number) && std::isfinite(number))
    return number;
  return llvm::json::fixUTF8(text);
}

static llvm::json::Object decisionOf(const remark::detail::Remark &remark) {
  llvm::json::Object decision{{"pass", remark.getCombinedCategoryName().str()},
                              {"at", llvm::json::fixUTF8(textOf(remark.getLocation()))},
                              {"done", remark.getRemarkType() != llvm::remarks::Type::Missed &&
                                           remark.getRemarkType() != llvm::remarks::Type::Failure}};
  std::string text; // the words between the values
  for (const remark::detail::Remark::Arg &arg : remark.getArgs()) {
    if (arg.key == "Remark") {
      text += arg.val;
      continue;
    }
    std::string key = arg.key;
    key.front() = llvm::toLower(key.front());
    llvm::json::Value *old = decision.get(key);
    if (!old) {
      decision[key] = valueOf(key, arg.val);
    } else if (llvm::json::Array *list = old->getAsArray()) {
      list->push_back(valueOf(key, arg.val));
    } else {
      llvm::json::Array both;
      both.push_back(std::move(*old));
      both.push_back(valueOf(key, arg.val));
      decision[key] = std::move(both);
    }
  }
  if (!text.empty())
    decision["text"] = llvm::json::fixUTF8(text);
  return decision;
}

class DecisionReport::Streamer final : public remark::detail::MLIRRemarkStreamerBase {
public:
  explicit Streamer(DecisionReport &report) : report(report) {}
  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    std::lock_guard<std::mutex> lock(report.mutex);
    if (!report.paused)
      report.decisions.push_back(decisionOf(remark));
  }

private:
  DecisionReport &report;
};

DecisionReport::DecisionReport(MLIRContext &context) : context(context) {
  remark::RemarkCategories all;
  all.passed = all.missed = all.analysis = all.failed = ".*";
  (void)remark::enableOptimizationRemarks(context, std::make_unique<Streamer>(*this),
                                          std::make_unique<remark::RemarkEmittingPolicyAll>(), all);
}

DecisionReport::~DecisionReport() { context.setRemarkEngine(nullptr); }

std::string DecisionReport::text() const {
  llvm::json::Object root{{"decisions", llvm::json::Array(decisions)}};
  return llvm::formatv("{0:2}\n", llvm::json::Value(std::move(root))).str();
}
