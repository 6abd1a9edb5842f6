//===- GroupCoder.cpp - scale and codes of a group of weights ----------------===//
#include "lutra/Support/GroupCoder.h"

#include "lutra/Support/SideValues.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace lutra;
using llvm::ArrayRef;

/// Steps of a search beside the first, which clips nothing.
static constexpr int trials = 20, tableTrials = 12;

GroupCoder::GroupCoder(const WeightForm &form, float tensorScale, ArrayRef<float> table)
    : form(form), isLinear(form.isLinear()), tensorScale(tensorScale) {
  if (isLinear) {
    most = static_cast<float>((1 << form.bits) - 1);
    middle = static_cast<float>(1 << (form.bits - 1));
    // Symmetric codes reach as far on both sides, but where a scale may be negative.
    least = form.symmetric && !form.hasSignedScales() ? 1 : 0;
    return;
  }
  Encoding encoding = form.encoding();
  const WeightFormat &format = encoding.terms.front().formats.front();
  for (int64_t index = 0; index < (format.value.select == ValueMap::Tensor ? 1 : 4); ++index) {
    std::vector<std::pair<double, uint8_t>> entries;
    for (int64_t code = 0; code < form.codeCount(); ++code)
      if (!table.empty())
        entries.emplace_back(table[code], code);
      else if (std::optional<double> value = valueOfCode(format, code, index))
        entries.emplace_back(*value, code);
    llvm::sort(entries);
    Table &table = tables.emplace_back();
    for (auto [value, code] : entries) {
      if (!table.values.empty() && table.values.back() == static_cast<float>(value))
        continue; // -0 beside 0
      if (!table.values.empty())
        table.middles.push_back(static_cast<float>((table.values.back() + value) / 2));
      table.values.push_back(static_cast<float>(value));
      table.codes.push_back(code);
      table.extreme = std::max(table.extreme, static_cast<float>(std::fabs(value)));
    }
  }
}

float GroupCoder::tensorScaleOf(const WeightForm &form, float extreme) {
  if (form.values != WeightForm::NvFp4 || extreme == 0)
    return 1;
  constexpr float greatest = 6 * 448; // of a code and of a group's scale
  return std::max(extreme / greatest, std::numeric_limits<float>::min());
}

/// A scale as it is stored, of values that were moved by 2^-exponent.
float GroupCoder::stored(double scale, int exponent) const {
  if (form.values == WeightForm::KQuant) // `join` rounds it
    return static_cast<float>(scale);
  if (form.scale == SideType::F32) {
    double reach = isLinear ? most : tables.front().extreme;
    auto low = static_cast<float>(std::ldexp(std::numeric_limits<float>::min(), -exponent));
    auto high = static_cast<float>(std::ldexp(std::numeric_limits<float>::max() / reach, -exponent));
    auto wanted = static_cast<float>(scale);
    return std::copysign(std::min(std::max(std::fabs(wanted), low), high), wanted);
  }
  SideType type{form.scale, 0};
  double unit = form.values == WeightForm::NvFp4 ? std::ldexp(tensorScale, -exponent) : std::ldexp(1.0, -exponent);
  uint32_t code = encodeSide(type, scale / unit);
  if (form.scale == SideType::UE4M3 && code == 0)
    code = 1; // a scale of 0 would lose the group
  return static_cast<float>(decodeSide(type, code) * unit);
}

float GroupCoder::storedScale(double scale) const { return stored(scale, 0); }

bool GroupCoder::holds(const GroupSide &side) const {
  // Below its least normal number an f16 loses bits, and beyond its greatest there is nothing.
  constexpr float leastHalf = 6.103515625e-05f, greatestHalf = 65504;
  return form.scale != SideType::F16 || form.values == WeightForm::KQuant ||
         (std::fabs(side.scale) >= leastHalf && std::fabs(side.scale) < greatestHalf);
}

/// The codes below hold fewer bits than even a small f16.
bool GroupCoder::holds(const SuperSide &side) const {
  constexpr float least = 0x1p-18f, greatest = 65504;
  auto fits = [&](float scale) { return scale == 0 || (scale >= least && scale < greatest); };
  return form.scale != SideType::F16 || (fits(side.scale) && fits(side.minimum));
}

