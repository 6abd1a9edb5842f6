//===- QuantizeMatrixTest.cpp - codes of weights on known inputs -------------===//
// The oracle of GPTQ is the algorithm as published, with an inverse of H, in f64.
#include "lutra/Support/QuantizeMatrix.h"

#include "lutra/Support/EncodedTensor.h"
#include "lutra/Support/InputScales.h"

#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <random>

using namespace lutra;

namespace {
using Matrix = std::vector<double>;

void runAll(size_t count, llvm::function_ref<void(size_t)> body) {
  for (size_t i = 0; i < count; ++i)
    body(i);
}

/// The same with another order of the bodies, as threads may have it.
void runBackwards(size_t count, llvm::function_ref<void(size_t)> body) {
  for (size_t i = count; i-- > 0;)
    body(i);
}

struct Case {
  int64_t n, k, rows;
  std::vector<float> weights, inputs;

  Case(unsigned seed, int64_t n, int64_t k, int64_t rows) : n(n), k(k), rows(rows), weights(n * k), inputs(rows * k) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    for (float &weight : weights)
      weight = normal(random);
    std::vector<float> shared(rows);
    for (float &one : shared)
      one = normal(random);
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < k; ++j) // channels that have something in common, of different sizes
        inputs[i * k + j] = (normal(random) + shared[i]) * (1 + static_cast<float>(j % 7));
  }
  GramMatrix gram(ParallelFor parallel = runAll) const {
    GramMatrix gram(k);
    gram.addRows(inputs, {}, parallel);
    gram.endSet(parallel);
    return gram;
  }
  QuantizedMatrix quantize(const WeightForm &form, const GramMatrix *gram, QuantizeNotes &notes, double damp = 0.02,
                           ParallelFor parallel = runAll) const {
    QuantizedMatrix matrix;
    auto read = [&](int64_t row, llvm::MutableArrayRef<float> values) {
      std::copy_n(weights.begin() + row * k, k, values.begin());
    };
    EXPECT_EQ(quantizeMatrix({n, k, read}, form, gram, {damp, true}, parallel, matrix, notes), QuantizeFault::None);
    return matrix;
  }
};

WeightForm makeForm(const char *type, int64_t group, WeightForm::Method method) {
  WeightForm form = *WeightForm::of(type);
  if (!form.hasOwnScales())
    form.group = group;
  form.method = method;
  return form;
}

/// Upper triangular U with U^T U = inverse of H, by Gauss-Jordan and Cholesky.
Matrix inverseFactor(Matrix h, int64_t k) {
  Matrix inverse(k * k);
  for (int64_t i = 0; i < k; ++i)
    inverse[i * k + i] = 1;
  for (int64_t p = 0; p < k; ++p) {
    double pivot = h[p * k + p];
    for (int64_t j = 0; j < k; ++j) {
      h[p * k + j] /= pivot;
      inverse[p * k + j] /= pivot;
    }
    for (int64_t i = 0; i < k; ++i) {
      double factor = i == p ? 0 : h[i * k + p];
      for (int64_t j = 0; j < k; ++j) {
        h[i * k + j] -= factor * h[p * k + j];
        inverse[i * k + j] -= factor * inverse[p * k + j];
      }
    }
  }
  Matrix upper(k * k);
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = i; j < k; ++j) {
      double sum = inverse[i * k + j];
      for (int64_t p = 0; p < i; ++p)
        sum -= upper[p * k + i] * upper[p * k + j];
      upper[i * k + j] = i == j ? std::sqrt(sum) : sum / upper[i * k + i];
    }
  return upper;
}

/// GPTQ as published, on the same sides and in the same order of columns.
std::vector<uint8_t> textbook(const Case &own, const GramMatrix &gram, const QuantizedMatrix &matrix, double damp) {
  int64_t n = own.n, k = own.k;
  llvm::ArrayRef<double> mean = gram.getMean();
  std::vector<int64_t> order(k);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return std::make_pair(-mean[a * k + a], a) < std::make_pair(-mean[b * k + b], b);
  });
  double trace = 0;
  for (int64_t i = 0; i < k; ++i)
    trace += mean[i * k + i];
  Matrix h(k * k);
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < k; ++j)
      h[i * k + j] = mean[order[i] * k + order[j]] + (i == j ? damp * trace / static_cast<double>(k) : 0);
  Matrix upper = inverseFactor(h, k);
  GroupCoder coder(matrix.form, matrix.tensorScale);
  std::vector<uint8_t> codes(n * k);
  int64_t size = (k + matrix.groups - 1) / matrix.groups;
  for (int64_t row = 0; row < n; ++row) {
    std::vector<double> w;
    for (int64_t column : order)
      w.push_back(own.weights[row * k + column]);
    for (int64_t j = 0; j < k; ++j) {
      const GroupSide &side = matrix.sides[row * matrix.groups + order[j] / size];
      auto value = static_cast<float>(w[j]);
      codes[row * k + order[j]] = coder.codeOf(value, side);
      double error = (w[j] - coder.valueOf(value, side)) / upper[j * k + j];
      for (int64_t p = j; p < k; ++p)
        w[p] -= error * upper[j * k + p];
    }
  }
  return codes;
}
} // namespace

