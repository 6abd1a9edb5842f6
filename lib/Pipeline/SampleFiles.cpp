//===- SampleFiles.cpp - files that hold inputs of a model -------------------===//
#include "SampleFiles.h"

#include "lutra/Dialect/Lutra/IR/PublicName.h"
#include "lutra/Support/Files.h"
#include "lutra/Support/JsonLines.h"
#include "lutra/Support/Safetensors.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace mlir;
using namespace lutra;

std::vector<std::string> lutra::sampleFilesOf(StringRef path) {
  std::vector<std::string> files;
  if (!llvm::sys::fs::is_directory(path))
    return {path.str()};
  std::error_code code;
  for (llvm::sys::fs::directory_iterator file(path, code), end; file != end && !code; file.increment(code)) {
    StringRef extension = llvm::sys::path::extension(file->path());
    if (llvm::is_contained({".npz", ".npy", ".safetensors", ".jsonl"}, extension))
      files.push_back(file->path());
  }
  llvm::sort(files);
  return files;
}

std::vector<std::string> lutra::inputNames(func::FuncOp main) {
  std::vector<std::string> names;
  for (unsigned index = 0; index < main.getNumArguments(); ++index)
    names.push_back(publicNameOf(main.getArgAttrDict(index), "input", index));
  return names;
}

static InFlightDiagnostic fail(func::FuncOp main, const NamedArrays &sample) {
  return emitCodedError(main.getLoc(), ErrorCode::Attribute) << "calibration sample '" << sample.name << "' ";
}

/// The type of the input of a name; null: there is none.
static RankedTensorType typeOf(func::FuncOp main, StringRef name) {
  for (auto [index, own] : llvm::enumerate(inputNames(main)))
    if (own == name)
      return dyn_cast<RankedTensorType>(main.getArgumentTypes()[index]);
  return {};
}

namespace {
/// Numbers of a text as elements of one type.
class Converter {
public:
  explicit Converter(Type type) : type(type) {}
  bool isKnown() const { return type.isF32() || type.isF64() || (isa<IntegerType>(type) && width() <= 64); }
  unsigned width() const { return type.isInteger(1) ? 8 : type.getIntOrFloatBitWidth(); }
  std::string dtype() const {
    StringRef kind = type.isInteger(1) ? "b" : isa<FloatType>(type) ? "f" : type.isUnsignedInteger() ? "u" : "i";
    return ((width() == 8 ? "|" : "<") + kind + Twine(width() / 8)).str();
  }
  /// Appends the bytes of a number; false: it is not one of this type.
  bool append(int64_t number, std::string &bytes) const {
    if (isa<FloatType>(type))
      return append(static_cast<double>(number), bytes);
    bool fits = type.isInteger(1)             ? number == 0 || number == 1
                : type.isUnsignedInteger() ? number >= 0 && (width() == 64 || number >> width() == 0)
                                           : llvm::isIntN(width(), number);
    bytes.append(reinterpret_cast<const char *>(&number), width() / 8); // the first byte is the least
    return fits;
  }
  bool append(double number, std::string &bytes) const {
    if (!isa<FloatType>(type)) // a whole number beside fractions, or a great one
      return number == std::trunc(number) && std::abs(number) < 0x1p63 && append(static_cast<int64_t>(number), bytes);
    auto narrow = static_cast<float>(number);
    bytes.append(type.isF32() ? reinterpret_cast<const char *>(&narrow) : reinterpret_cast<const char *>(&number),
                 width() / 8);
    return true;
  }

private:
  Type type;
};
} // namespace

/// Numbers in text have no type, and lists of one sequence no axis for it: both are those of the input.
static LogicalResult adopt(NamedArrays &sample, func::FuncOp main) {
  for (NamedArray &array : sample.arrays) {
    RankedTensorType type = typeOf(main, array.name);
    if (!type)
      continue; // reported later, or a mask
    // Floats are rounded to narrower ones later.
    Type element = type.getElementType();
    Converter converter(isa<Float16Type, BFloat16Type>(element) ? Float32Type::get(main.getContext()) : element);
    if (!converter.isKnown())
      return fail(main, sample) << "has numbers for '" << array.name << "', but the model takes "
                                << type.getElementType() << "; write a .safetensors file";
    if (array.shape.size() > static_cast<size_t>(type.getRank()))
      return fail(main, sample) << "has '" << array.name << "' in lists " << array.shape.size()
                                << " deep, but the model takes " << type.getRank()
                                << " dimensions; write each sample in a line of its own";
    if (array.shape.size() < static_cast<size_t>(type.getRank()))
      array.shape.insert(array.shape.begin(), type.getRank() - array.shape.size(), 1);
    std::string bytes;
    for (size_t place = 0; place < array.bytes.size(); place += sizeof(int64_t)) {
      int64_t integer;
      double real;
      std::memcpy(&integer, &array.bytes[place], sizeof(integer));
      std::memcpy(&real, &array.bytes[place], sizeof(real));
      bool isInteger = array.dtype == "<i8";
      if (!(isInteger ? converter.append(integer, bytes) : converter.append(real, bytes)))
        return fail(main, sample) << "has '" << array.name << "' with "
                                  << (isInteger ? std::to_string(integer) : std::to_string(real))
                                  << ", which is no number of " << type.getElementType() << ", as the model takes";
    }
    array.dtype = converter.dtype();
    array.bytes = std::move(bytes);
  }
  return success();
}

