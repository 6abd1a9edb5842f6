//===- ModelQuantizer.h - the steps of --quantize with inputs of the model ---===//
// QuantizeModel.cpp has their order and applies what is chosen, MeasureInputs.cpp runs the float model for the Gram
// matrices, ChooseForms.cpp spends the budget, ApplyInOrder.cpp lets weights see the codes of those before them.
#ifndef LUTRA_LIB_PIPELINE_MODELQUANTIZER_H
#define LUTRA_LIB_PIPELINE_MODELQUANTIZER_H

#include "Calibration.h"
#include "QuantizeReport.h"

#include "lutra/Dialect/Lutra/Transforms/WeightQuantizer.h"
#include "lutra/Solver/BitAllocation.h"
#include "lutra/Support/SampledRange.h"

#include "llvm/ADT/MapVector.h"

namespace lutra {

/// A product's weight in its forms.
struct Layer {
  size_t product = 0; // the first that reads the weight
  std::vector<double> losses; // of the forms
  std::vector<int64_t> times; // of the forms in nanoseconds, where a budget in time chooses
  size_t pick = 0;
};

/// What codes of a cache alone lose.
struct CacheLoss {
  double loss = 0; // of the outputs
  ErrorSums sums = {}; // of the rows
};

/// What a product reads, or gives, beside the same value of the float model.
struct Followed {
  size_t product = 0;
  bool isInput = false;
  mlir::Value own = {}; // in the module
  ErrorSums sums = {};
};

class InputScaler;
struct InputScales;

/// What a product sees in the float model: rows of a value, or windows of a convolution of that model over it.
using InputTap = std::pair<mlir::Value, mlir::Operation *>;

class ModelQuantizer {
public:
  ModelQuantizer(mlir::ModuleOp module, const CompileOptions &options)
      : module(module), options(options), quantizer(module, "lutra-quantize-weights") {}
  mlir::LogicalResult run(std::string &reportText);

private:
  mlir::LogicalResult checkShared();
  mlir::LogicalResult readSamples();
  mlir::LogicalResult checkInputs(Probe &probe);
  void findTaps();
  using PartBody = llvm::function_ref<mlir::LogicalResult(llvm::ArrayRef<size_t> products)>;
  mlir::LogicalResult forParts(PartBody body);
  /// Of these products alone. `ofCodes`: their inputs are those of the module as it is, with the codes it has, and not
  /// the float model's.
  mlir::LogicalResult forParts(llvm::ArrayRef<size_t> which, bool ofCodes, PartBody body);
  mlir::LogicalResult measureInputs(llvm::ArrayRef<InputTap> taps, mlir::ModuleOp model,
                                    llvm::function_ref<mlir::Value(mlir::Value)> valueIn);
  mlir::LogicalResult addSample(const Sample &sample, InputTap tap, const ProbeTensor &tensor);
  const GramMatrix *gramOf(size_t product);
  mlir::LogicalResult scaleInputs();
  std::vector<size_t> tiedTo(size_t index, InputScaler &scaler);
  mlir::LogicalResult fitFactors(llvm::ArrayRef<size_t> group, InputScales &scales);
  mlir::LogicalResult sortChannels();
  /// The taps, and what they saw, were those of the model before it changed.
  void forgetInputs();
  mlir::LogicalResult spreadWideRows();
  mlir::LogicalResult rankRows(size_t index, std::vector<double> &saliences);
  mlir::LogicalResult compareForms(llvm::ArrayRef<size_t> products);
  mlir::LogicalResult encodeValues(size_t product, const WeightForm &form, std::vector<float> &values);
  mlir::LogicalResult makeProbe();
  mlir::FailureOr<double>
  lossWith(llvm::ArrayRef<ProbeTensor> weights,
           llvm::function_ref<void(size_t sample, llvm::ArrayRef<ProbeTensor> outputs)> visit = nullptr);
  bool probesCaches() const;
  void switchCaches(llvm::MutableArrayRef<ProbeTensor> weights, std::optional<size_t> only) const;
  mlir::LogicalResult probeCaches();
  double lossOfCaches() const;
  mlir::LogicalResult failBound(double loss);
  mlir::FailureOr<double> lossOfPicks();
  mlir::LogicalResult chooseWithin(llvm::ArrayRef<std::vector<FormCost>> costs);
  double pick(llvm::ArrayRef<std::vector<FormCost>> costs, int64_t budget, double enough);
  mlir::LogicalResult pickWithinBoth(llvm::ArrayRef<std::vector<FormCost>> costs, int64_t bytes, int64_t time);
  double take(llvm::ArrayRef<size_t> picks);
  mlir::FailureOr<int64_t> timeForms(std::vector<std::vector<FormCost>> &costs);
  mlir::FailureOr<int64_t> findBudget(int64_t chosenWeights, int64_t least);
  mlir::LogicalResult choose();
  mlir::LogicalResult apply(llvm::ArrayRef<size_t> products);
  mlir::LogicalResult checkOrder();
  std::vector<int64_t> countBefore();
  mlir::LogicalResult applyInOrder();
  void roundActivations();
  mlir::LogicalResult checkCaches();
  mlir::LogicalResult quantizeCaches();
  mlir::LogicalResult measureModel();
  void follow();
  void findFollowers();
  int64_t bytesOf(const QuantizedProduct &product, const WeightForm &form) const;
  QuantizeOptions optionsOf(size_t product, bool measure) const {
    const ActivationRounding &activations = quantizer.getProducts()[product].activations;
    return {quantizer.getSpec().damp, measure, activations, orderFolded[product].value_or(false)};
  }
  const WeightForm &formOf(const QuantizedProduct &product) const;
  mlir::LogicalResult failRun(const Sample &sample, llvm::Error error);
  /// Of a set the first sample, and then as often as holdout= asks for.
  bool isHeldOut(size_t index) const;
  const Sample *firstFitted() const;
  std::vector<const Sample *> heldOut() const;

