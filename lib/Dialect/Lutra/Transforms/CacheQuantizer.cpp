//===- CacheQuantizer.cpp - keys and values of earlier tokens in few bits ----===//
// Of a decoder an argument holds the keys (or values) of the tokens so far, a concat appends those of new tokens (or a
// scatter writes them into an argument of a fixed length), and products read the result, which @main returns. Codes of
// 8 bits and a scale for each row [.., D] take its place:
//
//   sum over d of q[d] * (code[t, d] * scale[t])  =  (sum over d of q[d] * code[t, d]) * scale[t]
//   sum over t of p[t] * (code[t, d] * scale[t])  =  sum over t of (p[t] * scale[t]) * code[t, d]
//
// With a zero point for each row, too, products of the codes as they are lose what the zero points add:
//
//   sum over d of q[d] * (code[t, d] - zero[t])  =  (sum over d of q[d] * code[t, d]) - (sum over d of q[d]) * zero[t]
//   sum over t of r[t] * (code[t, d] - zero[t])  =  (sum over t of r[t] * code[t, d]) - sum over t of r[t] * zero[t]
//
// Codes of 4 bits lie two in a byte, element i of a row below and i + D / 2 above. Rows that 32 divides have a scale
// for each 32 elements, the others one. Bytes of them are made for all tokens in each call; products then read each
// group alone, and sum the scores, or join the results.
//
// So products read codes, whose values as f32 their kernels make as they load them (findCodesOfFloats), and no
// dequantized cache is written anywhere. What lies between concat and product moves codes and scales alike. Rows of old
// tokens are copied as they are: rounding happens once.
#include "lutra/Dialect/Lutra/Transforms/CacheQuantizer.h"

#include "GroupCodes.h"
#include "ScalarConstant.h"

#include "lutra/Dialect/Lutra/IR/PublicName.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace lutra;

/// Elements of a row of few bits that share a scale, if they divide it.
static constexpr int64_t fewBitsGroup = 32;
static constexpr StringLiteral scaleSuffix = ".scale", zeroPointSuffix = ".zero_point";

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// The scalar that `op` multiplies `value` with, or null.
static Value findFactor(BinaryOp op, Value value) {
  if (op.getKind() != BinaryKind::Mul || op.getType() != value.getType() || op.getLhs() == op.getRhs())
    return {};
  Value factor = op.getLhs() == value ? op.getRhs() : op.getLhs();
  DenseElementsAttr known;
  return matchPattern(factor, m_Constant(&known)) && known.getNumElements() == 1 && typeOf(factor).getRank() == 0
             ? factor
             : Value();
}

/// Where the rows of `value`, along dimension `row`, lie after `op`; nothing where it cuts or turns them otherwise.
static std::optional<int64_t> moveRow(Operation *op, Value value, int64_t row) {
  RankedTensorType from = typeOf(value), to = typeOf(op->getResult(0));
  int64_t last = from.getRank() - 1;
  if (auto transpose = dyn_cast<TransposeOp>(op))
    return llvm::find(transpose.getPermutation(), row) - transpose.getPermutation().begin();
  if (isa<ReshapeOp>(op) && row == last && to.getRank() > 0 && to.getShape().back() == from.getShape().back())
    return to.getRank() - 1;
  int64_t moved = row + to.getRank() - from.getRank();
  if (isa<ExpandOp>(op) && to.getDimSize(moved) == from.getDimSize(row))
    return moved;
  if (auto binary = dyn_cast<BinaryOp>(op))
    return findFactor(binary, value) ? std::optional(row) : std::nullopt;
  return std::nullopt;
}

