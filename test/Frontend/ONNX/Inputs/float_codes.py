"""Compiles products, convolutions and lookups of constants of 4-, 6- and 8-bit floats and compares them with NumPy."""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass
from typing import Any

import lutra
import ml_dtypes
import numpy as np
import numpy.typing as npt
from numpy_cases import run_cases
from onnx import NodeProto, TensorProto, helper, numpy_helper

Array = npt.NDArray[Any]
CODES: dict[str, type] = {
    "e4m3": ml_dtypes.float8_e4m3fn,
    "e5m2": ml_dtypes.float8_e5m2,
    "e2m3": ml_dtypes.float6_e2m3fn,
    "e3m2": ml_dtypes.float6_e3m2fn,
    "e2m1": ml_dtypes.float4_e2m1fn,
}
REALS: dict[int, type] = {
    TensorProto.FLOAT: np.float32,
    TensorProto.FLOAT16: np.float16,
    TensorProto.BFLOAT16: ml_dtypes.bfloat16,
}
UNITS = {TensorProto.FLOAT: 2.0**-24, TensorProto.FLOAT16: 2.0**-11, TensorProto.BFLOAT16: 2.0**-8}


@dataclass(frozen=True, slots=True)
class Case:
    """x [rows, k] (or an image of k channels) with a constant of n columns; rows known at run time only."""

    op: str  # matmul, gemm (the weight is [n, k]), turned (Transpose of [n, k]), conv, gather
    codes: str
    k: int
    n: int
    scales: str  # one, columns, blocks of 32 along k, powers (blocks too, of e8m0), levels (of 16, of e4m3 times one)
    real: int = TensorProto.FLOAT  # the type of x, of the scales and of the result
    left: str = ""  # x is rounded to this type first


def every(codes: str) -> Array:
    """All finite numbers of a type."""
    bits = {"e4m3": 8, "e5m2": 8, "e2m3": 6, "e3m2": 6, "e2m1": 4}[codes]
    values = np.arange(2**bits, dtype=np.uint8).view(CODES[codes])
    return values[np.isfinite(values.astype(np.float64))]


