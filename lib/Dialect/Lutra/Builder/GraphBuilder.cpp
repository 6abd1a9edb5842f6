//===- GraphBuilder.cpp - the module, its inputs, outputs and sizes --------===//
// What every method needs: making handles, emitting values on first use, sizes as index values.
// Constants are in Constants.cpp, folding in Fold.cpp, one file for each op family besides.
// Invariant: every op is emitted at the end of the entry function's block or of the branch that is being built; what
// may be used after a branch (constants, sizes) always in the entry function's block. So a value that was emitted once
// dominates all later uses.
#include "lutra/Dialect/Lutra/Builder/GraphBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lutra;

std::optional<int64_t> GraphTensor::count() const {
  int64_t product = 1;
  for (const DimExpr &dim : shape()) {
    std::optional<int64_t> size = dim.constant();
    if (!size || llvm::MulOverflow(product, *size, product))
      return std::nullopt;
  }
  return product;
}

GraphBuilder::GraphBuilder(MLIRContext *context, Location loc, StringRef entry)
    : context(context), loc(loc), module(ModuleOp::create(loc)), builder(context) {
  context->loadDialect<LutraDialect, arith::ArithDialect, func::FuncDialect, scf::SCFDialect,
                       tensor::TensorDialect>();
  builder.setInsertionPointToEnd(module->getBody());
  function = func::FuncOp::create(builder, loc, entry, builder.getFunctionType({}, {}));
  builder.setInsertionPointToEnd(function.addEntryBlock());
  globalNames[entry] = 1;
}

GraphTensor GraphBuilder::make(Type type, ArrayRef<DimExpr> shape, Value value) {
  nodes.push_back({type, Shape(shape), value, {}, std::nullopt, ""});
  return &nodes.back();
}

GraphTensor GraphBuilder::fail(ErrorCode code, const Twine &message) {
  if (!error)
    error = BuildError{code, message.str()};
  return {};
}

std::optional<BuildError> GraphBuilder::takeError() {
  std::optional<BuildError> taken = std::move(error);
  error.reset();
  return taken;
}

bool GraphBuilder::isStatic(ArrayRef<DimExpr> shape) const {
  return llvm::all_of(shape, [](const DimExpr &dim) { return dim.isConstant(); });
}

bool GraphBuilder::checkSize(ArrayRef<DimExpr> shape) {
  int64_t product = 1;
  for (const DimExpr &dim : shape) {
    std::optional<int64_t> size = dim.constant();
    if (size && *size < 0) {
      fail(ErrorCode::GraphType, "has a result of shape " + symbols.text(shape) + ", which has a negative size");
      return false;
    }
    if (size && *size != 0 && (llvm::MulOverflow(product, *size, product) || product > maxElements)) {
      fail(ErrorCode::LimitSize, "has a result of shape " + symbols.text(shape) +
                                     ", but a tensor may have 2^31 elements");
      return false;
    }
  }
  return true;
}

RankedTensorType GraphBuilder::tensorType(Type type, ArrayRef<DimExpr> shape) {
  SmallVector<int64_t> sizes;
  for (const DimExpr &dim : shape)
    sizes.push_back(dim.constant().value_or(ShapedType::kDynamic));
  return RankedTensorType::get(sizes, type);
}

GraphTensor GraphBuilder::addInput(StringRef name, Type type, ArrayRef<DimExpr> shape) {
  if (!checkSize(shape))
    return {};
  unsigned argument = function.getNumArguments();
  SmallVector<Attribute> dimNames;
  for (auto [index, dim] : llvm::enumerate(shape)) {
    StringRef dimName;
    if (!dim.isConstant()) {
      unsigned atom = dim.getTerms()[0].atoms[0];
      symbolSource.try_emplace(atom, argument, index);
      dimName = symbols.getAtom(atom).name;
    }
    dimNames.push_back(builder.getStringAttr(dimName));
  }
  auto attributes = builder.getDictionaryAttr(
      {builder.getNamedAttr("lutra.name", builder.getStringAttr(name)),
       builder.getNamedAttr("lutra.dim_names", builder.getArrayAttr(dimNames))});
  if (failed(function.insertArgument(argument, tensorType(type, shape), attributes, loc)))
    return fail(ErrorCode::GraphStructure, "input \"" + name + "\" cannot be an argument");
  return make(type, shape, function.getArgument(argument));
}

