//===- TorchBuilder.cpp - the graph builder for lutra.torch ---------------------===//
// A thin face of lib/Frontend/Torch: sizes and tensors are opaque Python objects, operators are called by
// name, and the finished module is compiled where it is, or leaves as bytecode or text. Weights stay in PyTorch's
// memory: the builder keeps the tensor alive and refers to its bytes until they are in the artifact.
#include "Module.h"

#include "lutra/API/Driver.h"
#include "lutra/Frontend/Torch/TorchGraph.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/ToolOutputFile.h"

#include <pybind11/stl.h>

namespace py = pybind11;
using namespace lutra;
using Tensor = lutra::GraphTensor;
using TorchValue = lutra::torch::Value;

namespace {

/// Raised in Python as (code of the error table, text).
struct BuildFailure : std::runtime_error {
  BuildFailure(ErrorCode code, const std::string &text) : std::runtime_error(text), code(code) {}
  ErrorCode code;
};

class Program;

/// A size: a polynomial over the inputs' named sizes.
struct Size {
  Program *program;
  DimExpr value;
};

struct Handle {
  Tensor tensor;
};

class Program {
public:
  Program() : context(mlir::MLIRContext::Threading::DISABLED) {
    context.loadDialect<LutraDialect, mlir::arith::ArithDialect, mlir::affine::AffineDialect,
                        mlir::func::FuncDialect, mlir::tensor::TensorDialect>();
    builder = std::make_unique<GraphBuilder>(&context, mlir::UnknownLoc::get(&context), "main");
  }

  Size symbol(const std::string &name, int64_t low, int64_t high) {
    DimExpr symbol = builder->dims().symbol(name);
    builder->dims().restrict(symbol, low, high);
    return {this, symbol};
  }
  Handle addInput(const std::string &name, const std::string &dtype, const py::sequence &shape);
  Handle addConstant(const std::string &name, const std::string &dtype, const std::vector<int64_t> &shape,
                     size_t address, size_t bytes, py::object owner);
  py::object call(const std::string &name, const py::dict &arguments, const std::string &node);
  void finish(const std::vector<std::pair<std::string, Handle>> &outputs);
  std::string text();
  void write(const std::string &path);
  /// Exit code, findings and the printed module. The module is used up.
  py::tuple compile(const std::vector<std::string> &flags);

  DimSymbols &dims() { return builder->dims(); }

private:
  void requireModule();
  mlir::Type elementType(const std::string &dtype) {
    if (mlir::Type type = torch::elementTypeOf(&context, dtype))
      return type;
    throw BuildFailure(ErrorCode::UnsupportedType, "dtype " + dtype + " has no element type here");
  }
  TorchValue fromPython(const py::handle &object);
  py::object toPython(const TorchValue &value);
  void throwError(const std::string &where) {
    if (std::optional<BuildError> error = builder->takeError())
      throw BuildFailure(error->code, where + ": " + error->message);
  }

