//===- BoundsTest.cpp - bounds accept right programs and refuse worse ones -===//
// Each test computes a result in plain f32, which must pass, and then deliberately worse ones (a
// narrower accumulator, a dropped term, one wrong element), which must not.
#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Reference/Compare.h"
#include "lutra/Reference/Evaluator.h"
#include "lutra/Reference/Inputs.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace mlir;
using namespace lutra;

namespace {
/// Reference values and bounds of a module's @main.
class Bounds : public ::testing::Test {
protected:
  Bounds() {
    context.loadDialect<LutraDialect, func::FuncDialect>();
  }
  BoundedTensor evaluate(StringRef text, ArrayRef<Tensor> inputs, const EvaluatorOptions &options = {}) {
    auto module = parseSourceString<ModuleOp>(text, &context);
    auto results = evaluateWithBounds(*module, "main", inputs, options);
    EXPECT_TRUE(succeeded(results));
    return succeeded(results) ? (*results)[0] : BoundedTensor();
  }
  /// A value with its f32 rounding after every step of `body`.
  static CompareReport check(const BoundedTensor &reference, const Tensor &actual) {
    return compare(actual, reference.value, reference.bound);
  }
  MLIRContext context;
};
} // namespace

/// [4, K] x [K, 3] with partial sums rounded to `accumulator`, the last `dropped` products left out.
static Tensor product(const Tensor &a, const Tensor &b, ElementKind accumulator, int dropped) {
  int64_t depth = a.getShape()[1];
  Tensor out(ElementKind::F32, {4, 3});
  for (int64_t m = 0; m < 4; ++m)
    for (int64_t n = 0; n < 3; ++n) {
      double sum = 0;
      for (int64_t k = 0; k < depth - dropped; ++k)
        sum = roundToKind(accumulator, sum + a.getFloat(m * depth + k) * b.getFloat(k * 3 + n));
      out.setFloat(m * 3 + n, sum);
    }
  return out;
}

TEST_F(Bounds, ofProducts) {
  for (ValueSet set : {ValueSet::Normal, ValueSet::Positive, ValueSet::Outliers}) {
    Tensor a = makeInput(ElementKind::F32, {4, 1024}, set, 1, 0);
    Tensor b = makeInput(ElementKind::F32, {1024, 3}, set, 1, 1);
    BoundedTensor reference =
        evaluate("func.func @main(%a: tensor<4x1024xf32>, %b: tensor<1024x3xf32>) -> tensor<4x3xf32> {\n"
                 "  %r = lutra.matmul %a, %b : (tensor<4x1024xf32>, tensor<1024x3xf32>) -> tensor<4x3xf32>\n"
                 "  return %r : tensor<4x3xf32>\n}",
                 {a, b});
    CompareReport right = check(reference, product(a, b, ElementKind::F32, 0));
    EXPECT_TRUE(right.passed()) << right.text();
    EXPECT_GT(right.maxRatio, 0.001); // a bound that nothing comes near says nothing
    EXPECT_FALSE(check(reference, product(a, b, ElementKind::F16, 0)).passed());
    EXPECT_FALSE(check(reference, product(a, b, ElementKind::BF16, 0)).passed());
    EXPECT_FALSE(check(reference, product(a, b, ElementKind::F32, 1)).passed());
  }
}

// Exact zeros add nothing, unless they meet what is not finite.
TEST_F(Bounds, ofProductsWithZeros) {
  const char *text = "func.func @main(%a: tensor<1x3xf32>, %b: tensor<3x2xf32>) -> tensor<1x2xf32> {\n"
                     "  %0 = lutra.unary<relu> %a : tensor<1x3xf32> -> tensor<1x3xf32>\n"
                     "  %r = lutra.matmul %0, %b : (tensor<1x3xf32>, tensor<3x2xf32>) -> tensor<1x2xf32>\n"
                     "  return %r : tensor<1x2xf32>\n}";
  auto tensor = [](ArrayRef<int64_t> shape, ArrayRef<double> values) {
    Tensor result(ElementKind::F32, shape);
    for (auto [index, value] : llvm::enumerate(values))
      result.setFloat(index, value);
    return result;
  };
  Tensor a = tensor({1, 3}, {-1, 2, 0});
  BoundedTensor plain = evaluate(text, {a, tensor({3, 2}, {5, 7, 3, 4, 11, 13})});
  EXPECT_EQ(plain.value.getFloat(0), 6);
  EXPECT_EQ(plain.value.getFloat(1), 8);
  EXPECT_LT(plain.bound[0], 1e-5);
  BoundedTensor open = evaluate(text, {a, tensor({3, 2}, {INFINITY, 7, 3, 4, 11, 13})});
  EXPECT_TRUE(std::isnan(open.value.getFloat(0)));
  EXPECT_EQ(open.value.getFloat(1), 8);
}

