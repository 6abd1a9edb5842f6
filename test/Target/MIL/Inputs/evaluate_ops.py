"""Graph-level ops through the MIL target, evaluated by coremltools, inside the reference evaluator's bounds.

usage: evaluate_ops.py FOLDER     Each op alone, computed in fp32 and in fp16; the packages also pass our own checker.

In fp16 the bound is that of the same op on f16, each step of softmax and norms rounded. NumPy must lie inside the bound
of fp32 as well, and each bound must refuse a result whose largest element is off by a tenth.
"""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from math import erf
from pathlib import Path

import mil_eval
import numpy as np
from lutra.testing import compare, evaluate, notices

COMPUTES = ("fp32", "fp16")
MLIR_TYPES = {"float32": "f32", "int64": "i64", "bool": "i1"}


@dataclass
class Case:
    name: str
    body: str  # %x, %y, .. are the inputs, %r the result
    inputs: list[np.ndarray]
    expected: Callable
    globals: dict[str, np.ndarray] = field(default_factory=dict)


def tensor_type(array: np.ndarray) -> str:
    return f"tensor<{''.join(f'{size}x' for size in array.shape)}{MLIR_TYPES[array.dtype.name]}>"


def dense(array: np.ndarray) -> str:
    return str(array.tolist()).replace("True", "true").replace("False", "false")


def module(case: Case) -> tuple[str, np.ndarray]:
    """The case's module, and what its function returns by NumPy."""
    expected = np.asarray(case.expected(*case.inputs))
    arguments = ", ".join(
        f'%{name}: {tensor_type(array)} {{lutra.name = "{name}"}}'
        for name, array in zip("xyz", case.inputs, strict=False)
    )
    types = {name: tensor_type(array) for name, array in zip("xyz", case.inputs, strict=False)}
    types |= {name: tensor_type(array) for name, array in case.globals.items()} | {"r": tensor_type(expected)}
    lines = [f"lutra.global @{n} : {types[n]} = dense<{dense(a)}> : {types[n]}" for n, a in case.globals.items()]
    lines.append(f'func.func @main({arguments}) -> ({types["r"]} {{lutra.name = "r"}}) {{')
    lines += [f"  %{name} = lutra.weight @{name} : {types[name]}" for name in case.globals]
    body = case.body
    for name in sorted(types, key=len, reverse=True):
        body = body.replace(f"${name}", types[name])
    lines += [f"  {line}" for line in body.strip().split("\n")]
    lines += [f"  return %r : {types['r']}", "}"]
    return "\n".join(lines), expected


RANDOM = np.random.default_rng(3)


def real(*shape: int) -> np.ndarray:
    return RANDOM.uniform(-2, 2, shape).astype(np.float32)


def positive(*shape: int) -> np.ndarray:
    return RANDOM.uniform(0.2, 2, shape).astype(np.float32)


def integer(*shape: int, low: int = -9, high: int = 9) -> np.ndarray:
    return RANDOM.integers(low, high, shape)


def unary(kind: str, expected: Callable, data: np.ndarray | None = None) -> Case:
    return Case(
        f"unary_{kind}", f"%r = lutra.unary<{kind}> %x : $x -> $r", [real(3, 5) if data is None else data], expected
    )


def binary(kind: str, expected: Callable, *data: np.ndarray, name: str = "") -> Case:
    inputs = list(data) or [real(2, 3, 4), positive(3, 1)]
    return Case(f"binary_{kind}{name}", f"%r = lutra.binary<{kind}> %x, %y : ($x, $y) -> $r", inputs, expected)


def truncated(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    shifted = np.exp(x - x.max(axis, keepdims=True))
    return shifted / shifted.sum(axis, keepdims=True)


def layer_norm(x: np.ndarray, epsilon: float) -> np.ndarray:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + epsilon)


def rms_norm(x: np.ndarray, epsilon: float) -> np.ndarray:
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + epsilon)


