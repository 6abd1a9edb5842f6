//===- QuantizeSpec.cpp - what --quantize asks for ---------------------------===//
#include "lutra/Support/QuantizeSpec.h"

#include "Message.h"
#include "SpecParts.h"

#include "lutra/Support/NamePattern.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

#include <limits>

using namespace lutra;
using llvm::StringLiteral;
using llvm::StringRef;

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

bool QuantizeSpec::isSequential() const {
  return llvm::any_of(rules, [](const Rule &rule) {
    return llvm::any_of(rule.forms, [](const WeightForm &form) { return form.sequential; });
  });
}

bool QuantizeSpec::anyActivations(llvm::function_ref<bool(const ActivationRounding &)> test) const {
  return llvm::any_of(activations, [&](const ActivationRule &rule) { return test(rule.rounding); });
}

std::string QuantizeSpec::cacheType() const {
  bool usual = cacheZeroPoints == (cacheBits == 4);
  return message("int", cacheBits, usual ? "" : cacheZeroPoints ? ":asym" : ":sym");
}

bool QuantizeSpec::scalesInputs() const {
  bool isAwq = llvm::any_of(rules, [](const Rule &rule) {
    return llvm::any_of(rule.forms, [](const WeightForm &form) { return form.scalesInputs; });
  });
  return isAwq || anyActivations([](const ActivationRounding &rounding) { return rounding.smooths; });
}

bool lutra::parseNumber(StringRef text, double &number) {
  return text.find_first_not_of("0123456789.") == StringRef::npos && !text.getAsDouble(number);
}

bool lutra::parseShare(StringRef text, double most, double &share) {
  if (!text.consume_back("%") || !parseNumber(text, share) || !(share > 0 && share <= most))
    return false;
  share /= 100;
  return true;
}

namespace {
class SpecParser {
public:
  llvm::Error parse(StringRef text);
  QuantizeSpec spec;

private:
  llvm::Error parseItem(StringRef item);
  llvm::Error parseLayer(StringRef item);
  llvm::Error parsePreset(StringRef item);
  llvm::Error addRule(StringRef pattern, StringRef weights, bool named);
  llvm::Error addActivations(StringRef pattern, StringRef value);
  llvm::Error addStrategy(StringRef pattern, StringRef value);
  llvm::Error parseBudget(StringRef value);
  llvm::Error parseCaches(StringRef value);
  llvm::Error parseLossBound(StringRef value);
  llvm::Error checkChoice() const;
  llvm::Error checkActivations() const;
};
} // namespace

static llvm::Error checkPattern(StringRef pattern) {
  if (llvm::Error error = NamePattern::create(pattern).takeError())
    return fault("the pattern '", pattern.str(), "' of names: ", llvm::toString(std::move(error)));
  return llvm::Error::success();
}

llvm::Error SpecParser::addRule(StringRef pattern, StringRef weights, bool named) {
  if (llvm::Error error = checkPattern(pattern))
    return error;
  llvm::Expected<std::vector<WeightForm>> forms = parseWeights(weights);
  if (!forms)
    return forms.takeError();
  spec.rules.push_back({pattern.str(), std::move(*forms), named});
  return llvm::Error::success();
}

llvm::Error SpecParser::addActivations(StringRef pattern, StringRef value) {
  if (llvm::Error error = checkPattern(pattern))
    return error;
  llvm::Expected<ActivationRounding> rounding = parseActivations(value);
  if (!rounding)
    return rounding.takeError();
  if (pattern == "*") // nothing is left of those before
    spec.activations.clear();
  spec.activations.push_back({pattern.str(), *rounding});
  return llvm::Error::success();
}

llvm::Error SpecParser::addStrategy(StringRef pattern, StringRef value) {
  if (llvm::Error error = checkPattern(pattern))
    return error;
  bool isName = !value.empty() && llvm::all_of(value, [](char c) { return llvm::isAlnum(c) || c == '-' || c == '_'; });
  if (!isName || value == "auto")
    return fault("the strategy '", value.str(), "' of a layer; take the name of one, as --strategy= does, such as ",
                 "tiled or coded");
  spec.strategies.push_back({pattern.str(), value.str()});
  return llvm::Error::success();
}

llvm::Error SpecParser::parseBudget(StringRef value) {
  StringRef digits = value;
  bool isBits = digits.consume_back("bpw"), isTime = !isBits && digits.consume_back("ms");
  double &budget = isBits ? spec.budgetBits : isTime ? spec.budgetTime : spec.budgetBytes;
  bool isBytes = !isBits && !isTime && digits.consume_back("MB");
  for (double *other : {&spec.budgetBits, &spec.budgetBytes})
    if (!isTime && other != &budget && *other > 0)
      return fault("the budget '", value.str(), "' beside another size, of which one alone can hold; leave one out, ",
                   "or take a size and a time");
  budget = 0;
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
  if (isBound && hasBudget && (!std::isinf(spec.budgetTime) || spec.budgetBits > 0 || spec.budgetBytes > 0))
    return fault("which of 'loss<=' and 'budget=' with a number is to hold; leave one of them out, or take budget=ms "
                 "for the least time within the bound");
  return llvm::Error::success();
}

