//===- GpuTable.cpp - GPU code as constants of the host module -------------===//
// Field by field what include/lutra/Runtime/GpuTable.h declares: a change there is a change here.
#include "lutra/Target/NVGPU/GpuTable.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DerivedTypes.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace lutra {

namespace {
/// Builds constants of one module.
class Builder {
public:
  explicit Builder(Module &host) : host(host), context(host.getContext()) {}

  Constant *null() { return ConstantPointerNull::get(PointerType::getUnqual(context)); }
  Constant *word(uint64_t value) { return ConstantInt::get(Type::getInt64Ty(context), value); }
  Constant *half(uint32_t value) { return ConstantInt::get(Type::getInt32Ty(context), value); }
  Constant *record(ArrayRef<Constant *> fields) { return ConstantStruct::getAnon(context, fields); }
  Constant *object(Constant *value, uint64_t alignment = 8) {
    auto *global = new GlobalVariable(host, value->getType(), /*isConstant=*/true,
                                      GlobalValue::InternalLinkage, value, "lutra_gpu_data");
    global->setAlignment(Align(alignment));
    return global;
  }
  Constant *text(StringRef value) { return object(ConstantDataArray::getString(context, value), 1); }
  Constant *array(ArrayRef<Constant *> elements) {
    if (elements.empty())
      return null();
    return object(ConstantArray::get(ArrayType::get(elements.front()->getType(), elements.size()), elements));
  }
  Constant *function(StringRef name) {
    auto *type = FunctionType::get(Type::getInt64Ty(context), {PointerType::getUnqual(context)}, false);
    auto *declared = cast<Function>(host.getOrInsertFunction(name, type).getCallee());
    declared->setVisibility(GlobalValue::HiddenVisibility);
    declared->setDSOLocal(true);
    return declared;
  }

private:
  Module &host;
  LLVMContext &context;
};
} // namespace

/// 70 of "+ptx70".
static uint32_t ptxVersion(const NVGPUArch &arch) {
  uint32_t version = 0;
  StringRef digits = arch.features;
  digits.consume_front("+ptx");
  digits.consumeInteger(10, version);
  return version;
}

Constant *emitGpuTable(Module &host, ArrayRef<NVGPUImage> images, ArrayRef<std::string> kernels,
                       GridSymbol gridSymbol) {
  Builder builder(host);
  SmallVector<Constant *> records;
  for (const NVGPUImage &image : images) {
    const NVGPUArch &arch = *image.arch;
    SmallVector<Constant *> entries;
    for (const std::string &name : kernels) {
      const auto *kernel = find_if(image.kernels, [&](const auto &each) { return each.name == name; });
      assert(kernel != image.kernels.end() && "every kernel has code for every architecture");
      entries.push_back(builder.record({builder.text(name), builder.function(gridSymbol(arch.name, name)),
                                        builder.word(nvgpuBlockThreads),
                                        builder.word(kernel->dynamicSharedBytes)}));
    }
    auto *cubin = builder.object(
        ConstantDataArray::get(host.getContext(), arrayRefFromStringRef<uint8_t>(image.cubin)), 64);
    // Only code that newer GPUs can run is worth carrying as text.
    Constant *ptx = arch.exactMinor ? builder.null() : builder.text(image.ptx);
    records.push_back(builder.record({builder.text(arch.name), cubin, builder.word(image.cubin.size()), ptx,
                                      builder.array(entries), builder.half(arch.major),
                                      builder.half(arch.minor), builder.half(arch.exactMinor),
                                      builder.half(ptxVersion(arch))}));
  }
  return builder.object(builder.record({builder.array(records), builder.word(images.size()),
                                        builder.word(kernels.size())}));
}

} // namespace lutra