/// Follows what is computed from a cache to products; empty, or what is in the way.
static std::string followUses(Value present, int64_t &products) {
  SmallVector<std::pair<Value, int64_t>> worklist{{present, typeOf(present).getRank() - 1}};
  while (!worklist.empty()) {
    auto [value, row] = worklist.pop_back_val();
    for (OpOperand &use : value.getUses()) {
      Operation *user = use.getOwner();
      if (isa<tensor::DimOp>(user) || (isa<func::ReturnOp>(user) && value == present))
        continue;
      if (auto matmul = dyn_cast<MatmulOp>(user)) {
        if (use.getOperandNumber() != 1 || matmul.getScale() || matmul.getStrategyAttr())
          return "is read on the left of a product; those on the right alone read codes";
        if (row < typeOf(value).getRank() - 2)
          return "is read by a product whose matrices lie across its rows";
        ++products;
        continue;
      }
      std::optional<int64_t> moved = user->getNumResults() == 1 ? moveRow(user, value, row) : std::nullopt;
      if (!moved)
        return llvm::formatv("is read by {0}, but codes reach products behind movement of whole rows alone",
                             user->getName().getStringRef());
      worklist.push_back({user->getResult(0), *moved});
    }
  }
  return "";
}

void CacheQuantizer::plan() {
  main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.isExternal())
    return;
  for (BlockArgument argument : main.getArguments())
    if (isa<RankedTensorType>(argument.getType()))
      classify(argument);
}

/// A name of what the cache gets beside codes that an input or output has already; empty: none has.
static std::string findTaken(func::FuncOp main, const KeyValueCache &cache) {
  auto isOwn = [&](StringRef other, StringRef name) {
    return other.consume_front(name) && (other == scaleSuffix || (cache.hasZeroPoints && other == zeroPointSuffix));
  };
  for (unsigned index = 0; index < main.getNumArguments(); ++index)
    if (std::string other = publicNameOf(main.getArgAttrDict(index), "input", index); isOwn(other, cache.name))
      return other;
  for (unsigned index = 0; index < main.getNumResults(); ++index)
    if (std::string other = publicNameOf(main.getResultAttrDict(index), "output", index);
        isOwn(other, cache.presentName))
      return other;
  return "";
}

/// The dimension of tokens.
static int64_t tokenAxis(Operation *present) {
  if (auto concat = dyn_cast<ConcatOp>(present))
    return concat.getAxis();
  return typeOf(cast<ScatterNdOp>(present).getIndices()).getShape().back() - 1; // the last of a tuple
}

/// What keeps `present` from having codes as it has rows; empty: nothing.
static std::string checkPresent(Operation *present) {
  auto type = typeOf(present->getResult(0));
  int64_t last = type.getRank() - 1;
  auto scatter = dyn_cast<ScatterNdOp>(present);
  if (isa<ScatterElementsOp>(present) || (scatter && tokenAxis(present) == last))
    return "is written element by element, where codes of a row share a scale; write rows, with ONNX TensorScatter or "
           "ScatterND";
  if (scatter && scatter.getKind() != ScatterKind::Set)
    return "has rows that are combined with new ones; those that are replaced alone get codes";
  if (tokenAxis(present) == last)
    return "holds tokens along its last dimension, across which no row has a scale";
  return "";
}

