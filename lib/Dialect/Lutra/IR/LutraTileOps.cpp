//===- LutraTileOps.cpp - the contract between compiler and targets ===//
#include "lutra/Dialect/Lutra/IR/LutraTableOps.h"
#include "lutra/Support/EncodedPanels.h"

#include "OpHelpers.h"
#include "VerifyHelpers.h"

#include "mlir/IR/Builders.h"

#include <algorithm>

using namespace mlir;
using namespace lutra;

#define GET_OP_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraTableOps.cpp.inc"
#define GET_OP_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraTileOps.cpp.inc"

void LutraDialect::addTileOps() {
  addOperations<
#define GET_OP_LIST
#include "lutra/Dialect/Lutra/IR/LutraTileOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "lutra/Dialect/Lutra/IR/LutraTableOps.cpp.inc"
      >();
}

void TileLoadOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getSourceMutable(), SideEffects::DefaultResource::get());
}

void TileGatherOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getSourceMutable(), SideEffects::DefaultResource::get());
}

void TileStoreOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), &getDestMutable(), SideEffects::DefaultResource::get());
}

void TileMatmulOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getLhsMutable(),
                       SideEffects::DefaultResource::get());
  effects.emplace_back(MemoryEffects::Read::get(), &getRhsMutable(),
                       SideEffects::DefaultResource::get());
}

void TileCodedMatmulOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  for (OpOperand *read : {&getLhsMutable(), &getCodesMutable()})
    effects.emplace_back(MemoryEffects::Read::get(), read, SideEffects::DefaultResource::get());
}

LogicalResult TileFillOp::verify() {
  if (getValue().getType() != getType().getElementType()) // E1
    return emitOpError("fills with ") << getValue().getType() << ", but the tile holds "
                                      << getType().getElementType() << "; make them equal";
  return success();
}

LogicalResult TileLookupOp::verify() {
  TileType from = getCodes().getType(), to = getType();
  if (from.getShape() != to.getShape() || !from.getElementType().isInteger(32) ||
      !to.getElementType().isF32()) // E1
    return emitOpError("looks up ") << from << " as " << to << "; give one shape, of i32 and of f32";
  if (int64_t size = getTable().size(); size < 2 || size > 16 || !llvm::isPowerOf2_64(size)) // E2
    return emitOpError("has ") << size << " entries; tables have 2, 4, 8 or 16";
  return success();
}

LogicalResult TileJoinOp::verify() {
  if (getInputs().empty()) // E1
    return emitOpError("joins no tile; give one or more");
  TileType result = getType();
  int64_t columns = 0;
  bool fits = result.getShape().size() == 2;
  for (Value input : getInputs()) {
    auto type = cast<TileType>(input.getType());
    fits &= type.getShape().size() == 2 && type.getElementType() == result.getElementType() &&
            type.getShape()[0] == result.getShape()[0];
    columns += fits ? type.getShape()[1] : 0;
  }
  if (!fits || columns != result.getShape()[1]) // E2
    return emitOpError("joins ") << getInputs().getTypes() << " to " << result
                                 << "; give tiles of its rows and elements whose columns add up to its own";
  return success();
}

LogicalResult TileIotaOp::verify() {
  int64_t rank = getType().getShape().size(), dim = getDim();
  if (dim < 0 || dim >= rank) // E1
    return emitOpError("counts along dimension ")
           << dim << ", but the tile has rank " << rank;
  if (!getType().getElementType().isIndex()) // E2
    return emitOpError("counts in elements ")
           << getType().getElementType() << "; use index and convert in a tile_map";
  return success();
}

/// `bounds` is absent or has one value for each tile dimension.
static LogicalResult verifyBounds(Operation *op, TileType tile, size_t bounds) {
  if (bounds == 0 || bounds == tile.getShape().size())
    return success();
  return op->emitOpError("gives ") << bounds << " bounds for a tile of rank "
                                   << tile.getShape().size()
                                   << "; give none or one for each tile dimension";
}

