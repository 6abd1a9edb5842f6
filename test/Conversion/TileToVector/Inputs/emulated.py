"""The definitions in emulate.py against NumPy: every width, random and saturating bytes, sums that wrap."""

from __future__ import annotations

import argparse
import ctypes
import sys
from pathlib import Path

import numpy as np
from emulate import emulate
from machine import run

WIDTHS = (128, 256, 512)


def function(bits: int) -> str:
    sums, count = f"<{bits // 32} x i32>", f"<{bits // 8} x i8>"
    name = f"llvm.x86.avx512.vpdpbusd.{bits}"
    return f"""
define void @f{bits}(ptr %s, ptr %x, ptr %y) {{
  %a = load {sums}, ptr %s, align 1
  %b = load {count}, ptr %x, align 1
  %c = load {count}, ptr %y, align 1
  %r = call {sums} @{name}({sums} %a, {count} %b, {count} %c)
  store {sums} %r, ptr %s, align 1
  ret void
}}
declare {sums} @{name}({sums}, {count}, {count})
"""


SHUFFLE = """
define void @shuffle(ptr %r, ptr %x, ptr %y) {
  %b = load <64 x i8>, ptr %x, align 1
  %c = load <64 x i8>, ptr %y, align 1
  %v = call <64 x i8> @llvm.x86.avx512.permvar.qi.512(<64 x i8> %b, <64 x i8> %c)
  store <64 x i8> %v, ptr %r, align 1
  ret void
}
declare <64 x i8> @llvm.x86.avx512.permvar.qi.512(<64 x i8>, <64 x i8>)

define void @two(ptr %r, ptr %x, ptr %y, ptr %z) {
  %b = load <32 x i16>, ptr %x, align 1
  %c = load <32 x i16>, ptr %y, align 1
  %d = load <32 x i16>, ptr %z, align 1
  %v = call <32 x i16> @llvm.x86.avx512.vpermi2var.hi.512(<32 x i16> %b, <32 x i16> %c, <32 x i16> %d)
  store <32 x i16> %v, ptr %r, align 1
  ret void
}
declare <32 x i16> @llvm.x86.avx512.vpermi2var.hi.512(<32 x i16>, <32 x i16>, <32 x i16>)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--real", action="store_true", help="print the assembly that has the instruction instead")
    options = parser.parse_args()
    text = "".join(function(bits) for bits in WIDTHS) + SHUFFLE
    if options.real:
        print(run(["llc", "-mcpu=x86-64-v4", "-mattr=+avx512vnni,+avx512vbmi", "-O3"], text))
        return 0
    options.work.mkdir(parents=True, exist_ok=True)
    built = options.work / "emulated.o"
    flags = ["-mcpu=x86-64-v3", "-O3", "-relocation-model=pic", "-filetype=obj"]
    run(["llc", *flags, "-o", str(built)], emulate(text))
    run(["clang", "-shared", str(built), "-o", str(built.with_suffix(".so"))], "")
    library = ctypes.CDLL(str(built.with_suffix(".so")))
    random = np.random.default_rng(7)
    for bits in WIDTHS:
        for extreme in (None, (255, -128), (255, 127), (0, -128)):
            x = random.integers(0, 256, bits // 8).astype(np.uint8)
            y = random.integers(-128, 128, bits // 8).astype(np.int8)
            if extreme:
                x[...], y[...] = extreme
            sums = random.integers(-(2**31), 2**31, bits // 32).astype(np.int32)
            want = sums + (x.astype(np.int32) * y).reshape(-1, 4).sum(1, dtype=np.int32)
            getattr(library, f"f{bits}")(*(ctypes.c_void_p(a.ctypes.data) for a in (sums, x, y)))
            if not np.array_equal(sums, want):
                print(f"vpdpbusd of {bits} bits: {sums} for {want}")
                return 1
    for first in range(0, 256, 64):
        x = random.integers(0, 256, 64).astype(np.uint8)
        y = random.permutation(np.arange(first, first + 64)).astype(np.uint8)
        found = np.zeros_like(x)
        library.shuffle(*(ctypes.c_void_p(a.ctypes.data) for a in (found, x, y)))
        if not np.array_equal(found, x[y % 64]):
            print(f"vpermb: {found} for {x[y % 64]}")
            return 1
    for first in range(0, 2**16, 2**14):
        x, z = random.integers(0, 2**16, (2, 32)).astype(np.uint16)
        y = random.integers(first, first + 2**14, 32).astype(np.uint16)
        found = np.zeros_like(x)
        library.two(*(ctypes.c_void_p(a.ctypes.data) for a in (found, x, y, z)))
        if not np.array_equal(found, np.concatenate([x, z])[y % 64]):
            print(f"vpermi2w: {found} for {np.concatenate([x, z])[y % 64]}")
            return 1
    print("emulated instructions are exact")
    return 0


if __name__ == "__main__":
    sys.exit(main())
