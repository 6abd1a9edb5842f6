//===- SplitEncodings.cpp - products with sums of terms as sums of products --===//
// A weight may be stored as a sum of terms, in regions of different formats, permuted, or with minima. No kernel reads
// that as one matrix; each part is one that kernels read (lutra/Support/SplitEncoding.h). Products that share a
// left-hand side share what is taken of it.
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "GroupCodes.h"
#include "ScalarConstant.h"
#include "WeightData.h"

#include "lutra/Dialect/Lutra/IR/Dictionaries.h"
#include "lutra/Support/ConstantBytes.h"
#include "lutra/Support/EncodedTensor.h"
#include "lutra/Support/ErrorCodes.h"
#include "lutra/Support/SplitEncoding.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>
#include <map>
#include <tuple>

using namespace mlir;
using namespace lutra;

#define DEBUG_TYPE "lutra-split-encodings"

namespace lutra {
#define GEN_PASS_DEF_SPLITENCODINGS
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

namespace {
struct SplitEncodings final : lutra::impl::SplitEncodingsBase<SplitEncodings> {
  using Base::Base;
  void runOnOperation() override;
};

/// Rewrites the products of one module.
class Splitter {
public:
  explicit Splitter(ModuleOp module) : module(module), store(module) {}
  LogicalResult run();

private:
  /// A part of a weight's term; globals are made once.
  struct Part {
    SplitProduct product;
    GlobalOp matrix, second, places;
    bool isRounded = false; // what it reads, to codes
  };
  struct Weight {
    std::vector<std::vector<Part>> terms;
    std::vector<std::vector<int64_t>> orders;
    std::vector<std::string> notes;
    std::string why; // there is no split
  };
  LogicalResult checkBytes(GlobalOp global);
  void split(MatmulOp op);
  const Weight &weightOf(GlobalOp global);
  GlobalOp addMatrix(GlobalOp from, SplitMatrix &matrix, const ActivationForm &activation);
  GlobalOp addIndices(Location loc, StringRef name, ArrayRef<int64_t> shape, ArrayRef<int64_t> values);
  ActivationForm activationOf(const Encoding &encoding, ArrayRef<SplitProduct> products, size_t index, int64_t k) const;

  Value takeColumns(Value value, ArrayRef<int64_t> columns);
  Value roundToCodes(Value value, const ActivationForm &form);
  Value sumGroups(Value value, int64_t group);
  Value emit(OpBuilder &builder, MatmulOp op, const Part &part);
  Value emitEntries(OpBuilder &builder, MatmulOp op, const Part &part);
  Value emitTerm(OpBuilder &builder, MatmulOp op, ArrayRef<Part> parts);

