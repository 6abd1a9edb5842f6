//===- Arguments.cpp - which functions run, on which inputs ----------------===//
#include "Run.h"

#include "lutra/Reference/Npy.h"
#include "lutra/Support/Files.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringExtras.h"

#include <set>

using namespace mlir;
using namespace lutra;

/// Sizes of named dims that no flag states: small primes, each name another one.
static constexpr int64_t defaultSizes[] = {3, 5, 7, 11, 13, 17, 19, 23};

FailureOr<SmallVector<FunctionOpInterface>> run::pickFunctions(ModuleOp module,
                                                               const Options &options) {
  StringRef wanted = options.function.empty() ? "main" : StringRef(options.function);
  if (auto function = dyn_cast_if_present<FunctionOpInterface>(
          SymbolTable::lookupSymbolIn(module, wanted)))
    return SmallVector<FunctionOpInterface>{function};
  if (!options.function.empty()) {
    report(ErrorCode::GraphStructure, "the module has no function @" + wanted);
    return failure();
  }
  SmallVector<FunctionOpInterface> functions;
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPublic() && !function.isExternal() && !function->hasAttr("lutra.kernel"))
      functions.push_back(function);
  if (functions.empty()) {
    report(ErrorCode::GraphStructure, "the module has no function to evaluate");
    return failure();
  }
  return functions;
}

SmallVector<std::string> run::resultNames(FunctionOpInterface function, size_t count) {
  SmallVector<std::string> names;
  for (size_t index = 0; index < count; ++index) {
    auto name = index < function.getNumResults()
                    ? function.getResultAttrOfType<StringAttr>(index, "lutra.name")
                    : StringAttr();
    names.push_back(name ? name.str() : std::to_string(index));
  }
  return names;
}

FailureOr<SmallVector<run::TensorSpec>> run::specsOf(FunctionOpInterface function) {
  SmallVector<TensorSpec> specs;
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
    auto shaped = dyn_cast<ShapedType>(type);
    std::optional<ElementKind> kind = elementKindOf(shaped ? shaped.getElementType() : type);
    if (!kind || (shaped && !isa<RankedTensorType, MemRefType>(type))) {
      emitCodedError(function.getLoc(), ErrorCode::UnsupportedType)
          << "argument " << index << " has type " << type << ", for which no input can be made";
      return failure();
    }
    auto name = function.getArgAttrOfType<StringAttr>(index, "lutra.name");
    TensorSpec spec = {name ? name.str() : std::to_string(index), *kind, {}, {}};
    auto dimNames = function.getArgAttrOfType<ArrayAttr>(index, "lutra.dim_names");
    for (int64_t dim = 0; shaped && dim < shaped.getRank(); ++dim) {
      spec.sizes.push_back(shaped.isDynamicDim(dim) ? -1 : shaped.getDimSize(dim));
      auto dimName = dimNames && dim < static_cast<int64_t>(dimNames.size())
                         ? dyn_cast<StringAttr>(dimNames[dim])
                         : StringAttr();
      spec.dimNames.push_back(dimName ? dimName.str() : "");
    }
    specs.push_back(std::move(spec));
  }
  return specs;
}

/// The size of a dynamic dimension: by "ARG.DIM", by its name, by "*", else a default.
static int64_t dynamicSize(const run::TensorSpec &spec, size_t index, size_t dim,
                           const run::Options &options,
                           llvm::MapVector<StringRef, int64_t> &named) {
  auto stated = [&](StringRef key) {
    auto entry = options.dims.find(key);
    return entry == options.dims.end() ? std::optional<int64_t>() : entry->second;
  };
  if (auto size = stated((Twine(index) + "." + Twine(dim)).str()))
    return *size;
  StringRef name = spec.dimNames[dim];
  if (name.empty())
    return stated("*").value_or(defaultSizes[0]);
  if (auto size = stated(name))
    return *size;
  auto [entry, isNew] = named.insert({name, 0});
  if (isNew)
    entry->second = stated("*").value_or(defaultSizes[(named.size() - 1) % 8]);
  return entry->second;
}

/// "[n, 2]", with "?" for an unnamed size that any file may choose.
static std::string shapeText(const run::TensorSpec &spec) {
  std::string text = "[";
  for (auto [dim, size] : llvm::enumerate(spec.sizes)) {
    text += dim ? ", " : "";
    text += size >= 0 ? std::to_string(size) : spec.dimNames[dim].empty() ? "?" : spec.dimNames[dim];
  }
  return text + "]";
}

static std::string shapeText(ArrayRef<int64_t> shape) {
  return "[" + llvm::join(llvm::map_range(shape, [](int64_t size) { return std::to_string(size); }), ", ") + "]";
}

/// What a .npy file holds for an argument: NumPy lacks the 8-bit and brain floats, so f32 stands for them.
static ElementKind fileKind(ElementKind kind) {
  return kind == ElementKind::BF16 || (isFloatKind(kind) && bitsOf(kind) <= 8) ? ElementKind::F32 : kind;
}

