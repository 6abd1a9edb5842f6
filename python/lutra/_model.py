"""Compiled models as callables. Needs neither LLVM nor the compiler."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lutra import _runtime
from lutra._errors import InputError, RunError
from lutra._sizes import plain_threads

_runtime.set_error_classes(RunError, InputError)

_WEIGHTS_MAGIC = b"LUTRAWT1"  # include/lutra/Runtime/ModelTable.h


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output. A size is an int, a name (equal names are equal sizes), or None when unnamed."""

    name: str
    dtype: str
    shape: tuple[int | str | None, ...]


class Model:
    """A compiled model. Calling it is thread-safe: concurrent calls get contexts of their own."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        threads: int | None = None,
        weights: str | os.PathLike[str] | None = None,
        folder: tempfile.TemporaryDirectory[str] | None = None,
        deferred: bool = False,
    ) -> None:
        count = plain_threads(threads)
        self._path = Path(path).absolute()  # of now: a deferred model and save come back to it later
        self._weights = None if weights is None else Path(weights).absolute()
        self._folder = folder  # removed with the model when it was compiled to a temporary place
        self._model = _runtime.Model(
            os.fspath(self._path), count, None if self._weights is None else os.fspath(self._weights), deferred
        )
        self._identity = _identity(self._path)
        self._inputs = tuple(TensorSpec(*spec) for spec in self._model.describe(False))
        self._outputs = tuple(TensorSpec(*spec) for spec in self._model.describe(True))
        self._positions = {spec.name: position for position, spec in enumerate(self._inputs)}

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """Names, element types and shapes, in graph order."""
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Names, element types and shapes, in graph order."""
        return self._outputs

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def target(self) -> str:
        return self._model.target

    @property
    def compiler(self) -> str:
        """The compiler's name and version."""
        return self._model.compiler

    @property
    def levels(self) -> tuple[str, ...]:
        """Instruction-set levels inside, best first."""
        return tuple(self._model.levels)

    @property
    def level(self) -> str:
        """The level that this machine runs."""
        return self._model.level

    def __call__(self, /, *arrays: Any, **named: Any) -> tuple[Any, ...]:
        """Run once. Takes NumPy arrays or host tensors that speak DLPack, by position or by input name;
        returns NumPy arrays in graph order. Nothing contiguous is copied. Raises InputError for what the model
        does not take."""
        if named:
            arrays = self._merge(arrays, named)
        return self._model.run(arrays)

    def _merge(self, arrays: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        slots: list[Any] = list(arrays) + [None] * (len(self._inputs) - len(arrays))
        for name, value in named.items():
            position = self._positions.get(name)
            if position is None:
                known = ", ".join(self._positions)
                raise InputError(f"the model has no input {name!r}; it has {known}")
            if position < len(arrays):
                raise InputError(f"input {name!r} is given twice")
            slots[position] = value
        missing = [spec.name for spec, value in zip(self._inputs, slots, strict=False) if value is None]
        if missing:
            raise InputError(f"inputs are missing: {', '.join(missing)}")
        return tuple(slots)

    def infer_shapes(self, *shapes: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Output shapes for input shapes; raises InputError when they contradict the model."""
        return [tuple(shape) for shape in self._model.infer_shapes([list(shape) for shape in shapes])]

    def arena_bytes(self, *shapes: tuple[int, ...]) -> int:
        """Memory for intermediate values of one call with these input shapes."""
        return self._model.arena_bytes([list(shape) for shape in shapes])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Copy the model to `path`, with its weights file, when it has one, beside it as `path` + ".weights".

        Symbolic links are followed; a folder, device or pipe is an OSError.
        """
        if _identity(self._path) != self._identity:
            raise RunError(f"{self._path} was replaced after this model was loaded from it; load it again", 5)
        target = _place(Path(path))
        weights, copy = self._weights_path(), _weights_of(target)
        if weights is not None:
            _replace(weights, copy)
        _replace(self._path, target)
        if weights is None and _is_weights(copy):
            copy.unlink()  # of the model that `path` held before

    def _weights_path(self) -> Path | None:
        """Where the runtime finds the weights file: as told, else under the library's name, else as compiled."""
        name = self._model.weights_file
        if name is None or self._weights is not None:
            return None if name is None else self._weights
        libraries = (self._path, self._path.resolve())
        places = [place for path in libraries for place in (_weights_of(path), path.parent / name)]
        return next((place for place in places if place.exists()), places[0])

    def __repr__(self) -> str:
        return f"<lutra.Model {self.name!r} for {self.target}, {len(self.inputs)} in, {len(self.outputs)} out>"


def _identity(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _weights_of(path: Path) -> Path:
    return path.with_name(path.name + ".weights")


def _is_weights(path: Path) -> bool:
    """Whether a file is one that the compiler wrote."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as data:
            return data.read(len(_WEIGHTS_MAGIC)) == _WEIGHTS_MAGIC
    except OSError:
        return False


def _place(path: Path) -> Path:
    """Where a file that is written to `path` goes; only a file may be in its way."""
    place = Path(os.path.realpath(path))
    if place.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if os.path.lexists(place) and not place.is_file():
        raise OSError(errno.EOPNOTSUPP, "not a regular file, so no model replaces it", os.fspath(path))
    return place


def _replace(source: Path, target: Path) -> None:
    """Copy so that `target` is at any time absent, old or complete."""
    target = _place(target)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".lutra-")
    try:
        with os.fdopen(handle, "wb") as output, source.open("rb") as data:
            shutil.copyfileobj(data, output, 1 << 22)
            output.flush()
            os.fsync(output.fileno())
        shutil.copymode(source, temporary)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load(
    path: str | os.PathLike[str],
    *,
    threads: int | None = None,
    weights: str | os.PathLike[str] | None = None,
) -> Model:
    """Open a compiled model. An artifact is code: load only files that you trust.

    threads: of one call; None is one per CPU. weights: the weights file, if it does not lie beside the model.
    """
    return Model(path, threads=threads, weights=weights)
