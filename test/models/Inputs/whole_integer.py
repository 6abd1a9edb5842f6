"""Two encoder layers of a BERT, random weights, in 8 bits as onnxruntime's tool writes them.

What lies between kernels is bytes, and results are those of the graph in f32 (onnxruntime without optimizations; a sum
on the other side of a tie moves a code by one step, so means are compared).
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import lutra
import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
import transformers
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

HIDDEN, HEADS, LAYERS = 96, 3, 2
GREATEST_MEAN = 2e-4  # of the difference of two outputs, whose deviation is 1
Inputs = dict[str, npt.NDArray[np.int64]]


class Reader(CalibrationDataReader):  # type: ignore[misc]
    """One batch."""

    def __init__(self, inputs: Inputs) -> None:
        self.rest = [inputs]

    def get_next(self) -> Inputs | None:
        return self.rest.pop() if self.rest else None


def export(path: Path) -> None:
    torch.manual_seed(5)
    config = transformers.BertConfig(
        vocab_size=200, hidden_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=HEADS, intermediate_size=256
    )
    batch, sequence = torch.export.Dim("batch", min=1, max=8), torch.export.Dim("sequence", min=2, max=128)
    tokens = {name: torch.ones(2, 11, dtype=torch.int64) for name in ("input_ids", "attention_mask")}
    sizes = {name: {0: batch, 1: sequence} for name in tokens}
    network = transformers.BertModel(config, add_pooling_layer=False).eval()
    with torch.no_grad():
        torch.onnx.export(network, kwargs=tokens, f=str(path), dynamo=True, dynamic_shapes=sizes, verbose=False)


def inputs_of(sequence: int) -> Inputs:
    generator = np.random.default_rng(sequence)
    mask = np.ones((2, sequence), np.int64)
    mask[1, sequence - sequence // 3 :] = 0
    return {"input_ids": generator.integers(0, 200, (2, sequence)), "attention_mask": mask}


def reference(model: Path, inputs: Inputs) -> npt.NDArray[np.float32]:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    result: npt.NDArray[np.float32] = session.run(None, inputs)[0]
    return result


def float_rows(model: Path) -> list[str]:
    """Kernels that write rows of the hidden size, or of what lies between two products, as floats."""
    command = ["lutra-compile", str(model), "--stop-after=fused", "-o", "-"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return re.findall(r"lutra\.kernel @(\w+)\([^)]*\) -> tensor<\?x\?x\d+xf32>", text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corrupt", action="store_true", help="change what is expected")
    options = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        export(work / "bert.onnx")
        for name, kind, kinds in (
            ("products", QuantType.QUInt8, ["MatMul", "Gemm"]),
            ("all", QuantType.QInt8, None),
        ):
            path = work / f"{name}.onnx"
            quantize_static(
                work / "bert.onnx", path, Reader(inputs_of(48)), quant_format=QuantFormat.QDQ, per_channel=True,
                activation_type=kind, op_types_to_quantize=kinds,
            )  # fmt: skip
            rows = float_rows(path)
            model: Any = lutra.compile(path, threads=1, target_cpu="native")
            for sequence in (7, 48):
                inputs = inputs_of(sequence)
                expected = reference(path, inputs) + options.corrupt
                mean = float(np.abs(np.asarray(model(**inputs)[0]) - expected).mean())
                # The result alone is floats.
                passed = mean <= GREATEST_MEAN and len(rows) == 1
                print(f"{name}, {sequence} tokens: mean difference {mean:.1e}, floats of {rows}: "
                      f"{'good' if passed else 'too far off'}")  # fmt: skip
                good &= passed
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
