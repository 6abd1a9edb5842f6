"""Exported programs as compiled libraries, inside bounds that the evaluator derives.

usage: check_exported.py [--half] [--emulate] NAME...    A model of test/Frontend/Torch/Inputs/torch_models.py

The program is exported with dynamic batch and sequence, compiled once, and called with tensors of several sizes. The
imported graph is evaluated in f64 with an error bound for every element (errors of the terms of a sum taken as
independent); PyTorch and the library must lie inside, and a result with one element off by a tenth outside. --half: in
f16. --emulate: kernels for GPUs as well, on the emulator; with --half, since bounds of f32 do not allow for tf32.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import lutra
import numpy as np
import torch
from emulated_driver import EmulatedDriver
from lutra.testing import compare, evaluate, notices
from lutra.torch import import_program
from torch_models import MODELS

Sample = list[torch.Tensor]


def emulate(driver: EmulatedDriver, library: Path, graph: Path, sample: Sample, arch: str) -> np.ndarray:
    """A call of the library on a device of this architecture."""
    if arch == "sm_80":
        driver.present(12, 0, None)  # the launcher then loads the PTX that the library carries
    else:
        command = ["lutra-compile", graph, "--target=nvgpu", f"--gpu-arch={arch}", "--emit=asm", "-o", "-"]
        ptx = subprocess.run([*command, "--allow-bytecode"], check=True, capture_output=True, text=True).stdout
        driver.present(9, 0, ptx)
    result = lutra.load(library)(*sample)[0]
    if driver.error:
        raise driver.error
    return result


def check(name: str, half: bool, driver: EmulatedDriver | None) -> bool:
    torch.manual_seed(11)
    case = MODELS[name]()
    module = case.module.half() if half else case.module
    samples = [[t.half() if half and t.is_floating_point() else t for t in sample] for sample in case.samples]
    with torch.no_grad():
        program = torch.export.export(module, tuple(samples[0]), dynamic_shapes=case.dynamic_shapes)
    start = time.perf_counter()
    model = lutra.compile(program)
    print(f"{name}: compiled in {time.perf_counter() - start:.1f} s", file=sys.stderr)
    ok = True
    with TemporaryDirectory() as folder:
        graph, library = Path(folder) / "module.mlirbc", Path(folder) / "gpu.so"
        import_program(program).write(graph)
        if driver:
            lutra.compile(program, target="nvgpu", output=library)
        for index, sample in enumerate(samples):
            with torch.no_grad():
                results = {"torch": module(*sample).numpy(), "cpu": model(*sample)[0]}
            if driver and index != 1:
                arch = "sm_90a" if index == 0 else "sm_80"
                results[arch] = emulate(driver, library, graph, sample, arch)
            references, bounds = evaluate(graph, [tensor.numpy() for tensor in sample], "--independent")
            reference, bound = references["output_0"], bounds["output_0"]
            shapes = [tuple(tensor.shape) for tensor in sample]
            for engine, result in results.items():
                report = compare(result, reference, bound)
                print(f"{name} {shapes} {engine}: {report}", file=sys.stderr)
                ok &= report.passed
            if not notices(reference, bound):
                print(f"{name} {shapes}: the bound accepts an error of a tenth", file=sys.stderr)
                ok = False
    return ok


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", action="store_true")
    parser.add_argument("--emulate", action="store_true")
    parser.add_argument("names", nargs="+")
    arguments = parser.parse_args()
    driver = EmulatedDriver(1 << 24) if arguments.emulate else None
    verdicts = {name: check(name, arguments.half, driver) for name in arguments.names}
    for name, ok in verdicts.items():
        print(f"{name} {'agrees' if ok else 'differs'}")
    return not all(verdicts.values())


if __name__ == "__main__":
    sys.exit(main())
