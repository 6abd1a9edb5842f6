//===- Products.cpp - ONNX matrix products ---------------------------------===//
#include "Quantization.h"

using namespace mlir;
using namespace lutra;
using namespace lutra::frontend;

static GraphTensor importMatMul(NodeImport &n) { return n.b.matmul(n.in(0), n.in(1)); }

static GraphTensor importGemm(NodeImport &n) {
  double alpha = n.real("alpha", 1.0), beta = n.real("beta", 1.0);
  bool transposeA = n.integer("transA", 0) != 0, transposeB = n.integer("transB", 0) != 0;
  n.ignore({"broadcast"});
  return n.b.gemm(n.in(0), n.in(1), n.optional(2), alpha, beta, transposeA, transposeB);
}

static GraphTensor importEinsum(NodeImport &n) { return n.b.einsum(n.text("equation", ""), n.all()); }

static GraphTensor importMatMulInteger(NodeImport &n) {
  GraphTensor a = n.in(0), b = n.in(1);
  if (!a || !b)
    return {};
  // One zero point for each row of `a`, for each column of `b`.
  return n.b.matmul(importCentred(n, 0, 2, std::max<int64_t>(a.rank() - 2, 0)), importCentred(n, 1, 3, b.rank() - 1));
}

ArrayRef<OpEntry> frontend::productOps() {
  static const OpEntry table[] = {
      {"Einsum", 12, importEinsum},
      {"Gemm", 1, importGemm},
      {"MatMul", 1, importMatMul},
      {"MatMulInteger", 10, importMatMulInteger},
  };
  return table;
}
