//===- WeightQuantizer.h - gives weights of products the forms of a spec -----===//
// Shared by the pass lutra-quantize-weights and by the pipeline, which knows inputs of a calibration. `plan` finds the
// products and what the spec wants of them, `apply` rewrites one, `finish` checks that the spec named what there is.
#ifndef LUTRA_DIALECT_LUTRA_TRANSFORMS_WEIGHTQUANTIZER_H
#define LUTRA_DIALECT_LUTRA_TRANSFORMS_WEIGHTQUANTIZER_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Support/NamePattern.h"
#include "lutra/Support/QuantizeMatrix.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/MapVector.h"

#include <memory>

namespace lutra {

class WeightStore;

/// A product, or a convolution, whose weight the spec gives forms.
struct QuantizedProduct {
  mlir::Operation *op;
  GlobalOp weight;
  std::string name;           // of the op; empty: it has none
  int64_t n = 0, k = 0;
  bool turned = false;        // the weight is [K, N]
  std::vector<WeightForm> forms; // of several, the one to take is to be chosen
  ActivationRounding activations; // of what the weight is multiplied with

  /// The weight is a filter [N, C, k..], whose windows are the K.
  bool isFilter() const { return mlir::isa<ConvOp>(op); }
  /// Whether factors are to move from what it is multiplied with into such a weight.
  bool scalesInputs(const WeightForm &form) const {
    return form.scalesInputs || (activations.smooths && !form.keeps());
  }
  /// What the weight is multiplied with.
  mlir::Value getInput() const { return op->getOperand(0); }
};

/// A product that stays as it is.
struct KeptProduct {
  mlir::Operation *op;
  GlobalOp weight;
  std::string name, reason; // no reason: the spec wants it so
};

/// A table whose rows are looked up, which becomes bytes with a scale for each row, or codes of 4 bits with one for
/// each group of a row, and a zero point unless they stand for values of nf4.
struct QuantizedTable {
  GlobalOp table;
  llvm::SmallVector<GatherOp> gathers;
  int64_t rows = 0, columns = 0;
  unsigned bits = 8;
  bool isNormal = false;   // values of nf4
  bool wideScales = false; // of f32, not f16, for groups
  int64_t group() const { return isNormal ? 64 : 32; }
  int64_t bytes() const;
  /// As a spec has it.
  llvm::StringRef format() const;
};

class WeightQuantizer {
public:
  WeightQuantizer(mlir::ModuleOp module, llvm::StringRef category);
  ~WeightQuantizer();

  /// Errors are diagnostics. With `calibrated`, forms whose spec names no method take GPTQ. `filterObstacle` says why
  /// no filter of a convolution gets codes as a filter; empty: nothing keeps them. With `pixelFilters` those of one
  /// pixel that do not become matrices of products.
  mlir::LogicalResult plan(llvm::StringRef spec, bool calibrated, llvm::StringRef filterObstacle, bool pixelFilters);
  const QuantizeSpec &getSpec() const { return asked; }
  llvm::ArrayRef<QuantizedProduct> getProducts() const { return products; }
  llvm::ArrayRef<KeptProduct> getKept() const { return kept; }
  llvm::ArrayRef<QuantizedTable> getTables() const { return tables; }

  /// Gives a product one form that the spec does not name.
  void setForm(size_t product, const WeightForm &form) { products[product].forms.assign(1, form); }

  /// The codes of a product's weight; `gram` may be null.
  mlir::LogicalResult encode(const QuantizedProduct &product, const WeightForm &form, const GramMatrix *gram,
                             const QuantizeOptions &options, QuantizedMatrix &matrix, QuantizeNotes &notes);
  /// Lets the product read its weight in a form. Equal forms of one weight are encoded once.
  mlir::LogicalResult apply(const QuantizedProduct &product, const WeightForm &form, const GramMatrix *gram,
                            const QuantizeOptions &options, QuantizeNotes &notes);
  /// What the product gives, with the sum that makes up for the mean error of its codes.
  mlir::Value resultOf(const QuantizedProduct &product) const {
    auto found = corrected.find(product.op);
    return found == corrected.end() ? product.op->getResult(0) : found->second;
  }
  /// Lets lookups read codes and multiply them with their scales.
  mlir::LogicalResult applyTables();
  /// Refuses patterns that no weight has.
  mlir::LogicalResult checkPatterns();
  mlir::LogicalResult finish();

