"""Numeric comparison for tests: derived bounds, never a typed-in tolerance."""

from .compare import CompareReport, compare

__all__ = ["CompareReport", "compare"]
