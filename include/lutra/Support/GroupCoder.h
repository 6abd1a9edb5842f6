//===- GroupCoder.h - scale and codes of a group of weights ------------------===//
#ifndef LUTRA_SUPPORT_GROUPCODER_H
#define LUTRA_SUPPORT_GROUPCODER_H

#include "lutra/Support/QuantizeSpec.h"

#include "llvm/ADT/ArrayRef.h"

namespace lutra {

/// What the elements of a group share.
struct GroupSide {
  float scale = 1;   // of all levels of scales together
  float zero = 0;    // zero point
  uint8_t table = 0; // which of the tables
  bool wide = false; // codes of the form's wide groups
};

/// Scales of the codes that stand for scales and minima.
struct SuperSide {
  float scale = 1, minimum = 0;
};

/// Chooses sides and codes of one form; the codes and values are those of its encoding. Elements are finite.
class GroupCoder {
public:
  /// `tensorScale`: of forms with a scale for the whole tensor, which `tensorScaleOf` gives. `table`: of forms whose
  /// values are stored.
  explicit GroupCoder(const WeightForm &form, float tensorScale = 1, llvm::ArrayRef<float> table = {});

  /// The scale of a whole tensor whose greatest magnitude is `extreme`; 1 for forms without one.
  static float tensorScaleOf(const WeightForm &form, float extreme);

  /// The side of least sum of weights[i] * error[i]^2 (no weights: 1 each) among 20 scales that clip the extremes ever
  /// more, each refitted to its codes by least squares (Nagel et al., arXiv 2106.08295, section 3.1); for
  /// WeightForm::Nearest the one that lets the extremes just fit. Scales are rounded to their storage type before codes
  /// are chosen.
  GroupSide fit(llvm::ArrayRef<float> values, llvm::ArrayRef<float> weights = {}) const;
  /// Moves the sides of a super-block to what codes under one scale hold.
  SuperSide join(llvm::MutableArrayRef<GroupSide> sides) const;
  /// The sum of weights[i] * error[i]^2 of the nearest codes.
  double errorOf(llvm::ArrayRef<float> values, llvm::ArrayRef<float> weights, const GroupSide &side) const;
  /// Whether the storage type of scales holds this one with all its bits.
  bool holds(const GroupSide &side) const;
  bool holds(const SuperSide &side) const;
  /// The nearest scale that can be stored.
  float storedScale(double scale) const;

  /// The value of the nearest code, in units of the scale, and the code.
  float unitOf(float value, const GroupSide &side) const {
    return isLinear ? distance(value, 1 / side.scale, side.zero)
                    : tables[side.table].values[nearest(value * (1 / side.scale), tables[side.table])];
  }
  float valueOf(float value, const GroupSide &side) const { return side.scale * unitOf(value, side); }
  uint32_t codeOf(float value, const GroupSide &side) const {
    return isLinear ? static_cast<uint32_t>(distance(value, 1 / side.scale, side.zero) + side.zero + 0.5f)
                    : tables[side.table].codes[nearest(value * (1 / side.scale), tables[side.table])];
  }
  /// Whether a value is beyond the codes by more than half a step.
  bool clips(float value, const GroupSide &side) const;

private:
  /// Different values of a table, rising; middles[i] lies between values i and i + 1.
  struct Table {
    std::vector<float> values, middles;
    std::vector<uint8_t> codes;
    float extreme = 0;
  };
  struct Fit {
    GroupSide side;
    double error = 0;
  };
  struct Sums {
    double error = 0;   // of (w - scale u)^2
    double product = 0; // of w u
    double square = 0;  // of u^2, all times the weights
  };
  /// Values moved to near 1 by a power of two, so that their squares are numbers.
  struct Group {
    llvm::ArrayRef<float> values, weights;
    int exponent = 0; // by which they were moved
  };

  static float roundEven(float value) {
    constexpr float toEven = 12582912; // 1.5 * 2^23: adding it leaves no fraction
    return (value + toEven) - toEven;
  }
  float distance(float value, float inverse, float zero) const {
    float quotient = value * inverse, fraction = zero - roundEven(zero); // 0 where zero points are codes
    quotient = quotient < least - zero ? least - zero : quotient > most - zero ? most - zero : quotient;
    return roundEven(quotient + fraction) - fraction;
  }
  static size_t nearest(float quotient, const Table &table) {
    size_t index = 0;
    if (table.middles.size() > 32) {
      for (size_t step = 128; step > 0; step /= 2)
        if (index + step <= table.middles.size() && table.middles[index + step - 1] < quotient)
          index += step;
      return index;
    }
    for (float middle : table.middles)
      index += middle < quotient;
    return index;
  }
  float stored(double scale, int exponent) const;
  Sums sumsOf(const Group &group, const GroupSide &side) const;
  template <bool weighted> Sums integerSums(const Group &group, const GroupSide &side) const;
  Sums tableSums(const Group &group, const GroupSide &side) const;
  void tryRefit(const Group &group, const Fit &fit, const Sums &sums, Fit &best) const;
  /// Takes a side that is better than the best, and with `refits` what least squares makes of it.
  void trySide(const Group &group, const GroupSide &side, bool refits, Fit &best) const;
  GroupSide fitRange(const Group &group, double low, double high) const;
  GroupSide fitInteger(const Group &group) const;
  GroupSide fitFloatZero(const Group &group) const;
  GroupSide fitHalfQuadratic(const Group &group) const;
  GroupSide fitSigned(const Group &group) const;
  GroupSide fitSigns(const Group &group) const;
  GroupSide zeroSide() const;
  GroupSide fitTables(const Group &group) const;
  std::vector<float> scalesToTry(const Group &group, double extreme, const Table &table) const;

  WeightForm form;
  bool isLinear;
  float tensorScale, least = 0, most = 0, middle = 0;
  std::vector<Table> tables;
};

} // namespace lutra

#endif // LUTRA_SUPPORT_GROUPCODER_H
