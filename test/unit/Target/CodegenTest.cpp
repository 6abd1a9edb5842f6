//===- CodegenTest.cpp - errors of LLVM's back end ------------------------------===//
#include "lib/Target/CPU/Internal.h"

#include "mlir/IR/MLIRContext.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/Support/TargetSelect.h"
#include "gtest/gtest.h"

namespace {

/// A function whose body is one instruction in assembler.
std::unique_ptr<llvm::Module> makeModule(llvm::LLVMContext &context, llvm::StringRef instruction) {
  auto module = std::make_unique<llvm::Module>("kernels", context);
  module->setTargetTriple(llvm::Triple("x86_64-unknown-linux-gnu"));
  auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(context), false);
  auto *function = llvm::Function::Create(type, llvm::Function::ExternalLinkage, "kernel", *module);
  llvm::IRBuilder<> builder(llvm::BasicBlock::Create(context, "", function));
  builder.CreateCall(llvm::InlineAsm::get(type, instruction, "", /*hasSideEffects=*/true));
  builder.CreateRetVoid();
  return module;
}

/// Whether code is made; `message` is the diagnostic otherwise.
bool generates(llvm::StringRef instruction, std::string &message) {
  llvm::InitializeAllTargets();
  llvm::InitializeAllTargetMCs();
  llvm::InitializeAllAsmPrinters();
  llvm::InitializeAllAsmParsers();
  mlir::MLIRContext mlirContext;
  mlir::ScopedDiagnosticHandler handler(&mlirContext, [&](mlir::Diagnostic &diagnostic) {
    message = diagnostic.str();
    return mlir::success();
  });
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module = makeModule(context, instruction);
  llvm::SmallVector<char> code;
  auto place = mlir::UnknownLoc::get(&mlirContext);
  bool made = mlir::succeeded(lutra::generateCode(*module, /*assembly=*/false, code, place));
  return made && !code.empty();
}

TEST(Codegen, MakesCode) {
  std::string message;
  EXPECT_TRUE(generates("nop", message));
  EXPECT_EQ(message, "");
}

TEST(Codegen, ReportsWhatLlvmRefuses) {
  std::string message;
  EXPECT_FALSE(generates("nonsense", message));
  EXPECT_NE(message.find("E1001: LLVM's back end makes no code of a kernel: "), std::string::npos) << message;
  EXPECT_NE(message.find("invalid instruction mnemonic"), std::string::npos) << message;
}

} // namespace
