//===- Evaluate.cpp - evaluates modules and compares what they give --------===//
#include "Run.h"

#include "lutra/Reference/Npy.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace mlir;
using namespace lutra;

static LogicalResult writeResult(std::string name, const Tensor &tensor, StringRef folder) {
  if (std::error_code error = llvm::sys::fs::create_directories(folder)) {
    run::report(ErrorCode::EnvironmentWrite,
                "'" + folder + "' cannot be made: " + error.message());
    return failure();
  }
  for (char &c : name) // a name from a model is no path
    if (!llvm::isAlnum(c) && c != '_' && c != '-' && c != '.')
      c = '_';
  SmallString<128> path(folder);
  llvm::sys::path::append(path, name + ".npy");
  if (llvm::Error error = writeNpy(path, tensor)) {
    run::report(ErrorCode::EnvironmentWrite, llvm::toString(std::move(error)));
    return failure();
  }
  return success();
}

/// Largest finite bound and the number of elements that stay open.
static void printBounds(const BoundedTensor &result) {
  double largest = 0;
  int64_t open = 0;
  for (double bound : result.bound) {
    if (std::isinf(bound))
      ++open;
    else
      largest = std::max(largest, bound);
  }
  llvm::outs() << llvm::format(" bound %.3g", largest);
  if (open)
    llvm::outs() << ", " << open << " undetermined";
}

FailureOr<SmallVector<BoundedTensor>> run::evaluateOne(ModuleOp module, StringRef function,
                                                       ArrayRef<Tensor> inputs, bool bounds,
                                                       const EvaluatorOptions &evaluator) {
  if (bounds)
    return evaluateWithBounds(module, function, inputs, evaluator);
  auto values = evaluate(module, function, inputs);
  if (failed(values))
    return failure();
  SmallVector<BoundedTensor> results;
  for (Tensor &value : *values) {
    ElementKind kind = value.getKind();
    results.push_back({std::move(value), kind, {}});
  }
  return results;
}

/// One line for a result, and its files.
static LogicalResult emitResult(StringRef function, const std::string &name,
                                const BoundedTensor &result, const run::Options &options) {
  llvm::outs() << "@" << function << " " << name << ": " << run::typeText(result.value);
  if (options.bounds)
    printBounds(result);
  if (options.print)
    llvm::outs() << " = " << run::valueText(result.value);
  llvm::outs() << "\n";
  if (options.outputFolder.empty())
    return success();
  if (failed(writeResult(name, result.value, options.outputFolder)))
    return failure();
  if (!options.bounds)
    return success();
  // The bounds lie beside the values, for tests that compare elsewhere.
  Tensor bound(ElementKind::F64, result.value.getShape());
  for (auto [i, value] : llvm::enumerate(result.bound))
    bound.setFloat(i, value);
  return writeResult(name, bound, options.outputFolder + "/bounds");
}

LogicalResult run::emitResults(StringRef function, ArrayRef<std::string> names,
                               ArrayRef<Tensor> results, const Options &options) {
  for (auto [name, result] : llvm::zip_equal(names, results))
    if (failed(emitResult(function, name, {result, result.getKind(), {}}, options)))
      return failure();
  return success();
}

/// The functions that run, once the names in the flags are known to be theirs.
static FailureOr<SmallVector<FunctionOpInterface>> pickChecked(ModuleOp module, const run::Options &options) {
  auto functions = run::pickFunctions(module, options);
  if (failed(functions))
    return failure();
  SmallVector<SmallVector<run::TensorSpec>> all;
  for (FunctionOpInterface function : *functions) {
    auto specs = run::specsOf(function);
    if (failed(specs))
      return failure();
    all.push_back(std::move(*specs));
  }
  if (failed(run::checkNames(all, options)))
    return failure();
  return functions;
}

/// Whether memory is planned already: results are destinations then, whose sizes only the compiled code knows.
static bool isScheduled(ModuleOp module) {
  return module->hasAttr("lutra.entry_slots") ||
         llvm::any_of(module.getOps<func::FuncOp>(), [](func::FuncOp f) { return f->hasAttr("lutra.inputs"); });
}