def conv2d(x: np.ndarray, w: np.ndarray, stride: int, pad: tuple[int, int], groups: int) -> np.ndarray:
    x = np.pad(x, [(0, 0), (0, 0), pad, pad])
    size = (x.shape[2] - w.shape[2]) // stride + 1, (x.shape[3] - w.shape[3]) // stride + 1
    out = np.zeros((x.shape[0], w.shape[0], *size))
    per = w.shape[0] // groups
    for f in range(w.shape[0]):
        channels = slice(f // per * w.shape[1], (f // per + 1) * w.shape[1])
        for i, j in np.ndindex(*size):
            patch = x[:, channels, i * stride : i * stride + w.shape[2], j * stride : j * stride + w.shape[3]]
            out[:, f, i, j] = (patch * w[f]).sum((1, 2, 3))
    return out.astype(np.float32)


def pool2d(x: np.ndarray, reduce: Callable, fill: float) -> np.ndarray:
    """Windows 3x3, stride 2, one row of padding before, ceil: the last window hangs over."""
    x = np.pad(x, [(0, 0), (0, 0), (1, 2), (1, 2)], constant_values=fill)
    size = (x.shape[2] - 4) // 2 + 1, (x.shape[3] - 4) // 2 + 1
    out = np.zeros((*x.shape[:2], *size), np.float32)
    for i, j in np.ndindex(*size):
        out[:, :, i, j] = reduce(x[:, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3], axis=(2, 3))
    return out


POOL = (
    "{dilations = array<i64: 1, 1>, high = array<i64: 0, 0>, layout = #lutra.conv_layout<channels_first>, "
    "low = array<i64: 1, 1>, strides = array<i64: 2, 2>, window = array<i64: 3, 3>, ceil_mode}"
)
CONV = (
    "{dilations = array<i64: 1, 1>, groups = 2 : i64, high = array<i64: 1, 1>, low = array<i64: 1, 1>, "
    "strides = array<i64: 2, 2>}"
)
gelu = np.vectorize(lambda v: 0.5 * v * (1 + erf(v / 2**0.5)), otypes=[np.float32])
a34, b4, w46 = real(3, 4), real(4), real(4, 6)

CASES = [
    *(
        unary(kind, getattr(np, kind))
        for kind in ("abs", "sign", "ceil", "floor", "exp", "sin", "cos", "tan", "sinh", "cosh", "tanh")
    ),
    unary("round", np.rint, np.array([[-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]], np.float32)),
    unary("asin", np.arcsin, real(3, 4) / 2.1),
    unary("acos", np.arccos, real(3, 4) / 2.1),
    unary("atan", np.arctan),
    unary("atanh", np.arctanh, real(3, 4) / 2.5),
    unary("log", np.log, positive(3, 4)),
    unary("sqrt", np.sqrt, positive(3, 4)),
    unary("rsqrt", lambda x: 1 / np.sqrt(x), positive(3, 4)),
    unary("reciprocal", lambda x: 1 / x, positive(3, 4)),
    unary("neg", np.negative),
    unary("erf", np.vectorize(erf, otypes=[np.float32])),
    unary("relu", lambda x: np.maximum(x, 0)),
    unary("sigmoid", lambda x: 1 / (1 + np.exp(-x))),
    unary("softplus", lambda x: np.log1p(np.exp(x))),
    unary("silu", lambda x: x / (1 + np.exp(-x))),
    unary("gelu_erf", gelu),
    unary("gelu_tanh", lambda x: 0.5 * x * (1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3)))),
    unary("not", np.logical_not, integer(3, 4) > 0),
    binary("add", np.add),
    binary("sub", np.subtract),
    binary("mul", np.multiply),
    binary("div", np.divide),
    binary("pow", np.power, positive(2, 3), real(2, 3)),
    binary("max", np.maximum),
    binary("min", np.minimum),
    binary("mod", np.mod, integer(4, 5), integer(4, 5, low=1), name="_int"),
    binary("rem", np.fmod, integer(4, 5), integer(4, 5, low=1), name="_int"),
    binary("div", truncated, integer(4, 5), integer(4, 5, low=1), name="_int"),
    binary("and", np.logical_and, integer(3, 4) > 0, integer(3, 4) > 0),
    binary("xor", np.logical_xor, integer(3, 4) > 0, integer(3, 4) > 0),
    *(
        Case(
            f"compare_{kind}",
            f"%r = lutra.compare<{kind}> %x, %y : ($x, $y) -> $r",
            [integer(4, 4, high=0), integer(4, high=0)],
            fn,
        )
        for kind, fn in (("eq", np.equal), ("ne", np.not_equal), ("lt", np.less), ("ge", np.greater_equal))
    ),
    Case("select", "%r = lutra.select %x, %y, %z : ($x, $y, $z) -> $r", [integer(3, 4) > 0, a34, b4], np.where),
    Case("cast_to_int", "%r = lutra.cast %x : $x -> $r", [real(3, 4)], lambda x: np.trunc(x).astype(np.int64)),
    Case("cast_to_bool", "%r = lutra.cast %x : $x -> $r", [integer(3, 4, low=-1, high=2)], lambda x: x != 0),
    Case(
        "reduce_sum",
        "%r = lutra.reduce<sum> %x axes = [0, 2] : $x -> $r",
        [real(2, 3, 4)],
        lambda x: x.sum((0, 2), keepdims=True),
    ),
    Case(
        "reduce_max", "%r = lutra.reduce<max> %x axes = [1] : $x -> $r", [real(2, 3)], lambda x: x.max(1, keepdims=True)
    ),
    Case(
        "arg_reduce",
        "%r = lutra.arg_reduce<max> %x {axis = 1 : i64} : $x -> $r",
        [real(2, 5)],
        lambda x: x.argmax(1)[:, None],
    ),
    Case(
        "cumulative",
        "%r = lutra.cumulative<sum> %x {axis = 1 : i64, exclusive} : $x",
        [real(2, 5)],
        lambda x: np.cumsum(x, 1) - x,
    ),
    Case("softmax", "%r = lutra.softmax %x {axis = 1 : i64} : $x", [real(2, 5, 3)], lambda x: softmax(x, 1)),
    Case(
        "log_softmax", "%r = lutra.softmax %x {axis = 1 : i64, log} : $x", [real(2, 5)], lambda x: np.log(softmax(x, 1))
    ),
    Case(
        "layer_norm",
        "%r = lutra.layer_norm %x scale(%s : $s) bias(%b : $b) {dims = 1 : i64, epsilon = 1.0e-5 : f64} : $x -> $r",
        [real(3, 8)],
        lambda x: layer_norm(x, 1e-5) * S8 + B8,
        {"s": (S8 := real(8)), "b": (B8 := real(8))},
    ),
    Case(
        "rms_norm_large",  # the squares overflow fp16
        "%r = lutra.rms_norm %x scale(%s : $s) {dims = 1 : i64, epsilon = 1.0e-6 : f64} : $x -> $r",
        [real(3, 8) * 1000],
        lambda x: rms_norm(x, 1e-6) * S8,
        {"s": S8},
    ),
    Case("matmul_constant", "%r = lutra.matmul %x, %w : ($x, $w) -> $r", [a34], lambda x: x @ w46, {"w": w46}),
    Case(
        "matmul_bias",
        "%p = lutra.matmul %x, %w {transpose_rhs} : ($x, $w) -> $r\n%r = lutra.binary<add> %b, %p : ($b, $r) -> $r",
        [real(2, 2, 3, 4)],
        lambda x: x @ w46 + B6,
        {"w": np.ascontiguousarray(w46.T), "b": (B6 := real(6))},
    ),
    Case(
        "matmul",
        "%r = lutra.matmul %x, %y {transpose_rhs} : ($x, $y) -> $r",
        [real(2, 3, 4), real(2, 5, 4)],
        lambda x, y: x @ y.swapaxes(1, 2),
    ),
    Case(
        "conv_bias",
        f"%p = lutra.conv<channels_first> %x, %w {CONV} : ($x, $w) -> $r\n"
        "%r = lutra.binary<add> %p, %b : ($r, $b) -> $r",
        [real(2, 4, 7, 7)],
        lambda x: conv2d(x, W6233, 2, (1, 1), 2) + B6111,
        {"w": (W6233 := real(6, 2, 3, 3)), "b": (B6111 := real(6, 1, 1))},
    ),
    Case(
        "max_pool",
        f"%r = lutra.pool<max> %x {POOL} : $x -> $r",
        [real(1, 2, 6, 6)],
        lambda x: pool2d(x, np.max, -np.inf),
    ),
    Case(
        "average_pool",
        f"%r = lutra.pool<average> %x {POOL} : $x -> $r",
        [real(1, 2, 6, 6)],
        lambda x: pool2d(x, np.nanmean, np.nan),
    ),
    Case("reshape", "%r = lutra.reshape %x[] : $x -> $r", [real(2, 6)], lambda x: x.reshape(3, 4)),
    Case("transpose", "%r = lutra.transpose %x [2, 0, 1] : $x -> $r", [real(2, 3, 4)], lambda x: x.transpose(2, 0, 1)),
    Case("expand", "%r = lutra.expand %x[] : $x -> $r", [real(3, 1)], lambda x: np.broadcast_to(x, (2, 3, 4))),
    Case(
        "slice",
        "%r = lutra.slice %x[1, 5] sizes [] steps [1, -2] : $x -> $r",
        [real(4, 6)],
        lambda x: x[1:, 5::-2],
    ),
    Case(
        "concat",
        "%r = lutra.concat %x, %y {axis = 1 : i64} : ($x, $y) -> $r",
        [real(2, 3), real(2, 2)],
        lambda x, y: np.concatenate([x, y], 1),
    ),
    Case(
        "pad",
        "%r = lutra.pad<constant> %x, %v low [1, 0] high [0, -1] : $x, $v -> $r",
        [real(2, 3)],
        lambda x: np.pad(x, [(1, 0), (0, 0)], constant_values=0.5)[:, :-1],
        {"v": np.array(0.5, np.float32)},
    ),
    Case(
        "gather",
        "%r = lutra.gather %w, %x {axis = 0 : i64} : ($w, $x) -> $r",
        [integer(2, 3, low=0, high=4)],
        lambda x: w46[x],
        {"w": w46},
    ),
    Case(
        "gather_elements",
        "%r = lutra.gather_elements %x, %y {axis = 1 : i64} : ($x, $y) -> $r",
        [real(3, 4), integer(3, 2, low=0, high=4)],
        lambda x, y: np.take_along_axis(x, y, 1),
    ),
    Case(
        "gather_nd",
        "%r = lutra.gather_nd %x, %y {batch_dims = 0 : i64} : ($x, $y) -> $r",
        [integer(3, 4) > 0, integer(5, 2, low=0, high=3)],
        lambda x, y: x[y[:, 0], y[:, 1]],
    ),
    Case(
        "iota",
        "%i = lutra.iota() {axis = 0 : i64} : $r\n%z = lutra.reduce<min> %x axes = [0, 1] : $x -> tensor<1x1xi64>\n"
        "%r = lutra.binary<add> %i, %z : ($r, tensor<1x1xi64>) -> $r",
        [integer(2, 2)],
        lambda x: np.arange(3)[:, None] + np.zeros((3, 2), np.int64) + x.min(),
    ),
]


