//===- ProductStrategy.h - ways of computing a product ----------------------===//
// A strategy answers three questions about a product: can you compute it on this level, at what cost, and with
// which tile ops. lutra-choose-strategy (and lutra-quantize-activations, of both forms of a product) asks the first
// two of every registered strategy, the conversion to tile ops the third of the chosen one; no pass names one.
// Strategies are held by an interface of the lutra dialect, so that a tool has those that its registry was given.
#ifndef LUTRA_ANALYSIS_PRODUCTSTRATEGY_H
#define LUTRA_ANALYSIS_PRODUCTSTRATEGY_H

#include "lutra/Machine/TileTarget.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectInterface.h"
#include "mlir/IR/Operation.h"
#include "mlir/IR/Value.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lutra {

class ConvOp;
class MatmulOp;
class KernelEmitter; // Conversion/LutraToTile; only strategies' own files need its definition

/// A matmul or conv as strategies see it.
struct ProductProblem {
  mlir::Operation *op;          // for what numbers do not tell: layout, padding, encodings
  ProductShape shape;           // of one product; conv: output positions x filters x (taps * channels) of a group
  int64_t batch = 1;            // independent products of that shape (conv: groups); -1 if unknown
  mlir::Type lhs, rhs, result;  // element types
  bool weight = false;          // the right-hand side is constant: packed, or a weight in every launch of the kernel
  bool encoded = false;         // the right-hand side is stored in an encoding

  /// Multiply-adds in all; an unknown number of rows or products counts as `assumedRows`.
  double getMultiplyAdds() const;
  static constexpr int64_t assumedRows = 128;
};

/// The dimension of a matmul's result that the rows of one product lie along: the last but one, or the one before when
/// single rows meet one matrix, since a batch of those is a matrix.
int64_t getRowDim(MatmulOp op);

/// Whether a matmul multiplies the pixels of images [B, d.., K] of one size with one matrix: those of an image are rows
/// of one product then.
bool isPixelProduct(MatmulOp op);

/// The problem of a matmul or conv; nothing for any other op.
std::optional<ProductProblem> getProductProblem(mlir::Operation *op);

/// Whether a kernel of the product may compute the left-hand side where it reads it: rows of the whole depth can be
/// held, and blocks of rows alone make work items enough, so that no element is computed twice.
bool mayComputeLhs(const ProductProblem &problem, const TileTarget &target);

/// Whether a kernel of the convolution may compute its input, once for the windows of a block of rows: one of single
/// channels, channels last, f32, of images of known size whose rows under a window can be held.
bool mayComputeWindows(ConvOp op);

/// Channels that such a kernel computes together, and whether it holds the rows of an image of so many columns that one
/// window of them reads.
inline constexpr int64_t windowChannels = 16;
bool holdsWindowRows(int64_t rows, int64_t columns);

/// What a strategy offers for a problem on a level.
struct StrategyOffer {
  double cycles = 0; // of one core (GPU: of one multiprocessor)
  /// Of the tables of the left-hand side's rows that it may read in their place (lutra.subset_sums); 0: of none.
  int64_t tableLanes = 0, tableBits = 0;
};

class ProductStrategy {
public:
  virtual ~ProductStrategy();
  /// The name in `#lutra.strategy<"...">` and in --strategy.
  virtual llvm::StringRef getName() const = 0;
  /// Steps of K that lie together in the panels into which it wants a constant right-hand side of that type packed
  /// (lutra-pack-weights); 0: it reads the matrix as it is.
  virtual int64_t getPanelDepth(mlir::RankedTensorType rhs) const { return 0; }
  /// The offer, or nothing with the reason in `why`.
  virtual std::optional<StrategyOffer> match(const ProductProblem &problem, const TileTarget &target,
                                             std::string &why) const = 0;
  /// Whether a kernel of an unknown number of rows, of `rows` at most, has code of its own on a level beside that of
  /// `many`, which computes more of them.
  virtual bool tailors(int64_t rows, const ProductStrategy &many, const TileTarget &target) const {
    return this != &many;
  }
  /// The number of work items of the product's kernel (GroupKinds.h).
  virtual mlir::FailureOr<mlir::Value> emitGrid(KernelEmitter &emitter) const = 0;
  /// The code of one work item; `elementwise` after wide tiles failed.
  virtual mlir::LogicalResult emitItem(KernelEmitter &emitter, bool elementwise) const = 0;
};

/// A strategy, and its cost summed over levels.
struct StrategyChoice {
  const ProductStrategy *strategy;
  double cycles;
  size_t rank = 0; // of the names asked for, the first of which that computes a product is taken
  int64_t tableLanes = 0, tableBits = 0; // of tables that all levels may read; 0: levels read others, or none

  /// Whether this one is to be taken although it needs `more` cycles for something else.
  bool isBetterThan(const StrategyChoice &other, double more = 0) const {
    return rank != other.rank ? rank < other.rank : cycles + more < other.cycles;
  }
};

/// A strategy for products of at most `most` rows, where their number is unknown.
struct RowRange {
  int64_t most;
  std::string strategy;
};

/// Those of a product, fewest rows first: its attribute `fewer_rows`, which lutra-choose-strategy writes. More rows
/// have the product's own strategy.
llvm::SmallVector<RowRange> getRowRanges(mlir::Operation *op);
void setRowRanges(mlir::Operation *op, llvm::ArrayRef<RowRange> ranges);

/// The registered strategies.
class ProductStrategies final : public mlir::DialectInterface::Base<ProductStrategies> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ProductStrategies)
  explicit ProductStrategies(mlir::Dialect *dialect) : Base(dialect) {}

  void add(std::unique_ptr<ProductStrategy> strategy) { list.push_back(std::move(strategy)); }
  llvm::ArrayRef<std::unique_ptr<ProductStrategy>> all() const { return list; }
  /// The strategy of that name, or null.
  const ProductStrategy *find(llvm::StringRef name) const;
  /// The cheapest on `target`, or null with every strategy's reason in `why`.
  const ProductStrategy *cheapest(const ProductProblem &problem, const TileTarget &target, std::string &why) const;

  /// The first of `names`, separated by commas, that computes the problem on all `levels`; behind the name "auto" stand
  /// all, of which the one of least cost, summed over the levels, is taken. `others` gets the name of each that was
  /// asked and not taken, and why, or at what cost. Only those that `allows` accepts are asked.
  using Filter = llvm::function_ref<bool(const ProductStrategy &)>;
  std::optional<StrategyChoice> choose(const ProductProblem &problem, llvm::ArrayRef<const TileTarget *> levels,
                                       llvm::StringRef names, llvm::SmallVectorImpl<std::string> &others,
                                       Filter allows = nullptr) const;

  /// Whether such names leave products that the others do not compute to the least cost.
  static bool hasAuto(llvm::StringRef names);

  /// Those of a context; null when its registry has none.
  static const ProductStrategies *get(mlir::MLIRContext *context);

private:
  std::optional<StrategyChoice> chooseAmong(llvm::ArrayRef<const ProductStrategy *> candidates,
                                            const ProductProblem &problem,
                                            llvm::ArrayRef<const TileTarget *> levels,
                                            llvm::SmallVectorImpl<std::string> &others) const;

  std::vector<std::unique_ptr<ProductStrategy>> list;
};

} // namespace lutra

#endif // LUTRA_ANALYSIS_PRODUCTSTRATEGY_H
