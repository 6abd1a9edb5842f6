//===- Interpreter.cpp - runs the ops of a function one after another ------===//
#include "Interpreter.h"

#include "MemoryAccess.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace lutra {

HandlerTable::HandlerTable() {
  addControlHandlers(*this);
  addConvolutionHandlers(*this);
  addGatherHandlers(*this);
  addIntegerHandlers(*this);
  addMemoryHandlers(*this);
  addMovementHandlers(*this);
  addNormHandlers(*this);
  addPointwiseHandlers(*this);
  addPoolHandlers(*this);
  addProductHandlers(*this);
  addProgramHandlers(*this);
  addQuantizationHandlers(*this);
  addRecurrenceHandlers(*this);
  addReductionHandlers(*this);
  addResizeHandlers(*this);
  addScalarHandlers(*this);
  addSelectionHandlers(*this);
  addTensorHandlers(*this);
  addTileHandlers(*this);
}

Handler HandlerTable::lookup(Operation *op) {
  auto [entry, isNew] = cache.try_emplace(op->getName(), nullptr);
  if (isNew)
    entry->second = handlers.lookup(op->getName().getStringRef());
  return entry->second;
}

InFlightDiagnostic refuse(Operation *op, ErrorCode code) {
  return emitCodedError(op->getLoc(), code) << "'" << op->getName().getStringRef() << "' ";
}

const Datum &Interpreter::get(Value value) {
  auto entry = frame->find(value);
  assert(entry != frame->end() && "SSA values are defined before they are used");
  return entry->second;
}

void Interpreter::set(Value value, Datum datum) { (*frame)[value] = std::move(datum); }

SmallVector<Datum> Interpreter::getAll(ValueRange values) {
  SmallVector<Datum> data;
  for (Value value : values)
    data.push_back(get(value));
  return data;
}

static LogicalResult checkShape(OpResult result, ArrayRef<int64_t> shape) {
  auto type = cast<ShapedType>(result.getType());
  bool fits = type.getRank() == static_cast<int64_t>(shape.size());
  for (int64_t dim = 0; fits && dim < type.getRank(); ++dim)
    fits = type.isDynamicDim(dim) || type.getDimSize(dim) == shape[dim];
  if (fits)
    return success();
  InFlightDiagnostic diag = refuse(result.getOwner(), ErrorCode::GraphType);
  diag << "computes a value of shape [" << shape << "], which does not fit its type "
       << result.getType();
  return diag;
}

LogicalResult Interpreter::setArray(OpResult result, std::shared_ptr<Array> array) {
  if (failed(checkShape(result, array->shape)))
    return failure();
  if (array->isFloat() && !isWide())
    for (double &value : array->floats)
      value = roundToType(array->elementType, value);
  if (!bounds)
    array->errors.clear();
  // An all-zero error array says the same as none, and later ops are faster without.
  if (llvm::all_of(array->errors, [](double error) { return error == 0; }))
    array->errors.clear();
  set(result, Datum::of(ArrayPtr(std::move(array))));
  return success();
}

FailureOr<SmallVector<int64_t>> Interpreter::shapeFrom(OpResult result, ValueRange sizes) {
  auto type = cast<ShapedType>(result.getType());
  SmallVector<int64_t> shape;
  size_t next = 0;
  for (int64_t size : type.getShape()) {
    if (ShapedType::isDynamic(size)) {
      if (next == sizes.size())
        return refuse(result.getOwner(), ErrorCode::GraphType)
               << "gives " << sizes.size() << " sizes, fewer than the dynamic ones of its type "
               << type;
      size = getInteger(sizes[next++]);
    }
    if (size < 0)
      return refuse(result.getOwner(), ErrorCode::GraphType) << "is given a negative size " << size;
    shape.push_back(size);
  }
  return shape;
}

FailureOr<std::shared_ptr<Array>> Interpreter::makeResult(OpResult result,
                                                          ArrayRef<int64_t> shape) {
  if (failed(checkShape(result, shape)))
    return failure();
  std::optional<int64_t> count = countElements(shape);
  if (!count || *count > options.maxElements)
    return refuse(result.getOwner(), ErrorCode::LimitSize)
           << "would make a value of shape [" << shape << "], more than " << options.maxElements
           << " elements";
  auto array = makeArray(cast<ShapedType>(result.getType()).getElementType(), shape);
  if (bounds)
    array->errors.assign(*count, 0);
  return array;
}

SmallVector<int64_t> Interpreter::mixed(ArrayRef<int64_t> statics, ValueRange dynamics) {
  SmallVector<int64_t> values;
  size_t next = 0;
  for (int64_t value : statics)
    values.push_back(ShapedType::isDynamic(value) && next < dynamics.size()
                         ? getInteger(dynamics[next++])
                         : value);
  return values;
}

