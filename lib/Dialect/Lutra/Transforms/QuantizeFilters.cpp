//===- QuantizeFilters.cpp - filters of convolutions as bytes -----------------===//
// A filter [N, C, k..] is a matrix of N rows along its windows, and gets codes as one. It is read as dequantized bytes
// with a scale for each filter, as models of integers have it: beside an input of codes with one scale that is a
// convolution of integers (lutra-raise-integer-products). Kernels read filters in no other codes, and none beside
// floats; those of one pixel become matrices where the spec asks for more (PixelFilters.cpp).
#include "lutra/Dialect/Lutra/Transforms/WeightQuantizer.h"

#include "PixelFilters.h"
#include "WeightData.h"
#include "WidenProducts.h"

#include "lutra/Analysis/ProductStrategy.h"
#include "lutra/Support/BytePanels.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace lutra;

/// Filters of fewer elements gain nothing, unless they are named: first layers above all, which bear codes badly.
static constexpr int64_t leastElements = 2048;
static constexpr StringLiteral smallReason = "is a filter of fewer than 2048 elements; name it in layer(..)";

/// Fewer bits hold no range of a whole input.
static constexpr unsigned leastActivationBits = 4;

/// Codes of 8 bits about 128.
static constexpr unsigned byteBits = 8;
static constexpr int64_t middleCode = 128;

/// Whether a convolution has a filter for each channel, of a form whose kernel reads codes, which it computes in f32
/// block by block (mayComputeWindows): only bytes pass between it and its neighbours.
static bool readsCodesByChannel(ConvOp op) {
  auto input = cast<RankedTensorType>(op.getInput().getType());
  auto filter = cast<RankedTensorType>(op.getFilter().getType());
  if (filter.getRank() != 4 || filter.getDimSize(1) != 1 || filter.getDimSize(0) < windowChannels ||
      filter.getDimSize(0) != static_cast<int64_t>(op.getGroups()) ||
      ShapedType::isDynamicShape(input.getShape().drop_front()) ||
      cast<RankedTensorType>(op.getType()).getDimSize(3) < 2)
    return false;
  int64_t rows = (filter.getDimSize(2) - 1) * op.getDilations()[0] + 1;
  return holdsWindowRows(rows, input.getDimSize(3) + op.getLow()[1] + op.getHigh()[1]);
}

/// Why a constant filter gets no codes, whatever the spec; empty: it may.
static std::string findObstacle(ConvOp op, GlobalOp global) {
  auto type = cast<RankedTensorType>(global.getType());
  Type element = type.getElementType(), result = cast<RankedTensorType>(op.getType()).getElementType();
  int64_t groups = op.getGroups();
  if (type.getEncoding())
    return "has an encoding already";
  if (!WeightBytes::hasReals(element) || result != element)
    return llvm::formatv("has elements of {0}; those of f32, f16 and bf16 alone get codes", element).str();
  if (op.getLayout() != ConvLayout::ChannelsFirst)
    return "is a filter with channels last; those with channels first alone get codes";
  if (op.getStrategyAttr())
    return "is a filter whose convolution names a strategy, which reads floats";
  if (cast<RankedTensorType>(op.getInput().getType()).isDynamicDim(1))
    return "is a filter whose number of channels is not known";
  if (type.getNumElements() == 0)
    return "is empty";
  if (!isa<func::FuncOp>(op->getParentOp()))
    return "is a filter in a branch, where inputs are not measured";
  if (int64_t filters = type.getDimSize(0) / groups, channels = type.getDimSize(1);
      groups != 1 && !readsCodesByChannel(op) && (filters % bytePanelWidth != 0 || channels % bytePanelDepth != 0))
    return llvm::formatv("is a filter of groups of {0} channels and {1} filters; integers take multiples of {2} and "
                         "{3}",
                         channels, filters, bytePanelDepth, bytePanelWidth)
        .str();
  return WeightStore::read(global) ? "" : "has elements that are not there";
}

/// The form of bytes with a scale for each filter, if it is among `forms`; of a choice, bytes in any groups stand for
/// it.
static std::optional<WeightForm> findBytes(ArrayRef<WeightForm> forms, int64_t k) {
  for (const WeightForm &form : forms) {
    bool isByte = form.isInteger() && form.bits == byteBits && !form.hasFloatZeros() && !form.isSum() &&
                  !form.isMixed() && !form.sorted;
    bool isPlain = form.symmetric && form.blockRows == 1 && (form.group == kWhole || form.group >= k);
    if (!isByte || (!isPlain && forms.size() == 1))
      continue;
    WeightForm found = *WeightForm::of("int8");
    // Of bytes GPTQ makes little better, and takes the inverse of a matrix as large as a window.
    found.method = form.methodGiven || form.method == WeightForm::Nearest ? form.method : WeightForm::Search;
    found.methodGiven = form.methodGiven;
    found.sequential = form.sequential;
    found.scalesInputs = form.scalesInputs;
    return found;
  }
  return std::nullopt;
}