/// Cuts arrays of many samples along their first axis.
static LogicalResult split(NamedArrays file, func::FuncOp main, std::vector<NamedArrays> &samples) {
  int64_t calls = -1;
  for (NamedArray &array : file.arrays) {
    if (array.shape.empty())
      return fail(main, file) << "has '" << array.name << "' without an axis to split; leave out samples=axis0, or "
                              << "repeat it for each sample";
    RankedTensorType type = typeOf(main, array.name);
    bool dropsAxis = type && type.getRank() + 1 == static_cast<int64_t>(array.shape.size());
    bool isFixed = type && !dropsAxis && type.getRank() > 0 && !type.isDynamicDim(0);
    int64_t rows = array.shape.front(), own = isFixed ? std::max<int64_t>(1, type.getDimSize(0)) : 1;
    if (rows % own != 0)
      return fail(main, file) << "has '" << array.name << "' of " << rows << " rows, but a call takes " << own
                              << "; leave out the last " << rows % own;
    if (calls >= 0 && calls != rows / own)
      return fail(main, file) << "has " << calls << " samples of '" << file.arrays.front().name << "', but "
                              << rows / own << " of '" << array.name << "' along their first axes; make them alike";
    calls = rows / own;
    array.shape.front() = own;
    if (dropsAxis)
      array.shape.erase(array.shape.begin());
  }
  if (calls == 0)
    return fail(main, file) << "has no sample along the first axis";
  for (int64_t call = 0; call < calls; ++call) {
    NamedArrays &sample = samples.emplace_back();
    sample.name = (file.name + "[" + Twine(call) + "]").str();
    for (const NamedArray &array : file.arrays) {
      NamedArray &part = sample.arrays.emplace_back(NamedArray{array.name, array.dtype, array.shape, {}});
      size_t bytes = array.bytes.size() / calls;
      part.bytes = array.bytes.substr(call * bytes, bytes);
    }
  }
  return success();
}

/// Gives arrays that have numpy.savez's names for those without one the names of the inputs in their places.
static LogicalResult nameArrays(NamedArrays &file, func::FuncOp main) {
  std::vector<std::string> names = inputNames(main);
  std::vector<size_t> places;
  for (const NamedArray &array : file.arrays) {
    StringRef digits = array.name;
    size_t place = 0;
    bool isPlace = digits.empty() || (digits.consume_front("arr_") && !digits.getAsInteger(10, place));
    if (!isPlace || place >= file.arrays.size() || llvm::is_contained(places, place) ||
        llvm::is_contained(names, array.name))
      return success(); // names of its own
    places.push_back(place);
  }
  if (file.arrays.size() != names.size())
    return fail(main, file) << "holds " << file.arrays.size() << " arrays without names, but the model has "
                            << names.size() << " inputs: " << llvm::join(names, ", ")
                            << "; give as many, or save an .npz with their names";
  for (auto [index, array] : llvm::enumerate(file.arrays))
    array.name = names[places[index]];
  return success();
}

LogicalResult lutra::readSamples(StringRef path, func::FuncOp main, bool splits, std::vector<NamedArrays> &samples) {
  auto refuse = [&](llvm::Error error) {
    ErrorCode code = codeOfRead(error);
    return emitCodedError(main.getLoc(), code)
           << "calibration sample '" << path << "': " << llvm::toString(std::move(error));
  };
  StringRef extension = llvm::sys::path::extension(path);
  if (extension == ".txt" && llvm::sys::fs::exists(path))
    return emitCodedError(main.getLoc(), ErrorCode::Attribute)
           << "calibration sample '" << path << "' is text, which the model's tokenizer alone makes numbers of; give "
           << "it to lutra.compile as tokenizer=, or write a .jsonl of {\"input_ids\": [..]}";
  if (extension == ".jsonl") {
    llvm::Expected<std::vector<JsonLine>> lines = readJsonLines(path);
    if (llvm::Error error = lines.takeError())
      return refuse(std::move(error));
    for (JsonLine &line : *lines) {
      NamedArrays &sample = samples.emplace_back();
      sample.name = (path + ":" + Twine(line.number)).str();
      sample.arrays = std::move(line.arrays);
      if (failed(adopt(sample, main)))
        return failure();
    }
    return success();
  }
  NamedArrays file{path.str(), {}};
  llvm::Expected<std::vector<NamedArray>> arrays =
      extension == ".safetensors" ? readSafetensors(path) : readNumpyFile(path);
  if (llvm::Error error = arrays.takeError())
    return refuse(std::move(error));
  file.arrays = std::move(*arrays);
  if (file.arrays.empty())
    return fail(main, file) << "holds no array";
  if (failed(nameArrays(file, main)))
    return failure();
  if (splits)
    return split(std::move(file), main, samples);
  samples.push_back(std::move(file));
  return success();
}