/// The buffer stores elements of the tile's type.
static LogicalResult verifyStorage(Operation *op, TileType tile, Value buffer) {
  Type stored = shapedOf(buffer).getElementType();
  if (getBufferElementType(stored) == getBufferElementType(tile.getElementType()))
    return success();
  return op->emitOpError("moves elements ")
         << tile.getElementType() << " of a tile, but the buffer stores " << stored
         << "; convert in a tile_map";
}

/// E1 to E5 of tile_load and tile_store.
static LogicalResult verifyAddress(Operation *op, TileType tile, Value buffer, size_t indices,
                                   size_t bounds, ArrayRef<int64_t> dims, ArrayRef<int64_t> steps,
                                   bool mayRepeat) {
  int64_t rank = shapedOf(buffer).getRank();
  if ((int64_t)indices != rank) // E1
    return op->emitOpError("gives ") << indices << " indices into a buffer of rank " << rank
                                     << "; give one for each dimension";
  size_t tileRank = tile.getShape().size();
  if (dims.size() != tileRank || steps.size() != tileRank) // E2
    return op->emitOpError("gives ") << dims.size() << " dims and " << steps.size()
                                     << " steps for a tile of rank " << tileRank
                                     << "; give one of each for every tile dimension";
  for (auto [size, dim] : llvm::zip_equal(tile.getShape(), dims)) {
    bool repeated = dim == -1 && (mayRepeat || size == 1);
    if (!repeated && (dim < 0 || dim >= rank)) // E3
      return op->emitOpError("advances along buffer dimension ")
             << dim << " of a buffer of rank " << rank
             << (mayRepeat ? "; use a dimension, or -1 to repeat" : "; use a dimension");
  }
  if (failed(verifyBounds(op, tile, bounds))) // E4
    return failure();
  return verifyStorage(op, tile, buffer); // E5
}

LogicalResult TileLoadOp::verify() {
  return verifyAddress(*this, getType(), getSource(), getIndices().size(), // E1 to E5
                       getBounds().size(), getDims(), getSteps(), /*mayRepeat=*/true);
}

LogicalResult TileStoreOp::verify() {
  return verifyAddress(*this, getValue().getType(), getDest(), getIndices().size(), // E1 to E5
                       getBounds().size(), getDims(), getSteps(), /*mayRepeat=*/false);
}

LogicalResult TileGatherOp::verify() {
  TileType offsets = getOffsets().getType();
  Type element = offsets.getElementType();
  auto source = cast<MemRefType>(getSource().getType());
  bool isByte = element.isSignlessInteger(8) && source.hasStaticShape() && source.getNumElements() == 256;
  if (offsets.getShape() != getType().getShape() ||
      !(isByte || element.isIndex() || element.isSignlessInteger(32) || element.isSignlessInteger(64))) // E1
    return emitOpError("reads ") << getType() << " at offsets " << offsets << " of " << source
                                 << "; give index, i32 or i64 offsets, or i8 of 256 elements, of the result's shape";
  if (failed(verifyBounds(*this, getType(), getBounds().size()))) // E2
    return failure();
  return verifyStorage(*this, getType(), getSource()); // E3
}

/// The scalar that a tile_map's region sees: arith knows signless integers alone.
static Type scalarOf(Type tile) {
  Type element = cast<TileType>(tile).getElementType();
  auto integer = dyn_cast<IntegerType>(element);
  return integer ? IntegerType::get(element.getContext(), integer.getWidth()) : element;
}

