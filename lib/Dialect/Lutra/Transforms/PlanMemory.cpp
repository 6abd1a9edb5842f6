//===- PlanMemory.cpp - gives every value of @main its place ----------------===//
// @main arrives as launches on tensors and leaves as launches on buffers:
//
//   1. Index arithmetic moves to the top: it depends on the sizes of the inputs alone. Sizes that bear one name
//      (lutra.dim_names) become one value, so that equal sizes are recognised as equal.
//   2. Each tensor gets a storage: an argument, a weight, a result (destination passing) or an arena
//      buffer. A reshape is a view of its input's storage.
//   3. Arena buffers become a MemoryProblem: lifetimes from the order of the launches, bytes = units * D
//      with D a product of run-time sizes. Its plan is verified before use.
//      A branch (scf.if) is planned in line: the steps of its regions follow one another, so that their buffers
//      may share memory; what a region yields is written where the result of the branch lies, or copied there.
//   4. The function is rewritten, and @main.shapes is made for the entry checks: from the run-time
//      sizes of the inputs to those of the results and the bytes of the arena.
#include "PlanMemoryParts.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Dialect/Lutra/Transforms/Passes.h"
#include "lutra/Scheduling/MemoryProblem.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace lutra;

#define DEBUG_TYPE "lutra-plan-memory"

namespace lutra {
#define GEN_PASS_DEF_PLANMEMORY
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

namespace {

enum class Place { Argument, Weight, Result, Arena };

/// The memory behind one or more tensors that view it.
struct Storage {
  Place place;
  Value origin;          // the argument, the weight's result, or the launch's result
  unsigned index = 0;    // of the argument, the result or the arena buffer
  int64_t begin = 0, end = 0;
};

/// A product of run-time sizes times a constant.
struct Product {
  int64_t constant = 1;
  SmallVector<Value> factors; // sorted by number of first use
};

/// A yielded value that lies elsewhere than the branch's result.
struct BranchCopy {
  Operation *yield;
  Value from, to;
};

/// Plans one function.
class Planner {
public:
  explicit Planner(func::FuncOp function, SymbolTable &symbols)
      : function(function), symbols(symbols), builder(function.getContext()) {}

  LogicalResult run();

private:
  LogicalResult hoistSizes();
  LogicalResult nameConstants();
  LogicalResult assignStorage();
  LogicalResult assignBlock(Block &block);
  LogicalResult assignBranch(scf::IfOp branch);
  void addStorage(Value tensor, Place place, unsigned index);
  LogicalResult placeResults();
  void planArena();
  void retypeFunction();
  void emitArena();
  void rewriteBody();
  void emitShapes();

  SmallVector<Value> sizesOf(Value tensor);
  Product factor(Value size);
  Product bytesOf(Value tensor);
  Value numberOf(const Product &product, Location loc);
  Value bufferFor(Value tensor, Location loc);
  MemRefType typeOf(Value tensor) {
    return getBufferType(cast<RankedTensorType>(tensor.getType()));
  }
  Storage &storageOf(Value tensor) { return storages[roots.lookup(tensor)]; }

