"""Compiles products of quantized activations with weights in blocks of K, which CPUs multiply as integers.

Scales are powers of two, of DynamicQuantizeLinear too, and sums stay short of 24 bits: NumPy and library
must agree in every bit.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from dequantized_products import BITS, RANGES, packed
from lutra.testing.evaluate import execute
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

Array = npt.NDArray[Any]
STEP = 2.0**-5  # of activations
AARCH64 = ("neon", "dotprod", "i8mm")
BY_PAIRS = ("avx2", "neon")


@dataclass(frozen=True, slots=True)
class Case:
    """x [.., rows, k] times two weights [k, n] that share its codes; one has a bias and a ReLU behind it."""

    kind: int  # of the weights' codes
    left: int  # of the codes of x
    k: int
    n: int
    block: int
    zeros: bool = False  # of the weights
    point: int | None = None  # zero point of x; none: DynamicQuantizeLinear finds it
    batch: tuple[int, ...] = ()
    turned: bool = False  # weights are [n, k]
    rows: tuple[int, ...] = (1, 3, 17)

    def multiplies_integers(self, level: str) -> bool:
        return self.kind in BITS or level not in BY_PAIRS


T = TensorProto
CASES = [
    Case(T.INT4, T.UINT8, 64, 70, 32, point=0),
    Case(T.INT4, T.UINT8, 300, 33, 32, zeros=True, point=77),
    Case(T.UINT4, T.INT8, 257, 65, 128, zeros=True, point=-128),
    Case(T.UINT4, T.INT8, 70, 61, 16, point=0, turned=True, rows=(0, 1, 5)),
    Case(T.INT4, T.UINT8, 96, 45, 64, zeros=True, batch=(2,), rows=(4, 33)),
    Case(T.INT4, T.UINT8, 160, 130, 32, turned=True, rows=(1, 6)),
    Case(T.INT2, T.UINT8, 129, 33, 64, point=128),
    Case(T.UINT2, T.INT8, 200, 50, 32, zeros=True, point=127, batch=(2, 3)),
    Case(T.INT8, T.INT8, 96, 43, 32, point=3),
    Case(T.UINT8, T.UINT8, 70, 59, 32, zeros=True),
]


def build(case: Case, random: np.random.Generator) -> tuple[ModelProto, list[Array], Array]:
    """The model, its dequantized weights and its bias."""
    low, high = RANGES[case.kind]
    blocks = -(-case.k // case.block)
    nodes: list[NodeProto] = []
    tensors: list[TensorProto] = []
    if case.point is None:
        nodes.append(helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "step", "point"]))
    else:
        tensors += [helper.make_tensor("step", T.FLOAT, (), [STEP]), packed("point", case.left, np.array(case.point))]
        nodes.append(helper.make_node("QuantizeLinear", ["x", "step", "point"], ["q"]))
    nodes.append(helper.make_node("DequantizeLinear", ["q", "step", "point"], ["xf"]))
    weights = []
    for index in range(2):
        codes = random.integers(low, high, (case.k, case.n), endpoint=True)
        scales = 2.0 ** random.integers(-3, 0, (blocks, case.n), endpoint=True)
        zeros = (
            random.integers(low, high, (blocks, case.n), endpoint=True) if case.zeros else np.zeros((blocks, case.n))
        )
        at = np.arange(case.k) // case.block
        weights.append((codes - zeros[at]) * scales[at])
        stored = [side.T if case.turned else side for side in (codes, scales, zeros)]
        tensors += [
            packed(f"w{index}", case.kind, stored[0]),
            numpy_helper.from_array(np.ascontiguousarray(stored[1], np.float32), f"s{index}"),
            packed(f"z{index}", case.kind, stored[2]),
        ]
        names = [f"w{index}", f"s{index}", *([f"z{index}"] if case.zeros else [])]
        axis = 1 if case.turned else 0
        nodes.append(helper.make_node("DequantizeLinear", names, [f"d{index}"], axis=axis, block_size=case.block))
        right = f"d{index}"
        if case.turned:
            right = f"t{index}"
            nodes.append(helper.make_node("Transpose", [f"d{index}"], [right]))
        nodes.append(helper.make_node("MatMul", ["xf", right], [f"m{index}"]))
    bias = random.integers(-8, 8, case.n).astype(np.float32)
    tensors.append(numpy_helper.from_array(bias, "bias"))
    nodes += [helper.make_node("Add", ["m1", "bias"], ["sum"]), helper.make_node("Relu", ["sum"], ["y"])]
    head = [*case.batch, "rows"]
    graph = helper.make_graph(
        nodes,
        "blocks",
        [helper.make_tensor_value_info("x", T.FLOAT, [*head, case.k])],
        [helper.make_tensor_value_info(name, T.FLOAT, [*head, case.n]) for name in ("m0", "y")],
        tensors,
    )
    version = 25 if case.kind in (T.INT2, T.UINT2) else 21
    opsets = [helper.make_opsetid("", version)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=11 if version == 25 else 10), weights, bias


def draw(case: Case, rows: int, random: np.random.Generator) -> tuple[Array, Array]:
    """Activations, and what their codes stand for: both ends occur, and the step of dynamic codes is STEP."""
    shape = (*case.batch, rows, case.k)
    low, high = RANGES[case.left]
    point = case.point if case.point is not None else int(random.integers(1, 255))
    codes = random.integers(low, high, shape, endpoint=True)
    codes = np.where(random.random(shape) < 0.1, random.choice([low, high], shape), codes)
    if rows and case.point is None:
        codes.flat[:2] = low, high
    x = ((codes - point) * STEP).astype(np.float32)
    return x, x.astype(np.float64)


def compile_model(path: Path, library: Path, case: Case, level: str) -> str:
    """What is wrong with how products are computed; empty: nothing."""
    target = [f"--target-cpu={level}", *(["--triple=aarch64-linux-gnu"] if level in AARCH64 else [])]
    command = ["lutra-compile", str(path), *target]
    if level != "native":
        fused = subprocess.run([*command, "--stop-after=fused", "-o", "-"], check=True, capture_output=True, text=True)
        integers = sum("lutra.matmul" in line and " scale(" in line for line in fused.stdout.splitlines())
        if integers != 2 * case.multiplies_integers(level):
            return f"multiplies {integers} times integers"
    subprocess.run([*command, "-o", str(library)], check=True)
    return ""


def check(case: Case, level: str, options: argparse.Namespace, random: np.random.Generator) -> str:
    """What is wrong; empty: nothing."""
    model, weights, bias = build(case, random)
    path, library = options.work / "model.onnx", options.work / "model.so"
    path.write_bytes(model.SerializeToString())
    if not options.peer and (wrong := compile_model(path, library, case, level)):
        return wrong
    if options.peer:
        import onnxruntime

        settings = onnxruntime.SessionOptions()  # what 1.31 fuses refuses blocks behind DynamicQuantizeLinear
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(str(path), settings)
    for rows in case.rows:
        x, values = draw(case, rows, random)
        if options.peer:
            results = session.run(["m0", "y"], {"x": x})
        elif level in AARCH64:
            from guest import Guest

            results = Guest(level, options.work).run_model(library, [x])[1]
        else:
            done = execute(library, {"x": x})
            results = [done["m0"], done["y"]]
        expected = [values @ weights[0], np.maximum(values @ weights[1] + bias, 0)]
        if options.corrupt and rows:
            expected[0].flat[0] += 1
        for name, result, wanted in zip(("m0", "y"), results, expected, strict=True):
            if not np.array_equal(result, wanted.astype(np.float32)):
                most = abs(result - wanted).max() if result.shape == wanted.shape else result.shape
                return f"{name} differs with {rows} rows by {most}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--levels", nargs="+", default=["native"], help="what is compiled for and run")
    parser.add_argument("--every", type=int, default=1, help="take each case of so many")
    parser.add_argument("--peer", action="store_true", help="ask onnxruntime instead of the library")
    parser.add_argument("--corrupt", action="store_true", help="change an expected element")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(23)
    for level in options.levels:
        for case in CASES[:: options.every]:
            if options.peer and case.kind in (T.INT2, T.UINT2):
                continue
            if wrong := check(case, level, options, random):
                print(f"{level}: {case} {wrong}")
                return 1
    print("all agree")
    return 0


if __name__ == "__main__":
    sys.exit(main())
