//===- MILOpTable.cpp - what the operations of MIL take and return ----------===//
// A row's third column lists the parameters: `name[:kind][@spec][?]`, kind tensor when left out, `?`
// when the parameter may be absent, `@8` when specification version 8 introduced it. Names and kinds
// were compared with coremltools 9.0's registry (test/Target/MIL/op-table.test does it again).
#include "lutra/Dialect/MIL/IR/MILOpTable.h"

#include "lutra/Dialect/MIL/IR/MIL.h"

#include "mlir/IR/BuiltinAttributes.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace lutra::mil {

static constexpr OpSchema kOps[] = {
    // Pointwise.
    {"abs", ResultRule::Same, "x"},
    {"acos", ResultRule::Same, "x"},
    {"add", ResultRule::Broadcast, "x y"},
    {"asin", ResultRule::Same, "x"},
    {"atan", ResultRule::Same, "x"},
    {"atanh", ResultRule::Same, "x"},
    {"cast", ResultRule::Cast, "x dtype:string"},
    {"ceil", ResultRule::Same, "x"},
    {"cos", ResultRule::Same, "x"},
    {"cosh", ResultRule::Same, "x"},
    {"equal", ResultRule::Compare, "x y"},
    {"erf", ResultRule::Same, "x"},
    {"exp", ResultRule::Same, "x"},
    {"floor", ResultRule::Same, "x"},
    {"floor_div", ResultRule::Broadcast, "x y"},
    {"gelu", ResultRule::Same, "x mode:string?"},
    {"greater", ResultRule::Compare, "x y"},
    {"greater_equal", ResultRule::Compare, "x y"},
    {"identity", ResultRule::Same, "x"},
    {"inverse", ResultRule::Same, "x epsilon:float?"},
    {"less", ResultRule::Compare, "x y"},
    {"less_equal", ResultRule::Compare, "x y"},
    {"log", ResultRule::Same, "x epsilon:float?"},
    {"logical_and", ResultRule::Compare, "x y"},
    {"logical_not", ResultRule::Same, "x"},
    {"logical_or", ResultRule::Compare, "x y"},
    {"logical_xor", ResultRule::Compare, "x y"},
    {"maximum", ResultRule::Broadcast, "x y"},
    {"minimum", ResultRule::Broadcast, "x y"},
    {"mod", ResultRule::Broadcast, "x y"},
    {"mul", ResultRule::Broadcast, "x y"},
    {"not_equal", ResultRule::Compare, "x y"},
    {"pow", ResultRule::Broadcast, "x y"},
    {"real_div", ResultRule::Broadcast, "x y"},
    {"relu", ResultRule::Same, "x"},
    {"round", ResultRule::Same, "x"},
    {"rsqrt", ResultRule::Same, "x epsilon:float?"},
    {"select", ResultRule::Broadcast, "cond a b"},
    {"sigmoid", ResultRule::Same, "x"},
    {"sign", ResultRule::Same, "x"},
    {"silu", ResultRule::Same, "x"},
    {"sin", ResultRule::Same, "x"},
    {"sinh", ResultRule::Same, "x"},
    {"softplus", ResultRule::Same, "x"},
    {"sqrt", ResultRule::Same, "x"},
    {"sub", ResultRule::Broadcast, "x y"},
    {"tan", ResultRule::Same, "x"},
    {"tanh", ResultRule::Same, "x"},
    // Reductions and norms.
    {"cumsum", ResultRule::Same, "x axis:int? exclusive:bool? reverse:bool?"},
    {"layer_norm", ResultRule::Same, "x axes:ints? gamma? beta? epsilon:float?"},
    {"reduce_argmax", ResultRule::ArgReduce, "x axis:int? keep_dims:bool? output_dtype:string@8?"},
    {"reduce_argmin", ResultRule::ArgReduce, "x axis:int? keep_dims:bool? output_dtype:string@8?"},
    {"reduce_max", ResultRule::Reduce, "x axes:ints? keep_dims:bool?"},
    {"reduce_mean", ResultRule::Reduce, "x axes:ints? keep_dims:bool?"},
    {"reduce_min", ResultRule::Reduce, "x axes:ints? keep_dims:bool?"},
    {"reduce_prod", ResultRule::Reduce, "x axes:ints? keep_dims:bool?"},
    {"reduce_sum", ResultRule::Reduce, "x axes:ints? keep_dims:bool?"},
    {"softmax", ResultRule::Same, "x axis:int?"},
    // Products.
    {"avg_pool", ResultRule::Pool,
     "x kernel_sizes:ints strides:ints? pad_type:string pad:ints? "
     "exclude_padding_from_average:bool? ceil_mode:bool?"},
    {"conv", ResultRule::Conv,
     "x weight bias? strides:ints? pad_type:string? pad:ints? dilations:ints? groups:int?"},
    {"linear", ResultRule::Linear, "x weight bias?"},
    {"matmul", ResultRule::Matmul, "x y transpose_x:bool? transpose_y:bool?"},
    {"max_pool", ResultRule::Pool,
     "x kernel_sizes:ints strides:ints? pad_type:string pad:ints? ceil_mode:bool?"},
    // Movement.
    {"concat", ResultRule::Concat, "values:list axis:int interleave:bool?"},
    {"gather", ResultRule::Gather, "x indices axis:int? batch_dims:int@7? validate_indices:bool@8?"},
    {"gather_along_axis", ResultRule::Indices, "x indices axis:int? validate_indices:bool@8?"},
    {"gather_nd", ResultRule::GatherNd, "x indices batch_dims:int@7? validate_indices:bool@8?"},
    {"pad", ResultRule::Pad, "x pad:ints mode:string? constant_val:float?"},
    {"reshape", ResultRule::Reshape, "x shape:ints"},
    {"reverse", ResultRule::Same, "x axes:ints?"},
    {"slice_by_index", ResultRule::Slice,
     "x begin:ints end:ints stride:ints? begin_mask:bools? end_mask:bools? squeeze_mask:bools?"},
    {"tile", ResultRule::Tile, "x reps:ints"},
    {"transpose", ResultRule::Transpose, "x perm:ints"},
};

