//===- CheckPackage.cpp - faults of a package that loaders let pass -----------===//
// Reads the files as they are on disk, with nothing from the writer but the field numbers. Core ML's
// open loader checks types of operations; it does not check that the description agrees with the
// function, that names are unique and legal, that the opset fits the specification version, or the
// weight file's count. All faults are reported, each on its own line.
#include "lutra/Target/MIL/MIL.h"

#include "BlobFile.h"
#include "ModelFields.h"
#include "Wire.h"

#include "lutra/Dialect/MIL/IR/MIL.h"
#include "lutra/Dialect/MIL/IR/MILOpTable.h"
#include "lutra/Support/ErrorCodes.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace lutra;
using namespace lutra::mil;

namespace {
/// Fields of one message by number; repeated ones in order.
class Fields {
public:
  explicit Fields(StringRef bytes) {
    FieldReader reader(bytes);
    while (std::optional<Field> field = reader.next())
      all.push_back(*field);
    broken = reader.broken;
  }
  StringRef bytes(unsigned number) const {
    const Field *field = find(number);
    return field ? field->bytes : StringRef();
  }
  uint64_t number(unsigned number) const {
    const Field *field = find(number);
    return field ? field->value : 0;
  }
  bool has(unsigned number) const { return find(number); }
  SmallVector<StringRef> list(unsigned number) const {
    SmallVector<StringRef> result;
    for (const Field &field : all)
      if (field.number == number)
        result.push_back(field.bytes);
    return result;
  }
  bool broken = false;

private:
  const Field *find(unsigned number) const {
    const Field *found = nullptr; // the last one counts
    for (const Field &field : all)
      if (field.number == number)
        found = &field;
    return found;
  }
  SmallVector<Field> all;
};

/// A tensor type as read: MILSpec.DataType and sizes.
struct TypeView {
  uint64_t dataType = 0;
  SmallVector<int64_t> shape;
  bool operator==(const TypeView &other) const { return dataType == other.dataType && shape == other.shape; }
};

class PackageChecker {
public:
  PackageChecker(StringRef path, Location loc) : path(path), loc(loc) {}
  LogicalResult check();

private:
  void fault(ErrorCode code, const Twine &text) {
    emitCodedError(loc, code) << "package \"" << path << "\": " << text;
    sound = false;
  }
  std::unique_ptr<llvm::MemoryBuffer> read(const Twine &name);
  std::string checkManifest();
  void checkModel(StringRef bytes);
  void checkFunction(StringRef bytes, int64_t spec, const Fields &description);
  void checkOperation(const Fields &operation);
  void checkArguments(const Fields &operation, StringRef type, StringRef name);
  void checkConstant(const Fields &operation, StringRef name, const TypeView &type);
  void checkBlob(StringRef name, const TypeView &type, const Fields &value);
  void checkWeights();
  void checkFeatures(const Fields &description, unsigned field, ArrayRef<std::pair<StringRef, TypeView>> expected);
  TypeView typeOf(StringRef named);

  StringRef path;
  Location loc;
  bool sound = true;
  std::unique_ptr<llvm::MemoryBuffer> weights;
  llvm::StringMap<TypeView> defined;
  llvm::StringSet<> constants;
};
} // namespace

std::unique_ptr<llvm::MemoryBuffer> PackageChecker::read(const Twine &name) {
  auto buffer = llvm::MemoryBuffer::getFile(path + "/" + name, false, false);
  if (buffer)
    return std::move(*buffer);
  fault(ErrorCode::FileFormat, "cannot read " + name + ": " + buffer.getError().message());
  return nullptr;
}

