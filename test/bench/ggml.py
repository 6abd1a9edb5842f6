"""ggml's products: of llama-cpp-python, or of the folder with its libraries that GGML_LIBRARIES names.

It takes its own blocks (f32 activations are rounded to 8 bits, a scale for 32 or 256 of them), in the order of memory
that is quickest here: plain, repacked for vectors, or as tiles of AMX.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import time
from collections.abc import Callable
from ctypes import POINTER, c_bool, c_char_p, c_int, c_int64, c_size_t, c_uint32, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from cases import Case
from machine import limits_library
from weights import IQ4_NL, Bytes, Weight, packed

F32 = 0  # enum ggml_type
Q4_0, Q8_0, IQ4_NL_TYPE, TQ2_0, MXFP4, Q1_0, Q2_0 = 2, 8, 20, 35, 39, 41, 42


class _Init(ctypes.Structure):
    _fields_ = [("mem_size", c_size_t), ("mem_buffer", c_void_p), ("no_alloc", c_bool)]


class _Threads(ctypes.Structure):
    _fields_ = [
        ("cpumask", c_bool * 512),
        ("n_threads", c_int),
        ("prio", c_int),
        ("poll", c_uint32),
        ("strict_cpu", c_bool),
        ("paused", c_bool),
    ]


_Log = ctypes.CFUNCTYPE(None, c_int, c_char_p, c_void_p)
_SILENT = _Log(lambda level, text, data: None)
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "ggml_backend_alloc_ctx_tensors_from_buft": (c_void_p, [c_void_p, c_void_p]),
    "ggml_backend_buffer_free": (None, [c_void_p]),
    "ggml_backend_cpu_buffer_type": (c_void_p, []),
    "ggml_backend_cpu_init": (c_void_p, []),
    "ggml_backend_cpu_set_n_threads": (None, [c_void_p, c_int]),
    "ggml_backend_cpu_set_threadpool": (None, [c_void_p, c_void_p]),
    "ggml_backend_dev_supports_op": (c_bool, [c_void_p, c_void_p]),
    "ggml_backend_get_device": (c_void_p, [c_void_p]),
    "ggml_backend_graph_compute": (c_int, [c_void_p, c_void_p]),
    "ggml_backend_cpu_reg": (c_void_p, []),
    "ggml_backend_reg_get_proc_address": (c_void_p, [c_void_p, c_char_p]),
    "ggml_backend_tensor_set": (None, [c_void_p, c_void_p, c_size_t, c_size_t]),
    "ggml_build_forward_expand": (None, [c_void_p, c_void_p]),
    "ggml_free": (None, [c_void_p]),
    "ggml_get_data": (c_void_p, [c_void_p]),
    "ggml_init": (c_void_p, [_Init]),
    "ggml_log_set": (None, [_Log, c_void_p]),
    "ggml_mul_mat": (c_void_p, [c_void_p, c_void_p, c_void_p]),
    "ggml_nbytes": (c_size_t, [c_void_p]),
    "ggml_new_graph": (c_void_p, [c_void_p]),
    "ggml_new_tensor_2d": (c_void_p, [c_void_p, c_int, c_int64, c_int64]),
    "ggml_threadpool_new": (c_void_p, [POINTER(_Threads)]),
    "ggml_threadpool_params_default": (_Threads, [c_int]),
}


def _folder() -> Path | None:
    if named := os.environ.get("GGML_LIBRARIES"):
        return Path(named)
    spec = importlib.util.find_spec("llama_cpp")
    return Path(spec.origin).parent / "lib" if spec and spec.origin else None


@cache
def _library() -> dict[str, Any] | None:
    """The functions by their names without ggml_; None: it is not installed."""
    folder = _folder()
    if folder is None:
        return None
    libraries = [ctypes.CDLL(str(folder / f"libggml{part}.so"), ctypes.RTLD_GLOBAL) for part in ("-base", "-cpu")]
    functions: dict[str, Any] = {}
    for name, (result, arguments) in _FUNCTIONS.items():
        found = next((getattr(library, name) for library in libraries if hasattr(library, name)), None)
        if found is not None:
            found.restype, found.argtypes = result, arguments
            functions[name.removeprefix("ggml_")] = found
    functions["log_set"](_SILENT, None)
    return functions


def _halves(fields: Bytes) -> Bytes:
    """Blocks of 32 codes as 16 bytes: the first half in low nibbles, the second in high ones."""
    return fields[..., :16] | fields[..., 16:] << np.uint8(4)


def stored_blocks(weight: Weight) -> tuple[int, Bytes] | None:
    """Its type in ggml and the bytes of its blocks; None: ggml has no such type."""
    n, k = weight.shape

    def cut(size: int) -> tuple[Bytes, Bytes]:
        scales = np.repeat(weight.scales, weight.group // size, 1) if size <= weight.group else None
        if scales is None:
            scales = weight.scales[:, :: size // weight.group]
        return weight.codes.reshape(n, k // size, size), scales[..., None].astype(np.float16).view(np.uint8)

    def joined(kind: int, *parts: Bytes) -> tuple[int, Bytes]:
        return kind, np.concatenate(parts, 2)

    if weight.is_ternary:
        codes, scales = cut(256)
        by_byte = codes.reshape(n, -1, 2, 4, 32).transpose(0, 1, 2, 4, 3)  # four codes 32 apart share a byte
        return joined(TQ2_0, packed(by_byte, 2).reshape(n, -1, 64), scales)
    if weight.bits == 8 and weight.zero == 128 and weight.group < k:
        codes, scales = cut(32)
        return joined(Q8_0, scales, codes ^ np.uint8(128))
    if weight.bits == 4 and weight.zero == 8:
        codes, scales = cut(32)
        return joined(Q4_0, scales, _halves(codes))
    if weight.bits == 2 and weight.zero == 1:
        codes, scales = cut(64)
        return joined(Q2_0, scales, packed(codes, 2))
    if weight.value == "bipolar" and weight.bits == 1:
        codes, scales = cut(128)
        return joined(Q1_0, scales, packed(codes, 1))
    if tuple(weight.tables[0]) == IQ4_NL:
        codes, scales = cut(32)
        return joined(IQ4_NL_TYPE, scales, _halves(codes))
    if weight.name == "fp4":
        codes, _ = cut(32)
        exponents = (np.log2(weight.scales) + 127).astype(np.uint8)[..., None]
        return joined(MXFP4, exponents, _halves(codes))
    return None


class _Tiles:
    """The configuration of AMX's tiles, which ggml loads once for a thread; others change it between its calls."""

    def __init__(self) -> None:
        self._library = limits_library() if "amx_tile" in Path("/proc/cpuinfo").read_text() else None
        self._now, self._own = (ctypes.create_string_buffer(64) for _ in range(2))

    def run(self, call: Callable[[], int]) -> int:
        if self._library is None:
            return call()
        if self._own.raw[0]:  # palette
            self._library.load_tiles(self._own)
        status = call()
        self._library.save_tiles(self._now)
        if self._now.raw[0]:
            self._own, self._now = self._now, self._own
        return status


