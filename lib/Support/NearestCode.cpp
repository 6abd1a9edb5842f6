//===- NearestCode.cpp - the code whose value is nearest to a number ---------===//
// Evenly spaced values are found by rounding, all others by a search among the middles of sorted values.
#include "NearestCode.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace lutra;

NearestCode::NearestCode(const WeightFormat &format, const ValueTable &table) : table(table) {
  const ValueMap &map = format.value;
  if (map.kind == ValueMap::Affine || map.kind == ValueMap::Bipolar) {
    linear = true;
    bool isInt = format.code.kind == CodeForm::Int;
    unsigned bits = format.code.kind == CodeForm::Dict ? 8 : format.code.codeBits();
    int64_t count = format.code.kind == CodeForm::Radix ? format.code.numbers[0] : table.codes;
    base = map.kind == ValueMap::Affine ? (double)map.offset : -(double)(table.codes - 1);
    inverseStep = map.kind == ValueMap::Affine ? 1 : 0.5;
    lowest = isInt ? -(double)(count / 2) : 0;
    highest = lowest + (double)(count - 1);
    mask = llvm::maskTrailingOnes<uint32_t>(bits);
  }
  for (int64_t index = 0; index < table.tables; ++index) {
    Sorted &own = sorted.emplace_back();
    std::vector<std::pair<double, uint32_t>> pairs;
    for (int64_t code = 0; code < table.codes; ++code)
      for (int64_t element = 0; element < table.vector; ++element)
        if (double value = table.entry(index, code)[element]; !std::isnan(value))
          pairs.emplace_back(value == 0 ? 0.0 : value, code); // one zero
    std::sort(pairs.begin(), pairs.end());
    for (auto [value, code] : pairs)
      if (own.values.empty() || own.values.back() != value) {
        own.values.push_back(value);
        own.codes.push_back(code);
      }
    for (size_t i = 0; i + 1 < own.values.size(); ++i) {
      own.middles.push_back((own.values[i] + own.values[i + 1]) / 2);
      own.tieUp.push_back(own.codes[i] % 2 == 1 && own.codes[i + 1] % 2 == 0);
    }
    own.middles.push_back(std::numeric_limits<double>::infinity());
    own.tieUp.push_back(0);
  }
}

void NearestCode::find(llvm::ArrayRef<double> targets, llvm::MutableArrayRef<uint32_t> codes) const {
  if (linear) {
    for (size_t i = 0; i < targets.size(); ++i)
      codes[i] = findLinear(targets[i]);
    return;
  }
  for (size_t i = 0; i < targets.size(); ++i)
    codes[i] = findSorted(targets[i], 0);
}

uint32_t NearestCode::findSorted(double target, int64_t index) const {
  const Sorted &own = sorted[index];
  const double *middles = own.middles.data();
  size_t place = 0;
  if (own.middles.size() <= 16) {
    for (size_t i = 0; i < own.middles.size(); ++i)
      place += middles[i] < target;
  } else {
    size_t size = own.middles.size(); // the first middle that is not below, without branches
    while (size > 1) {
      size_t half = size / 2;
      place += middles[place + half - 1] < target ? half : 0;
      size -= half;
    }
  }
  if (middles[place] == target)
    place += own.tieUp[place];
  return own.codes[place];
}

uint32_t NearestCode::findVector(llvm::ArrayRef<double> targets, llvm::function_ref<int64_t(int64_t)> indexAt) const {
  uint32_t best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (int64_t code = 0; code < table.codes; ++code) {
    double distance = 0;
    for (size_t i = 0; i < targets.size(); ++i) {
      double error = targets[i] - table.entry(indexAt(i), code)[i];
      distance += error * error;
    }
    if (distance < least) { // never for an entry that names no value
      least = distance;
      best = code;
    }
  }
  return best;
}