LogicalResult TileMapOp::verifyRegions() {
  if (getNumResults() == 0) // E1
    return emitOpError("has no results, so it does nothing; give one or delete it");
  ArrayRef<int64_t> shape = cast<TileType>(getResult(0).getType()).getShape();
  for (Type type : getResultTypes())
    if (cast<TileType>(type).getShape() != shape) // E1
      return emitOpError("has results ")
             << getResult(0).getType() << " and " << type << "; give all of them one shape";
  for (Type type : getInputs().getTypes()) {
    ArrayRef<int64_t> input = cast<TileType>(type).getShape();
    bool fits = input.empty() || input.size() == shape.size();
    if (fits && !input.empty())
      for (auto [size, wanted] : llvm::zip_equal(input, shape))
        fits = fits && (size == 1 || size == wanted);
    if (!fits) // E1
      return emitOpError("has input ") << type << " for results of shape " << shapeText(shape)
                                       << "; give that shape, rank 0, or size 1 where it repeats";
  }
  Block &body = getBody().front();
  SmallVector<Type> scalars = llvm::map_to_vector(getInputs().getTypes(), scalarOf);
  if (TypeRange(body.getArgumentTypes()) != TypeRange(scalars)) // E2
    return emitOpError("has a region of (") << body.getArgumentTypes() << "), but inputs of ("
                                            << scalars << "); give one scalar for each input";
  SmallVector<Type> yielded = llvm::map_to_vector(getResultTypes(), scalarOf);
  auto yield = cast<YieldOp>(body.getTerminator());
  if (TypeRange(yield.getValues().getTypes()) != TypeRange(yielded)) // E3
    return emitOpError("yields (") << yield.getValues().getTypes() << "), but its results hold ("
                                   << yielded << "); yield one scalar for each result";
  for (Operation &op : body)
    if (!isMemoryEffectFree(&op)) { // E4
      InFlightDiagnostic diag =
          emitOpError("holds ") << op.getName() << ", which touches memory; a tile_map is pure";
      diag.attachNote(op.getLoc()) << "the op is here";
      return diag;
    }
  return success();
}

LogicalResult TileReduceOp::verify() {
  TileType input = getInput().getType(), result = getType();
  if (input.getShape().empty()) // E1
    return emitOpError("reduces ") << input << ", which has no dimension left; use the value itself";
  if (result.getShape() != input.getShape().drop_back()) // E2
    return emitOpError("reduces ") << input << " to " << result << ", but its last dimension goes: "
                                   << shapeText(input.getShape().drop_back()) << " is left";
  if (result.getElementType() != input.getElementType()) // E3
    return emitOpError("reduces ") << input << " to " << result
                                   << "; the elements keep their type, so convert in a tile_map";
  return success();
}

LogicalResult TileExtractOp::verify() {
  TileType input = getInput().getType();
  if (ShapedType::getNumElements(input.getShape()) != 1) // E1
    return emitOpError("extracts the scalar of ")
           << input << ", which holds " << ShapedType::getNumElements(input.getShape())
           << "; reduce it first";
  if (getType() != input.getElementType()) // E2
    return emitOpError("extracts ") << getType() << ", but the tile holds "
                                    << input.getElementType() << "; make them equal";
  return success();
}

LogicalResult TileMatmulOp::verify() {
  TileType acc = getAcc().getType();
  if (acc.getShape().size() != 2 || getType() != acc) // E1
    return emitOpError("adds to ") << acc << " and yields " << getType()
                                   << "; both must be one tile type of rank 2";
  ShapedType lhs = shapedOf(getLhs()), rhs = shapedOf(getRhs());
  if ((int64_t)getLhsIndices().size() != lhs.getRank() ||
      (int64_t)getRhsIndices().size() != rhs.getRank()) // E2
    return emitOpError("gives ") << getLhsIndices().size() << " and " << getRhsIndices().size()
                                 << " indices into buffers of rank " << lhs.getRank() << " and "
                                 << rhs.getRank() << "; give one for each dimension";
  int64_t rowDim = getLhsRowDim(), step = getRowStep();
  if (rowDim < 0 || rowDim >= lhs.getRank() - 1 || step < 1) // E3
    return emitOpError("advances rows by ")
           << step << " along dimension " << rowDim << " of a buffer of rank " << lhs.getRank()
           << "; use a step of at least 1 along a dimension before the last, which is K";
  bool deep = getRhsLayout() == PanelLayout::DeepPanel, panel = deep || getRhsLayout() == PanelLayout::Panel;
  int64_t leastRank = deep ? 4 : panel ? 3 : 2;
  if (rhs.getRank() < leastRank) // E4
    return emitOpError("reads rhs as ") << stringifyPanelLayout(getRhsLayout())
                                        << " from a buffer of rank " << rhs.getRank()
                                        << "; give it at least rank " << leastRank;
  int64_t columns = acc.getShape()[1], width = rhs.getDimSize(rhs.getRank() - (deep ? 2 : 1));
  if (deep && (rhs.isDynamicDim(rhs.getRank() - 1) || rhs.getShape().back() < 1)) // E4
    return emitOpError("reads panels of shape ")
           << shapeText(rhs.getShape()) << "; the step of K, which is the last size, must be static";
  if (panel && (ShapedType::isDynamic(width) || width < 1 || columns % width != 0)) // E4
    return emitOpError("has ") << columns << " columns over panels of shape "
                               << shapeText(rhs.getShape())
                               << "; the panel width must be static and divide the columns";
  bool readsCodes = lhs.getElementType().isF32() && rhs.getElementType().isSignlessInteger(8);
  Type factor = readsCodes ? lhs.getElementType() : rhs.getElementType();
  if (failed(verifyProductElements(*this, lhs.getElementType(), factor, acc.getElementType()))) // E5
    return failure();
  return verifyBounds(*this, acc, getBounds().size()); // E6
}

