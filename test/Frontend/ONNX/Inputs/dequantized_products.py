"""Compiles products, convolutions and lookups of dequantized constants and compares them with NumPy in f64."""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass
from typing import Any

import lutra
import numpy as np
import numpy.typing as npt
from numpy_cases import run_cases
from onnx import NodeProto, TensorProto, helper

Array = npt.NDArray[Any]
RANGES = {
    TensorProto.INT2: (-2, 1),
    TensorProto.UINT2: (0, 3),
    TensorProto.INT4: (-8, 7),
    TensorProto.UINT4: (0, 15),
    TensorProto.INT8: (-128, 127),
    TensorProto.UINT8: (0, 255),
    TensorProto.INT32: (-(2**31), 2**31 - 1),
}
BITS = {TensorProto.INT2: 2, TensorProto.UINT2: 2, TensorProto.INT4: 4, TensorProto.UINT4: 4}


@dataclass(frozen=True, slots=True)
class Case:
    """x [rows, k] (or an image of k channels) with a constant of n columns; rows known at run time only."""

    op: str  # matmul, gemm (the weight is [n, k]), turned (Transpose of [n, k]), conv, gather
    kind: int
    k: int
    n: int
    scales: str  # one, columns, blocks of 32 along k, twenties (blocks of 20), rows (a scale for each k)
    zeros: bool
    left: int = TensorProto.FLOAT  # or the type of codes that a DequantizeLinear reads


