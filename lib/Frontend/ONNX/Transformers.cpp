//===- Transformers.cpp - ONNX RotaryEmbedding and Attention ---------------===//
// Attention is spelled out as matmul, mask, softmax, matmul until the dialect has the op; the pieces are
// those that a raising pattern will look for.
#include "Importer.h"

#include <cmath>

using namespace mlir;
using namespace lutra;
using namespace lutra::frontend;

static GraphTensor importRotaryEmbedding(NodeImport &n) {
  GraphTensor x = n.in(0), cosines = n.in(1), sines = n.in(2);
  if (!x || !cosines || !sines)
    return {};
  int64_t heads = n.integer("num_heads", 0), rotated = n.integer("rotary_embedding_dim", 0);
  bool interleaved = n.integer("interleaved", 0) != 0, isFlat = x.rank() == 3;
  Shape original(x.shape());
  if (isFlat) { // [B, S, H * D] -> [B, H, S, D]
    if (heads < 1)
      return n.invalid(ErrorCode::Attribute, "needs num_heads for an input of rank 3");
    x = n.b.reshapeTo(x, {x.dim(0), x.dim(1), heads, DimExpr(-1)}, false);
    x = n.b.transpose(x, {0, 2, 1, 3});
  }
  if (!x)
    return {};
  if (x.rank() != 4)
    return n.invalid(ErrorCode::GraphType, "rotates an input of rank " + Twine(x.rank()) + "; use 3 or 4");
  if (n.has(3)) {
    cosines = n.b.gather(cosines, n.in(3), 0);
    sines = n.b.gather(sines, n.in(3), 0);
  }
  cosines = n.b.unsqueeze(cosines, {1}); // [B, 1, S, D / 2]
  sines = n.b.unsqueeze(sines, {1});
  DimExpr width = rotated > 0 ? DimExpr(rotated) : x.dim(3), half = n.b.dims().floorDiv(width, 2);
  GraphTensor part = n.b.sliceAxis(x, 3, 0, width, 1), rest;
  if (rotated > 0 && x.dim(3) != width)
    rest = n.b.sliceAxis(x, 3, width, x.dim(3), 1);
  GraphTensor even, odd;
  if (interleaved) {
    even = n.b.sliceAxis(part, 3, 0, width, 2);
    odd = n.b.sliceAxis(part, 3, 1, width, 2);
  } else {
    even = n.b.sliceAxis(part, 3, 0, half, 1);
    odd = n.b.sliceAxis(part, 3, half, width, 1);
  }
  GraphTensor first = n.b.sub(n.b.mul(even, cosines), n.b.mul(odd, sines));
  GraphTensor second = n.b.add(n.b.mul(even, sines), n.b.mul(odd, cosines));
  if (!first || !second || !part)
    return {};
  GraphTensor turned =
      interleaved ? n.b.reshape(n.b.concat({n.b.unsqueeze(first, {4}), n.b.unsqueeze(second, {4})}, 4), part.shape())
                  : n.b.concat({first, second}, 3);
  if (rest)
    turned = n.b.concat({turned, rest}, 3);
  return isFlat ? n.b.reshape(n.b.transpose(turned, {0, 2, 1, 3}), original) : turned;
}

/// [B, S, H * D] as [B, H, S, D].
static GraphTensor splitHeads(NodeImport &n, GraphTensor x, int64_t heads) {
  if (!x || x.rank() == 4)
    return x;
  if (x.rank() != 3 || heads < 1)
    return n.invalid(ErrorCode::Attribute, "needs a number of heads for operands of rank 3");
  return n.b.transpose(n.b.reshapeTo(x, {x.dim(0), x.dim(1), heads, DimExpr(-1)}, false), {0, 2, 1, 3});
}

/// Repeats each key and value head for its group of query heads.
static GraphTensor repeatHeads(NodeImport &n, GraphTensor x, const DimExpr &times) {
  if (!x || times.is(1))
    return x;
  Shape split{x.dim(0), x.dim(1), times, x.dim(2), x.dim(3)};
  return n.b.reshape(n.b.expand(n.b.unsqueeze(x, {2}), split),
                     {x.dim(0), x.dim(1) * times, x.dim(2), x.dim(3)});
}

