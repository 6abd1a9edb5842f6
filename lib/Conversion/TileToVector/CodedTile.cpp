//===- CodedTile.cpp - codes and activations of one product, in vectors -------===//
#include "CodedTile.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lutra {

CodeRange codeRangeOf(TileCodedMatmulOp op) {
  if (std::optional<ArrayRef<int64_t>> values = op.getValues())
    return {*llvm::min_element(*values), *llvm::max_element(*values)};
  int64_t offset = op.getOffset(), limit = op.getLimit(), most = op.getTriples() ? 2 : (1 << op.getBits()) - 1;
  return {-offset, (limit >= 0 ? limit : most) - offset};
}

int64_t ValueDigits::of(int64_t value, int64_t number) const {
  for (int64_t below = 0; below < number; ++below) {
    int64_t base = int64_t(1) << bits, digit = value & (base - 1);
    value = (value - (isSigned && digit >= base / 2 ? digit - base : digit)) / base;
  }
  if (number + 1 == count)
    return value;
  return isSigned ? llvm::SignExtend64(value, bits) : value & ((int64_t(1) << bits) - 1);
}

std::optional<ValueDigits> ValueDigits::find(CodeRange range, bool isSigned) {
  constexpr int64_t most = 3;
  for (int64_t count = 1, ones = 1; count <= most; ++count, ones = 256 * ones + 1)
    if (range.least >= (isSigned ? -128 * ones : 0) && range.greatest <= (isSigned ? 127 : 255) * ones)
      return ValueDigits{count, 8, isSigned};
  return std::nullopt;
}

/// Entries that one shuffle of bytes finds.
static constexpr size_t shuffledEntries = 64;

CodedWords::CodedWords(OpBuilder &builder, Location loc, CodeMeaning meaning, int64_t columns, Vectors vectors)
    : builder(builder), loc(loc), meaning(meaning), vectorBytes(vectors.bytes),
      code{meaning.bits, meaning.triples},
      shuffles(vectors.shuffles && (meaning.values || meaning.triples) &&
               std::max<size_t>(1, meaning.specialValues.size()) << code.storedBits() <= shuffledEntries),
      fields(code.fields()), parts(columns * wordBytes / vectorBytes) {
  bytes = VectorType::get({vectorBytes}, builder.getI8Type());
  narrowType = VectorType::get({vectorBytes / 2}, builder.getI16Type());
  wideType = VectorType::get({vectorBytes / 4}, builder.getI32Type());
}

void CodedWords::prepareCodes(Value buffer, ValueRange indices, Value tableRow) {
  codes = flattenOperand(builder, loc, buffer, indices);
  panelParts = cast<MemRefType>(buffer.getType()).getDimSize(2) * wordBytes / vectorBytes;
  if (!tableRow)
    return;
  for (Value tables : splitRows(builder, loc, tableRow, wideType, parts)) { // the same byte four times
    constexpr int64_t everyByte = 0x01010101;
    Value four = shuffles ? arith::MulIOp::create(builder, loc, tables, splat(wideType, everyByte << meaning.bits))
                          : arith::MulIOp::create(builder, loc, specialOf(tables), splat(wideType, everyByte));
    special.push_back(vector::BitCastOp::create(builder, loc, bytes, four));
  }
}

/// The lower byte of what the special code stands for in each of the tables.
Value CodedWords::specialOf(Value tables) {
  Value entry = splat(wideType, meaning.specialValues.front() & 0xFF);
  for (auto [table, value] : llvm::drop_begin(llvm::enumerate(meaning.specialValues))) {
    Value isOwn = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, tables,
                                        splat(wideType, static_cast<int64_t>(table)));
    entry = arith::SelectOp::create(builder, loc, isOwn, splat(wideType, value & 0xFF), entry);
  }
  return entry;
}

