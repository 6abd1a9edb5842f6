//===- JsonLines.cpp - arrays in lines of JSON -------------------------------===//
#include "lutra/Support/JsonLines.h"

#include "Message.h"
#include "ParseJson.h"

#include "lutra/Support/Files.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/LineIterator.h"

using namespace lutra;
using llvm::StringRef;

/// Of lists within lists.
static constexpr size_t mostDimensions = 8;

namespace {
struct Numbers {
  llvm::SmallVector<int64_t> shape;
  std::vector<const llvm::json::Value *> values; // row-major
};
} // namespace

static llvm::Error gather(StringRef name, const llvm::json::Value &value, Numbers &numbers) {
  std::vector<const llvm::json::Value *> level{&value};
  while (!level.empty() && level.front()->getAsArray()) {
    const llvm::json::Array &first = *level.front()->getAsArray();
    if (numbers.shape.size() == mostDimensions)
      return fault("'", name, "' has lists nested more than ", mostDimensions, " deep");
    numbers.shape.push_back(static_cast<int64_t>(first.size()));
    std::vector<const llvm::json::Value *> next;
    for (const llvm::json::Value *own : level) {
      const llvm::json::Array *list = own->getAsArray();
      if (!list || list->size() != first.size())
        return fault("'", name, "' has lists of other lengths, or numbers beside lists; fill them up to one length");
      for (const llvm::json::Value &element : *list)
        next.push_back(&element);
    }
    level = std::move(next);
  }
  numbers.values = std::move(level);
  return llvm::Error::success();
}

static llvm::Expected<NamedArray> readArray(StringRef name, const llvm::json::Value &value) {
  Numbers numbers;
  if (llvm::Error error = gather(name, value, numbers))
    return std::move(error);
  NamedArray array;
  array.name = name.str();
  array.shape = numbers.shape;
  bool isInteger = true;
  for (const llvm::json::Value *own : numbers.values) {
    if (own->kind() == llvm::json::Value::String)
      return fault("'", name, "' is text, which the model's tokenizer alone makes numbers of; give it to lutra.compile "
                   "as tokenizer=, or write \"input_ids\": [..]");
    if (own->kind() != llvm::json::Value::Number && own->kind() != llvm::json::Value::Boolean)
      return fault("'", name, "' holds what is neither a number nor a list of numbers");
    isInteger &= own->kind() == llvm::json::Value::Boolean || own->getAsInteger().has_value();
  }
  array.dtype = isInteger ? "<i8" : "<f8";
  for (const llvm::json::Value *own : numbers.values) {
    int64_t integer = own->getAsBoolean() ? *own->getAsBoolean() : own->getAsInteger().value_or(0);
    double real = own->getAsNumber().value_or(static_cast<double>(integer));
    array.bytes.append(isInteger ? reinterpret_cast<const char *>(&integer) : reinterpret_cast<const char *>(&real),
                       sizeof(int64_t));
  }
  return array;
}

llvm::Expected<std::vector<JsonLine>> lutra::readJsonLines(StringRef path) {
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> buffer = readBytes(path);
  if (!buffer)
    return buffer.takeError();
  std::vector<JsonLine> lines;
  for (llvm::line_iterator line(**buffer); !line.is_at_end(); ++line) {
    if (line->trim().empty())
      continue;
    auto refuse = [&](llvm::Error error) {
      return fault("line ", line.line_number(), ": ", llvm::toString(std::move(error)));
    };
    llvm::Expected<llvm::json::Value> value = parseJson(*line);
    if (!value)
      return refuse(value.takeError());
    const llvm::json::Object *object = value->getAsObject();
    if (!object)
      return refuse(fault("it is no JSON object; write {\"input_ids\": [..]}, with the names of the model's inputs"));
    JsonLine &own = lines.emplace_back();
    own.number = line.line_number();
    for (const auto &[name, entry] : *object) {
      llvm::Expected<NamedArray> array = readArray(name, entry);
      if (!array)
        return refuse(array.takeError());
      own.arrays.push_back(std::move(*array));
    }
    llvm::sort(own.arrays, [](const NamedArray &a, const NamedArray &b) { return a.name < b.name; });
  }
  if (lines.empty())
    return fault("it has no line with a sample; write {\"input_ids\": [..]}, with the names of the model's inputs");
  return lines;
}
