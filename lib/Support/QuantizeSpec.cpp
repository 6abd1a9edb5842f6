//===- QuantizeSpec.cpp - what --quantize asks for ---------------------------===//
#include "lutra/Support/QuantizeSpec.h"

#include "Message.h"

#include "lutra/Support/NamePattern.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace lutra;
using llvm::StringLiteral;
using llvm::StringRef;

std::string ActivationRounding::typeName() const {
  switch (type) {
  case ActivationForm::F16:
    return "f16";
  case ActivationForm::BF16:
    return "bf16";
  case ActivationForm::E4M3:
    return "fp8";
  case ActivationForm::E5M2:
    return "fp8e5m2";
  default:
    return message("int", bits);
  }
}

bool QuantizeSpec::hasChoice() const {
  return llvm::any_of(rules, [](const Rule &rule) { return rule.forms.size() > 1; });
}

bool QuantizeSpec::hasWeights() const {
  return llvm::any_of(rules, [](const Rule &rule) { return !rule.keeps(); });
}

bool QuantizeSpec::wants(WeightForm::Method method) const {
  return llvm::any_of(rules, [&](const Rule &rule) {
    return llvm::any_of(rule.forms, [&](const WeightForm &form) { return !form.keeps() && form.method == method; });
  });
}

bool QuantizeSpec::scalesInputs() const {
  return llvm::any_of(rules, [&](const Rule &rule) {
    return llvm::any_of(rule.forms, [&](const WeightForm &form) { return scalesInputs(form); });
  });
}

namespace {
class SpecParser {
public:
  llvm::Error parse(StringRef text);
  QuantizeSpec spec;

private:
  llvm::Error parseItem(StringRef item);
  llvm::Expected<std::vector<WeightForm>> parseWeights(StringRef text);
  llvm::Error parseOption(StringRef option, WeightForm &form);
  llvm::Error addRule(StringRef pattern, StringRef weights, bool named);
  llvm::Error parseBudget(StringRef value);
  llvm::Error parseCaches(StringRef value);
  llvm::Error parseLossBound(StringRef value);
  llvm::Error checkChoice() const;
  llvm::Error parseActivations(StringRef value);
};
} // namespace

static constexpr StringLiteral types =
    "int2 to int8, fp4, mxfp4, nvfp4, nf4, iq4nl, bitmod3, bitmod4, fp6, fp6e3m2, fp8, fp8e5m2, pot3, pot4, bfp3 to "
    "bfp8, table2 to table8, dynamic8, q2_k to q6_k, ternary, binary, auto or f32";
static constexpr StringLiteral options =
    "gN, channel, sym, asym, rtn, mse, hqq, awq, gptq, scale=f16, scale=f32, outliers=P%, scattered, lowrank=N, "
    "sorted, rows8=P%, groups4=P% or vector=N";

/// Digits with at most one point; without the exponents and names that getAsDouble takes.
static bool parseNumber(StringRef text, double &number) {
  return text.find_first_not_of("0123456789.") == StringRef::npos && !text.getAsDouble(number);
}

/// A share in percent up to `most`.
static bool parseShare(StringRef text, double most, double &share) {
  if (!text.consume_back("%") || !parseNumber(text, share) || !(share > 0 && share <= most))
    return false;
  share /= 100;
  return true;
}

/// What an option says something about: two that say it of the same contradict each other.
static StringRef subjectOf(StringRef option) {
  if (option == "rtn" || option == "mse" || option == "hqq" || option == "gptq")
    return "the method";
  if (option == "sym" || option == "asym")
    return "zero points";
  if (option == "channel" || (option.starts_with("g") && llvm::all_of(option.drop_front(), llvm::isDigit)))
    return "the group";
  return option.take_until([](char c) { return c == '='; });
}

/// Words that are empty, or say two things about the same.
static llvm::Error checkOptions(llvm::ArrayRef<StringRef> words) {
  for (auto [index, word] : llvm::enumerate(words)) {
    if (word.empty())
      return fault("an empty option of weights; leave out one ':'");
    for (StringRef other : words.take_front(index))
      if (subjectOf(word) == subjectOf(other))
        return fault("'", word.str(), "' beside '", other.str(), "', since both are about ", subjectOf(word).str(),
                     "; take one of them");
  }
  return llvm::Error::success();
}

