"""Rules for elementwise nodes: activations, arithmetic with broadcasting, comparisons, integers, casts.

A rule adds nodes to a graph and returns True, or adds none and returns False.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from graph import FLOATS, INTEGERS, SIGNED, Dim, Graph, Shape, Value

# Activations: operator, from which operator set, attributes, range of the result for operands in [-size, size].
Span = Callable[[Value], tuple[float, float]]
ACTIVATIONS: list[tuple[int, str, int, dict[str, float], Span]] = [
    (5, "Relu", 6, {}, lambda x: (max(x.low, 0), max(x.high, 0))),
    (2, "LeakyRelu", 6, {"alpha": 0.125}, lambda x: (min(x.low, 0) / 8, max(x.high, 0))),
    (2, "Elu", 6, {"alpha": 1.5}, lambda x: (-1.5, max(x.high, 0))),
    (1, "Selu", 6, {}, lambda x: (-2, max(x.high, 0) * 1.125)),
    (1, "Celu", 12, {"alpha": 0.75}, lambda x: (-0.75, max(x.high, 0))),
    (4, "Sigmoid", 6, {}, lambda x: (0, 1)),
    (4, "Tanh", 6, {}, lambda x: (-1, 1)),
    (1, "HardSigmoid", 6, {"alpha": 0.25}, lambda x: (0, 1)),
    (2, "HardSwish", 14, {}, lambda x: (-0.5, max(x.high, 0))),
    (1, "Softplus", 6, {}, lambda x: (0, max(x.high, 0) + 1)),
    (1, "Softsign", 6, {}, lambda x: (-1, 1)),
    (2, "Erf", 9, {}, lambda x: (-1, 1)),
    (3, "Gelu", 20, {}, lambda x: (-0.5, max(x.high, 0))),
    (1, "Mish", 18, {}, lambda x: (-0.5, max(x.high, 0))),
    (2, "Abs", 6, {}, lambda x: (0, x.size)),
    (2, "Neg", 6, {}, lambda x: (-x.high, -x.low)),
    (2, "Swish", 24, {"alpha": 1.0}, lambda x: (-0.5, max(x.high, 0))),
    (1, "Identity", 6, {}, lambda x: (x.low, x.high)),
    (1, "Atan", 7, {}, lambda x: (-2, 2)),
]
PLAIN = {"Relu", "Abs", "Neg", "Sigmoid", "Tanh", "Identity"}  # onnxruntime has these for f64 too


def activation(graph: Graph) -> bool:
    x = graph.choose()
    if x is None:
        return False
    activate(graph, x)
    return True


def activate(graph: Graph, x: Value) -> Value:
    fitting = [
        (weight, (op, attributes, span))
        for weight, op, since, attributes, span in ACTIVATIONS
        if since <= graph.opset and (x.dtype == "float32" or op in PLAIN or (x.dtype == "float16" and op != "Celu"))
    ]
    op, attributes, span = graph.random.weighted(fitting)
    return graph.node(op, [x], x, span=span(x), **attributes)


def guarded(graph: Graph) -> bool:
    """Functions with a pole or an edge, at a distance from it."""
    x = graph.choose(largest=60)
    if x is None:
        return False
    op = graph.random.pick(["Exp", "Sqrt", "Log", "Reciprocal", "Sin", "Cos", "Div"])
    if op == "Exp":
        if x.high > 6:
            x = graph.node("Clip", [x, graph.scalar(x.dtype, -8), graph.scalar(x.dtype, 3)], x, span=(-8, 3))
        graph.node("Exp", [x], x, span=(0, float(3 ** (int(max(x.high, 0)) + 1))))
        return True
    if op in ("Sin", "Cos"):
        graph.node(op, [x], x, span=(-1, 1))
        return True
    if x.low <= 0:
        x = graph.node("Abs", [x], x, span=(0, x.size))
        x = graph.node("Add", [x, graph.scalar(x.dtype, 0.5)], x, span=(0.5, x.size + 0.5))
    if x.low < 0.0625:
        return True
    if op == "Sqrt":
        graph.node("Sqrt", [x], x, span=(0.125, max(x.high, 1)))
    elif op == "Log":
        graph.node("Log", [x], x, span=(-4, x.high))
    elif op == "Reciprocal":
        graph.node("Reciprocal", [x], x, span=(0, 1 / x.low))
    else:
        y = graph.operand(x.dtype, x.shape)
        graph.node("Div", [y, x], x, span=(-y.size / x.low, y.size / x.low))
    return True


def broadcast_shape(graph: Graph, shape: Shape) -> Shape:
    """Sizes that broadcast to those of a value: some of them 1, leading ones missing."""
    one: Dim = (1,) * graph.calls
    kind = graph.random.weighted([(4, "same"), (2, "row"), (1, "column"), (2, "mixed"), (1, "scalar")])
    if kind == "same":
        return shape
    if kind == "row":
        return shape[-1:]
    if kind == "column" and shape:
        return (*shape[:-1], one)
    if kind == "scalar":
        return graph.random.pick([(), (one,) * len(shape)])
    result = tuple(one if graph.random.chance(40) else dim for dim in shape)
    return result[graph.random.below(len(result) + 1) :] if graph.random.chance(30) else result


def partner(graph: Graph, x: Value) -> Value:
    """Another operand for a node with x: x itself now and then."""
    if graph.random.chance(8):
        return x
    one: Dim = (1,) * graph.calls
    if graph.random.chance(30):
        fitting = [
            value
            for value in graph.pool
            if value.dtype == x.dtype
            and value.rank <= x.rank
            and all(dim in (one, other) for dim, other in zip(value.shape[::-1], x.shape[::-1], strict=False))
        ]
        if fitting:
            return graph.random.pick(fitting)
    return graph.operand(x.dtype, broadcast_shape(graph, x.shape))


def arithmetic(graph: Graph) -> bool:
    x = graph.choose((*FLOATS, *FLOATS, "int64", "int32"))
    return x is not None and combine(graph, x) is not None


def combine(graph: Graph, x: Value) -> Value | None:
    y = partner(graph, x)
    op = graph.random.weighted([(5, "Add"), (3, "Sub"), (5, "Mul"), (1, "Max"), (1, "Min"), (1, "Sum"), (1, "Mean")])
    if op in ("Sum", "Mean") and x.dtype not in ("float32", "float64"):
        op = "Add"
    size = x.size * y.size if op == "Mul" else x.size + y.size
    if not graph.holds(x.dtype, size):
        op, size = "Min", x.size + y.size
    operands = [x, y] if graph.random.chance(75) else [y, x]
    if op in ("Sum", "Mean", "Max", "Min") and graph.random.chance(30):
        operands.append(graph.random.pick(operands))
        size = x.size + y.size + max(x.size, y.size)
    if not graph.holds(x.dtype, size):
        return None
    return graph.node(op, operands, x, span=(-size, size))


def power(graph: Graph) -> bool:
    x = graph.choose(("float32", "float64"), largest=30)
    if x is None:
        return False
    exponent = graph.random.pick([2, 3, 2])
    graph.node("Pow", [x, graph.scalar(x.dtype, exponent)], x, span=(-(x.size**3) - 1, x.size**3 + 1))
    return True


def clip(graph: Graph) -> bool:
    x = graph.choose((*FLOATS, "int32"))
    if x is None:
        return False
    low, high = graph.random.pick([(0, 6), (-1, 1), (-2, 3)])
    graph.node("Clip", [x, graph.scalar(x.dtype, low), graph.scalar(x.dtype, high)], x, span=(low, high))
    return True


def prelu(graph: Graph) -> bool:
    x = graph.choose(("float32",), largest=1000)
    if x is None or x.rank == 0:
        return False
    slope = graph.operand(x.dtype, graph.random.pick([x.shape[-1:], graph.fixed(1)]), 0, 1)
    size = x.size * max(slope.size, 1)
    if not graph.holds(x.dtype, size):
        return False
    graph.node("PRelu", [x, slope], x, span=(-size, size))
    return True


def select(graph: Graph) -> bool:
    """A comparison and what it selects."""
    x = graph.choose((*FLOATS, "int64", "int32"))
    if x is None:
        return False
    op = graph.random.pick(["Less", "Greater", "LessOrEqual", "GreaterOrEqual"])
    other = graph.scalar(x.dtype, graph.random.pick([0, 0.3125, -1]) if x.isfloat else graph.random.between(-1, 1))
    mask = graph.node(op, [x, other], x, dtype="bool", span=(0, 1))
    if graph.random.chance(30):
        mask = graph.node("Not", [mask], mask)
    masks = [value for value in graph.pool if value.dtype == "bool" and value.shape == mask.shape]
    if graph.random.chance(30):
        mask = graph.node(graph.random.pick(["And", "Or", "Xor"]), [mask, graph.random.pick(masks)], mask)
    if graph.random.chance(80):
        y = partner(graph, x)
        size = max(x.size, y.size)
        graph.node("Where", [mask, *graph.random.pick([(x, y), (y, x)])], x, span=(-size, size))
    return True


def masked(graph: Graph) -> bool:
    """A mask that comes from outside."""
    x = graph.choose((*FLOATS, "int64"))
    if x is None:
        return False
    mask = graph.operand("bool", broadcast_shape(graph, x.shape), 0, 1)
    fill = graph.scalar(x.dtype, graph.random.pick([0, -100, 1]))
    graph.node("Where", [mask, *graph.random.pick([(x, fill), (fill, x)])], x, span=(min(x.low, -100), max(x.high, 1)))
    return True


def integers(graph: Graph) -> bool:
    x = graph.choose(("int64", "int32", "int64", "int32", "int8", "uint8"))
    if x is None:
        return False
    op = graph.random.pick(["Add", "Sub", "Mul", "Div", "Mod", "Abs", "Max", "Min", "BitwiseAnd", "BitwiseXor", "Neg"])
    unsigned = x.dtype == "uint8"
    if (op.startswith("Bitwise") and graph.opset < 18) or (unsigned and op in ("Neg", "Sub")):
        op = "Max"
    if op in ("Abs", "Neg"):
        if x.dtype == "int8" and x.size > 127:
            return False
        graph.node(op, [x], x, span=(-x.size, x.size))
    elif op in ("Div", "Mod"):
        divisor = graph.random.pick([1, 2, 3, 7])
        if op == "Mod" and not unsigned and graph.random.chance(50):
            divisor = -divisor
        graph.node(op, [x, graph.scalar(x.dtype, divisor)], x, span=(-max(x.size, 7), max(x.size, 7)))
    elif op.startswith("Bitwise") or op in ("Max", "Min"):
        y = graph.operand(x.dtype, broadcast_shape(graph, x.shape), 0 if unsigned else -5, 9)
        size = 2 * max(x.size, y.size) + 1
        graph.node(op, [x, y], x, span=(0 if unsigned else -size, size))
    else:
        y = graph.operand(x.dtype, broadcast_shape(graph, x.shape), 0 if unsigned else -5, 9)
        size = x.size * y.size if op == "Mul" else x.size + y.size
        if size > (100 if x.dtype.endswith("8") else 1e6):
            return False
        graph.node(op, [x, y], x, span=(0 if unsigned else -size, size))
    return True


def shift(graph: Graph) -> bool:
    x = graph.choose(("uint8",), largest=60)
    if x is None:
        return False
    graph.node(
        "BitShift",
        [x, graph.scalar("uint8", graph.random.below(3))],
        x,
        span=(0, 240),
        direction=graph.random.pick(["LEFT", "RIGHT"]),
    )
    return True


def cast(graph: Graph) -> bool:
    x = graph.choose((*FLOATS, *INTEGERS, "bool"))
    if x is None:
        return False
    wide = ("float32", "float32", "float32", "float64", "float16")
    to = graph.random.pick((*wide, "int64", "int32", "int8", "bool") if x.size <= 100 else wide)
    if to == x.dtype:
        to = "float32"
    if to == "bool" and x.isfloat:
        to = "int32"  # whether a rounded result is zero is nobody's promise
    if not graph.holds(to, x.size):
        return False
    span = (0.0, 1.0) if to == "bool" else (float(np.floor(x.low)), float(np.ceil(x.high)))
    if graph.random.chance(15) and x.dtype == "float32":  # through a type with eight bits of mantissa
        narrow = graph.node("Cast", [x], x, dtype="bfloat16", to=16)
        graph.pool.remove(narrow)
        graph.node("Cast", [narrow], x, dtype="float32", to=1)
        return True
    from graph import proto_type

    graph.node("Cast", [x], x, dtype=to, span=span, to=proto_type(to))
    return True


def rounding(graph: Graph) -> bool:
    x = graph.choose(("float32", "float64"))
    if x is None:
        return False
    graph.node(graph.random.pick(["Floor", "Ceil", "Round"]), [x], x, span=(x.low - 1, x.high + 1))
    return True


def chain(graph: Graph) -> bool:
    """Several in a row, as fusion likes them, with a value that branches off and comes back."""
    x = graph.choose(largest=100)
    if x is None:
        return False
    branch = x
    for _ in range(graph.random.between(2, 4)):
        x = activate(graph, x) if graph.random.chance(50) else combine(graph, x) or x
    if graph.holds(x.dtype, x.size + branch.size):
        size = x.size + branch.size
        graph.node("Add", [x, branch], x, span=(-size, size))
    return True


def gate(graph: Graph) -> bool:
    """x * sigmoid(x) and its relatives, spelled out."""
    x = graph.choose(largest=500)
    if x is None:
        return False
    if graph.random.chance(50):
        s = graph.node("Sigmoid", [x], x, span=(0, 1))
        graph.node("Mul", [x, s], x, span=(-1, x.size))
    else:
        t = graph.node("Mul", [x, graph.scalar(x.dtype, 0.5)], x, span=(-x.size, x.size))
        e = graph.node("Tanh", [x], x, span=(-1, 1))
        one = graph.node("Add", [e, graph.scalar(x.dtype, 1)], x, span=(0, 2))
        graph.node("Mul", [t, one], x, span=(-2 * x.size, 2 * x.size))
    return True


RULES = [
    (6, activation),
    (3, guarded),
    (8, arithmetic),
    (1, power),
    (2, clip),
    (1, prelu),
    (2, select),
    (2, masked),
    (3, cast),
    (1, rounding),
    (4, chain),
    (2, gate),
]
INTEGER_RULES = [(6, integers), (1, shift), (2, cast)]
assert set(SIGNED) < set(INTEGERS)