  mlir::MLIRContext context;
  std::unique_ptr<GraphBuilder> builder;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace

static DimExpr sizeOf(const py::handle &object) {
  return py::isinstance<Size>(object) ? object.cast<Size>().value : DimExpr(object.cast<int64_t>());
}

Handle Program::addInput(const std::string &name, const std::string &dtype, const py::sequence &shape) {
  Shape sizes;
  for (const py::handle &size : shape)
    sizes.push_back(sizeOf(size));
  Handle result{builder->addInput(name, elementType(dtype), sizes)};
  throwError("input \"" + name + "\"");
  return result;
}

Handle Program::addConstant(const std::string &name, const std::string &dtype, const std::vector<int64_t> &shape,
                            size_t address, size_t bytes, py::object owner) {
  // The builder may drop the owner on any thread.
  std::shared_ptr<const void> keeper(new py::object(std::move(owner)), [](const void *pointer) {
    py::gil_scoped_acquire gil;
    delete static_cast<const py::object *>(pointer);
  });
  llvm::ArrayRef<char> data(reinterpret_cast<const char *>(address), bytes);
  Handle result{builder->constantBytes(name, elementType(dtype), shape, data, keeper)};
  throwError("weight \"" + name + "\"");
  return result;
}

TorchValue Program::fromPython(const py::handle &object) {
  if (object.is_none())
    return {};
  if (py::isinstance<Handle>(object))
    return object.cast<Handle>().tensor;
  if (py::isinstance<py::bool_>(object))
    return TorchValue::boolean(object.cast<bool>());
  if (py::isinstance<Size>(object) || py::isinstance<py::int_>(object))
    return TorchValue::integer(sizeOf(object));
  if (py::isinstance<py::float_>(object))
    return TorchValue::real(object.cast<double>());
  if (py::isinstance<py::str>(object))
    return TorchValue::text(object.cast<std::string>());
  if (py::isinstance<py::sequence>(object)) {
    std::vector<TorchValue> values;
    for (const py::handle &entry : object)
      values.push_back(fromPython(entry));
    return TorchValue::list(std::move(values));
  }
  throw BuildFailure(ErrorCode::UnsupportedOp,
                     "an argument of type " + py::str(py::type::of(object)).cast<std::string>());
}

py::object Program::toPython(const TorchValue &value) {
  switch (value.kind) {
  case TorchValue::Kind::Tensor:
    return value.tensor ? py::cast(Handle{value.tensor}) : py::none();
  case TorchValue::Kind::Integer:
    if (std::optional<int64_t> number = value.dim.constant())
      return py::int_(*number);
    return py::cast(Size{this, value.dim});
  case TorchValue::Kind::List: {
    py::list list;
    for (const TorchValue &entry : value.values)
      list.append(toPython(entry));
    return list;
  }
  default:
    return py::none();
  }
}

py::object Program::call(const std::string &name, const py::dict &arguments, const std::string &node) {
  torch::Handler handler = torch::lookupOperator(name);
  if (!handler)
    throw BuildFailure(ErrorCode::UnsupportedOp, "node \"" + node + "\": operator " + name + " has no import");
  builder->setLoc(mlir::NameLoc::get(mlir::StringAttr::get(&context, node)));
  llvm::StringMap<TorchValue> values;
  for (const auto &[key, value] : arguments)
    values[key.cast<std::string>()] = fromPython(value);
  torch::Arguments args(*builder, std::move(values));
  std::vector<TorchValue> results = handler(args);
  throwError("node \"" + node + "\" (" + name + ")");
  if (results.size() == 1)
    return toPython(results.front());
  py::list list;
  for (const TorchValue &result : results)
    list.append(toPython(result));
  return list;
}

void Program::finish(const std::vector<std::pair<std::string, Handle>> &outputs) {
  std::vector<GraphBuilder::Output> list;
  for (const auto &[name, handle] : outputs)
    list.push_back({name, handle.tensor});
  module = builder->finish(list);
  throwError("results");
  if (!module || mlir::failed(mlir::verify(*module)))
    throw BuildFailure(ErrorCode::Internal, "the imported module does not verify; please report it");
}

/// Compilation turns the module into an artifact, after which there is nothing to print or compile.
void Program::requireModule() {
  if (!module)
    throw std::runtime_error("the program was compiled already; import it again");
}

std::string Program::text() {
  requireModule();
  std::string text;
  llvm::raw_string_ostream(text) << *module;
  return text;
}

void Program::write(const std::string &path) {
  requireModule();
  std::error_code code;
  llvm::ToolOutputFile file(path, code, llvm::sys::fs::OF_None);
  if (code || mlir::failed(mlir::writeBytecodeToFile(*module, file.os())))
    throw BuildFailure(ErrorCode::EnvironmentWrite, "cannot write \"" + path + "\": " + code.message());
  file.keep();
}

py::tuple Program::compile(const std::vector<std::string> &flags) {
  requireModule();
  llvm::SmallVector<llvm::StringRef> words(flags.begin(), flags.end());
  std::vector<std::pair<int, std::string>> findings;
  auto sink = [&](const Finding &one) { findings.emplace_back(static_cast<int>(one.severity), one.text); };
  CompileRequest request;
  if (!parseFlags(words, request, sink))
    return py::make_tuple(static_cast<int>(ExitCode::Usage), findings, "");
  std::string text;
  llvm::raw_string_ostream stream(text);
  ExitCode code;
  {
    py::gil_scoped_release release;
    code = compileBuilt(request, std::move(module), stream, sink);
  }
  module = {};
  return py::make_tuple(static_cast<int>(code), findings, text);
}

/// The result as a Python integer when it is a number.
static py::object sizeObject(Program *program, const DimExpr &value) {
  if (std::optional<int64_t> number = value.constant())
    return py::int_(*number);
  return py::cast(Size{program, value});
}

template <typename Function> static auto sizeOperator(Function function) {
  return [function](const Size &self, const py::object &other) {
    return sizeObject(self.program, function(self.program->dims(), self.value, sizeOf(other)));
  };
}

template <typename Function> static auto reversedOperator(Function function) {
  return [function](const Size &self, const py::object &other) {
    return sizeObject(self.program, function(self.program->dims(), sizeOf(other), self.value));
  };
}

void addTorchBuilder(py::module_ &module) {
  static py::object failure = py::reinterpret_borrow<py::object>(
      PyErr_NewException("lutra._compiler.BuildFailure", PyExc_RuntimeError, nullptr));
  module.attr("BuildFailure") = failure;
  py::register_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer)
        std::rethrow_exception(pointer);
    } catch (const BuildFailure &error) {
      py::tuple arguments =
          py::make_tuple(static_cast<int>(exitCodeOf(error.code)), codeText(error.code) + ": " + error.what());
      PyErr_SetObject(failure.ptr(), arguments.ptr());
    }
  });

  auto add = [](DimSymbols &, const DimExpr &a, const DimExpr &b) { return a + b; };
  auto sub = [](DimSymbols &, const DimExpr &a, const DimExpr &b) { return a - b; };
  auto mul = [](DimSymbols &, const DimExpr &a, const DimExpr &b) { return a * b; };
  auto floordiv = [](DimSymbols &s, const DimExpr &a, const DimExpr &b) { return s.floorDiv(a, b); };
  auto mod = [](DimSymbols &s, const DimExpr &a, const DimExpr &b) { return s.mod(a, b); };
  py::class_<Size>(module, "Size", "a size that depends on the inputs' sizes")
      .def("__add__", sizeOperator(add))
      .def("__radd__", reversedOperator(add))
      .def("__sub__", sizeOperator(sub))
      .def("__rsub__", reversedOperator(sub))
      .def("__mul__", sizeOperator(mul))
      .def("__rmul__", reversedOperator(mul))
      .def("__floordiv__", sizeOperator(floordiv))
      .def("__rfloordiv__", reversedOperator(floordiv))
      .def("__mod__", sizeOperator(mod))
      .def("__rmod__", reversedOperator(mod))
      .def("__neg__", [](const Size &self) { return sizeObject(self.program, DimExpr(0) - self.value); })
      .def("min", sizeOperator([](DimSymbols &s, const DimExpr &a, const DimExpr &b) { return s.min(a, b); }))
      .def("max", sizeOperator([](DimSymbols &s, const DimExpr &a, const DimExpr &b) { return s.max(a, b); }))
      .def("__repr__", [](const Size &self) { return self.program->dims().text(self.value); });
  py::class_<Handle>(module, "Tensor", "a value of the program under construction");
  py::class_<Program>(module, "Program", "builds one program, operator by operator")
      .def(py::init<>())
      .def("symbol", &Program::symbol, py::arg("name"), py::arg("low"), py::arg("high"), py::keep_alive<0, 1>())
      .def("add_input", &Program::addInput, py::arg("name"), py::arg("dtype"), py::arg("shape"))
      .def("add_constant", &Program::addConstant, py::arg("name"), py::arg("dtype"), py::arg("shape"),
           py::arg("address"), py::arg("nbytes"), py::arg("owner"))
      .def("call", &Program::call, py::arg("operator"), py::arg("arguments"), py::arg("node"))
      .def("finish", &Program::finish, py::arg("outputs"))
      .def("compile", &Program::compile, py::arg("flags"))
      .def("text", &Program::text)
      .def("write", &Program::write, py::arg("path"));
  module.def("supports", [](const std::string &name) { return torch::lookupOperator(name) != nullptr; },
             py::arg("operator"));
}