static bool liesOnStack(Value buffer) {
  while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>())
    buffer = view.getViewSource();
  return buffer.getDefiningOp<memref::AllocaOp>() != nullptr;
}

CodedTile::CodedTile(OpBuilder &builder, TileCodedMatmulOp op, Vectors vectors)
    : CodedWords(builder, op.getLoc(), CodeMeaning::of(op), op.getAcc().getType().getShape()[1], vectors), op(op),
      rows(op.getAcc().getType().getShape()[0]), readsWeights(!liesOnStack(op.getCodes())) {}

void CodedTile::prepare(Value tableRow) {
  prepareCodes(op.getCodes(), op.getCodeIndices(), tableRow);
  lhs = flattenOperand(builder, loc, op.getLhs(), op.getLhsIndices());
  if (op.getLhsWords())
    wordStride = lhs.strides[op.getLhsRowDim() - 1];
  for (int64_t row = 0; row < rows; ++row)
    rowOffset.push_back(builder.createOrFold<arith::MulIOp>(loc, index(row), lhs.strides[op.getLhsRowDim()]));
}

Value CodedWords::splat(VectorType type, int64_t value) {
  auto attribute = IntegerAttr::get(type.getElementType(), value);
  return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, attribute.getValue()));
}

Value CodedWords::call(StringRef intrinsic, Type type, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(builder, loc, type, builder.getStringAttr(intrinsic), operands)->getResult(0);
}

Value CodedWords::addressOfWords(Value step, int64_t word, int64_t part) {
  return add(add(codes.base, mul(step, code.words() * panelParts * vectorBytes)),
             add(mul(codes.strides[0], part / panelParts),
                 index((word * panelParts + part % panelParts) * vectorBytes)));
}

SmallVector<CodedWords::Values> CodedWords::loadWords(Value step) {
  SmallVector<Values> words(parts);
  int64_t stepWords = code.words();
  for (int64_t word = 0; word < stepWords; ++word)
    for (int64_t part = 0; part < parts; ++part) {
      Value address = addressOfWords(step, word, part);
      words[part].push_back(vector::LoadOp::create(builder, loc, bytes, codes.buffer, ValueRange{address}));
    }
  return words;
}

void CodedWords::prefetch(Value step, int64_t distance, int64_t share, int64_t shares) {
  constexpr int64_t line = 64;
  int64_t next = 0;
  int64_t stepBytes = code.words() * panelParts * vectorBytes;
  Value first = add(codes.base, mul(step, stepBytes));
  for (int64_t panel = 0; panel < parts / panelParts; ++panel)
    for (int64_t at = 0; at < stepBytes; at += line) {
      if (next++ % shares != share)
        continue;
      Value place = add(add(first, mul(codes.strides[0], panel)), index(distance + at)); // past the end nothing happens
      memref::PrefetchOp::create(builder, loc, codes.buffer, ValueRange{place}, /*isWrite=*/false, /*localityHint=*/3,
                                 /*isDataCache=*/true);
    }
}

/// The codes of one field of all bytes; loose ones with anything above them. x86 shifts no bytes.
Value CodedWords::field(ArrayRef<Value> words, int64_t field, bool isLoose) {
  Value codes;
  for (const CodeWords::Piece &piece : code.piecesOf(field)) {
    Value bits = words[piece.word];
    int distance = static_cast<int>(piece.at) - static_cast<int>(piece.to);
    if (vectorBytes == 16 && distance > 0 && piece.to == 0 && piece.at + piece.count == 8) { // nothing beside them
      bits = arith::ShRUIOp::create(builder, loc, bits, splat(bytes, distance));
      codes = codes ? arith::OrIOp::create(builder, loc, codes, bits).getResult() : bits;
      continue;
    }
    if (distance != 0) {
      Value shift = splat(narrowType, std::abs(distance));
      Value pairs = vector::BitCastOp::create(builder, loc, narrowType, bits);
      pairs = distance > 0 ? arith::ShRUIOp::create(builder, loc, pairs, shift).getResult()
                           : arith::ShLIOp::create(builder, loc, pairs, shift).getResult();
      bits = vector::BitCastOp::create(builder, loc, bytes, pairs);
    }
    if (isLoose) { // what lies above a piece gives way to the next
      if (codes) {
        Value below = arith::AndIOp::create(builder, loc, codes, splat(bytes, (1 << piece.to) - 1));
        Value above = arith::AndIOp::create(builder, loc, bits, splat(bytes, -(1 << piece.to)));
        bits = arith::OrIOp::create(builder, loc, below, above);
      }
      codes = bits;
      continue;
    }
    if (piece.count < 8)
      bits = arith::AndIOp::create(builder, loc, bits, splat(bytes, ((1 << piece.count) - 1) << piece.to));
    codes = codes ? arith::OrIOp::create(builder, loc, codes, bits).getResult() : bits;
  }
  return codes;
}

