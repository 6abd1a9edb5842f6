//===- QuantizeModel.cpp - --quantize with inputs of the model ---------------===//
// The float model runs once over all samples (Probe.h) and gives the left-hand sides of the products; their Gram
// matrices are all that is kept of them. Where these would not fit in memory the products go in parts, with a run each.
// Where a budget chooses, each layer alone takes each of its forms in a model whose weights are inputs, and the loss of
// the outputs is what the form costs: losses of layers add up (measured, docs/quantization.md), so the best sum within
// the budget is a knapsack (lutra/Solver/BitAllocation.h). Nothing depends on the number of threads but
// what is measured: a budget in time takes times of this machine, and no two runs with one need choose alike.
#include "QuantizeModel.h"

#include "Calibration.h"
#include "FormCosts.h"
#include "QuantizeReport.h"

#include "lutra/Dialect/Lutra/Transforms/StaticActivations.h"
#include "lutra/Dialect/Lutra/Transforms/WeightQuantizer.h"
#include "lutra/Solver/BitAllocation.h"
#include "lutra/Support/ErrorCodes.h"
#include "lutra/Support/Files.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace lutra;

/// Of Gram matrices at one time, unless one alone takes more.
static constexpr int64_t gramBytes = int64_t(4) << 30;
/// Rows of samples that compare forms; more change the choice little (docs/quantization.md).
static constexpr int64_t probeRows = 1024;

namespace {
/// A product's weight in its forms.
struct Layer {
  size_t product = 0; // the first that reads the weight
  std::vector<double> losses; // of the forms
  std::vector<int64_t> times; // of the forms in nanoseconds, where a budget in time chooses
  size_t pick = 0;
};

class ModelQuantizer {
public:
  ModelQuantizer(ModuleOp module, const CompileOptions &options)
      : module(module), options(options), quantizer(module, "lutra-quantize-weights") {}
  LogicalResult run(std::string &reportText);

private:
  LogicalResult checkShared();
  LogicalResult readSamples();
  LogicalResult checkInputs(Probe &probe);
  void findTaps();
  LogicalResult forParts(llvm::function_ref<LogicalResult(ArrayRef<size_t> products)> body);
  LogicalResult measureInputs(ArrayRef<Value> taps);
  const GramMatrix *gramOf(size_t product);
  LogicalResult compareForms(ArrayRef<size_t> products);
  LogicalResult makeProbe();
  FailureOr<double> lossWith(size_t weight, ArrayRef<float> values);
  FailureOr<int64_t> timeForms(std::vector<std::vector<FormCost>> &costs);
  FailureOr<int64_t> findBudget(int64_t chosenWeights, int64_t least);
  LogicalResult choose();
  LogicalResult apply(ArrayRef<size_t> products);
  void roundActivations();
  LogicalResult measureModel();
  int64_t bytesOf(const QuantizedProduct &product, const WeightForm &form) const;
  QuantizeOptions quantizeOptions() const { return {0, !options.quantizeReport.empty()}; }
  const WeightForm &formOf(const QuantizedProduct &product) const;
  LogicalResult failRun(const Sample &sample, llvm::Error error);
  std::vector<const Sample *> heldOut() const;

  ModuleOp module;
  const CompileOptions &options;
  WeightQuantizer quantizer;
  Calibration calibration;
  OwningOpRef<ModuleOp> plain;           // the module before anything changed
  std::vector<Value> tapOf;              // of products, in `plain`; null: inside a branch
  llvm::MapVector<Value, GramMatrix> grams;
  llvm::MapVector<Value, SampledRange> ranges; // of static activations, by tap
  llvm::MapVector<Value, int64_t> firstRows; // of the first compared sample, by tap
  llvm::MapVector<Operation *, Layer> layers; // by weight, those with a choice
  std::unique_ptr<Probe> probe;          // with weights as inputs
  std::vector<ProbeTensor> weightInputs; // of `probe`
  std::vector<const Sample *> compared;  // samples of comparisons ..
  std::vector<std::vector<ProbeTensor>> exact; // .. and what the float model gives for them
  int64_t fewRows = 0; // products whose inputs were few
  std::unique_ptr<Probe> floatModel; // what the report compares with
  QuantizeReport report;
};
} // namespace

