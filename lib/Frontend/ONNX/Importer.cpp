//===- Importer.cpp - the walk over a model's graph ------------------------===//
// Order: file, opsets, names of the graph, inputs, initializers, nodes, outputs. A malformed model
// stops at its first fault; what is valid but has no import is collected and reported at the end.
#include "Importer.h"

#include "mlir/IR/Location.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace lutra;
using namespace lutra::frontend;

/// The newest opset of the default domain that the table was written against.
static constexpr int64_t newestOpset = 28;
static constexpr int64_t oldestOpset = 6;
/// Graphs inside nodes and calls inside functions, together.
static constexpr unsigned maxDepth = 32;
/// Nodes that calls of functions may expand to: functions that call each other twice double at each level.
static constexpr unsigned maxExpandedNodes = 100000;

Importer::Importer(MLIRContext *context, const OnnxImportOptions &options)
    : context(context), options(options),
      fileLoc(FileLineColLoc::get(context, options.path.empty() ? "model" : options.path, 0, 0)) {}

InFlightDiagnostic Importer::emitFault(ErrorCode code) { return emitCodedError(fileLoc, code); }

void Importer::addFault(ErrorCode code, std::string text) {
  if (!fault)
    fault = Fault{code, std::move(text)};
}

void Importer::addUnsupported(ErrorCode code, std::string text) {
  std::pair<ErrorCode, std::string> entry(code, std::move(text));
  if (!llvm::is_contained(unsupported, entry))
    unsupported.push_back(std::move(entry));
}

std::optional<Fault> Importer::load() {
  model = std::make_shared<::onnx::ModelProto>();
  if (options.path.empty()) {
    external = std::make_unique<ExternalData>("", /*hasFolder=*/false);
    return parseModel(options.bytes, *model);
  }
  StringRef folder = llvm::sys::path::parent_path(options.path);
  external = std::make_unique<ExternalData>(folder.empty() ? "." : folder.str(), /*hasFolder=*/true);
  if (std::optional<Fault> found = mapFile(options.path, modelFile))
    return found;
  InitializerBytes inFile;
  if (std::optional<Fault> found = parseModel(StringRef(modelFile->data, modelFile->size), *model, inFile))
    return found;
  for (auto [position, bytes] : inFile)
    bytesInFile[&model->graph().initializer(position)] = bytes;
  return std::nullopt;
}

void Importer::release(ArrayRef<char> bytes) {
  if (modelFile)
    modelFile->release(bytes);
  external->release(bytes);
}

/// The opset that a graph or function body imports for a domain.
static std::optional<int64_t> opsetOf(const Scope &scope, StringRef domain) {
  if (domain == "ai.onnx")
    domain = "";
  for (const auto &opset : *scope.opsets)
    if (StringRef(opset.domain() == "ai.onnx" ? "" : opset.domain()) == domain)
      return opset.version();
  return std::nullopt;
}

bool Importer::checkOpsets() {
  if (!model->has_ir_version())
    addFault(ErrorCode::FileFormat, "the model has no IR version");
  if (model->opset_import_size() == 0)
    addFault(ErrorCode::FileFormat, "the model imports no operator set");
  Scope scope;
  scope.opsets = &model->opset_import();
  if (std::optional<int64_t> version = opsetOf(scope, ""); version && !fault)
    if (*version < oldestOpset || *version > newestOpset)
      addFault(ErrorCode::UnsupportedOpset,
               "the model uses operator set " + std::to_string(*version) + ", but " +
                   std::to_string(oldestOpset) + " to " + std::to_string(newestOpset) +
                   " can be imported; convert it with onnx.version_converter");
  for (const ::onnx::FunctionProto &function : model->functions())
    functions[function.domain() + ":" + function.name() + ":" + function.overload()] = &function;
  return !fault;
}

std::optional<Shape> Importer::importShape(const ::onnx::ValueInfoProto &input) {
  Shape shape;
  for (const auto &dim : input.type().tensor_type().shape().dim()) {
    if (dim.has_dim_value()) {
      if (dim.dim_value() < 0) {
        addFault(ErrorCode::GraphType, "input " + quoted(input.name()) + " has the negative size " +
                                           std::to_string(dim.dim_value()));
        return std::nullopt;
      }
      shape.push_back(dim.dim_value());
      continue;
    }
    std::string name = dim.dim_param();
    auto given = options.dims.find(name);
    if (name.empty()) {
      shape.push_back(builder->dims().freshSymbol());
    } else if (given != options.dims.end() && given->second.low == given->second.high) {
      shape.push_back(given->second.low);
    } else {
      shape.push_back(builder->dims().symbol(name));
      if (given != options.dims.end())
        builder->dims().restrict(shape.back(), given->second.low, given->second.high);
    }
  }
  return shape;
}