  func::FuncOp function;
  SymbolTable &symbols;
  OpBuilder builder;
  SmallVector<Storage> storages;
  DenseMap<Value, unsigned> roots; // tensor -> storage; looked up, never iterated
  DenseMap<Value, unsigned> numbers; // size -> order of first use
  DenseMap<Value, unsigned> targets; // what a branch yields -> storage of the branch's result
  int64_t step = 0;                  // of the launch or branch that is being assigned
  MemoryProblem problem;
  MemoryPlan plan;
  SmallVector<SmallVector<Value>> groups; // factors of each group's D
  SmallVector<Value> groupBases, groupScales;
  SmallVector<unsigned> bufferGroups;
  Value arena, arenaBytes;
  unsigned inputCount = 0;
  SmallVector<std::pair<Value, unsigned>> copies; // tensor -> result index
  SmallVector<BranchCopy> branchCopies;
  SmallVector<Value> resultTensors;
};

struct PlanMemory final : lutra::impl::PlanMemoryBase<PlanMemory> {
  using Base::Base;
  void runOnOperation() override;
};

} // namespace

/// Whether an op reads the one truth value of a tensor, as the condition of a branch does.
static bool isCondition(Operation &op) {
  auto extract = dyn_cast<tensor::ExtractOp>(op);
  return extract && extract.getIndices().empty() && extract.getType().isInteger(1);
}

/// Run-time sizes of a tensor, one for each dynamic dimension.
SmallVector<Value> Planner::sizesOf(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (auto launch = tensor.getDefiningOp<LaunchOp>()) {
    unsigned skip = 0;
    for (OpResult result : launch.getResults()) {
      auto resultType = cast<RankedTensorType>(result.getType());
      if (result == tensor)
        break;
      skip += resultType.getNumDynamicDims();
    }
    return SmallVector<Value>(launch.getSizes().slice(skip, type.getNumDynamicDims()));
  }
  if (auto reshape = tensor.getDefiningOp<ReshapeOp>())
    return SmallVector<Value>(reshape.getSizes());
  if (auto branch = tensor.getDefiningOp<scf::IfOp>())
    return sizesOf(branch.thenYield().getOperand(cast<OpResult>(tensor).getResultNumber()));
  SmallVector<Value> sizes;
  if (isa<BlockArgument>(tensor))
    for (auto [dim, size] : llvm::enumerate(type.getShape()))
      if (ShapedType::isDynamic(size))
        sizes.push_back(tensor::DimOp::create(builder, tensor.getLoc(), tensor, dim));
  return sizes;
}

LogicalResult Planner::hoistSizes() {
  Block &body = function.getBody().front();
  // One value per named size and one per unnamed dimension, at the top.
  builder.setInsertionPointToStart(&body);
  llvm::StringMap<Value> named;
  DenseMap<std::pair<Value, int64_t>, Value> sizes;
  for (BlockArgument argument : body.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type)
      return emitCodedError(function.getLoc(), ErrorCode::UnsupportedType)
             << "argument " << argument.getArgNumber() << " of @" << function.getName() << " is a "
             << argument.getType() << "; only tensors can be passed to a compiled model";
    auto names = function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), "lutra.dim_names");
    for (auto [dim, size] : llvm::enumerate(type.getShape())) {
      if (!ShapedType::isDynamic(size))
        continue;
      StringRef name = names && dim < names.size() ? cast<StringAttr>(names[dim]).getValue() : "";
      Value &shared = name.empty() ? sizes[{argument, dim}] : named[name];
      if (!shared)
        shared = tensor::DimOp::create(builder, function.getLoc(), argument, dim);
      sizes[{argument, dim}] = shared;
    }
  }
  Operation *top = builder.getInsertionPoint() == body.end() ? nullptr : &*builder.getInsertionPoint();
  SmallVector<Operation *> sizeOps; // those of branches too
  for (Operation &op : llvm::make_range(builder.getInsertionPoint(), body.end()))
    op.walk<WalkOrder::PreOrder>([&](Operation *inner) {
      if (isSizeOp(*inner))
        sizeOps.push_back(inner);
    });
  for (Operation *sizeOp : sizeOps) {
    Operation &op = *sizeOp;
    if (auto dim = dyn_cast<tensor::DimOp>(op)) {
      std::optional<int64_t> index = dim.getConstantIndex();
      auto type = cast<RankedTensorType>(dim.getSource().getType());
      if (!index)
        return emitCodedError(op.getLoc(), ErrorCode::UnsupportedOp)
               << "the size of a dimension chosen at run time is not supported outside kernels";
      Value size;
      if (isa<BlockArgument>(dim.getSource()) && type.isDynamicDim(*index)) {
        size = sizes.lookup({dim.getSource(), *index});
      } else if (!type.isDynamicDim(*index)) {
        builder.setInsertionPoint(&op);
        size = arith::ConstantIndexOp::create(builder, op.getLoc(), type.getDimSize(*index));
        if (top && size.getDefiningOp() != top)
          size.getDefiningOp()->moveBefore(top);
      } else {
        unsigned position = llvm::count_if(type.getShape().take_front(*index), ShapedType::isDynamic);
        SmallVector<Value> known = sizesOf(dim.getSource());
        if (position < known.size())
          size = known[position];
      }
      if (!size)
        return emitCodedError(op.getLoc(), ErrorCode::UnsupportedOp)
               << "the size of this value is not a formula of the input sizes";
      if (&op == top)
        top = op.getNextNode();
      dim.replaceAllUsesWith(size);
      op.erase();
      continue;
    }
    if (&op == top)
      top = op.getNextNode();
    else
      op.moveBefore(top);
  }
  return success();
}

