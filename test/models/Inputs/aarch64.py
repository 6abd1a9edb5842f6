"""A small network as a library for aarch64, run by an emulator, inside the bounds that the evaluator derives.

The network is a product with an activation, a normalisation, a second product and a softmax; rows are a size of run
time. --quantize stores its weights in few bits: where it rounds activations that were computed, bounds are wide, so the
first product is a result, too. Both must also lie near what the same graph gives on this machine, and a changed weight
must be noticed. --integers takes a product of 8-bit integers instead, which is exact.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import lutra
import numpy as np
import onnx
from guest import Guest
from lutra.testing import compare, evaluate
from onnx import TensorProto, helper, numpy_helper

INNER, HIDDEN, CLASSES = 64, 144, 21
OUTPUTS = {"p": HIDDEN, "y": CLASSES}
# One row, fewer than a tile, more than one of any level, more than are unpacked first.
ROWS = (1, 3, 13, 70)


def network(*, changed: bool = False) -> onnx.ModelProto:
    random = np.random.default_rng(11)
    first = random.standard_normal((INNER, HIDDEN)).astype(np.float32) / 8
    second = random.standard_normal((HIDDEN, CLASSES)).astype(np.float32) / 12
    first[3, 5] += changed
    weights = {
        "w": first, "b": random.standard_normal(HIDDEN).astype(np.float32),
        "s": np.ones(HIDDEN, np.float32), "t": np.zeros(HIDDEN, np.float32), "v": second,
    }  # fmt: skip
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["q"]),
        helper.make_node("Gelu", ["q"], ["g"]),
        helper.make_node("LayerNormalization", ["g", "s", "t"], ["n"]),
        helper.make_node("MatMul", ["n", "v"], ["l"]),
        helper.make_node("Softmax", ["l"], ["y"], axis=-1),
    ]
    graph = helper.make_graph(
        nodes, "classes",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", INNER])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", size]) for name, size in OUTPUTS.items()],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def check_integers(levels: list[str], work: Path) -> bool:
    """Whether a product of bytes without a sign by bytes with one is what NumPy says."""
    random = np.random.default_rng(3)
    w = random.integers(-128, 128, (INNER + 1, CLASSES)).astype(np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "w", "z"], ["y"])], "integers",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, ["rows", INNER + 1])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, ["rows", CLASSES])],
        [numpy_helper.from_array(w, "w"), numpy_helper.from_array(np.array(131, np.uint8), "z")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    (work / "integers.onnx").write_bytes(model.SerializeToString())
    library = work / "integers.so"
    run("lutra-compile", work / "integers.onnx", f"--target-cpu={','.join(levels)}", "-o", library)
    for level in levels:
        guest = Guest(level, work)
        for rows in ROWS:
            x = random.integers(0, 256, (rows, INNER + 1)).astype(np.uint8)
            x[0] = 255
            taken, (y,) = guest.run_model(library, [x])
            if taken != level or not np.array_equal(y, (x.astype(np.int32) - 131) @ w.astype(np.int32)):
                print(f"{level}, {rows} rows: {y}")
                return False
    return True


def run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command[0]} failed:\n{done.stderr[:4000]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--levels", nargs="+", required=True, help="of the library, best first")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--quantize")
    parser.add_argument("--integers", action="store_true")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    if options.integers:
        return 0 if check_integers(options.levels, options.work) else 1
    model, library, graph = (options.work / name for name in ("model.onnx", "model.so", "graph.mlir"))
    model.write_bytes(network().SerializeToString())
    flags = [f"--quantize={options.quantize}"] if options.quantize else []
    run("lutra-compile", model, *flags, "--stop-after=legal", "-o", graph)
    run("lutra-compile", model, *flags, f"--target-cpu={','.join(options.levels)}", "-o", library)
    changed = options.work / "changed.so"
    (options.work / "changed.onnx").write_bytes(network(changed=True).SerializeToString())
    run("lutra-compile", options.work / "changed.onnx", *flags, f"--target-cpu={options.levels[-1]}", "-o", changed)
    here = lutra.compile(model, threads=1, quantize=options.quantize, target_cpu="avx2")
    random = np.random.default_rng(7)
    for rows in ROWS:
        x = random.standard_normal((rows, INNER)).astype(np.float32)
        values, bounds = evaluate(graph, {"x": x})
        reports, own = {}, here(x)
        for level in options.levels:
            taken, results = Guest(level, options.work).run_model(library, [x], threads=2)
            if taken != level:
                print(f"a CPU that has {level} took {taken}")
                return 1
            for name, result, local in zip(OUTPUTS, results, own, strict=True):
                reports[f"{level}, {name}"] = compare(result, values[name], bounds[name])
                reports[f"{level} beside x86-64, {name}"] = compare(result, local, 2 * bounds[name])
        for name, report in reports.items():
            if not report.passed:
                print(f"{rows} rows, {name}: {report}")
                return 1
        _, (wrong, _) = Guest(options.levels[-1], options.work).run_model(changed, [x])
        if compare(wrong, values["p"], bounds["p"]).passed:
            print(f"{rows} rows: a changed weight goes unnoticed")
            return 1
    print(f"{', '.join(options.levels)}: good")
    return 0


if __name__ == "__main__":
    sys.exit(main())
