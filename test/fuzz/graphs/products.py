"""Rules for products: matmul, gemm, einsum, convolutions, with what follows them in models."""

from __future__ import annotations

from graph import Dim, Graph, Shape, Value
from pointwise import activate

DEPTHS = (1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 33)
WIDTHS = (1, 2, 3, 5, 7, 8, 9, 13, 16, 17, 23, 32, 33, 65)


def span_of(graph: Graph, x: Value, y: Value, depth: int) -> tuple[float, float] | None:
    """Half the worst case would do; None when results leave the type's comfort."""
    size = x.size * y.size * depth
    return (-size, size) if graph.holds(x.dtype, size) and depth else None


def weight_scale(depth: int) -> float:
    """Weights in ±1/2, ±1/4 .. as the sum grows longer."""
    scale = 1.0
    while scale * scale * depth > 2:
        scale /= 2
    return scale


def finish(graph: Graph, x: Value) -> Value:
    """What follows a product: bias, activation, residual, in any number."""
    if graph.random.chance(50):
        bias = graph.operand(x.dtype, x.shape[-1:], -1, 1)
        x = graph.node(
            "Add", graph.random.pick([[x, bias], [bias, x]]), x, span=(x.low - bias.size, x.high + bias.size)
        )
    if graph.random.chance(50):
        x = activate(graph, x)
    if graph.random.chance(20):
        other = graph.operand(x.dtype, x.shape)
        size = x.size + other.size
        x = graph.node(graph.random.pick(["Add", "Sub"]), [x, other], x, span=(-size, size))
    return x


def multiply(graph: Graph, x: Value, y: Value, shape: Shape) -> Value | None:
    span = span_of(graph, x, y, graph.longest(x.shape[-1:]))
    if span is None or not graph.fits(shape):
        return None
    return graph.node("MatMul", [x, y], x, shape=shape, span=span)


def matmul(graph: Graph) -> bool:
    """With weights, with a value of the graph, or with a vector; either side."""
    x = graph.choose(("float32", "float32", "float64", "float16"), ranks=(1, 2, 3, 4), largest=100)
    if x is None:
        return False
    depth, width = x.shape[-1], (graph.random.pick(WIDTHS),) * graph.calls
    scale = weight_scale(graph.longest([depth]))
    kind = graph.random.weighted([(6, "weights"), (2, "batched"), (1, "vector"), (2, "left"), (2, "square")])
    result = None
    if kind == "vector":
        y = graph.operand(x.dtype, (depth,), -scale, scale)
        result = multiply(graph, x, y, x.shape[:-1])
        return result is not None
    if kind == "left" and x.rank >= 2:
        y = graph.operand(x.dtype, (width, x.shape[-2]), -1, 1)
        span = span_of(graph, x, y, graph.longest([x.shape[-2]]))
        shape = (*x.shape[:-2], width, depth)
        if span is None or not graph.fits(shape):
            return False
        finish(graph, graph.node("MatMul", [y, x], x, shape=shape, span=span))
        return True
    if kind == "square" and x.rank >= 2:  # with its own transpose
        order = [*range(x.rank - 2), x.rank - 1, x.rank - 2]
        turned = graph.node("Transpose", [x], x, shape=tuple(x.shape[axis] for axis in order), perm=order)
        result = multiply(graph, x, turned, (*x.shape[:-1], x.shape[-2]))
    else:
        batch = x.shape[:-2] if kind == "batched" and x.rank >= 3 else ()
        y = graph.operand(x.dtype, (*batch, depth, width), -scale, scale)
        result = multiply(graph, x, y, (*x.shape[:-1], width) if x.rank > 1 else (*batch, width))
    if result is None:
        return False
    finish(graph, result)
    return True