/// Names of a result's dimensions: "batch", "batch * seq + 1"; "" where it is no polynomial of names.
static ArrayAttr namesOfDims(OpBuilder &builder, DimSymbols &symbols, ArrayRef<DimExpr> shape) {
  auto isNamed = [&](unsigned id) {
    return symbols.getAtom(id).kind == DimKind::Symbol && !symbols.getAtom(id).name.empty();
  };
  SmallVector<Attribute> names;
  for (const DimExpr &dim : shape) {
    bool isReadable = !dim.isConstant();
    for (const DimExpr::Term &term : dim.getTerms())
      isReadable &= llvm::all_of(term.atoms, isNamed);
    names.push_back(builder.getStringAttr(isReadable ? symbols.text(dim) : ""));
  }
  return builder.getArrayAttr(names);
}

OwningOpRef<ModuleOp> GraphBuilder::finish(ArrayRef<Output> outputs) {
  SmallVector<Value> values;
  SmallVector<Type> types;
  for (const Output &output : outputs) {
    values.push_back(value(output.tensor));
    types.push_back(values.back().getType());
  }
  func::ReturnOp::create(builder, function.getLoc(), values);
  function.setFunctionType(builder.getFunctionType(function.getArgumentTypes(), types));
  for (auto [index, output] : llvm::enumerate(outputs)) {
    function.setResultAttr(index, "lutra.name", builder.getStringAttr(output.name));
    function.setResultAttr(index, "lutra.dim_names",
                           namesOfDims(builder, symbols, output.tensor.shape()));
  }
  writeEntryChecks();
  return std::move(module);
}

Value GraphBuilder::index(const DimExpr &dim) {
  for (auto &[known, emitted] : indices)
    if (known == dim)
      return emitted;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(&function.getBody().front());
  Value result;
  auto combine = [&](Value sum, Value next) {
    return sum ? (Value)arith::AddIOp::create(builder, loc, sum, next) : next;
  };
  if (std::optional<int64_t> number = dim.constant()) {
    result = arith::ConstantIndexOp::create(builder, loc, *number);
  } else if (dim == DimExpr::atom(dim.getTerms()[0].atoms.empty() ? 0 : dim.getTerms()[0].atoms[0])) {
    unsigned id = dim.getTerms()[0].atoms[0];
    const DimAtom &atom = symbols.getAtom(id);
    if (atom.kind == DimKind::Symbol) {
      auto source = symbolSource.find(id);
      assert(source != symbolSource.end() && "a symbol is the size of an argument");
      result = tensor::DimOp::create(builder, loc, function.getArgument(source->second.first),
                                     (int64_t)source->second.second);
    } else {
      Value lhs = index(atom.lhs), rhs = index(atom.rhs);
      bool unsignedDivision = symbols.isProvablyAtMost(0, atom.lhs) && symbols.isProvablyLess(0, atom.rhs);
      switch (atom.kind) {
      case DimKind::FloorDiv:
        result = unsignedDivision ? (Value)arith::DivUIOp::create(builder, loc, lhs, rhs)
                                  : (Value)arith::FloorDivSIOp::create(builder, loc, lhs, rhs);
        break;
      case DimKind::Mod: {
        Value quotient = index(symbols.floorDiv(atom.lhs, atom.rhs));
        result = arith::SubIOp::create(builder, loc, lhs,
                                       arith::MulIOp::create(builder, loc, quotient, rhs));
        break;
      }
      case DimKind::Min:
        result = arith::MinSIOp::create(builder, loc, lhs, rhs);
        break;
      case DimKind::Max:
        result = arith::MaxSIOp::create(builder, loc, lhs, rhs);
        break;
      case DimKind::Broadcast: {
        Value isOne = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, lhs, index(1));
        result = arith::SelectOp::create(builder, loc, isOne, rhs, lhs);
        break;
      }
      case DimKind::Symbol:
        break;
      }
    }
  } else {
    for (const DimExpr::Term &term : llvm::reverse(dim.getTerms())) {
      Value product;
      for (unsigned id : term.atoms) {
        Value factor = index(DimExpr::atom(id));
        product = product ? (Value)arith::MulIOp::create(builder, loc, product, factor) : factor;
      }
      if (!product)
        product = index(term.coefficient);
      else if (term.coefficient != 1)
        product = arith::MulIOp::create(builder, loc, product, index(term.coefficient));
      result = combine(result, product);
    }
  }
  indices.push_back({dim, result});
  return result;
}

SmallVector<Value> GraphBuilder::dynamicSizes(ArrayRef<DimExpr> shape) {
  SmallVector<Value> sizes;
  for (const DimExpr &dim : shape)
    if (!dim.isConstant())
      sizes.push_back(index(dim));
  return sizes;
}
