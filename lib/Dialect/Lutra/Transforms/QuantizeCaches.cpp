//===- QuantizeCaches.cpp - keys and values of earlier tokens in few bits ----===//
// What --quantize=kv=.. asks for (include/lutra/Support/QuantizeSpec.h), where the pipeline writes neither list nor
// report; with them it does the same (lib/Pipeline/QuantizeModel.cpp).
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "lutra/Dialect/Lutra/Transforms/CacheQuantizer.h"
#include "lutra/Support/ErrorCodes.h"

using namespace mlir;
using namespace lutra;

#define DEBUG_TYPE "lutra-quantize-caches"

namespace lutra {
#define GEN_PASS_DEF_QUANTIZECACHES
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

namespace {
struct QuantizeCaches final : lutra::impl::QuantizeCachesBase<QuantizeCaches> {
  using Base::Base;
  void runOnOperation() override;
};
} // namespace

void QuantizeCaches::runOnOperation() {
  llvm::Expected<QuantizeSpec> asked = QuantizeSpec::parse(spec);
  if (!asked) {
    emitCodedError(getOperation().getLoc(), ErrorCode::Attribute)
        << "--quantize does not know " << llvm::toString(asked.takeError());
    return signalPassFailure();
  }
  if (!asked->caches)
    return;
  CacheQuantizer quantizer(getOperation(), *asked, DEBUG_TYPE);
  quantizer.plan();
  if (failed(quantizer.apply()))
    signalPassFailure();
}
