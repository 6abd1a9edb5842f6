//===- RoundedOperand.cpp - operands of products in fewer bits -------------===//
#include "RoundedOperand.h"

#include "Bounded.h"

#include "lutra/Dialect/Lutra/IR/Fp8Types.h"
#include "lutra/Support/RescaledCodes.h"
#include "lutra/Support/RoundedTable.h"
#include "lutra/Support/SplitEncoding.h"
#include "lutra/Support/StatedTable.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace lutra;

/// The values of codes of rows of `depth`, each block with a scale.
static FailureOr<ArrayPtr> scaledCodes(MatmulOp op, const Array &codes, const Array &scale) {
  int64_t depth = codes.shape.back(), block = op.getBlock(), blocks = llvm::divideCeil(depth, block);
  if (codes.isFloat() || scale.count() * depth != codes.count() * blocks)
    return refuse(op, ErrorCode::GraphType)
           << "has scales of shape [" << ArrayRef(scale.shape) << "] for codes of shape [" << ArrayRef(codes.shape)
           << "] in blocks of " << block;
  auto values = makeArray(scale.elementType, codes.shape);
  if (!scale.errors.empty() || !codes.errors.empty())
    values->errors.assign(values->count(), 0);
  for (int64_t i = 0; i < codes.count(); ++i) {
    int64_t at = i / depth * blocks + i % depth / block;
    double code = static_cast<double>(codes.integers[i]), codeError = codes.errorAt(i);
    values->floats[i] = code * scale.floats[at]; // exact: 8 and 24 bits
    if (!values->errors.empty())
      values->errors[i] =
          std::fabs(code) * scale.errorAt(at) + codeError * (std::fabs(scale.floats[at]) + scale.errorAt(at));
  }
  return ArrayPtr(values);
}

/// Elements that share a scale in an activation form of rows of `depth`; 0: no form that is rounded to.
static int64_t roundedGroup(const ActivationForm &form, int64_t depth) {
  if ((form.kind != ActivationForm::Int && !form.isFp8()) || form.group == 0)
    return 0;
  return form.group == kWhole ? std::max<int64_t>(1, depth) : form.group;
}

/// `half` of half a step more for each element of every group of a row, and what finding the codes rounds
/// (lutra.dynamic_quantize).
static ArrayPtr withRounding(const Array &values, int64_t group, const ActivationForm &form, double half) {
  auto result = std::make_shared<Array>(values);
  result->errors.resize(values.count());
  int64_t depth = values.shape.back();
  double most = std::ldexp(1, form.bits - 1) - 1, least = -std::min(most + (form.symmetric ? 0 : 1), 127.0);
  double steps = form.symmetric ? most : most - least;
  for (int64_t row = 0; row < values.count(); row += depth)
    for (int64_t low = 0; low < depth; low += group) {
      int64_t high = std::min(low + group, depth);
      double lowest = 0, greatest = 0;
      for (int64_t k = low; k < high; ++k) {
        greatest = std::max(greatest, values.floats[row + k] + values.errorAt(row + k));
        lowest = std::min(lowest, values.floats[row + k] - values.errorAt(row + k));
      }
      double range = form.symmetric ? std::max(greatest, -lowest) : greatest - lowest;
      double step = std::max(range, std::ldexp(1, -118)) / steps; // the op's floor
      for (int64_t k = low; k < high; ++k)
        result->errors[row + k] += half * 0.5001 * step;
    }
  return result;
}

