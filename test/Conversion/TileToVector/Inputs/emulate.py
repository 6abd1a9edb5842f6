"""Instructions that this machine lacks, as plain LLVM IR.

`emulate` takes LLVM IR as text and gives the same program with the intrinsics of VNNI, of AMX and of 512 bits replaced
by functions that compute the same from ordinary operations, so that code written for them runs on any CPU. What is
checked so is everything but the choice of the instruction, which a look at the assembly tells.

    text = emulate(text)    # between mlir-translate and llc
"""

from __future__ import annotations

import re
from collections.abc import Callable

PREFIX = "lutra.emulated."


def _dot(name: str, bits: int, signs: str = "us") -> str:
    """sums + products of bytes, added in fours; a sign is s or u for each factor."""
    words, count = bits // 32, bits // 8
    bytes_, wide, sums = f"<{count} x i8>", f"<{count} x i32>", f"<{words} x i32>"
    left, right = ("sext" if sign == "s" else "zext" for sign in signs)
    body = [
        f"%l = {left} {bytes_} %x to {wide}",
        f"%r = {right} {bytes_} %y to {wide}",
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


def _pshufb(name: str, bits: int) -> str:
    """Bytes of each 128 bits chosen by the low four bits of others; 0 where their highest bit is set."""
    count, half = bits // 8, bits // 16
    whole, part = f"<{count} x i8>", f"<{half} x i8>"
    low, high, both = (", ".join(f"i32 {lane}" for lane in lanes) for lanes in (
        range(half), range(half, count), range(count)))  # fmt: skip
    body = []
    for place, lanes in (("l", low), ("h", high)):
        body += [
            f"%{place}x = shufflevector {whole} %x, {whole} poison, <{half} x i32> <{lanes}>",
            f"%{place}y = shufflevector {whole} %y, {whole} poison, <{half} x i32> <{lanes}>",
            f"%{place} = call {part} @llvm.x86.avx2.pshuf.b({part} %{place}x, {part} %{place}y)",
        ]
    body += [f"%r = shufflevector {part} %l, {part} %h, <{count} x i32> <{both}>", f"ret {whole} %r"]
    lines = "\n".join(f"  {line}" for line in body)
    return f"define internal {whole} @{name}({whole} %x, {whole} %y) {{\n{lines}\n}}\n"


def _permute(element: str, *sources: str) -> Callable[[str, int], str]:
    """Elements of some vectors, one after the other, chosen by the lower bits of those of %y."""

    def define(name: str, bits: int) -> str:
        count = bits // int(element[1:])
        whole, places = f"<{count} x {element}>", count * len(sources)
        body = [f"%memory = alloca [{places} x {element}], align 64"]
        for number, source in enumerate(sources):
            body += [
                f"%at{number} = getelementptr {whole}, ptr %memory, i32 {number}",
                f"store {whole} {source}, ptr %at{number}, align 2",
            ]
        body.append(f"%i = and {whole} %y, splat ({element} {places - 1})")
        found = "poison"
        for lane in range(count):
            body += [
                f"%i{lane} = extractelement {whole} %i, i32 {lane}",
                f"%p{lane} = getelementptr {element}, ptr %memory, {element} %i{lane}",
                f"%b{lane} = load {element}, ptr %p{lane}",
                f"%r{lane} = insertelement {whole} {found}, {element} %b{lane}, i32 {lane}",
            ]
            found = f"%r{lane}"
        lines = "\n".join(f"  {line}" for line in [*body, f"ret {whole} {found}"])
        parameters = ", ".join(f"{whole} {operand}" for operand in (sources[0], "%y", *sources[1:]))
        return f"define internal {whole} @{name}({parameters}) noinline {{\n{lines}\n}}\n"

    return define


def _halves(half: str, operand: str, result: str) -> Callable[[str, int], str]:
    """The intrinsic `half` on both halves of 512 bits."""

    def define(name: str, bits: int) -> str:
        source, target = 256 // int(operand[1:]), 256 // int(result[1:])
        whole, part, out = f"<{2 * source} x {operand}>", f"<{source} x {operand}>", f"<{target} x {result}>"
        body = []
        for place, first in (("l", 0), ("h", source)):
            lanes = ", ".join(f"i32 {lane}" for lane in range(first, first + source))
            body += [
                f"%{place}x = shufflevector {whole} %x, {whole} poison, <{source} x i32> <{lanes}>",
                f"%{place}y = shufflevector {whole} %y, {whole} poison, <{source} x i32> <{lanes}>",
                f"%{place} = call {out} @{half}({part} %{place}x, {part} %{place}y)",
            ]
        lanes = ", ".join(f"i32 {lane}" for lane in range(2 * target))
        both = f"<{2 * target} x {result}>"
        body += [f"%r = shufflevector {out} %l, {out} %h, <{2 * target} x i32> <{lanes}>", f"ret {both} %r"]
        lines = "\n".join(f"  {line}" for line in body)
        return f"""define internal {both} @{name}({whole} %x, {whole} %y) {{
{lines}
}}
declare {out} @{half}({part}, {part})
"""

    return define


def _row_copy(head: str, value: str, end: str, source: str, target: str) -> str:
    """A function that copies rows between memory (`there`) and a tile that holds `value` at first (`here`)."""
    return f"""
define internal {head} {{
entry:
  %tile = alloca <256 x i32>, align 64
  store <256 x i32> {value}, ptr %tile, align 64
  %end = zext i16 %rows to i64
  %size = zext i16 %bytes to i64
  br label %row
row:
  %r = phi i64 [ 0, %entry ], [ %next, %row ]
  %distance = mul i64 %r, %stride
  %place = mul i64 %r, 64
  %there = getelementptr i8, ptr %memory, i64 %distance
  %here = getelementptr i8, ptr %tile, i64 %place
  call void @llvm.memcpy.p0.p0.i64(ptr %{target}, ptr %{source}, i64 %size, i1 false)
  %next = add i64 %r, 1
  %more = icmp ult i64 %next, %end
  br i1 %more, label %row, label %done
done:
  {end}
}}
"""


def _product(signs: str) -> str:
    """A product of tiles."""
    return f"""
define internal <256 x i32> @lutra.emulated.tdpb{signs}d(i16 %m, i16 %n, i16 %k, <256 x i32> %c, <256 x i32> %a,
                                                    <256 x i32> %b) {{
entry:
  %ct = alloca <256 x i32>, align 64
  %at = alloca <256 x i32>, align 64
  %bt = alloca <256 x i32>, align 64
  store <256 x i32> %c, ptr %ct, align 64
  store <256 x i32> %a, ptr %at, align 64
  store <256 x i32> %b, ptr %bt, align 64
  %rows = zext i16 %m to i64
  %depth = zext i16 %k to i64
  %words = udiv i64 %depth, 4
  br label %row
row:
  %r = phi i64 [ 0, %entry ], [ %nextrow, %rowend ]
  %sums = getelementptr <16 x i32>, ptr %ct, i64 %r
  %start = load <16 x i32>, ptr %sums, align 64
  br label %word
word:
  %w = phi i64 [ 0, %row ], [ %nextword, %word ]
  %acc = phi <16 x i32> [ %start, %row ], [ %sum, %word ]
  %place = mul i64 %r, 16
  %element = add i64 %place, %w
  %leftat = getelementptr i32, ptr %at, i64 %element
  %leftword = load i32, ptr %leftat, align 4
  %lefts = insertelement <16 x i32> poison, i32 %leftword, i32 0
  %leftrow = shufflevector <16 x i32> %lefts, <16 x i32> poison, <16 x i32> zeroinitializer
  %left = bitcast <16 x i32> %leftrow to <64 x i8>
  %rightat = getelementptr <64 x i8>, ptr %bt, i64 %w
  %right = load <64 x i8>, ptr %rightat, align 64
  %sum = call <16 x i32> @lutra.emulated.dot{signs}(<16 x i32> %acc, <64 x i8> %left, <64 x i8> %right)
  %nextword = add i64 %w, 1
  %moreword = icmp ult i64 %nextword, %words
  br i1 %moreword, label %word, label %rowend
rowend:
  store <16 x i32> %sum, ptr %sums, align 64
  %nextrow = add i64 %r, 1
  %morerow = icmp ult i64 %nextrow, %rows
  br i1 %morerow, label %row, label %done
done:
  %result = load <256 x i32>, ptr %ct, align 64
  ret <256 x i32> %result
}}
"""


# Tiles of AMX as vectors of 16 rows; what of a row is not loaded is 0, and no instruction reads it.
_TILES = """
define internal <256 x i32> @lutra.emulated.tilezero(i16 %rows, i16 %bytes) {
  ret <256 x i32> zeroinitializer
}
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
"""
_TILES += "".join(_product(signs) + _dot(f"{PREFIX}dot{signs}", 512, signs) for signs in ("ss", "su", "us", "uu"))
_TILES += _row_copy(
    "<256 x i32> @lutra.emulated.tileloadd64(i16 %rows, i16 %bytes, ptr %memory, i64 %stride)",
    "zeroinitializer",
    "%loaded = load <256 x i32>, ptr %tile, align 64\n  ret <256 x i32> %loaded",
    source="there",
    target="here",
)
_TILES += _row_copy(
    "void @lutra.emulated.tilestored64(i16 %rows, i16 %bytes, ptr %memory, i64 %stride, <256 x i32> %value)",
    "%value",
    "ret void",
    source="here",
    target="there",
)
_STREAMED_LOAD = "tileloaddt164"  # the same as one that is not, but for caches
_TILE_USE = re.compile(rf"@llvm\.x86\.(tilezero|tileloadd64|{_STREAMED_LOAD}|tilestored64|tdpb[su]{{2}}d)\.internal\b")


def _without_tiles(text: str) -> str:
    """The same with tiles as vectors."""
    if "x86_amx" not in text:
        return text
    kept = "\n".join(line for line in text.splitlines() if not (line.startswith("declare") and _TILE_USE.search(line)))
    own = _TILES
    if "declare void @llvm.memcpy.p0.p0.i64" in kept:
        own = own.replace("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)\n", "")
    kept = _TILE_USE.sub(lambda use: f"@{PREFIX}{use[1]}", kept.replace("x86_amx", "<256 x i32>"))
    return kept.replace(_STREAMED_LOAD, "tileloadd64") + own


# What an intrinsic is called without its width -> its definition for a width.
DEFINITIONS = {
    "llvm.x86.avx512.vpdpbusd": _dot,
    "llvm.x86.avx512.pshuf.b": _pshufb,
    "llvm.x86.avx512.permvar.qi": _permute("i8", "%x"),
    "llvm.x86.avx512.vpermi2var.hi": _permute("i16", "%x", "%z"),
    "llvm.x86.avx512.packuswb": _halves("llvm.x86.avx2.packuswb", "i16", "i8"),
    "llvm.x86.avx512.pmaddubs.w": _halves("llvm.x86.avx2.pmadd.ub.sw", "i8", "i16"),
    "llvm.x86.avx512.pmaddw.d": _halves("llvm.x86.avx2.pmadd.wd", "i16", "i32"),
}
_USE = re.compile(r"@(" + "|".join(re.escape(name) for name in DEFINITIONS) + r")\.(128|256|512)\b")


def emulate(text: str) -> str:
    """The LLVM IR `text` without these intrinsics; the same where it has none."""
    text = _without_tiles(text)

    def rename(name: str, bits: str) -> str:
        return f"{PREFIX}{name.rpartition('.')[2]}.{bits}"

    kept = [line for line in text.splitlines() if not (line.startswith("declare") and _USE.search(line))]
    used = sorted(set(_USE.findall("\n".join(kept))))
    renamed = _USE.sub(lambda use: f"@{rename(use[1], use[2])}", "\n".join(kept) + "\n")
    if "avx512.pshuf.b" in text and "declare <32 x i8> @llvm.x86.avx2.pshuf.b" not in text:
        renamed += "declare <32 x i8> @llvm.x86.avx2.pshuf.b(<32 x i8>, <32 x i8>)\n"
    return "\n".join([renamed, *(DEFINITIONS[name](rename(name, bits), int(bits)) for name, bits in used)])
