//===- DimExpr.cpp - sizes as polynomials over named symbols ---------------===//
#include "lutra/Dialect/Lutra/Builder/DimExpr.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>

using namespace llvm;
using namespace lutra;

static constexpr int64_t largest = int64_t(1) << 62;

static int64_t saturate(__int128 value) {
  return value > largest ? largest : value < -largest ? -largest : (int64_t)value;
}

static int64_t floorDivide(int64_t lhs, int64_t rhs) {
  int64_t quotient = lhs / rhs;
  return lhs % rhs != 0 && (lhs < 0) != (rhs < 0) ? quotient - 1 : quotient;
}

DimExpr::DimExpr(int64_t constant) {
  if (constant != 0)
    terms.push_back({{}, saturate(constant)});
}

DimExpr DimExpr::atom(unsigned id) {
  DimExpr result;
  result.terms.push_back({{id}, 1});
  return result;
}

std::optional<int64_t> DimExpr::constant() const {
  if (!isConstant())
    return std::nullopt;
  return terms.empty() ? 0 : terms[0].coefficient;
}

bool DimExpr::isSaturated() const {
  return llvm::any_of(terms,
                      [](const Term &term) { return term.coefficient >= largest || term.coefficient <= -largest; });
}

void DimExpr::addTerm(Term term) {
  auto place = std::lower_bound(terms.begin(), terms.end(), term, [](const Term &a, const Term &b) {
    return std::lexicographical_compare(a.atoms.begin(), a.atoms.end(), b.atoms.begin(), b.atoms.end());
  });
  if (place == terms.end() || place->atoms != term.atoms) {
    if (term.coefficient != 0)
      terms.insert(place, std::move(term));
    return;
  }
  place->coefficient = saturate((__int128)place->coefficient + term.coefficient);
  if (place->coefficient == 0)
    terms.erase(place);
}

DimExpr DimExpr::operator+(const DimExpr &other) const {
  DimExpr result = *this;
  for (const Term &term : other.terms)
    result.addTerm(term);
  return result;
}

DimExpr DimExpr::operator-(const DimExpr &other) const { return *this + other * DimExpr(-1); }

DimExpr DimExpr::operator*(const DimExpr &other) const {
  DimExpr result;
  for (const Term &a : terms)
    for (const Term &b : other.terms) {
      Term term{a.atoms, saturate((__int128)a.coefficient * b.coefficient)};
      term.atoms.append(b.atoms.begin(), b.atoms.end());
      llvm::sort(term.atoms);
      result.addTerm(std::move(term));
    }
  return result;
}

std::optional<DimExpr> DimExpr::dividedBy(const DimExpr &divisor) const {
  if (divisor.terms.size() != 1)
    return std::nullopt;
  const Term &by = divisor.terms[0];
  DimExpr result;
  for (const Term &term : terms) {
    if (term.coefficient % by.coefficient != 0 ||
        !std::includes(term.atoms.begin(), term.atoms.end(), by.atoms.begin(), by.atoms.end()))
      return std::nullopt;
    Term quotient{{}, term.coefficient / by.coefficient};
    std::set_difference(term.atoms.begin(), term.atoms.end(), by.atoms.begin(), by.atoms.end(),
                        std::back_inserter(quotient.atoms));
    result.addTerm(std::move(quotient));
  }
  return result;
}

DimExpr DimSymbols::symbol(StringRef name) {
  for (auto [id, atom] : llvm::enumerate(atoms))
    if (atom.kind == DimKind::Symbol && atom.name == name)
      return DimExpr::atom(id);
  atoms.push_back({DimKind::Symbol, name.str(), {}, {}});
  return DimExpr::atom(atoms.size() - 1);
}

DimExpr DimSymbols::freshSymbol() {
  atoms.emplace_back();
  return DimExpr::atom(atoms.size() - 1);
}

void DimSymbols::restrict(const DimExpr &symbol, int64_t low, int64_t high) {
  DimAtom &atom = atoms[symbol.getTerms()[0].atoms[0]];
  atom.low = std::max(atom.low, low);
  atom.high = std::min(atom.high, high);
  atom.weakLow = std::max(atom.weakLow, low);
  atom.weakHigh = std::min(atom.weakHigh, high);
}

