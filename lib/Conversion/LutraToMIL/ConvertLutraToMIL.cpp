//===- ConvertLutraToMIL.cpp - graph-level lutra to the mil dialect ----------===//
// Walks @main once in order. Every op either binds a mil value or leaves a reason; reasons are printed
// together at the end, so that one run names everything that stands in the way. The interface keeps
// the model's names; floats cross it as fp32, integers and truth values as int32, because that is what
// Core ML's multi-arrays hold.
#include "MilLowering.h"

#include "lutra/Conversion/Passes.h"
#include "lutra/Dialect/Lutra/IR/PublicName.h"
#include "lutra/Dialect/MIL/IR/MILOpTable.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace lutra {
#define GEN_PASS_DEF_CONVERTLUTRATOMIL
#include "lutra/Conversion/Passes.h.inc"
} // namespace lutra

using namespace mlir;
using namespace lutra;

/// The type in which a value crosses the interface, or null.
static RankedTensorType interfaceType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || tensor.getRank() == 0 || tensor.getRank() > 5)
    return {};
  Type element = tensor.getElementType();
  Builder builder(type.getContext());
  if (element.isF16())
    return tensor;
  if (element.isF32() || element.isF64() || element.isBF16())
    return tensor.clone(builder.getF32Type());
  if (element.isInteger(1) || element.isSignlessInteger(32) || element.isSignlessInteger(64))
    return tensor.clone(builder.getI32Type());
  return {};
}

/// What fixes the named sizes of a model that came in as `origin`.
static std::string adviseSizes(ArrayRef<std::string> names, StringRef origin) {
  std::string flags, keywords;
  for (const std::string &name : names) {
    flags += (flags.empty() ? "--dim " : " and --dim ") + name + "=SIZE";
    keywords += (keywords.empty() ? "dims={\"" : ", \"") + name + "\": SIZE";
  }
  if (names.empty())
    return "";
  if (origin == "onnx")
    return "; give " + flags;
  if (origin == "program")
    return "; give " + keywords + "}";
  return "; a module's sizes are settled, so import the model again with " + flags + " (in Python " + keywords + "})";
}

/// Reports each dynamic dimension of the arguments and what fixes it.
static LogicalResult requireStatic(func::FuncOp func, StringRef origin) {
  std::string list;
  SmallVector<std::string> seen;
  for (unsigned index = 0; index < func.getNumArguments(); ++index) {
    auto type = dyn_cast<RankedTensorType>(func.getArgument(index).getType());
    if (!type)
      continue;
    auto names = func.getArgAttrOfType<ArrayAttr>(index, "lutra.dim_names");
    std::string argument = publicNameOf(func.getArgAttrDict(index), "input", index);
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      if (!type.isDynamicDim(dim))
        continue;
      std::string name = names && dim < (int64_t)names.size() ? cast<StringAttr>(names[dim]).str() : "";
      list += (list.empty() ? "" : ", ") + ("dimension " + std::to_string(dim) + " of \"" + argument + "\"");
      if (!name.empty()) {
        list += " (" + name + ")";
        if (!llvm::is_contained(seen, name))
          seen.push_back(name);
      }
    }
  }
  if (list.empty())
    return success();
  return emitCodedError(func.getLoc(), ErrorCode::UnsupportedTarget)
         << "target mil needs static shapes, but " << list << " is dynamic" << adviseSizes(seen, origin);
}

namespace {
struct ConvertLutraToMIL final : lutra::impl::ConvertLutraToMILBase<ConvertLutraToMIL> {
  using Base::Base;
  void runOnOperation() override;

private:
  LogicalResult convert(func::FuncOp func);
  LogicalResult bindArguments(func::FuncOp func, mil::FuncOp target, MilLowering &lowering);
  FailureOr<SmallVector<Value>> nameResults(func::FuncOp func, MilLowering &lowering,
                                            ArrayRef<std::string> names);
};
} // namespace

LogicalResult ConvertLutraToMIL::bindArguments(func::FuncOp func, mil::FuncOp target, MilLowering &lowering) {
  for (auto [from, to] : llvm::zip_equal(func.getArguments(), target.getArguments())) {
    RankedTensorType type = lowering.typeOf(from.getType());
    Value value = lowering.castTo(to, type.getElementType());
    if (!value)
      return failure();
    lowering.bind(from, value);
  }
  return success();
}