/// Elements of one bit are plus or minus the mean magnitude of their group: what this lacks of each is its error, and
/// seven times that is wanted where errors add as squares.
static ArrayPtr withSigns(const Array &values, int64_t group, bool isIndependent) {
  auto result = std::make_shared<Array>(values);
  result->errors.resize(values.count());
  int64_t depth = values.shape.back();
  for (int64_t row = 0; row < values.count(); row += depth)
    for (int64_t low = 0; low < depth; low += group) {
      int64_t high = std::min(low + group, depth);
      double count = static_cast<double>(high - low), mean = 0, error = 0;
      for (int64_t i = row + low; i < row + high; ++i) {
        mean += std::fabs(values.floats[i]) / count;
        error += values.errorAt(i) / count;
      }
      // The op's sum, and its floor.
      error += 4 * std::sqrt(count + 1) * std::ldexp(1, -24) * mean + std::ldexp(1, -126);
      for (int64_t i = row + low; i < row + high; ++i) {
        double magnitude = std::fabs(values.floats[i]), own = values.errorAt(i);
        double lack = magnitude > own ? std::fabs(magnitude - mean) : magnitude + mean; // the sign may be either
        result->errors[i] = own + (isIndependent ? 7 : 1) * (lack + error);
      }
    }
  return result;
}

/// Half a unit of bf16 more for each element, what rounding to f32 before adds, and the least normal number.
static ArrayPtr withBfloatRounding(const Array &values, double half) {
  auto result = std::make_shared<Array>(values);
  result->errors.resize(values.count());
  for (int64_t i = 0; i < values.count(); ++i) {
    double greatest = std::fabs(values.floats[i]) + values.errorAt(i);
    result->errors[i] += half * (std::ldexp(greatest, -8) * 1.0001 + std::ldexp(1, -126));
  }
  return result;
}

/// Half a unit of f16 more for each element, and what is beyond its greatest number.
static ArrayPtr withHalfRounding(const Array &values, double half) {
  auto result = std::make_shared<Array>(values);
  result->errors.resize(values.count());
  constexpr double greatest = 65504;
  for (int64_t i = 0; i < values.count(); ++i) {
    double most = std::fabs(values.floats[i]) + values.errorAt(i);
    result->errors[i] += half * (std::ldexp(most, -11) * 1.0001 + std::ldexp(1, -25)) + std::max(0.0, most - greatest);
  }
  return result;
}

/// Half a unit of fp8 more for each element, one of bf16, which may hold it times its scale, and half the least step of
/// its group.
static ArrayPtr withFp8Rounding(const Array &values, int64_t group, Precision precision, double half) {
  auto result = std::make_shared<Array>(*withBfloatRounding(values, half));
  int64_t depth = values.shape.back();
  // Of half a unit, and of half the least step beside the greatest number; what scales round, besides.
  double unit = 0x1.01p0 * precision.roundoff, least = 0x1.01p0 * precision.tiny / precision.largest;
  for (int64_t row = 0; row < values.count(); row += depth)
    for (int64_t low = 0; low < depth; low += group) {
      int64_t high = std::min(low + group, depth);
      double greatest = std::ldexp(1, -118); // the op's floor
      for (int64_t i = row + low; i < row + high; ++i)
        greatest = std::max(greatest, std::fabs(values.floats[i]) + values.errorAt(i));
      for (int64_t i = row + low; i < row + high; ++i)
        result->errors[i] += half * (unit * (std::fabs(values.floats[i]) + values.errorAt(i)) + least * greatest);
    }
  return result;
}

/// The parts that a weight with several activation forms is split into; groups lie along their columns.
static std::vector<SplitProduct> readParts(MatmulOp op, const Array &weight) {
  auto type = cast<RankedTensorType>(op.getRhs().getType());
  if (type.getRank() != 2)
    return {};
  llvm::Expected<std::vector<SplitTerm>> terms =
      splitEncoding(encodingOf(type).getValue(), type.getDimSize(0), type.getDimSize(1), weight.stored);
  if (terms)
    return std::move(terms->front().products);
  llvm::consumeError(terms.takeError()); // then nothing is split, nor rounded
  return {};
}

