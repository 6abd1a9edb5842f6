//===- Program.cpp - constants, weights, kernels and their launches --------===//
// A launch runs its kernel either on tensors, or on buffers: then the kernel is a lutra.kernel that
// still works on tensors, or a tiled function over a range of work items, which is run in two parts,
// last part first, since no order of work items may matter.
#include "Encoded.h"
#include "MemoryAccess.h"

#include "lutra/Dialect/Lutra/IR/PanelSums.h"
#include "lutra/Support/BytePanels.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace lutra;

/// Fills `array` from stored bytes of its element kind.
static LogicalResult fillFromBytes(Operation *op, ArrayRef<char> bytes, Array &array) {
  std::optional<ElementKind> kind = elementKindOf(array.elementType);
  if (!kind)
    return refuse(op, ErrorCode::UnsupportedType) << "holds elements of type " << array.elementType;
  Tensor tensor(*kind, array.shape);
  if (bytes.size() != tensor.getBytes().size())
    return refuse(op, ErrorCode::ExternalRange)
           << "holds " << bytes.size() << " bytes, but its type needs " << tensor.getBytes().size();
  llvm::copy(bytes, tensor.getBytes().begin());
  array = *arrayFromTensor(tensor, array.elementType);
  return success();
}

static FailureOr<std::shared_ptr<Array>> arrayFromAttribute(Operation *op, ElementsAttr value, int64_t limit) {
  auto type = cast<ShapedType>(value.getType());
  if (type.getNumElements() > limit)
    return refuse(op, ErrorCode::LimitSize)
           << "holds a constant of " << type.getNumElements() << " elements, more than " << limit;
  auto array = makeArray(type.getElementType(), type.getShape());
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob)
      return refuse(op, ErrorCode::ExternalRange)
             << "refers to the resource '" << resource.getRawHandle().getKey()
             << "', which the module does not hold";
    if (failed(fillFromBytes(op, blob->getData(), *array)))
      return failure();
    return array;
  }
  if (array->isFloat()) {
    auto values = value.tryGetValues<APFloat>();
    if (!values)
      return refuse(op, ErrorCode::UnsupportedType) << "holds values that cannot be read";
    bool lossy;
    for (auto [i, number] : llvm::enumerate(*values)) {
      APFloat wide = number;
      wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lossy);
      array->floats[i] = wide.convertToDouble();
    }
    return array;
  }
  auto values = value.tryGetValues<APInt>();
  if (!values)
    return refuse(op, ErrorCode::UnsupportedType) << "holds values that cannot be read";
  for (auto [i, number] : llvm::enumerate(*values))
    array->integers[i] = wrapToType(array->elementType, number.getSExtValue());
  return array;
}

static LogicalResult evaluateConstant(ConstantOp op, Interpreter &interpreter) {
  auto array = arrayFromAttribute(op, op.getValue(), interpreter.getOptions().maxElements);
  if (failed(array))
    return failure();
  return interpreter.setArray(op->getResult(0), *array);
}

namespace {
/// How a packed matrix [rows, columns] lies: [ceil(columns / width)][ceil(rows / depth)][width][depth], zero filled.
/// Words of their own may end each panel (BytePanels.h).
struct PanelOrder {
  int64_t width, depth, groups, panels;

  PanelOrder(RankedTensorType type, PackingAttr packing, int64_t rows, int64_t columns)
      : width(packing.getWidth()), depth(packing.getDepth()),
        groups(llvm::divideCeil(rows, depth) + (hasPanelSums(type) ? 1 : 0)),
        panels(llvm::divideCeil(columns, width)) {}
  int64_t count() const { return panels * groups * width * depth; }
  int64_t indexOf(int64_t row, int64_t column) const {
    return (((column / width) * groups + row / depth) * width + column % width) * depth + row % depth;
  }
};
} // namespace

static FailureOr<std::shared_ptr<Array>> unpack(Operation *op, ArrayRef<int64_t> codes,
                                                RankedTensorType type, PackingAttr packing) {
  int64_t columns = type.getShape().back();
  int64_t rows = columns == 0 ? 0 : type.getNumElements() / columns;
  PanelOrder order(type, packing, rows, columns);
  int64_t elementBytes = storedElementBytes(type.getElementType());
  if (static_cast<int64_t>(codes.size()) != order.count() * elementBytes)
    return refuse(op, ErrorCode::ExternalRange)
           << "holds " << codes.size() << " bytes, but its packing needs " << order.count() * elementBytes;
  SmallVector<char> plain(rows * columns * elementBytes);
  for (int64_t k = 0; k < rows; ++k)
    for (int64_t n = 0; n < columns; ++n) {
      int64_t from = order.indexOf(k, n);
      for (int64_t byte = 0; byte < elementBytes; ++byte)
        plain[(k * columns + n) * elementBytes + byte] = static_cast<char>(codes[from * elementBytes + byte]);
    }
  auto array = makeArray(type.getElementType(), type.getShape());
  if (failed(fillFromBytes(op, plain, *array)))
    return failure();
  return array;
}

