"""Compiles MatMulIntegerToFloat and DynamicQuantizeMatMul of com.microsoft and compares them with NumPy.

Codes and sums are exact, so little more than one rounding of the result remains. onnxruntime is compared where its
sums do not saturate: beside a B without a sign.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from dataclasses import dataclass
from typing import Any

import lutra
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from refusals import fault_of_refusals

Array = npt.NDArray[Any]
K, N = 133, 37  # of no whole panels
KINDS = {"uint8": TensorProto.UINT8, "int8": TensorProto.INT8, "float32": TensorProto.FLOAT}


@dataclass(frozen=True, slots=True)
class Case:
    dynamic: bool
    kind: type  # of B
    columns: bool  # whether each has its scale and zero point
    zero: bool
    bias: bool
    constant: bool = True  # B
    left: type = np.uint8
    mixed: bool = False  # of scale and zero point of B one alone is for columns


def cases() -> list[Case]:
    every = itertools.product((False, True), (np.uint8, np.int8), (False, True), (False, True), (False, True))
    more = [Case(dynamic, np.int8, False, False, True, constant=False) for dynamic in (False, True)]
    for dynamic, columns in itertools.product((False, True), (False, True)):
        more.append(Case(dynamic, np.int8, columns, True, True, mixed=True))
    return [*(Case(*one) for one in every), *more, Case(False, np.int8, True, True, True, left=np.int8)]


def build(case: Case, generator: np.random.Generator) -> tuple[bytes, dict[str, Array]]:
    limits = np.iinfo(case.kind)
    count = (N,) if case.columns else ()
    held: dict[str, Array] = {
        "B": generator.integers(limits.min, limits.max, (K, N), case.kind, endpoint=True),
        "b_scale": generator.uniform(0.01, 0.1, count).astype(np.float32),
    }
    if case.zero:
        points = (() if count else (N,)) if case.mixed else count
        held["b_zero"] = np.asarray(generator.integers(limits.min, limits.max, points, case.kind))
    if case.bias:
        held["bias"] = generator.standard_normal(N).astype(np.float32)
    if not case.dynamic:
        held["a_scale"] = np.array(0.031, np.float32)
        if case.zero:
            held["a_zero"] = np.array(11, case.left)
    names = ["A", "B", "b_scale", "b_zero", "bias"]
    if not case.dynamic:
        names = ["A", "B", "a_scale", "b_scale", "a_zero", "b_zero", "bias"]
    inputs = [name if name == "A" or name in held else "" for name in names]
    while not inputs[-1]:
        inputs.pop()
    op = "DynamicQuantizeMatMul" if case.dynamic else "MatMulIntegerToFloat"
    left = TensorProto.FLOAT if case.dynamic else KINDS[np.dtype(case.left).name]
    given = [helper.make_tensor_value_info("A", left, ["batch", "rows", K])]
    if not case.constant:
        given.append(helper.make_tensor_value_info("B", KINDS[np.dtype(case.kind).name], [K, N]))
    graph = helper.make_graph(
        [helper.make_node(op, inputs, ["y"], domain="com.microsoft")],
        "product",
        given,
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "rows", N])],
        [numpy_helper.from_array(value, name) for name, value in held.items() if name != "B" or case.constant],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString(), held


def reference(case: Case, held: dict[str, Array], a: Array) -> Array:
    scale, zero = held.get("a_scale", np.float32(1)), int(held.get("a_zero", np.array(0)))
    codes = a.astype(np.int64)
    if case.dynamic:
        low, high = np.minimum(a.min(), np.float32(0)), np.maximum(a.max(), np.float32(0))
        scale = (high - low) / np.float32(255)
        zero = int(np.clip(np.rint(-low / scale), 0, 255))
        codes = np.clip(np.rint(a / scale) + zero, 0, 255).astype(np.int64)
    sums = (codes - zero) @ (held["B"].astype(np.int64) - held.get("b_zero", np.array(0)).astype(np.int64))
    return sums * (np.float64(scale) * held["b_scale"].astype(np.float64)) + held.get("bias", np.float64(0))


def check(case: Case, corrupt: bool, generator: np.random.Generator) -> str:
    data, held = build(case, generator)
    compiled = lutra.compile(data, threads=1, target_cpu="native")
    peer = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    for shape in ((1, 1), (2, 3), (1, 40)):
        a = generator.standard_normal((*shape, K)).astype(np.float32)
        if not case.dynamic:
            limits = np.iinfo(case.left)
            a = generator.integers(limits.min, limits.max, (*shape, K), case.left, endpoint=True)
        feed = {"A": a} if case.constant else {"A": a, "B": held["B"]}
        given, expected = compiled(**feed)[0], reference(case, held, a)
        if corrupt:
            expected[..., -1] += np.abs(expected).max()
        largest = np.abs(expected).max()
        # B that is computed may be multiplied in f32.
        bound = (4 if case.constant else 4 * K) * 2.0**-24 * largest
        if not (error := np.abs(given - expected).max()) <= bound:
            return f"{case}, {shape}: an error of {error / largest:.2g} of the greatest result"
        if case.kind is np.uint8 and not (np.abs(given - peer.run(None, feed)[0]) <= 2 * bound).all():
            return f"{case}, {shape}: onnxruntime differs"
    return ""


def refused() -> str:
    """What is wrong with a refusal; empty: nothing."""
    data, _ = build(Case(False, np.uint8, False, True, True), np.random.default_rng(2))

    def replaced(name: str, value: Array) -> onnx.ModelProto:
        model = onnx.load_from_string(data)
        (old,) = (tensor for tensor in model.graph.initializer if tensor.name == name)
        old.CopyFrom(numpy_helper.from_array(value, name))
        return model

    several = "several scales or zero points of A"
    return fault_of_refusals(
        [
            (several, replaced("a_scale", np.ones(3, np.float32))),
            (several, replaced("a_zero", np.ones(K, np.uint8))),
            ("adds a tensor of 3 dimensions", replaced("bias", np.ones((5, 1, N), np.float32))),
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corrupt", action="store_true", help="change a column of what is expected")
    options = parser.parse_args()
    generator = np.random.default_rng(4)
    for case in cases():
        if fault := check(case, options.corrupt, generator):
            print(fault)
            return 1
    if fault := refused():
        print(fault)
        return 1
    print(f"{len(cases())} products are right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
