"""What a module or a compiled model computes; of a module in f64, with how far a right program may be from that."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from .compare import compare

Arrays = dict[str, npt.NDArray[Any]]
Inputs: TypeAlias = Sequence[npt.NDArray[Any]] | Mapping[str, npt.NDArray[Any]]


class RunFailure(AssertionError):
    """lutra-run ended with another exit code than 0; a negative one is a signal."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text or f"lutra-run ended with {code}")
        self.code = code


def _run(file: str | PathLike[str], inputs: Inputs, folder: Path, flags: Sequence[str], level: str | None) -> None:
    """lutra-run on inputs by place or by name; results go to folder/out."""
    named = inputs.items() if isinstance(inputs, Mapping) else enumerate(inputs)
    command = ["lutra-run", fspath(file), f"--output={folder}/out", *flags]
    for index, (key, array) in enumerate(named):
        np.save(folder / f"in{index}.npy", array)
        command.append(f"--input={key}={folder}/in{index}.npy")
    environment = os.environ | ({} if level is None else {"LUTRA_ISA": level})
    finished = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if finished.returncode != 0:
        raise RunFailure(finished.returncode, finished.stderr.strip())


def _load(folder: Path) -> Arrays:
    return {path.stem: np.load(path) for path in folder.glob("*.npy")}


def evaluate(module: str | PathLike[str], inputs: Inputs, *options: str) -> tuple[Arrays, Arrays]:
    """Results of @main by name and their bounds (lutra-run --bounds); inputs by place or by name."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _run(module, inputs, folder, ["--bounds", *options], None)
        return _load(folder / "out"), _load(folder / "out" / "bounds")


def execute(model: str | PathLike[str], inputs: Inputs, *options: str, level: str | None = None) -> Arrays:
    """Results of a compiled model by name, run in a process of its own with buffers that end at unreadable pages.

    level: the instruction-set level to run, one of those in the model.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _run(model, inputs, folder, options, level)
        return _load(folder / "out")


def notices(reference: npt.NDArray[Any], bound: npt.NDArray[Any]) -> bool:
    """Whether a bound refuses a result whose largest finite element is off by a tenth. One that accepts it proves
    nothing; where there is no such element there is nothing to notice."""
    wrong = np.array(reference, np.float64)
    sizes = np.where(np.isfinite(wrong), np.abs(wrong), 0)
    if not sizes.any():
        return True
    wrong.flat[np.argmax(sizes)] *= 1.1
    return not compare(wrong, reference, bound).passed