/// Behind the pattern of a layer, which may hold commas.
static constexpr StringLiteral layerEnds[] = {").weights=", ").activations=", ").strategy="};

/// Where the pattern of a layer ends; npos: nowhere.
static size_t findLayerEnd(StringRef text) {
  size_t end = StringRef::npos;
  for (StringRef own : layerEnds)
    end = std::min(end, text.find(own));
  return end;
}

/// The first of some characters outside of brackets; npos: there is none, or a bracket stays open.
static size_t findOutside(StringRef text, StringRef characters) {
  int64_t depth = 0;
  for (size_t place = 0; place < text.size(); ++place) {
    if (text[place] == '\\') // stands for the next one
      ++place;
    else if (StringRef("([{").contains(text[place]))
      ++depth;
    else if (StringRef(")]}").contains(text[place]))
      --depth;
    else if (depth <= 0 && characters.contains(text[place]))
      return place;
  }
  return depth <= 0 ? StringRef::npos : text.find_first_of(characters);
}

/// The item at the start of a text, and what follows its comma, if there is one.
static StringRef takeItem(std::optional<StringRef> &text) {
  StringRef start = text->ltrim();
  size_t end;
  if (size_t layerEnd = findLayerEnd(start); start.starts_with("layer(") && layerEnd != StringRef::npos)
    end = start.find(',', layerEnd);
  else
    end = start.starts_with("exclude") ? findOutside(start, ",") : start.find(',');
  StringRef item = start.take_front(end);
  text = item.size() == start.size() ? std::optional<StringRef>() : start.drop_front(item.size() + 1);
  return item.trim();
}

llvm::Error SpecParser::parseCaches(StringRef value) {
  llvm::SmallVector<StringRef> terms;
  value.split(terms, ':');
  auto isKnown = [](StringRef term) { return term == "token" || term == "sym" || term == "asym"; };
  bool asym = llvm::is_contained(terms, "asym"), sym = llvm::is_contained(terms, "sym");
  bool isInt4 = terms.front() == "int4";
  bool isKnownType = isInt4 || terms.front() == "int8";
  bool isCoded = isKnownType && llvm::all_of(llvm::drop_begin(terms), isKnown) && !(sym && asym);
  if (!isCoded && value != "f32" && value != "none")
    return fault("caches of keys and values of type '", value.str(),
                 "'; take int8 (a scale for each token and head), int8:asym (with a zero point, too), int4 (both for "
                 "each 32 elements), int4:sym or f32");
  spec.caches = isCoded;
  spec.cacheBits = isInt4 ? 4 : 8;
  spec.cacheZeroPoints = asym || (isInt4 && !sym); // few steps had better reach no farther than values do
  return llvm::Error::success();
}

llvm::Error SpecParser::parseLayer(StringRef item) {
  size_t end = findLayerEnd(item), open = StringRef("layer(").size();
  if (end == StringRef::npos)
    return fault("'", item.str(), "'; a layer is written layer(PATTERN).weights=TYPE, ",
                 "layer(PATTERN).activations=TYPE or layer(PATTERN).strategy=NAME");
  StringRef pattern = item.slice(open, end), rest = item.substr(end);
  if (rest.consume_front(layerEnds[0]))
    return addRule(pattern, rest.trim(), /*named=*/true);
  if (rest.consume_front(layerEnds[2]))
    return addStrategy(pattern, rest.trim());
  return addActivations(pattern, rest.substr(layerEnds[1].size()).trim());
}

/// What is asked for elsewhere, or by no one; empty: it has no such name.
static StringRef elsewhere(StringRef key) {
  return llvm::StringSwitch<StringRef>(key)
      .Case("calibrate", "--calibrate=FILES (Python: calibrate=), a flag of its own")
      .Case("report", "--quantize-report=FILE (Python: quantize_report=), a flag of its own")
      .Case("seed", "no seed, since nothing is chosen at random: the same model and samples give the same bytes")
      .Case("head", "layer(PATTERN).weights= with the name of the last product")
      .Case("softmax", "--arithmetic=integer, which computes those of codes in integers")
      .Default("");
}

llvm::Error SpecParser::parsePreset(StringRef item) {
  bool isSmall = item == "small", isBest = item == "best";
  if (isSmall || isBest) {
    spec.embeddings = isSmall ? 4 : 8;
    spec.normalEmbeddings = false;
    spec.embeddingsIfAny = true;
    return addRule("*", isSmall ? "int4" : "int8", /*named=*/false);
  }
  if (llvm::Error error = addActivations("*", "int8"))
    return error;
  return addRule("*", item == "w8a8" ? "int8" : "int4", /*named=*/false);
}

