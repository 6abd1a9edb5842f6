"""Lutra: compile networks ahead of time, run them anywhere.

model = lutra.compile("model.onnx")   # or lutra.load("model.so")
(scores,) = model(image)
"""

from lutra._compile import compile
from lutra._errors import (
    CompileError,
    EnvironmentFault,
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
