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

/// A side's numbers: f16 and f32 as they lie there, bf16 as f32, which strategies read.
static SmallVector<char, 0> widenSide(ArrayRef<char> data, Type type) {
  if (!type.isBF16())
    return SmallVector<char, 0>(data.begin(), data.end());
  SmallVector<char, 0> wide(2 * data.size());
  for (size_t at = 0; at < data.size(); at += 2) // the upper half of an f32
    std::memcpy(&wide[2 * at + 2], &data[at], 2);
  return wide;
}

static SideType sideOf(Type type) { return type.isF16() ? SideType{SideType::F16, 16} : SideType{SideType::F32, 32}; }

static int64_t elementBytes(GraphTensor side) { return side.type().getIntOrFloatBitWidth() / 8; }

static bool isReal(Type type) { return type.isF32() || type.isF16() || type.isBF16(); }

/// Whether the sizes are those of a product, and no operands but the first `operands` are there; else an error is
/// recorded.
static bool checkSizes(NodeImport &n, const BlockedCodes &form, unsigned operands) {
  constexpr int64_t most = int64_t(1) << 31;
  if (n.inputCount() > operands)
    return n.invalid(ErrorCode::GraphStructure,
                     "has " + Twine(n.inputCount()) + " operands; " + Twine(operands) + " are known"),
           false;
  if (form.k >= 1 && form.n >= 1 && form.block >= 16 && llvm::isPowerOf2_64(form.block) &&
      std::max({form.k, form.n, form.block}) <= most)
    return true;
  return n.invalid(ErrorCode::Attribute,
                   "has K = " + Twine(form.k) + ", N = " + Twine(form.n) + " and block_size = " + Twine(form.block) +
                       "; the sizes are positive and a block is a power of two from 16 on"),
         false;
}

/// Whether a side lies in rows of `columns`, or flat.
static bool hasRows(GraphTensor side, const BlockedCodes &form, int64_t columns) {
  return side.shape() == ArrayRef<DimExpr>(Shape{form.n, columns}) ||
         side.shape() == ArrayRef<DimExpr>(Shape{form.n * columns});
}

/// Whether attributes and types are those of the operator; else an error is recorded.
static bool checkProduct(NodeImport &n, const BlockedCodes &form) {
  auto invalid = [&](const Twine &text) { return n.invalid(ErrorCode::GraphType, text), false; };
  GraphTensor input = n.in(0), codes = n.in(1), scales = n.in(2), zeros = n.optional(3), bias = n.optional(5);
  if (!checkSizes(n, form, /*operands=*/6))
    return false;
  if (form.bits != 2 && form.bits != 4 && form.bits != 8)
    return n.unsupported("has codes of " + Twine(form.bits) + " bits; 2, 4 and 8 are known"), false;
  if (!isReal(input.type()))
    return n.unsupported("multiplies values of another type than f32, f16 and bf16; cast them"), false;
  if (!isReal(scales.type()))
    return n.unsupported("has scales of another type than f32, f16 and bf16; cast them"), false;
  if (!codes.type().isUnsignedInteger(8) ||
      codes.shape() != ArrayRef<DimExpr>(Shape{form.n, form.blocks(), form.blockBytes()}))
    return invalid("has an operand B that is no ui8 tensor of shape [" + Twine(form.n) + ", " + Twine(form.blocks()) +
                   ", " + Twine(form.blockBytes()) + "]");
  if (bias && (bias.rank() != 1 || bias.count() != form.n))
    return invalid("has a bias that is no vector of N = " + Twine(form.n) + " elements");
  if (bias && !isReal(bias.type()))
    return invalid("has a bias of another type than f32, f16 and bf16");
  if (zeros && !zeros.type().isUnsignedInteger(8) && !isReal(zeros.type()))
    return n.unsupported("has zero points that are neither packed codes nor f32, f16 or bf16; round them to codes"),
           false;
  bool isPacked = zeros && zeros.type().isUnsignedInteger(8);
  int64_t zeroColumns = isPacked ? form.zeroRowBytes() : form.blocks();
  if (!hasRows(scales, form, form.blocks()) || (zeros && !hasRows(zeros, form, zeroColumns)))
    return invalid("has scales or zero points in another order than [N, blocks of K], " + Twine(form.n) + " rows of " +
                   Twine(form.blocks()) + " and " + Twine(zeroColumns) + (isPacked ? " bytes" : " numbers"));
  return true;
}

