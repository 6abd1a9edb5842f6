//===- ChooseForms.cpp - the types of weights that fit a budget, or a loss ---===//
#include "ModelQuantizer.h"

#include "FormCosts.h"

#include "lutra/Support/ErrorCodes.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lutra;

/// Rows of samples that compare forms; more change the choice little (docs/quantization.md).
static constexpr int64_t probeRows = 1024;

/// What shows losses of caches: a bound counts them, and a report lists them.
bool ModelQuantizer::probesCaches() const {
  return quantizer.getSpec().caches && !options.calibrate.empty() &&
         (quantizer.getSpec().lossBound > 0 || !options.quantizeReport.empty());
}

/// The float model with the weights that are chosen as inputs, and what it gives for the first samples of each set: for
/// a bound of the loss, of those held out if there are any. Behind the weights a truth value for each cache rounds it.
LogicalResult ModelQuantizer::makeProbe() {
  OwningOpRef<ModuleOp> switched = plain->clone();
  SmallVector<GlobalOp> weights;
  for (auto &[weight, layer] : layers)
    weights.push_back(cast<GlobalOp>(switched->lookupSymbol(cast<GlobalOp>(weight).getSymName())));
  if (probesCaches()) {
    CacheQuantizer caches(*switched, quantizer.getSpec(), /*category=*/"");
    caches.plan();
    for (const KeyValueCache &cache : caches.getCaches())
      cacheLosses.insert({cache.result, {}});
    llvm::append_range(weights, caches.round(/*switches=*/true));
  }
  FailureOr<std::unique_ptr<Probe>> compiled = Probe::compile(*switched, {}, weights, options);
  if (failed(compiled) || failed(checkInputs(**compiled)))
    return failure();
  probe = std::move(*compiled);
  for (auto &[weight, layer] : layers) {
    const QuantizedProduct &product = quantizer.getProducts()[layer.product];
    std::vector<float> values;
    if (failed(quantizer.readWeight(product, values)))
      return failure();
    ProbeTensor &input = weightInputs.emplace_back();
    input.dtype = LUTRA_FLOAT32;
    input.shape = {product.turned ? product.k : product.n, product.turned ? product.n : product.k};
    input.own.resize(values.size() * sizeof(float));
    std::memcpy(input.own.data(), values.data(), input.own.size());
  }
  for (size_t count = 0; count < cacheLosses.size(); ++count)
    weightInputs.push_back({LUTRA_BOOL, {}, {}, {0}});
  bool takesHeldOut = quantizer.getSpec().lossBound > 0 && !heldOut().empty();
  int64_t share = llvm::divideCeil(probeRows, calibration.sets.size());
  for (const std::vector<Sample> &set : calibration.sets) {
    int64_t rows = 0;
    for (auto [index, sample] : llvm::enumerate(set)) {
      if (isHeldOut(index) != takesHeldOut)
        continue;
      if (rows >= share)
        break;
      rows += countRows(sample);
      compared.push_back(&sample);
    }
  }
  for (const Sample *sample : compared) {
    std::vector<ProbeTensor> inputs = sample->inputs;
    inputs.insert(inputs.end(), weightInputs.begin(), weightInputs.end());
    llvm::Expected<std::vector<ProbeTensor>> outputs = probe->run(inputs);
    if (!outputs)
      return failRun(*sample, outputs.takeError());
    exact.push_back(std::move(*outputs));
  }
  return success();
}

/// Others' tensors without copies of them.
static std::vector<ProbeTensor> viewOf(ArrayRef<ProbeTensor> tensors) {
  std::vector<ProbeTensor> views;
  for (const ProbeTensor &tensor : tensors)
    views.push_back({tensor.dtype, tensor.shape, tensor.bytes(), {}});
  return views;
}

static ArrayRef<char> bytesIn(ArrayRef<float> values) {
  return {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(float)};
}

/// Rounds all caches, or one of them alone.
void ModelQuantizer::switchCaches(MutableArrayRef<ProbeTensor> weights, std::optional<size_t> only) const {
  static constexpr char on = 1;
  MutableArrayRef<ProbeTensor> switches = weights.take_back(cacheLosses.size());
  for (auto [index, one] : llvm::enumerate(switches))
    if (!only || *only == index)
      one.given = ArrayRef(&on, 1);
}

/// The mean loss over the compared samples with other weights.
FailureOr<double> ModelQuantizer::lossWith(ArrayRef<ProbeTensor> weights,
                                           llvm::function_ref<void(size_t, ArrayRef<ProbeTensor>)> visit) {
  double sum = 0;
  for (auto [index, sample] : llvm::enumerate(compared)) {
    std::vector<ProbeTensor> inputs = sample->inputs;
    inputs.insert(inputs.end(), weights.begin(), weights.end());
    llvm::Expected<std::vector<ProbeTensor>> outputs = probe->run(inputs);
    if (!outputs)
      return failRun(*sample, outputs.takeError());
    if (visit)
      visit(index, *outputs);
    std::optional<double> loss = lossOf(*sample, exact[index], *outputs);
    if (!loss)
      return emitCodedError(module.getLoc(), ErrorCode::UnsupportedType)
             << "--quantize cannot compare types by this model's outputs, none of which is f32; name one type";
    sum += *loss;
  }
  return sum / static_cast<double>(compared.size());
}

