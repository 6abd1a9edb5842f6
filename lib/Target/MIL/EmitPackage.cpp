//===- EmitPackage.cpp - the .mlpackage folder --------------------------------===//
// Manifest.json, the serialised Model and the weight file are written into a folder beside the target,
// which is then renamed: readers see a whole package or none. The manifest's identifiers are version 5
// UUIDs of the content, so equal modules give equal bytes.
#include "lutra/Target/MIL/MIL.h"

#include "BlobFile.h"
#include "ModelFields.h"
#include "Statements.h"
#include "Wire.h"

#include "lutra/Support/ErrorCodes.h"
#include "lutra/Support/Files.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA1.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>

using namespace mlir;
using namespace lutra;
using namespace lutra::mil;

static Message valueType(Type element, ArrayRef<int64_t> shape) {
  Message tensor;
  tensor.number(fields::kDataType, element ? fields::dataType(element) : fields::kStringType);
  tensor.numberIfSet(fields::kRank, shape.size());
  for (int64_t size : shape) {
    Message constant, dimension;
    constant.numberIfSet(fields::kDimSize, size);
    dimension.message(fields::kConstantDim, constant);
    tensor.message(fields::kDimensions, dimension);
  }
  return std::move(Message().message(fields::kTensorType, tensor));
}

static Message namedType(StringRef name, RankedTensorType type) {
  Message result;
  result.bytes(fields::kName, name);
  result.message(fields::kType, valueType(type.getElementType(), type.getShape()));
  return result;
}

/// The elements of an immediate, in the member of TensorValue that their type has.
static Message tensorValue(const Constant &value) {
  Message list, result;
  if (!value.element) {
    list.bytes(fields::kValues, value.bytes);
    return std::move(result.message(fields::kStrings, list));
  }
  if (value.element.isF32()) { // packed fixed32 is what the bytes are
    list.bytes(fields::kValues, value.bytes);
    return std::move(result.message(fields::kFloats, list));
  }
  unsigned bits = value.element.getIntOrFloatBitWidth();
  bool asInts = bits == 32 || (bits == 16 && !value.element.isF16());
  if (!asInts && bits != 1) {
    list.bytes(fields::kValues, value.bytes);
    return std::move(result.message(fields::kBytes, list));
  }
  SmallVector<int64_t> numbers;
  for (size_t at = 0; at < value.bytes.size(); at += byteWidth(value.element)) {
    uint64_t word = 0;
    std::memcpy(&word, value.bytes.data() + at, byteWidth(value.element));
    bool isSigned = bits > 1 && !value.element.isUnsignedInteger();
    numbers.push_back(isSigned ? APInt(bits, word).getSExtValue() : int64_t(word));
  }
  list.packed(fields::kValues, numbers);
  return std::move(result.message(bits == 1 ? fields::kBools : fields::kInts, list));
}

static Message constantValue(const Constant &value) {
  Message result;
  result.message(fields::kValueType, valueType(value.element, value.shape));
  if (value.blob) {
    Message blob;
    blob.bytes(fields::kFileName, "@model_path/weights/weight.bin").number(fields::kOffset, *value.blob);
    return std::move(result.message(fields::kBlob, blob));
  }
  Message immediate;
  immediate.message(fields::kTensor, tensorValue(value));
  return std::move(result.message(fields::kImmediate, immediate));
}

static Message operation(const Statement &statement, MLIRContext *context) {
  Message result;
  result.bytes(fields::kOpType, statement.op);
  for (const auto &argument : statement.arguments) {
    Message bindings;
    for (StringRef name : argument.names) {
      Message binding;
      binding.bytes(fields::kBindingName, name);
      bindings.message(fields::kBindings, binding);
    }
    result.entry(fields::kOpInputs, argument.parameter, bindings);
  }
  Constant name;
  name.bytes = statement.value ? statement.constantName : statement.results.front().first;
  if (statement.value) {
    Message output;
    output.bytes(fields::kName, statement.constantName);
    output.message(fields::kType, valueType(statement.value->element, statement.value->shape));
    result.message(fields::kOpOutputs, output);
  } else {
    for (const auto &[output, type] : statement.results)
      result.message(fields::kOpOutputs, namedType(output, type));
  }
  result.entry(fields::kOpAttributes, "name", constantValue(name));
  if (statement.value)
    result.entry(fields::kOpAttributes, "val", constantValue(*statement.value));
  return result;
}

