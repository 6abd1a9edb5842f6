//===- Memory.cpp - tiles from and to global memory ------------------------===//
// Registers that are neighbours in memory move in accesses of up to 16 bytes; how many is decided
// by what is known to divide the addresses and the bounds. Bounds become predicates on the accesses, without
// branches: a load that is off yields zero and touches no memory. Constants of a kernel are memory next to its code.
#include "BlockEmitter.h"

#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lutra {

static int64_t bytesOf(Type element) { return std::max(1u, element.getIntOrFloatBitWidth() / 8); }

/// The largest power of two up to 64 that divides a buffer's stride along `dim`.
static int64_t strideDivisor(MemRefType type, int64_t dim) {
  int64_t divisor = 1;
  for (int64_t size : type.getShape().drop_front(dim + 1))
    if (!ShapedType::isDynamic(size))
      divisor *= size == 0 ? 64 : size & -size;
  return std::min<int64_t>(divisor, 64);
}

TileAddresses BlockEmitter::getAddresses(const LinearLayout &layout, Value memref,
                                         ValueRange indices, ValueRange bounds,
                                         ArrayRef<int64_t> dims, ArrayRef<int64_t> steps) {
  const GlobalBuffer &buffer = getBuffer(memref);
  ArrayRef<Value> memoryStrides = buffer.strides;
  TileAddresses result;
  result.element = buffer.type.getElementType();
  int64_t rank = buffer.type.getRank();
  Value offset = index(0);
  int64_t divisor = 64;
  for (int64_t dim = 0; dim < rank; ++dim) {
    offset = add(offset, mul(lookup(indices[dim]), memoryStrides[dim]));
    divisor = std::min(divisor, getKnownDivisor(indices[dim]) * strideDivisor(buffer.type, dim));
  }
  Value threadOffset = i32(0);
  for (auto [tileDim, dim, step] : llvm::enumerate(dims, steps)) {
    if (dim < 0 || layout.getShape()[tileDim] == 1) {
      result.strides.push_back({});
      continue;
    }
    Value stride = mul(toI32(memoryStrides[dim]), i32(step));
    result.strides.push_back(stride);
    threadOffset = add(threadOffset, mul(threadCoordinate(layout, tileDim), stride));
    if (tileDim + 1 != dims.size())
      divisor = std::min(divisor, (step & -step) * strideDivisor(buffer.type, dim));
  }
  result.base = offsetPointer(offsetPointer(buffer.pointer, result.element, offset), result.element,
                              threadOffset);
  // Vectors: along the last tile dimension, when that is the contiguous one.
  if (dims.empty() || dims.back() != rank - 1 || steps.back() != 1)
    return result;
  unsigned last = dims.size() - 1;
  if (!bounds.empty())
    divisor = std::min(divisor, getKnownDivisor(bounds[last]));
  int64_t most = std::min<int64_t>(16 / bytesOf(result.element), divisor);
  for (const LinearLayout::Point &basis : layout.getRegisterBases()) {
    if (basis[last] != result.vector || 2 * result.vector > most)
      break;
    result.vector *= 2;
  }
  return result;
}

Value BlockEmitter::getAddress(const TileAddresses &addresses, const LinearLayout &layout,
                               int64_t reg) {
  Value offset = i32(0);
  LinearLayout::Point point = layout.registerPoint(reg);
  for (auto [coordinate, stride] : llvm::zip_equal(point, addresses.strides))
    if (stride && coordinate)
      offset = add(offset, mul(stride, i32(coordinate)));
  return offsetPointer(addresses.base, addresses.element, offset);
}

SmallVector<Value> BlockEmitter::getThreadBounds(const LinearLayout &layout, TileType type,
                                                 ValueRange bounds) {
  SmallVector<Value> result;
  for (unsigned dim = 0; dim < layout.getRank(); ++dim) {
    int64_t size = type.getShape()[dim], padded = layout.getShape()[dim];
    bool whole = bounds.empty() || getKnownValue(bounds[dim]).value_or(0) >= size;
    if (whole && size == padded) {
      result.push_back({});
      continue;
    }
    Value bound = whole ? i32(size) : toI32(lookup(bounds[dim]));
    if (!whole && size != padded)
      bound = at.createOrFold<arith::MinSIOp>(bound, i32(size));
    result.push_back(at.createOrFold<arith::SubIOp>(bound, threadCoordinate(layout, dim)));
  }
  return result;
}