TEST_F(Bounds, ofSoftmax) {
  Tensor x = makeInput(ElementKind::F32, {64}, ValueSet::Normal, 1, 0);
  BoundedTensor reference =
      evaluate("func.func @main(%x: tensor<64xf32>) -> tensor<64xf32> {\n"
               "  %r = lutra.softmax %x {axis = 0 : i64} : tensor<64xf32>\n"
               "  return %r : tensor<64xf32>\n}",
               {x});
  auto softmax = [&](ElementKind kind, bool forgetsOne) {
    Tensor out(ElementKind::F32, {64});
    double sum = 0;
    std::vector<double> terms(64);
    for (int i = 0; i < 64; ++i) {
      terms[i] = roundToKind(kind, std::exp(x.getFloat(i)));
      sum = roundToKind(ElementKind::F32, sum + (forgetsOne && i == 63 ? 0 : terms[i]));
    }
    for (int i = 0; i < 64; ++i)
      out.setFloat(i, terms[i] / sum);
    return out;
  };
  EXPECT_TRUE(check(reference, softmax(ElementKind::F32, false)).passed());
  EXPECT_FALSE(check(reference, softmax(ElementKind::F16, false)).passed());
  EXPECT_FALSE(check(reference, softmax(ElementKind::F32, true)).passed());
}

TEST_F(Bounds, ofLayerNorm) {
  Tensor x = makeInput(ElementKind::F32, {1, 128}, ValueSet::Positive, 1, 0);
  BoundedTensor reference = evaluate(
      "func.func @main(%x: tensor<1x128xf32>) -> tensor<1x128xf32> {\n"
      "  %r = lutra.layer_norm %x {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<1x128xf32> -> tensor<1x128xf32>\n"
      "  return %r : tensor<1x128xf32>\n}",
      {x});
  auto normalise = [&](ElementKind kind, double epsilon, double count) {
    double mean = 0, variance = 0;
    for (int i = 0; i < 128; ++i)
      mean = roundToKind(kind, mean + x.getFloat(i));
    mean = roundToKind(kind, mean / 128);
    for (int i = 0; i < 128; ++i)
      variance = roundToKind(kind, variance + std::pow(roundToKind(kind, x.getFloat(i) - mean), 2));
    double factor = roundToKind(kind, 1 / std::sqrt(variance / count + epsilon));
    Tensor out(ElementKind::F32, {1, 128});
    for (int i = 0; i < 128; ++i)
      out.setFloat(i, roundToKind(kind, x.getFloat(i) - mean) * factor);
    return out;
  };
  EXPECT_TRUE(check(reference, normalise(ElementKind::F32, 1e-5, 128)).passed());
  EXPECT_FALSE(check(reference, normalise(ElementKind::F16, 1e-5, 128)).passed());
  EXPECT_FALSE(check(reference, normalise(ElementKind::F32, 1e-3, 128)).passed());
  EXPECT_FALSE(check(reference, normalise(ElementKind::F32, 1e-5, 127)).passed());
}

/// A row of 64 numbers times a row of ones as bytes, with a scale of f32.
static std::string onesProduct(StringRef scale, StringRef act) {
  std::string bytes;
  for (int k = 0; k < 64; ++k)
    bytes += "81"; // 1
  std::string format = "dense<uint<8>, affine, scales = [f32, row], zero = const<128.0>>";
  std::string kind = "tensor<1x64xf32, #lutra.encoding<[" + format + "]" + act.str() + ">>";
  return "lutra.global @w : " + kind + " = dense<\"0x" + bytes + scale.str() + "\"> : tensor<68xi8>\n" +
         "func.func @main(%x: tensor<1x64xf32>) -> tensor<1x1xf32> {\n  %w = lutra.weight @w : " + kind +
         "\n  %r = lutra.matmul %x, %w {transpose_rhs} : (tensor<1x64xf32>, " + kind +
         ") -> tensor<1x1xf32>\n  return %r : tensor<1x1xf32>\n}";
}

