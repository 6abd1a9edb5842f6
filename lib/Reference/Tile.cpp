//===- Tile.cpp - tile ops, executed exactly as described ------------------===//
// Every access is checked, and what a description leaves unspecified is filled with NaN, so that a
// kernel that relies on it fails.
#include "MemoryAccess.h"

#include "lutra/Dialect/Lutra/IR/LutraTableOps.h"
#include "lutra/Support/EncodedPanels.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace lutra;

static std::shared_ptr<Array> makeTile(Value value) {
  auto type = cast<TileType>(value.getType());
  return makeArray(type.getElementType(), type.getShape());
}

static LogicalResult setTile(Value value, std::shared_ptr<Array> tile, Interpreter &interpreter) {
  for (double &number : tile->floats)
    number = roundToType(tile->elementType, number);
  interpreter.set(value, Datum::of(ArrayPtr(std::move(tile))));
  return success();
}

static void putScalar(Array &tile, int64_t i, const Datum &datum) {
  if (tile.isFloat())
    tile.floats[i] = datum.number;
  else
    tile.integers[i] = wrapToType(tile.elementType, datum.integer);
}

static Datum getScalar(const Array &tile, int64_t i) {
  return tile.isFloat() ? Datum::of(tile.floats[i]) : Datum::of(tile.integers[i]);
}

static SmallVector<int64_t> integersOf(ValueRange values, Interpreter &interpreter) {
  SmallVector<int64_t> integers;
  for (Value value : values)
    integers.push_back(interpreter.getInteger(value));
  return integers;
}

/// Whether tile position t exists. A dimension of size 1 always does.
static bool exists(ArrayRef<int64_t> t, ArrayRef<int64_t> shape, ArrayRef<int64_t> bounds) {
  for (size_t dim = 0; dim < bounds.size(); ++dim)
    if (shape[dim] != 1 && t[dim] >= bounds[dim])
      return false;
  return true;
}

static LogicalResult evaluateFill(TileFillOp op, Interpreter &interpreter) {
  auto tile = makeTile(op.getResult());
  for (int64_t i = 0, e = tile->count(); i < e; ++i)
    putScalar(*tile, i, interpreter.get(op.getValue()));
  return setTile(op.getResult(), tile, interpreter);
}

static LogicalResult evaluateIota(TileIotaOp op, Interpreter &interpreter) {
  auto tile = makeTile(op.getResult());
  int64_t base = interpreter.getInteger(op.getBase());
  forEachPosition(tile->shape, [&](ArrayRef<int64_t> t, int64_t i) {
    tile->integers[i] = base + t[op.getDim()];
  });
  return setTile(op.getResult(), tile, interpreter);
}

/// The buffer index of tile position t.
static SmallVector<int64_t> addressOf(ArrayRef<int64_t> indices, ArrayRef<int64_t> t,
                                      ArrayRef<int64_t> dims, ArrayRef<int64_t> steps) {
  SmallVector<int64_t> index(indices);
  for (size_t d = 0; d < t.size(); ++d)
    if (dims[d] >= 0)
      index[dims[d]] += t[d] * steps[d];
  return index;
}

static LogicalResult evaluateLoad(TileLoadOp op, Interpreter &interpreter) {
  const Buffer &source = interpreter.getBuffer(op.getSource());
  SmallVector<int64_t> indices = integersOf(op.getIndices(), interpreter);
  SmallVector<int64_t> bounds = integersOf(op.getBounds(), interpreter);
  auto tile = makeTile(op.getResult());
  bool isTruth = tile->elementType.isInteger(1);
  LogicalResult status = success();
  forEachPosition(tile->shape, [&](ArrayRef<int64_t> t, int64_t i) {
    if (failed(status) || !exists(t, tile->shape, bounds))
      return;
    auto offset = locate(op, source, addressOf(indices, t, op.getDims(), op.getSteps()));
    status = LogicalResult(offset);
    if (failed(status))
      return;
    Datum element = loadElement(source, *offset);
    if (isTruth)
      element.integer = element.integer != 0;
    putScalar(*tile, i, element);
  });
  return failed(status) ? failure() : setTile(op.getResult(), tile, interpreter);
}