/// What codes as they are stored stand for in a field, or that digit of it; empty: themselves.
SmallVector<int64_t> CodedWords::tableOf(int64_t field, int64_t digit) {
  SmallVector<int64_t> table;
  for (unsigned stored = 0; meaning.triples && stored < 1u << code.storedBits(); ++stored)
    table.push_back(code.codeOf(stored, field));
  if (!meaning.values)
    return table;
  if (table.empty())
    table.append(meaning.values->begin(), meaning.values->end());
  else
    for (int64_t &entry : table)
      entry = (*meaning.values)[entry];
  if (digits.count > 1)
    for (int64_t &entry : table)
      entry = digits.of(entry, digit);
  return table;
}

/// The entries for loose codes. A shuffle reads six bits of them, among which a table is repeated or, above the code,
/// stands that of the column.
Value CodedWords::shuffle(Value codes, ArrayRef<int64_t> table, int64_t part) {
  SmallVector<int8_t> entries;
  for (size_t i = 0; i < shuffledEntries; ++i) {
    int64_t stored = i % table.size(), tableIndex = i / table.size();
    bool isSpecial = !special.empty() && stored == meaning.specialCode;
    entries.push_back(static_cast<int8_t>(
        isSpecial ? meaning.specialValues[tableIndex % meaning.specialValues.size()] : table[stored]));
  }
  if (!special.empty()) {
    Value own = arith::AndIOp::create(builder, loc, codes, splat(bytes, static_cast<int64_t>(table.size()) - 1));
    codes = arith::OrIOp::create(builder, loc, own, special[part]);
  }
  Value constant = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(bytes, ArrayRef(entries)));
  return call("llvm.x86.avx512.permvar.qi.512", bytes, {constant, codes});
}

/// Part of a table in every 16 bytes of a vector, repeated where it has fewer entries.
Value CodedWords::shuffled(ArrayRef<int64_t> part) {
  SmallVector<int8_t> entries;
  for (int64_t i = 0; i < vectorBytes; ++i)
    entries.push_back(static_cast<int8_t>(part[i % 16 % part.size()]));
  return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(bytes, ArrayRef(entries)));
}

