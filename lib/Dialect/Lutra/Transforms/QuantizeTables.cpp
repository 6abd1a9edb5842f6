//===- QuantizeTables.cpp - tables whose rows are looked up, in few bits -----===//
// Rows of bytes have a scale each. Codes of 4 bits have one for each group of 32 elements, and a zero point, or stand
// for values of nf4 and have one for each group of 64; a byte holds element i of its row below and element
// i + columns / 2 above, so that rows are unpacked without moving single elements.
#include "lutra/Dialect/Lutra/Transforms/WeightQuantizer.h"

#include "ScalarConstant.h"
#include "WeightData.h"

#include "lutra/Support/ErrorCodes.h"
#include "lutra/Support/SideValues.h"

#include "mlir/IR/Remarks.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

using namespace mlir;
using namespace lutra;

static constexpr unsigned byteBits = 8;

int64_t QuantizedTable::bytes() const {
  if (bits == byteBits)
    return rows * (columns + static_cast<int64_t>(sizeof(float)));
  return rows * (columns / 2 + llvm::divideCeil(columns, group()) * ((wideScales ? 4 : 2) + (isNormal ? 0 : 1)));
}

StringRef QuantizedTable::format() const {
  return bits == byteBits ? "int8:channel:sym" : isNormal ? "nf4:g64" : "int4:g32:asym";
}

void WeightQuantizer::classify(GatherOp op) {
  GlobalOp global = store->getGlobal(op.getInput());
  auto type = cast<RankedTensorType>(op.getInput().getType());
  if (!global || op.getAxis() != 0 || type.getRank() != 2 || type.getEncoding() ||
      !WeightBytes::hasReals(type.getElementType()))
    return;
  const QuantizeSpec::Rule *rule = findRule(global.getSymName(), nameOf(op));
  bool isExcluded = rule && rule->named && rule->keeps();
  if (isExcluded || type.getDimSize(0) < leastDepth || type.getDimSize(1) == 0 || !WeightStore::read(global))
    return;
  auto known = llvm::find_if(tables, [&](const QuantizedTable &one) { return one.table == global; });
  if (known == tables.end()) {
    unsigned bits = type.getDimSize(1) % 2 == 0 ? asked.embeddings : byteBits; // two codes lie in one byte
    bool isNormal = bits < byteBits && asked.normalEmbeddings;
    tables.push_back({global, {}, type.getDimSize(0), type.getDimSize(1), bits, isNormal});
    known = std::prev(tables.end());
  }
  known->gathers.push_back(op);
}

/// Few bits of a table beside which another takes nearly all the bytes save nothing, but every lookup pays for them:
/// of all-MiniLM-L6-v2 512 rows of positions in 4 bits lose a quarter as much as 30522 of words, and are a sixtieth.
void WeightQuantizer::widenSmallTables() {
  constexpr int64_t share = 16;
  int64_t most = 0;
  for (const QuantizedTable &table : tables)
    most = std::max(most, table.rows * table.columns);
  for (QuantizedTable &table : tables)
    if (table.rows * table.columns < most / share) {
      table.bits = byteBits;
      table.isNormal = false;
    }
}

static LogicalResult failNotFinite(GlobalOp table) {
  return emitCodedError(table.getLoc(), ErrorCode::Attribute)
         << "table @" << table.getSymName() << " has elements that are not finite, for which there is no "
         << "scale; mend it or leave it out with exclude=" << table.getSymName();
}

/// Rows of another table in the places of a lookup.
static Value lookUp(GatherOp gather, GlobalOp table) {
  OpBuilder builder(gather);
  auto type = cast<RankedTensorType>(table.getType());
  SmallVector<int64_t> shape(cast<RankedTensorType>(gather.getType()).getShape());
  shape.back() = type.getDimSize(1);
  Value read = WeightOp::create(builder, gather.getLoc(), type, table.getSymName());
  return GatherOp::create(builder, gather.getLoc(), type.clone(shape), read, gather.getIndices(), 0);
}

/// Puts a value of f32 in the place of a lookup, whose type may be narrower.
static void replaceLookup(GatherOp gather, Value value) {
  if (value.getType() != gather.getType()) {
    OpBuilder builder(gather);
    value = CastOp::create(builder, gather.getLoc(), gather.getType(), value);
  }
  gather.getResult().replaceAllUsesWith(value);
  Operation *before = gather.getInput().getDefiningOp();
  gather.erase();
  if (before->use_empty())
    before->erase();
}

