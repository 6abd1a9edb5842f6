"""Emulates the kernels of products.mlir and convert-tile-to-nvvm.mlir and compares them with float64.

usage: check_kernels.py [--corrupt] PTX MODULE KERNEL...     The module that the PTX was made of names the shared bytes.
--corrupt takes the waits for asynchronous copies out of the code, which must be noticed.
"""

import re
import sys
from pathlib import Path

import numpy as np
from ptx_emulator import Kernel

# name: element, result, m, n, k, rhs is [n, k], tile rows, tile columns
PRODUCTS = {
    "half_col_major": ("f16", "f16", 70, 256, 192, True, 64, 64),
    "half_row_major": ("f16", "f32", 70, 256, 192, False, 64, 64),
    "brain_large": ("bf16", "f32", 4096, 4096, 4096, False, 128, 128),
    "single_row_major": ("f32", "f32", 65, 100, 36, False, 64, 64),
    "single_dynamic": ("f32", "f32", 63, 67, 101, True, 64, 64),
    "half_odd": ("f16", "f32", 33, 64, 33, True, 64, 64),
    "bytes": ("s8", "s32", 64, 256, 512, True, 64, 64),
    "thin": ("f16", "f32", 16, 256, 192, True, 16, 64),
    "past_the_end": ("f32", "f32", 70, 10, 64, False, 64, 64),
    "product_relu": ("f32", "f32", 70, 512, 256, True, 64, 64),
}
# Their number of rows is dynamic and has a slot.
DYNAMIC = {"half_col_major", "half_row_major", "single_row_major", "half_odd", "bytes", "past_the_end", "product_relu"}
# Rounding of an operand: f32 becomes tf32, to nearest on sm_80 and cut off by wgmma.
OPERAND_ERROR = {"f32": 2.0**-10, "f16": 0.0, "bf16": 0.0, "s8": 0.0}
RESULT_ERROR = {"f32": 0.0, "f16": 2.0**-11, "s32": 0.0}


def make(rng: np.random.Generator, kind: str, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Stored bits and their values in float64."""
    if kind == "s8":
        data = rng.integers(-128, 128, shape).astype(np.int8)
        return data, data.astype(np.float64)
    data = rng.standard_normal(shape).astype(np.float32)
    if kind == "f32":
        return data, data.astype(np.float64)
    if kind == "f16":
        half = data.astype(np.float16)
        return half, half.astype(np.float64)
    bits = (data.view(np.uint32) >> 16).astype(np.uint16)
    return bits, (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64)


def check_product(kernel: Kernel, name: str, rng: np.random.Generator) -> str:
    kind, out, m, n, k, transposed, rows, columns = PRODUCTS[name]
    across, down = -(-n // columns), -(-m // rows)
    blocks = list(range(across * down))
    if name == "brain_large":
        blocks = [across * down - 1]
    lhs, a = make(rng, kind, (m, k))
    rhs, b = make(rng, kind, (n, k) if transposed else (k, n))
    result = np.zeros((m, n), {"f16": np.float16, "f32": np.float32, "s32": np.int32}[out])
    slots = [lhs, rhs, result]
    if name in DYNAMIC:
        slots = [lhs, m, rhs, result, m]
    if name == "single_dynamic":
        slots = [lhs, m, k, rhs, n, k, result, m, n]
    bias = np.zeros(1)
    if name == "product_relu":
        stored = rng.standard_normal(n).astype(np.float32)
        bias = stored.astype(np.float64)
        slots = [lhs, m, rhs, stored, result, m]
    kernel.run(slots, blocks)
    part = np.s_[m - rows :, n - columns :] if name == "brain_large" else np.s_[:, :]
    b = b.T if transposed else b
    a, b = (a[m - rows :], b[:, n - columns :]) if name == "brain_large" else (a, b)
    expected, scale = a @ b + bias, np.abs(a) @ np.abs(b) + np.abs(bias)
    if name == "product_relu":
        expected = np.maximum(expected, 0)
    bound = scale * (2 * OPERAND_ERROR[kind] * (1 + OPERAND_ERROR[kind]) + k * 2.0**-24)
    bound = bound + (np.abs(expected) + bound) * RESULT_ERROR[out]
    if kind == "s8":
        bound = 0
    worst = np.max(np.abs(result[part].astype(np.float64) - expected) - bound)
    if worst > 0:
        raise SystemExit(f"{name}: {worst} beyond the bound")
    return f"{name}: {len(blocks)} blocks within the bound"


def check_softmax(kernel: Kernel, rng: np.random.Generator) -> str:
    rows, columns = 3, 1000
    x = (rng.standard_normal((rows, columns)) * 8).astype(np.float32)
    x[1, 5:] = -np.inf  # a masked row
    y = np.zeros_like(x)
    kernel.run([x, rows, y, rows], range(rows))
    wide = x.astype(np.float64)
    expected = np.exp(wide - wide.max(1, keepdims=True))
    expected /= expected.sum(1, keepdims=True)
    # x - max rounds once (its error is the exponent's), exp has 2^-21, the sum 10 levels, the division one.
    distance = np.where(np.isfinite(wide), np.abs(wide - wide.max()), 0)
    bound = expected * (distance * 2.0**-24 + 2 * 2.0**-21 + 12 * 2.0**-24)
    worst = np.max(np.abs(y - expected) - bound - 2.0**-126)
    if not worst <= 0:
        raise SystemExit(f"softmax: {worst} beyond the bound")
    return f"softmax: {rows} rows within the bound"


def main() -> None:
    arguments = [argument for argument in sys.argv[1:] if argument != "--corrupt"]
    text, module = Path(arguments[0]).read_text(), Path(arguments[1]).read_text()
    if "--corrupt" in sys.argv:
        text = re.sub(r"cp\.async\.wait_group(\s+)1;", r"cp.async.wait_group\g<1>2;", text)
    for name in arguments[2:]:
        shared = int(re.search(rf"@{name}\(.*lutra\.shared_bytes = (\d+)", module).group(1))
        kernel = Kernel(text, name, shared)
        rng = np.random.default_rng(7)
        print(check_softmax(kernel, rng) if name == "softmax" else check_product(kernel, name, rng))


if __name__ == "__main__":
    main()