static LogicalResult evaluateStore(TileStoreOp op, Interpreter &interpreter) {
  const Buffer &dest = interpreter.getBuffer(op.getDest());
  const Array &tile = interpreter.getArray(op.getValue());
  SmallVector<int64_t> indices = integersOf(op.getIndices(), interpreter);
  SmallVector<int64_t> bounds = integersOf(op.getBounds(), interpreter);
  LogicalResult status = success();
  forEachPosition(tile.shape, [&](ArrayRef<int64_t> t, int64_t i) {
    if (failed(status) || !exists(t, tile.shape, bounds))
      return;
    auto offset = locate(op, dest, addressOf(indices, t, op.getDims(), op.getSteps()));
    status = LogicalResult(offset);
    if (succeeded(status))
      storeElement(dest, *offset, getScalar(tile, i));
  });
  return status;
}

static LogicalResult evaluateGather(TileGatherOp op, Interpreter &interpreter) {
  const Buffer &source = interpreter.getBuffer(op.getSource());
  const Array &offsets = interpreter.getArray(op.getOffsets());
  SmallVector<int64_t> bounds = integersOf(op.getBounds(), interpreter);
  auto tile = makeTile(op.getResult());
  int64_t count = countElements(source.shape).value_or(0);
  bool isTruth = tile->elementType.isInteger(1);
  LogicalResult status = success();
  forEachPosition(tile->shape, [&](ArrayRef<int64_t> t, int64_t i) {
    if (failed(status) || !exists(t, tile->shape, bounds))
      return;
    int64_t linear = offsets.integers[i];
    if (offsets.elementType.isInteger(8))
      linear &= 255;
    if (linear < 0 || linear >= count) {
      status = refuse(op, ErrorCode::RuntimeArgument)
               << "reads element " << linear << " of a buffer of " << count;
      return;
    }
    SmallVector<int64_t> index(source.shape.size());
    for (int64_t dim = static_cast<int64_t>(index.size()) - 1; dim >= 0; --dim) {
      index[dim] = linear % source.shape[dim];
      linear /= source.shape[dim];
    }
    auto offset = locate(op, source, index);
    status = LogicalResult(offset);
    if (failed(status))
      return;
    Datum element = loadElement(source, *offset);
    if (isTruth)
      element.integer = element.integer != 0;
    putScalar(*tile, i, element);
  });
  return failed(status) ? failure() : setTile(op.getResult(), tile, interpreter);
}

static LogicalResult evaluateMap(TileMapOp op, Interpreter &interpreter) {
  SmallVector<std::shared_ptr<Array>> results;
  for (Value result : op.getResults())
    results.push_back(makeTile(result));
  if (results.empty())
    return success();
  SmallVector<ArrayPtr> inputs;
  SmallVector<SmallVector<int64_t>> strides;
  for (Value input : op.getInputs()) {
    inputs.push_back(interpreter.get(input).array);
    auto broadcast = broadcastStrides(inputs.back()->shape, results[0]->shape);
    if (!broadcast)
      return refuse(op, ErrorCode::GraphType) << "has inputs that do not fit its results";
    strides.push_back(*broadcast);
  }
  Block &body = op.getBody().front();
  LogicalResult status = success();
  forEachPosition(results[0]->shape, [&](ArrayRef<int64_t> t, int64_t i) {
    if (failed(status))
      return;
    SmallVector<Datum> arguments, yielded;
    for (size_t n = 0; n < inputs.size(); ++n) {
      Datum scalar = getScalar(*inputs[n], offsetOf(t, strides[n]));
      Type type = body.getArgument(n).getType(); // signless inside
      scalar.integer = isa<FloatType>(type) ? 0 : wrapToType(type, scalar.integer);
      arguments.push_back(scalar);
    }
    status = interpreter.runBlock(body, arguments, yielded);
    for (size_t n = 0; succeeded(status) && n < results.size(); ++n)
      putScalar(*results[n], i, yielded[n]);
  });
  if (failed(status))
    return failure();
  for (auto [result, tile] : llvm::zip_equal(op.getResults(), results))
    if (failed(setTile(result, tile, interpreter)))
      return failure();
  return success();
}