void CacheQuantizer::classify(BlockArgument argument) {
  auto type = typeOf(argument);
  Operation *present = nullptr;
  for (OpOperand &use : argument.getUses())
    if (isa<ConcatOp, ScatterNdOp, ScatterElementsOp>(use.getOwner()) && use.getOperandNumber() == 0)
      present = use.getOwner();
  Operation *end = main.getBody().front().getTerminator();
  auto returned = present ? llvm::find(end->getOperands(), present->getResult(0)) : end->getOperands().end();
  if (!present || returned == end->getOperands().end())
    return; // no cache
  KeyValueCache cache;
  cache.past = argument;
  cache.present = present;
  cache.hasZeroPoints = zeroPoints;
  int64_t last = type.getRank() - 1;
  auto result = static_cast<int64_t>(returned - end->getOperands().begin());
  cache.name = publicNameOf(main.getArgAttrDict(argument.getArgNumber()), "input", argument.getArgNumber());
  cache.presentName = publicNameOf(main.getResultAttrDict(result), "output", result);
  auto isKnown = [&](Operation *user) { return user == present || isa<tensor::DimOp>(user); };
  std::string why;
  if (!type.getElementType().isF32())
    why = llvm::formatv("has elements of {0}; those of f32 alone get codes", type.getElementType());
  else if (type.isDynamicDim(last) || type.getShape().back() < 1)
    why = "has rows of unknown length";
  else if (bits == 4 && type.getShape().back() % 2 != 0)
    why = "has rows of an odd length, which do not fill bytes with two codes each; take int8";
  else if (std::string obstacle = checkPresent(present); !obstacle.empty())
    why = obstacle;
  else if (llvm::count(end->getOperands(), present->getResult(0)) > 1 ||
           llvm::count(present->getOperands(), argument) > 1)
    why = "is appended or returned twice";
  else if (!llvm::all_of(argument.getUsers(), isKnown))
    why = "is read without the new rows, too";
  else if (std::string taken = findTaken(main, cache); !taken.empty())
    why = llvm::formatv("would get {1} named '{0}', as something else is named; rename that", taken,
                        StringRef(taken).ends_with(scaleSuffix) ? "scales" : "zero points");
  else
    why = followUses(present->getResult(0), cache.products);
  if (why.empty() && cache.products == 0)
    why = "is read by no product";
  if (!why.empty()) {
    kept.push_back({cache.name, why, present->getLoc()});
    return;
  }
  cache.result = static_cast<unsigned>(result);
  cache.width = type.getShape().back();
  cache.bits = bits;
  cache.group = bits == 4 && cache.width % fewBitsGroup == 0 ? fewBitsGroup : cache.width;
  cache.rows = 1;
  for (int64_t dim = 0; dim < last; ++dim)
    if (dim != tokenAxis(present) && !type.isDynamicDim(dim))
      cache.rows *= type.getDimSize(dim);
  caches.push_back(std::move(cache));
}

/// `type` with `count` of `element` for each row.
static RankedTensorType withPerRow(RankedTensorType type, int64_t row, Type element, int64_t count = 1) {
  SmallVector<int64_t> shape(type.getShape());
  shape[row] = count;
  return RankedTensorType::get(shape, element);
}

namespace {
/// What stands for rows: codes, and scales and zero points (or null) whose dimension `row` is 1, or as many as groups.
struct CodedRows {
  Value codes, scale, zeroPoint;
  int64_t row;
  int64_t groups() const { return typeOf(scale).getDimSize(row); }
};
} // namespace

/// The matrices of `value`, which have one row or one column, turned.
static Value turnVectors(OpBuilder &builder, Location loc, Value value) {
  RankedTensorType type = typeOf(value);
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  SmallVector<int64_t> shape;
  SmallVector<Value> sizes;
  for (int64_t from : order) {
    shape.push_back(type.getDimSize(from));
    if (type.isDynamicDim(from))
      sizes.push_back(tensor::DimOp::create(builder, loc, value, from));
  }
  return ReshapeOp::create(builder, loc, type.clone(shape), value, sizes);
}

/// Sums along one of the last two dimensions, as a column.
static Value sumToColumn(OpBuilder &builder, Location loc, Value value, int64_t axis) {
  RankedTensorType type = typeOf(value);
  Value sum = ReduceOp::create(builder, loc, withPerRow(type, axis, type.getElementType()), ReduceKind::Sum, value,
                               ArrayRef<int64_t>{axis});
  return axis == type.getRank() - 1 ? sum : turnVectors(builder, loc, sum);
}

/// A part of one dimension.
static Value takePart(OpBuilder &builder, Location loc, Value value, int64_t dim, int64_t begin, int64_t count) {
  RankedTensorType type = typeOf(value);
  SmallVector<int64_t> offsets(type.getRank(), 0), steps(type.getRank(), 1);
  offsets[dim] = begin;
  SmallVector<Value> sizes;
  for (int64_t other = 0; other < type.getRank(); ++other)
    if (type.isDynamicDim(other))
      sizes.push_back(tensor::DimOp::create(builder, loc, value, other));
  return SliceOp::create(builder, loc, withPerRow(type, dim, type.getElementType(), count), value, ValueRange(), sizes,
                         offsets, steps);
}

/// Whether a product sums over tokens, and not over what rows hold.
static bool sumsOverTokens(MatmulOp op, int64_t row) {
  int64_t rank = typeOf(op.getRhs()).getRank();
  return (op.getTransposeRhs() ? rank - 1 : rank - 2) != row;
}

