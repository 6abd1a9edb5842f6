"""Compiles products of integers and compares every element and the type with ONNX's reference."""

from __future__ import annotations

import sys
from typing import Any

import lutra
import numpy as np
import numpy.typing as npt
from onnx import NodeProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

Integers = npt.NDArray[Any]
EQUATIONS = {"ij,jk->ik": ("a", "b"), "ij,j->i": ("a", "v"), "ij,ij->ij": ("a", "a"), "ij,ij->i": ("a", "a")}


def nodes_for(kind: type) -> list[NodeProto]:
    """Nodes whose results are y0, y1, .."""
    nodes = [
        helper.make_node("Einsum", list(inputs), [f"y{index}"], equation=equation)
        for index, (equation, inputs) in enumerate(EQUATIONS.items())
    ]
    if np.dtype(kind).itemsize >= 4:
        nodes += [
            helper.make_node("MatMul", ["a", "b"], ["y4"]),
            helper.make_node("Gemm", ["a", "b", "c"], ["y5"]),
            helper.make_node("Gemm", ["a", "b", "c"], ["y6"], alpha=2.0, beta=3.0),
        ]
    return nodes


def check(kind: type, constant: bool, corrupt: bool) -> bool:
    generator = np.random.default_rng(3)
    limits = np.iinfo(kind)
    shapes = {"a": (7, 40), "b": (40, 33), "c": (33,), "v": (40,)}
    values: dict[str, Integers] = {
        name: generator.integers(limits.min, limits.max, shape, dtype=kind, endpoint=True)
        for name, shape in shapes.items()
    }
    code = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    nodes = nodes_for(kind)
    used = {name for node in nodes for name in node.input}
    values = {name: value for name, value in values.items() if name in used}
    inputs = [name for name in values if name == "a" or not constant]
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "products",
            [helper.make_tensor_value_info(name, code, values[name].shape) for name in inputs],
            [helper.make_tensor_value_info(node.output[0], code, None) for node in nodes],
            [numpy_helper.from_array(value, name) for name, value in values.items() if name not in inputs],
        ),
        opset_imports=[helper.make_opsetid("", 21)],
        ir_version=10,
    )
    given = {name: values[name] for name in inputs}
    with np.errstate(over="ignore", invalid="ignore"):
        expected = ReferenceEvaluator(model).run(None, given)
    if len(expected) > len(EQUATIONS):  # the reference scales in floats, by one too
        product = values["a"] @ values["b"]
        expected[-2:] = [product + values["c"], product * kind(2) + values["c"] * kind(3)]
    if corrupt:
        expected[0][0, 0] += 1
    for node, got, want in zip(nodes, lutra.compile(model, threads=1)(**given), expected, strict=True):
        if got.dtype != want.dtype or not np.array_equal(got, want):
            print(f"{node.op_type} of {np.dtype(kind)} differs: {got.ravel()[:4]}, reference {want.ravel()[:4]}")
            return False
    return True


def main() -> int:
    kinds = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.uint64]
    cases = [(kind, constant) for kind in kinds for constant in (False, True)]
    return 0 if all(check(*case, "--corrupt" in sys.argv) for case in cases) else 1


if __name__ == "__main__":
    sys.exit(main())