Operation *Interpreter::lookup(Operation *from, StringAttr name) {
  return symbols.lookupNearestSymbolFrom(from, name);
}

LogicalResult Interpreter::call(Operation *function, ArrayRef<Datum> arguments,
                                SmallVectorImpl<Datum> &results) {
  auto callee = dyn_cast<FunctionOpInterface>(function);
  if (!callee || callee.isExternal())
    return refuse(function, ErrorCode::UnsupportedOp) << "has no body that could be run";
  if (!llvm::hasSingleElement(callee.getFunctionBody()))
    return refuse(function, ErrorCode::UnsupportedOp)
           << "has several blocks; the evaluator runs structured control flow alone";
  if (callee.getNumArguments() != arguments.size())
    return refuse(function, ErrorCode::GraphType)
           << "takes " << callee.getNumArguments() << " arguments, but is given "
           << arguments.size();
  if (depth == 64)
    return refuse(function, ErrorCode::LimitSize) << "is called through more than 64 calls";
  ++depth;
  Frame own;
  Frame *outer = std::exchange(frame, &own);
  LogicalResult status = runBlock(callee.getFunctionBody().front(), arguments, results);
  frame = outer;
  --depth;
  return status;
}

LogicalResult Interpreter::runBlock(Block &block, ArrayRef<Datum> arguments,
                                    SmallVectorImpl<Datum> &results) {
  if (block.getNumArguments() != arguments.size())
    return refuse(block.getParentOp(), ErrorCode::GraphType)
           << "has a block of " << block.getNumArguments() << " arguments that is given "
           << arguments.size();
  for (auto [argument, datum] : llvm::zip_equal(block.getArguments(), arguments))
    set(argument, datum);
  for (Operation &op : block) {
    if (op.hasTrait<OpTrait::IsTerminator>()) {
      results = getAll(op.getOperands());
      return success();
    }
    if (++steps > options.maxSteps)
      return refuse(&op, ErrorCode::LimitTime)
             << "is reached after " << options.maxSteps << " steps, the limit of one evaluation";
    Handler handler = table.lookup(&op);
    if (!handler)
      return refuse(&op, ErrorCode::UnsupportedOp) << "is not known to the evaluator";
    if (failed(handler(&op, *this)))
      return failure();
  }
  return success();
}

/// Checks a host tensor against an argument type.
static LogicalResult checkInput(Operation *function, unsigned index, const Tensor &input,
                                ShapedType type) {
  std::optional<ElementKind> kind = elementKindOf(type.getElementType());
  bool fits = kind && bytesOf(*kind) == bytesOf(input.getKind()) &&
              isFloatKind(*kind) == input.isFloat() &&
              type.getRank() == static_cast<int64_t>(input.getShape().size());
  for (int64_t dim = 0; fits && dim < type.getRank(); ++dim)
    fits = type.isDynamicDim(dim) || type.getDimSize(dim) == input.getShape()[dim];
  if (fits)
    return success();
  InFlightDiagnostic diag = emitCodedError(function->getLoc(), ErrorCode::RuntimeArgument);
  diag << "argument " << index << " has type " << type << ", but the input is " << nameOf(input.getKind())
       << " of shape [" << input.getShape() << "]";
  return diag;
}

/// The contents of a buffer, whatever its strides are.
static FailureOr<Tensor> tensorFromBuffer(Operation *op, const Buffer &buffer) {
  auto array = readBuffer(op, buffer, buffer.elementType);
  if (failed(array))
    return failure();
  return tensorFromArray(**array);
}