LogicalResult WeightQuantizer::storeBytes(QuantizedTable &table) {
  constexpr float reach = 127;
  MLIRContext *context = module.getContext();
  WeightBytes bytes = *WeightStore::read(table.table);
  Type element = cast<RankedTensorType>(table.table.getType()).getElementType();
  AsmResourceBlob codes = WeightStore::allocate(table.rows * table.columns);
  AsmResourceBlob scales = WeightStore::allocate(table.rows * static_cast<int64_t>(sizeof(float)));
  char *codeData = codes.getMutableData().data(), *scaleData = scales.getMutableData().data();
  std::vector<char> isFinite(table.rows, 1);
  parallel(table.rows, [&](size_t row) {
    std::vector<float> values(table.columns);
    float extreme = 0;
    bytes.reals(element, row * table.columns, /*stride=*/1, values);
    for (int64_t i = 0; i < table.columns; ++i) {
      isFinite[row] &= std::isfinite(values[i]);
      extreme = std::max(extreme, std::fabs(values[i]));
    }
    float scale = std::max(extreme / reach, std::numeric_limits<float>::min());
    for (int64_t i = 0; i < table.columns && isFinite[row]; ++i)
      codeData[row * table.columns + i] =
          static_cast<char>(std::clamp(std::nearbyint(values[i] / scale), -reach, reach));
    std::memcpy(scaleData + row * sizeof(float), &scale, sizeof(float));
  });
  if (!llvm::all_of(isFinite, [](char one) { return one; }))
    return failNotFinite(table.table);
  Type real = Float32Type::get(context), byte = IntegerType::get(context, byteBits);
  StringRef name = table.table.getSymName();
  Location loc = table.table.getLoc();
  GlobalOp codeGlobal = store->add(loc, (name + ".quantized").str(),
                                   RankedTensorType::get({table.rows, table.columns}, byte), std::move(codes));
  GlobalOp scaleGlobal =
      store->add(loc, (name + ".scales").str(), RankedTensorType::get({table.rows, 1}, real), std::move(scales));
  for (GatherOp gather : table.gathers) {
    OpBuilder builder(gather);
    RankedTensorType type = cast<RankedTensorType>(gather.getType()).clone(real);
    Value code = CastOp::create(builder, gather.getLoc(), type, lookUp(gather, codeGlobal));
    Value scale = lookUp(gather, scaleGlobal);
    replaceLookup(gather, BinaryOp::create(builder, gather.getLoc(), type, BinaryKind::Mul, code, scale));
  }
  return success();
}

/// The values of nf4 that one half of each byte stands for.
static Value makeNormalValues(OpBuilder &builder, Location loc, ArrayRef<double> values, unsigned shift) {
  SmallVector<float> table;
  for (unsigned byte = 0; byte < 256; ++byte)
    table.push_back(static_cast<float>(values[byte >> shift & 15]));
  auto type = RankedTensorType::get({256}, builder.getF32Type());
  return ConstantOp::create(builder, loc, type, DenseElementsAttr::get(type, ArrayRef(table)));
}

/// One scale for each element of rows from one for each group.
static Value repeatScales(OpBuilder &builder, Location loc, Value scale, RankedTensorType type, int64_t group) {
  SmallVector<int32_t> groups;
  for (int64_t column = 0; column < type.getShape().back(); ++column)
    groups.push_back(static_cast<int32_t>(column / group));
  auto indexType = RankedTensorType::get({type.getShape().back()}, builder.getI32Type());
  Value indices = ConstantOp::create(builder, loc, indexType, DenseElementsAttr::get(indexType, ArrayRef(groups)));
  return GatherOp::create(builder, loc, type, scale, indices, /*axis=*/type.getRank() - 1);
}

