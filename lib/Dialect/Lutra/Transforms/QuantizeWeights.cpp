//===- QuantizeWeights.cpp - constant matrices of products in few bits ------===//
// What --quantize asks for (include/lutra/Support/QuantizeSpec.h). A product with a constant f32 matrix reads an
// encoded weight instead: rows along K, whatever the order of the matrix was. Rows are quantized side by side, each on
// its own, so that the bytes do not depend on threads.
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "WeightData.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Support/CodeStream.h"
#include "lutra/Support/EncodedLayout.h"
#include "lutra/Support/ErrorCodes.h"
#include "lutra/Support/QuantizeRow.h"
#include "lutra/Support/SideValues.h"

#include "mlir/IR/Remarks.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/GlobPattern.h"

#include <atomic>
#include <cmath>
#include <cstring>

using namespace mlir;
using namespace lutra;

#define DEBUG_TYPE "lutra-quantize-weights"

namespace lutra {
#define GEN_PASS_DEF_QUANTIZEWEIGHTS
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

namespace {
/// A weight [N, K] or (turned) [K, N].
struct Matrix {
  WeightBytes bytes;
  int64_t n, k;
  bool turned;

  void readRow(int64_t row, MutableArrayRef<float> values) const {
    for (int64_t i = 0; i < k; ++i) // memcpy: files align nothing
      std::memcpy(&values[i], bytes.element(turned ? i * n + row : row * k + i), sizeof(float));
  }
};

struct QuantizeWeights final : lutra::impl::QuantizeWeightsBase<QuantizeWeights> {
  using Base::Base;
  void runOnOperation() override;

private:
  LogicalResult parse();
  std::string listSeen(bool reasons);
  const QuantizeSpec::Rule *findRule(StringRef weight, StringRef product);
  LogicalResult quantize(MatmulOp op, WeightStore &store);
  FailureOr<GlobalOp> encode(GlobalOp global, const Matrix &matrix, WeightForm form, WeightStore &store);

