//===- CodedMatrix.cpp - constant codes on the right of a product -----------===//
#include "CodedMatrix.h"

#include "DequantizedFloats.h"

#include <cmath>
#include <utility>

using namespace mlir;
using namespace lutra;

DequantizeOp lutra::getCodedRhs(MatmulOp op, bool &turned) {
  Value rhs = op.getRhs();
  turned = !op.getTransposeRhs();
  if (auto transpose = rhs.getDefiningOp<TransposeOp>(); transpose && transpose.getPermutation().size() == 2) {
    turned ^= transpose.getPermutation().front() == 1;
    rhs = transpose.getInput();
  }
  return rhs.getDefiningOp<DequantizeOp>();
}

namespace {
/// How a scale or zero point [], [n], or one for each block of k lies.
struct SideOrder {
  int64_t rows, blocks; // strides
  int64_t at(int64_t row, int64_t block) const { return row * rows + block * blocks; }
};
} // namespace

Type CodedMatrix::codeType() const {
  return cast<RankedTensorType>(DequantizeOp(op).getInput().getType()).getElementType();
}

/// Whether bytes are codes here.
static bool isCode(Type type, bool takesFloats) {
  return type.isInteger(8) || (takesFloats && isa<Float8E4M3FNType, Float8E5M2Type>(type));
}

/// Reads the scales in the order of the constant: floats, or e4m3 numbers times one factor, which stay codes too.
static bool readScales(Value scale, WeightStore &store, CodedMatrix &matrix) {
  auto type = cast<RankedTensorType>(scale.getType());
  auto source = scale.getDefiningOp<DequantizeOp>();
  if (!source) {
    std::optional<WeightBytes> bytes = store.read(scale);
    if (!bytes || !WeightBytes::hasReals(type.getElementType()))
      return false;
    matrix.scales.resize(type.getNumElements());
    bytes->reals(type.getElementType(), /*first=*/0, /*stride=*/1, matrix.scales);
    return true;
  }
  auto codeType = cast<RankedTensorType>(source.getInput().getType());
  auto factorType = cast<RankedTensorType>(source.getScale().getType());
  std::optional<WeightBytes> codes = store.read(source.getInput()), factor = store.read(source.getScale());
  if (!codes || !factor || source.getZeroPoint() || !isa<Float8E4M3FNType>(codeType.getElementType()) ||
      factorType.getNumElements() != 1 || !factorType.getElementType().isF32())
    return false;
  factor->reals(factorType.getElementType(), /*first=*/0, /*stride=*/1, matrix.scaleFactor);
  std::array<float, 256> values = valuesOfFp8(codeType.getElementType());
  for (int64_t index = 0; index < codeType.getNumElements(); ++index) {
    auto code = static_cast<uint8_t>(*codes->element(index));
    matrix.scaleCodes.push_back(code);
    matrix.scales.push_back(values[code] * matrix.scaleFactor);
  }
  return true;
}

/// Reads what `op` dequantizes: [n, k], or [k, n] when turned; all dimensions but the first may form k.
static std::optional<CodedMatrix> read(DequantizeOp op, bool turned, WeightStore &store, std::string &why,
                                       bool takesFloats = false) {
  auto refuse = [&](StringRef text) {
    why = text.str();
    return std::nullopt;
  };
  CodedMatrix matrix;
  matrix.op = op;
  matrix.turned = turned;
  auto type = cast<RankedTensorType>(matrix.op.getInput().getType());
  if (type.getRank() < 2 || !type.hasStaticShape() || !isCode(type.getElementType(), takesFloats))
    return refuse("dequantizes no matrix of 8-bit integers");
  Type result = cast<RankedTensorType>(matrix.op.getType()).getElementType();
  if (!(takesFloats ? WeightBytes::hasReals(result) : result.isF32()))
    return refuse("dequantizes to another type than f32");
  std::optional<WeightBytes> codes = store.read(matrix.op.getInput());
  Value zero = matrix.op.getZeroPoint();
  std::optional<WeightBytes> zeros = zero ? store.read(zero) : std::nullopt;
  auto scaleType = cast<RankedTensorType>(matrix.op.getScale().getType());
  bool isFloat = isa<FloatType>(type.getElementType());
  if (zero && isFloat)
    return refuse("has zero points that are floats");
  if (!codes || (zero && !zeros) || !readScales(matrix.op.getScale(), store, matrix))
    return refuse("dequantizes codes that are computed");
  int64_t kDim = matrix.turned ? 0 : 1, axis = matrix.op.getAxis();
  matrix.n = type.getDimSize(matrix.turned ? 1 : 0);
  matrix.k = matrix.group = matrix.n == 0 ? 0 : type.getNumElements() / matrix.n;
  if (matrix.n == 0 || matrix.k == 0)
    return refuse("dequantizes an empty matrix");
  SideOrder order{0, 0};
  if (matrix.op.getBlock() > 0 && scaleType.getRank() == 2) {
    if (axis != kDim)
      return refuse("has blocks of scales across K");
    matrix.group = std::min<int64_t>(matrix.op.getBlock(), matrix.k);
    order = matrix.turned ? SideOrder{1, matrix.n} : SideOrder{matrix.groups(), 1};
  } else if (scaleType.getRank() == 1 && scaleType.getDimSize(0) != 1) {
    if (axis != 1 - kDim)
      return refuse("has a scale for each element along K");
    order = {1, 0};
  }

  bool isUnsigned = isFloat || type.getElementType().isUnsignedInteger();
  matrix.codes.resize_for_overwrite(matrix.n * matrix.k);
  for (int64_t row = 0; row < matrix.n; ++row)
    for (int64_t k = 0; k < matrix.k; ++k)
      matrix.codes[row * matrix.k + k] =
          codes->integer(matrix.turned ? k * matrix.n + row : row * matrix.k + k, isUnsigned);
  auto stored = std::exchange(matrix.scales, {});
  auto storedCodes = std::exchange(matrix.scaleCodes, {});
  for (int64_t row = 0; row < matrix.n; ++row) {
    for (int64_t block = 0; block < matrix.groups(); ++block) {
      int64_t at = order.at(row, block);
      if (!std::isfinite(stored[at]))
        return refuse("has a scale that is not finite");
      matrix.scales.push_back(stored[at]);
      matrix.zeros.push_back(zeros ? zeros->integer(at, isUnsigned) : 0);
      if (!storedCodes.empty())
        matrix.scaleCodes.push_back(storedCodes[at]);
    }
  }
  return matrix;
}

std::optional<CodedMatrix> lutra::readCodedRhs(MatmulOp op, WeightStore &store, std::string &why, bool takesFloats) {
  bool turned;
  DequantizeOp source = getCodedRhs(op, turned);
  if (source && cast<RankedTensorType>(source.getInput().getType()).getRank() == 2)
    return read(source, turned, store, why, takesFloats);
  why = source ? "dequantizes no matrix of 8-bit integers" : "has no dequantized matrix on the right";
  return std::nullopt;
}

std::optional<CodedMatrix> lutra::readCodedFilter(ConvOp op, WeightStore &store, std::string &why) {
  auto source = op.getFilter().getDefiningOp<DequantizeOp>();
  if (source && op.getLayout() == ConvLayout::ChannelsFirst && source.getBlock() == 0)
    return read(source, /*turned=*/false, store, why);
  why = "has no filter that is dequantized with channels first";
  return std::nullopt;
}
