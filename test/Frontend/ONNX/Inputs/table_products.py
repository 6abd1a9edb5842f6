"""Compiles MatMulBnb4 models and compares them with NumPy and onnxruntime."""

from __future__ import annotations

import argparse
import itertools
import sys
from typing import Any

import lutra
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from refusals import fault_of_refusals

Array = npt.NDArray[Any]
# By code; of the small floats a sign above a third code of eighths (bitsandbytes), of the others quantiles (QLoRA).
SMALL = np.array([0, 0.0052083333, 0.66666667, 1, 0.33333333, 0.5, 0.16666667, 0.25], np.float32)
NORMAL = [-1, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.09105004, 0]
NORMAL += [0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1]
TABLES = (np.concatenate([SMALL, -SMALL]), np.array(NORMAL, np.float32))


def build(kind: int, k: int, n: int, block: int, narrow: bool, generator: np.random.Generator) -> tuple[bytes, Array]:
    codes = generator.integers(0, 16, (n, k), np.uint8)
    element = np.float16 if narrow else np.float32
    scales = generator.uniform(0.01, 1, (n, k // block)).astype(element)
    weight = TABLES[kind].astype(np.float64)[codes] * np.repeat(scales.astype(np.float64), block, axis=1)
    node = helper.make_node(
        "MatMulBnb4", ["x", "B", "absmax"], ["y"], domain="com.microsoft", K=k, N=n, block_size=block, quant_type=kind
    )
    flat = (codes[:, ::2] << 4 | codes[:, 1::2]).reshape(-1)
    type_ = TensorProto.FLOAT16 if narrow else TensorProto.FLOAT
    graph = helper.make_graph(
        [node],
        "product",
        [helper.make_tensor_value_info("x", type_, ["rows", k])],
        [helper.make_tensor_value_info("y", type_, ["rows", n])],
        [numpy_helper.from_array(flat, "B"), numpy_helper.from_array(scales.reshape(-1), "absmax")],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString(), weight


def check(kind: int, k: int, n: int, block: int, narrow: bool, corrupt: bool) -> str:
    generator = np.random.default_rng(6)
    data, weight = build(kind, k, n, block, narrow, generator)
    if corrupt:
        weight[-1, -1] += np.abs(weight).max()
    compiled = lutra.compile(data, threads=1, target_cpu="native")
    for rows in (1, 5, 0, 40):
        x = generator.standard_normal((rows, k)).astype(np.float16 if narrow else np.float32)
        exact = x.astype(np.float64)
        expected, magnitudes = exact @ weight.T, np.abs(exact) @ np.abs(weight).T
        bound = k * 2.0**-24 * magnitudes + (2.0**-11 * np.abs(expected) if narrow else 0)
        given = compiled(x)[0]
        if not (np.abs(given.astype(np.float64) - expected) <= bound).all():
            return f"NumPy differs, quant_type {kind}, {rows} rows of K = {k}, N = {n}, {given.dtype}"
        if not narrow and rows and block <= 256:
            peer = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
            if not (np.abs(peer.run(None, {"x": x})[0] - given) <= 2 * bound).all():
                return f"onnxruntime differs, quant_type {kind}, {rows} rows of K = {k}, N = {n}"
    return ""


def refused() -> str:
    """What is wrong with a refusal; empty: nothing."""
    data, _ = build(1, 64, 16, 32, False, np.random.default_rng(1))
    models: list[tuple[str, onnx.ModelProto]] = []
    for name, value, text in (
        ("quant_type", 2, "has quant_type = 2; 0 is FP4 and 1 is NF4"),
        ("block_size", 48, "a block is a power of two from 16 on"),
        ("block_size", 128, "take a block_size that divides K"),
        ("N", 17, "absmax in another order than [N, blocks of K], 17 rows of 2 numbers"),
    ):
        model = onnx.load_from_string(data)
        next(item for item in model.graph.node[0].attribute if item.name == name).i = value
        models.append((text, model))
    untold, turned, short, more = (onnx.load_from_string(data) for _ in range(4))
    attributes = untold.graph.node[0].attribute
    attributes.remove(next(item for item in attributes if item.name == "quant_type"))
    (codes, scales) = turned.graph.initializer
    scales.dims[:] = [2, 16]
    (codes, scales) = short.graph.initializer
    codes.CopyFrom(numpy_helper.from_array(np.zeros(511, np.uint8), "B"))
    more.graph.node[0].input.append("absmax")
    models += [
        ("lacks quant_type", untold),
        ("absmax in another order than [N, blocks of K], 16 rows of 2 numbers", turned),
        ("operand B of 511 bytes", short),
        ("has 4 operands; 3 are known", more),
    ]
    return fault_of_refusals(models)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corrupt", action="store_true", help="change one weight of what is expected")
    options = parser.parse_args()
    shapes = [(64, 16, 32), (192, 33, 64), (48, 7, 16), (1024, 40, 1024)]
    for kind, shape, narrow in itertools.product((0, 1), shapes, (False, True)):
        if fault := check(kind, *shape, narrow, options.corrupt):
            print(fault)
            return 1
    if fault := refused():
        print(fault)
        return 1
    print("tables are right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
