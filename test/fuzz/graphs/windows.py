"""Rules for what slides a window over an image: convolutions, pooling, resizing."""

from __future__ import annotations

from typing import Any

from graph import Graph, Value
from pointwise import activate

MOST = ("float32", "float32", "float32", "float32", "float64", "float16")
CHANNELS = (1, 2, 3, 4, 8, 9, 16, 17)


def image(graph: Graph) -> Value | None:
    """A value with channels and one or two axes to slide over, whose sizes are fixed."""
    x = graph.choose(MOST, ranks=(3, 4), largest=100)
    return x if x is not None and x.fixed(*range(1, x.rank)) and 0 not in (x.at(a) for a in range(1, x.rank)) else None


def window(graph: Graph, x: Value, largest: int = 3) -> tuple[dict[str, Any], list[int]] | None:
    """Attributes of a window that fits, and the sizes of the result."""
    random = graph.random
    kernel, strides, dilations, pads, sizes = [], [], [], [], []
    for axis in range(2, x.rank):
        length = x.at(axis)
        k = random.between(1, min(largest, length))
        dilation = random.pick([1, 1, 2])
        if (k - 1) * dilation + 1 > length:
            dilation = 1
        reach = (k - 1) * dilation + 1
        before, after = random.below(reach), random.below(reach)
        if random.chance(40):
            before = after = 0
        stride = random.pick([1, 1, 2, 3])
        kernel.append(k)
        strides.append(stride)
        dilations.append(dilation)
        pads.append((before, after))
        sizes.append((length + before + after - reach) // stride + 1)
    attributes = {
        "kernel_shape": kernel,
        "strides": strides,
        "dilations": dilations,
        "pads": [pad[0] for pad in pads] + [pad[1] for pad in pads],
    }
    if random.chance(20) and all(s <= k for s, k in zip(strides, kernel, strict=True)):
        attributes["dilations"] = [1] * len(kernel)
        attributes.pop("pads")
        attributes["auto_pad"] = random.pick(["SAME_UPPER", "SAME_LOWER"])
        sizes = [-(-x.at(axis) // stride) for axis, stride in zip(range(2, x.rank), strides, strict=True)]
    return attributes, sizes


def convolution(graph: Graph) -> bool:
    x = image(graph)
    if x is None:
        return False
    found = window(graph, x)
    channels, random = x.at(1), graph.random
    if found is None:
        return False
    attributes, sizes = found
    groups = random.weighted([(4, 1), (2, channels), (1, next(g for g in (4, 3, 2, 1) if channels % g == 0))])
    results = groups * random.pick((1, 1, 2, 3)) if groups > 1 else random.pick(CHANNELS)
    depth = graph.longest(graph.fixed(channels // groups, *attributes["kernel_shape"]))
    weights = graph.operand(x.dtype, graph.fixed(results, channels // groups, *attributes["kernel_shape"]), -0.5, 0.5)
    operands = [x, weights]
    if random.chance(60):
        operands.append(graph.operand(x.dtype, graph.fixed(results), -1, 1))
    shape = (x.shape[0], *graph.fixed(results, *sizes))
    size = x.size * weights.size * depth + (operands[2].size if len(operands) > 2 else 0)
    if not graph.fits(shape) or not graph.holds(x.dtype, size):
        return False
    y = graph.node("Conv", operands, x, shape=shape, span=(-size, size), group=groups, **attributes)
    if random.chance(35):
        y = normalised(graph, y)
    if random.chance(60):
        y = activate(graph, y)
    if random.chance(25):
        other = graph.operand(x.dtype, y.shape)
        graph.node("Add", [y, other], y, span=(-y.size - other.size, y.size + other.size))
    return True


def normalised(graph: Graph, x: Value) -> Value:
    channels = x.at(1)
    scale, shift, mean = (graph.weights(x.dtype, [channels], -1, 1) for _ in range(3))
    variance = graph.weights(x.dtype, [channels], 0.5, 2)
    size = (x.size + 1) * 2 + 1
    return graph.node("BatchNormalization", [x, scale, shift, mean, variance], x, span=(-size, size))


def batch_norm(graph: Graph) -> bool:
    x = graph.choose(MOST, ranks=(2, 3, 4), largest=1000)
    if x is None or not x.fixed(1):
        return False
    normalised(graph, x)
    return True


def transposed(graph: Graph) -> bool:
    x = image(graph)
    if x is None:
        return False
    random, channels, axes = graph.random, x.at(1), range(2, x.rank)
    groups = random.pick([1, 1, channels])
    each = random.between(1, 4)
    kernel = [random.between(1, 3) for _ in axes]
    strides = [random.between(1, 3) for _ in axes]
    extra = [random.below(stride) for stride in strides]
    sizes = [(x.at(axis) - 1) * s + k + e for axis, s, k, e in zip(axes, strides, kernel, extra, strict=True)]
    weights = graph.operand(x.dtype, graph.fixed(channels, each, *kernel), -0.5, 0.5)
    shape = (x.shape[0], *graph.fixed(each * groups, *sizes))
    size = x.size * weights.size * channels * graph.longest(graph.fixed(*kernel))
    if not graph.fits(shape) or not graph.holds(x.dtype, size):
        return False
    graph.node(
        "ConvTranspose",
        [x, weights],
        x,
        shape=shape,
        span=(-size, size),
        group=groups,
        strides=strides,
        kernel_shape=kernel,
        output_padding=extra,
    )
    return True


def pool(graph: Graph) -> bool:
    x = image(graph)
    if x is None:
        return False
    random = graph.random
    op = random.pick(["MaxPool", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"])
    if op.startswith("Global"):
        graph.node(op, [x], x, shape=(*x.shape[:2], *graph.fixed(*[1] * (x.rank - 2))))
        return True
    found = window(graph, x)
    if found is None:
        return False
    attributes, sizes = found
    if op == "AveragePool":
        if attributes.pop("dilations") != [1] * (x.rank - 2):
            return False
        if "pads" in attributes:
            attributes["count_include_pad"] = random.below(2)
    pads = attributes.get("pads", [0])
    if op == "MaxPool" and any(pad >= k for pad, k in zip(pads, attributes["kernel_shape"] * 2, strict=False)):
        return False  # a window over padding alone has no largest element
    graph.node(
        op, [x], x, shape=(*x.shape[:2], *graph.fixed(*sizes)), span=(min(x.low, 0), max(x.high, 0)), **attributes
    )
    return True


def resize(graph: Graph) -> bool:
    x = image(graph)
    if x is None:
        return False
    random = graph.random
    lengths = [x.at(axis) for axis in range(2, x.rank)]
    sizes = [random.pick([size, 2 * size, 3 * size, random.between(1, 9)]) for size in lengths]
    mode = random.pick(["nearest", "linear"])
    attributes = {"mode": mode, "coordinate_transformation_mode": random.pick(["half_pixel", "asymmetric"])}
    if mode == "nearest":
        attributes["nearest_mode"] = random.pick(["floor", "round_prefer_floor"])
    shape = (*x.shape[:2], *graph.fixed(*sizes))
    if not graph.fits(shape) or not x.fixed(0):
        return False
    target = graph.ints(x.at(0), x.at(1), *sizes)
    graph.node("Resize", [x, "", "", target], x, shape=shape, **attributes)
    return True


RULES = [(8, convolution), (2, batch_norm), (2, transposed), (4, pool), (1, resize)]
