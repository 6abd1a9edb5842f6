"""Writes a module of products with weights that are sums of terms, regions, permuted, or have minima."""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path
from string import Template

import numpy as np
from lutra import encoding

NIBBLES = "uint<4>, affine, scales = [f16, 1, 32], zero = tensor<u4, 1, 32>"
BYTES = "int<8>, affine, scales = [f16, row]"

# Each is one text of an encoding; what stands behind it is how few its elements are.
WEIGHTS = {
    # Outliers: columns of codes, of floats; scattered.
    "columns": "[sparse<$bytes, block<$n, 1, csr>, density<0.05>>, dense<$nibbles>]",
    "float_columns": "[sparse<uint<16>, float<5, 10, 15, ieee>, block<$n, 1, csr>, density<0.05>>, dense<$nibbles>]",
    "bitmap_columns": "[sparse<$bytes, block<$n, 2, bitmap>, density<0.1>>, dense<$nibbles>]",
    "scattered": "[sparse<uint<16>, float<5, 10, 15, ieee>, csr<16, 32>, density<0.004>>, dense<$nibbles>]",
    "scattered_mask": "[sparse<$bytes, bitmap<64>, density<0.004>>, dense<$nibbles>]",
    # The rest of a coarse term in low rank.
    "low_rank": "[dense<$nibbles>, lowrank<8, {$bytes}, {$bytes}>]",
    "low_rank_columns": "[dense<$nibbles>, lowrank<3, {$bytes}, {$bytes}>, "
    "sparse<$bytes, block<$n, 1, csr>, density<0.05>>]",
    # Rows of 8 bits beside rows of 4: together, and where they stand.
    "row_parts": "[parts<rows<0, 5> columns<0, *> {$bytes}, rows<5, *> columns<0, *> {$nibbles}>]",
    "sorted_rows": "[parts<rows<0, 5> columns<0, *> {$bytes}, rows<5, *> columns<0, *> {$nibbles}>], perm_n = @rows",
    "row_types": "[typemap<@kinds, 1, $k, [0.25, 0.75], {$bytes}, {$nibbles}>]",
    "row_pair_types": "[typemap<@pairs, 2, $k, [0.3, 0.7], {$bytes}, {$nibbles}>]",
    # Columns of 8 bits beside columns of 4.
    "column_parts": "[parts<rows<0, *> columns<0, 64> {$bytes}, rows<0, *> columns<64, *> {$nibbles}>], "
    "perm_k = @sorted",
    "grid_parts": "[parts<rows<0, 7> columns<0, 64> {$bytes}, rows<0, 7> columns<64, *> {$nibbles}, "
    "rows<7, *> columns<0, *> {$nibbles}>], perm_k = @sorted, perm_n = @rows",
    "column_types": "[typemap<@blocks, $n, 32, [0.25, 0.75], {$bytes}, {$nibbles}>]",
    # Permutations of one term: undone in the codes, and not.
    "plain_order": "[dense<int<8>, affine, scales = [f16, row]>], perm_n = @rows, perm_k = @sorted",
    "grouped_order": "[dense<$nibbles>], perm_n = @rows, perm_k = @sorted",
    "grouped_rows": "[dense<uint<4>, affine<-8>, scales = [f16, 4, 32]>], perm_n = @rows",
    # Minima of K-quants, with scales of their own and without; zero points of floats; scales with zeros of their own.
    "k_minima": "[dense<uint<4>, affine, scales = [u6, 1, 32] * [f16, 1, 256], zero = min<u6, 1, 32, [f16, 1, 256]>>]",
    "k2_minima": "[dense<uint<2>, affine, scales = [u4, 1, 16] * [f16, 1, 256], zero = min<u4, 1, 16, [f16, 1, 256]>>]",
    "row_minima": "[dense<uint<4>, affine, scales = [f16, 1, 32], zero = min<f16, row>>]",
    "float_minima": "[dense<uint<4>, affine, scales = [f16, 1, 32], zero = min<f16, 1, 32>>]",
    "value_points": "[dense<uint<4>, affine, scales = [f16, 1, 32], zero = tensor<f32, 1, 32, value>>]",
    "float_points": "[dense<uint<4>, affine, scales = [f32, 1, 32], zero = tensor<f32, 1, 32>>]",
    "signed_points": "[dense<uint<4>, affine, scales = [f16, 1, 64], zero = tensor<i5, 1, 32>>]",
    "second_order": "[dense<uint<3>, affine, scales = [u3, 1, 16, minus<f16, 16, 16>] * [f16, 16, 16], "
    "zero = tensor<u3, 1, 16, minus<f16, 16, 16>, [f16, 16, 16]>>]",
    "minima_columns": "[parts<rows<0, *> columns<0, 64> {$bytes}, rows<0, *> columns<64, *> "
    "{uint<4>, affine, scales = [f16, 1, 32], zero = min<f16, 1, 32>}>], perm_k = @sorted",
    # Codes of several planes and digits through a permutation.
    "planes_order": "[dense<planes<4, 2>, affine<-32>, scales = [f16, row]>], perm_k = @sorted",
    "digits_order": "[dense<radix<3, 5, 8>, affine<-1>, scales = [f16, row]>], perm_n = @rows, perm_k = @sorted",
    "tables_order": "[dense<uint<3>, table<8, i8, select<group, 1>, [0.0, 1.0, 2.0, 4.0, 3.0, -1.0, -2.0, -4.0, "
    "0.0, 1.0, 2.0, 4.0, -6.0, -1.0, -2.0, -4.0]>, scales = [f16, 1, 32]>], perm_n = @rows",
    "codebook_order": "[dense<uint<4>, table<16, f16>, scales = [f16, row]>], perm_k = @sorted",
    # Types of blocks: codes of the widest, also of multiples of a half and under scales of two levels.
    "block_types": "[typemap<@blocks, 2, 32, [0.25, 0.75], {$bytes}, {$nibbles}>]",
    "group_types": "[typemap<@groups, 1, 16, [0.75, 0.25], {uint<2>, affine, scales = [u4, 1, 16] * [f16, row], "
    "zero = tensor<u2, 1, 16>}, {uint<4>, affine<-8>, scales = [u4, 1, 16] * [f16, row]}>]",
    "float_types": "[typemap<@groups, 1, 32, [0.5, 0.5], {uint<4>, float<2, 1, 1>, scales = [e8m0, 1, 32]}, "
    "{uint<2>, affine<-2>, scales = [f16, 1, 16]}>], perm_k = @sorted, perm_n = @rows",
    # Codes that do not lie one by one, or name no single value.
    "runs": "[dense<dict<8, @trits, prefix<1.0>>, table<3, i2, [-1.0, 0.0, 1.0]>, scales = [f16, row]>]",
    "row_runs": "[dense<dict<8, @trits, prefix<1.0>>, table<3, bf16, select<row>>>], perm_n = @rows, perm_k = @sorted",
    "grid": "[dense<dict<8, @doubles, fixed<2>>, signed_by<parity7, table<4, i8, [1.0, 3.0, 5.0, 9.0]>>, "
    "scales = [u4, 1, 8, affine<0.5>] * [f16, 1, 32]>]",
    "pairs": "[dense<uint<6>, table<64, f16, vec<2>>, scales = [f16, row]>]",
    "signs_apart": "[dense<uint<3>, signed_by<plane, affine<1>>, scales = [f16, 1, 16]>], perm_n = @rows",
    # Outliers that crowd in some columns.
    "crowded": "[sparse<uint<16>, float<5, 10, 15, ieee>, csr<16, 32>, density<0.03>>, dense<$nibbles>]",
    # Codes of more bits than kernels read: plain floats.
    "half_order": "[dense<uint<16>, float<5, 10, 15, ieee>>], perm_k = @sorted",
    "half_parts": "[parts<rows<0, 5> columns<0, *> {uint<16>, float<5, 10, 15, ieee>}, "
    "rows<5, *> columns<0, *> {$nibbles}>]",
}
# By name alone: nothing splits them.
WHOLE = {
    "block_floats": "[typemap<@blocks, 2, 32, [0.25, 0.75], {uint<8>, float<4, 3, 7, fn>, scales = [f16, row]}, "
    "{$nibbles}>]",
    "plain_digits": "[dense<radix<3, 5, 8>, affine<-1>, scales = [f16, row]>]",
    "plain_scales": "[dense<$nibbles>]",
}
# Runs of codes for each index: of different lengths, with the length in front, and of one.
RUNS = [run for size in (1, 2, 3) for run in itertools.product(range(3), repeat=size)]
DICTIONARIES = {
    "trits": b"".join(bytes([len(run), *run]) for run in RUNS),
    "doubles": bytes(code for run in itertools.product(range(4), repeat=2) for code in run),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--columns", type=int, default=19)
    parser.add_argument("--depth", type=int, default=272)
    parser.add_argument("--only", default="", help="names with commas; none: all")
    parser.add_argument("--rounding", default="", help="an activation form")
    parser.add_argument("--spikes", action="store_true", help="values that are 0 but for one of each 32")
    parser.add_argument("--damage", default="", help="an array whose first bytes are all ones")
    parser.add_argument("-o", dest="output", type=Path, required=True)
    options = parser.parse_args()
    n, depth = options.columns, options.depth
    random = np.random.default_rng(n + depth)
    orders = {"perm_n": random.permutation(n), "perm_k": random.permutation(depth)}
    weights, body = [], []
    used: dict[str, bytes] = {}
    names = options.only.split(",") if options.only else list(WEIGHTS)
    for name in names:
        text = Template({**WEIGHTS, **WHOLE}[name]).substitute(n=n, k=depth, nibbles=NIBBLES, bytes=BYTES)
        values = random.standard_normal((n, depth)).astype(np.float32)
        values[:, ::41] *= 5
        if name == "crowded":
            values[:, 5::41] *= 20
        if options.spikes:
            values = np.zeros((n, depth), np.float32)
            values[:, ::32] = -1
        arrays = {}
        layout = list(encoding.layout(text, (n, depth)))
        for array in layout:
            if array.name in ("perm_n", "perm_k"):
                arrays[array.name] = orders[array.name].reshape(1, -1)
            elif array.name.endswith(".table"):
                arrays[array.name] = random.standard_normal(array.shape)
        words = {key: run for key, run in DICTIONARIES.items() if f"@{key}" in text}
        used |= words
        data = bytearray(encoding.encode(text, values, arrays=arrays, dictionaries=words))
        for array in layout:
            if array.name == options.damage:
                data[array.offset : array.offset + 4] = b"\xff" * 4
        form = f"{text}, act = {options.rounding}" if options.rounding else text
        kind = f"tensor<{n}x{depth}xf32, #lutra.encoding<{form}>>"
        weights.append(f'lutra.global @{name} : {kind} = dense<"0x{data.hex().upper()}"> : tensor<{len(data)}xi8>')
        body.append(f"  %w_{name} = lutra.weight @{name} : {kind}")
        body.append(
            f"  %{name} = lutra.matmul %x, %w_{name} {{transpose_rhs}}"
            f" : (tensor<?x{depth}xf32>, {kind}) -> tensor<?x{n}xf32>"
        )
    for name, run in used.items():
        kind = f"tensor<{len(run)}xi8>"
        weights.append(f'lutra.global @{name} : {kind} = dense<"0x{run.hex().upper()}"> : {kind}')
    types = ", ".join([f"tensor<?x{n}xf32>"] * len(names))
    entry = f'%x: tensor<?x{depth}xf32> {{lutra.name = "x", lutra.dim_names = ["n", ""]}}'
    lines = [*weights, f"func.func @main({entry}) -> ({types}) {{", *body]
    lines += [f"  return {', '.join(f'%{name}' for name in names)} : {types}", "}", ""]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