/// What each cache loses alone, and all together.
LogicalResult ModelQuantizer::probeCaches() {
  for (auto [place, entry] : llvm::enumerate(cacheLosses)) {
    unsigned result = entry.first;
    CacheLoss &own = entry.second;
    std::vector<ProbeTensor> weights = viewOf(weightInputs);
    switchCaches(weights, place);
    FailureOr<double> loss = lossWith(weights, [&](size_t sample, ArrayRef<ProbeTensor> outputs) {
      own.sums.add(*compared[sample], exact[sample][result], outputs[result]);
    });
    if (failed(loss))
      return failure();
    own.loss = *loss;
  }
  if (cacheLosses.empty())
    return success();
  std::vector<ProbeTensor> weights = viewOf(weightInputs);
  switchCaches(weights, std::nullopt);
  FailureOr<double> loss = lossWith(weights);
  if (failed(loss))
    return failure();
  report.cachesLoss = *loss;
  return success();
}

/// The sum over caches.
double ModelQuantizer::lossOfCaches() const {
  double sum = 0;
  for (const auto &[result, one] : cacheLosses)
    sum += one.loss;
  return sum;
}

/// What a form makes of a weight, in the order that the model stores it in.
LogicalResult ModelQuantizer::encodeValues(size_t index, const WeightForm &form, std::vector<float> &values) {
  const QuantizedProduct &product = quantizer.getProducts()[index];
  QuantizedMatrix matrix;
  QuantizeNotes notes;
  if (failed(quantizer.encode(product, form, gramOf(index), optionsOf(index, /*measure=*/false), matrix, notes)))
    return failure();
  values.resize(product.n * product.k);
  quantizer.parallel(product.n, [&](size_t row) {
    std::vector<float> own(product.k);
    matrix.readRow(row, own);
    for (int64_t k = 0; k < product.k; ++k)
      values[product.turned ? k * product.n + row : row * product.k + k] = own[k];
  });
  return success();
}

LogicalResult ModelQuantizer::compareForms(ArrayRef<size_t> products) {
  for (size_t index : products) {
    const QuantizedProduct &product = quantizer.getProducts()[index];
    auto layer = layers.find(product.weight);
    if (layer == layers.end() || layer->second.product != index)
      continue;
    for (const WeightForm &form : product.forms) {
      std::vector<float> values;
      if (failed(encodeValues(index, form, values)))
        return failure();
      std::vector<ProbeTensor> weights = viewOf(weightInputs);
      weights[layer - layers.begin()].given = bytesIn(values);
      FailureOr<double> loss = lossWith(weights);
      if (failed(loss))
        return failure();
      layer->second.losses.push_back(*loss);
    }
  }
  return success();
}

/// The mean loss with all weights in the forms that are picked, and with rounded caches.
FailureOr<double> ModelQuantizer::lossOfPicks() {
  std::vector<std::vector<float>> values(layers.size());
  std::vector<ProbeTensor> weights = viewOf(weightInputs);
  LogicalResult result = forParts([&](ArrayRef<size_t> products) -> LogicalResult {
    for (size_t index : products) {
      const QuantizedProduct &product = quantizer.getProducts()[index];
      auto layer = layers.find(product.weight);
      if (layer == layers.end() || layer->second.product != index)
        continue;
      size_t place = layer - layers.begin();
      if (failed(encodeValues(index, formOf(product), values[place])))
        return failure();
      weights[place].given = bytesIn(values[place]);
    }
    return success();
  });
  if (failed(result))
    return failure();
  switchCaches(weights, std::nullopt);
  return lossWith(weights);
}

/// Picks the forms; their losses, summed.
double ModelQuantizer::pick(ArrayRef<std::vector<FormCost>> costs, int64_t budget, double enough) {
  return take(*allocateBits(costs, budget, std::max(0.0, enough - lossOfCaches())));
}

/// The forms within a size and a time.
LogicalResult ModelQuantizer::pickWithinBoth(ArrayRef<std::vector<FormCost>> costs, int64_t bytes, int64_t time) {
  std::optional<std::vector<size_t>> picks = allocateWithinBoth(costs, bytes, time);
  if (!picks)
    return emitCodedError(module.getLoc(), ErrorCode::Attribute)
           << llvm::formatv("--quantize has a budget in size and one of {0:F2} ms, each of which some types keep, "
                            "but none keep both; allow more of one, or types of fewer bits that are quicker, too",
                            quantizer.getSpec().budgetTime / 1e6)
                  .str();
  take(*picks);
  return success();
}

