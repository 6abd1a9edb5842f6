"""Compiles layers of BitNet b1.58 (arXiv 2402.17764), as frameworks export them, and compares with onnxruntime."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import lutra
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

Floats = npt.NDArray[np.float32]
Parts = tuple[list[onnx.NodeProto], list[onnx.TensorProto]]


def layer(name: str, x: str, weight: Floats, *, reciprocal: bool, training: bool) -> Parts:
    """RMS norm, rounding to 8 bits for each row, product: nodes and initializers; the result is `name`."""
    k = weight.shape[1 if reciprocal else 0]
    constants: dict[str, Any] = {
        "two": np.float32(2),
        "epsilon": np.float32(1e-6),
        "floor": np.float32(1e-5),
        "most": np.float32(127),
        "least": np.float32(-128),
        "gain": np.linspace(0.5, 1.5, k, dtype=np.float32),
        "w": weight,
    }
    nodes: list[onnx.NodeProto] = []

    def add(op: str, inputs: str, output: str, **attributes: Any) -> None:
        names = [x if n == "x" else f"{name}.{n}" if n else "" for n in inputs.split(",")]
        nodes.append(helper.make_node(op, names, [output if output == name else f"{name}.{output}"], **attributes))

    add("Pow", "x,two", "squares")
    add("ReduceMean", "squares", "mean", axes=[-1], keepdims=1)
    add("Add", "mean,epsilon", "shifted")
    add("Sqrt", "shifted", "root")
    add("Div", "x,root", "normed")
    add("Mul", "normed,gain", "h")
    add("Abs", "h", "magnitudes")
    add("ReduceMax", "magnitudes", "greatest", axes=[-1], keepdims=1)
    add("Clip", "greatest,floor,", "range")
    if reciprocal:  # 127.0 / tensor in PyTorch
        add("Reciprocal", "range", "inverse")
        add("Mul", "inverse,most", "scale")
    else:
        add("Div", "most,range", "scale")
    add("Mul", "h,scale", "scaled")
    add("Round", "scaled", "rounded")
    add("Clip", "rounded,least,most", "codes")
    add("Div", "codes,scale", "values")
    if training:  # lets gradients pass
        add("Sub", "values,h", "difference")
        add("Add", "h,difference", "passed")
    values = "passed" if training else "values"
    if reciprocal:  # as nn.Linear stores it
        add("Transpose", "w", "turned", perm=[1, 0])
        add("MatMul", f"{values},turned", name)
    else:
        add("MatMul", f"{values},w", name)
    return nodes, [numpy_helper.from_array(np.asarray(v), f"{name}.{c}") for c, v in constants.items()]


def build(generator: np.random.Generator, sizes: tuple[int, int, int]) -> bytes:
    """Two layers one after the other."""

    def ternary(rows: int, columns: int) -> Floats:
        scale = np.float32(generator.uniform(0.01, 0.1))
        return (generator.integers(-1, 2, (rows, columns)) * scale).astype(np.float32)

    k, middle, n = sizes
    first = layer("a", "x", ternary(k, middle), reciprocal=False, training=True)
    second = layer("b", "a", ternary(n, middle), reciprocal=True, training=False)
    graph = helper.make_graph(
        first[0] + second[0],
        "layers",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", k])],
        [helper.make_tensor_value_info(v, TensorProto.FLOAT, None) for v in ("a", "b")],
        first[1] + second[1],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    return bytes(model.SerializeToString())


def check(corrupt: bool) -> int:
    """The first product differs by roundings of sums alone; so does the second, but for codes next to a tie."""
    generator = np.random.default_rng(7)
    data = build(generator, (192, 131, 70))
    model = lutra.compile(data)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    faults = 0
    for rows in (0, 1, 3, 16, 40):
        x = generator.standard_normal((rows, 192), np.float32)
        x[: rows // 3] = 0
        for name, got, want in zip("ab", model(x), session.run(None, {"x": x}), strict=True):
            far = np.abs(got - want) > (2e-3 if name == "b" else 1e-5) * (1 + np.abs(want).max(initial=0)) - corrupt
            if got.shape != want.shape or far.any():
                print(f"{name} with {rows} rows differs: {int(far.sum())} elements")
                faults += 1
    return 1 if faults else 0


def main() -> int:
    """Compares, or writes the model of given sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corrupt", action="store_true", help="expect what is not computed")
    parser.add_argument("--write", help="writes the model there instead")
    options = parser.parse_args()
    if options.write:
        with open(options.write, "wb") as file:
            file.write(build(np.random.default_rng(7), (192, 131, 70)))
        return 0
    return check(options.corrupt)


if __name__ == "__main__":
    sys.exit(main())
