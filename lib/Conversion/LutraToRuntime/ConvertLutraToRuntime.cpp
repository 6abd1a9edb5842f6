//===- ConvertLutraToRuntime.cpp - @main as the runtime calls it -----------===//
// @main reads its arguments from slots, takes the arena and the weights as addresses, and turns each launch into a call
// of lutra_rt_launch with slots of its own. Launches are known by number: the position of the kernel's
// name in the module's `lutra.kernels`. Weights get their offsets here (`lutra.offset`), in the order of
// their first use, so that one call walks the file forwards.
#include "Slots.h"

#include "lutra/Conversion/Passes.h"
#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lutra;

namespace lutra {
#define GEN_PASS_DEF_CONVERTLUTRATORUNTIME
#include "lutra/Conversion/Passes.h.inc"
} // namespace lutra

/// Weights begin at multiples of a cache line.
static constexpr int64_t weightAlignment = 64;

namespace {

struct ConvertLutraToRuntime final
    : lutra::impl::ConvertLutraToRuntimeBase<ConvertLutraToRuntime> {
  using Base::Base;
  void runOnOperation() override;

private:
  void placeWeights(func::FuncOp main);
  void convertShapes(func::FuncOp shapes);
  LogicalResult convertMain(func::FuncOp main);
  void convertLaunch(LaunchOp launch, Value call, Value array);
  void convertCopy(memref::CopyOp copy, Value call);
  LLVM::LLVMFuncOp declare(StringRef name, ArrayRef<Type> inputs);

  llvm::MapVector<StringAttr, int64_t> kernels; // name -> number
};

} // namespace

static int64_t bytesOf(MemRefType type) {
  return type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

void ConvertLutraToRuntime::placeWeights(func::FuncOp main) {
  ModuleOp module = getOperation();
  SymbolTable symbols(module);
  int64_t offset = 0;
  Builder builder(module.getContext());
  for (auto global : module.getOps<GlobalOp>()) // a module's text may say anything
    global->removeAttr("lutra.offset");
  main.walk([&](WeightOp weight) {
    auto global = symbols.lookup<GlobalOp>(weight.getGlobal());
    if (global->hasAttr("lutra.offset"))
      return;
    global->setAttr("lutra.offset", builder.getI64IntegerAttr(offset));
    offset = llvm::alignTo(offset + bytesOf(cast<MemRefType>(weight.getType())), weightAlignment);
  });
  module->setAttr("lutra.weight_bytes", builder.getI64IntegerAttr(offset));
}

LLVM::LLVMFuncOp ConvertLutraToRuntime::declare(StringRef name, ArrayRef<Type> inputs) {
  ModuleOp module = getOperation();
  if (auto found = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return found;
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Type none = LLVM::LLVMVoidType::get(module.getContext());
  return LLVM::LLVMFuncOp::create(builder, module.getLoc(), name,
                                  LLVM::LLVMFunctionType::get(none, inputs));
}

void ConvertLutraToRuntime::convertLaunch(LaunchOp launch, Value call, Value array) {
  OpBuilder builder(launch);
  Location loc = launch.getLoc();
  SlotWriter slots(builder, loc, array);
  for (Value value : launch.getInputs())
    slots.write(value);
  for (Value value : launch.getOutputs())
    slots.write(value);
  int64_t number = kernels.try_emplace(launch.getKernelAttr().getAttr(), kernels.size()).first->second;
  Type word = builder.getI64Type(), pointer = call.getType();
  Value index = LLVM::ConstantOp::create(builder, loc, word, builder.getI64IntegerAttr(number));
  Value count = LLVM::ConstantOp::create(builder, loc, word, builder.getI64IntegerAttr(slots.count()));
  LLVM::CallOp::create(builder, loc, declare("lutra_rt_launch", {pointer, word, pointer, word}),
                       ValueRange{call, index, array, count});
  launch.erase();
}

void ConvertLutraToRuntime::convertCopy(memref::CopyOp copy, Value call) {
  OpBuilder builder(copy);
  Location loc = copy.getLoc();
  auto type = cast<MemRefType>(copy.getTarget().getType());
  Value bytes = arith::ConstantIndexOp::create(
      builder, loc, llvm::divideCeil(type.getElementTypeBitWidth(), 8));
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    bytes = arith::MulIOp::create(builder, loc, bytes,
                                  memref::DimOp::create(builder, loc, copy.getTarget(), dim));
  Value word = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), bytes);
  Type pointer = call.getType();
  LLVM::CallOp::create(builder, loc,
                       declare("lutra_rt_copy", {pointer, pointer, pointer, word.getType()}),
                       ValueRange{call, addressOf(builder, loc, copy.getTarget()),
                                  addressOf(builder, loc, copy.getSource()), word});
  copy.erase();
}

