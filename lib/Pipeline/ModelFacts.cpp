//===- ModelFacts.cpp - what tells models and samples apart, and what they take ===//
#include "ModelFacts.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Support/ConstantBytes.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/xxhash.h"

#include <sys/resource.h>

using namespace mlir;
using namespace lutra;

static std::string hashBytes(StringRef bytes) {
  llvm::XXH128_hash_t hash = llvm::xxh3_128bits(llvm::arrayRefFromStringRef(bytes));
  return llvm::formatv("{0:x-16}{1:x-16}", hash.high64, hash.low64).str();
}

std::string lutra::hashModel(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream out(text);
  auto add = [&](ElementsAttr value) {
    SmallVector<char, 0> splat;
    FailureOr<ArrayRef<char>> bytes = viewConstantBytes(value, splat);
    out << value.getType() << (succeeded(bytes) ? hashBytes({bytes->data(), bytes->size()}) : "") << '\n';
  };
  module.walk([&](Operation *op) {
    out << op->getName();
    if (auto global = dyn_cast<GlobalOp>(op)) {
      out << global.getSymName() << global.getType();
      return add(global.getData());
    }
    llvm::interleave(op->getResultTypes(), out, ",");
    if (auto constant = dyn_cast<ConstantOp>(op))
      add(constant.getValue());
  });
  return hashBytes(text);
}

std::string lutra::hashSamples(ArrayRef<Sample> samples) {
  std::string text;
  llvm::raw_string_ostream out(text);
  for (const Sample &sample : samples)
    for (const NamedArray &array : sample.arrays) {
      out << array.name << array.dtype;
      llvm::interleave(array.shape, out, ",");
      out << hashBytes(array.bytes) << '\n';
    }
  return hashBytes(text);
}

int64_t lutra::countConstantBytes(ModuleOp module) {
  int64_t bytes = 0;
  auto add = [&](ElementsAttr value) {
    SmallVector<char, 0> splat;
    FailureOr<ArrayRef<char>> stored = viewConstantBytes(value, splat);
    bytes += succeeded(stored) ? static_cast<int64_t>(stored->size()) : 0;
  };
  for (GlobalOp global : module.getOps<GlobalOp>())
    add(global.getData());
  module.walk([&](ConstantOp constant) { add(constant.getValue()); });
  return bytes;
}

int64_t lutra::peakMemory() {
  rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) != 0)
    return 0;
#ifdef __APPLE__
  return usage.ru_maxrss;
#else
  return usage.ru_maxrss * int64_t(1024);
#endif
}
