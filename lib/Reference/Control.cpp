//===- Control.cpp - calls, structured control flow ------------------------===//
#include "Interpreter.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace lutra;

static void setAll(Interpreter &interpreter, ValueRange values, ArrayRef<Datum> data) {
  for (auto [value, datum] : llvm::zip_equal(values, data))
    interpreter.set(value, datum);
}

static LogicalResult evaluateCall(func::CallOp op, Interpreter &interpreter) {
  Operation *callee = interpreter.lookup(op, op.getCalleeAttr().getAttr());
  if (!callee)
    return refuse(op, ErrorCode::GraphStructure) << "calls @" << op.getCallee()
                                                 << ", which the module does not define";
  SmallVector<Datum> results;
  if (failed(interpreter.call(callee, interpreter.getAll(op.getOperands()), results)))
    return failure();
  setAll(interpreter, op.getResults(), results);
  return success();
}

static LogicalResult evaluateIf(scf::IfOp op, Interpreter &interpreter) {
  bool taken = interpreter.getInteger(op.getCondition()) != 0;
  Region &region = taken ? op.getThenRegion() : op.getElseRegion();
  SmallVector<Datum> results;
  if (!region.empty() && failed(interpreter.runBlock(region.front(), {}, results)))
    return failure();
  setAll(interpreter, op.getResults(), results);
  return success();
}

static LogicalResult evaluateFor(scf::ForOp op, Interpreter &interpreter) {
  int64_t low = interpreter.getInteger(op.getLowerBound());
  int64_t high = interpreter.getInteger(op.getUpperBound());
  int64_t step = interpreter.getInteger(op.getStep());
  if (step <= 0)
    return refuse(op, ErrorCode::Attribute) << "steps by " << step << ", which must be positive";
  SmallVector<Datum> carried = interpreter.getAll(op.getInitArgs());
  for (int64_t i = low; i < high; i += step) {
    SmallVector<Datum> arguments = {Datum::of(i)};
    llvm::append_range(arguments, carried);
    if (failed(interpreter.runBlock(*op.getBody(), arguments, carried)))
      return failure();
  }
  setAll(interpreter, op.getResults(), carried);
  return success();
}

/// The "before" block ends in scf.condition, whose first operand decides.
static LogicalResult evaluateWhile(scf::WhileOp op, Interpreter &interpreter) {
  SmallVector<Datum> carried = interpreter.getAll(op.getInits());
  while (true) {
    SmallVector<Datum> condition;
    if (failed(interpreter.runBlock(op.getBefore().front(), carried, condition)))
      return failure();
    bool goesOn = condition.front().integer != 0;
    condition.erase(condition.begin());
    if (!goesOn) {
      setAll(interpreter, op.getResults(), condition);
      return success();
    }
    if (failed(interpreter.runBlock(op.getAfter().front(), condition, carried)))
      return failure();
  }
}

void lutra::addControlHandlers(HandlerTable &table) {
  table.add<func::CallOp, evaluateCall>();
  table.add<scf::IfOp, evaluateIf>();
  table.add<scf::ForOp, evaluateFor>();
  table.add<scf::WhileOp, evaluateWhile>();
}
