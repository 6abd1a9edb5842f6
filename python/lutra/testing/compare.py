"""Is a result inside its bound? The twin of lib/Reference/Compare.cpp, in NumPy.

Bounds are arrays of one absolute error per element, written by `lutra-run --bounds --output=DIR`
(DIR/<name>.npy holds the f64 values, DIR/bounds/<name>.npy the bounds). An infinite bound leaves an
element open.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class CompareReport:
    """What a comparison of one tensor found."""

    count: int
    same_shape: bool
    non_finite_mismatches: int
    violations: int
    undetermined: int
    max_error: float
    max_ratio: float
    worst: int | None
    norm_error: float

    @property
    def passed(self) -> bool:
        return self.same_shape and self.non_finite_mismatches == 0 and self.violations == 0

    def __str__(self) -> str:
        if not self.same_shape:
            return "FAIL: the shapes differ"
        text = (
            f"{'ok' if self.passed else 'FAIL'}: {self.count} elements, max error {self.max_error:.3g}, "
            f"max error/bound {self.max_ratio:.3g}, norm error {self.norm_error:.3g}"
        )
        if self.undetermined:
            text += f", {self.undetermined} undetermined"
        if not self.passed:
            text += (
                f", {self.violations} outside the bound, {self.non_finite_mismatches} non-finite mismatches; "
                f"worst element {self.worst}"
            )
        return text


def compare(actual: npt.ArrayLike, reference: npt.ArrayLike, bound: npt.ArrayLike | None = None) -> CompareReport:
    """Compares element by element; no bound demands equality (NaN equals NaN, -0 equals 0)."""
    actual_array, reference_array = np.asarray(actual), np.asarray(reference)
    limits = np.zeros(reference_array.shape) if bound is None else np.asarray(bound, np.float64)
    count = reference_array.size
    if actual_array.shape != reference_array.shape or limits.shape != reference_array.shape:
        return CompareReport(count, False, 0, 0, 0, 0.0, 0.0, None, 0.0)
    integers = actual_array.dtype.kind in "biu" and reference_array.dtype.kind in "biu"
    equal = (actual_array == reference_array).ravel() if integers else np.zeros(count, bool)
    a = actual_array.astype(np.float64).ravel()
    r = reference_array.astype(np.float64).ravel()
    limits = limits.ravel()
    # Two different 64-bit integers may be one double; they must not count as equal.
    if not integers:
        equal = (a == r) | (np.isnan(a) & np.isnan(r))
    considered = ~np.isinf(limits)
    finite = np.isfinite(a) & np.isfinite(r)
    mismatch = considered & ~equal & ~finite
    error = np.where(considered & ~equal & finite, np.abs(np.where(finite, a - r, 0.0)), 0.0)
    if integers:
        error = np.where(considered & ~equal, np.maximum(error, 1.0), error)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(error > 0, error / limits, 0.0)
    violations = int(np.count_nonzero(error > limits))
    worst = int(np.argmax(np.where(mismatch, np.inf, ratio))) if count else None
    scale = float(np.linalg.norm(np.where(np.isfinite(r) & considered, r, 0.0)))
    norm = float(np.linalg.norm(error))
    return CompareReport(
        count=count,
        same_shape=True,
        non_finite_mismatches=int(np.count_nonzero(mismatch)),
        violations=violations,
        undetermined=int(np.count_nonzero(~considered)),
        max_error=float(error.max(initial=0.0)),
        max_ratio=float(ratio.max(initial=0.0)),
        worst=worst,
        norm_error=norm / scale if scale > 0 else norm,
    )
