//===- CodedMatrix.cpp - constant codes on the right of a product -----------===//
#include "CodedMatrix.h"

#include <cmath>
#include <cstring>

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

/// Reads what `op` dequantizes: [n, k], or [k, n] when turned; all dimensions but the first may form k.
static std::optional<CodedMatrix> read(DequantizeOp op, bool turned, WeightStore &store, std::string &why) {
  auto refuse = [&](StringRef text) {
    why = text.str();
    return std::nullopt;
  };
  CodedMatrix matrix;
  matrix.op = op;
  matrix.turned = turned;
  auto type = cast<RankedTensorType>(matrix.op.getInput().getType());
  if (type.getRank() < 2 || !type.hasStaticShape() || type.getElementTypeBitWidth() != 8 ||
      !type.getElementType().isInteger())
    return refuse("dequantizes no matrix of 8-bit integers");
  if (!cast<RankedTensorType>(matrix.op.getType()).getElementType().isF32())
    return refuse("dequantizes to another type than f32");
  std::optional<WeightBytes> codes = store.read(matrix.op.getInput()), scales = store.read(matrix.op.getScale());
  Value zero = matrix.op.getZeroPoint();
  std::optional<WeightBytes> zeros = zero ? store.read(zero) : std::nullopt;
  auto scaleType = cast<RankedTensorType>(matrix.op.getScale().getType());
  if (!codes || !scales || (zero && !zeros) || !scaleType.getElementType().isF32())
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

  bool isUnsigned = type.getElementType().isUnsignedInteger();
  matrix.codes.resize_for_overwrite(matrix.n * matrix.k);
  for (int64_t row = 0; row < matrix.n; ++row)
    for (int64_t k = 0; k < matrix.k; ++k)
      matrix.codes[row * matrix.k + k] =
          codes->integer(matrix.turned ? k * matrix.n + row : row * matrix.k + k, isUnsigned);
  for (int64_t row = 0; row < matrix.n; ++row) {
    for (int64_t block = 0; block < matrix.groups(); ++block) {
      float scale; // memcpy: files align nothing
      std::memcpy(&scale, scales->element(order.at(row, block)), sizeof(scale));
      if (!std::isfinite(scale))
        return refuse("has a scale that is not finite");
      matrix.scales.push_back(scale);
      matrix.zeros.push_back(zeros ? zeros->integer(order.at(row, block), isUnsigned) : 0);
    }
  }
  return matrix;
}

std::optional<CodedMatrix> lutra::readCodedRhs(MatmulOp op, WeightStore &store, std::string &why) {
  bool turned;
  DequantizeOp source = getCodedRhs(op, turned);
  if (source && cast<RankedTensorType>(source.getInput().getType()).getRank() == 2)
    return read(source, turned, store, why);
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
