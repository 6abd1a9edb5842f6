//===- Runtime.cpp - load and run compiled models from Python ----------------===//
// Needs libc and Python alone: neither LLVM nor the compiler. Arrays go in and come out without copies: any
// contiguous object that speaks DLPack or the buffer protocol is read in place, results are fresh NumPy arrays.
#include "lutra/Runtime/Loader.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <dlfcn.h>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace py = pybind11;

namespace {

/// What DLPack's capsules hold (version 0 of the exchange, which every library still offers).
struct DLTensor {
  void *data;
  struct {
    int32_t type, id;
  } device;
  int32_t rank;
  struct {
    uint8_t code, bits;
    uint16_t lanes;
  } dtype;
  int64_t *shape, *strides;
  uint64_t byteOffset;
};
struct DLManagedTensor {
  DLTensor tensor;
  void *context;
  void (*deleter)(DLManagedTensor *);
};

/// One element type under its names.
struct TypeRow {
  lutra_dtype dtype;
  const char *name;
  int bytes;
  char kind; // NumPy's
  uint8_t dlCode;
};
constexpr TypeRow types[] = {
    {LUTRA_BOOL, "bool", 1, 'b', 6},       {LUTRA_INT8, "int8", 1, 'i', 0},
    {LUTRA_INT16, "int16", 2, 'i', 0},     {LUTRA_INT32, "int32", 4, 'i', 0},
    {LUTRA_INT64, "int64", 8, 'i', 0},     {LUTRA_UINT8, "uint8", 1, 'u', 1},
    {LUTRA_UINT16, "uint16", 2, 'u', 1},   {LUTRA_UINT32, "uint32", 4, 'u', 1},
    {LUTRA_UINT64, "uint64", 8, 'u', 1},   {LUTRA_FLOAT16, "float16", 2, 'f', 2},
    {LUTRA_BFLOAT16, "bfloat16", 2, 'V', 4}, {LUTRA_FLOAT32, "float32", 4, 'f', 2},
    {LUTRA_FLOAT64, "float64", 8, 'f', 2}, {LUTRA_FLOAT8_E4M3FN, "float8_e4m3fn", 1, 'V', 10},
    {LUTRA_FLOAT8_E5M2, "float8_e5m2", 1, 'V', 12}};

const TypeRow &rowOf(lutra_dtype dtype) {
  for (const TypeRow &row : types)
    if (row.dtype == dtype)
      return row;
  return types[11];
}

/// Raised as lutra.RunError by the Python layer, or as lutra.InputError when the caller's arguments are at fault.
struct RunFailure : std::runtime_error {
  RunFailure(int code, const std::string &text) : std::runtime_error(text), code(code) {}
  int code;
};

/// An argument as memory; keeps its owner alive.
struct View {
  lutra_buffer buffer = {};
  std::vector<int64_t> shape;
  py::object owner;
};

/// An input that the model does not take; lutra.InputError in Python.
RunFailure refuse(const std::string &text) { return RunFailure(LUTRA_ERROR_ARGUMENT, text); }

std::string describeArgument(const lutra_tensor_info &info) {
  return std::string("input \"") + info.name + "\"";
}

/// What DLPack's type is called here.
std::string nameOf(const DLTensor &tensor) {
  if (tensor.dtype.lanes == 1)
    for (const TypeRow &row : types)
      if (row.dlCode == tensor.dtype.code && row.bytes * 8 == tensor.dtype.bits)
        return row.name;
  return "elements of " + std::to_string(tensor.dtype.bits * tensor.dtype.lanes) + " bits (DLPack type code " +
         std::to_string(tensor.dtype.code) + ")";
}

void checkContiguous(const View &view, const int64_t *strides, const py::object &object,
                     const lutra_tensor_info &info) {
  int64_t expected = 1;
  if (!strides)
    return;
  for (int64_t size : view.shape)
    if (size == 0)
      return;
  for (size_t d = view.shape.size(); d-- > 0;) {
    if (view.shape[d] != 1 && strides[d] != expected)
      throw refuse(describeArgument(info) + " is not contiguous in row-major order; pass " +
                   (py::hasattr(object, "contiguous") ? "x.contiguous()" : "numpy.ascontiguousarray(x)"));
    expected *= view.shape[d];
  }
}

/// What the object exports; libraries refuse tensors that need gradients, have no memory or are sparse.
py::capsule exportDlpack(const py::object &object, const lutra_tensor_info &info) {
  try {
    return object.attr("__dlpack__")();
  } catch (py::error_already_set &error) {
    if (!error.matches(PyExc_Exception)) // an interrupt
      throw;
    throw refuse(describeArgument(info) + " gives no memory to read (" + py::str(error.value()).cast<std::string>() +
                 "); pass a dense tensor in host memory without gradients, as x.detach().cpu() is");
  }
}

View viewDlpack(const py::object &object, const lutra_tensor_info &info) {
  py::capsule capsule = exportDlpack(object, info);
  auto *managed = static_cast<DLManagedTensor *>(PyCapsule_GetPointer(capsule.ptr(), "dltensor"));
  if (!managed)
    throw py::error_already_set();
  const DLTensor &tensor = managed->tensor;
  const TypeRow &row = rowOf(info.dtype);
  if (tensor.device.type != 1 && tensor.device.type != 3)
    throw refuse(describeArgument(info) + " is not in host memory; copy it there, as x.cpu() does");
  bool boolAsByte = row.dtype == LUTRA_BOOL && tensor.dtype.code == 1;
  if (tensor.dtype.lanes != 1 || tensor.dtype.bits != row.bytes * 8 ||
      (tensor.dtype.code != row.dlCode && !boolAsByte))
    throw refuse(describeArgument(info) + " must hold " + row.name + ", not " + nameOf(tensor));
  View view;
  view.shape.assign(tensor.shape, tensor.shape + tensor.rank);
  checkContiguous(view, tensor.strides, object, info);
  uint64_t bytes = row.bytes;
  for (int64_t size : view.shape)
    bytes *= size;
  view.buffer = {static_cast<char *>(tensor.data) + tensor.byteOffset, bytes};
  view.owner = capsule; // unconsumed: the capsule frees the tensor when it dies
  return view;
}

View viewArray(const py::array &array, const lutra_tensor_info &info) {
  const TypeRow &row = rowOf(info.dtype);
  bool same = array.itemsize() == row.bytes && array.dtype().kind() == row.kind;
  if (row.kind == 'V')
    same = array.itemsize() == row.bytes &&
           (py::str(array.dtype().attr("name")).cast<std::string>() == row.name ||
            array.dtype().kind() == 'V');
  if (!same || array.dtype().byteorder() == '>')
    throw refuse(describeArgument(info) + " must hold " + row.name + ", not " +
                 py::str(py::object(array.dtype())).cast<std::string>());
  View view;
  py::array held = array;
  constexpr int readable = py::array::c_style | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  if ((array.flags() & readable) != readable)
    held = array.attr("copy")("C");
  view.shape.assign(array.shape(), array.shape() + array.ndim());
  view.buffer = {const_cast<void *>(held.data()), static_cast<uint64_t>(held.nbytes())};
  view.owner = held;
  return view;
}

View viewArgument(const py::object &object, const lutra_tensor_info &info) {
  View view;
  if (py::isinstance<py::array>(object))
    view = viewArray(py::array(object), info);
  else if (py::hasattr(object, "__dlpack__"))
    view = viewDlpack(object, info);
  else if (py::array array = py::array::ensure(object))
    view = viewArray(array, info);
  else
    throw refuse(describeArgument(info) + " is a " + Py_TYPE(object.ptr())->tp_name +
                 ", which is no array; pass a NumPy array or a tensor that speaks DLPack");
  if (view.shape.size() != static_cast<size_t>(info.rank))
    throw refuse(describeArgument(info) + " has " + std::to_string(view.shape.size()) +
                 " dimensions, but the model takes " + std::to_string(info.rank));
  return view;
}

/// NumPy's dtype of a result; bfloat16 and float8 come from ml_dtypes, or as raw bits without it.
py::dtype dtypeFor(lutra_dtype dtype) {
  const TypeRow &row = rowOf(dtype);
  if (row.kind != 'V')
    return py::dtype(row.name);
  try {
    return py::dtype::from_args(py::module_::import("ml_dtypes").attr(row.name));
  } catch (py::error_already_set &) {
    return py::dtype(row.bytes == 2 ? "uint16" : "uint8");
  }
}

/// A loaded library with one model and a stack of idle contexts, so that threads may call it at once.
class Model {
public:
  /// A deferred model is opened (weights mapped, device claimed) by the first call that needs that.
  Model(const std::string &path, int threads, std::optional<std::string> weights, bool deferred);
  ~Model();
  Model(const Model &) = delete;

