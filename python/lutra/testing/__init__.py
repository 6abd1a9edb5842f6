"""Numeric comparison for tests: derived bounds, never a typed-in tolerance."""

from .compare import CompareReport, compare
from .evaluate import evaluate, notices

__all__ = ["CompareReport", "compare", "evaluate", "notices"]
