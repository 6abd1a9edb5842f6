"""Runs an artifact with one f32 input [ROWS, 256] and one f32 output [ROWS, 10] through its C interface.

usage: run_artifact.py LIBRARY ROWS     Prints "<status>: <text>" and fails when a call does.
"""

import ctypes
import sys

import numpy as np


class Error(ctypes.Structure):
    _fields_ = (("code", ctypes.c_int32), ("text", ctypes.c_char * 508))


class Buffer(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("bytes", ctypes.c_uint64))


# The functions of lutra_model_api after its version, size and info.
NAMES = ("open", "close", "level", "create_context", "destroy_context", "infer_shapes", "arena_bytes", "run")


class Api(ctypes.Structure):
    _fields_ = (
        ("abi_version", ctypes.c_uint32),
        ("struct_size", ctypes.c_uint32),
        ("info", ctypes.c_void_p),
        *((name, ctypes.c_void_p) for name in NAMES),
    )


def main() -> int:
    library = ctypes.CDLL(sys.argv[1])
    rows = int(sys.argv[2])
    library.lutra_get_model.restype = ctypes.POINTER(Api)
    api = library.lutra_get_model(ctypes.c_uint32(1)).contents
    status = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 3)
    error = Error()
    model, context = ctypes.c_void_p(), ctypes.c_void_p()

    def check(code: int) -> None:
        if code:
            sys.exit(f"{code}: {error.text.decode()}")

    check(status(api.open)(None, ctypes.addressof(model), ctypes.addressof(error)))
    create = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 4)
    check(create(api.create_context)(model, None, ctypes.addressof(context), ctypes.addressof(error)))
    x, y = np.zeros((rows, 256), np.float32), np.zeros((rows, 10), np.float32)
    source, target = Buffer(x.ctypes.data, x.nbytes), Buffer(y.ctypes.data, y.nbytes)
    dims = (ctypes.c_int64 * 2)(rows, 256)
    run = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 5)
    check(
        run(api.run)(
            context,
            ctypes.addressof(source),
            ctypes.addressof(dims),
            ctypes.addressof(target),
            ctypes.addressof(error),
        )
    )
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(api.destroy_context)(context)
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(api.close)(model)
    return 0


if __name__ == "__main__":
    sys.exit(main())