TEST(QuantizeMatrix, ldlq_has_the_codes_of_gptq) {
  double plain = 0, better = 0;
  for (unsigned seed = 0; seed < 20; ++seed) {
    int64_t k = seed % 3 == 0 ? 64 : seed % 3 == 1 ? 160 : 96;
    Case own(seed, 1 + seed * 3, k, 300);
    GramMatrix gram = own.gram();
    const char *types[] = {"int4", "nf4", "int5", "nvfp4", "bitmod4"};
    WeightForm form = makeForm(types[seed % 5], 32, WeightForm::Gptq);
    QuantizeNotes notes, nearest;
    QuantizedMatrix matrix = own.quantize(form, &gram, notes);
    EXPECT_EQ(notes.method, WeightForm::Gptq) << notes.reason;
    EXPECT_EQ(matrix.codes, textbook(own, gram, matrix, 0.02)) << "seed " << seed;
    form.method = WeightForm::Search;
    own.quantize(form, &gram, nearest);
    plain += nearest.outputError / nearest.outputPower;
    better += notes.outputError / notes.outputPower;
    double power = 0; // tr(W H W^T) is the mean square of the products
    for (int64_t i = 0; i < own.rows; ++i)
      for (int64_t row = 0; row < own.n; ++row) {
        double sum = 0;
        for (int64_t j = 0; j < k; ++j)
          sum += double(own.weights[row * k + j]) * own.inputs[i * k + j];
        power += sum * sum / static_cast<double>(own.rows);
      }
    EXPECT_NEAR(notes.outputPower, power, power * 1e-4);
  }
  EXPECT_LT(better, plain * 0.7);
}

/// Without anything in common between channels there is nothing to make up for.
TEST(QuantizeMatrix, diagonal_inputs_give_nearest_codes) {
  Case own(3, 9, 96, 0);
  GramMatrix gram(96);
  std::vector<float> rows(96 * 96);
  for (int64_t i = 0; i < 96; ++i)
    rows[i * 97] = 1 + static_cast<float>(i % 5);
  gram.addRows(rows, {}, runAll);
  gram.endSet(runAll);
  for (const char *type : {"int2", "int3", "int4", "int8", "fp4", "bitmod3"}) {
    QuantizeNotes notes, nearest;
    WeightForm form = makeForm(type, 32, WeightForm::Gptq);
    std::vector<uint8_t> codes = own.quantize(form, &gram, notes).codes;
    EXPECT_EQ(notes.method, WeightForm::Gptq);
    EXPECT_EQ(notes.polished, 0);
    form.method = WeightForm::Search;
    EXPECT_EQ(codes, own.quantize(form, &gram, nearest).codes) << type;
  }
}

/// Channels that are always 0, channels that are equal, fewer rows than channels: all have a factor.
TEST(QuantizeMatrix, singular_inputs_are_damped) {
  Case own(4, 8, 128, 48);
  for (int64_t i = 0; i < own.rows; ++i) {
    own.inputs[i * own.k + 5] = 0;
    own.inputs[i * own.k + 77] = 0;
    for (int64_t j = 90; j < 100; ++j)
      own.inputs[i * own.k + j] = own.inputs[i * own.k + 3];
  }
  GramMatrix gram = own.gram();
  QuantizeNotes notes, nearest;
  WeightForm form = makeForm("int4", 32, WeightForm::Gptq);
  QuantizedMatrix matrix = own.quantize(form, &gram, notes, 0);
  EXPECT_EQ(notes.method, WeightForm::Gptq);
  EXPECT_EQ(notes.deadChannels, 2);
  EXPECT_EQ(notes.damp, 0.1); // few rows
  GroupCoder coder(matrix.form);
  for (int64_t row = 0; row < own.n; ++row)
    for (int64_t column : {5, 77}) // as near as the group's scale allows, not 0
      EXPECT_EQ(matrix.codes[row * own.k + column],
                coder.codeOf(own.weights[row * own.k + column], matrix.sides[row * matrix.groups + column / 32]));
  form.method = WeightForm::Search;
  own.quantize(form, &gram, nearest);
  EXPECT_LT(notes.outputError, nearest.outputError);
}

TEST(QuantizeMatrix, few_rows_take_nearest_codes_and_say_why) {
  Case own(5, 4, 128, 31);
  GramMatrix gram = own.gram();
  QuantizeNotes notes;
  own.quantize(makeForm("int4", 32, WeightForm::Gptq), &gram, notes);
  EXPECT_EQ(notes.method, WeightForm::Search);
  EXPECT_EQ(notes.reason, "31 rows of inputs are fewer than a quarter of K = 128");
}

/// Below 4 bits codes that have a better one are replaced: never worse than the sweep alone, which wider codes show.
TEST(QuantizeMatrix, polish_lowers_the_error) {
  for (const char *type : {"int2", "int3", "bitmod3"}) {
    Case own(6, 24, 128, 400);
    GramMatrix gram = own.gram();
    QuantizeNotes notes;
    WeightForm form = makeForm(type, 64, WeightForm::Gptq);
    QuantizedMatrix matrix = own.quantize(form, &gram, notes);
    EXPECT_GT(notes.polished, 0) << type;
    QuantizedMatrix swept = matrix;
    swept.codes = textbook(own, gram, matrix, 0.02);
    auto errorOf = [&](const QuantizedMatrix &one) {
      double sum = 0;
      std::vector<float> row(own.k);
      for (int64_t i = 0; i < own.n; ++i) {
        one.readRow(i, row);
        for (int64_t a = 0; a < own.k; ++a)
          row[a] = own.weights[i * own.k + a] - row[a];
        for (int64_t a = 0; a < own.k; ++a)
          for (int64_t b = 0; b < own.k; ++b)
            sum += row[a] * gram.getMean()[a * own.k + b] * row[b];
      }
      return sum;
    };
    EXPECT_LT(errorOf(matrix), errorOf(swept)) << type;
    EXPECT_NEAR(errorOf(matrix), notes.outputError, notes.outputError * 1e-3) << type;
  }
}

