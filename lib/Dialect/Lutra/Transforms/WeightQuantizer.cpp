//===- WeightQuantizer.cpp - gives weights of products the forms of a spec ---===//
#include "lutra/Dialect/Lutra/Transforms/WeightQuantizer.h"

#include "StrategyNames.h"
#include "WeightData.h"
#include "WidenProducts.h"

#include "lutra/Support/ErrorCodes.h"

#include "mlir/IR/Remarks.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

using namespace mlir;
using namespace lutra;

WeightQuantizer::WeightQuantizer(ModuleOp module, StringRef category)
    : module(module), category(category), store(std::make_unique<WeightStore>(module)) {}

WeightQuantizer::~WeightQuantizer() = default;

void WeightQuantizer::parallel(size_t count, llvm::function_ref<void(size_t)> body) {
  parallelFor(module.getContext(), 0, count, [&](size_t index) { body(index); });
}

LogicalResult WeightQuantizer::plan(StringRef spec, bool calibrated, StringRef filterObstacle,
                                    bool pixelFilters) {
  llvm::Expected<QuantizeSpec> parsed = QuantizeSpec::parse(spec);
  if (!parsed)
    return emitCodedError(module.getLoc(), ErrorCode::Attribute)
           << "--quantize does not know " << llvm::toString(parsed.takeError());
  asked = std::move(*parsed);
  auto find = [&](llvm::function_ref<bool(const ActivationRounding &)> test) {
    return !calibrated && asked.anyActivations(test);
  };
  if (find([](const ActivationRounding &rounding) { return rounding.smooths; }))
    return emitCodedError(module.getLoc(), ErrorCode::Attribute)
           << "--quantize asks for 'smooth', which needs inputs of the model; add --calibrate=FILE, or leave it out";
  if (!calibrated && (asked.wants(WeightForm::Gptq) || asked.scalesInputs()))
    return emitCodedError(module.getLoc(), ErrorCode::Attribute)
           << "--quantize asks for '"
           << (asked.scalesInputs() ? "awq" : methodName(WeightForm::Gptq, asked.isSequential()))
           << "', which needs inputs of the model; add --calibrate=FILE, or take 'mse'";
  if (!calibrated && asked.hasChoice())
    return emitCodedError(module.getLoc(), ErrorCode::Attribute)
           << "--quantize asks for a choice among types, which needs inputs of the model to compare them; add "
              "--calibrate=FILE, or name one type";
  if (asked.embeddings == 4 && !pixelFilters) { // other targets unpack no codes of tables
    if (!asked.embeddingsIfAny)
      return emitCodedError(module.getLoc(), ErrorCode::Attribute)
             << "--quantize asks for embeddings=" << (asked.normalEmbeddings ? "nf4" : "int4")
             << ", which CPUs alone unpack; take embeddings=int8";
    asked.embeddings = 8;
  }
  std::string typeName;
  if (find([&](const ActivationRounding &rounding) {
        typeName = rounding.typeName();
        return rounding.isStatic();
      }))
    return emitCodedError(module.getLoc(), ErrorCode::Attribute)
           << "--quantize asks for one scale for all activations of a product, which needs inputs of the model; add "
              "--calibrate=FILE, or take activations="
           << typeName << ":token";
  if (find([](const ActivationRounding &rounding) { return rounding.wideBlocks > 0; }))
    return emitCodedError(module.getLoc(), ErrorCode::Attribute)
           << "--quantize has blocks8=, which sorts channels by what they are in inputs of the model; add "
              "--calibrate=FILE or leave it out";
  if (!calibrated && (asked.holdout > 0 || asked.splitsFiles))
    return emitCodedError(module.getLoc(), ErrorCode::Attribute)
           << "--quantize has " << (asked.splitsFiles ? "samples=axis0, about" : "holdout=, a share of")
           << " samples that are not there; add --calibrate=FILE or leave it out";
  for (QuantizeSpec::Rule &rule : asked.rules) {
    patterns.push_back(llvm::cantFail(NamePattern::create(rule.pattern)));
    for (WeightForm &form : rule.forms)
      if (calibrated && !form.methodGiven)
        form.method = WeightForm::Gptq;
  }
  for (const ActivationRule &rule : asked.activations)
    activationPatterns.push_back(llvm::cantFail(NamePattern::create(rule.pattern)));
  matched.assign(patterns.size(), 0);
  activationMatched.assign(activationPatterns.size(), 0);
  module.walk([&](Operation *op) {
    if (auto product = dyn_cast<MatmulOp>(op))
      classify(product);
    else if (auto conv = dyn_cast<ConvOp>(op))
      classify(conv, calibrated, filterObstacle, pixelFilters);
  });
  if (asked.embeddings)
    module.walk([&](GatherOp op) { classify(op); });
  widenSmallTables();
  if (failed(nameStrategies()))
    return failure();
  for (const QuantizedProduct &product : products)
    for (const WeightForm &form : product.forms)
      if (form.values == WeightForm::Ternary || form.values == WeightForm::Binary) {
        mlir::emitWarning(module.getLoc()) << "--quantize gives weights the type " << form.text() << ", which models "
                                           << "bear that were trained for it; compare the outputs of this one";
        return success();
      }
  return success();
}

