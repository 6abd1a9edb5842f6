//===- EncodeWeights.cpp - dequantizations of constants, done at compile time ===//
// A constant that is stored as codes and dequantized in the graph (ONNX QDQ, blocks of int4 ..) means a weight in few
// bits. A product on whose right it stands reads an encoded weight: its bytes stay few, and strategies for codes know
// it; so does one of dequantized codes with a constant of three values -s, 0 and s. A table that is looked up in keeps
// its codes too, and what was looked up is dequantized. All else has no kernels for codes and becomes floats here,
// once.
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "DequantizedFloats.h"
#include "StoredCodes.h"
#include "WidenProducts.h"

#include "lutra/Analysis/ProductStrategy.h"
#include "lutra/Support/CodeStream.h"
#include "lutra/Support/EncodedLayout.h"
#include "lutra/Support/QuantizeSpec.h"

#include "mlir/IR/Remarks.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace mlir;
using namespace lutra;

#define DEBUG_TYPE "lutra-encode-weights"

namespace lutra {
#define GEN_PASS_DEF_ENCODEWEIGHTS
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

namespace {
struct EncodeWeights final : lutra::impl::EncodeWeightsBase<EncodeWeights> {
  using Base::Base;
  void runOnOperation() override;

private:
  void encode(MatmulOp op, WeightStore &store);
  void encodeTernary(MatmulOp op, WeightStore &store);
  bool deferPastGathers(DequantizeOp op, WeightStore &store);
  bool compute(DequantizeOp op, WeightStore &store);