bool lutra::needsQuantizeModel(const CompileOptions &options) {
  return !options.quantize.empty() &&
         (!options.calibrate.empty() || !options.quantizeReport.empty() || options.quantizeList);
}

LogicalResult ModelQuantizer::failRun(const Sample &sample, llvm::Error error) {
  return emitCodedError(module.getLoc(), ErrorCode::Attribute)
         << "calibration sample '" << sample.name
         << "' is no input of this model: " << llvm::toString(std::move(error));
}

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
  FailureOr<Calibration> read = Calibration::read(options.calibrate, module);
  if (failed(read))
    return failure();
  calibration = std::move(*read);
  return success();
}

/// Every so manieth sample of a set is held out.
static bool isHeldOut(size_t index, double share) {
  return share > 0 && index % static_cast<size_t>(1 / share + 0.5) == 0;
}

std::vector<const Sample *> ModelQuantizer::heldOut() const {
  std::vector<const Sample *> samples;
  for (const std::vector<Sample> &set : calibration.sets)
    for (auto [index, sample] : llvm::enumerate(set))
      if (isHeldOut(index, quantizer.getSpec().holdout))
        samples.push_back(&sample);
  return samples;
}

/// Left-hand sides in the clone; the clone's products have the order of the module's.
void ModelQuantizer::findTaps() {
  IRMapping mapping;
  plain = cast<ModuleOp>(module->clone(mapping));
  Block *entry = &cast<func::FuncOp>(module.lookupSymbol("main")).getBody().front();
  for (const QuantizedProduct &product : quantizer.getProducts()) {
    MatmulOp op = product.op;
    Value lhs = op.getLhs();
    auto type = cast<RankedTensorType>(lhs.getType());
    bool reachable = lhs.getParentBlock() == entry && type.getElementType().isF32() && type.getRank() > 0 &&
                     type.getShape().back() == product.k;
    tapOf.push_back(reachable ? mapping.lookup(lhs) : Value());
  }
}

const GramMatrix *ModelQuantizer::gramOf(size_t product) {
  auto found = tapOf.empty() ? grams.end() : grams.find(tapOf[product]);
  return found == grams.end() || found->second.getRows() == 0 ? nullptr : &found->second;
}

LogicalResult ModelQuantizer::measureInputs(ArrayRef<Value> taps) {
  grams.clear();
  if (taps.empty())
    return success();
  bool isStatic = quantizer.getSpec().activations.isStatic();
  for (Value tap : taps) {
    grams.insert({tap, GramMatrix(cast<RankedTensorType>(tap.getType()).getShape().back())});
    if (isStatic)
      ranges[tap] = SampledRange();
  }
  FailureOr<std::unique_ptr<Probe>> model = Probe::compile(*plain, taps, {}, options);
  if (failed(model) || failed(checkInputs(**model)))
    return failure();
  auto parallel = [&](size_t count, llvm::function_ref<void(size_t)> body) { quantizer.parallel(count, body); };
  for (const std::vector<Sample> &set : calibration.sets) {
    for (auto [index, sample] : llvm::enumerate(set)) {
      if (isHeldOut(index, quantizer.getSpec().holdout))
        continue;
      llvm::Expected<std::vector<ProbeTensor>> outputs = (*model)->run(sample.inputs);
      if (!outputs)
        return failRun(sample, outputs.takeError());
      ArrayRef<ProbeTensor> taken = ArrayRef(*outputs).take_back(taps.size());
      for (auto [entry, tensor] : llvm::zip_equal(grams, taken)) {
        GramMatrix &gram = entry.second;
        int64_t bad = gram.getBadRows();
        firstRows.insert({entry.first, std::max<int64_t>(1, tensor.count() / gram.getSize())});
        ArrayRef<char> keep = rowsToKeep(sample, tensor.count() / gram.getSize());
        gram.addRows(tensor.floats(), keep, parallel);
        if (isStatic)
          ranges[entry.first].addRows(tensor.floats(), gram.getSize(), keep);
        if (gram.getBadRows() > bad)
          return emitCodedError(entry.first.getLoc(), ErrorCode::Attribute)
                 << "calibration sample '" << sample.name << "': the left-hand side of this product has "
                 << gram.getBadRows() - bad << " rows with elements that are not finite; leave the sample out, or mend "
                 << "the model where it overflows";
      }
    }
    for (auto &[tap, gram] : grams)
      gram.endSet(parallel);
  }
  return success();
}

