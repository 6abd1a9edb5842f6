"""Numeric comparison for tests: derived bounds, never a typed-in tolerance."""

from .compare import CompareReport, compare
from .evaluate import RunFailure, evaluate, execute, notices

__all__ = ["CompareReport", "RunFailure", "compare", "evaluate", "execute", "notices"]