def several_readers(graph: Graph) -> bool:
    """Two or three products of one value, as queries, keys and values, added or kept apart."""
    x = graph.choose(("float32", "float32", "float64", "float16"), ranks=(2, 3), largest=50)
    if x is None:
        return False
    depth, width = x.shape[-1], (graph.random.pick(WIDTHS),) * graph.calls
    scale = weight_scale(graph.longest([depth]))
    results = []
    for _ in range(graph.random.between(2, 3)):
        y = graph.operand(x.dtype, (depth, width), -scale, scale)
        result = multiply(graph, x, y, (*x.shape[:-1], width))
        if result is not None:
            results.append(result)
    if len(results) > 1 and graph.random.chance(60):
        size = results[0].size + results[1].size
        graph.node("Add", results[:2], x, shape=results[0].shape, span=(-size, size))
    return bool(results)


def gemm(graph: Graph) -> bool:
    x = graph.choose(("float32", "float32", "float64", "float16"), ranks=(2,), largest=100)
    if x is None:
        return False
    turned_x, turned_y = int(graph.random.chance(30)), int(graph.random.chance(40))
    rows, depth = (x.shape[1], x.shape[0]) if turned_x else x.shape
    width: Dim = (graph.random.pick(WIDTHS),) * graph.calls
    scale = weight_scale(graph.longest([depth]))
    y = graph.operand(x.dtype, (width, depth) if turned_y else (depth, width), -scale, scale)
    alpha, beta = graph.random.pick([(1.0, 1.0), (0.5, 1.0), (1.0, 2.0), (1.0, 0.0), (2.0, 0.25)])
    span = span_of(graph, x, y, graph.longest([depth]))
    if span is None:
        return False
    one: Dim = (1,) * graph.calls
    operands = [x, y]
    if graph.random.chance(75):
        shape = graph.random.pick([(width,), (rows, width), (one, width), (rows, one), (one,), ()])
        operands.append(graph.operand(x.dtype, shape, -1, 1))
    size = 2 * span[1] + 2 * (operands[2].size if len(operands) > 2 else 0)
    if not graph.fits((rows, width)) or not graph.holds(x.dtype, size):
        return False
    finish(
        graph,
        graph.node(
            "Gemm",
            operands,
            x,
            shape=(rows, width),
            span=(-size, size),
            transA=turned_x,
            transB=turned_y,
            alpha=alpha,
            beta=beta,
        ),
    )
    return True


def attention(graph: Graph) -> bool:
    x = graph.choose(("float32", "float32", "float16", "float64"), ranks=(2, 3), largest=20)
    if x is None or not graph.fits((*x.shape[:-1], x.shape[-2])):
        return False
    order = [*range(x.rank - 2), x.rank - 1, x.rank - 2]
    keys = graph.operand(x.dtype, x.shape)
    turned = graph.node("Transpose", [keys], keys, shape=tuple(x.shape[axis] for axis in order), perm=order)
    scores = multiply(graph, x, turned, (*x.shape[:-1], x.shape[-2]))
    if scores is None:
        return False
    scaled = graph.node(
        graph.random.pick(["Mul", "Div"]),
        [scores, graph.scalar(x.dtype, 0.5)],
        scores,
        span=(-2 * scores.size, 2 * scores.size),
    )
    if graph.random.chance(40):
        mask = graph.operand("bool", scores.shape[graph.random.below(2) :], 0, 1)
        scaled = graph.node("Where", [mask, scaled, graph.scalar(x.dtype, -1e4)], scaled, span=(-1e4, scaled.high))
    shares = graph.node("Softmax", [scaled], scaled, span=(0, 1), axis=-1)
    values = graph.operand(x.dtype, x.shape)
    graph.node("MatMul", [shares, values], x, span=(-values.size, values.size))
    return True


