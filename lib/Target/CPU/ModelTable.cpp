//===- ModelTable.cpp - emits the constant that describes a model -------------===//
// Field by field what include/lutra/Runtime/ModelTable.h and Artifact.h declare: a change there is a change here.
#include "Internal.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Dialect/Lutra/IR/PublicName.h"
#include "lutra/Runtime/ModelTable.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DerivedTypes.h"

using namespace mlir;

#define LUTRA_COMPILER "lutra 0.1.0"

namespace lutra {

std::string kernelSymbol(const CpuArtifactOptions &options, StringRef level, StringRef kernel) {
  return options.symbolPrefix + "." + level.str() + "." + kernel.str();
}

static lutra_dtype dtypeOf(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type)) {
    bool isUnsigned = integer.isUnsigned();
    switch (integer.getWidth()) {
    case 1:
      return LUTRA_BOOL;
    case 8:
      return isUnsigned ? LUTRA_UINT8 : LUTRA_INT8;
    case 16:
      return isUnsigned ? LUTRA_UINT16 : LUTRA_INT16;
    case 32:
      return isUnsigned ? LUTRA_UINT32 : LUTRA_INT32;
    default:
      return isUnsigned ? LUTRA_UINT64 : LUTRA_INT64;
    }
  }
  if (type.isF64())
    return LUTRA_FLOAT64;
  if (type.isF16())
    return LUTRA_FLOAT16;
  if (type.isBF16())
    return LUTRA_BFLOAT16;
  if (isa<Float8E4M3FNType>(type))
    return LUTRA_FLOAT8_E4M3FN;
  if (isa<Float8E5M2Type>(type))
    return LUTRA_FLOAT8_E5M2;
  return LUTRA_FLOAT32;
}

namespace {

/// Builds constants of one LLVM module.
class TableBuilder {
public:
  TableBuilder(llvm::Module &module, const CpuArtifactOptions &options)
      : module(module), options(options), context(module.getContext()) {
    pointer = llvm::PointerType::getUnqual(context);
  }

  llvm::Constant *null() { return llvm::ConstantPointerNull::get(pointer); }
  llvm::Constant *word(uint64_t value) {
    return llvm::ConstantInt::get(llvm::Type::getInt64Ty(context), value);
  }
  llvm::Constant *half(uint32_t value) {
    return llvm::ConstantInt::get(llvm::Type::getInt32Ty(context), value);
  }
  llvm::Constant *record(ArrayRef<llvm::Constant *> fields) {
    return llvm::ConstantStruct::getAnon(context, llvm::ArrayRef(fields.data(), fields.size()));
  }
  /// A constant object with internal linkage; its address.
  llvm::Constant *object(llvm::Constant *value) {
    auto *global = new llvm::GlobalVariable(module, value->getType(), /*isConstant=*/true,
                                            llvm::GlobalValue::InternalLinkage, value, "lutra_data");
    global->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    return global;
  }
  llvm::Constant *text(StringRef value) {
    return object(llvm::ConstantDataArray::getString(context, value));
  }
  llvm::Constant *array(ArrayRef<llvm::Constant *> elements) {
    if (elements.empty())
      return null();
    auto *type = llvm::ArrayType::get(elements.front()->getType(), elements.size());
    return object(llvm::ConstantArray::get(type, llvm::ArrayRef(elements.data(), elements.size())));
  }
  llvm::Constant *tensors(func::FuncOp main, unsigned begin, unsigned end, StringRef fallback);
  llvm::Constant *levels(ArrayAttr kernels);
  llvm::Constant *condition(DictionaryAttr entry);
  llvm::Constant *sizeChecks(func::FuncOp main, unsigned inputs, const llvm::StringMap<int64_t> &ranges,
                             llvm::StringMap<int64_t> &places);
  llvm::Constant *function(StringRef name, llvm::FunctionType *type);

  llvm::Module &module;
  const CpuArtifactOptions &options;
  llvm::LLVMContext &context;
  llvm::PointerType *pointer;
};

} // namespace

static RankedTensorType typeOf(func::FuncOp main, unsigned argument) {
  return cast<RankedTensorType>(main.getArgAttrOfType<TypeAttr>(argument, "lutra.type").getValue());
}

/// The name of a size that is known at run time only; empty where it has none.
static StringRef dimNameOf(func::FuncOp main, unsigned argument, size_t dim) {
  auto names = main.getArgAttrOfType<ArrayAttr>(argument, "lutra.dim_names");
  bool named = typeOf(main, argument).isDynamicDim(dim) && names && dim < names.size();
  return named ? cast<StringAttr>(names[dim]).getValue() : StringRef();
}