/// Options that do not go together.
static llvm::Error checkForm(const WeightForm &form) {
  auto refuse = [&](const char *option, const char *why) {
    return fault("'", option, "' beside ", form.text(), ", ", why);
  };
  if (form.method == WeightForm::HalfQuadratic && (!form.isInteger() || form.symmetric))
    return refuse("hqq", "which has no zero points of floats; it is for int2 to int8 with asym");
  if (form.scattered && form.outliers == 0)
    return refuse("scattered", "which has no outliers; add outliers=0.5%");
  if (form.sorted && (form.isSum() || form.isMixed()))
    return refuse("sorted", "whose other terms, rows or groups have places of their own; take one of them");
  if (form.isMixed() && (form.isSum() || (form.wideRows > 0 && form.wideGroups > 0)))
    return refuse(form.wideRows > 0 ? "rows8" : "groups4",
                  "which stores some elements better already; take one of these ways");
  if (form.vector > 1 && (form.values != WeightForm::Table || form.group != kWhole))
    return refuse("vector", "which has no entries of several elements; it is for table2 to table8 with a scale for "
                            "each row");
  if (form.vector > 1 && (form.isSum() || form.isMixed() || form.sorted))
    return refuse("vector", "which stores some elements otherwise; take one of these ways");
  if (form.wideRows > 0 && form.bits == 8)
    return refuse("rows8", "which has 8 bits everywhere; leave it out");
  if (form.wideGroups > 0 && (!form.isInteger() || form.bits > 3 || form.group == kWhole ||
                              form.method == WeightForm::HalfQuadratic))
    return refuse("groups4", "where it has no place; it is for groups of int2 and int3, without hqq");
  return llvm::Error::success();
}

llvm::Error SpecParser::parseOption(StringRef option, WeightForm &form) {
  if (option.contains('|'))
    return fault("'", option.str(), "' among options, which are those of all types; write them behind the last, as ",
                 "int3|int4:g64");
  StringRef size = option;
  int64_t group = 0;
  bool isGroup = size.consume_front("g") && !size.getAsInteger(10, group);
  if (isGroup && (group < 16 || group > 1 << 20 || !llvm::isPowerOf2_64(group)))
    return fault("groups of '", option.str(), "' elements; take a power of two from g16 on, or channel");
  bool givesScale = option.starts_with("scale="), givesGroup = isGroup || option == "channel";
  if ((givesGroup || givesScale) && form.hasOwnScales() && (givesScale || form.values != WeightForm::Block))
    return fault("'", option.str(), "' beside ", form.text(),
                 ", whose groups and scales are what its name says; leave it out");
  if ((option == "sym" || option == "asym") && !form.isInteger())
    return fault("'", option.str(), "' beside ", form.text(), ", which has no zero points; it is for int2 to int8");
  bool known = true;
  StringRef number = option;
  if (number.consume_front("outliers=")) {
    if (!parseShare(number, 10, form.outliers))
      return fault("'", option.str(), "'; take a percent of the columns up to 10, as outliers=0.5%");
    return llvm::Error::success();
  }
  for (auto [name, share] : {std::pair("rows8=", &form.wideRows), std::pair("groups4=", &form.wideGroups)})
    if (number.consume_front(name)) {
      if (!parseShare(number, 50, *share))
        return fault("'", option.str(), "'; take a percent up to 50, as ", name, "10%");
      return llvm::Error::success();
    }
  if (number.consume_front("lowrank=")) {
    if (number.getAsInteger(10, form.rank) || form.rank < 1 || form.rank > 256)
      return fault("'", option.str(), "'; take a rank from 1 to 256, as lowrank=8");
    return llvm::Error::success();
  }
  if (number.consume_front("vector=")) {
    if (number.getAsInteger(10, form.vector) || (form.vector != 2 && form.vector != 4 && form.vector != 8))
      return fault("'", option.str(), "'; take tables of 2, 4 or 8 elements in an entry, as vector=4");
    return llvm::Error::success();
  }
  if (isGroup)
    form.group = group;
  else if (option == "channel")
    form.group = kWhole;
  else if (option == "sym" || option == "asym")
    form.symmetric = option == "sym";
  else if (option == "rtn")
    form.method = WeightForm::Nearest;
  else if (option == "mse")
    form.method = WeightForm::Search;
  else if (option == "hqq")
    form.method = WeightForm::HalfQuadratic;
  else if (option == "awq" && !form.methodGiven)
    form.method = WeightForm::Search; // unless another one follows
  else if (option == "gptq")
    form.method = WeightForm::Gptq;
  else if (option == "scattered" || option == "sorted")
    (option == "sorted" ? form.sorted : form.scattered) = true;
  else if (option == "scale=f16")
    form.scale = SideType::F16;
  else if (option == "scale=f32")
    form.scale = SideType::F32;
  else
    known = option == "awq";
  form.scalesInputs |= option == "awq";
  form.methodGiven |= option == "rtn" || option == "mse" || option == "hqq" || option == "awq" ||
                      option == "gptq";
  if (!known)
    return fault("the option '", option.str(), "' of weights; take ", options);
  return llvm::Error::success();
}