Value BlockEmitter::getPredicate(const LinearLayout &layout, TileType type, ArrayRef<Value> bounds,
                                 int64_t reg) {
  Value predicate;
  LinearLayout::Point point = layout.registerPoint(reg);
  for (auto [coordinate, bound] : llvm::zip_equal(point, bounds)) {
    if (!bound)
      continue;
    Value inside =
        at.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sgt, bound, i32(coordinate));
    predicate = predicate ? at.createOrFold<arith::AndIOp>(predicate, inside) : inside;
  }
  return predicate;
}

/// How an access of `bytes` is spelt: PTX type suffix, constraint letter, words and their type.
namespace {
struct AccessWords {
  AccessWords(OpBuilder &builder, int64_t bytes) {
    switch (bytes) {
    case 1:
      suffix = ".b8", letter = "h", type = builder.getI16Type();
      break;
    case 2:
      suffix = ".b16", letter = "h", type = builder.getI16Type();
      break;
    default:
      count = bytes / 4;
      suffix = count == 1 ? ".b32" : count == 2 ? ".v2.b32" : ".v4.b32";
      letter = "r", type = builder.getI32Type();
    }
  }
  std::string list(unsigned first) const {
    std::string text = count == 1 ? "" : "{";
    for (int64_t word = 0; word < count; ++word)
      text += (word ? ", $" : "$") + std::to_string(first + word);
    return text + (count == 1 ? "" : "}");
  }
  StringRef suffix, letter;
  Type type;
  int64_t count = 1;
};
} // namespace

/// Splits or joins the bits of words and elements.
static SmallVector<Value> recast(ImplicitLocOpBuilder &at, ValueRange values, Type to, int64_t count) {
  Type from = values.front().getType();
  SmallVector<Value> result;
  if (from == to)
    return llvm::to_vector(values);
  Value packed = values.front();
  if (values.size() > 1) {
    packed = LLVM::PoisonOp::create(at, VectorType::get(values.size(), from));
    for (auto [position, value] : llvm::enumerate(values))
      packed = LLVM::InsertElementOp::create(
          at, packed, value, LLVM::ConstantOp::create(at, at.getI32Type(), int32_t(position)));
  }
  if (count == 1)
    return {LLVM::BitcastOp::create(at, to, packed)};
  packed = LLVM::BitcastOp::create(at, VectorType::get(count, to), packed);
  for (int64_t position = 0; position < count; ++position)
    result.push_back(LLVM::ExtractElementOp::create(
        at, packed, LLVM::ConstantOp::create(at, at.getI32Type(), int32_t(position))));
  return result;
}

void BlockEmitter::loadVector(Value pointer, Value predicate, Type element, int64_t count,
                              SmallVectorImpl<Value> &values) {
  int64_t bytes = bytesOf(element) * count;
  if (!predicate) {
    Type type = count == 1 ? element : VectorType::get(count, element);
    Value loaded = LLVM::LoadOp::create(at, type, pointer, bytes);
    if (count == 1) {
      values.push_back(loaded);
      return;
    }
    for (int64_t position = 0; position < count; ++position)
      values.push_back(LLVM::ExtractElementOp::create(
          at, loaded, LLVM::ConstantOp::create(at, at.getI32Type(), int32_t(position))));
    return;
  }
  AccessWords words(at, bytes);
  std::string text = "{ .reg .pred p; setp.ne.b32 p, $" + std::to_string(words.count) + ", 0;";
  std::string constraints;
  for (int64_t word = 0; word < words.count; ++word) {
    text += std::string(words.letter == "h" ? " mov.b16 $" : " mov.b32 $") + std::to_string(word) + ", 0;";
    constraints += "=&" + words.letter.str() + ",";
  }
  text += " @p ld.global" + words.suffix.str() + " " + words.list(0) + ", [$" +
          std::to_string(words.count + 1) + "]; }";
  Type type = words.count == 1 ? words.type
                               : LLVM::LLVMStructType::getLiteral(
                                     at.getContext(), SmallVector<Type>(words.count, words.type));
  Value flag = arith::ExtUIOp::create(at, at.getI32Type(), predicate);
  auto loaded = LLVM::InlineAsmOp::create(
      at, type, ValueRange{flag, pointer}, text, constraints + "r,l", /*has_side_effects=*/true,
      /*is_align_stack=*/false, LLVM::TailCallKind::None, LLVM::AsmDialectAttr{}, ArrayAttr{});
  SmallVector<Value> loadedWords;
  for (int64_t word = 0; word < words.count; ++word)
    loadedWords.push_back(words.count == 1
                              ? loaded.getResult(0)
                              : Value(LLVM::ExtractValueOp::create(at, loaded.getResult(0), word)));
  if (bytes == 1)
    loadedWords.front() = arith::TruncIOp::create(at, at.getI8Type(), loadedWords.front());
  llvm::append_range(values, recast(at, loadedWords, element, count));
}