/// Rows that a mask leaves out change nothing; sets weigh the same; neither does the order of threads matter.
TEST(QuantizeMatrix, masks_sets_and_threads) {
  Case own(7, 33, 96, 700);
  GramMatrix gram = own.gram(), backwards = own.gram(runBackwards), masked(96), sets(96);
  EXPECT_EQ(gram.getMean(), backwards.getMean());
  std::vector<float> more = own.inputs;
  std::vector<char> keep(own.rows, 1);
  more.insert(more.begin() + 96 * 3, 96 * 100, 1e6f);
  keep.insert(keep.begin() + 3, 100, 0);
  masked.addRows(more, keep, runAll);
  masked.endSet(runAll);
  EXPECT_EQ(masked.getRows(), own.rows);
  EXPECT_EQ(gram.getMean(), masked.getMean());
  llvm::ArrayRef<float> inputs = own.inputs;
  sets.addRows(inputs.take_front(96 * 100), {}, runAll);
  sets.endSet(runAll);
  std::vector<double> first = sets.getMean();
  sets.addRows(inputs.drop_front(96 * 100), {}, runAll);
  sets.endSet(runAll);
  GramMatrix second(96);
  second.addRows(inputs.drop_front(96 * 100), {}, runAll);
  second.endSet(runAll);
  for (int64_t i = 0; i < 96 * 96; ++i) // means in f64, each of them rounded
    EXPECT_NEAR(sets.getMean()[i], (first[i] + second.getMean()[i]) / 2,
                4 * std::numeric_limits<double>::epsilon() * (std::fabs(first[i]) + std::fabs(second.getMean()[i])));
  GramMatrix weighed(96); // a quarter and three quarters
  weighed.addRows(inputs.take_front(96 * 100), {}, runAll);
  weighed.endSet(runAll, 0.5);
  weighed.addRows(inputs.drop_front(96 * 100), {}, runAll);
  weighed.endSet(runAll, 1.5);
  for (int64_t i = 0; i < 96 * 96; ++i)
    EXPECT_NEAR(weighed.getMean()[i], first[i] / 4 + second.getMean()[i] * 3 / 4,
                4 * std::numeric_limits<double>::epsilon() * (std::fabs(first[i]) + std::fabs(second.getMean()[i])));
  std::vector<float> bad(96 * 2, 1.0f);
  bad[100] = NAN;
  masked.addRows(bad, {}, runAll);
  EXPECT_EQ(masked.getBadRows(), 1);
  QuantizeNotes notes;
  WeightForm form = makeForm("int3", 32, WeightForm::Gptq);
  EXPECT_EQ(own.quantize(form, &gram, notes).codes, own.quantize(form, &gram, notes, 0.02, runBackwards).codes);
}

/// The bytes of each type mean what was chosen, with a short last group and extremes.
TEST(QuantizeMatrix, bytes_mean_the_values) {
  for (const char *type : {"int2", "int3", "int4", "int5", "int6", "int7", "int8", "fp4", "mxfp4", "nvfp4", "nf4",
                           "iq4nl", "bitmod3", "bitmod4", "fp6", "fp8", "fp6e3m2", "fp8e5m2", "pot3", "pot4", "bfp3",
                           "bfp4", "bfp8", "table2", "table4", "table8", "dynamic8", "q2_k", "q3_k", "q4_k", "q5_k",
                           "q6_k", "ternary", "binary"})
    for (WeightForm::Method method : {WeightForm::Nearest, WeightForm::Search, WeightForm::Gptq}) {
      Case own(8, 5, 150, 200);
      std::fill_n(own.weights.begin(), 150, 0.0f);   // a row of zeros
      std::fill_n(own.weights.begin() + 150, 150, 1e-42f); // denormal
      own.weights[300] = 900;                        // an outlier
      GramMatrix gram = own.gram();
      QuantizeNotes notes;
      WeightForm form = *WeightForm::of(type);
      form.method = method;
      QuantizedMatrix matrix = own.quantize(form, &gram, notes);
      Encoding encoding = matrix.form.encoding();
      ASSERT_EQ(encoding.findError(), std::nullopt) << type;
      EncodedLayout layout = llvm::cantFail(EncodedLayout::of(encoding, own.n, own.k));
      std::vector<uint8_t> bytes(layout.bytes);
      matrix.pack(layout, bytes, runAll);
      llvm::Expected<std::vector<double>> decoded = decodeTensor(encoding, own.n, own.k, bytes);
      ASSERT_TRUE(bool(decoded)) << type << ": " << llvm::toString(decoded.takeError());
      std::vector<float> row(own.k);
      for (int64_t i = 0; i < own.n; ++i) {
        matrix.readRow(i, row);
        for (int64_t j = 0; j < own.k; ++j) {
          double exact = (*decoded)[i * own.k + j];
          double size = std::fabs(exact); // and of what a minimum is subtracted from
          if (form.hasFloatZeros())
            size += std::fabs(matrix.sides[i * matrix.groups + j / form.group].scale) * 256;
          EXPECT_NEAR(exact, row[j], size * 2e-7 + std::numeric_limits<float>::denorm_min())
              << type << " " << i << " " << j;
        }
      }
    }
}