/// The values of a file, which must be of the argument's type and shape. Integers of other widths are taken when every
/// value fits, floats of another type only where NumPy lacks the argument's.
static FailureOr<Tensor> readInput(StringRef path, const run::TensorSpec &spec) {
  ElementKind kind = spec.kind;
  llvm::Expected<Tensor> file = readNpy(path);
  if (llvm::Error error = file.takeError()) {
    ErrorCode code = codeOfRead(error);
    run::report(code, llvm::toString(std::move(error)));
    return failure();
  }
  ArrayRef<int64_t> shape = file->getShape();
  bool fits = shape.size() == spec.sizes.size();
  for (size_t dim = 0; fits && dim < shape.size(); ++dim)
    fits = spec.sizes[dim] < 0 || spec.sizes[dim] == shape[dim];
  if (!fits) {
    run::report(ErrorCode::RuntimeArgument, "input '" + spec.name + "' is of shape " + shapeText(spec) + ", but '" +
                                                path + "' holds " + shapeText(shape));
    return failure();
  }
  if (file->getKind() == kind)
    return std::move(*file);
  bool bothIntegers =
      !file->isFloat() && !isFloatKind(kind) && (file->getKind() == ElementKind::I1) == (kind == ElementKind::I1);
  if (!bothIntegers && file->getKind() != fileKind(kind)) {
    run::report(ErrorCode::RuntimeArgument, "input '" + spec.name + "' is " + nameOf(kind) + ", but '" + path +
                                                "' holds " + nameOf(file->getKind()) + "; save it as " +
                                                nameOf(fileKind(kind)));
    return failure();
  }
  Tensor converted(kind, file->getShape());
  for (int64_t i = 0, e = converted.getCount(); i < e; ++i) {
    if (converted.isFloat()) {
      converted.setFloat(i, file->getFloat(i));
      continue;
    }
    converted.setInt(i, file->getInt(i));
    if (converted.getInt(i) == file->getInt(i))
      continue;
    run::report(ErrorCode::RuntimeArgument, "'" + path + "' holds " + Twine(file->getInt(i)) +
                                                ", which " + nameOf(kind) + " cannot represent");
    return failure();
  }
  return converted;
}

/// In an order that does not depend on hashes.
template <typename T> static SmallVector<StringRef> sortedKeys(const llvm::StringMap<T> &map) {
  SmallVector<StringRef> keys = llvm::to_vector(map.keys());
  llvm::sort(keys);
  return keys;
}

/// Refuses a name that none of the known ones is.
static LogicalResult checkName(StringRef flag, StringRef name, const std::set<std::string> &known) {
  if (known.count(name.str()))
    return success();
  run::report(ErrorCode::RuntimeArgument, flag + "=" + name + " names nothing that the model has; " +
                                              (known.empty() ? "it has none" : "known: " + llvm::join(known, ", ")));
  return failure();
}

LogicalResult run::checkNames(ArrayRef<SmallVector<TensorSpec>> functions, const Options &options) {
  std::set<std::string> inputs, dims, positions, places;
  for (ArrayRef<TensorSpec> specs : functions)
    for (auto [index, spec] : llvm::enumerate(specs)) {
      inputs.insert(spec.name);
      positions.insert(std::to_string(index));
      for (auto [dim, size] : llvm::enumerate(spec.sizes)) {
        if (size >= 0)
          continue;
        std::string place = std::to_string(index) + "." + std::to_string(dim);
        dims.insert(spec.dimNames[dim].empty() ? place : spec.dimNames[dim]);
        places.insert(place);
      }
    }
  for (StringRef name : sortedKeys(options.inputs))
    if (!positions.count(name.str()) && failed(checkName("--input", name, inputs)))
      return failure();
  for (StringRef name : sortedKeys(options.dims))
    if (name != "*" && !places.count(name.str()) && failed(checkName("--dim", name, dims)))
      return failure();
  return success();
}

FailureOr<SmallVector<Tensor>> run::makeInputs(ArrayRef<TensorSpec> specs,
                                               const Options &options) {
  SmallVector<Tensor> inputs;
  llvm::MapVector<StringRef, int64_t> named;
  for (auto [index, spec] : llvm::enumerate(specs)) {
    auto file = options.inputs.find(spec.name);
    if (file == options.inputs.end())
      file = options.inputs.find(std::to_string(index));
    if (file != options.inputs.end()) {
      FailureOr<Tensor> input = readInput(file->second, spec);
      if (failed(input))
        return failure();
      inputs.push_back(std::move(*input));
      continue;
    }
    SmallVector<int64_t> shape;
    for (auto [dim, size] : llvm::enumerate(spec.sizes))
      shape.push_back(size < 0 ? dynamicSize(spec, index, dim, options, named) : size);
    std::optional<int64_t> count = countElements(shape);
    if (!count || *count > int64_t(1) << 31) {
      report(ErrorCode::LimitSize,
             "input '" + spec.name + "' would have more than 2^31 elements");
      return failure();
    }
    inputs.push_back(makeInput(spec.kind, shape, options.values, options.seed, index));
  }
  return inputs;
}
