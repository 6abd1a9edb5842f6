//===- Probe.cpp - a model that also returns what happens inside ------------===//
#include "Probe.h"

#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/IRMapping.h"

#include "llvm/Support/Errno.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>

using namespace mlir;
using namespace lutra;

/// NumPy's names of the types that models exchange, and the bytes of an element.
static constexpr struct {
  lutra_dtype dtype;
  StringLiteral numpy, name;
  int64_t width;
} dtypes[] = {{LUTRA_BOOL, "|b1", "bool", 1},       {LUTRA_INT8, "|i1", "int8", 1},
              {LUTRA_INT16, "<i2", "int16", 2},     {LUTRA_INT32, "<i4", "int32", 4},
              {LUTRA_INT64, "<i8", "int64", 8},     {LUTRA_UINT8, "|u1", "uint8", 1},
              {LUTRA_UINT16, "<u2", "uint16", 2},   {LUTRA_UINT32, "<u4", "uint32", 4},
              {LUTRA_UINT64, "<u8", "uint64", 8},   {LUTRA_FLOAT16, "<f2", "float16", 2},
              {LUTRA_FLOAT32, "<f4", "float32", 4}, {LUTRA_FLOAT64, "<f8", "float64", 8}};

lutra_dtype lutra::dtypeOf(StringRef numpy) {
  for (const auto &entry : dtypes)
    if (entry.numpy == numpy)
      return entry.dtype;
  return 0;
}

StringRef lutra::dtypeName(lutra_dtype dtype) {
  for (const auto &entry : dtypes)
    if (entry.dtype == dtype)
      return entry.name;
  return "a type that NumPy lacks";
}

static int64_t widthOf(lutra_dtype dtype) {
  for (const auto &entry : dtypes)
    if (entry.dtype == dtype)
      return entry.width;
  return dtype == LUTRA_BFLOAT16 ? 2 : 1;
}

