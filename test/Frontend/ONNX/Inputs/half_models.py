"""Quantizes models of f16 and bf16, and constants on the left, and compares them with what they say in f32.

Weights and inputs are numbers of the narrow type, so both models have the same codes; results differ by the rounding
of what lies between products.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lutra
import ml_dtypes
import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[Any]

K, HIDDEN, N, ROWS = 128, 200, 96, 70  # no number of columns is one of whole panels
TYPES = {TensorProto.FLOAT: np.float32, TensorProto.FLOAT16: np.float16, TensorProto.BFLOAT16: ml_dtypes.bfloat16}
STEP = {TensorProto.FLOAT16: 2.0**-11, TensorProto.BFLOAT16: 2.0**-8}


def tensor(name: str, value: Array, kind: int) -> onnx.TensorProto:
    return helper.make_tensor(name, kind, value.shape, value.astype(TYPES[kind]).tobytes(), raw=True)


def build(kind: int, left: bool, generator: np.random.Generator, narrow: int) -> bytes:
    """Rows of a table, two products with a bias between them; the second has its weight on the left, or in a Gemm."""

    def drawn(*shape: int) -> Array:
        return (generator.standard_normal(shape) / 8).astype(TYPES[narrow]).astype(np.float32)

    node = helper.make_node
    nodes = [
        node("Gather", ["table", "ids"], ["rows"]),
        node("Add", ["rows", "x"], ["moved"]),
        node("MatMul", ["moved", "w1"], ["a"], name="first"),
        node("Add", ["a", "b1"], ["biased"]),
        node("Relu", ["biased"], ["hidden"]),
    ]
    w2 = drawn(N, HIDDEN)
    if left:
        nodes += [
            node("Transpose", ["hidden"], ["turned"], perm=[0, 2, 1]),
            node("MatMul", ["w2", "turned"], ["y"], name="second"),
        ]
        shape: list[int | str] = ["batch", N, "rows"]
    else:
        nodes += [
            node("Reshape", ["hidden", "flat"], ["matrix"]),
            node("Gemm", ["matrix", "w2"], ["y"], transB=1, name="second"),
        ]
        shape = ["all", N]
    graph = helper.make_graph(
        nodes,
        "half",
        [
            helper.make_tensor_value_info("x", kind, ["batch", "rows", K]),
            helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "rows"]),
        ],
        [helper.make_tensor_value_info("y", kind, shape)],
        [
            tensor("table", drawn(ROWS, K), kind),
            tensor("w1", drawn(K, HIDDEN), kind),
            tensor("b1", drawn(HIDDEN), kind),
            tensor("w2", w2, kind),
            numpy_helper.from_array(np.array([-1, HIDDEN], np.int64), "flat"),
        ],
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()


def layers(path: Path) -> dict[str, Any]:
    return {layer["weight"]: layer for layer in json.loads(path.read_text())["layers"]}


def check(narrow: int, left: bool, spec: str, folder: Path, corrupt: bool) -> Iterator[str]:
    models, reports = {}, {}
    samples = np.random.default_rng(11)
    inputs = [
        {
            "x": samples.standard_normal((2, rows, K)).astype(TYPES[narrow]),
            "ids": samples.integers(0, ROWS, (2, rows)),
        }
        for rows in (40, 55)
    ]
    calibrated = "gptq" in spec or "static" in spec or "|" in spec
    for kind in (TensorProto.FLOAT, narrow):
        data = build(kind, left, np.random.default_rng(7 + corrupt * (kind == narrow)), narrow)
        report = folder / f"{kind}.json"
        given = [{**sample, "x": sample["x"].astype(TYPES[kind])} for sample in inputs]
        models[kind] = lutra.compile(
            data,
            target_cpu="native",
            quantize=spec,
            quantize_report=report,
            calibrate=given if calibrated else None,
        )
        reports[kind] = layers(report)
    if reports[narrow].keys() != reports[TensorProto.FLOAT].keys() or len(reports[narrow]) != 2:
        yield f"layers are {sorted(reports[narrow])}"
    for name, layer in reports[narrow].items():
        other = reports[TensorProto.FLOAT][name]
        if any(layer[key] != other[key] for key in ("format", "bytes")):
            yield f"{name} becomes {layer['format']}, but of f32 {other['format']}"
    generator = np.random.default_rng(3)
    for rows in (1, 3, 40):
        x = generator.standard_normal((2, rows, K)).astype(TYPES[narrow])
        ids = generator.integers(0, ROWS, (2, rows))
        wide = models[TensorProto.FLOAT](x.astype(np.float32), ids)[0]
        half = np.asarray(models[narrow](x, ids)[0]).view(TYPES[narrow]).astype(np.float32)
        # Activations of 8 bits, and weights that make up for others, may meet another code where they lie between two.
        error = np.abs(half - wide).max() / np.abs(wide).max()
        bound = 8 * STEP[narrow] + (0.02 if "activations" in spec else 0.15 if calibrated else 0)
        if not error <= bound:
            yield f"{rows} rows: an error of {error:.2g} of the greatest result, more than {bound:.2g}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corrupt", action="store_true", help="give the narrow model other weights")
    options = parser.parse_args()
    specs = [
        "weights=int4:g32",
        "weights=int8,activations=int8:token,embeddings=int8",
        "weights=int8,activations=int8:static,embeddings=int4",
        "weights=int4:g32:gptq",
        "weights=int4|int8:g32,budget=6bpw",
    ]
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        for narrow in (TensorProto.FLOAT16, TensorProto.BFLOAT16):
            for left in (False, True):
                for spec in specs:
                    for fault in check(narrow, left, spec, Path(folder), options.corrupt):
                        print(f"{TYPES[narrow].__name__}, weight on the {'left' if left else 'right'}, {spec}: {fault}")
                        return 1
                    count += 1
    print(f"{count} models are right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
