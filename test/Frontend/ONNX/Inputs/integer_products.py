"""Compiles MatMulInteger models and compares every element with NumPy."""

from __future__ import annotations

import argparse
import itertools
import sys
from dataclasses import dataclass
from typing import Any

import lutra
import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper

Codes = npt.NDArray[Any]
KINDS = {np.dtype(np.uint8): TensorProto.UINT8, np.dtype(np.int8): TensorProto.INT8}


@dataclass(frozen=True, slots=True)
class Case:
    """[M, k] x [k, n], M known at run time only."""

    k: int
    n: int
    lhs: type
    rhs: type
    lhs_zero: str  # none, one, or computed: an input of the model
    rhs_zero: str  # none, one, columns
    constant: bool  # the right-hand side


def codes(generator: np.random.Generator, kind: type, shape: tuple[int, ...]) -> Codes:
    """Codes over the whole range; half of them at its ends, where products of pairs would saturate 16 bits."""
    limits = np.iinfo(kind)
    inner = generator.integers(limits.min, limits.max, shape, endpoint=True)
    ends = generator.choice([limits.min, limits.max], shape)
    return np.where(generator.random(shape) < 0.5, ends, inner).astype(kind)


def build(case: Case, generator: np.random.Generator) -> tuple[bytes, dict[str, Codes], Codes]:
    """The model, the arrays beside `x`, and the zero point of x."""
    fixed: dict[str, Codes] = {"w": codes(generator, case.rhs, (case.k, case.n))}
    x_zero = np.zeros((), case.lhs) if case.lhs_zero == "none" else codes(generator, case.lhs, ())
    names = ["x", "w", "", ""]
    if case.lhs_zero != "none":
        names[2], fixed["xz"] = "xz", x_zero
    if case.rhs_zero != "none":
        names[3], fixed["wz"] = "wz", codes(generator, case.rhs, (case.n,) if case.rhs_zero == "columns" else ())
    inputs = {} if case.constant else {"w": fixed["w"]}
    if case.lhs_zero == "computed":
        inputs["xz"] = x_zero
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", names, ["y"])],
        "product",
        [
            helper.make_tensor_value_info("x", KINDS[np.dtype(case.lhs)], ["rows", case.k]),
            *(helper.make_tensor_value_info(name, KINDS[v.dtype], v.shape) for name, v in inputs.items()),
        ],
        [helper.make_tensor_value_info("y", TensorProto.INT32, ["rows", case.n])],
        [numpy_helper.from_array(v, name) for name, v in fixed.items() if name not in inputs],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    return model.SerializeToString(), {**fixed, "inputs": np.array(sorted(inputs))}, x_zero


def cases() -> list[Case]:
    types = [np.uint8, np.int8]
    sizes = [(1, 1), (2, 15), (3, 16), (64, 17), (257, 33), (769, 40)]
    grid = itertools.product(types, types, ["none", "one"], ["none", "one", "columns"])
    result = [Case(*sizes[i % len(sizes)], a, b, az, bz, True) for i, (a, b, az, bz) in enumerate(grid)]
    result += [Case(k, n, np.uint8, np.int8, "computed", "none", True) for k, n in sizes]
    result += [Case(64, 17, a, b, "one", "columns", False) for a in types for b in types]
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corrupt", action="store_true", help="change one expected element")
    options = parser.parse_args()
    generator = np.random.default_rng(11)
    for case in cases():
        model, arrays, x_zero = build(case, generator)
        names = arrays.pop("inputs").tolist()
        compiled = lutra.compile(model, threads=1, target_cpu="native")
        right = arrays["w"].astype(np.int32) - arrays.get("wz", np.zeros((), np.int8)).astype(np.int32)
        for rows in (1, 2, 5, 6, 7, 17, 100):
            x = codes(generator, case.lhs, (rows, case.k))
            expected = (x.astype(np.int32) - x_zero.astype(np.int32)) @ right
            if options.corrupt:
                expected[0, 0] += 1
            (result,) = compiled(x=x, **{name: arrays[name] for name in names})
            if not np.array_equal(result, expected):
                where = np.argwhere(result != expected)
                print(f"{case} with {rows} rows differs at {where[:4].tolist()} ({len(where)} elements)")
                return 1
    print(f"{len(cases())} products are equal")
    return 0


if __name__ == "__main__":
    sys.exit(main())
