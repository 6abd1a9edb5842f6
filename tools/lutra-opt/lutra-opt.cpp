//===- lutra-opt.cpp - runs passes on a module, in the style of mlir-opt ---===//
#include "lutra/Pipeline/Registration.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"

#ifdef LUTRA_TEST_PASSES
#include "TestPasses.h"
#endif

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  lutra::registerAllDialects(registry);
  lutra::registerAllPasses();
#ifdef LUTRA_TEST_PASSES
  lutra::test::registerTestPasses();
  lutra::test::registerDialectTestPasses();
#endif
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Lutra optimizer driver\n", registry));
}