/// The entries of the table for codes, which are less than its size. On aarch64 one instruction reads up to 64 of them;
/// on x86 each 16 take a shuffle, and of those the upper bits choose (findsPairs: two of 16 bits do). Vectors of 256
/// bits take more for such a choice than for a sum: a shuffle finds 0 for what is negative, so it adds (xor) what the
/// next 16 entries differ by from those before where the code is none of these.
Value CodedWords::lookUp(Value codes, ArrayRef<int64_t> table) {
  if (vectorBytes == 16) {
    Values operands;
    for (size_t first = 0; first < std::max<size_t>(16, table.size()); first += 16)
      operands.push_back(shuffled(table.slice(first, std::min<size_t>(16, table.size()))));
    std::string name = "llvm.aarch64.neon.tbl" + std::to_string(operands.size()) + ".v16i8";
    operands.push_back(codes);
    return call(name, bytes, operands);
  }
  size_t part = std::min<size_t>(16, table.size());
  if (vectorBytes == 32) {
    Value found;
    SmallVector<int64_t> before(part);
    for (size_t first = 0; first < table.size(); first += part) {
      SmallVector<int64_t> differences;
      for (auto [entry, last] : llvm::zip_equal(table.slice(first, part), before))
        differences.push_back(entry ^ last);
      before.assign(table.begin() + first, table.begin() + first + part);
      if (first > 0)
        codes = arith::SubIOp::create(builder, loc, codes, splat(bytes, 16));
      Value own = call("llvm.x86.avx2.pshuf.b", bytes, {shuffled(differences), codes});
      found = found ? arith::XOrIOp::create(builder, loc, found, own).getResult() : own;
    }
    return found;
  }
  SmallVector<Value> found;
  for (size_t first = 0; first < table.size(); first += part)
    found.push_back(call("llvm.x86.avx512.pshuf.b.512", bytes, {shuffled(table.slice(first, part)), codes}));
  for (int64_t bit = 4; found.size() > 1; ++bit) {
    Value isSet = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne,
                                        arith::AndIOp::create(builder, loc, codes, splat(bytes, int64_t(1) << bit)),
                                        splat(bytes, 0));
    SmallVector<Value> chosen;
    for (size_t i = 0; i < found.size(); i += 2)
      chosen.push_back(arith::SelectOp::create(builder, loc, isSet, found[i + 1], found[i]));
    found = std::move(chosen);
  }
  return found.front();
}

/// Whether two instructions find entries of 16 bits, of even and of odd codes, where four would find bytes of them.
bool CodedWords::findsPairs() {
  return vectorBytes == 64 && !shuffles && special.empty() && meaning.values && meaning.bits == 6 && digits.count <= 2;
}

/// The entries of 64, or a digit of them, for codes with anything above them: those of two digits are looked up once.
Value CodedWords::lookUpPairs(Value codes, int64_t position, int64_t digit) {
  SmallVector<int64_t> low = tableOf(position, 0), high = digits.count > 1 ? tableOf(position, 1) : low;
  Values tables;
  for (size_t first = 0; first < shuffledEntries; first += shuffledEntries / 2) {
    SmallVector<int16_t> entries;
    for (size_t i = first; i < first + shuffledEntries / 2; ++i)
      entries.push_back(static_cast<int16_t>((low[i] & 0xFF) | (high[i] & 0xFF) << 8));
    tables.push_back(arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(narrowType, ArrayRef(entries))));
  }
  Value byte = splat(narrowType, 8), lower = splat(narrowType, 0xFF), upper = splat(narrowType, -0x100);
  auto find = [&](Value pairs) {
    return call("llvm.x86.avx512.vpermi2var.hi.512", narrowType, {tables[0], pairs, tables[1]});
  };
  Value pairs = vector::BitCastOp::create(builder, loc, narrowType, codes);
  Value even = find(pairs), odd = find(arith::ShRUIOp::create(builder, loc, pairs, byte));
  if (digit == 0) {
    even = arith::AndIOp::create(builder, loc, even, lower);
    odd = arith::ShLIOp::create(builder, loc, odd, byte);
  } else {
    even = arith::ShRUIOp::create(builder, loc, even, byte);
    odd = arith::AndIOp::create(builder, loc, odd, upper);
  }
  return vector::BitCastOp::create(builder, loc, bytes, arith::OrIOp::create(builder, loc, even, odd));
}