/// Path of the model below Data/, empty after a fault.
std::string PackageChecker::checkManifest() {
  auto buffer = read("Manifest.json");
  if (!buffer)
    return "";
  auto parsed = llvm::json::parse(buffer->getBuffer());
  if (!parsed) {
    fault(ErrorCode::FileFormat, "Manifest.json: " + llvm::toString(parsed.takeError()));
    return "";
  }
  const llvm::json::Object *root = parsed->getAsObject();
  const llvm::json::Object *items = root ? root->getObject("itemInfoEntries") : nullptr;
  auto rootId = root ? root->getString("rootModelIdentifier") : std::nullopt;
  if (!items || !rootId || root->getString("fileFormatVersion") != StringRef("1.0.0")) {
    fault(ErrorCode::FileFormat, "Manifest.json lacks version 1.0.0, the items or the root model");
    return "";
  }
  std::string model;
  for (const auto &[id, value] : *items) {
    const llvm::json::Object *item = value.getAsObject();
    auto itemPath = item ? item->getString("path") : std::nullopt;
    if (!itemPath || !item->getString("name") || !item->getString("author") || !item->getString("description")) {
      fault(ErrorCode::FileFormat, "an item of Manifest.json lacks path, name, author or description");
      continue;
    }
    if (itemPath->contains("..") || llvm::sys::path::is_absolute(*itemPath))
      fault(ErrorCode::ExternalPath, "Manifest.json points outside of the package: " + *itemPath);
    else if (!llvm::sys::fs::exists(path + "/Data/" + *itemPath))
      fault(ErrorCode::FileFormat, "Manifest.json names " + *itemPath + ", which is not there");
    else if (StringRef(id) == *rootId)
      model = itemPath->str();
  }
  if (model.empty() && sound)
    fault(ErrorCode::FileFormat, "the root model of Manifest.json is none of its items");
  return model;
}

TypeView PackageChecker::typeOf(StringRef valueType) {
  Fields tensor(Fields(valueType).bytes(fields::kTensorType));
  TypeView type;
  type.dataType = tensor.number(fields::kDataType);
  for (StringRef dimension : tensor.list(fields::kDimensions))
    type.shape.push_back(Fields(Fields(dimension).bytes(fields::kConstantDim)).number(fields::kDimSize));
  return type;
}

void PackageChecker::checkFeatures(const Fields &description, unsigned field,
                                   ArrayRef<std::pair<StringRef, TypeView>> expected) {
  StringRef side = field == fields::kInput ? "input" : "output";
  SmallVector<StringRef> features = description.list(field);
  if (features.size() != expected.size()) {
    fault(ErrorCode::GraphType, "the description has " + Twine(features.size()) + " " + side + "s, the function " +
                                    Twine(expected.size()));
    return;
  }
  for (auto [feature, entry] : llvm::zip_equal(features, expected)) {
    Fields read(feature);
    StringRef name = read.bytes(fields::kFeatureName);
    Fields array(Fields(read.bytes(fields::kFeatureType)).bytes(fields::kMultiArray));
    static constexpr std::pair<uint64_t, uint64_t> types[] = {{10, 65552}, {11, 65568}, {23, 131104}};
    uint64_t arrayType = array.number(fields::kArrayType);
    bool sameType = llvm::is_contained(types, std::pair(entry.second.dataType, arrayType));
    SmallVector<int64_t> shape;
    StringRef packed = array.bytes(fields::kArrayShape);
    for (uint64_t size = 0, shift = 0; !packed.empty(); packed = packed.drop_front()) {
      size |= uint64_t(packed.front() & 0x7F) << shift;
      shift += 7;
      if (!(packed.front() & 0x80)) {
        shape.push_back(size);
        size = shift = 0;
      }
    }
    if (name != entry.first)
      fault(ErrorCode::GraphStructure,
            side + " \"" + name + "\" of the description is \"" + entry.first + "\" in the function");
    else if (!sameType || shape != entry.second.shape)
      fault(ErrorCode::GraphType, side + " \"" + name + "\" has another type in the description than in the function");
  }
}

