//===- Compare.cpp - is a result inside its bound? -------------------------===//
#include "lutra/Reference/Compare.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <limits>

using namespace lutra;

/// Distance to the next number of a kind at a magnitude.
static double unitAt(ElementKind kind, double magnitude) {
  if (!isFloatKind(kind))
    return 1;
  int precision = 53, minExponent = -1022;
  switch (kind) {
  case ElementKind::F64:
    break;
  case ElementKind::F32:
    precision = 24, minExponent = -126;
    break;
  case ElementKind::BF16:
    precision = 8, minExponent = -126;
    break;
  case ElementKind::F16:
    precision = 11, minExponent = -14;
    break;
  default:
    precision = 3, minExponent = -15;
    break;
  }
  int exponent = magnitude > 0 ? std::max(std::ilogb(magnitude), minExponent) : minExponent;
  return std::ldexp(1, exponent - (precision - 1));
}

static unsigned bucketOf(double ulps) {
  unsigned bucket = 0;
  for (double limit = 0.5; bucket < 12 && ulps > limit; limit = bucket == 0 ? 1 : limit * 2)
    ++bucket;
  return bucket;
}

/// Equal elements, NaN being equal to NaN. Integers are compared as such: two of 64 bits may differ
/// and still be one double.
static bool areEqual(const Tensor &actual, const Tensor &reference, int64_t i) {
  if (!actual.isFloat() && !reference.isFloat())
    return actual.getInt(i) == reference.getInt(i);
  double a = actual.getFloat(i), r = reference.getFloat(i);
  return a == r || (std::isnan(a) && std::isnan(r));
}

CompareReport lutra::compare(const Tensor &actual, const Tensor &reference,
                             llvm::ArrayRef<double> bound) {
  CompareReport report;
  report.count = reference.getCount();
  report.sameShape = actual.getShape() == reference.getShape() &&
                     (bound.empty() || static_cast<int64_t>(bound.size()) == report.count);
  if (!report.sameShape)
    return report;
  double errorSquares = 0, referenceSquares = 0;
  for (int64_t i = 0; i < report.count; ++i) {
    double limit = bound.empty() ? 0 : bound[i];
    if (std::isinf(limit)) {
      ++report.undetermined;
      continue;
    }
    double a = actual.getFloat(i), r = reference.getFloat(i);
    if (areEqual(actual, reference, i)) {
      if (std::isfinite(r))
        referenceSquares += r * r;
      ++report.ulpHistogram[0];
      continue;
    }
    if (!std::isfinite(a) || !std::isfinite(r)) {
      ++report.nonFiniteMismatches;
      if (report.nonFiniteMismatches == 1 && report.violations == 0) {
        report.worst = i;
        report.worstActual = a;
        report.worstReference = r;
        report.worstBound = limit;
      }
      continue;
    }
    double error = std::max(std::fabs(a - r), actual.isFloat() ? 0.0 : 1.0);
    errorSquares += error * error;
    referenceSquares += r * r;
    report.maxError = std::max(report.maxError, error);
    ++report.ulpHistogram[bucketOf(error / unitAt(actual.getKind(), std::fabs(r)))];
    double ratio = limit > 0 ? error / limit : std::numeric_limits<double>::infinity();
    if (!(error <= limit))
      ++report.violations;
    if (ratio > report.maxRatio) {
      report.maxRatio = ratio;
      report.worst = i;
      report.worstActual = a;
      report.worstReference = r;
      report.worstBound = limit;
    }
  }
  report.normError = referenceSquares > 0 ? std::sqrt(errorSquares / referenceSquares)
                                          : std::sqrt(errorSquares);
  return report;
}

std::string CompareReport::text() const {
  std::string line;
  llvm::raw_string_ostream os(line);
  if (!sameShape) {
    os << "FAIL: the shapes differ";
    return line;
  }
  os << (passed() ? "ok" : "FAIL") << ": " << count << " elements, "
     << llvm::format("max error %.3g, max error/bound %.3g, norm error %.3g", maxError, maxRatio,
                     normError);
  if (undetermined)
    os << ", " << undetermined << " undetermined";
  if (!passed()) {
    os << ", " << violations << " outside the bound, " << nonFiniteMismatches
       << " non-finite mismatches; worst element " << worst << ": "
       << llvm::format("%.9g instead of %.9g (bound %.3g)", worstActual, worstReference,
                       worstBound);
  }
  return line;
}