  /// An encoded weight, or why there is none.
  struct Encoded {
    GlobalOp global;
    std::string why;
  };
  DenseMap<std::pair<Operation *, unsigned>, Encoded> done; // by what makes it and whether it is turned
};
} // namespace

/// Smaller matrices are as quick as floats, and smaller groups quicker.
static constexpr int64_t leastElements = 4096, leastGroup = 16;
/// Groups of others than multiples of this end within what kernels decode at once.
static constexpr int64_t groupUnit = 8;

/// A constant matrix on the right of a product, of f32; `turned` says whether it is [K, N].
static Value getPlainRhs(MatmulOp op, bool &turned) {
  Value rhs = op.getRhs();
  turned = !op.getTransposeRhs();
  if (auto transpose = rhs.getDefiningOp<TransposeOp>(); transpose && transpose.getPermutation().size() == 2) {
    turned ^= transpose.getPermutation().front() == 1;
    rhs = transpose.getInput();
  }
  auto type = cast<RankedTensorType>(rhs.getType());
  bool fits = type.getRank() == 2 && type.hasStaticShape() && type.getElementType().isF32() && !type.getEncoding();
  return fits ? rhs : Value();
}

/// An encoded weight of ternary codes with one scale, if each element is -scale, 0 or scale.
static GlobalOp makeTernary(const WeightBytes &bytes, RankedTensorType type, bool turned, StringRef name, Location loc,
                            WeightStore &store) {
  auto valueAt = [&](int64_t index) {
    float value;
    std::memcpy(&value, bytes.element(index), sizeof(value));
    return value;
  };
  float scale = 0;
  for (int64_t index = 0; index < type.getNumElements(); ++index) {
    float magnitude = std::fabs(valueAt(index));
    if (magnitude == 0)
      continue;
    if (!std::isnormal(magnitude) || (scale != 0 && magnitude != scale)) // products may take subnormal numbers for 0
      return {};
    scale = magnitude;
  }
  if (scale == 0)
    return {};
  int64_t n = type.getDimSize(turned ? 1 : 0), k = type.getDimSize(turned ? 0 : 1);
  WeightForm form = *WeightForm::of("ternary");
  form.group = kWhole;
  form.scale = SideType::F32;
  Encoding encoding = form.encoding();
  EncodedLayout layout = llvm::cantFail(EncodedLayout::of(encoding, n, k));
  AsmResourceBlob blob = WeightStore::allocate(layout.bytes);
  auto *out = reinterpret_cast<uint8_t *>(blob.getMutableData().data());
  const EncodedArray *codes = layout.find(ArrayRole::Codes, 0, 0), *scales = layout.find(ArrayRole::Scales, 0, 0);
  const RadixForm radix{3, 5};
  std::vector<uint32_t> digits(k), words(llvm::divideCeil(k, radix.digits));
  for (int64_t row = 0; row < n; ++row) {
    for (int64_t index = 0; index < k; ++index) {
      float value = valueAt(turned ? index * n + row : row * k + index);
      digits[index] = value == 0 ? 1 : value < 0 ? 0 : 2;
    }
    joinDigits(digits, radix, words);
    packFields(words, 8, out + codes->offset + row * codes->rowBytes);
    std::memcpy(out + scales->offset + row * scales->rowBytes, &scale, sizeof(scale));
  }
  auto encoded = RankedTensorType::get({n, k}, type.getElementType(),
                                       EncodingAttr::get(type.getContext(), encoding, PackingAttr()));
  return store.add(loc, name, encoded, std::move(blob));
}

/// Beside codes a weight of three values costs less as codes, and means the same.
void EncodeWeights::encodeTernary(MatmulOp op, WeightStore &store) {
  bool turned;
  Value rhs = getPlainRhs(op, turned);
  if (!rhs || !op.getLhs().getDefiningOp<DequantizeOp>() || op.getScale() || op.getTransposeLhs() ||
      op.getStrategyAttr() || !ProductStrategies::hasAuto(strategy) ||
      !cast<RankedTensorType>(op.getLhs().getType()).getElementType().isF32())
    return;
  auto type = cast<RankedTensorType>(rhs.getType());
  std::optional<WeightBytes> bytes = store.read(rhs);
  if (!bytes || type.getNumElements() < leastElements)
    return;
  GlobalOp plain = store.getGlobal(rhs);
  Operation *key = plain ? plain.getOperation() : rhs.getDefiningOp();
  auto [entry, isNew] = done.try_emplace({key, turned ? 1 : 0});
  if (isNew) {
    std::string name = plain ? (plain.getSymName() + ".ternary").str() : "ternary";
    entry->second.global = makeTernary(*bytes, type, turned, name, op.getLoc(), store);
  }
  GlobalOp global = entry->second.global;
  if (!global)
    return;
  auto opts = remark::RemarkOpts::name("EncodeWeights").category(DEBUG_TYPE);
  remark::passed(op.getLoc(), opts) << remark::metric("Weight", global.getSymName());
  OpBuilder builder(op);
  op.getRhsMutable().set(WeightOp::create(builder, op.getLoc(), global.getType(), global.getSymName()));
  op.setTransposeRhs(true);
}

void EncodeWeights::encode(MatmulOp op, WeightStore &store) {
  bool turned;
  DequantizeOp source = getCodedRhs(op, turned);
  Type element = cast<RankedTensorType>(op.getLhs().getType()).getElementType();
  if (!source || op.getScale() || op.getTransposeLhs() || !WeightBytes::hasReals(element))
    return;
  auto opts = remark::RemarkOpts::name("EncodeWeights").category(DEBUG_TYPE);
  if (op.getStrategyAttr() || !ProductStrategies::hasAuto(strategy)) {
    remark::missed(op.getLoc(), opts) << remark::reason("names a strategy, which reads it as it is");
    return;
  }
  auto [entry, isNew] = done.try_emplace({source, turned ? 1 : 0});
  Encoded &encoded = entry->second;
  if (isNew) {
    std::optional<CodedMatrix> matrix = readCodedRhs(op, store, encoded.why, /*takesFloats=*/true);
    if (matrix && matrix->n * matrix->k < leastElements)
      encoded.why = "is small";
    if (matrix && matrix->group < leastGroup && matrix->group < matrix->k)
      encoded.why = "has groups of fewer than 16 elements";
    else if (matrix && matrix->group % groupUnit != 0 && matrix->group < matrix->k)
      encoded.why = "has groups of no multiple of 8 elements";
    GlobalOp codes = store.getGlobal(source.getInput());
    std::string name = ((codes ? codes.getSymName() : "codes") + ".encoded").str();
    if (encoded.why.empty())
      encoded.global = storeCodes(*matrix, name, store, encoded.why);
  }
  if (!encoded.global) {
    remark::missed(op.getLoc(), opts) << remark::reason("{0}", encoded.why);
    return;
  }
  OpBuilder builder(op);
  GlobalOp global = encoded.global;
  remark::passed(op.getLoc(), opts) << remark::metric("Weight", global.getSymName());
  widenProduct(op);
  op.getRhsMutable().set(WeightOp::create(builder, op.getLoc(), global.getType(), global.getSymName()));
  op.setTransposeRhs(true);
}

/// Looks up codes and dequantizes those, where one scale serves all.
bool EncodeWeights::deferPastGathers(DequantizeOp op, WeightStore &store) {
  if (cast<RankedTensorType>(op.getScale().getType()).getRank() != 0 || !store.getGlobal(op.getInput()) ||
      !llvm::all_of(op->getUses(), [](OpOperand &use) {
        return isa<GatherOp>(use.getOwner()) && use.getOperandNumber() == 0;
      }))
    return false;
  Type codeType = cast<RankedTensorType>(op.getInput().getType()).getElementType();
  for (Operation *user : llvm::make_early_inc_range(op->getUsers())) {
    auto gather = cast<GatherOp>(user);
    OpBuilder builder(gather);
    auto type = cast<RankedTensorType>(gather.getType());
    Value codes = GatherOp::create(builder, gather.getLoc(), type.clone(codeType), op.getInput(), gather.getIndices(),
                                   gather.getAxis());
    gather.getResult().replaceAllUsesWith(DequantizeOp::create(builder, gather.getLoc(), type, codes, op.getScale(),
                                                               op.getZeroPoint(), /*axis=*/0, /*block=*/0));
    gather.erase();
  }
  op.erase();
  return true;
}

/// Replaces a dequantization of constants by its value.
bool EncodeWeights::compute(DequantizeOp op, WeightStore &store) {
  std::optional<AsmResourceBlob> blob = computeFloats(op, store);
  if (!blob)
    return false;
  auto type = cast<RankedTensorType>(op.getType());
  OpBuilder builder(op);
  Value computed;
  if (GlobalOp global = store.getGlobal(op.getInput())) {
    GlobalOp floats = store.add(global.getLoc(), (global.getSymName() + ".dequantized").str(), type, std::move(*blob));
    computed = WeightOp::create(builder, op.getLoc(), type, floats.getSymName());
  } else {
    computed = ConstantOp::create(builder, op.getLoc(), type,
                                  DenseElementsAttr::getFromRawBuffer(type, blob->getData()));
  }
  op.getResult().replaceAllUsesWith(computed);
  op.erase();
  return true;
}

/// Erases what only products read that read encoded weights now.
static void eraseDead(ModuleOp module) {
  SmallVector<Operation *> candidates;
  module.walk([&](Operation *op) {
    if (isa<CastOp, DequantizeOp, TransposeOp, WeightOp>(op))
      candidates.push_back(op);
  });
  for (Operation *op : llvm::reverse(candidates))
    if (op->use_empty())
      op->erase();
}

void EncodeWeights::runOnOperation() {
  WeightStore store(getOperation());
  SmallVector<MatmulOp> products;
  getOperation().walk([&](MatmulOp op) { products.push_back(op); });
  for (MatmulOp op : products) {
    encode(op, store);
    encodeTernary(op, store);
  }
  eraseDead(getOperation());
  SmallVector<DequantizeOp> rest;
  getOperation().walk([&](DequantizeOp op) { rest.push_back(op); });
  bool changed = !done.empty();
  for (DequantizeOp op : rest)
    changed |= deferPastGathers(op, store) || compute(op, store);
  if (changed) {
    eraseDead(getOperation());
    store.removeUnused();
  }
  done.clear();
}