/// Room for each part's own rounding.
static ArrayPtr withParts(const Array &values, ArrayRef<ActivationForm> forms, ArrayRef<SplitProduct> parts,
                          double half) {
  auto result = std::make_shared<Array>(values);
  result->errors.resize(values.count());
  int64_t depth = values.shape.back();
  for (const SplitProduct &part : parts) {
    if (part.activation < 0 || forms[part.activation].kind != ActivationForm::Int || forms[part.activation].bits < 2)
      continue;
    const ActivationForm &form = forms[part.activation];
    auto count = static_cast<int64_t>(part.columns.size());
    for (int64_t row = 0; row < values.count(); row += depth) {
      std::shared_ptr<Array> own = makeArray(values.elementType, {count});
      own->errors.resize(count);
      for (auto [index, column] : llvm::enumerate(part.columns)) {
        own->floats[index] = values.floats[row + column];
        own->errors[index] = values.errorAt(row + column);
      }
      ArrayPtr rounded = withRounding(*own, roundedGroup(form, count), form, half);
      for (auto [index, column] : llvm::enumerate(part.columns))
        result->errors[row + column] = rounded->errors[index];
    }
  }
  return result;
}

/// What an encoding lets a product round, where the evaluator has bounds.
static const ActivationForm *getRounding(MatmulOp op, const Array &operand, Interpreter &interpreter) {
  EncodingAttr encoding = encodingOf(cast<RankedTensorType>(op.getRhs().getType()));
  if (!encoding || !interpreter.hasBounds() || !operand.isFloat() || operand.shape.empty() || op.getScale())
    return nullptr;
  return &encoding.getValue().activation;
}

static const Encoding &getEncoding(MatmulOp op) {
  return encodingOf(cast<RankedTensorType>(op.getRhs().getType())).getValue();
}

/// Independent errors add as squares: half a step is 1.7 standard deviations of what rounding does, and seven are
/// wanted.
static double getHalf(Interpreter &interpreter) {
  return interpreter.getErrorModel() == ErrorModel::Independent ? 4 : 1;
}

/// Bytes with one scale a row that codes of groups may become, where these are near enough or the product says so.
static std::optional<RescaledCodes> findRescaling(MatmulOp op, const Array &weight) {
  EncodingAttr encoding = encodingOf(cast<RankedTensorType>(op.getRhs().getType()));
  if (!encoding || weight.rank() != 2 || !op.getTransposeRhs() || weight.stored.empty())
    return std::nullopt;
  std::optional<RescaledCodes> codes =
      rescaleCodes(encoding.getValue(), weight.shape.front(), weight.shape.back(), weight.stored);
  return codes && (op.getRoundsRhs() || codes->isFine()) ? codes : std::nullopt;
}

/// Room for those.
static ArrayPtr withRescaling(const std::optional<RescaledCodes> &codes, const Array &weight, double half) {
  if (!codes)
    return {&weight, [](const Array *) {}};
  int64_t k = weight.shape.back();
  auto result = std::make_shared<Array>(weight);
  result->errors.resize(weight.count());
  for (int64_t i = 0; i < weight.count(); ++i)
    result->errors[i] += half * RescaledCodes::greatestMove * codes->scales[i / k];
  return result;
}

/// Room for values of codes that are rounded themselves, and may be rescaled then: as much as each element moves.
static ArrayPtr withRoundedValues(MatmulOp op, const Array &weight, double half, bool rescales) {
  ArrayPtr same{&weight, [](const Array *) {}};
  if (weight.rank() != 2 || !op.getTransposeRhs() || weight.stored.empty())
    return same;
  const Encoding &encoding = getEncoding(op);
  int64_t n = weight.shape.front(), k = weight.shape.back();
  std::shared_ptr<Array> result;
  for (const Encoding &made : findRoundedEncodings(encoding, n, k, weight.stored, rescales)) {
    std::vector<uint8_t> bytes = llvm::cantFail(restate(encoding, made, n, k, weight.stored));
    std::optional<RescaledCodes> codes = rescales ? rescaleCodes(made, n, k, bytes) : std::nullopt;
    std::vector<double> values = llvm::cantFail(decodeTensor(made, n, k, bytes)); // as the bytes that it was made of
    if (!result) {
      result = std::make_shared<Array>(weight);
      result->errors.resize(weight.count());
    }
    for (int64_t i = 0; i < weight.count(); ++i) {
      double move = half * 1.0001 * std::fabs(values[i] - weight.floats[i]);
      if (codes)
        move += half * RescaledCodes::greatestMove * codes->scales[i / k];
      result->errors[i] = std::max(result->errors[i], weight.errorAt(i) + move);
    }
  }
  return result ? result : same;
}