/// Bytes of runs mean what was chosen, with a short last run; GPTQ lowers the error, and takes the nearest entries
/// where inputs have nothing in common.
TEST(QuantizeMatrix, bytes_of_vectors_mean_the_values) {
  for (int64_t length : {2, 4, 8})
    for (const char *type : {"table2", "table8"}) {
      Case own(22, 21, 150, 700);
      std::fill_n(own.weights.begin(), 150, 0.0f);
      own.weights[300] = 50;
      GramMatrix gram = own.gram();
      WeightForm form = *WeightForm::of(type);
      form.vector = length;
      std::vector<double> errors;
      for (WeightForm::Method method : {WeightForm::Search, WeightForm::Gptq}) {
        form.method = method;
        QuantizeNotes notes;
        QuantizedMatrix matrix = own.quantize(form, &gram, notes);
        errors.push_back(notes.outputError);
        Encoding encoding = matrix.form.encoding();
        ASSERT_EQ(encoding.findError(), std::nullopt) << type;
        EncodedLayout layout = llvm::cantFail(EncodedLayout::of(encoding, own.n, own.k));
        std::vector<uint8_t> bytes(layout.bytes);
        matrix.pack(layout, bytes, runAll);
        std::vector<double> decoded = llvm::cantFail(decodeTensor(encoding, own.n, own.k, bytes));
        std::vector<float> row(own.k);
        for (int64_t i = 0; i < own.n; ++i) {
          matrix.readRow(i, row);
          for (int64_t j = 0; j < own.k; ++j)
            EXPECT_EQ(static_cast<float>(decoded[i * own.k + j]), row[j]) << type << " " << i << " " << j;
        }
        QuantizeNotes other;
        EXPECT_EQ(matrix.codes, own.quantize(form, &gram, other, 0.02, runBackwards).codes);
      }
      if (form.bits == 8) // four entries leave nothing to choose
        EXPECT_LT(errors[1], errors[0]) << type << " " << length;
      Case apart(23, 9, 64, 64);
      std::fill(apart.inputs.begin(), apart.inputs.end(), 0.0f);
      for (int64_t i = 0; i < apart.k; ++i)
        apart.inputs[i * apart.k + i] = 4; // exact without a root
      GramMatrix diagonal = apart.gram();
      QuantizeNotes notes;
      QuantizedMatrix gptq = apart.quantize(form, &diagonal, notes);
      form.method = WeightForm::Search;
      EXPECT_EQ(gptq.codes, apart.quantize(form, &diagonal, notes).codes);
    }
}

/// Inputs that are 0 in all samples choose the codes that no inputs choose.
TEST(QuantizeMatrix, zero_inputs_leave_nearest_vectors) {
  Case own(24, 17, 64, 32);
  std::fill(own.inputs.begin(), own.inputs.end(), 0.0f);
  GramMatrix gram = own.gram();
  WeightForm form = *WeightForm::of("table8");
  form.vector = 2;
  form.method = WeightForm::Search;
  QuantizeNotes notes;
  EXPECT_EQ(own.quantize(form, &gram, notes).codes, own.quantize(form, nullptr, notes).codes);
}

/// What is added makes the mean output exact, and the error that is told is that of the outputs with it.
TEST(QuantizeMatrix, corrections_make_means_exact) {
  Case own(14, 12, 96, 400);
  for (float &input : own.inputs)
    input += 2;
  GramMatrix gram = own.gram();
  WeightForm form = makeForm("int3", 32, WeightForm::Search);
  QuantizeNotes notes;
  QuantizedMatrix matrix = own.quantize(form, &gram, notes);
  ASSERT_EQ(static_cast<int64_t>(matrix.correction.size()), own.n);
  double total = 0;
  std::vector<float> row(own.k);
  for (int64_t i = 0; i < own.n; ++i) {
    matrix.readRow(i, row);
    double mean = 0;
    for (int64_t x = 0; x < own.rows; ++x) {
      double error = -matrix.correction[i];
      for (int64_t j = 0; j < own.k; ++j)
        error += (double(own.weights[i * own.k + j]) - row[j]) * own.inputs[x * own.k + j];
      mean += error / static_cast<double>(own.rows);
      total += error * error / static_cast<double>(own.rows);
    }
    EXPECT_NEAR(mean, 0, 2 * std::numeric_limits<float>::epsilon() * std::fabs(matrix.correction[i]));
  }
  EXPECT_NEAR(notes.outputError, total, total * 1e-3);
  form.method = WeightForm::Gptq;
  EXPECT_TRUE(own.quantize(form, &gram, notes).correction.empty());
}

