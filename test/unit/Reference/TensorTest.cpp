//===- TensorTest.cpp - number formats and files ---------------------------===//
#include "lutra/Reference/Inputs.h"
#include "lutra/Reference/Npy.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

#include <cmath>

using namespace lutra;

// Every code of a 16-bit format decodes to a value that encodes to the same code (NaNs aside).
TEST(Tensor, roundTripsEveryNarrowCode) {
  for (ElementKind kind : {ElementKind::F16, ElementKind::BF16}) {
    for (int code = 0; code < 65536; ++code) {
      Tensor tensor(kind, {});
      uint16_t bits = static_cast<uint16_t>(code), back;
      std::memcpy(tensor.getBytes().data(), &bits, 2);
      double value = tensor.getFloat(0);
      Tensor again(kind, {});
      again.setFloat(0, value);
      std::memcpy(&back, again.getBytes().data(), 2);
      if (std::isnan(value))
        EXPECT_TRUE(std::isnan(again.getFloat(0)));
      else
        EXPECT_EQ(bits, back) << nameOf(kind).str();
    }
  }
}

TEST(Tensor, roundsHalfToEven) {
  EXPECT_EQ(roundToKind(ElementKind::BF16, 257), 256);
  EXPECT_EQ(roundToKind(ElementKind::BF16, 259), 260);
  EXPECT_EQ(roundToKind(ElementKind::F16, 2049), 2048);
  EXPECT_EQ(roundToKind(ElementKind::F16, 65519), 65504);
  EXPECT_TRUE(std::isinf(roundToKind(ElementKind::F16, 65520)));
  EXPECT_EQ(roundToKind(ElementKind::F8E4M3FN, 464), 448); // halfway to 480, which does not exist
  EXPECT_TRUE(std::isnan(roundToKind(ElementKind::F8E4M3FN, 465)));
  EXPECT_EQ(roundToKind(ElementKind::F16, std::ldexp(1, -25)), 0); // half of the least subnormal
}

TEST(Tensor, wrapsIntegers) {
  EXPECT_EQ(wrapToKind(ElementKind::I8, 200), -56);
  EXPECT_EQ(wrapToKind(ElementKind::UI8, -1), 255);
  EXPECT_EQ(wrapToKind(ElementKind::I4, 9), -7);
}

TEST(Tensor, refusesShapesThatOverflow) {
  EXPECT_FALSE(countElements({int64_t(1) << 62, 4}));
  EXPECT_FALSE(countElements({-1}));
  EXPECT_EQ(countElements({}), 1);
}

TEST(Inputs, areReproducible) {
  Tensor a = makeInput(ElementKind::F32, {7}, ValueSet::Normal, 1, 0);
  Tensor b = makeInput(ElementKind::F32, {7}, ValueSet::Normal, 1, 0);
  Tensor c = makeInput(ElementKind::F32, {7}, ValueSet::Normal, 2, 0);
  EXPECT_EQ(a.getBytes(), b.getBytes());
  EXPECT_NE(a.getBytes(), c.getBytes());
}

/// A file with these bytes, removed at the end.
namespace {
struct TemporaryFile {
  llvm::SmallString<128> path;
  explicit TemporaryFile(llvm::StringRef bytes) {
    int descriptor;
    EXPECT_FALSE(llvm::sys::fs::createTemporaryFile("lutra", "npy", descriptor, path));
    llvm::raw_fd_ostream(descriptor, /*shouldClose=*/true) << bytes;
  }
  ~TemporaryFile() { llvm::sys::fs::remove(path); }
};
} // namespace

TEST(Npy, roundTrips) {
  TemporaryFile file("");
  for (ElementKind kind : {ElementKind::F32, ElementKind::F16, ElementKind::I1, ElementKind::UI16,
                           ElementKind::I64}) {
    for (llvm::SmallVector<int64_t> shape :
         {llvm::SmallVector<int64_t>{}, {3}, {2, 3}, {0, 4}}) {
      Tensor tensor = makeInput(kind, shape, ValueSet::Normal, 3, 0);
      ASSERT_FALSE(llvm::errorToBool(writeNpy(file.path, tensor)));
      llvm::Expected<Tensor> again = readNpy(file.path);
      ASSERT_TRUE(bool(again));
      EXPECT_EQ(again->getKind(), kind);
      EXPECT_EQ(again->getShape(), tensor.getShape());
      EXPECT_EQ(again->getBytes(), tensor.getBytes());
    }
  }
}

TEST(Npy, refusesBrokenFiles) {
  auto header = [](llvm::StringRef dict) {
    std::string text = dict.str();
    text.resize(117, ' ');
    text += "\n";
    return std::string("\x93NUMPY\x01\x00\x76\x00", 10) + text;
  };
  std::string good = header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }");
  for (std::string bytes :
       {std::string(), std::string("\x93NUMPY"), good, good + "1234567", good + "123456789",
        std::string("\x93NUMPY\x01\x00\xFF\xFF", 10) + std::string(20, ' '),
        header("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }") + "1234",
        header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }") + "1234",
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }"),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,4,), }")}) {
    TemporaryFile file(bytes);
    llvm::Expected<Tensor> tensor = readNpy(file.path);
    EXPECT_FALSE(bool(tensor));
    llvm::consumeError(tensor.takeError());
  }
}
