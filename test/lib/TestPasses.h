//===- TestPasses.h - passes that exist for tests alone ---------------------===//
// Registered in the tools when LUTRA_ENABLE_TESTS is on.
#ifndef LUTRA_TEST_LIB_TESTPASSES_H
#define LUTRA_TEST_LIB_TESTPASSES_H

namespace lutra::test {

/// lutra-test-plant-wrong-result and lutra-test-fail.
void registerTestPasses();

/// --lutra-test-cost, --lutra-test-encoding, --lutra-test-shapes, --lutra-test-tile: what an interface
/// answers, as remarks or as the IR that it builds.
void registerDialectTestPasses();

/// --lutra-test-scale-inputs, --lutra-test-sort-channels: rewrites that passes share.
void registerTransformTestPasses();

} // namespace lutra::test

#endif // LUTRA_TEST_LIB_TESTPASSES_H