/// Factors of inputs lower the error of outputs where few channels are large, and are the same for any order.
TEST(QuantizeMatrix, input_scales_lower_the_error) {
  Case own(21, 24, 128, 600);
  for (int64_t x = 0; x < own.rows; ++x)
    for (int64_t j = 0; j < own.k; j += 16)
      own.inputs[x * own.k + j] *= 20;
  GramMatrix gram = own.gram();
  double mean = 0;
  for (int64_t x = 0; x < own.rows; ++x)
    mean += std::fabs(double(own.inputs[x * own.k + 5])) / static_cast<double>(own.rows);
  EXPECT_NEAR(gram.getMeanMagnitudes()[5], mean,
              double(own.rows) * std::numeric_limits<double>::epsilon() * mean); // sums of rows in f64
  WeightForm form = makeForm("int3", 64, WeightForm::Search);
  ScaledWeight weight{own.n, own.weights, form};
  InputScales scales = fitInputScales(weight, gram, {}, runAll);
  EXPECT_GT(scales.power, 0);
  EXPECT_EQ(scales.factors, fitInputScales(weight, own.gram(runBackwards), {}, runBackwards).factors);
  QuantizeNotes plain, scaled;
  own.quantize(form, &gram, plain);
  std::vector<float> inverse;
  for (float factor : scales.factors)
    inverse.push_back(1 / factor);
  GramMatrix other = gram.scaled(inverse);
  for (int64_t i = 0; i < own.n * own.k; ++i)
    own.weights[i] *= scales.factors[i % own.k];
  own.quantize(form, &other, scaled);
  EXPECT_NEAR(scaled.outputPower, plain.outputPower, // sums of k in f32
              double(own.k) * std::numeric_limits<float>::epsilon() * plain.outputPower);
  EXPECT_LT(scaled.outputError, 0.7 * plain.outputError);
  GramMatrix even(own.k); // inputs that are all alike ask for nothing
  std::vector<float> ones(own.k * own.k);
  for (int64_t i = 0; i < own.k; ++i)
    ones[i * own.k + i] = 1;
  even.addRows(ones, {}, runAll);
  even.endSet(runAll);
  EXPECT_EQ(fitInputScales(weight, even, {}, runAll).power, 0);
}

/// Of inputs in 8 bits with one scale, and of weights: what comes of both, by the outputs themselves.
static double roundedError(const Case &own, const WeightForm &form, llvm::ArrayRef<float> factors) {
  Case scaled = own;
  for (int64_t i = 0; i < own.n * own.k; ++i)
    scaled.weights[i] *= factors[i % own.k];
  float reach = 0;
  for (int64_t i = 0; i < own.rows * own.k; ++i) {
    scaled.inputs[i] /= factors[i % own.k];
    reach = std::max(reach, std::fabs(scaled.inputs[i]));
  }
  QuantizeNotes notes;
  GramMatrix gram = scaled.gram();
  QuantizedMatrix matrix = scaled.quantize(form, &gram, notes);
  float step = reach / 127;
  double error = 0;
  std::vector<float> row(own.k);
  for (int64_t i = 0; i < own.n; ++i) {
    matrix.readRow(i, row);
    for (int64_t x = 0; x < own.rows; ++x) {
      double off = 0;
      for (int64_t j = 0; j < own.k; ++j)
        off += double(own.weights[i * own.k + j]) * own.inputs[x * own.k + j] -
               double(row[j]) * step * std::nearbyint(scaled.inputs[x * own.k + j] / step);
      error += off * off / static_cast<double>(own.rows);
    }
  }
  return error;
}

/// The largest magnitude of each of `k` columns.
static std::vector<float> magnitudesOf(llvm::ArrayRef<float> values, int64_t k) {
  std::vector<float> magnitudes(k);
  for (auto [i, value] : llvm::enumerate(values))
    magnitudes[i % k] = std::max(magnitudes[i % k], std::fabs(value));
  return magnitudes;
}

/// SmoothQuant's factors of the channels for one power (arXiv 2211.10438, equation 4).
static std::vector<float> factorsOf(const Case &own, float power) {
  std::vector<float> factors = magnitudesOf(own.inputs, own.k), weights = magnitudesOf(own.weights, own.k);
  for (auto [factor, weight] : llvm::zip_equal(factors, weights))
    factor = std::pow(factor, power) / std::pow(weight, 1 - power);
  return factors;
}

/// Smoothing makes the error of outputs less where a few channels are large, also where others are 0 throughout.
TEST(QuantizeMatrix, smooth_inputs_lower_the_error) {
  Case own(22, 24, 128, 600);
  for (int64_t x = 0; x < own.rows; ++x) {
    for (int64_t j = 0; j < own.k; j += 32)
      own.inputs[x * own.k + j] *= 50;
    own.inputs[x * own.k + 7] = 0;
  }
  for (int64_t i = 0; i < own.n; ++i)
    own.weights[i * own.k + 9] = 0;
  WeightForm form = *WeightForm::of("int8");
  ScaledWeight weight{own.n, own.weights, form};
  ActivationRounding rounding;
  rounding.smooths = true;
  InputScales scales = fitInputScales(weight, own.gram(), rounding, runAll);
  EXPECT_GE(scales.power, 0.3);
  EXPECT_EQ(scales.factors, fitInputScales(weight, own.gram(runBackwards), rounding, runBackwards).factors);
  EXPECT_LT(roundedError(own, form, scales.factors), 0.2 * roundedError(own, form, std::vector<float>(own.k, 1)));
}

