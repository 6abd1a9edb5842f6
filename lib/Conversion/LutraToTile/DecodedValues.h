//===- DecodedValues.h - arithmetic that turns bits into floats ---------------===//
#ifndef LUTRA_LIB_CONVERSION_LUTRATOTILE_DECODEDVALUES_H
#define LUTRA_LIB_CONVERSION_LUTRATOTILE_DECODEDVALUES_H

#include "KernelEmitter.h"

#include "lutra/Support/EncodedPanels.h"
#include "lutra/Support/SideValues.h"

namespace lutra {

/// Why no code here computes what the codes of panels stand for; empty: it does.
std::string findValueObstacle(const EncodedPanels &panels);

/// The number of a small float in the low bits of an i32, as an f32; its NaN and infinities as greater numbers.
mlir::Value decodeFloat(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value bits, const FloatForm &form);

/// The f32 of a stored side value: a small float, an integer or a wider float, with bits above its width 0.
mlir::Value decodeSide(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value stored, const SideType &type);

/// What the codes of panels stand for, tile by tile.
class CodeValues {
public:
  /// `table` holds the stored tables [tables x entries] of f32, null where panels have none.
  CodeValues(KernelEmitter &emitter, const EncodedPanels &panels, mlir::Value table);
  /// What holds for a group of columns: one tile for each code that has other values in other tables; of stored ones
  /// a tile of their first entries. `selector` is a tile of table numbers, null for one table.
  llvm::SmallVector<mlir::Value> makeGroup(mlir::Value selector);
  /// The f32 values of field `field` of a step, given its words as tiles of i8.
  mlir::Value decode(llvm::ArrayRef<mlir::Value> words, unsigned field, llvm::ArrayRef<mlir::Value> group);

private:
  mlir::Value extract(llvm::ArrayRef<mlir::Value> words, unsigned field, bool masks);
  mlir::Value lookUp(mlir::Value codes, llvm::ArrayRef<float> values);

  KernelEmitter &emitter;
  const EncodedPanels &panels;
  mlir::Value table;
  llvm::SmallVector<int64_t> differing; // codes with other values in other tables, which are not stored
};

/// Codes that do not have one value in all tables, where these are known.
llvm::SmallVector<int64_t> findDifferingCodes(const EncodedPanels &panels);

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOTILE_DECODEDVALUES_H