/// The logical values of a global, whatever form they are stored in.
static FailureOr<ArrayPtr> globalArray(GlobalOp global, Interpreter &interpreter) {
  ArrayPtr &cached = interpreter.globals[global];
  if (cached)
    return cached;
  auto data = arrayFromAttribute(global, global.getData(), interpreter.getOptions().maxElements);
  if (failed(data))
    return failure();
  auto type = dyn_cast<RankedTensorType>(global.getType());
  auto packing = type ? dyn_cast_if_present<PackingAttr>(type.getEncoding()) : PackingAttr();
  if (packing) {
    data = unpack(global, (*data)->integers, type, packing);
    if (failed(data))
      return failure();
  }
  if (type && isa_and_present<EncodingAttr>(type.getEncoding())) {
    std::vector<uint8_t> bytes((*data)->integers.begin(), (*data)->integers.end());
    auto decoded = decodeEncoded(global, bytes, type, interpreter);
    if (failed(decoded))
      return failure();
    (*decoded)->stored = std::move(bytes);
    data = *decoded;
  }
  return cached = *data;
}

/// A weight in memory: its stored bytes, seen in the shape that the memref states.
static LogicalResult setWeightBuffer(WeightOp op, GlobalOp global, MemRefType type,
                                     Interpreter &interpreter) {
  std::shared_ptr<const Buffer> &cached = interpreter.globalBuffers[global];
  if (!cached) {
    auto data = arrayFromAttribute(global, global.getData(), interpreter.getOptions().maxElements);
    if (failed(data))
      return failure();
    auto stored = allocateBuffer((*data)->elementType, (*data)->shape);
    if (failed(writeBuffer(op, *stored, **data)))
      return failure();
    cached = stored;
  }
  auto view = std::make_shared<Buffer>(*cached);
  view->elementType = type.getElementType();
  view->shape.assign(type.getShape().begin(), type.getShape().end());
  view->strides = stridesOf(view->shape);
  interpreter.set(op.getResult(), Datum::of(std::shared_ptr<const Buffer>(view)));
  return success();
}

static LogicalResult evaluateWeight(WeightOp op, Interpreter &interpreter) {
  auto global = dyn_cast_if_present<GlobalOp>(interpreter.lookup(op, op.getGlobalAttr().getAttr()));
  if (!global)
    return refuse(op, ErrorCode::GraphStructure) << "refers to @" << op.getGlobal()
                                                 << ", which is no lutra.global";
  if (auto memref = dyn_cast<MemRefType>(op.getResult().getType()))
    return setWeightBuffer(op, global, memref, interpreter);
  FailureOr<ArrayPtr> array = globalArray(global, interpreter);
  if (failed(array))
    return failure();
  interpreter.set(op.getResult(), Datum::of(*array));
  return success();
}

/// The panels of a packed matrix of integers or floats, as a buffer; zeros fill them.
static FailureOr<Datum> packBuffer(Operation *op, const Array &matrix, MemRefType type, RankedTensorType source) {
  int64_t columns = matrix.shape.back(), rows = columns == 0 ? 0 : matrix.count() / columns;
  PanelOrder order(source, cast<PackingAttr>(source.getEncoding()), rows, columns);
  SmallVector<int64_t> shape{order.panels, order.groups, order.width};
  if (order.depth != 1)
    shape.push_back(order.depth);
  std::shared_ptr<Array> packed = makeArray(matrix.elementType, shape);
  for (int64_t k = 0; k < rows; ++k)
    for (int64_t n = 0; n < columns; ++n) {
      int64_t to = order.indexOf(k, n);
      if (matrix.isFloat())
        packed->floats[to] = matrix.floats[k * columns + n];
      else
        packed->integers[to] = matrix.integers[k * columns + n];
    }
  if (hasPanelSums(source))
    fillPanelSums<int64_t>(packed->integers, order.width, order.groups);
  auto buffer = allocateBuffer(type.getElementType(), shape);
  if (failed(writeBuffer(op, *buffer, *packed)))
    return failure();
  return Datum::of(std::shared_ptr<const Buffer>(buffer));
}