/// A scale that just fits some rows clips others; smoothing leaves room for them. In rows that were not seen, where
/// each channel has outliers of its own, the power that is found is about as good as the best.
TEST(QuantizeMatrix, smooth_inputs_leave_room) {
  constexpr int64_t n = 16, k = 256, rows = 800;
  std::mt19937 random(31);
  std::normal_distribution<double> normal;
  std::exponential_distribution<double> tail;
  std::vector<double> sizes(k);
  for (double &size : sizes)
    size = std::exp(normal(random));
  Case seen(32, n, k, rows), unseen = seen;
  for (Case *own : {&seen, &unseen})
    for (int64_t i = 0; i < rows * k; ++i)
      own->inputs[i] = static_cast<float>(sizes[i % k] * tail(random) * (random() % 2 ? 1 : -1));
  std::vector<float> greatest = magnitudesOf(seen.inputs, k);
  /// Of the inputs alone, clipped to what the seen ones reach.
  auto errorOf = [&](llvm::ArrayRef<float> factors) {
    double reach = 0, error = 0;
    for (int64_t j = 0; j < k; ++j)
      reach = std::max(reach, double(greatest[j]) / factors[j]);
    double step = reach / 127;
    for (int64_t j = 0; j < k; ++j) {
      double power = 0, sum = 0;
      for (int64_t i = 0; i < n; ++i)
        power += double(unseen.weights[i * k + j]) * unseen.weights[i * k + j];
      for (int64_t x = 0; x < rows; ++x) {
        double value = unseen.inputs[x * k + j], code = std::nearbyint(value / factors[j] / step);
        double off = value - factors[j] * step * std::min(127.0, std::max(-127.0, code));
        sum += off * off;
      }
      error += power * sum;
    }
    return error;
  };
  double best = errorOf(std::vector<float>(k, 1)), last = best;
  for (int step = 6; step < 20; ++step) {
    last = errorOf(factorsOf(seen, step / 20.0f));
    best = std::min(best, last);
  }
  EXPECT_GT(last, 1.2 * best); // else there is nothing to lose
  ActivationRounding rounding;
  rounding.smooths = true;
  rounding.scales = ActivationRounding::Extremes;
  ScaledWeight weight{n, seen.weights, *WeightForm::of("int8")};
  InputScales found = fitInputScales(weight, seen.gram(), rounding, runAll);
  EXPECT_LT(errorOf(found.factors), 1.1 * best);
  rounding.scales = ActivationRounding::Tensor; // which no row exceeds
  EXPECT_GT(fitInputScales(weight, seen.gram(), rounding, runAll).power, found.power);
}

/// Where each row has a scale of its own, the power is the one that rounds other rows best, or near it. Of 4 bits,
/// beside which the weight's codes do not count.
TEST(QuantizeMatrix, smooth_inputs_of_rows) {
  constexpr int64_t n = 32, k = 96, rows = 300;
  Case seen(44, n, k, rows), unseen(45, n, k, rows);
  for (Case *own : {&seen, &unseen})
    for (int64_t i = 0; i < rows * k; ++i) { // few channels are great, and rows have many sizes
      float channel = i % k % 17 == 0 ? 12.0f : static_cast<float>(1 + i % k % 3);
      own->inputs[i] *= channel * static_cast<float>(1 + i / k % 7);
    }
  auto errorOf = [&](llvm::ArrayRef<float> factors) {
    std::vector<double> powers(k);
    for (int64_t i = 0; i < n * k; ++i)
      powers[i % k] += double(seen.weights[i]) * seen.weights[i];
    double error = 0;
    for (int64_t row = 0; row < rows; ++row) {
      llvm::ArrayRef<float> own = llvm::ArrayRef(unseen.inputs).slice(row * k, k);
      double reach = 0;
      for (int64_t j = 0; j < k; ++j)
        reach = std::max(reach, std::fabs(double(own[j]) / factors[j]));
      for (int64_t j = 0; j < k; ++j) {
        double step = reach / 7, off = own[j] - factors[j] * step * std::nearbyint(own[j] / factors[j] / step);
        error += powers[j] * off * off;
      }
    }
    return error;
  };
  double none = errorOf(std::vector<float>(k, 1)), best = none;
  for (int step = 6; step < 20; ++step)
    best = std::min(best, errorOf(factorsOf(seen, step / 20.0f)));
  EXPECT_LT(best, 0.8 * none); // else there is nothing to gain
  ActivationRounding rounding;
  rounding.smooths = true;
  rounding.scales = ActivationRounding::Token;
  rounding.bits = 4;
  ScaledWeight weight{n, seen.weights, *WeightForm::of("int8")};
  EXPECT_LT(errorOf(fitInputScales(weight, seen.gram(), rounding, runAll).factors), 1.1 * best);
}

/// Tables of a few values come near to the least error that they have for normal numbers (Max, 1960), also where a row
/// has an outlier and where rows have other sizes.
TEST(QuantizeMatrix, tables_of_few_values_fit) {
  for (auto [type, least] : {std::pair("table2", 0.1175), {"table3", 0.03454}, {"table4", 0.009497}}) {
    Case own(33, 64, 512, 1);
    for (int64_t i = 0; i < own.n * own.k; ++i)
      own.weights[i] *= static_cast<float>(1 + i / own.k % 5);
    own.weights[700] = 100;
    QuantizeNotes notes;
    own.quantize(makeForm(type, kWhole, WeightForm::Search), nullptr, notes);
    // The outlier alone leaves an error of its own.
    EXPECT_LT(notes.weightError, 1.15 * least * (notes.weightPower - 1e4) + 1e4) << type;
  }
}