/// The columns of K by their group (g_idx), those of one in their order; none where that is the order they stand in.
/// Nothing after an error.
static std::optional<SmallVector<int64_t>> readOrder(NodeImport &n, const BlockedCodes &form) {
  if (!n.has(4))
    return SmallVector<int64_t>();
  GraphTensor groups = n.in(4);
  int64_t padded = form.blocks() * form.block;
  if (!groups || !groups.type().isInteger(32) || groups.rank() != 1 ||
      (groups.count() != form.k && groups.count() != padded))
    return n.invalid(ErrorCode::GraphType, "has a g_idx that is no i32 vector of K = " + Twine(form.k) + " or " +
                                               Twine(padded) + " elements"),
           std::nullopt;
  SmallVector<char, 0> splat;
  auto data = readOperand(n, 4, "g_idx", 4 * *groups.count(), splat);
  if (!data)
    return std::nullopt;
  SmallVector<int32_t> own(form.k);
  std::memcpy(own.data(), data->data(), own.size() * sizeof(int32_t));
  auto order = llvm::to_vector(llvm::seq<int64_t>(0, form.k));
  llvm::stable_sort(order, [&](int64_t a, int64_t b) { return own[a] < own[b]; });
  for (auto [place, column] : llvm::enumerate(order))
    if (own[column] != static_cast<int64_t>(place) / form.block)
      return n.unsupported("has a g_idx whose groups are none of block_size = " + Twine(form.block) +
                           " columns each; sort the columns by group when exporting"),
             std::nullopt;
  if (llvm::is_sorted(order))
    order.clear();
  return order;
}

/// Copies the codes of a row in an order of its columns.
static void copyCodes(const char *from, char *to, int64_t bits, ArrayRef<int64_t> order) {
  unsigned mask = (1u << bits) - 1;
  for (auto [place, column] : llvm::enumerate(order)) {
    int64_t at = static_cast<int64_t>(place) * bits, source = column * bits;
    unsigned code = (static_cast<unsigned char>(from[source / 8]) >> (source % 8)) & mask;
    to[at / 8] = static_cast<char>(static_cast<unsigned char>(to[at / 8]) | (code << (at % 8)));
  }
}

namespace {
/// A constant operand and its bytes.
struct ConstantOperand {
  GraphTensor tensor; // null: absent
  ArrayRef<char> data;
};
} // namespace

/// A weight of `encoding`, whose one term has the operands' codes, scales and zero points. `copyRow` writes a row of
/// codes.
static GraphTensor encodeWeight(NodeImport &n, const BlockedCodes &form, const Encoding &encoding,
                                const ConstantOperand &codes, const ConstantOperand &scales,
                                const ConstantOperand &zeros,
                                llvm::function_ref<void(const char *from, MutableArrayRef<char> to)> copyRow) {
  EncodedLayout layout = llvm::cantFail(EncodedLayout::of(encoding, form.n, form.k));
  AsmResourceBlob blob = allocateZeroedBlob(layout.bytes);
  MutableArrayRef<char> out = blob.getMutableData();
  const EncodedArray *rows = layout.find(ArrayRole::Codes, 0, 0);
  int64_t rowBytes = static_cast<int64_t>(codes.data.size()) / form.n;
  for (int64_t row = 0; row < form.n; ++row)
    copyRow(codes.data.data() + row * rowBytes, out.slice(rows->offset + row * rows->rowBytes, rows->rowBytes));
  n.getImporter().release(codes.data);
  for (auto [role, side] : {std::pair(ArrayRole::Scales, &scales), {ArrayRole::Zeros, &zeros}}) {
    if (!side->tensor)
      continue;
    SmallVector<char, 0> bytes = widenSide(side->data, side->tensor.type());
    std::memcpy(out.data() + layout.find(role, 0, 0)->offset, bytes.data(), bytes.size());
  }
  auto attribute = EncodingAttr::get(n.b.getContext(), encoding, PackingAttr());
  return n.b.encodedWeight(codes.tensor->name, n.b.f32(), attribute, {form.n, form.k}, std::move(blob));
}

/// The product in f32, as what the input is of.
static GraphTensor multiply(NodeImport &n, GraphTensor input, GraphTensor weight, GraphTensor bias) {
  Type real = n.b.f32();
  return n.b.cast(n.b.linear(n.b.cast(input, real), weight, bias ? n.b.cast(bias, real) : bias), input.type());
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
  if (!input || !codes || !scales || !checkProduct(n, form))
    return {};
  GraphTensor zeros = n.optional(3), bias = n.optional(5);
  bool isPacked = zeros && zeros.type().isUnsignedInteger(8);
  std::optional<SmallVector<int64_t>> order = readOrder(n, form);
  SmallVector<char, 0> splats[3];
  auto data = order ? readOperand(n, 1, "B", form.n * form.blocks() * form.blockBytes(), splats[0]) : std::nullopt;
  auto scaleData =
      data ? readOperand(n, 2, "scales", form.n * form.blocks() * elementBytes(scales), splats[1]) : std::nullopt;
  std::optional<ArrayRef<char>> zeroData;
  if (scaleData && zeros)
    zeroData = readOperand(n, 3, "zero_points",
                           form.n * (isPacked ? form.zeroRowBytes() : form.blocks() * elementBytes(zeros)), splats[2]);
  if (!scaleData || (zeros && !zeroData))
    return {};

  // The levels say how far products may round: 4 the activations to integers, 3 both factors to bf16; f16, level 2,
  // would save nothing.
  WeightForm weightForm;
  weightForm.bits = form.bits;
  weightForm.group = form.block;
  weightForm.symmetric = !zeros;
  weightForm.scale = sideOf(scales.type()).kind;
  ActivationRounding rounding;
  if (accuracy == 4)
    rounding.scales = ActivationRounding::Group;
  if (accuracy == 3)
    rounding.type = ActivationForm::BF16;
  Encoding encoding = weightForm.encoding(rounding);
  if (zeros && !isPacked)
    encoding.terms.front().formats.front().zero.element = sideOf(zeros.type());
  auto copyRow = [&](const char *from, MutableArrayRef<char> to) {
    if (order->empty())
      std::memcpy(to.data(), from, to.size());
    else
      copyCodes(from, to.data(), form.bits, *order);
  };
  GraphTensor weight = encodeWeight(n, form, encoding, {codes, *data}, {scales, *scaleData},
                                    {zeros, zeroData.value_or(ArrayRef<char>())}, copyRow);
  if (!order->empty()) {
    auto type = RankedTensorType::get({form.k}, n.b.i64());
    input = n.b.gather(input, n.b.constant(DenseElementsAttr::get(type, ArrayRef<int64_t>(*order))), input.rank() - 1);
  }
  return multiply(n, input, weight, bias);
}