LogicalResult run::evaluateFile(ModuleOp module, const Options &options) {
  if (isScheduled(module)) {
    report(ErrorCode::UnsupportedTarget,
           "this is a dump of stage scheduled or a later one, which has no results to print; "
           "evaluate one of stage packed or earlier, or compile and run it");
    return failure();
  }
  auto functions = pickChecked(module, options);
  if (failed(functions))
    return failure();
  for (FunctionOpInterface function : *functions) {
    auto specs = specsOf(function);
    if (failed(specs))
      return failure();
    auto inputs = makeInputs(*specs, options);
    if (failed(inputs))
      return failure();
    auto results = evaluateOne(module, function.getName(), *inputs, options.bounds,
                               options.evaluator);
    if (failed(results))
      return failure();
    SmallVector<std::string> names = resultNames(function, results->size());
    for (auto [name, result] : llvm::zip_equal(names, *results))
      if (failed(emitResult(function.getName(), name, result, options)))
        return failure();
  }
  return success();
}

/// Changes element `position` (modulo the count) so that any comparison must notice.
static void corruptElement(Tensor &tensor, int64_t position) {
  if (tensor.getCount() == 0)
    return;
  int64_t i = position % tensor.getCount();
  if (tensor.isFloat()) {
    double value = tensor.getFloat(i);
    tensor.setFloat(i, std::isfinite(value) ? value * 1.5 + 1 : 0);
  } else {
    tensor.setInt(i, tensor.getInt(i) ^ 1);
  }
}

LogicalResult run::compareResults(StringRef function, ArrayRef<std::string> names,
                                  MutableArrayRef<Tensor> results,
                                  ArrayRef<BoundedTensor> references, const Options &options) {
  if (results.size() != references.size()) {
    report(ErrorCode::GraphType, "@" + function + " has " + Twine(references.size()) +
                                     " results before and " + Twine(results.size()) + " after");
    return failure();
  }
  LogicalResult status = success();
  for (auto [index, reference] : llvm::enumerate(references)) {
    if (options.corrupt >= 0 && index == 0)
      corruptElement(results[index], options.corrupt);
    CompareReport comparison = compare(results[index], reference.value, reference.bound);
    llvm::outs() << "@" << function << " " << names[index] << ": " << comparison.text() << "\n";
    if (!comparison.passed())
      status = failure();
  }
  if (failed(status))
    report(ErrorCode::GraphType, "@" + function + " gives other values");
  return status;
}

/// Runs one function of both modules on the same inputs and compares all results.
static LogicalResult compareFunction(ModuleOp before, ModuleOp after, FunctionOpInterface function,
                                     const run::Options &options) {
  auto specs = run::specsOf(function);
  if (failed(specs))
    return failure();
  auto inputs = run::makeInputs(*specs, options);
  if (failed(inputs))
    return failure();
  auto references = run::evaluateOne(before, function.getName(), *inputs, !options.exact,
                                     options.evaluator);
  if (failed(references))
    return failure();
  EvaluatorOptions evaluator;
  for (const BoundedTensor &reference : *references)
    evaluator.destinationShapes.push_back(llvm::to_vector(reference.value.getShape()));
  auto results = evaluate(after, function.getName(), *inputs, evaluator);
  if (failed(results))
    return failure();
  return run::compareResults(function.getName(), run::resultNames(function, references->size()),
                             *results, *references, options);
}

LogicalResult run::compareModules(ModuleOp before, ModuleOp after, const Options &options) {
  auto functions = pickChecked(before, options);
  if (failed(functions))
    return failure();
  LogicalResult status = success();
  for (FunctionOpInterface function : *functions)
    if (failed(compareFunction(before, after, function, options)))
      status = failure();
  return status;
}

LogicalResult run::compareBeforeAfter(ModuleOp before, ModuleOp after, const Options &options) {
  StringRef pipeline = options.beforeAfter;
  if (pipeline.consume_front("builtin.module("))
    pipeline.consume_back(")");
  PassManager passes(after.getContext(), ModuleOp::getOperationName(),
                     PassManager::Nesting::Implicit);
  std::string message;
  llvm::raw_string_ostream os(message);
  if (failed(parsePassPipeline(pipeline, passes, os))) {
    report(ErrorCode::Attribute,
           "cannot parse the pipeline '" + options.beforeAfter + "': " + message);
    return failure();
  }
  if (failed(passes.run(after)))
    return failure();
  return compareModules(before, after, options);
}
