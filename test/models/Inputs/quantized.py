"""The magika model in 8 bits, as onnxruntime's own tool writes it, and with --quantize, against onnxruntime.

That computes without optimizations what the graph says, in f32; the fused integer kernels of onnxruntime add pairs of
products with saturation on CPUs without VNNI. A sum on the other side of a tie moves a code by one step: means are
compared.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lutra
import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

GREATEST_MEAN = 2e-5  # of the difference of two scores
PADDING = 256


class Reader(CalibrationDataReader):  # type: ignore[misc]
    """One input after another."""

    def __init__(self, name: str, rows: npt.NDArray[np.int32]) -> None:
        self.rest = [{name: row[None]} for row in rows]

    def get_next(self) -> dict[str, npt.NDArray[np.int32]] | None:
        return self.rest.pop() if self.rest else None


def tokens(path: Path, length: int) -> npt.NDArray[np.int32]:
    """The first and the last bytes of a file, as the model reads them."""
    data, half = path.read_bytes(), length // 2
    begin, end = list(data[:half].lstrip()), list(data[-half:].rstrip())
    return np.array(begin + [PADDING] * (half - len(begin)) + [PADDING] * (half - len(end)) + end, np.int32)


def scores(model: Path, inputs: dict[str, Any]) -> npt.NDArray[np.float32]:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    result: npt.NDArray[np.float32] = session.run(None, inputs)[0]
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, help="the project: its files are what is named")
    parser.add_argument("--corrupt", action="store_true", help="change one expected score, of one model")
    options = parser.parse_args()
    spec = find_spec("magika")
    if spec is None or spec.origin is None:
        sys.exit("package magika is missing; install python/requirements-test.txt")
    (model,) = Path(spec.origin).parent.glob("models/standard_v3_3/model.onnx")
    declared = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"]).get_inputs()[0]
    kinds = ("lib/Support/*.cpp", "test/lint/*.py", "docs/*.md")
    files = [path for kind in kinds for path in sorted(options.root.glob(kind))[:2]]
    rows = np.stack([tokens(path, declared.shape[1]) for path in files])
    exact = scores(model, {declared.name: rows})
    good = True
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        static = () if options.corrupt else (("static u8", QuantType.QUInt8), ("static s8", QuantType.QInt8))
        for name, kind in static:
            quantize_static(
                model,
                work / f"{name}.onnx",
                Reader(declared.name, rows[:4]),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=kind,
                extra_options={"ActivationSymmetric": kind == QuantType.QInt8},
            )
        quantize_dynamic(model, work / "dynamic.onnx", per_channel=True)
        for path in sorted(work.glob("*.onnx")):
            expected = scores(path, {declared.name: rows})
            if options.corrupt:
                expected.flat[0] += 1
            (result,) = lutra.compile(path, threads=1, target_cpu="native")(rows)
            mean = float(np.abs(result - expected).mean())
            labels = float((result.argmax(1) == exact.argmax(1)).mean())
            passed = mean <= GREATEST_MEAN and labels >= 0.95
            print(
                f"{path.stem}: mean difference {mean:.1e}, labels of the f32 model {labels:.0%}: "
                f"{'good' if passed else 'too far off'}"
            )
            good &= passed
    samples = [{declared.name: row[None]} for row in rows[:4]]
    specs = [(name, None) for name in ("int8", "w4a8", "weights=fp4", "weights=bitmod3")]
    specs += [(name, samples) for name in ("weights=int2:g32", "weights=int2:g64:groups4=25%")]
    for spec, calibrate in [] if options.corrupt else specs:
        (result,) = lutra.compile(model, threads=1, target_cpu="native", quantize=spec, calibrate=calibrate)(rows)
        mean = float(np.abs(result - exact).mean())
        same = bool((result.argmax(1) == exact.argmax(1)).all())
        print(f"--quantize={spec}: mean difference {mean:.1e}: {'good' if same else 'other labels'}")
        good &= same
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