  py::tuple run(const py::sequence &arguments);
  py::list describe(bool outputs) const;
  std::vector<std::vector<int64_t>> inferShapes(const std::vector<std::vector<int64_t>> &shapes) const;
  uint64_t arenaBytes(const std::vector<std::vector<int64_t>> &shapes) const;

  const lutra_model_info &info() const { return *api->info; }
  std::string level() {
    open();
    return api->level(model);
  }
  std::vector<std::string> levels() const {
    return {info().levels, info().levels + info().level_count};
  }
  std::optional<std::string> weightsFile() const {
    return info().weights_file ? std::optional<std::string>(info().weights_file) : std::nullopt;
  }

private:
  void open();
  lutra_context *takeContext();
  void giveContext(lutra_context *context);
  std::vector<int64_t> flatten(const std::vector<std::vector<int64_t>> &shapes) const;
  static void check(lutra_status status, const lutra_error &error) {
    if (status)
      throw RunFailure(status, error.text);
  }

  std::string path;
  lutra_library library = {};
  const lutra_model_api *api = nullptr;
  lutra_model *model = nullptr;
  int threads;
  std::optional<std::string> weights;
  std::mutex mutex;
  std::vector<lutra_context *> idle;
};

} // namespace

Model::Model(const std::string &path, int threads, std::optional<std::string> weights, bool deferred)
    : path(path), threads(threads), weights(std::move(weights)) {
  lutra_error error = {};
  check(lutra_load_library(path.c_str(), &library, &error), error);
  api = library.api;
  if (deferred)
    return;
  try {
    open();
  } catch (const RunFailure &) {
    dlclose(library.handle);
    throw;
  }
}

