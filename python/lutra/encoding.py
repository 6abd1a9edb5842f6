"""Encoded tensors: low-bit and quantized weights as bytes, and back.

text = "[dense<uint<4>, affine<-8>, scales = [f16, 1, 32]>]"   # between the angle brackets of #lutra.encoding<..>
data = lutra.encoding.encode(text, weight)
same = lutra.encoding.decode(text, weight.shape, data)          # float64, exact

The bytes are those of a `lutra.global` of that type; `layout` says which array lies where.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lutra import _compiler
from lutra._errors import InputError

__all__ = ["StoredArray", "decode", "encode", "layout"]


@dataclass(frozen=True, slots=True)
class StoredArray:
    """One array of an encoded tensor: rows of fields, each row a little-endian bit stream that starts on a byte."""

    name: str
    element: str  # "u4", "i8", "f16", "e8m0", ..
    shape: tuple[int, int]
    offset: int
    nbytes: int


def _sizes(shape: Sequence[int]) -> tuple[int, int]:
    """Columns are the last dimension, rows all others."""
    if not shape:
        raise InputError("an encoded tensor has at least one dimension, but the shape is ()")
    if any(size < 0 for size in shape):
        raise InputError(f"the shape {tuple(shape)} has a negative size")
    return math.prod(shape[:-1]), int(shape[-1])


def layout(text: str, shape: Sequence[int]) -> list[StoredArray]:
    """The arrays that store a tensor of `shape`, in the order of their bytes. Raises InputError for a wrong text."""
    n, k = _sizes(shape)
    try:
        rows = _compiler.encoding_layout(text, n, k)
    except _compiler.EncodingFault as fault:
        raise InputError(str(fault)) from None
    return [StoredArray(name, element, (n, k), offset, nbytes) for name, element, n, k, offset, nbytes in rows]


def decode(
    text: str, shape: Sequence[int], data: bytes, *, dictionaries: Mapping[str, bytes] | None = None
) -> npt.NDArray[np.float64]:
    """The values that `data` stands for. `dictionaries` holds the bytes of the symbols that dict<..> codes name.

    Raises InputError for a wrong text and for bytes that do not follow it.
    """
    n, k = _sizes(shape)
    try:
        values = _compiler.encoding_decode(text, n, k, data, dict(dictionaries or {}))
    except _compiler.EncodingFault as fault:
        raise InputError(str(fault)) from None
    return np.frombuffer(values, np.float64).reshape(shape)


def encode(
    text: str,
    values: npt.ArrayLike,
    *,
    arrays: Mapping[str, npt.ArrayLike] | None = None,
    dictionaries: Mapping[str, bytes] | None = None,
    sort_by_magnitude: bool = False,
    sides: bytes | None = None,
) -> bytes:
    """The bytes of `values`: scales from the extremes of each group, then the nearest codes.

    `arrays` gives tables, permutations and maps by their names in the layout; tables that the text does not list must
    be given. `sort_by_magnitude` orders rows and columns of an encoding with permutations. `sides` are bytes of an
    earlier encoding, from which everything but codes and signs is taken. Raises InputError.
    """
    numbers = np.ascontiguousarray(values, np.float64)
    n, k = _sizes(numbers.shape)
    given = {name: np.ravel(np.asarray(value, np.float64)).tolist() for name, value in (arrays or {}).items()}
    try:
        return _compiler.encoding_encode(
            text, n, k, numbers.tobytes(), given, dict(dictionaries or {}), sort_by_magnitude, sides or b""
        )
    except _compiler.EncodingFault as fault:
        raise InputError(str(fault)) from None