llvm::Expected<std::vector<WeightForm>> SpecParser::parseWeights(StringRef text) {
  auto [head, rest] = text.split(':');
  llvm::SmallVector<StringRef> names, words;
  bool isAuto = head == "auto";
  StringRef(isAuto ? "int2|int3|int4|int5|int6|int8" : head).split(names, '|');
  if (text.contains(':')) // else there are no options, rather than an empty one
    rest.split(words, ':');
  if (llvm::Error error = checkOptions(words))
    return std::move(error);
  std::vector<WeightForm> forms;
  for (StringRef name : names) {
    std::optional<WeightForm> form = WeightForm::of(name);
    if (name == "auto")
      return fault("'auto' beside other types, though it is a list of them; write int2|int3|int4|int5|int6|int8 out");
    if (!form)
      return fault("weights of type '", name.str(), "'; take ", types);
    if (form->keeps() && names.size() > 1)
      return fault("'f32' among types to choose from, which are those of codes; leave it out, and name weights that "
                   "stay in exclude=");
    if (form->keeps() && !words.empty())
      return fault("options of weights that stay f32; leave out ':", rest.str(), "'");
    if (isAuto) { // all alike, so that more bits are never worse
      *form = *WeightForm::of("int4");
      form->bits = name.back() - '0';
      form->group = 64;
    }
    for (StringRef word : words)
      if (llvm::Error error = parseOption(word, *form))
        return std::move(error);
    if (llvm::Error error = checkForm(*form))
      return std::move(error);
    forms.push_back(*form);
  }
  return forms;
}

llvm::Error SpecParser::addRule(StringRef pattern, StringRef weights, bool named) {
  if (llvm::Error error = NamePattern::create(pattern).takeError())
    return fault("the pattern '", pattern.str(), "' of names: ", llvm::toString(std::move(error)));
  llvm::Expected<std::vector<WeightForm>> forms = parseWeights(weights);
  if (!forms)
    return forms.takeError();
  spec.rules.push_back({pattern.str(), std::move(*forms), named});
  return llvm::Error::success();
}

/// The type of activations, or nothing.
static std::optional<ActivationRounding> parseActivationType(StringRef text) {
  ActivationRounding rounding;
  if (text.consume_front("int")) {
    if (text.size() != 1 || text.getAsInteger(10, rounding.bits) || rounding.bits < 1 || rounding.bits > 8)
      return std::nullopt;
    return rounding;
  }
  auto kind = llvm::StringSwitch<std::optional<ActivationForm::Kind>>(text)
                  .Case("f32", ActivationForm::F32)
                  .Case("f16", ActivationForm::F16)
                  .Case("bf16", ActivationForm::BF16)
                  .Case("fp8", ActivationForm::E4M3)
                  .Case("fp8e5m2", ActivationForm::E5M2)
                  .Default(std::nullopt);
  if (!kind)
    return std::nullopt;
  rounding.type = *kind;
  rounding.bits = rounding.isFp8() ? 8 : 16;
  return rounding;
}

