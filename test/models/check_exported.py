"""Exported programs as compiled libraries, inside bounds that the evaluator derives.

usage: check_exported.py NAME...    A model of test/Frontend/Torch/Inputs/torch_models.py

The program is exported with dynamic batch and sequence, compiled once, and called with tensors of several sizes. The
imported graph is evaluated in f64 with an error bound for every element (errors of the terms of a sum taken as
independent); PyTorch and the library must lie inside, and a result with one element off by a tenth outside.
"""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import lutra
import numpy as np
import torch
from lutra.testing.compare import compare
from lutra.torch import import_program
from torch_compare import evaluate
from torch_models import MODELS


def check(name: str) -> bool:
    torch.manual_seed(11)
    case = MODELS[name]()
    with torch.no_grad():
        program = torch.export.export(case.module, tuple(case.samples[0]), dynamic_shapes=case.dynamic_shapes)
    start = time.perf_counter()
    model = lutra.compile(program)
    seconds = time.perf_counter() - start
    print(f"{name}: compiled in {seconds:.1f} s", file=sys.stderr)
    ok = True
    with TemporaryDirectory() as folder:
        graph = Path(folder) / "module.mlirbc"
        import_program(program).write(graph)
        for sample in case.samples:
            with torch.no_grad():
                expected = case.module(*sample).numpy()
            references, bounds = evaluate(graph, [tensor.numpy() for tensor in sample], "--independent")
            reference, bound = references["output_0"], bounds["output_0"]
            wrong = np.array(reference, np.float64)
            wrong.flat[np.argmax(np.abs(wrong))] *= 1.1
            shapes = [tuple(tensor.shape) for tensor in sample]
            for engine, result, wanted in (
                ("torch", expected, True),
                ("lutra", model(*sample)[0], True),
                ("one off by a tenth", wrong, False),
            ):
                report = compare(result, reference, bound)
                print(f"{name} {shapes} {engine}: {report}", file=sys.stderr)
                ok &= report.passed == wanted
    return ok


def main() -> int:
    verdicts = {name: check(name) for name in sys.argv[1:]}
    for name, ok in verdicts.items():
        print(f"{name} {'agrees' if ok else 'differs'}")
    return not all(verdicts.values())


if __name__ == "__main__":
    sys.exit(main())
