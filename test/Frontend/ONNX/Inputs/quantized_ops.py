"""Compiles the ops from codes to codes of com.microsoft and compares them with NumPy, in f32 as DequantizeLinear and
QuantizeLinear compute, and with onnxruntime, whose integer kernels may give a neighbour where f32 is beside a tie."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lutra
import numpy as np
import numpy.typing as npt
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[Any]
KINDS = {"uint8": TensorProto.UINT8, "int8": TensorProto.INT8, "bool": TensorProto.BOOL, "float32": TensorProto.FLOAT}
ONE = np.float32(1)
EXACT_STEPS = {"QLinearAdd": 0, "QLinearConcat": 0, "QLinearMul": 0, "QLinearWhere": 0, "QLinearLeakyRelu": 0}
"""Ops that f32 computes in one way; of others a code may be off by one."""
MOST_APART = 3
"""Codes that may be."""


@dataclass(frozen=True, slots=True)
class Codes:
    """A tensor of codes, or, without a shape, what a result is rounded to."""

    scale: float
    zero: int | None = None
    kind: type = np.uint8
    shape: tuple[int, ...] | None = None

    def parameters(self) -> list[Array | None]:
        return [np.float32(self.scale), None if self.zero is None else np.array(self.zero, self.kind)]

    def values(self, codes: Array) -> Array:
        return (codes.astype(np.float32) - np.float32(self.zero or 0)) * np.float32(self.scale)

    def codes(self, values: Array) -> Array:
        limits = np.iinfo(self.kind)
        rounded = np.rint(values.astype(np.float32) / np.float32(self.scale)) + (self.zero or 0)
        return np.clip(rounded, limits.min, limits.max).astype(self.kind)


@dataclass(frozen=True, slots=True)
class Case:
    op: str
    inputs: list[Codes | Array]
    result: Codes
    reference: Callable[..., Array]
    attributes: dict[str, Any]
    first: bool = False  # whether the result's scale and zero point come first


def softmax(x: Array, axis: int) -> Array:
    e = np.exp(x.astype(np.float64) - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def cases() -> list[Case]:
    a, b = Codes(0.041, 131, shape=(3, 256)), Codes(0.017, 7, shape=(3, 256))
    sa, sb = Codes(0.041, -3, np.int8, (3, 256)), Codes(0.5, 0, np.int8, (256,))
    out, signed = Codes(0.06, 128), Codes(0.03, -9, np.int8)
    image = Codes(0.02, 100, shape=(2, 5, 7, 3))
    ties = Codes(0.5, 100, shape=(3, 256))
    chosen = np.arange(768).reshape(3, 256) % 3 == 0
    return [
        Case("QLinearAdd", [a, b], out, np.add, {}),
        Case("QLinearAdd", [sa, sb], signed, np.add, {}),
        Case("QLinearAdd", [ties, ties], Codes(1.0, 3), np.add, {}),
        Case("QLinearMul", [a, b], out, np.multiply, {}),
        Case("QLinearMul", [sa, sb], signed, np.multiply, {}),
        Case("QLinearSigmoid", [a], Codes(1 / 256, 0), lambda x: 1 / (1 + np.exp(-x.astype(np.float64))), {}),
        Case("QLinearSigmoid", [sa], Codes(1 / 256, -128, np.int8), lambda x: 1 / (1 + np.exp(-x.astype(float))), {}),
        Case("QLinearLeakyRelu", [a], out, lambda x: np.where(x < 0, x * np.float32(0.1), x), {"alpha": 0.1}),
        Case("QLinearSoftmax", [a], Codes(1 / 256, 0), lambda x: softmax(x, 1), {"axis": 1, "opset": 13}),
        Case("QLinearSoftmax", [sa], Codes(1 / 256, -128, np.int8), lambda x: softmax(x, 1), {"axis": 1, "opset": 12}),
        Case("QLinearGlobalAveragePool", [image], Codes(0.01, 90), lambda x: x.mean((2, 3), keepdims=True, dtype=float),
             {"channels_last": 0}),
        Case("QLinearGlobalAveragePool", [image], Codes(0.01, 90), lambda x: x.mean((1, 2), keepdims=True, dtype=float),
             {"channels_last": 1}),
        Case("QLinearConcat", [a, b], out, lambda x, y: np.concatenate([x, y], 1), {"axis": 1}, first=True),
        Case("QLinearWhere", [chosen, a, b], out, np.where, {}),
    ]  # fmt: skip


def run(case: Case, generator: np.random.Generator, corrupt: bool) -> bool:
    """Whether the compiled op gives the codes."""
    names: list[str] = []
    feeds: dict[str, Array] = {}
    fixed: list[Array] = []

    def parameters(codes: Codes) -> None:
        for value in codes.parameters():
            names.append("" if value is None else f"p{len(fixed)}")
            if value is not None:
                fixed.append(value)

    if case.first:
        parameters(case.result)
    values: list[Array] = []
    for index, entry in enumerate(case.inputs):
        names.append(f"x{index}")
        if isinstance(entry, np.ndarray):
            feeds[names[-1]] = entry
            values.append(entry)
            continue
        count = int(np.prod(entry.shape))
        every = (np.arange(count) % 256).astype(np.uint8).view(entry.kind)
        feeds[names[-1]] = generator.permutation(every).reshape(entry.shape)
        values.append(entry.values(feeds[names[-1]]))
        parameters(entry)
    if not case.first:
        parameters(case.result)
    want = case.result.codes(case.reference(*values))
    initializers = [numpy_helper.from_array(np.asarray(value), f"p{i}") for i, value in enumerate(fixed)]
    graph = helper.make_graph(
        [helper.make_node(case.op, names, ["y"], domain="com.microsoft", **case.attributes)],
        "op",
        [helper.make_tensor_value_info(name, KINDS[v.dtype.name], v.shape) for name, v in feeds.items()],
        [helper.make_tensor_value_info("y", KINDS[want.dtype.name], want.shape)],
        initializers,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()
    (got,) = lutra.compile(model, threads=1)(**feeds)
    if corrupt:
        want = want ^ want.dtype.type(2)
    steps = np.abs(np.asarray(got).astype(int) - want.astype(int))
    (other,) = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, feeds)
    apart = np.abs(np.asarray(got).astype(int) - other.astype(int))
    good = steps.max() <= EXACT_STEPS.get(case.op, 1) and steps.sum() <= MOST_APART and apart.max() <= 1
    print(f"{case.op}: {steps.max()} and {apart.max()} off: {'good' if good else 'too far'}")
    return bool(good)


def gemm(generator: np.random.Generator) -> bool:
    """QGemm with every transposition, exact in its sums; scales of columns, and results in f32."""
    good = True
    for transpose, columns in ((0, False), (1, False), (1, True)):
        a = generator.integers(0, 256, (17, 64)).astype(np.uint8)
        b = generator.integers(-128, 128, (64, 24)).astype(np.int8)
        c = generator.integers(-1000, 1000, 24).astype(np.int32)
        count = 24 if columns else 1
        scales = np.full(count, 0.02, np.float32) * (1 + np.arange(count, dtype=np.float32))
        zeros = np.zeros(count, np.int8)
        fixed = {"as": np.float32(0.01), "az": np.uint8(120), "b": b.T if transpose else b,
                 "bs": scales if columns else scales[0], "bz": zeros if columns else np.int8(5), "c": c}  # fmt: skip
        sums = (a.astype(int) - 120) @ (b.astype(int) - (0 if columns else 5)) + c
        want = sums.astype(np.float32) * (np.float32(0.01) * scales * ONE)
        graph = helper.make_graph(
            [helper.make_node("QGemm", ["a", *fixed], ["y"], domain="com.microsoft", transB=transpose)],
            "gemm",
            [helper.make_tensor_value_info("a", TensorProto.UINT8, ["rows", 64])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 24])],
            [numpy_helper.from_array(np.asarray(value), name) for name, value in fixed.items()],
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()
        (got,) = lutra.compile(model, threads=1)(a)
        close = bool(np.array_equal(got, want))
        print(f"QGemm: {'good' if close else 'too far'}")
        good &= close
    return good


def refuses_parts() -> bool:
    """QLinearConcat whose last tensor has no zero point: no input is dropped without a word."""
    names = ["s", "z", "a", "as", "az", "b", "bs"]
    graph = helper.make_graph(
        [helper.make_node("QLinearConcat", names, ["y"], domain="com.microsoft", axis=0)],
        "parts",
        [helper.make_tensor_value_info(name, TensorProto.UINT8, [2, 3]) for name in ("a", "b")],
        [helper.make_tensor_value_info("y", TensorProto.UINT8, [4, 3])],
        [
            numpy_helper.from_array(np.asarray(np.uint8(3) if name[-1] == "z" else ONE), name)
            for name in ("s", "z", "as", "az", "bs")
        ],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()
    try:
        lutra.compile(model, threads=1)
    except lutra.InvalidModelError as error:
        return "has 7 inputs, not two and three for each tensor" in str(error)
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corrupt", action="store_true", help="expect other codes")
    options = parser.parse_args()
    generator = np.random.default_rng(7)
    good = all([run(case, generator, options.corrupt) for case in cases()])
    return 0 if gemm(generator) and refuses_parts() and good else 1


if __name__ == "__main__":
    sys.exit(main())