// A product that may keep one bit of each element: the mean magnitude with their signs lies inside, and outside the
// bounds of a product that may not; what differs by more than all magnitudes do from their mean is outside.
TEST_F(Bounds, ofProductOfSigns) {
  constexpr int64_t depth = 64;
  Tensor x = makeInput(ElementKind::F32, {1, depth}, ValueSet::Normal, 1, 0);
  double magnitudes = 0, signs = 0, spread = 0;
  for (int64_t k = 0; k < depth; ++k) {
    magnitudes += std::fabs(x.getFloat(k));
    signs += x.getFloat(k) >= 0 ? 1 : -1;
  }
  double mean = magnitudes / depth;
  for (int64_t k = 0; k < depth; ++k)
    spread += std::fabs(std::fabs(x.getFloat(k)) - mean);
  auto text = [](StringRef act) { return onesProduct("0000803F", act); }; // 1
  BoundedTensor allowed = evaluate(text(", act = int<1, sym, row>"), {x}), exact = evaluate(text(""), {x});
  auto result = [&](double value) {
    Tensor out(ElementKind::F32, {1, 1});
    out.setFloat(0, roundToKind(ElementKind::F32, value));
    return out;
  };
  double sum = 0;
  for (int64_t k = 0; k < depth; ++k)
    sum += x.getFloat(k);
  EXPECT_TRUE(check(allowed, result(mean * signs)).passed());
  EXPECT_FALSE(check(exact, result(mean * signs)).passed());
  EXPECT_TRUE(check(allowed, result(sum + 0.99 * spread)).passed());
  EXPECT_FALSE(check(allowed, result(sum + 1.01 * spread)).passed());
}

// A product that may round both operands to bf16: one that does lies inside, one that keeps a bit less of either, or
// adds in bf16, outside; and outside the bounds of a product that may not.
TEST_F(Bounds, ofBfloatProduct) {
  constexpr int64_t depth = 64;
  Tensor x = makeInput(ElementKind::F32, {1, depth}, ValueSet::Positive, 1, 0);
  auto text = [](StringRef act) { return onesProduct("AFAA3F3F", act); };
  float scale; // all weights
  uint32_t pattern = 0x3f3faaaf;
  std::memcpy(&scale, &pattern, 4);
  BoundedTensor allowed = evaluate(text(", act = bf16"), {x}), exact = evaluate(text(""), {x});
  // Values whose bits from `bit` on are cut off lose up to 2^-8 (16) or 2^-7 (17).
  auto cut = [&](double value, int bit) {
    auto single = static_cast<float>(value);
    uint32_t bits;
    std::memcpy(&bits, &single, 4);
    bits &= ~uint32_t(0) << bit;
    std::memcpy(&single, &bits, 4);
    return static_cast<double>(single);
  };
  auto multiply = [&](llvm::function_ref<double(double)> round) {
    Tensor out(ElementKind::F32, {1, 1});
    double sum = 0;
    for (int64_t k = 0; k < depth; ++k)
      sum = roundToKind(ElementKind::F32, sum + round(x.getFloat(k)) * round(scale));
    out.setFloat(0, sum);
    return out;
  };
  auto nearest = [](double value) { return roundToKind(ElementKind::BF16, value); };
  auto worse = [&](double value) { return cut(value, 17); };
  EXPECT_TRUE(check(allowed, multiply(nearest)).passed());
  EXPECT_FALSE(check(exact, multiply(nearest)).passed());
  EXPECT_FALSE(check(allowed, multiply(worse)).passed());
}