bool GroupCoder::clips(float value, const GroupSide &side) const {
  float quotient = value / side.scale;
  if (isLinear)
    return quotient < least - side.zero - 0.5f || quotient > most - side.zero + 0.5f;
  const std::vector<float> &values = tables[side.table].values;
  size_t last = values.size() - 1;
  return quotient < values[0] - (values[1] - values[0]) / 2 ||
         quotient > values[last] + (values[last] - values[last - 1]) / 2;
}

/// In the order of lanes, so that compilers make vectors of them.
template <bool weighted> GroupCoder::Sums GroupCoder::integerSums(const Group &group, const GroupSide &side) const {
  constexpr size_t lanes = 8;
  float error[lanes] = {}, product[lanes] = {}, square[lanes] = {};
  float inverse = 1 / side.scale;
  auto add = [&](size_t lane, size_t index) {
    float value = group.values[index], unit = distance(value, inverse, side.zero), rest = value - side.scale * unit;
    float weight = weighted ? group.weights[index] : 1;
    error[lane] += weight * (rest * rest);
    product[lane] += weight * (value * unit);
    square[lane] += weight * (unit * unit);
  };
  size_t size = group.values.size(), whole = size / lanes * lanes;
  for (size_t first = 0; first < whole; first += lanes)
    for (size_t lane = 0; lane < lanes; ++lane)
      add(lane, first + lane);
  for (size_t rest = whole; rest < size; ++rest)
    add(rest - whole, rest);
  Sums sums;
  for (size_t lane = 0; lane < lanes; ++lane) {
    sums.error += error[lane];
    sums.product += product[lane];
    sums.square += square[lane];
  }
  return sums;
}

GroupCoder::Sums GroupCoder::tableSums(const Group &group, const GroupSide &side) const {
  Sums sums;
  float inverse = 1 / side.scale;
  const Table &table = tables[side.table];
  for (auto [index, value] : llvm::enumerate(group.values)) {
    float unit = table.values[nearest(value * inverse, table)], rest = value - side.scale * unit;
    double weight = group.weights.empty() ? 1 : group.weights[index];
    sums.error += weight * (rest * rest);
    sums.product += weight * (value * unit);
    sums.square += weight * (unit * unit);
  }
  return sums;
}

GroupCoder::Sums GroupCoder::sumsOf(const Group &group, const GroupSide &side) const {
  if (!isLinear)
    return tableSums(group, side);
  return group.weights.empty() ? integerSums<false>(group, side) : integerSums<true>(group, side);
}

/// With the codes of a fit another scale has less error: e(s') = e(s) + (s' - s) ((s' + s) square - 2 product).
void GroupCoder::tryRefit(const Group &group, const Fit &fit, const Sums &sums, Fit &best) const {
  if (sums.product * fit.side.scale <= 0)
    return;
  Fit refitted = fit;
  refitted.side.scale = stored(sums.product / sums.square, group.exponent);
  double step = double(refitted.side.scale) - fit.side.scale;
  refitted.error += step * ((double(refitted.side.scale) + fit.side.scale) * sums.square - 2 * sums.product);
  if (refitted.side.scale != 0 && refitted.error < best.error)
    best = refitted;
}

void GroupCoder::trySide(const Group &group, const GroupSide &side, bool refits, Fit &best) const {
  Sums sums = sumsOf(group, side);
  Fit fit{side, sums.error};
  if (fit.error < best.error)
    best = fit;
  if (refits)
    tryRefit(group, fit, sums, best);
}

/// Lets [low, high], which holds 0, just fit the codes.
GroupSide GroupCoder::fitRange(const Group &group, double low, double high) const {
  GroupSide side;
  double wanted = form.symmetric ? std::max(-low, high) / (middle - 1) : (high - low) / most;
  if (form.values == WeightForm::Block && wanted > 0) // the next power of two clips nothing
    wanted = std::ldexp(1.0, std::ilogb(std::nextafter(wanted, 0)) + 1);
  side.scale = stored(wanted, group.exponent);
  double zero = std::nearbyint(-low / side.scale);
  side.zero = form.symmetric ? middle : static_cast<float>(std::min<double>(std::max(zero, 0.0), most));
  return side;
}

/// The least and the greatest value, or 0.
static std::pair<double, double> extremesOf(llvm::ArrayRef<float> values) {
  double low = 0, high = 0;
  for (float value : values) {
    low = std::min<double>(low, value);
    high = std::max<double>(high, value);
  }
  return {low, high};
}

