"""Encoded tensors: low-bit and quantized weights as bytes, and back.

text = "[dense<uint<4>, affine<-8>, scales = [f16, 1, 32]>]"   # between the angle brackets of #lutra.encoding<..>
data = lutra.encoding.encode(text, weight)
same = lutra.encoding.decode(text, weight.shape, data)          # float64, exact

The bytes are those of a `lutra.global` of that type; `layout` says which array lies where.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lutra import _compiler
from lutra._errors import InputError

Buffer = bytes | bytearray | memoryview | npt.NDArray[np.uint8]

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
    try:
        shape = [operator.index(size) for size in shape]
    except TypeError:
        raise InputError(f"a shape is a sequence of integers, not {shape!r}") from None
    if not shape:
        raise InputError("an encoded tensor has at least one dimension, but the shape is ()")
    if any(size < 0 for size in shape):
        raise InputError(f"the shape {tuple(shape)} has a negative size")
    return math.prod(shape[:-1]), int(shape[-1])


def _bytes(what: str, data: Buffer) -> bytes:
    """What the buffer protocol shows of `data`."""
    if isinstance(data, bytes):
        return data
    view: Any = data  # arrays have the protocol, though their type does not say so
    try:
        return memoryview(view).tobytes()
    except TypeError:
        raise InputError(f"{what} is a {type(data).__name__}; pass bytes, a bytearray or an array of bytes") from None


def _reals(what: str, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    array = np.asarray(values)
    if array.dtype.kind == "c":
        raise InputError(f"{what} holds {array.dtype}, but an encoding stores real numbers")
    try:
        return np.asarray(array, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{what} holds {array.dtype}, which are no numbers") from None


def _symbols(dictionaries: Mapping[str, Buffer] | None) -> dict[str, bytes]:
    return {name: _bytes(f'dictionary "{name}"', data) for name, data in (dictionaries or {}).items()}


def layout(text: str, shape: Sequence[int]) -> list[StoredArray]:
    """The arrays that store a tensor of `shape`, in the order of their bytes. Raises InputError for a wrong text."""
    n, k = _sizes(shape)
    try:
        rows = _compiler.encoding_layout(text, n, k)
    except _compiler.EncodingFault as fault:
        raise InputError(str(fault)) from None
    return [StoredArray(name, element, (n, k), offset, nbytes) for name, element, n, k, offset, nbytes in rows]


def decode(
    text: str, shape: Sequence[int], data: Buffer, *, dictionaries: Mapping[str, Buffer] | None = None
) -> npt.NDArray[np.float64]:
    """The values that `data` stands for. `dictionaries` holds the bytes of the symbols that dict<..> codes name.

    Bytes come as any buffer: bytes, bytearray, NumPy array. Raises InputError for a wrong text, for bytes that do not
    follow it, and for a dictionary that it does not name.
    """
    n, k = _sizes(shape)
    try:
        values = _compiler.encoding_decode(text, n, k, _bytes("the data", data), _symbols(dictionaries))
    except _compiler.EncodingFault as fault:
        raise InputError(str(fault)) from None
    return np.frombuffer(values, np.float64).reshape(shape)


def encode(
    text: str,
    values: npt.ArrayLike,
    *,
    arrays: Mapping[str, npt.ArrayLike] | None = None,
    dictionaries: Mapping[str, Buffer] | None = None,
    sort_by_magnitude: bool = False,
    sides: Buffer | None = None,
) -> bytes:
    """The bytes of `values`: scales from the extremes of each group, then the nearest codes.

    `arrays` gives tables, permutations and maps by their names in the layout; tables that the text does not list must
    be given. `sort_by_magnitude` orders rows and columns of an encoding with permutations. `sides` are bytes of an
    earlier encoding, from which everything but codes and signs is taken. What is greater than the greatest scale or
    code becomes that: the value 1e300 under an f16 scale is no error. Raises InputError, also for complex values.
    """
    numbers = _reals("the tensor", values)
    n, k = _sizes(numbers.shape)
    given = {name: np.ravel(_reals(f'array "{name}"', value)).tolist() for name, value in (arrays or {}).items()}
    try:
        return _compiler.encoding_encode(
            text,
            n,
            k,
            numbers.tobytes(),
            given,
            _symbols(dictionaries),
            sort_by_magnitude,
            _bytes("sides", b"" if sides is None else sides),
        )
    except _compiler.EncodingFault as fault:
        raise InputError(str(fault)) from None
