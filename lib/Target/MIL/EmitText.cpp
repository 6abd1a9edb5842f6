//===- EmitText.cpp - MIL text ------------------------------------------------===//
// The dialect of recent systems: `program(1.3)`, scalars without a tensor type, every parameter a
// statement, floats in hexadecimal (decimal would lose bits), parameters in alphabetical order.
#include "lutra/Target/MIL/MIL.h"

#include "BlobFile.h"
#include "Statements.h"

#include "lutra/Support/ErrorCodes.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace lutra;
using namespace lutra::mil;

static void printType(raw_ostream &os, Type element, ArrayRef<int64_t> shape) {
  StringRef name = element ? typeName(element) : "string";
  if (shape.empty()) {
    os << name;
    return;
  }
  os << "tensor<" << name << ", [";
  llvm::interleaveComma(shape, os);
  os << "]>";
}

static void printFloat(raw_ostream &os, double value) {
  if (std::isnan(value))
    os << "nan";
  else if (std::isinf(value))
    os << (value < 0 ? "-inf" : "inf");
  else
    os << llvm::format("%a", value);
}

static void printElement(raw_ostream &os, Type element, const char *bytes) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, byteWidth(element));
  APInt bits(element.getIntOrFloatBitWidth(), word);
  if (auto real = dyn_cast<FloatType>(element))
    printFloat(os, APFloat(real.getFloatSemantics(), bits).convertToDouble());
  else if (element.isSignlessInteger(1))
    os << (word ? "true" : "false");
  else
    bits.print(os, /*isSigned=*/!element.isUnsignedInteger());
}

/// Nested brackets, one level for each dimension.
static const char *printElements(raw_ostream &os, const Constant &value, unsigned dim, const char *at) {
  if (dim == value.shape.size()) {
    printElement(os, value.element, at);
    return at + byteWidth(value.element);
  }
  os << "[";
  for (int64_t i = 0; i < value.shape[dim]; ++i) {
    os << (i ? ", " : "");
    at = printElements(os, value, dim + 1, at);
  }
  os << "]";
  return at;
}

static void printString(raw_ostream &os, StringRef text) {
  os << '"';
  llvm::printEscapedString(text, os);
  os << '"';
}

static void printConstant(raw_ostream &os, const Constant &value) {
  printType(os, value.element, value.shape);
  os << "(";
  if (value.blob)
    os << "BLOBFILE(path = string(\"@model_path/weights/weight.bin\"), offset = uint64(" << *value.blob << "))";
  else if (!value.element)
    printString(os, value.bytes);
  else
    printElements(os, value, 0, value.bytes.data());
  os << ")";
}

static void printStatement(raw_ostream &os, const Statement &statement) {
  os << "    ";
  if (statement.value) {
    printType(os, statement.value->element, statement.value->shape);
    os << " " << statement.constantName << " = const()[name = string(\"" << statement.constantName
       << "\"), val = ";
    printConstant(os, *statement.value);
    os << "];\n";
    return;
  }
  llvm::interleaveComma(statement.results, os, [&](const auto &result) {
    printType(os, result.second.getElementType(), result.second.getShape());
    os << " " << result.first;
  });
  os << " = " << statement.op << "(";
  llvm::interleaveComma(statement.arguments, os, [&](const Argument &argument) {
    os << argument.parameter << " = ";
    if (argument.isList)
      os << "(" << llvm::join(argument.names, ", ") << ")";
    else
      os << argument.names.front();
  });
  os << ")[name = string(\"" << statement.results.front().first << "\")];\n";
}

FailureOr<MilText> lutra::emitMilText(ModuleOp module, const MilOptions &options) {
  auto functions = module.getOps<mil::FuncOp>();
  if (!llvm::hasSingleElement(functions))
    return emitCodedError(module.getLoc(), ErrorCode::UnsupportedTarget)
           << "MIL text wants a module with one mil.func; run convert-lutra-to-mil first";
  mil::FuncOp func = *functions.begin();
  MilText result;
  SmallString<0> weights;
  llvm::raw_svector_ostream weightStream(weights);
  BlobWriter blobs(weightStream);
  auto statements = listStatements(func, blobs, options.blobElements);
  if (failed(statements))
    return failure();
  blobs.finish();
  result.weights = weights.str().str();

  llvm::raw_string_ostream os(result.text);
  os << "program(1.3)\n[buildInfo = dict<string, string>({{\"compiler\", \"lutra\"}})]\n{\n  func " << func.getSymName()
     << "<" << opsetTextName(func.getSpec()) << ">(";
  for (unsigned index = 0; index < func.getNumArguments(); ++index) {
    auto type = cast<RankedTensorType>(func.getArgument(index).getType());
    os << (index ? ", " : "");
    printType(os, type.getElementType(), type.getShape());
    os << " " << func.getInputName(index);
  }
  os << ") {\n";
  for (const Statement &statement : *statements)
    printStatement(os, statement);
  os << "  } -> (";
  llvm::interleaveComma(func.getReturn().getValues(), os, [&](Value value) {
    auto apply = value.getDefiningOp<ApplyOp>();
    os << apply.getNameOf(cast<OpResult>(value).getResultNumber());
  });
  os << ");\n}\n";
  return result;
}