// Softmax and norms whose steps are rounded to f16 lie outside the usual bounds of f16 and inside those that allow
// for it; steps in 8 bits and a sum that forgets terms lie outside both.
TEST_F(Bounds, ofRoundedSteps) {
  Tensor x = makeInput(ElementKind::F16, {1, 64}, ValueSet::Normal, 1, 0);
  EvaluatorOptions rounding;
  rounding.roundSteps = true;
  auto softmax = [&](ElementKind kind, int terms) {
    double top = -1e9, sum = 0;
    for (int i = 0; i < 64; ++i)
      top = std::max(top, x.getFloat(i));
    auto term = [&](int i) { return roundToKind(kind, std::exp(roundToKind(kind, x.getFloat(i) - top))); };
    for (int i = 0; i < terms; ++i)
      sum = roundToKind(kind, sum + term(i));
    Tensor out(ElementKind::F16, {1, 64});
    for (int i = 0; i < 64; ++i)
      out.setFloat(i, roundToKind(kind, term(i) / sum));
    return out;
  };
  auto normalise = [&](ElementKind kind, int terms) {
    double squares = 0;
    for (int i = 0; i < terms; ++i)
      squares = roundToKind(kind, squares + roundToKind(kind, x.getFloat(i) * x.getFloat(i)));
    double factor = roundToKind(kind, 1 / std::sqrt(roundToKind(kind, squares / 64)));
    Tensor out(ElementKind::F16, {1, 64});
    for (int i = 0; i < 64; ++i)
      out.setFloat(i, roundToKind(kind, x.getFloat(i) * factor));
    return out;
  };
  auto examine = [&](StringRef op, llvm::function_ref<Tensor(ElementKind, int)> program) {
    std::string text = ("func.func @main(%x: tensor<1x64xf16>) -> tensor<1x64xf16> {\n  %r = " + op +
                        "\n  return %r : tensor<1x64xf16>\n}").str();
    BoundedTensor wide = evaluate(text, {x}), narrow = evaluate(text, {x}, rounding);
    CompareReport right = check(narrow, program(ElementKind::F16, 64));
    EXPECT_TRUE(right.passed()) << right.text();
    EXPECT_TRUE(check(wide, program(ElementKind::F32, 64)).passed());
    EXPECT_FALSE(check(wide, program(ElementKind::F16, 64)).passed());
    EXPECT_FALSE(check(narrow, program(ElementKind::F8E4M3FN, 64)).passed());
    EXPECT_FALSE(check(narrow, program(ElementKind::F16, 60)).passed());
  };
  examine("lutra.softmax %x {axis = 1 : i64} : tensor<1x64xf16>", softmax);
  examine("lutra.rms_norm %x {dims = 1 : i64, epsilon = 1.0e-9 : f64} : tensor<1x64xf16> -> tensor<1x64xf16>",
          normalise);
}

// Through exp, a product and a division, with cancelling inputs.
TEST_F(Bounds, ofChains) {
  Tensor x = makeInput(ElementKind::F32, {64}, ValueSet::Cancelling, 1, 0);
  BoundedTensor reference =
      evaluate("func.func @main(%x: tensor<64xf32>) -> tensor<64xf32> {\n"
               "  %0 = lutra.unary<exp> %x : tensor<64xf32> -> tensor<64xf32>\n"
               "  %1 = lutra.binary<mul> %0, %x : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>\n"
               "  %2 = lutra.unary<gelu_erf> %1 : tensor<64xf32> -> tensor<64xf32>\n"
               "  %3 = lutra.binary<sub> %2, %1 : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>\n"
               "  return %3 : tensor<64xf32>\n}",
               {x});
  auto chain = [&](ElementKind kind) {
    Tensor out(ElementKind::F32, {64});
    for (int i = 0; i < 64; ++i) {
      double y = roundToKind(kind, roundToKind(kind, std::exp(x.getFloat(i))) * x.getFloat(i));
      double g = roundToKind(kind, y * 0.5 * std::erfc(-y * std::sqrt(0.5)));
      out.setFloat(i, roundToKind(kind, g - y));
    }
    return out;
  };
  CompareReport right = check(reference, chain(ElementKind::F32));
  EXPECT_TRUE(right.passed()) << right.text();
  EXPECT_FALSE(check(reference, chain(ElementKind::F16)).passed());
}