StringRef WeightQuantizer::nameOf(Operation *op) {
  StringRef name;
  op->getLoc()->walk([&](Location loc) {
    if (auto named = dyn_cast<NameLoc>(loc); named && name.empty())
      name = named.getName().getValue();
    return WalkResult::advance();
  });
  return name;
}

/// The last rule for the name of a weight or of the product that reads it.
const QuantizeSpec::Rule *WeightQuantizer::findRule(StringRef weight, StringRef product) {
  const QuantizeSpec::Rule *found = nullptr;
  for (auto [index, rule] : llvm::enumerate(asked.rules))
    if (patterns[index].match(weight) || (!product.empty() && patterns[index].match(product))) {
      matched[index] = 1;
      found = &rule;
    }
  return found;
}

/// Of the last rule, likewise; without one floats.
ActivationRounding WeightQuantizer::findActivations(StringRef weight, StringRef product) {
  ActivationRounding found;
  for (auto [index, rule] : llvm::enumerate(asked.activations))
    if (activationPatterns[index].match(weight) || (!product.empty() && activationPatterns[index].match(product))) {
      activationMatched[index] = 1;
      found = rule.rounding;
    }
  return found;
}

LogicalResult WeightQuantizer::nameStrategies() {
  strategyMatched.assign(asked.strategies.size(), 0);
  for (size_t index = 0; index < asked.strategies.size(); ++index) {
    const StrategyRule &rule = asked.strategies[index];
    if (!findStrategies(rule.strategy, module.getLoc()))
      return failure();
    NamePattern pattern = llvm::cantFail(NamePattern::create(rule.pattern));
    module.walk([&](MatmulOp op) {
      GlobalOp weight = store->getGlobal(op.getRhs());
      StringRef name = nameOf(op);
      if (!(weight && pattern.match(weight.getSymName())) && (name.empty() || !pattern.match(name)))
        return;
      strategyMatched[index] = 1;
      op.setStrategyAttr(StrategyAttr::get(op.getContext(), rule.strategy));
    });
  }
  return success();
}

/// Why a constant operand of a product is no matrix that gets codes; empty: it is one.
static std::string findObstacle(MatmulOp op, GlobalOp global) {
  auto type = cast<RankedTensorType>(global.getType());
  auto text = [](Type element) { return llvm::formatv("{0}", element).str(); };
  if (type.getEncoding())
    return "has an encoding already";
  if (type.getRank() != 2)
    return llvm::formatv("has {0} dimensions; matrices alone get codes", type.getRank()).str();
  Type element = type.getElementType(), result = cast<RankedTensorType>(op.getType()).getElementType();
  if (!WeightBytes::hasReals(element) || result != element)
    return "has elements of " + text(element) + "; those of f32, f16 and bf16 alone get codes";
  return WeightStore::read(global) ? "" : "has elements that are not there";
}