GroupSide GroupCoder::fitInteger(const Group &group) const {
  auto [low, high] = extremesOf(group.values);
  Fit best{fitRange(group, low, high), std::numeric_limits<double>::infinity()};
  if (form.method == WeightForm::Nearest || best.side.scale == 0)
    return best.side;
  double narrowest = form.bits > 3 ? 0.4 : 0.25;
  for (int trial = 0; trial <= trials; ++trial) {
    double share = 1 - (1 - narrowest) * trial / trials;
    GroupSide side = fitRange(group, low * share, high * share);
    if (side.scale == 0)
      break;
    trySide(group, side, /*refits=*/true, best);
  }
  return best.side;
}

/// A zero point that is a float, or a minimum: for each range tried, codes, and then both sides refitted to the codes.
GroupSide GroupCoder::fitFloatZero(const Group &group) const {
  auto [low, high] = extremesOf(group.values);
  Fit best{{}, std::numeric_limits<double>::infinity()};
  auto consider = [&](double scale, double minimum) {
    GroupSide side;
    side.scale = stored(scale, group.exponent);
    if (!(side.scale > 0))
      return side;
    side.zero = static_cast<float>(std::min<double>(std::max(minimum, 0.0) / side.scale, 1e6));
    if (double error = sumsOf(group, side).error; error < best.error)
      best = {side, error};
    return side;
  };
  double narrowest = form.bits > 3 ? 0.6 : 0.4;
  for (int trial = 0; trial <= (form.method == WeightForm::Nearest ? 0 : trials); ++trial) {
    double share = 1 - (1 - narrowest) * trial / trials;
    GroupSide side = consider((high - low) * share / most, -low * share);
    if (form.method == WeightForm::Nearest || !(side.scale > 0))
      break;
    double count = 0, q = 0, qq = 0, w = 0, wq = 0;
    for (auto [index, value] : llvm::enumerate(group.values)) {
      double weight = group.weights.empty() ? 1 : group.weights[index];
      double code = double(distance(value, 1 / side.scale, side.zero)) + side.zero;
      count += weight;
      q += weight * code;
      qq += weight * code * code;
      w += weight * value;
      wq += weight * value * code;
    }
    double spread = count * qq - q * q;
    if (!(spread > 0))
      continue;
    double scale = (count * wq - q * w) / spread, minimum = (scale * q - w) / count;
    if (minimum < 0) { // there are none below 0
      minimum = 0;
      scale = wq / qq;
    }
    consider(scale, minimum);
  }
  return best.side;
}

/// HQQ (Badri and Shaji, 2023): scale of the extremes; the zero point moves to the mean of what the codes say of it,
/// less the errors that a norm of power 0.7 calls outliers, whose bound tightens in each round.
GroupSide GroupCoder::fitHalfQuadratic(const Group &group) const {
  constexpr double power = 0.7, tighten = 1.01;
  constexpr int rounds = 20;
  SideType half{SideType::F16, 16};
  auto [low, high] = extremesOf(group.values);
  GroupSide side;
  side.scale = stored((high - low) / most, group.exponent);
  if (!(side.scale > 0))
    return side;
  auto setZero = [&](GroupSide &own, double zero) {
    own.zero = static_cast<float>(decodeSide(half, encodeSide(half, zero)));
  };
  setZero(side, -low / side.scale);
  double beta = 10, bestError = std::numeric_limits<double>::infinity();
  GroupSide best = side;
  for (int round = 0; round < rounds; ++round) {
    double error = 0, zero = 0;
    for (float value : group.values) {
      double unit = distance(value, 1 / side.scale, side.zero), rest = value / side.scale - unit;
      double size = std::fabs(rest);
      double outlier = size > 0 ? std::max(0.0, size - std::pow(size, power - 1) / beta) : 0;
      error += std::pow(size, power);
      zero += unit + side.zero - (value / side.scale - std::copysign(outlier, rest));
    }
    if (error >= bestError)
      break;
    bestError = error;
    best = side;
    setZero(side, zero / static_cast<double>(group.values.size()));
    beta *= tighten;
  }
  return best;
}