static Message feature(StringRef name, RankedTensorType type) {
  Message array, featureType, result;
  array.packed(fields::kArrayShape, type.getShape());
  array.number(fields::kArrayType, fields::arrayType(type.getElementType()));
  featureType.message(fields::kMultiArray, array);
  result.bytes(fields::kFeatureName, name).message(fields::kFeatureType, featureType);
  return result;
}

static StringRef resultName(Value value) {
  return value.getDefiningOp<ApplyOp>().getNameOf(cast<OpResult>(value).getResultNumber());
}

static Message description(mil::FuncOp func, const MilOptions &options) {
  Message result, metadata;
  for (unsigned index = 0; index < func.getNumArguments(); ++index)
    result.message(fields::kInput, feature(func.getInputName(index),
                                           cast<RankedTensorType>(func.getArgument(index).getType())));
  for (Value value : func.getReturn().getValues())
    result.message(fields::kOutput, feature(resultName(value), cast<RankedTensorType>(value.getType())));
  if (!options.description.empty())
    metadata.bytes(fields::kShortDescription, options.description);
  if (!options.author.empty())
    metadata.bytes(fields::kAuthor, options.author);
  Message compiler;
  compiler.bytes(1, "compiler").bytes(2, "lutra");
  metadata.message(fields::kUserDefined, compiler);
  return std::move(result.message(fields::kMetadata, metadata));
}

static std::string modelBytes(mil::FuncOp func, ArrayRef<Statement> statements, const MilOptions &options) {
  Message block, function, program, model;
  for (Value value : func.getReturn().getValues())
    block.bytes(fields::kBlockOutputs, resultName(value));
  for (const Statement &statement : statements)
    block.message(fields::kOperations, operation(statement, func.getContext()));
  for (unsigned index = 0; index < func.getNumArguments(); ++index)
    function.message(fields::kFunctionInputs,
                     namedType(func.getInputName(index),
                               cast<RankedTensorType>(func.getArgument(index).getType())));
  function.bytes(fields::kOpset, opsetName(func.getSpec()));
  function.entry(fields::kSpecializations, opsetName(func.getSpec()), block);
  program.number(fields::kProgramVersion, 1).entry(fields::kFunctions, func.getSymName(), function);
  model.number(fields::kSpecification, func.getSpec());
  model.message(fields::kDescription, description(func, options)).message(fields::kMlProgram, program);
  return model.data;
}

/// A version 5 UUID in text form.
static std::string uuid(llvm::SHA1 hash, StringRef part) {
  hash.update(part);
  std::array<uint8_t, 20> digest = hash.final();
  digest[6] = (digest[6] & 0x0F) | 0x50;
  digest[8] = (digest[8] & 0x3F) | 0x80;
  std::string hex = llvm::toHex(ArrayRef(digest).take_front(16));
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
         hex.substr(20);
}

static std::string manifest(const llvm::SHA1 &hash, bool hasWeights) {
  auto item = [](StringRef name, StringRef text) {
    return llvm::json::Object{{"author", "com.apple.CoreML"},
                              {"description", text},
                              {"name", name},
                              {"path", ("com.apple.CoreML/" + name).str()}};
  };
  std::string modelId = uuid(hash, "model");
  llvm::json::Object items;
  items[modelId] = item("model.mlmodel", "CoreML Model Specification");
  if (hasWeights)
    items[uuid(hash, "weights")] = item("weights", "CoreML Model Weights");
  llvm::json::Object root{{"fileFormatVersion", "1.0.0"},
                          {"itemInfoEntries", std::move(items)},
                          {"rootModelIdentifier", modelId}};
  std::string text;
  llvm::raw_string_ostream(text) << llvm::formatv("{0:2}\n", llvm::json::Value(std::move(root)));
  return text;
}

namespace {
/// Folder that disappears unless it is moved to its place.
class StagedFolder {
public:
  StagedFolder(StringRef target, Location loc) : target(target), loc(loc) {}
  ~StagedFolder() {
    if (!folder.empty())
      llvm::sys::fs::remove_directories(folder);
  }
  LogicalResult open();
  LogicalResult commit();
  std::string pathOf(const Twine &name) const { return (folder + "/" + name).str(); }
  LogicalResult fail(StringRef what, std::error_code code) {
    return emitCodedError(loc, ErrorCode::EnvironmentWrite)
           << what << " \"" << target << "\": " << code.message();
  }

private:
  std::string target;
  Location loc;
  SmallString<128> folder;
};
} // namespace

