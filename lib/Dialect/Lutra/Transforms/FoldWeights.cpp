//===- FoldWeights.cpp - movement of weights, done at compile time ---------===//
// A transpose, a reshape or a widening of a constant costs nothing when the constant is written in its new form
// once. Chains fold one op at a time, in program order, so that intermediate forms are freed again.
// Small constants stay inline, large ones become globals.
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "WeightData.h"

#include "lutra/Dialect/Lutra/IR/Dictionaries.h"
#include "lutra/Support/ConstantBytes.h"
#include "lutra/Support/ErrorCodes.h"

#include <cstring>

using namespace mlir;
using namespace lutra;

namespace lutra {
#define GEN_PASS_DEF_FOLDWEIGHTS
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

namespace {
struct FoldWeights final : lutra::impl::FoldWeightsBase<FoldWeights> {
  using Base::Base;
  void runOnOperation() override;
};

/// Folds the ops of one module.
class Folder {
public:
  explicit Folder(ModuleOp module) : module(module), store(module) {}
  LogicalResult run(bool decode);

private:
  bool fold(Operation *op);
  /// Replaces the decoding of an encoded weight, if `op` is one.
  FailureOr<bool> foldDecode(DecodeOp op);
  /// A value of `type` over new data, made before `op`.
  Value makeValue(Operation *op, Value from, RankedTensorType type, AsmResourceBlob blob);

  ModuleOp module;
  WeightStore store;
};
} // namespace

Value Folder::makeValue(Operation *op, Value from, RankedTensorType type, AsmResourceBlob blob) {
  OpBuilder builder(op);
  GlobalOp source = store.getGlobal(from);
  if (!source)
    return ConstantOp::create(builder, op->getLoc(), type,
                              DenseElementsAttr::getFromRawBuffer(type, blob.getData()));
  GlobalOp global = store.add(source.getLoc(), source.getSymName(), type, std::move(blob));
  return WeightOp::create(builder, op->getLoc(), type, global.getSymName());
}

/// A cast of floats of 16 bits to f32, which is exact.
static bool isWidening(Operation *op) {
  auto cast = dyn_cast<CastOp>(op);
  return cast && mlir::cast<RankedTensorType>(cast.getType()).getElementType().isF32() &&
         isa<Float16Type, BFloat16Type>(mlir::cast<RankedTensorType>(cast.getInput().getType()).getElementType());
}

bool Folder::fold(Operation *op) {
  Value input = op->getOperand(0);
  std::optional<WeightBytes> bytes = store.read(input);
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (!bytes || !type.hasStaticShape())
    return false;
  int64_t width = isWidening(op) ? sizeof(float) : bytes->width;
  AsmResourceBlob blob = WeightStore::allocate(type.getNumElements() * width);
  char *out = blob.getMutableData().data();
  if (isWidening(op)) {
    Type narrow = cast<RankedTensorType>(input.getType()).getElementType();
    bytes->reals(narrow, /*first=*/0, /*stride=*/1, {reinterpret_cast<float *>(out), size_t(type.getNumElements())});
  } else if (auto transpose = dyn_cast<TransposeOp>(op)) {
    permuteBytes(*bytes, cast<RankedTensorType>(input.getType()).getShape(),
                 transpose.getPermutation(), out);
  } else if (bytes->splat) {
    for (int64_t index = 0; index < type.getNumElements(); ++index)
      std::memcpy(out + index * bytes->width, bytes->data.data(), bytes->width);
  } else {
    std::memcpy(out, bytes->data.data(), bytes->data.size());
  }
  Value folded = makeValue(op, input, type, std::move(blob));
  op->getResult(0).replaceAllUsesWith(folded);
  op->erase();
  if (Operation *producer = input.getDefiningOp(); producer->use_empty())
    producer->erase();
  return true;
}

FailureOr<bool> Folder::foldDecode(DecodeOp op) {
  GlobalOp global = store.getGlobal(op.getInput());
  auto input = cast<RankedTensorType>(op.getInput().getType());
  auto encoding = dyn_cast_if_present<EncodingAttr>(input.getEncoding());
  if (!global || !encoding || encoding.getPacking())
    return false;
  auto refuse = [&](ErrorCode code) {
    return emitCodedError(global.getLoc(), code) << "@" << global.getSymName() << ' ';
  };
  FailureOr<DictionaryTable> dictionaries = readDictionaries(
      encoding.getValue(), {[&](StringRef name) { return module.lookupSymbol<GlobalOp>(name); }, refuse});
  if (failed(dictionaries))
    return failure();
  FailureOr<SmallVector<char, 0>> bytes = constantBytes(global.getData());
  if (failed(bytes))
    return false;
  int64_t k = input.getShape().back(), n = ShapedType::getNumElements(input.getShape().drop_back());
  auto values = decodeTensor(encoding.getValue(), n, k,
                             ArrayRef(reinterpret_cast<const uint8_t *>(bytes->data()), bytes->size()), *dictionaries);
  if (!values)
    return refuse(ErrorCode::ExternalRange) << llvm::toString(values.takeError());
  auto type = cast<RankedTensorType>(op.getType());
  auto element = cast<FloatType>(type.getElementType());
  int64_t width = element.getWidth() / 8;
  AsmResourceBlob blob = WeightStore::allocate(values->size() * width);
  for (auto [index, value] : llvm::enumerate(*values))
    writeReal(value, element, blob.getMutableData().data() + index * width);
  Operation *weight = op.getInput().getDefiningOp();
  op.getResult().replaceAllUsesWith(makeValue(op, op.getInput(), type, std::move(blob)));
  op->erase();
  if (weight->use_empty())
    weight->erase();
  return true;
}

/// Products read encoded weights as they are: the values get an op of their own.
static void nameDecodes(ModuleOp module) {
  module.walk([](MatmulOp product) {
    auto type = cast<RankedTensorType>(product.getRhs().getType());
    if (!encodingOf(type))
      return;
    OpBuilder builder(product);
    auto plain = RankedTensorType::get(type.getShape(), type.getElementType());
    product.getRhsMutable().assign(DecodeOp::create(builder, product.getLoc(), plain, product.getRhs()));
  });
}

LogicalResult Folder::run(bool decode) {
  if (decode)
    nameDecodes(module);
  SmallVector<Operation *> candidates;
  module.walk([&](Operation *op) {
    if (isa<TransposeOp, ReshapeOp>(op) || isWidening(op) || (decode && isa<DecodeOp>(op)))
      candidates.push_back(op);
  });
  bool changed = false;
  for (Operation *op : candidates) {
    auto decodeOp = dyn_cast<DecodeOp>(op);
    if (!decodeOp) {
      changed |= fold(op);
      continue;
    }
    FailureOr<bool> folded = foldDecode(decodeOp);
    if (failed(folded))
      return failure();
    changed |= *folded;
  }
  if (changed)
    store.removeUnused();
  return success();
}

void FoldWeights::runOnOperation() {
  if (failed(Folder(getOperation()).run(decode)))
    signalPassFailure();
}
