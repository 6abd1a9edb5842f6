//===- Compiler.cpp - the compiler in the Python process ------------------------===//
#include "Module.h"

#include "lutra-c/Compiler.h"

#include <pybind11/stl.h>

#include <string>
#include <vector>

namespace py = pybind11;

namespace {
struct Outcome {
  std::vector<std::pair<int, std::string>> findings;
  std::string text;
};
} // namespace

static void addFinding(void *user, int severity, const char *text) {
  static_cast<Outcome *>(user)->findings.emplace_back(severity, text);
}

static void addText(void *user, const char *text, size_t bytes) {
  static_cast<Outcome *>(user)->text.append(text, bytes);
}

/// Exit code, findings and the printed module.
static py::tuple compile(const std::vector<std::string> &flags, std::optional<py::bytes> data) {
  std::vector<const char *> words;
  for (const std::string &flag : flags)
    words.push_back(flag.c_str());
  Outcome outcome;
  int code;
  int count = static_cast<int>(words.size());
  if (data) {
    std::string_view bytes = *data;
    py::gil_scoped_release release;
    code = lutra_compile_bytes(bytes.data(), bytes.size(), count, words.data(), addFinding, addText,
                               &outcome);
  } else {
    py::gil_scoped_release release;
    code = lutra_compile(count, words.data(), addFinding, addText, &outcome);
  }
  return py::make_tuple(code, outcome.findings, outcome.text);
}

PYBIND11_MODULE(_compiler, module) {
  module.doc() = "The compiler as a library; links LLVM.";
  module.def("compile", &compile, py::arg("flags"), py::arg("data") = py::none());
  addEncoding(module);
  addTorchBuilder(module);
  module.def("version", &lutra_version);
}
