//===- ByteConvKind.cpp - convolutions of bytes in tiles of sums --------------===//
// channels_last, codes without a sign, padding done beforehand. Output pixel (.., x) times filter is a product whose
// row x reads the input at x * stride and whose K runs over taps and channels. With dilation 1 the taps and channels
// along the last spatial dimension are contiguous, in the input and in the filter's panels, so that one
// tile_coded_matmul covers them; the other taps follow one after another into the same sums.
//
// All tiles have one shape, for which AMX is set up once: where rows do not split evenly the last tile begins earlier,
// and of its sums only the new rows are kept. Sums wait on the stack, from which the epilogue takes row by row.
//
// A work item is a number of tiles of rows, counted over all outer positions, times a block of one group's filters.
#include "GroupKinds.h"
#include "Product.h"

#include "lutra/Support/BytePanels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lutra;

namespace {
class ByteConvEmission : ConvWalk {
public:
  explicit ByteConvEmission(KernelEmitter &emitter);
  Value getItems() { return emitter.product(counts); }
  LogicalResult emitItem();

private:
  struct Place { // of a tile of sums
    Value outer, row, column;
    int64_t columns;
    Value bound; // of columns; may be null
    Value panel; // of the column
  };
  void cutItems();
  SmallVector<SmallVector<int64_t>> getTaps();
  Value multiply(const Place &place, ArrayRef<int64_t> taps, Value sums);
  LogicalResult emitColumns(Value column, int64_t columns, Value bound, Value firstTile, Value lastTile);
  LogicalResult emitTile(const Place &place, Value firstRow);

  KernelEmitter &emitter;
  ConvOp op;
  int64_t extent; // of `last`
  ByteTile tile;
  SmallVector<Value> outerSizes; // batch and spatial dimensions before `last`
  int64_t rowTiles;              // of an outer position
  Value tiles;                   // of rows, in all
  int64_t tilesPerItem = 1, columnsPerItem;
  SmallVector<Value> counts; // of items: blocks of tiles, groups, blocks of columns

  Value group, input, filter, sums;
};
} // namespace

static constexpr int64_t panel = bytePanelWidth;

bool lutra::isByteConv(ConvOp op, std::string &why) {
  if (!isTileableConv(op, why))
    return false;
  auto filter = cast<RankedTensorType>(op.getFilter().getType()), result = cast<RankedTensorType>(op.getType());
  int64_t taps = 1, groups = op.getGroups();
  for (int64_t size : filter.getShape().drop_back(2))
    taps *= size;
  int64_t channels = filter.getDimSize(filter.getRank() - 2), columns = filter.getShape().back() / groups;
  if (!RankedTensorType::get(result.getShape().drop_front(), result.getElementType()).hasStaticShape() ||
      llvm::is_contained(result.getShape(), 0))
    why = "takes images of one size alone";
  else if (channels == 0 || channels % bytePanelDepth != 0 || (groups != 1 && columns % panel != 0))
    why = "takes channels in fours, and 16 filters of each group";
  else if (taps > mostByteTaps)
    why = "takes few taps alone";
  return why.empty();
}

ByteConvEmission::ByteConvEmission(KernelEmitter &kernelEmitter)
    : ConvWalk(cast<ConvOp>(getRoot(kernelEmitter.kernel))), emitter(kernelEmitter),
      op(cast<ConvOp>(getRoot(kernelEmitter.kernel))) {
  extent = resultType.getDimSize(last);
  tile = *emitter.target.getByteTile();
  tile.rows = llvm::divideCeil(extent, llvm::divideCeil(extent, tile.rows));
  tile.columns = std::min<int64_t>(tile.columns, llvm::alignTo(columns, panel));
  rowTiles = llvm::divideCeil(extent, tile.rows);
  for (int64_t dim = 0; dim < last; ++dim)
    outerSizes.push_back(emitter.getSize(op.getResult(), dim));
  tiles = emitter.mul(emitter.product(outerSizes), emitter.constant(rowTiles));
  cutItems();
}