void Model::open() {
  std::lock_guard<std::mutex> lock(mutex);
  if (model)
    return;
  lutra_error error = {};
  check(lutra_open_model(&library, path.c_str(), weights ? weights->c_str() : nullptr, &model, &error), error);
}

Model::~Model() {
  for (lutra_context *context : idle)
    api->destroy_context(context);
  if (model)
    api->close(model);
  dlclose(library.handle);
}

lutra_context *Model::takeContext() {
  open();
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (!idle.empty()) {
      lutra_context *context = idle.back();
      idle.pop_back();
      return context;
    }
  }
  lutra_error error = {};
  lutra_context *context = nullptr;
  lutra_context_options options = {sizeof options, threads, nullptr, nullptr, nullptr, nullptr};
  check(api->create_context(model, &options, &context, &error), error);
  return context;
}

void Model::giveContext(lutra_context *context) {
  std::lock_guard<std::mutex> lock(mutex);
  idle.push_back(context);
}

std::vector<int64_t> Model::flatten(const std::vector<std::vector<int64_t>> &shapes) const {
  std::vector<int64_t> dims;
  if (shapes.size() != static_cast<size_t>(info().input_count))
    throw refuse("the model takes " + std::to_string(info().input_count) + " inputs, not " +
                 std::to_string(shapes.size()));
  for (int32_t i = 0; i < info().input_count; ++i) {
    if (shapes[i].size() != static_cast<size_t>(info().inputs[i].rank))
      throw refuse(describeArgument(info().inputs[i]) + " has " + std::to_string(shapes[i].size()) +
                   " dimensions, but the model takes " + std::to_string(info().inputs[i].rank));
    dims.insert(dims.end(), shapes[i].begin(), shapes[i].end());
  }
  dims.push_back(0);
  return dims;
}

std::vector<std::vector<int64_t>>
Model::inferShapes(const std::vector<std::vector<int64_t>> &shapes) const {
  std::vector<int64_t> dims = flatten(shapes), results;
  for (int32_t i = 0; i < info().output_count; ++i)
    results.resize(results.size() + info().outputs[i].rank);
  results.push_back(0);
  lutra_error error = {};
  check(api->infer_shapes(dims.data(), results.data(), &error), error);
  std::vector<std::vector<int64_t>> answer;
  const int64_t *at = results.data();
  for (int32_t i = 0; i < info().output_count; at += info().outputs[i++].rank)
    answer.emplace_back(at, at + info().outputs[i].rank);
  return answer;
}

uint64_t Model::arenaBytes(const std::vector<std::vector<int64_t>> &shapes) const {
  uint64_t bytes = 0;
  lutra_error error = {};
  check(api->arena_bytes(flatten(shapes).data(), &bytes, &error), error);
  return bytes;
}