  QuantizeSpec asked;
  SmallVector<llvm::GlobPattern> patterns; // of asked.rules
  std::vector<char> matched;
  llvm::MapVector<StringRef, std::string> seen; // weights by name, and why one stays as it is
  /// By weight, and by the first rule of its form and whether it is turned.
  DenseMap<std::pair<Operation *, unsigned>, GlobalOp> done;
  int64_t count = 0;
};
} // namespace

/// Weights with fewer steps of K gain nothing, unless they are named.
static constexpr int64_t leastDepth = 64;

LogicalResult QuantizeWeights::parse() {
  llvm::Expected<QuantizeSpec> parsed = QuantizeSpec::parse(spec);
  if (!parsed)
    return emitCodedError(getOperation().getLoc(), ErrorCode::Attribute)
           << "--quantize does not know " << llvm::toString(parsed.takeError());
  asked = std::move(*parsed);
  for (const QuantizeSpec::Rule &rule : asked.rules)
    patterns.push_back(llvm::cantFail(llvm::GlobPattern::create(rule.glob)));
  matched.assign(patterns.size(), 0);
  return success();
}

/// The name that an importer gave an op; empty: none.
static StringRef nameOf(Operation *op) {
  StringRef name;
  op->getLoc()->walk([&](Location loc) {
    if (auto named = dyn_cast<NameLoc>(loc); named && name.empty())
      name = named.getName().getValue();
    return WalkResult::advance();
  });
  return name;
}

/// The last rule for the name of a weight or of the product that reads it.
const QuantizeSpec::Rule *QuantizeWeights::findRule(StringRef weight, StringRef product) {
  const QuantizeSpec::Rule *found = nullptr;
  for (auto [index, rule] : llvm::enumerate(asked.rules))
    if (patterns[index].match(weight) || (!product.empty() && patterns[index].match(product))) {
      matched[index] = 1;
      found = &rule;
    }
  return found;
}

FailureOr<GlobalOp> QuantizeWeights::encode(GlobalOp global, const Matrix &matrix, WeightForm form,
                                            WeightStore &store) {
  MLIRContext *context = &getContext();
  Encoding encoding = form.encoding(asked.roundActivations && form.bits <= 4);
  EncodedLayout layout = llvm::cantFail(EncodedLayout::of(encoding, matrix.n, matrix.k));
  AsmResourceBlob blob = WeightStore::allocate(layout.bytes);
  auto *out = reinterpret_cast<uint8_t *>(blob.getMutableData().data());
  const EncodedArray &codeArray = *layout.find(ArrayRole::Codes, 0, 0);
  const EncodedArray &scaleArray = *layout.find(ArrayRole::Scales, 0, 0);
  const EncodedArray *zeroArray = layout.find(ArrayRole::Zeros, 0, 0);
  std::atomic<bool> isFinite = true, fitsHalf = true;
  parallelFor(context, 0, matrix.n, [&](size_t row) {
    std::vector<float> values(matrix.k), scales(scaleArray.columns);
    std::vector<uint32_t> codes(matrix.k), zeros(scales.size()), fields(scales.size());
    matrix.readRow(row, values);
    if (!llvm::all_of(values, [](float value) { return std::isfinite(value); })) {
      isFinite = false;
      return;
    }
    if (!quantizeRow(values, form, codes, scales, zeros)) {
      fitsHalf = false;
      return;
    }
    for (auto [field, scale] : llvm::zip_equal(fields, scales))
      field = encodeSide(scaleArray.element, scale);
    packFields(codes, form.bits, out + codeArray.offset + row * codeArray.rowBytes);
    packFields(fields, scaleArray.element.bits(), out + scaleArray.offset + row * scaleArray.rowBytes);
    if (zeroArray)
      packFields(zeros, form.bits, out + zeroArray->offset + row * zeroArray->rowBytes);
  });
  if (!isFinite)
    return emitCodedError(global.getLoc(), ErrorCode::Attribute)
           << "weight @" << global.getSymName() << " has elements that are not finite, for which there is no scale; "
           << "mend it or leave it out with exclude=" << global.getSymName();
  if (!fitsHalf) {
    form.halfScales = false;
    return encode(global, matrix, form, store);
  }
  auto type = RankedTensorType::get({matrix.n, matrix.k}, Float32Type::get(context),
                                    EncodingAttr::get(context, encoding, PackingAttr()));
  return store.add(global.getLoc(), (global.getSymName() + ".quantized").str(), type, std::move(blob));
}

LogicalResult QuantizeWeights::quantize(MatmulOp op, WeightStore &store) {
  auto type = cast<RankedTensorType>(op.getRhs().getType());
  GlobalOp global = store.getGlobal(op.getRhs());
  auto opts = remark::RemarkOpts::name("QuantizeWeights").category(DEBUG_TYPE);
  if (!global || op.getScale())
    return success();
  seen.insert({global.getSymName(), ""});
  const QuantizeSpec::Rule *rule = findRule(global.getSymName(), nameOf(op));
  if (!rule || rule->form.bits == 0)
    return success();
  auto leave = [&](StringRef why) {
    remark::missed(op.getLoc(), opts) << remark::metric("Weight", global.getSymName()) << remark::reason("{0}", why);
    seen[global.getSymName()] = why.str();
    return success();
  };
  std::optional<WeightBytes> bytes = type.getEncoding() ? std::nullopt : WeightStore::read(global);
  bool turned = !op.getTransposeRhs();
  if (!bytes || type.getRank() != 2 || !type.getElementType().isF32() || op.getTransposeLhs() ||
      !cast<RankedTensorType>(op.getType()).getElementType().isF32())
    return leave("is no f32 matrix on the right");
  Matrix matrix{*bytes, type.getDimSize(turned ? 1 : 0), type.getDimSize(turned ? 0 : 1), turned};
  if (matrix.k < leastDepth && !rule->named)
    return leave("has fewer than 64 rows along K; name it in layer(..)");
  if (matrix.n == 0 || matrix.k == 0)
    return leave("is empty");
  auto first = llvm::find_if(asked.rules, [&](const QuantizeSpec::Rule &other) { return other.form == rule->form; });
  unsigned form = (first - asked.rules.begin()) * 2 + (turned ? 1 : 0);
  auto [entry, isNew] = done.try_emplace({global, form});
  if (isNew) {
    FailureOr<GlobalOp> encoded = encode(global, matrix, rule->form, store);
    if (failed(encoded))
      return failure();
    entry->second = *encoded;
    remark::passed(op.getLoc(), opts) << remark::metric("Weight", global.getSymName())
                                      << remark::metric("Bits", rule->form.bits);
  }
  GlobalOp weight = entry->second;
  OpBuilder builder(op);
  Operation *before = op.getRhs().getDefiningOp();
  op.getRhsMutable().set(WeightOp::create(builder, op.getLoc(), weight.getType(), weight.getSymName()));
  op.setTransposeRhs(true);
  if (before->use_empty())
    before->erase();
  ++count;
  return success();
}

/// The first weights, with or without what keeps them as they are.
std::string QuantizeWeights::listSeen(bool reasons) {
  if (seen.empty())
    return "none";
  constexpr size_t most = 8;
  SmallVector<std::string> texts;
  for (auto &[name, why] : llvm::make_range(seen.begin(), seen.begin() + std::min(most, seen.size())))
    texts.push_back(reasons && !why.empty() ? llvm::formatv("{0} ({1})", name, why).str() : name.str());
  std::string list = llvm::join(texts, ", ");
  return seen.size() <= most ? list : llvm::formatv("{0} and {1} more", list, seen.size() - most).str();
}

void QuantizeWeights::runOnOperation() {
  if (failed(parse()))
    return signalPassFailure();
  WeightStore store(getOperation());
  SmallVector<MatmulOp> products;
  getOperation().walk([&](MatmulOp op) { products.push_back(op); });
  bool good = true;
  for (MatmulOp op : products)
    good &= succeeded(quantize(op, store));
  if (!good)
    return signalPassFailure();
  for (auto [index, rule] : llvm::enumerate(asked.rules)) {
    if (matched[index] || rule.glob == "*")
      continue;
    emitCodedError(getOperation().getLoc(), ErrorCode::Attribute)
        << "--quantize names '" << rule.glob << "', which is no weight of a product; these are: " << listSeen(false);
    return signalPassFailure();
  }
  if (count == 0) {
    emitCodedError(getOperation().getLoc(), ErrorCode::Attribute)
        << "--quantize changes nothing: no product has a constant f32 matrix of the kind it asks for; products read: "
        << listSeen(true);
    return signalPassFailure();
  }
  store.removeUnused();
}