llvm::Constant *TableBuilder::tensors(func::FuncOp main, unsigned begin, unsigned end,
                                      StringRef fallback) {
  SmallVector<llvm::Constant *> all;
  for (unsigned i = begin; i < end; ++i) {
    RankedTensorType type = typeOf(main, i);
    SmallVector<llvm::Constant *> dims, names;
    for (auto [dim, size] : llvm::enumerate(type.getShape())) {
      dims.push_back(word(ShapedType::isDynamic(size) ? static_cast<uint64_t>(-1) : size));
      names.push_back(text(dimNameOf(main, i, dim)));
    }
    all.push_back(record({text(publicNameOf(main.getArgAttrDict(i), fallback, i - begin)),
                          half(dtypeOf(type.getElementType())), half(type.getRank()), array(dims), array(names)}));
  }
  return array(all);
}

/// What a call compares each size of the inputs with. `ranges` holds places of limits by name; `places` receives those
/// of sizes, by the names that limits and relations use: the dimension's own, or "x.0" for dimension 0 of input x.
llvm::Constant *TableBuilder::sizeChecks(func::FuncOp main, unsigned inputs, const llvm::StringMap<int64_t> &ranges,
                                         llvm::StringMap<int64_t> &places) {
  llvm::StringMap<int64_t> named; // the first size of each name
  SmallVector<llvm::Constant *> all;
  for (unsigned input = 0; input < inputs; ++input)
    for (auto [dim, size] : llvm::enumerate(typeOf(main, input).getShape())) {
      int64_t place = all.size(), first = place, range = -1;
      if (ShapedType::isDynamic(size)) {
        std::string name = dimNameOf(main, input, dim).str();
        if (!name.empty())
          first = named.try_emplace(name, place).first->second;
        else
          name = publicNameOf(main.getArgAttrDict(input), "input", input) + "." + std::to_string(dim);
        places.try_emplace(name, place);
        if (auto found = ranges.find(name); found != ranges.end())
          range = found->second;
      }
      all.push_back(record({half(input), half(dim), word(first == place ? -1 : first), word(range)}));
    }
  return array(all);
}

llvm::Constant *TableBuilder::condition(DictionaryAttr entry) {
  auto numbers = [&](StringRef key) { return entry.getAs<DenseI64ArrayAttr>(key).asArrayRef(); };
  auto string = [&](StringRef key) { return entry.getAs<StringAttr>(key).getValue(); };
  SmallVector<llvm::Constant *> steps;
  for (auto [place, name] : llvm::enumerate(entry.getAs<ArrayAttr>("steps").getAsRange<StringAttr>())) {
    lutra_dim_operation operation = llvm::StringSwitch<lutra_dim_operation>(name.getValue())
                         .Case("number", LUTRA_DIM_NUMBER)
                         .Case("size", LUTRA_DIM_SIZE)
                         .Case("add", LUTRA_DIM_ADD)
                         .Case("mul", LUTRA_DIM_MUL)
                         .Case("floordiv", LUTRA_DIM_FLOORDIV)
                         .Case("mod", LUTRA_DIM_MOD)
                         .Case("min", LUTRA_DIM_MIN)
                         .Case("max", LUTRA_DIM_MAX)
                         .Case("broadcast", LUTRA_DIM_BROADCAST);
    ArrayRef<int64_t> operands = numbers("operands").slice(2 * place, 2);
    steps.push_back(record({word(operation), word(operands[0]), word(operands[1])}));
  }
  lutra_dim_condition_kind kind = llvm::StringSwitch<lutra_dim_condition_kind>(string("kind"))
                  .Case("equal", LUTRA_DIM_EQUAL)
                  .Case("broadcast", LUTRA_DIM_BROADCASTS)
                  .Case("at_least", LUTRA_DIM_AT_LEAST);
  return record({text(string("lhs")), text(string("rhs")), word(kind), word(numbers("values")[0]),
                 word(numbers("values")[1]), array(steps), word(steps.size())});
}

llvm::Constant *TableBuilder::function(StringRef name, llvm::FunctionType *type) {
  auto *declared = cast<llvm::Function>(module.getOrInsertFunction(name, type).getCallee());
  declared->setVisibility(llvm::GlobalValue::HiddenVisibility);
  declared->setDSOLocal(true);
  return declared;
}

llvm::Constant *TableBuilder::levels(ArrayAttr kernels) {
  llvm::Type *word = llvm::Type::getInt64Ty(context);
  auto *runType = llvm::FunctionType::get(llvm::Type::getVoidTy(context), {pointer, word, word}, false);
  auto *gridType = llvm::FunctionType::get(word, {pointer}, false);
  SmallVector<llvm::Constant *> all, names;
  for (Attribute kernel : kernels)
    names.push_back(text(cast<StringAttr>(kernel).getValue()));
  for (const std::string &name : options.levels) {
    SmallVector<llvm::Constant *> entries;
    for (auto [kernel, text] : llvm::zip_equal(kernels, names)) {
      std::string symbol = kernelSymbol(options, name, cast<StringAttr>(kernel).getValue());
      entries.push_back(record({text, function(symbol, runType), function(symbol + ".grid", gridType)}));
    }
    all.push_back(record({text(name), this->word(getCpuLevel(name)->required), array(entries)}));
  }
  return array(all);
}