/// A launch operand of type `from` as a kernel argument of `type`: buffers are read when a tensor is wanted.
static FailureOr<Datum> adapt(Operation *op, const Datum &datum, Type from, Type type,
                               Interpreter &interpreter) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (tensor && datum.buffer) {
    if (isa_and_present<EncodingAttr>(tensor.getEncoding())) {
      ArrayRef<uint8_t> bytes = datum.buffer->memory->bytes;
      auto array = decodeEncoded(op, bytes.drop_front(datum.buffer->offset), tensor, interpreter);
      if (failed(array))
        return failure();
      return Datum::of(ArrayPtr(*array));
    }
    if (auto packing = dyn_cast_if_present<PackingAttr>(tensor.getEncoding())) {
      ArrayRef<uint8_t> bytes = datum.buffer->memory->bytes;
      auto codes = SmallVector<int64_t>(bytes.drop_front(datum.buffer->offset));
      auto array = unpack(op, codes, tensor, packing);
      if (failed(array))
        return failure();
      return Datum::of(ArrayPtr(*array));
    }
    auto array = readBuffer(op, *datum.buffer, tensor.getElementType());
    if (failed(array))
      return failure();
    return Datum::of(ArrayPtr(*array));
  }
  auto memref = dyn_cast<MemRefType>(type);
  if (memref && datum.array) { // a weight that is still a tensor
    auto source = dyn_cast<RankedTensorType>(from);
    if (source && isa_and_present<PackingAttr>(source.getEncoding()))
      return packBuffer(op, *datum.array, memref, source);
    if (source && encodingOf(source)) {
      auto buffer = allocateBuffer(memref.getElementType(), memref.getShape());
      if (buffer->memory->bytes.size() != datum.array->stored.size())
        return refuse(op, ErrorCode::GraphType) << "reads " << buffer->memory->bytes.size()
                                                << " bytes of a weight that has " << datum.array->stored.size();
      llvm::copy(datum.array->stored, buffer->memory->bytes.begin());
      return Datum::of(std::shared_ptr<const Buffer>(buffer));
    }
    auto buffer = allocateBuffer(memref.getElementType(), datum.array->shape);
    if (failed(writeBuffer(op, *buffer, *datum.array)))
      return failure();
    return Datum::of(std::shared_ptr<const Buffer>(buffer));
  }
  return datum;
}

/// Runs a tiled function: @k.grid gives the number of work items, @k takes a range of them.
static LogicalResult launchRange(LaunchOp op, func::FuncOp kernel, ArrayRef<Datum> arguments,
                                 Interpreter &interpreter) {
  auto gridName = StringAttr::get(op.getContext(), kernel.getSymName() + ".grid");
  Operation *grid = interpreter.lookup(op, gridName);
  if (!grid)
    return refuse(op, ErrorCode::GraphStructure)
           << "launches @" << kernel.getSymName() << ", which has no @" << gridName.getValue()
           << " to tell its work items";
  SmallVector<Datum> items;
  if (failed(interpreter.call(grid, arguments, items)))
    return failure();
  int64_t count = items.front().integer, middle = count / 2;
  for (auto [begin, end] : {std::pair(middle, count), std::pair(int64_t(0), middle)}) {
    SmallVector<Datum> all(arguments.begin(), arguments.end()), none;
    all.append({Datum::of(begin), Datum::of(end)});
    if (begin < end && failed(interpreter.call(kernel, all, none)))
      return failure();
  }
  return success();
}