py::list Model::describe(bool outputs) const {
  py::list all;
  const lutra_tensor_info *tensors = outputs ? info().outputs : info().inputs;
  for (int32_t i = 0; i < (outputs ? info().output_count : info().input_count); ++i) {
    const lutra_tensor_info &tensor = tensors[i];
    py::list shape;
    for (int32_t d = 0; d < tensor.rank; ++d) {
      if (tensor.dims[d] >= 0)
        shape.append(tensor.dims[d]);
      else if (*tensor.dim_names[d])
        shape.append(std::string(tensor.dim_names[d]));
      else
        shape.append(py::none());
    }
    all.append(py::make_tuple(tensor.name, rowOf(tensor.dtype).name, py::tuple(shape)));
  }
  return all;
}

py::tuple Model::run(const py::sequence &arguments) {
  const lutra_model_info &model = info();
  if (arguments.size() != static_cast<size_t>(model.input_count))
    throw refuse("the model takes " + std::to_string(model.input_count) + " inputs, not " +
                 std::to_string(arguments.size()));
  std::vector<View> views;
  std::vector<lutra_buffer> inputs(model.input_count), outputs(model.output_count);
  std::vector<int64_t> inDims, outDims;
  for (int32_t i = 0; i < model.input_count; ++i) {
    views.push_back(viewArgument(py::object(arguments[i]), model.inputs[i]));
    inputs[i] = views.back().buffer;
    inDims.insert(inDims.end(), views.back().shape.begin(), views.back().shape.end());
  }
  for (int32_t i = 0; i < model.output_count; ++i)
    outDims.resize(outDims.size() + model.outputs[i].rank);
  inDims.push_back(0);
  outDims.push_back(0);
  lutra_error error = {};
  check(api->infer_shapes(inDims.data(), outDims.data(), &error), error);
  py::tuple results(model.output_count);
  const int64_t *at = outDims.data();
  for (int32_t i = 0; i < model.output_count; ++i) {
    py::array array(dtypeFor(model.outputs[i].dtype),
                    std::vector<py::ssize_t>(at, at + model.outputs[i].rank));
    outputs[i] = {array.mutable_data(), static_cast<uint64_t>(array.nbytes())};
    at += model.outputs[i].rank;
    results[i] = array;
  }
  lutra_status status;
  lutra_context *context = takeContext();
  {
    py::gil_scoped_release release;
    status = api->run(context, inputs.data(), inDims.data(), outputs.data(), &error);
  }
  giveContext(context);
  check(status, error);
  return results;
}

PYBIND11_MODULE(_runtime, module) {
  module.doc() = "Loads and runs compiled models; needs neither LLVM nor the compiler.";
  py::class_<Model>(module, "Model")
      .def(py::init<const std::string &, int, std::optional<std::string>, bool>(), py::arg("path"),
           py::arg("threads") = 0, py::arg("weights") = py::none(), py::arg("deferred") = false)
      .def("run", &Model::run, py::arg("arguments"))
      .def("describe", &Model::describe, py::arg("outputs"))
      .def("infer_shapes", &Model::inferShapes, py::arg("shapes"))
      .def("arena_bytes", &Model::arenaBytes, py::arg("shapes"))
      .def_property_readonly("level", &Model::level)
      .def_property_readonly("levels", &Model::levels)
      .def_property_readonly("name", [](const Model &model) { return std::string(model.info().name); })
      .def_property_readonly("compiler",
                             [](const Model &model) { return std::string(model.info().compiler); })
      .def_property_readonly("target",
                             [](const Model &model) { return std::string(model.info().target); })
      .def_property_readonly("kernel_count",
                             [](const Model &model) { return model.info().kernel_count; })
      .def_property_readonly("weights_bytes",
                             [](const Model &model) { return model.info().weights_bytes; })
      .def_property_readonly("weights_file", &Model::weightsFile);
  // (code, text) reach Python as arguments of the exception that lutra._errors registers.
  static py::object failure, inputFailure;
  module.def(
      "set_error_classes",
      [](py::object run, py::object input) {
        failure = std::move(run);
        inputFailure = std::move(input);
      },
      py::arg("run"), py::arg("input"));
  py::register_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer)
        std::rethrow_exception(pointer);
    } catch (const RunFailure &problem) {
      if (failure)
        PyErr_SetObject((problem.code == LUTRA_ERROR_ARGUMENT ? inputFailure : failure).ptr(),
                        py::make_tuple(problem.what(), problem.code).ptr());
      else
        PyErr_SetString(PyExc_RuntimeError, problem.what());
    }
  });
}
