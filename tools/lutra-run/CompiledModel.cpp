//===- CompiledModel.cpp - loads and calls a compiled model ------------------===//
// Every buffer ends (or begins, on request) flush against a page that faults when it is touched, outputs start with a
// pattern that reads as NaN, and inputs must be the same bytes after the run.
#include "CompiledModel.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <cstddef>
#include <cstring>
#include <dlfcn.h>
#include <sys/mman.h>

using namespace mlir;
using namespace lutra;

namespace {
/// Memory between two unreadable pages, of which one is right behind the last byte or before the first.
class GuardedBuffer {
public:
  GuardedBuffer(int64_t bytes, bool guardStart) : bytes(bytes) {
    int64_t page = llvm::sys::Process::getPageSizeEstimate();
    mapped = llvm::alignTo(bytes, page) + 2 * page;
    void *memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
      return;
    base = static_cast<char *>(memory);
    mprotect(base, page, PROT_NONE);
    mprotect(base + mapped - page, page, PROT_NONE);
    data = guardStart ? base + page : base + mapped - page - bytes;
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

run::CompiledModel::~CompiledModel() {
  if (context)
    api->destroy_context(context);
  if (model)
    api->close(model);
  if (library.handle)
    dlclose(library.handle);
}

LogicalResult run::CompiledModel::check(lutra_status status, const lutra_error &error) {
  if (status == LUTRA_OK)
    return success();
  ErrorCode code = status == LUTRA_ERROR_ARGUMENT      ? ErrorCode::RuntimeArgument
                   : status == LUTRA_ERROR_ARTIFACT    ? ErrorCode::RuntimeArtifact
                   : status == LUTRA_ERROR_UNSUPPORTED ? ErrorCode::UnsupportedTarget
                   : status == LUTRA_ERROR_MEMORY      ? ErrorCode::LimitMemory
                   : status == LUTRA_ERROR_ENVIRONMENT ? ErrorCode::EnvironmentRead
                                                       : ErrorCode::Internal;
  report(code, error.text);
  return failure();
}

FailureOr<SmallVector<run::TensorSpec>>
run::CompiledModel::readSpecs(const lutra_tensor_info *infos, int32_t count) {
  SmallVector<TensorSpec> specs;
  for (const lutra_tensor_info &info : ArrayRef(infos, count)) {
    std::optional<ElementKind> kind = kindOfDtype(info.dtype);
    if (!kind) {
      report(ErrorCode::UnsupportedType,
             "tensor '" + Twine(info.name) + "' has the unknown type " + Twine(info.dtype));
      return failure();
    }
    TensorSpec &spec = specs.emplace_back(TensorSpec{info.name, *kind, {}, {}});
    for (int32_t dim = 0; dim < info.rank; ++dim) {
      spec.sizes.push_back(info.dims[dim]);
      spec.dimNames.push_back(info.dim_names[dim]);
    }
  }
  return specs;
}

LogicalResult run::CompiledModel::open(const std::string &file, int32_t threads, lutra_trace trace,
                                       void *traceUser) {
  if (std::error_code code = llvm::sys::fs::access(file, llvm::sys::fs::AccessMode::Exist)) {
    report(ErrorCode::EnvironmentRead, "'" + file + "' cannot be read: " + code.message());
    return failure();
  }
  lutra_error error = {};
  if (failed(check(lutra_load_library(file.c_str(), &library, &error), error)))
    return failure();
  api = library.api;
  if (failed(check(lutra_open_model(&library, file.c_str(), nullptr, &model, &error), error)))
    return failure();
  lutra_context_options options = {sizeof(lutra_context_options), threads, nullptr, nullptr, trace, traceUser};
  if (failed(check(api->create_context(model, &options, &context, &error), error)))
    return failure();
  auto ins = readSpecs(api->info->inputs, api->info->input_count);
  auto outs = readSpecs(api->info->outputs, api->info->output_count);
  if (failed(ins) || failed(outs))
    return failure();
  inputs = std::move(*ins);
  outputs = std::move(*outs);
  return success();
}

static lutra_dtype dtypeOf(ElementKind kind) {
  for (lutra_dtype dtype = LUTRA_BOOL; dtype <= LUTRA_FLOAT8_E5M2; ++dtype)
    if (kindOfDtype(dtype) == kind)
      return dtype;
  return 0; // no model takes it
}

LogicalResult run::CompiledModel::checkArguments(ArrayRef<Tensor> arguments) {
  // Tables grow at their end: one of an older compiler may lack it.
  if (api->struct_size < offsetof(lutra_model_api, check_inputs) + sizeof(api->check_inputs) || !api->check_inputs) {
    report(ErrorCode::RuntimeArtifact, "this model cannot check its inputs; compile it again");
    return failure();
  }
  SmallVector<lutra_tensor> tensors;
  for (const Tensor &argument : arguments) {
    ArrayRef<char> bytes = argument.getBytes();
    tensors.push_back({dtypeOf(argument.getKind()), static_cast<int32_t>(argument.getShape().size()),
                       argument.getShape().data(), {const_cast<char *>(bytes.data()), bytes.size()}});
  }
  lutra_error error = {};
  return check(api->check_inputs(tensors.data(), tensors.size(), &error), error);
}

/// Runs once to warm up, then `repeat` times; prints the least and the middle time.
LogicalResult run::CompiledModel::runTimed(ArrayRef<lutra_buffer> in, ArrayRef<int64_t> inDims,
                                           ArrayRef<lutra_buffer> out, unsigned repeat,
                                           llvm::function_ref<void()> afterRun) {
  lutra_error error = {};
  if (failed(check(api->run(context, in.data(), inDims.data(), out.data(), &error), error)))
    return failure();
  afterRun();
  std::vector<double> milliseconds;
  for (unsigned i = 0; i < repeat; ++i) {
    auto start = std::chrono::steady_clock::now();
    if (failed(check(api->run(context, in.data(), inDims.data(), out.data(), &error), error)))
      return failure();
    std::chrono::duration<double, std::milli> passed = std::chrono::steady_clock::now() - start;
    milliseconds.push_back(passed.count());
    afterRun();
  }
  if (milliseconds.empty())
    return success();
  llvm::sort(milliseconds);
  llvm::outs() << llvm::format("time: min %.4f ms, median %.4f ms of %u runs\n", milliseconds[0],
                               milliseconds[milliseconds.size() / 2], repeat);
  return success();
}

FailureOr<SmallVector<Tensor>> run::CompiledModel::call(ArrayRef<Tensor> arguments,
                                                        unsigned repeat,
                                                        llvm::function_ref<void()> afterRun) {
  if (failed(checkArguments(arguments)))
    return failure();
  SmallVector<int64_t> inDims;
  SmallVector<GuardedBuffer, 0> buffers;
  for (const Tensor &input : arguments) {
    llvm::append_range(inDims, input.getShape());
    buffers.emplace_back(static_cast<int64_t>(input.getBytes().size()), guardStarts);
    if (buffers.back().isValid())
      buffers.back().fill(input.getBytes());
  }
  int64_t outRank = 0;
  for (const TensorSpec &spec : outputs)
    outRank += spec.sizes.size();
  SmallVector<int64_t> outDims(outRank + 1);
  inDims.push_back(0); // never empty
  lutra_error error = {};
  if (failed(check(api->infer_shapes(inDims.data(), outDims.data(), &error), error)))
    return failure();
  SmallVector<Tensor> results;
  const int64_t *next = outDims.data();
  for (const TensorSpec &spec : outputs) {
    ArrayRef<int64_t> shape(next, spec.sizes.size());
    next += spec.sizes.size();
    if (!countElements(shape)) {
      report(ErrorCode::LimitSize, "output '" + spec.name + "' has an impossible shape");
      return failure();
    }
    results.emplace_back(spec.kind, shape);
    buffers.emplace_back(static_cast<int64_t>(results.back().getBytes().size()), guardStarts);
  }
  SmallVector<lutra_buffer> all;
  for (const GuardedBuffer &buffer : buffers) {
    if (!buffer.isValid()) {
      report(ErrorCode::LimitMemory, "no memory for inputs and outputs");
      return failure();
    }
    all.push_back(buffer.get());
  }
  ArrayRef<lutra_buffer> view(all);
  if (failed(runTimed(view.take_front(arguments.size()), inDims, view.drop_front(arguments.size()),
                      repeat, afterRun)))
    return failure();
  for (auto [i, input] : llvm::enumerate(arguments))
    if (buffers[i].contents() != ArrayRef<char>(input.getBytes())) {
      report(ErrorCode::Internal, "the model changed its input " + Twine(i));
      return failure();
    }
  for (auto [i, result] : llvm::enumerate(results))
    llvm::copy(buffers[arguments.size() + i].contents(), result.getBytes().begin());
  return results;
}