/// What an op says of the codes of `columns` columns.
template <typename Op> static LogicalResult verifyCodes(Op op, int64_t columns) {
  int64_t bits = op.getBits(), special = op.getSpecialCode();
  auto isWide = [](int64_t value) { return !llvm::isInt<32>(value); };
  if (bits < 1 || bits > 8)
    return op.emitOpError("reads codes of ") << bits << " bits; panels hold 1 to 8";
  if (std::optional<ArrayRef<int64_t>> values = op.getValues()) {
    int64_t more = static_cast<int64_t>(values->size()) - (int64_t(1) << bits);
    if (more < 0 || (more > 0) != static_cast<bool>(op.getSpecial()) || llvm::any_of(*values, isWide))
      return op.emitOpError("gives ") << values->size() << " values for codes of " << bits
                                      << " bits; give one of 32 bits for each code"
                                      << (op.getSpecial() ? " and for each table" : "");
  } else if (op.getSpecial()) {
    return op.emitOpError("has a special code without values");
  }
  if (Value tile = op.getSpecial()) {
    auto type = cast<TileType>(tile.getType());
    if (type.getShape() != ArrayRef<int64_t>{1, columns} || !type.getElementType().isInteger(32) || special < 0 ||
        special >= int64_t(1) << bits)
      return op.emitOpError("takes ") << type << " as tables of code " << special
                                      << "; give a row of i32 for a code of " << bits << " bits";
  } else if (special != -1) {
    return op.emitOpError("names the code ") << special << " as special, but gives no tables for it";
  }
  if (op.getTriples() && (bits != 2 || op.getSpecial() || op.getOffset() != 0))
    return op.emitOpError("reads triples of codes of ") << bits << " bits; those have 2, no offset and nothing special";
  return success();
}

void TileUnpackOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getCodesMutable(), SideEffects::DefaultResource::get());
}

LogicalResult TileUnpackOp::verify() {
  TileType result = getType();
  CodeWords words{static_cast<unsigned>(std::clamp<int64_t>(getBits(), 1, 8)), getTriples()};
  if (result.getShape().size() != 2 || !result.getElementType().isInteger(8) ||
      result.getShape()[0] != words.fields()) // E1
    return emitOpError("yields ") << result << "; give a row of i8 for each of the " << words.fields()
                                  << " codes in a byte of a step";
  if (getCodeIndices().size() != 2) // E2
    return emitOpError("gives ") << getCodeIndices().size() << " indices into the codes; give the panel and the word";
  ShapedType codes = shapedOf(getCodes());
  constexpr int64_t mostBytes = int64_t(1) << 31;
  if (codes.getRank() != 4 || !codes.getElementType().isInteger(8) || codes.getDimSize(2) < 1 ||
      codes.getDimSize(2) > mostBytes || codes.getDimSize(3) < 1 || codes.getDimSize(3) > mostBytes ||
      codes.getDimSize(2) * codes.getDimSize(3) != result.getShape()[1]) // E3
    return emitOpError("reads codes of shape ") << shapeText(codes.getShape()) << " of " << codes.getElementType()
                                                << " for " << result.getShape()[1]
                                                << " bytes; give [panels, words, columns, bytes] of i8";
  return verifyCodes(*this, codes.getDimSize(2));
}