static Datum combine(ReduceKind kind, const Datum &a, const Datum &b, Type type, bool isUnsigned) {
  if (isa<FloatType>(type)) {
    BinaryKind function = kind == ReduceKind::Sum    ? BinaryKind::Add
                          : kind == ReduceKind::Prod ? BinaryKind::Mul
                          : kind == ReduceKind::Max  ? BinaryKind::Max
                                                     : BinaryKind::Min;
    return Datum::of(roundToType(type, binaryValue(function, a.number, b.number)));
  }
  uint64_t x = a.integer, y = b.integer;
  bool less = isUnsigned || isUnsignedType(type)
                  ? static_cast<uint64_t>(wrapToType(type, x)) < static_cast<uint64_t>(wrapToType(type, y))
                  : a.integer < b.integer;
  switch (kind) {
  case ReduceKind::Sum:
    return Datum::of(wrapToType(type, x + y));
  case ReduceKind::Prod:
    return Datum::of(wrapToType(type, x * y));
  case ReduceKind::Max:
    return less ? b : a;
  case ReduceKind::Min:
    return less ? a : b;
  }
  return a;
}

/// Element i meets element i + ceil(n / 2) until one is left.
static LogicalResult evaluateReduce(TileReduceOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  auto tile = makeTile(op.getResult());
  int64_t size = input.shape.back();
  for (int64_t row = 0, e = tile->count(); row < e; ++row) {
    SmallVector<Datum> line;
    for (int64_t i = 0; i < size; ++i)
      line.push_back(getScalar(input, row * size + i));
    for (int64_t n = size; n > 1;) {
      int64_t half = (n + 1) / 2;
      for (int64_t i = 0; i + half < n; ++i)
        line[i] = combine(op.getKind(), line[i], line[i + half], tile->elementType,
                          op.getIsUnsigned());
      n = half;
    }
    putScalar(*tile, row, line[0]);
  }
  return setTile(op.getResult(), tile, interpreter);
}

static LogicalResult evaluateExtract(TileExtractOp op, Interpreter &interpreter) {
  interpreter.set(op.getResult(), getScalar(interpreter.getArray(op.getInput()), 0));
  return success();
}

/// Tiles side by side.
static LogicalResult evaluateJoin(TileJoinOp op, Interpreter &interpreter) {
  auto result = makeTile(op.getResult());
  int64_t rows = result->shape[0], columns = result->shape[1], first = 0;
  for (Value input : op.getInputs()) {
    const Array &tile = interpreter.getArray(input);
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t column = 0; column < tile.shape[1]; ++column)
        copyElement(tile, row * tile.shape[1] + column, *result, row * columns + first + column);
    first += tile.shape[1];
  }
  return setTile(op.getResult(), result, interpreter);
}

/// Buffer index of rhs(k, c).
static SmallVector<int64_t> rhsAddress(PanelLayout layout, ArrayRef<int64_t> base, int64_t k,
                                       int64_t c, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> index(base);
  size_t rank = index.size();
  switch (layout) {
  case PanelLayout::RowMajor:
    index[rank - 2] += k;
    index[rank - 1] += c;
    break;
  case PanelLayout::ColMajor:
    index[rank - 2] += c;
    index[rank - 1] += k;
    break;
  case PanelLayout::Panel:
    index[rank - 3] += c / shape[rank - 1];
    index[rank - 2] += k;
    index[rank - 1] += c % shape[rank - 1];
    break;
  case PanelLayout::DeepPanel:
    index[rank - 4] += c / shape[rank - 2];
    index[rank - 3] += k / shape[rank - 1];
    index[rank - 2] += c % shape[rank - 2];
    index[rank - 1] += k % shape[rank - 1];
    break;
  }
  return index;
}

