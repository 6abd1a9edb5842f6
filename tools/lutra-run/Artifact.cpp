//===- Artifact.cpp - runs a compiled model ---------------------------------===//
// Every buffer ends flush against a page that faults when it is touched, outputs start with a pattern
// that reads as NaN, and inputs must be the same bytes after the run.
#include "Run.h"

#include "lutra/Runtime/Artifact.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <cstring>
#include <dlfcn.h>
#include <sys/mman.h>

using namespace mlir;
using namespace lutra;

namespace {
/// Memory whose last byte is followed by an unreadable page.
class GuardedBuffer {
public:
  explicit GuardedBuffer(int64_t bytes) : bytes(bytes) {
    int64_t page = llvm::sys::Process::getPageSizeEstimate();
    mapped = llvm::alignTo(bytes, page) + page;
    void *memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
      return;
    base = static_cast<char *>(memory);
    mprotect(base + mapped - page, page, PROT_NONE);
    data = base + mapped - page - bytes;
    std::memset(data, 0xFF, bytes);
  }
  GuardedBuffer(GuardedBuffer &&other) noexcept { *this = std::move(other); }
  GuardedBuffer &operator=(GuardedBuffer &&other) noexcept {
    std::swap(base, other.base);
    std::swap(data, other.data);
    std::swap(bytes, other.bytes);
    std::swap(mapped, other.mapped);
    return *this;
  }
  ~GuardedBuffer() {
    if (base)
      munmap(base, mapped);
  }
  bool isValid() const { return base; }
  lutra_buffer get() const { return {data, static_cast<uint64_t>(bytes)}; }
  ArrayRef<char> contents() const { return ArrayRef(data, bytes); }
  void fill(ArrayRef<char> source) { llvm::copy(source, data); }

private:
  char *base = nullptr, *data = nullptr;
  int64_t bytes = 0, mapped = 0;
};
} // namespace

static std::optional<ElementKind> kindOfDtype(lutra_dtype dtype) {
  switch (dtype) {
  case LUTRA_BOOL:
    return ElementKind::I1;
  case LUTRA_INT8:
    return ElementKind::I8;
  case LUTRA_INT16:
    return ElementKind::I16;
  case LUTRA_INT32:
    return ElementKind::I32;
  case LUTRA_INT64:
    return ElementKind::I64;
  case LUTRA_UINT8:
    return ElementKind::UI8;
  case LUTRA_UINT16:
    return ElementKind::UI16;
  case LUTRA_UINT32:
    return ElementKind::UI32;
  case LUTRA_UINT64:
    return ElementKind::UI64;
  case LUTRA_FLOAT16:
    return ElementKind::F16;
  case LUTRA_BFLOAT16:
    return ElementKind::BF16;
  case LUTRA_FLOAT32:
    return ElementKind::F32;
  case LUTRA_FLOAT64:
    return ElementKind::F64;
  case LUTRA_FLOAT8_E4M3FN:
    return ElementKind::F8E4M3FN;
  case LUTRA_FLOAT8_E5M2:
    return ElementKind::F8E5M2;
  default:
    return std::nullopt;
  }
}

static FailureOr<run::InputSpec> specOf(const lutra_tensor_info &info) {
  std::optional<ElementKind> kind = kindOfDtype(info.dtype);
  if (!kind) {
    run::report(ErrorCode::UnsupportedType,
                "tensor '" + Twine(info.name) + "' has the unknown type " + Twine(info.dtype));
    return failure();
  }
  run::InputSpec spec = {info.name, *kind, {}, {}};
  for (int32_t dim = 0; dim < info.rank; ++dim) {
    spec.sizes.push_back(info.dims[dim]);
    spec.dimNames.push_back(info.dim_names[dim]);
  }
  return spec;
}

static LogicalResult check(lutra_status status, const lutra_error &error) {
  if (status == LUTRA_OK)
    return success();
  ErrorCode code = status == LUTRA_ERROR_ARGUMENT      ? ErrorCode::RuntimeArgument
                   : status == LUTRA_ERROR_ARTIFACT    ? ErrorCode::RuntimeArtifact
                   : status == LUTRA_ERROR_UNSUPPORTED ? ErrorCode::UnsupportedTarget
                   : status == LUTRA_ERROR_MEMORY      ? ErrorCode::LimitMemory
                   : status == LUTRA_ERROR_ENVIRONMENT ? ErrorCode::EnvironmentRead
                                                       : ErrorCode::Internal;
  run::report(code, error.text);
  return failure();
}

static FailureOr<const lutra_model_api *> loadModel(const std::string &file) {
  // A name without a slash would be looked up in the system's folders.
  std::string path = StringRef(file).contains('/') ? file : "./" + file;
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    run::report(ErrorCode::RuntimeArtifact, "'" + file + "' cannot be loaded: " + dlerror());
    return failure();
  }
  auto getModel = reinterpret_cast<lutra_get_model_fn>(dlsym(library, "lutra_get_model"));
  const lutra_model_api *api = getModel ? getModel(LUTRA_ABI_VERSION) : nullptr;
  if (!api) {
    run::report(ErrorCode::RuntimeArtifact,
                "'" + file + "' is no compiled model of interface version " + Twine(LUTRA_ABI_VERSION));
    return failure();
  }
  return api;
}