int64_t ProbeTensor::count() const {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

Probe::~Probe() {
  if (context)
    library.api->destroy_context(context);
  if (model)
    library.api->close(model);
  if (library.handle)
    dlclose(library.handle);
  if (!folder.empty())
    (void)llvm::sys::fs::remove_directories(folder);
}

/// Passes free the bytes of weights that a module no longer reads; a clone's are its original's.
static void lendBlobs(ModuleOp clone) {
  for (GlobalOp global : clone.getOps<GlobalOp>()) {
    auto resource = dyn_cast<DenseResourceElementsAttr>(global.getData());
    AsmResourceBlob *blob = resource ? resource.getRawHandle().getBlob() : nullptr;
    if (blob && blob->isMutable())
      global.setDataAttr(DenseResourceElementsAttr::get(
          resource.getType(), global.getSymName(),
          UnmanagedAsmResourceBlob::allocateInferAlign(blob->getData())));
  }
}

/// Names a value of the entry that has none of its own.
static DictionaryAttr describe(OpBuilder &builder, const Twine &name, int64_t rank) {
  SmallVector<StringRef> dims(rank, "");
  return builder.getDictionaryAttr({builder.getNamedAttr("lutra.name", builder.getStringAttr(name)),
                                    builder.getNamedAttr("lutra.dim_names", builder.getStrArrayAttr(dims))});
}

/// Results of f16 and bf16 become those of f32, which are compared.
static void widenResults(func::FuncOp main) {
  Operation *end = main.getBody().front().getTerminator();
  OpBuilder builder(end);
  SmallVector<Type> results(main.getResultTypes());
  for (auto [index, result] : llvm::enumerate(results)) {
    auto type = cast<RankedTensorType>(result);
    if (!isa<Float16Type, BFloat16Type>(type.getElementType()))
      continue;
    type = type.clone(builder.getF32Type());
    end->setOperand(index, CastOp::create(builder, end->getLoc(), type, end->getOperand(index)));
    result = type;
  }
  main.setFunctionType(builder.getFunctionType(main.getArgumentTypes(), results));
}

static void dropResults(func::FuncOp main) {
  main.getBody().front().getTerminator()->setOperands({});
  (void)main.eraseResults(llvm::BitVector(main.getNumResults(), true));
}

static void addResults(func::FuncOp main, ArrayRef<Value> taps) {
  OpBuilder builder(main.getContext());
  Operation *end = main.getBody().front().getTerminator();
  for (auto [index, tap] : llvm::enumerate(taps)) {
    end->insertOperands(end->getNumOperands(), tap);
    auto type = cast<RankedTensorType>(tap.getType());
    (void)main.insertResult(main.getNumResults(), type, describe(builder, "lutra.tap" + Twine(index), type.getRank()));
  }
}

/// Lets all that reads a constant read an input instead, of its type or, wider, f32.
static void readInput(Value constant, Value input) {
  SmallVector<CastOp> casts;
  for (Operation *user : constant.getUsers())
    if (auto cast = dyn_cast<CastOp>(user); cast && cast.getType() == input.getType())
      casts.push_back(cast);
  for (CastOp cast : casts) {
    cast.getResult().replaceAllUsesWith(input);
    cast.erase();
  }
  if (!constant.use_empty() && constant.getType() != input.getType()) {
    OpBuilder builder(constant.getDefiningOp());
    input = CastOp::create(builder, constant.getLoc(), constant.getType(), input);
  }
  constant.replaceAllUsesWith(input);
}

static void addInputs(ModuleOp module, func::FuncOp main, ArrayRef<GlobalOp> weights) {
  OpBuilder builder(main.getContext());
  unsigned index = 0;
  for (GlobalOp weight : weights) {
    auto type = cast<RankedTensorType>(weight.getType());
    if (isa<Float16Type, BFloat16Type>(type.getElementType()))
      type = type.clone(builder.getF32Type());
    unsigned position = main.getNumArguments();
    (void)main.insertArgument(position, type, describe(builder, "lutra.weight" + Twine(index++), type.getRank()),
                              weight.getLoc());
    SmallVector<WeightOp> readers;
    module.walk([&](WeightOp reader) {
      if (reader.getGlobal() == weight.getSymName())
        readers.push_back(reader);
    });
    for (WeightOp reader : readers) {
      readInput(reader.getResult(), main.getArgument(position));
      reader.erase();
    }
  }
}

FailureOr<std::unique_ptr<Probe>> Probe::compile(ModuleOp module, ArrayRef<Value> taps, ArrayRef<GlobalOp> weights,
                                                 const CompileOptions &options, bool ownResults) {
  auto fail = [&](ErrorCode code, const Twine &text) {
    return emitCodedError(module.getLoc(), code) << "the model cannot be run for its calibration: " << text;
  };
  IRMapping mapping;
  OwningOpRef<ModuleOp> clone = cast<ModuleOp>(module->clone(mapping));
  lendBlobs(*clone);
  auto main = cast<func::FuncOp>(clone->lookupSymbol("main"));
  SmallVector<Value> own;
  for (Value tap : taps)
    own.push_back(mapping.lookup(tap));
  if (!ownResults)
    dropResults(main);
  widenResults(main);
  addResults(main, own);
  addInputs(*clone, main, weights);

  std::unique_ptr<Probe> probe(new Probe);
  SmallString<128> pattern(options.tempFolder);
  if (pattern.empty())
    llvm::sys::path::system_temp_directory(/*ErasedOnReboot=*/true, pattern);
  llvm::sys::path::append(pattern, "lutra-probe-XXXXXX");
  std::string path(pattern.str());
  if (!::mkdtemp(path.data()))
    return fail(ErrorCode::EnvironmentWrite, path + ": " + llvm::sys::StrError(errno));
  probe->folder = path;

  CompileOptions inner;
  inner.origin = options.origin;
  inner.cpuLevels = {"native"};
  inner.threads = options.threads;
  inner.outputPath = path + "/probe.so";
  inner.tempFolder = path;
  inner.modelName = "probe";
  if (failed(compileModule(*clone, inner)))
    return failure();
  lutra_error error = {};
  lutra_context_options threads = {sizeof(lutra_context_options), int32_t(options.threads), nullptr, nullptr, nullptr,
                                   nullptr};
  lutra_status status = lutra_load_library(inner.outputPath.c_str(), &probe->library, &error);
  if (status == LUTRA_OK)
    status = lutra_open_model(&probe->library, inner.outputPath.c_str(), nullptr, &probe->model, &error);
  if (status == LUTRA_OK)
    status = probe->library.api->create_context(probe->model, &threads, &probe->context, &error);
  if (status != LUTRA_OK)
    return fail(ErrorCode::EnvironmentRead, error.text);
  return probe;
}

llvm::Expected<std::vector<ProbeTensor>> Probe::run(ArrayRef<ProbeTensor> inputs) {
  auto fail = [](const char *text) { return llvm::createStringError(llvm::inconvertibleErrorCode(), "%s", text); };
  SmallVector<int64_t> inDims, outDims;
  SmallVector<lutra_tensor> tensors;
  SmallVector<lutra_buffer> in, out;
  for (const ProbeTensor &input : inputs) {
    lutra_buffer buffer = {const_cast<char *>(input.bytes().data()), input.bytes().size()};
    tensors.push_back({input.dtype, int32_t(input.shape.size()), input.shape.data(), buffer});
    llvm::append_range(inDims, input.shape);
    in.push_back(buffer);
  }
  lutra_error error = {};
  if (library.api->check_inputs(tensors.data(), tensors.size(), &error) != LUTRA_OK)
    return fail(error.text);
  size_t rank = 0;
  for (const lutra_tensor_info &output : getOutputs())
    rank += output.rank;
  inDims.push_back(0); // never empty
  outDims.resize(rank + 1);
  if (library.api->infer_shapes(inDims.data(), outDims.data(), &error) != LUTRA_OK)
    return fail(error.text);
  std::vector<ProbeTensor> results;
  const int64_t *next = outDims.data();
  for (const lutra_tensor_info &output : getOutputs()) {
    ProbeTensor &result = results.emplace_back();
    result.dtype = output.dtype;
    result.shape.assign(next, next + output.rank);
    next += output.rank;
    result.own.resize(result.count() * widthOf(output.dtype));
  }
  for (ProbeTensor &result : results)
    out.push_back({result.own.data(), result.own.size()});
  if (library.api->run(context, in.data(), inDims.data(), out.data(), &error) != LUTRA_OK)
    return fail(error.text);
  return results;
}
