"""Writes a module with products whose weights hold their tables beside the codes: of 2 to 8 bits, one for all elements
or several that groups choose among, for rows of activations that stay floats or may be rounded."""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import NormalDist

import numpy as np
from lutra import encoding

# Columns and K that no panel and no group divides, and rows that 32 bits cannot sum.
SHAPES = {2: (33, 136), 3: (16, 264), 4: (49, 2088), 5: (20, 144), 6: (35, 2088), 7: (17, 130), 8: (40, 264)}
MORE_COLUMNS = 9  # or rounding activations takes longer than it saves
ACTIVATIONS = {"f32": "", "bf16": "bf16", "int8": "int<8, sym, row>"}


def stored(bits: int, kind: str, tables: int, n: int, k: int) -> tuple[str, bytes]:
    """Terms of an encoding, and random bytes of a matrix with quantiles of a normal distribution for entries."""
    generator = np.random.default_rng(bits + n + k)
    select = f", select<group, {tables.bit_length() - 1}>" if tables > 1 else ""
    scales = "[f16, 1, 8]" if tables > 1 else "[f32, row]"
    text = f"[dense<uint<{bits}>, table<{1 << bits}, {kind}{select}>, scales = {scales}>]"
    places = (np.arange(1 << bits) + 0.5) / (1 << bits)
    entries = np.array([NormalDist(sigma=0.3).inv_cdf(place) for place in places])
    values = np.stack([entries * (1 - 0.1 * table) for table in range(tables)])
    arrays = encoding.layout(text, (n, k))
    data = np.zeros(arrays[-1].offset + arrays[-1].nbytes, np.uint8)
    for array in arrays:
        name = array.name.removeprefix("term0.")
        if name == "table":
            field = values.astype(np.float16 if kind == "f16" else np.float32).view(np.uint8)
        elif name == "scale0":
            factors = generator.uniform(0.01, 0.02, array.nbytes // (2 if tables > 1 else 4))
            field = factors.astype(np.float16 if tables > 1 else np.float32).view(np.uint8)
        else:
            width = bits if name == "codes" else tables.bit_length() - 1
            columns = k if name == "codes" else -(-k // 8)
            fields = generator.integers(0, 1 << width, (n, columns), np.uint8)
            field = np.packbits(np.unpackbits(fields[..., None], -1, width, "little").reshape(n, -1), -1, "little")
        data[array.offset :][: array.nbytes] = field.reshape(-1)
    return text, data.tobytes()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--activations", choices=ACTIVATIONS, default="f32")
    parser.add_argument("--bits", type=int, help="those of one table of so many alone")
    options = parser.parse_args()
    act = ACTIVATIONS[options.activations]
    weights, parameters, body, types = [], [], [], []
    cases = [(bits, "f16", 1) for bits in SHAPES] + [(4, "f32", 1), (4, "f16", 4), (2, "f32", 16)]
    if options.bits:
        cases = [(options.bits, "f16", 1)]
    for bits, kind, tables in cases:
        n, k = SHAPES[bits]
        n *= MORE_COLUMNS if options.activations == "int8" else 1
        name = f"table{bits}_{kind}_{tables}"
        text, data = stored(bits, kind, tables, n, k)
        form = f"tensor<{n}x{k}xf32, #lutra.encoding<{text}{', act = ' + act if act else ''}>>"
        left, result = f"tensor<?x{k}xf32>", f"tensor<?x{n}xf32>"
        weights.append(f'lutra.global @{name} : {form} = dense<"0x{data.hex().upper()}"> : tensor<{len(data)}xi8>')
        parameters.append(f'%x_{name}: {left} {{lutra.name = "x_{name}", lutra.dim_names = ["n", ""]}}')
        body.append(f"  %w_{name} = lutra.weight @{name} : {form}")
        product = f"lutra.matmul %x_{name}, %w_{name} {{transpose_rhs}} : ({left}, {form}) -> {result}"
        body.append(f"  %{name} = {product}")
        types.append((f"%{name}", result))
    results = ", ".join(kind for _, kind in types)
    returned = f"  return {', '.join(name for name, _ in types)} : {results}"
    lines = [*weights, f"func.func @main({', '.join(parameters)}) -> ({results}) {{", *body, returned, "}", ""]
    options.output.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