/// Results in their interface types under their public names.
FailureOr<SmallVector<Value>> ConvertLutraToMIL::nameResults(func::FuncOp func, MilLowering &lowering,
                                                             ArrayRef<std::string> names) {
  SmallVector<Value> results;
  auto terminator = func.getBody().front().getTerminator();
  for (auto [index, from] : llvm::enumerate(terminator->getOperands())) {
    RankedTensorType type = interfaceType(from.getType());
    lowering.current = terminator;
    Value value = lowering.valueOf(from);
    if (!value)
      return failure();
    value = lowering.castTo(value, type.getElementType());
    auto apply = value.getDefiningOp<mil::ApplyOp>();
    if (!apply || llvm::is_contained(results, value))
      value = lowering.unary("identity", value);
    apply = value.getDefiningOp<mil::ApplyOp>();
    apply.setNamesAttr(lowering.builder.getStrArrayAttr({StringRef(names[index])}));
    results.push_back(value);
  }
  return results;
}

LogicalResult ConvertLutraToMIL::convert(func::FuncOp func) {
  if (failed(requireStatic(func, origin)))
    return failure();
  ModuleOp module = getOperation();
  OpBuilder builder(func);
  SymbolTableCollection symbols;
  MilLowering lowering(builder, symbols, {compute == "fp16", products == "conv", spec});
  lowering.current = func;

  // The interface: public names first, so that nothing inside takes them.
  SmallVector<Type> inputs, outputs;
  SmallVector<std::string> inputNames, outputNames;
  auto addInterface = [&](Type from, std::string name, SmallVectorImpl<Type> &types,
                          SmallVectorImpl<std::string> &names) {
    RankedTensorType type = interfaceType(from);
    if (!type) {
      std::string text;
      llvm::raw_string_ostream(text) << "\"" << name << "\" of type " << from << " at the interface";
      lowering.decline(text);
    }
    types.push_back(type);
    names.push_back(lowering.uniqueName(name));
  };
  for (unsigned index = 0; index < func.getNumArguments(); ++index)
    addInterface(func.getArgument(index).getType(), publicNameOf(func.getArgAttrDict(index), "input", index),
                 inputs, inputNames);
  for (unsigned index = 0; index < func.getNumResults(); ++index)
    addInterface(func.getResultTypes()[index], publicNameOf(func.getResultAttrDict(index), "output", index),
                 outputs, outputNames);

  if (lowering.refusals.empty()) {
    SmallVector<StringRef> nameRefs(inputNames.begin(), inputNames.end());
    auto target = mil::FuncOp::create(builder, func.getLoc(), "main", builder.getFunctionType(inputs, outputs),
                                      builder.getStrArrayAttr(nameRefs), spec);
    Block *block = builder.createBlock(&target.getBody());
    for (Type type : inputs)
      block->addArgument(type, func.getLoc());
    builder.setInsertionPointToStart(block);
    if (succeeded(bindArguments(func, target, lowering))) {
      for (Operation &op : func.getBody().front().without_terminator()) {
        lowering.current = &op;
        if (llvm::all_of(op.getResultTypes(), [](Type type) { return type.isIndex(); }))
          continue; // shape arithmetic, folded where it is read
        if (!lowerMovement(lowering, &op) && !lowerPointwise(lowering, &op) && !lowerProduct(lowering, &op) &&
            !lowerReduction(lowering, &op))
          lowering.decline("no such operation in MIL");
      }
      lowering.current = func;
      FailureOr<SmallVector<Value>> results = nameResults(func, lowering, outputNames);
      if (succeeded(results))
        mil::ReturnOp::create(builder, func.getLoc(), *results);
    }
    if (!lowering.refusals.empty())
      target.erase();
  }

  if (!lowering.refusals.empty()) {
    InFlightDiagnostic diag = emitCodedError(lowering.refusals.front().op->getLoc(), ErrorCode::UnsupportedTarget)
                              << "target mil has no form for " << lowering.refusals.size() << " of the graph's parts: ";
    for (auto [index, refusal] : llvm::enumerate(lowering.refusals)) {
      diag << (index ? "; " : "") << refusal.op->getName();
      if (auto kind = refusal.op->getAttr("kind"))
        diag << " " << kind;
      diag << " (" << refusal.reason << ")";
    }
    return diag;
  }
  func.erase();
  for (GlobalOp global : llvm::make_early_inc_range(module.getOps<GlobalOp>()))
    global.erase();
  return success();
}

void ConvertLutraToMIL::runOnOperation() {
  ModuleOp module = getOperation();
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if ((compute != "fp16" && compute != "fp32") || (products != "linear" && products != "conv") || spec < 7 ||
      spec > 9) {
    emitError(module.getLoc()) << "convert-lutra-to-mil takes compute=fp16|fp32, products=linear|conv and spec=7..9";
    return signalPassFailure();
  }
  if (!main) {
    emitError(module.getLoc()) << "the module has no function @main to convert";
    return signalPassFailure();
  }
  main.setSymName("main.lutra"); // two functions may not share the name while both exist
  if (failed(convert(main)))
    signalPassFailure();
}