const OpSchema *lookupOp(StringRef name) {
  for (const OpSchema &schema : kOps)
    if (schema.name == name)
      return &schema;
  return nullptr;
}

SmallVector<ParamSchema> OpSchema::getParams() const {
  SmallVector<ParamSchema> result;
  SmallVector<StringRef> words;
  parameters.split(words, ' ');
  for (StringRef word : words) {
    ParamSchema param;
    param.required = !word.consume_back("?");
    StringRef since;
    std::tie(word, since) = word.split('@');
    if (!since.empty())
      since.getAsInteger(10, param.since);
    StringRef kind;
    std::tie(param.name, kind) = word.split(':');
    param.kind = llvm::StringSwitch<ParamKind>(kind)
                     .Case("", ParamKind::Tensor)
                     .Case("list", ParamKind::TensorList)
                     .Case("int", ParamKind::Int)
                     .Case("ints", ParamKind::IntList)
                     .Case("bool", ParamKind::Bool)
                     .Case("bools", ParamKind::BoolList)
                     .Case("float", ParamKind::Float)
                     .Case("string", ParamKind::String);
    result.push_back(param);
  }
  return result;
}

std::optional<ParamSchema> OpSchema::findParam(StringRef parameter) const {
  for (const ParamSchema &param : getParams())
    if (param.name == parameter)
      return param;
  return std::nullopt;
}

StringRef opsetName(int64_t spec) {
  return spec == 7 ? "CoreML6" : spec == 8 ? "CoreML7" : spec == 9 ? "CoreML8" : "";
}

StringRef opsetTextName(int64_t spec) {
  return spec == 7 ? "ios16" : spec == 8 ? "ios17" : spec == 9 ? "ios18" : "";
}

StringRef typeName(Type element) {
  if (element.isF16())
    return "fp16";
  if (element.isF32())
    return "fp32";
  if (element.isSignlessInteger(1))
    return "bool";
  if (element.isSignlessInteger(8))
    return "int8";
  if (element.isSignlessInteger(16))
    return "int16";
  if (element.isSignlessInteger(32))
    return "int32";
  if (element.isUnsignedInteger(8))
    return "uint8";
  if (element.isUnsignedInteger(16))
    return "uint16";
  return "";
}

Type typeOfName(MLIRContext *context, StringRef name) {
  auto integer = [&](unsigned width, bool isUnsigned = false) -> Type {
    return IntegerType::get(context, width, isUnsigned ? IntegerType::Unsigned : IntegerType::Signless);
  };
  return llvm::StringSwitch<Type>(name)
      .Case("fp16", Float16Type::get(context))
      .Case("fp32", Float32Type::get(context))
      .Case("bool", integer(1))
      .Case("int8", integer(8))
      .Case("int16", integer(16))
      .Case("int32", integer(32))
      .Case("uint8", integer(8, true))
      .Case("uint16", integer(16, true))
      .Default(Type());
}

} // namespace lutra::mil
