//===- Importer.h - the walk over a model's graph --------------------------===//
// One Importer imports one model. Values are looked up in nested scopes (graph, subgraphs, function
// bodies); a value that could not be imported is the null GraphTensor there, and nodes that depend on it
// are passed over, so that one run collects every unsupported node and none of its consequences.
#ifndef LUTRA_LIB_FRONTEND_ONNX_IMPORTER_H
#define LUTRA_LIB_FRONTEND_ONNX_IMPORTER_H

#include "ModelFile.h"

#include "lutra/Dialect/Lutra/Builder/GraphBuilder.h"
#include "lutra/Frontend/ONNX/Import.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <set>
#include <vector>

namespace lutra::frontend {

class NodeImport;

/// Imports a node; returns its first output, the others are given to NodeImport::result.
using ImportFunction = GraphTensor (*)(NodeImport &);

/// One row of the op table: an operator, the opset from which the row holds, its import, and its domain.
struct OpEntry {
  const char *name;
  int since;
  ImportFunction import;
  const char *domain = ""; // ONNX's own
};

/// The rows of each family (one file each).
llvm::ArrayRef<OpEntry> activationOps();
llvm::ArrayRef<OpEntry> controlOps();
llvm::ArrayRef<OpEntry> encodedProductOps();
llvm::ArrayRef<OpEntry> lossOps();
llvm::ArrayRef<OpEntry> movementOps();
llvm::ArrayRef<OpEntry> normOps();
llvm::ArrayRef<OpEntry> pointwiseOps();
llvm::ArrayRef<OpEntry> productOps();
llvm::ArrayRef<OpEntry> quantizationOps();
llvm::ArrayRef<OpEntry> quantizedOps();
llvm::ArrayRef<OpEntry> recurrentOps();
llvm::ArrayRef<OpEntry> reductionOps();
llvm::ArrayRef<OpEntry> selectionOps();
llvm::ArrayRef<OpEntry> shapeOps();
llvm::ArrayRef<OpEntry> transformerOps();
llvm::ArrayRef<OpEntry> windowOps();

/// The newest row that holds for an opset of the domain, or null.
const OpEntry *findOp(llvm::StringRef domain, llvm::StringRef name, int64_t version);

/// Element type of an ONNX data type, or null if it has none in the dialect.
mlir::Type elementType(mlir::MLIRContext *context, int dataType);
/// Whether codes are such floats: of 8 bits.
bool isFp8(mlir::Type type);
/// Whether an operator that rounds to a type saturates, or need not say so; else an error is recorded.
bool saturates(NodeImport &n, mlir::Type type);
/// "FLOAT8E4M3FN".
std::string dataTypeName(int dataType);

/// Names visible in one graph. Attributes are those of a function's call.
struct Scope {
  Scope *parent = nullptr;
  llvm::StringMap<GraphTensor> values;
  const llvm::StringMap<const ::onnx::AttributeProto *> *attributes = nullptr;
  const google::protobuf::RepeatedPtrField<::onnx::OperatorSetIdProto> *opsets = nullptr;
};

class Importer {
public:
  Importer(mlir::MLIRContext *context, const OnnxImportOptions &options);

  mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> run();

  GraphBuilder &getBuilder() { return *builder; }

  /// Imports a subgraph of the current node; its outputs, or nullopt after an error.
  std::optional<llvm::SmallVector<GraphTensor>> importSubgraph(const ::onnx::GraphProto &graph, Scope &outer,
                                                          llvm::ArrayRef<GraphTensor> inputs);
  /// The tensor of a TensorProto that lives as long as the model.
  GraphTensor importTensor(const ::onnx::TensorProto &tensor);
  /// Gives back the memory of constant bytes that were copied, where they are a part of a file.
  void release(llvm::ArrayRef<char> bytes);

  /// Records a node, an attribute or a type that is valid but has no import.
  void addUnsupported(ErrorCode code, std::string text);
  /// Records the first fault of the model; the walk stops.
  void addFault(ErrorCode code, std::string text);
  bool hasFault() const { return fault.has_value(); }

private:
  std::optional<Fault> load();
  bool importInputs(Scope &scope);
  bool importGraph(const ::onnx::GraphProto &graph, Scope &scope);
  bool importNodes(const google::protobuf::RepeatedPtrField<::onnx::NodeProto> &nodes, Scope &scope);
  void importNode(const ::onnx::NodeProto &node, Scope &scope);
  void importCall(const ::onnx::FunctionProto &function, NodeImport &call);
  /// The ONNX type of a constant that was imported as a wider type ("INT4"); "" for others.
  std::string packedTypeName(GraphTensor tensor) const;
  bool checkOpsets();
  bool checkOutputs(llvm::ArrayRef<GraphBuilder::Output> outputs);
  std::optional<Shape> importShape(const ::onnx::ValueInfoProto &input);
  mlir::InFlightDiagnostic emitFault(ErrorCode code);

