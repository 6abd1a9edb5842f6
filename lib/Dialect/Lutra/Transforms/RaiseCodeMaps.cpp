//===- RaiseCodeMaps.cpp - functions of one 8-bit code as tables ------------===//
// A code has 256 values, so whatever is computed from it alone and ends as a code again is a table of 256 bytes: one
// activation between two quantizations, or a whole chain of them, as exporters write GELU in five steps with codes in
// between. Ops are visited in their order; each value of which one tensor of codes decides every element keeps that
// tensor, its base, and what it is for each bit pattern of a code:
//
//   code of a base: itself     pointwise op: of its operands, which are scalars or have one base     quantize: a table
//
// Values are computed in double precision, as the evaluator does it (ScalarValues.h): the table is exact where a chain
// of f32 may land beside a tie.
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "ScalarMatch.h"

#include "lutra/Dialect/Lutra/IR/ScalarValues.h"

#include "llvm/ADT/TypeSwitch.h"

#include <array>

using namespace mlir;
using namespace lutra;

namespace lutra {
#define GEN_PASS_DEF_RAISECODEMAPS
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

static constexpr unsigned codeCount = 256;

namespace {
/// A value by the bit pattern of the code that decides it; without a base a scalar constant.
struct CodeMap {
  Value base;
  std::array<double, codeCount> values;
};

/// What codes decide in one function.
class CodeMaps {
public:
  void run(Operation *function);

private:
  const CodeMap *find(Value value);
  bool compute(Operation *op, CodeMap &map);
  void replace(QuantizeOp op, const CodeMap &map);

  DenseMap<Value, std::unique_ptr<CodeMap>> maps; // null: none
};

struct RaiseCodeMaps final : lutra::impl::RaiseCodeMapsBase<RaiseCodeMaps> {
  using Base::Base;
  void runOnOperation() override { CodeMaps().run(getOperation()); }
};
} // namespace

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

static bool isByte(Type type) { return type.isSignlessInteger(8) || type.isUnsignedInteger(8); }

static double codeOf(Type type, unsigned bits) {
  return type.isUnsignedInteger() ? static_cast<double>(bits) : static_cast<int8_t>(bits);
}

/// What is known of `value`, or null.
const CodeMap *CodeMaps::find(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getEncoding())
    return nullptr;
  auto [entry, isNew] = maps.try_emplace(value);
  if (!isNew)
    return entry->second.get();
  auto map = std::make_unique<CodeMap>();
  if (std::optional<double> scalar = scalarOf(value)) {
    map->values.fill(*scalar);
  } else if (isByte(type.getElementType())) {
    map->base = value;
    for (unsigned bits = 0; bits < codeCount; ++bits)
      map->values[bits] = codeOf(type.getElementType(), bits);
  } else {
    return nullptr;
  }
  return (entry->second = std::move(map)).get();
}

/// What `op` makes of its operands' maps, if these are of one base in the shape of the result.
bool CodeMaps::compute(Operation *op, CodeMap &map) {
  SmallVector<const CodeMap *> operands;
  for (Value operand : op->getOperands()) {
    const CodeMap *known = find(operand);
    if (!known || (known->base && map.base && known->base != map.base))
      return false;
    if (known->base && typeOf(operand).getShape() != typeOf(op->getResult(0)).getShape())
      return false;
    if (known->base)
      map.base = known->base;
    operands.push_back(known);
  }
  if (!map.base)
    return false;
  auto at = [&](unsigned operand, unsigned bits) { return operands[operand]->values[bits]; };
  auto fill = [&](llvm::function_ref<double(unsigned)> value) {
    for (unsigned bits = 0; bits < codeCount; ++bits)
      map.values[bits] = value(bits);
    return true;
  };
  auto isReal = [](Value value) { return typeOf(value).getElementType().isF32(); };
  bool isRealOp = llvm::all_of(op->getOperands(), isReal);
  return TypeSwitch<Operation *, bool>(op)
      .Case([&](UnaryOp unary) {
        return isRealOp && fill([&](unsigned bits) { return unaryValue(unary.getKind(), at(0, bits)); });
      })
      .Case([&](BinaryOp binary) {
        return isRealOp &&
               fill([&](unsigned bits) { return binaryValue(binary.getKind(), at(0, bits), at(1, bits)); });
      })
      .Case([&](CompareOp compare) {
        return isRealOp &&
               fill([&](unsigned bits) { return compareValue(compare.getKind(), at(0, bits), at(1, bits)); });
      })
      .Case([&](SelectOp select) {
        return isReal(select.getLhs()) &&
               fill([&](unsigned bits) { return at(0, bits) != 0 ? at(1, bits) : at(2, bits); });
      })
      .Case([&](DequantizeOp dequantize) {
        return isByte(typeOf(dequantize.getInput()).getElementType()) && isReal(dequantize.getResult()) &&
               fill([&](unsigned bits) {
                 double zero = dequantize.getZeroPoint() ? at(2, bits) : 0;
                 return (at(0, bits) - zero) * at(1, bits);
               });
      })
      .Case([&](QuantizeOp quantize) {
        auto type = dyn_cast<IntegerType>(typeOf(quantize.getResult()).getElementType());
        return type && isByte(type) && isReal(quantize.getInput()) && fill([&](unsigned bits) {
                 return quantizedValue(at(0, bits), at(1, bits), quantize.getZeroPoint() ? at(2, bits) : 0, type);
               });
      })
      .Default([](Operation *) { return false; });
}

/// A lookup in the place of `op`, or its base where each code stays as it is.
void CodeMaps::replace(QuantizeOp op, const CodeMap &map) {
  auto type = typeOf(op.getResult()), baseType = typeOf(map.base);
  SmallVector<char> table;
  bool isIdentity = type == baseType;
  for (unsigned bits = 0; bits < codeCount; ++bits) {
    table.push_back(static_cast<char>(static_cast<int>(map.values[bits])));
    isIdentity &= static_cast<uint8_t>(table.back()) == bits;
  }
  Value result = map.base;
  if (!isIdentity) {
    OpBuilder builder(op);
    auto tableType = RankedTensorType::get({codeCount}, type.getElementType());
    Value entries = ConstantOp::create(builder, op.getLoc(), tableType,
                                       DenseElementsAttr::getFromRawBuffer(tableType, table));
    result = GatherOp::create(builder, op.getLoc(), type, entries, map.base, /*axis=*/0);
    maps[result] = std::make_unique<CodeMap>(map);
  }
  op.getResult().replaceAllUsesWith(result);
}

void CodeMaps::run(Operation *function) {
  SmallVector<Operation *> seen;
  function->walk([&](Operation *op) { // in the order of a block: operands come first
    if (op->getNumResults() != 1 || !isa<RankedTensorType>(op->getResult(0).getType()))
      return;
    auto map = std::make_unique<CodeMap>();
    if (!compute(op, *map))
      return;
    seen.push_back(op);
    bool isConstant = llvm::all_equal(map->values);
    if (auto quantize = dyn_cast<QuantizeOp>(op); quantize && !isConstant)
      replace(quantize, *map);
    else
      maps[op->getResult(0)] = std::move(map);
  });
  for (Operation *op : llvm::reverse(seen))
    if (op->use_empty())
      op->erase();
}
