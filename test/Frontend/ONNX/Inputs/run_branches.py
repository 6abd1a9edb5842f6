"""usage: run_branches.py [--corrupt] MODEL: inputs x [n, 4] and flag; compiled for a CPU, against ONNX Runtime."""

import sys

import lutra
import numpy as np
import onnxruntime


def main() -> int:
    path = sys.argv[-1]
    compiled, oracle = lutra.compile(path), onnxruntime.InferenceSession(path)
    for flag in (True, False):
        for rows in (1, 7):
            x = np.random.default_rng(rows).integers(-4, 5, (rows, 4)).astype(np.float32)
            (expected,) = oracle.run(None, {"x": x, "flag": np.array(flag ^ ("--corrupt" in sys.argv))})
            (result,) = compiled(x, np.array(flag))
            if not np.array_equal(result, expected):
                print(f"flag {flag}, {rows} rows: differs")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