static void multiplyAdd(Array &acc, int64_t i, const Datum &a, const Datum &b) {
  if (!acc.isFloat())
    acc.integers[i] = wrapToType(acc.elementType, static_cast<uint64_t>(acc.integers[i]) +
                                                      static_cast<uint64_t>(a.integer) *
                                                          static_cast<uint64_t>(b.integer));
  else if (acc.elementType.isF32())
    acc.floats[i] = std::fma(static_cast<float>(a.number), static_cast<float>(b.number),
                             static_cast<float>(acc.floats[i]));
  else
    acc.floats[i] = roundToType(acc.elementType, std::fma(a.number, b.number, acc.floats[i]));
}

/// acc + lhs * rhs, one fused multiply-add after another in the order of k.
static LogicalResult evaluateMatmul(TileMatmulOp op, Interpreter &interpreter) {
  const Buffer &lhs = interpreter.getBuffer(op.getLhs()), &rhs = interpreter.getBuffer(op.getRhs());
  SmallVector<int64_t> left = integersOf(op.getLhsIndices(), interpreter);
  SmallVector<int64_t> right = integersOf(op.getRhsIndices(), interpreter);
  SmallVector<int64_t> bounds = integersOf(op.getBounds(), interpreter);
  int64_t depth = interpreter.getInteger(op.getDepth());
  auto acc = std::make_shared<Array>(interpreter.getArray(op.getAcc()));
  for (int64_t r = 0; r < acc->shape[0]; ++r)
    for (int64_t c = 0; c < acc->shape[1]; ++c) {
      int64_t i = r * acc->shape[1] + c;
      if (!bounds.empty() && (r >= bounds[0] || c >= bounds[1])) {
        if (acc->isFloat())
          acc->floats[i] = std::numeric_limits<double>::quiet_NaN();
        else
          acc->integers[i] = wrapToType(acc->elementType, 0x55555555);
        continue;
      }
      for (int64_t k = 0; k < depth; ++k) {
        SmallVector<int64_t> from(left);
        from[op.getLhsRowDim()] += r * op.getRowStep();
        from.back() += k;
        auto a = locate(op, lhs, from);
        auto b = locate(op, rhs, rhsAddress(op.getRhsLayout(), right, k, c, rhs.shape));
        if (failed(a) || failed(b))
          return failure();
        Datum right = loadElement(rhs, *b);
        if (acc->isFloat() && isa<IntegerType>(rhs.elementType))
          right.number = static_cast<double>(right.integer);
        multiplyAdd(*acc, i, loadElement(lhs, *a), right);
      }
    }
  return setTile(op.getResult(), acc, interpreter);
}

/// Code number `inStep` of a step that begins at `first` (panel, word, column, byte 0).
static FailureOr<int64_t> readCode(Operation *op, const Buffer &codes, CodeWords words, SmallVector<int64_t> first,
                                   int64_t inStep) {
  int64_t bytes = codes.shape.back(), word = first[1], code = 0;
  first[3] = inStep % bytes;
  for (const CodeWords::Piece &piece : words.piecesOf(inStep / bytes)) {
    first[1] = word + piece.word;
    auto place = locate(op, codes, first);
    if (failed(place))
      return failure();
    code |= (loadElement(codes, *place).integer >> piece.at & ((1 << piece.count) - 1)) << piece.to;
  }
  return words.codeOf(code, inStep / bytes);
}

/// Its value in a column of the tile.
template <typename Op>
static FailureOr<int64_t> readValue(Op op, const Buffer &codes, SmallVector<int64_t> first, int64_t inStep,
                                    const Array *special, int64_t column) {
  CodeWords words{static_cast<unsigned>(op.getBits()), op.getTriples()};
  FailureOr<int64_t> read = readCode(op, codes, words, std::move(first), inStep);
  if (failed(read))
    return failure();
  int64_t code = *read;
  std::optional<ArrayRef<int64_t>> values = op.getValues();
  if (special && code == static_cast<int64_t>(op.getSpecialCode())) {
    ArrayRef<int64_t> specials = values->drop_front(int64_t(1) << op.getBits());
    return specials[static_cast<uint64_t>(special->integers[column]) % specials.size()];
  }
  return values ? (*values)[code] : code - static_cast<int64_t>(op.getOffset());
}

