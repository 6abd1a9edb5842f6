//===- Recurrent.cpp - ONNX LSTM, GRU and RNN ------------------------------===//
// The plain LSTM is one op. Everything else (GRU, RNN, peepholes) is unrolled over a static sequence.
#include "Importer.h"

using namespace mlir;
using namespace lutra;
using namespace lutra::frontend;

/// Longer sequences would make a graph that nobody wants to compile.
static constexpr int64_t maxUnrolled = 128;

namespace {
/// Operands with the sequence first: x [S, B, I], states [D, B, H].
struct Recurrence {
  GraphTensor x, weights, recurrence, bias, initialH, initialC, peepholes;
  DimExpr hidden, directions;
  RecurrentDirection direction = RecurrentDirection::Forward;
  bool batchFirst = false;
};
} // namespace

static std::optional<Recurrence> importOperands(NodeImport &n, int64_t gates, bool hasCell) {
  Recurrence r;
  r.x = n.in(0);
  r.weights = n.in(1);
  r.recurrence = n.in(2);
  r.batchFirst = n.integer("layout", 0) != 0;
  n.ignore({"hidden_size", "output_sequence"});
  if (!r.x || !r.weights || !r.recurrence)
    return std::nullopt;
  if (r.x.rank() != 3 || r.weights.rank() != 3 || r.recurrence.rank() != 3)
    return n.invalid(ErrorCode::GraphType, "needs operands of rank 3"), std::nullopt;
  if (n.hasAttribute("clip"))
    return n.unsupported("clips its gates"), std::nullopt;
  std::string direction = n.text("direction", "forward");
  std::optional<RecurrentDirection> kind = symbolizeRecurrentDirection(direction);
  if (!kind)
    return n.invalid(ErrorCode::Attribute, "has direction " + quoted(direction)), std::nullopt;
  r.direction = *kind;
  if (r.batchFirst)
    r.x = n.b.transpose(r.x, {1, 0, 2});
  r.directions = r.weights.dim(0);
  r.hidden = r.recurrence.dim(2);
  if (n.has(4)) {
    std::optional<SmallVector<int64_t>> lengths = n.b.constantIntegers(n.in(4));
    bool isFull = lengths && r.x.dim(0).isConstant() &&
                  llvm::all_of(*lengths, [&](int64_t length) { return r.x.dim(0).is(length); });
    if (!isFull)
      return n.unsupported("has sequences of different lengths"), std::nullopt;
  }
  auto state = [&](unsigned index) {
    GraphTensor given = n.optional(index);
    if (given && r.batchFirst)
      return n.b.transpose(given, {1, 0, 2});
    return given ? given : n.b.filled(r.x.type(), {r.directions, r.x.dim(1), r.hidden}, 0.0);
  };
  r.bias = n.optional(3);
  if (!r.bias)
    r.bias = n.b.filled(r.x.type(), {r.directions, DimExpr(2 * gates) * r.hidden}, 0.0);
  r.initialH = state(5);
  if (hasCell) {
    r.initialC = state(6);
    r.peepholes = n.optional(7);
  }
  return n.b.hasError() ? std::nullopt : std::optional(r);
}

/// Gives the results in the order of dimensions that the node asks for.
static GraphTensor finish(NodeImport &n, const Recurrence &r, GraphTensor sequence, GraphTensor lastH,
                          GraphTensor lastC) {
  auto ordered = [&](GraphTensor tensor, ArrayRef<int64_t> permutation) {
    return r.batchFirst && tensor ? n.b.transpose(tensor, permutation) : tensor;
  };
  n.result(1, ordered(lastH, {1, 0, 2}));
  if (lastC)
    n.result(2, ordered(lastC, {1, 0, 2}));
  return ordered(sequence, {2, 0, 1, 3});
}

/// Rows [index * hidden, (index + 1) * hidden) of dimension `axis`.
static GraphTensor part(NodeImport &n, const Recurrence &r, GraphTensor from, int64_t axis, int64_t index) {
  return n.b.sliceAxis(from, axis, r.hidden * DimExpr(index), r.hidden * DimExpr(index + 1), 1);
}