class Model:
    """A graph in the making, with the values of its constants."""

    def __init__(self, case: Case, generator: np.random.Generator) -> None:
        self.case, self.generator = case, generator
        self.tensors: list[TensorProto] = []
        self.nodes: list[NodeProto] = []

    def constant(self, name: str, values: Array) -> Array:
        self.tensors.append(numpy_helper.from_array(values, name))
        return values.astype(np.float64)

    def dequantize(self, name: str, inputs: list[str], **where: int) -> None:
        if self.case.scales == "powers":
            where["output_dtype"] = self.case.real
        self.nodes.append(helper.make_node("DequantizeLinear", inputs, [name], **where))

    def scale(self, sides: tuple[int, ...]) -> Array:
        generator, case = self.generator, self.case
        if case.scales == "powers":
            return self.constant("w_scale", (2.0 ** generator.integers(-9, 3, sides)).astype(ml_dtypes.float8_e8m0fnu))
        if case.scales == "levels":
            codes = self.constant("w_level", generator.uniform(0.5, 300, sides).astype(ml_dtypes.float8_e4m3fn))
            factor = self.constant("w_factor", np.asarray(0.0013, REALS[case.real]))
            self.nodes.append(helper.make_node("DequantizeLinear", ["w_level", "w_factor"], ["w_scale"]))
            return codes * factor
        return self.constant("w_scale", (generator.uniform(0.5, 2, sides) / 64).astype(REALS[case.real]))

    def weight(self, shape: tuple[int, ...], k_dim: int) -> Array:
        """The constant `w`, dequantized, whose dimension k_dim is summed over."""
        case = self.case
        values = self.constant("w_codes", self.generator.choice(every(case.codes), shape))
        block = {"blocks": 32, "powers": 32, "levels": 16}.get(case.scales, 0)
        where: dict[str, int] = {}
        sides: tuple[int, ...] = ()
        if case.scales == "columns":
            sides, where = (case.n,), {"axis": 1 - k_dim}
        elif block:
            sides = tuple(-(-size // block) if dim == k_dim else size for dim, size in enumerate(shape))
            where = {"axis": k_dim, "block_size": block}
        scale = self.scale(sides)
        self.dequantize("w", ["w_codes", "w_scale"], **where)
        if block:
            return values * np.take(scale, np.arange(shape[k_dim]) // block, k_dim)
        if not sides:
            return values * scale
        return values * scale.reshape([-1 if dim == where["axis"] else 1 for dim in range(len(shape))])

    def left(self, shape: tuple[int, ...]) -> tuple[Array, Array, str]:
        """What the model is given, what it means, and the name of that."""
        case = self.case
        x = self.generator.standard_normal(shape).astype(REALS[case.real])
        if not case.left:
            return x, x.astype(np.float64), "x"
        scale, kind = np.float32(2.0**-8), CODES[case.left]  # so that some saturate, whichever type it is
        self.tensors.append(numpy_helper.from_array(scale, "x_scale"))
        self.tensors.append(numpy_helper.from_array(np.zeros((), kind), "x_zero"))
        self.nodes.append(helper.make_node("QuantizeLinear", ["x", "x_scale", "x_zero"], ["xq"]))
        self.nodes.append(helper.make_node("DequantizeLinear", ["xq", "x_scale", "x_zero"], ["xf"]))
        most = float(ml_dtypes.finfo(kind).max)
        codes = np.clip(x / scale, -most, most).astype(kind)
        return x, codes.astype(np.float64) * scale, "xf"


def run(case: Case, generator: np.random.Generator) -> tuple[Array, Array, Array]:
    """What is computed, what NumPy computes, and how far they may differ."""
    model, rows = Model(case, generator), int(generator.choice([1, 3, 6, 17]))
    n, k = case.n, case.k
    y_shape: list[int | str] = ["rows", n]
    if case.op == "conv":
        x, values, name = model.left((rows, k, 5, 6))
        filters = model.weight((n, k, 3, 3), k_dim=1)
        model.nodes.append(helper.make_node("Conv", [name, "w"], ["y"]))
        windows = np.lib.stride_tricks.sliding_window_view(values, (3, 3), axis=(2, 3))
        expected = np.einsum("bchwij,ncij->bnhw", windows, filters)
        bound = np.einsum("bchwij,ncij->bnhw", abs(windows), abs(filters))
        y_shape, k = ["rows", n, 3, 4], k * 9
    elif case.op == "gather":
        x = generator.integers(0, k, (rows, 2))
        expected = model.weight((k, n), k_dim=0)[x]
        model.nodes.append(helper.make_node("Gather", ["w", "x"], ["y"]))
        bound, y_shape = abs(expected), ["rows", 2, n]
    else:
        x, values, name = model.left((rows, k))
        turned = case.op != "matmul"
        weight = model.weight((n, k) if turned else (k, n), k_dim=1 if turned else 0)
        weight = weight.T if turned else weight
        expected, bound = values @ weight, abs(values) @ abs(weight)
        if case.op == "turned":
            model.nodes.append(helper.make_node("Transpose", ["w"], ["t"]))
        node = ("Gemm", {"transB": 1}) if case.op == "gemm" else ("MatMul", {})
        model.nodes.append(helper.make_node(node[0], [name, "t" if case.op == "turned" else "w"], ["y"], **node[1]))
    graph = helper.make_graph(
        model.nodes,
        "float_codes",
        [helper.make_tensor_value_info("x", helper.np_dtype_to_tensor_dtype(x.dtype), ["rows", *x.shape[1:]])],
        [helper.make_tensor_value_info("y", case.real, y_shape)],
        model.tensors,
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 28)], ir_version=14)
    (result,) = lutra.compile(proto.SerializeToString(), threads=1, target_cpu="native")(x)
    # Sums of k products in f32; the weight, and the result, are rounded to the model's type.
    bound = ((k + 8) * 2.0**-24 + 3 * UNITS[case.real]) * bound + 1e-30
    return result.astype(np.float64), expected, bound


def cases() -> list[Case]:
    sizes = [(64, 64), (70, 65), (304, 33), (5, 3), (1, 1)]
    forms = itertools.product(["matmul", "gemm", "turned"], ["one", "columns", "blocks", "powers", "levels"])
    result = []
    for i, (op, scales) in enumerate(forms):
        result += [Case(op, codes, *sizes[(i + j) % 5], scales) for j, codes in enumerate(CODES)]
    # NVFP4 and MXFP4, which keep their scales, beside plain ones; models in 16 bits.
    result += [Case("turned", "e2m1", 128, 96, scales) for scales in ("levels", "powers", "blocks")]
    result += [
        Case(op, codes, 80, 72, scales, real)
        for real in (TensorProto.FLOAT16, TensorProto.BFLOAT16)
        for op, codes, scales in [
            ("matmul", "e4m3", "columns"),
            ("turned", "e2m1", "blocks"),
            ("gemm", "e2m1", "powers"),
            ("conv", "e4m3", "one"),
        ]
    ]
    sides = itertools.product(("e4m3", "e5m2"), ("one", "columns"))
    result += [Case("matmul", "e4m3", 96, 80, scales, left=left) for left, scales in sides]
    result += [Case("conv", codes, 4, 7, "one", left=left) for codes in ("e4m3", "e5m2") for left in ("", "e4m3")]
    result += [Case("gather", codes, 90, 48, scales) for codes in CODES for scales in ("one", "columns")]
    return result


if __name__ == "__main__":
    sys.exit(run_cases(__doc__, cases(), run))