def packed(name: str, kind: int, values: Array) -> TensorProto:
    """A tensor whose bytes hold as many codes as ONNX says, the first one lowest."""
    bits = BITS.get(kind, 32 if kind == TensorProto.INT32 else 8)
    if bits >= 8:
        raw = values.astype(np.int32 if bits == 32 else np.int64).astype("<i4" if bits == 32 else np.uint8).tobytes()
    else:
        flat = values.ravel().astype(np.int64) & ((1 << bits) - 1)
        flat = np.pad(flat, (0, -len(flat) % (8 // bits))).reshape(-1, 8 // bits)
        raw = (flat << (bits * np.arange(8 // bits))).sum(axis=1).astype(np.uint8).tobytes()
    return helper.make_tensor(name, kind, values.shape, raw, raw=True)


def codes(generator: np.random.Generator, kind: int, shape: tuple[int, ...]) -> Array:
    """Codes over the whole range, some of them at its ends."""
    low, high = RANGES[kind]
    inner = generator.integers(low, high, shape, endpoint=True)
    return np.where(generator.random(shape) < 0.2, generator.choice([low, high], shape), inner)


class Model:
    """A graph in the making, with the values of its constants."""

    def __init__(self, case: Case, generator: np.random.Generator) -> None:
        self.case, self.generator = case, generator
        self.tensors: list[TensorProto] = []
        self.nodes: list[NodeProto] = []

    def dequantized(self, name: str, kind: int, shape: tuple[int, ...], sides: tuple[int, ...], **where: int) -> Array:
        """A constant `name` of codes with scales (and zero points) of shape `sides`; its values."""
        values = (
            codes(self.generator, kind, shape)
            if kind != TensorProto.INT32
            else codes(self.generator, TensorProto.INT8, shape) * 1000
        )
        scale = self.generator.uniform(0.5, 2, sides).astype(np.float32) / 64
        self.tensors.append(packed(f"{name}_codes", kind, values))
        self.tensors.append(helper.make_tensor(f"{name}_scale", TensorProto.FLOAT, sides, scale.ravel()))
        inputs = [f"{name}_codes", f"{name}_scale"]
        zero = np.zeros(sides, np.int64)
        if self.case.zeros and kind != TensorProto.INT32:
            zero = codes(self.generator, kind, sides)
            self.tensors.append(packed(f"{name}_zero", kind, zero))
            inputs.append(f"{name}_zero")
        self.nodes.append(helper.make_node("DequantizeLinear", inputs, [name], **where))
        axis, block = where.get("axis", 1), where.get("block_size", 0)

        def spread(side: Array) -> Array:
            if block:
                return np.take(side, np.arange(shape[axis]) // block, axis)
            return side.reshape([-1 if dim == axis else 1 for dim in range(len(shape))]) if side.ndim else side

        return (values - spread(zero)).astype(np.float64) * spread(scale.astype(np.float64))

    def weight(self) -> Array:
        """The constant as [k, n]."""
        case = self.case
        turned = case.op in ("gemm", "turned")
        shape = (case.n, case.k) if turned else (case.k, case.n)
        k_dim = 1 if turned else 0
        where: dict[str, int] = {}
        sides: tuple[int, ...] = ()
        if case.scales == "columns":
            sides, where = (case.n,), {"axis": 1 - k_dim}
        elif case.scales == "rows":
            sides, where = (case.k,), {"axis": k_dim}
        elif case.scales in ("blocks", "twenties"):
            block = 32 if case.scales == "blocks" else 20
            blocks = -(-case.k // block)
            sides = (case.n, blocks) if turned else (blocks, case.n)
            where = {"axis": k_dim, "block_size": block}
        values = self.dequantized("w", case.kind, shape, sides, **where)
        return values.T if turned else values

    def left(self, shape: tuple[int, ...]) -> tuple[Array, Array, str]:
        """What the model is given, what it means, and the name of that."""
        if self.case.left == TensorProto.FLOAT:
            x = self.generator.standard_normal(shape).astype(np.float32)
            return x, x.astype(np.float64), "x"
        x = codes(self.generator, self.case.left, shape)
        zero = codes(self.generator, self.case.left, ()) if self.case.zeros else np.zeros((), np.int64)
        scale = np.float32(0.037)
        self.tensors.append(helper.make_tensor("x_scale", TensorProto.FLOAT, (), [scale]))
        self.tensors.append(packed("x_zero", self.case.left, np.asarray(zero)))
        self.nodes.append(helper.make_node("DequantizeLinear", ["x", "x_scale", "x_zero"], ["xf"]))
        kind = np.uint8 if self.case.left == TensorProto.UINT8 else np.int8
        return x.astype(kind), (x - zero) * float(scale), "xf"


def run(case: Case, generator: np.random.Generator) -> tuple[Array, Array, Array]:
    """What is computed, what NumPy computes, and how far they may differ."""
    model, rows = Model(case, generator), int(generator.choice([1, 3, 6, 17]))
    n, k = case.n, case.k
    y_shape: list[int | str] = ["rows", n]
    if case.op == "conv":
        x, values, name = model.left((rows, k, 5, 6))
        filters = model.dequantized("w", case.kind, (n, k, 3, 3), (n,) if case.scales == "columns" else (), axis=0)
        bias = model.dequantized("b", TensorProto.INT32, (n,), ())
        model.nodes.append(helper.make_node("Conv", [name, "w", "b"], ["y"]))
        windows = np.lib.stride_tricks.sliding_window_view(values, (3, 3), axis=(2, 3))
        expected = np.einsum("bchwij,ncij->bnhw", windows, filters) + bias[None, :, None, None]
        bound = np.einsum("bchwij,ncij->bnhw", abs(windows), abs(filters)) + abs(bias)[None, :, None, None]
        y_shape, k = ["rows", n, 3, 4], k * 9
    elif case.op == "gather":
        x = generator.integers(0, k, (rows, 2))
        model.nodes.append(helper.make_node("Gather", ["w", "x"], ["y"]))
        expected = model.weight()[x]
        model.nodes.reverse()
        bound, y_shape = abs(expected), ["rows", 2, n]
    else:
        x, values, name = model.left((rows, k))
        weight = model.weight()
        expected, bound = values @ weight, abs(values) @ abs(weight)
        right = "w"
        if case.op == "turned":
            model.nodes.append(helper.make_node("Transpose", ["w"], ["t"]))
            right = "t"
        if case.op == "gemm":
            bias = model.dequantized("b", TensorProto.INT32, (n,), ())
            expected, bound = expected + bias, bound + abs(bias)
            model.nodes.append(helper.make_node("Gemm", [name, "w", "b"], ["y"], transB=1))
        else:
            model.nodes.append(helper.make_node("MatMul", [name, right], ["y"]))
    kind = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.int64): TensorProto.INT64}.get(x.dtype, case.left)
    graph = helper.make_graph(
        model.nodes,
        "dequantized",
        [helper.make_tensor_value_info("x", kind, ["rows", *x.shape[1:]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, y_shape)],
        model.tensors,
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)], ir_version=11)
    (result,) = lutra.compile(proto.SerializeToString(), threads=1, target_cpu="native")(x)
    return result, expected, (k + 8) * 2.0**-24 * bound + 1e-30


def cases() -> list[Case]:
    kinds = [kind for kind in RANGES if kind != TensorProto.INT32]
    sizes = [(64, 64), (70, 65), (300, 33), (5, 3), (1, 1)]
    forms = itertools.product(["matmul", "gemm", "turned"], ["one", "columns", "blocks", "rows"], [False, True])
    result = []
    for i, (op, scales, zeros) in enumerate(forms):
        result += [
            Case(op, kinds[(i + j) % 6], *sizes[(i + j) % 5], scales, zeros) for j in range(2 if op == "matmul" else 1)
        ]
    left = [TensorProto.UINT8, TensorProto.INT8]
    for i, (op, scales, kind) in enumerate(itertools.product(["matmul", "gemm"], ["one", "columns", "blocks"], left)):
        result += [Case(op, kinds[4 + i % 2], *sizes[(i + j) % 5], scales, j == 1, kind) for j in range(2)]
    result.append(Case("matmul", TensorProto.INT4, 64, 64, "columns", True, TensorProto.INT8))
    for left in (TensorProto.FLOAT, TensorProto.UINT8):
        result += [Case("matmul", kind, 300, 33, "twenties", True, left) for kind in kinds[2:]]
    result += [
        Case("conv", kind, 4, 7, scales, kind == TensorProto.UINT8, TensorProto.UINT8)
        for kind in (TensorProto.INT8, TensorProto.UINT8, TensorProto.INT4)
        for scales in ("one", "columns")
    ]
    result += [Case("gather", kind, 90, 48, scales, True) for kind in kinds for scales in ("one", "rows")]
    return result


if __name__ == "__main__":
    sys.exit(run_cases(__doc__, cases(), run))
