"""What a module computes, in f64, and how far a right program of its types may be from that."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .compare import compare

Arrays = dict[str, npt.NDArray[Any]]


def evaluate(
    module: str | PathLike[str],
    inputs: Sequence[npt.NDArray[Any]] | Mapping[str, npt.NDArray[Any]],
    *options: str,
) -> tuple[Arrays, Arrays]:
    """Results of @main by name and their bounds (lutra-run --bounds); inputs by place or by name."""
    named = inputs.items() if isinstance(inputs, Mapping) else enumerate(inputs)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        flags = [f"--output={folder}/out", "--bounds", *options]
        for index, (key, array) in enumerate(named):
            np.save(folder / f"in{index}.npy", array)
            flags.append(f"--input={key}={folder}/in{index}.npy")
        finished = subprocess.run(["lutra-run", fspath(module), *flags], capture_output=True, text=True, check=False)
        if finished.returncode != 0:
            raise AssertionError(finished.stderr.strip())
        results = {path.stem: np.load(path) for path in (folder / "out").glob("*.npy")}
        bounds = {path.stem: np.load(path) for path in (folder / "out" / "bounds").glob("*.npy")}
    return results, bounds


def notices(reference: npt.NDArray[Any], bound: npt.NDArray[Any]) -> bool:
    """Whether a bound refuses a result whose largest finite element is off by a tenth. One that accepts it proves
    nothing; where there is no such element there is nothing to notice."""
    wrong = np.array(reference, np.float64)
    sizes = np.where(np.isfinite(wrong), np.abs(wrong), 0)
    if not sizes.any():
        return True
    wrong.flat[np.argmax(sizes)] *= 1.1
    return not compare(wrong, reference, bound).passed
