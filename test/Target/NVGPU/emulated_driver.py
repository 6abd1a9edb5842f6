"""A GPU without a GPU: the unit tests' driver library, with kernels run by the PTX emulator.

The process must be started with the library's folder in LD_LIBRARY_PATH. Device memory is one array, so what the
launcher copies, where it puts things and the slots that it passes are those of a real call.
"""

from __future__ import annotations

import ctypes
import struct
from dataclasses import dataclass

import numpy as np
from ptx_emulator import Kernel

LAUNCH = ctypes.CFUNCTYPE(
    None, ctypes.c_char_p, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint, ctypes.POINTER(ctypes.c_void_p)
)


@dataclass(frozen=True)
class Launch:
    """One call of cuLaunchKernel. Slots are 64-bit words: addresses and sizes."""

    name: str
    blocks: int
    threads: int
    shared_bytes: int
    slots: tuple[int, ...]


class EmulatedDriver:
    """One device. `launches` lists what ran, `error` what went wrong inside a launch."""

    def __init__(self, heap_bytes: int = 1 << 22) -> None:
        self.library = ctypes.CDLL("libcuda.so.1")
        store = np.full(heap_bytes + 256, 0xEE, np.uint8)
        self.memory = store[-store.ctypes.data % 256 :][:heap_bytes]
        self.base = self.memory.ctypes.data
        self._set("fake_cuda_heap", ctypes.c_void_p, self.base)
        self._set("fake_cuda_heap_bytes", ctypes.c_uint64, heap_bytes)
        self._callback = LAUNCH(self._launch)  # ctypes keeps no reference
        self._set("fake_cuda_on_launch", ctypes.c_void_p, ctypes.cast(self._callback, ctypes.c_void_p))
        self.launches: list[Launch] = []
        self.error: Exception | None = None
        self.ptx = ""

    def _set(self, name: str, kind: type, value: int | ctypes.c_void_p) -> None:
        kind.in_dll(self.library, name).value = value.value if isinstance(value, ctypes.c_void_p) else value

    def present(self, major: int, minor: int, ptx: str | None) -> None:
        """Be a device of this compute capability. `ptx`: source of the cubin that the launcher will load there; None:
        the launcher loads PTX itself."""
        self._set("fake_cuda_major", ctypes.c_int, major)
        self._set("fake_cuda_minor", ctypes.c_int, minor)
        self._set("fake_cuda_heap_used", ctypes.c_uint64, 0)
        self.memory[:] = 0xEE  # nobody may rely on zeros
        self.launches, self.error, self.ptx = [], None, ptx or ""

    def cubin(self) -> bytes:
        """The cubin that was loaded last; nothing when it was PTX."""
        address = ctypes.c_void_p.in_dll(self.library, "fake_cuda_image").value
        header = ctypes.string_at(address, 64)
        if header[:4] != b"\x7fELF":
            return b""
        segments, sections = struct.unpack_from("<QQ", header, 32)
        segment_bytes, segment_count, section_bytes, section_count = struct.unpack_from("<4H", header, 54)
        # Both tables stand behind everything that they describe.
        end = max(segments + segment_bytes * segment_count, sections + section_bytes * section_count)
        return ctypes.string_at(address, end)

    def _text(self) -> str:
        if self.ptx:
            return self.ptx
        return ctypes.string_at(ctypes.c_void_p.in_dll(self.library, "fake_cuda_image").value).decode()

    def _launch(self, name: bytes, blocks: int, threads: int, shared: int, params: object) -> None:
        try:
            kernel = Kernel(self._text(), name.decode(), shared)
            slots = [ctypes.c_uint64.from_address(params[i]).value for i in range(len(kernel.params))]
            self.launches.append(Launch(name.decode(), blocks, threads, shared, tuple(slots)))
            kernel.run_slots(self.memory, self.base, slots, range(blocks))
        except Exception as error:  # an exception cannot cross the driver
            self.error = self.error or error