bool Importer::importInputs(Scope &scope) {
  const ::onnx::GraphProto &graph = model->graph();
  llvm::StringSet<> initialized;
  for (const ::onnx::TensorProto &tensor : graph.initializer())
    initialized.insert(tensor.name());
  for (const ::onnx::ValueInfoProto &input : graph.input()) {
    if (initialized.contains(input.name()))
      continue; // its default is used: an input with an initializer is a weight
    for (const auto &dim : input.type().tensor_type().shape().dim())
      if (!dim.dim_param().empty())
        sizeNames.insert(dim.dim_param());
    if (input.name().empty() || scope.values.contains(input.name())) {
      addFault(ErrorCode::GraphStructure,
               "the graph has two inputs named " + quoted(input.name()) + ", or one without a name");
      return false;
    }
    if (auto bound = options.bindings.find(input.name()); bound != options.bindings.end()) {
      ::onnx::TensorProto *tensor = model->mutable_graph()->add_initializer();
      if (!tensor->ParseFromString(bound->second)) {
        addFault(ErrorCode::FileFormat, "the value bound to input " + quoted(input.name()) + " is no TensorProto");
        return false;
      }
      tensor->set_name(input.name());
      continue;
    }
    if (!input.type().has_tensor_type()) {
      addUnsupported(ErrorCode::UnsupportedType, "input " + quoted(input.name()) + " is no tensor");
      scope.values[input.name()] = GraphTensor();
      continue;
    }
    const auto &type = input.type().tensor_type();
    Type element = elementType(context, type.elem_type());
    if (!element || !type.has_shape()) {
      addUnsupported(ErrorCode::UnsupportedType,
                     "input " + quoted(input.name()) +
                         (element ? std::string(" has no rank; declare its dimensions")
                                  : " has elements of type " + dataTypeName(type.elem_type())));
      scope.values[input.name()] = GraphTensor();
      continue;
    }
    std::optional<Shape> shape = importShape(input);
    if (!shape)
      return false;
    scope.values[input.name()] = builder->addInput(input.name(), element, *shape);
    if (std::optional<BuildError> error = builder->takeError()) {
      addFault(error->code, "input " + quoted(input.name()) + " " + error->message);
      return false;
    }
  }
  return true;
}

bool Importer::importGraph(const ::onnx::GraphProto &graph, Scope &scope) {
  if (graph.sparse_initializer_size() > 0)
    addUnsupported(ErrorCode::UnsupportedType, "the graph has sparse initializers; store them dense");
  for (const ::onnx::TensorProto &tensor : graph.initializer()) {
    if (tensor.name().empty() || scope.values.contains(tensor.name())) {
      addFault(ErrorCode::GraphStructure, "the graph has two initializers named " + quoted(tensor.name()) +
                                              ", or one without a name");
      return false;
    }
    scope.values[tensor.name()] = importTensor(tensor);
    if (std::optional<BuildError> error = builder->takeError()) {
      if (exitCodeOf(error->code) == ExitCode::Unsupported)
        addUnsupported(error->code, "the graph " + error->message);
      else
        addFault(error->code, "the graph " + error->message);
    }
    if (fault)
      return false;
  }
  return importNodes(graph.node(), scope);
}

bool Importer::importNodes(const google::protobuf::RepeatedPtrField<::onnx::NodeProto> &nodes, Scope &scope) {
  llvm::StringSet<> later;
  for (const ::onnx::NodeProto &node : nodes)
    for (const std::string &output : node.output()) {
      if (output.empty())
        continue;
      if (!later.insert(output).second || scope.values.contains(output)) {
        addFault(ErrorCode::GraphStructure, "two values of the graph are named " + quoted(output));
        return false;
      }
    }
  for (const ::onnx::NodeProto &node : nodes) {
    ++nodeCount;
    if (!activeFunctions.empty() && ++expandedNodes > maxExpandedNodes) {
      addFault(ErrorCode::LimitSize, "calls of functions expand to more than " + std::to_string(maxExpandedNodes) +
                                         " nodes, since each call copies the body; call functions that call others "
                                         "less often, or split the model");
      return false;
    }
    for (const std::string &input : node.input()) {
      bool isKnown = input.empty();
      for (Scope *s = &scope; s && !isKnown; s = s->parent)
        isKnown = s->values.contains(input);
      if (isKnown)
        continue;
      NodeImport import(*this, node, scope, opsetOf(scope, node.domain()).value_or(0));
      addFault(ErrorCode::GraphStructure,
               import.describe() + " reads " + quoted(input) +
                   (later.contains(input) ? ", which is computed later: the graph has a cycle or is not sorted"
                                          : ", which nothing defines"));
      return false;
    }
    importNode(node, scope);
    if (fault)
      return false;
    for (const std::string &output : node.output())
      if (!output.empty())
        scope.values.try_emplace(output, GraphTensor());
  }
  return true;
}

