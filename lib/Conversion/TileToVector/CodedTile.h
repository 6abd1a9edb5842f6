//===- CodedTile.h - codes and activations of one product, in vectors ---------===//
#ifndef LUTRA_LIB_CONVERSION_TILETOVECTOR_CODEDTILE_H
#define LUTRA_LIB_CONVERSION_TILETOVECTOR_CODEDTILE_H

#include "TileParts.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Support/EncodedPanels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace lutra {

/// What an op says of its codes.
struct CodeMeaning {
  unsigned bits;
  int64_t offset;
  std::optional<llvm::ArrayRef<int64_t>> values;
  int64_t specialCode;
  llvm::ArrayRef<int64_t> specialValues; // by table
  bool triples;

  template <typename Op> static CodeMeaning of(Op op) {
    std::optional<llvm::ArrayRef<int64_t>> values = op.getValues();
    llvm::ArrayRef<int64_t> specialValues;
    if (values) {
      specialValues = values->drop_front(size_t(1) << op.getBits());
      values = values->drop_back(specialValues.size());
    }
    return {static_cast<unsigned>(op.getBits()), static_cast<int64_t>(op.getOffset()), values,
            static_cast<int64_t>(op.getSpecialCode()), specialValues, op.getTriples()};
  }
};

/// The least and the greatest value of a code.
struct CodeRange {
  int64_t least, greatest;
};

/// Values that no byte holds, as sums of digits, each times 2^(bits * its number). The last has what the others leave.
struct ValueDigits {
  int64_t count = 1;
  unsigned bits = 8;
  bool isSigned = false;

  int64_t of(int64_t value, int64_t number) const;
  /// As few as hold a range in bytes, with a sign or without; none where three are too few.
  static std::optional<ValueDigits> find(CodeRange range, bool isSigned);
};

/// Reads steps of codes. Each 32-bit lane of a vector holds four bytes of one column, which are neighbours along K in
/// every field.
class CodedWords {
public:
  using Values = llvm::SmallVector<mlir::Value>;
  /// Bytes of one column in a word.
  static constexpr int64_t wordBytes = 4;

  /// What vectors are, and whether one instruction picks each of their 64 bytes from 64 others.
  struct Vectors {
    int64_t bytes;
    bool shuffles = false;
  };

  CodedWords(mlir::OpBuilder &builder, mlir::Location loc, CodeMeaning meaning, int64_t columns, Vectors vectors);
  /// Computes what no step changes; `tableRow`, the table of each column, may be null.
  void prepareCodes(mlir::Value buffer, mlir::ValueRange indices, mlir::Value tableRow);
  /// The words of a step, by part of the columns.
  llvm::SmallVector<Values> loadWords(mlir::Value step);
  /// Asks for codes that lie some bytes behind those of a step, or the share-th of `shares` shares of them.
  void prefetch(mlir::Value step, int64_t distance, int64_t share = 0, int64_t shares = 1);
  /// What the codes of a field stand for, or a digit of it.
  mlir::Value valuesOf(llvm::ArrayRef<mlir::Value> words, int64_t position, int64_t part, int64_t digit = 0);
  /// The bits below the codes of a field where these stand for themselves and may be masked in their place; else 0.
  unsigned bitsBelow(int64_t position);
  /// Those codes times 2 to the power of the bits below them.
  mlir::Value maskedInPlace(llvm::ArrayRef<mlir::Value> words, int64_t position);
  int64_t getFields() const { return fields; }
  int64_t getParts() const { return parts; }

protected:
  mlir::Value index(int64_t value) { return mlir::arith::ConstantIndexOp::create(builder, loc, value); }
  mlir::Value add(mlir::Value lhs, mlir::Value rhs) {
    return builder.createOrFold<mlir::arith::AddIOp>(loc, lhs, rhs);
  }
  mlir::Value mul(mlir::Value lhs, int64_t rhs) {
    return builder.createOrFold<mlir::arith::MulIOp>(loc, lhs, index(rhs));
  }
  /// A word of 32 bits in every lane.
  mlir::Value repeatWord(mlir::Value word);
  /// Four bytes from an address on, in every lane.
  mlir::Value loadFour(const FlatOperand &from, mlir::Value address);
  /// Where a word of a step begins in a part of the columns.
  mlir::Value addressOfWords(mlir::Value step, int64_t word, int64_t part);
  mlir::Value splat(mlir::VectorType type, int64_t value);
  mlir::Value call(llvm::StringRef intrinsic, mlir::Type type, mlir::ValueRange operands);

  mlir::OpBuilder &builder;
  mlir::Location loc;
  CodeMeaning meaning;
  int64_t vectorBytes;
  CodeWords code;
  bool shuffles; // all entries of a table, or of all tables, are found by one instruction
  ValueDigits digits;
  int64_t fields, parts, panelParts = 1; // vectors of all columns, and of those of one panel
  mlir::VectorType bytes, narrowType, wideType; // i8, i16 and i32 in a vector
  FlatOperand codes;

private:
  mlir::Value field(llvm::ArrayRef<mlir::Value> words, int64_t field, bool isLoose);
  mlir::Value specialOf(mlir::Value tables);
  llvm::SmallVector<int64_t> tableOf(int64_t field, int64_t digit);
  mlir::Value shuffle(mlir::Value codes, llvm::ArrayRef<int64_t> table, int64_t part);
  mlir::Value lookUp(mlir::Value codes, llvm::ArrayRef<int64_t> table);
  mlir::Value shuffled(llvm::ArrayRef<int64_t> part);
  bool findsPairs();
  mlir::Value lookUpPairs(mlir::Value codes, int64_t position, int64_t digit);

  Values special; // by part: the value of the special code or, where one shuffle knows all tables, which of them
};

CodeRange codeRangeOf(TileCodedMatmulOp op);

/// Reads both operands of a product.
class CodedTile : public CodedWords {
public:
  CodedTile(mlir::OpBuilder &builder, TileCodedMatmulOp op, Vectors vectors);
  /// Computes what no step changes; `tableRow` may be null.
  void prepare(mlir::Value tableRow);

protected:
  Values loop(mlir::Value upper, int64_t step, mlir::ValueRange carried, LoopBody body) {
    return carryLoop(builder, loc, {index(0), upper, index(step)}, carried, body);
  }
  /// Where the neighbours along K begin that words of `field` meet.
  mlir::Value addressOf(mlir::Value step, int64_t row, int64_t field);
  /// Four neighbours of a row in every lane.
  mlir::Value loadRow(mlir::Value step, int64_t row, int64_t field);
  /// Those of a left-hand side of i32.
  struct MaskedWord {
    mlir::Value magnitude, mask;
  };
  MaskedWord loadMasked(mlir::Value step, int64_t row);

  TileCodedMatmulOp op;
  int64_t rows;
  FlatOperand lhs;
  mlir::Value wordStride; // between four neighbours along K and the next, where words of rows lie side by side; or null
  bool readsWeights; // and not what was unpacked to the stack

private:
  Values rowOffset;
};

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_TILETOVECTOR_CODEDTILE_H