/// Items large enough that a panel serves many rows, and enough of them for a few threads: the operand of more bytes
/// is split.
void ByteConvEmission::cutItems() {
  constexpr int64_t mostPixels = 1024, wantedItems = 8, smallest = 1 << 17;
  int64_t known = rowTiles, depth = channels;
  for (int64_t dim = 1; dim < last; ++dim)
    known *= resultType.getDimSize(dim);
  for (int64_t dim = 0; dim < spatial; ++dim)
    depth *= filterType.getDimSize(dim);
  int64_t most = std::max<int64_t>(1, mostPixels / tile.rows);
  int64_t rowPieces = llvm::divideCeil(known, most), columnPieces = 1;
  auto rowsOf = [&] { return llvm::divideCeil(known, rowPieces); };
  auto columnsOf = [&] { return llvm::alignTo(llvm::divideCeil(columns, columnPieces), tile.columns); };
  while (rowPieces * llvm::divideCeil(columns, columnsOf()) * groups < wantedItems) {
    bool mayCutRows = rowsOf() > 1, mayCutColumns = static_cast<int64_t>(columnsOf()) > tile.columns;
    int64_t work = rowsOf() * tile.rows * columnsOf() * depth;
    if (work < 2 * smallest || (!mayCutRows && !mayCutColumns))
      break;
    bool isWide = static_cast<int64_t>(columnsOf()) > static_cast<int64_t>(rowsOf()) * tile.rows;
    if (mayCutColumns && (isWide || !mayCutRows))
      ++columnPieces;
    else
      ++rowPieces;
  }
  tilesPerItem = rowsOf();
  columnsPerItem = columnsOf();
  counts = {emitter.ceilDiv(tiles, emitter.constant(tilesPerItem)), emitter.constant(groups),
            emitter.constant(llvm::divideCeil(columns, columnsPerItem))};
}

/// The taps of the spatial dimensions that are not joined; zeros in the others.
SmallVector<SmallVector<int64_t>> ByteConvEmission::getTaps() {
  SmallVector<SmallVector<int64_t>> all{SmallVector<int64_t>(spatial, 0)};
  for (int64_t dim = 0; dim < joined; ++dim) {
    SmallVector<SmallVector<int64_t>> next;
    for (const SmallVector<int64_t> &taps : all)
      for (int64_t tap = 0; tap < filterType.getDimSize(dim); ++tap) {
        next.push_back(taps);
        next.back()[dim] = tap;
      }
    all = std::move(next);
  }
  return all;
}

/// `sums` and the products under these taps.
Value ByteConvEmission::multiply(const Place &place, ArrayRef<int64_t> taps, Value sums) {
  SmallVector<Value> at = emitter.delinearize(place.outer, outerSizes);
  at.append(rank - last, emitter.constant(0));
  int64_t tap = 0, depth = channels;
  for (int64_t dim = 0; dim < spatial; ++dim) {
    tap = tap * filterType.getDimSize(dim) + taps[dim];
    depth *= dim < joined ? 1 : filterType.getDimSize(dim);
    at[dim + 1] = emitter.add(emitter.mul(at[dim + 1], emitter.constant(op.getStrides()[dim])),
                              emitter.constant(taps[dim] * op.getDilations()[dim]));
  }
  at.back() = emitter.mul(group, emitter.constant(channels));
  OpBuilder &builder = emitter.builder;
  Value rows = input;
  int64_t step = op.getStrides()[last - 1];
  if (step == 1 || tile.rows == 1) {
    at[last] = emitter.add(at[last], emitter.mul(place.row, emitter.constant(step)));
  } else { // a view of every step-th pixel
    SmallVector<OpFoldResult> offsets(rank, builder.getIndexAttr(0)), sizes, steps(rank, builder.getIndexAttr(1));
    for (int64_t dim = 0; dim < rank; ++dim)
      sizes.push_back(getAsOpFoldResult(emitter.getSize(op.getInput(), dim)));
    offsets[last] = getAsOpFoldResult(at[last]);
    sizes[last] = builder.getIndexAttr(extent);
    steps[last] = builder.getIndexAttr(step);
    rows = memref::SubViewOp::create(builder, emitter.loc, input, offsets, sizes, steps);
    at[last] = place.row;
  }
  SmallVector<Value> words{place.panel, emitter.constant(tap * channels / bytePanelDepth)};
  return TileCodedMatmulOp::create(builder, emitter.loc, sums.getType(), rows, at, filter, words, sums,
                                   emitter.constant(depth), Value(), /*bits=*/8, /*lhs_row_dim=*/last, /*offset=*/0,
                                   nullptr, /*special_code=*/-1, /*limit=*/-1, /*signed_codes=*/true,
                                   /*unsigned_lhs=*/true);
}

