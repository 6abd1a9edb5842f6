"""Products of rounded activations with weights of few bits, compiled for one level of the CPU after the other: sums are
exact, so that the results of all levels are the same bits."""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from pathlib import Path

import lutra
import numpy as np
from lutra import encoding
from onnx import TensorProto, helper, numpy_helper

# Rows, N, K, group, bits: rows below, at and above tiles and blocks; panels that blocks hold and that are left over;
# K at the distance of a cache's sets, K and groups that tiles do not hold; one group for all of K.
SHAPES = [
    (1, 64, 256, 32, 4),
    (5, 48, 256, 128, 4),
    (6, 80, 512, 128, 4),
    (19, 128, 256, 64, 8),
    (15, 33, 512, 64, 4),
    (16, 100, 384, 128, 4),
    (16, 64, 4096, 128, 4),
    (20, 64, 256, 32, 4),
    (32, 64, 512, 128, 2),
    (33, 70, 512, 128, 8),
    (40, 64, 512, 256, 2),
    (64, 528, 256, 16, 4),
    (100, 272, 1024, 32, 4),
    (128, 32, 4096, 128, 4),
    (200, 96, 4096, 128, 4),
    (17, 40, 576, 64, 8),
    (24, 48, 256, 256, 4),
    (96, 48, 1024, 1024, 4),
]
# The same where 64 divides no group or not K: groups that tiles cut evenly or fill up, a short last one, one group.
RAGGED = [
    (16, 48, 192, 96, 4),
    (31, 50, 400, 160, 4),
    (128, 48, 400, 160, 4),
    (64, 33, 1000, 200, 4),
    (17, 64, 120, 24, 4),
    (16, 32, 2016, 128, 4),
    (129, 40, 1948, 1948, 4),
    (33, 64, 224, 96, 3),
    (40, 40, 1040, 520, 8),
    (16, 40, 40, 40, 4),
    (7, 30, 250, 48, 2),
    (48, 32, 2056, 128, 2),
    (128, 48, 4224, 128, 4),
    (129, 17, 5000, 200, 4),
    (33, 3, 1200, 400, 6),
    (20, 15, 512, 64, 5),
    # Few rows that no stack holds.
    (31, 40, 32784, 32784, 4),
    (40, 33, 32800, 160, 4),
    (20, 17, 49152, 1024, 4),
]
# Values of two digits: bits, and what codes stand for; the third the least and the greatest of two signed bytes.
TABLE = [-32896, -32768, -32767, -257, -256, -129, -128, -1, 0, 1, 127, 128, 255, 256, 32512, 32639]
VALUES = [
    (4, "table<16, f32, [" + ", ".join(str(round(i * i * i / 8) / 8192) for i in range(-40, 40, 5)) + "]>"),
    (6, "float<3, 2, 3>"),
    (4, "table<16, f32, [" + ", ".join(f"{value}.0" for value in TABLE) + "]>"),
]
WIDE = [
    (1, 64, 256, 64),
    (6, 80, 512, 128),
    (16, 100, 384, 128),
    (33, 70, 512, 64),
    (32, 64, 512, 512),
    (100, 272, 1024, 32),
    (128, 33, 400, 160),
    (40, 48, 1040, 528),
    (17, 40, 250, 48),
    (200, 96, 4096, 128),
    (129, 40, 1948, 1948),
    (16, 32, 2056, 128),
]
# Powers of two: bits, and strategies that compute exactly these; coded rounds those of 4 bits to multiples of a number.
POWERS = [(2, ("coded", "shift")), (3, ("coded", "shift")), (4, ("shift",))]


