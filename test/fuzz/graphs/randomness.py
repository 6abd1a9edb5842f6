"""Random numbers that are the same on every machine and with every version of every library.

SplitMix64 throughout: Python's and NumPy's generators promise no streams across versions, and their normal deviates go
through libm. Floats are ratios of integers with a power of two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")
STEP = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1


def mix(bits: int) -> int:
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & MASK
    return bits ^ (bits >> 31)


class Random:
    """A stream of choices. `fork` gives one that later choices of this one do not change."""

    def __init__(self, seed: int) -> None:
        self.state = mix(seed & MASK)

    def bits(self) -> int:
        self.state = (self.state + STEP) & MASK
        return mix(self.state)

    def fork(self) -> Random:
        return Random(self.bits())

    def below(self, count: int) -> int:
        return self.bits() % count

    def between(self, low: int, high: int) -> int:
        """Both ends included."""
        return low + self.below(high - low + 1)

    def chance(self, percent: int) -> bool:
        return self.below(100) < percent

    def pick(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]

    def weighted(self, choices: Sequence[tuple[int, T]]) -> T:
        place = self.below(sum(weight for weight, _ in choices))
        for weight, choice in choices:
            if place < weight:
                return choice
            place -= weight
        raise AssertionError("weights are positive")

    def shuffled(self, items: Sequence[T]) -> list[T]:
        left, result = list(items), []
        while left:
            result.append(left.pop(self.below(len(left))))
        return result

    def words(self, count: int) -> npt.NDArray[np.uint64]:
        """The next `count` words of `bits`, at once."""
        with np.errstate(over="ignore"):
            bits = np.uint64(self.state) + np.uint64(STEP) * np.arange(1, count + 1, dtype=np.uint64)
            bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        self.state = (self.state + STEP * count) & MASK
        return bits ^ (bits >> np.uint64(31))

    def integers(self, low: int, high: int, shape: Sequence[int]) -> npt.NDArray[np.int64]:
        count = int(np.prod(shape, dtype=np.int64))
        return (low + (self.words(count) % np.uint64(high - low + 1)).astype(np.int64)).reshape(shape)

    def floats(self, low: float, high: float, shape: Sequence[int]) -> npt.NDArray[np.float64]:
        """Of 24 random bits; where the ends allow it, f32 holds them as they are."""
        count = int(np.prod(shape, dtype=np.int64))
        parts = (self.words(count) >> np.uint64(40)).astype(np.float64) / (1 << 24)
        return (low + (high - low) * parts).reshape(shape)


def tensor(random: Random, dtype: str, shape: Sequence[int], low: float, high: float) -> npt.NDArray[Any]:
    """Values of a type in a range: mostly fine ones, else small integers with many ties, or with a few outliers."""
    kind = np.dtype(dtype)
    if kind == np.bool_:
        return np.asarray(random.integers(0, 1, shape), bool)
    if kind.kind in "iu":
        return np.asarray(random.integers(int(low), int(high), shape), kind)
    style = random.weighted([(7, "fine"), (2, "ties"), (1, "outliers")])
    if style == "ties":
        return np.asarray(np.clip(random.integers(-3, 3, shape), low, high), kind)
    values = random.floats(low, high, shape)
    if style == "outliers":
        rare = random.integers(0, 15, shape)
        values = np.where(rare == 0, values, np.clip(values / 16, low, high))
    return np.asarray(values, kind)
