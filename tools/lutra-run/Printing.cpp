//===- Printing.cpp - small tensors as text --------------------------------===//
#include "Run.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace lutra;

std::string run::typeText(const Tensor &tensor) {
  std::string text;
  for (int64_t size : tensor.getShape())
    text += std::to_string(size) + "x";
  return text + nameOf(tensor.getKind()).str();
}

static void printElement(llvm::raw_ostream &os, const Tensor &tensor, int64_t i) {
  if (!tensor.isFloat()) {
    if (tensor.getKind() == ElementKind::UI64)
      os << static_cast<uint64_t>(tensor.getInt(i));
    else
      os << tensor.getInt(i);
    return;
  }
  double value = tensor.getFloat(i);
  if (std::isnan(value))
    os << "nan"; // whatever its sign
  else
    os << llvm::format("%g", value);
}

/// Elements of dimension `dim` from linear position `next` on.
static void printDim(llvm::raw_ostream &os, const Tensor &tensor, size_t dim, int64_t &next) {
  if (dim == tensor.getShape().size())
    return printElement(os, tensor, next++);
  os << "[";
  for (int64_t i = 0; i < tensor.getShape()[dim]; ++i) {
    if (i)
      os << ", ";
    printDim(os, tensor, dim + 1, next);
  }
  os << "]";
}

std::string run::valueText(const Tensor &tensor) {
  std::string text;
  llvm::raw_string_ostream os(text);
  int64_t next = 0;
  printDim(os, tensor, 0, next);
  return text;
}