/// Whether an operator converts 8-bit floats, or keeps elements as they are; ONNX gives no other one these types.
static bool takesFp8(StringRef domain, StringRef name) {
  return domain.empty() && llvm::StringSwitch<bool>(name)
                               .Cases({"Cast", "CastLike", "DequantizeLinear", "QuantizeLinear"}, true)
                               .Cases({"Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}, true)
                               .Cases({"Constant", "If", "Shape", "Size"}, true)
                               .Default(false);
}

void Importer::importNode(const ::onnx::NodeProto &node, Scope &scope) {
  StringRef domain = node.domain() == "ai.onnx" ? "" : StringRef(node.domain());
  std::optional<int64_t> version = opsetOf(scope, domain);
  NodeImport import(*this, node, scope, version.value_or(0));
  std::string key = (domain + ":" + node.op_type() + ":" + node.overload()).str();
  auto function = functions.find(key);
  if (!version && function == functions.end())
    return addFault(ErrorCode::GraphStructure,
                    import.describe() + " is of a domain whose operator set the model does not import");
  const OpEntry *entry = version ? findOp(domain, node.op_type(), *version) : nullptr;
  if (!entry && function == functions.end())
    return addUnsupported(ErrorCode::UnsupportedOp,
                          import.describe() + ": no import for this operator; rewrite it with operators of "
                                              "docs/onnx.md or leave it out of the compiled part");
  for (unsigned index = 0; index < import.inputCount(); ++index)
    if (import.has(index) && !import.in(index))
      return; // depends on what was reported already
  // Their values are right in wider types; ranges and types of what other operators make of them would not be.
  bool readsPacked = domain.empty() && (node.op_type() == "DequantizeLinear" || node.op_type() == "Identity");
  for (unsigned index = 0; index < import.inputCount() && entry && !readsPacked; ++index)
    if (std::string type = import.has(index) ? packedTypeName(import.in(index)) : ""; !type.empty())
      return addUnsupported(ErrorCode::UnsupportedType, import.describe() + " reads " + quoted(node.input(index)) +
                                                            " of type " + type +
                                                            ", which DequantizeLinear alone can; dequantize it first");
  if (readsPacked && import.has(2) && packedTypeName(import.in(0)) != packedTypeName(import.in(2)))
    return addFault(ErrorCode::GraphType, import.describe() + " has codes and zero points of two types");
  for (unsigned index = 0; index < import.inputCount() && entry && !takesFp8(domain, node.op_type()); ++index)
    if (import.has(index) && isFp8(import.in(index).type()))
      return addUnsupported(ErrorCode::UnsupportedType,
                            import.describe() + " reads " + quoted(node.input(index)) +
                                " of an 8-bit float type, which operators that convert or reshape alone can; "
                                "dequantize it or cast it to FLOAT first");
  StringRef label = node.name().empty() && node.output_size() ? StringRef(node.output(0)) : StringRef(node.name());
  builder->setLoc(NameLoc::get(StringAttr::get(context, label)));
  GraphTensor first;
  if (entry) {
    first = entry->import(import);
    if (!builder->hasError() && !fault && first)
      for (StringRef name : import.unreadAttributes())
        import.unsupported("has the attribute " + quoted(name) + ", which the import does not know");
  } else {
    importCall(*function->second, import);
  }
  if (fault)
    return;
  if (std::optional<BuildError> error = builder->takeError()) {
    if (exitCodeOf(error->code) == ExitCode::Unsupported)
      addUnsupported(error->code, import.describe() + " " + error->message);
    else
      addFault(error->code, import.describe() + " " + error->message);
    return;
  }
  if (entry)
    import.result(0, first);
  for (auto [index, tensor] : import.results)
    if (import.wants(index))
      scope.values[node.output(index)] = tensor;
  for (unsigned index = 0; index < import.outputCount() && entry; ++index)
    if (import.wants(index) && !scope.values.lookup(node.output(index)) && first)
      addUnsupported(ErrorCode::UnsupportedOp, import.describe() + " has output " + std::to_string(index) +
                                                   ", which the import does not compute");
}

void Importer::importCall(const ::onnx::FunctionProto &function, NodeImport &call) {
  std::string key = function.domain() + ":" + function.name() + ":" + function.overload();
  if (!activeFunctions.insert(key).second)
    return addFault(ErrorCode::GraphStructure, call.describe() + " calls a function that calls itself");
  if (++depth > maxDepth)
    return addFault(ErrorCode::LimitSize, "functions and subgraphs are nested deeper than " + std::to_string(maxDepth));
  if ((int)call.inputCount() > function.input_size())
    return addFault(ErrorCode::GraphStructure, call.describe() + " has more operands than the function it calls");
  llvm::StringMap<const ::onnx::AttributeProto *> attributes;
  for (const ::onnx::AttributeProto &attribute : function.attribute_proto())
    attributes[attribute.name()] = &attribute;
  for (const ::onnx::AttributeProto &attribute : call.getNode().attribute()) {
    const ::onnx::AttributeProto *value = &attribute;
    if (!attribute.ref_attr_name().empty()) {
      if (!call.getScope().attributes)
        continue;
      value = call.getScope().attributes->lookup(attribute.ref_attr_name());
      if (!value)
        continue;
    }
    attributes[attribute.name()] = value;
  }
  Scope body;
  body.attributes = &attributes;
  body.opsets = &function.opset_import();
  for (auto [index, name] : llvm::enumerate(function.input()))
    body.values[name] = call.has(index) ? call.in(index) : GraphTensor();
  if (importNodes(function.node(), body))
    for (auto [index, name] : llvm::enumerate(function.output()))
      call.result(index, body.values.lookup(name));
  --depth;
  activeFunctions.erase(key);
}

std::optional<SmallVector<GraphTensor>> Importer::importSubgraph(const ::onnx::GraphProto &graph, Scope &outer,
                                                            ArrayRef<GraphTensor> inputs) {
  if (depth + 1 > maxDepth) {
    addFault(ErrorCode::LimitSize, "functions and subgraphs are nested deeper than " + std::to_string(maxDepth));
    return std::nullopt;
  }
  if ((int)inputs.size() != graph.input_size()) {
    addFault(ErrorCode::GraphStructure, "a subgraph has " + std::to_string(graph.input_size()) +
                                            " inputs, but its node gives it " + std::to_string(inputs.size()));
    return std::nullopt;
  }
  Scope scope;
  scope.parent = &outer;
  scope.attributes = outer.attributes;
  scope.opsets = outer.opsets;
  for (auto [input, tensor] : llvm::zip_equal(graph.input(), inputs))
    scope.values[input.name()] = tensor;
  ++depth;
  bool isImported = importGraph(graph, scope);
  --depth;
  if (!isImported)
    return std::nullopt;
  SmallVector<GraphTensor> outputs;
  for (const ::onnx::ValueInfoProto &output : graph.output()) {
    GraphTensor found;
    for (Scope *s = &scope; s && !found; s = s->parent)
      found = s->values.lookup(output.name());
    if (std::string type = packedTypeName(found); !type.empty()) // what reads it outside would not know its range
      addUnsupported(ErrorCode::UnsupportedType, "a subgraph gives " + quoted(output.name()) + " of type " + type +
                                                     "; dequantize it inside");
    outputs.push_back(found);
  }
  return outputs;
}

std::string Importer::packedTypeName(GraphTensor tensor) const {
  auto found = packedConstants.find(tensor.operator->());
  return found == packedConstants.end() ? "" : dataTypeName(found->second);
}

bool Importer::checkOutputs(ArrayRef<GraphBuilder::Output> outputs) {
  for (auto [declared, output] : llvm::zip_equal(model->graph().output(), outputs)) {
    if (!declared.type().has_tensor_type())
      continue;
    const auto &type = declared.type().tensor_type();
    Type element = elementType(context, type.elem_type());
    std::string name = quoted(output.name);
    if (element && element != output.tensor.type())
      addFault(ErrorCode::GraphType, "output " + name + " is declared with elements of type " +
                                         dataTypeName(type.elem_type()) + ", but others are computed");
    if (!type.has_shape() || fault)
      continue;
    if (type.shape().dim_size() != output.tensor.rank()) {
      addFault(ErrorCode::GraphType, "output " + name + " is declared with rank " +
                                         std::to_string(type.shape().dim_size()) + ", but has rank " +
                                         std::to_string(output.tensor.rank()));
      continue;
    }
    for (auto [dim, size] : llvm::zip_equal(type.shape().dim(), output.tensor.shape()))
      if (dim.has_dim_value() && size.isConstant() && dim.dim_value() != *size.constant())
        addFault(ErrorCode::GraphType, "output " + name + " is declared with size " +
                                           std::to_string(dim.dim_value()) + ", but has size " +
                                           std::to_string(*size.constant()));
  }
  return !fault;
}

/// What the verifier says of a module; "" if it is valid.
static std::string faultOf(ModuleOp module) {
  std::string text;
  ScopedDiagnosticHandler handler(module.getContext(), [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error && text.empty()) {
      auto name = dyn_cast<NameLoc>(diagnostic.getLocation());
      text = (name ? "node " + quoted(name.getName().getValue()) + ": " : std::string()) + diagnostic.str();
    }
    return success(); // the caller says it, with a code
  });
  return succeeded(verify(module)) ? "" : text.empty() ? "the model's graph is not valid" : text;
}

FailureOr<OwningOpRef<ModuleOp>> Importer::run() {
  if (std::optional<Fault> found = load())
    return emitFault(found->code) << found->message, failure();
  builder = std::make_unique<GraphBuilder>(context, fileLoc, options.entry);
  Scope scope;
  scope.opsets = &model->opset_import();
  SmallVector<GraphBuilder::Output> outputs;
  bool isComplete = checkOpsets() && importInputs(scope) && importGraph(model->graph(), scope);
  for (const auto &[name, range] : options.dims) {
    std::string known = sizeNames.empty() ? "they have none" : "known: " + llvm::join(sizeNames, ", ");
    if (!fault && !sizeNames.count(name))
      addFault(ErrorCode::RuntimeArgument, "no size of the inputs is named " + quoted(name) + "; " + known);
  }
  if (isComplete) {
    llvm::StringSet<> names;
    for (const ::onnx::ValueInfoProto &output : model->graph().output()) {
      if (!scope.values.contains(output.name()))
        addFault(ErrorCode::GraphStructure, "output " + quoted(output.name()) + " is defined by nothing");
      else if (!names.insert(output.name()).second)
        addFault(ErrorCode::GraphStructure, "two outputs are named " + quoted(output.name()));
      else
        outputs.push_back({output.name(), scope.values.lookup(output.name())});
    }
    for (const GraphBuilder::Output &output : outputs) {
      std::string type = packedTypeName(output.tensor);
      if (!type.empty())
        addUnsupported(ErrorCode::UnsupportedType, "output " + quoted(output.name) + " has elements of type " + type);
    }
    if (outputs.empty())
      addFault(ErrorCode::GraphStructure, "the graph has no outputs");
  }
  if (!fault && unsupported.empty())
    checkOutputs(outputs);
  if (fault)
    return emitFault(fault->code) << fault->message, failure();
  if (unsupported.empty()) {
    // A node whose types and shapes the builder lets pass and the dialect does not.
    OwningOpRef<ModuleOp> module = builder->finish(outputs);
    std::string text = faultOf(*module);
    if (text.empty())
      return module;
    return emitFault(ErrorCode::GraphType) << text, failure();
  }
  ErrorCode code = ErrorCode::UnsupportedType;
  for (auto &[kind, text] : unsupported)
    if (kind != code)
      code = ErrorCode::UnsupportedOp;
  InFlightDiagnostic diagnostic = emitFault(code);
  diagnostic << unsupported.size() << (unsupported.size() == 1 ? " part" : " parts")
             << " of the model's " << nodeCount << " nodes cannot be imported: ";
  llvm::interleave(
      unsupported, [&](const std::pair<ErrorCode, std::string> &entry) { diagnostic << entry.second; },
      [&] { diagnostic << "; "; });
  return failure();
}

FailureOr<OwningOpRef<ModuleOp>> lutra::importOnnx(MLIRContext *context, const OnnxImportOptions &options) {
  Importer importer(context, options);
  return importer.run();
}