/// acc + lhs * values of codes, wrapped to 32 bits.
static LogicalResult evaluateCodedMatmul(TileCodedMatmulOp op, Interpreter &interpreter) {
  const Buffer &lhs = interpreter.getBuffer(op.getLhs()), &codes = interpreter.getBuffer(op.getCodes());
  SmallVector<int64_t> left = integersOf(op.getLhsIndices(), interpreter);
  SmallVector<int64_t> first = integersOf(op.getCodeIndices(), interpreter);
  int64_t depth = interpreter.getInteger(op.getDepth()), stepDepth = op.getStepDepth(), words = op.getStepWords();
  const Array *special = op.getSpecial() ? &interpreter.getArray(op.getSpecial()) : nullptr;
  bool isMasked = lhs.elementType.isInteger(32);
  bool isPacked = op.getLhsWords();
  int64_t width = codes.shape[2], rowDim = op.getLhsRowDim();
  auto acc = std::make_shared<Array>(interpreter.getArray(op.getAcc()));
  for (int64_t i = 0; i < acc->count(); ++i)
    for (int64_t k = 0; k < depth; ++k) {
      SmallVector<int64_t> from(left);
      from[rowDim] += i / acc->shape[1];
      if (isPacked)
        from[rowDim - 1] += k / 4;
      from.back() += isPacked ? k % 4 : isMasked ? k / 4 * 2 : k;
      auto a = locate(op, lhs, from);
      from.back() += isMasked; // the masks
      auto mask = locate(op, lhs, from);
      int64_t column = i % acc->shape[1];
      SmallVector<int64_t> step{first[0] + column / width, first[1] + k / stepDepth * words, column % width, 0};
      FailureOr<int64_t> value = readValue(op, codes, step, k % stepDepth, special, column);
      if (failed(a) || failed(value) || failed(mask))
        return failure();
      int64_t factor = loadElement(lhs, *a).integer;
      if (isMasked) {
        factor = static_cast<uint8_t>(factor >> k % 4 * 8);
        value = static_cast<int8_t>(*value ^ (loadElement(lhs, *mask).integer >> k % 4 * 8));
      }
      if (op.getUnsignedLhs())
        factor = static_cast<uint8_t>(factor);
      if (op.getSignedCodes())
        value = static_cast<int8_t>(*value);
      acc->integers[i] = wrapToType(acc->elementType, acc->integers[i] + factor * *value);
    }
  return setTile(op.getResult(), acc, interpreter);
}

static LogicalResult evaluateUnpack(TileUnpackOp op, Interpreter &interpreter) {
  const Buffer &codes = interpreter.getBuffer(op.getCodes());
  SmallVector<int64_t> first = integersOf(op.getCodeIndices(), interpreter);
  const Array *special = op.getSpecial() ? &interpreter.getArray(op.getSpecial()) : nullptr;
  auto result = makeTile(op.getResult());
  int64_t bytes = codes.shape.back(), rowBytes = result->shape[1];
  for (int64_t i = 0; i < result->count(); ++i) {
    int64_t place = i % rowBytes, column = place / bytes;
    FailureOr<int64_t> value = readValue(op, codes, {first[0], first[1], column, 0},
                                         i / rowBytes * bytes + place % bytes, special, column);
    if (failed(value))
      return failure();
    result->integers[i] = wrapToType(result->elementType, *value);
  }
  return setTile(op.getResult(), result, interpreter);
}

static LogicalResult evaluateRescale(TileRescaleOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput()), &factors = interpreter.getArray(op.getFactors()),
              &offsets = interpreter.getArray(op.getOffsets());
  auto result = makeTile(op.getResult());
  for (int64_t i = 0; i < result->count(); ++i) {
    int64_t pair = i % result->shape[1] / 2;
    int64_t scaled = static_cast<uint8_t>(input.integers[i]) * factors.integers[pair] + offsets.integers[pair];
    result->integers[i] = static_cast<int8_t>(scaled >> 8);
  }
  return setTile(op.getResult(), result, interpreter);
}

