//===- TestPasses.h - passes that only tests run ---------------------------===//
#ifndef LUTRA_TEST_LIB_TESTPASSES_H
#define LUTRA_TEST_LIB_TESTPASSES_H

namespace lutra::test {

/// lutra-test-plant-wrong-result and lutra-test-fail.
void registerTestPasses();

} // namespace lutra::test

#endif // LUTRA_TEST_LIB_TESTPASSES_H
