"""Runs the cases of a test that compares compiled models with NumPy."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Case = TypeVar("Case")


def run_cases(
    description: str | None,
    cases: Sequence[Case],
    run: Callable[[Case, np.random.Generator], tuple[Array, Array, Array]],
) -> int:
    """The exit code. `run` gives what is computed, what NumPy computes, and how far they may differ."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--corrupt", action="store_true", help="change one expected element")
    options = parser.parse_args()
    generator = np.random.default_rng(5)
    for case in cases:
        result, expected, bound = run(case, generator)
        if options.corrupt:
            expected.flat[0] += 2 * bound.flat[0] + abs(expected.flat[0]) + 1
        wrong = np.argwhere(~(abs(result - expected) <= bound))
        if result.shape != expected.shape or len(wrong):
            print(f"{case} differs at {wrong[:4].tolist()} ({len(wrong)} elements)")
            return 1
    print(f"{len(cases)} models agree")
    return 0
