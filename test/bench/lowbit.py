"""Products with weights in few bits: the cases, and the models that say them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from cases import Arrays, Case, onnx_model
from machine import Work
from weights import (
    Weight,
    bipolar,
    bitmod4,
    encoded,
    encoding_text,
    fp4,
    integers,
    iq4_nl,
    nf4,
    packed,
    powers,
    ternary,
)

Planned = tuple[str, Callable[[], Case]]
Maker = Callable[[int, int], Weight]

ROWS = (1, 4, 16, 128, 512)
# n, k, group: columns, groups, K that no tile divides; the last group may be short.
RAGGED = [(2040, 2048, 128), (2052, 2048, 128), *((2048, k, 128) for k in (2016, 2056, 2064))]
RAGGED += [(2048, 2056, 32), (2048, 2048, 16), (2048, 2048, 32), (2048, 2016, 48), (2048, 2016, 96)]
RAGGED += [(2048, 1920, 160), (2048, 2000, 200), (2048, 1952, 1952)]
RAGGED_ROWS = (1, 4, 16, 17, 31, 128)
COLD = "cold"  # of names: the caches hold nothing of the case


def matmul_nbits(weight: Weight, m: int, level: int) -> bytes:
    """[m, k] of f32 x weight; at level 1 activations stay f32, at 3 they may be bf16, at 4 groups of 8 bits."""
    from onnx import helper

    n, k = weight.shape
    fixed: Arrays = {
        "codes": packed(weight.codes, weight.bits).reshape(n, k // weight.group, -1),
        "scales": weight.scales,
    }
    zeros = weight.zeros
    if zeros is None and weight.zero != 1 << (weight.bits - 1):
        assert weight.zero is not None
        zeros = np.full(weight.scales.shape, weight.zero, np.uint8)
    if zeros is not None:
        fixed["zeros"] = packed(zeros, weight.bits)
    sizes: Any = {"K": k, "N": n, "bits": weight.bits, "block_size": weight.group, "accuracy_level": level}
    node = helper.make_node("MatMulNBits", ["x", *fixed], ["y"], domain="com.microsoft", **sizes)
    return onnx_model([node], {"x": np.zeros((m, k), np.float32)}, ("y", np.float32, [m, n]), fixed)


def text_model(weight: Weight, m: int, path: Path, bits: int = 8, group: int = 0) -> Path:
    """The same for Lutra alone, of any encoding; groups (0: those of the weight) may be rounded to so many bits."""
    n, k = weight.shape
    form = f"int<{bits}, sym, group<{group or weight.group}>>"
    kind = f"tensor<{n}x{k}xf32, #lutra.encoding<{encoding_text(weight)}, act = {form}>>"
    left, out = f"tensor<{m}x{k}xf32>", f"tensor<{m}x{n}xf32>"
    data = encoded(weight)
    path.write_text(f"""