LogicalResult TileRescaleOp::verify() {
  auto input = cast<TileType>(getInput().getType()), factors = cast<TileType>(getFactors().getType());
  if (input.getShape().size() != 2 || !input.getElementType().isInteger(8) || input.getShape()[1] % 2 != 0) // E1
    return emitOpError("scales ") << input << "; give rows of i8 whose length is even";
  int64_t pairs = input.getShape()[1] / 2;
  if (factors.getShape() != ArrayRef<int64_t>{1, pairs} || !factors.getElementType().isInteger(16)) // E2
    return emitOpError("takes ") << factors << " as factors; give a row of i16 for " << pairs << " pairs of bytes";
  return success();
}

void TileSubsetSumsOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getLhsMutable(), SideEffects::DefaultResource::get());
}

RankedTensorType SubsetSumsOp::typeOf(RankedTensorType rows, int64_t lanes, int64_t bits) {
  int64_t count = 1, depth = rows.getRank() > 0 ? rows.getShape().back() : 0;
  bool isFull = lanes > 0 && depth > 0 && depth % (8 * lanes) == 0;
  if (!rows.hasStaticShape() || !rows.getElementType().isInteger(8) || !isFull)
    return {};
  for (int64_t size : rows.getShape().drop_back())
    count *= size;
  int64_t shape[] = {count, depth / (8 * lanes), 2 * TileSubsetSumsOp::partsOf(bits), 16 * lanes};
  return RankedTensorType::get(shape, rows.getElementType());
}

/// Rows of i8 and tables of them.
static LogicalResult verifyTables(Operation *op, RankedTensorType rows, RankedTensorType tables, int64_t bits) {
  if (!rows.hasStaticShape() || !rows.getElementType().isInteger(8) || rows.getRank() == 0) // E1
    return op->emitOpError("sums elements of ") << rows << "; give rows of i8 and a static shape";
  if (bits < 2 || bits > 8) // E2
    return op->emitOpError("sums integers of ") << bits << " bits; give 2 to 8";
  int64_t lanes = tables.getRank() == 4 ? tables.getDimSize(3) / 16 : 0;
  if (tables != SubsetSumsOp::typeOf(rows, lanes, bits)) // E3
    return op->emitOpError("has tables of type ")
           << tables << "; for lanes that divide K / 8 give [rows, K / (8 * lanes), "
           << 2 * TileSubsetSumsOp::partsOf(bits) << ", 16 * lanes] of i8";
  return success();
}

LogicalResult SubsetSumsOp::verify() {
  return verifyTables(*this, getRows().getType(), getTables().getType(), getLhsBits());
}

LogicalResult WithTablesOp::verify() {
  return verifyTables(*this, getRows().getType(), getTables().getType(), getLhsBits());
}

LogicalResult SubsetSumsOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesOf(builder, getLoc(), getTables())); // always static
  return success();
}

LogicalResult WithTablesOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesOf(builder, getLoc(), getRows()));
  return success();
}

int64_t SubsetSumsOp::getOperations(SizeFn sizeOf) { return elementCount(getTables(), sizeOf); }

int64_t WithTablesOp::getOperations(SizeFn) { return 0; }

LogicalResult TileSubsetSumsOp::verify() {
  TileType result = getType();
  ArrayRef<int64_t> shape = result.getShape();
  int64_t bits = getLhsBits(), rows = 2 * partsOf(bits);
  if (bits < 2 || bits > 8) // E5
    return emitOpError("sums integers of ") << bits << " bits; give 2 to 8";
  if (shape.size() != 2 || !result.getElementType().isInteger(8) || shape[0] != rows || shape[1] % 16 != 0) // E1
    return emitOpError("yields ") << result << "; give " << rows << " rows of i8, 16 columns for each lane";
  ShapedType lhs = shapedOf(getLhs());
  if ((int64_t)getIndices().size() != lhs.getRank()) // E2
    return emitOpError("gives ") << getIndices().size() << " indices into a buffer of rank " << lhs.getRank()
                                 << "; give one for each dimension";
  if (!lhs.getElementType().isInteger(8)) // E3
    return emitOpError("sums elements of ") << lhs.getElementType() << "; the buffer must hold i8";
  if (lhs.getRank() == 0) // E4
    return emitOpError("reads a buffer without dimensions; the last one must be that of K");
  return success();
}

