//===- DimExpr.h - sizes as polynomials over named symbols -----------------===//
// The size of a dimension while a graph is built. A DimExpr is a polynomial with integer coefficients,
// kept in one canonical form, so that two sizes are provably equal exactly when they compare equal.
// What polynomials cannot say (floor division, remainder, minimum, maximum, NumPy's broadcast of two
// unknown sizes) becomes an atom: an interned node that a polynomial treats like a symbol.
//
//   batch * seq + 2        terms {[batch, seq]: 1, []: 2}
//   floordiv(seq + 1, 2)   one atom whose operands are polynomials
//
// Users: GraphBuilder for every shape, about ten small operations for each op of a model.
#ifndef LUTRA_DIALECT_LUTRA_BUILDER_DIMEXPR_H
#define LUTRA_DIALECT_LUTRA_BUILDER_DIMEXPR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace lutra {

/// A polynomial over the atoms of one DimSymbols. Arithmetic saturates at +-2^62.
class DimExpr {
public:
  /// coefficient * product of the atoms (sorted, repeated for powers).
  struct Term {
    llvm::SmallVector<unsigned, 2> atoms;
    int64_t coefficient = 0;
    bool operator==(const Term &other) const {
      return coefficient == other.coefficient && atoms == other.atoms;
    }
  };

  DimExpr(int64_t constant = 0);
  static DimExpr atom(unsigned id);

  bool isConstant() const { return terms.empty() || (terms.size() == 1 && terms[0].atoms.empty()); }
  std::optional<int64_t> constant() const;
  bool is(int64_t value) const { return constant() == value; }
  llvm::ArrayRef<Term> getTerms() const { return terms; }
  /// Whether a number of it was cut off, or may have been.
  bool isSaturated() const;

  DimExpr operator+(const DimExpr &other) const;
  DimExpr operator-(const DimExpr &other) const;
  DimExpr operator*(const DimExpr &other) const;
  bool operator==(const DimExpr &other) const { return terms == other.terms; }
  bool operator!=(const DimExpr &other) const { return !(*this == other); }

  /// The quotient when every term is a multiple of `divisor`, a single term that is not zero.
  std::optional<DimExpr> dividedBy(const DimExpr &divisor) const;

private:
  void addTerm(Term term);
  llvm::SmallVector<Term, 1> terms; // sorted by atoms, no zero coefficients
};

/// What an atom stands for.
enum class DimKind { Symbol, FloorDiv, Mod, Min, Max, Broadcast };

struct DimAtom {
  DimKind kind = DimKind::Symbol;
  std::string name; // of a Symbol; "" for a size without a name
  DimExpr lhs, rhs; // of the others
  // What may be assumed. A named symbol is at least 1 where that decides something; it is then `nonEmpty`, and
  // the entry checks refuse inputs without elements. `weakLow` and `weakHigh` hold for those too.
  int64_t low = 1, high = INT64_MAX, weakLow = 0, weakHigh = INT64_MAX;
  bool nonEmpty = false;
};

/// How two sizes that an op takes together must stand to each other. Broadcast: equal, or one of them is 1.
enum class DimRelationKind { Equal, Broadcast, AtLeast };

struct DimRelation {
  DimExpr lhs, rhs;
  DimRelationKind kind;
  bool isPlain; // not AtLeast, and each side is a number, or a symbol and a number
};

/// The symbols and interned nodes of one graph.
class DimSymbols {
public:
  /// The symbol of that name, made at its first use.
  DimExpr symbol(llvm::StringRef name);
  /// A symbol that equals no other.
  DimExpr freshSymbol();

  /// Makes `size` at least `least` for all inputs that the entry checks let through: a limit where one symbol decides
  /// it, else a relation. False where no input can meet it.
  bool require(const DimExpr &size, const DimExpr &least);

  /// The same for a size that is to be another.
  bool requireEqual(const DimExpr &lhs, const DimExpr &rhs);

  /// Narrows the values that a symbol may take.
  void restrict(const DimExpr &symbol, int64_t low, int64_t high);

  DimExpr floorDiv(const DimExpr &lhs, const DimExpr &rhs);
  DimExpr ceilDiv(const DimExpr &lhs, const DimExpr &rhs);
  DimExpr mod(const DimExpr &lhs, const DimExpr &rhs);
  DimExpr min(const DimExpr &lhs, const DimExpr &rhs);
  DimExpr max(const DimExpr &lhs, const DimExpr &rhs);
  /// rhs where lhs is 1, else lhs. What that takes for granted becomes a relation.
  DimExpr broadcast(const DimExpr &lhs, const DimExpr &rhs);

  /// Whether lhs <= rhs for all inputs that the entry checks let through.
  bool isProvablyAtMost(const DimExpr &lhs, const DimExpr &rhs);
  bool isProvablyLess(const DimExpr &lhs, const DimExpr &rhs) { return isProvablyAtMost(lhs + DimExpr(1), rhs); }

  /// What the entry checks have to compare.
  llvm::ArrayRef<DimRelation> getRelations() const { return relations; }

  const DimAtom &getAtom(unsigned id) const { return atoms[id]; }
  unsigned size() const { return atoms.size(); }

  /// For messages: "2 * batch + 1". `nameOf` names symbols that have no name of their own.
  std::string text(const DimExpr &expr, llvm::function_ref<std::string(unsigned)> nameOf = {}) const;
  std::string text(llvm::ArrayRef<DimExpr> shape) const;

private:
  struct Bounds {
    int64_t low, high;
  };
  /// `weak`: inputs without elements count too.
  Bounds boundsOf(const DimExpr &expr, bool weak) const;
  using BoundsRule = llvm::function_ref<Bounds(llvm::function_ref<Bounds(const DimExpr &)>)>;
  DimExpr node(DimKind kind, const DimExpr &lhs, const DimExpr &rhs, BoundsRule rule);
  /// The named symbols inside may no longer be 0.
  void assumeNonEmpty(const DimExpr &expr);
  /// Records a relation; in a broadcast, a size that was broadcast itself stands for both of its sources.
  void relate(const DimExpr &lhs, const DimExpr &rhs, DimRelationKind kind);
  std::deque<DimAtom> atoms;
  std::vector<DimRelation> relations;
};

} // namespace lutra

#endif // LUTRA_DIALECT_LUTRA_BUILDER_DIMEXPR_H
