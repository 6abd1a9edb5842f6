//===- Calibration.cpp - samples of a model's inputs -------------------------===//
#include "Calibration.h"

#include "SampleFiles.h"

#include "lutra/Support/Files.h"
#include "lutra/Support/SideValues.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace lutra;

/// The input whose zeros mark what is no token.
static constexpr StringLiteral maskName = "attention_mask";

size_t Calibration::size() const {
  size_t count = 0;
  for (const std::vector<Sample> &set : sets)
    count += set.size();
  return count;
}

/// What tokenizers give beside ids, whether the model takes it or not.
static constexpr StringLiteral tokenizerNames[] = {maskName, "token_type_ids"};

/// Takes what a set weighs from the end of its path, unless a file has such a name.
static double takeWeight(StringRef &path) {
  auto [rest, number] = path.rsplit(':');
  double weight = 0;
  bool isNumber = !number.empty() && number.find_first_not_of("0123456789.") == StringRef::npos &&
                  !number.getAsDouble(weight) && weight > 0;
  if (!isNumber || llvm::sys::fs::exists(path))
    return 1;
  path = rest;
  return weight;
}

/// Keeps the rows where a mask is not 0.
static void readMask(Sample &sample, const NamedArray &mask) {
  int64_t count = 1;
  for (int64_t size : mask.shape)
    count *= size;
  int64_t width = static_cast<int64_t>(mask.bytes.size()) / std::max<int64_t>(1, count);
  for (int64_t i = 0; i < count; ++i) {
    StringRef element = StringRef(mask.bytes).substr(i * width, width);
    sample.keep.push_back(llvm::any_of(element, [](char c) { return c != 0; }));
  }
}

/// Rounds floats for an input of f16 or bf16, which NumPy lacks.
static void narrow(ProbeTensor &input, Type type) {
  ArrayRef<float> values = input.floats();
  SideType half{type.isF16() ? SideType::F16 : SideType::BF16, 16};
  std::vector<char> bytes(values.size() * sizeof(uint16_t));
  for (auto [index, value] : llvm::enumerate(values)) {
    auto word = static_cast<uint16_t>(encodeSide(half, value));
    std::memcpy(&bytes[index * sizeof(word)], &word, sizeof(word));
  }
  input.dtype = type.isF16() ? LUTRA_FLOAT16 : LUTRA_BFLOAT16;
  input.own = std::move(bytes);
}

/// Puts the arrays into the order of the model's inputs.
static LogicalResult arrange(Sample &sample, func::FuncOp main) {
  auto fail = [&]() {
    return emitCodedError(main.getLoc(), ErrorCode::Attribute) << "calibration sample '" << sample.name << "' ";
  };
  std::vector<std::string> names = inputNames(main), held;
  for (const NamedArray &array : sample.arrays)
    held.push_back(array.name);
  for (size_t index = 0; index < names.size(); ++index) {
    const std::string &name = names[index];
    auto found = llvm::find_if(sample.arrays, [&](const NamedArray &array) { return array.name == name; });
    if (found == sample.arrays.end())
      return fail() << "has no array '" << name << "'; it holds " << (held.empty() ? "none" : llvm::join(held, ", "));
    ProbeTensor &input = sample.inputs.emplace_back();
    input.dtype = dtypeOf(found->dtype);
    input.shape = found->shape;
    input.given = {found->bytes.data(), found->bytes.size()};
    if (input.dtype == 0)
      return fail() << "has an array '" << name << "' of type " << found->dtype << ", which no model takes";
    auto type = dyn_cast<RankedTensorType>(main.getArgumentTypes()[index]);
    if (type && isa<Float16Type, BFloat16Type>(type.getElementType()) && input.dtype == LUTRA_FLOAT32)
      narrow(input, type.getElementType());
    if (type && static_cast<int64_t>(found->shape.size()) == type.getRank() + 1)
      return fail() << "has '" << name << "' of " << found->shape.size() << " dimensions, but the model takes "
                    << type.getRank() << "; if the first counts samples, add samples=axis0 to --quantize";
  }
  for (const NamedArray &array : sample.arrays)
    if (array.name == maskName)
      readMask(sample, array);
  if (!sample.keep.empty() && !llvm::is_contained(sample.keep, 1))
    return fail() << "has an " << maskName << " of zeros alone; leave the sample out";
  for (const std::string &name : held)
    if (!llvm::is_contained(names, name) && !llvm::is_contained(tokenizerNames, name))
      return fail() << "holds " << llvm::join(held, ", ") << ", but the model's inputs are "
                    << llvm::join(names, ", ") << "; leave the others out";
  return success();
}