int64_t TileLookupMatmulOp::getChunkDepth() { return shapedOf(getTables()).getShape().back() / 2; }

void TileLookupMatmulOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getTablesMutable(), SideEffects::DefaultResource::get());
  effects.emplace_back(MemoryEffects::Read::get(), &getCodesMutable(), SideEffects::DefaultResource::get());
}

/// What products of integers are added to, and give.
static LogicalResult verifySums(Operation *op, TileType acc, Type result) {
  if (acc.getShape().size() != 2 || !acc.getElementType().isInteger(32) || result != acc)
    return op->emitOpError("adds to ") << acc << " and yields " << result
                                       << "; both must be one tile type of rank 2 with i32 elements";
  return success();
}

static LogicalResult verifyRowDim(Operation *op, int64_t rowDim, ShapedType lhs) {
  if (rowDim < 0 || rowDim >= lhs.getRank() - 1)
    return op->emitOpError("advances rows along dimension ")
           << rowDim << " of a buffer of rank " << lhs.getRank() << "; use one before the last, which is K";
  return success();
}

/// Panels of words of four bytes for all columns of a tile.
static LogicalResult verifyPanels(Operation *op, ShapedType codes, TileType acc) {
  int64_t columns = acc.getShape()[1];
  if (codes.getRank() != 4 || !codes.getElementType().isInteger(8) || codes.getDimSize(2) < 1 ||
      columns % codes.getDimSize(2) != 0 || codes.getDimSize(3) != 4)
    return op->emitOpError("reads codes of shape ") << shapeText(codes.getShape()) << " of " << codes.getElementType()
                                                    << " for a tile of " << columns
                                                    << " columns; give [panels, words, width, 4] of i8";
  return success();
}

LogicalResult TileLookupMatmulOp::verify() {
  TileType acc = getAcc().getType();
  if (failed(verifySums(*this, acc, getType()))) // E1
    return failure();
  if (getTableIndices().size() != 2 || getCodeIndices().size() != 2) // E2
    return emitOpError("gives ") << getTableIndices().size() << " indices into the tables and "
                                 << getCodeIndices().size()
                                 << " into the codes; give row and chunk, and panel and word";
  ShapedType tables = shapedOf(getTables()), codes = shapedOf(getCodes());
  int64_t lhsBits = getLhsBits(), halves = 2 * TileSubsetSumsOp::partsOf(lhsBits);
  if (lhsBits < 2 || lhsBits > 8) // E7
    return emitOpError("reads sums of integers of ") << lhsBits << " bits; give 2 to 8";
  if (tables.getRank() != 4 || !tables.getElementType().isInteger(8) || tables.getDimSize(2) != halves ||
      tables.getDimSize(3) < 1 || tables.getDimSize(3) % 16 != 0) // E3
    return emitOpError("reads tables of shape ") << shapeText(tables.getShape()) << " of " << tables.getElementType()
                                                 << "; give [rows, chunks, " << halves << ", 16 * lanes] of i8";
  if (codes.getRank() != 4 || !codes.getElementType().isInteger(8) || codes.getDimSize(2) != acc.getShape()[1] ||
      codes.getDimSize(3) != 1) // E4
    return emitOpError("reads codes of shape ") << shapeText(codes.getShape()) << " of " << codes.getElementType()
                                                << " for a tile of " << acc.getShape()[1]
                                                << " columns; give [panels, words, columns, 1] of i8";
  if (int64_t depth = getDepth(), chunk = getChunkDepth(); depth < 1 || depth % chunk != 0) // E5
    return emitOpError("covers ") << depth << " steps of K; give a multiple of the " << chunk << " of a chunk";
  if (int64_t bits = getBits(), words = getPlaneWords(); bits < 1 || bits > 4 || words < 1) // E6
    return emitOpError("reads ") << bits << " planes, " << words
                                 << " words of each beside each other; give 1 to 4 planes and 1 word or more";
  return success();
}

void TileBitPlanesOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getLhsMutable(), SideEffects::DefaultResource::get());
}

LogicalResult TileBitPlanesOp::verify() {
  TileType result = getType();
  ArrayRef<int64_t> shape = result.getShape();
  if (shape.size() != 2 || !result.getElementType().isInteger(32) || shape[0] < 1 || shape[0] > 4) // E1
    return emitOpError("yields ") << result << "; give 1 to 4 rows of i32, a column for 32 steps of K";
  ShapedType lhs = shapedOf(getLhs());
  if ((int64_t)getIndices().size() != lhs.getRank()) // E2
    return emitOpError("gives ") << getIndices().size() << " indices into a buffer of rank " << lhs.getRank()
                                 << "; give one for each dimension";
  if (!lhs.getElementType().isInteger(8)) // E3
    return emitOpError("takes bits of ") << lhs.getElementType() << "; the buffer must hold i8";
  if (lhs.getRank() == 0) // E4
    return emitOpError("reads a buffer without dimensions; the last one must be that of K");
  if (int64_t bits = getCodeBits(); bits < 1 || bits > 4) // E5
    return emitOpError("orders bits for codes of ") << bits << " bits; give 1 to 4";
  return success();
}

void TileBitserialMatmulOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getPlanesMutable(), SideEffects::DefaultResource::get());
  effects.emplace_back(MemoryEffects::Read::get(), &getCodesMutable(), SideEffects::DefaultResource::get());
}

LogicalResult TileBitserialMatmulOp::verify() {
  TileType acc = getAcc().getType();
  if (failed(verifySums(*this, acc, getType()))) // E1
    return failure();
  if (getPlaneIndices().size() != 2 || getCodeIndices().size() != 2) // E2
    return emitOpError("gives ") << getPlaneIndices().size() << " indices into the planes and "
                                 << getCodeIndices().size()
                                 << " into the codes; give row and step, and panel and word";
  ShapedType planes = shapedOf(getPlanes()), codes = shapedOf(getCodes());
  if (planes.getRank() != 3 || !planes.getElementType().isInteger(32) || planes.getDimSize(1) < 1 ||
      planes.getDimSize(1) > 4) // E3
    return emitOpError("reads planes of shape ") << shapeText(planes.getShape()) << " of " << planes.getElementType()
                                                 << "; give [rows, 1 to 4 planes, steps] of i32";
  if (failed(verifyPanels(*this, codes, acc))) // E4
    return failure();
  if (int64_t bits = getBits(); bits < 1 || bits > 4) // E5
    return emitOpError("counts codes of ") << bits << " bits; give 1 to 4";
  if (int64_t depth = getDepth(); depth < 1 || depth % 32 != 0) // E6
    return emitOpError("covers ") << depth << " steps of K; give a multiple of the 32 of a word";
  return success();
}

void TileShiftMatmulOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getLhsMutable(), SideEffects::DefaultResource::get());
  effects.emplace_back(MemoryEffects::Read::get(), &getCodesMutable(), SideEffects::DefaultResource::get());
}

int64_t TileShiftMatmulOp::getStepDepth() {
  return CodeWords{static_cast<unsigned>(getBits())}.fields() *
         cast<MemRefType>(getCodes().getType()).getShape().back();
}

int64_t TileShiftMatmulOp::getStepWords() { return CodeWords{static_cast<unsigned>(getBits())}.words(); }

