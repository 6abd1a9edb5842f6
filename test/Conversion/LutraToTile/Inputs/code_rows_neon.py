"""The rows of code_rows.py on aarch64, run by an emulator, inside the bounds that the evaluator derives."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from guest import is_within_bounds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("graph", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--corrupt", action="store_true", help="change an element of the first result")
    parser.add_argument("--integers", action="store_true", help="compute rows in integers")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    graph = options.graph
    if options.integers:
        graph = options.work / "integers.mlir"
        command = ["lutra-opt", str(options.graph), "--lutra-use-integer-arithmetic", "-o", str(graph)]
        subprocess.run(command, check=True)
    arguments = re.findall(r"%(a\d+): tensor<(\d+)x(\d+)x(u?)i8>", options.graph.read_text().split("{\n")[0])
    random = np.random.default_rng(3)
    inputs = {
        name: random.integers(0, 256, (int(rows), int(columns))).astype(np.uint8).view(np.uint8 if sign else np.int8)
        for name, rows, columns, sign in arguments
    }
    return 0 if is_within_bounds(graph, ["neon"], inputs, options.work, corrupt=options.corrupt) else 1


if __name__ == "__main__":
    sys.exit(main())
