"""Compiles products of signs with weights of few values, as binary networks are exported, and compares with NumPy."""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lutra
import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Case:
    """What makes the signs, the input's sizes (None: dynamic), the weight's, and how a convolution pads and strides."""

    signs: str  # sign, where, larq, twice
    shape: tuple[int | None, ...]
    weight: tuple[int, ...]  # [F, C, k..], or [K, N]
    most: int = 1  # magnitude of the weight's whole numbers; 1 without 0: binary
    zeros: bool = False
    scales: bool = False
    pad: float | None = None  # None: none; 0: of the convolution
    stride: int = 1
    dilation: int = 1
    groups: int = 1
    raised: bool = True  # whether a product of codes is made
    counted: bool = True  # whether K lets bits be counted

    def make_weight(self) -> Floats:
        generator = np.random.default_rng(sum(self.weight) + self.most)
        numbers = generator.integers(-self.most, self.most + 1, self.weight).astype(np.float32)
        if not self.zeros:
            numbers[numbers == 0] = 1
        if self.scales:
            column = [-1] + [1] * (len(self.weight) - 1) if len(self.weight) > 2 else [1, -1]
            numbers *= generator.uniform(0.01, 0.1, self.weight[0 if len(self.weight) > 2 else 1]).reshape(column)
            if self.most > 1:  # multiples that f32 holds
                numbers = np.round(numbers * 1024) / 1024
        return numbers.astype(np.float32)


CASES = [
    Case("where", (1, 64, 6, 7), (37, 64, 3, 3), pad=1),
    Case("where", (1, 64, 6, 7), (16, 64, 3, 3), pad=-1, scales=True),
    Case("where", (2, 32, 9, 5), (19, 32, 3, 3), pad=0, stride=2),
    Case("sign", (1, 40, 8, 8), (16, 40, 3, 3), pad=0, scales=True),
    Case("sign", (None, 33, 7, 7), (18, 33, 3, 2), zeros=True, dilation=2, counted=False),
    Case("sign", (1, 96, 5, 5), (48, 96, 1, 1), most=3, zeros=True),
    Case("larq", (1, 64, 17), (24, 64, 5), pad=1),
    Case("twice", (1, 16, 4, 5, 6), (21, 16, 2, 3, 3), most=7),
    Case("where", (None, 70), (70, 19), zeros=True, scales=True, counted=False),
    Case("sign", (3, 5, 128), (128, 40)),
    Case("sign", (1, 32, 6, 6), (32, 16, 3, 3), groups=2, raised=False),
    Case("where", (1, 32, 6, 6), (16, 32, 3, 3), most=9, raised=False),
]