LogicalResult WeightQuantizer::storeNibbles(QuantizedTable &table) {
  MLIRContext *context = module.getContext();
  WeightBytes bytes = *WeightStore::read(table.table);
  Type element = cast<RankedTensorType>(table.table.getType()).getElementType();
  auto read = [&](int64_t row, MutableArrayRef<float> values) {
    bytes.reals(element, row * table.columns, /*stride=*/1, values.take_front(table.columns));
  };
  WeightForm form = *WeightForm::of(table.isNormal ? "nf4" : "int4");
  form.group = table.group();
  QuantizedMatrix matrix;
  QuantizeNotes notes;
  auto spread = [&](size_t count, llvm::function_ref<void(size_t)> body) { parallel(count, body); };
  if (quantizeMatrix({table.rows, table.columns, read}, form, nullptr, {}, spread, matrix, notes) ==
      QuantizeFault::NotFinite)
    return failNotFinite(table.table);
  table.wideScales = matrix.form.scale == SideType::F32; // f16 does not hold them
  int64_t half = table.columns / 2, width = table.wideScales ? 4 : 2, groups = matrix.groups;
  SideType side{matrix.form.scale, static_cast<unsigned>(byteBits * width)};
  AsmResourceBlob codes = WeightStore::allocate(table.rows * half);
  AsmResourceBlob scales = WeightStore::allocate(table.rows * groups * width);
  AsmResourceBlob zeros = WeightStore::allocate(table.rows * groups);
  parallel(table.rows, [&](size_t row) {
    const uint8_t *own = &matrix.codes[row * table.columns];
    for (int64_t i = 0; i < half; ++i)
      codes.getMutableData()[row * half + i] = static_cast<char>(own[i] | own[half + i] << 4);
    for (int64_t group = 0; group < groups; ++group) {
      uint32_t scale = encodeSide(side, matrix.sides[row * groups + group].scale); // whose first byte is the least
      std::memcpy(&scales.getMutableData()[(row * groups + group) * width], &scale, width);
      zeros.getMutableData()[row * groups + group] = static_cast<char>(matrix.sides[row * groups + group].zero);
    }
  });
  Type real = Float32Type::get(context), stored = table.wideScales ? real : Type(Float16Type::get(context));
  Type byte = IntegerType::get(context, byteBits, IntegerType::Unsigned), code = IntegerType::get(context, byteBits);
  StringRef name = table.table.getSymName();
  Location loc = table.table.getLoc();
  GlobalOp codeGlobal =
      store->add(loc, (name + ".quantized").str(), RankedTensorType::get({table.rows, half}, byte), std::move(codes));
  GlobalOp scaleGlobal = store->add(loc, (name + ".scales").str(), RankedTensorType::get({table.rows, groups}, stored),
                                    std::move(scales));
  GlobalOp zeroGlobal;
  if (!table.isNormal)
    zeroGlobal =
        store->add(loc, (name + ".zeros").str(), RankedTensorType::get({table.rows, groups}, code), std::move(zeros));
  const std::vector<double> values = form.encoding().terms.front().formats.front().value.values; // of nf4
  for (GatherOp gather : table.gathers) {
    OpBuilder builder(gather);
    Location at = gather.getLoc();
    RankedTensorType type = cast<RankedTensorType>(gather.getType()).clone(real);
    Value pairs = lookUp(gather, codeGlobal), scale = lookUp(gather, scaleGlobal);
    auto widen = [&](Value value) -> Value {
      auto wide = cast<RankedTensorType>(value.getType()).clone(real);
      return table.wideScales ? value : CastOp::create(builder, at, wide, value);
    };
    if (table.isNormal) {
      auto half = cast<RankedTensorType>(pairs.getType()).clone(real);
      SmallVector<Value> parts;
      for (unsigned shift : {0, 4})
        parts.push_back(GatherOp::create(builder, at, half, makeNormalValues(builder, at, values, shift), pairs, 0));
      Value all = ConcatOp::create(builder, at, type, parts, type.getRank() - 1);
      scale = repeatScales(builder, at, widen(scale), type, table.group());
      replaceLookup(gather, BinaryOp::create(builder, at, type, BinaryKind::Mul, all, scale));
      continue;
    }
    Value zero = lookUp(gather, zeroGlobal);
    auto take = [&](BinaryKind kind, double number) -> Value {
      return BinaryOp::create(builder, at, pairs.getType(), kind, pairs, makeScalar(builder, at, byte, number));
    };
    Value parts[] = {take(BinaryKind::And, 15), take(BinaryKind::ShiftRight, 4)};
    Value all = ConcatOp::create(builder, at, type.clone(byte), ValueRange(parts), type.getRank() - 1);
    all = CastOp::create(builder, at, type.clone(code), all);
    replaceLookup(gather, DequantizeOp::create(builder, at, type, all, widen(scale), zero,
                                               /*axis=*/type.getRank() - 1, table.group()));
  }
  return success();
}

LogicalResult WeightQuantizer::applyTables() {
  for (QuantizedTable &table : tables) {
    if (failed(table.bits == byteBits ? storeBytes(table) : storeNibbles(table)))
      return failure();
    table.gathers.clear();
    auto opts = remark::RemarkOpts::name("QuantizeWeights").category(category);
    remark::passed(table.table.getLoc(), opts)
        << remark::metric("Table", table.table.getSymName()) << remark::metric("Rows", table.rows)
        << remark::metric("Bits", table.bits);
    ++count;
  }
  return success();
}