void WeightQuantizer::leave(Operation *op, GlobalOp global, StringRef name, StringRef why) {
  auto opts = remark::RemarkOpts::name("QuantizeWeights").category(category);
  remark::missed(op->getLoc(), opts) << remark::metric("Weight", global.getSymName()) << remark::reason("{0}", why);
  seen[global.getSymName()] = why.str();
  kept.push_back({op, global, name.str(), why.str()});
}

const QuantizeSpec::Rule *WeightQuantizer::findChange(Operation *op, GlobalOp weight) {
  seen.insert({weight.getSymName(), ""});
  const QuantizeSpec::Rule *rule = findRule(weight.getSymName(), nameOf(op));
  if (rule && !rule->keeps())
    return rule;
  kept.push_back({op, weight, nameOf(op).str(), ""});
  return nullptr;
}

void WeightQuantizer::classify(MatmulOp op) {
  GlobalOp global = store->getGlobal(op.getRhs());
  bool onRight = static_cast<bool>(global);
  if (!onRight)
    global = store->getGlobal(getLeftMatrix(op));
  if (!global || op.getScale())
    return;
  if (const QuantizeSpec::Rule *rule = findChange(op, global))
    classify(op, global, onRight, *rule);
}

void WeightQuantizer::classify(MatmulOp op, GlobalOp global, bool onRight, const QuantizeSpec::Rule &rule) {
  auto type = cast<RankedTensorType>(global.getType());
  std::string name = nameOf(op).str();
  auto leave = [&](StringRef why) { WeightQuantizer::leave(op, global, name, why); };
  if (std::string why = findObstacle(op, global); !why.empty())
    return leave(why);
  bool turned = onRight ? !op.getTransposeRhs() : op.getTransposeLhs();
  QuantizedProduct product{op, global, name, type.getDimSize(turned ? 1 : 0), type.getDimSize(turned ? 0 : 1), turned,
                           rule.forms, findActivations(global.getSymName(), name)};
  if (product.k < leastDepth && !rule.named)
    return leave("has fewer than 64 rows along K; name it in layer(..)");
  if (product.n == 0 || product.k == 0)
    return leave("is empty");
  constexpr int64_t mostColumns = 65536, mostRows = int64_t(1) << 24; // of a term of outliers
  if ((product.k > mostColumns || product.n > mostRows) &&
      llvm::any_of(product.forms, [](const WeightForm &form) { return form.outliers > 0; }))
    return leave("has too many columns or rows for a term of outliers");
  product.op = onRight ? turnInput(op) : exchange(op);
  widenProduct(product.op);
  products.push_back(std::move(product));
}

LogicalResult WeightQuantizer::readWeight(const QuantizedProduct &product, std::vector<float> &values) {
  std::optional<WeightBytes> bytes = WeightStore::read(product.weight);
  if (!bytes)
    return failure();
  Type element = cast<RankedTensorType>(GlobalOp(product.weight).getType()).getElementType();
  values.resize(product.n * product.k);
  bytes->reals(element, /*first=*/0, /*stride=*/1, values);
  return success();
}

Encoding WeightQuantizer::encodingOf(const QuantizedProduct &product, const WeightForm &form) const {
  return form.encodingOf(product.n, product.k, product.activations);
}