static GraphTensor importAttention(NodeImport &n) {
  GraphTensor q = n.in(0), k = n.in(1), v = n.in(2), mask = n.optional(3);
  int64_t queryHeads = n.integer("q_num_heads", 0), keyHeads = n.integer("kv_num_heads", 0);
  bool isCausal = n.integer("is_causal", 0) != 0, isFlat = q && q.rank() == 3;
  int64_t left = n.integer("left_window_size", -1), right = n.integer("right_window_size", -1);
  double softcap = n.real("softcap", 0.0);
  int64_t mode = n.integer("qk_matmul_output_mode", 0);
  n.ignore({"softmax_precision"});
  if (left >= 0 || right >= 0 || n.has(6))
    return n.unsupported("has a window or the lengths of padded keys");
  q = splitHeads(n, q, queryHeads);
  k = splitHeads(n, k, keyHeads);
  v = splitHeads(n, v, keyHeads);
  DimExpr past = 0;
  if (n.has(4) && n.has(5)) {
    GraphTensor pastKey = n.in(4), pastValue = n.in(5);
    if (pastKey)
      past = pastKey.dim(std::min<int64_t>(2, pastKey.rank() - 1));
    k = n.b.concat({pastKey, k}, 2);
    v = n.b.concat({pastValue, v}, 2);
  }
  if (!q || !k || !v)
    return {};
  n.result(1, k);
  n.result(2, v);
  std::optional<DimExpr> group = q.dim(1).dividedBy(k.dim(1));
  if (!group)
    return n.invalid(ErrorCode::GraphType, "has query heads that are no multiple of the key heads");
  k = repeatHeads(n, k, *group);
  v = repeatHeads(n, v, *group);
  double scale = n.real("scale", 0.0);
  if (!n.hasAttribute("scale")) {
    std::optional<int64_t> width = q.dim(3).constant();
    if (!width)
      return n.unsupported("needs its scale: the head size is dynamic");
    scale = 1.0 / std::sqrt((double)*width);
  }
  // The root on both sides keeps half-precision products small.
  GraphTensor scores =
      n.b.matmul(n.b.mul(q, std::sqrt(scale)), n.b.transpose(n.b.mul(k, std::sqrt(scale)), {0, 1, 3, 2}));
  if (!scores)
    return {};
  GraphTensor shown = mode == 0 ? scores : GraphTensor();
  GraphTensor least = n.b.scalar(scores.type(), -INFINITY);
  auto cap = [&] {
    if (softcap > 0.0)
      scores = n.b.mul(n.b.unary(UnaryKind::Tanh, n.b.mul(scores, 1.0 / softcap)), softcap);
  };
  GraphTensor keep;
  if (isCausal) {
    GraphTensor row = n.b.add(n.b.iota({q.dim(2), 1}, 0, n.b.i64()), n.b.size(past));
    keep = n.b.compare(CompareKind::LessEqual, n.b.iota({1, k.dim(2)}, 1, n.b.i64()), row);
  }
  GraphTensor bias;
  if (mask && mask.isBool()) {
    if (mask.rank() > 0 && mask.shape().back() != k.dim(2) && !mask.shape().back().is(1)) {
      std::optional<DimExpr> lacking = k.dim(2) - mask.shape().back();
      SmallVector<DimExpr> low(mask.rank(), DimExpr(0)), high(mask.rank(), DimExpr(0));
      high.back() = *lacking;
      mask = n.b.pad(mask, low, high, PadMode::Constant, n.b.scalar(mask.type(), 0.0));
    }
    keep = keep ? n.b.binary(BinaryKind::And, keep, mask) : mask;
  } else if (mask) {
    if (mask.shape().back() != k.dim(2) && !mask.shape().back().is(1)) {
      SmallVector<DimExpr> low(mask.rank(), DimExpr(0)), high(mask.rank(), DimExpr(0));
      high.back() = k.dim(2) - mask.shape().back();
      mask = n.b.pad(mask, low, high, PadMode::Constant, n.b.scalar(mask.type(), -INFINITY));
    }
    bias = n.b.cast(mask, scores.type());
  }
  auto applyMask = [&] {
    if (bias)
      scores = n.b.add(scores, bias);
    if (keep)
      scores = n.b.select(keep, scores, least);
  };
  cap();
  if (mode == 1)
    shown = scores;
  applyMask();
  if (mode == 2)
    shown = scores;
  if (!scores)
    return {};
  GraphTensor weights = n.b.softmax(scores, 3, false);
  if (keep || bias) {
    // A row without any key gives zeros, not NaN.
    GraphTensor largest = n.b.reduce(ReduceKind::Max, scores, {3}, true);
    GraphTensor isEmpty = n.b.compare(CompareKind::Equal, largest, least);
    weights = n.b.select(isEmpty, n.b.scalar(scores.type(), 0.0), weights);
  }
  if (mode == 3)
    shown = weights;
  if (n.wants(3))
    n.result(3, shown);
  GraphTensor y = n.b.matmul(weights, v);
  if (!isFlat || !y)
    return y;
  return n.b.reshape(n.b.transpose(y, {0, 2, 1, 3}), {y.dim(0), y.dim(2), y.dim(1) * y.dim(3)});
}

ArrayRef<OpEntry> frontend::transformerOps() {
  static const OpEntry table[] = {
      {"Attention", 23, importAttention},
      {"RotaryEmbedding", 23, importRotaryEmbedding},
  };
  return table;
}
