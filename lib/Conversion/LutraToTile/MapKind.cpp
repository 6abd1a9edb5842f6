//===- MapKind.cpp - pointwise and movement ops alone ---------------------------===//
// All results have one shape. Its last dimension is walked in tiles; the others are one linear row
// index. An item is a block of rows times a chunk of the last dimension, about a grain of elements.
//
// Where an argument's last dimension is another one of the results (a transpose lies between), both dimensions
// are walked in square tiles, which a target with getTurnWidth() turns over in registers: each of its accesses is
// then one vector on either side. Values of 32 bits may become codes before they are stored. An item is a number of
// stripes, each as long as a cache line of the argument.
#include "GroupKinds.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lutra;

namespace {
struct Split {
  SmallVector<Value> outer;
  Value inner, rows, rowsPerItem, chunk, chunks, rowBlocks;
};

/// How a turned kernel is walked.
struct Turn {
  int64_t dim;             ///< of the results, along which the argument lies in order
  int64_t stripe;          ///< steps along it, a line of the argument or a tile
  int64_t width;           ///< of the square tiles
  SmallVector<Value> outer; ///< sizes of the results, 1 in `dim` and in the last dimension
  Value stripes, units, perItem; ///< units: outer positions times stripes along `dim`
};
} // namespace

static RankedTensorType getResultType(KernelEmitter &emitter) {
  return cast<RankedTensorType>(emitter.kernel.getYield().getValues()[0].getType());
}

/// Calls `visit` for each argument that the kernel reads through pointwise ops and transposes, with the dimension of
/// the results in which each of its dimensions lies (-1: it is repeated).
static void visitArguments(KernelOp kernel, function_ref<void(BlockArgument, ArrayRef<int64_t>)> visit) {
  SmallVector<std::pair<Value, SmallVector<int64_t>>> worklist;
  for (Value value : kernel.getYield().getValues()) {
    int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
    worklist.push_back({value, llvm::to_vector(llvm::seq<int64_t>(0, rank))});
  }
  while (!worklist.empty()) {
    auto [value, place] = worklist.pop_back_val();
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      visit(argument, place);
      continue;
    }
    Operation *op = value.getDefiningOp();
    if (auto transpose = dyn_cast<TransposeOp>(op)) {
      SmallVector<int64_t> inner(place.size());
      for (auto [dim, source] : llvm::enumerate(transpose.getPermutation()))
        inner[source] = place[dim];
      worklist.push_back({transpose.getInput(), inner});
    } else if (isa<UnaryOp, BinaryOp, CompareOp, SelectOp, CastOp>(op)) {
      for (Value operand : op->getOperands()) {
        auto type = cast<RankedTensorType>(operand.getType());
        SmallVector<int64_t> inner(ArrayRef<int64_t>(place).take_back(type.getRank()));
        for (auto [dim, size] : llvm::enumerate(type.getShape()))
          if (size == 1)
            inner[dim] = -1;
        worklist.push_back({operand, inner});
      }
    } else if (auto quantize = dyn_cast<QuantizeOp>(op);
               quantize && cast<RankedTensorType>(quantize.getScale().getType()).getRank() == 0) {
      worklist.push_back({quantize.getInput(), place});
    }
  }
}

static std::optional<Turn> findTurn(KernelEmitter &emitter) {
  RankedTensorType type = getResultType(emitter);
  if (type.getRank() < 2 || !type.hasStaticShape() || !type.getElementType().isIntOrFloat())
    return std::nullopt;
  unsigned bits = type.getElementTypeBitWidth(), turned = bits;
  int64_t last = type.getRank() - 1, found = -1;
  if (type.getDimSize(last) == 1 || type.getNumElements() == 0)
    return std::nullopt;
  visitArguments(emitter.kernel, [&](BlockArgument argument, ArrayRef<int64_t> place) {
    auto source = cast<RankedTensorType>(argument.getType());
    if (!source.hasStaticShape() || source.getNumElements() != type.getNumElements() ||
        !source.getElementType().isIntOrFloat())
      return;
    // Elements are turned as they are read, and may become codes afterwards.
    unsigned own = source.getElementTypeBitWidth();
    if (emitter.target.getTurnWidth(own) == 0 || (own != bits && !(own == 32 && bits == 8)))
      return;
    for (int64_t dim = last; dim >= 0; --dim)
      if (source.getDimSize(dim) != 1) { // the dimension whose elements follow each other
        if (place[dim] != last) {
          found = place[dim];
          turned = own;
        }
        return;
      }
  });
  if (found == -1)
    return std::nullopt;
  int64_t width = emitter.target.getTurnWidth(turned), stripe = std::max<int64_t>(width, 64 * 8 / turned);
  Turn turn{found, stripe, width, {}, {}, {}, {}};
  for (int64_t dim = 0; dim <= last; ++dim)
    turn.outer.push_back(emitter.constant(dim == found || dim == last ? 1 : type.getDimSize(dim)));
  // 16 elements of 4 bytes are a line of the argument; more would leave the first-level cache when the
  // results' rows lie a power of two apart.
  turn.stripes = emitter.constant(llvm::divideCeil(type.getDimSize(found), stripe));
  turn.units = emitter.mul(emitter.product(turn.outer), turn.stripes);
  turn.perItem = emitter.constant(std::max<int64_t>(1, emitter.target.getGrain() / (stripe * type.getDimSize(last))));
  return turn;
}

