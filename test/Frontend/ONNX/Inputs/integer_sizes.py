"""Products of bytes whose sizes tiles do not divide, or that only the weight or the run knows, on a thread with the
least stack that is promised: exact, by the library's default levels."""

from __future__ import annotations

import argparse
import sys
import threading

import lutra
import numpy as np
from onnx import TensorProto, helper, numpy_helper

STACK = 1 << 20
# The type of the left-hand side's rows and K, and what they are: K that four, or tiles, do not divide, of one block or
# of several; transposed sides are copied as these are.
CASES = [
    (["m", 1501], (40, 1501)),
    (["m", 1500], (17, 1500)),
    ([512, 1501], (512, 1501)),
    ([512, 2047], (512, 2047)),
    ([197, 2701], (197, 2701)),
    (["m", "k"], (64, 64)),
    ([37, "k"], (37, 1030)),
    (["m", "k"], (5, 3)),
]


def model(sizes: list[int | str], weight: np.ndarray, transposed: bool) -> bytes:
    sizes = sizes[::-1] if transposed else sizes
    nodes = [helper.make_node("MatMulInteger", ["t" if transposed else "x", "w"], ["y"])]
    if transposed:
        nodes.insert(0, helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0]))
    graph = helper.make_graph(
        nodes,
        "product",
        [helper.make_tensor_value_info("x", TensorProto.INT8, sizes)],
        [helper.make_tensor_value_info("y", TensorProto.INT32, [None, weight.shape[1]])],
        [numpy_helper.from_array(weight, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def check(corrupt: bool) -> int:
    random, count = np.random.default_rng(5), 0
    for (sizes, (m, k)), transposed in ((case, turned) for case in CASES for turned in (False, True)):
        x = random.integers(-128, 128, (m, k)).astype(np.int8)
        w = random.integers(-128, 128, (k, 70)).astype(np.int8)
        compiled = lutra.compile(model(sizes, w, transposed), threads=1)
        (found,) = compiled(x=np.ascontiguousarray(x.T) if transposed else x)
        if not np.array_equal(found, x.astype(np.int32) @ w.astype(np.int32) + corrupt):
            print(f"[{m}, {k}] of {sizes}{', transposed' * transposed}: differs")
            return 1
        count += 1
    print(f"{count} products are exact")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corrupt", action="store_true", help="expect one more")
    options = parser.parse_args()
    results: list[int] = []
    threading.stack_size(STACK)
    thread = threading.Thread(target=lambda: results.append(check(options.corrupt)))
    thread.start()
    thread.join()
    return results[0] if results else 1


if __name__ == "__main__":
    sys.exit(main())