/// Scales of either sign: codes reach one step farther below the middle than above it.
GroupSide GroupCoder::fitSigned(const Group &group) const {
  double extreme = 0;
  for (float value : group.values)
    if (std::fabs(value) > std::fabs(extreme))
      extreme = value;
  Fit best{{}, std::numeric_limits<double>::infinity()};
  bool isQuant = form.values == WeightForm::KQuant; // of 16 elements, whose extremes are near
  double narrowest = form.bits > 3 ? (isQuant ? 0.6 : 0.4) : (isQuant ? 0.4 : 0.25);
  for (double sign : {-1.0, 1.0})
    for (int trial = 0; trial <= (form.method == WeightForm::Nearest ? 0 : trials); ++trial) {
      double share = 1 - (1 - narrowest) * trial / trials, reach = sign < 0 ? middle : middle - 1;
      GroupSide side{stored(sign * extreme * share / reach, group.exponent), middle};
      if (side.scale == 0)
        break;
      trySide(group, side, /*refits=*/form.method != WeightForm::Nearest, best);
    }
  if (!std::isfinite(best.error))
    best.side.scale = 0; // none that is stored
  return best.side;
}

/// The best scale of -1, (0,) 1: if the greatest j magnitudes count, it is their mean and takes (sum)^2 / j off the
/// error.
GroupSide GroupCoder::fitSigns(const Group &group) const {
  std::vector<std::pair<float, float>> magnitudes; // and weights
  for (auto [index, value] : llvm::enumerate(group.values))
    magnitudes.emplace_back(std::fabs(value), group.weights.empty() ? 1 : group.weights[index]);
  llvm::sort(magnitudes, [](const auto &a, const auto &b) { return a.first > b.first; });
  double sum = 0, count = 0, gain = 0, scale = 0;
  for (auto [index, one] : llvm::enumerate(magnitudes)) {
    sum += double(one.first) * one.second;
    count += one.second;
    bool mayEnd = form.values == WeightForm::Ternary || index + 1 == magnitudes.size();
    if (mayEnd && count > 0 && sum * sum / count > gain) {
      gain = sum * sum / count;
      scale = sum / count;
    }
  }
  return {stored(scale, group.exponent), 0, 0};
}

/// The scales of a search for a table, without those that are too small to store.
std::vector<float> GroupCoder::scalesToTry(const Group &group, double extreme, const Table &table) const {
  int exponent = group.exponent;
  std::vector<float> scales;
  bool search = form.method != WeightForm::Nearest;
  if (form.scale == SideType::E8M0) { // OCP MX: the leading bits meet, so that the extremes may be clipped; or one more
    int own = std::ilogb(extreme) - std::ilogb(table.extreme);
    for (int more = 0; more <= (search ? 1 : 0); ++more)
      scales.push_back(stored(std::ldexp(1.0, own + more), exponent));
    return scales;
  }
  double fitting = extreme / table.extreme;
  scales.push_back(stored(fitting, exponent));
  // Few values of a weight's own, which are means of their share of it, end far within the extremes.
  bool isFew = form.values == WeightForm::Table && form.bits <= 4;
  constexpr double widest = 1.15; // beyond 1 too: the extreme may lie nearer to a smaller value
  double narrowest = !isFew ? 0.75 : form.bits == 2 ? 0.15 : form.bits == 3 ? 0.25 : 0.4;
  if (isFew) { // of rows with outliers even less: half of what makes the mean squares of values and table alike
    double squares = 0, own = 0;
    for (float value : group.values)
      squares += double(value) * value;
    for (float value : table.values)
      own += double(value) * value;
    double ratio = std::sqrt(squares * double(table.values.size()) / (own * double(group.values.size())));
    narrowest = std::min(narrowest, 0.5 * ratio / fitting);
  }
  for (int trial = 0, count = isFew ? trials : tableTrials; search && trial <= count; ++trial) {
    double part = double(trial) / count;
    double share = isFew ? widest * std::pow(narrowest / widest, part) : widest - (widest - narrowest) * part;
    float scale = stored(fitting * share, exponent);
    if (scale != scales.back())
      scales.push_back(scale);
  }
  llvm::erase(scales, 0.0f);
  return scales;
}

