"""Whole networks against onnxruntime, inside bounds that the evaluator derives.

usage: check_model.py NAME [--engine reference|cpu] [--work FOLDER]

The model is imported, evaluated in f64 with an error bound for every element (errors of the terms of a
sum taken as independent where they are, see docs/design/bounds.md), and onnxruntime must lie inside; with
`--engine cpu` the compiled library as well. Each bound must also refuse a result with one element
changed by a tenth of the largest: a bound that accepts everything proves nothing.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import models
import numpy as np
import numpy.typing as npt
import onnxruntime
from lutra.testing import compare, notices

Values = Mapping[str, npt.NDArray[np.generic]]


def run_tool(*command: str | Path) -> None:
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\nexit {result.returncode}\n{result.stderr[-2000:]}")


def file_of(name: str) -> str:
    """The file that lutra-run writes a result to."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name) + ".npy"


class Engines:
    """One model in onnxruntime, in the evaluator and, when wanted, compiled."""

    def __init__(self, case: models.Case, work: Path, cpu: bool) -> None:
        model = case.model
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self.names = [output.name for output in self.session.get_outputs()]
        self.work, self.cpu = work, cpu
        self.flags = ["--bounds", *(["--independent"] if case.independent else [])]
        run_tool("lutra-compile", model, "--stop-after=import", "-o", work / "model.mlirbc")
        if cpu:
            run_tool("lutra-compile", model, "-o", work / "model.so")

    def onnxruntime(self, inputs: Values) -> dict[str, npt.NDArray[np.generic]]:
        return dict(zip(self.names, self.session.run(None, dict(inputs)), strict=True))

    def lutra(self, inputs: Values, source: str, *flags: str) -> dict[str, npt.NDArray[np.generic]]:
        """Results of lutra-run on model.mlirbc or model.so; bounds under "bounds/NAME"."""
        files = []
        for index, (name, value) in enumerate(inputs.items()):
            path = self.work / f"input{index}.npy"
            np.save(path, value)
            files.append(f"--input={name}={path}")
        folder = self.work / "out"
        run_tool("lutra-run", self.work / source, f"--output={folder}", *files, *flags)
        results = {name: np.load(folder / file_of(name)) for name in self.names}
        if "--bounds" in flags:
            results |= {f"bounds/{name}": np.load(folder / "bounds" / file_of(name)) for name in self.names}
        return results


def check(engines: Engines, inputs: Values, label: str) -> tuple[bool, dict[str, npt.NDArray[np.generic]]]:
    """Compares one call; returns the verdict and onnxruntime's results (for state)."""
    reference = engines.lutra(inputs, "model.mlirbc", *engines.flags)
    expected = engines.onnxruntime(inputs)
    actual = {"onnxruntime": expected}
    if engines.cpu:
        actual["cpu"] = engines.lutra(inputs, "model.so")
    ok = True
    for engine, results in actual.items():
        for name in engines.names:
            bound = reference[f"bounds/{name}"]
            report = compare(results[name], reference[name], bound)
            print(f"{label} {engine} {name}: {report}")
            ok &= report.passed
    for name in engines.names:
        if not notices(reference[name], reference[f"bounds/{name}"]):
            print(f"{label} {name}: the bound accepts an error of a tenth")
            ok = False
    return ok, expected


def calls(case: models.Case, engines: Engines) -> Iterator[bool]:
    """All calls of a case; results named in `case.state` are inputs of the next call."""
    state: dict[str, npt.NDArray[np.generic]] = {}
    for step, inputs in enumerate(case.inputs):
        ok, results = check(engines, {**inputs, **state}, f"{case.name}[{step}]")
        state = {target: results[source] for source, target in case.state.items()}
        yield ok


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--engine", choices=["reference", "cpu"], default="reference")
    parser.add_argument("--work", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = arguments.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        case = models.CASES[arguments.name](work)
        engines = Engines(case, work, arguments.engine == "cpu")
        verdicts = list(calls(case, engines))
    return 0 if verdicts and all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