llvm::Error SpecParser::parseActivations(StringRef value) {
  if (value.ends_with(":"))
    return fault("'", value.str(), "' of activations, which ends with an empty option; leave out ':'");
  bool smooths = value.consume_back(":smooth");
  auto [type, options] = value.split(':');
  auto [scales, rest] = options.split(':');
  auto [zero, wide] = rest.starts_with("blocks8=") ? std::pair(StringRef(), rest) : rest.split(':');
  std::optional<ActivationRounding> rounding = parseActivationType(type);
  bool isInteger = rounding && rounding->type == ActivationForm::Int;
  bool hasScales = isInteger || (rounding && rounding->isFp8());
  if (!rounding || (!hasScales && value.contains(':')))
    return fault("activations of type '", value.str(), "'; take int1 to int8, fp8, fp8e5m2, f16, bf16 or f32");
  if (rounding->type == ActivationForm::F32 && !smooths) {
    spec.activations = ActivationRounding();
    return llvm::Error::success();
  }
  spec.activations = *rounding;
  if (!hasScales && !smooths)
    return llvm::Error::success();
  // Floats bear one scale for a row, which costs less than several.
  auto kind = llvm::StringSwitch<std::optional<ActivationRounding::Scales>>(scales)
                  .Case("", isInteger ? ActivationRounding::Group : ActivationRounding::Token)
                  .Case("group", ActivationRounding::Group)
                  .Case("token", ActivationRounding::Token)
                  .Case("static", ActivationRounding::Extremes)
                  .Case("static-mse", ActivationRounding::Squares)
                  .Default(std::nullopt);
  if (scales == "sym" || scales == "asym")
    return fault("'", scales.str(), "' before the scales of activations; write group:", scales.str(), " or token:",
                 scales.str());
  if (scales.starts_with("blocks8="))
    return fault("'", scales.str(), "' before the scales of activations; write group:", scales.str(), " or token:",
                 scales.str());
  if (!kind || (value.contains(':') && scales.empty()))
    return fault("the scales '", scales.str(), "' of activations; take group (those of the weights), token, static or ",
                 "static-mse");
  if (!isInteger && *kind == ActivationRounding::Squares)
    return fault("'static-mse' of activations of type '", type.str(), "', which lose nothing to a wide range; take ",
                 "static");
  bool isKnown = *kind == ActivationRounding::Extremes || *kind == ActivationRounding::Squares;
  if (rounding->bits < 4 && isKnown)
    return fault("activations of type '", type.str(), "' with scales known before; take group or token, or 4 bits");
  bool symmetric = zero == "sym" || zero.empty();
  if ((!symmetric && zero != "asym") || (options.contains(':') && rest.empty()))
    return fault("'", zero.str(), "' of activations; take sym or asym");
  if (!symmetric && (!isInteger || rounding->bits < 4))
    return fault("activations of type '", type.str(), "' with zero points; take sym, or ",
                 isInteger ? "4 bits" : "int8");
  if (!zero.empty() && isKnown)
    return fault("'", zero.str(), "' of static activations, whose zero point is chosen where it helps; leave it out");
  StringRef share = wide;
  if (!wide.empty() && (!share.consume_front("blocks8=") || !parseShare(share, 100, spec.activations.wideBlocks)))
    return fault("'", wide.str(), "' of activations; take a percent of the blocks of channels, as blocks8=25%");
  if (!wide.empty() && (!isInteger || isKnown || rounding->bits < 2 || rounding->bits > 7))
    return fault("'", wide.str(), "' beside activations of type '", type.str(), "'",
                 isKnown ? " with known scales" : "", "; it is for int2 to int7, by group or token");
  if (smooths && (!isInteger || *kind == ActivationRounding::Group || spec.activations.wideBlocks > 0))
    return fault("'smooth' beside activations of '", value.str(), "', where channels need not be alike; it is for ",
                 "integers by token, static or static-mse");
  spec.activations.scales = *kind;
  spec.activations.symmetric = symmetric;
  spec.activations.smooths = smooths;
  return llvm::Error::success();
}

