//===- Products.cpp - ONNX matrix products ---------------------------------===//
#include "Importer.h"

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
  Type i32 = IntegerType::get(n.b.getContext(), 32);
  GraphTensor a = n.b.cast(n.in(0), i32), b = n.b.cast(n.in(1), i32);
  if (n.has(2)) {
    GraphTensor zero = n.b.cast(n.in(2), i32);
    // One zero point per row stands in a column.
    if (zero && zero.rank() == 1 && !zero.dim(0).is(1))
      zero = n.b.unsqueeze(zero, {1});
    a = n.b.sub(a, zero);
  }
  if (n.has(3))
    b = n.b.sub(b, n.b.cast(n.in(3), i32));
  return n.b.matmul(a, b);
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
