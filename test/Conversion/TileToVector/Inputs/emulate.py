"""Instructions that this machine lacks, as plain LLVM IR.

`emulate` takes LLVM IR as text and gives the same program with the intrinsics of VNNI replaced by functions that
compute the same from ordinary operations, so that code written for them runs on any CPU. What is checked so is
everything but the choice of the instruction, which a look at the assembly tells.

    text = emulate(text)    # between mlir-translate and llc
"""

from __future__ import annotations

import re

PREFIX = "lutra.emulated."


def _vpdpbusd(name: str, bits: int) -> str:
    """sums + products of bytes without and with a sign, added in fours."""
    words, count = bits // 32, bits // 8
    bytes_, wide, sums = f"<{count} x i8>", f"<{count} x i32>", f"<{words} x i32>"
    body = [
        f"%l = zext {bytes_} %x to {wide}",
        f"%r = sext {bytes_} %y to {wide}",
        f"%p = mul {wide} %l, %r",
    ]
    total = "%acc"
    for place in range(4):
        lanes = ", ".join(f"i32 {lane}" for lane in range(place, count, 4))
        body += [
            f"%p{place} = shufflevector {wide} %p, {wide} poison, {sums} <{lanes}>",
            f"%s{place} = add {sums} {total}, %p{place}",
        ]
        total = f"%s{place}"
    lines = "\n".join(f"  {line}" for line in [*body, f"ret {sums} {total}"])
    return f"define internal {sums} @{name}({sums} %acc, {bytes_} %x, {bytes_} %y) {{\n{lines}\n}}\n"


# What an intrinsic is called without its width -> its definition for a width.
DEFINITIONS = {"llvm.x86.avx512.vpdpbusd": _vpdpbusd}
_USE = re.compile(r"@(" + "|".join(re.escape(name) for name in DEFINITIONS) + r")\.(128|256|512)\b")


def emulate(text: str) -> str:
    """The LLVM IR `text` without intrinsics of VNNI; the same where it has none."""

    def rename(name: str, bits: str) -> str:
        return f"{PREFIX}{name.rpartition('.')[2]}.{bits}"

    kept = [line for line in text.splitlines() if not (line.startswith("declare") and _USE.search(line))]
    used = sorted(set(_USE.findall("\n".join(kept))))
    renamed = _USE.sub(lambda use: f"@{rename(use[1], use[2])}", "\n".join(kept) + "\n")
    return "\n".join([renamed, *(DEFINITIONS[name](rename(name, bits), int(bits)) for name, bits in used)])