void emitModelTable(llvm::Module &host, ModuleOp module, const CpuArtifactOptions &options,
                    const WeightPlace &weights) {
  TableBuilder table(host, options);
  auto signature = module.lookupSymbol<func::FuncOp>("main.signature");
  auto kernels = module->getAttrOfType<ArrayAttr>("lutra.kernels");
  unsigned inputs = signature->getAttrOfType<IntegerAttr>("lutra.inputs").getInt();
  unsigned all = signature.getNumArguments();
  SmallVector<llvm::Constant *> levelNames;
  for (const std::string &level : options.levels)
    levelNames.push_back(table.text(level));

  llvm::Constant *weightData = table.null();
  if (weights.inside) {
    auto *data = llvm::ConstantDataArray::get(
        host.getContext(), llvm::ArrayRef(reinterpret_cast<const uint8_t *>(weights.inside.get()),
                                          weights.bytes));
    auto *global = new llvm::GlobalVariable(host, data->getType(), true,
                                            llvm::GlobalValue::InternalLinkage, data, "lutra_weights");
    global->setSection(".lutra_weights");
    global->setAlignment(llvm::Align(4096));
    weightData = global;
  }
  SmallVector<llvm::Constant *> ranges;
  llvm::StringMap<int64_t> rangePlaces, sizePlaces;
  if (auto limited = signature->getAttrOfType<DictionaryAttr>("lutra.dim_ranges"))
    for (NamedAttribute entry : limited) {
      ArrayRef<int64_t> range = cast<DenseI64ArrayAttr>(entry.getValue()).asArrayRef();
      rangePlaces[entry.getName().strref()] = ranges.size();
      ranges.push_back(table.record(
          {table.text(entry.getName().strref()), table.word(range[0]), table.word(range[1])}));
    }
  llvm::Constant *sizeChecks = table.sizeChecks(signature, inputs, rangePlaces, sizePlaces);
  SmallVector<llvm::Constant *> relations, relationSizes;
  if (auto related = signature->getAttrOfType<ArrayAttr>("lutra.dim_relations"))
    for (auto entry : related.getAsRange<DictionaryAttr>()) {
      auto text = [&](StringRef key) { return table.text(entry.getAs<StringAttr>(key).getValue()); };
      auto word = [&](StringRef key) { return table.word(entry.getAs<IntegerAttr>(key).getInt()); };
      relations.push_back(table.record({text("lhs"), text("rhs"), word("lhs_add"), word("rhs_add"),
                                        table.word(entry.getAs<BoolAttr>("broadcasts").getValue())}));
      for (StringRef side : {"lhs", "rhs"}) {
        auto found = sizePlaces.find(entry.getAs<StringAttr>(side).getValue());
        relationSizes.push_back(table.word(found == sizePlaces.end() ? -1 : found->second));
      }
    }
  SmallVector<llvm::Constant *> conditions;
  if (auto related = signature->getAttrOfType<ArrayAttr>("lutra.dim_conditions"))
    for (auto entry : related.getAsRange<DictionaryAttr>())
      conditions.push_back(table.condition(entry));
  llvm::Constant *info = table.record(
      {table.text(options.modelName), table.text(LUTRA_COMPILER),
       table.text(options.device ? StringRef(options.device->target) : StringRef(options.triple)),
       table.array(levelNames), table.tensors(signature, 0, inputs, "input"),
       table.tensors(signature, inputs, all, "output"), weights.file.empty() ? table.null() : table.text(weights.file),
       table.word(weights.bytes), table.half(options.levels.size()), table.half(inputs), table.half(all - inputs),
       table.half(kernels.size()), table.array(ranges), table.word(ranges.size()), table.array(relations),
       table.word(relations.size()), table.array(conditions), table.word(conditions.size())});
  int64_t slots = module->getAttrOfType<IntegerAttr>("lutra.entry_slots").getInt();
  StringRef backend = "lutra_cpu_backend";
  llvm::Constant *device = table.null();
  if (options.device) {
    SmallVector<std::string> names;
    for (Attribute kernel : kernels)
      names.push_back(cast<StringAttr>(kernel).getValue().str());
    backend = options.device->backend;
    device = options.device->emitTable(host, names, [&](StringRef level, StringRef kernel) {
      return kernelSymbol(options, level, kernel) + ".grid";
    });
  }
  llvm::Constant *value = table.record(
      {info, weightData, table.word(weights.hash), host.getFunction("lutra_shapes"),
       host.getFunction("lutra_entry"), host.getNamedGlobal(backend),
       table.levels(kernels), device, table.word(slots), sizeChecks, table.array(relationSizes)});
  llvm::GlobalVariable *declared = host.getNamedGlobal("lutra_table");
  auto *global = new llvm::GlobalVariable(host, value->getType(), true,
                                          llvm::GlobalValue::InternalLinkage, value, "");
  global->setAlignment(llvm::Align(16));
  declared->replaceAllUsesWith(global);
  declared->eraseFromParent();
  global->setName("lutra_table");
}

} // namespace lutra