  mlir::ModuleOp module;
  const CompileOptions &options;
  WeightQuantizer quantizer;
  Calibration calibration;
  mlir::OwningOpRef<mlir::ModuleOp> plain; // the module before anything changed
  std::vector<InputTap> tapOf; // of products, in `plain`; null: inside a branch
  std::vector<mlir::Operation *> plainOf; // products in `plain`
  llvm::MapVector<InputTap, GramMatrix> grams; // without rows: of filters in groups
  llvm::MapVector<mlir::Value, SampledRange> ranges; // of static activations
  llvm::MapVector<InputTap, int64_t> firstRows; // of the first compared sample, by tap
  std::vector<std::optional<InputScaling>> inputScales; // of products; none: their inputs have no factors
  std::vector<std::optional<bool>> orderFolded; // of products; false: a gather sorts their channels; none: nothing does
  llvm::MapVector<mlir::Operation *, Layer> layers; // by weight, those with a choice
  llvm::MapVector<unsigned, CacheLoss> cacheLosses; // by result of @main, those that were measured
  std::unique_ptr<Probe> probe;          // with weights as inputs, and with what lets caches be rounded
  std::vector<ProbeTensor> weightInputs; // of `probe`
  std::vector<const Sample *> compared;  // samples of comparisons ..
  std::vector<std::vector<ProbeTensor>> exact; // .. and what the float model gives for them
  std::vector<size_t> applied; // products in the order in which they got codes
  int64_t fewRows = 0; // products whose inputs were few
  std::unique_ptr<Probe> floatModel; // what the report compares with
  llvm::MapVector<mlir::Value, Followed> followed; // of `plain`, behind the outputs of `floatModel`
  QuantizeReport report;
};

} // namespace lutra

#endif // LUTRA_LIB_PIPELINE_MODELQUANTIZER_H
