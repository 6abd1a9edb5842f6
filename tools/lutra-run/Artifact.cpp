//===- Artifact.cpp - the mode of lutra-run that runs a compiled model -------===//
#include "CompiledModel.h"
#include "Run.h"

using namespace mlir;
using namespace lutra;

LogicalResult run::runArtifact(ModuleOp reference, const Options &options) {
  CompiledModel model(report);
  if (failed(model.open(options.file, options.threads)))
    return failure();
  FailureOr<SmallVector<Tensor>> inputs = makeInputs(model.getInputs(), options);
  if (failed(inputs))
    return failure();
  FailureOr<SmallVector<Tensor>> outputs = model.call(*inputs, options.repeat);
  if (failed(outputs))
    return failure();
  SmallVector<std::string> names;
  for (const TensorSpec &spec : model.getOutputs())
    names.push_back(spec.name);
  if (!reference)
    return emitResults(model.getName(), names, *outputs, options);
  auto functions = pickFunctions(reference, options);
  if (failed(functions))
    return failure();
  auto references = evaluateOne(reference, functions->front().getName(), *inputs, !options.exact,
                                options.errorModel);
  if (failed(references))
    return failure();
  return compareResults(model.getName(), names, *outputs, *references, options);
}
