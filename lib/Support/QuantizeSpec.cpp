//===- QuantizeSpec.cpp - what --quantize asks for ---------------------------===//
#include "lutra/Support/QuantizeSpec.h"

#include "Message.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/GlobPattern.h"
#include "llvm/Support/MathExtras.h"

using namespace lutra;
using llvm::StringRef;

Encoding WeightForm::encoding(bool rounded) const {
  Encoding encoding;
  WeightFormat &format = encoding.terms.emplace_back().formats.emplace_back();
  format.code.kind = CodeForm::Uint;
  format.code.numbers = {static_cast<int64_t>(bits)};
  ScaleForm &scale = format.scales.emplace_back();
  scale.element.kind = halfScales ? SideType::F16 : SideType::F32;
  scale.gn = 1;
  scale.gk = group;
  if (symmetric) {
    format.zero.kind = ZeroForm::Const;
    format.zero.constant = static_cast<double>(int64_t(1) << (bits - 1));
  } else {
    format.zero.kind = ZeroForm::Tensor;
    format.zero.element = {SideType::Uint, bits};
    format.zero.gn = 1;
    format.zero.gk = group;
  }
  if (rounded) {
    encoding.activation.kind = ActivationForm::Int;
    encoding.activation.bits = 8;
    encoding.activation.group = group;
  }
  return encoding;
}

namespace {
class SpecParser {
public:
  llvm::Error parse(StringRef text);
  QuantizeSpec spec;

private:
  llvm::Error parseItem(StringRef item);
  llvm::Expected<WeightForm> parseWeights(StringRef text);
  llvm::Error parseOption(StringRef option, WeightForm &form);
  llvm::Error addRule(StringRef glob, StringRef weights, bool named);
};
} // namespace

llvm::Error SpecParser::parseOption(StringRef option, WeightForm &form) {
  StringRef size = option;
  if (size.consume_front("g") && !size.getAsInteger(10, form.group)) {
    if (form.group < 16 || form.group > 1 << 20 || !llvm::isPowerOf2_64(form.group))
      return fault("groups of '", option.str(), "' elements; take a power of two from g16 on, or channel");
    return llvm::Error::success();
  }
  bool known = true;
  if (option == "channel")
    form.group = kWhole;
  else if (option == "sym" || option == "asym")
    form.symmetric = option == "sym";
  else if (option == "rtn" || option == "mse")
    form.search = option == "mse";
  else if (option == "scale=f16" || option == "scale=f32")
    form.halfScales = option == "scale=f16";
  else
    known = false;
  if (!known)
    return fault("the option '", option.str(),
                 "' of weights; take gN, channel, sym, asym, rtn, mse, scale=f16 or scale=f32");
  return llvm::Error::success();
}

llvm::Expected<WeightForm> SpecParser::parseWeights(StringRef text) {
  auto [type, rest] = text.split(':');
  WeightForm form;
  form.bits = llvm::StringSwitch<unsigned>(type).Case("int2", 2).Case("int4", 4).Case("int8", 8).Default(0);
  if (form.bits == 0 && type != "f32")
    return fault("weights of type '", type.str(), "'; take int2, int4, int8 or f32");
  if (form.bits == 8) {
    form.group = kWhole;
    form.symmetric = true;
    form.search = false;
    form.halfScales = false;
  }
  llvm::SmallVector<StringRef> options;
  rest.split(options, ':', -1, /*KeepEmpty=*/false);
  if (form.bits == 0 && !options.empty())
    return fault("options of weights that stay f32; leave out ':", rest.str(), "'");
  for (StringRef option : options)
    if (llvm::Error error = parseOption(option, form))
      return std::move(error);
  return form;
}

llvm::Error SpecParser::addRule(StringRef glob, StringRef weights, bool named) {
  llvm::Expected<llvm::GlobPattern> pattern = llvm::GlobPattern::create(glob);
  if (glob.empty() || !pattern)
    return fault("the pattern '", glob.str(), "' of names: ",
                 glob.empty() ? std::string("it is empty") : llvm::toString(pattern.takeError()));
  llvm::Expected<WeightForm> form = parseWeights(weights);
  if (!form)
    return form.takeError();
  spec.rules.push_back({glob.str(), *form, named});
  return llvm::Error::success();
}

llvm::Error SpecParser::parseItem(StringRef item) {
  auto [key, value] = item.split('=');
  if (key.consume_front("layer(")) {
    size_t end = item.rfind(").weights=");
    if (end == StringRef::npos)
      return fault("'", item.str(), "'; a layer is written layer(PATTERN).weights=TYPE");
    return addRule(item.slice(6, end), item.substr(end + StringRef(").weights=").size()), /*named=*/true);
  }
  if (key == "weights")
    return addRule("*", value, /*named=*/false);
  if (key == "exclude") {
    llvm::SmallVector<StringRef> globs;
    value.split(globs, ';');
    for (StringRef glob : globs)
      if (llvm::Error error = addRule(glob, "f32", /*named=*/true))
        return error;
    return llvm::Error::success();
  }
  if (key == "activations") {
    if (value != "int8" && value != "f32")
      return fault("activations of type '", value.str(), "'; take int8, in the groups of the weights, or f32");
    spec.roundActivations = value == "int8";
    return llvm::Error::success();
  }
  if (item == "int4" || item == "int8")
    return addRule("*", item, /*named=*/false);
  if (item == "w4a8") {
    spec.roundActivations = true;
    return addRule("*", "int4", /*named=*/false);
  }
  return fault("'", item.str(),
               "'; take weights=, activations=, layer(PATTERN).weights=, exclude=, int8, int4 or w4a8");
}

llvm::Error SpecParser::parse(StringRef text) {
  llvm::SmallVector<StringRef> items;
  text.split(items, ',');
  for (StringRef item : items)
    if (llvm::Error error = parseItem(item))
      return error;
  if (!llvm::any_of(spec.rules, [](const QuantizeSpec::Rule &rule) { return rule.form.bits > 0; }))
    return fault("no weights to quantize; begin with weights=int4 or int8");
  return llvm::Error::success();
}

llvm::Expected<QuantizeSpec> QuantizeSpec::parse(StringRef text) {
  SpecParser parser;
  if (llvm::Error error = parser.parse(text))
    return std::move(error);
  return std::move(parser.spec);
}