LogicalResult WeightQuantizer::encode(const QuantizedProduct &product, const WeightForm &form, const GramMatrix *gram,
                                      const QuantizeOptions &options, QuantizedMatrix &matrix, QuantizeNotes &notes) {
  GlobalOp global = product.weight;
  WeightBytes bytes = *WeightStore::read(global);
  Type element = cast<RankedTensorType>(global.getType()).getElementType();
  auto read = [&](int64_t row, MutableArrayRef<float> values) {
    bytes.reals(element, product.turned ? row : row * product.k, product.turned ? product.n : 1,
                values.take_front(product.k));
  };
  auto spread = [&](size_t count, llvm::function_ref<void(size_t)> body) { parallel(count, body); };
  QuantizeOptions own = options;
  own.activations = product.activations;
  QuantizeFault fault = quantizeMatrix({product.n, product.k, read}, form, gram, own, spread, matrix, notes);
  if (fault == QuantizeFault::NotFinite)
    return emitCodedError(global.getLoc(), ErrorCode::Attribute)
           << "weight @" << global.getSymName() << " has elements that are not finite, for which there is no scale; "
           << "mend it or leave it out with exclude=" << global.getSymName();
  return success();
}

/// The addition that alone reads a convolution's result, on its left.
static BinaryOp findBias(Operation *op) {
  Value result = op->getResult(0);
  auto user = result.hasOneUse() ? dyn_cast<BinaryOp>(*result.user_begin()) : BinaryOp();
  return isa<ConvOp>(op) && user && user.getKind() == BinaryKind::Add && user.getLhs() == result ? user : BinaryOp();
}

/// Adds numbers to the columns of a product, or to the filters of a convolution.
void WeightQuantizer::addCorrection(Operation *op, ArrayRef<float> correction) {
  Value result = op->getResult(0);
  SmallVector<int64_t> shape{static_cast<int64_t>(correction.size())};
  if (isa<ConvOp>(op))
    shape.append(cast<RankedTensorType>(result.getType()).getRank() - 2, 1);
  auto type = RankedTensorType::get(shape, Float32Type::get(op->getContext()));
  OpBuilder builder(op->getContext());
  builder.setInsertionPointAfter(op);
  if (BinaryOp bias = findBias(op); bias && bias.getRhs().getType() == type) { // they are one
    if (std::optional<WeightBytes> bytes = store->read(bias.getRhs())) {
      SmallVector<float> sums(correction);
      for (auto [index, sum] : llvm::enumerate(sums)) {
        float value;
        std::memcpy(&value, bytes->element(static_cast<int64_t>(index)), sizeof(value));
        sum += value;
      }
      bias.getRhsMutable().set(
          ConstantOp::create(builder, op->getLoc(), type, DenseElementsAttr::get(type, ArrayRef<float>(sums))));
      return;
    }
  }
  Value mean = ConstantOp::create(builder, op->getLoc(), type, DenseElementsAttr::get(type, correction));
  auto sum = BinaryOp::create(builder, op->getLoc(), result.getType(), BinaryKind::Add, result, mean);
  result.replaceAllUsesExcept(sum.getResult(), sum);
  corrected[op] = sum.getResult();
}

void WeightQuantizer::remarkDone(Location loc, StringRef weight, const WeightForm &form, const QuantizeNotes &notes) {
  auto opts = remark::RemarkOpts::name("QuantizeWeights").category(category);
  remark::passed(loc, opts) << remark::metric("Weight", weight) << remark::metric("Bits", form.bits)
                            << remark::metric("Method", methodName(notes.method, form.sequential));
  if (!notes.reason.empty())
    remark::missed(loc, opts) << remark::metric("Weight", weight) << remark::reason("{0}", notes.reason);
}