LogicalResult ConvertLutraToRuntime::convertMain(func::FuncOp main) {
  MLIRContext *context = main.getContext();
  // The artifact's introspection reads names and types from a declaration that stays as @main was.
  auto signature = func::FuncOp::create(main.getLoc(), "main.signature", main.getFunctionType());
  signature.setPrivate();
  signature.setAllArgAttrs(main.getArgAttrsAttr());
  signature->setAttr("lutra.inputs", main->getAttr("lutra.inputs"));
  for (StringRef checked : {"lutra.dim_ranges", "lutra.dim_relations", "lutra.dim_conditions"})
    if (Attribute attr = main->getAttr(checked))
      signature->setAttr(checked, attr);
  getOperation().push_back(signature);

  Block &body = main.getBody().front();
  Location loc = main.getLoc();
  auto pointer = LLVM::LLVMPointerType::get(context);
  unsigned old = body.getNumArguments();
  int64_t entrySlots = 0, launchSlots = 1;
  for (Type type : body.getArgumentTypes())
    entrySlots += countSlots(type);
  main.walk([&](LaunchOp launch) {
    int64_t count = 0;
    for (Type type : launch->getOperandTypes())
      count += countSlots(type);
    launchSlots = std::max(launchSlots, count);
  });
  Value call = body.addArgument(pointer, loc), args = body.addArgument(pointer, loc);
  Value arena = body.addArgument(pointer, loc), weights = body.addArgument(pointer, loc);
  OpBuilder builder = OpBuilder::atBlockBegin(&body);
  Value length = LLVM::ConstantOp::create(builder, loc, builder.getI64Type(),
                                          builder.getI64IntegerAttr(launchSlots));
  Value array = LLVM::AllocaOp::create(builder, loc, pointer, builder.getI64Type(), length, 8);
  SlotReader slots(builder, loc, args);
  for (unsigned i = 0; i < old; ++i)
    body.getArgument(i).replaceAllUsesWith(slots.read(body.getArgument(i).getType()));
  body.eraseArguments(0, old);

  SymbolTable symbols(getOperation());
  SmallVector<Operation *> ops; // those of branches too
  main.walk([&](Operation *op) { ops.push_back(op); });
  for (Operation *next : ops) {
    Operation &op = *next;
    builder.setInsertionPoint(&op);
    if (auto launch = dyn_cast<LaunchOp>(op)) {
      convertLaunch(launch, call, array);
    } else if (auto copy = dyn_cast<memref::CopyOp>(op)) {
      convertCopy(copy, call);
    } else if (auto arenaOp = dyn_cast<ArenaOp>(op)) {
      arenaOp.replaceAllUsesWith(makeBuffer(builder, op.getLoc(), arenaOp.getType(), arena,
                                            arenaOp.getBytes()));
      op.erase();
    } else if (auto weight = dyn_cast<WeightOp>(op)) {
      auto global = symbols.lookup<GlobalOp>(weight.getGlobal());
      auto offset = global->getAttrOfType<IntegerAttr>("lutra.offset");
      Value where = LLVM::ConstantOp::create(builder, op.getLoc(), builder.getI64Type(),
                                             builder.getI64IntegerAttr(offset.getInt()));
      Value address = LLVM::GEPOp::create(builder, op.getLoc(), pointer, builder.getI8Type(), weights,
                                          ArrayRef<LLVM::GEPArg>{where});
      weight.getResult().replaceAllUsesWith(makeBuffer(
          builder, op.getLoc(), cast<MemRefType>(weight.getType()), address, ValueRange()));
      op.erase();
    } else if (op.getDialect() && isa<LutraDialect>(op.getDialect())) {
      return emitCodedError(op.getLoc(), ErrorCode::Internal)
             << "'" << op.getName() << "' is left in @main after memory was planned";
    }
  }
  main.removeArgAttrsAttr();
  main.setFunctionType(FunctionType::get(context, body.getArgumentTypes(), {}));
  main.setName("lutra_entry");
  main->removeAttr("lutra.inputs");
  main->setAttr("no_unwind", UnitAttr::get(context));
  getOperation()->setAttr("lutra.entry_slots", builder.getI64IntegerAttr(entrySlots));
  return success();
}

void ConvertLutraToRuntime::convertShapes(func::FuncOp shapes) {
  MLIRContext *context = shapes.getContext();
  Block &body = shapes.getBody().front();
  Location loc = shapes.getLoc();
  auto pointer = LLVM::LLVMPointerType::get(context);
  unsigned old = body.getNumArguments();
  Value sizes = body.addArgument(pointer, loc), results = body.addArgument(pointer, loc);
  OpBuilder builder = OpBuilder::atBlockBegin(&body);
  SlotReader slots(builder, loc, sizes);
  for (unsigned i = 0; i < old; ++i)
    body.getArgument(i).replaceAllUsesWith(slots.read(body.getArgument(i).getType()));
  body.eraseArguments(0, old);
  Operation *terminator = body.getTerminator();
  builder.setInsertionPoint(terminator);
  SlotWriter writer(builder, loc, results);
  for (Value value : terminator->getOperands())
    writer.write(value);
  terminator->setOperands({});
  shapes.setFunctionType(FunctionType::get(context, body.getArgumentTypes(), {}));
  shapes.setName("lutra_shapes");
  shapes.setPublic();
  shapes->setAttr("no_unwind", UnitAttr::get(context));
}

void ConvertLutraToRuntime::runOnOperation() {
  ModuleOp module = getOperation();
  auto main = module.lookupSymbol<func::FuncOp>("main");
  auto shapes = module.lookupSymbol<func::FuncOp>("main.shapes");
  if (!main || !shapes || !main->hasAttr("lutra.inputs")) {
    emitCodedError(module.getLoc(), ErrorCode::IrSyntax)
        << "the module has no @main whose memory is planned; run lutra-plan-memory first";
    return signalPassFailure();
  }
  placeWeights(main);
  if (failed(convertMain(main)))
    return signalPassFailure();
  convertShapes(shapes);
  SmallVector<Attribute> names;
  for (auto &[name, number] : kernels)
    names.push_back(name);
  module->setAttr("lutra.kernels", ArrayAttr::get(module.getContext(), names));
  for (Operation &op : llvm::make_early_inc_range(*module.getBody()))
    if (isa<KernelOp>(op) || op.hasAttr("lutra.kernel") ||
        (isa<func::FuncOp>(op) && cast<func::FuncOp>(op).getName().ends_with(".grid")))
      op.erase();
}
