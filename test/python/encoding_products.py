"""Writes a module with a product for each encoding of test_encoding.py, or for the named ones."""

from __future__ import annotations

import sys
from pathlib import Path

from test_encoding import SPECS


def main() -> None:
    output, *chosen = sys.argv[1:]
    n, k = 33, 128
    entry = f'%x: tensor<?x{k}xf32> {{lutra.name = "x", lutra.dim_names = ["n", ""]}}'
    weights: dict[str, str] = {}
    body, results = [], []
    for name in chosen or SPECS:
        spec = SPECS[name]
        _, store = spec.build(n, k, len(name))
        kind = f"tensor<{n}x{k}xf32, #lutra.encoding<{spec.text()}>>"
        bytes_of = {f"w_{name}": (kind, bytes(store.data))}
        bytes_of |= {key: (f"tensor<{len(run)}xi8>", run) for key, run in spec.dictionary_bytes().items()}
        for symbol, (form, data) in bytes_of.items():
            stored = f'dense<"0x{data.hex().upper()}"> : tensor<{len(data)}xi8>'
            weights[symbol] = f"lutra.global @{symbol} : {form} = {stored}"
        body.append(f"  %w_{name} = lutra.weight @w_{name} : {kind}")
        body.append(
            f"  %{name} = lutra.matmul %x, %w_{name} {{transpose_rhs}}"
            f" : (tensor<?x{k}xf32>, {kind}) -> tensor<?x{n}xf32>"
        )
        results.append(name)
    types = ", ".join([f"tensor<?x{n}xf32>"] * len(results))
    returned = f"  return {', '.join(f'%{name}' for name in results)} : {types}"
    lines = [*weights.values(), f"func.func @main({entry}) -> ({types}) {{", *body, returned, "}", ""]
    Path(output).write_text("\n".join(lines))


if __name__ == "__main__":
    main()
