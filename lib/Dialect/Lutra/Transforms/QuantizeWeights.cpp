//===- QuantizeWeights.cpp - constant matrices of products in few bits ------===//
// What --quantize asks for (include/lutra/Support/QuantizeSpec.h), without inputs of the model; with them the pipeline
// does it (lib/Pipeline/QuantizeModel.cpp). A product with a constant matrix of floats reads an encoded weight instead:
// rows along K, whatever the order of the matrix was. So does a convolution whose filter has one pixel
// (PixelFilters.cpp).
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "lutra/Dialect/Lutra/Transforms/StaticActivations.h"
#include "lutra/Dialect/Lutra/Transforms/WeightQuantizer.h"

using namespace mlir;
using namespace lutra;

#define DEBUG_TYPE "lutra-quantize-weights"

namespace lutra {
#define GEN_PASS_DEF_QUANTIZEWEIGHTS
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

namespace {
struct QuantizeWeights final : lutra::impl::QuantizeWeightsBase<QuantizeWeights> {
  using Base::Base;
  void runOnOperation() override;
};
} // namespace

void QuantizeWeights::runOnOperation() {
  WeightQuantizer quantizer(getOperation(), DEBUG_TYPE);
  if (failed(quantizer.plan(spec, /*calibrated=*/false, /*filterObstacle=*/"", pixelFilters)))
    return signalPassFailure();
  bool good = succeeded(quantizer.applyTables());
  for (const QuantizedProduct &product : quantizer.getProducts()) {
    QuantizeNotes notes;
    good &= succeeded(quantizer.apply(product, product.forms.front(), nullptr, {}, notes));
  }
  if (!good || failed(quantizer.finish()))
    return signalPassFailure();
  StaticActivations activations(getOperation());
  for (const QuantizedProduct &product : quantizer.getProducts())
    if (auto op = dyn_cast<MatmulOp>(product.op); op && product.activations.scales == ActivationRounding::Tensor)
      activations.roundWithin(op, product.activations);
  activations.finish();
}
