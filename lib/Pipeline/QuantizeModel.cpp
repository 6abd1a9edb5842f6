//===- QuantizeModel.cpp - --quantize with inputs of the model ---------------===//
// The float model runs once over all samples (Probe.h) and gives the left-hand sides of the products; their Gram
// matrices are all that is kept of them. Where these would not fit in memory the products go in parts, with a run each.
// Where a budget chooses, each layer alone takes each of its forms in a model whose weights are inputs, and the loss of
// the outputs is what the form costs: losses of layers add up (measured, docs/quantization.md), so the best sum within
// the budget is a knapsack (lutra/Solver/BitAllocation.h). Nothing depends on the number of threads but
// what is measured: a budget in time takes times of this machine, and no two runs with one need choose alike.
#include "QuantizeModel.h"

#include "FormCosts.h"
#include "ModelFacts.h"
#include "ModelQuantizer.h"

#include "lutra/Analysis/ProductStrategy.h"
#include "lutra/Dialect/Lutra/Transforms/StaticActivations.h"
#include "lutra/Support/ErrorCodes.h"
#include "lutra/Support/Files.h"

using namespace mlir;
using namespace lutra;

/// Of remarks, those of the pass.
static constexpr StringLiteral cachesCategory = "lutra-quantize-caches";

bool lutra::needsQuantizeModel(const CompileOptions &options) {
  if (options.quantize.empty())
    return false;
  // The pass is too late for products of integers beside activations with one scale.
  llvm::Expected<QuantizeSpec> spec = QuantizeSpec::parse(options.quantize);
  bool isWhole = spec && spec->anyActivations([](const ActivationRounding &rounding) { return rounding.isWhole(); });
  if (!spec) // an error of whoever reads it
    llvm::consumeError(spec.takeError());
  return isWhole || !options.calibrate.empty() || !options.quantizeReport.empty() || options.quantizeList;
}

LogicalResult ModelQuantizer::failRun(const Sample &sample, llvm::Error error) {
  return emitCodedError(module.getLoc(), ErrorCode::Attribute)
         << "calibration sample '" << sample.name
         << "' is no input of this model: " << llvm::toString(std::move(error));
}

int64_t ModelQuantizer::bytesOf(const QuantizedProduct &product, const WeightForm &form) const {
  return storedBytes(quantizer.encodingOf(product, form), product.n, product.k);
}

const WeightForm &ModelQuantizer::formOf(const QuantizedProduct &product) const {
  auto layer = layers.find(product.weight);
  return product.forms[layer == layers.end() ? 0 : layer->second.pick];
}

/// Whether the weight is of f16 or bf16.
static bool isWidened(const QuantizedProduct &product) {
  return !cast<RankedTensorType>(GlobalOp(product.weight).getType()).getElementType().isF32();
}

LogicalResult ModelQuantizer::apply(ArrayRef<size_t> products) {
  LogicalResult result = success();
  for (size_t index : products) {
    const QuantizedProduct &product = quantizer.getProducts()[index];
    Operation *op = product.op;
    GlobalOp weight = product.weight;
    QuantizeNotes notes;
    const WeightForm form = formOf(product);
    WeightForm own = form;
    bool lacksWindows = form.method == WeightForm::Gptq && isa<ConvOp>(op) && cast<ConvOp>(op).getGroups() != 1;
    if (lacksWindows)
      own.method = WeightForm::Search;
    QuantizeOptions ownOptions = optionsOf(index, /*measure=*/!options.quantizeReport.empty());
    if (failed(quantizer.apply(product, own, gramOf(index), ownOptions, notes))) {
      result = failure();
      continue;
    }
    if (product.scalesInputs(form) && !inputScales[index])
      mlir::emitWarning(op->getLoc()) << "weight @" << weight.getSymName() << " gets no factors of '"
                                      << (product.activations.smooths ? "smooth" : "awq") << "': "
                                      << (product.isFilter() ? "factors move into matrices alone"
                                          : isWidened(product) ? "they move into values of f32 alone"
                                          : gramOf(index)    ? "it is read beside another value"
                                                             : "its inputs are not known; give more samples");
    if (lacksWindows)
      notes.reason = "groups of filters see other channels each";
    if (notes.method != form.method)
      mlir::emitWarning(op->getLoc()) << "weight @" << weight.getSymName() << " gets codes by '"
                                      << methodName(notes.method) << "' and not by '"
                                      << methodName(form.method, form.sequential)
                                      << "': " << notes.reason
                                      << (product.isFilter() && notes.tokens == 0 ? "" : "; give more samples");
    fewRows += notes.method == WeightForm::Gptq && notes.tokens < 2 * product.k;
    auto layer = layers.find(product.weight);
    report.add(product, form, bytesOf(product, form), notes,
               layer == layers.end() ? std::nullopt : std::optional<double>(layer->second.losses[layer->second.pick]),
               layer == layers.end() ? ArrayRef<int64_t>() : ArrayRef(layer->second.times),
               inputScales[index], orderFolded[index]);
    applied.push_back(index);
  }
  return result;
}