/// That the bytes do not depend on the order of the work, and decode to what the matrix says its rows are.
static void expectBytesOfValues(const Case &own, const WeightForm &form, const GramMatrix &gram,
                                const QuantizedMatrix &matrix) {
  Encoding encoding = matrix.form.encodingOf(own.n, own.k);
  ASSERT_EQ(encoding.findError(), std::nullopt) << form.text();
  EncodedLayout layout = llvm::cantFail(EncodedLayout::of(encoding, own.n, own.k));
  std::vector<uint8_t> bytes(layout.bytes), again(layout.bytes);
  matrix.pack(layout, bytes, runAll);
  QuantizeNotes notes;
  own.quantize(form, &gram, notes, 0.02, runBackwards).pack(layout, again, runBackwards);
  EXPECT_EQ(bytes, again) << form.text();
  llvm::Expected<std::vector<double>> decoded = decodeTensor(encoding, own.n, own.k, bytes);
  ASSERT_TRUE(bool(decoded)) << form.text() << ": " << llvm::toString(decoded.takeError());
  std::vector<float> row(own.k);
  for (int64_t i = 0; i < own.n; ++i) {
    matrix.readRow(i, row);
    for (int64_t j = 0; j < own.k; ++j) // summands are at most 32
      EXPECT_NEAR((*decoded)[i * own.k + j], row[j], 128 * std::numeric_limits<float>::epsilon())
          << form.text() << " " << i << " " << j;
  }
}

/// The same for rows and groups of types of their own, columns out of order, scattered elements and zero points of
/// floats; what is coded more finely has less error.
TEST(QuantizeMatrix, bytes_of_mixed_forms_mean_the_values) {
  struct Variant {
    const char *type;
    double rows, groups, outliers;
    bool sorted, hqq;
  };
  for (const Variant &variant : {Variant{"int4", 0.2, 0, 0, false, false}, {"nf4", 0.2, 0, 0, false, false},
                                 {"q4_k", 0.2, 0, 0, false, false}, {"int2", 0, 0.25, 0, false, false},
                                 {"int3", 0, 0.1, 0, false, false}, {"bfp4", 0, 0, 0, true, false},
                                 {"int4", 0, 0, 0, true, false}, {"int3", 0, 0, 0.01, false, false},
                                 {"ternary", 0, 0, 0.02, false, false}, {"int3", 0, 0, 0, false, true}})
    for (WeightForm::Method method : {WeightForm::Nearest, WeightForm::Search, WeightForm::Gptq}) {
      Case own(12, 9, 150, 300);
      std::fill_n(own.weights.begin(), 150, 0.0f); // a row of zeros
      own.weights[310] = 30;
      GramMatrix gram = own.gram();
      WeightForm form = *WeightForm::of(variant.type);
      form.method = variant.hqq ? WeightForm::HalfQuadratic : method;
      QuantizeNotes plain, notes;
      own.quantize(form, &gram, plain);
      form.wideRows = variant.rows;
      form.wideGroups = variant.groups;
      form.outliers = variant.outliers;
      form.scattered = variant.outliers > 0;
      form.sorted = variant.sorted;
      QuantizedMatrix matrix = own.quantize(form, &gram, notes);
      if (form.isMixed() || form.scattered)
        EXPECT_LT(notes.outputError, plain.outputError) << form.text() << " " << methodName(method).str();
      expectBytesOfValues(own, form, gram, matrix);
    }
}

/// Blocks of 4 x 32 elements of a matrix that they do not divide: one scale (and zero point, and table) for each.
TEST(QuantizeMatrix, blocks_share_their_sides) {
  for (const char *type : {"int8", "int4", "int3", "fp8", "fp4", "nf4", "bitmod4", "bfp5", "pot4", "ternary"})
    for (WeightForm::Method method : {WeightForm::Nearest, WeightForm::Search, WeightForm::Gptq}) {
      Case own(21, 10, 150, 300);
      std::fill_n(own.weights.begin() + 8 * 150, 300, 0.0f); // a block of zeros
      own.weights[310] = 30;
      GramMatrix gram = own.gram();
      WeightForm form = *WeightForm::of(type);
      form.method = method;
      form.group = 32;
      form.blockRows = 4;
      QuantizeNotes notes;
      QuantizedMatrix matrix = own.quantize(form, &gram, notes);
      for (int64_t row = 0; row < own.n; ++row)
        for (int64_t group = 0; group < 5; ++group) {
          const GroupSide &side = matrix.sides[row * 5 + group], &first = matrix.sides[row / 4 * 20 + group];
          EXPECT_TRUE(side.scale == first.scale && side.zero == first.zero && side.table == first.table);
          if (method != WeightForm::Nearest || form.values != WeightForm::Integer || !form.symmetric)
            continue;
          float extreme = 0;
          for (int64_t i = row / 4 * 4; i < std::min<int64_t>(own.n, row / 4 * 4 + 4); ++i)
            for (int64_t j = group * 32; j < std::min<int64_t>(own.k, group * 32 + 32); ++j)
              extreme = std::max(extreme, std::fabs(own.weights[i * own.k + j]));
          if (extreme > 0)
            EXPECT_EQ(side.scale, static_cast<float>(extreme / 127.0));
        }
      expectBytesOfValues(own, form, gram, matrix);
      EncodedLayout layout = llvm::cantFail(EncodedLayout::of(matrix.form.encodingOf(own.n, own.k), own.n, own.k));
      const EncodedArray &scales = *layout.find(ArrayRole::Scales, 0, 0);
      EXPECT_EQ(scales.rows, 3);
      EXPECT_EQ(scales.columns, 5);
    }
}

