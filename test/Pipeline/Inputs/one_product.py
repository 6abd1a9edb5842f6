"""Writes a model of one product as MLIR, and samples of its input."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from calibrate import dense

FUNCTION = """
func.func @main(%x: tensor<?x192xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]})
    -> (tensor<?x80xf32> {lutra.name = "y", lutra.dim_names = ["n", ""]}) {
  %w = lutra.weight @w : tensor<192x80xf32>
  %y = lutra.matmul %x, %w : (tensor<?x192xf32>, tensor<192x80xf32>) -> tensor<?x80xf32>
  return %y : tensor<?x80xf32>
}
"""


def main() -> None:
    folder = Path(sys.argv[1])
    random = np.random.default_rng(6)
    weight = random.standard_normal((192, 80)).astype(np.float32)
    text = f"lutra.global @w : tensor<192x80xf32> = {dense(weight)} : tensor<192x80xf32>"
    (folder / "model.mlir").write_text(text + FUNCTION)
    np.savez(folder / "samples.npz", x=random.standard_normal((64, 192)).astype(np.float32))


if __name__ == "__main__":
    main()
