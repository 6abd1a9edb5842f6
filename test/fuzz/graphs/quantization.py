"""Rules for quantised graphs: codes and back, products between them."""

from __future__ import annotations

import numpy as np
from graph import Graph, Value


def scale_of(graph: Graph, x: Value, steps: int) -> float:
    """A power of two, or a bit more, so that most values find a code of their own."""
    scale = 1.0
    while scale * steps < x.size and scale < 64:
        scale *= 2
    while scale * steps > 2 * max(x.size, 0.0625):
        scale /= 2
    return scale * graph.random.pick([1.0, 1.125, 0.75])


def parameters(graph: Graph, x: Value, kind: str, axis: int | None) -> tuple[Value, Value]:
    scale = scale_of(graph, x, 100)
    if axis is None:
        zero = graph.random.between(0, 9) if kind == "uint8" else graph.random.between(-3, 3)
        return graph.scalar("float32", scale), graph.scalar(kind, 128 + zero if kind == "uint8" else zero)
    count = x.at(axis)
    scales = np.asarray(graph.random.floats(0.5, 1.5, [count]) * scale, np.float32)
    return graph.constant(scales), graph.constant(np.full([count], 128 if kind == "uint8" else 0, kind))


def quantized(graph: Graph, x: Value, kind: str, axis: int | None = None) -> tuple[Value, Value, Value]:
    scale, zero = parameters(graph, x, kind, axis)
    span = (0.0, 255.0) if kind == "uint8" else (-128.0, 127.0)
    attributes = {} if axis is None else {"axis": axis}
    return graph.node("QuantizeLinear", [x, scale, zero], x, dtype=kind, span=span, **attributes), scale, zero


def there_and_back(graph: Graph) -> bool:
    x = graph.choose(("float32",), largest=1000)
    if x is None:
        return False
    axes = x.readable()
    axis = graph.random.pick(axes) if axes and graph.random.chance(35) else None
    codes, scale, zero = quantized(graph, x, graph.random.pick(["uint8", "int8"]), axis)
    attributes = {} if axis is None else {"axis": axis}
    size = 2 * x.size + 200 * max(scale.size, 0.01)
    graph.node("DequantizeLinear", [codes, scale, zero], codes, dtype="float32", span=(-size, size), **attributes)
    return True


def product_of_codes(graph: Graph) -> bool:
    """Dequantised operands of a product, the weights' codes constant, as quantisers export it."""
    x = graph.choose(("float32",), ranks=(2, 3), largest=100)
    if x is None or 0 in x.shape[-1]:
        return False
    depth, width = x.shape[-1], graph.fixed(graph.random.pick((1, 3, 8, 16, 17, 33)))[0]
    if not x.fixed(x.rank - 1) or not graph.fits((*x.shape[:-1], width)):
        return False
    codes, scale, zero = quantized(graph, x, "uint8")
    real = graph.node("DequantizeLinear", [codes, scale, zero], codes, dtype="float32", span=(x.low * 2, x.high * 2))
    weights = graph.weights("int8", [depth[0], width[0]], -127, 127)
    if graph.random.chance(50):
        scales = graph.constant(np.asarray(graph.random.floats(0.001, 0.01, [width[0]]), np.float32))
        operands, attributes = [weights, scales, graph.constant(np.zeros([width[0]], np.int8))], {"axis": 1}
    else:
        operands, attributes = [weights, graph.scalar("float32", 0.0078125)], {}
    factor = graph.node("DequantizeLinear", operands, real, shape=(depth, width), span=(-1.25, 1.25), **attributes)
    size = graph.longest([depth]) * real.size * 1.25
    if not graph.holds("float32", size):
        return True
    y = graph.node("MatMul", [real, factor], real, shape=(*x.shape[:-1], width), span=(-size, size))
    if graph.random.chance(50):
        y = graph.node("Add", [y, graph.operand("float32", (width,), -1, 1)], y, span=(-size - 4, size + 4))
    if graph.random.chance(60):
        again, scale, zero = quantized(graph, y, graph.random.pick(["uint8", "int8"]))
        graph.node("DequantizeLinear", [again, scale, zero], again, dtype="float32", span=(-2 * size, 2 * size))
    return True


def dynamic(graph: Graph) -> bool:
    """The range is found at run time; codes times weights, scaled back."""
    x = graph.choose(("float32",), ranks=(2,), largest=100)
    if x is None or any(0 in dim for dim in x.shape):
        return False
    codes = Value(graph.fresh("v"), "uint8", x.shape, 0, 255)
    scale = Value(graph.fresh("v"), "float32", (), 0, max(x.size, 1) / 64)
    zero = Value(graph.fresh("v"), "uint8", (), 0, 255)
    graph.emit("DynamicQuantizeLinear", [x], [codes, scale, zero])
    depth, width = x.shape[1], graph.fixed(graph.random.pick((1, 5, 16, 17)))[0]
    if not x.fixed(1):
        return True
    weights = graph.weights("int8", [depth[0], width[0]], -127, 127)
    size = graph.longest([depth]) * 256 * 128
    sums = graph.node(
        "MatMulInteger", [codes, weights, zero], codes, dtype="int32", shape=(x.shape[0], width), span=(-size, size)
    )
    real = graph.node("Cast", [sums], sums, dtype="float32", to=1)
    graph.node("Mul", [real, scale], real, span=(-1000, 1000))
    return True


def quantized_convolution(graph: Graph) -> bool:
    x = graph.choose(("float32",), ranks=(4,), largest=100)
    if x is None or not x.fixed(1, 2, 3) or 0 in (x.at(1), x.at(2), x.at(3)):
        return False
    codes, _, zero = quantized(graph, x, "uint8")
    results, k = graph.random.pick((1, 3, 8, 9)), graph.random.pick([1, 2, 3])
    k = min(k, x.at(2), x.at(3))
    shape = (x.shape[0], *graph.fixed(results, x.at(2) - k + 1, x.at(3) - k + 1))
    if not graph.fits(shape):
        return False
    weights = graph.weights("int8", [results, x.at(1), k, k], -127, 127)
    size = x.at(1) * k * k * 256 * 128
    graph.node(
        "ConvInteger",
        [codes, weights, zero],
        codes,
        dtype="int32",
        shape=shape,
        span=(-size, size),
        kernel_shape=[k, k],
    )
    return True


RULES = [(4, there_and_back), (4, product_of_codes), (2, dynamic), (2, quantized_convolution)]
