//===- Codegen.cpp - LLVM IR and machine code ----------------------------------===//
// The kernels arrive as vectors and loops in the shape that the machine should run, so only glue is cleaned up
// (descriptors, addresses) and the code generator runs at its highest level; the default optimisation pipelines
// are not run: they double the time and were never faster on such code.
#include "Internal.h"

#include "lutra/Runtime/Bitcode.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/Target/LLVMIR/Export.h"

#include "llvm/Analysis/CGSCCPassManager.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/DiagnosticHandler.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Linker/Linker.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/IPO/GlobalDCE.h"
#include "llvm/Transforms/IPO/Internalize.h"

using namespace mlir;

namespace lutra {

std::unique_ptr<llvm::Module> translateModule(ModuleOp module, const CpuLevel *level,
                                              const CpuArtifactOptions &options,
                                              llvm::LLVMContext &context) {
  StringRef name = level ? module.getSymName().value_or("kernels") : "host";
  storeFloatsAsBits(module);
  std::unique_ptr<llvm::Module> result = translateModuleToLLVMIR(module, context, name);
  if (!result) {
    emitCodedError(module.getLoc(), ErrorCode::Internal)
        << "the kernels of " << name << " could not be turned into LLVM IR";
    return nullptr;
  }
  for (llvm::Function &function : *result) {
    if (function.isDeclaration())
      continue;
    function.setDoesNotThrow();
    if (!level)
      continue;
    function.addFnAttr("target-cpu", level->cpu);
    if (!level->features.empty())
      function.addFnAttr("target-features", level->features);
    function.addFnAttr("prefer-vector-width", std::to_string(level->vectorBits));
    if (result->getTargetTriple().isX86())
      function.addFnAttr("stackrealign"); // else spilled vectors may cross lines, as callers happen to stand
    if (function.hasExternalLinkage()) {
      function.setName(kernelSymbol(options, level->name, function.getName()));
      function.setVisibility(llvm::GlobalValue::HiddenVisibility);
      function.setDSOLocal(true);
    }
  }
  if (level)
    for (llvm::GlobalVariable &global : result->globals())
      if (!global.isDeclaration())
        global.setLinkage(llvm::GlobalValue::InternalLinkage);
  return result;
}

LogicalResult linkRuntime(llvm::Module &host, const CpuArtifactOptions &options, Location loc) {
  RuntimeBitcode bitcode = getRuntimeBitcode(options.triple);
  if (!bitcode.begin)
    return emitCodedError(loc, ErrorCode::EnvironmentTool)
           << "this build of the compiler holds no runtime for " << options.triple
           << "; install glibc's headers for it (Debian's package libc6-dev-arm64-cross), then configure and build "
              "Lutra again";
  llvm::MemoryBufferRef buffer(
      llvm::StringRef(bitcode.begin, bitcode.end - bitcode.begin), "runtime");
  auto runtime = llvm::parseBitcodeFile(buffer, host.getContext());
  if (!runtime)
    return emitCodedError(loc, ErrorCode::Internal)
           << "the runtime's bitcode cannot be read: " << llvm::toString(runtime.takeError());
  (*runtime)->setDataLayout(host.getDataLayout());
  if (llvm::Linker::linkModules(host, std::move(*runtime)))
    return emitCodedError(loc, ErrorCode::Internal) << "the runtime does not link with the model";
  host.getFunction("lutra_get_model")->setName(options.symbolPrefix + "_get_model");
  return success();
}

/// Keeps the entry point and what the code generator itself may call (Half.c); the rest becomes internal and, when
/// unused, goes.
static void internalize(llvm::Module &module) {
  llvm::internalizeModule(module, [](const llvm::GlobalValue &value) {
    return value.getName().ends_with("_get_model") || value.getName().ends_with("hfsf2") ||
           value.getName().ends_with("fhf2");
  });
}

static void cleanUp(llvm::Module &module, llvm::TargetMachine &machine, bool host) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::ModulePassManager passes;
  if (host) {
    internalize(module);
    passes.addPass(llvm::GlobalDCEPass());
  }
  llvm::cantFail(builder.parsePassPipeline(
      passes, "function(sroa,early-cse<memssa>,simplifycfg,loop-mssa(licm),instsimplify,dce)"));
  passes.run(module, modules);
}

namespace {
/// Keeps the first error of the back end, which else would end the process.
class ErrorKeeper final : public llvm::DiagnosticHandler {
public:
  explicit ErrorKeeper(std::string &error) : error(error) {}
  bool handleDiagnostics(const llvm::DiagnosticInfo &info) override {
    if (info.getSeverity() == llvm::DS_Error && error.empty()) {
      llvm::raw_string_ostream stream(error);
      llvm::DiagnosticPrinterRawOStream printer(stream);
      info.print(printer);
    }
    return true;
  }

private:
  std::string &error;
};
} // namespace

LogicalResult generateCode(llvm::Module &module, bool assembly, SmallVectorImpl<char> &code,
                           Location loc) {
  std::string error;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(module.getTargetTriple(), error);
  if (!target)
    return emitCodedError(loc, ErrorCode::EnvironmentTool)
           << "LLVM has no back end for " << module.getTargetTriple().str() << ": " << error;
  // The base CPU without features: each function carries its own.
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      module.getTargetTriple(), module.getTargetTriple().isAArch64() ? "generic" : "x86-64", "",
      llvm::TargetOptions(), llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Aggressive));
  module.setDataLayout(machine->createDataLayout());
  cleanUp(module, *machine, module.getFunction("lutra_entry") != nullptr);
  llvm::raw_svector_ostream stream(code);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr,
                                   assembly ? llvm::CodeGenFileType::AssemblyFile
                                            : llvm::CodeGenFileType::ObjectFile))
    return emitCodedError(loc, ErrorCode::Internal) << "the back end cannot emit this file type";
  llvm::LLVMContext &context = module.getContext();
  std::unique_ptr<llvm::DiagnosticHandler> before = context.getDiagnosticHandler();
  context.setDiagnosticHandler(std::make_unique<ErrorKeeper>(error));
  passes.run(module);
  context.setDiagnosticHandler(std::move(before));
  if (!error.empty())
    return emitCodedError(loc, ErrorCode::Internal) << "LLVM's back end makes no code of a kernel: " << error;
  return success();
}

} // namespace lutra
