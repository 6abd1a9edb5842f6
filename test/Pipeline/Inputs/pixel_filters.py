"""Writes a residual block with filters of one pixel around a depthwise one as MLIR, and samples of its input."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from calibrate_filters import Network

SHAPE = [2, 64, 6, 5]


def main() -> None:
    folder = Path(sys.argv[1])
    net = Network(7)
    x, shape = net.conv("expand", "%x", SHAPE, [128, 64, 1, 1])
    x, shape = net.conv("depthwise", net.relu(x, shape), shape, [128, 1, 3, 3], groups=128)
    x, shape = net.conv("reduce", net.relu(x, shape), shape, [64, 128, 1, 1])
    kind = f"tensor<{'x'.join(map(str, shape))}xf32>"
    x = net.op(f"lutra.binary<add> {x}, %x : ({kind}, {kind})", kind)
    x, shape = net.conv("down", x, shape, [96, 64, 1, 1], stride=2)
    net.write(folder / "block.mlir", SHAPE, x, shape)
    random = np.random.default_rng(8)
    (folder / "samples").mkdir()
    for index in range(12):
        np.savez(folder / "samples" / f"{index}.npz", x=random.standard_normal(SHAPE).astype(np.float32))


if __name__ == "__main__":
    main()
