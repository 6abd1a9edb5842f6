//===- LinearLayout.cpp - bit-linear layouts of tiles and of shared memory -===//
#include "lutra/Support/LinearLayout.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cassert>

using namespace llvm;

namespace lutra {

using Point = LinearLayout::Point;

static constexpr unsigned laneBits = 5;

LinearLayout::LinearLayout(ArrayRef<int64_t> shape, ArrayRef<Point> registers,
                           ArrayRef<Point> lanes, ArrayRef<Point> warps)
    : shape(shape), registers(registers), lanes(lanes), warps(warps) {
  assert(lanes.size() == laneBits && "a warp has 32 lanes");
  assert(all_of(shape, [](int64_t size) { return isPowerOf2_64(size); }) &&
         "layouts cover powers of two");
}

/// Takes the bits of one tile dimension from the lowest upwards.
namespace {
class BitSource {
public:
  BitSource(unsigned rank, unsigned dim, int64_t size) : rank(rank), dim(dim), size(size) {}
  bool empty() const { return next >= size; }
  Point take() {
    Point point(rank, 0);
    if (!empty()) {
      point[dim] = next;
      next *= 2;
    }
    return point;
  }

private:
  unsigned rank, dim;
  int64_t size, next = 1;
};
} // namespace

LinearLayout LinearLayout::blocked(ArrayRef<int64_t> shape, int64_t vector, unsigned warpBits) {
  unsigned rank = shape.size();
  SmallVector<BitSource, 2> dims;
  int64_t elements = 1;
  for (unsigned dim = 0; dim < rank; ++dim) {
    dims.emplace_back(rank, dim, shape[dim]);
    elements *= shape[dim];
  }
  // A short tile is spread over the threads before it is gathered into vectors.
  vector = std::min(vector, std::max<int64_t>(1, elements >> (laneBits + warpBits)));
  auto takeLast = [&] { // the last dimension first, then the ones before it
    for (BitSource &dim : reverse(dims))
      if (!dim.empty())
        return dim.take();
    return Point(rank, 0);
  };
  auto takeFirst = [&] {
    for (BitSource &dim : dims)
      if (!dim.empty())
        return dim.take();
    return Point(rank, 0);
  };
  SmallVector<Point> registers, lanes, warps;
  if (rank != 0)
    for (int64_t run = 1; run < vector && !dims.back().empty(); run *= 2)
      registers.push_back(dims.back().take());
  for (unsigned bit = 0; bit < laneBits; ++bit)
    lanes.push_back(takeLast());
  for (unsigned bit = 0; bit < warpBits; ++bit)
    warps.push_back(takeFirst());
  while (any_of(dims, [](const BitSource &dim) { return !dim.empty(); }))
    registers.push_back(takeLast());
  return LinearLayout(shape, registers, lanes, warps);
}

LinearLayout LinearLayout::mmaAccumulator(int64_t rows, int64_t columns, unsigned warpRowBits,
                                          unsigned warpColumnBits) {
  int64_t warpRows = rows >> warpRowBits, warpColumns = columns >> warpColumnBits;
  assert(warpRows >= 16 && warpColumns >= 8 && "each warp has whole m16n8 blocks");
  SmallVector<Point> registers = {{0, 1}, {8, 0}}, lanes = {{0, 2}, {0, 4}, {1, 0}, {2, 0}, {4, 0}};
  SmallVector<Point> warps;
  for (int64_t column = 8; column < warpColumns; column *= 2)
    registers.push_back({0, column});
  for (int64_t row = 16; row < warpRows; row *= 2)
    registers.push_back({row, 0});
  for (unsigned bit = 0; bit < warpColumnBits; ++bit)
    warps.push_back({0, warpColumns << bit});
  for (unsigned bit = 0; bit < warpRowBits; ++bit)
    warps.push_back({warpRows << bit, 0});
  return LinearLayout({rows, columns}, registers, lanes, warps);
}

LinearLayout LinearLayout::wgmmaAccumulator(int64_t rows, int64_t columns) {
  assert(rows % 64 == 0 && columns >= 8 && "wgmma has 64 rows and at least 8 columns");
  SmallVector<Point> registers = {{0, 1}, {8, 0}}, lanes = {{0, 2}, {0, 4}, {1, 0}, {2, 0}, {4, 0}};
  for (int64_t column = 8; column < columns; column *= 2)
    registers.push_back({0, column});
  for (int64_t row = 64; row < rows; row *= 2)
    registers.push_back({row, 0});
  return LinearLayout({rows, columns}, registers, lanes, {{16, 0}, {32, 0}});
}

/// k bits inside a register, then registers: rows for A, then the upper half of k.
static SmallVector<Point> operandLanes(int64_t perRegister) {
  return {{0, perRegister}, {0, 2 * perRegister}, {1, 0}, {2, 0}, {4, 0}};
}

LinearLayout LinearLayout::mmaOperandA(int64_t elementsPerRegister) {
  SmallVector<Point> registers;
  for (int64_t k = 1; k < elementsPerRegister; k *= 2)
    registers.push_back({0, k});
  registers.push_back({8, 0});
  registers.push_back({0, 4 * elementsPerRegister});
  return LinearLayout({16, 8 * elementsPerRegister}, registers, operandLanes(elementsPerRegister),
                      {});
}

LinearLayout LinearLayout::mmaOperandB(int64_t elementsPerRegister) {
  SmallVector<Point> registers;
  for (int64_t k = 1; k < elementsPerRegister; k *= 2)
    registers.push_back({0, k});
  registers.push_back({0, 4 * elementsPerRegister});
  return LinearLayout({8, 8 * elementsPerRegister}, registers, operandLanes(elementsPerRegister),
                      {});
}

const Point &LinearLayout::getThreadBasis(unsigned bit) const {
  return bit < lanes.size() ? lanes[bit] : warps[bit - lanes.size()];
}

static void toggle(Point &point, const Point &basis) {
  for (auto [to, from] : zip_equal(point, basis))
    to ^= from;
}

Point LinearLayout::registerPoint(int64_t reg) const {
  Point point(getRank(), 0);
  for (unsigned bit = 0; bit < registers.size(); ++bit)
    if (reg >> bit & 1)
      toggle(point, registers[bit]);
  return point;
}

Point LinearLayout::apply(int64_t reg, int64_t thread) const {
  Point point = registerPoint(reg);
  for (unsigned bit = 0; bit < getNumThreadBits(); ++bit)
    if (thread >> bit & 1)
      toggle(point, getThreadBasis(bit));
  return point;
}

/// Row-major index of a point.
static int64_t linearIndex(const Point &point, ArrayRef<int64_t> shape) {
  int64_t index = 0;
  for (auto [value, size] : zip_equal(point, shape))
    index = index * size + value;
  return index;
}

static int64_t numElements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

bool LinearLayout::isSurjective() const {
  // Gauss elimination over F2 on the bases, written as bits of the row-major index.
  SmallVector<int64_t> pivots;
  auto add = [&](const Point &basis) {
    int64_t vector = linearIndex(basis, shape);
    for (int64_t pivot : pivots)
      vector = std::min(vector, vector ^ pivot);
    if (vector)
      pivots.push_back(vector);
  };
  for_each(registers, add);
  for_each(lanes, add);
  for_each(warps, add);
  return (int64_t(1) << pivots.size()) == numElements(shape);
}

bool LinearLayout::isBijective() const {
  return isSurjective() &&
         getNumRegisters() << getNumThreadBits() == numElements(shape);
}

static bool isZero(const Point &point) {
  return all_of(point, [](int64_t value) { return value == 0; });
}

int64_t LinearLayout::getReplicatedThreads() const {
  int64_t mask = 0;
  for (unsigned bit = 0; bit < getNumThreadBits(); ++bit)
    if (isZero(getThreadBasis(bit)))
      mask |= int64_t(1) << bit;
  return mask;
}

LinearLayout LinearLayout::project(ArrayRef<bool> removed) const {
  LinearLayout result = *this;
  auto clear = [&](Point &point) {
    for (unsigned dim = 0; dim < getRank(); ++dim)
      if (removed[dim])
        point[dim] = 0;
  };
  for_each(result.registers, clear);
  for_each(result.lanes, clear);
  for_each(result.warps, clear);
  erase_if(result.registers, isZero);
  for (unsigned dim = 0; dim < getRank(); ++dim)
    if (removed[dim])
      result.shape[dim] = 1;
  return result;
}

LinearLayout LinearLayout::dropDim(unsigned dim) const {
  assert(shape[dim] == 1 && "only a dimension of one element can be dropped");
  LinearLayout result = *this;
  auto drop = [&](Point &point) { point.erase(point.begin() + dim); };
  for_each(result.registers, drop);
  for_each(result.lanes, drop);
  for_each(result.warps, drop);
  result.shape.erase(result.shape.begin() + dim);
  return result;
}

std::optional<SmallVector<int64_t>>
LinearLayout::registersFrom(const LinearLayout &source) const {
  if (source.getRank() != getRank() || source.getNumThreadBits() != getNumThreadBits())
    return std::nullopt;
  SmallVector<bool> removed;
  for (auto [mine, theirs] : zip_equal(shape, source.shape)) {
    if (mine != theirs && theirs != 1)
      return std::nullopt;
    removed.push_back(theirs == 1);
  }
  auto restrict = [&](Point point) {
    for (unsigned dim = 0; dim < getRank(); ++dim)
      if (removed[dim])
        point[dim] = 0;
    return point;
  };
  for (unsigned bit = 0; bit < getNumThreadBits(); ++bit)
    if (restrict(getThreadBasis(bit)) != source.getThreadBasis(bit))
      return std::nullopt;
  SmallVector<int64_t> found;
  for (int64_t reg = 0; reg < getNumRegisters(); ++reg) {
    Point wanted = restrict(registerPoint(reg));
    int64_t match = 0;
    while (match < source.getNumRegisters() && source.registerPoint(match) != wanted)
      ++match;
    if (match == source.getNumRegisters())
      return std::nullopt;
    found.push_back(match);
  }
  return found;
}

bool LinearLayout::operator==(const LinearLayout &other) const {
  return shape == other.shape && registers == other.registers && lanes == other.lanes &&
         warps == other.warps;
}

std::string LinearLayout::str() const {
  std::string text;
  raw_string_ostream os(text);
  os << "[";
  interleaveComma(shape, os);
  os << "]";
  auto print = [&](StringRef name, ArrayRef<Point> bases) {
    os << " " << name;
    for (const Point &basis : bases) {
      os << " (";
      interleave(basis, os, ",");
      os << ")";
    }
  };
  print("reg", registers);
  print("lane", lanes);
  print("warp", warps);
  return text;
}

int64_t bankConflictDegree(ArrayRef<int64_t> byteOffsets, int64_t bytesPerLane) {
  // A phase moves at most 128 bytes: all lanes for 4 bytes each, a quarter of them for 16.
  size_t lanesPerPhase = std::min<int64_t>(32, 128 / std::max<int64_t>(4, bytesPerLane));
  int64_t degree = 0;
  for (size_t first = 0; first < byteOffsets.size(); first += lanesPerPhase) {
    SmallVector<SmallSet<int64_t, 4>> banks(32);
    for (size_t lane = first; lane < std::min(first + lanesPerPhase, byteOffsets.size()); ++lane)
      for (int64_t byte = 0; byte < bytesPerLane; byte += 4) {
        int64_t word = (byteOffsets[lane] + byte) / 4;
        banks[word % 32].insert(word);
      }
    for (const SmallSet<int64_t, 4> &bank : banks)
      degree = std::max<int64_t>(degree, bank.size());
  }
  return degree;
}

} // namespace lutra