/// What stands in a row and a column of tables of integers of `bits` bits: the sum of a subset of four neighbours,
/// raised until it is positive, or one of its two parts. `load` gives the elements of a chunk.
static FailureOr<int64_t> tableEntry(int64_t bits, int64_t row, int64_t column,
                                     llvm::function_ref<FailureOr<int64_t>(int64_t k)> load) {
  int64_t parts = TileSubsetSumsOp::partsOf(bits), sum = TileSubsetSumsOp::offsetOf(bits);
  for (int64_t j = 0; j < 4; ++j) {
    if ((column % 16 >> j & 1) == 0)
      continue;
    FailureOr<int64_t> element = load(column / 16 * 8 + row / parts * 4 + j);
    if (failed(element))
      return failure();
    sum += *element;
  }
  return parts == 1 ? static_cast<int8_t>(sum) : row % 2 == 0 ? sum % 32 : sum / 32;
}

static LogicalResult evaluateSubsetSums(TileSubsetSumsOp op, Interpreter &interpreter) {
  const Buffer &lhs = interpreter.getBuffer(op.getLhs());
  SmallVector<int64_t> first = integersOf(op.getIndices(), interpreter);
  auto result = makeTile(op.getResult());
  auto load = [&](int64_t k) -> FailureOr<int64_t> {
    SmallVector<int64_t> from(first);
    from.back() += k;
    auto place = locate(op, lhs, from);
    return failed(place) ? FailureOr<int64_t>() : loadElement(lhs, *place).integer;
  };
  for (int64_t i = 0, width = result->shape[1]; i < result->count(); ++i) {
    FailureOr<int64_t> entry = tableEntry(op.getLhsBits(), i / width, i % width, load);
    if (failed(entry))
      return failure();
    result->integers[i] = *entry;
  }
  return setTile(op.getResult(), result, interpreter);
}

/// The tables that tile_subset_sums would make, of all rows.
static LogicalResult evaluateTables(SubsetSumsOp op, Interpreter &interpreter) {
  const Array &rows = interpreter.getArray(op.getRows());
  ArrayRef<int64_t> shape = cast<RankedTensorType>(op.getType()).getShape();
  auto made = interpreter.makeResult(op->getResult(0), shape);
  if (failed(made))
    return failure();
  for (int64_t i = 0; i < (*made)->count(); ++i) {
    int64_t line = i / shape[3], chunk = line / shape[2] * (shape[3] / 2); // rows are whole chunks
    auto load = [&](int64_t k) -> FailureOr<int64_t> { return rows.integers[chunk + k]; };
    (*made)->integers[i] = *tableEntry(op.getLhsBits(), line % shape[2], i % shape[3], load);
  }
  return interpreter.setArray(op->getResult(0), *made);
}

static LogicalResult evaluateWithTables(WithTablesOp op, Interpreter &interpreter) {
  interpreter.set(op.getResult(), interpreter.get(op.getRows()));
  return success();
}

/// acc + entries of tables that codes name, wrapped to 32 bits.
static LogicalResult evaluateLookupMatmul(TileLookupMatmulOp op, Interpreter &interpreter) {
  const Buffer &tables = interpreter.getBuffer(op.getTables()), &codes = interpreter.getBuffer(op.getCodes());
  SmallVector<int64_t> table = integersOf(op.getTableIndices(), interpreter);
  SmallVector<int64_t> code = integersOf(op.getCodeIndices(), interpreter);
  int64_t lanes = op.getChunkDepth() / 8, words = static_cast<int64_t>(op.getDepth()) / 8;
  int64_t bits = op.getBits(), planeWords = op.getPlaneWords(), lhsBits = op.getLhsBits();
  int64_t parts = TileSubsetSumsOp::partsOf(lhsBits);
  auto acc = std::make_shared<Array>(interpreter.getArray(op.getAcc()));
  for (int64_t i = 0; i < acc->count(); ++i) {
    int64_t row = i / acc->shape[1], column = i % acc->shape[1], sum = acc->integers[i];
    int64_t panel = code[0] + (op.getAcross() ? row : 0), tableRow = table[0] + (op.getAcross() ? 0 : row);
    for (int64_t half = 0; half < 2 * words * bits; ++half) {
      int64_t word = half / 2 / bits, plane = half / 2 % bits, side = half % 2;
      int64_t stored = (word / planeWords * bits + plane) * planeWords + word % planeWords;
      auto place = locate(op, codes, {panel, code[1] + stored, column, 0});
      if (failed(place))
        return failure();
      int64_t entry = loadElement(codes, *place).integer >> 4 * side & 15;
      for (int64_t part = 0; part < parts; ++part) {
        auto at =
            locate(op, tables, {tableRow, table[1] + word / lanes, parts * side + part, word % lanes * 16 + entry});
        if (failed(at))
          return failure();
        sum += (loadElement(tables, *at).integer & 255) << (5 * part + plane);
      }
      sum -= TileSubsetSumsOp::offsetOf(lhsBits) << plane;
    }
    acc->integers[i] = wrapToType(acc->elementType, sum);
  }
  return setTile(op.getResult(), acc, interpreter);
}