/// Constants that stayed in @main (a result that is constant) become weights.
LogicalResult Planner::nameConstants() {
  SmallVector<ConstantOp> constants;
  function.walk([&](ConstantOp constant) { constants.push_back(constant); });
  for (ConstantOp constant : constants) {
    auto type = cast<RankedTensorType>(constant.getType());
    OpBuilder moduleBuilder(function);
    auto global = GlobalOp::create(moduleBuilder, constant.getLoc(), "constant", type,
                                   cast<ElementsAttr>(constant.getValue()));
    symbols.insert(global);
    builder.setInsertionPoint(constant);
    Value weight = WeightOp::create(builder, constant.getLoc(), type, global.getSymName());
    constant.replaceAllUsesWith(weight);
    constant.erase();
  }
  return success();
}

void Planner::addStorage(Value tensor, Place place, unsigned index) {
  if (auto target = targets.find(tensor); target != targets.end()) {
    roots[tensor] = target->second;
    return;
  }
  roots[tensor] = storages.size();
  storages.push_back({place, tensor, index, step, step});
}

LogicalResult Planner::assignStorage() {
  Block &body = function.getBody().front();
  for (BlockArgument argument : body.getArguments())
    addStorage(argument, Place::Argument, argument.getArgNumber());
  return assignBlock(body);
}

LogicalResult Planner::assignBlock(Block &block) {
  for (Operation &op : block.without_terminator()) {
    if (isSizeOp(op))
      continue;
    for (Type type : op.getResultTypes())
      if (auto tensor = dyn_cast<RankedTensorType>(type); tensor && !getBufferType(tensor))
        return emitCodedError(op.getLoc(), ErrorCode::UnsupportedType)
               << "a value of type " << tensor << " has no buffer form; widen or pack it first";
    if (isa<WeightOp>(op)) {
      addStorage(op.getResult(0), Place::Weight, 0);
    } else if (auto reshape = dyn_cast<ReshapeOp>(op)) {
      roots[reshape.getResult()] = roots.lookup(reshape.getInput());
    } else if (auto launch = dyn_cast<LaunchOp>(op)) {
      ++step;
      for (Value input : launch.getInputs())
        if (isa<RankedTensorType>(input.getType()))
          storageOf(input).end = step;
      for (Value result : launch.getResults())
        addStorage(result, Place::Arena, 0);
    } else if (isCondition(op)) {
      storageOf(op.getOperand(0)).end = ++step;
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      if (failed(assignBranch(branch)))
        return failure();
    } else {
      return emitCodedError(op.getLoc(), ErrorCode::UnsupportedOp)
             << "'" << op.getName() << "' stands outside a kernel; run lutra-form-kernels first";
    }
  }
  return success();
}

LogicalResult Planner::assignBranch(scf::IfOp branch) {
  ++step;
  for (Value result : branch.getResults())
    addStorage(result, Place::Arena, 0);
  for (Region &region : branch->getRegions()) {
    if (region.empty())
      continue;
    auto yield = cast<scf::YieldOp>(region.front().getTerminator());
    for (auto [result, yielded] : llvm::zip_equal(branch.getResults(), yield.getOperands())) {
      Value base = yielded;
      while (auto reshape = base.getDefiningOp<ReshapeOp>())
        base = reshape.getInput();
      Operation *producer = base.getDefiningOp();
      if (!isa_and_nonnull<LaunchOp, scf::IfOp>(producer) || producer->getBlock() != &region.front() ||
          !targets.try_emplace(base, roots.lookup(result)).second)
        branchCopies.push_back({yield, yielded, result});
      if (sizesOf(yielded) != sizesOf(result))
        return emitCodedError(branch.getLoc(), ErrorCode::UnsupportedOp)
               << "the branches of an If have results of different run-time sizes; give both the same size";
    }
    if (failed(assignBlock(region.front())))
      return failure();
    ++step;
    for (const BranchCopy &copy : branchCopies)
      if (copy.yield == yield.getOperation())
        storageOf(copy.from).end = step;
  }
  for (Value result : branch.getResults()) // written even if nothing reads it
    storageOf(result).end = step;
  return success();
}

