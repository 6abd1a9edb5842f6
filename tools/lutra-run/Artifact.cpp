//===- Artifact.cpp - the mode of lutra-run that runs a compiled model -------===//
#include "CompiledModel.h"
#include "Profile.h"
#include "Run.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace lutra;

LogicalResult run::runArtifact(ModuleOp reference, const Options &options) {
  CompiledModel model(report, options.guardStarts);
  Profile profile(/*cpuTime=*/options.threads == 1);
  if (failed(model.open(options.file, options.threads, options.profile ? Profile::trace : nullptr, &profile)))
    return failure();
  if (failed(checkNames(SmallVector<TensorSpec>(model.getInputs()), options)))
    return failure();
  FailureOr<SmallVector<Tensor>> inputs = makeInputs(model.getInputs(), options);
  if (failed(inputs))
    return failure();
  FailureOr<SmallVector<Tensor>> outputs = model.call(*inputs, options.repeat, [&] { profile.endRun(); });
  if (failed(outputs))
    return failure();
  if (options.profile && profile.isEmpty()) {
    report(ErrorCode::UnsupportedTarget, "this model tells of no kernel; only those of target cpu do");
    return failure();
  }
  if (options.profile)
    profile.print(llvm::outs());
  SmallVector<std::string> names;
  for (const TensorSpec &spec : model.getOutputs())
    names.push_back(spec.name);
  if (!reference)
    return emitResults(model.getName(), names, *outputs, options);
  auto functions = pickFunctions(reference, options);
  if (failed(functions))
    return failure();
  auto references = evaluateOne(reference, functions->front().getName(), *inputs, !options.exact,
                                options.evaluator);
  if (failed(references))
    return failure();
  return compareResults(model.getName(), names, *outputs, *references, options);
}