def model(n: int, k: int, group: int, bits: int, rows: int | str, has_zeros: bool) -> bytes:
    random = np.random.default_rng(n + k + group)
    groups = k // group
    weights = {
        "codes": random.integers(0, 256, (n, groups, group * bits // 8), np.uint8),
        "scales": random.uniform(0.01, 0.1, (n, groups)).astype(np.float32),
    }
    if has_zeros:
        weights["zeros"] = random.integers(0, 256, (n, -(-groups * bits // 8)), np.uint8)
    sizes = {"K": k, "N": n, "bits": bits, "block_size": group, "accuracy_level": 4}
    node = helper.make_node("MatMulNBits", ["x", *weights], ["y"], domain="com.microsoft", **sizes)
    graph = helper.make_graph(
        [node],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, k])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, n])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()


def text(n: int, k: int, group: int, bits: int, rows: int | str, has_zeros: bool, values: str = "affine") -> str:
    """The same with any group, the last of which may be short, and what codes stand for."""
    zero = f", zero = tensor<u{bits}, 1, {group}>" if has_zeros else f", zero = const<{1 << (bits - 1)}.0>"
    if values != "affine":
        zero = ""
    terms = f"[dense<uint<{bits}>, {values}, scales = [f16, 1, {group}]{zero}>]"
    arrays = encoding.layout(terms, (n, k))
    random = np.random.default_rng(n + k + group)
    data = random.integers(0, 256, arrays[-1].offset + arrays[-1].nbytes, np.uint8)
    for array in arrays:
        if array.name.endswith("scale0"):
            scales = random.uniform(0.01, 0.1, array.nbytes // 2).astype(np.float16)
            data[array.offset :][: array.nbytes] = scales.view(np.uint8)
    kind = f"tensor<{n}x{k}xf32, #lutra.encoding<{terms}, act = int<8, sym, group<{group}>>>>"
    left, out = (f"tensor<{'?' if rows == 'rows' else rows}x{size}xf32>" for size in (k, n))
    return f"""
lutra.global @w : {kind} = dense<"0x{data.tobytes().hex().upper()}"> : tensor<{data.nbytes}xi8>
func.func @main(%x: {left} {{lutra.name = "x"}}) -> ({out} {{lutra.name = "y"}}) {{
  %w = lutra.weight @w : {kind}
  %y = lutra.matmul %x, %w {{transpose_rhs}} : ({left}, {kind}) -> {out}
  return %y : {out}
}}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("levels", nargs="+", help="the first is what others are compared with")
    parser.add_argument("--corrupt", action="store_true", help="expect one result more")
    parser.add_argument("--wide", action="store_true", help="values of two digits")
    parser.add_argument("--powers", action="store_true", help="values that are powers of two, also by shifts")
    options = parser.parse_args()
    count = 0
    work = tempfile.TemporaryDirectory()
    cases = [(*shape, "affine") for shape in SHAPES + RAGGED]
    if options.wide:
        cases = [(*shape, *VALUES[index % len(VALUES)]) for index, shape in enumerate(WIDE)]
    if options.powers:
        cases = [(*shape, bits, f"pot<1, {bits - 1}>") for shape in WIDE[:7] for bits, _ in POWERS]
    for index, (m, n, k, group, bits, values) in enumerate(cases):
        is_known = index % 4 != 3  # else rows are known at run time alone
        sizes = (n, k, group, bits, m if is_known else "rows", index % 3 != 2)
        content: bytes | str
        if not (options.wide or options.powers) and index < len(SHAPES):
            content = model(*sizes)
        else:
            content = f"{work.name}/ragged.mlir"
            Path(content).write_text(text(*sizes, values))
        # Rows that fill tiles, that leave few over and many.
        counts = (m,) if is_known else (0, 1, 16, m, m + 17)
        inputs = [np.random.default_rng(rows).standard_normal((rows, k)).astype(np.float32) for rows in counts]
        wanted = None
        strategies = dict(POWERS)[bits] if options.powers else ("coded",)
        for level, strategy in itertools.product(options.levels, strategies):
            compiled = lutra.compile(content, target_cpu=level, strategy=strategy, threads=2)
            found = [np.array(compiled(x=x)[0]) for x in inputs]
            alone = np.array(compiled(x=inputs[-1][:1])[0]) if not is_known else found[-1][:1]
            if not np.array_equal(alone, found[-1][:1]):
                print(f"K = {k}, groups of {group}, {bits} bits, {strategy}, {level}: rows depend on their number")
                return 1
            if wanted is None:
                wanted = [result + np.float32(options.corrupt) for result in found]
                continue
            for own, other in zip(found, wanted, strict=True):
                if not np.array_equal(own, other):
                    places = np.argwhere(own != other)[:3].tolist()
                    shape = f"[{len(own)}, {k}] x {n}, groups of {group}, {bits} bits"
                    print(f"{shape}, {strategy}, {level}: differs at {places}")
                    return 1
            count += len(found)
    work.cleanup()
    print(f"{count} products are equal")
    return 0


if __name__ == "__main__":
    sys.exit(main())