/// The first return of an arena value makes it a result; every other return is a copy at the end.
LogicalResult Planner::placeResults() {
  Operation *terminator = function.getBody().front().getTerminator();
  for (auto [index, tensor] : llvm::enumerate(terminator->getOperands())) {
    resultTensors.push_back(tensor);
    Storage &storage = storageOf(tensor);
    if (storage.place == Place::Arena) {
      storage.place = Place::Result;
      storage.index = index;
    } else {
      copies.emplace_back(tensor, index);
    }
  }
  return success();
}

Product Planner::factor(Value size) {
  Product product;
  SmallVector<Value> pending = {size};
  while (!pending.empty()) {
    Value value = pending.pop_back_val();
    IntegerAttr constant;
    if (auto multiply = value.getDefiningOp<arith::MulIOp>()) {
      pending.append({multiply.getLhs(), multiply.getRhs()});
    } else if (matchPattern(value, m_Constant(&constant)) && constant.getInt() >= 0) {
      product.constant *= constant.getInt();
    } else {
      numbers.try_emplace(value, numbers.size());
      product.factors.push_back(value);
    }
  }
  llvm::sort(product.factors, [&](Value a, Value b) { return numbers[a] < numbers[b]; });
  return product;
}

Product Planner::bytesOf(Value tensor) {
  MemRefType type = typeOf(tensor);
  Product bytes;
  bytes.constant = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size))
      bytes.constant *= size;
  for (Value size : sizesOf(tensor)) {
    Product part = factor(size);
    bytes.constant *= part.constant;
    bytes.factors.append(part.factors);
  }
  llvm::sort(bytes.factors, [&](Value a, Value b) { return numbers[a] < numbers[b]; });
  return bytes;
}

void Planner::planArena() {
  groups.push_back({}); // sizes known at compile time
  for (Storage &storage : storages) {
    if (storage.place != Place::Arena)
      continue;
    Product bytes = bytesOf(storage.origin);
    auto *found = llvm::find(groups, bytes.factors);
    unsigned group = found - groups.begin();
    if (found == groups.end())
      groups.push_back(bytes.factors);
    storage.index = problem.buffers.size();
    problem.buffers.push_back({group, bytes.constant, storage.begin, storage.end});
  }
  problem.groups = groups.size();
  plan = problem.solve();
  assert(problem.verify(plan).empty() && "the plan breaks a constraint");
  auto opts = remark::RemarkOpts::name("PlanMemory").category(DEBUG_TYPE);
  for (auto [group, total] : llvm::enumerate(plan.groupTotals))
    if (total)
      remark::analysis(function.getLoc(), opts)
          << remark::metric("group", static_cast<int64_t>(group)) << remark::metric("units", total)
          << remark::metric("bound", plan.groupBounds[group]);
}

Value Planner::numberOf(const Product &product, Location loc) {
  Value value = arith::ConstantIndexOp::create(builder, loc, product.constant);
  for (Value next : product.factors)
    value = builder.createOrFold<arith::MulIOp>(loc, value, next);
  return value;
}

/// Results become trailing arguments; both keep their names and their graph-level types.
void Planner::retypeFunction() {
  Block &body = function.getBody().front();
  MLIRContext *context = function.getContext();
  FunctionType oldType = function.getFunctionType();
  inputCount = oldType.getNumInputs();
  SmallVector<Type> inputs;
  SmallVector<DictionaryAttr> attributes;
  auto add = [&](Type type, DictionaryAttr attribute) {
    NamedAttrList list(attribute);
    list.set("lutra.type", TypeAttr::get(type));
    attributes.push_back(list.getDictionary(context));
    inputs.push_back(getBufferType(cast<RankedTensorType>(type)));
  };
  for (auto [index, type] : llvm::enumerate(oldType.getInputs()))
    add(type, function.getArgAttrDict(index));
  for (auto [index, type] : llvm::enumerate(oldType.getResults()))
    add(type, function.getResultAttrDict(index));
  for (Type type : inputs)
    body.addArgument(type, function.getLoc()); // the tensors go when nothing uses them any more
  function.removeResAttrsAttr();
  function.setFunctionType(FunctionType::get(context, inputs, {}));
  function.setAllArgAttrs(attributes);
  function->setAttr("lutra.inputs", builder.getI64IntegerAttr(inputCount));
}

