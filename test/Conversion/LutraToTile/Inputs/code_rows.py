"""Softmax and norms of rows of 8-bit codes: rows of many widths, of all 256 codes and of extremes.

`all`: widths of which some divide no vector; `rows`: given codes in rows of 256, which the graph computes, so that they
wait in the result; `any`: sizes that are not known; `sums`: codes and floats, such as a mask, are added before.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Rows:
    """Codes, what is done with them, and the codes of the result (or f32)."""

    op: str
    shape: str
    code: str = "i8"
    scale: float = 0.0437
    zero: int | None = None
    result: str = "ui8"
    result_scale: float = 1 / 256
    result_zero: int | None = None
    chooses: bool = False  # 0 for NaN


def lines(case: Rows, i: int, source: str, adds: bool) -> Iterator[str]:
    """The ops of a case, whose result is %r{i}; of the sum with %f{i}, if it adds that."""
    wide = f"tensor<{case.shape}xf32>"
    attributes = "{axis = 0 : i64, block = 0 : i64}"

    def side(name: str, scale: float, zero: int | None, code: str) -> Iterator[str]:
        yield f"  %s{name}{i} = lutra.constant dense<{scale:.9e}> : tensor<f32>"
        if zero is not None:
            yield f"  %z{name}{i} = lutra.constant dense<{zero}> : tensor<{code}>"

    def sides(name: str, zero: int | None, code: str) -> str:
        point = "" if zero is None else f" zero_point(%z{name}{i} : tensor<{code}>)"
        return f"scale(%s{name}{i} : tensor<f32>){point} {attributes}"

    yield from side("a", case.scale, case.zero, case.code)
    codes = f"tensor<{case.shape}x{case.code}>"
    yield f"  %x{i} = lutra.dequantize {source} {sides('a', case.zero, case.code)} : {codes} -> {wide}"
    rows = f"%x{i}"
    if adds:
        rows = f"%t{i}"
        yield f"  {rows} = lutra.binary<add> %x{i}, %f{i} : ({wide}, {wide}) -> {wide}"
    result = f"%y{i}" if case.result != "f32" else f"%r{i}"
    if case.op == "softmax":
        yield f"  {result} = lutra.softmax {rows} {{axis = 1 : i64}} : {wide}"
    else:
        yield f"  {result} = lutra.{case.op} {rows} {{dims = 1 : i64, epsilon = 1.0e-5 : f64}} : {wide} -> {wide}"
    if case.result == "f32":
        return
    value = f"%y{i}"
    if case.chooses:
        truth, value = f"tensor<{case.shape}xi1>", f"%v{i}"
        yield f"  %o{i} = lutra.constant dense<0.0> : tensor<f32>"
        yield f"  %i{i} = lutra.unary<is_nan> %y{i} : {wide} -> {truth}"
        yield f"  {value} = lutra.select %i{i}, %o{i}, %y{i} : ({truth}, tensor<f32>, {wide}) -> {wide}"
    yield from side("b", case.result_scale, case.result_zero, case.result)
    yield (
        f"  %r{i} = lutra.quantize {value} {sides('b', case.result_zero, case.result)} : {wide} "
        f"-> tensor<{case.shape}x{case.result}>"
    )


def kinds(shape: str) -> Iterator[Rows]:
    """Scales from steps that hardly matter to those of a mask, results that saturate, signs of both kinds."""
    yield Rows("softmax", shape)
    yield Rows("softmax", shape, "ui8", 0.11, 128, "i8", 1 / 255, -128)
    yield Rows("softmax", shape, scale=0.37, result_scale=0.001)
    yield Rows("softmax", shape, scale=78.5, zero=-9, result_zero=200)
    yield Rows("softmax", shape, scale=1e-4, result="f32")
    yield Rows("softmax", shape, scale=0.37, result="f32")
    yield Rows("softmax", shape, scale=0.05, result="i8", result_scale=0.004, result_zero=127)
    yield Rows("softmax", shape, scale=0.05, result="i8", result_scale=0.0039, result_zero=-128, chooses=True)
    for op in ("layer_norm", "rms_norm"):
        yield Rows(op, shape, scale=0.02, zero=-128, result="i8", result_scale=0.03, result_zero=-5)
        yield Rows(op, shape, "ui8", 1e-3, 255, "ui8", 0.007, 100)
        yield Rows(op, shape, result="f32")


def cases(form: str) -> list[Rows]:
    if form in ("any", "rows"):
        return list(kinds("?x?" if form == "any" else "8x256"))
    if form == "sums":
        return [case for width in (1, 7, 33, 64, 300) for case in kinds(f"5x{width}")]
    found = [Rows("softmax", f"3x{width}") for width in range(1, 71)]
    for width in (1, 33, 129):
        found += kinds(f"5x{width}")
    return found


def given_rows() -> str:
    """Of 256 codes: all of them, equal ones, one far above or below the others, neighbours, both ends in turn."""
    rows = [
        bytes(range(256)),
        bytes([0x7F] * 256),
        bytes([0x80] * 256),
        bytes([0x7F] + [0x80] * 255),
        bytes([0x7F] * 255 + [0x80]),
        bytes([0xFF, 0x00] * 128),
        bytes([0x80, 0x7F] * 128),
        bytes([5] * 100 + [6] + [5] * 155),
    ]
    return "0x" + b"".join(rows).hex().upper()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("form", choices=("all", "any", "rows", "sums"))
    form = parser.parse_args().form
    arguments, body, results, types = [], [], [], []
    for i, case in enumerate(cases(form)):
        names = ', lutra.dim_names = ["m", "n"]' if form == "any" else ""
        source, type_ = f"%a{i}", f"tensor<{case.shape}x{case.code}>"
        arguments.append(f'{source}: {type_} {{lutra.name = "a{i}"{names}}}')
        if form == "sums":
            arguments.append(f'%f{i}: tensor<{case.shape}xf32> {{lutra.name = "f{i}"}}')
        if form == "rows":
            body += [
                f'  %c{i} = lutra.constant dense<"{given_rows()}"> : {type_}',
                f"  %m{i} = lutra.binary<xor> {source}, %c{i} : ({type_}, {type_}) -> {type_}",
                f"  %n{i} = lutra.binary<xor> %m{i}, {source} : ({type_}, {type_}) -> {type_}",
            ]
            source = f"%n{i}"
        body += lines(case, i, source, adds=form == "sums")
        results.append(f"%r{i}")
        types.append(f"tensor<{case.shape}x{case.result}>")
    print(f"func.func @main({', '.join(arguments)}) -> ({', '.join(types)}) {{")
    print("\n".join(body))
    print(f"  return {', '.join(results)} : {', '.join(types)}\n}}")


if __name__ == "__main__":
    main()