LogicalResult StagedFolder::open() {
  SmallString<128> prefix(target);
  while (prefix.ends_with("/"))
    prefix.pop_back();
  target = prefix.str().str();
  if (std::error_code code = llvm::sys::fs::make_absolute(prefix))
    return fail("cannot find", code);
  if (llvm::sys::fs::exists(target) && !llvm::sys::fs::exists(target + "/Manifest.json"))
    return emitCodedError(loc, ErrorCode::EnvironmentWrite)
           << "\"" << target << "\" exists and is no .mlpackage; choose another name or remove it";
  prefix += ".part";
  if (std::error_code code = llvm::sys::fs::createUniqueDirectory(prefix, folder))
    return fail("cannot create a folder beside", code);
  if (std::error_code code = llvm::sys::fs::create_directories(pathOf("Data/com.apple.CoreML/weights")))
    return fail("cannot create", code);
  return success();
}

LogicalResult StagedFolder::commit() {
  SmallString<128> old;
  if (llvm::sys::fs::exists(target)) {
    old = folder;
    old += ".old";
    if (std::error_code code = llvm::sys::fs::rename(target, old))
      return fail("cannot replace", code);
  }
  if (std::error_code code = llvm::sys::fs::rename(folder, target)) {
    if (!old.empty())
      llvm::sys::fs::rename(old, target);
    return fail("cannot write", code);
  }
  folder.clear();
  if (!old.empty())
    llvm::sys::fs::remove_directories(old);
  return success();
}

static LogicalResult writeFile(StagedFolder &staged, const Twine &name, StringRef bytes) {
  if (std::error_code code = writeBytes(staged.pathOf(name), bytes))
    return staged.fail("cannot write", code);
  return success();
}

LogicalResult lutra::emitMlpackage(ModuleOp module, StringRef path, const MilOptions &options) {
  auto functions = module.getOps<mil::FuncOp>();
  if (!llvm::hasSingleElement(functions))
    return emitCodedError(module.getLoc(), ErrorCode::UnsupportedTarget)
           << "a package wants a module with one mil.func; run convert-lutra-to-mil first";
  mil::FuncOp func = *functions.begin();
  for (Type type : llvm::concat<const Type>(func.getArgumentTypes(), func.getResultTypes()))
    if (!fields::arrayType(getElementTypeOrSelf(type)) || cast<RankedTensorType>(type).getRank() == 0)
      return emitCodedError(func.getLoc(), ErrorCode::UnsupportedType)
             << "type " << type << " cannot cross a package's interface; Core ML has fp16, fp32 and int32 arrays";

  StagedFolder staged(path, func.getLoc());
  if (failed(staged.open()))
    return failure();
  std::string weightName = "Data/com.apple.CoreML/weights/weight.bin";
  std::error_code code;
  llvm::raw_fd_ostream weights(staged.pathOf(weightName), code);
  if (code)
    return staged.fail("cannot write", code);
  BlobWriter blobs(weights);
  auto statements = listStatements(func, blobs, options.blobElements);
  if (failed(statements))
    return failure();
  blobs.finish();
  weights.close();
  if (weights.has_error()) {
    code = weights.error();
    weights.clear_error();
    return staged.fail("cannot write", code);
  }

  std::string model = modelBytes(func, *statements, options);
  llvm::SHA1 hash;
  hash.update(model);
  if (blobs.empty()) {
    llvm::sys::fs::remove(staged.pathOf(weightName));
    llvm::sys::fs::remove(staged.pathOf("Data/com.apple.CoreML/weights"));
  } else {
    auto buffer = llvm::MemoryBuffer::getFile(staged.pathOf(weightName), false, false);
    if (!buffer)
      return staged.fail("cannot read back", buffer.getError());
    hash.update((*buffer)->getBuffer());
  }
  if (failed(writeFile(staged, "Data/com.apple.CoreML/model.mlmodel", model)) ||
      failed(writeFile(staged, "Manifest.json", manifest(hash, !blobs.empty()))))
    return failure();
  return staged.commit();
}
