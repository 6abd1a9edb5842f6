//===- MeasureInputs.cpp - what the products of a model see in a calibration --===//
#include "ModelQuantizer.h"

#include "ConvWindows.h"

#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/SetVector.h"

#include <cmath>

using namespace mlir;
using namespace lutra;

/// Of Gram matrices at one time, unless one alone takes more.
static constexpr int64_t gramBytes = int64_t(4) << 30;

/// The types that the model takes; shapes are compared by its own check.
LogicalResult ModelQuantizer::checkInputs(Probe &probe) {
  for (const std::vector<Sample> &set : calibration.sets)
    for (const Sample &sample : set)
      for (auto [input, info] : llvm::zip(sample.inputs, probe.getInputs()))
        if (input.dtype != info.dtype)
          return emitCodedError(module.getLoc(), ErrorCode::Attribute)
                 << "calibration sample '" << sample.name << "' has '" << info.name << "' of " << dtypeName(input.dtype)
                 << ", but the model takes " << dtypeName(info.dtype) << "; convert it";
  return success();
}

LogicalResult ModelQuantizer::readSamples() {
  if (options.calibrate.empty())
    return success();
  FailureOr<Calibration> read = Calibration::read(options.calibrate, module, quantizer.getSpec().splitsFiles);
  if (failed(read))
    return failure();
  calibration = std::move(*read);
  for (auto [set, path] : llvm::zip_equal(calibration.sets, calibration.paths))
    if (set.size() == 1 && isHeldOut(0))
      return emitCodedError(module.getLoc(), ErrorCode::Attribute)
             << "--quantize holds out all samples of '" << path << "', since the first of each set is held out; give "
             << "more samples, or leave out holdout=";
  return success();
}

const Sample *ModelQuantizer::firstFitted() const {
  for (const std::vector<Sample> &set : calibration.sets)
    for (auto [index, sample] : llvm::enumerate(set))
      if (!isHeldOut(index))
        return &sample;
  return nullptr;
}

bool ModelQuantizer::isHeldOut(size_t index) const {
  double share = quantizer.getSpec().holdout;
  return std::ceil(static_cast<double>(index + 1) * share) > std::ceil(static_cast<double>(index) * share);
}

std::vector<const Sample *> ModelQuantizer::heldOut() const {
  std::vector<const Sample *> samples;
  for (const std::vector<Sample> &set : calibration.sets)
    for (auto [index, sample] : llvm::enumerate(set))
      if (isHeldOut(index))
        samples.push_back(&sample);
  return samples;
}

/// Left-hand sides in the clone, and inputs of convolutions; the clone's products have the order of the module's.
void ModelQuantizer::findTaps() {
  IRMapping mapping;
  tapOf.clear();
  plainOf.clear();
  plain = cast<ModuleOp>(module->clone(mapping));
  Block *entry = &cast<func::FuncOp>(module.lookupSymbol("main")).getBody().front();
  for (const QuantizedProduct &product : quantizer.getProducts()) {
    Value lhs = product.getInput();
    auto type = cast<RankedTensorType>(lhs.getType());
    bool reachable = lhs.getParentBlock() == entry && type.getElementType().isF32() && type.getRank() > 0 &&
                     (product.isFilter() || type.getShape().back() == product.k);
    tapOf.push_back(reachable ? InputTap(mapping.lookup(lhs), product.isFilter() ? mapping.lookup(product.op) : nullptr)
                              : InputTap());
    plainOf.push_back(mapping.lookup(product.op));
  }
}

void ModelQuantizer::forgetInputs() {
  grams.clear();
  ranges.clear();
  firstRows.clear();
  findTaps();
}

const GramMatrix *ModelQuantizer::gramOf(size_t product) {
  auto found = tapOf.empty() ? grams.end() : grams.find(tapOf[product]);
  return found == grams.end() || found->second.getRows() == 0 ? nullptr : &found->second;
}

/// Adds what a tap gave with a sample.
LogicalResult ModelQuantizer::addSample(const Sample &sample, InputTap tap, const ProbeTensor &tensor) {
  auto parallel = [&](size_t count, llvm::function_ref<void(size_t)> body) { quantizer.parallel(count, body); };
  GramMatrix &gram = grams.find(tap)->second;
  if (gram.getSize() == 0) { // of groups, whose range alone is asked for
    if (llvm::all_of(tensor.floats(), [](float value) { return std::isfinite(value); }))
      return success();
    return emitCodedError(tap.first.getLoc(), ErrorCode::Attribute)
           << "calibration sample '" << sample.name << "': the input of this convolution has elements that are not "
           << "finite; leave the sample out, or mend the model where it overflows";
  }
  int64_t bad = gram.getBadRows();
  std::vector<float> windows;
  ArrayRef<float> rows = tensor.floats();
  ArrayRef<char> keep;
  if (tap.second)
    rows = windows = readWindows(cast<ConvOp>(tap.second), tensor);
  else
    keep = rowsToKeep(sample, tensor.count() / gram.getSize());
  gram.addRows(rows, keep, parallel);
  if (!tap.second)
    firstRows.insert({tap, std::max<int64_t>(1, tensor.count() / gram.getSize())});
  if (gram.getBadRows() > bad)
    return emitCodedError(tap.first.getLoc(), ErrorCode::Attribute)
           << "calibration sample '" << sample.name << "': the left-hand side of this product has "
           << gram.getBadRows() - bad << " rows with elements that are not finite; leave the sample out, or mend "
           << "the model where it overflows";
  return success();
}