/// Runs once to warm up, then `repeat` times; prints the least and the middle time.
static LogicalResult runTimed(const lutra_model_api &api, lutra_context *context,
                              ArrayRef<lutra_buffer> inputs, ArrayRef<int64_t> inDims,
                              ArrayRef<lutra_buffer> outputs, unsigned repeat) {
  lutra_error error = {};
  if (failed(check(api.run(context, inputs.data(), inDims.data(), outputs.data(), &error), error)))
    return failure();
  std::vector<double> milliseconds;
  for (unsigned i = 0; i < repeat; ++i) {
    auto start = std::chrono::steady_clock::now();
    if (failed(check(api.run(context, inputs.data(), inDims.data(), outputs.data(), &error), error)))
      return failure();
    std::chrono::duration<double, std::milli> passed = std::chrono::steady_clock::now() - start;
    milliseconds.push_back(passed.count());
  }
  if (milliseconds.empty())
    return success();
  llvm::sort(milliseconds);
  llvm::outs() << llvm::format("time: min %.4f ms, median %.4f ms of %u runs\n", milliseconds[0],
                               milliseconds[milliseconds.size() / 2], repeat);
  return success();
}

/// One call with guarded buffers.
static FailureOr<SmallVector<Tensor>> call(const lutra_model_api &api, lutra_context *context,
                                           ArrayRef<Tensor> inputs, const run::Options &options) {
  SmallVector<int64_t> inDims;
  SmallVector<GuardedBuffer, 0> buffers;
  for (const Tensor &input : inputs) {
    llvm::append_range(inDims, input.getShape());
    buffers.emplace_back(static_cast<int64_t>(input.getBytes().size()));
    if (buffers.back().isValid())
      buffers.back().fill(input.getBytes());
  }
  int64_t outRank = 0;
  for (int32_t i = 0; i < api.info->output_count; ++i)
    outRank += api.info->outputs[i].rank;
  SmallVector<int64_t> outDims(outRank + 1);
  inDims.push_back(0); // never empty
  lutra_error error = {};
  if (failed(check(api.infer_shapes(inDims.data(), outDims.data(), &error), error)))
    return failure();
  SmallVector<Tensor> outputs;
  const int64_t *next = outDims.data();
  for (int32_t i = 0; i < api.info->output_count; ++i) {
    FailureOr<run::InputSpec> spec = specOf(api.info->outputs[i]);
    if (failed(spec))
      return failure();
    ArrayRef<int64_t> shape(next, api.info->outputs[i].rank);
    next += api.info->outputs[i].rank;
    if (!countElements(shape)) {
      run::report(ErrorCode::LimitSize, "output '" + spec->name + "' has an impossible shape");
      return failure();
    }
    outputs.emplace_back(spec->kind, shape);
    buffers.emplace_back(static_cast<int64_t>(outputs.back().getBytes().size()));
  }
  SmallVector<lutra_buffer> all;
  for (const GuardedBuffer &buffer : buffers) {
    if (!buffer.isValid()) {
      run::report(ErrorCode::LimitMemory, "no memory for inputs and outputs");
      return failure();
    }
    all.push_back(buffer.get());
  }
  ArrayRef<lutra_buffer> view(all);
  if (failed(runTimed(api, context, view.take_front(inputs.size()), inDims,
                      view.drop_front(inputs.size()), options.repeat)))
    return failure();
  for (auto [i, input] : llvm::enumerate(inputs))
    if (buffers[i].contents() != ArrayRef<char>(input.getBytes())) {
      run::report(ErrorCode::Internal, "the model changed its input " + Twine(i));
      return failure();
    }
  for (auto [i, output] : llvm::enumerate(outputs))
    llvm::copy(buffers[inputs.size() + i].contents(), output.getBytes().begin());
  return outputs;
}

LogicalResult run::runArtifact(ModuleOp reference, const Options &options) {
  FailureOr<const lutra_model_api *> loaded = loadModel(options.file);
  if (failed(loaded))
    return failure();
  const lutra_model_api &api = **loaded;
  lutra_error error = {};
  lutra_model *model = nullptr;
  if (failed(check(api.open(nullptr, &model, &error), error)))
    return failure();
  llvm::scope_exit closeModel([&] { api.close(model); });
  lutra_context_options contextOptions = {sizeof(lutra_context_options), options.threads, nullptr,
                                          nullptr};
  lutra_context *context = nullptr;
  if (failed(check(api.create_context(model, &contextOptions, &context, &error), error)))
    return failure();
  llvm::scope_exit destroyContext([&] { api.destroy_context(context); });

  SmallVector<InputSpec> specs;
  for (int32_t i = 0; i < api.info->input_count; ++i) {
    FailureOr<InputSpec> spec = specOf(api.info->inputs[i]);
    if (failed(spec))
      return failure();
    specs.push_back(*spec);
  }
  FailureOr<SmallVector<Tensor>> inputs = makeInputs(specs, options);
  if (failed(inputs))
    return failure();
  FailureOr<SmallVector<Tensor>> outputs = call(api, context, *inputs, options);
  if (failed(outputs))
    return failure();
  SmallVector<std::string> names;
  for (int32_t i = 0; i < api.info->output_count; ++i)
    names.push_back(api.info->outputs[i].name);
  if (!reference)
    return emitResults(api.info->name, names, *outputs, options);
  auto functions = pickFunctions(reference, options);
  if (failed(functions))
    return failure();
  auto references = evaluateOne(reference, functions->front().getName(), *inputs, !options.exact,
                                options.errorModel);
  if (failed(references))
    return failure();
  return compareResults(api.info->name, names, *outputs, *references, options);
}