/// The product of `left` with codes, one group of each row.
static Value multiplyGroup(OpBuilder &builder, MatmulOp op, Value left, RankedTensorType resultType, Value codes,
                           bool isTurned, const CodedRows &rows) {
  Location loc = op.getLoc();
  int64_t rank = typeOf(codes).getRank();
  bool sumsTokens = sumsOverTokens(op, rows.row);
  // One scale for each token, [.., 1, T], or [.., T, 1] where it multiplies an operand that is transposed.
  Value scale = rows.scale, zeroPoint = rows.zeroPoint;
  bool isColumn = rows.row == rank - 1, wantsColumn = sumsTokens && op.getTransposeLhs();
  if (isColumn != wantsColumn) {
    scale = turnVectors(builder, loc, scale);
    zeroPoint = zeroPoint ? turnVectors(builder, loc, zeroPoint) : Value();
  }
  if (zeroPoint) // bytes until here, so that the kernel that reads them casts
    zeroPoint = CastOp::create(builder, loc, typeOf(zeroPoint).clone(builder.getF32Type()), zeroPoint);
  Value values = CastOp::create(builder, loc, typeOf(codes).clone(builder.getF32Type()), codes);
  if (sumsTokens) {
    auto scaled = typeOf(left);
    left = BinaryOp::create(builder, loc, scaled, BinaryKind::Mul, left, scale);
  }
  Value product = MatmulOp::create(builder, loc, resultType, left, values, op.getTransposeLhs(), isTurned,
                                   StrategyAttr());
  if (zeroPoint) {
    int64_t depth = op.getTransposeLhs() ? rank - 2 : rank - 1; // the dimension of `left` that is summed
    Value excess;
    if (sumsTokens) {
      excess = BinaryOp::create(builder, loc, left.getType(), BinaryKind::Mul, left, zeroPoint);
      excess = sumToColumn(builder, loc, excess, depth);
    } else {
      excess = sumToColumn(builder, loc, left, depth);
      excess = BinaryOp::create(builder, loc, resultType, BinaryKind::Mul, excess, zeroPoint);
    }
    product = BinaryOp::create(builder, loc, resultType, BinaryKind::Sub, product, excess);
  }
  if (!sumsTokens)
    product = BinaryOp::create(builder, loc, resultType, BinaryKind::Mul, product, scale);
  return product;
}

/// Lets a product read codes.
static void multiplyCodes(MatmulOp op, const CodedRows &rows) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  Value codes = rows.codes;
  bool isTurned = op.getTransposeRhs();
  int64_t rank = typeOf(codes).getRank(), row = rows.row; // of `codes`
  if (auto turn = codes.getDefiningOp<TransposeOp>()) { // which a product's flag says as well
    SmallVector<int64_t> swapped = llvm::to_vector(llvm::seq<int64_t>(0, rank));
    std::swap(swapped[rank - 1], swapped[rank - 2]);
    if (ArrayRef<int64_t>(turn.getPermutation()) == ArrayRef<int64_t>(swapped)) {
      codes = turn.getInput();
      isTurned = !isTurned;
      row = swapped[row];
    }
  }
  int64_t groups = rows.groups(), size = typeOf(codes).getDimSize(row) / groups;
  RankedTensorType type = typeOf(op.getResult());
  int64_t depth = typeOf(op.getLhs()).getRank() - (op.getTransposeLhs() ? 2 : 1);
  Value result;
  SmallVector<Value> parts;
  for (int64_t group = 0; group < groups; ++group) {
    auto part = [&](Value value, int64_t dim, int64_t count) {
      return groups == 1 || !value ? value : takePart(builder, loc, value, dim, group * count, count);
    };
    CodedRows own{part(codes, row, size), part(rows.scale, rows.row, 1), part(rows.zeroPoint, rows.row, 1), rows.row};
    if (sumsOverTokens(op, rows.row)) {
      auto columns = withPerRow(type, type.getRank() - 1, type.getElementType(), size);
      parts.push_back(multiplyGroup(builder, op, op.getLhs(), groups == 1 ? type : columns, own.codes, isTurned, own));
      continue;
    }
    Value product = multiplyGroup(builder, op, part(op.getLhs(), depth, size), type, own.codes, isTurned, own);
    result = result ? BinaryOp::create(builder, loc, type, BinaryKind::Add, result, product).getResult() : product;
  }
  if (!parts.empty())
    result = groups == 1 ? parts.front()
                         : ConcatOp::create(builder, loc, type, parts, type.getRank() - 1).getResult();
  op.getResult().replaceAllUsesWith(result);
  op.erase();
}