/// The number that `size` has beside one symbol, if it is symbol + number.
static std::optional<int64_t> restBesideSymbol(const DimExpr &size, const std::deque<DimAtom> &atoms) {
  ArrayRef<DimExpr::Term> terms = size.getTerms();
  if (terms.empty() || terms.back().atoms.size() != 1 || terms.back().coefficient != 1 ||
      atoms[terms.back().atoms[0]].kind != DimKind::Symbol)
    return std::nullopt;
  return (size - DimExpr::atom(terms.back().atoms[0])).constant();
}

/// factor * symbol + rest, as which a size with one symbol can be written.
namespace {
struct LinearSize {
  unsigned symbol;
  int64_t factor, rest;
};
} // namespace

static std::optional<LinearSize> linearSize(const DimExpr &size, const std::deque<DimAtom> &atoms) {
  ArrayRef<DimExpr::Term> terms = size.getTerms();
  if (terms.empty() || terms.size() > 2 || terms.back().atoms.size() != 1 ||
      (terms.size() == 2 && !terms[0].atoms.empty()) || atoms[terms.back().atoms[0]].kind != DimKind::Symbol)
    return std::nullopt;
  return LinearSize{terms.back().atoms[0], terms.back().coefficient, terms.size() == 2 ? terms[0].coefficient : 0};
}

bool DimSymbols::require(const DimExpr &size, const DimExpr &least) {
  if (isProvablyAtMost(least, size))
    return true;
  DimExpr excess = size - least;
  if (excess.isConstant())
    return false;
  std::optional<LinearSize> linear = linearSize(excess, atoms);
  if (!linear) {
    relate(size, least, DimRelationKind::AtLeast);
    return true;
  }
  auto [symbol, factor, rest] = *linear;
  if (factor > 0) {
    restrict(DimExpr::atom(symbol), -floorDivide(rest, factor), INT64_MAX);
    return true;
  }
  int64_t most = floorDivide(rest, -factor);
  restrict(DimExpr::atom(symbol), 0, std::max<int64_t>(most, 0));
  return most >= 0;
}

bool DimSymbols::requireEqual(const DimExpr &lhs, const DimExpr &rhs) {
  DimExpr difference = lhs - rhs;
  if (difference.isConstant())
    return difference.is(0);
  std::optional<LinearSize> linear = linearSize(difference, atoms);
  if (!linear) {
    relate(lhs, rhs, DimRelationKind::Equal);
    return true;
  }
  auto [symbol, factor, rest] = *linear;
  if (rest % factor != 0 || -rest / factor < 0)
    return false;
  restrict(DimExpr::atom(symbol), -rest / factor, -rest / factor);
  return true;
}

void DimSymbols::relate(const DimExpr &lhs, const DimExpr &rhs, DimRelationKind kind) {
  if (lhs == rhs || (lhs.isConstant() && rhs.isConstant()))
    return;
  for (auto [side, other] : {std::pair(&lhs, &rhs), std::pair(&rhs, &lhs)}) {
    ArrayRef<DimExpr::Term> terms = side->getTerms();
    if (kind != DimRelationKind::Broadcast || terms.size() != 1 || terms[0].atoms.size() != 1 ||
        terms[0].coefficient != 1)
      continue;
    const DimAtom &atom = atoms[terms[0].atoms[0]];
    if (atom.kind != DimKind::Broadcast)
      continue;
    DimExpr first = atom.lhs, second = atom.rhs, fixed = *other;
    relate(first, fixed, kind);
    relate(second, fixed, kind);
    return;
  }
  bool isPlain = kind != DimRelationKind::AtLeast;
  for (const DimExpr *side : {&lhs, &rhs})
    isPlain &= side->isConstant() || restBesideSymbol(*side, atoms);
  bool known = llvm::any_of(relations, [&](const DimRelation &relation) {
    return relation.lhs == lhs && relation.rhs == rhs && relation.kind == kind;
  });
  if (!known)
    relations.push_back({lhs, rhs, kind, isPlain});
}