void PackageChecker::checkBlob(StringRef name, const TypeView &type, const Fields &value) {
  Fields blob(value.bytes(fields::kBlob));
  if (blob.bytes(fields::kFileName) != "@model_path/weights/weight.bin") {
    fault(ErrorCode::ExternalPath, "constant \"" + name + "\" reads " + blob.bytes(fields::kFileName));
    return;
  }
  if (!weights) {
    fault(ErrorCode::ExternalRange, "constant \"" + name + "\" reads a weight file that is not there");
    return;
  }
  std::string why;
  std::optional<BlobView> view = readBlob(weights->getBuffer(), blob.number(fields::kOffset), why);
  if (!view) {
    fault(ErrorCode::ExternalRange, "constant \"" + name + "\": " + why);
    return;
  }
  static constexpr std::tuple<BlobType, uint64_t, uint64_t> kinds[] = {
      {BlobType::Float16, 10, 2}, {BlobType::Float32, 11, 4}, {BlobType::UInt8, 31, 1}, {BlobType::Int8, 21, 1},
      {BlobType::Int16, 22, 2},   {BlobType::UInt16, 32, 2},  {BlobType::Int32, 23, 4}};
  uint64_t count = 1, width = 0;
  for (int64_t size : type.shape)
    count *= size;
  for (auto [kind, dataType, bytes] : kinds)
    if (kind == view->type && dataType == type.dataType)
      width = bytes;
  if (!width || view->data.size() != count * width) {
    fault(ErrorCode::GraphType, "constant \"" + name + "\" does not have the type or size of its blob");
    return;
  }
  if (view->type != BlobType::Float16)
    return;
  for (size_t at = 0; at < view->data.size(); at += 2)
    if ((llvm::support::endian::read16le(view->data.data() + at) & 0x7C00) == 0x7C00) {
      fault(ErrorCode::Attribute, "constant \"" + name + "\" holds NaN or an infinity at element " + Twine(at / 2));
      return;
    }
}

void PackageChecker::checkConstant(const Fields &operation, StringRef name, const TypeView &type) {
  for (StringRef entry : operation.list(fields::kOpAttributes)) {
    Fields pair(entry);
    if (pair.bytes(1) != "val")
      continue;
    Fields value(pair.bytes(2));
    if (!(typeOf(value.bytes(fields::kValueType)) == type))
      fault(ErrorCode::GraphType, "constant \"" + name + "\" has another type than its value");
    if (value.has(fields::kBlob))
      checkBlob(name, type, value);
    return;
  }
  fault(ErrorCode::GraphStructure, "constant \"" + name + "\" has no value");
}

void PackageChecker::checkArguments(const Fields &operation, StringRef type, StringRef name) {
  const OpSchema *schema = lookupOp(type);
  if (!schema) {
    fault(ErrorCode::UnsupportedOp, "operation \"" + type + "\" is not in the table");
    return;
  }
  llvm::StringSet<> given;
  for (StringRef entry : operation.list(fields::kOpInputs)) {
    Fields pair(entry);
    StringRef parameter = pair.bytes(1);
    given.insert(parameter);
    if (!schema->findParam(parameter))
      fault(ErrorCode::GraphStructure, "\"" + name + "\": " + type + " has no parameter \"" + parameter + "\"");
    for (StringRef binding : Fields(pair.bytes(2)).list(fields::kBindings)) {
      StringRef read = Fields(binding).bytes(fields::kBindingName);
      if (!read.empty() && !defined.contains(read))
        fault(ErrorCode::GraphStructure, "\"" + name + "\" reads \"" + read + "\", which nothing before it defines");
    }
  }
  for (const ParamSchema &param : schema->getParams())
    if (param.required && !given.contains(param.name))
      fault(ErrorCode::GraphStructure, "\"" + name + "\" lacks the parameter \"" + param.name + "\" of " + type);
}

void PackageChecker::checkOperation(const Fields &operation) {
  StringRef type = operation.bytes(fields::kOpType);
  SmallVector<StringRef> outputs = operation.list(fields::kOpOutputs);
  if (operation.broken || outputs.empty()) {
    fault(ErrorCode::FileFormat, "an operation \"" + type + "\" is damaged or has no result");
    return;
  }
  StringRef name = Fields(outputs.front()).bytes(fields::kName);
  if (type != "const")
    checkArguments(operation, type, name);
  for (StringRef output : outputs) {
    Fields named(output);
    StringRef result = named.bytes(fields::kName);
    TypeView view = typeOf(named.bytes(fields::kType));
    if (!isIdentifier(result))
      fault(ErrorCode::GraphStructure, "\"" + result + "\" is no identifier of MIL");
    if (view.shape.size() > 5)
      fault(ErrorCode::GraphType, "\"" + result + "\" has rank " + Twine(view.shape.size()) + ", above 5");
    if (type == "const") {
      constants.insert(result);
      checkConstant(operation, result, view);
    }
    if (!defined.try_emplace(result, view).second)
      fault(ErrorCode::GraphStructure, "\"" + result + "\" is defined twice");
  }
}