LogicalResult TileShiftMatmulOp::verify() {
  TileType acc = getAcc().getType();
  if (failed(verifySums(*this, acc, getType()))) // E1
    return failure();
  ShapedType lhs = shapedOf(getLhs()), codes = shapedOf(getCodes());
  if ((int64_t)getLhsIndices().size() != lhs.getRank() || getCodeIndices().size() != 2) // E2
    return emitOpError("gives ") << getLhsIndices().size() << " indices into lhs of rank " << lhs.getRank() << " and "
                                 << getCodeIndices().size() << " into the codes; give one for each dimension of lhs, "
                                 << "and the codes' panel and word";
  if (failed(verifyRowDim(*this, getLhsRowDim(), lhs))) // E3
    return failure();
  if (!lhs.getElementType().isInteger(8)) // E4
    return emitOpError("shifts elements of ") << lhs.getElementType() << "; the buffer must hold i8";
  if (failed(verifyPanels(*this, codes, acc))) // E5
    return failure();
  if (int64_t bits = getBits(); bits < 2 || bits > 4) // E6
    return emitOpError("shifts by codes of ") << bits << " bits; give 2 to 4, of which one is the sign";
  if (int64_t depth = getDepth(); depth < 1 || depth % getStepDepth() != 0) // E7
    return emitOpError("covers ") << depth << " steps of K; give a multiple of the " << getStepDepth()
                                  << " codes in a step's words";
  return success();
}

int64_t TileCodedMatmulOp::getStepDepth() {
  CodeWords words{static_cast<unsigned>(getBits()), getTriples()};
  return words.fields() * cast<MemRefType>(getCodes().getType()).getShape().back();
}

int64_t TileCodedMatmulOp::getStepWords() {
  return CodeWords{static_cast<unsigned>(getBits()), getTriples()}.words();
}

LogicalResult TileCodedMatmulOp::verify() {
  TileType acc = getAcc().getType();
  if (failed(verifySums(*this, acc, getType()))) // E1
    return failure();
  ShapedType lhs = shapedOf(getLhs()), codes = shapedOf(getCodes());
  if ((int64_t)getLhsIndices().size() != lhs.getRank() || getCodeIndices().size() != 2) // E2
    return emitOpError("gives ") << getLhsIndices().size() << " indices into lhs of rank " << lhs.getRank() << " and "
                                 << getCodeIndices().size() << " into the codes; give one for each dimension of lhs, "
                                 << "and the codes' panel and step";
  if (failed(verifyRowDim(*this, getLhsRowDim(), lhs))) // E3
    return failure();
  constexpr int64_t mostBytes = int64_t(1) << 31;
  bool fitsPanels = codes.getRank() == 4 && codes.getDimSize(2) >= 1 && acc.getShape()[1] % codes.getDimSize(2) == 0;
  if (!fitsPanels || codes.getDimSize(3) < 1 || codes.getDimSize(3) > mostBytes) // E4
    return emitOpError("reads codes of shape ")
           << shapeText(codes.getShape()) << " for a tile of " << acc.getShape()[1]
           << " columns; give [panels, words, width, bytes], the columns being those of whole panels";
  bool isMasked = lhs.getElementType().isInteger(32) && getBits() == 8 && !getValues() && !getSpecial();
  if ((!lhs.getElementType().isInteger(8) && !isMasked) || !codes.getElementType().isInteger(8)) // E5
    return emitOpError("multiplies ") << lhs.getElementType() << " and " << codes.getElementType()
                                      << "; both buffers must hold i8, or lhs i32 beside plain codes of 8 bits";
  if (failed(verifyCodes(*this, acc.getShape()[1]))) // E6 to E8
    return failure();
  int64_t limit = getLimit();
  if (limit < -1 || limit >= int64_t(1) << getBits()) // E9
    return emitOpError("bounds codes of ") << getBits() << " bits by " << limit << "; give a code, or -1 for all";
  bool isPlain = getBits() == 8 && getOffset() == 0 && !getValues() && !getSpecial() && limit == -1;
  if ((getSignedCodes() && !isPlain) ||
      ((getSignedCodes() || getUnsignedLhs()) && !lhs.getElementType().isInteger(8))) // E10
    return emitOpError("says which factors have signs; that goes with plain codes of 8 bits and an lhs of i8 alone");
  int64_t rowDim = getLhsRowDim();
  bool hasWords = rowDim > 0 && rowDim == lhs.getRank() - 2 && lhs.getDimSize(rowDim + 1) == 4;
  if (getLhsWords() && (!hasWords || !lhs.getElementType().isInteger(8))) // E12
    return emitOpError("reads words of rows of ")
           << lhs << " along dimension " << rowDim << "; give an lhs of i8 of shape [.., words, rows, 4]";
  return success();
}