/// Codes and scales after `op`, which moves `value` or multiplies it with a scalar.
static CodedRows moveCodes(Operation *op, Value value, const CodedRows &rows) {
  OpBuilder builder(op);
  Location loc = op->getLoc();
  CodedRows moved = rows;
  moved.row = *moveRow(op, value, rows.row);
  auto codeType = typeOf(op->getResult(0)).clone(builder.getI8Type());
  RankedTensorType scaleType = withPerRow(codeType, moved.row, builder.getF32Type(), rows.groups());
  if (auto binary = dyn_cast<BinaryOp>(op)) {
    moved.scale = BinaryOp::create(builder, loc, scaleType, BinaryKind::Mul, rows.scale, findFactor(binary, value));
    return moved;
  }
  auto move = [&](Value from, RankedTensorType to) -> Value {
    if (auto transpose = dyn_cast<TransposeOp>(op))
      return TransposeOp::create(builder, loc, to, from, transpose.getPermutation());
    if (auto reshape = dyn_cast<ReshapeOp>(op))
      return ReshapeOp::create(builder, loc, to, from, reshape.getSizes());
    return ExpandOp::create(builder, loc, to, from, cast<ExpandOp>(op).getSizes());
  };
  moved.codes = move(rows.codes, codeType);
  moved.scale = move(rows.scale, scaleType);
  if (rows.zeroPoint)
    moved.zeroPoint = move(rows.zeroPoint, scaleType.clone(builder.getI8Type()));
  return moved;
}

/// Does to codes and scales what is done to `present`, as far as products.
static void moveCodes(Value present, const CodedRows &rows) {
  SmallVector<std::pair<Value, CodedRows>> worklist{{present, rows}};
  SmallVector<Operation *> dead; // users after what they use
  while (!worklist.empty()) {
    auto [value, own] = worklist.pop_back_val();
    for (OpOperand &use : llvm::make_early_inc_range(value.getUses())) {
      Operation *user = use.getOwner();
      if (isa<tensor::DimOp>(user)) {
        use.set(own.codes);
      } else if (auto matmul = dyn_cast<MatmulOp>(user)) {
        multiplyCodes(matmul, own);
      } else if (!isa<func::ReturnOp>(user)) { // whose operand the caller sets
        worklist.push_back({user->getResult(0), moveCodes(user, value, own)});
        dead.push_back(user);
      }
    }
  }
  for (Operation *op : llvm::reverse(dead))
    op->erase();
}

/// The attributes of an argument or result for its scales or zero points.
static DictionaryAttr sideAttributes(DictionaryAttr attributes, const Twine &name) {
  Builder builder(attributes.getContext());
  NamedAttrList list(attributes);
  list.set("lutra.name", builder.getStringAttr(name));
  if (auto names = dyn_cast_if_present<ArrayAttr>(list.get("lutra.dim_names"))) {
    SmallVector<Attribute> changed(names.getValue());
    changed.back() = builder.getStringAttr("");
    list.set("lutra.dim_names", builder.getArrayAttr(changed));
  }
  return list.getDictionary(attributes.getContext());
}

/// Codes of rows, with a scale (and a zero point) for each group.
static DynamicQuantizeOp createCodes(OpBuilder &builder, Value rows, const KeyValueCache &cache) {
  return roundGroups(builder, rows, builder.getI8Type(), cache.group, cache.bits, cache.hasZeroPoints);
}

static Value combine(OpBuilder &builder, Location loc, BinaryKind kind, Value lhs, Value rhs) {
  return BinaryOp::create(builder, loc, lhs.getType(), kind, lhs, rhs);
}