def run(case: Case, compute: str, folder: Path) -> None:
    text, expected = module(case)
    source, program, package = (folder / f"{case.name}.{compute}.{end}" for end in ("mlir", "mil.mlir", "mlpackage"))
    source.write_text(text)
    subprocess.run(["lutra-opt", source, f"--convert-lutra-to-mil=compute={compute}", "-o", program], check=True)
    subprocess.run(["lutra-mil", "--emit-package", program, "-o", package], check=True)
    subprocess.run(["lutra-mil", "--check", package], check=True)
    feeds = {n: a if a.dtype == np.float32 else a.astype(np.int32) for n, a in zip("xyz", case.inputs, strict=False)}
    results = {"the package": mil_eval.evaluate(package, feeds)["r"]}
    inputs, options = dict(zip("xyz", case.inputs, strict=False)), []
    if compute == "fp32":
        results["NumPy"] = expected
    else:  # the same module on halves: what the program sees and stores
        source.write_text(text.replace("f32", "f16"))
        inputs = {n: a.astype(np.float16) if a.dtype == np.float32 else a for n, a in inputs.items()}
        options = ["--round-steps"]
    references, bounds = evaluate(source, inputs, *options)
    for engine, result in results.items():
        report = compare(result, references["r"], bounds["r"])
        if not report.passed or report.undetermined:
            raise AssertionError(f"{engine}: {report}")
    if not notices(references["r"], bounds["r"]):
        raise AssertionError("the bound accepts an error of a tenth")


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    failures = []
    for case in CASES:
        for compute in COMPUTES:
            try:
                run(case, compute, folder)
            except Exception as error:  # one case must not hide the others
                failures.append(f"{case.name} {compute}: {error}")
    print("\n".join(failures) or f"{len(CASES)} ops agree in fp32 and fp16")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
