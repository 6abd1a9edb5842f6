//===- Encoding.cpp - encoded tensors for lutra.encoding ------------------------===//
// The attribute's own parser reads the text, so that Python and IR have one grammar. Values cross as float64, bytes as
// bytes.
#include "Module.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Support/EncodedTensor.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

#include <pybind11/stl.h>

#include <cstring>

namespace py = pybind11;
using namespace lutra;

namespace {
struct EncodingFault : std::runtime_error {
  using std::runtime_error::runtime_error;
};
} // namespace

template <typename T> static T take(llvm::Expected<T> result) {
  if (!result)
    throw EncodingFault("the encoding " + llvm::toString(result.takeError()));
  return std::move(*result);
}

/// One for all calls, since to make one takes milliseconds; the interpreter's lock guards it.
static mlir::MLIRContext &sharedContext() {
  static auto *context = [] {
    auto *made = new mlir::MLIRContext(mlir::MLIRContext::Threading::DISABLED);
    made->loadDialect<LutraDialect>();
    return made;
  }();
  return *context;
}

static Encoding parse(const std::string &text) {
  mlir::MLIRContext &context = sharedContext();
  std::string message;
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
    if (message.empty())
      message = diagnostic.str();
  });
  auto attribute =
      llvm::dyn_cast_or_null<EncodingAttr>(mlir::parseAttribute("#lutra.encoding<" + text + ">", &context));
  if (!attribute)
    throw EncodingFault("no encoding: " + (message.empty() ? text : message));
  if (attribute.getPacking())
    throw EncodingFault("the encoding has a packing; only the canonical order is read and written here");
  return attribute.getValue();
}

static llvm::ArrayRef<uint8_t> view(const std::string_view &bytes) {
  return {reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()};
}

static py::bytes bytesOf(const void *data, size_t size) {
  return py::bytes(static_cast<const char *>(data), size);
}

static DictionaryTable readDictionaries(const Encoding &encoding, const std::map<std::string, py::bytes> &given) {
  DictionaryTable table;
  auto named = dictionariesOf(encoding);
  for (const auto &[name, bytes] : given)
    if (llvm::none_of(named, [&, &wanted = name](const auto &entry) { return entry.first == wanted; }))
      throw EncodingFault("no code of the encoding reads the dictionary \"" + name +
                          "\"; name it in dict<..> or leave it out");
  for (const auto &[name, form] : named)
    if (auto found = given.find(name); found != given.end())
      table.emplace(name, take(CodeDictionary::read(form, view(found->second))));
  return table;
}

static py::list layout(const std::string &text, int64_t n, int64_t k) {
  py::list result;
  for (const EncodedArray &array : take(EncodedLayout::of(parse(text), n, k)).arrays)
    result.append(py::make_tuple(array.name, array.element.text(), array.rows, array.columns, array.offset,
                                 array.bytes));
  return result;
}

static py::bytes decode(const std::string &text, int64_t n, int64_t k, const py::bytes &data,
                        const std::map<std::string, py::bytes> &dictionaries) {
  Encoding encoding = parse(text);
  std::vector<double> values =
      take(decodeTensor(encoding, n, k, view(data), readDictionaries(encoding, dictionaries)));
  return bytesOf(values.data(), values.size() * sizeof(double));
}

static py::bytes encode(const std::string &text, int64_t n, int64_t k, const py::bytes &values,
                        std::map<std::string, std::vector<double>> arrays,
                        const std::map<std::string, py::bytes> &dictionaries, bool sortByMagnitude,
                        const py::bytes &sides) {
  Encoding encoding = parse(text);
  EncodeOptions options;
  options.arrays = std::move(arrays);
  options.dictionaries = readDictionaries(encoding, dictionaries);
  options.sortByMagnitude = sortByMagnitude;
  options.sides = view(sides);
  std::string_view numbers = values;
  std::vector<double> copy(numbers.size() / sizeof(double)); // aligned
  std::memcpy(copy.data(), numbers.data(), copy.size() * sizeof(double));
  std::vector<uint8_t> bytes = take(encodeTensor(encoding, n, k, copy, options));
  return bytesOf(bytes.data(), bytes.size());
}

void addEncoding(py::module_ &module) {
  py::register_exception<EncodingFault>(module, "EncodingFault", PyExc_RuntimeError);
  module.def("encoding_layout", &layout, py::arg("text"), py::arg("n"), py::arg("k"));
  module.def("encoding_decode", &decode, py::arg("text"), py::arg("n"), py::arg("k"), py::arg("data"),
             py::arg("dictionaries"));
  module.def("encoding_encode", &encode, py::arg("text"), py::arg("n"), py::arg("k"), py::arg("values"),
             py::arg("arrays"), py::arg("dictionaries"), py::arg("sort_by_magnitude"), py::arg("sides"));
}