DimExpr DimSymbols::node(DimKind kind, const DimExpr &lhs, const DimExpr &rhs, BoundsRule rule) {
  for (auto [id, atom] : llvm::enumerate(atoms))
    if (atom.kind == kind && atom.lhs == lhs && atom.rhs == rhs)
      return DimExpr::atom(id);
  DimAtom atom;
  atom.kind = kind;
  atom.lhs = lhs;
  atom.rhs = rhs;
  Bounds strong = rule([&](const DimExpr &expr) { return boundsOf(expr, /*weak=*/false); });
  Bounds weak = rule([&](const DimExpr &expr) { return boundsOf(expr, /*weak=*/true); });
  atom.low = strong.low;
  atom.high = strong.high;
  atom.weakLow = weak.low;
  atom.weakHigh = weak.high;
  atoms.push_back(std::move(atom));
  return DimExpr::atom(atoms.size() - 1);
}

DimExpr DimSymbols::floorDiv(const DimExpr &lhs, const DimExpr &rhs) {
  if (std::optional<DimExpr> exact = lhs.dividedBy(rhs))
    return *exact;
  std::optional<int64_t> divisor = rhs.constant();
  if (!divisor || *divisor <= 0)
    return node(DimKind::FloorDiv, lhs, rhs,
                [&](auto bounds) -> Bounds { return {INT64_MIN, bounds(lhs).high}; });
  // floor((c * p + r) / c) = p + floor(r / c): only what is not a multiple stays inside.
  DimExpr outside, inside;
  for (const DimExpr::Term &term : lhs.getTerms()) {
    DimExpr atoms = 1;
    for (unsigned id : term.atoms)
      atoms = atoms * DimExpr::atom(id);
    int64_t quotient = floorDivide(term.coefficient, *divisor);
    outside = outside + atoms * DimExpr(quotient);
    inside = inside + atoms * DimExpr(term.coefficient - quotient * *divisor);
  }
  if (std::optional<int64_t> rest = inside.constant())
    return outside + DimExpr(floorDivide(*rest, *divisor));
  return outside + node(DimKind::FloorDiv, inside, rhs, [&](auto bounds) -> Bounds {
           auto [low, high] = bounds(inside);
           return {floorDivide(low, *divisor), high == INT64_MAX ? high : floorDivide(high, *divisor)};
         });
}

DimExpr DimSymbols::ceilDiv(const DimExpr &lhs, const DimExpr &rhs) {
  return floorDiv(lhs + rhs - DimExpr(1), rhs);
}

DimExpr DimSymbols::mod(const DimExpr &lhs, const DimExpr &rhs) {
  if (lhs.dividedBy(rhs))
    return 0;
  std::optional<int64_t> value = lhs.constant(), divisor = rhs.constant();
  if (value && divisor && *divisor != 0)
    return *value - floorDivide(*value, *divisor) * *divisor;
  return node(DimKind::Mod, lhs, rhs, [&](auto bounds) -> Bounds { return {0, bounds(rhs).high}; });
}

DimExpr DimSymbols::min(const DimExpr &lhs, const DimExpr &rhs) {
  if (isProvablyAtMost(lhs, rhs))
    return lhs;
  if (isProvablyAtMost(rhs, lhs))
    return rhs;
  return node(DimKind::Min, lhs, rhs, [&](auto bounds) -> Bounds {
    Bounds a = bounds(lhs), b = bounds(rhs);
    return {std::min(a.low, b.low), std::min(a.high, b.high)};
  });
}

DimExpr DimSymbols::max(const DimExpr &lhs, const DimExpr &rhs) {
  if (isProvablyAtMost(lhs, rhs))
    return rhs;
  if (isProvablyAtMost(rhs, lhs))
    return lhs;
  return node(DimKind::Max, lhs, rhs, [&](auto bounds) -> Bounds {
    Bounds a = bounds(lhs), b = bounds(rhs);
    return {std::max(a.low, b.low), std::max(a.high, b.high)};
  });
}