static Value combine(OpBuilder &builder, Location loc, BinaryKind kind, Value lhs, int64_t rhs) {
  return combine(builder, loc, kind, lhs, makeScalar(builder, loc, builder.getI8Type(), static_cast<double>(rhs)));
}

/// Codes as they are stored: of 4 bits the first half of a row lies below the second, in two's complement.
static Value packRows(OpBuilder &builder, Value codes, const KeyValueCache &cache) {
  if (cache.bits == 8)
    return codes;
  Location loc = codes.getLoc();
  int64_t row = typeOf(codes).getRank() - 1, half = cache.width / 2;
  Value low = combine(builder, loc, BinaryKind::And, takePart(builder, loc, codes, row, 0, half), 15);
  Value high = combine(builder, loc, BinaryKind::Mul, takePart(builder, loc, codes, row, half, half), 16);
  return combine(builder, loc, BinaryKind::Add, high, low);
}

/// The codes of stored rows.
static Value unpackRows(OpBuilder &builder, Value stored, const KeyValueCache &cache) {
  if (cache.bits == 8)
    return stored;
  constexpr int64_t sign = 8;
  Location loc = stored.getLoc();
  int64_t row = typeOf(stored).getRank() - 1;
  Value halves[] = {combine(builder, loc, BinaryKind::And, stored, 15),
                    combine(builder, loc, BinaryKind::ShiftRight, stored, 4)};
  for (Value &half : halves) // 8 to 15 are negative
    half = combine(builder, loc, BinaryKind::Sub, combine(builder, loc, BinaryKind::Xor, half, sign), sign);
  auto type = withPerRow(typeOf(stored), row, builder.getI8Type(), cache.width);
  return ConcatOp::create(builder, loc, type, ValueRange(halves), row);
}

void CacheQuantizer::rewrite(KeyValueCache &cache) {
  MLIRContext *context = module.getContext();
  OpBuilder builder(cache.present);
  Location loc = cache.present->getLoc();
  Value present = cache.present->getResult(0);
  auto type = typeOf(cache.past);
  int64_t row = type.getRank() - 1;
  Type byte = builder.getI8Type(), single = builder.getF32Type();
  unsigned number = cache.past.getArgNumber();
  auto withDefault = [&](DictionaryAttr known) { return known ? known : DictionaryAttr::get(context); };
  DictionaryAttr attributes = withDefault(main.getArgAttrDict(number));
  auto addArgument = [&](Type element, StringRef suffix) -> Value {
    unsigned last = main.getNumArguments();
    (void)main.insertArgument(last, withPerRow(type, row, element, cache.groups()),
                              sideAttributes(attributes, cache.name + suffix), loc);
    return main.getArgument(last);
  };
  SmallVector<Value> codes{cache.past}, scales{addArgument(single, scaleSuffix)}, zeroPoints;
  if (cache.hasZeroPoints)
    zeroPoints.push_back(addArgument(byte, zeroPointSuffix));
  cache.past.setType(withPerRow(type, row, byte, cache.codeBytes()));
  main.setArgAttr(number, "lutra.name", builder.getStringAttr(cache.name));

  auto scatter = dyn_cast<ScatterNdOp>(cache.present);
  SmallVector<Value> added = scatter ? SmallVector<Value>{scatter.getUpdates()}
                                     : llvm::to_vector(cast<ConcatOp>(cache.present).getInputs().drop_front());
  for (Value input : added) {
    auto made = createCodes(builder, input, cache);
    codes.push_back(packRows(builder, made.getCodes(), cache));
    scales.push_back(made.getScale());
    if (cache.hasZeroPoints)
      zeroPoints.push_back(made.getZeroPoint());
  }
  auto join = [&](ValueRange parts, RankedTensorType to) -> Value {
    if (scatter)
      return ScatterNdOp::create(builder, loc, to, parts[0], scatter.getIndices(), parts[1], ScatterKind::Set);
    return ConcatOp::create(builder, loc, to, parts, tokenAxis(cache.present));
  };
  RankedTensorType presentType = typeOf(present);
  int64_t groups = cache.groups();
  Value stored = join(codes, withPerRow(presentType, row, byte, cache.codeBytes()));
  CodedRows rows{unpackRows(builder, stored, cache), join(scales, withPerRow(presentType, row, single, groups)),
                 cache.hasZeroPoints ? join(zeroPoints, withPerRow(presentType, row, byte, groups)) : Value(), row};
  moveCodes(present, rows);

  Operation *end = main.getBody().front().getTerminator();
  auto place = llvm::find(end->getOperands(), present);
  auto index = static_cast<unsigned>(place - end->getOperands().begin());
  DictionaryAttr resultAttributes = withDefault(main.getResultAttrDict(index));
  end->setOperand(index, stored);
  auto addResult = [&](Value value, StringRef suffix) {
    end->insertOperands(end->getNumOperands(), value);
    (void)main.insertResult(main.getNumResults(), value.getType(),
                            sideAttributes(resultAttributes, cache.presentName + suffix));
  };
  addResult(rows.scale, scaleSuffix);
  if (rows.zeroPoint)
    addResult(rows.zeroPoint, zeroPointSuffix);
  main.setResultAttr(index, "lutra.name", builder.getStringAttr(cache.presentName));
  main.setFunctionType(FunctionType::get(context, llvm::to_vector(main.getBody().front().getArgumentTypes()),
                                         llvm::to_vector(end->getOperandTypes())));
  cache.present->erase();
}