/// Products in order, as many at a time as the Gram matrices of their inputs leave room for.
LogicalResult ModelQuantizer::forParts(llvm::function_ref<LogicalResult(ArrayRef<size_t>)> body) {
  size_t count = quantizer.getProducts().size();
  for (size_t begin = 0; begin < count;) {
    llvm::SetVector<Value> taps;
    std::vector<size_t> products;
    int64_t bytes = 0;
    for (; begin < count; ++begin) {
      const QuantizedProduct &product = quantizer.getProducts()[begin];
      const QuantizeSpec &spec = quantizer.getSpec();
      bool wanted = !tapOf.empty() && tapOf[begin] && llvm::any_of(product.forms, [&](const WeightForm &form) {
        return form.method != WeightForm::Nearest || spec.activations.isStatic() || spec.budgetTime > 0;
      });
      if (wanted && !taps.contains(tapOf[begin])) {
        int64_t own = GramMatrix::bytesOf(product.k);
        if (!taps.empty() && bytes + own > gramBytes)
          break;
        bytes += own;
        taps.insert(tapOf[begin]);
      }
      products.push_back(begin);
    }
    bool known = grams.size() == taps.size() &&
                 llvm::all_of(taps, [&](Value tap) { return grams.contains(tap); });
    if ((!known && failed(measureInputs(taps.getArrayRef()))) || failed(body(products)))
      return failure();
  }
  return success();
}

int64_t ModelQuantizer::bytesOf(const QuantizedProduct &product, const WeightForm &form) const {
  return storedBytes(quantizer.encodingOf(product, form), product.n, product.k);
}

const WeightForm &ModelQuantizer::formOf(const QuantizedProduct &product) const {
  auto layer = layers.find(product.weight);
  return product.forms[layer == layers.end() ? 0 : layer->second.pick];
}

