//===- EncodedProducts.cpp - products with encoded weights of com.microsoft ===//
#include "Importer.h"

#include "lutra/Support/ConstantBytes.h"
#include "lutra/Support/EncodedLayout.h"
#include "lutra/Support/QuantizeSpec.h"

#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace mlir;
using namespace lutra;
using namespace lutra::frontend;

namespace {
/// The sizes of a MatMulNBits: `n` rows of `k` codes, in blocks that share a scale.
struct BlockedCodes {
  int64_t k = 0, n = 0, bits = 0, block = 0;
  int64_t blocks() const { return llvm::divideCeil(k, block); }
  int64_t blockBytes() const { return block * bits / 8; }
  int64_t zeroRowBytes() const { return llvm::divideCeil(blocks() * bits, 8); }
};
} // namespace

/// The bytes of a constant operand, whose number must be `count`. `splat` holds those that lie nowhere.
static std::optional<ArrayRef<char>> readOperand(NodeImport &n, unsigned index, const char *name, int64_t count,
                                                 SmallVector<char, 0> &splat) {
  GraphTensor operand = n.in(index);
  if (!operand)
    return std::nullopt;
  if (!operand.isConstant())
    return n.unsupported(Twine("has an operand ") + name + " that is computed; give it as an initializer"),
           std::nullopt;
  FailureOr<ArrayRef<char>> bytes = viewConstantBytes(operand->constant, splat);
  if (failed(bytes))
    return n.unsupported(Twine("has an operand ") + name + " whose elements are no whole bytes"), std::nullopt;
  if (static_cast<int64_t>(bytes->size()) != count)
    return n.invalid(ErrorCode::GraphType, Twine("has an operand ") + name + " of " + Twine(bytes->size()) +
                                               " bytes, but K, N, bits and block_size ask for " + Twine(count)),
           std::nullopt;
  return *bytes;
}

