//===- WeightTypes.cpp - names of the types of weights -----------------------===//
#include "lutra/Support/QuantizeSpec.h"

#include "Message.h"

#include "llvm/ADT/StringSwitch.h"

using namespace lutra;
using llvm::StringRef;

/// Names that formats of files and other tools give to types: those of the OCP Microscaling specification, whose MXINT8
/// has the values of bfp8, and of ggml, where blocks and scales are the same.
static StringRef plainName(StringRef name) {
  return llvm::StringSwitch<StringRef>(name)
      .Case("none", "f32")
      .Case("fp4e2m1", "fp4")
      .Case("fp6e2m3", "fp6")
      .Case("fp8e4m3", "fp8")
      .Case("mxfp6e2m3", "mxfp6")
      .Case("mxfp8e4m3", "mxfp8")
      .Case("mxint8", "bfp8")
      .Case("iq4_nl", "iq4nl")
      .Default(name);
}

std::optional<WeightForm> WeightForm::of(StringRef name) {
  std::string lower = name.lower();
  StringRef type = plainName(lower);
  WeightForm form;
  auto make = [&](Values values, unsigned bits, int64_t group, SideType::Kind scale, bool symmetric = false) {
    form.values = values;
    form.bits = bits;
    form.group = group;
    form.symmetric = symmetric || values != Integer;
    form.scale = scale;
    return form;
  };
  unsigned bits;
  StringRef digits = type;
  bool isUnsigned = digits.consume_front("u");
  if (digits.consume_front("int") && digits.size() == 1 && !digits.getAsInteger(10, bits) && bits >= 2 && bits <= 8) {
    if (bits < 8)
      return make(Integer, bits, 32, SideType::F16);
    make(Integer, 8, kWhole, SideType::F32);
    form.symmetric = !isUnsigned;
    form.method = Nearest;
    return form;
  }
  if (type == "f32")
    return make(Keep, 0, kWhole, SideType::F32);
  if (type == "fp4")
    return make(Fp4, 4, 32, SideType::F16);
  digits = type;
  if (digits.consume_front("mx") && (digits.starts_with("fp6") || digits.starts_with("fp8") || digits == "fp4")) {
    std::optional<WeightForm> element = of(digits);
    return element ? make(element->values, element->bits, 32, SideType::E8M0) : element;
  }
  if (type == "q4_0" || type == "q5_0")
    return make(Integer, type[1] - '0', 32, SideType::F16, /*symmetric=*/true);
  if (type == "q8_0") {
    make(Integer, 8, 32, SideType::F16, /*symmetric=*/true);
    form.method = Nearest;
    return form;
  }
  if (type == "tq1_0")
    return make(Ternary, 2, superBlock, SideType::F16);
  if (type == "nvfp4")
    return make(NvFp4, 4, 16, SideType::UE4M3);
  if (type == "nf4")
    return make(Nf4, 4, 64, SideType::F16);
  if (type == "iq4nl")
    return make(Iq4, 4, 32, SideType::F16);
  if (type == "bitmod3" || type == "bitmod4")
    return make(BitMod, type.back() - '0', 128, SideType::F16);
  if (type == "fp6" || type == "fp6e3m2")
    return make(type == "fp6" ? Fp6 : Fp6Wide, 6, kWhole, SideType::F32);
  if (type == "fp8" || type == "fp8e5m2")
    return make(type == "fp8" ? Fp8 : Fp8Wide, 8, kWhole, SideType::F32);
  if (type == "pot3" || type == "pot4")
    return make(Pot, type.back() - '0', 32, SideType::F16);
  if (type == "dynamic8")
    return make(Dynamic, 8, 64, SideType::F32);
  if (type == "ternary" || type == "binary")
    return make(type == "ternary" ? Ternary : Binary, type == "ternary" ? 2 : 1, 64, SideType::F16);
  digits = type;
  if (digits.consume_front("bfp") && digits.size() == 1 && digits[0] >= '3' && digits[0] <= '8')
    return make(Block, digits[0] - '0', 32, SideType::E8M0);
  digits = type;
  if ((digits.consume_front("table") || digits.consume_front("codebook")) && digits.size() == 1 &&
      digits[0] >= '2' && digits[0] <= '8')
    return make(Table, digits[0] - '0', kWhole, SideType::F32);
  digits = type;
  if (digits.consume_front("q") && digits.consume_back("_k") && digits.size() == 1 && digits[0] >= '2' &&
      digits[0] <= '6') {
    bits = digits[0] - '0';
    make(KQuant, bits, bits == 4 || bits == 5 ? 32 : 16, SideType::F16);
    form.symmetric = bits == 3 || bits == 6;
    return form;
  }
  return std::nullopt;
}

static std::string elementName(const WeightForm &form) {
  switch (form.values) {
  case WeightForm::Keep:
    return "f32";
  case WeightForm::Integer:
    return message("int", form.bits);
  case WeightForm::Fp4:
    return "fp4";
  case WeightForm::NvFp4:
    return "nvfp4";
  case WeightForm::Nf4:
    return "nf4";
  case WeightForm::Iq4:
    return "iq4nl";
  case WeightForm::BitMod:
    return message("bitmod", form.bits);
  case WeightForm::Fp6:
    return "fp6";
  case WeightForm::Fp8:
    return "fp8";
  case WeightForm::Fp6Wide:
    return "fp6e3m2";
  case WeightForm::Fp8Wide:
    return "fp8e5m2";
  case WeightForm::Pot:
    return message("pot", form.bits);
  case WeightForm::Block:
    return message("bfp", form.bits);
  case WeightForm::Table:
    return message("table", form.bits);
  case WeightForm::Dynamic:
    return "dynamic8";
  case WeightForm::KQuant:
    return message("q", form.bits, "_k");
  case WeightForm::Ternary:
    return "ternary";
  case WeightForm::Binary:
    return "binary";
  }
  return "";
}

std::string WeightForm::typeName() const {
  return (scale == SideType::E8M0 && values != Block ? "mx" : "") + elementName(*this);
}

StringRef lutra::insteadOfType(StringRef name) {
  std::string type = name.lower();
  if (type == "int1" || type == "uint1")
    return "binary, whose bit stands for -1 and 1";
  if (type == "f16" || type == "fp16" || type == "bf16")
    return "f32, since products read floats of 16 bits as those; with activations=bf16 CPUs may round both";
  if (type == "q4_1" || type == "q5_1")
    return "int4 or int5, whose zero points are codes, or q4_k and q5_k, which have minima";
  if (type == "tq2_0")
    return "ternary:g256, which has its values";
  if (type.find("_k_") != std::string::npos)
    return "q2_k to q6_k, and layer(PATTERN).weights= where a mixture has other types";
  if (StringRef(type).starts_with("iq"))
    return "iq4_nl, whose blocks are of 32, or q2_k to q6_k";
  return "";
}
