"""Lutra: compile networks ahead of time, run them anywhere.

model = lutra.compile("model.onnx")   # or lutra.load("model.so")
(scores,) = model(image)
"""

from __future__ import annotations

import importlib
from typing import Any

from lutra._compile import compile
from lutra._errors import (
    CompileError,
    EnvironmentFault,
    InputError,
    InternalError,
    InvalidModelError,
    LimitError,
    RunError,
    UnsupportedError,
    UsageError,
)
from lutra._model import Model, TensorSpec, load
from lutra._package import Package

__version__ = "0.1.0"
__all__ = [
    "CompileError",
    "EnvironmentFault",
    "InputError",
    "InternalError",
    "InvalidModelError",
    "LimitError",
    "Model",
    "Package",
    "RunError",
    "TensorSpec",
    "UnsupportedError",
    "UsageError",
    "compile",
    "load",
]


def __getattr__(name: str) -> Any:
    """lutra.encoding, lutra.testing and lutra.torch are imported when they are first named."""
    if name in ("encoding", "testing", "torch"):
        return importlib.import_module(f"lutra.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