static LogicalResult evaluateBitPlanes(TileBitPlanesOp op, Interpreter &interpreter) {
  const Buffer &lhs = interpreter.getBuffer(op.getLhs());
  SmallVector<int64_t> first = integersOf(op.getIndices(), interpreter);
  auto result = makeTile(op.getResult());
  int64_t planes = result->shape[0], steps = result->shape[1], codeBits = op.getCodeBits();
  for (int64_t i = 0; i < planes * steps; ++i) {
    uint32_t word = 0;
    for (int64_t k = 0; k < TileBitserialMatmulOp::wordDepth; ++k) {
      SmallVector<int64_t> from(first);
      from.back() += i % steps * TileBitserialMatmulOp::wordDepth + k;
      auto place = locate(op, lhs, from);
      if (failed(place))
        return failure();
      int64_t value = loadElement(lhs, *place).integer;
      uint32_t bit = planes == 1 ? value > 0 : value >> i / steps & 1;
      word |= bit << (k % 4 * 8 + TileBitPlanesOp::placeOf(k / 4, codeBits));
    }
    result->integers[i] = static_cast<int32_t>(word);
  }
  return setTile(op.getResult(), result, interpreter);
}

/// acc + products of bits of planes and codes, wrapped to 32 bits.
static LogicalResult evaluateBitserialMatmul(TileBitserialMatmulOp op, Interpreter &interpreter) {
  const Buffer &planes = interpreter.getBuffer(op.getPlanes()), &codes = interpreter.getBuffer(op.getCodes());
  SmallVector<int64_t> plane = integersOf(op.getPlaneIndices(), interpreter);
  SmallVector<int64_t> code = integersOf(op.getCodeIndices(), interpreter);
  int64_t lhsBits = op.getLhsBits(), bits = op.getBits();
  int64_t width = cast<MemRefType>(op.getCodes().getType()).getDimSize(2);
  CodeWords words{static_cast<unsigned>(bits)};
  int64_t stepDepth = 4 * words.fields();
  auto acc = std::make_shared<Array>(interpreter.getArray(op.getAcc()));
  for (int64_t i = 0; i < acc->count(); ++i) {
    int64_t row = i / acc->shape[1], column = i % acc->shape[1], sum = acc->integers[i];
    for (int64_t k = 0, depth = op.getDepth(); k < depth; ++k) {
      SmallVector<int64_t> step{code[0] + column / width, code[1] + k / stepDepth * words.words(), column % width, 0};
      FailureOr<int64_t> q = readCode(op, codes, words, step, k % stepDepth);
      if (failed(q))
        return failure();
      for (int64_t j = 0; j < lhsBits; ++j) {
        int64_t depthWord = TileBitserialMatmulOp::wordDepth;
        auto place = locate(op, planes, {plane[0] + row, j, plane[1] + k / depthWord});
        if (failed(place))
          return failure();
        int64_t at = k % 4 * 8 + TileBitPlanesOp::placeOf(k % depthWord / 4, bits);
        int64_t bit = loadElement(planes, *place).integer >> at & 1;
        if (lhsBits == 1)
          sum -= bit ? ((1 << bits) - 1) ^ *q : *q;
        else
          sum += (j == lhsBits - 1 ? -1 : 1) * ((bit * *q) << j);
      }
    }
    acc->integers[i] = wrapToType(acc->elementType, sum);
  }
  return setTile(op.getResult(), acc, interpreter);
}