void BlockEmitter::storeVector(Value pointer, Value predicate, ValueRange values) {
  Type element = values.front().getType();
  int64_t count = values.size(), bytes = bytesOf(element) * count;
  if (!predicate) {
    Value packed = values.front();
    if (count > 1) {
      packed = LLVM::PoisonOp::create(at, VectorType::get(count, element));
      for (auto [position, value] : llvm::enumerate(values))
        packed = LLVM::InsertElementOp::create(
            at, packed, value, LLVM::ConstantOp::create(at, at.getI32Type(), int32_t(position)));
    }
    LLVM::StoreOp::create(at, packed, pointer, bytes);
    return;
  }
  AccessWords words(at, bytes);
  SmallVector<Value> operands = {arith::ExtUIOp::create(at, at.getI32Type(), predicate), pointer};
  if (bytes == 1) {
    Value byte = recast(at, values, at.getI8Type(), 1).front();
    operands.push_back(arith::ExtUIOp::create(at, at.getI16Type(), byte));
  } else {
    llvm::append_range(operands, recast(at, values, words.type, words.count));
  }
  std::string text = "{ .reg .pred p; setp.ne.b32 p, $0, 0; @p st.global" + words.suffix.str() +
                     " [$1], " + words.list(2) + "; }";
  std::string constraints = "r,l";
  for (int64_t word = 0; word < words.count; ++word)
    constraints += "," + words.letter.str();
  LLVM::InlineAsmOp::create(at, TypeRange{}, operands, text, constraints,
                            /*has_side_effects=*/true, /*is_align_stack=*/false,
                            LLVM::TailCallKind::None, LLVM::AsmDialectAttr{}, ArrayAttr{});
}

Value BlockEmitter::toRegister(Value value, Type element) {
  if (value.getType() == element)
    return value;
  if (element.isInteger(1)) // a truth value is a byte in memory
    return arith::CmpIOp::create(at, arith::CmpIPredicate::ne, value,
                                 arith::ConstantOp::create(at, at.getIntegerAttr(value.getType(), 0)));
  return arith::IndexCastOp::create(at, element, value);
}

Value BlockEmitter::toMemory(Value value, Type element) {
  if (value.getType() == element)
    return value;
  if (value.getType().isInteger(1))
    return arith::ExtUIOp::create(at, element, value);
  return arith::IndexCastOp::create(at, element, value);
}

LogicalResult BlockEmitter::emitLoad(TileLoadOp op) {
  auto type = cast<TileType>(op.getType());
  Fragment fragment{distribution.get(op.getResult()), {}};
  const LinearLayout &layout = fragment.layout;
  TileAddresses addresses = getAddresses(layout, op.getSource(), op.getIndices(), op.getBounds(),
                                         op.getDims(), op.getSteps());
  SmallVector<Value> bounds = getThreadBounds(layout, type, op.getBounds());
  for (int64_t reg = 0; reg < layout.getNumRegisters(); reg += addresses.vector) {
    SmallVector<Value> values;
    loadVector(getAddress(addresses, layout, reg), getPredicate(layout, type, bounds, reg),
               addresses.element, addresses.vector, values);
    for (Value value : values)
      fragment.registers.push_back(toRegister(value, type.getElementType()));
  }
  bind(op.getResult(), std::move(fragment));
  return success();
}

