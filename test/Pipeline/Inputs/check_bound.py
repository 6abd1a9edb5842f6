"""Checks a report of --quantize=..,loss<=BOUND: the loss holds it, with at most so many bits for each weight."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> None:
    report = json.loads(Path(sys.argv[1]).read_text())
    bound, bits = float(sys.argv[2]), float(sys.argv[3])
    layers = {layer["name"]: layer for layer in report["layers"]}
    assert set(layers) == {"first", "second"}, layers
    assert 0 < report["measuredLoss"] <= bound, report["measuredLoss"]
    probed = sum(layer["probedLoss"] for layer in layers.values())
    # Two numbers, which are added in either order.
    assert abs(probed - report["predictedLoss"]) <= sys.float_info.epsilon * probed
    # Measured on the quantized model, of the same weights.
    outputs = [output["meanCosine"] for output in report["outputs"]]
    assert 1 - sum(outputs) / len(outputs) <= bound * 1.001, outputs
    assert report["bitsPerWeight"] <= bits, report["bitsPerWeight"]


if __name__ == "__main__":
    main()