lutra.global @w : {kind} = dense<"0x{data.tobytes().hex().upper()}"> : tensor<{data.nbytes}xi8>
func.func @main(%x: {left} {{lutra.name = "x"}}) -> ({out} {{lutra.name = "y"}}) {{
  %w = lutra.weight @w : {kind}
  %y = lutra.matmul %x, %w {{transpose_rhs}} : ({left}, {kind}) -> {out}
  return %y : {out}
}}
""")
    return path


def coded_gemm(
    m: int, weight: Weight, name: str, work: Path, level: int = 4, cold: bool = False, by_token: bool = False
) -> Case:
    """A product that everybody reads from MatMulNBits, or where that has no such codes, or may not say that rows are
    rounded with one scale each, Lutra from text."""
    n, k = weight.shape
    x = np.random.default_rng(m + n + k).standard_normal((m, k)).astype(np.float32)
    peers: dict[str, bytes] = {}
    is_onnx = weight.bits in (2, 4, 8) and (weight.zeros is not None or weight.zero is not None)
    if is_onnx and not weight.is_ternary and not by_token:
        model: bytes | Path = matmul_nbits(weight, m, level)
        peers["onnxruntime-f32"] = matmul_nbits(weight, m, 1)
    else:
        model = text_model(weight, m, work / f"{name.replace(' ', '_')}.mlir", group=k if by_token else 0)
        if is_onnx:
            peers = {peer: matmul_nbits(weight, m, level) for peer in ("onnxruntime", "openvino")}
    return Case(
        name,
        model,
        {"x": x},
        Work(1.0 * m * n * k, 4.0 * m * (k + n) + weight.bytes, m, coded=level == 4, bfloat=level == 3, cold=cold),
        rounded_group=weight.group if level >= 3 else 0,
        weight=weight,
        peers=peers,
    )


def binary_gemm(m: int, weight: Weight, bits: int, name: str, work: Path) -> Case:
    """A product with activations of few bits, which nobody beside Lutra has."""
    n, k = weight.shape
    x = np.random.default_rng(m + n + k).standard_normal((m, k)).astype(np.float32)
    return Case(
        name,
        text_model(weight, m, work / f"{name.replace(' ', '_')}.mlir", bits),
        {"x": x},
        Work(1.0 * m * n * k, 4.0 * m * (k + n) + weight.bytes, m, coded=True),
    )


def _quantized_left(x: npt.NDArray[np.float32], static: bool) -> tuple[list[Any], Arrays]:
    """Nodes that make bytes `q` of x, a scale `xs` and a zero point `xz` for all of it."""
    from onnx import helper

    if not static:
        return [helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "xs", "xz"])], {}
    scale = np.float32(np.abs(x).max() / 127)
    nodes = [helper.make_node("QuantizeLinear", ["x", "xs", "xz"], ["q"])]
    return nodes, {"xs": np.asarray(scale), "xz": np.asarray(np.uint8(128))}


def byte_gemm(m: int, n: int, k: int, static: bool) -> Case:
    """f32 rounded to bytes, with one scale that is known before or found, x bytes with a scale for each column."""
    from onnx import helper

    x = np.random.default_rng(m + n + k).standard_normal((m, k)).astype(np.float32)
    weight = integers(n, k, 8, k, 128)
    w = (weight.codes.astype(np.int16) - 128).astype(np.int8).T.copy()
    columns = weight.scales[:, 0]
    nodes, fixed = _quantized_left(x, static)
    spelled = [
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wf"], axis=1),
        helper.make_node("MatMul", ["xf", "wf"], ["y"]),
    ]
    described: Arrays = {"w": w, "ws": columns, "wz": np.zeros(n, np.int8)}
    if static:
        nodes += [helper.make_node("DequantizeLinear", ["q", "xs", "xz"], ["xf"]), *spelled]
        fixed |= described
    else:
        nodes += [
            helper.make_node("MatMulInteger", ["q", "w", "xz"], ["sums"]),
            helper.make_node("Cast", ["sums"], ["float_sums"], to=1),
            helper.make_node("Mul", ["xs", "ws"], ["scale"]),
            helper.make_node("Mul", ["float_sums", "scale"], ["y"]),
        ]
        fixed |= {"w": w, "ws": columns}
    out = ("y", np.float32, [m, n])
    peers: dict[str, bytes] = {}
    if not static:  # openvino quantizes what is f32 by itself, rows for themselves
        spelled[1] = helper.make_node("MatMul", ["x", "wf"], ["y"])
        peers["openvino"] = onnx_model(spelled, {"x": x}, out, described)
    return Case(
        f"w8a8 {'static' if static else 'dynamic'} gemm {m}x{n}x{k}",
        onnx_model(nodes, {"x": x}, out, fixed),
        {"x": x},
        Work(1.0 * m * n * k, 4.0 * m * (k + n) + weight.bytes, m, coded=True),
        rounded_group=k,
        weight=weight,
        peers=peers,
        static_scale=float(fixed["xs"]) if static else 0,
    )


def _grouped(bits: int, group: int, zero: int | None = None) -> Callable[[int, int], Weight]:
    return lambda n, k: integers(n, k, bits, group, zero)


FORMS: dict[str, tuple[Callable[[int, int], Weight], float]] = {  # name: weight of a shape, bits
    "w8a8 g128": (_grouped(8, 128, 128), 8),
    "w3a8 g128": (_grouped(3, 128, 4), 3),
    "w2a8 g128": (_grouped(2, 128, 1), 2),
    "ternary a8 g128": (lambda n, k: ternary(n, k, 128), 1.6),
    "w1a8 g128": (lambda n, k: bipolar(n, k, 128), 1),
    "fp4 a8 g32": (fp4, 4),
    "nf4 a8 g64": (nf4, 4),
    "iq4_nl a8 g32": (iq4_nl, 4),
    "bitmod4 a8 g128": (bitmod4, 4),
    "pot3 a8 g32": (lambda n, k: powers(n, k, 3), 3),
    "pot4 a8 g32": (lambda n, k: powers(n, k, 4), 4),
}


def _shapes(bits: float) -> Iterator[tuple[int, int, bool]]:
    """n, k and whether caches are cold: about 1 MB of codes (L2), 8 (L3) and 32, which lie in memory."""
    yield 64 * round(64 / bits), 2048, False
    yield 4096 if bits > 2 else 16384, 4096, False
    yield 64 * round(1024 / bits), 4096, True


def few_lowbit(work: Path) -> Iterator[Planned]:
    """Those of 4096 x 4096 that change with most of what is done to kernels."""

    def plan(m: int, form: str, bits: int, group: int, level: int) -> Planned:
        name = f"{form} gemm {m}x4096x4096"
        return name, lambda: coded_gemm(m, integers(4096, 4096, bits, group), name, work, level)

    for m, group in ((1, 32), (16, 32), (128, 128)):
        yield plan(m, f"w4 g{group}", 4, group, 1)
    for group in (32, 128):
        for m in (1, 4, 16, 128):
            yield plan(m, f"w4a8 g{group}", 4, group, 4)
    for group in (32, 128):
        yield plan(128, f"w4 bf16 g{group}", 4, group, 3)
    for bits in (2, 8):
        for m in (1, 16, 128):
            yield plan(m, f"w{bits}a8 g128", bits, 128, 4)
    for m in (1, 4, 16):
        name = f"w1a8 g128 gemm {m}x4096x4096"
        yield name, lambda m=m, name=name: coded_gemm(m, bipolar(4096, 4096, 128), name, work)  # type: ignore[misc]


def ragged(work: Path) -> Iterator[Planned]:
    """Shapes that tiles do not divide, each before the one whose columns and groups are filled up to whole tiles."""

    def plan(m: int, n: int, k: int, group: int, kind: str) -> Planned:
        name = f"{kind} w4a8 g{group} gemm {m}x{n}x{k}"

        def make() -> Case:
            weight = integers(n, k, 4, group)
            x = np.random.default_rng(m + n + k).standard_normal((m, k)).astype(np.float32)
            model = text_model(weight, m, work / f"{name.replace(' ', '_')}.mlir")
            macs, moved = 1.0 * m * n * k, 4.0 * m * (k + n) + weight.bytes
            return Case(name, model, {"x": x}, Work(macs, moved, m, coded=True), rounded_group=group, weight=weight)

        return name, make

    for n, k, group in RAGGED:
        filled = -(-group // 64) * 64
        for m in RAGGED_ROWS:
            yield plan(m, n, k, group, "ragged")
            yield plan(m, -(-n // 64) * 64, -(-k // group) * filled, filled, "filled")


def lowbit(work: Path) -> Iterator[Planned]:
    """What issue 4 sets bars for. Cases are made when they are measured."""

    def plan(m: int, n: int, k: int, form: str, make: Maker, cold: bool, level: int, by_token: bool = False) -> Planned:
        name = f"{form} gemm {m}x{n}x{k}{f' {COLD}' if cold else ''}"
        return name, lambda: coded_gemm(m, make(n, k), name, work, level, cold, by_token)

    for form, make in (("w4a8 g128", _grouped(4, 128)), ("w4a8 g32 sym", _grouped(4, 32, 8))):
        for n in (4096, 11008):
            for m in ROWS:
                yield plan(m, n, 4096, form, make, False, 4)
        for n, k, cold in ((1024, 2048, False), (16384, 4096, True)):
            for m in ROWS[:3]:
                yield plan(m, n, k, form, make, cold, 4)
    for form, make in (("w4a8 token g128", _grouped(4, 128)), ("w4a8 token g32 sym", _grouped(4, 32, 8))):
        for n in (4096, 11008):
            for m in ROWS[3:]:
                yield plan(m, n, 4096, form, make, False, 4, by_token=True)
    for m in ROWS:
        yield plan(m, 4096, 4096, "w4 g128", _grouped(4, 128), False, 1)
    for form, make in (("w4 bf16 g128", _grouped(4, 128)), ("w4 bf16 g32 sym", _grouped(4, 32, 8))):
        for n in (4096, 11008):
            for m in ROWS[2:]:
                yield plan(m, n, 4096, form, make, False, 3)
    for form, (make, bits) in FORMS.items():
        for n, k, cold in _shapes(bits):
            yield plan(1, n, k, form, make, cold, 4)
    for bits in (1, 2):
        for m in (1, 4, 16):
            name = f"w1a{bits} g128 gemm {m}x4096x4096"
            yield (
                name,
                lambda m=m, bits=bits, name=name: binary_gemm(m, bipolar(4096, 4096, 128), bits, name, work),  # type: ignore[misc]
            )
    for static in (True, False):
        for m in (1, 16, 128, 512):
            name = f"w8a8 {'static' if static else 'dynamic'} gemm {m}x4096x4096"
            yield name, lambda m=m, static=static: byte_gemm(m, 4096, 4096, static)  # type: ignore[misc]