/// Takes forms; their losses, summed.
double ModelQuantizer::take(ArrayRef<size_t> picks) {
  double predicted = lossOfCaches();
  for (auto [entry, pick] : llvm::zip_equal(layers, picks)) {
    entry.second.pick = pick;
    predicted += entry.second.losses[pick];
  }
  report.predictedLoss = predicted;
  return predicted;
}

LogicalResult ModelQuantizer::failBound(double loss) {
  double bound = quantizer.getSpec().lossBound;
  auto diagnostic = emitCodedError(module.getLoc(), ErrorCode::Attribute);
  diagnostic << llvm::formatv("--quantize bounds the loss by {0:F6}, but the types of least loss have {1:F6} together",
                              bound, loss)
                    .str();
  if (report.cachesLoss)
    diagnostic << llvm::formatv(", and caches alone {0:F6}", *report.cachesLoss).str();
  return diagnostic << "; allow more, or types of more bits" << (report.cachesLoss ? ", or take kv=f32" : "");
}

/// The cheapest forms whose loss together is within the bound. Sums over layers say which these might be; where they
/// promise too much the next try aims lower.
LogicalResult ModelQuantizer::chooseWithin(ArrayRef<std::vector<FormCost>> costs) {
  constexpr int mostTries = 5;
  double bound = quantizer.getSpec().lossBound, aim = bound;
  int64_t ample = 0;
  for (const std::vector<FormCost> &own : costs)
    ample += llvm::max_element(own, [](const FormCost &a, const FormCost &b) { return a.cost < b.cost; })->cost;
  for (int tries = 1;; ++tries) {
    double predicted = pick(costs, ample, aim);
    FailureOr<double> loss = lossOfPicks();
    if (failed(loss))
      return failure();
    report.measuredLoss = *loss;
    if (*loss <= bound)
      return success();
    if (aim == 0 || predicted > aim)
      return failBound(*loss);
    aim = tries + 1 < mostTries ? aim * std::min(0.9, 0.98 * bound / *loss) : 0;
  }
}

/// The bytes that the layers with a choice may take, if their smallest forms, of `least` bytes, fit.
FailureOr<int64_t> ModelQuantizer::findBudget(int64_t chosenWeights, int64_t least) {
  const QuantizeSpec &spec = quantizer.getSpec();
  int64_t fixed = countOtherBytes(module, quantizer, [&](Operation *weight) { return layers.contains(weight); });
  bool inBytes = spec.budgetBytes > 0;
  int64_t budget = inBytes ? int64_t(spec.budgetBytes) - fixed : int64_t(spec.budgetBits * double(chosenWeights) / 8);
  if (budget < least) {
    auto diagnostic = emitCodedError(module.getLoc(), ErrorCode::Attribute);
    if (inBytes)
      diagnostic << llvm::formatv("--quantize has a budget of {0:F2} MB, but the smallest types take {1:F2} MB, of "
                                  "which {2:F2} MB are weights without a choice",
                                  spec.budgetBytes / 1e6, double(least + fixed) / 1e6, double(fixed) / 1e6)
                        .str();
    else
      diagnostic << llvm::formatv("--quantize has a budget of {0:F3} bits per weight, but the smallest types take "
                                  "{1:F3} with their scales",
                                  spec.budgetBits, 8 * double(least) / double(chosenWeights))
                        .str();
    return diagnostic << "; allow more, or types of fewer bits";
  }
  return budget;
}

/// Puts times in the place of bytes; what the forms may take, if the fastest of each layer do not take more.
FailureOr<int64_t> ModelQuantizer::timeForms(std::vector<std::vector<FormCost>> &costs) {
  const QuantizeSpec &spec = quantizer.getSpec();
  FailureOr<std::unique_ptr<Probe>> model = Probe::compile(*plain, {}, {}, options);
  if (failed(model))
    return failure();
  const Sample &first = *firstFitted();
  llvm::Expected<int64_t> whole = timeOf(**model, first.inputs);
  if (!whole)
    return failRun(first, whole.takeError());
  FormTimes times(module.getLoc(), options);
  for (std::vector<FormCost> &own : costs)
    for (FormCost &form : own)
      form.cost = 0;
  int64_t others = *whole;
  for (auto [product, tap] : llvm::zip_equal(quantizer.getProducts(), tapOf)) {
    auto layer = layers.find(product.weight);
    auto known = tap.first ? firstRows.find(tap) : firstRows.end();
    if (layer == layers.end())
      continue;
    int64_t rows = known == firstRows.end() ? 1 : known->second;
    FailureOr<int64_t> plainTime = times.get(rows, product.n, product.k, *WeightForm::of("f32"), {});
    if (failed(plainTime))
      return failure();
    others -= *plainTime;
    for (auto [form, entry] : llvm::zip_equal(product.forms, costs[layer - layers.begin()])) {
      FailureOr<int64_t> time = times.get(rows, product.n, product.k, form, product.activations);
      if (failed(time))
        return failure();
      entry.cost += *time;
    }
  }
  others = std::max<int64_t>(0, others);
  for (auto [entry, own] : llvm::zip_equal(layers, costs))
    for (const FormCost &form : own)
      entry.second.times.push_back(form.cost);
  report.floatTime = *whole;
  report.otherTime = others;
  if (spec.lossBound > 0)
    return 0; // no budget
  return timeLeft(module.getLoc(), spec.budgetTime, others, costs, first.name);
}