llvm::Error SpecParser::parseBudget(StringRef value) {
  StringRef digits = value;
  bool isBits = digits.consume_back("bpw"), isTime = !isBits && digits.consume_back("ms");
  double &budget = isBits ? spec.budgetBits : isTime ? spec.budgetTime : spec.budgetBytes;
  bool isBytes = !isBits && !isTime && digits.consume_back("MB");
  spec.budgetBits = spec.budgetTime = spec.budgetBytes = 0;
  if (isTime && digits.empty()) {
    spec.budgetTime = std::numeric_limits<double>::infinity();
    return llvm::Error::success();
  }
  if (!(isBits || isTime || isBytes) || !parseNumber(digits, budget) || !(budget > 0) || !(budget < 1e9))
    return fault("the budget '", value.str(),
                 "'; take bits for each weight, as 3.8bpw, bytes of all weights, as 12MB, or the time of a call, as "
                 "12ms");
  if (isBytes || isTime)
    budget *= 1e6;
  return llvm::Error::success();
}

llvm::Error SpecParser::parseLossBound(StringRef value) {
  if (!parseNumber(value, spec.lossBound) || !(spec.lossBound > 0 && spec.lossBound < 1))
    return fault("the bound '", value.str(), "' of the loss, which is 1 - cosine of the outputs; take loss<=0.01");
  return llvm::Error::success();
}

/// What chooses among types, and that there is something to choose.
llvm::Error SpecParser::checkChoice() const {
  bool hasBudget = spec.budgetBits > 0 || spec.budgetBytes > 0 || spec.budgetTime > 0, isBound = spec.lossBound > 0;
  if (spec.hasChoice() && !hasBudget && !isBound)
    return fault("what chooses among several types; add budget=3.8bpw, budget=12MB, budget=8ms or loss<=0.01");
  if ((hasBudget || isBound) && !spec.hasChoice())
    return fault(isBound ? "a bound of the loss" : "a budget",
                 " where nothing is to be chosen; take weights=auto or a list such as weights=int3|int4|int6");
  if (std::isinf(spec.budgetTime) && !isBound)
    return fault("how many ms 'budget=ms' allows, which is as few as a bound of the loss leaves; add loss<=0.01, or "
                 "write budget=8ms");
  if (isBound && hasBudget && !std::isinf(spec.budgetTime))
    return fault("which of 'loss<=' and 'budget=' with a number is to hold; leave one of them out, or take budget=ms "
                 "for the least time within the bound");
  return llvm::Error::success();
}

/// Behind the pattern of a layer, which may hold commas.
static constexpr StringLiteral layerEnd = ").weights=";

/// The item at the start of a text, and what follows its comma, if there is one.
static StringRef takeItem(std::optional<StringRef> &text) {
  size_t end = text->starts_with("layer(") ? text->find(layerEnd) : 0;
  StringRef item = text->take_front(text->find(',', end == StringRef::npos ? 0 : end));
  text = item.size() == text->size() ? std::optional<StringRef>() : text->drop_front(item.size() + 1);
  return item;
}

llvm::Error SpecParser::parseCaches(StringRef value) {
  llvm::SmallVector<StringRef> terms;
  value.split(terms, ':');
  auto isKnown = [](StringRef term) { return term == "token" || term == "sym" || term == "asym"; };
  bool asym = llvm::is_contained(terms, "asym"), sym = llvm::is_contained(terms, "sym");
  bool isInt8 = terms.front() == "int8" && llvm::all_of(llvm::drop_begin(terms), isKnown) && !(sym && asym);
  if (!isInt8 && value != "f32")
    return fault("caches of keys and values of type '", value.str(),
                 "'; take int8 (a scale for each token and head), int8:asym (with a zero point, too) or f32");
  spec.caches = isInt8;
  spec.cacheZeroPoints = asym;
  return llvm::Error::success();
}