void WeightQuantizer::classify(ConvOp op, bool calibrated, StringRef obstacle, bool pixelFilters) {
  Value filter = op.getFilter();
  if (auto matrix = filter.getDefiningOp<ReshapeOp>(); matrix && isPixelFilter(op)) // of a filter read before
    filter = matrix.getInput();
  GlobalOp global = store->getGlobal(filter);
  if (!global)
    return;
  const QuantizeSpec::Rule *rule = findChange(op, global);
  if (!rule)
    return;
  std::string name = nameOf(op).str();
  auto leave = [&](StringRef why) { WeightQuantizer::leave(op, global, name, why); };
  if (std::string why = findObstacle(op, global); !why.empty())
    return leave(why);
  auto type = cast<RankedTensorType>(global.getType());
  int64_t n = type.getDimSize(0), k = type.getNumElements() / n;
  // Of channels of their own, codes gain what is read and written rather than bytes of weights.
  bool isSmall = type.getNumElements() < leastElements && !rule->named && !readsCodesByChannel(op);
  ActivationRounding rounding = findActivations(global.getSymName(), name);
  bool rounds = rounding.scales != ActivationRounding::None && rounding.type == ActivationForm::Int &&
                rounding.wideBlocks == 0;
  std::optional<WeightForm> form = findBytes(rule->forms, k);
  bool isMatrix = type.getRank() == 2; // for a product
  bool takesBytes = obstacle.empty() && rounds && rounding.bits >= leastActivationBits && calibrated && form;
  if (pixelFilters && isPixelFilter(op) && (isMatrix || !takesBytes)) {
    if (isSmall)
      return leave(smallReason);
    if (k < leastDepth && !rule->named)
      return leave("is a filter of fewer than 64 channels; name it in layer(..)");
    return classify(multiplyPixels(op, global), global, /*onRight=*/true, *rule);
  }
  if (!obstacle.empty())
    return leave(obstacle);
  if (rounding.wideBlocks > 0)
    return leave("is a filter of several pixels, whose windows are not sorted into the blocks of blocks8=; leave that "
                 "out, or exclude it");
  if (!rounds)
    return leave("is a filter, which gets codes beside activations of integers alone; add activations=int8:static and "
                 "--calibrate=FILE");
  if (rounding.bits < leastActivationBits)
    return leave(llvm::formatv("is a filter, whose input has one scale for all of it, which {0} does not bear; take "
                               "activations of 4 bits or more",
                               rounding.typeName())
                     .str());
  if (!calibrated)
    return leave("is a filter, whose windows need one scale for all of the input; add --calibrate=FILE");
  if (!form)
    return leave(llvm::formatv("is a filter, which takes int8 with one scale for each filter and not {0}; add "
                               "layer({1}).weights=int8",
                               rule->forms.front().text(), global.getSymName())
                     .str());
  if (isSmall)
    return leave(smallReason);
  widenProduct(op);
  products.push_back({op, global, name, n, k, /*turned=*/false, {*form}, rounding});
}

LogicalResult WeightQuantizer::applyFilter(const QuantizedProduct &product, const WeightForm &form,
                                           const GramMatrix *gram, const QuantizeOptions &options,
                                           QuantizeNotes &notes) {
  auto op = cast<ConvOp>(product.op);
  GlobalOp original = product.weight;
  Location loc = op.getLoc();
  auto filterType = cast<RankedTensorType>(op.getFilter().getType());
  OpBuilder builder(op);
  std::vector<Done> &forms = done[original];
  std::vector<float> correction;
  auto known = llvm::find_if(forms, [&](const Done &one) { return !one.scales.empty() && one.form == form; });
  if (known == forms.end()) {
    QuantizedMatrix matrix;
    if (failed(encode(product, form, gram, options, matrix, notes)))
      return failure();
    correction = std::move(matrix.correction);
    AsmResourceBlob blob = WeightStore::allocate(product.n * product.k);
    for (auto [to, code] : llvm::zip_equal(blob.getMutableData(), matrix.codes))
      to = static_cast<char>(static_cast<int64_t>(code) - middleCode);
    std::vector<float> scales;
    for (const GroupSide &side : matrix.sides)
      scales.push_back(side.scale);
    GlobalOp bytes = store->add(loc, (StringRef(original.getSymName()) + ".quantized").str(),
                                filterType.clone(builder.getI8Type()), std::move(blob));
    remarkDone(loc, original.getSymName(), form, notes);
    forms.push_back({/*turned=*/false, form, {}, bytes, notes, std::move(scales)});
    known = std::prev(forms.end());
  }
  notes = known->notes;
  Value before = op.getFilter();
  auto scaleType = RankedTensorType::get({product.n}, builder.getF32Type());
  Value codes = WeightOp::create(builder, loc, known->weight.getType(), known->weight.getSymName());
  Value scales = ConstantOp::create(builder, loc, scaleType,
                                    DenseElementsAttr::get(scaleType, ArrayRef<float>(known->scales)));
  op.getFilterMutable().assign(DequantizeOp::create(builder, loc, filterType, codes, scales, /*zero_point=*/Value(),
                                                    /*axis=*/0, /*block=*/0));
  eraseUnread(before);
  if (!correction.empty())
    addCorrection(op, correction);
  ++count;
  return success();
}