def computed_operand(graph: Graph) -> bool:
    """A product whose left-hand side is computed just before it: elementwise, a softmax or a norm of its rows."""
    random = graph.random
    dtype = random.pick(("float32", "float32", "float64", "float16"))
    rows, depth = graph.fixed(random.pick((1, 7, 33, 64, 130, 200)))[0], graph.fixed(random.pick(DEPTHS + (64,)))[0]
    shape = random.pick([(rows, depth), (*graph.fixed(3), rows, depth)])
    x = graph.choose((dtype,), ranks=(2, 3), largest=20) if random.chance(40) else None
    if x is None or 0 in x.shape[-1] or not graph.fits(x.shape):
        if graph.elements(shape) > 2 * graph.most:
            return False
        x = graph.input(dtype, shape)
    for _ in range(random.below(3)):
        x = activate(graph, x)
    kind = random.pick(["softmax", "norm", "plain", "plain"])
    if kind == "softmax":
        x = graph.node("Softmax", [x], x, span=(0, 1), axis=-1)
    elif kind == "norm" and x.fixed(x.rank - 1):
        scale = graph.operand(x.dtype, x.shape[-1:], -1, 1)
        operands = [x, scale, graph.operand(x.dtype, x.shape[-1:], -1, 1)] if random.chance(60) else [x, scale]
        x = graph.node("LayerNormalization", operands, x, span=(-9, 9), axis=-1)
    width = graph.fixed(random.pick((1, 2, 3, 5, 8, 16, 33)))[0]
    scale = weight_scale(graph.longest([x.shape[-1]]))
    y = multiply(graph, x, graph.operand(x.dtype, (x.shape[-1], width), -scale, scale), (*x.shape[:-1], width))
    if y is None:
        return True
    y = finish(graph, y)
    if random.chance(30) and graph.holds(x.dtype, 2 * x.size):
        graph.node("Add", [x, x], x, span=(-2 * x.size, 2 * x.size))  # a second reader of what was computed
    return True


def swapped(graph: Graph, x: Value, a: int, b: int) -> Value:
    """x with two axes exchanged."""
    order = list(range(x.rank))
    order[a], order[b] = order[b], order[a]
    return graph.node("Transpose", [x], x, shape=tuple(x.shape[axis] for axis in order), perm=order)


def heads(graph: Graph) -> bool:
    """Attention with several heads, as exporters write it: projections, reshapes, transposes, mask, residual."""
    x = graph.choose(("float32", "float32", "float16"), ranks=(3,), largest=20)
    if x is None or not x.fixed(2) or any(0 in dim for dim in x.shape):
        return False
    random, width = graph.random, x.at(2)
    count, depth = random.pick((1, 2, 3)), random.pick((1, 4, 5, 8))
    split = (*x.shape[:2], *graph.fixed(count, depth))
    if not graph.fits((*x.shape[:1], *graph.fixed(count), x.shape[1], x.shape[1])) or not graph.fits(split):
        return False
    scale, parts = weight_scale(width), []
    target = graph.ints(0, -1 if x.fixed(1) and random.chance(30) else 0, count, depth)
    for _ in range(3):
        weights = graph.weights(x.dtype, [width, count * depth], -scale, scale)
        part = multiply(graph, x, weights, (*x.shape[:2], *graph.fixed(count * depth)))
        if part is None:
            return bool(parts)
        if random.chance(50):
            bias = graph.weights(x.dtype, [count * depth], -1, 1)
            part = graph.node("Add", [part, bias], part, span=(part.low - 1, part.high + 1))
        part = graph.node("Reshape", [part, target], part, shape=split)
        parts.append(swapped(graph, part, 1, 2))
    queries, keys, values = parts
    scores = multiply(graph, queries, swapped(graph, keys, 2, 3), (*queries.shape[:3], queries.shape[2]))
    if scores is None:
        return True
    scores = graph.node("Mul", [scores, graph.scalar(x.dtype, 0.375)], scores)
    if random.chance(50):
        mask = graph.operand(x.dtype, random.pick([scores.shape[2:], scores.shape]), -4, 0)
        scores = graph.node("Add", [scores, mask], scores, span=(scores.low + mask.low, scores.high + mask.high))
    shares = graph.node("Softmax", [scores], scores, span=(0, 1), axis=-1)
    mixed = swapped(graph, graph.node("MatMul", [shares, values], values), 1, 2)
    joined = graph.node(
        "Reshape", [mixed, graph.ints(0, 0, count * depth)], mixed, shape=(*x.shape[:2], *graph.fixed(count * depth))
    )
    y = multiply(graph, joined, graph.weights(x.dtype, [count * depth, width], -0.5, 0.5), x.shape)
    if y is not None and graph.holds(x.dtype, x.size + y.size):
        graph.node("Add", [x, y], x, span=(-x.size - y.size, x.size + y.size))
    return True


