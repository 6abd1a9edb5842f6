//===- Registration.h - dialects and passes of the whole compiler ----------===//
#ifndef LUTRA_PIPELINE_REGISTRATION_H
#define LUTRA_PIPELINE_REGISTRATION_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace lutra {

/// Adds every dialect that a module of the compiler may hold, with their external interfaces.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Makes every pass of the compiler, and the upstream passes that its pipelines use, known by flag.
void registerAllPasses();

} // namespace lutra

#endif // LUTRA_PIPELINE_REGISTRATION_H