/// Static scales for the other operands of the products, and for those of filters whatever the spec's scales: a window
/// holds what many tokens are.
void ModelQuantizer::roundActivations() {
  StaticActivations activations(module);
  for (auto [index, product] : llvm::enumerate(quantizer.getProducts())) {
    const ActivationRounding &rounding = product.activations;
    if (rounding.scales == ActivationRounding::Tensor && !product.isFilter()) {
      activations.roundWithin(cast<MatmulOp>(product.op), rounding);
      continue;
    }
    if (tapOf.empty())
      continue;
    InputTap tap = tapOf[index];
    auto range = tap.first ? ranges.find(tap.first) : ranges.end();
    if (!rounding.isStatic() && !product.isFilter())
      continue;
    if (range == ranges.end() || range->second.isEmpty())
      mlir::emitWarning(product.op->getLoc())
          << "the left-hand side of this product has no range, since it is computed in a branch, has no rows along K, "
             "or is empty in all samples that are fitted to; it stays f32";
    else if (range->second.getGreatest() == 0)
      mlir::emitWarning(product.op->getLoc())
          << "the left-hand side of this product is 0 in all samples, which says nothing of its range; it stays f32, "
             "so give samples where it is not";
    else
      activations.round(product.op, range->second, rounding);
  }
  activations.finish();
}

/// Before anything is measured.
LogicalResult ModelQuantizer::checkCaches() {
  CacheQuantizer caches(module, quantizer.getSpec(), cachesCategory);
  caches.plan();
  return caches.check();
}

LogicalResult ModelQuantizer::quantizeCaches() {
  CacheQuantizer caches(module, quantizer.getSpec(), cachesCategory);
  caches.plan();
  for (const KeyValueCache &cache : caches.getCaches()) {
    auto known = cacheLosses.find(cache.result);
    bool isKnown = known != cacheLosses.end();
    report.add(cache, isKnown ? std::optional(known->second.loss) : std::nullopt,
               isKnown ? &known->second.sums : nullptr);
  }
  for (const KeptCache &cache : caches.getKept())
    report.add(cache);
  return caches.apply();
}

/// Of what is compared along the model, in one sample.
static constexpr int64_t followedBytes = int64_t(1) << 30;

/// Chooses what products read and give in the float model, unless it takes too much memory.
void ModelQuantizer::follow() {
  int64_t rows = 1, bytes = 0;
  for (const std::vector<Sample> &set : calibration.sets)
    for (const Sample &sample : set)
      rows = std::max(rows, countRows(sample));
  for (auto [index, product] : llvm::enumerate(quantizer.getProducts())) {
    Operation *own = plainOf[index];
    bool isInBranch = tapOf[index].first && own->getBlock() != tapOf[index].first.getParentBlock();
    if (product.isFilter() || !tapOf[index].first || isInBranch)
      continue;
    followed.insert({tapOf[index].first, {index, /*isInput=*/true}});
    followed.insert({own->getResult(0), {index, /*isInput=*/false}});
    bytes += rows * (product.n + product.k) * static_cast<int64_t>(sizeof(float));
  }
  if (bytes > followedBytes)
    followed.clear();
}

/// The same values of the quantized model, before inputs are rounded.
void ModelQuantizer::findFollowers() {
  for (auto &[value, one] : followed) {
    const QuantizedProduct &product = quantizer.getProducts()[one.product];
    one.own = one.isInput ? product.getInput() : quantizer.resultOf(product);
  }
}

/// The outputs of the quantized model beside those of the float one, and what its products read and give.
LogicalResult ModelQuantizer::measureModel() {
  std::vector<const Sample *> samples = heldOut();
  report.fitted = samples.empty();
  if (samples.empty())
    for (const std::vector<Sample> &set : calibration.sets)
      for (const Sample &sample : set)
        samples.push_back(&sample);
  constexpr size_t mostSamples = 64;
  samples.resize(std::min(samples.size(), mostSamples));
  SmallVector<Value> taps;
  IRMapping mapping; // samples have caches of f32
  OwningOpRef<ModuleOp> rounded = cast<ModuleOp>(module->clone(mapping));
  for (auto &[value, one] : followed)
    taps.push_back(mapping.lookup(one.own));
  if (quantizer.getSpec().caches) {
    CacheQuantizer caches(*rounded, quantizer.getSpec(), cachesCategory);
    caches.plan();
    caches.round(/*switches=*/false);
  }
  FailureOr<std::unique_ptr<Probe>> after = Probe::compile(*rounded, taps, {}, options);
  if (failed(after))
    return failure();
  for (const Sample *sample : samples) {
    llvm::Expected<std::vector<ProbeTensor>> expected = floatModel->run(sample->inputs);
    if (!expected)
      return failRun(*sample, expected.takeError());
    llvm::Expected<std::vector<ProbeTensor>> given = (*after)->run(sample->inputs);
    if (!given)
      return failRun(*sample, given.takeError());
    size_t count = expected->size() - taps.size();
    for (auto [index, entry] : llvm::enumerate(followed))
      entry.second.sums.add(*sample, (*expected)[count + index], (*given)[count + index]);
    report.addSample(*sample, ArrayRef(*expected).take_front(count), ArrayRef(*given).take_front(count),
                     (*after)->getOutputs());
  }
  for (auto &[value, one] : followed)
    if (!one.isInput)
      report.addErrors(one.product, followed.find(tapOf[one.product].first)->second.sums, one.sums);
  return success();
}