/// [low, high) of known sizes in tiles of `width`, then tiles of what is left: a power of two each when `powers`.
static LogicalResult forExactTiles(KernelEmitter &emitter, Value low, int64_t size, int64_t width, bool powers,
                                   function_ref<LogicalResult(Value, int64_t)> body) {
  int64_t full = size / width * width;
  if (full > 0 && failed(emitter.forEach(low, emitter.add(low, emitter.constant(full)), emitter.constant(width),
                                         [&](Value index) { return body(index, width); })))
    return failure();
  for (int64_t at = full; at < size;) {
    int64_t piece = powers ? int64_t(llvm::bit_floor(uint64_t(size - at))) : size - at;
    KernelEmitter::Scope scope(emitter);
    if (failed(body(emitter.add(low, emitter.constant(at)), piece)))
      return failure();
    at += piece;
  }
  return success();
}

static LogicalResult emitTurned(KernelEmitter &emitter, const Turn &turn, bool elementwise) {
  RankedTensorType type = getResultType(emitter);
  int64_t last = type.getRank() - 1, extent = type.getDimSize(turn.dim), width = elementwise ? 1 : turn.width;
  int64_t stripe = turn.stripe;
  auto emitStripe = [&](SmallVector<Value> indices, Value low, int64_t size) {
    auto emitColumns = [&](Value column, int64_t columns) {
      return forExactTiles(emitter, low, size, width, /*powers=*/true, [&](Value row, int64_t rows) {
        indices[turn.dim] = row;
        indices[last] = column;
        if (elementwise)
          return emitter.emitResults(TileWindow::element(indices));
        TileWindow window;
        window.indices = indices;
        window.shape = {rows, columns};
        window.dims = {rows == 1 ? -1 : turn.dim, columns == 1 ? -1 : last};
        window.steps = {1, 1};
        return emitter.emitResults(window);
      });
    };
    return forExactTiles(emitter, emitter.constant(0), type.getDimSize(last), width, /*powers=*/false, emitColumns);
  };
  Value first = emitter.mul(emitter.getItem(), turn.perItem);
  Value end = emitter.min(emitter.add(first, turn.perItem), turn.units);
  return emitter.forEach(first, end, emitter.constant(1), [&](Value unit) -> LogicalResult {
    SmallVector<Value> parts = emitter.delinearize(unit, {emitter.product(turn.outer), turn.stripes});
    SmallVector<Value> indices = emitter.delinearize(parts[0], turn.outer);
    Value low = emitter.mul(parts[1], emitter.constant(stripe));
    if (extent % stripe == 0 || extent < stripe)
      return emitStripe(indices, low, std::min(extent, stripe));
    // The last stripe is shorter.
    Value isWhole = arith::CmpIOp::create(emitter.builder, emitter.loc, arith::CmpIPredicate::sle,
                                          emitter.add(low, emitter.constant(stripe)), emitter.constant(extent));
    auto branch = scf::IfOp::create(emitter.builder, emitter.loc, isWhole, /*withElseRegion=*/true);
    for (bool whole : {true, false}) {
      KernelEmitter::Scope scope(emitter);
      emitter.builder.setInsertionPointToStart(whole ? branch.thenBlock() : branch.elseBlock());
      if (failed(emitStripe(indices, low, whole ? stripe : extent % stripe)))
        return failure();
    }
    return success();
  });
}

static Split splitMap(KernelEmitter &emitter) {
  Split split;
  split.outer = emitter.getSizes(emitter.kernel.getYield().getValues()[0]);
  split.inner = split.outer.empty() ? emitter.constant(1) : split.outer.pop_back_val();
  split.rows = emitter.product(split.outer);
  Value grain = emitter.constant(emitter.target.getGrain()), one = emitter.constant(1);
  split.rowsPerItem = emitter.max(one, emitter.div(grain, emitter.max(one, split.inner)));
  split.chunk = grain;
  split.chunks = emitter.ceilDiv(split.inner, grain);
  split.rowBlocks = emitter.ceilDiv(split.rows, split.rowsPerItem);
  return split;
}

static FailureOr<Value> emitGrid(KernelEmitter &emitter) {
  if (std::optional<Turn> turn = findTurn(emitter))
    return emitter.ceilDiv(turn->units, turn->perItem);
  Split split = splitMap(emitter);
  return emitter.mul(split.rowBlocks, split.chunks);
}

static LogicalResult emitItem(KernelEmitter &emitter, bool elementwise) {
  int64_t rank = getResultType(emitter).getRank();
  if (rank == 0)
    return emitter.emitResults(TileWindow::element({}));
  if (std::optional<Turn> turn = findTurn(emitter))
    return emitTurned(emitter, *turn, elementwise);
  Split split = splitMap(emitter);
  int64_t width = elementwise ? 1 : emitter.getTileWidth();
  SmallVector<Value> block = emitter.delinearize(emitter.getItem(), {split.rowBlocks, split.chunks});
  Value low = emitter.mul(block[1], split.chunk);
  Value high = emitter.min(emitter.add(low, split.chunk), split.inner);
  if (getConstantIntValue(split.chunks) == 1)
    high = split.inner;
  Value firstRow = emitter.mul(block[0], split.rowsPerItem);
  Value lastRow = emitter.min(emitter.add(firstRow, split.rowsPerItem), split.rows);
  if (getConstantIntValue(split.rowBlocks) == 1)
    lastRow = split.rows;
  return emitter.forEach(firstRow, lastRow, emitter.constant(1), [&](Value row) {
    SmallVector<Value> indices = emitter.delinearize(row, split.outer);
    indices.push_back(Value());
    return emitter.forTiles(low, high, width, [&](Value index, int64_t size, Value bound) {
      indices.back() = index;
      TileWindow window = TileWindow::row(indices, rank - 1, size, bound);
      window.aligned = true;
      return emitter.emitResults(window);
    });
  });
}

GroupKind lutra::getMapKind() {
  return {[](KernelOp kernel) { return getRoot(kernel) == nullptr; }, emitGrid, emitItem};
}