/// Stores what the kernel yields for the rows of the tile from `firstRow` on.
LogicalResult ByteConvEmission::emitTile(const Place &place, Value firstRow) {
  Value zero = emitter.constant(0);
  Value products = emitter.fill(emitter.builder.getI32IntegerAttr(0), {tile.rows, place.columns});
  for (const SmallVector<int64_t> &taps : getTaps())
    products = multiply(place, taps, products);
  TileWindow whole;
  whole.indices = {zero, zero};
  whole.shape = {tile.rows, place.columns};
  whole.dims = {tile.rows == 1 ? -1 : 0, 1};
  whole.steps = {1, 1};
  emitter.storeTile(products, sums, whole);
  SmallVector<Value> output = emitter.delinearize(place.outer, outerSizes);
  output.append(rank - last, zero);
  Value firstColumn = emitter.add(emitter.mul(group, emitter.constant(columns)), place.column);
  return emitter.forEach(firstRow, emitter.constant(tile.rows), emitter.constant(1), [&](Value row) {
    TileWindow line = whole;
    line.indices[0] = row;
    line.shape[0] = 1;
    line.dims[0] = -1;
    ProductSpot spot{{}, emitter.add(place.row, row), firstColumn, 1, place.columns, {}, place.bound};
    return finishSpot(emitter, op.getResult(), spotWindow(emitter, spot, output, last, rank - 1),
                      emitter.loadTile(sums, line, emitter.builder.getI32Type()));
  });
}

/// The tiles of one block of columns.
LogicalResult ByteConvEmission::emitColumns(Value column, int64_t width, Value bound, Value firstTile,
                                            Value lastTile) {
  // Outside of the loop: what a level computes of words alone (WidenedBytes.cpp) is computed once for all tiles.
  Value firstColumn = emitter.add(emitter.mul(group, emitter.constant(columns)), column);
  Value firstPanel = emitter.div(firstColumn, emitter.constant(panel));
  return emitter.forEach(firstTile, lastTile, emitter.constant(1), [&](Value index) {
    Value outer = emitter.div(index, emitter.constant(rowTiles));
    Value wanted = emitter.mul(emitter.rem(index, emitter.constant(rowTiles)), emitter.constant(tile.rows));
    Value row = extent % tile.rows == 0 ? wanted : emitter.min(wanted, emitter.constant(extent - tile.rows));
    return emitTile({outer, row, column, width, bound, firstPanel}, emitter.sub(wanted, row));
  });
}

LogicalResult ByteConvEmission::emitItem() {
  filter = emitter.getBuffer(op.getFilter());
  input = emitter.getBuffer(op.getInput());
  if (!filter || !input)
    return emitter.error(op.getLoc(), ErrorCode::UnsupportedOp)
           << "'lutra.conv' of bytes reads a value of its own kernel; give the value a kernel of its own";
  sums = makeScratch(emitter, {tile.rows, tile.columns}, emitter.builder.getI32Type());
  SmallVector<Value> position = emitter.delinearize(emitter.getItem(), counts);
  group = position[1];
  Value perItem = emitter.constant(tilesPerItem);
  Value firstTile = emitter.mul(position[0], perItem), lastTile = emitter.min(emitter.add(firstTile, perItem), tiles);
  Value low = emitter.mul(position[2], emitter.constant(columnsPerItem));
  int64_t full = columns / tile.columns * tile.columns, rest = columns - full;
  Value high = emitter.min(emitter.add(low, emitter.constant(columnsPerItem)), emitter.constant(full));
  if (failed(emitter.forEach(low, high, emitter.constant(tile.columns), [&](Value column) {
        return emitColumns(column, tile.columns, {}, firstTile, lastTile);
      })))
    return failure();
  if (rest == 0)
    return success();
  Value isLast = arith::CmpIOp::create(emitter.builder, emitter.loc, arith::CmpIPredicate::eq, position[2],
                                       emitter.constant(columns / columnsPerItem));
  KernelEmitter::Scope scope(emitter);
  auto branch = scf::IfOp::create(emitter.builder, emitter.loc, isLast, /*withElseRegion=*/false);
  emitter.builder.setInsertionPointToStart(branch.thenBlock());
  int64_t width = llvm::alignTo(rest, panel);
  return emitColumns(emitter.constant(full), width, width == rest ? Value() : emitter.constant(rest), firstTile,
                     lastTile);
}

GroupKind lutra::getByteConvKind() {
  return {hasRoot<ConvOp>,
          [](KernelEmitter &emitter) -> FailureOr<Value> { return ByteConvEmission(emitter).getItems(); },
          [](KernelEmitter &emitter, bool elementwise) -> LogicalResult {
            if (elementwise) // the grid was cut for tiles
              return failure();
            return ByteConvEmission(emitter).emitItem();
          }};
}