  ModuleOp module;
  WeightStore store;
  llvm::MapVector<Operation *, Weight> weights; // by global
  std::map<std::pair<void *, std::vector<int64_t>>, Value> taken; // columns of a value
  std::map<std::pair<void *, int64_t>, Value> sums;               // of groups of a value
  std::map<std::tuple<void *, int64_t, int64_t>, Value> rounded;  // values, by group and bits
};
} // namespace

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// `type` with other sizes from the last dimension on.
static RankedTensorType withLast(RankedTensorType type, ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> shape(type.getShape().drop_back());
  llvm::append_range(shape, sizes);
  return RankedTensorType::get(shape, type.getElementType());
}

/// The dynamic sizes of a value.
static SmallVector<Value> sizesOf(OpBuilder &builder, Value value) {
  SmallVector<Value> sizes;
  for (int64_t dim = 0; dim < typeOf(value).getRank(); ++dim)
    if (typeOf(value).isDynamicDim(dim))
      sizes.push_back(tensor::DimOp::create(builder, value.getLoc(), value, dim));
  return sizes;
}

static bool isRun(ArrayRef<int64_t> numbers) {
  for (size_t index = 1; index < numbers.size(); ++index)
    if (numbers[index] != numbers[index - 1] + 1)
      return false;
  return true;
}

static bool hasMinima(ArrayRef<SplitProduct> products, size_t index) {
  const SplitProduct &product = products[index];
  return index + 1 < products.size() && products[index + 1].kind == SplitProduct::GroupSums &&
         products[index + 1].rowBegin == product.rowBegin && products[index + 1].columns == product.columns;
}

/// Minima that are subtracted from a product multiply what it reads: that is rounded before both, else the codes times
/// what rounding adds, which are not small where the elements are, would stay.
static bool roundsWithMinima(const ActivationForm &form, ArrayRef<SplitProduct> products, size_t index, int64_t k) {
  bool isInt = form.kind == ActivationForm::Int && form.symmetric && form.bits > 1 && form.group != 0;
  bool hasPartner = hasMinima(products, index) || (index > 0 && hasMinima(products, index - 1));
  return isInt && hasPartner && static_cast<int64_t>(products[index].columns.size()) == k &&
         isRun(products[index].columns);
}

/// Why a part reads floats beside activations that may be codes; empty: it does not, or its matrix has no codes.
static StringRef whyFloats(const ActivationForm &form, ArrayRef<SplitProduct> products, size_t index, int64_t k) {
  const SplitProduct &product = products[index];
  if (form.kind != ActivationForm::Int || form.group == 0 || product.kind != SplitProduct::Plain ||
      !product.matrix.encoding)
    return "";
  bool isWhole = static_cast<int64_t>(product.columns.size()) == k && isRun(product.columns);
  if (!hasMinima(products, index))
    return isWhole || form.group == kWhole ? "" : "groups are those of all columns in order";
  if (form.symmetric && form.bits > 1 && isWhole)
    return "";
  return "minima meet codes of two bits or more, without zero points and of all columns in order, alone";
}

/// A product may round what it reads to a part's codes only if each group that it rounds was one before.
ActivationForm Splitter::activationOf(const Encoding &encoding, ArrayRef<SplitProduct> products, size_t index,
                                      int64_t k) const {
  const ActivationForm &form = encoding.activation;
  const SplitProduct &product = products[index];
  if (hasMinima(products, index))
    return ActivationForm();
  if (form.kind == ActivationForm::Blocks)
    return product.activation < 0 ? ActivationForm() : form.choices[product.activation];
  bool all = static_cast<int64_t>(product.columns.size()) == k && isRun(product.columns);
  bool isWhole = form.kind == ActivationForm::Int && (all || form.group == kWhole);
  bool fits = product.kind == SplitProduct::Plain && (form.kind == ActivationForm::BF16 || isWhole);
  return fits ? form : ActivationForm();
}

GlobalOp Splitter::addMatrix(GlobalOp from, SplitMatrix &matrix, const ActivationForm &activation) {
  MLIRContext *context = module.getContext();
  Type real = Float32Type::get(context);
  bool isCoded = matrix.encoding.has_value();
  int64_t bytes = isCoded ? matrix.bytes.size() : matrix.values.size() * sizeof(float);
  AsmResourceBlob blob = WeightStore::allocate(bytes);
  const void *data = isCoded ? static_cast<const void *>(matrix.bytes.data()) : matrix.values.data();
  std::memcpy(blob.getMutableData().data(), data, bytes);
  Attribute encoding;
  if (isCoded) {
    matrix.encoding->activation = activation;
    encoding = EncodingAttr::get(context, *matrix.encoding, PackingAttr());
  }
  auto type = RankedTensorType::get({matrix.n, matrix.k}, real, encoding);
  matrix.bytes.clear();
  matrix.values.clear();
  return store.add(from.getLoc(), (from.getSymName() + ".part").str(), type, std::move(blob));
}

GlobalOp Splitter::addIndices(Location loc, StringRef name, ArrayRef<int64_t> shape, ArrayRef<int64_t> values) {
  AsmResourceBlob blob = WeightStore::allocate(values.size() * sizeof(int32_t));
  SmallVector<int32_t> narrow(values);
  std::memcpy(blob.getMutableData().data(), narrow.data(), narrow.size() * sizeof(int32_t));
  return store.add(loc, name, RankedTensorType::get(shape, IntegerType::get(module.getContext(), 32)), std::move(blob));
}

const Splitter::Weight &Splitter::weightOf(GlobalOp global) {
  auto [entry, isNew] = weights.insert({global, Weight()});
  Weight &weight = entry->second;
  if (!isNew)
    return weight;
  auto type = cast<RankedTensorType>(global.getType());
  const Encoding &encoding = encodingOf(type).getValue();
  FailureOr<SmallVector<char, 0>> bytes = constantBytes(global.getData());
  if (failed(bytes)) {
    weight.why = "has bytes that are not there";
    return weight;
  }
  FailureOr<DictionaryTable> dictionaries = failure();
  {
    // A reason here, an error where nothing else computes the product.
    ScopedDiagnosticHandler handler(module.getContext(), [&](Diagnostic &diagnostic) {
      weight.why = diagnostic.str();
      return success();
    });
    auto refuse = [&](ErrorCode) { return mlir::emitError(global.getLoc()); };
    dictionaries = readDictionaries(
        encoding, {[&](StringRef name) { return module.lookupSymbol<GlobalOp>(name); }, refuse});
  }
  if (failed(dictionaries))
    return weight;
  llvm::Expected<std::vector<SplitTerm>> terms =
      splitEncoding(encoding, type.getDimSize(0), type.getDimSize(1),
                    ArrayRef(reinterpret_cast<const uint8_t *>(bytes->data()), bytes->size()), *dictionaries);
  if (!terms) {
    weight.why = llvm::toString(terms.takeError());
    return weight;
  }
  for (SplitTerm &term : *terms) {
    weight.orders.push_back(std::move(term.order));
    if (!term.note.empty())
      weight.notes.push_back(std::move(term.note));
    std::vector<Part> &parts = weight.terms.emplace_back();
    SmallVector<ActivationForm> activations;
    SmallVector<bool> isRounded;
    for (size_t index = 0; index < term.products.size(); ++index) {
      activations.push_back(activationOf(encoding, term.products, index, type.getDimSize(1)));
      isRounded.push_back(roundsWithMinima(encoding.activation, term.products, index, type.getDimSize(1)));
      StringRef why = whyFloats(encoding.activation, term.products, index, type.getDimSize(1));
      if (std::string note = ("multiplies activations as floats: " + why).str();
          !why.empty() && !llvm::is_contained(weight.notes, note))
        weight.notes.push_back(std::move(note));
    }
    for (auto [product, activation, isCoded] : llvm::zip_equal(term.products, activations, isRounded)) {
      Part &part = parts.emplace_back();
      part.isRounded = isCoded;
      part.matrix = addMatrix(global, product.matrix, activation);
      if (product.kind == SplitProduct::LowRank)
        part.second = addMatrix(global, product.second, ActivationForm());
      if (product.kind == SplitProduct::Entries)
        part.places = addIndices(global.getLoc(), (global.getSymName() + ".places").str(),
                                 {product.matrix.n * product.matrix.k}, product.places);
      part.product = std::move(product);
    }
  }
  return weight;
}

/// Columns of a left-hand side, made behind it.
Value Splitter::takeColumns(Value value, ArrayRef<int64_t> columns) {
  int64_t count = columns.size(), depth = typeOf(value).getShape().back();
  if (count == depth && isRun(columns))
    return value;
  Value &made = taken[{value.getAsOpaquePointer(), columns.vec()}];
  if (made)
    return made;
  OpBuilder builder(value.getContext());
  builder.setInsertionPointAfterValue(value);
  Location loc = value.getLoc();
  RankedTensorType type = withLast(typeOf(value), {count});
  int64_t rank = type.getRank();
  if (isRun(columns)) {
    SmallVector<int64_t> offsets(rank, 0), steps(rank, 1);
    offsets.back() = columns.front();
    return made = SliceOp::create(builder, loc, type, value, ValueRange(), sizesOf(builder, value), offsets, steps);
  }
  GlobalOp list = addIndices(loc, "columns", {count}, columns);
  Value indices = WeightOp::create(builder, loc, list.getType(), list.getSymName());
  return made = GatherOp::create(builder, loc, type, value, indices, rank - 1);
}

/// What the codes of a value in groups stand for; lutra-quantize-activations multiplies those.
Value Splitter::roundToCodes(Value value, const ActivationForm &form) {
  int64_t depth = typeOf(value).getShape().back(), group = form.group == kWhole ? depth : std::min(form.group, depth);
  Value &made = rounded[{value.getAsOpaquePointer(), group, form.bits}];
  if (made || group == 0)
    return made ? made : value;
  OpBuilder builder(value.getContext());
  builder.setInsertionPointAfterValue(value);
  DynamicQuantizeOp codes = roundGroups(builder, value, builder.getI8Type(), group, form.bits,
                                        /*hasZeroPoints=*/false);
  return made = DequantizeOp::create(builder, value.getLoc(), value.getType(), codes.getCodes(), codes.getScale(),
                                     /*zero_point=*/Value(), typeOf(value).getRank() - 1, group);
}

/// Sums of `group` neighbours along the last dimension, the last of them of what is there.
Value Splitter::sumGroups(Value value, int64_t group) {
  Value &made = sums[{value.getAsOpaquePointer(), group}];
  if (made)
    return made;
  OpBuilder builder(value.getContext());
  builder.setInsertionPointAfterValue(value);
  Location loc = value.getLoc();
  int64_t depth = typeOf(value).getShape().back(), groups = llvm::divideCeil(depth, group);
  int64_t last = typeOf(value).getRank() - 1;
  SmallVector<Value> sizes = sizesOf(builder, value);
  Value whole = value;
  if (groups * group != depth) {
    SmallVector<int64_t> low(last + 1, 0), high(last + 1, 0);
    high.back() = groups * group - depth;
    Value zero = makeScalar(builder, loc, typeOf(value).getElementType(), 0);
    whole = PadOp::create(builder, loc, withLast(typeOf(value), {groups * group}), value, zero, ValueRange(),
                          ValueRange(), low, high, PadMode::Constant);
  }
  Value grouped = ReshapeOp::create(builder, loc, withLast(typeOf(value), {groups, group}), whole, sizes);
  Value added = ReduceOp::create(builder, loc, withLast(typeOf(value), {groups, 1}), ReduceKind::Sum, grouped,
                                 ArrayRef<int64_t>{last + 1});
  return made = ReshapeOp::create(builder, loc, withLast(typeOf(value), {groups}), added, sizes);
}

static Value makeProduct(OpBuilder &builder, MatmulOp op, Value lhs, GlobalOp global) {
  auto type = cast<RankedTensorType>(global.getType());
  Value weight = WeightOp::create(builder, op.getLoc(), type, global.getSymName());
  StrategyAttr strategy = encodingOf(type) ? op.getStrategyAttr() : StrategyAttr();
  return MatmulOp::create(builder, op.getLoc(), withLast(typeOf(lhs), {type.getDimSize(0)}), lhs, weight,
                          /*transpose_lhs=*/false, /*transpose_rhs=*/true, strategy);
}

/// x at the place of each entry, times the entries, summed over the slots.
Value Splitter::emitEntries(OpBuilder &builder, MatmulOp op, const Part &part) {
  Location loc = op.getLoc();
  Value x = op.getLhs();
  int64_t slots = part.product.matrix.n, rows = part.product.rows, last = typeOf(x).getRank() - 1;
  SmallVector<Value> sizes = sizesOf(builder, x);
  GlobalOp values = part.matrix, places = part.places;
  Value indices = WeightOp::create(builder, loc, places.getType(), places.getSymName());
  Value factors = WeightOp::create(builder, loc, values.getType(), values.getSymName());
  Value read = GatherOp::create(builder, loc, withLast(typeOf(x), {slots * rows}), x, indices, last);
  RankedTensorType cube = withLast(typeOf(x), {slots, rows});
  Value grouped = ReshapeOp::create(builder, loc, cube, read, sizes);
  Value scaled = BinaryOp::create(builder, loc, cube, BinaryKind::Mul, grouped, factors);
  Value added = ReduceOp::create(builder, loc, withLast(typeOf(x), {1, rows}), ReduceKind::Sum, scaled,
                                 ArrayRef<int64_t>{last});
  return ReshapeOp::create(builder, loc, withLast(typeOf(x), {rows}), added, sizes);
}

Value Splitter::emit(OpBuilder &builder, MatmulOp op, const Part &part) {
  const SplitProduct &product = part.product;
  if (product.kind == SplitProduct::Entries)
    return emitEntries(builder, op, part);
  Value read = op.getLhs();
  if (part.isRounded)
    read = roundToCodes(read, encodingOf(typeOf(op.getRhs())).getValue().activation);
  Value x = takeColumns(read, product.columns);
  if (product.kind == SplitProduct::GroupSums)
    x = sumGroups(x, product.group);
  Value result = makeProduct(builder, op, x, part.matrix);
  return product.kind == SplitProduct::LowRank ? makeProduct(builder, op, result, part.second) : result;
}

/// Products of the same rows are added, others stand side by side.
Value Splitter::emitTerm(OpBuilder &builder, MatmulOp op, ArrayRef<Part> parts) {
  SmallVector<Value> pieces;
  int64_t begin = -1;
  for (const Part &part : parts) {
    Value value = emit(builder, op, part);
    bool subtracts = part.product.kind == SplitProduct::GroupSums;
    if (part.product.rowBegin == begin)
      pieces.back() = BinaryOp::create(builder, op.getLoc(), value.getType(),
                                       subtracts ? BinaryKind::Sub : BinaryKind::Add, pieces.back(), value);
    else
      pieces.push_back(value);
    begin = part.product.rowBegin;
  }
  if (pieces.size() == 1)
    return pieces.front();
  return ConcatOp::create(builder, op.getLoc(), cast<RankedTensorType>(op.getType()), pieces,
                          typeOf(pieces.front()).getRank() - 1);
}

void Splitter::split(MatmulOp op) {
  GlobalOp global = store.getGlobal(op.getRhs());
  auto type = typeOf(op.getRhs());
  EncodingAttr encoding = encodingOf(type);
  if (!global || !encoding || encoding.getPacking() || !needsSplit(encoding.getValue()))
    return;
  auto opts = remark::RemarkOpts::name("SplitEncodings").category(DEBUG_TYPE);
  auto leave = [&](StringRef why) {
    remark::missed(op.getLoc(), opts) << remark::metric("Weight", global.getSymName()) << remark::reason("{0}", why);
    // For the error where no strategy computes it (ChooseStrategy.cpp).
    std::string reason = ("@" + global.getSymName() + " is one product, since it " + why).str();
    op->setAttr("not_split", StringAttr::get(op.getContext(), reason));
  };
  RankedTensorType lhs = typeOf(op.getLhs()), result = typeOf(op.getResult());
  if (!op.getTransposeRhs() || op.getTransposeLhs() || op.getScale() || type.getRank() != 2 || !type.hasStaticShape() ||
      !lhs.getElementType().isF32() || !result.getElementType().isF32())
    return leave("is not read as a matrix of rows along K by a product of f32");
  if (lhs.isDynamicDim(lhs.getRank() - 1))
    return leave("is multiplied with rows of unknown length; fix their size, as --dim=NAME=SIZE does");
  const Weight &weight = weightOf(global);
  if (!weight.why.empty())
    return leave(weight.why);
  OpBuilder builder(op);
  bool sameOrder = llvm::all_equal(weight.orders);
  auto reorder = [&](Value value, ArrayRef<int64_t> order) -> Value {
    if (order.empty())
      return value;
    GlobalOp list = addIndices(op.getLoc(), "rows", {static_cast<int64_t>(order.size())}, order);
    Value indices = WeightOp::create(builder, op.getLoc(), list.getType(), list.getSymName());
    return GatherOp::create(builder, op.getLoc(), result, value, indices, result.getRank() - 1);
  };
  Value sum;
  int64_t products = 0;
  for (auto [parts, order] : llvm::zip_equal(weight.terms, weight.orders)) {
    Value value = emitTerm(builder, op, parts);
    products += parts.size();
    if (!sameOrder)
      value = reorder(value, order);
    sum = sum ? BinaryOp::create(builder, op.getLoc(), result, BinaryKind::Add, sum, value) : value;
  }
  if (sameOrder)
    sum = reorder(sum, weight.orders.front());
  remark::passed(op.getLoc(), opts) << remark::metric("Weight", global.getSymName())
                                    << remark::metric("Terms", weight.terms.size())
                                    << remark::metric("Products", products);
  for (const std::string &note : weight.notes)
    remark::analysis(op.getLoc(), opts) << remark::metric("Weight", global.getSymName())
                                        << remark::reason("{0}", note);
  Operation *reader = op.getRhs().getDefiningOp();
  op.replaceAllUsesWith(sum);
  op.erase();
  if (reader->use_empty())
    reader->erase();
}

/// What the evaluator refuses is an error here: no kernel looks for codes that name no value.
LogicalResult Splitter::checkBytes(GlobalOp global) {
  auto type = cast<RankedTensorType>(global.getType());
  EncodingAttr encoding = encodingOf(type);
  if (!encoding || encoding.getPacking())
    return success();
  std::optional<WeightBytes> source = WeightStore::readStored(global);
  if (!source)
    return success();
  SmallVector<char, 0> repeated; // the bytes of a splat
  if (source->splat) {
    repeated.assign(storedByteCount(type), source->data.front());
    source->data = repeated;
  }
  int64_t k = type.getShape().back(), n = ShapedType::getNumElements(type.getShape().drop_back());
  llvm::Error error = checkTensor(encoding.getValue(), n, k,
                                  {reinterpret_cast<const uint8_t *>(source->data.data()), source->data.size()});
  if (!error)
    return success();
  return emitCodedError(global.getLoc(), ErrorCode::ExternalRange)
         << "weight @" << global.getSymName() << " " << llvm::toString(std::move(error));
}

LogicalResult Splitter::run() {
  bool good = true; // each weight gets its own error
  for (GlobalOp global : module.getOps<GlobalOp>())
    if (isa<RankedTensorType>(global.getType()))
      good &= succeeded(checkBytes(global));
  if (!good)
    return failure();
  SmallVector<MatmulOp> products;
  module.walk([&](MatmulOp op) { products.push_back(op); });
  for (MatmulOp op : products)
    split(op);
  if (!weights.empty())
    store.removeUnused();
  return success();
}

void SplitEncodings::runOnOperation() {
  if (failed(Splitter(getOperation()).run()))
    signalPassFailure();
}