/// bitsandbytes' 4-bit floats by code: a sign above eighths of which the greatest is 1.
static std::vector<double> smallFloats() {
  std::vector<double> values = {0, 0.0052083333f, 0.66666667f, 1, 0.33333333f, 0.5, 0.16666667f, 0.25}; // of f32
  for (size_t code = 0; code < 8; ++code)
    values.push_back(-values[code]);
  return values;
}

/// Rows of K codes of bitsandbytes (QLoRA, arXiv 2305.14314), the first of two in the upper half of a byte.
static GraphTensor importMatMulBnb4(NodeImport &n) {
  enum QuantType { Absent = -1, SmallFloat, NormalFloat };
  n.ignore({"training_mode"});
  BlockedCodes form{n.integer("K", 0), n.integer("N", 0), /*bits=*/4, n.integer("block_size", 0)};
  int64_t type = n.integer("quant_type", Absent), transposed = n.integer("transB", 1);
  GraphTensor input = n.in(0), codes = n.in(1), scales = n.in(2);
  if (!input || !codes || !scales || !checkSizes(n, form, /*operands=*/3))
    return {};
  if (type != SmallFloat && type != NormalFloat)
    return n.invalid(ErrorCode::Attribute, (type == Absent ? "lacks quant_type" : "has quant_type = " + Twine(type)) +
                                               "; 0 is FP4 and 1 is NF4");
  if (transposed == 0)
    return n.unsupported("has codes of [K, N] (transB = 0); export them as rows along K");
  if (form.k % form.block != 0)
    return n.unsupported("has blocks of " + Twine(form.block) + " codes that reach over the ends of rows of K = " +
                         Twine(form.k) + "; take a block_size that divides K");
  if (!isReal(input.type()) || !isReal(scales.type()))
    return n.unsupported("multiplies values, or has scales, of another type than f32, f16 and bf16; cast them");
  if (!codes.type().isUnsignedInteger(8))
    return n.invalid(ErrorCode::GraphType, "has an operand B that is no ui8 tensor");
  if (!hasRows(scales, form, form.blocks()))
    return n.invalid(ErrorCode::GraphType, "has an absmax in another order than [N, blocks of K], " + Twine(form.n) +
                                               " rows of " + Twine(form.blocks()) + " numbers");
  SmallVector<char, 0> splats[2];
  auto data = readOperand(n, 1, "B", form.n * form.k / 2, splats[0]);
  auto scaleData =
      data ? readOperand(n, 2, "absmax", form.n * form.blocks() * elementBytes(scales), splats[1]) : std::nullopt;
  if (!scaleData)
    return {};
  WeightForm weightForm = *WeightForm::of("nf4");
  weightForm.group = form.block;
  weightForm.scale = sideOf(scales.type()).kind;
  Encoding encoding = weightForm.encoding(ActivationRounding());
  if (type == SmallFloat)
    encoding.terms.front().formats.front().value.values = smallFloats();
  auto copyRow = [](const char *from, MutableArrayRef<char> to) {
    for (auto [pair, out] : llvm::enumerate(to)) {
      auto both = static_cast<unsigned char>(from[pair]);
      out = static_cast<char>((both >> 4) | (both << 4));
    }
  };
  GraphTensor weight = encodeWeight(n, form, encoding, {codes, *data}, {scales, *scaleData}, {}, copyRow);
  return multiply(n, input, weight, GraphTensor());
}

ArrayRef<OpEntry> frontend::encodedProductOps() {
  static const OpEntry table[] = {
      {"MatMulBnb4", 1, importMatMulBnb4, "com.microsoft"},
      {"MatMulNBits", 1, importMatMulNBits, "com.microsoft"},
  };
  return table;
}