/// acc + rows shifted by the exponents and added with the signs of codes, wrapped to 32 bits.
static LogicalResult evaluateShiftMatmul(TileShiftMatmulOp op, Interpreter &interpreter) {
  const Buffer &lhs = interpreter.getBuffer(op.getLhs()), &codes = interpreter.getBuffer(op.getCodes());
  SmallVector<int64_t> left = integersOf(op.getLhsIndices(), interpreter);
  SmallVector<int64_t> first = integersOf(op.getCodeIndices(), interpreter);
  int64_t bits = op.getBits(), stepDepth = op.getStepDepth();
  int64_t width = cast<MemRefType>(op.getCodes().getType()).getDimSize(2);
  CodeWords words{static_cast<unsigned>(bits)};
  auto acc = std::make_shared<Array>(interpreter.getArray(op.getAcc()));
  for (int64_t i = 0; i < acc->count(); ++i) {
    int64_t column = i % acc->shape[1], sum = acc->integers[i];
    for (int64_t k = 0, depth = op.getDepth(); k < depth; ++k) {
      SmallVector<int64_t> from(left);
      from[op.getLhsRowDim()] += i / acc->shape[1];
      from.back() += k;
      auto element = locate(op, lhs, from);
      if (failed(element))
        return failure();
      SmallVector<int64_t> step{first[0] + column / width, first[1] + k / stepDepth * words.words(), column % width, 0};
      FailureOr<int64_t> code = readCode(op, codes, words, step, k % stepDepth);
      if (failed(code))
        return failure();
      int64_t sign = int64_t(1) << (bits - 1), power = int64_t(1) << (*code % sign);
      sum += (*code & sign ? -power : power) * loadElement(lhs, *element).integer;
    }
    acc->integers[i] = wrapToType(acc->elementType, sum);
  }
  return setTile(op.getResult(), acc, interpreter);
}

static LogicalResult evaluateLookup(TileLookupOp op, Interpreter &interpreter) {
  const Array &codes = interpreter.getArray(op.getCodes());
  auto result = makeArray(op.getType().getElementType(), codes.shape);
  ArrayRef<float> table = op.getTable();
  for (int64_t i = 0; i < codes.count(); ++i)
    result->floats[i] = table[static_cast<uint64_t>(codes.integers[i]) % table.size()];
  return setTile(op.getResult(), result, interpreter);
}

void lutra::addTileHandlers(HandlerTable &table) {
  table.add<TileBitPlanesOp, evaluateBitPlanes>();
  table.add<TileBitserialMatmulOp, evaluateBitserialMatmul>();
  table.add<TileCodedMatmulOp, evaluateCodedMatmul>();
  table.add<TileExtractOp, evaluateExtract>();
  table.add<TileFillOp, evaluateFill>();
  table.add<TileGatherOp, evaluateGather>();
  table.add<TileIotaOp, evaluateIota>();
  table.add<TileJoinOp, evaluateJoin>();
  table.add<TileLoadOp, evaluateLoad>();
  table.add<TileLookupMatmulOp, evaluateLookupMatmul>();
  table.add<TileLookupOp, evaluateLookup>();
  table.add<TileMapOp, evaluateMap>();
  table.add<TileMatmulOp, evaluateMatmul>();
  table.add<TileReduceOp, evaluateReduce>();
  table.add<TileRescaleOp, evaluateRescale>();
  table.add<TileShiftMatmulOp, evaluateShiftMatmul>();
  table.add<TileStoreOp, evaluateStore>();
  table.add<SubsetSumsOp, evaluateTables>();
  table.add<TileSubsetSumsOp, evaluateSubsetSums>();
  table.add<TileUnpackOp, evaluateUnpack>();
  table.add<WithTablesOp, evaluateWithTables>();
}
