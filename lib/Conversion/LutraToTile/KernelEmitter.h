//===- KernelEmitter.h - tensors of a kernel, tile by tile -----------------===//
// Tiling pulls values: the code of a group decides which window of which result it wants, and
// `emitTile` walks from that value towards the kernel's arguments, changing the window at movement
// ops, emitting lutra.tile_map at pointwise ops and lutra.tile_load at arguments. A root that
// computes tiles in its own way (a product's accumulator, a row's normalised values) binds them to its
// result first; pulling the kernel's result then emits the fused epilogue on top.
//
// Invariants: every tile in one pull has the rank of the window asked for; where a value does not
// depend on a tile dimension its tile has size 1 there and tile_map repeats it. Element types of
// tiles are signless (i1 for truth values, whatever memory holds).
#ifndef LUTRA_LIB_CONVERSION_LUTRATOTILE_KERNELEMITTER_H
#define LUTRA_LIB_CONVERSION_LUTRATOTILE_KERNELEMITTER_H

#include "CollapseDims.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Machine/TileTarget.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

namespace lutra {

/// Which elements of a tensor a tile holds. Tile element (t0, t1) is tensor element
/// `indices + sum over d of t_d * steps[d] * unit(dims[d])`; dims[d] == -1 repeats.
struct TileWindow {
  llvm::SmallVector<mlir::Value> indices; // one per tensor dimension
  llvm::SmallVector<int64_t> shape, dims, steps; // one per tile dimension
  llvm::SmallVector<mlir::Value> bounds; // none, or one per tile dimension: elements that exist
  bool aligned = false; // indices along tile dimensions are multiples of the tile's size

  /// One element, as a tile of rank 0.
  static TileWindow element(llvm::ArrayRef<mlir::Value> indices);
  /// `width` consecutive elements along `dim` (rank 1). `bound` may be null.
  static TileWindow row(llvm::ArrayRef<mlir::Value> indices, int64_t dim, int64_t width,
                        mlir::Value bound = {});
  bool operator==(const TileWindow &other) const;
};

/// For which rows of a product, whose number is unknown, a kernel's functions are.
struct KernelRows {
  /// At most so many, and of 1 just one; -1: any number.
  int64_t most = -1;
  std::string suffix;    // of their names
  bool chooses = false; // they call others with the same arguments
};

/// Emits one function (`@k` or `@k.grid`) of a kernel.
class KernelEmitter {
public:
  /// Creates the function before `kernel`; the builder stands in its entry block.
  KernelEmitter(KernelOp kernel, const TileTarget &target, bool grid, const CollapsedDims &collapsed = {},
                const KernelRows &rows = {});

  /// Rows of the product that the function is for, at most; 1: one, -1: any number.
  const int64_t mostRows;

  mlir::OpBuilder builder;
  mlir::Location loc;
  KernelOp kernel;
  const TileTarget &target;
  mlir::func::FuncOp function;

  /// The function's buffer of a kernel argument, of a non-splat constant, or of a reshape of these.
  /// Null for any other value.
  mlir::Value getBuffer(mlir::Value tensor);
  /// The buffer of result number `index`.
  mlir::Value getOutput(unsigned index) { return outputs[index]; }
  /// A coded error; from now on the kernel cannot be emitted at all.
  mlir::InFlightDiagnostic error(mlir::Location where, ErrorCode code) {
    reported = true;
    return emitCodedError(where, code);
  }
  bool hasError() const { return reported; }
  /// Elements of a tile that is as wide as the kernel's widest element allows.
  int64_t getTileWidth();
  /// The work item that the body of `@k` computes (null in `@k.grid`).
  mlir::Value getItem() { return item; }
  /// Ends `@k.grid` with its answer.
  void finishGrid(mlir::Value items);
  /// The function's value for an index value of the kernel's body.
  mlir::Value getIndex(mlir::Value kernelIndex);
  /// Size of a dimension of any tensor in the kernel (computed in the entry block).
  mlir::Value getSize(mlir::Value tensor, int64_t dim);
  llvm::SmallVector<mlir::Value> getSizes(mlir::Value tensor);