/// A choice gives a weight one form in all its products.
LogicalResult ModelQuantizer::checkShared() {
  llvm::MapVector<Operation *, const QuantizedProduct *> first;
  for (const QuantizedProduct &product : quantizer.getProducts()) {
    auto [entry, isNew] = first.insert({product.weight, &product});
    if (isNew || product.forms == entry->second->forms ||
        (product.forms.size() == 1 && entry->second->forms.size() == 1))
      continue;
    GlobalOp weight = product.weight;
    return emitCodedError(module.getLoc(), ErrorCode::Attribute)
           << "--quantize gives products '" << entry->second->name << "' and '" << product.name
           << "', which share weight @" << weight.getSymName()
           << ", other types to choose from; name the weight in layer(..), or one type for each product";
  }
  return success();
}

LogicalResult ModelQuantizer::choose() {
  // A bound is one of all matrices together, also of those without a choice.
  bool isBound = quantizer.getSpec().lossBound > 0;
  for (auto [index, product] : llvm::enumerate(quantizer.getProducts()))
    if (product.forms.size() > 1 || (isBound && !product.isFilter()))
      layers.insert({product.weight, Layer{index, {}, {}, 0}});
  if (layers.empty()) {
    if (!probesCaches())
      return success();
    if (failed(makeProbe()) || failed(probeCaches()))
      return failure();
    probe.reset();
    weightInputs.clear();
    bool isOver = isBound && report.cachesLoss && *report.cachesLoss > quantizer.getSpec().lossBound;
    return isOver ? failBound(*report.cachesLoss) : success();
  }
  int64_t chosenWeights = 0, least = 0;
  std::vector<std::vector<FormCost>> costs;
  for (auto &[weight, layer] : layers) {
    const QuantizedProduct &product = quantizer.getProducts()[layer.product];
    chosenWeights += product.n * product.k;
    std::vector<FormCost> &own = costs.emplace_back();
    for (const WeightForm &form : product.forms)
      own.push_back({bytesOf(product, form), 0});
    least += llvm::min_element(own, [](const FormCost &a, const FormCost &b) { return a.cost < b.cost; })->cost;
  }
  bool inTime = quantizer.getSpec().budgetTime > 0;
  bool inSize = quantizer.getSpec().budgetBits > 0 || quantizer.getSpec().budgetBytes > 0, inBoth = inTime && inSize;
  FailureOr<int64_t> budget = inSize ? findBudget(chosenWeights, least) : FailureOr<int64_t>(0);
  FailureOr<int64_t> time = FailureOr<int64_t>(0);
  if (failed(budget))
    return failure();
  if (failed(makeProbe()) || failed(probeCaches()) ||
      failed(forParts([&](ArrayRef<size_t> products) { return compareForms(products); })))
    return failure();
  std::vector<std::vector<FormCost>> bytes = costs;
  if (inTime)
    time = timeForms(costs);
  if (failed(time))
    return failure();
  if (inBoth)
    for (auto [own, sizes] : llvm::zip_equal(costs, bytes))
      for (auto [form, size] : llvm::zip_equal(own, sizes))
        form.second = std::exchange(form.cost, size.cost);
  for (auto [entry, own] : llvm::zip_equal(layers, costs))
    for (auto [cost, loss] : llvm::zip_equal(own, entry.second.losses))
      cost.loss = loss;
  if (isBound && failed(chooseWithin(costs)))
    return failure();
  if (inBoth && failed(pickWithinBoth(costs, *budget, *time)))
    return failure();
  if (!isBound && !inBoth)
    pick(costs, inTime ? *time : *budget, 0);
  double predicted = *report.predictedLoss;
  probe.reset();
  weightInputs.clear();
  constexpr double additive = 0.1;
  if (predicted > additive)
    mlir::emitWarning(module.getLoc())
        << llvm::formatv("--quantize expects a loss of {0:F2} within this {1}", predicted, isBound ? "bound" : "budget")
               .str()
        << "; sums over layers are not to be trusted beyond 0.1";
  return success();
}
