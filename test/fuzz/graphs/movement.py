"""Rules for what moves elements about: transposes, reshapes, slices, joins, gathers, pads."""

from __future__ import annotations

import numpy as np
from graph import FLOATS, Dim, Graph, Shape, Value
from onnx import numpy_helper

ANY = (*FLOATS, "float32", "float32", "int64", "int32", "uint8", "int8", "bool")


def some(graph: Graph) -> Value | None:
    x = graph.choose(ANY)
    return x if x is not None and x.rank > 0 else None


def joined(*dims: Dim) -> Dim:
    """The product of sizes, call by call."""
    return tuple(int(np.prod(sizes, dtype=np.int64)) for sizes in zip(*dims, strict=True))


def transpose(graph: Graph) -> bool:
    x = graph.choose(ANY, ranks=range(2, 6))
    if x is None:
        return False
    order = graph.random.shuffled(range(x.rank))
    graph.node("Transpose", [x], x, shape=tuple(x.shape[axis] for axis in order), perm=order)
    return True


def split_size(graph: Graph, size: int) -> list[int]:
    parts = [part for part in (2, 3, 4, 5, 7, 8, 16) if size % part == 0 and size >= part]
    if not parts:
        return [size]
    part = graph.random.pick(parts)
    return graph.random.pick([[part, size // part], [size // part, part]])


def reshape(graph: Graph) -> bool:
    """Joins or splits neighbours; a size known at run time is copied (0) or left to be found (-1)."""
    x = some(graph)
    if x is None:
        return False
    at = graph.random.below(x.rank)
    target = [dim[0] if len(set(dim)) == 1 else 0 for dim in x.shape]
    if graph.random.chance(50) and at + 1 < x.rank:
        shape = (*x.shape[:at], joined(x.shape[at], x.shape[at + 1]), *x.shape[at + 2 :])
        if not x.fixed(*range(at + 2, x.rank)) or any(0 in dim for dim in x.shape):
            return False
        target[at : at + 2] = [-1 if not x.fixed(at, at + 1) or graph.random.chance(30) else shape[at][0]]
    elif x.fixed(*range(at, x.rank)) and 0 not in x.shape[at]:
        parts = split_size(graph, x.at(at))
        shape = (*x.shape[:at], *graph.fixed(*parts), *x.shape[at + 1 :])
        target[at : at + 1] = parts
        if graph.random.chance(30) and not any(0 in dim for dim in x.shape):
            target[at] = -1
    else:
        return False
    if 0 in target and any(0 in dim for dim in x.shape if len(set(dim)) == 1):
        return False
    graph.node("Reshape", [x, graph.ints(*target)], x, shape=shape)
    return True


def reshape_by_sizes(graph: Graph) -> bool:
    """[a, .., z] to [a, rest] with a read from the value's own shape, as exporters write it."""
    x = graph.choose(ANY, ranks=(2, 3, 4))
    if x is None or any(0 in dim for dim in x.shape):
        return False
    sizes = Value(graph.fresh("v"), "int64", graph.fixed(x.rank), 0, 100)
    first = Value(graph.fresh("v"), "int64", graph.fixed(1), 0, 100)
    target = Value(graph.fresh("v"), "int64", graph.fixed(2), -1, 100)
    before = list(graph.pool)
    graph.emit("Shape", [x], [sizes])
    graph.emit("Gather", [sizes, graph.ints(0)], [first], axis=0)
    graph.emit("Concat", [first, graph.ints(-1)], [target], axis=0)
    graph.pool[:] = before
    graph.node("Reshape", [x, target], x, shape=(x.shape[0], joined(*x.shape[1:])))
    return True


def flatten(graph: Graph) -> bool:
    x = graph.choose(("float32", "float64", "int64"), ranks=range(2, 5))
    if x is None or any(0 in dim for dim in x.shape):
        return False
    axis = graph.random.below(x.rank + 1)
    one: Dim = (1,) * graph.calls
    shape = (joined(one, *x.shape[:axis]), joined(one, *x.shape[axis:]))
    graph.node("Flatten", [x], x, shape=shape, axis=axis)
    return True


def squeeze(graph: Graph) -> bool:
    x = some(graph)
    if x is None:
        return False
    one: Dim = (1,) * graph.calls
    ones = [axis for axis, dim in enumerate(x.shape) if dim == one]
    if ones and graph.random.chance(50):
        axis = graph.random.pick(ones)
        graph.node(
            "Squeeze",
            [x, graph.ints(axis - graph.random.pick([0, x.rank]))],
            x,
            shape=(*x.shape[:axis], *x.shape[axis + 1 :]),
        )
    elif x.rank < 5:
        axis = graph.random.below(x.rank + 1)
        graph.node("Unsqueeze", [x, graph.ints(axis)], x, shape=(*x.shape[:axis], one, *x.shape[axis:]))
    else:
        return False
    return True


def cut(graph: Graph) -> bool:
    """A slice of one axis or two, backwards now and then."""
    x = some(graph)
    if x is None:
        return False
    axes = x.readable()
    if not axes:
        return False
    axes = sorted(graph.random.shuffled(axes)[: graph.random.between(1, 2)])
    starts, ends, steps, shape = [], [], [], list(x.shape)
    for axis in axes:
        size, random = x.at(axis), graph.random
        step = random.pick([1, 1, 1, 2, 3, -1, -2])
        low = random.below(size)
        high = random.between(low + 1, size)
        if step > 0:
            starts.append(low - random.pick([0, size]))
            ends.append(high if high < size or random.chance(50) else (1 << 63) - 1)
        else:
            starts.append(high - 1)
            ends.append(low - 1 if low else -(1 << 40))
        steps.append(step)
        shape[axis] = graph.fixed(-(-(high - low) // abs(step)))[0]
    operands = [x, graph.ints(*starts), graph.ints(*ends), graph.ints(*axes), graph.ints(*steps)]
    graph.node("Slice", operands, x, shape=tuple(shape))
    return True


def concat(graph: Graph) -> bool:
    x = some(graph)
    if x is None:
        return False
    axis = graph.random.below(x.rank)
    parts = [x]
    for _ in range(graph.random.between(1, 2)):
        others = [
            value
            for value in graph.pool
            if value.dtype == x.dtype
            and value.rank == x.rank
            and all(a == b for at, (a, b) in enumerate(zip(value.shape, x.shape, strict=True)) if at != axis)
        ]
        if graph.random.chance(70):
            parts.append(graph.random.pick(others))
        else:
            extra = (*x.shape[:axis], graph.fixed(graph.random.between(1, 5))[0], *x.shape[axis + 1 :])
            low, high = (0, 1) if x.dtype == "bool" else (0, 9) if x.dtype == "uint8" else (-2, 2)
            parts.append(graph.operand(x.dtype, extra, low, high))
    parts = graph.random.shuffled(parts)
    total = tuple(sum(sizes) for sizes in zip(*(part.shape[axis] for part in parts), strict=True))
    shape = (*x.shape[:axis], total, *x.shape[axis + 1 :])
    if not graph.fits(shape):
        return False
    span = (min(part.low for part in parts), max(part.high for part in parts))
    graph.node("Concat", parts, x, shape=shape, span=span, axis=axis - graph.random.pick([0, x.rank]))
    return True


def split(graph: Graph) -> bool:
    """Two or three parts, all of which may be read."""
    x = some(graph)
    if x is None:
        return False
    axes = [axis for axis in range(x.rank) if x.fixed(axis) and x.at(axis) >= 2]
    if not axes:
        return False
    axis = graph.random.pick(axes)
    first = graph.random.between(1, x.at(axis) - 1)
    sizes = [first, x.at(axis) - first]
    if sizes[1] > 2 and graph.random.chance(30):
        sizes[1:] = [1, sizes[1] - 1]
    parts = [
        Value(graph.fresh("v"), x.dtype, (*x.shape[:axis], graph.fixed(size)[0], *x.shape[axis + 1 :]), x.low, x.high)
        for size in sizes
    ]
    graph.emit("Split", [x, graph.ints(*sizes)], parts, axis=axis)
    return True


def pad(graph: Graph) -> bool:
    x = graph.choose((*FLOATS, "float32", "int64", "int32"), ranks=range(1, 5))
    if x is None:
        return False
    mode = graph.random.weighted([(6, "constant"), (1, "edge"), (1, "reflect")])
    before, after = [0] * x.rank, [0] * x.rank
    for axis in graph.random.shuffled(range(x.rank))[:2]:
        if mode != "constant" and (not x.fixed(axis) or x.at(axis) < 3):
            return False
        before[axis], after[axis] = graph.random.below(3), graph.random.below(3)
    shape = tuple(tuple(size + b + a for size in dim) for dim, b, a in zip(x.shape, before, after, strict=True))
    if not graph.fits(shape):
        return False
    operands = [x, graph.ints(*before, *after)]
    if mode == "constant" and graph.random.chance(50):
        operands.append(graph.scalar(x.dtype, 1))
    graph.node("Pad", operands, x, shape=shape, span=(min(x.low, 0), max(x.high, 1)), mode=mode)
    return True


def gather(graph: Graph) -> bool:
    x = some(graph)
    if x is None:
        return False
    axes = x.readable()
    if not axes:
        return False
    axis = graph.random.pick(axes)
    size, sizes = x.at(axis), graph.random.pick([[], [1], [3], [5], [2, 3]])
    low, high = (-size, size - 1) if graph.random.chance(30) else (0, size - 1)
    if graph.random.chance(50):
        places = graph.constant(graph.random.integers(low, high, sizes))
    else:
        places = graph.input(graph.random.pick(["int64", "int32"]), graph.fixed(*sizes), low, high)
    shape = (*x.shape[:axis], *graph.fixed(*sizes), *x.shape[axis + 1 :])
    if not graph.fits(shape):
        return False
    graph.node("Gather", [x, places], x, shape=shape, axis=axis)
    return True


def gather_elements(graph: Graph) -> bool:
    x = graph.choose(("float32", "int64"), ranks=(1, 2, 3), fixed=True)
    if x is None or any(0 in dim for dim in x.shape):
        return False
    axis = graph.random.below(x.rank)
    sizes = [dim[0] for dim in x.shape]
    last = sizes[axis] - 1
    sizes[axis] = graph.random.between(1, 6)
    places = graph.weights("int64", sizes, 0, last)
    graph.node("GatherElements", [x, places], x, shape=graph.fixed(*sizes), axis=axis)
    return True


def scatter(graph: Graph) -> bool:
    """Rows of a value replaced or added to; each place at most once, since order is nobody's promise."""
    x = graph.choose(("float32", "int64"), ranks=(2, 3), fixed=True)
    if x is None or any(0 in dim for dim in x.shape):
        return False
    rows = x.at(0)
    count = graph.random.between(1, min(rows, 3))
    places = np.array(graph.random.shuffled(range(rows))[:count], np.int64)[:, None]
    updates = graph.operand(x.dtype, (graph.fixed(count)[0], *x.shape[1:]))
    attributes = {"reduction": "add"} if graph.random.chance(40) and graph.opset >= 16 else {}
    size = x.size + updates.size
    graph.node("ScatterND", [x, graph.constant(places), updates], x, span=(-size, size), **attributes)
    return True


def expand(graph: Graph) -> bool:
    x = graph.choose(ANY, fixed=True)
    if x is None or x.rank > 4:
        return False
    one: Dim = (1,) * graph.calls
    shape: Shape = tuple(graph.fixed(graph.random.between(1, 4))[0] if dim == one else dim for dim in x.shape)
    if graph.random.chance(50):
        shape = (graph.fixed(graph.random.between(1, 3))[0], *shape)
    if not graph.fits(shape):
        return False
    graph.node("Expand", [x, graph.ints(*(dim[0] for dim in shape))], x, shape=shape)
    return True


def tile(graph: Graph) -> bool:
    x = graph.choose(("float32", "float64", "int64", "int32"), ranks=range(1, 5))
    if x is None:
        return False
    repeats = [graph.random.pick([1, 1, 2, 3]) for _ in x.shape]
    shape = tuple(tuple(size * times for size in dim) for dim, times in zip(x.shape, repeats, strict=True))
    if not graph.fits(shape):
        return False
    graph.node("Tile", [x, graph.ints(*repeats)], x, shape=shape)
    return True


def triangle(graph: Graph) -> bool:
    x = graph.choose(("float32", "float64", "int64"), ranks=(2, 3))
    if x is None:
        return False
    diagonal = graph.constant(np.array(graph.random.between(-2, 2), np.int64))
    graph.node("Trilu", [x, diagonal], x, span=(min(x.low, 0), max(x.high, 0)), upper=graph.random.below(2))
    return True


def blocks(graph: Graph) -> bool:
    x = graph.choose(("float32",), ranks=(4,), fixed=True)
    if x is None or any(0 in dim for dim in x.shape):
        return False
    n, c, h, w = (dim[0] for dim in x.shape)
    if c % 4 == 0 and graph.random.chance(60):
        graph.node(
            "DepthToSpace",
            [x],
            x,
            shape=graph.fixed(n, c // 4, 2 * h, 2 * w),
            blocksize=2,
            mode=graph.random.pick(["DCR", "CRD"]),
        )
    elif h % 2 == 0 and w % 2 == 0:
        graph.node("SpaceToDepth", [x], x, shape=graph.fixed(n, 4 * c, h // 2, w // 2), blocksize=2)
    else:
        return False
    return True


def gather_places(graph: Graph) -> bool:
    """GatherND, with places that all lie inside."""
    x = graph.choose(("float32", "int64"), ranks=(2, 3), fixed=True)
    if x is None or any(0 in dim for dim in x.shape):
        return False
    depth, sizes = graph.random.between(1, x.rank), graph.random.pick([[3], [2, 2]])
    columns = [graph.random.integers(-x.at(axis), x.at(axis) - 1, sizes) for axis in range(depth)]
    places = graph.constant(np.stack(columns, -1))
    graph.node("GatherND", [x, places], x, shape=(*graph.fixed(*sizes), *x.shape[depth:]))
    return True


def scatter_elements(graph: Graph) -> bool:
    """One row of updates, each to a place of its own column."""
    x = graph.choose(("float32", "int64", "int32"), ranks=(1, 2, 3), fixed=True)
    if x is None or any(0 in dim for dim in x.shape):
        return False
    axis = graph.random.below(x.rank)
    sizes = [1 if at == axis else dim[0] for at, dim in enumerate(x.shape)]
    places = graph.weights("int64", sizes, -x.at(axis), x.at(axis) - 1)
    updates = graph.operand(x.dtype, graph.fixed(*sizes))
    op = graph.random.pick(["none", "add", "max"]) if graph.opset >= 18 else "none"
    size = x.size + updates.size
    graph.node("ScatterElements", [x, places, updates], x, span=(-size, size), axis=axis, reduction=op)
    return True


def one_hot(graph: Graph) -> bool:
    x = graph.choose(("int64", "int32"), ranks=(1, 2))
    if x is None:
        return False
    depth, axis = graph.random.between(1, 9), graph.random.between(-1, x.rank)
    place = axis % (x.rank + 1)
    shape = (*x.shape[:place], graph.fixed(depth)[0], *x.shape[place:])
    if not graph.fits(shape):
        return False
    values = graph.constant(np.array([-1, 2], np.float32))
    graph.node(
        "OneHot",
        [x, graph.constant(np.array(depth, np.int64)), values],
        x,
        dtype="float32",
        shape=shape,
        span=(-1, 2),
        axis=axis,
    )
    return True


def filled(graph: Graph) -> bool:
    """A constant of the sizes of another value, as exporters write masks."""
    x = graph.choose(("float32",), ranks=range(1, 4))
    if x is None:
        return False
    sizes = Value(graph.fresh("v"), "int64", graph.fixed(x.rank), 0, 100)
    before = list(graph.pool)
    graph.emit("Shape", [x], [sizes])
    graph.pool[:] = before
    if graph.random.chance(50):
        value = numpy_helper.from_array(np.array([0.5], np.float32))
        ones = graph.node("ConstantOfShape", [sizes], x, span=(0.5, 0.5), value=value)
    else:
        ones = graph.node("Expand", [graph.scalar("float32", 0.5), sizes], x, span=(0.5, 0.5))
    graph.node("Add", [x, ones], x, span=(x.low, x.high + 1))
    return True


def counted(graph: Graph) -> bool:
    """The positions along an axis, compared with what is there: the mask of a causal model."""
    x = graph.choose(("float32",), ranks=range(1, 4), largest=1000)
    if x is None:
        return False
    axis = graph.random.below(x.rank)
    before = list(graph.pool)
    sizes = graph.node("Shape", [x], x, dtype="int64", shape=graph.fixed(x.rank), span=(0, 100))
    size = graph.node("Gather", [sizes, graph.constant(np.array(axis, np.int64))], sizes, shape=(), axis=0)
    zero, one = graph.constant(np.array(0, np.int64)), graph.constant(np.array(1, np.int64))
    steps = graph.node("Range", [zero, size, one], sizes, shape=(x.shape[axis],))
    real = graph.node("Cast", [steps], steps, dtype="float32", to=1)
    tail = graph.fixed(*[1] * (x.rank - 1 - axis))
    if tail:
        axes = graph.ints(*range(1, x.rank - axis))
        real = graph.node("Unsqueeze", [real, axes], real, shape=(x.shape[axis], *tail))
    graph.pool[:] = before
    graph.node(graph.random.pick(["Add", "Mul"]), [x, real], x, span=(-100 * x.size, 100 * (x.size + 1)))
    return True


RULES = [
    (1, gather_places),
    (1, scatter_elements),
    (1, one_hot),
    (1, filled),
    (1, counted),
    (6, transpose),
    (5, reshape),
    (2, reshape_by_sizes),
    (1, flatten),
    (2, squeeze),
    (4, cut),
    (4, concat),
    (3, split),
    (3, pad),
    (3, gather),
    (1, gather_elements),
    (1, scatter),
    (1, expand),
    (1, tile),
    (1, triangle),
    (1, blocks),
]