/// One direction's slice of an operand, without the direction's dimension.
static GraphTensor ofDirection(NodeImport &n, GraphTensor from, int64_t direction) {
  if (!from)
    return {};
  return n.b.squeeze(n.b.sliceAxis(from, 0, direction, direction + 1, 1), {0});
}

/// The states h and c after a step; c is null where there is none.
using States = std::pair<GraphTensor, GraphTensor>;

/// Runs `step` over the sequence. It gets x_t [B, I] and the states, and returns the new states.
template <typename Step>
static GraphTensor unroll(NodeImport &n, Recurrence &r, Step step) {
  std::optional<int64_t> length = r.x.dim(0).constant(), directions = r.directions.constant();
  if (!length || !directions || *length > maxUnrolled)
    return n.unsupported("runs over a sequence that is dynamic or longer than " + Twine(maxUnrolled));
  SmallVector<GraphTensor> sequences, lastH, lastC;
  for (int64_t direction = 0; direction < *directions; ++direction) {
    bool isReversed = r.direction == RecurrentDirection::Reverse || direction == 1;
    GraphTensor h = ofDirection(n, r.initialH, direction), c = ofDirection(n, r.initialC, direction);
    SmallVector<GraphTensor> outputs(*length);
    for (int64_t index = 0; index < *length; ++index) {
      int64_t time = isReversed ? *length - 1 - index : index;
      GraphTensor x = ofDirection(n, r.x, time);
      std::tie(h, c) = step(direction, x, h, c);
      if (!h)
        return {};
      outputs[time] = n.b.unsqueeze(h, {0, 1});
    }
    sequences.push_back(outputs.empty() ? n.b.sliceAxis(n.b.unsqueeze(h, {0, 1}), 0, 0, 0, 1) : n.b.concat(outputs, 0));
    lastH.push_back(n.b.unsqueeze(h, {0}));
    if (c)
      lastC.push_back(n.b.unsqueeze(c, {0}));
  }
  return finish(n, r, n.b.concat(sequences, 1), n.b.concat(lastH, 0),
                lastC.empty() ? GraphTensor() : n.b.concat(lastC, 0));
}

/// Whether the activations are the default ones, repeated for each direction.
static bool hasDefaultActivations(NodeImport &n, ArrayRef<StringRef> names) {
  n.ignore({"activations", "activation_alpha", "activation_beta"});
  for (const ::onnx::AttributeProto &attribute : n.getNode().attribute())
    if (attribute.name() == "activations")
      for (auto [index, name] : llvm::enumerate(attribute.strings()))
        if (!StringRef(name).equals_insensitive(names[index % names.size()])) {
          n.unsupported("has the activation " + quoted(name));
          return false;
        }
  return true;
}

static GraphTensor importLstm(NodeImport &n) {
  bool coupled = n.integer("input_forget", 0) != 0;
  if (coupled)
    return n.unsupported("couples its input and forget gates");
  if (!hasDefaultActivations(n, {"Sigmoid", "Tanh", "Tanh"}))
    return {};
  std::optional<Recurrence> r = importOperands(n, 4, /*hasCell=*/true);
  if (!r)
    return {};
  if (!r->peepholes) {
    auto result = n.b.lstm(r->x, r->weights, r->recurrence, r->bias, r->initialH, r->initialC, r->direction);
    if (!result.sequence)
      return {};
    return finish(n, *r, result.sequence, result.lastH, result.lastC);
  }
  return unroll(n, *r, [&](int64_t d, GraphTensor x, GraphTensor h, GraphTensor c) -> States {
    auto sigmoid = [&](GraphTensor t) { return n.b.unary(UnaryKind::Sigmoid, t); };
    GraphTensor bias = ofDirection(n, r->bias, d), peep = ofDirection(n, r->peepholes, d);
    GraphTensor gates = n.b.add(n.b.gemm(x, ofDirection(n, r->weights, d), {}, 1, 0, false, true),
                           n.b.gemm(h, ofDirection(n, r->recurrence, d), {}, 1, 0, false, true));
    DimExpr half = r->hidden * DimExpr(4);
    gates = n.b.add(gates, n.b.add(n.b.sliceAxis(bias, 0, 0, half, 1), n.b.sliceAxis(bias, 0, half, half + half, 1)));
    auto gate = [&](int64_t index) { return part(n, *r, gates, 1, index); };
    auto peephole = [&](int64_t index, GraphTensor state) { return n.b.mul(part(n, *r, peep, 0, index), state); };
    GraphTensor i = sigmoid(n.b.add(gate(0), peephole(0, c))), f = sigmoid(n.b.add(gate(2), peephole(2, c)));
    GraphTensor next = n.b.add(n.b.mul(f, c), n.b.mul(i, n.b.unary(UnaryKind::Tanh, gate(3))));
    GraphTensor o = sigmoid(n.b.add(gate(1), peephole(1, next)));
    return {n.b.mul(o, n.b.unary(UnaryKind::Tanh, next)), next};
  });
}