@cache
def _tiles() -> _Tiles:
    return _Tiles()


class _Product:
    """One product in one buffer type of ggml."""

    def __init__(
        self, library: dict[str, Any], kind: int, blocks: Bytes, x: npt.NDArray[np.float32], place: Any
    ) -> None:
        self.call, self.place = library, place
        (m, k), n = x.shape, len(blocks)
        self.weights, self.values = (self.call["init"](_Init(1 << 20, None, True)) for _ in range(2))
        new = self.call["new_tensor_2d"]
        self.w, self.x = new(self.weights, kind, k, n), new(self.values, F32, k, m)
        self.buffers = [self.call["backend_alloc_ctx_tensors_from_buft"](self.weights, place)]
        self.y = self.call["mul_mat"](self.values, self.w, self.x)
        self.shape = (m, n)
        self.data, self.input = blocks, x

    def finish(self, backend: Any, host: Any) -> Callable[[], npt.NDArray[np.float32]] | None:
        """Something to call, unless the buffer type has no such product."""
        if not self.call["backend_dev_supports_op"](self.call["backend_get_device"](backend), self.y):
            return None
        assert self.call["nbytes"](self.w) == self.data.nbytes
        self.buffers.append(self.call["backend_alloc_ctx_tensors_from_buft"](self.values, host))
        for tensor, array in ((self.w, self.data), (self.x, self.input)):
            self.call["backend_tensor_set"](tensor, array.ctypes.data, 0, array.nbytes)
        space = self.call["init"](_Init(1 << 20, None, False))
        graph = self.call["new_graph"](space)
        self.call["build_forward_expand"](graph, self.y)
        pointer = ctypes.cast(self.call["get_data"](self.y), POINTER(ctypes.c_float))
        result = np.ctypeslib.as_array(pointer, self.shape)

        tiles, compute = _tiles(), self.call["backend_graph_compute"]

        def run() -> npt.NDArray[np.float32]:
            status = tiles.run(lambda: compute(backend, graph))
            if status:
                raise RuntimeError(f"ggml_backend_graph_compute gives {status}")
            return result

        return run

    def free(self) -> None:
        for buffer in self.buffers:
            self.call["backend_buffer_free"](buffer)
        self.call["free"](self.weights)
        self.call["free"](self.values)


def _places(library: dict[str, Any]) -> list[Any]:
    """Buffer types: memory as it is, then those that change the order of weights."""
    places = [library["backend_cpu_buffer_type"]()]
    address = library["backend_reg_get_proc_address"](library["backend_cpu_reg"](), b"ggml_backend_dev_get_extra_bufts")
    if address:
        listed = ctypes.CFUNCTYPE(POINTER(c_void_p), c_void_p)(address)(None)
        index = 0
        while listed[index]:
            places.append(listed[index])
            index += 1
    return places


def product(case: Case, threads: int) -> Callable[[], npt.NDArray[np.float32]] | None:
    library = _library()
    if library is None or case.weight is None or not case.rounded_group:
        return None
    stored = stored_blocks(case.weight)
    if stored is None:
        return None
    kind, blocks = stored[0], np.ascontiguousarray(stored[1])
    backend = library["backend_cpu_init"]()
    settings = library["threadpool_params_default"](threads)
    library["backend_cpu_set_n_threads"](backend, threads)
    library["backend_cpu_set_threadpool"](backend, library["threadpool_new"](ctypes.byref(settings)))
    places = _places(library)
    best: tuple[float, _Product, Callable[[], npt.NDArray[np.float32]]] | None = None
    for place in places:
        candidate = _Product(library, kind, blocks, case.inputs["x"], place)
        run = candidate.finish(backend, places[0])
        if run is None:
            candidate.free()
            continue
        times = []
        for _ in range(4):
            begin = time.perf_counter()
            run()
            times.append(time.perf_counter() - begin)
        if best is None or min(times) < best[0]:
            if best is not None:
                best[1].free()
            best = min(times), candidate, run
        else:
            candidate.free()
    return best[2] if best else None