std::vector<GlobalOp> CacheQuantizer::round(bool switches) {
  std::vector<GlobalOp> globals;
  SymbolTable symbols(module);
  for (KeyValueCache &cache : caches) {
    OpBuilder builder(cache.present);
    builder.setInsertionPointAfter(cache.present);
    Location loc = cache.present->getLoc();
    Value rows = cache.present->getResult(0);
    auto type = typeOf(rows);
    int64_t row = type.getRank() - 1;
    auto made = createCodes(builder, rows, cache);
    Value rounded = DequantizeOp::create(builder, loc, type, made.getCodes(), made.getScale(), made.getZeroPoint(), row,
                                         cache.group);
    if (switches) {
      auto truth = RankedTensorType::get({}, builder.getI1Type());
      OpBuilder front = OpBuilder::atBlockBegin(module.getBody());
      auto own = GlobalOp::create(front, loc, "cache_rounds", truth, DenseElementsAttr::get(truth, false));
      symbols.insert(own); // gives it a free name
      globals.push_back(own);
      Value isOn = WeightOp::create(builder, loc, truth, own.getSymName());
      rounded = SelectOp::create(builder, loc, type, isOn, rounded, rows);
    }
    rows.replaceUsesWithIf(rounded, [&](OpOperand &use) {
      return use.getOwner() != made && !isa<tensor::DimOp>(use.getOwner()) && use.getOwner() != rounded.getDefiningOp();
    });
  }
  return globals;
}

LogicalResult CacheQuantizer::check() {
  if (!caches.empty())
    return success();
  SmallVector<std::string> reasons;
  for (const KeptCache &one : kept)
    reasons.push_back(llvm::formatv("'{0}' {1}", one.name, one.reason));
  return emitCodedError(module.getLoc(), ErrorCode::Attribute)
         << "--quantize asks for kv=" << asked
         << ", but no input is a cache: an f32 tensor to which one concat appends new "
            "rows, or into which one scatter_nd writes them, whose result is returned and read by products; "
         << (reasons.empty() ? std::string("leave it out") : llvm::join(reasons, "; "));
}

LogicalResult CacheQuantizer::apply() {
  auto opts = remark::RemarkOpts::name("QuantizeCaches").category(category);
  for (const KeptCache &one : kept)
    remark::missed(one.loc, opts) << remark::metric("Cache", one.name) << remark::reason("{0}", one.reason);
  if (failed(check()))
    return failure();
  for (KeyValueCache &cache : caches) {
    remark::passed(cache.present->getLoc(), opts)
        << remark::metric("Cache", cache.name) << remark::metric("BytesPerToken", cache.bytesAfter());
    rewrite(cache);
  }
  return success();
}
