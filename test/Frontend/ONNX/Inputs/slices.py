"""Compiles slices and compares them with what the standard says of starts, ends and steps."""

from __future__ import annotations

import itertools
import sys

import lutra
import numpy as np
from onnx import TensorProto, helper, numpy_helper

FAR = 2**62
POSITIONS = [-FAR, -9, -5, -2, -1, 0, 1, 4, 9, FAR]
CASES = [
    (start, end, step)
    for start, end, step in itertools.product(POSITIONS, POSITIONS, (1, 2, -1, -3))
    if (start in (-FAR, -9, -2, 1, FAR)) or (end in (-FAR, 0))
]


def indices(start: int, end: int, step: int, size: int) -> list[int]:
    """Elements taken: backwards, a start lies in [0, size - 1] and an end in [-1, size - 1]."""
    start, end = start + size * (start < 0), end + size * (end < 0)
    if size == 0:
        return []
    if step > 0:
        return list(range(min(max(start, 0), size), min(max(end, 0), size), step))
    return list(range(min(max(start, 0), size - 1), min(max(end, -1), size - 1), step))


def check(size: int | str, lengths: list[int], corrupt: bool) -> bool:
    constants = {f"c{value}": np.array([value], np.int64) for value in {*POSITIONS, 0, 1, 2, -1, -3}}
    nodes = [
        helper.make_node("Slice", ["x", f"c{start}", f"c{end}", "c0", f"c{step}"], [f"y{index}"])
        for index, (start, end, step) in enumerate(CASES)
    ]
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "slices",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [size])],
            [helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, None) for node in nodes],
            [numpy_helper.from_array(value, name) for name, value in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 21)],
        ir_version=10,
    )
    compiled = lutra.compile(model, threads=1)
    for length in lengths:
        x = np.arange(length, dtype=np.float32) + corrupt
        for case, got in zip(CASES, compiled(x), strict=True):
            if got.astype(int).tolist() != indices(*case, length):
                print(f"slice {case} of {length} ({size}) differs: {got}, not {indices(*case, length)}")
                return False
    return True


def main() -> int:
    corrupt = "--corrupt" in sys.argv
    return 0 if check(5, [5], corrupt) and check(1, [1], corrupt) and check("n", [1, 2, 5, 12], corrupt) else 1


if __name__ == "__main__":
    sys.exit(main())
