//===- FormCosts.cpp - what forms of weights cost: bytes beside them, and time ===//
#include "FormCosts.h"

#include "lutra/Support/EncodedTensor.h"
#include "lutra/Support/ErrorCodes.h"
#include "lutra/Target/CPU/CpuTarget.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

using namespace mlir;
using namespace lutra;

int64_t lutra::countOtherBytes(ModuleOp module, const WeightQuantizer &quantizer,
                               llvm::function_ref<bool(Operation *)> hasChoice) {
  int64_t fixed = 0;
  llvm::MapVector<Operation *, int64_t> others;
  for (GlobalOp global : module.getOps<GlobalOp>()) {
    auto type = cast<RankedTensorType>(global.getType());
    if (!hasChoice(global) && !type.getEncoding() && type.getElementType().isIntOrFloat())
      others[global] = type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  }
  for (const QuantizedProduct &product : quantizer.getProducts())
    if (product.forms.size() == 1)
      others[product.weight] = storedBytes(quantizer.encodingOf(product, product.forms.front()), product.n, product.k);
  for (auto &[weight, bytes] : others)
    fixed += bytes;
  // A weight that something else reads stays beside its codes.
  llvm::SmallPtrSet<Operation *, 16> quantized;
  for (const QuantizedProduct &product : quantizer.getProducts())
    quantized.insert(product.op);
  llvm::SetVector<Operation *> stays;
  module.walk([&](WeightOp reader) {
    bool isReadElsewhere = llvm::any_of(reader->getUsers(), [&](Operation *user) { return !quantized.contains(user); });
    Operation *global = module.lookupSymbol(reader.getGlobal());
    bool hasCodes = llvm::any_of(quantizer.getProducts(), [&](const QuantizedProduct &product) {
      return GlobalOp(product.weight).getOperation() == global;
    });
    if (isReadElsewhere && hasCodes)
      stays.insert(global);
  });
  for (Operation *global : stays) {
    auto type = cast<RankedTensorType>(cast<GlobalOp>(global).getType());
    fixed += type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  }
  return fixed;
}

LogicalResult lutra::checkMeasurable(Location loc, const CompileOptions &options) {
  const CpuLevel *native = getCpuLevel(getNativeCpuLevel());
  bool runsHere = options.target == "cpu" && llvm::any_of(options.cpuLevels, [&](StringRef name) {
                    const CpuLevel *level = getCpuLevel(name);
                    return level && level->triple == native->triple && (level->required & ~native->required) == 0;
                  });
  if (runsHere)
    return success();
  InFlightDiagnostic error = emitCodedError(loc, ErrorCode::UnsupportedTarget)
                             << "--quantize measures a budget in ms on this machine, ";
  if (options.target != "cpu")
    error << "which runs no code of target '" << options.target << "'";
  else
    error << "which runs no code for " << (options.triple.empty() ? StringRef(x86Triple) : StringRef(options.triple))
          << " at " << llvm::join(options.cpuLevels, ", ") << "; it has '" << native->name << "'";
  return error << "; take a budget in bpw or MB";
}

FailureOr<int64_t> lutra::timeLeft(Location loc, double budget, int64_t others,
                                   ArrayRef<std::vector<FormCost>> costs, StringRef sample) {
  int64_t least = 0;
  for (const std::vector<FormCost> &own : costs)
    least += llvm::min_element(own, [](const FormCost &a, const FormCost &b) { return a.cost < b.cost; })->cost;
  if (budget < static_cast<double>(others + least))
    return emitCodedError(loc, ErrorCode::Attribute)
           << llvm::formatv("--quantize has a budget of {0:F3} ms, but on '{1}' the fastest types take {2:F3} ms, of "
                            "which {3:F3} ms are no products with a choice; allow more, or other types",
                            budget / 1e6, sample, double(others + least) / 1e6, double(others) / 1e6)
                  .str();
  return static_cast<int64_t>(budget) - others;
}

llvm::Expected<int64_t> lutra::timeOf(Probe &probe, ArrayRef<ProbeTensor> inputs) {
  using Clock = std::chrono::steady_clock;
  constexpr int leastRuns = 5, mostRuns = 60;
  constexpr auto enough = std::chrono::milliseconds(60);
  int64_t best = std::numeric_limits<int64_t>::max();
  Clock::time_point start = Clock::now();
  for (int run = 0; run < mostRuns && (run < leastRuns || Clock::now() - start < enough); ++run) {
    Clock::time_point before = Clock::now();
    llvm::Expected<std::vector<ProbeTensor>> outputs = probe.run(inputs);
    if (!outputs)
      return outputs.takeError();
    best = std::min<int64_t>(best, std::chrono::nanoseconds(Clock::now() - before).count());
  }
  return best;
}