  /// The tile of a tensor's values for a window. Fails (no diagnostic) when the access along a tile
  /// dimension cannot be expressed; the caller then asks for single elements, which always work.
  /// Ops without an emission get a coded error.
  mlir::FailureOr<mlir::Value> emitTile(mlir::Value tensor, const TileWindow &window);
  /// One element as a scalar value.
  mlir::FailureOr<mlir::Value> emitElement(mlir::Value tensor, llvm::ArrayRef<mlir::Value> indices);
  /// From now on (until the end of the enclosing Scope) `tensor` at `window` is `tile`.
  void bind(mlir::Value tensor, const TileWindow &window, mlir::Value tile);
  /// Makes `tensor` a view of `buffer` (of the same shape) for the rest of the Scope: emitTile loads from it.
  void bindBuffer(mlir::Value tensor, mlir::Value buffer);
  /// Pulls result `index` of the kernel at `window` and stores it.
  mlir::LogicalResult emitResult(unsigned index, const TileWindow &window);
  /// All results (they must have one shape).
  mlir::LogicalResult emitResults(const TileWindow &window);
  void storeTile(mlir::Value tile, mlir::Value buffer, const TileWindow &window);
  mlir::Value loadTile(mlir::Value buffer, const TileWindow &window, mlir::Type element);
  mlir::Value loadElement(mlir::Value buffer, llvm::ArrayRef<mlir::Value> indices, mlir::Type element);
  void storeElement(mlir::Value scalar, mlir::Value buffer, llvm::ArrayRef<mlir::Value> indices);

  /// Tiles emitted inside a Scope are forgotten at its end: use one for each region that is opened.
  class Scope {
  public:
    explicit Scope(KernelEmitter &emitter);
    ~Scope();

  private:
    KernelEmitter &emitter;
    size_t cacheSize, bufferCount;
    mlir::OpBuilder::InsertionGuard guard;
  };