llvm::Error SpecParser::parseItem(StringRef item) {
  if (item.starts_with("layer("))
    return parseLayer(item);
  if (startsWithWeights(item))
    return addRule("*", item, /*named=*/false);
  auto [left, right] = item.split('=');
  StringRef key = left.rtrim(), value = right.ltrim();
  if (key == "weights")
    return addRule("*", value, /*named=*/false);
  if (key == "exclude") {
    for (std::optional<StringRef> rest = value; rest;) {
      size_t end = findOutside(*rest, ";");
      StringRef pattern = rest->take_front(end);
      rest = end == StringRef::npos ? std::optional<StringRef>() : rest->drop_front(end + 1);
      if (llvm::Error error = addRule(pattern.trim(), "f32", /*named=*/true))
        return error;
    }
    return llvm::Error::success();
  }
  if (key == "activations")
    return addActivations("*", value);
  if (key == "embeddings") {
    if (!llvm::is_contained({"int8", "int4", "nf4", "f32", "none"}, value))
      return fault("embeddings of type '", value.str(), "'; take int8 (a scale for each row), int4 (one for each 32 ",
                   "elements), nf4 (one for each 64) or f32");
    spec.normalEmbeddings = value == "nf4";
    spec.embeddings = value == "int8" ? 8 : value == "int4" || value == "nf4" ? 4 : 0;
    spec.embeddingsIfAny = false;
    return llvm::Error::success();
  }
  if (key == "kv")
    return parseCaches(value);
  if (key == "budget")
    return parseBudget(value);
  if (key == "loss<")
    return parseLossBound(value);
  if (key == "damp") {
    if (!parseNumber(value, spec.damp) || !(spec.damp > 0 && spec.damp <= 10))
      return fault("damp=", value.str(), "; take a share of the mean diagonal of H up to 10, as damp=0.05");
    return llvm::Error::success();
  }
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
  if (llvm::is_contained({"w4a8", "w8a8", "fast", "small", "best"}, item))
    return parsePreset(item);
  if (StringRef other = elsewhere(key); !other.empty())
    return fault("'", item.str(), "'; take ", other);
  return fault("'", item.str(),
               "'; take weights=, activations=, embeddings=, kv=, layer(PATTERN).weights=, "
               "layer(PATTERN).activations=, layer(PATTERN).strategy=, exclude=, budget=, loss<=, holdout=, samples=, "
               "damp=, a type of weights such as int8 or int4:g128, w4a8, w8a8, small, fast or best");
}

/// What weights may stand beside which activations, and which of these a budget in time measures.
llvm::Error SpecParser::checkActivations() const {
  using Rounding = ActivationRounding;
  bool isAwq = false;
  const WeightForm *fixed = nullptr;
  for (const QuantizeSpec::Rule &rule : spec.rules)
    for (const WeightForm &form : rule.forms) {
      isAwq |= form.scalesInputs;
      if (!form.keeps() && !form.maySort())
        fixed = &form;
    }
  bool sorts = spec.anyActivations([](const Rounding &rounding) { return rounding.wideBlocks > 0; });
  if (isAwq && spec.anyActivations([](const Rounding &rounding) { return rounding.smooths; }))
    return fault("'awq' beside 'smooth', both of which move factors from inputs into weights; take one of them");
  if (spec.budgetTime > 0 && spec.anyActivations([](const Rounding &rounding) { return rounding.isWhole(); }))
    return fault("the time of products with static activations alone, or with a scale for a tensor; take ",
                 "activations=int8:token with a budget in ms");
  if (spec.budgetTime > 0 && sorts)
    return fault("the time of products with activations of two widths; take activations=int8:token with a budget ",
                 "in ms");
  if (sorts && fixed)
    return fault("'blocks8' beside weights of ", fixed->text(), ", whose columns have an order, or groups that are ",
                 "longer than a block of channels; take groups of up to g128, without other terms");
  return llvm::Error::success();
}

llvm::Error SpecParser::parse(StringRef text) {
  for (std::optional<StringRef> rest = text; rest;)
    if (llvm::Error error = parseItem(takeItem(rest)))
      return error;
  bool rounds = spec.anyActivations([](const ActivationRounding &rounding) { return rounding.isAsked(); });
  if (!spec.hasWeights() && ((!spec.embeddings && !spec.caches) || rounds))
    return fault("which weights to quantize", rounds ? ", beside which alone activations are rounded" : "",
                 "; add weights=int4 or weights=int8");
  if (llvm::Error error = checkChoice())
    return error;
  return checkActivations();
}

llvm::Expected<QuantizeSpec> QuantizeSpec::parse(StringRef text) {
  SpecParser parser;
  if (llvm::Error error = parser.parse(text))
    return std::move(error);
  return std::move(parser.spec);
}
