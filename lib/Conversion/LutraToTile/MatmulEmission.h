//===- MatmulEmission.h - one kernel of a matrix product -----------------------===//
#ifndef LUTRA_LIB_CONVERSION_LUTRATOTILE_MATMULEMISSION_H
#define LUTRA_LIB_CONVERSION_LUTRATOTILE_MATMULEMISSION_H

#include "CentredBytes.h"
#include "EncodedRhs.h"
#include "Product.h"

#include "lutra/Support/BytePanels.h"

namespace lutra {

/// Matrix products, batched, with what follows them in their kernel (MatmulKind.cpp).
class MatmulEmission {
public:
  explicit MatmulEmission(KernelEmitter &emitter, bool elementwise = false);
  mlir::Value getItems() { return emitter.product(counts); }
  mlir::LogicalResult emitItem();

private:
  static constexpr int64_t panel = 16; // columns
  /// Steps of K in the panels that a right-hand side of integers is copied to.
  static constexpr int64_t pairDepth = 2;

  /// Where rows of the left-hand side are copied to.
  struct Copy {
    mlir::Value buffer, first, count;
  };
  /// Some elements of a dimension; `bound` may be null.
  struct Stretch {
    mlir::Value first;
    int64_t size;
    mlir::Value bound;
  };

  // MatmulPlan.cpp
  void choosePlan();
  int64_t chooseMaskedRows();
  void chooseOperands();
  void chooseDepth(bool copiesLeft);
  void makeBuffers();

  // MatmulCopies.cpp
  mlir::LogicalResult packLhs(const Copy &copy, mlir::Value low, mlir::Value depth);
  mlir::LogicalResult packLhs(mlir::Value low, mlir::Value depth) {
    return packLhs({lhs, rows.low, emitter.sub(rows.high, rows.low)}, low, depth);
  }
  mlir::LogicalResult packRow(mlir::Value row, llvm::ArrayRef<mlir::Value> source);
  mlir::LogicalResult storeLhs(mlir::Value buffer, const TileWindow &window, llvm::ArrayRef<mlir::Value> place);
  mlir::Value roundUp(mlir::Value depth);
  llvm::SmallVector<mlir::Value> rhsIndices(mlir::Value k, mlir::Value column);
  TileWindow columnsWindow(const Stretch &depth, const Stretch &columns);
  mlir::LogicalResult packRhs(mlir::Value low, mlir::Value depth);
  mlir::LogicalResult packPairs(mlir::Value low, mlir::Value depth);
  mlir::LogicalResult packFours(mlir::Value low, mlir::Value depth);
  mlir::LogicalResult sumCodes(mlir::Value low, mlir::Value depth, bool last);
  mlir::LogicalResult decodeRhs(mlir::Value low, mlir::Value depth);

  // MatmulKind.cpp
  mlir::LogicalResult checkRowProducer();
  mlir::LogicalResult clearPartial();
  mlir::LogicalResult emitDepth(mlir::Value low, mlir::Value depth, bool last);
  mlir::LogicalResult emitSpot(const ProductSpot &spot, mlir::Value low, mlir::Value depth, bool last);
  void askAhead(const ProductSpot &spot, llvm::ArrayRef<mlir::Value> place);
  ByteRows::Left leftOf(const ProductSpot &spot, mlir::Value low);
  mlir::LogicalResult finish(const ProductSpot &spot, mlir::Value sums);
  mlir::LogicalResult finishSums(const ProductSpot &spot, mlir::Value sums);
  llvm::SmallVector<mlir::Value> panelIndices(mlir::Value k, mlir::Value column);
  mlir::Value loadPacked(mlir::Value k, mlir::Value column);
  mlir::LogicalResult emitElements(ProductRange rows, ProductRange columns);

  KernelEmitter &emitter;
  MatmulOp op;
  mlir::Value left, right; // the operands, or their codes
  mlir::RankedTensorType lhsType, rhsType, resultType;
  mlir::Type accumulate;
  int64_t rank, rhsRank, rowDim;
  mlir::Value m, n, k;
  ProductShape shape;
  ProductPlan plan;
  ProductBatch batch;
  llvm::SmallVector<mlir::Value> counts; // of items: batches, column blocks, row blocks, or these the other way round
  ProductBlocks rowBlocks, columnBlocks;
  int64_t depthBlock = 0; // 0: all of K at once
  int64_t depthStep = 1;  // steps of K that lie together in a panel
  std::optional<EncodedRhs> encoded; // how the right-hand side is decoded
  int64_t decodeStep = 0;            // steps of K under one scale in a block

  bool asksAhead = false; // tiles of rows ask for the panel after the one that they read
  bool elementwise;
  mlir::Operation *rowProducer; // a softmax or norm before the left-hand side; null: none
  bool computesLhs = false;     // the left-hand side is no buffer
  bool holdsLhs = false;        // all of its rows may be computed at once
  bool copyLhs = false, copyRhs = false;
  bool copiesPairs = false; // the right-hand side, to deep panels
  std::optional<ByteForm> form; // of the left-hand side, where panels are fours of bytes
  std::optional<ByteRows> bytes;
  std::optional<CentredCodes> leftCodes, rightCodes; // of a product that copies fours
  std::optional<CentredBytes> centred;
  std::optional<Copy> leftRows; // fewer than a tile's, where the others are not copied
  PanelLayout layout = PanelLayout::Panel;
  mlir::Type lhsElement;         // of the buffer
  mlir::Value lhs, rhs, partial; // buffers that tile_matmul reads; sums between blocks of K
  llvm::SmallVector<mlir::Value> indices; // of the result; only batch dimensions are set
  ProductRange rows, columns;
};

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOTILE_MATMULEMISSION_H
