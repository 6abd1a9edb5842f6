"""The rows of code_rows.py on aarch64, run by an emulator, inside the bounds that the evaluator derives."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from guest import Guest
from lutra.testing import compare, evaluate


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("graph", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--corrupt", action="store_true", help="change an element of the first result")
    parser.add_argument("--integers", action="store_true", help="compute rows in integers")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    graph, library = options.graph, options.work / "rows.so"
    if options.integers:
        graph = options.work / "integers.mlir"
        command = ["lutra-opt", str(options.graph), "--lutra-use-integer-arithmetic", "-o", str(graph)]
        subprocess.run(command, check=True)
    flags = ["--triple=aarch64-linux-gnu", "--target-cpu=neon", "-o", str(library)]
    subprocess.run(["lutra-compile", str(graph), *flags], check=True)
    arguments = re.findall(r"%(a\d+): tensor<(\d+)x(\d+)x(u?)i8>", options.graph.read_text().split("{\n")[0])
    random = np.random.default_rng(3)
    inputs = {
        name: random.integers(0, 256, (int(rows), int(columns))).astype(np.uint8).view(np.uint8 if sign else np.int8)
        for name, rows, columns, sign in arguments
    }
    values, bounds = evaluate(graph, inputs)
    _, results = Guest("neon", options.work).run_model(library, list(inputs.values()))
    results = [np.array(result) for result in results]
    if options.corrupt:
        results[0].flat[0] ^= 64
    for i, result in enumerate(results):
        report = compare(result, values[str(i)], bounds[str(i)])
        if not report.passed:
            print(f"result {i}: {report}")
            return 1
    print(f"{len(results)} results: good")
    return 0


if __name__ == "__main__":
    sys.exit(main())