def build(case: Case) -> bytes:
    """The graph, with results of the product alone."""
    fixed = {"zero": 0.0, "one": 1.0, "none": -1.0, "tenth": 0.1, "two": 2.0, "border": case.pad or 0.0}
    constants: dict[str, Any] = {name: np.float32(value) for name, value in fixed.items()} | {"w": case.make_weight()}
    nodes = []

    def add(op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    if case.signs == "sign":
        s = add("Sign", ["x"], "s")
    elif case.signs == "where":
        s = add("Where", [add("GreaterOrEqual", ["x", "zero"], "c"), "one", "none"], "s")
    elif case.signs == "larq":  # no 0
        s = add("Sign", [add("Add", [add("Sign", ["x"], "t"), "tenth"], "u")], "s")
    else:
        t = add("Cast", [add("GreaterOrEqual", ["x", "zero"], "c")], "t", to=TensorProto.FLOAT)
        s = add("Sub", [add("Mul", [t, "two"], "u"), "one"], "s")
    dims = len(case.shape) - 2
    if len(case.weight) == 2:
        add("MatMul", [s, "w"], "y")
    else:
        amounts = [k // 2 for k in case.weight[2:]] if case.pad is not None else [0] * dims
        if case.pad:
            constants["amounts"] = np.array([0, 0, *amounts] * 2, np.int64)
            s, amounts = add("Pad", [s, "amounts", "border"], "p"), [0] * dims
        steps = {"strides": [case.stride] * dims, "dilations": [case.dilation] * dims}
        add("Conv", [s, "w"], "y", pads=amounts * 2, group=case.groups, **steps)
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "signs",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [n or "n" for n in case.shape])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items() if name in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    return bytes(model.SerializeToString())


def expect(case: Case, x: Floats) -> npt.NDArray[np.float64]:
    """The result in f64."""
    wide = x.astype(np.float64)
    if case.signs == "sign":
        s = np.sign(wide)
    elif case.signs == "larq":
        s = np.sign(np.sign(wide) + 0.1)
    else:
        s = np.where(wide >= 0, 1.0, -1.0)
    w = case.make_weight().astype(np.float64)
    if w.ndim == 2:
        return s @ w
    window = w.shape[2:]
    if case.pad is not None:
        s = np.pad(s, [(0, 0), (0, 0), *((k // 2, k // 2) for k in window)], constant_values=case.pad)
    out = [(n - case.dilation * (k - 1) - 1) // case.stride + 1 for n, k in zip(s.shape[2:], window, strict=True)]
    y = np.zeros((x.shape[0], w.shape[0], *out))
    share, filters = s.shape[1] // case.groups, w.shape[0] // case.groups
    for tap in itertools.product(*(range(k) for k in window)):
        places = tuple(
            slice(t * case.dilation, t * case.dilation + (n - 1) * case.stride + 1, case.stride)
            for t, n in zip(tap, out, strict=True)
        )
        for g in range(case.groups):
            part = s[(slice(None), slice(g * share, (g + 1) * share), *places)]
            rows = slice(g * filters, (g + 1) * filters)
            y[:, rows] += np.einsum("bc...,fc->bf...", part, w[(rows, slice(None), *tap)])
    return y


def make_input(case: Case, batch: int) -> Floats:
    """Numbers of both signs, zeros of both, infinities and, in one image or row, a NaN."""
    shape = tuple(n or batch for n in case.shape)
    generator = np.random.default_rng(7)
    x = generator.standard_normal(shape).astype(np.float32)
    for index, special in enumerate((0.0, -0.0, np.inf, -np.inf, 1e-45, -1e-45)):
        x.reshape(-1)[index::17] = special
    if x.size:
        x.reshape(-1)[-1] = np.nan
    return x


def is_far(case: Case, y: Floats, x: Floats) -> bool:
    """Whether results differ: integers are exact; with scales a sum is rounded once."""
    want = expect(case, x)
    bound = 1e-6 * (np.abs(case.make_weight()).max() * case.make_weight().size) if case.scales else 0
    near = y.shape == want.shape and (np.abs(y - want) <= bound) | (np.isnan(y) & np.isnan(want))
    return not np.all(near)


def check(case: Case, level: str, strategy: str, corrupt: bool) -> int:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        model = lutra.compile(build(case), target_cpu=level, strategy=strategy, report=report)
        decisions = json.loads(report.read_text())["decisions"]
    codes = any(d["pass"] == "lutra-raise-sign-products" and d["done"] for d in decisions)
    faults = 0
    what = f"{case} for {level}, {strategy}"
    if strategy != "auto" and codes != case.raised:
        print(f"{what}: codes are {'' if codes else 'not '}multiplied")
        faults += 1
    for batch in (1, 3) if None in case.shape else (1,):
        x = make_input(case, batch)
        if is_far(case, np.asarray(model(x)[0]) + corrupt, x):
            print(f"{what}: differs")
            faults += 1
    return faults


def emulate(case: Case, levels: list[str], work: Path) -> int:
    """The same on emulated machines for aarch64, bits counted where they can be."""
    from guest import Guest

    strategy = "bitserial" if case.raised and case.counted else "auto"
    work.mkdir(parents=True, exist_ok=True)
    model, library = work / "signs.onnx", work / "signs.so"
    model.write_bytes(build(case))
    flags = [f"--target-cpu={','.join(levels)}", f"--strategy={strategy}"]
    subprocess.run(["lutra-compile", model, *flags, "-o", library], check=True)
    faults = 0
    for level in levels:
        x = make_input(case, 2)
        taken, (y,) = Guest(level, work).run_model(library, [x])
        if taken != level or is_far(case, y, x):
            print(f"{case} for {level}, {strategy}: differs")
            faults += 1
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--levels", nargs="+", default=["avx2"])
    parser.add_argument("--corrupt", action="store_true", help="expect what is not computed")
    parser.add_argument("--emulate", type=Path, help="runs libraries for aarch64, made in that folder")
    options = parser.parse_args()
    if options.emulate:
        return 1 if sum(emulate(case, options.levels, options.emulate) for case in CASES) else 0
    faults = sum(
        check(case, level, strategy, options.corrupt)
        for level in options.levels
        for strategy in ("auto", "coded", "bitserial")
        for case in CASES
        if strategy == "auto" or (case.raised and (case.counted or strategy == "coded"))
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