// The reference is no more exact than an f64 program: where a sum lies between two numbers, either may round up.
TEST_F(Bounds, ofDoubles) {
  Tensor x(ElementKind::F64, {1}), actual(ElementKind::F64, {1});
  x.setFloat(0, 1e-9 / 3);
  BoundedTensor reference =
      evaluate("func.func @main(%x: tensor<1xf64>) -> tensor<1xf64> {\n"
               "  %0 = lutra.binary<mul> %x, %x : (tensor<1xf64>, tensor<1xf64>) -> tensor<1xf64>\n"
               "  %1 = lutra.constant dense<1.0> : tensor<f64>\n"
               "  %r = lutra.binary<add> %0, %1 : (tensor<1xf64>, tensor<f64>) -> tensor<1xf64>\n"
               "  return %r : tensor<1xf64>\n}",
               {x});
  actual.setFloat(0, std::nextafter(reference.value.getFloat(0), 2));
  EXPECT_TRUE(check(reference, actual).passed());
  actual.setFloat(0, std::nextafter(actual.getFloat(0), 2));
  EXPECT_FALSE(check(reference, actual).passed());
}

// 1 / (1 + exp(-x)) is 0 from where exp overflows, and not before.
TEST_F(Bounds, ofSigmoidFarBelowZero) {
  Tensor x(ElementKind::F32, {3}), zero(ElementKind::F32, {3});
  for (int i = 0; i < 3; ++i)
    x.setFloat(i, -95 - 10 * i);
  std::string text = "func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {\n"
                     "  %r = lutra.unary<sigmoid> %x : tensor<3xf32> -> tensor<3xf32>\n"
                     "  return %r : tensor<3xf32>\n}";
  EXPECT_TRUE(check(evaluate(text, {x}), zero).passed());
  x.setFloat(0, -80);
  EXPECT_FALSE(check(evaluate(text, {x}), zero).passed());
}

TEST(Compare, refusesOneWrongElement) {
  Tensor reference = makeInput(ElementKind::F32, {1000}, ValueSet::Normal, 1, 0);
  std::vector<double> bound(1000, 1e-6);
  Tensor actual = reference;
  EXPECT_TRUE(compare(actual, reference, bound).passed());
  actual.setFloat(517, actual.getFloat(517) + 1e-5);
  CompareReport report = compare(actual, reference, bound);
  EXPECT_FALSE(report.passed());
  EXPECT_EQ(report.worst, 517);
  EXPECT_EQ(report.violations, 1);
  EXPECT_FALSE(compare(actual, reference).passed());
}

TEST(Compare, placesNonFiniteValues) {
  double nan = std::numeric_limits<double>::quiet_NaN(), inf = INFINITY;
  Tensor reference(ElementKind::F32, {3}), actual(ElementKind::F32, {3});
  for (int i : {0, 1, 2}) {
    reference.setFloat(i, i == 0 ? nan : i == 1 ? inf : -0.0);
    actual.setFloat(i, i == 0 ? nan : i == 1 ? inf : 0.0);
  }
  EXPECT_TRUE(compare(actual, reference).passed());
  actual.setFloat(1, -inf);
  EXPECT_EQ(compare(actual, reference, {1.0, 1.0, 1.0}).nonFiniteMismatches, 1);
  actual.setFloat(1, nan);
  EXPECT_FALSE(compare(actual, reference).passed());
  // An infinite bound leaves the element open; it is counted.
  EXPECT_TRUE(compare(actual, reference, {0.0, inf, 0.0}).passed());
  EXPECT_EQ(compare(actual, reference, {0.0, inf, 0.0}).undetermined, 1);
}

TEST(Compare, keepsAllBitsOfIntegers) {
  Tensor reference(ElementKind::I64, {1}), actual(ElementKind::I64, {1});
  reference.setInt(0, (int64_t(1) << 60) + 1);
  actual.setInt(0, int64_t(1) << 60);
  EXPECT_FALSE(compare(actual, reference).passed());
}

TEST(Compare, refusesOtherShapes) {
  EXPECT_FALSE(compare(Tensor(ElementKind::F32, {2, 3}), Tensor(ElementKind::F32, {3, 2})).passed());
}
