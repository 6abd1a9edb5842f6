"""Rules for reductions, softmax and norms, over any axes."""

from __future__ import annotations

import numpy as np
from graph import FLOATS, Dim, Graph, Shape, Value


def some_axes(graph: Graph, x: Value) -> list[int]:
    """One axis or several, counted from either end."""
    count = graph.random.weighted([(5, 1), (2, 2), (1, x.rank)])
    axes = sorted(graph.random.shuffled(range(x.rank))[: min(count, x.rank)])
    return [axis - x.rank if graph.random.chance(30) else axis for axis in axes]


def without(graph: Graph, shape: Shape, axes: list[int], keep: bool) -> Shape:
    one: Dim = (1,) * graph.calls
    gone = {axis % len(shape) for axis in axes}
    return tuple(one if axis in gone else dim for axis, dim in enumerate(shape) if keep or axis not in gone)


def reduced(graph: Graph, op: str, x: Value, axes: list[int], keep: bool, span: tuple[float, float]) -> Value:
    shape = without(graph, x.shape, axes, keep)
    if graph.opset >= 18 or op == "ReduceSum":
        return graph.node(op, [x, graph.ints(*axes)], x, shape=shape, span=span, keepdims=int(keep))
    return graph.node(op, [x], x, shape=shape, span=span, axes=axes, keepdims=int(keep))


def empty(x: Value, axes: list[int]) -> bool:
    return any(0 in x.shape[axis] for axis in axes)


def reduction(graph: Graph) -> bool:
    x = graph.choose((*FLOATS, "float32", "int32", "int64"))
    if x is None or x.rank == 0:
        return False
    axes, keep = some_axes(graph, x), graph.random.chance(50)
    ops = ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceSumSquare", "ReduceL2"]
    op = graph.random.pick(ops if x.isfloat else ["ReduceSum", "ReduceMax", "ReduceMin"])
    if op in ("ReduceMean", "ReduceMax", "ReduceMin", "ReduceL2") and empty(x, axes):
        return False
    count = graph.longest([x.shape[axis] for axis in axes])
    size = {
        "ReduceSum": count * x.size,
        "ReduceL1": count * x.size,
        "ReduceSumSquare": count * x.size**2,
        "ReduceL2": count * x.size,
    }.get(op, x.size)
    if not graph.holds(x.dtype, size):
        op, size = "ReduceSum", count * x.size
    if not graph.holds(x.dtype, size):
        return False
    low = x.low if op in ("ReduceMean", "ReduceMax", "ReduceMin") else 0.0 if op != "ReduceSum" else -size
    y = reduced(graph, op, x, axes, keep, (low, size))
    if keep and graph.random.chance(50) and graph.holds(x.dtype, size + x.size):
        graph.node("Sub", [x, y], x, span=(-size - x.size, size + x.size))
    return True


def softmax(graph: Graph) -> bool:
    x = graph.choose(largest=1000)
    if x is None or x.rank == 0:
        return False
    axis = graph.random.between(-x.rank, x.rank - 1)
    if empty(x, [axis]):
        return False
    if graph.random.chance(20):
        graph.node("LogSoftmax", [x], x, span=(-2 * x.size - 12, 0), axis=axis)
    else:
        graph.node("Softmax", [x], x, span=(0, 1), axis=axis)
    return True


def softmax_by_hand(graph: Graph) -> bool:
    x = graph.choose(("float32", "float64", "float16"), largest=50)
    if x is None or x.rank == 0:
        return False
    axes = [graph.random.between(-x.rank, x.rank - 1)]
    if empty(x, axes):
        return False
    top = reduced(graph, "ReduceMax", x, axes, True, (x.low, x.high))
    shifted = graph.node("Sub", [x, top], x, span=(-2 * x.size, 0))
    powers = graph.node("Exp", [shifted], x, span=(0, 1))
    total = reduced(graph, "ReduceSum", powers, axes, True, (1, float(graph.longest([x.shape[axes[0]]]))))
    graph.node("Div", [powers, total], x, span=(0, 1))
    return True


def norm(graph: Graph) -> bool:
    x = graph.choose(("float32", "float32", "float64", "float16"), largest=200)
    if x is None or x.rank == 0:
        return False
    op = graph.random.pick(["LayerNormalization", "LayerNormalization", "InstanceNormalization", "by hand", "rms"])
    if op == "InstanceNormalization":
        if x.rank < 3 or not x.fixed(1) or empty(x, list(range(2, x.rank))):
            return False
        scale, shift = (graph.weights(x.dtype, [x.at(1)], -1, 1) for _ in range(2))
        graph.node(op, [x, scale, shift], x, span=(-80, 80))
        return True
    if op == "LayerNormalization":
        axis = graph.random.between(-x.rank, -1)
        if empty(x, list(range(axis, 0))) or not x.fixed(*range(axis, 0)):
            return False
        operands = [x, graph.operand(x.dtype, x.shape[axis:], -1, 1)]
        if graph.random.chance(60):
            operands.append(graph.operand(x.dtype, x.shape[axis:], -1, 1))
        size = 80 * operands[1].size + (operands[2].size if len(operands) > 2 else 0)
        graph.node(op, operands, x, span=(-size, size), axis=axis)
        return True
    if op == "rms" and graph.opset >= 23 and x.dtype == "float32" and x.fixed(x.rank - 1) and not empty(x, [-1]):
        scale = graph.operand(x.dtype, x.shape[-1:], -1, 1)
        graph.node("RMSNormalization", [x, scale], x, span=(-80 * scale.size, 80 * scale.size), axis=-1)
        return True
    axes = [graph.random.between(-x.rank, x.rank - 1)]
    if empty(x, axes):
        return False
    centred = x
    if op == "by hand":
        mean = reduced(graph, "ReduceMean", x, axes, True, (x.low, x.high))
        centred = graph.node("Sub", [x, mean], x, span=(-2 * x.size, 2 * x.size))
    square = graph.node("Mul", [centred, centred], x, span=(0, centred.size**2))
    if not graph.holds(x.dtype, square.high):
        return True
    variance = reduced(graph, "ReduceMean", square, axes, True, (0, square.high))
    safe = graph.node("Add", [variance, graph.scalar(x.dtype, 0.125)], variance, span=(0.125, variance.high + 0.125))
    root = graph.node("Sqrt", [safe], safe, span=(0.25, max(safe.high, 1)))
    graph.node("Div", [centred, root], x, span=(-80, 80))
    return True


