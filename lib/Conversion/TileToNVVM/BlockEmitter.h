//===- BlockEmitter.h - the code of one thread of a block ------------------===//
// Rewrites one kernel function. The body is walked once in order; scalars map one to one, buffers
// to a pointer and sizes, tiles to fragments: the registers of the running thread under the
// value's layout. Control flow is uniform over the block (it depends on arguments and the block's
// number alone), so that barriers may stand anywhere.
//
// Shared memory holds nothing between two ops: each op that uses it begins with the right to write
// from offset 0 and ends with a barrier after its last read.
#ifndef LUTRA_LIB_CONVERSION_TILETONVVM_BLOCKEMITTER_H
#define LUTRA_LIB_CONVERSION_TILETONVVM_BLOCKEMITTER_H

#include "Distribution.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace lutra {

/// The values of a tile in the running thread.
struct Fragment {
  LinearLayout layout;
  llvm::SmallVector<mlir::Value, 0> registers;
};

/// A contiguous row-major buffer in global memory.
struct GlobalBuffer {
  mlir::Value pointer;                   // !llvm.ptr<1>
  mlir::MemRefType type;
  llvm::SmallVector<mlir::Value> sizes;  // index values, one per dimension
  llvm::SmallVector<mlir::Value> strides;
};

/// Addresses of a tile's elements in a buffer.
struct TileAddresses {
  mlir::Value base;                      // of the thread's first element
  mlir::Type element;                    // in memory
  llvm::SmallVector<mlir::Value> strides; // i32 elements, one per tile dimension; null: repeated
  int64_t vector = 1;                    // consecutive registers that are consecutive in memory
};

class BlockEmitter {
public:
  BlockEmitter(mlir::func::FuncOp source, mlir::func::FuncOp target, const NVGPUArch &arch);

  /// Emits the whole body.
  mlir::LogicalResult run();
  int64_t getSharedBytes() const { return sharedBytes; }

private:
  friend class ProductEmitter;

  // Control flow and scalars (BlockEmitter.cpp).
  mlir::LogicalResult emitBlock(mlir::Block &block);
  mlir::LogicalResult emitOp(mlir::Operation *op);
  mlir::LogicalResult emitFor(mlir::scf::ForOp loop);
  mlir::LogicalResult emitIf(mlir::scf::IfOp branch);
  mlir::LogicalResult emitView(mlir::Operation *op);
  mlir::LogicalResult emitScalarAccess(mlir::Operation *op);
  void flatten(mlir::ValueRange values, llvm::SmallVectorImpl<mlir::Value> &flat);
  void bindFlat(mlir::ValueRange values, mlir::ValueRange flat);

  // Memory (Memory.cpp).
  mlir::LogicalResult emitLoad(TileLoadOp op);
  mlir::LogicalResult emitStore(TileStoreOp op);
  mlir::LogicalResult emitGather(TileGatherOp op);
  mlir::LogicalResult emitConstant(mlir::memref::GetGlobalOp op);
  TileAddresses getAddresses(const LinearLayout &layout, mlir::Value memref,
                             mlir::ValueRange indices, mlir::ValueRange bounds,
                             llvm::ArrayRef<int64_t> dims, llvm::ArrayRef<int64_t> steps);
  mlir::Value getAddress(const TileAddresses &addresses, const LinearLayout &layout, int64_t reg);
  /// Whether a register's element exists; null when all do.
  mlir::Value getPredicate(const LinearLayout &layout, TileType type, llvm::ArrayRef<mlir::Value> bounds,
                           int64_t reg);
  /// Per tile dimension: bound minus the thread's coordinate (i32), or null where nothing is cut off.
  llvm::SmallVector<mlir::Value> getThreadBounds(const LinearLayout &layout, TileType type,
                                                 mlir::ValueRange bounds);
  void loadVector(mlir::Value pointer, mlir::Value predicate, mlir::Type element, int64_t count,
                  llvm::SmallVectorImpl<mlir::Value> &values);
  void storeVector(mlir::Value pointer, mlir::Value predicate, mlir::ValueRange values);
  mlir::Value toRegister(mlir::Value value, mlir::Type element);
  mlir::Value toMemory(mlir::Value value, mlir::Type element);

  // Element-wise ops (Map.cpp).
  mlir::LogicalResult emitMap(TileMapOp op);
  mlir::LogicalResult emitFill(TileFillOp op);
  mlir::LogicalResult emitIota(TileIotaOp op);
  mlir::LogicalResult emitExtract(TileExtractOp op);

  // Movement between threads (Exchange.cpp).
  mlir::LogicalResult emitReduce(TileReduceOp op);
  /// `tile` under a layout, through shared memory where threads differ.
  Fragment getAs(mlir::Value tile, const LinearLayout &layout);
  Fragment convert(const Fragment &fragment, TileType type, const LinearLayout &layout);
  mlir::Value shuffle(mlir::Value value, int64_t laneMask);
  void exchangeWarps(llvm::SmallVectorImpl<mlir::Value> &registers, int64_t warpMask);

  // Products (Product.cpp).
  mlir::LogicalResult emitMatmul(TileMatmulOp op);

  // Helpers.
  mlir::Value i32(int64_t value);
  mlir::Value index(int64_t value);
  mlir::Value toI32(mlir::Value indexValue);
  mlir::Value add(mlir::Value a, mlir::Value b) { return at.createOrFold<mlir::arith::AddIOp>(a, b); }
  mlir::Value mul(mlir::Value a, mlir::Value b) { return at.createOrFold<mlir::arith::MulIOp>(a, b); }
  mlir::Value bitAnd(mlir::Value a, int64_t mask);
  mlir::Value shiftRight(mlir::Value a, int64_t bits);
  mlir::Value shiftLeft(mlir::Value a, int64_t bits);
  /// Coordinate `dim` of the running thread (i32); a register's own coordinate is added to it.
  mlir::Value threadCoordinate(const LinearLayout &layout, unsigned dim);
  mlir::Value offsetPointer(mlir::Value pointer, mlir::Type element, mlir::Value offset);
  mlir::Value sharedPointer(mlir::Value byteOffset);
  /// Claims shared memory for one op.
  void useShared(int64_t bytes) { sharedBytes = std::max(sharedBytes, bytes); }
  void barrier();
  void bindBuffer(mlir::Value memref, GlobalBuffer buffer);
  const GlobalBuffer &getBuffer(mlir::Value memref) { return buffers.find(memref)->second; }
  mlir::Value lookup(mlir::Value value) { return scalars.lookup(value); }
  void bind(mlir::Value tile, Fragment fragment) { fragments[tile] = std::move(fragment); }

  mlir::func::FuncOp source, target;
  const NVGPUArch &arch;
  mlir::ImplicitLocOpBuilder at;
  Distribution distribution;
  mlir::IRMapping scalars;
  llvm::DenseMap<mlir::Value, GlobalBuffer> buffers;
  llvm::DenseMap<mlir::Value, Fragment> fragments;
  mlir::Value thread; // i32, position in the block
  mlir::Value shared; // !llvm.ptr<3>
  int64_t sharedBytes = 0;
};

/// The value of an index of the source that is known now.
std::optional<int64_t> getKnownValue(mlir::Value value);

/// The largest power of two, up to 256, that is known to divide an index value of the source.
int64_t getKnownDivisor(mlir::Value value);

/// Name of the module's dynamic shared memory.
inline constexpr llvm::StringLiteral sharedMemoryName = "lutra_shared";

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_TILETONVVM_BLOCKEMITTER_H
