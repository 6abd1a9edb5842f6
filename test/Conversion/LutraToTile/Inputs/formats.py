"""Writes a module of products with one weight of every format that panels hold."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from lutra import encoding

HALF4 = (0, 1, 2, 3, 4, 6, 8, 12)
BITMOD3 = [v for own in (3, -3, 6, -6) for v in (0, 1, 2, 4, own, -1, -2, -4)]
BITMOD4 = [v for own in (10, -10, 16, -16) for v in (*HALF4, own, *(-v for v in HALF4[1:]))]
IQ4 = (-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113)
NF4 = (-1, -0.7, -0.525, -0.395, -0.284, -0.185, -0.091, 0, 0.08, 0.161, 0.246, 0.338, 0.441, 0.563, 0.723, 1)
FIXED = [round(v * 8192) / 8192 for v in NF4]

# Those whose own entry is the least are decoded alone.
FAR = [v for own in (-120, 20) for v in (*range(-12, 13, 2), 100, 90, own)]
# Tables from -127 to 127, which differ in one entry.
SIGNED = [v for own in (127, 20) for v in (-127, *range(-90, 40, 10), 100, own)]


def table(element: str, values: list[int] | tuple[float, ...], tables: int = 1) -> str:
    """A value map that looks codes up, in one of several tables for each group."""
    select = f", select<group, {tables.bit_length() - 1}>" if tables > 1 else ""
    entries = ", ".join(str(float(np.float32(value))) for value in values)
    return f"table<{len(values) // tables}, {element}{select}, [{entries}]>"


# What small integers stand for, and with the scales' groups multiples of 32 in all.
INTEGERS = {
    **{f"uint{b}": f"uint<{b}>, affine, scales = [f16, 1, 32], zero = tensor<u{b}, 1, 32>" for b in range(1, 9)},
    **{f"int{b}": f"int<{b}>, affine, scales = [f32, row]" for b in range(1, 9)},
    **{f"bipolar{b}": f"uint<{b}>, bipolar, scales = [bf16, row]" for b in (1, 2, 3, 4, 6)},
    "half_point": "uint<4>, affine, scales = [f16, 1, 32], zero = const<7.5>",
    "row_point": "uint<4>, affine, scales = [f16, 1, 32], zero = tensor<u4, row>",
    "planes": "planes<2, 1>, affine<-4>, scales = [f16, 1, 32]",
    "ternary": "radix<3, 5, 8>, affine<-1>, scales = [f16, row]",
    "ternary_table": "uint<2>, table<3, i2, [-1.0, 0.0, 1.0]>, scales = [f32, tensor]",
    "k_scales": "planes<4, 2>, affine<-32>, scales = [u6, 1, 32, affine<-32.0>] * [f16, 1, 64]",
    "i8_scales": "uint<4>, affine<-8>, scales = [i8, 1, 32] * [f16, row]",
    "signmag": "uint<4>, signmag, scales = [f32, 8, 32]",
    "signmag6": "uint<6>, signmag, scales = [f16, row]",
    "shift": "uint<3>, pot<1, 2>, scales = [f16, row]",
    "shift2": "uint<2>, pot<1, 1>, scales = [f32, row]",
    "shift4": "uint<4>, pot<1, 3>, scales = [f16, 1, 32]",
    "mxfp4": "uint<4>, float<2, 1, 1>, scales = [e8m0, 1, 32]",
    "nvfp4": "uint<4>, float<2, 1, 1>, scales = [ue4m3, 1, 32] * [f32, tensor]",
    "fp6": "planes<4, 2>, float<2, 3, 1>, scales = [e8m0, 1, 32]",
    "bitmod3": f"uint<3>, {table('i8', BITMOD3, 4)}, scales = [f16, 1, 32]",
    "bitmod4": f"uint<4>, {table('i8', BITMOD4, 4)}, scales = [f16, 1, 64]",
    "iq4": f"uint<4>, {table('i8', IQ4)}, scales = [f16, 1, 32]",
    "mxint8": "int<8>, affine, scales = [e8m0, 1, 32]",
    # Two digits.
    "fp6_wide": "uint<6>, float<3, 2, 3>, scales = [e8m0, 1, 32]",
    "fp6_wide_row": "planes<4, 2>, float<3, 2, 3>, scales = [f32, row]",
    "fixed": f"uint<4>, {table('f32', FIXED)}, scales = [f16, 1, 64]",
    "signed_tables": f"uint<4>, {table('i8', SIGNED, 2)}, scales = [f16, 1, 32]",
}
# What is decoded alone.
OTHERS = {
    "nvfp4_16": "uint<4>, float<2, 1, 1>, scales = [ue4m3, 1, 16] * [f32, tensor]",
    "uint3_24": "uint<3>, affine<-4>, scales = [f16, 1, 24]",
    "fp8": "uint<8>, float<4, 3, 7, fn>, scales = [f32, row]",
    "fp8_wide": "uint<8>, float<5, 2, 15, ieee>, scales = [e8m0, 1, 32]",
    "e5m2_scales": "uint<4>, affine<-8>, scales = [e5m2, 1, 32]",
    "nf4": f"uint<4>, {table('f32', NF4)}, scales = [f16, 1, 64]",
    "codebook": "uint<4>, table<16, f16>, scales = [f16, 1, 32]",
    "dynamic8": "uint<8>, table<256, f32>, scales = [f32, 1, 64]",
    "sums": "uint<5>, pot<2, 2>, scales = [f16, row]",
    "far_tables": f"uint<4>, {table('i8', FAR, 2)}, scales = [f16, 1, 32]",
    "steep": "uint<1>, table<2, f32, [1.0, 9.313225746154785e-10]>, scales = [f32, row]",
    "tiny": "uint<8>, float<4, 3, 140>, scales = [f32, row]",
}


def group_of(text: str, depth: int) -> int:
    """The finest group of the scales along K."""
    finest = text.split("scales = [")[1].split("]")[0].split(",")
    return int(finest[2]) if len(finest) > 2 else depth


def argument(name: str, rows: str, columns: int, element: str) -> str:
    """An argument of the entry; `rows` may be dynamic."""
    names = ', lutra.dim_names = ["n", ""]' if rows == "?" else ""
    return f'%{name}: tensor<{rows}x{columns}x{element}> {{lutra.name = "{name}"{names}}}'


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["decode", "coded"], help="f32 activations, or codes with scales")
    parser.add_argument("--columns", type=int, default=19)
    parser.add_argument("--depth", type=int, default=70)
    parser.add_argument("--rows", default="?", help="of activations, ? for a dynamic number")
    parser.add_argument("--only", nargs="+", help="formats")
    parser.add_argument("--act", help="the activation form of all encodings")
    parser.add_argument("-o", dest="output", type=Path, required=True)
    options = parser.parse_args()
    n, depth, coded = options.columns, options.depth, options.kind == "coded"
    random = np.random.default_rng(n + depth)
    rows = options.rows
    weights, body, arguments = [], [], [argument("x", rows, depth, "i8" if coded else "f32")]
    formats = INTEGERS if coded else INTEGERS | OTHERS
    formats = {name: text for name, text in formats.items() if not options.only or name in options.only}
    for name, text in formats.items():
        attribute = f"[dense<{text}>]" + (f", act = {options.act}" if options.act else "")
        values = random.standard_normal((n, depth)).astype(np.float32)
        arrays = {array.name: random.standard_normal(array.shape) for array in encoding.layout(attribute, (n, depth))
                  if array.name.endswith("table")}  # fmt: skip
        data = encoding.encode(attribute, values, arrays=arrays)
        kind = f"tensor<{n}x{depth}xf32, #lutra.encoding<{attribute}>>"
        weights.append(f'lutra.global @{name} : {kind} = dense<"0x{data.hex().upper()}"> : tensor<{len(data)}xi8>')
        body.append(f"  %w_{name} = lutra.weight @{name} : {kind}")
        group = group_of(text, depth)
        groups = -(-depth // group)
        scale = f" scale(%s{groups} : tensor<{rows}x{groups}xf32>)" if coded else ""
        attributes = f"transpose_rhs, block = {group} : i64" if coded else "transpose_rhs"
        body.append(
            f"  %{name} = lutra.matmul %x, %w_{name}{scale} {{{attributes}}}"
            f" : (tensor<{rows}x{depth}x{'i8' if coded else 'f32'}>, {kind}) -> tensor<{rows}x{n}xf32>"
        )
        if coded:
            arguments.append(argument(f"s{groups}", rows, groups, "f32"))
    types = ", ".join([f"tensor<{rows}x{n}xf32>"] * len(formats))
    entry = ", ".join(dict.fromkeys(arguments))
    lines = [*weights, f"func.func @main({entry}) -> ({types}) {{", *body]
    lines += [f"  return {', '.join(f'%{name}' for name in formats)} : {types}", "}", ""]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