DimExpr DimSymbols::broadcast(const DimExpr &lhs, const DimExpr &rhs) {
  if (lhs == rhs || rhs.is(1))
    return lhs;
  if (lhs.is(1))
    return rhs;
  relate(lhs, rhs, DimRelationKind::Broadcast);
  // A known size other than 1 wins: the other is 1 or the same.
  if (lhs.isConstant())
    return lhs;
  if (rhs.isConstant())
    return rhs;
  return node(DimKind::Broadcast, lhs, rhs, [&](auto bounds) -> Bounds {
    return {0, std::max(bounds(lhs).high, bounds(rhs).high)};
  });
}

/// Beyond every size: stands for "no bound" in sums of bounds.
static constexpr __int128 unbounded = (__int128)1 << 100;

/// Bounds of coefficient * atoms, where each atom lies in its bounds.
static std::pair<__int128, __int128> boundsOfTerm(const DimExpr::Term &term,
                                                  const std::deque<DimAtom> &atoms, bool weak) {
  constexpr __int128 cap = (__int128)1 << 60;
  __int128 low = 1, high = 1;
  for (unsigned id : term.atoms) {
    int64_t least = weak ? atoms[id].weakLow : atoms[id].low, most = weak ? atoms[id].weakHigh : atoms[id].high;
    if (least < 0) // not a size: give up
      return {-unbounded, unbounded};
    low = std::min(low * least, cap);
    high = std::min(high * std::min<__int128>(most, cap), cap);
  }
  __int128 first = low * term.coefficient;
  __int128 second = high < cap ? high * term.coefficient
                               : (term.coefficient < 0 ? -unbounded : unbounded);
  return {std::min(first, second), std::max(first, second)};
}

DimSymbols::Bounds DimSymbols::boundsOf(const DimExpr &expr, bool weak) const {
  __int128 low = 0, high = 0;
  for (const DimExpr::Term &term : expr.getTerms()) {
    auto [least, most] = boundsOfTerm(term, atoms, weak);
    low += least;
    high += most;
  }
  return {low <= -largest ? INT64_MIN : low >= largest ? largest : (int64_t)low,
          high >= largest ? INT64_MAX : high <= -largest ? -largest : (int64_t)high};
}

void DimSymbols::assumeNonEmpty(const DimExpr &expr) {
  SmallVector<DimExpr> pending = {expr};
  while (!pending.empty()) {
    DimExpr next = pending.pop_back_val();
    for (const DimExpr::Term &term : next.getTerms())
      for (unsigned id : term.atoms) {
        atoms[id].nonEmpty = true;
        if (atoms[id].kind != DimKind::Symbol)
          pending.append({atoms[id].lhs, atoms[id].rhs});
      }
  }
}

bool DimSymbols::isProvablyAtMost(const DimExpr &lhs, const DimExpr &rhs) {
  DimExpr difference = lhs - rhs;
  if (boundsOf(difference, /*weak=*/true).high <= 0)
    return true;
  if (boundsOf(difference, /*weak=*/false).high > 0)
    return false;
  assumeNonEmpty(difference);
  return true;
}

std::string DimSymbols::text(const DimExpr &expr, function_ref<std::string(unsigned)> nameOf) const {
  std::string result;
  raw_string_ostream os(result);
  static constexpr const char *names[] = {"?", "floordiv", "mod", "min", "max", "broadcast"};
  auto printTerm = [&](const DimExpr::Term &term) {
    if (term.atoms.empty() || term.coefficient != 1)
      os << term.coefficient << (term.atoms.empty() ? "" : " * ");
    llvm::interleave(
        term.atoms, os,
        [&](unsigned id) {
          const DimAtom &atom = atoms[id];
          if (atom.kind == DimKind::Symbol)
            os << (nameOf ? nameOf(id) : atom.name.empty() ? "?" : atom.name);
          else
            os << names[(int)atom.kind] << "(" << text(atom.lhs, nameOf) << ", " << text(atom.rhs, nameOf) << ")";
        },
        " * ");
  };
  if (expr.getTerms().empty())
    os << "0";
  llvm::interleave(llvm::reverse(expr.getTerms()), os, printTerm, " + ");
  return result;
}

std::string DimSymbols::text(ArrayRef<DimExpr> shape) const {
  std::string result = "[";
  for (auto [index, dim] : llvm::enumerate(shape))
    result += (index ? ", " : "") + text(dim);
  return result + "]";
}