/// Rows of K codes in blocks, the last one filled up: the canonical order but for what fills it.
static GraphTensor importMatMulNBits(NodeImport &n) {
  BlockedCodes form{n.integer("K", 0), n.integer("N", 0), n.integer("bits", 4), n.integer("block_size", 0)};
  int64_t accuracy = n.integer("accuracy_level", 0);
  if (accuracy < 0 || accuracy > 4)
    return n.invalid(ErrorCode::Attribute, "has accuracy_level = " + Twine(accuracy) + "; levels are 0 to 4");
  if (n.integer("weight_prepacked", 0) != 0)
    return n.unsupported("has B in the order of a GPU's kernel (weight_prepacked); export it without prepacking");
  GraphTensor input = n.in(0), codes = n.in(1), scales = n.in(2);
  if (!input || !codes || !scales)
    return {};
  if (form.k < 1 || form.n < 1 || form.block < 16 || !llvm::isPowerOf2_64(form.block) ||
      std::max({form.k, form.n, form.block}) > (int64_t(1) << 31))
    return n.invalid(ErrorCode::Attribute,
                     "has K = " + Twine(form.k) + ", N = " + Twine(form.n) + " and block_size = " + Twine(form.block) +
                         "; the sizes are positive and a block is a power of two from 16 on");
  if (form.bits != 2 && form.bits != 4 && form.bits != 8)
    return n.unsupported("has codes of " + Twine(form.bits) + " bits; 2, 4 and 8 are known");
  if (n.has(4))
    return n.unsupported("has g_idx, an order of rows that is deprecated; sort the rows by group when exporting");
  if (!input.type().isF32() || !scales.type().isF32())
    return n.unsupported("multiplies values of another type than f32; export the model in f32");
  if (!codes.type().isUnsignedInteger(8) ||
      codes.shape() != ArrayRef<DimExpr>(Shape{form.n, form.blocks(), form.blockBytes()}))
    return n.invalid(ErrorCode::GraphType, "has an operand B that is no ui8 tensor of shape [" + Twine(form.n) + ", " +
                                               Twine(form.blocks()) + ", " + Twine(form.blockBytes()) + "]");
  GraphTensor zeros = n.optional(3), bias = n.optional(5);
  if (bias && (bias.rank() != 1 || bias.count() != form.n))
    return n.invalid(ErrorCode::GraphType, "has a bias that is no vector of N = " + Twine(form.n) + " elements");
  if (zeros && !zeros.type().isUnsignedInteger(8))
    return n.unsupported("has zero points that are no packed codes; round them to codes");
  if (n.inputCount() > 6)
    return n.invalid(ErrorCode::GraphStructure, "has " + Twine(n.inputCount()) + " operands; 6 are known");
  auto hasRows = [&](GraphTensor side, int64_t columns) { // in rows of `columns`, or flat
    return side.shape() == ArrayRef<DimExpr>(Shape{form.n, columns}) ||
           side.shape() == ArrayRef<DimExpr>(Shape{form.n * columns});
  };
  if (!hasRows(scales, form.blocks()) || (zeros && !hasRows(zeros, form.zeroRowBytes())))
    return n.invalid(ErrorCode::GraphType, "has scales or zero points in another order than [N, blocks of K], " +
                                               Twine(form.n) + " rows of " + Twine(form.blocks()) + " and " +
                                               Twine(form.zeroRowBytes()) + " bytes");
  SmallVector<char, 0> splats[3];
  auto data = readOperand(n, 1, "B", form.n * form.blocks() * form.blockBytes(), splats[0]);
  auto scaleData = data ? readOperand(n, 2, "scales", form.n * form.blocks() * 4, splats[1]) : std::nullopt;
  std::optional<ArrayRef<char>> zeroData;
  if (scaleData && zeros)
    zeroData = readOperand(n, 3, "zero_points", form.n * form.zeroRowBytes(), splats[2]);
  if (!scaleData || (zeros && !zeroData))
    return {};

  // The levels say how far products may round: 4 the activations to integers, 3 both factors to bf16; f16, level 2,
  // would save nothing.
  WeightForm weightForm;
  weightForm.bits = form.bits;
  weightForm.group = form.block;
  weightForm.symmetric = !zeros;
  weightForm.scale = SideType::F32;
  ActivationRounding rounding;
  if (accuracy == 4)
    rounding.scales = ActivationRounding::Group;
  if (accuracy == 3)
    rounding.type = ActivationForm::BF16;
  Encoding encoding = weightForm.encoding(rounding);
  EncodedLayout layout = llvm::cantFail(EncodedLayout::of(encoding, form.n, form.k));
  AsmResourceBlob blob = allocateZeroedBlob(layout.bytes);
  char *out = blob.getMutableData().data();
  const EncodedArray *codeArray = layout.find(ArrayRole::Codes, 0, 0);
  for (int64_t row = 0; row < form.n; ++row)
    std::memcpy(out + codeArray->offset + row * codeArray->rowBytes,
                data->data() + row * form.blocks() * form.blockBytes(), codeArray->rowBytes);
  n.getImporter().release(*data);
  std::memcpy(out + layout.find(ArrayRole::Scales, 0, 0)->offset, scaleData->data(), scaleData->size());
  if (zeroData)
    std::memcpy(out + layout.find(ArrayRole::Zeros, 0, 0)->offset, zeroData->data(), zeroData->size());
  auto attribute = EncodingAttr::get(n.b.getContext(), encoding, PackingAttr());
  GraphTensor weight = n.b.encodedWeight(codes->name, input.type(), attribute, {form.n, form.k}, std::move(blob));
  return n.b.linear(input, weight, bias);
}

ArrayRef<OpEntry> frontend::encodedProductOps() {
  static const OpEntry table[] = {
      {"MatMulNBits", 1, importMatMulNBits, "com.microsoft"},
  };
  return table;
}