llvm::Error SpecParser::parseItem(StringRef item) {
  auto [key, value] = item.split('=');
  if (key.consume_front("layer(")) {
    size_t end = item.find(layerEnd);
    if (end == StringRef::npos)
      return fault("'", item.str(), "'; a layer is written layer(PATTERN).weights=TYPE");
    return addRule(item.slice(6, end), item.substr(end + layerEnd.size()), /*named=*/true);
  }
  if (key == "weights")
    return addRule("*", value, /*named=*/false);
  if (key == "exclude") {
    llvm::SmallVector<StringRef> patterns;
    value.split(patterns, ';');
    for (StringRef pattern : patterns)
      if (llvm::Error error = addRule(pattern, "f32", /*named=*/true))
        return error;
    return llvm::Error::success();
  }
  if (key == "activations") {
    return parseActivations(value);
  }
  if (key == "embeddings") {
    if (value != "int8" && value != "f32")
      return fault("embeddings of type '", value.str(), "'; take int8 or f32");
    spec.embeddings = value == "int8";
    return llvm::Error::success();
  }
  if (key == "kv")
    return parseCaches(value);
  if (key == "budget")
    return parseBudget(value);
  if (key == "loss<")
    return parseLossBound(value);
  if (key == "holdout") {
    if (!parseNumber(value, spec.holdout) || !(spec.holdout >= 0 && spec.holdout <= 50))
      return fault("holdout=", value.str(), "; take 0 to 50, the percent of samples that only measure");
    spec.holdout /= 100;
    return llvm::Error::success();
  }
  if (key == "samples") {
    if (value != "file" && value != "axis0")
      return fault("samples=", value.str(), "; take axis0, where arrays hold samples along their first axis, or file");
    spec.splitsFiles = value == "axis0";
    return llvm::Error::success();
  }
  if (item == "int4" || item == "int8")
    return addRule("*", item, /*named=*/false);
  if (item == "w4a8" || item == "w8a8") {
    spec.activations = {ActivationRounding::Group, 8, /*symmetric=*/true};
    return addRule("*", item == "w4a8" ? "int4" : "int8", /*named=*/false);
  }
  return fault("'", item.str(),
               "'; take weights=, activations=, embeddings=, kv=, layer(PATTERN).weights=, exclude=, budget=, "
               "loss<=, holdout=, samples=, int8, int4, w4a8 or w8a8");
}

llvm::Error SpecParser::parse(StringRef text) {
  for (std::optional<StringRef> rest = text; rest;)
    if (llvm::Error error = parseItem(takeItem(rest)))
      return error;
  if (!spec.hasWeights() && ((!spec.embeddings && !spec.caches) || spec.activations.isAsked()))
    return fault("which weights to quantize",
                 spec.activations.isAsked() ? ", beside which alone activations are rounded" : "",
                 "; add weights=int4 or weights=int8");
  if (llvm::Error error = checkChoice())
    return error;
  bool isAwq = llvm::any_of(spec.rules, [](const QuantizeSpec::Rule &rule) {
    return llvm::any_of(rule.forms, [](const WeightForm &form) { return form.scalesInputs; });
  });
  if (isAwq && spec.activations.smooths)
    return fault("'awq' beside 'smooth', both of which move factors from inputs into weights; take one of them");
  if (spec.budgetTime > 0 && spec.activations.isStatic())
    return fault("the time of products with static activations alone; take activations=int8:token with a budget in ms");
  if (spec.budgetTime > 0 && spec.activations.wideBlocks > 0)
    return fault("the time of products with activations of two widths; take activations=int8:token with a budget ",
                 "in ms");
  for (const QuantizeSpec::Rule &rule : spec.rules)
    for (const WeightForm &form : rule.forms)
      if (spec.activations.wideBlocks > 0 && !form.keeps() && !form.maySort())
        return fault("'blocks8' beside weights of ", form.text(), ", whose columns have an order, or groups that are ",
                     "longer than a block of channels; take groups of up to g128, without other terms");
  return llvm::Error::success();
}

llvm::Expected<QuantizeSpec> QuantizeSpec::parse(StringRef text) {
  SpecParser parser;
  if (llvm::Error error = parser.parse(text))
    return std::move(error);
  return std::move(parser.spec);
}