/// Bytes of the arena and the base of each group, right after the sizes.
void Planner::emitArena() {
  Location loc = function.getLoc();
  Block &body = function.getBody().front();
  builder.setInsertionPoint(&*llvm::find_if(body, [](Operation &op) { return !isSizeOp(op); }));
  Value next = arith::ConstantIndexOp::create(builder, loc, 0);
  int64_t constant = 0; // value of `next` while it is known
  bool known = true;
  for (auto [group, total] : llvm::enumerate(plan.groupTotals)) {
    groupBases.push_back(next);
    groupScales.push_back(groups[group].empty() ? Value() : numberOf({1, groups[group]}, loc));
    if (total == 0)
      continue;
    if (groups[group].empty()) {
      constant += llvm::alignTo(total, arenaAlignment);
      assert(known && "group 0 comes first");
      next = arith::ConstantIndexOp::create(builder, loc, constant);
      continue;
    }
    known = false;
    Value bytes = limitedProduct(builder, loc, total, groups[group]);
    if (total % arenaAlignment != 0) {
      Value extra = arith::ConstantIndexOp::create(builder, loc, arenaAlignment - 1);
      Value unit = arith::ConstantIndexOp::create(builder, loc, arenaAlignment);
      bytes = builder.createOrFold<arith::AddIOp>(loc, bytes, extra);
      bytes = builder.createOrFold<arith::MulIOp>(loc, builder.createOrFold<arith::DivUIOp>(loc, bytes, unit), unit);
    }
    next = limitedSum(builder, loc, next, bytes);
  }
  arenaBytes = next;
  if (!problem.buffers.empty())
    arena = ArenaOp::create(builder, loc,
                            MemRefType::get({ShapedType::kDynamic}, builder.getI8Type()), arenaBytes);
}

/// The buffer of a tensor, as the tensor's own shape.
Value Planner::bufferFor(Value tensor, Location loc) {
  Storage &storage = storageOf(tensor);
  MemRefType type = typeOf(tensor);
  SmallVector<Value> sizes = isa<BlockArgument>(tensor) ? SmallVector<Value>() : sizesOf(tensor);
  Block &body = function.getBody().front();
  switch (storage.place) {
  case Place::Argument:
    return viewBuffer(builder, loc, body.getArgument(inputCount + storage.index), type, sizes);
  case Place::Result:
    return viewBuffer(builder, loc, body.getArgument(2 * inputCount + storage.index), type, sizes);
  case Place::Weight:
    return WeightOp::create(builder, loc, type,
                            storage.origin.getDefiningOp<WeightOp>().getGlobal());
  case Place::Arena:
    break;
  }
  unsigned group = problem.buffers[storage.index].group;
  Value offset = arith::ConstantIndexOp::create(builder, loc, plan.offsets[storage.index]);
  if (groupScales[group])
    offset = builder.createOrFold<arith::MulIOp>(loc, offset, groupScales[group]);
  offset = builder.createOrFold<arith::AddIOp>(loc, groupBases[group], offset);
  return memref::ViewOp::create(builder, loc, type, arena, offset, sizes);
}