/// Runs a function; arrays of its results, then contents of its destination arguments.
static FailureOr<SmallVector<Datum>> run(ModuleOp module, StringRef name, ArrayRef<Tensor> inputs,
                                         Interpreter &interpreter) {
  Operation *symbol = SymbolTable::lookupSymbolIn(module, name);
  auto function = dyn_cast_if_present<FunctionOpInterface>(symbol);
  if (!function)
    return emitCodedError(module.getLoc(), ErrorCode::GraphStructure)
           << "the module has no function @" << name << " to evaluate";
  if (inputs.size() > function.getNumArguments())
    return emitCodedError(function.getLoc(), ErrorCode::RuntimeArgument)
           << "@" << name << " takes " << function.getNumArguments() << " arguments, but "
           << inputs.size() << " inputs are given";
  SmallVector<Datum> arguments;
  SmallVector<std::shared_ptr<Buffer>> destinations;
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
    auto memref = dyn_cast<MemRefType>(type);
    if (index >= inputs.size()) {
      size_t next = destinations.size();
      ArrayRef<SmallVector<int64_t>> shapes = interpreter.getOptions().destinationShapes;
      SmallVector<int64_t> shape;
      if (memref)
        shape = next < shapes.size() ? shapes[next] : llvm::to_vector(memref.getShape());
      if (!memref || !elementKindOf(memref.getElementType()) || !countElements(shape))
        return emitCodedError(function.getLoc(), ErrorCode::RuntimeArgument)
               << "argument " << index << " of type " << type << " of @" << name
               << " is neither given nor a destination of known shape";
      destinations.push_back(allocateBuffer(memref.getElementType(), shape));
      arguments.push_back(Datum::of(std::shared_ptr<const Buffer>(destinations.back())));
      continue;
    }
    const Tensor &input = inputs[index];
    if (type.isIntOrIndexOrFloat()) {
      if (input.getCount() != 1)
        return emitCodedError(function.getLoc(), ErrorCode::RuntimeArgument)
               << "argument " << index << " of type " << type << " needs one element";
      arguments.push_back(isa<FloatType>(type) ? Datum::of(input.getFloat(0))
                                               : Datum::of(input.getInt(0)));
      continue;
    }
    auto shaped = dyn_cast<ShapedType>(type);
    if (!isa<RankedTensorType, MemRefType>(type))
      return emitCodedError(function.getLoc(), ErrorCode::UnsupportedType)
             << "argument " << index << " has type " << type << ", which no input can have";
    if (failed(checkInput(function, index, input, shaped)))
      return failure();
    if (!memref) {
      arguments.push_back(Datum::of(arrayFromTensor(input, shaped.getElementType())));
      continue;
    }
    std::shared_ptr<Buffer> buffer = allocateBuffer(memref.getElementType(), input.getShape());
    llvm::copy(input.getBytes(), buffer->memory->bytes.begin());
    arguments.push_back(Datum::of(std::shared_ptr<const Buffer>(buffer)));
  }
  SmallVector<Datum> results;
  if (failed(interpreter.call(function, arguments, results)))
    return failure();
  for (auto [datum, type] : llvm::zip_equal(results, function.getResultTypes())) {
    if (datum.array || datum.buffer)
      continue;
    auto scalar = makeArray(type, {});
    if (scalar->isFloat())
      scalar->floats[0] = datum.number;
    else
      scalar->integers[0] = datum.integer;
    datum.array = scalar;
  }
  for (std::shared_ptr<Buffer> &buffer : destinations)
    results.push_back(Datum::of(std::shared_ptr<const Buffer>(buffer)));
  return results;
}

FailureOr<SmallVector<Tensor>> evaluate(ModuleOp module, StringRef function,
                                        ArrayRef<Tensor> inputs, const EvaluatorOptions &options) {
  Interpreter interpreter(module, options, /*bounds=*/false);
  FailureOr<SmallVector<Datum>> results = run(module, function, inputs, interpreter);
  if (failed(results))
    return failure();
  SmallVector<Tensor> tensors;
  for (const Datum &datum : *results) {
    FailureOr<Tensor> tensor = datum.buffer ? tensorFromBuffer(module, *datum.buffer)
                                            : FailureOr<Tensor>(tensorFromArray(*datum.array));
    if (failed(tensor))
      return failure();
    tensors.push_back(std::move(*tensor));
  }
  return tensors;
}

FailureOr<SmallVector<BoundedTensor>> evaluateWithBounds(ModuleOp module, StringRef function,
                                                         ArrayRef<Tensor> inputs,
                                                         const EvaluatorOptions &options) {
  EvaluatorOptions wide = options;
  wide.arithmetic = Arithmetic::Wide;
  Interpreter interpreter(module, wide, /*bounds=*/true);
  FailureOr<SmallVector<Datum>> results = run(module, function, inputs, interpreter);
  if (failed(results))
    return failure();
  SmallVector<BoundedTensor> tensors;
  for (const Datum &datum : *results) {
    BoundedTensor bounded;
    if (datum.buffer) {
      FailureOr<Tensor> tensor = tensorFromBuffer(module, *datum.buffer);
      if (failed(tensor))
        return failure();
      bounded.value = std::move(*tensor);
      bounded.kind = bounded.value.getKind();
    } else {
      const Array &array = *datum.array;
      bounded.kind = elementKindOf(array.elementType).value_or(ElementKind::F64);
      bounded.value = Tensor(array.isFloat() ? ElementKind::F64 : bounded.kind, array.shape);
      for (int64_t i = 0, e = array.count(); i < e; ++i) {
        if (array.isFloat())
          bounded.value.setFloat(i, array.floats[i]);
        else
          bounded.value.setInt(i, array.integers[i]);
      }
      bounded.bound = array.errors;
    }
    tensors.push_back(std::move(bounded));
  }
  return tensors;
}

} // namespace lutra