static GraphTensor importGru(NodeImport &n) {
  bool linearFirst = n.integer("linear_before_reset", 0) != 0;
  if (!hasDefaultActivations(n, {"Sigmoid", "Tanh"}))
    return {};
  std::optional<Recurrence> r = importOperands(n, 3, /*hasCell=*/false);
  if (!r)
    return {};
  return unroll(n, *r, [&](int64_t d, GraphTensor x, GraphTensor h, GraphTensor) -> States {
    GraphTensor bias = ofDirection(n, r->bias, d), recurrence = ofDirection(n, r->recurrence, d);
    GraphTensor input = n.b.add(n.b.gemm(x, ofDirection(n, r->weights, d), {}, 1, 0, false, true),
                           n.b.sliceAxis(bias, 0, 0, r->hidden * DimExpr(3), 1));
    auto recurrent = [&](GraphTensor state, int64_t gate) {
      return n.b.add(n.b.gemm(state, part(n, *r, recurrence, 0, gate), {}, 1, 0, false, true),
                     part(n, *r, bias, 0, 3 + gate));
    };
    auto gate = [&](int64_t index) {
      return n.b.unary(UnaryKind::Sigmoid, n.b.add(part(n, *r, input, 1, index), recurrent(h, index)));
    };
    GraphTensor z = gate(0), reset = gate(1);
    GraphTensor candidate = linearFirst ? n.b.mul(reset, recurrent(h, 2)) : recurrent(n.b.mul(reset, h), 2);
    candidate = n.b.unary(UnaryKind::Tanh, n.b.add(part(n, *r, input, 1, 2), candidate));
    // (1 - z) * candidate + z * h
    return {n.b.add(candidate, n.b.mul(z, n.b.sub(h, candidate))), GraphTensor()};
  });
}

static GraphTensor importRnn(NodeImport &n) {
  if (!hasDefaultActivations(n, {"Tanh"}))
    return {};
  std::optional<Recurrence> r = importOperands(n, 1, /*hasCell=*/false);
  if (!r)
    return {};
  return unroll(n, *r, [&](int64_t d, GraphTensor x, GraphTensor h, GraphTensor) -> States {
    GraphTensor bias = ofDirection(n, r->bias, d);
    GraphTensor sum = n.b.add(n.b.gemm(x, ofDirection(n, r->weights, d), part(n, *r, bias, 0, 0), 1, 1, false, true),
                         n.b.gemm(h, ofDirection(n, r->recurrence, d), part(n, *r, bias, 0, 1), 1, 1, false, true));
    return {n.b.unary(UnaryKind::Tanh, sum), GraphTensor()};
  });
}

ArrayRef<OpEntry> frontend::recurrentOps() {
  static const OpEntry table[] = {
      {"GRU", 1, importGru},
      {"LSTM", 1, importLstm},
      {"RNN", 1, importRnn},
  };
  return table;
}
