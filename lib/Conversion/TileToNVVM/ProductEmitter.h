//===- ProductEmitter.h - one tile product on the tensor cores -------------===//
// acc [rows, columns] += lhs * rhs over a depth known at run time. The depth is cut into blocks of 128 bytes
// of each operand row. A ring of stages in shared memory holds the next blocks:
//
//   copy blocks 0 .. S-2
//   for block b:  wait until block b has arrived; barrier
//                 copy block b+S-1 into the stage that block b-1 left
//                 multiply block b
//
// One barrier per block does both jobs: block b is visible to all threads, and all threads have
// finished with block b-1. Rows of a stage are 128 bytes with permuted chunks (SwizzledRows), so copies, ldmatrix and
// wgmma are free of bank conflicts. Elements outside of the operands arrive as zeros.
//
// Each 32 bytes of depth are one tensor-core step, whatever the element: k8 for tf32, k16 for f16
// and bf16, k32 for i8.
#ifndef LUTRA_LIB_CONVERSION_TILETONVVM_PRODUCTEMITTER_H
#define LUTRA_LIB_CONVERSION_TILETONVVM_PRODUCTEMITTER_H

#include "BlockEmitter.h"

namespace lutra {

class ProductEmitter {
public:
  ProductEmitter(BlockEmitter &block, TileMatmulOp op);
  mlir::LogicalResult run();

private:
  /// How an operand lies in memory and in its part of a stage.
  enum class Form {
    DepthRows,   // rows of depth in both: copied as they are
    Transposed,  // rows of columns in memory, rows of depth in the stage: copied element by element
    ColumnRows   // rows of 64 columns in both; 16-bit elements, transposed by the tensor core's load
  };
  struct Operand {
    Form form = Form::DepthRows;
    mlir::Type element;
    mlir::Value base;          // of the tile's element (0, 0)
    mlir::Value stride;        // i32 elements between memory rows
    mlir::Value rowBound;      // i32 rows (of the accumulator) that exist, or null for all
    int64_t boundDivisor = 1;  // known to divide rowBound
    int64_t rows = 0;          // of the accumulator
    int64_t granule = 16;      // bytes of one copy; below 4 the copy goes through a register
    int64_t stageOffset = 0;   // bytes from the start of a stage
  };

  // Product.cpp
  mlir::LogicalResult check();
  mlir::LogicalResult checkLayouts();
  Operand makeOperand(mlir::Value memref, mlir::ValueRange indices, int64_t rowDim, int64_t rowStep,
                      bool depthContiguous, int64_t rows);
  /// Rows of the accumulator that exist: `bound` where the op says so, else what is left of the
  /// buffer along `dim`. A bound that always holds costs nothing when it is not there.
  void setBound(Operand &operand, mlir::Value bound, mlir::Value memref, mlir::Value index, int64_t dim,
                int64_t rowStep);

  // ProductCopy.cpp
  void copyBlock(mlir::Value stage, mlir::Value depthStart);
  void copyRows(const Operand &operand, mlir::Value stage, mlir::Value depthStart);
  void copyTransposed(const Operand &operand, mlir::Value stage, mlir::Value depthStart);
  void copyGranule(const Operand &operand, mlir::Value to, mlir::Value from, mlir::Value bytes);
  /// Bytes of a granule that exist: `limit - position` elements cut to [0, granule], 0 unless `also`.
  mlir::Value countBytes(const Operand &operand, mlir::Value limit, mlir::Value position,
                         int64_t limitDivisor, mlir::Value also);

  // ProductCompute.cpp
  void multiplyWarps(mlir::Value stage, llvm::MutableArrayRef<mlir::Value> acc);
  void multiplyGroup(mlir::Value stage, llvm::MutableArrayRef<mlir::Value> acc);
  llvm::SmallVector<mlir::Value> loadMatrices(mlir::Value byteOffset, bool transpose);
  void roundOperands(llvm::SmallVectorImpl<mlir::Value> &words);
  mlir::Value descriptor(mlir::Value byteOffset, int64_t leading, int64_t stride);

  BlockEmitter &block;
  mlir::ImplicitLocOpBuilder &at;
  TileMatmulOp op;
  LinearLayout layout;
  int64_t rows, columns, elementBytes = 4, blockDepth = 32, stageBytes = 0;
  bool byGroup = false; // wgmma
  Operand lhs, rhs;
  mlir::Value depth; // i32
  bool wholeBlocks = false; // the depth is a multiple of blockDepth
  int64_t depthDivisor = 1;
};

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_TILETONVVM_PRODUCTEMITTER_H