GroupSide GroupCoder::fitTables(const Group &group) const {
  double extreme = 0;
  for (float value : group.values)
    extreme = std::max<double>(extreme, std::fabs(value));
  Fit best{{}, std::numeric_limits<double>::infinity()};
  bool refits = form.method != WeightForm::Nearest && !form.hasOwnScales();
  for (size_t index = 0; index < tables.size(); ++index)
    for (float scale : scalesToTry(group, extreme, tables[index]))
      trySide(group, {scale, 0, static_cast<uint8_t>(index)}, refits, best);
  if (!std::isfinite(best.error))
    best.side.scale = 0; // none that is stored
  // Few values reach far on both sides of a step of the search.
  constexpr int mostRefits = 5;
  bool isFew = form.values == WeightForm::Table && form.bits <= 4 && refits && best.side.scale != 0;
  for (int refit = 0; isFew && refit < mostRefits; ++refit) {
    Fit before = best;
    trySide(group, before.side, refits, best);
    if (best.side.scale == before.side.scale)
      break;
  }
  return best.side;
}

/// Of a group of zeros.
GroupSide GroupCoder::zeroSide() const {
  GroupSide side;
  side.zero = isLinear && form.symmetric ? middle : 0;
  side.scale = form.values == WeightForm::NvFp4 ? stored(tensorScale, 0) : 1;
  if (form.values == WeightForm::KQuant)
    side.scale = 0;
  else if (!isLinear && tables.front().values[nearest(0, tables.front())] != 0)
    side.scale = stored(0x1p-14, 0); // no code stands for 0
  return side;
}

double GroupCoder::errorOf(ArrayRef<float> values, ArrayRef<float> weights, const GroupSide &side) const {
  return sumsOf({values, weights, 0}, side).error;
}

SuperSide GroupCoder::join(llvm::MutableArrayRef<GroupSide> sides) const {
  const Encoding encoding = form.encoding();
  const WeightFormat &format = encoding.terms.front().formats.front();
  const ScaleForm &own = format.scales[0];
  double mostScale = greatestOf(own.element) + own.offset;
  double scale = 0, minimum = 0;
  for (const GroupSide &side : sides) {
    scale = std::max(scale, std::fabs(double(side.scale)));
    if (!form.symmetric)
      minimum = std::max(minimum, double(side.scale) * side.zero);
  }
  auto outer = [&](double value) {
    SideType type = format.scales[1].element;
    return static_cast<float>(decodeSide(type, encodeSide(type, value)));
  };
  SuperSide super{outer(scale / mostScale), form.symmetric ? 0 : outer(minimum / greatestOf(own.element))};
  if (super.scale == 0)
    super.scale = outer(0x1p-18); // zeros alone, or nearly
  for (GroupSide &side : sides) {
    double low = form.symmetric ? -mostScale : 1; // a code of 0 would lose the group's minimum's scale
    double code = std::clamp(std::nearbyint(side.scale / double(super.scale)), low, mostScale);
    if (code == 0)
      code = std::copysign(1.0, side.scale);
    double floor = side.scale * double(side.zero);
    side.scale = static_cast<float>(code * super.scale);
    if (form.symmetric)
      continue;
    double least = super.minimum > 0 ? std::nearbyint(floor / super.minimum) : 0;
    side.zero = static_cast<float>(std::min(least, greatestOf(own.element)) * super.minimum / side.scale);
  }
  return super;
}

GroupSide GroupCoder::fit(ArrayRef<float> values, ArrayRef<float> weights) const {
  float extreme = 0;
  for (float value : values)
    extreme = std::max(extreme, std::fabs(value));
  GroupSide side;
  if (extreme == 0)
    return zeroSide();
  // Squares of what lies far from 1 leave f32.
  Group group{values, weights, 0};
  std::vector<float> moved;
  if (extreme < 0x1p-40f || extreme > 0x1p40f) {
    group.exponent = std::ilogb(extreme);
    for (float value : values)
      moved.push_back(std::ldexp(value, -group.exponent));
    group.values = moved;
  }
  bool isSigns = form.values == WeightForm::Ternary || form.values == WeightForm::Binary;
  side = form.hasSignedScales()                              ? fitSigned(group)
         : form.method == WeightForm::HalfQuadratic          ? fitHalfQuadratic(group)
         : form.hasFloatZeros()                              ? fitFloatZero(group)
         : isLinear                                          ? fitInteger(group)
         : isSigns                                           ? fitSigns(group)
                                                             : fitTables(group);
  side.scale = std::ldexp(side.scale, group.exponent);
  return side;
}
