"""Cases as folders (of a failure) and as texts (kept in the repository).

A folder has graph.onnx, options.json, inputs.npz with an entry CALL/NAME for each input, and of the failing call
expected.npz and actual.npz; report.json says what is wrong and has the command that repeats it. A text is a model in
the syntax of onnx.parser under lines `// call NAME=SIZE ..`, one for each call; its inputs are seeded.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import onnx.printer
from graph import Case
from onnx import helper
from oracles import Options, Verdict
from randomness import Random, tensor


def write_folder(folder: Path, case: Case, options: Options, verdict: Verdict, **facts: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(case.model, str(folder / "graph.onnx"))
    (folder / "graph.txt").write_text(onnx.printer.to_text(case.model))
    (folder / "options.json").write_text(json.dumps(asdict(options)))
    inputs = {f"{number}/{name}": array for number, call in enumerate(case.calls) for name, array in call.items()}
    np.savez(folder / "inputs.npz", **inputs)
    np.savez(folder / "expected.npz", **verdict.expected)
    np.savez(folder / "actual.npz", **verdict.actual)
    report = {"fault": verdict.kind, "text": verdict.text, "calls": len(case.calls), **facts}
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n")


def read_folder(folder: Path) -> tuple[Case, Options]:
    options = json.loads((folder / "options.json").read_text())
    calls: list[dict[str, Any]] = [{} for _ in range(json.loads((folder / "report.json").read_text())["calls"])]
    for key, array in np.load(folder / "inputs.npz").items():
        number, _, name = key.partition("/")
        calls[int(number)][name] = array
    return Case(onnx.load(str(folder / "graph.onnx")), calls), Options(
        **{**options, "levels": tuple(options["levels"])}
    )


def read_text(path: Path) -> Case:
    text = path.read_text()
    model = onnx.parser.parse_model(re.sub(r"^//.*\n", "", text, flags=re.M))
    calls = []
    for line in re.findall(r"^// call(.*)$", text, re.M):
        sizes = {name: int(size) for name, size in re.findall(r"(\w+)=(\d+)", line)}
        random, call = Random(len(calls)), {}
        for value in model.graph.input:
            kind = value.type.tensor_type
            shape = [sizes[dim.dim_param] if dim.dim_param else dim.dim_value for dim in kind.shape.dim]
            dtype = helper.tensor_dtype_to_np_dtype(kind.elem_type)
            low = 0 if dtype.kind in "ub" else -3
            call[value.name] = tensor(random, dtype.name, shape, low, 3)
        calls.append(call)
    return Case(model, calls)
