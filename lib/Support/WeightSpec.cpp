//===- WeightSpec.cpp - the forms of weights that a spec names ---------------===//
#include "SpecParts.h"

#include "Message.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace lutra;
using llvm::StringLiteral;
using llvm::StringRef;

static constexpr StringLiteral types =
    "int2 to int8, uint2 to uint8, fp4, mxfp4, nvfp4, nf4, iq4nl, bitmod3, bitmod4, fp6, fp6e3m2, fp8, fp8e5m2, mxfp6, "
    "mxfp6e3m2, mxfp8, mxfp8e5m2, mxint8, pot3, pot4, bfp3 to bfp8, table2 to table8, dynamic8, q4_0, q5_0, q8_0, q2_k "
    "to q6_k, tq1_0, ternary, binary, auto or f32";
static constexpr StringLiteral options =
    "gN, channel, block<NxM>, sym, asym, rtn, mse, hqq, awq, gptq, gptq-seq, scale=f16, scale=f32, outliers=P%, "
    "scattered, lowrank=N, sorted, rows8=P%, groups4=P% or vector=N";

/// What an option says something about: two that say it of the same contradict each other.
static StringRef subjectOf(StringRef option) {
  if (option == "rtn" || option == "mse" || option == "hqq" || option == "gptq" || option == "gptq-seq")
    return "the method";
  if (option == "sym" || option == "asym")
    return "zero points";
  bool isGroup = option.starts_with("g") && llvm::all_of(option.drop_front(), llvm::isDigit);
  if (option == "channel" || option.starts_with("block") || isGroup)
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
  if (form.blockRows > 1 && (form.values == WeightForm::Table || form.isMixed() ||
                             form.method == WeightForm::HalfQuadratic))
    return refuse("block", form.isMixed() ? "whose rows and groups have places of their own; take groups of columns"
                           : form.values == WeightForm::Table
                               ? "whose table is found with a scale for each row; take nf4, fp4 or integers"
                               : "whose zero points are floats of each row; take mse");
  if (form.wideRows > 0 && form.bits == 8)
    return refuse("rows8", "which has 8 bits everywhere; leave it out");
  if (form.wideGroups > 0 && (!form.isInteger() || form.bits > 3 || form.group == kWhole ||
                              form.method == WeightForm::HalfQuadratic))
    return refuse("groups4", "where it has no place; it is for groups of int2 and int3, without hqq");
  return llvm::Error::success();
}

/// Rows and columns of the elements that share a scale.
static llvm::Error parseBlock(StringRef option, WeightForm &form) {
  StringRef sizes = option.drop_front(StringRef("block").size());
  int64_t rows = 0, columns = 0;
  bool isPair = sizes.consume_front("<") && sizes.consume_back(">");
  auto [first, second] = sizes.split('x');
  if (!isPair || first.trim().getAsInteger(10, rows) || second.trim().getAsInteger(10, columns))
    return fault("'", option.str(), "'; write blocks as rows by columns, block<128x128>");
  if (rows == 1)
    return fault("'", option.str(), "', a block of one row; take g", columns);
  constexpr int64_t most = 1 << 20, leastColumns = 16;
  bool areSizes = rows > 1 && rows <= most && columns >= leastColumns && columns <= most;
  if (!areSizes || !llvm::isPowerOf2_64(rows) || !llvm::isPowerOf2_64(columns))
    return fault("blocks of ", rows, " x ", columns, " elements; take powers of two, from 2 rows and 16 columns on, ",
                 "as block<128x128>");
  form.blockRows = rows;
  form.group = columns;
  return llvm::Error::success();
}

static llvm::Error parseOption(StringRef option, WeightForm &form) {
  if (option.contains('|'))
    return fault("'", option.str(), "' among options, which are those of all types; write them behind the last, as ",
                 "int3|int4:g64");
  StringRef size = option;
  int64_t group = 0;
  bool isGroup = size.consume_front("g") && !size.getAsInteger(10, group);
  if (isGroup && (group < 16 || group > 1 << 20 || !llvm::isPowerOf2_64(group)))
    return fault("groups of '", option.str(), "' elements; take a power of two from g16 on, or channel");
  bool isBlock = option.starts_with("block");
  bool givesScale = option.starts_with("scale="), givesGroup = isGroup || isBlock || option == "channel";
  if ((givesGroup || givesScale) && form.hasOwnScales() && (givesScale || form.values != WeightForm::Block))
    return fault("'", option.str(), "' beside ", form.text(),
                 ", whose groups and scales are what its name says; leave it out");
  if ((option == "sym" || option == "asym") && !form.isInteger())
    return fault("'", option.str(), "' beside ", form.text(), ", which has no zero points; it is for int2 to int8");
  if (option == "tensor")
    return fault("'tensor', a scale for a whole weight, which loses far more than one for each row; take channel");
  if (option == "perm")
    return fault("the option 'perm' of weights; take sorted");
  if (isBlock)
    return parseBlock(option, form);
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
  else if (option == "gptq" || option == "gptq-seq") {
    form.method = WeightForm::Gptq;
    form.sequential = option == "gptq-seq";
  }
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
                      option == "gptq" || option == "gptq-seq";
  if (!known)
    return fault("the option '", option.str(), "' of weights; take ", options);
  return llvm::Error::success();
}

bool lutra::startsWithWeights(StringRef text) {
  StringRef type = text.take_until([](char c) { return c == ':' || c == '|'; }).trim();
  return type == "auto" || WeightForm::of(type) || !insteadOfType(type).empty();
}

llvm::Expected<std::vector<WeightForm>> lutra::parseWeights(StringRef text) {
  auto [first, rest] = text.split(':');
  StringRef head = first.trim();
  llvm::SmallVector<StringRef> names, words;
  bool isAuto = head == "auto";
  StringRef(isAuto ? "int2|int3|int4|int5|int6|int8" : head).split(names, '|');
  if (text.contains(':')) // else there are no options, rather than an empty one
    rest.split(words, ':');
  for (StringRef &word : names)
    word = word.trim();
  for (StringRef &word : words)
    word = word.trim();
  if (llvm::Error error = checkOptions(words))
    return std::move(error);
  std::vector<WeightForm> forms;
  for (StringRef name : names) {
    std::optional<WeightForm> form = WeightForm::of(name);
    if (name == "auto")
      return fault("'auto' beside other types, though it is a list of them; write int2|int3|int4|int5|int6|int8 out");
    if (!form)
      return fault("weights of type '", name.str(), "'; take ",
                   insteadOfType(name).empty() ? StringRef(types) : insteadOfType(name));
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