LogicalResult BlockEmitter::emitStore(TileStoreOp op) {
  auto type = cast<TileType>(op.getValue().getType());
  Fragment fragment = getAs(op.getValue(), distribution.get(op.getValue()));
  const LinearLayout &layout = fragment.layout;
  TileAddresses addresses = getAddresses(layout, op.getDest(), op.getIndices(), op.getBounds(),
                                         op.getDims(), op.getSteps());
  SmallVector<Value> bounds = getThreadBounds(layout, type, op.getBounds());
  // Of the threads that hold the same element, the first one writes it.
  Value owner;
  if (int64_t replicas = layout.getReplicatedThreads())
    owner = arith::CmpIOp::create(at, arith::CmpIPredicate::eq, bitAnd(thread, replicas), i32(0));
  for (int64_t reg = 0; reg < layout.getNumRegisters(); reg += addresses.vector) {
    Value predicate = getPredicate(layout, type, bounds, reg);
    if (owner)
      predicate = predicate ? at.createOrFold<arith::AndIOp>(predicate, owner) : owner;
    SmallVector<Value> values;
    for (int64_t next = 0; next < addresses.vector; ++next)
      values.push_back(toMemory(fragment.registers[reg + next], addresses.element));
    storeVector(getAddress(addresses, layout, reg), predicate, values);
  }
  // Other threads may read it back.
  for (Operation *user : op.getDest().getUsers())
    if (isa<TileLoadOp, TileGatherOp, TileMatmulOp>(user)) {
      barrier();
      break;
    }
  return success();
}

/// A constant of the kernel is an array in the GPU's memory that comes with the code.
LogicalResult BlockEmitter::emitConstant(memref::GetGlobalOp op) {
  auto global = SymbolTable::lookupNearestSymbolFrom<memref::GlobalOp>(op, op.getNameAttr());
  auto data = global ? dyn_cast_or_null<ElementsAttr>(global.getInitialValueAttr()) : ElementsAttr();
  if (!data)
    return emitCodedError(op.getLoc(), ErrorCode::GraphStructure)
           << "refers to @" << op.getName() << ", which holds no data";
  Type element = op.getType().getElementType();
  auto flat = RankedTensorType::get({data.getNumElements()}, element);
  auto dense = dyn_cast<DenseElementsAttr>(data);
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(data); resource && !dense)
    dense = DenseElementsAttr::getFromRawBuffer(flat, resource.getData());
  else
    dense = dense.reshape(flat);
  std::string name = "lutra_constant_"; // PTX has no dots in names; two names must not become one
  for (char letter : op.getName())
    name += letter == '.' ? "_d" : letter == '_' ? "__" : std::string(1, letter);
  if (!SymbolTable::lookupNearestSymbolFrom(op, at.getStringAttr(name))) {
    OpBuilder::InsertionGuard guard(at);
    at.setInsertionPoint(target);
    auto type = LLVM::LLVMArrayType::get(element, flat.getNumElements());
    LLVM::GlobalOp::create(at, type, /*isConstant=*/true, LLVM::Linkage::Internal, name, dense,
                           global.getAlignment().value_or(16), /*addrSpace=*/1);
  }
  Value pointer = LLVM::AddressOfOp::create(at, LLVM::LLVMPointerType::get(at.getContext(), 1), name);
  GlobalBuffer buffer{pointer, op.getType(), {}, {}};
  for (int64_t size : op.getType().getShape())
    buffer.sizes.push_back(index(size));
  bindBuffer(op.getResult(), std::move(buffer));
  return success();
}

LogicalResult BlockEmitter::emitGather(TileGatherOp op) {
  auto type = cast<TileType>(op.getType());
  const LinearLayout &layout = distribution.get(op.getResult());
  Fragment offsets = getAs(op.getOffsets(), layout), fragment{layout, {}};
  const GlobalBuffer &buffer = getBuffer(op.getSource());
  Type element = buffer.type.getElementType();
  SmallVector<Value> bounds = getThreadBounds(layout, type, op.getBounds());
  for (int64_t reg = 0; reg < layout.getNumRegisters(); ++reg) {
    SmallVector<Value> values;
    loadVector(offsetPointer(buffer.pointer, element, offsets.registers[reg]),
               getPredicate(layout, type, bounds, reg), element, 1, values);
    fragment.registers.push_back(toRegister(values.front(), type.getElementType()));
  }
  bind(op.getResult(), std::move(fragment));
  return success();
}

} // namespace lutra