OwningOpRef<ModuleOp> FormTimes::makeModule(int64_t rows, int64_t n, int64_t k, const WeightForm &form,
                                            const ActivationRounding &rounding) const {
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
  Type real = builder.getF32Type();
  std::vector<double> values(n * k);
  for (int64_t i = 0; i < n * k; ++i)
    values[i] = std::sin(static_cast<double>(i));
  auto type = RankedTensorType::get({n, k}, real);
  ShapedType stored = type;
  AsmResourceBlob blob;
  if (form.keeps()) {
    blob = HeapAsmResourceBlob::allocate(n * k * sizeof(float), /*align=*/64, /*dataIsMutable=*/true);
    std::copy(values.begin(), values.end(), reinterpret_cast<float *>(blob.getMutableData().data()));
  } else {
    Encoding encoding = form.encodingOf(n, k, rounding);
    EncodeOptions given; // any table: its values do not matter
    for (const EncodedArray &array : llvm::cantFail(EncodedLayout::of(encoding, n, k)).arrays)
      for (int64_t entry = 0; array.role == ArrayRole::Table && entry < array.columns; ++entry)
        given.arrays[array.name].push_back(static_cast<double>(entry) / static_cast<double>(array.columns) - 0.5);
    std::vector<uint8_t> bytes = llvm::cantFail(encodeTensor(encoding, n, k, values, given));
    blob = HeapAsmResourceBlob::allocate(bytes.size(), /*align=*/64, /*dataIsMutable=*/true);
    std::memcpy(blob.getMutableData().data(), bytes.data(), bytes.size());
    type = RankedTensorType::get({n, k}, real, EncodingAttr::get(builder.getContext(), encoding, PackingAttr()));
    stored = RankedTensorType::get({static_cast<int64_t>(bytes.size())}, builder.getI8Type());
  }
  auto data = DenseResourceElementsAttr::get(stored, "weight", std::move(blob));
  GlobalOp::create(builder, loc, "weight", type, cast<ElementsAttr>(data));
  auto input = RankedTensorType::get({rows, k}, real), output = RankedTensorType::get({rows, n}, real);
  auto main = func::FuncOp::create(builder, loc, "main", builder.getFunctionType({input}, {output}));
  auto names = [&](StringRef name) {
    return builder.getDictionaryAttr({builder.getNamedAttr("lutra.name", builder.getStringAttr(name)),
                                      builder.getNamedAttr("lutra.dim_names", builder.getStrArrayAttr({"", ""}))});
  };
  main.setArgAttrs(0, names("x"));
  main.setResultAttrs(0, names("y"));
  builder.setInsertionPointToStart(main.addEntryBlock());
  Value weight = WeightOp::create(builder, loc, type, "weight");
  Value product = MatmulOp::create(builder, loc, output, main.getArgument(0), weight, /*transpose_lhs=*/false,
                                   /*transpose_rhs=*/true, StrategyAttr());
  func::ReturnOp::create(builder, loc, product);
  return module;
}

FailureOr<int64_t> FormTimes::get(int64_t rows, int64_t n, int64_t k, const WeightForm &form,
                                  const ActivationRounding &rounding) {
  std::string format = form.keeps() ? form.text() : form.encodingOf(n, k, rounding).text();
  auto [entry, isNew] = done.try_emplace(llvm::formatv("{0} {1} {2} {3}", rows, n, k, format).str(), 0);
  if (!isNew)
    return entry->second;
  OwningOpRef<ModuleOp> module = makeModule(rows, n, k, form, rounding);
  FailureOr<std::unique_ptr<Probe>> probe = Probe::compile(*module, {}, {}, options);
  if (failed(probe))
    return failure();
  ProbeTensor input;
  input.dtype = LUTRA_FLOAT32;
  input.shape = {rows, k};
  std::vector<float> values(rows * k, 0.5f);
  input.given = {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(float)};
  std::vector<ProbeTensor> inputs;
  inputs.push_back(std::move(input));
  llvm::Expected<int64_t> time = timeOf(**probe, inputs);
  if (!time)
    return emitCodedError(loc, ErrorCode::Internal)
           << "a product alone does not run: " << llvm::toString(time.takeError());
  return entry->second = *time;
}
