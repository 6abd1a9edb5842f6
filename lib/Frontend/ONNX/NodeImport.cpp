//===- NodeImport.cpp - operands and attributes of one node ----------------===//
#include "Importer.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace lutra;
using namespace lutra::frontend;

using Attribute = ::onnx::AttributeProto;

std::string frontend::quoted(StringRef text) {
  std::string result = "\"";
  raw_string_ostream os(result);
  printEscapedString(text.take_front(120), os);
  return result + (text.size() > 120 ? "...\"" : "\"");
}

NodeImport::NodeImport(Importer &importer, const ::onnx::NodeProto &node, Scope &scope, int64_t version)
    : b(importer.getBuilder()), version(version), importer(importer), node(node), scope(scope) {}

std::string NodeImport::describe() const {
  StringRef name = node.name();
  if (name.empty() && node.output_size() > 0)
    name = node.output(0);
  StringRef domain = node.domain().empty() ? "ai.onnx" : StringRef(node.domain());
  return "node " + quoted(name) + " (" + quoted(node.op_type()).substr(1, node.op_type().size()) +
         ", " + domain.str() + " " + std::to_string(version) + ")";
}

bool NodeImport::has(unsigned index) const {
  return (int)index < node.input_size() && !node.input(index).empty();
}

bool NodeImport::wants(unsigned index) const {
  return (int)index < node.output_size() && !node.output(index).empty();
}

GraphTensor NodeImport::in(unsigned index) {
  if (!has(index))
    return invalid(ErrorCode::GraphStructure, "lacks its operand " + Twine(index));
  for (Scope *s = &scope; s; s = s->parent)
    if (auto found = s->values.find(node.input(index)); found != s->values.end())
      return found->second;
  llvm_unreachable("operands were resolved before the import was called");
}

SmallVector<GraphTensor> NodeImport::all() {
  SmallVector<GraphTensor> tensors;
  for (unsigned index = 0; index < inputCount(); ++index)
    tensors.push_back(in(index));
  return tensors;
}

void NodeImport::result(unsigned index, GraphTensor tensor) { results.push_back({index, tensor}); }

const Attribute *NodeImport::attribute(StringRef name, Attribute::AttributeType type) {
  read.insert(name);
  for (const Attribute &attribute : node.attribute()) {
    if (StringRef(attribute.name()) != name)
      continue;
    const Attribute *found = &attribute;
    if (!attribute.ref_attr_name().empty()) {
      if (!scope.attributes)
        return nullptr;
      auto referred = scope.attributes->find(attribute.ref_attr_name());
      if (referred == scope.attributes->end())
        return nullptr;
      found = referred->second;
    }
    if (found->type() != type && found->type() != Attribute::UNDEFINED) {
      invalid(ErrorCode::Attribute, "has attribute " + quoted(name) + " of the wrong type");
      return nullptr;
    }
    return found;
  }
  return nullptr;
}

bool NodeImport::hasAttribute(StringRef name) {
  for (const Attribute &attribute : node.attribute())
    if (StringRef(attribute.name()) == name)
      return attribute.ref_attr_name().empty() ||
             (scope.attributes && scope.attributes->contains(attribute.ref_attr_name()));
  return false;
}

int64_t NodeImport::integer(StringRef name, int64_t fallback) {
  const Attribute *found = attribute(name, Attribute::INT);
  return found ? found->i() : fallback;
}

double NodeImport::real(StringRef name, double fallback) {
  const Attribute *found = attribute(name, Attribute::FLOAT);
  return found ? found->f() : fallback;
}

std::string NodeImport::text(StringRef name, StringRef fallback) {
  const Attribute *found = attribute(name, Attribute::STRING);
  return found ? found->s() : fallback.str();
}

SmallVector<int64_t> NodeImport::integers(StringRef name) {
  const Attribute *found = attribute(name, Attribute::INTS);
  return found ? SmallVector<int64_t>(found->ints().begin(), found->ints().end()) : SmallVector<int64_t>();
}

SmallVector<double> NodeImport::reals(StringRef name) {
  const Attribute *found = attribute(name, Attribute::FLOATS);
  return found ? SmallVector<double>(found->floats().begin(), found->floats().end()) : SmallVector<double>();
}

GraphTensor NodeImport::tensor(StringRef name) {
  const Attribute *found = attribute(name, Attribute::TENSOR);
  return found ? importer.importTensor(found->t()) : GraphTensor();
}

const ::onnx::GraphProto *NodeImport::graph(StringRef name) {
  const Attribute *found = attribute(name, Attribute::GRAPH);
  if (!found)
    invalid(ErrorCode::Attribute, "lacks its graph attribute " + quoted(name));
  return found ? &found->g() : nullptr;
}

mlir::Type NodeImport::type(StringRef name, mlir::Type fallback) {
  if (!hasAttribute(name))
    return fallback;
  int64_t dataType = integer(name, 0);
  mlir::Type type = elementType(b.getContext(), (int)dataType);
  if (!type)
    b.fail(ErrorCode::UnsupportedType, "asks for elements of type " + dataTypeName((int)dataType) +
                                           ", which have no form in the dialect");
  return type;
}

bool frontend::saturates(NodeImport &n, mlir::Type type) {
  bool isAsked = n.integer("saturate", 1) != 0; // read in any case: other types have no other way
  if (isAsked || !isFp8(type))
    return true;
  n.unsupported("has saturate = 0, of which there is no form; leave it out, or clip before it");
  return false;
}

void NodeImport::ignore(std::initializer_list<StringRef> names) {
  for (StringRef name : names)
    read.insert(name);
}

int64_t NodeImport::axis(int64_t value, int64_t rank) {
  if (value < -rank || value >= rank) {
    invalid(ErrorCode::Attribute, "has axis " + Twine(value) + ", but its operand has rank " + Twine(rank));
    return 0;
  }
  return value < 0 ? value + rank : value;
}

SmallVector<int64_t> NodeImport::axes(ArrayRef<int64_t> values, int64_t rank) {
  SmallVector<int64_t> result;
  for (int64_t value : values)
    result.push_back(axis(value, rank));
  return result;
}

std::optional<Integers> NodeImport::sizes(unsigned index) {
  GraphTensor operand = in(index);
  if (!operand)
    return std::nullopt;
  std::optional<Integers> known = b.knownIntegers(operand);
  if (!known)
    unsupported("needs the values of its operand " + quoted(node.input(index)) +
                " at compile time; make it an initializer or compute it from constants and sizes of inputs alone");
  return known;
}

std::optional<SmallVector<int64_t>> NodeImport::numbers(unsigned index) {
  std::optional<Integers> known = sizes(index);
  if (!known)
    return std::nullopt;
  SmallVector<int64_t> values;
  for (const DimExpr &value : *known) {
    if (!value.isConstant()) {
      unsupported("has the size " + b.dims().text(value) + " as operand " +
                  quoted(node.input(index)) + ", which must be a number");
      return std::nullopt;
    }
    values.push_back(*value.constant());
  }
  return values;
}

GraphTensor NodeImport::unsupported(const Twine &why) { return b.fail(ErrorCode::UnsupportedOp, why); }

GraphTensor NodeImport::invalid(ErrorCode code, const Twine &why) { return b.fail(code, why); }

SmallVector<StringRef> NodeImport::unreadAttributes() const {
  SmallVector<StringRef> names;
  for (const Attribute &attribute : node.attribute())
    if (!read.contains(attribute.name()))
      names.push_back(attribute.name());
  return names;
}