/// Room for either: the greater error of each element.
static ArrayPtr withEither(ArrayPtr one, const Array &other) {
  if (other.errors.empty())
    return one;
  auto result = std::make_shared<Array>(*one);
  result->errors.resize(one->count());
  for (int64_t i = 0; i < one->count(); ++i)
    result->errors[i] = std::max(one->errorAt(i), other.errorAt(i));
  return result;
}

ArrayPtr lutra::getProductWeight(MatmulOp op, Interpreter &interpreter) {
  const Array &rhs = interpreter.getArray(op.getRhs());
  const ActivationForm *form = getRounding(op, rhs, interpreter);
  bool hasRowScale = form && form->kind == ActivationForm::Int && form->symmetric && rhs.rank() > 0 &&
                     (form->group == 0 || roundedGroup(*form, rhs.shape.back()) >= rhs.shape.back());
  double half = getHalf(interpreter);
  ArrayPtr weight{&rhs, [](const Array *) {}};
  if (form && (form->kind == ActivationForm::BF16 || form->isFp8()))
    return withBfloatRounding(rhs, half);
  std::optional<RescaledCodes> rescaling;
  if (interpreter.hasBounds() && (op.getRoundsRhs() || hasRowScale))
    rescaling = findRescaling(op, rhs);
  weight = withRescaling(rescaling, rhs, half);
  if (form && form->kind == ActivationForm::Int) {
    weight = withEither(weight, *withRoundedValues(op, rhs, half, rescaling.has_value()));
    if (takesBfloat(getEncoding(op)))
      weight = withEither(weight, *withBfloatRounding(rhs, half));
  }
  return weight;
}

FailureOr<ArrayPtr> lutra::getProductOperand(MatmulOp op, Interpreter &interpreter) {
  const Array &lhs = interpreter.getArray(op.getLhs());
  if (op.getScale())
    return scaledCodes(op, lhs, interpreter.getArray(op.getScale()));
  ArrayPtr same(&lhs, [](const Array *) {});
  const ActivationForm *form = getRounding(op, lhs, interpreter);
  if (!form)
    return same;
  if (form->kind == ActivationForm::BF16 || (form->isFp8() && form->group == 0))
    return withBfloatRounding(lhs, getHalf(interpreter));
  if (form->kind == ActivationForm::F16)
    return withHalfRounding(lhs, getHalf(interpreter));
  if (form->kind == ActivationForm::Blocks && !op.getTransposeLhs())
    return withParts(lhs, form->choices, readParts(op, interpreter.getArray(op.getRhs())),
                     getHalf(interpreter));
  int64_t group = roundedGroup(*form, lhs.shape.back());
  if (group == 0 || op.getTransposeLhs())
    return same;
  if (form->isFp8())
    return withFp8Rounding(lhs, group, precisionOf(getFp8Type(op.getContext(), form->kind)), getHalf(interpreter));
  if (form->bits == 1)
    return withSigns(lhs, group, interpreter.getErrorModel() == ErrorModel::Independent);
  ArrayPtr rounded = withRounding(lhs, group, *form, getHalf(interpreter));
  return takesBfloat(getEncoding(op)) ? withBfloatRounding(*rounded, getHalf(interpreter)) : rounded;
}
