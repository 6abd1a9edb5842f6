"""Sizes of named dimensions, as callers write them."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import SupportsIndex, TypeAlias

Dims: TypeAlias = Mapping[str, SupportsIndex | Sequence[SupportsIndex]]


def plain_dims(dims: Dims | None) -> dict[str, int | tuple[int, int]]:
    """Every size an int or a pair of ints; NumPy's integers count as ints."""
    plain: dict[str, int | tuple[int, int]] = {}
    for name, size in (dims or {}).items():
        try:
            if isinstance(size, Sequence):
                low, high = size
                plain[name] = (operator.index(low), operator.index(high))
            else:
                plain[name] = operator.index(size)
        except (TypeError, ValueError):
            raise TypeError(f"dims[{name!r}] is {size!r}; a size is an integer or (low, high)") from None
    return plain


def plain_threads(threads: SupportsIndex | None) -> int:
    """A number of threads, 0 for one per CPU."""
    try:
        count = 0 if threads is None else operator.index(threads)
        if 0 <= count <= 1024:  # as lib/Runtime/Model.c
            return count
        kind: type[Exception] = ValueError
    except TypeError:
        kind = TypeError
    raise kind(f"threads is {threads!r}; it takes a whole number from 0 to 1024")
