"""What can go wrong, one class per exit code of the compiler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class CompileError(Exception):
    """A model that was not compiled. `diagnostics` has one line per finding, codes included."""

    exit_code: ClassVar[int] = 1

    def __init__(self, diagnostics: Sequence[str]) -> None:
        self.diagnostics = list(diagnostics)
        super().__init__("\n".join(self.diagnostics) or "the compiler failed without a message")


class InvalidModelError(CompileError):
    """The file or a value in it is wrong."""


class UsageError(CompileError):
    """An option is wrong."""

    exit_code = 2


class UnsupportedError(CompileError):
    """The model is valid, but holds something that cannot be compiled; all of it is listed."""

    exit_code = 3


class LimitError(CompileError):
    """Time, memory, size or depth ran out."""

    exit_code = 4


class EnvironmentFault(CompileError):
    """A file cannot be read or written, or a tool is missing."""

    exit_code = 5


class InternalError(CompileError):
    """A fault of the compiler; the diagnostics name the files that repeat it."""

    exit_code = 70


class RunError(RuntimeError):
    """A compiled model that could not be loaded or run; `code` is the status of its C interface."""

    def __init__(self, text: str, code: int) -> None:
        self.code = code
        super().__init__(text)


class InputError(RunError, ValueError, TypeError):
    """An input that a model does not take: its number, name, type, rank, size or place in memory."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text, code)


_CLASSES: dict[int, type[CompileError]] = {
    kind.exit_code: kind
    for kind in (InvalidModelError, UsageError, UnsupportedError, LimitError, EnvironmentFault, InternalError)
}


def error_for(code: int, diagnostics: Sequence[str]) -> CompileError:
    """The exception that mirrors an exit code."""
    return _CLASSES.get(code, InternalError)(diagnostics)