void PackageChecker::checkFunction(StringRef bytes, int64_t spec, const Fields &description) {
  Fields function(bytes);
  StringRef opset = function.bytes(fields::kOpset);
  if (opset != opsetName(spec))
    fault(ErrorCode::UnsupportedOpset,
          "opset \"" + opset + "\" does not belong to specification version " + Twine(spec));
  SmallVector<StringRef> blocks = function.list(fields::kSpecializations);
  if (blocks.size() != 1 || Fields(blocks.front()).bytes(1) != opset) {
    fault(ErrorCode::GraphStructure, "the function does not have one block for its opset");
    return;
  }
  SmallVector<std::pair<StringRef, TypeView>> inputs, outputs;
  for (StringRef input : function.list(fields::kFunctionInputs)) {
    Fields named(input);
    inputs.push_back({named.bytes(fields::kName), typeOf(named.bytes(fields::kType))});
    if (!isIdentifier(inputs.back().first))
      fault(ErrorCode::GraphStructure, "input \"" + inputs.back().first + "\" is no identifier of MIL");
    if (!defined.try_emplace(inputs.back().first, inputs.back().second).second)
      fault(ErrorCode::GraphStructure, "\"" + inputs.back().first + "\" is defined twice");
  }
  Fields block(Fields(blocks.front()).bytes(2));
  for (StringRef operation : block.list(fields::kOperations))
    checkOperation(Fields(operation));
  for (StringRef output : block.list(fields::kBlockOutputs)) {
    auto found = defined.find(output);
    if (found == defined.end()) {
      fault(ErrorCode::GraphStructure, "result \"" + output + "\" is not defined");
      return;
    }
    bool isInput = llvm::any_of(inputs, [&](const auto &input) { return input.first == output; });
    if (constants.contains(output) || isInput)
      fault(ErrorCode::GraphStructure, "result \"" + output + "\" is an input or a constant");
    outputs.push_back({output, found->second});
  }
  checkFeatures(description, fields::kInput, inputs);
  checkFeatures(description, fields::kOutput, outputs);
}

void PackageChecker::checkModel(StringRef bytes) {
  Fields model(bytes);
  int64_t spec = model.number(fields::kSpecification);
  if (model.broken || !model.has(fields::kMlProgram)) {
    fault(ErrorCode::FileFormat, "the model file is damaged or holds no ML program");
    return;
  }
  if (spec < 7 || spec > 9) {
    fault(ErrorCode::UnsupportedOpset, "specification version " + Twine(spec) + " is not 7, 8 or 9");
    return;
  }
  Fields program(model.bytes(fields::kMlProgram));
  if (program.number(fields::kProgramVersion) != 1)
    fault(ErrorCode::FileFormat, "the program's version is not 1");
  for (StringRef entry : program.list(fields::kFunctions))
    if (Fields(entry).bytes(1) == "main")
      return checkFunction(Fields(entry).bytes(2), spec, Fields(model.bytes(fields::kDescription)));
  fault(ErrorCode::GraphStructure, "the program has no function main");
}

void PackageChecker::checkWeights() {
  std::string why;
  if (weights && !walkBlobs(weights->getBuffer(), why))
    fault(ErrorCode::ExternalRange, why);
}

LogicalResult PackageChecker::check() {
  std::string modelPath = checkManifest();
  if (modelPath.empty())
    return failure();
  if (llvm::sys::fs::exists(path + "/Data/com.apple.CoreML/weights/weight.bin"))
    weights = read("Data/com.apple.CoreML/weights/weight.bin");
  checkWeights();
  if (auto model = read("Data/" + modelPath))
    checkModel(model->getBuffer());
  return success(sound);
}

LogicalResult lutra::checkMlpackage(StringRef path, Location loc) { return PackageChecker(path, loc).check(); }