/// Runs a model, in which `valueIn` finds the values of `plain`, over the samples.
LogicalResult ModelQuantizer::measureInputs(ArrayRef<InputTap> taps, ModuleOp model,
                                            llvm::function_ref<Value(Value)> valueIn) {
  grams.clear();
  if (taps.empty())
    return success();
  bool isStatic = quantizer.getSpec().anyActivations([](const ActivationRounding &own) { return own.isStatic(); });
  llvm::SetVector<Value> values;
  for (InputTap tap : taps) {
    auto type = cast<RankedTensorType>(tap.first.getType());
    auto conv = cast_or_null<ConvOp>(tap.second);
    auto filter = conv ? cast<RankedTensorType>(conv.getFilter().getType()) : RankedTensorType();
    int64_t size = !conv ? type.getShape().back() : filter.getNumElements() / filter.getDimSize(0);
    grams.insert({tap, GramMatrix(conv && conv.getGroups() != 1 ? 0 : size)});
    values.insert(tap.first);
    if (isStatic || conv)
      ranges[tap.first] = SampledRange();
  }
  SmallVector<Value> tapped = llvm::map_to_vector(values, valueIn);
  // What comes after the taps of the module, which changes before it runs again, need not be compiled.
  FailureOr<std::unique_ptr<Probe>> probed = Probe::compile(model, tapped, {}, options, /*ownResults=*/model != module);
  if (failed(probed) || failed(checkInputs(**probed)))
    return failure();
  auto parallel = [&](size_t count, llvm::function_ref<void(size_t)> body) { quantizer.parallel(count, body); };
  for (auto [set, weight] : llvm::zip_equal(calibration.sets, calibration.weights)) {
    for (auto [index, sample] : llvm::enumerate(set)) {
      if (isHeldOut(index))
        continue;
      llvm::Expected<std::vector<ProbeTensor>> outputs = (*probed)->run(sample.inputs);
      if (!outputs)
        return failRun(sample, outputs.takeError());
      llvm::MapVector<Value, const ProbeTensor *> taken;
      for (auto [value, tensor] : llvm::zip_equal(values, ArrayRef(*outputs).take_back(values.size())))
        taken[value] = &tensor;
      for (InputTap tap : taps)
        if (failed(addSample(sample, tap, *taken[tap.first])))
          return failure();
      for (auto [value, tensor] : taken) {
        auto range = ranges.find(value);
        if (range == ranges.end() || tensor->count() == 0)
          continue;
        int64_t size = tensor->shape.back();
        bool hasRows = grams.contains(InputTap(value, nullptr)); // else images, of which no mask knows
        range->second.addRows(tensor->floats(), size,
                              hasRows ? rowsToKeep(sample, tensor->count() / size) : ArrayRef<char>());
      }
    }
    for (auto &[tap, gram] : grams)
      if (gram.getSize() != 0)
        gram.endSet(parallel, weight);
  }
  return success();
}

LogicalResult ModelQuantizer::forParts(PartBody body) {
  return forParts(llvm::to_vector(llvm::seq<size_t>(quantizer.getProducts().size())), /*ofCodes=*/false, body);
}

/// Products in order, as many at a time as the Gram matrices of their inputs leave room for.
LogicalResult ModelQuantizer::forParts(ArrayRef<size_t> which, bool ofCodes, PartBody body) {
  if (ofCodes) // what is known is of a model with other codes
    grams.clear();
  for (size_t at = 0; at < which.size();) {
    llvm::SetVector<InputTap> taps;
    std::vector<size_t> products;
    int64_t bytes = 0;
    for (; at < which.size(); ++at) {
      size_t index = which[at];
      const QuantizedProduct &product = quantizer.getProducts()[index];
      bool isKnown = !tapOf.empty() && tapOf[index].first;
      if (isKnown && !taps.contains(tapOf[index])) {
        int64_t own = GramMatrix::bytesOf(product.k);
        if (!taps.empty() && bytes + own > gramBytes)
          break;
        bytes += own;
        taps.insert(tapOf[index]);
      }
      products.push_back(index);
    }
    bool known = grams.size() == taps.size() &&
                 llvm::all_of(taps, [&](InputTap tap) { return grams.contains(tap); });
    auto valueIn = [&](Value value) {
      auto reads = [&](size_t index) { return tapOf[index].first == value; };
      return ofCodes ? quantizer.getProducts()[*llvm::find_if(products, reads)].getInput() : value;
    };
    if (!known && failed(measureInputs(taps.getArrayRef(), ofCodes ? module : *plain, valueIn)))
      return failure();
    if (failed(body(products)))
      return failure();
  }
  return success();
}
