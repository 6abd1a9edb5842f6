"""Core ML packages that the compiler wrote."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any


class Package:
    """A compiled Core ML package: a folder that Core ML on an Apple machine loads and runs."""

    target = "mil"

    def __init__(
        self, path: str | os.PathLike[str], *, folder: tempfile.TemporaryDirectory[str] | None = None
    ) -> None:
        self._path = Path(path)
        self._folder = folder  # removed with this object when it was compiled to a temporary place

    @property
    def path(self) -> Path:
        """The .mlpackage folder."""
        return self._path

    def save(self, path: str | os.PathLike[str]) -> None:
        """Copy the package to `path`, which may be an older package but no other folder."""
        target = Path(path)
        if target.exists() and not (target / "Manifest.json").is_file():
            raise FileExistsError(f"{target} exists and is no package; choose another name or remove it")
        with tempfile.TemporaryDirectory(prefix=".lutra-", dir=target.parent) as beside:
            fresh, old = Path(beside) / "new", Path(beside) / "old"
            shutil.copytree(self._path, fresh)
            if target.exists():
                target.rename(old)
            fresh.rename(target)

    def open(self, **options: Any) -> Any:
        """The package as coremltools' MLModel, whose `predict` runs on macOS. `options` go to MLModel."""
        from coremltools.models import MLModel  # type: ignore[import-untyped]

        return MLModel(os.fspath(self._path), **options)

    def __repr__(self) -> str:
        return f"<lutra.Package {os.fspath(self._path)!r}>"