  mlir::MLIRContext *context;
  const OnnxImportOptions &options;
  mlir::Location fileLoc;
  std::shared_ptr<::onnx::ModelProto> model;
  std::shared_ptr<FileBytes> modelFile; // null for a model that is given as bytes
  llvm::DenseMap<const ::onnx::TensorProto *, llvm::ArrayRef<char>> bytesInFile; // of large initializers
  std::unique_ptr<GraphBuilder> builder;
  std::unique_ptr<ExternalData> external;
  llvm::StringMap<const ::onnx::FunctionProto *> functions;
  std::set<std::string> sizeNames; // of the graph's inputs
  llvm::DenseMap<const TensorNode *, int> packedConstants; // imported as a wider type; their ONNX type
  llvm::StringSet<> activeFunctions;
  unsigned depth = 0;
  std::optional<Fault> fault;
  std::vector<std::pair<ErrorCode, std::string>> unsupported; // without repetitions
  unsigned nodeCount = 0, expandedNodes = 0; // all that were walked; those in bodies of functions
};

/// What the import of one node reads and writes.
class NodeImport {
public:
  NodeImport(Importer &importer, const ::onnx::NodeProto &node, Scope &scope, int64_t version);

  GraphBuilder &b;
  const int64_t version;

  unsigned inputCount() const { return node.input_size(); }
  unsigned outputCount() const { return node.output_size(); }
  bool has(unsigned index) const;
  bool wants(unsigned index) const;
  /// An operand; null, with a fault recorded, if a required one is absent.
  GraphTensor in(unsigned index);
  /// An operand that may be absent.
  GraphTensor optional(unsigned index) { return has(index) ? in(index) : GraphTensor(); }
  llvm::SmallVector<GraphTensor> all();
  void result(unsigned index, GraphTensor tensor);

  bool hasAttribute(llvm::StringRef name);
  int64_t integer(llvm::StringRef name, int64_t fallback);
  double real(llvm::StringRef name, double fallback);
  std::string text(llvm::StringRef name, llvm::StringRef fallback);
  llvm::SmallVector<int64_t> integers(llvm::StringRef name);
  llvm::SmallVector<double> reals(llvm::StringRef name);
  GraphTensor tensor(llvm::StringRef name);
  const ::onnx::GraphProto *graph(llvm::StringRef name);
  mlir::Type type(llvm::StringRef name, mlir::Type fallback);
  /// Attributes that have no meaning for inference.
  void ignore(std::initializer_list<llvm::StringRef> names);

  /// An axis counted from the end when negative; a fault if out of range.
  int64_t axis(int64_t value, int64_t rank);
  llvm::SmallVector<int64_t> axes(llvm::ArrayRef<int64_t> values, int64_t rank);
  /// Values of an integer operand, which must be known while the model is compiled.
  std::optional<Integers> sizes(unsigned index);
  std::optional<llvm::SmallVector<int64_t>> numbers(unsigned index);

  /// Records why this node cannot be imported; returns null.
  GraphTensor unsupported(const llvm::Twine &why);
  GraphTensor invalid(ErrorCode code, const llvm::Twine &why);

  Importer &getImporter() { return importer; }
  Scope &getScope() { return scope; }
  const ::onnx::NodeProto &getNode() const { return node; }
  /// `node "a" (Foo, ai.onnx 18)`.
  std::string describe() const;
  /// Attributes that the import never asked for.
  llvm::SmallVector<llvm::StringRef> unreadAttributes() const;

private:
  friend class Importer;
  const ::onnx::AttributeProto *attribute(llvm::StringRef name,
                                          ::onnx::AttributeProto::AttributeType type);

  Importer &importer;
  const ::onnx::NodeProto &node;
  Scope &scope;
  llvm::StringSet<> read;
  llvm::SmallVector<std::pair<unsigned, GraphTensor>> results;
};

} // namespace lutra::frontend

#endif // LUTRA_LIB_FRONTEND_ONNX_IMPORTER_H