/// Rows of 8 bits clip nothing, and elements that another term holds are not those of the codes.
TEST(QuantizeMatrix, counts_what_codes_clip) {
  Case test(17, 24, 64, 0);
  WeightForm form;
  form.bits = 3;
  form.group = kWhole;
  form.method = WeightForm::Search;
  QuantizeNotes plain, mixed;
  test.quantize(form, nullptr, plain);
  ASSERT_GT(plain.clipped, 0);
  form.wideRows = 0.5;
  QuantizedMatrix matrix = test.quantize(form, nullptr, mixed);
  ASSERT_EQ(matrix.wideRows.size(), 12u);
  // Those of the other rows alone.
  Case narrow = test;
  for (int64_t row : matrix.wideRows)
    std::fill_n(narrow.weights.begin() + row * narrow.k, narrow.k, 0.0f);
  QuantizeNotes rest;
  form.wideRows = 0;
  narrow.quantize(form, nullptr, rest);
  EXPECT_EQ(mixed.clipped, rest.clipped);
  EXPECT_LT(mixed.clipped, plain.clipped);
}

/// Columns and factors of low rank take off what the codes leave, most of it where an input is large.
TEST(QuantizeMatrix, other_terms_lower_the_error) {
  for (const char *type : {"int3", "nf4", "iq4nl"}) {
    Case own(9, 24, 100, 500);
    for (int64_t i = 0; i < own.rows; ++i)
      own.inputs[i * own.k + 41] *= 12;
    GramMatrix gram = own.gram();
    for (WeightForm::Method method : {WeightForm::Nearest, WeightForm::Search, WeightForm::Gptq}) {
      WeightForm form = makeForm(type, 32, method);
      QuantizeNotes plain, columns, lowRank, both;
      own.quantize(form, &gram, plain);
      form.outliers = 0.02;
      QuantizedMatrix matrix = own.quantize(form, &gram, columns);
      EXPECT_EQ(matrix.rest.columns.size(), 2u);
      EXPECT_TRUE(llvm::is_contained(matrix.rest.columns, 41)) << type;
      if (form.isInteger()) // steps that grow with the range gain most
        EXPECT_LT(columns.outputError, 0.9 * plain.outputError) << type << " " << methodName(method).str();
      form.rank = 6;
      own.quantize(form, &gram, both);
      EXPECT_LT(both.outputError, columns.outputError) << type;
      form.outliers = 0;
      own.quantize(form, &gram, lowRank);
      EXPECT_LT(lowRank.outputError, 0.9 * plain.outputError) << type;
      EXPECT_EQ(own.quantize(form, &gram, lowRank).rest.right.codes,
                own.quantize(form, &gram, lowRank, 0.02, runBackwards).rest.right.codes);
    }
  }
}

/// The bytes of sums are what the encoding says.
TEST(QuantizeMatrix, bytes_of_sums_mean_the_values) {
  for (const char *type : {"int4", "bitmod3"}) {
    Case own(10, 7, 150, 200);
    std::fill_n(own.weights.begin(), 150, 0.0f); // a row of zeros
    GramMatrix gram = own.gram();
    QuantizeNotes notes;
    WeightForm form = *WeightForm::of(type);
    form.outliers = 0.03;
    form.rank = 3;
    QuantizedMatrix matrix = own.quantize(form, &gram, notes);
    Encoding encoding = matrix.form.encodingOf(own.n, own.k);
    ASSERT_EQ(encoding.findError(), std::nullopt) << type;
    EncodedLayout layout = llvm::cantFail(EncodedLayout::of(encoding, own.n, own.k));
    std::vector<uint8_t> bytes(layout.bytes);
    matrix.pack(layout, bytes, runAll);
    llvm::Expected<std::vector<double>> decoded = decodeTensor(encoding, own.n, own.k, bytes);
    ASSERT_TRUE(bool(decoded)) << type << ": " << llvm::toString(decoded.takeError());
    std::vector<float> row(own.k);
    for (int64_t i = 0; i < own.n; ++i) {
      matrix.readRow(i, row);
      for (int64_t j = 0; j < own.k; ++j) // weights are of size 1, and so are the summands
        EXPECT_NEAR((*decoded)[i * own.k + j], row[j], 16 * std::numeric_limits<float>::epsilon())
            << type << " " << i << " " << j;
    }
  }
}

TEST(QuantizeMatrix, refuses_what_is_no_number) {
  QuantizedMatrix matrix;
  QuantizeNotes notes;
  for (float bad : {NAN, INFINITY}) {
    auto read = [&](int64_t, llvm::MutableArrayRef<float> values) {
      std::fill(values.begin(), values.end(), 1.0f);
      values[7] = bad;
    };
    EXPECT_EQ(quantizeMatrix({2, 64, read}, *WeightForm::of("int4"), nullptr, {}, runAll, matrix, notes),
              QuantizeFault::NotFinite);
  }
}
