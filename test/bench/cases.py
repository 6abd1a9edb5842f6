"""What the benchmark measures: small ONNX models with their inputs, and whole networks.

A case is an ONNX model (bytes, or the path of a file), its inputs and its work, so that every competitor computes
the same thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from machine import Work
from weights import Weight

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to measure. Work is of one call, None where nobody counts it.

    A product may round its activations to 8 bits, or to bf16 as its model says, where `rounded_group`, the elements
    that share a scale, is not 0.
    """

    name: str
    model: bytes | Path
    inputs: Arrays
    work: Work | None = None
    rounded_group: int = 0
    torch: Callable[[], Callable[[], Any]] | None = field(default=None, repr=False)
    weight: Weight | None = field(default=None, repr=False)  # of a product of f32 with weights in few bits
    peers: dict[str, bytes] = field(default_factory=dict, repr=False)  # models for those who need another one
    static_scale: float = 0  # of activations in bytes around 128, if it is known before

    def model_for(self, name: str) -> bytes | Path | None:
        """What the competitor `name` reads (`name-variant`: as `name`, unless it has its own); None: it cannot."""
        base = name.split("-")[0]
        if found := self.peers.get(name) or self.peers.get(base):
            return found
        is_onnx = not isinstance(self.model, Path) or self.model.suffix == ".onnx"
        return self.model if is_onnx or name == "lutra" else None


