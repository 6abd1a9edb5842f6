"""Rules for recurrent cells, either direction or both, with and without first states."""

from __future__ import annotations

from graph import Graph, Value

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def recurrent(graph: Graph) -> bool:
    x = graph.choose(("float32",), ranks=(3,), largest=20)
    if x is None or not x.fixed(2) or any(0 in dim for dim in x.shape) or graph.longest([x.shape[0]]) > 20:
        return False
    random = graph.random
    op, hidden = random.pick(["LSTM", "GRU", "RNN"]), random.pick((1, 3, 5, 8))
    direction = random.pick(["forward", "reverse", "bidirectional"])
    ways = 2 if direction == "bidirectional" else 1
    rows = GATES[op] * hidden
    operands: list[Value | str] = [
        x,
        graph.weights("float32", [ways, rows, x.at(2)], -0.5, 0.5),
        graph.weights("float32", [ways, rows, hidden], -0.5, 0.5),
    ]
    if random.chance(60):
        operands.append(graph.weights("float32", [ways, 2 * rows], -0.5, 0.5))
        if random.chance(40):
            operands += ["", graph.operand("float32", (*graph.fixed(ways), x.shape[1], *graph.fixed(hidden)), -1, 1)]
    outputs = [
        Value(graph.fresh("v"), "float32", (x.shape[0], *graph.fixed(ways), x.shape[1], *graph.fixed(hidden)), -1, 1),
        Value(graph.fresh("v"), "float32", (*graph.fixed(ways), x.shape[1], *graph.fixed(hidden)), -1, 1),
    ]
    if not graph.fits(outputs[0].shape):
        return False
    attributes = {"linear_before_reset": random.below(2)} if op == "GRU" else {}
    graph.emit(op, operands, outputs, hidden_size=hidden, direction=direction, **attributes)
    return True


RULES = [(1, recurrent)]