void Planner::rewriteBody() {
  Block &body = function.getBody().front();
  SmallVector<Operation *> old;
  SmallVector<scf::IfOp> branches;
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<WeightOp, ReshapeOp, LaunchOp>(op) || isCondition(*op))
      old.push_back(op);
    else if (auto branch = dyn_cast<scf::IfOp>(op))
      branches.push_back(branch);
  });
  for (Operation *op : old) {
    builder.setInsertionPoint(op);
    Location loc = op->getLoc();
    if (isCondition(*op)) {
      Value byte = memref::LoadOp::create(builder, loc, bufferFor(op->getOperand(0), loc), ValueRange());
      Value zero = arith::ConstantIntOp::create(builder, loc, 0, 8);
      op->getResult(0).replaceAllUsesWith(
          arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, byte, zero));
    }
    auto launch = dyn_cast<LaunchOp>(op);
    if (!launch)
      continue;
    auto toBuffer = [&](Value value) {
      return isa<RankedTensorType>(value.getType()) ? bufferFor(value, loc) : value;
    };
    SmallVector<Value> inputs = llvm::map_to_vector(launch.getInputs(), toBuffer);
    SmallVector<Value> outputs = llvm::map_to_vector(launch.getResults(), toBuffer);
    LaunchOp::create(builder, loc, TypeRange(), launch.getKernelAttr(), inputs, ValueRange(), outputs)
        ->setDiscardableAttrs(launch->getDiscardableAttrDictionary());
  }
  for (const BranchCopy &copy : branchCopies) {
    builder.setInsertionPoint(copy.yield);
    Location loc = copy.yield->getLoc();
    memref::CopyOp::create(builder, loc, bufferFor(copy.from, loc), bufferFor(copy.to, loc));
  }
  Operation *terminator = body.getTerminator();
  builder.setInsertionPoint(terminator);
  for (auto [tensor, index] : copies)
    memref::CopyOp::create(builder, terminator->getLoc(), bufferFor(tensor, terminator->getLoc()),
                           body.getArgument(2 * inputCount + index));
  func::ReturnOp::create(builder, terminator->getLoc());
  terminator->erase();
  // tensor.dim of an argument outlives the tensors.
  for (auto dim : llvm::make_early_inc_range(function.getOps<tensor::DimOp>())) {
    builder.setInsertionPoint(dim);
    unsigned argument = cast<BlockArgument>(dim.getSource()).getArgNumber();
    Value size = memref::DimOp::create(builder, dim.getLoc(), body.getArgument(inputCount + argument),
                                       dim.getIndex());
    dim.replaceAllUsesWith(size);
    dim.erase();
  }
  for (scf::IfOp branch : branches)
    for (Region &region : branch->getRegions())
      if (!region.empty())
        region.front().getTerminator()->setOperands({});
  for (Operation *op : llvm::reverse(old))
    op->erase();
  for (scf::IfOp branch : llvm::reverse(branches)) { // inner ones first
    builder.setInsertionPoint(branch);
    auto planned = scf::IfOp::create(builder, branch.getLoc(), TypeRange(), branch.getCondition(),
                                     /*addThenBlock=*/false, /*addElseBlock=*/false);
    for (auto [from, to] : llvm::zip_equal(branch->getRegions(), planned->getRegions()))
      to.takeBody(from);
    branch.erase();
  }
  body.eraseArguments(0, inputCount);
}

void Planner::emitShapes() {
  Block &body = function.getBody().front();
  SmallVector<Value> results;
  for (Value tensor : resultTensors) {
    if (isa<BlockArgument>(tensor)) {
      builder.setInsertionPoint(body.getTerminator());
      llvm::append_range(results, sizesOf(tensor));
    } else if (!tensor.getDefiningOp<WeightOp>()) {
      llvm::append_range(results, sizesOf(tensor));
    }
  }
  results.push_back(arenaBytes);
  symbols.insert(makeShapesFunction(function, inputCount, results));
}

LogicalResult Planner::run() {
  if (failed(hoistSizes()) || failed(nameConstants()) || failed(assignStorage()) ||
      failed(placeResults()))
    return failure();
  planArena();
  retypeFunction();
  emitArena();
  emitShapes();
  rewriteBody();
  return success();
}

void PlanMemory::runOnOperation() {
  SymbolTable symbols(getOperation());
  auto function = symbols.lookup<func::FuncOp>("main");
  if (!function || function.isExternal() || function->hasAttr("lutra.inputs"))
    return;
  if (!function.getBody().hasOneBlock()) {
    emitCodedError(function.getLoc(), ErrorCode::UnsupportedOp)
        << "@main has branches, which the memory plan does not support";
    return signalPassFailure();
  }
  if (failed(Planner(function, symbols).run()))
    signalPassFailure();
}
