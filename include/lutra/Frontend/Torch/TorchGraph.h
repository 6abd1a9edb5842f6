//===- TorchGraph.h - PyTorch operators to graph-level modules --------------===//
// torch.export programs are walked in Python, before decomposition; every operator is one call of
// this class, which knows what it means in terms of the graph builder. Arguments come by the names of
// the operator's schema, with defaults filled in, so overloads of one operator share a row.
#ifndef LUTRA_FRONTEND_TORCH_TORCHGRAPH_H
#define LUTRA_FRONTEND_TORCH_TORCHGRAPH_H

#include "lutra/Dialect/Lutra/Builder/GraphBuilder.h"

#include "llvm/ADT/StringMap.h"

#include <string>
#include <vector>

namespace lutra::torch {

/// A value that an operator takes or gives: Python's None, a tensor, a size (possibly symbolic), a
/// number, a truth value, a word (a dtype or a mode), or a list.
struct Value {
  enum class Kind { None, Tensor, Integer, Real, Bool, Text, List };

  Value() = default;
  Value(GraphTensor tensor) : kind(Kind::Tensor), tensor(tensor) {}
  static Value integer(DimExpr value);
  static Value real(double value);
  static Value boolean(bool value);
  static Value text(std::string value);
  static Value list(std::vector<Value> values);

  bool isNone() const { return kind == Kind::None; }
  bool isTensor() const { return kind == Kind::Tensor; }
  bool isInteger() const { return kind == Kind::Integer; }
  bool isNumber() const { return kind == Kind::Integer || kind == Kind::Real || kind == Kind::Bool; }

  Kind kind = Kind::None;
  lutra::GraphTensor tensor;
  DimExpr dim;
  double number = 0; // of Real and Bool
  std::string word;
  std::vector<Value> values;
};

/// Arguments by their names in the schema. A getter of an absent or unfit argument records an error in
/// the builder and gives a neutral value.
class Arguments {
public:
  Arguments(GraphBuilder &builder, llvm::StringMap<Value> values) : builder(builder), values(std::move(values)) {}

  bool has(llvm::StringRef name) const; // present and not None
  const Value &get(llvm::StringRef name) const;
  GraphTensor tensor(llvm::StringRef name);
  GraphTensor optionalTensor(llvm::StringRef name);
  std::vector<GraphTensor> tensors(llvm::StringRef name);
  DimExpr dim(llvm::StringRef name);
  Shape dims(llvm::StringRef name); // a single integer is a list of one
  int64_t integer(llvm::StringRef name, int64_t otherwise = 0);
  llvm::SmallVector<int64_t> integers(llvm::StringRef name);
  double real(llvm::StringRef name, double otherwise);
  bool boolean(llvm::StringRef name);
  llvm::StringRef text(llvm::StringRef name);
  /// An axis counted from the front.
  int64_t axis(llvm::StringRef name, int64_t rank);
  llvm::SmallVector<int64_t> axes(llvm::StringRef name, int64_t rank); // all when absent or empty
  /// The element type that `dtype` names, or `otherwise` when it is None.
  mlir::Type type(llvm::StringRef name, mlir::Type otherwise);
  /// A tensor or a number as a tensor of rank 0 in the type that it would have next to `partner`.
  GraphTensor operand(llvm::StringRef name, GraphTensor partner);

  GraphBuilder &builder;

private:
  llvm::StringMap<Value> values;
};

/// The element type of a PyTorch dtype's name ("float32"); null if there is none.
mlir::Type elementTypeOf(mlir::MLIRContext *context, llvm::StringRef dtype);

using Handler = std::vector<Value> (*)(Arguments &);

/// The handler of an operator ("aten.linear"), or null.
Handler lookupOperator(llvm::StringRef name);

} // namespace lutra::torch

#endif // LUTRA_FRONTEND_TORCH_TORCHGRAPH_H
