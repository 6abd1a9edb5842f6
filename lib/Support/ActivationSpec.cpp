//===- ActivationSpec.cpp - the roundings of activations that a spec names ---===//
#include "SpecParts.h"

#include "Message.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"

using namespace lutra;
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

std::string ActivationRounding::scalesName() const {
  switch (scales) {
  case None:
    return "";
  case Group:
    return group > 0 ? message("g", group) : "group";
  case Token:
    return "token";
  case Tensor:
    return "tensor";
  case Extremes:
    return "static";
  case Squares:
    return "static-mse";
  case Quantile:
    return message("static=p", llvm::format("%g", 100 * quantile));
  case Entropy:
    return "static=entropy";
  }
  return "";
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
                  .Case("none", ActivationForm::F32)
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

namespace {
/// What the words behind a type say.
struct Words {
  StringRef scales, zero, wide, smooth;
};
} // namespace

/// Whether a word is a "g" with the elements of a group, maybe not such as there are.
static bool isGroup(StringRef word) {
  return word.consume_front("g") && !word.empty() && llvm::all_of(word, llvm::isDigit);
}

/// Sorts words by what they are about; two of one kind contradict each other.
static llvm::Error sortWords(StringRef text, Words &words) {
  llvm::SmallVector<StringRef> parts;
  text.split(parts, ':');
  for (StringRef part : parts) {
    StringRef word = part.trim(), name = word.take_until([](char c) { return c == '='; });
    StringRef *place = llvm::StringSwitch<StringRef *>(name)
                           .Cases({"group", "token", "tensor", "dynamic", "static", "static-mse"}, &words.scales)
                           .Cases({"sym", "asym"}, word == name ? &words.zero : nullptr) // no values
                           .Case("blocks8", &words.wide)
                           .Case("smooth", &words.smooth)
                           .Default(isGroup(word) ? &words.scales : nullptr);
    if (word.empty())
      return fault("an empty option of activations; leave out one ':'");
    if (!place)
      return fault("the option '", word.str(), "' of activations; take group (the groups of the weights), gN, ",
                   "token, tensor, static, static-mse, static=p99.99, static=entropy, sym, asym, smooth, smooth=0.7 ",
                   "or blocks8=25%");
    if (!place->empty())
      return fault("'", word.str(), "' beside '", place->str(), "' of activations; take one of them");
    *place = word;
  }
  return llvm::Error::success();
}

/// Floats bear one scale for a row, which costs less than several.
static llvm::Error setScales(StringRef word, ActivationRounding &rounding) {
  bool isInteger = rounding.type == ActivationForm::Int;
  StringRef range = word;
  if (range.consume_front("static=")) {
    StringRef share = range;
    if (share.consume_front("p")) {
      rounding.scales = ActivationRounding::Quantile;
      if (!parseNumber(share, rounding.quantile) || !(rounding.quantile > 50 && rounding.quantile < 100))
        return fault("'", word.str(), "' of activations; take a percent of the values from 50 to 100, as ",
                     "static=p99.99");
      rounding.quantile /= 100;
      return llvm::Error::success();
    }
    auto kind = llvm::StringSwitch<std::optional<ActivationRounding::Scales>>(range)
                    .Case("minmax", ActivationRounding::Extremes)
                    .Case("mse", ActivationRounding::Squares)
                    .Case("entropy", ActivationRounding::Entropy)
                    .Default(std::nullopt);
    if (!kind)
      return fault("'", word.str(), "' of activations; take static (which is minmax), static=mse, static=p99.99 or ",
                   "static=entropy");
    rounding.scales = *kind;
    return llvm::Error::success();
  }
  if (isGroup(word)) {
    rounding.scales = ActivationRounding::Group;
    if (word.drop_front().getAsInteger(10, rounding.group) || rounding.group < 16 || rounding.group > 1 << 20 ||
        !llvm::isPowerOf2_64(rounding.group))
      return fault("groups of '", word.str(), "' elements of activations; take a power of two from g16 on, or token");
    return llvm::Error::success();
  }
  auto kind = llvm::StringSwitch<std::optional<ActivationRounding::Scales>>(word)
                  .Cases({"", "dynamic"}, isInteger ? ActivationRounding::Group : ActivationRounding::Token)
                  .Case("group", ActivationRounding::Group)
                  .Case("token", ActivationRounding::Token)
                  .Case("tensor", ActivationRounding::Tensor)
                  .Case("static", ActivationRounding::Extremes)
                  .Case("static-mse", ActivationRounding::Squares)
                  .Default(std::nullopt);
  if (!kind)
    return fault("the scales '", word.str(), "' of activations, which take no value");
  rounding.scales = *kind;
  return llvm::Error::success();
}

llvm::Expected<ActivationRounding> lutra::parseActivations(StringRef value) {
  auto [first, options] = value.split(':');
  StringRef type = first.trim();
  std::optional<ActivationRounding> found = parseActivationType(type);
  bool isInteger = found && found->type == ActivationForm::Int;
  bool hasScales = isInteger || (found && found->isFp8());
  auto refuse = [&](StringRef word, const auto &...why) {
    return fault("'", word.str(), "' beside activations of type '", type.str(), "'", why...);
  };
  if (!found)
    return fault("activations of type '", type.str(), "'; take int1 to int8, fp8, fp8e5m2, f16, bf16 or f32");
  ActivationRounding rounding = *found;
  Words words;
  if (value.contains(':'))
    if (llvm::Error error = sortWords(options, words))
      return std::move(error);
  bool hasGroups = words.scales.empty() || words.scales == "group" || isGroup(words.scales);
  if (!words.smooth.empty() && (!isInteger || hasGroups || !words.wide.empty()))
    return fault("'", words.smooth.str(), "' beside activations of '", value.str(), "', where channels need not be ",
                 "alike; it is for integers by token, tensor, static or static-mse");
  if (!hasScales && !options.empty())
    return fault("options of activations of type '", type.str(), "', which have no scales; leave out ':", options.str(),
                 "'");
  if (rounding.type == ActivationForm::F32)
    return ActivationRounding();
  if (!hasScales)
    return rounding;
  if (llvm::Error error = setScales(words.scales, rounding))
    return std::move(error);
  StringRef word = words.zero.empty() ? words.wide : words.zero;
  if (words.scales.empty() && !word.empty())
    return fault("'", word.str(), "' without the scales of activations; write group:", word.str(), " or token:",
                 word.str());
  bool isKnown = rounding.isStatic(), isWhole = isKnown || rounding.scales == ActivationRounding::Tensor;
  if (!isInteger && rounding.scales != ActivationRounding::Extremes && isWhole)
    return refuse(words.scales, ", which lose nothing to a wide range; take token or static");
  if (rounding.bits < 4 && isWhole)
    return refuse(words.scales, ", which one scale does not serve; take group or token, or 4 bits");
  rounding.symmetric = words.zero != "asym";
  if (!rounding.symmetric && (!isInteger || rounding.bits < 4))
    return refuse("asym", ", which have no zero points; take sym, or ", isInteger ? "4 bits" : "int8");
  if (!words.zero.empty() && isWhole)
    return isKnown ? refuse(words.zero, " with known scales, whose zero point is chosen where it helps; leave it out")
                   : refuse(words.zero, " with a scale for a tensor, which have no zero points; leave it out");
  if (StringRef share = words.wide; !share.empty() && (!share.consume_front("blocks8=") ||
                                                       !parseShare(share, 100, rounding.wideBlocks)))
    return fault("'", words.wide.str(), "' of activations; take a percent of the blocks of channels, as blocks8=25%");
  if (!words.wide.empty() && (!isInteger || isWhole || rounding.bits < 2 || rounding.bits > 7))
    return refuse(words.wide, isKnown ? " with known scales" : "", "; it is for int2 to int7, by group or token");
  if (!words.wide.empty() && rounding.group > ActivationRounding::channelBlock)
    return refuse(words.wide, " in groups that are longer than a block of ",
                  std::to_string(ActivationRounding::channelBlock), " channels; take ", "g128 or less");
  rounding.smooths = !words.smooth.empty();
  if (StringRef power = words.smooth; power.consume_front("smooth="))
    if (!parseNumber(power, rounding.smoothing) || !(rounding.smoothing > 0 && rounding.smoothing < 1))
      return fault("'", words.smooth.str(), "' of activations; take a power between 0 and 1, as smooth=0.7, or smooth ",
                   "for the best of some");
  return rounding;
}