EQUATIONS = [
    "ab,bc->ac",
    "ab,cb->ca",
    "ab,bc->",
    "ab,ab->a",
    "ab,ab->b",
    "abc,cd->abd",
    "abc,abd->cd",
    "ab->ba",
    "ab,b->a",
    "abc,bd->adc",
    "abc,acd->abd",
]


def einsum(graph: Graph) -> bool:
    equation = graph.random.pick(EQUATIONS)
    left, result = equation.split("->")
    terms = left.split(",")
    x = graph.choose(("float32", "float32", "float16", "float64"), ranks=(len(terms[0]),), largest=20)
    if x is None:
        return False
    sizes = dict(zip(terms[0], x.shape, strict=True))
    for letter in "".join(terms[1:]):
        sizes.setdefault(letter, (graph.random.pick((1, 2, 3, 5, 7)),) * graph.calls)
    operands = [x, *(graph.operand(x.dtype, tuple(sizes[letter] for letter in term), -1, 1) for term in terms[1:])]
    shape = tuple(sizes[letter] for letter in result)
    depth = graph.longest([dim for letter, dim in sizes.items() if letter not in result])
    span = span_of(graph, x, operands[-1], depth)
    if span is None or not graph.fits(shape):
        return False
    graph.node("Einsum", operands, x, shape=shape, span=span, equation=equation)
    return True


def integer_product(graph: Graph) -> bool:
    x = graph.choose(("uint8", "int8"), ranks=(2, 3))
    if x is None:
        return False
    depth, width = x.shape[-1], (graph.random.pick(WIDTHS),) * graph.calls
    kind = graph.random.pick(["int8", "uint8"])
    low, high = graph.random.pick([(-128, 127), (-3, 3)]) if kind == "int8" else (0, 255)
    y = graph.operand(kind, (depth, width), low, high)
    shape = (*x.shape[:-1], width)
    if not graph.fits(shape):
        return False
    operands = [x, y]
    if graph.random.chance(60):
        operands.append(graph.scalar(x.dtype, graph.random.between(0, 9)))
        if graph.random.chance(60):
            per_column = graph.random.chance(40)
            operands.append(graph.weights(kind, [width[0]] if per_column else [], 0, 9))
    size = graph.longest([depth]) * (x.size + 9) * (y.size + 9)
    graph.node("MatMulInteger", operands, x, dtype="int32", shape=shape, span=(-size, size))
    return True


def wide_integers(graph: Graph) -> bool:
    """MatMul and Gemm take 32 and 64-bit integers as well."""
    x = graph.choose(("int32", "int64"), ranks=(2, 3), largest=1000)
    if x is None:
        return False
    depth, width = x.shape[-1], (graph.random.pick(WIDTHS),) * graph.calls
    y = graph.operand(x.dtype, (depth, width), -9, 9)
    size = x.size * y.size * graph.longest([depth])
    shape = (*x.shape[:-1], width)
    if not graph.fits(shape) or size > 1e6:
        return False
    graph.node("MatMul", [x, y], x, shape=shape, span=(-size, size))
    return True


RULES = [(8, matmul), (3, several_readers), (5, gemm), (2, attention), (1, heads), (3, computed_operand), (2, einsum)]
INTEGER_RULES = [(3, integer_product), (1, wide_integers)]
