"""The products of stored_tables.py beside activations in 8 bits on aarch64, run by an emulator, inside the bounds that
the evaluator derives."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import numpy as np
from guest import is_within_bounds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("graph", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--levels", nargs="+", default=["neon"])
    parser.add_argument("--rows", type=int, default=3)
    parser.add_argument("--corrupt", action="store_true", help="change an element of the first result")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    entry = next(line for line in options.graph.read_text().splitlines() if line.startswith("func.func @main"))
    random = np.random.default_rng(3)
    shapes = re.findall(r'tensor<\?x(\d+)xf32> {lutra.name = "(\w+)"', entry)
    inputs = {name: random.normal(size=(options.rows, int(depth))).astype(np.float32) for depth, name in shapes}
    return 0 if is_within_bounds(options.graph, options.levels, inputs, options.work, corrupt=options.corrupt) else 1


if __name__ == "__main__":
    sys.exit(main())
