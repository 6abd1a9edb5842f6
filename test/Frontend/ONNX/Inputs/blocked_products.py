"""Compiles MatMulNBits models and compares them with products of weights that NumPy decodes."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lutra
import ml_dtypes
import numpy as np
import numpy.typing as npt
import onnx
from lutra.testing.compare import compare
from lutra.testing.evaluate import evaluate, notices
from onnx import TensorProto, helper, numpy_helper
from refusals import fault_of_refusals

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Case:
    """[rows, k] x [n, k] in codes of `bits`, a scale (and zero point) for each `block` of a row.

    With `floats` zero points are numbers of the element type `kind`, with `ordered` columns have groups of their own.
    """

    bits: int
    block: int
    k: int
    n: int
    zeros: bool = False
    bias: bool = False
    accuracy: int = 1
    kind: str = "float32"
    floats: bool = False
    ordered: bool = False


CASES = [
    Case(4, 32, 64, 16),
    Case(4, 32, 64, 16, zeros=True, bias=True),
    Case(4, 16, 50, 7, zeros=True),
    Case(4, 128, 300, 33, bias=True),
    Case(4, 32, 1025, 40, zeros=True),
    Case(4, 1024, 700, 20, zeros=True),
    Case(2, 32, 70, 17, zeros=True),
    Case(2, 64, 129, 31),
    Case(8, 32, 64, 16, zeros=True),
    Case(8, 128, 257, 65),
    Case(4, 16, 1, 1, zeros=True),
    # Activations that may be rounded to 8 bits, and are where codes have 4 bits at most.
    Case(4, 32, 64, 16, accuracy=4),
    Case(4, 32, 1025, 40, zeros=True, bias=True, accuracy=4),
    Case(4, 1024, 700, 20, zeros=True, accuracy=4),
    Case(2, 16, 70, 17, zeros=True, accuracy=4),
    Case(8, 32, 64, 16, accuracy=4),
    # To bf16.
    Case(4, 32, 1025, 40, zeros=True, bias=True, accuracy=3),
    # Zero points between codes.
    Case(4, 32, 64, 16, zeros=True, floats=True),
    Case(2, 16, 70, 17, zeros=True, floats=True, bias=True),
    # Columns that groups do not follow.
    Case(4, 32, 80, 16, zeros=True, bias=True, ordered=True),
    Case(2, 16, 64, 5, ordered=True),
    Case(8, 16, 50, 7, ordered=True),
    # Models in half precision.
    Case(4, 32, 64, 16, bias=True, kind="float16"),
    Case(4, 32, 80, 16, zeros=True, kind="float16", ordered=True, floats=True),
    Case(4, 32, 64, 16, zeros=True, bias=True, kind="bfloat16"),
    Case(8, 32, 64, 16, zeros=True, floats=True, kind="bfloat16"),
]
TYPES = {
    "float32": (TensorProto.FLOAT, np.dtype(np.float32), 0.0),
    "float16": (TensorProto.FLOAT16, np.dtype(np.float16), 2.0**-11),
    "bfloat16": (TensorProto.BFLOAT16, np.dtype(ml_dtypes.bfloat16), 2.0**-8),
}  # and what rounding to one moves at most, of the number


def split(packed: Array, bits: int) -> Array:
    """The codes of bytes along the last axis, the lowest bits first."""
    fields = [packed >> shift & (1 << bits) - 1 for shift in range(0, 8, bits)]
    return np.stack(fields, -1).reshape(*packed.shape[:-1], -1)


def build(case: Case, generator: np.random.Generator) -> tuple[bytes, Array, Array]:
    """The model, the decoded weight [n, k] and the bias, in f64."""
    blocks = -(-case.k // case.block)
    codes = generator.integers(0, 256, (case.n, blocks, case.block * case.bits // 8), np.uint8)
    kind, dtype, _ = TYPES[case.kind]
    scales = generator.uniform(0.01, 1, (case.n, blocks)).astype(dtype)
    points = generator.integers(0, 256, (case.n, -(-blocks * case.bits // 8)), np.uint8)
    bias = generator.standard_normal(case.n).astype(dtype)
    zero = split(points, case.bits)[:, :blocks].astype(np.float64) if case.zeros else np.array(1 << case.bits - 1)
    if case.floats:
        points = generator.uniform(0, (1 << case.bits) - 1, (case.n, blocks)).astype(dtype)
        zero = points.astype(np.float64)
    values = split(codes, case.bits).astype(np.float64).reshape(case.n, -1)[:, : case.k]
    groups = np.arange(case.k, dtype=np.int32) // case.block
    if case.ordered:
        generator.shuffle(groups)
    shifted = values - (zero[:, groups] if case.zeros else zero)
    weight = shifted * scales.astype(np.float64)[:, groups]
    fixed = {"B": codes, "scales": scales, "zero_points": points, "g_idx": groups, "bias": bias}
    ordered = "g_idx" if case.ordered else ""
    names = ["x", "B", "scales", "zero_points" if case.zeros else "", ordered, "bias" if case.bias else ""]
    while not names[-1]:
        names.pop()
    node = helper.make_node(
        "MatMulNBits",
        names,
        ["y"],
        domain="com.microsoft",
        K=case.k,
        N=case.n,
        bits=case.bits,
        block_size=case.block,
        accuracy_level=case.accuracy,
    )
    graph = helper.make_graph(
        [node],
        "product",
        [helper.make_tensor_value_info("x", kind, ["batch", "rows", case.k])],
        [helper.make_tensor_value_info("y", kind, ["batch", "rows", case.n])],
        [numpy_helper.from_array(value, name) for name, value in fixed.items() if name in names],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    return model.SerializeToString(), weight, bias.astype(np.float64) if case.bias else np.zeros(case.n)


def rounded(x: Array, block: int) -> Array:
    """Values of 8-bit codes, each block with the scale of its largest magnitude, in f64."""
    depth = x.shape[-1]
    padded = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, -depth % block)])
    blocks = padded.reshape(*x.shape[:-1], padded.shape[-1] // block, block)
    scale = np.maximum(np.abs(blocks).max(-1, keepdims=True) / np.float32(127), np.finfo(np.float32).tiny)
    values = np.rint(blocks / scale).astype(np.float64) * scale.astype(np.float64)
    return values.reshape(padded.shape)[..., :depth]


def refused() -> str:
    """What is wrong with the refusal of a model that is no product of blocks; empty: nothing."""
    data, _, _ = build(Case(4, 32, 64, 16, zeros=True, bias=True), np.random.default_rng(1))

    def replaced(name: str, value: Array) -> onnx.ModelProto:
        model = onnx.load_from_string(data)
        (old,) = (tensor for tensor in model.graph.initializer if tensor.name == name)
        old.CopyFrom(numpy_helper.from_array(value, name))
        return model

    level = onnx.load_from_string(data)
    next(item for item in level.graph.node[0].attribute if item.name == "accuracy_level").i = 5
    prepacked = onnx.load_from_string(data)
    prepacked.graph.node[0].attribute.append(helper.make_attribute("weight_prepacked", 1))
    ordered = replaced("bias", np.zeros(16, np.float32))
    ordered.graph.initializer.append(numpy_helper.from_array(np.zeros(64, np.int32), "order"))
    ordered.graph.node[0].input[4] = "order"
    more = onnx.load_from_string(data)
    more.graph.node[0].input.append("bias")
    models = {
        "accuracy_level = 5": level,
        "weight_prepacked": prepacked,
        "g_idx whose groups are none of block_size = 32 columns each": ordered,
        "bias that is no vector of N = 16": replaced("bias", np.zeros((5, 1, 16), np.float32)),
        "no ui8 tensor of shape [16, 2, 16]": replaced("B", np.zeros((16, 2, 16), np.int8)),
        "no ui8 tensor of shape": replaced("B", np.zeros((2, 16, 16), np.uint8)),
        "zero points that are neither packed codes": replaced("zero_points", np.zeros((16, 2), np.float64)),
        "16 rows of 2 and 2 numbers": replaced("zero_points", np.zeros((16, 1), np.float32)),
        "bias of another type": replaced("bias", np.zeros(16, np.float64)),
        "scales or zero points in another order": replaced("scales", np.zeros((16, 1), np.float32)),
        "than [N, blocks of K], 16 rows of 2 and 1 bytes": replaced("scales", np.zeros((2, 16), np.float32)),
        "has 7 operands; 6 are known": more,
    }
    return fault_of_refusals(models.items())


def fault_of_half(case: Case, data: bytes, weight: Array, bias: Array, generator: np.random.Generator) -> str:
    """What a library of half precision computes beyond rounding its result and sums of f32; empty: nothing."""
    _, dtype, step = TYPES[case.kind]
    compiled = lutra.compile(data, threads=1, target_cpu="native")
    for shape in ((1, 1), (3, 5), (0, 4)):
        x = generator.standard_normal((*shape, case.k)).astype(dtype)
        exact = x.astype(np.float64)
        expected, magnitudes = exact @ weight.T + bias, np.abs(exact) @ np.abs(weight).T + np.abs(bias)
        bound = step * np.abs(expected) + case.k * 2.0**-24 * magnitudes
        given = np.asarray(compiled(x)[0]).view(dtype).astype(np.float64)
        report = compare(given, expected, bound)
        if not report.passed:
            return f"{case}, input {x.shape}: NumPy differs: {report}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corrupt", action="store_true", help="change one code of each weight")
    options = parser.parse_args()
    generator = np.random.default_rng(5)
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            data, weight, bias = build(case, generator)
            if options.corrupt:
                weight[-1, -1] += np.abs(weight).max()
            if case.kind != "float32":
                if fault := fault_of_half(case, data, weight, bias, generator):
                    print(fault)
                    return 1
                continue
            model, module = Path(folder) / "model.onnx", Path(folder) / "model.mlirbc"
            model.write_bytes(data)
            subprocess.run(["lutra-compile", model, "--stop-after=import", "-o", module], check=True)
            rounds = case.accuracy == 4 and case.bits <= 4
            # Products of few columns are faster with f32 activations: nothing but the strategy asked for rounds those.
            compiled = lutra.compile(data, threads=1, target_cpu="native", strategy="coded" if rounds else "auto")
            for shape in ((1, 1), (1, 7), (3, 5), (1, 100), (0, 4)):
                x = generator.standard_normal((*shape, case.k)).astype(np.float32)
                # Half a step of every code at its worst, over a long row, is more than a tenth of the result.
                values, bounds = evaluate(module, [x], *(() if case.accuracy == 1 else ("--independent",)))
                exact = x.astype(np.float64)
                codes = exact if case.accuracy == 1 else rounded(x, case.block)
                if x.size and not notices(values["y"], bounds["y"]):
                    print(f"{case}: the bound notices nothing")
                    return 1
                for what, result in (
                    ("NumPy", exact @ weight.T + bias),
                    ("NumPy after rounding", codes @ weight.T + bias),
                    ("the library", compiled(x)[0]),
                ):
                    report = compare(result, values["y"], bounds["y"])
                    if not report.passed:
                        print(f"{case}, input {x.shape}: {what} differs: {report}")
                        return 1
                if rounds:
                    # The codes are known exactly; f32 sums of a term for each block remain (docs/design/bounds.md).
                    magnitudes = np.abs(codes) @ np.abs(weight).T + np.abs(bias)
                    tight = (8 + 4 * np.sqrt(-(-case.k // case.block))) * 2.0**-24 * magnitudes
                    report = compare(compiled(x)[0], codes @ weight.T + bias, tight)
                    if not report.passed:
                        print(f"{case}, input {x.shape}: the library rounds otherwise: {report}")
                        return 1
    if fault := refused():
        print(fault)
        return 1
    print(f"{len(CASES)} weights are right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
