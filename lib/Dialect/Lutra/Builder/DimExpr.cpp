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
  atoms.push_back({DimKind::Symbol, "", {}, {}});
  return DimExpr::atom(atoms.size() - 1);
}

void DimSymbols::restrict(const DimExpr &symbol, int64_t low, int64_t high) {
  DimAtom &atom = atoms[symbol.getTerms()[0].atoms[0]];
  atom.low = std::max(atom.low, low);
  atom.high = std::min(atom.high, high);
}

DimExpr DimSymbols::node(DimKind kind, const DimExpr &lhs, const DimExpr &rhs, int64_t low,
                         int64_t high) {
  for (auto [id, atom] : llvm::enumerate(atoms))
    if (atom.kind == kind && atom.lhs == lhs && atom.rhs == rhs)
      return DimExpr::atom(id);
  atoms.push_back({kind, "", lhs, rhs, low, high});
  return DimExpr::atom(atoms.size() - 1);
}

DimExpr DimSymbols::floorDiv(const DimExpr &lhs, const DimExpr &rhs) {
  if (std::optional<DimExpr> exact = lhs.dividedBy(rhs))
    return *exact;
  std::optional<int64_t> divisor = rhs.constant();
  if (!divisor || *divisor <= 0)
    return node(DimKind::FloorDiv, lhs, rhs, INT64_MIN, upperBound(lhs));
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
  int64_t low = lowerBound(inside), high = upperBound(inside);
  return outside + node(DimKind::FloorDiv, inside, rhs, floorDivide(low, *divisor),
                        high == INT64_MAX ? high : floorDivide(high, *divisor));
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
  return node(DimKind::Mod, lhs, rhs, 0, upperBound(rhs));
}

DimExpr DimSymbols::min(const DimExpr &lhs, const DimExpr &rhs) {
  if (isProvablyAtMost(lhs, rhs))
    return lhs;
  if (isProvablyAtMost(rhs, lhs))
    return rhs;
  return node(DimKind::Min, lhs, rhs, std::min(lowerBound(lhs), lowerBound(rhs)),
              std::min(upperBound(lhs), upperBound(rhs)));
}

DimExpr DimSymbols::max(const DimExpr &lhs, const DimExpr &rhs) {
  if (isProvablyAtMost(lhs, rhs))
    return rhs;
  if (isProvablyAtMost(rhs, lhs))
    return lhs;
  return node(DimKind::Max, lhs, rhs, std::max(lowerBound(lhs), lowerBound(rhs)),
              std::max(upperBound(lhs), upperBound(rhs)));
}

DimExpr DimSymbols::broadcast(const DimExpr &lhs, const DimExpr &rhs) {
  if (lhs == rhs || rhs.is(1))
    return lhs;
  if (lhs.is(1))
    return rhs;
  // A known size other than 1 wins: the other is 1 or the same.
  if (lhs.isConstant())
    return lhs;
  if (rhs.isConstant())
    return rhs;
  return node(DimKind::Broadcast, lhs, rhs, 0, std::max(upperBound(lhs), upperBound(rhs)));
}

/// Beyond every size: stands for "no bound" in sums of bounds.
static constexpr __int128 unbounded = (__int128)1 << 100;

/// Bounds of coefficient * atoms, where each atom lies in [low, high].
static std::pair<__int128, __int128> boundsOfTerm(const DimExpr::Term &term,
                                                  const std::deque<DimAtom> &atoms) {
  constexpr __int128 cap = (__int128)1 << 60;
  __int128 low = 1, high = 1;
  for (unsigned id : term.atoms) {
    if (atoms[id].low < 0) // not a size: give up
      return {-unbounded, unbounded};
    low = std::min(low * atoms[id].low, cap);
    high = std::min(high * std::min<__int128>(atoms[id].high, cap), cap);
  }
  __int128 first = low * term.coefficient;
  __int128 second = high < cap ? high * term.coefficient
                               : (term.coefficient < 0 ? -unbounded : unbounded);
  return {std::min(first, second), std::max(first, second)};
}

int64_t DimSymbols::lowerBound(const DimExpr &expr) const {
  __int128 sum = 0;
  for (const DimExpr::Term &term : expr.getTerms())
    sum += boundsOfTerm(term, atoms).first;
  return sum <= -largest ? INT64_MIN : sum >= largest ? largest : (int64_t)sum;
}

int64_t DimSymbols::upperBound(const DimExpr &expr) const {
  __int128 sum = 0;
  for (const DimExpr::Term &term : expr.getTerms())
    sum += boundsOfTerm(term, atoms).second;
  return sum >= largest ? INT64_MAX : sum <= -largest ? -largest : (int64_t)sum;
}

std::string DimSymbols::text(const DimExpr &expr) const {
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
            os << (atom.name.empty() ? "?" : atom.name);
          else
            os << names[(int)atom.kind] << "(" << text(atom.lhs) << ", " << text(atom.rhs) << ")";
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