LogicalResult WeightQuantizer::apply(const QuantizedProduct &product, const WeightForm &form, const GramMatrix *gram,
                                     const QuantizeOptions &options, QuantizeNotes &notes) {
  if (product.isFilter())
    return applyFilter(product, form, gram, options, notes);
  MLIRContext *context = module.getContext();
  auto op = cast<MatmulOp>(product.op);
  GlobalOp original = product.weight;
  std::vector<Done> &forms = done[original];
  std::vector<float> correction;
  Encoding asked = encodingOf(product, form); // has the form of the activations
  auto known = llvm::find_if(forms, [&](const Done &one) {
    return one.turned == product.turned && one.form == form && one.encoding == asked;
  });
  if (known == forms.end()) {
    QuantizedMatrix matrix;
    if (failed(encode(product, form, gram, options, matrix, notes)))
      return failure();
    correction = std::move(matrix.correction);
    Encoding encoding = encodingOf(product, matrix.form);
    EncodedLayout layout = llvm::cantFail(EncodedLayout::of(encoding, product.n, product.k));
    AsmResourceBlob blob = WeightStore::allocate(layout.bytes);
    llvm::MutableArrayRef<char> data = blob.getMutableData();
    matrix.pack(layout, {reinterpret_cast<uint8_t *>(data.data()), data.size()},
                [&](size_t count, llvm::function_ref<void(size_t)> body) { parallel(count, body); });
    auto type = RankedTensorType::get({product.n, product.k}, Float32Type::get(context),
                                      EncodingAttr::get(context, encoding, PackingAttr()));
    GlobalOp weight = store->add(op.getLoc(), (StringRef(original.getSymName()) + ".quantized").str(), type,
                                 std::move(blob));
    forms.push_back({product.turned, form, asked, weight, notes});
    known = std::prev(forms.end());
    remarkDone(op.getLoc(), original.getSymName(), form, notes);
  }
  notes = known->notes;
  OpBuilder builder(op);
  Value before = op.getRhs();
  op.getRhsMutable().set(WeightOp::create(builder, op.getLoc(), known->weight.getType(), known->weight.getSymName()));
  op.setTransposeRhs(true);
  eraseUnread(before);
  if (!correction.empty())
    addCorrection(op, correction);
  ++count;
  return success();
}

/// The first weights, with or without what keeps them as they are.
std::string WeightQuantizer::listSeen(bool reasons) const {
  if (seen.empty())
    return "none";
  constexpr size_t most = 8;
  SmallVector<std::string> texts;
  for (auto &[name, why] : llvm::make_range(seen.begin(), seen.begin() + std::min(most, seen.size())))
    texts.push_back(reasons && !why.empty() ? llvm::formatv("{0} ({1})", name, why).str() : name.str());
  std::string list = llvm::join(texts, ", ");
  return seen.size() <= most ? list : llvm::formatv("{0} and {1} more", list, seen.size() - most).str();
}

LogicalResult WeightQuantizer::checkPatterns() {
  for (auto [index, rule] : llvm::enumerate(asked.rules)) {
    if (matched[index] || rule.pattern == "*")
      continue;
    return emitCodedError(module.getLoc(), ErrorCode::Attribute)
           << "--quantize names '" << rule.pattern
           << "', which is no weight of a product; these are: " << listSeen(false);
  }
  for (auto [index, rule] : llvm::enumerate(asked.activations))
    if (!activationMatched[index] && rule.pattern != "*")
      return emitCodedError(module.getLoc(), ErrorCode::Attribute)
             << "--quantize names '" << rule.pattern
             << "' for activations, which is no weight that gets codes; these are: " << listSeen(false);
  for (auto [index, rule] : llvm::enumerate(asked.strategies))
    if (!strategyMatched[index])
      return emitCodedError(module.getLoc(), ErrorCode::Attribute)
             << "--quantize names '" << rule.pattern << "' for strategy '" << rule.strategy
             << "', which is no product; weights of products are: " << listSeen(false);
  return success();
}

LogicalResult WeightQuantizer::finish() {
  if (failed(checkPatterns()))
    return failure();
  if (asked.embeddings && !asked.embeddingsIfAny && tables.empty())
    return emitCodedError(module.getLoc(), ErrorCode::Attribute)
           << "--quantize asks for embeddings=" << (asked.normalEmbeddings ? "nf" : "int") << asked.embeddings
           << ", but no lookup reads rows of a constant matrix of floats of 64 rows or more; leave it out";
  if (count == 0 && (asked.hasWeights() || !asked.caches))
    return emitCodedError(module.getLoc(), ErrorCode::Attribute)
           << "--quantize changes nothing: no product has a constant matrix of floats of the kind it asks for; "
           << "products read: " << listSeen(true);
  store->removeUnused();
  return success();
}