FailureOr<Calibration> Calibration::read(StringRef path, ModuleOp module, bool splits) {
  auto main = cast<func::FuncOp>(module.lookupSymbol("main"));
  Calibration calibration;
  SmallVector<StringRef> parts;
  path.split(parts, ';', -1, /*KeepEmpty=*/false);
  for (StringRef part : parts) {
    calibration.weights.push_back(takeWeight(part));
    calibration.paths.push_back(part.str());
    std::vector<std::string> files = sampleFilesOf(part);
    if (files.empty())
      return emitCodedError(module.getLoc(), ErrorCode::EnvironmentRead)
             << "folder '" << part << "' holds no calibration samples; they are files .npz, .npy, .safetensors or "
             << ".jsonl";
    std::vector<NamedArrays> found;
    for (const std::string &file : files)
      if (failed(readSamples(file, main, splits, found)))
        return failure();
    std::vector<Sample> &set = calibration.sets.emplace_back();
    for (NamedArrays &one : found) {
      Sample &sample = set.emplace_back();
      sample.name = std::move(one.name);
      sample.arrays = std::move(one.arrays);
    }
  }
  // Where vectors no longer grow: tensors point into the arrays.
  for (std::vector<Sample> &set : calibration.sets)
    for (Sample &sample : set)
      if (failed(arrange(sample, main)))
        return failure();
  if (calibration.sets.empty())
    return emitCodedError(module.getLoc(), ErrorCode::Attribute) << "--calibrate names no file";
  return calibration;
}

ArrayRef<char> lutra::rowsToKeep(const Sample &sample, int64_t rows) {
  return static_cast<int64_t>(sample.keep.size()) == rows ? ArrayRef(sample.keep) : ArrayRef<char>();
}

int64_t lutra::countRows(const Sample &sample) {
  int64_t rows = 1;
  for (const ProbeTensor &input : sample.inputs) {
    bool vectors = input.dtype == LUTRA_FLOAT32 && !input.shape.empty() && input.shape.back() > 0;
    rows = std::max(rows, input.count() / (vectors ? input.shape.back() : 1));
  }
  return rows;
}

std::optional<double> lutra::lossOf(const Sample &sample, ArrayRef<ProbeTensor> exact, ArrayRef<ProbeTensor> other) {
  double sum = 0;
  int64_t count = 0;
  for (auto [a, b] : llvm::zip_equal(exact, other)) {
    if (a.dtype != LUTRA_FLOAT32)
      continue;
    ArrayRef<float> x = a.floats(), y = b.floats();
    int64_t columns = a.shape.empty() || a.shape.back() == 0 ? 1 : a.shape.back();
    ArrayRef<char> keep = rowsToKeep(sample, static_cast<int64_t>(x.size()) / columns);
    double product = 0, own = 0, its = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      if (!keep.empty() && !keep[i / columns])
        continue;
      product += double(x[i]) * y[i];
      own += double(x[i]) * x[i];
      its += double(y[i]) * y[i];
    }
    double length = std::sqrt(own * its);
    sum += length > 0 ? 1 - product / length : own == its ? 0 : 1;
    ++count;
  }
  if (count == 0)
    return std::nullopt;
  return sum / static_cast<double>(count);
}