LogicalResult ModelQuantizer::run(std::string &reportText) {
  bool calibrated = !options.calibrate.empty();
  std::string filterObstacle; // only CPUs convolve integers, where no strategy must be taken
  if (options.target != "cpu")
    filterObstacle = "is a filter, which target " + options.target + " reads as floats";
  else if (!ProductStrategies::hasAuto(options.strategy))
    filterObstacle = "is a filter, which strategy " + options.strategy + " reads as floats";
  if (failed(quantizer.plan(options.quantize, calibrated || options.quantizeList, filterObstacle,
                            /*pixelFilters=*/options.target == "cpu")))
    return failure();
  if (options.quantizeList) {
    for (const QuantizedProduct &product : quantizer.getProducts())
      listProduct(*options.quantizeList, product, quantizer);
    for (const KeptProduct &product : quantizer.getKept())
      listProduct(*options.quantizeList, product);
    for (const QuantizedTable &table : quantizer.getTables())
      listTable(*options.quantizeList, table);
    if (quantizer.getSpec().caches) {
      CacheQuantizer caches(module, quantizer.getSpec(), cachesCategory);
      caches.plan();
      for (const KeyValueCache &cache : caches.getCaches())
        listCache(*options.quantizeList, cache);
      for (const KeptCache &cache : caches.getKept())
        listCache(*options.quantizeList, cache);
    }
    return quantizer.checkPatterns();
  }
  if (quantizer.getSpec().caches && failed(checkCaches()))
    return failure();
  if (quantizer.getSpec().budgetTime > 0 && failed(checkMeasurable(module.getLoc(), options)))
    return failure();
  bool reports = !options.quantizeReport.empty();
  if (reports) {
    report.model = hashModel(module);
    report.bytesBefore = countConstantBytes(module);
  }
  report.endPhase("plan");
  if (failed(readSamples()))
    return failure();
  report.endPhase("readSamples");
  if (calibrated)
    findTaps();
  if (failed(checkOrder()))
    return failure();
  if (failed(scaleInputs()) || failed(sortChannels()) || (calibrated && failed(spreadWideRows())))
    return failure();
  report.endPhase("scaleAndSort");
  // Before bytes are counted; `plain` has the floats.
  if (failed(checkShared()) || failed(quantizer.applyTables()) || failed(choose()))
    return failure();
  report.endPhase("choose");
  for (const QuantizedTable &table : quantizer.getTables())
    report.add(table);
  if (calibrated && !options.quantizeReport.empty()) { // before bytes of weights are freed
    follow();
    SmallVector<Value> taps = llvm::to_vector(llvm::make_first_range(followed));
    FailureOr<std::unique_ptr<Probe>> compiled = Probe::compile(*plain, taps, {}, options);
    if (failed(compiled))
      return failure();
    floatModel = std::move(*compiled);
  }
  if (failed(applyInOrder()))
    return failure();
  grams.clear();
  if (failed(quantizer.finish()))
    return failure();
  findFollowers();
  roundActivations();
  report.endPhase("encode");
  if (fewRows > 0)
    mlir::emitWarning(module.getLoc()) << fewRows << " products saw fewer rows of inputs than 2 K; their codes may fit "
                                       << "the samples more than the model, so give more of them";
  if (!options.quantizeReport.empty() && calibrated && failed(measureModel()))
    return failure();
  if (quantizer.getSpec().caches && failed(quantizeCaches())) // after what runs with samples, whose inputs are of f32
    return failure();
  if (options.quantizeReport.empty())
    return success();
  report.endPhase("compare");
  report.spec = options.quantize;
  report.calibration = options.calibrate;
  report.lossBound = quantizer.getSpec().lossBound;
  report.bytesAfter = countConstantBytes(module);
  if (calibration.size() > 0)
    report.sets = &calibration;
  for (const KeptProduct &product : quantizer.getKept())
    report.add(product);
  reportText = report.text();
  return success();
}

LogicalResult lutra::quantizeModel(ModuleOp module, const CompileOptions &options, std::string &report) {
  return ModelQuantizer(module, options).run(report);
}

LogicalResult lutra::writeQuantizeReport(StringRef report, const CompileOptions &options, Location loc) {
  if (report.empty())
    return success();
  if (std::error_code code = writeBytes(options.quantizeReport, report))
    return emitCodedError(loc, ErrorCode::EnvironmentWrite)
           << "cannot write " << options.quantizeReport << ": " << code.message();
  return success();
}