def positions(graph: Graph) -> bool:
    """Which element is largest; ties are exact, near ties leave the answer open."""
    x = graph.choose(("float32", "float16", "int32", "int64"))
    if x is None or x.rank == 0:
        return False
    axis, keep = graph.random.below(x.rank), graph.random.chance(50)
    if empty(x, [axis]):
        return False
    attributes = {"axis": axis, "keepdims": int(keep), "select_last_index": graph.random.below(2)}
    graph.node(
        graph.random.pick(["ArgMax", "ArgMin"]),
        [x],
        x,
        dtype="int64",
        span=(0, graph.longest([x.shape[axis]])),
        shape=without(graph, x.shape, [axis], keep),
        **attributes,
    )
    return True


def running_sum(graph: Graph) -> bool:
    x = graph.choose(("float32", "float64", "int32", "int64"))
    if x is None or x.rank == 0:
        return False
    axis = graph.random.below(x.rank)
    size = graph.longest([x.shape[axis]]) * x.size
    if not graph.holds(x.dtype, size):
        return False
    axis_value = graph.constant(np.array(axis, np.int64))
    graph.node(
        "CumSum", [x, axis_value], x, span=(-size, size), exclusive=graph.random.below(2), reverse=graph.random.below(2)
    )
    return True


def top(graph: Graph) -> bool:
    x = graph.choose(("float32", "int64"), fixed=True)
    if x is None or x.rank == 0:
        return False
    axis = graph.random.below(x.rank)
    if x.at(axis) == 0:
        return False
    count = graph.random.between(1, x.at(axis))
    shape = tuple(graph.fixed(count)[0] if at == axis else dim for at, dim in enumerate(x.shape))
    values = Value(graph.fresh("v"), x.dtype, shape, x.low, x.high)
    places = Value(graph.fresh("v"), "int64", shape, 0, x.at(axis))
    graph.emit("TopK", [x, graph.ints(count)], [values, places], axis=axis, largest=graph.random.below(2))
    return True


def grouped_norm(graph: Graph) -> bool:
    """Norms over groups of channels or over neighbours."""
    x = graph.choose(("float32", "float32", "float16"), ranks=(3, 4), largest=200)
    if x is None or not x.fixed(*range(1, x.rank)) or empty(x, list(range(1, x.rank))):
        return False
    channels = x.at(1)
    if graph.random.chance(50) and graph.opset >= 21:
        groups = graph.random.pick([count for count in range(1, channels + 1) if channels % count == 0])
        scale, shift = (graph.weights(x.dtype, [channels], -1, 1) for _ in range(2))
        graph.node("GroupNormalization", [x, scale, shift], x, span=(-80, 80), num_groups=groups)
    elif x.rank == 4:
        graph.node("LRN", [x], x, size=graph.random.pick([1, 3, 5]), alpha=0.25, beta=0.75, bias=1.0)
    else:
        return False
    return True


def length_norm(graph: Graph) -> bool:
    x = graph.choose(("float32", "float64", "float16"), largest=200)
    if x is None or x.rank == 0:
        return False
    axis = graph.random.between(-x.rank, x.rank - 1)
    if empty(x, [axis]):
        return False
    safe = graph.node(
        "Add", [graph.node("Abs", [x], x, span=(0, x.size)), graph.scalar(x.dtype, 0.25)], x, span=(0.25, x.size + 0.25)
    )
    graph.node("LpNormalization", [safe], safe, span=(0, 1), axis=axis, p=graph.random.between(1, 2))
    return True


def rarer_reduction(graph: Graph) -> bool:
    x = graph.choose(("float32", "float64"), largest=2)
    if x is None or x.rank == 0:
        return False
    axes, keep = some_axes(graph, x), graph.random.chance(50)
    count = graph.longest([x.shape[axis] for axis in axes])
    if empty(x, axes) or count > 16:
        return False
    op = graph.random.pick(["ReduceProd", "ReduceLogSumExp"])
    size = float(2**count) if op == "ReduceProd" else x.size + 3
    reduced(graph, op, x, axes, keep, (-size, size))
    return True


RULES = [
    (1, grouped_norm),
    (1, length_norm),
    (1, rarer_reduction),
    (6, reduction),
    (5, softmax),
    (1, softmax_by_hand),
    (4, norm),
    (1, positions),
    (1, running_sum),
    (1, top),
]