  /// Runs bodies on the threads of the context.
  void parallel(size_t count, llvm::function_ref<void(size_t)> body);
  /// The encoding of a product's weight in a form under this spec.
  Encoding encodingOf(const QuantizedProduct &product, const WeightForm &form) const;
  /// Elements [n, k] of a weight as stored, of f32.
  mlir::LogicalResult readWeight(const QuantizedProduct &product, std::vector<float> &values);

private:
  /// Weights with fewer steps of K gain nothing, unless they are named.
  static constexpr int64_t leastDepth = 64;
  struct Done {
    bool turned;
    WeightForm form;
    Encoding encoding;
    GlobalOp weight;
    QuantizeNotes notes;
    std::vector<float> scales = {}; // of a filter, whose weight is its bytes
  };
  void classify(MatmulOp op);
  void classify(MatmulOp op, GlobalOp global, bool onRight, const QuantizeSpec::Rule &rule);
  void classify(ConvOp op, bool calibrated, llvm::StringRef obstacle, bool pixelFilters);
  /// A matrix on the left, without what repeats it for each matrix on the right.
  static mlir::Value getLeftMatrix(MatmulOp op);
  /// The product with its constant operand, one on the left, exchanged for the other: transposes around it.
  MatmulOp exchange(MatmulOp op);
  /// The product with a left-hand side that is no longer transposed by it.
  MatmulOp turnInput(MatmulOp op);
  /// Removes a constant that nothing reads any more, with the cast that widens it.
  static void eraseUnread(mlir::Value constant);
  /// Puts a product of each pixel's channels in the place of a convolution with a constant filter of one pixel.
  MatmulOp multiplyPixels(ConvOp op, GlobalOp global);
  void classify(GatherOp op);
  /// Gives bytes to tables that are small beside others.
  void widenSmallTables();
  /// Names the strategies that the spec asks for; errors are those of unknown names.
  mlir::LogicalResult nameStrategies();
  mlir::LogicalResult storeBytes(QuantizedTable &table);
  mlir::LogicalResult storeNibbles(QuantizedTable &table);
  /// The name that an importer gave an op; empty: none.
  static llvm::StringRef nameOf(mlir::Operation *op);
  void leave(mlir::Operation *op, GlobalOp global, llvm::StringRef name, llvm::StringRef why);
  mlir::LogicalResult applyFilter(const QuantizedProduct &product, const WeightForm &form, const GramMatrix *gram,
                                  const QuantizeOptions &options, QuantizeNotes &notes);
  void remarkDone(mlir::Location loc, llvm::StringRef weight, const WeightForm &form, const QuantizeNotes &notes);
  void addCorrection(mlir::Operation *op, llvm::ArrayRef<float> correction);
  const QuantizeSpec::Rule *findRule(llvm::StringRef weight, llvm::StringRef product);
  ActivationRounding findActivations(llvm::StringRef weight, llvm::StringRef product);
  /// The rule that changes what a product reads; null: the weight is kept as it is.
  const QuantizeSpec::Rule *findChange(mlir::Operation *op, GlobalOp weight);
  std::string listSeen(bool reasons) const;

  mlir::ModuleOp module;
  std::string category; // of remarks
  std::unique_ptr<WeightStore> store;
  QuantizeSpec asked;
  std::vector<NamePattern> patterns, activationPatterns; // of asked.rules, asked.activations
  std::vector<char> matched, activationMatched, strategyMatched;
  std::vector<QuantizedProduct> products;
  std::vector<KeptProduct> kept;
  llvm::DenseMap<mlir::Operation *, mlir::Value> corrected; // of products, the sum that follows
  std::vector<QuantizedTable> tables;
  llvm::MapVector<llvm::StringRef, std::string> seen; // weights by name, and why one stays as it is
  llvm::DenseMap<mlir::Operation *, std::vector<Done>> done; // by weight
  int64_t count = 0;
};

} // namespace lutra

#endif // LUTRA_DIALECT_LUTRA_TRANSFORMS_WEIGHTQUANTIZER_H