  // Index arithmetic, folded where both sides are constant.
  mlir::Value constant(int64_t value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value div(mlir::Value a, mlir::Value b);     // non-negative operands
  mlir::Value rem(mlir::Value a, mlir::Value b);
  mlir::Value ceilDiv(mlir::Value a, mlir::Value b); // non-negative a
  mlir::Value min(mlir::Value a, mlir::Value b);
  mlir::Value max(mlir::Value a, mlir::Value b);
  mlir::Value product(llvm::ArrayRef<mlir::Value> sizes);
  /// Row-major digits of `linear` under `sizes`.
  llvm::SmallVector<mlir::Value> delinearize(mlir::Value linear, llvm::ArrayRef<mlir::Value> sizes);
  mlir::Value linearize(llvm::ArrayRef<mlir::Value> indices, llvm::ArrayRef<mlir::Value> sizes);

  using LoopBody = llvm::function_ref<mlir::LogicalResult(mlir::Value index)>;
  /// A loop without results; the builder stands inside while `body` runs.
  mlir::LogicalResult forEach(mlir::Value low, mlir::Value high, mlir::Value step, LoopBody body);
  using Carried = llvm::SmallVector<mlir::Value>;
  using FoldBody = llvm::function_ref<mlir::FailureOr<Carried>(mlir::Value index,
                                                               mlir::ValueRange carried)>;
  /// A loop that carries values.
  mlir::FailureOr<Carried> fold(mlir::Value low, mlir::Value high, mlir::Value step,
                                mlir::ValueRange init, FoldBody body);
  using TileBody = llvm::function_ref<mlir::LogicalResult(mlir::Value index, int64_t width,
                                                          mlir::Value bound)>;
  /// [low, high) in full tiles of `width`, then one bounded tail (bound null in full tiles).
  mlir::LogicalResult forTiles(mlir::Value low, mlir::Value high, int64_t width, TileBody body);
  using TileFoldBody = llvm::function_ref<mlir::FailureOr<Carried>(
      mlir::Value index, int64_t width, mlir::Value bound, mlir::ValueRange carried)>;
  mlir::FailureOr<Carried> foldTiles(mlir::Value low, mlir::Value high, int64_t width,
                                     mlir::ValueRange init, TileFoldBody body);

  /// A tile_map of `element` type over tiles of one rank; the result has their common shape.
  using MapBody = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::ValueRange scalars)>;
  mlir::Value map(mlir::ValueRange tiles, mlir::Type element, MapBody body);
  mlir::Value fill(mlir::Value scalar, llvm::ArrayRef<int64_t> shape);
  mlir::Value fill(mlir::TypedAttr scalar, llvm::ArrayRef<int64_t> shape);
  /// `tile` repeated to `shape`.
  mlir::Value broadcast(mlir::Value tile, llvm::ArrayRef<int64_t> shape);
  /// Elements of the last tile dimension at or after `bound` become `neutral`. No-op without bound.
  mlir::Value maskTail(mlir::Value tile, mlir::Value bound, mlir::TypedAttr neutral);

private:
  friend class Scope;
  struct Entry {
    mlir::Value tensor;
    TileWindow window;
    mlir::Value tile;
  };
  // EmitTile.cpp
  mlir::FailureOr<mlir::Value> emitOp(mlir::Value tensor, const TileWindow &window);
  mlir::FailureOr<mlir::Value> emitPointwise(mlir::Operation *op, const TileWindow &window);
  // EmitQuantization.cpp
  mlir::FailureOr<mlir::Value> emitQuantization(mlir::Operation *op, const TileWindow &window);
  // EmitMovement.cpp
  mlir::FailureOr<mlir::Value> emitReshape(ReshapeOp op, const TileWindow &window);
  mlir::FailureOr<mlir::Value> emitExpand(ExpandOp op, const TileWindow &window);
  mlir::FailureOr<mlir::Value> emitSlice(SliceOp op, const TileWindow &window);
  mlir::FailureOr<mlir::Value> emitConcat(ConcatOp op, const TileWindow &window);
  mlir::FailureOr<mlir::Value> emitPad(PadOp op, const TileWindow &window);
  mlir::FailureOr<mlir::Value> emitGather(GatherOp op, const TileWindow &window);
  mlir::FailureOr<mlir::Value> emitGatherElements(GatherElementsOp op, const TileWindow &window);
  mlir::FailureOr<mlir::Value> emitGatherNd(GatherNdOp op, const TileWindow &window);
  mlir::FailureOr<mlir::Value> emitIota(IotaOp op, const TileWindow &window);
  /// `condition ? tile of yes : tile of no`, both of the window's shape.
  mlir::FailureOr<mlir::Value> emitEither(
      mlir::Value condition, const TileWindow &window, mlir::Type element,
      llvm::function_ref<mlir::FailureOr<mlir::Value>()> yes,
      llvm::function_ref<mlir::FailureOr<mlir::Value>()> no);
  /// The scalar index that `indices` holds there, counted from the end when negative, limited to [0, size).
  mlir::FailureOr<mlir::Value> emitGatherIndex(mlir::Value indices, llvm::ArrayRef<mlir::Value> at,
                                               mlir::Value size);
  mlir::Value getConstantBuffer(ConstantOp op);
  mlir::Value reifySize(mlir::OpResult result, int64_t dim);

  llvm::SmallVector<mlir::Value> outputs;
  mlir::Value begin, end, item;
  mlir::Operation *itemLoop = nullptr; // values shared by all items are computed before it
  llvm::DenseMap<int64_t, mlir::Value> constants;
  bool reported = false;
  mlir::IRMapping buffers; // kernel value -> memref or index of the function
  llvm::SmallVector<std::pair<mlir::Value, mlir::Value>> boundBuffers;
  llvm::SmallVector<Entry, 0> cache;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::Value> sizes;
};

/// The element type that a tile or buffer uses for a tensor's element type.
mlir::Type getTileElement(mlir::Type element);   // ui8 -> i8; i1 stays
mlir::Type getBufferElement(mlir::Type element); // ui8 -> i8, i1 -> i8
/// The type that arithmetic on `element` is done in: f32 for f16 and bf16.
mlir::Type getComputeType(mlir::Type element);

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOTILE_KERNELEMITTER_H