Value CodedWords::valuesOf(ArrayRef<Value> words, int64_t position, int64_t part, int64_t digit) {
  if (findsPairs())
    return lookUpPairs(field(words, position, /*isLoose=*/true), position, digit);
  Value codes = field(words, position, shuffles);
  SmallVector<int64_t> table = tableOf(position, digit);
  if (shuffles)
    return shuffle(codes, table, part);
  if (meaning.offset != 0) // 128 in bytes
    return arith::XOrIOp::create(builder, loc, codes, splat(bytes, meaning.offset));
  // Where one shuffle finds entries of 0 to 127, the special one is known by its sign.
  bool hasMark = !special.empty() && !table.empty() && table.size() <= 16 &&
                 llvm::all_of(table, [](int64_t entry) { return entry >= 0 && entry <= 127; });
  if (hasMark)
    table[meaning.specialCode] = -128;
  Value values = table.empty() ? codes : lookUp(codes, table);
  if (special.empty())
    return values;
  if (hasMark) {
    Value isMarked = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, values, splat(bytes, 0));
    return arith::SelectOp::create(builder, loc, isMarked, special[part], values);
  }
  Value isSpecial = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, codes,
                                          splat(bytes, meaning.specialCode));
  return arith::SelectOp::create(builder, loc, isSpecial, special[part], values);
}

unsigned CodedWords::bitsBelow(int64_t position) {
  if (meaning.values || meaning.triples || meaning.offset != 0)
    return 0;
  SmallVector<CodeWords::Piece, 7> pieces = code.piecesOf(position);
  return pieces.size() == 1 ? pieces.front().at : 0;
}

Value CodedWords::maskedInPlace(ArrayRef<Value> words, int64_t position) {
  CodeWords::Piece piece = code.piecesOf(position).front();
  Value mask = splat(bytes, ((1 << piece.count) - 1) << piece.at);
  return arith::AndIOp::create(builder, loc, words[piece.word], mask);
}

Value CodedWords::repeatWord(Value word) {
  return vector::BitCastOp::create(builder, loc, bytes, vector::BroadcastOp::create(builder, loc, wideType, word));
}

Value CodedWords::loadFour(const FlatOperand &from, Value address) {
  auto four = VectorType::get({wordBytes}, builder.getI8Type());
  auto word = VectorType::get({1}, builder.getI32Type());
  Value loaded;
  if (vectorBytes == 16) { // LLVM widens four bytes to 16 bits each and back there
    Value view = memref::ViewOp::create(builder, loc, MemRefType::get({1}, builder.getI32Type()), from.buffer, address,
                                        ValueRange());
    loaded = vector::LoadOp::create(builder, loc, word, view, ValueRange{index(0)}, /*nontemporal=*/false,
                                    llvm::MaybeAlign(1));
  } else {
    Value bytesOfWord = vector::LoadOp::create(builder, loc, four, from.buffer, ValueRange{address});
    loaded = vector::BitCastOp::create(builder, loc, word, bytesOfWord);
  }
  return repeatWord(vector::ExtractOp::create(builder, loc, loaded, 0));
}

Value CodedTile::addressOf(Value step, int64_t row, int64_t field) {
  if (wordStride) {
    Value stepStride = mul(wordStride, op.getStepDepth() / wordBytes);
    Value first = builder.createOrFold<arith::MulIOp>(loc, step, stepStride);
    return add(add(lhs.base, first), add(rowOffset[row], mul(wordStride, field)));
  }
  // What changes with the step is one register for all rows, where their distance is a number.
  return add(add(lhs.base, mul(step, op.getStepDepth())), add(rowOffset[row], index(field * wordBytes)));
}

Value CodedTile::loadRow(Value step, int64_t row, int64_t field) { return loadFour(lhs, addressOf(step, row, field)); }

CodedTile::MaskedWord CodedTile::loadMasked(Value step, int64_t row) {
  Value address = add(add(lhs.base, mul(step, 2)), rowOffset[row]);
  auto load = [&](Value at) { return repeatWord(memref::LoadOp::create(builder, loc, lhs.buffer, ValueRange{at})); };
  return {load(address), load(add(address, index(1)))};
}

} // namespace lutra