def onnx_model(nodes: list[Any], inputs: Arrays, output: tuple[str, Any, list[int]], fixed: Arrays) -> bytes:
    """A graph of f32 or bytes with one output and weights."""
    from onnx import helper, numpy_helper

    def value(name: str, dtype: Any, shape: Any) -> Any:
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)

    graph = helper.make_graph(
        nodes,
        "case",
        [value(k, v.dtype, v.shape) for k, v in inputs.items()],
        [value(*output)],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in fixed.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    data: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()
    return data


def _random(*shape: int) -> npt.NDArray[np.float32]:
    generator = np.random.default_rng(sum(shape))
    return generator.standard_normal(shape).astype(np.float32)


def gemm(m: int, n: int, k: int) -> Case:
    """[m, k] x [k, n] with a constant right-hand side."""
    from onnx import helper

    x, w = _random(m, k), _random(k, n)

    def with_torch() -> Callable[[], Any]:
        import torch

        a, b = torch.from_numpy(x), torch.from_numpy(w)
        return lambda: a @ b

    return Case(
        f"gemm {m}x{n}x{k}",
        onnx_model([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": x}, ("y", np.float32, [m, n]), {"w": w}),
        {"x": x},
        Work(1.0 * m * n * k, 4.0 * (m * k + k * n + m * n), m),
        torch=with_torch,
    )


def integer_gemm(m: int, n: int, k: int) -> Case:
    """[m, k] of ui8 x a constant [k, n] of i8, exact in i32."""
    from onnx import helper

    generator = np.random.default_rng(m + n + k)
    x = generator.integers(0, 256, (m, k)).astype(np.uint8)
    w = generator.integers(-127, 128, (k, n)).astype(np.int8)

    def with_torch() -> Callable[[], Any]:
        import torch

        # Signed alone, and more than 16 rows.
        a, b = torch.from_numpy((x - 128).astype(np.int8)), torch.from_numpy(w)
        return lambda: torch._int_mm(a, b)

    node = helper.make_node("MatMulInteger", ["x", "w"], ["y"])
    return Case(
        f"int8 gemm {m}x{n}x{k}",
        onnx_model([node], {"x": x}, ("y", np.int32, [m, n]), {"w": w}),
        {"x": x},
        Work(1.0 * m * n * k, 1.0 * (m * k + k * n) + 4.0 * m * n, m, coded=True),
        torch=with_torch if m > 16 else None,
    )


def conv(size: int, channels: int, filters: int, window: int, stride: int = 1) -> Case:
    """A window x window convolution of a size x size image, padded to keep its size."""
    from onnx import helper

    x, w = _random(1, channels, size, size), _random(filters, channels, window, window)
    pad, out = window // 2, (size - 1) // stride + 1
    node = helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[window] * 2, pads=[pad] * 4, strides=[stride] * 2)

    def with_torch() -> Callable[[], Any]:
        import torch

        image, weight = torch.from_numpy(x), torch.from_numpy(w)
        return lambda: torch.nn.functional.conv2d(image, weight, padding=pad, stride=stride)

    return Case(
        f"conv {window}x{window} {size}x{size}x{channels}->{filters}",
        onnx_model([node], {"x": x}, ("y", np.float32, [1, filters, out, out]), {"w": w}),
        {"x": x},
        Work(1.0 * out * out * filters * channels * window**2, 4.0 * (x.size + w.size + out * out * filters)),
        torch=with_torch,
    )


def integer_conv(size: int, channels: int, filters: int, window: int, groups: int = 1, stride: int = 1) -> Case:
    """A convolution of codes between codes (QDQ), one scale for each filter, padded by half a window."""
    from onnx import helper

    share, result = channels // groups, (size - 1) // stride + 1
    generator = np.random.default_rng(size + channels + filters)
    x = generator.integers(0, 256, (1, channels, size, size)).astype(np.uint8)
    fixed: Arrays = {
        "w": generator.integers(-127, 128, (filters, share, window, window)).astype(np.int8),
        "ws": generator.uniform(0.001, 0.01, filters).astype(np.float32),
        "wz": np.zeros(filters, np.int8),
        "xs": np.asarray(np.float32(0.02)),
        "xz": np.asarray(np.uint8(0)),
        "ys": np.asarray(np.float32(window * share**0.5 * 0.02)),
        "yz": np.asarray(np.uint8(128)),
    }
    form: dict[str, Any] = {"kernel_shape": [window] * 2, "pads": [window // 2] * 4, "strides": [stride] * 2}
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "xs", "xz"], ["xf"]),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wf"], axis=0),
        helper.make_node("Conv", ["xf", "wf"], ["c"], group=groups, **form),
        helper.make_node("QuantizeLinear", ["c", "ys", "yz"], ["y"]),
    ]
    kind = "int8 conv" if groups == 1 else "int8 depthwise conv"
    return Case(
        f"{kind} {window}x{window} {size}x{size}x{channels}->{filters}" + (f" stride {stride}" if stride > 1 else ""),
        onnx_model(nodes, {"x": x}, ("y", np.uint8, [1, filters, result, result]), fixed),
        {"x": x},
        Work(
            1.0 * result * result * filters * share * window**2,
            1.0 * (x.size + fixed["w"].size + result * result * filters),
            coded=True,
        ),
    )


def _signs() -> tuple[list[Any], Arrays]:
    """1 and -1 of x, as binary networks are exported."""
    from onnx import helper

    nodes = [
        helper.make_node("GreaterOrEqual", ["x", "zero"], ["positive"]),
        helper.make_node("Where", ["positive", "one", "none"], ["s"]),
    ]
    numbers = {"zero": 0.0, "one": 1.0, "none": -1.0}
    return nodes, {name: np.asarray(np.float32(number)) for name, number in numbers.items()}


def sign_conv(size: int, channels: int, filters: int, window: int) -> Case:
    """A convolution of signs with weights of two values for each filter, padded with 0 to keep its size."""
    from onnx import helper

    x, w = _random(1, channels, size, size), np.sign(_random(filters, channels, window, window))
    w *= np.linspace(0.01, 0.1, filters, dtype=np.float32).reshape(-1, 1, 1, 1)
    nodes, numbers = _signs()
    nodes.append(helper.make_node("Conv", ["s", "w"], ["y"], kernel_shape=[window] * 2, pads=[window // 2] * 4))
    return Case(
        f"binary conv {window}x{window} {size}x{size}x{channels}->{filters}",
        onnx_model(nodes, {"x": x}, ("y", np.float32, [1, filters, size, size]), numbers | {"w": w}),
        {"x": x},
        Work(1.0 * size * size * filters * channels * window**2, 4.0 * (x.size + size * size * filters) + w.size / 8),
    )


def sign_gemm(m: int, n: int, k: int) -> Case:
    """Signs [m, k] x a constant [k, n] of 1 and -1."""
    from onnx import helper

    x, w = _random(m, k), np.sign(_random(k, n))
    nodes, numbers = _signs()
    nodes.append(helper.make_node("MatMul", ["s", "w"], ["y"]))
    return Case(
        f"binary gemm {m}x{n}x{k}",
        onnx_model(nodes, {"x": x}, ("y", np.float32, [m, n]), numbers | {"w": w}),
        {"x": x},
        Work(1.0 * m * n * k, 4.0 * (m * k + m * n) + k * n / 8, m),
    )


def softmax(rows: int, columns: int) -> Case:
    from onnx import helper

    x = _random(rows, columns)

    def with_torch() -> Callable[[], Any]:
        import torch

        a = torch.from_numpy(x)
        return lambda: torch.softmax(a, -1)

    node = helper.make_node("Softmax", ["x"], ["y"], axis=-1)
    model = onnx_model([node], {"x": x}, ("y", np.float32, [rows, columns]), {})
    return Case(f"softmax {rows}x{columns}", model, {"x": x}, Work(0, 8.0 * x.size), torch=with_torch)


def layer_norm(rows: int, columns: int) -> Case:
    from onnx import helper

    x, scale, bias = _random(rows, columns), _random(columns), _random(columns)

    def with_torch() -> Callable[[], Any]:
        import torch

        a, s, b = (torch.from_numpy(t) for t in (x, scale, bias))
        return lambda: torch.nn.functional.layer_norm(a, (columns,), s, b)

    node = helper.make_node("LayerNormalization", ["x", "scale", "bias"], ["y"], axis=-1)
    model = onnx_model([node], {"x": x}, ("y", np.float32, [rows, columns]), {"scale": scale, "bias": bias})
    return Case(f"layer_norm {rows}x{columns}", model, {"x": x}, Work(0, 8.0 * x.size), torch=with_torch)


def operators() -> Iterator[Case]:
    """Single operators at the sizes that matter."""
    yield gemm(512, 512, 512)
    yield gemm(128, 768, 3072)
    yield gemm(1, 4096, 4096)
    yield gemm(17, 1000, 333)
    yield integer_gemm(512, 512, 512)
    yield integer_gemm(128, 768, 3072)
    yield integer_gemm(16, 4096, 4096)
    yield integer_gemm(128, 4096, 4096)
    yield integer_gemm(512, 4096, 4096)
    yield integer_gemm(1, 4096, 4096)
    yield integer_conv(56, 64, 64, 3)
    yield integer_conv(56, 64, 256, 1)
    yield integer_conv(14, 256, 256, 3)
    yield integer_conv(56, 128, 128, 3, groups=128)
    yield integer_conv(56, 96, 96, 3, groups=96, stride=2)
    yield integer_conv(14, 512, 512, 3, groups=512)
    yield integer_conv(14, 256, 256, 5, groups=256)
    yield sign_conv(56, 64, 64, 3)
    yield sign_conv(14, 256, 256, 3)
    yield sign_gemm(1, 4096, 4096)
    yield sign_gemm(16, 4096, 4096)
    yield conv(56, 64, 64, 3)
    yield conv(56, 64, 64, 1)
    yield softmax(512, 1024)
    yield layer_norm(512, 768)
