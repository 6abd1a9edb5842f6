"""lutra.compile: a model file or its bytes to a callable."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from lutra._errors import UsageError, error_for
from lutra._model import Model


def compile(
    model: str | os.PathLike[str] | bytes,
    *,
    target: str = "cpu",
    threads: int | None = None,
    output: str | os.PathLike[str] | None = None,
    target_cpu: str | Sequence[str] | None = None,
    dims: Mapping[str, int | tuple[int, int]] | None = None,
    strategy: str = "auto",
    compile_threads: int | None = None,
    isolate: bool | None = None,
) -> Model:
    """Compile an .onnx or .mlir file (or an ONNX model's bytes) ahead of time.

    threads: of one call of the model, None is one per CPU. output: keep the artifact here (otherwise it lives
    as long as the model; see Model.save). target_cpu: instruction-set levels, such as "avx2" or ["avx2", "avx512"].
    dims: fixed sizes or (low, high) ranges of named input sizes. isolate: compile in a process of its own,
    so that no fault of the compiler reaches this one (default for files).

    Raises a CompileError whose class tells the kind and whose `diagnostics` list every finding.
    """
    folder = None
    if output is None:
        folder = tempfile.TemporaryDirectory(prefix="lutra-")
        output = Path(folder.name) / "model.so"
    flags = [f"--target={target}", f"--strategy={strategy}", "-o", os.fspath(output)]
    if target_cpu is not None:
        levels = [target_cpu] if isinstance(target_cpu, str) else list(target_cpu)
        flags.append(f"--target-cpu={','.join(levels)}")
    for name, size in (dims or {}).items():
        flags.append(f"--dim={name}={size}" if isinstance(size, int) else f"--dim={name}={size[0]}..{size[1]}")
    if compile_threads is not None:
        flags.append(f"--threads={compile_threads}")
    data = model if isinstance(model, bytes) else None
    flags.append("model.onnx" if data is not None else os.fspath(model))
    if isolate is None:
        isolate = data is None
    if isolate and data is not None:
        raise UsageError(["isolate=True needs a file; write the bytes to one"])
    run_compiler(flags, data=data, isolate=isolate)
    return Model(output, threads=threads, folder=folder)


def run_compiler(flags: Sequence[str], *, data: bytes | None = None, isolate: bool = False) -> str:
    """Run the compiler with the flags of lutra-compile; returns the module that it printed."""
    if isolate:
        finished = subprocess.run([_tool(), *flags], capture_output=True, text=True, check=False)
        code, lines, text = finished.returncode, finished.stderr.splitlines(), finished.stdout
    else:
        from lutra import _compiler  # loads LLVM: only when it is needed

        code, findings, text = _compiler.compile(list(flags), data)
        lines = [line for _, line in findings]
    if code != 0:
        raise error_for(code, lines)
    return text


def _tool() -> str:
    beside = Path(__file__).parent / "bin" / "lutra-compile"
    found = os.fspath(beside) if beside.exists() else shutil.which("lutra-compile")
    if found is None:
        raise error_for(5, ["lutra-compile is neither in the package nor on the PATH; pass isolate=False"])
    return found