/// The float model with the weights that are chosen as inputs, and what it gives for the first samples of each set.
LogicalResult ModelQuantizer::makeProbe() {
  SmallVector<GlobalOp> weights;
  for (auto &[weight, layer] : layers)
    weights.push_back(cast<GlobalOp>(plain->lookupSymbol(cast<GlobalOp>(weight).getSymName())));
  FailureOr<std::unique_ptr<Probe>> compiled = Probe::compile(*plain, {}, weights, options);
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
  int64_t share = probeRows / static_cast<int64_t>(calibration.sets.size());
  for (const std::vector<Sample> &set : calibration.sets) {
    int64_t rows = 0;
    for (auto [index, sample] : llvm::enumerate(set)) {
      if (isHeldOut(index, quantizer.getSpec().holdout))
        continue;
      if (rows >= share)
        break;
      int64_t own = 1;
      for (const ProbeTensor &input : sample.inputs) { // tokens, or vectors
        bool vectors = input.dtype == LUTRA_FLOAT32 && !input.shape.empty() && input.shape.back() > 0;
        own = std::max(own, input.count() / (vectors ? input.shape.back() : 1));
      }
      rows += own;
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

/// The mean loss over the compared samples with other values of one weight.
FailureOr<double> ModelQuantizer::lossWith(size_t weight, ArrayRef<float> values) {
  double sum = 0;
  for (auto [index, sample] : llvm::enumerate(compared)) {
    std::vector<ProbeTensor> inputs = sample->inputs;
    for (const ProbeTensor &input : weightInputs)
      inputs.push_back({input.dtype, input.shape, input.bytes(), {}});
    inputs[sample->inputs.size() + weight].given = {reinterpret_cast<const char *>(values.data()),
                                                    values.size() * sizeof(float)};
    llvm::Expected<std::vector<ProbeTensor>> outputs = probe->run(inputs);
    if (!outputs)
      return failRun(*sample, outputs.takeError());
    std::optional<double> loss = lossOf(*sample, exact[index], *outputs);
    if (!loss)
      return emitCodedError(module.getLoc(), ErrorCode::UnsupportedType)
             << "--quantize cannot compare types by this model's outputs, none of which is f32; name one type";
    sum += *loss;
  }
  return sum / static_cast<double>(compared.size());
}

LogicalResult ModelQuantizer::compareForms(ArrayRef<size_t> products) {
  for (size_t index : products) {
    const QuantizedProduct &product = quantizer.getProducts()[index];
    auto layer = layers.find(product.weight);
    if (layer == layers.end() || layer->second.product != index)
      continue;
    for (const WeightForm &form : product.forms) {
      QuantizedMatrix matrix;
      QuantizeNotes notes;
      if (failed(quantizer.encode(product, form, gramOf(index), {}, matrix, notes)))
        return failure();
      std::vector<float> values(product.n * product.k);
      quantizer.parallel(product.n, [&](size_t row) {
        std::vector<float> own(product.k);
        matrix.readRow(row, own);
        for (int64_t k = 0; k < product.k; ++k)
          values[product.turned ? k * product.n + row : row * product.k + k] = own[k];
      });
      FailureOr<double> loss = lossWith(layer - layers.begin(), values);
      if (failed(loss))
        return failure();
      layer->second.losses.push_back(*loss);
    }
  }
  return success();
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
  llvm::Expected<int64_t> whole = timeOf(**model, compared.front()->inputs);
  if (!whole)
    return failRun(*compared.front(), whole.takeError());
  FormTimes times(module.getLoc(), options);
  for (std::vector<FormCost> &own : costs)
    for (FormCost &form : own)
      form.cost = 0;
  int64_t others = *whole;
  for (auto [product, tap] : llvm::zip_equal(quantizer.getProducts(), tapOf)) {
    auto layer = layers.find(product.weight);
    auto known = tap ? firstRows.find(tap) : firstRows.end();
    if (layer == layers.end())
      continue;
    int64_t rows = known == firstRows.end() ? 1 : known->second;
    FailureOr<int64_t> plainTime = times.get(rows, product.n, product.k, *WeightForm::of("f32"), {});
    if (failed(plainTime))
      return failure();
    others -= *plainTime;
    for (auto [form, entry] : llvm::zip_equal(product.forms, costs[layer - layers.begin()])) {
      FailureOr<int64_t> time = times.get(rows, product.n, product.k, form, spec.activations);
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
  return timeLeft(module.getLoc(), spec.budgetTime, others, costs, compared.front()->name);
}

LogicalResult ModelQuantizer::choose() {
  for (auto [index, product] : llvm::enumerate(quantizer.getProducts()))
    if (product.forms.size() > 1)
      layers.insert({product.weight, Layer{index, {}, {}, 0}});
  if (layers.empty())
    return success();
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
  FailureOr<int64_t> budget = inTime ? FailureOr<int64_t>(0) : findBudget(chosenWeights, least);
  if (failed(budget))
    return failure();
  if (failed(makeProbe()) || failed(forParts([&](ArrayRef<size_t> products) { return compareForms(products); })))
    return failure();
  probe.reset();
  weightInputs.clear();
  if (inTime)
    budget = timeForms(costs);
  if (failed(budget))
    return failure();
  for (auto [entry, own] : llvm::zip_equal(layers, costs))
    for (auto [cost, loss] : llvm::zip_equal(own, entry.second.losses))
      cost.loss = loss;
  std::vector<size_t> picks = *allocateBits(costs, *budget);
  double predicted = 0;
  for (auto [entry, pick] : llvm::zip_equal(layers, picks)) {
    entry.second.pick = pick;
    predicted += entry.second.losses[pick];
  }
  report.predictedLoss = predicted;
  constexpr double additive = 0.1;
  if (predicted > additive)
    mlir::emitWarning(module.getLoc())
        << llvm::formatv("--quantize expects a loss of {0:F2} within this budget", predicted).str()
        << "; sums over layers are not to be trusted beyond 0.1";
  return success();
}

LogicalResult ModelQuantizer::apply(ArrayRef<size_t> products) {
  LogicalResult result = success();
  for (size_t index : products) {
    const QuantizedProduct &product = quantizer.getProducts()[index];
    MatmulOp op = product.op;
    GlobalOp weight = product.weight;
    QuantizeNotes notes;
    const WeightForm form = formOf(product);
    if (failed(quantizer.apply(product, form, gramOf(index), quantizeOptions(), notes))) {
      result = failure();
      continue;
    }
    if (notes.method != form.method)
      mlir::emitWarning(op.getLoc()) << "weight @" << weight.getSymName() << " gets codes by '"
                                     << methodName(notes.method) << "' and not by '" << methodName(form.method)
                                     << "': " << notes.reason << "; give more samples";
    fewRows += notes.method == WeightForm::Gptq && notes.tokens < 2 * product.k;
    auto layer = layers.find(product.weight);
    report.add(product, form, bytesOf(product, form), notes,
               layer == layers.end() ? std::nullopt : std::optional<double>(layer->second.losses[layer->second.pick]),
               layer == layers.end() ? ArrayRef<int64_t>() : ArrayRef(layer->second.times));
  }
  return result;
}

/// Static scales for the other operands of the products.
void ModelQuantizer::roundActivations() {
  const ActivationRounding &rounding = quantizer.getSpec().activations;
  if (!rounding.isStatic())
    return;
  StaticActivations activations(module);
  for (auto [product, tap] : llvm::zip_equal(quantizer.getProducts(), tapOf)) {
    MatmulOp op = product.op;
    auto range = tap ? ranges.find(tap) : ranges.end();
    if (formOf(product).keeps())
      continue;
    if (range == ranges.end() || range->second.isEmpty())
      mlir::emitWarning(op.getLoc()) << "the left-hand side of this product has no range, since it is computed in a "
                                     << "branch or has no rows along K; it stays f32";
    else
      activations.round(op, range->second, rounding);
  }
  activations.finish();
}

/// The outputs of the quantized model beside those of the float one.
LogicalResult ModelQuantizer::measureModel() {
  std::vector<const Sample *> samples = heldOut();
  report.fitted = samples.empty();
  if (samples.empty())
    for (const std::vector<Sample> &set : calibration.sets)
      for (const Sample &sample : set)
        samples.push_back(&sample);
  constexpr size_t mostSamples = 64;
  samples.resize(std::min(samples.size(), mostSamples));
  FailureOr<std::unique_ptr<Probe>> after = Probe::compile(module, {}, {}, options);
  if (failed(after))
    return failure();
  for (const Sample *sample : samples) {
    llvm::Expected<std::vector<ProbeTensor>> expected = floatModel->run(sample->inputs);
    if (!expected)
      return failRun(*sample, expected.takeError());
    llvm::Expected<std::vector<ProbeTensor>> given = (*after)->run(sample->inputs);
    if (!given)
      return failRun(*sample, given.takeError());
    report.addSample(*sample, *expected, *given, (*after)->getOutputs());
  }
  return success();
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

LogicalResult ModelQuantizer::run(std::string &reportText) {
  bool calibrated = !options.calibrate.empty();
  if (failed(quantizer.plan(options.quantize, calibrated || options.quantizeList)))
    return failure();
  if (options.quantizeList) {
    for (const QuantizedProduct &product : quantizer.getProducts())
      listProduct(*options.quantizeList, product, quantizer);
    for (const KeptProduct &product : quantizer.getKept())
      listProduct(*options.quantizeList, product);
    for (const QuantizedTable &table : quantizer.getTables())
      listTable(*options.quantizeList, table);
    return quantizer.checkPatterns();
  }
  if (quantizer.getSpec().budgetTime > 0 && failed(checkMeasurable(module.getLoc(), options)))
    return failure();
  if (failed(readSamples()))
    return failure();
  if (calibrated)
    findTaps();
  // Before bytes are counted; `plain` has the floats.
  if (failed(checkShared()) || failed(quantizer.applyTables()) || failed(choose()))
    return failure();
  for (const QuantizedTable &table : quantizer.getTables())
    report.add(table);
  if (calibrated && !options.quantizeReport.empty()) { // before bytes of weights are freed
    FailureOr<std::unique_ptr<Probe>> compiled = Probe::compile(*plain, {}, {}, options);
    if (failed(compiled))
      return failure();
    floatModel = std::move(*compiled);
  }
  if (failed(forParts([&](ArrayRef<size_t> products) { return apply(products); })))
    return failure();
  grams.clear();
  if (failed(quantizer.finish()))
    return failure();
  roundActivations();
  if (fewRows > 0)
    mlir::emitWarning(module.getLoc()) << fewRows << " products saw fewer rows of inputs than 2 K; their codes may fit "
                                       << "the samples more than the model, so give more of them";
  if (options.quantizeReport.empty())
    return success();
  if (calibrated && failed(measureModel()))
    return failure();
  report.spec = options.quantize;
  report.calibration = options.calibrate;
  report.samples = calibration.size();
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