static LogicalResult evaluateLaunch(LaunchOp op, Interpreter &interpreter) {
  Operation *symbol = interpreter.lookup(op, op.getKernelAttr().getAttr());
  auto kernel = dyn_cast_if_present<FunctionOpInterface>(symbol);
  size_t fixed = op.getInputs().size();
  if (!kernel || kernel.getNumArguments() < fixed)
    return refuse(op, ErrorCode::GraphStructure)
           << "launches @" << op.getKernel() << ", which is no kernel of " << fixed
           << " or more arguments";
  SmallVector<Datum> arguments;
  for (auto [index, value] : llvm::enumerate(op.getInputs())) {
    FailureOr<Datum> datum =
        adapt(op, interpreter.get(value), value.getType(), kernel.getArgumentTypes()[index], interpreter);
    if (failed(datum))
      return failure();
    arguments.push_back(*datum);
  }
  if (auto function = dyn_cast<func::FuncOp>(kernel.getOperation())) {
    llvm::append_range(arguments, interpreter.getAll(op.getOutputs()));
    // Launches that are not planned yet get fresh buffers of the stated sizes.
    size_t size = 0;
    SmallVector<std::shared_ptr<Buffer>> fresh;
    for (OpResult result : op->getOpResults()) {
      auto type = cast<RankedTensorType>(result.getType());
      SmallVector<int64_t> shape(type.getShape());
      for (int64_t &extent : shape)
        if (ShapedType::isDynamic(extent))
          extent = interpreter.getInteger(op.getSizes()[size++]);
      fresh.push_back(allocateBuffer(getBufferElementType(type.getElementType()), shape));
      arguments.push_back(Datum::of(std::shared_ptr<const Buffer>(fresh.back())));
    }
    if (failed(launchRange(op, function, arguments, interpreter)))
      return failure();
    for (auto [result, buffer] : llvm::zip_equal(op->getOpResults(), fresh)) {
      Type element = cast<RankedTensorType>(result.getType()).getElementType();
      auto array = readBuffer(op, *buffer, element);
      if (failed(array) || failed(interpreter.setArray(result, *array)))
        return failure();
    }
    return success();
  }
  SmallVector<Datum> results;
  if (failed(interpreter.call(kernel, arguments, results)))
    return failure();
  if (results.size() != op.getNumResults() + op.getOutputs().size())
    return refuse(op, ErrorCode::GraphType) << "expects " << op.getNumResults() + op.getOutputs().size()
                                            << " results, but the kernel yields " << results.size();
  size_t next = 0;
  for (Value output : op.getOutputs())
    if (failed(writeBuffer(op, interpreter.getBuffer(output), *results[next++].array)))
      return failure();
  for (OpResult result : op->getOpResults())
    if (failed(interpreter.setArray(result, std::make_shared<Array>(*results[next++].array))))
      return failure();
  // The sizes that a launch states are the sizes that it gets.
  size_t size = 0;
  for (OpResult result : op->getOpResults())
    for (auto [dim, extent] : llvm::enumerate(cast<ShapedType>(result.getType()).getShape()))
      if (ShapedType::isDynamic(extent) && size < op.getSizes().size()) {
        int64_t stated = interpreter.getInteger(op.getSizes()[size++]);
        int64_t actual = interpreter.getArray(result).shape[dim];
        if (stated != actual)
          return refuse(op, ErrorCode::GraphType)
                 << "states size " << stated << " for dimension " << dim << " of result "
                 << result.getResultNumber() << ", but the kernel computes " << actual;
      }
  return success();
}

/// A constant of a tiled kernel.
static LogicalResult evaluateGetGlobal(memref::GetGlobalOp op, Interpreter &interpreter) {
  auto global = dyn_cast_if_present<memref::GlobalOp>(interpreter.lookup(op, op.getNameAttr().getAttr()));
  auto data = global ? dyn_cast_or_null<ElementsAttr>(global.getInitialValueAttr()) : ElementsAttr();
  if (!data)
    return refuse(op, ErrorCode::GraphStructure) << "refers to @" << op.getName() << ", which holds no data";
  auto array = arrayFromAttribute(op, data, interpreter.getOptions().maxElements);
  if (failed(array))
    return failure();
  auto buffer = allocateBuffer(op.getType().getElementType(), (*array)->shape);
  if (failed(writeBuffer(op, *buffer, **array)))
    return failure();
  interpreter.set(op.getResult(), Datum::of(std::shared_ptr<const Buffer>(buffer)));
  return success();
}

static LogicalResult evaluateArena(ArenaOp op, Interpreter &interpreter) {
  int64_t bytes = interpreter.getInteger(op.getBytes());
  if (bytes < 0 || bytes > interpreter.getOptions().maxElements)
    return refuse(op, ErrorCode::LimitMemory) << "asks for " << bytes << " bytes";
  auto buffer = allocateBuffer(IntegerType::get(op.getContext(), 8), {bytes});
  interpreter.set(op.getResult(), Datum::of(std::shared_ptr<const Buffer>(buffer)));
  return success();
}

void lutra::addProgramHandlers(HandlerTable &table) {
  table.add<ArenaOp, evaluateArena>();
  table.add<ConstantOp, evaluateConstant>();
  table.add<LaunchOp, evaluateLaunch>();
  table.add<memref::GetGlobalOp, evaluateGetGlobal>();
  table.add<WeightOp, evaluateWeight>();
}
