"""Kernels with their references in NumPy or torch. In a body, A0 stands for the type of %a0."""

# ruff: noqa: E501 (kernels keep one op per line)
from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

Arrays = list[np.ndarray]


@dataclass(frozen=True, slots=True)
class Types:
    """A ranked tensor type; None is a dynamic size."""

    shape: tuple[int | None, ...]
    element: str

    @staticmethod
    def parse(text: str) -> Types:
        *sizes, element = text.removeprefix("tensor<").removesuffix(">").split("x")
        return Types(tuple(None if size == "?" else int(size) for size in sizes), element)

    def at(self, size: int) -> list[int]:
        return [size if extent is None else extent for extent in self.shape]


@dataclass(frozen=True, slots=True)
class Case:
    """One kernel and what it computes."""

    name: str
    arguments: list[str]
    body: str
    results: list[str]
    reference: Callable[..., Arrays]
    positive: bool = False
    prepare: Callable[[Arrays], None] | None = None

    def text(self) -> str:
        """The body with its types."""
        return re.sub(r"\bA(\d)\b", lambda match: self.arguments[int(match[1])], self.body).strip() + "\n"

    def kernel(self) -> str:
        inputs = ", ".join(f"%a{i}: {kind}" for i, kind in enumerate(self.arguments))
        results = ", ".join(self.results)
        return f"lutra.kernel @{self.name}({inputs}) -> ({results}) {{\n{self.text()}}}\n"


@dataclass(frozen=True, slots=True)
class UlpCase:
    """A unary function whose largest error is stated in ExpandMath.cpp."""

    kind: str
    points: np.ndarray
    reference: Callable[[np.ndarray], np.ndarray]
    limit: float

    @property
    def name(self) -> str:
        return f"ulp_{self.kind}"

    def as_case(self) -> Case:
        body = f"%0 = lutra.unary<{self.kind}> %a0 : A0 -> A0\nlutra.yield %0 : A0"
        return Case(self.name, ["tensor<?xf32>"], body, ["tensor<?xf32>"], lambda a: [a])


erf = np.vectorize(math.erf)


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def normalize(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    centered = x - x.mean(axes, keepdims=True)
    return centered / np.sqrt(x.var(axes, keepdims=True) + 1e-5)


def convolve(x: np.ndarray, w: np.ndarray, groups: int) -> np.ndarray:
    return torch.nn.functional.conv2d(
        torch.tensor(x), torch.tensor(w), None, (2, 1), (1, 2), (1, 2), groups
    ).numpy()


def lstm(x: np.ndarray, w: np.ndarray, r: np.ndarray, b: np.ndarray, h: np.ndarray,
         c: np.ndarray) -> Arrays:  # fmt: skip
    hidden = h.shape[2]
    state, cell, sequence = h[0].astype(float), c[0].astype(float), []
    for step in x:
        gates = step @ w[0].T + state @ r[0].T + b[0][: 4 * hidden] + b[0][4 * hidden :]
        i, o, f, g = np.split(gates, 4, 1)
        i, o, f = (1 / (1 + np.exp(-gate)) for gate in (i, o, f))
        cell = f * cell + i * np.tanh(g)
        state = o * np.tanh(cell)
        sequence.append(state)
    return [np.stack(sequence)[:, None], state[None], cell[None]]


def near_one(inputs: Arrays) -> None:
    """Factors of long products, which neither vanish nor overflow."""
    for array in inputs:
        array[...] = 1 + array / 16


def put_nan(inputs: Arrays) -> None:
    for position, array in enumerate(inputs):
        array[position % array.size] = np.nan


CASES: list[Case] = []


def unary(kind: str, function: Callable[[np.ndarray], np.ndarray], positive: bool = False) -> None:
    body = f"%0 = lutra.unary<{kind}> %a0 : A0 -> A0\nlutra.yield %0 : A0"
    kinds = ["tensor<?x37xf32>"]
    CASES.append(Case(f"u_{kind}", kinds, body, kinds, lambda a: [function(a.astype(float))], positive))


def case(name: str, arguments: list[str], results: list[str], reference: Callable[..., Arrays],
         body: str, positive: bool = False, prepare: Callable[[Arrays], None] | None = None) -> None:  # fmt: skip
    CASES.append(Case(name, arguments, body, results, reference, positive, prepare))


unary("neg", np.negative)
unary("abs", np.abs)
unary("sign", np.sign)
unary("ceil", np.ceil)
unary("floor", np.floor)
unary("round", np.round)
unary("exp", np.exp)
unary("tanh", np.tanh)
unary("erf", erf)
unary("sigmoid", lambda x: 1 / (1 + np.exp(-x)))
unary("silu", lambda x: x / (1 + np.exp(-x)))
unary("gelu_erf", lambda x: 0.5 * x * (1 + erf(x / np.sqrt(2))))
unary("softplus", lambda x: np.log1p(np.exp(x)))
unary("sin", np.sin)
unary("cos", np.cos)
unary("tan", np.tan)
unary("atan", np.arctan)
unary("sinh", np.sinh)
unary("asinh", np.arcsinh)
unary("log", np.log, positive=True)
unary("sqrt", np.sqrt, positive=True)
unary("rsqrt", lambda x: 1 / np.sqrt(x), positive=True)

case(
    "bc",
    ["tensor<?x5x19xf32>", "tensor<5x1xf32>", "tensor<19xf32>"],
    ["tensor<?x5x19xf32>"],
    lambda a, b, c: [np.maximum((a + b) * c, 0)],
    """
%0 = lutra.binary<add> %a0, %a1 : (A0, A1) -> A0
%1 = lutra.binary<mul> %0, %a2 : (A0, A2) -> A0
%2 = lutra.unary<relu> %1 : A0 -> A0
lutra.yield %2 : A0
""",
)
case(
    "f16",
    ["tensor<?xf16>"],
    ["tensor<?xf16>"],
    lambda a: [(a.astype(np.float32) ** 2).astype(np.float16)],
    """
%0 = lutra.binary<mul> %a0, %a0 : (A0, A0) -> A0
lutra.yield %0 : A0
""",
)
case(
    "f64",
    ["tensor<?xf64>"],
    ["tensor<?xf64>"],
    lambda a: [np.exp(a)],
    """
%0 = lutra.unary<exp> %a0 : A0 -> A0
lutra.yield %0 : A0
""",
)
case(
    "cmp",
    ["tensor<?xf32>", "tensor<?xf32>"],
    ["tensor<?xi1>"],
    lambda a, b: [(~(a < b)).astype(np.uint8)],
    """
%0 = lutra.compare<lt> %a0, %a1 : (A0, A1) -> tensor<?xi1>
%1 = lutra.unary<not> %0 : tensor<?xi1> -> tensor<?xi1>
lutra.yield %1 : tensor<?xi1>
""",
)
case(
    "sel",
    ["tensor<?xi1>", "tensor<?xf32>"],
    ["tensor<?xf32>"],
    lambda m, a: [np.where(m != 0, a, 3)],
    """
%c = lutra.constant dense<3.0> : tensor<f32>
%1 = lutra.select %a0, %a1, %c : (A0, A1, tensor<f32>) -> A1
lutra.yield %1 : A1
""",
)
case(
    "casti",
    ["tensor<?xf32>"],
    ["tensor<?xui8>"],
    lambda a: [np.clip(np.trunc(a), 0, 255).astype(np.uint8)],
    """
%0 = lutra.cast %a0 : A0 -> tensor<?xui8>
lutra.yield %0 : tensor<?xui8>
""",
)
case(
    "casti64",
    ["tensor<?xf32>"],
    ["tensor<?xi64>"],
    lambda a: [np.trunc(a).astype(np.int64)],
    """
%0 = lutra.cast %a0 : A0 -> tensor<?xi64>
lutra.yield %0 : tensor<?xi64>
""",
)
case(
    "idiv",
    ["tensor<?xi32>", "tensor<?xi32>"],
    ["tensor<?xi32>"],
    lambda a, b: [np.where(b == 0, 0, np.mod(a, np.where(b == 0, 1, b)))],
    """
%0 = lutra.binary<mod> %a0, %a1 : (A0, A1) -> A0
lutra.yield %0 : A0
""",
)
case(
    "nanmax",
    ["tensor<?xf32>", "tensor<?xf32>"],
    ["tensor<?xf32>"],
    lambda a, b: [np.maximum(a, b)],
    """
%0 = lutra.binary<max> %a0, %a1 : (A0, A1) -> A0
lutra.yield %0 : A0
""",
    prepare=put_nan,
)
case(
    "tr",
    ["tensor<?x3x8xf32>"],
    ["tensor<8x3x?xf32>"],
    lambda a: [a.transpose(2, 1, 0)],
    """
%0 = lutra.transpose %a0 [2, 1, 0] : A0 -> tensor<8x3x?xf32>
lutra.yield %0 : tensor<8x3x?xf32>
""",
)
case(
    "mh",
    ["tensor<2x12x7x64xf32>"],
    ["tensor<2x7x768xf32>"],
    lambda a: [a.transpose(0, 2, 1, 3).reshape(2, 7, 768)],
    """
%0 = lutra.transpose %a0 [0, 2, 1, 3] : A0 -> tensor<2x7x12x64xf32>
%1 = lutra.reshape %0[] : tensor<2x7x12x64xf32> -> tensor<2x7x768xf32>
lutra.yield %1 : tensor<2x7x768xf32>
""",
)
# Turned in squares: stripes of 16 and a rest of 5 rows, 19 = 8 + 8 + 3 columns, beside an operand that is not turned.
case(
    "turn",
    ["tensor<2x19x37xf32>", "tensor<2x37x19xf32>", "tensor<19xf32>"],
    ["tensor<2x37x19xf32>"],
    lambda a, b, c: [a.transpose(0, 2, 1) * b + c],
    """
%0 = lutra.transpose %a0 [0, 2, 1] : A0 -> A1
%1 = lutra.binary<mul> %0, %a1 : (A1, A1) -> A1
%2 = lutra.binary<add> %1, %a2 : (A1, A2) -> A1
lutra.yield %2 : A1
""",
)
case(
    "turn_image",
    ["tensor<1x3x10x17xf32>"],
    ["tensor<1x10x17x3xf32>"],
    lambda a: [a.transpose(0, 2, 3, 1)],
    """
%0 = lutra.transpose %a0 [0, 2, 3, 1] : A0 -> tensor<1x10x17x3xf32>
lutra.yield %0 : tensor<1x10x17x3xf32>
""",
)
case(
    "turn_wide",
    ["tensor<11x21xf64>"],
    ["tensor<21x11xf64>"],
    lambda a: [a.T],
    """
%0 = lutra.transpose %a0 [1, 0] : A0 -> tensor<21x11xf64>
lutra.yield %0 : tensor<21x11xf64>
""",
)
case(
    "wrap",
    ["tensor<5x7xf32>"],
    ["tensor<35xf32>"],
    lambda a: [a.T.reshape(35)],
    """
%0 = lutra.transpose %a0 [1, 0] : A0 -> tensor<7x5xf32>
%1 = lutra.reshape %0[] : tensor<7x5xf32> -> tensor<35xf32>
lutra.yield %1 : tensor<35xf32>
""",
)
case(
    "sl",
    ["tensor<40x8xf32>"],
    ["tensor<19x3xf32>"],
    lambda a: [a[1:39:2, 7::-3]],
    """
%0 = lutra.slice %a0[1, 7] sizes [] steps [2, -3] : A0 -> tensor<19x3xf32>
lutra.yield %0 : tensor<19x3xf32>
""",
)
case(
    "slr",
    ["tensor<4x80xf32>"],
    ["tensor<4x80xf32>"],
    lambda a: [a[:, ::-1]],
    """
%0 = lutra.slice %a0[0, 79] sizes [] steps [1, -1] : A0 -> tensor<4x80xf32>
lutra.yield %0 : tensor<4x80xf32>
""",
)
case(
    "ga0",
    ["tensor<7x19xf32>", "tensor<?xi64>"],
    ["tensor<?x19xf32>"],
    lambda a, i: [a[i]],
    """
%0 = lutra.gather %a0, %a1 {axis = 0 : i64} : (A0, A1) -> tensor<?x19xf32>
lutra.yield %0 : tensor<?x19xf32>
""",
)
case(
    "ga1",
    ["tensor<7x19xf32>", "tensor<?xi64>"],
    ["tensor<7x?xf32>"],
    lambda a, i: [a[:, i]],
    """
%0 = lutra.gather %a0, %a1 {axis = 1 : i64} : (A0, A1) -> tensor<7x?xf32>
lutra.yield %0 : tensor<7x?xf32>
""",
)
case(
    "ge",
    ["tensor<7x?xf32>", "tensor<7x?xi64>"],
    ["tensor<7x?xf32>"],
    lambda a, i: [np.take_along_axis(a, i % 7, 0)],
    """
%0 = lutra.gather_elements %a0, %a1 {axis = 0 : i64} : (A0, A1) -> A0
lutra.yield %0 : A0
""",
)
case(
    "io",
    ["tensor<4x?xi64>"],
    ["tensor<4x?xi64>"],
    lambda a: [a + np.arange(a.shape[1])],
    """
%n = arith.constant 4 : index
%c1 = arith.constant 1 : index
%m = tensor.dim %a0, %c1 : A0
%0 = lutra.iota(%m) {axis = 1 : i64} : A0
%1 = lutra.binary<add> %0, %a0 : (A0, A0) -> A0
lutra.yield %1 : A0
""",
)
case(
    "q",
    ["tensor<4x?xf32>", "tensor<4xf32>"],
    ["tensor<4x?xui8>"],
    lambda a, s: [np.clip(np.round(a / s[:, None]) + np.array([1, 2, 3, 4])[:, None], 0, 255).astype(np.uint8)],
    """
%c = lutra.constant dense<[1,2,3,4]> : tensor<4xui8>
%0 = lutra.quantize %a0 scale(%a1 : A1) zero_point(%c : tensor<4xui8>) {axis = 0 : i64, block = 0 : i64} : A0 -> tensor<4x?xui8>
lutra.yield %0 : tensor<4x?xui8>
""",
    positive=True,
)
case(
    "dq",
    ["tensor<4x?xi8>", "tensor<4xf32>"],
    ["tensor<4x?xf32>"],
    lambda a, s: [a * s[:, None]],
    """
%0 = lutra.dequantize %a0 scale(%a1 : A1) {axis = 0 : i64, block = 0 : i64} : A0 -> tensor<4x?xf32>
lutra.yield %0 : tensor<4x?xf32>
""",
)
case(
    "r_u8",
    ["tensor<3x?xui8>"],
    ["tensor<3x1xui8>"],
    lambda a: [a.max(1, keepdims=True)],
    """
%0 = lutra.reduce<max> %a0 axes = [1] : A0 -> tensor<3x1xui8>
lutra.yield %0 : tensor<3x1xui8>
""",
)
case(
    "r_i64",
    ["tensor<3x?xi64>"],
    ["tensor<3x1xi64>"],
    lambda a: [a.sum(1, keepdims=True)],
    """
%0 = lutra.reduce<sum> %a0 axes = [1] : A0 -> tensor<3x1xi64>
lutra.yield %0 : tensor<3x1xi64>
""",
)
case(
    "sm",
    ["tensor<5x?xf32>", "tensor<1x?xf32>"],
    ["tensor<5x?xf32>"],
    lambda a, m: [softmax(a * 0.125 + m, 1)],
    """
%c = lutra.constant dense<0.125> : tensor<f32>
%0 = lutra.binary<mul> %a0, %c : (A0, tensor<f32>) -> A0
%1 = lutra.binary<add> %0, %a1 : (A0, A1) -> A0
%2 = lutra.softmax %1 {axis = 1 : i64} : A0
lutra.yield %2 : A0
""",
)
case(
    "sm0",
    ["tensor<4x5x?xf32>"],
    ["tensor<4x5x?xf32>"],
    lambda a: [softmax(a, 1)],
    """
%2 = lutra.softmax %a0 {axis = 1 : i64} : A0
lutra.yield %2 : A0
""",
)
case(
    "lsm",
    ["tensor<4x5x?xf32>"],
    ["tensor<4x5x?xf32>"],
    lambda a: [np.log(softmax(a, 2))],
    """
%2 = lutra.softmax %a0 {axis = 2 : i64, log} : A0
lutra.yield %2 : A0
""",
)
case(
    "smf16",
    ["tensor<4x?xf16>"],
    ["tensor<4x?xf16>"],
    lambda a: [softmax(a.astype(np.float32), 1).astype(np.float16)],
    """
%2 = lutra.softmax %a0 {axis = 1 : i64} : A0
lutra.yield %2 : A0
""",
)
case(
    "ln",
    ["tensor<4x3x?xf32>", "tensor<?xf32>", "tensor<?xf32>", "tensor<4x3x?xf32>"],
    ["tensor<4x3x?xf32>"],
    lambda a, s, b, r: [(a + r - (a + r).mean(-1, keepdims=True)) / np.sqrt((a + r).var(-1, keepdims=True) + 1e-05) * s + b],
    """
%0 = lutra.binary<add> %a0, %a3 : (A0, A3) -> A0
%1 = lutra.layer_norm %0 scale(%a1 : A1) bias(%a2 : A2) {dims = 1 : i64, epsilon = 1.0e-5 : f64} : A0 -> A0
lutra.yield %1 : A0
""",
)
case(
    "ln2",
    ["tensor<4x3x8xf32>", "tensor<3x8xf32>"],
    ["tensor<4x3x8xf32>"],
    lambda a, s: [(a - a.mean((1, 2), keepdims=True)) / np.sqrt(a.var((1, 2), keepdims=True) + 1e-05) * s],
    """
%1 = lutra.layer_norm %a0 scale(%a1 : A1) {dims = 2 : i64, epsilon = 1.0e-5 : f64} : A0 -> A0
lutra.yield %1 : A0
""",
)
case(
    "rms",
    ["tensor<4x?xf32>", "tensor<?xf32>"],
    ["tensor<4x?xf32>"],
    lambda a, s: [a / np.sqrt((a * a).mean(-1, keepdims=True) + 1e-06) * s],
    """
%1 = lutra.rms_norm %a0 scale(%a1 : A1) {dims = 1 : i64, epsilon = 1.0e-6 : f64} : A0 -> A0
lutra.yield %1 : A0
""",
)
case(
    "am",
    ["tensor<4x?x3xf32>"],
    ["tensor<4x1x3xi64>"],
    lambda a: [a.argmax(1)[:, None, :]],
    """
%0 = lutra.arg_reduce<max> %a0 {axis = 1 : i64} : A0 -> tensor<4x1x3xi64>
lutra.yield %0 : tensor<4x1x3xi64>
""",
)
case(
    "am2",
    ["tensor<4x?xf32>"],
    ["tensor<4x1xi64>"],
    lambda a: [a.argmin(1)[:, None]],
    """
%0 = lutra.arg_reduce<min> %a0 {axis = 1 : i64} : A0 -> tensor<4x1xi64>
lutra.yield %0 : tensor<4x1xi64>
""",
)
case(
    "cu",
    ["tensor<4x?xf32>"],
    ["tensor<4x?xf32>"],
    lambda a: [np.concatenate([np.cumsum(a[:, ::-1], 1)[:, -2::-1], np.zeros((4, 1))], 1)],
    """
%0 = lutra.cumulative<sum> %a0 {axis = 1 : i64, reverse, exclusive} : A0
lutra.yield %0 : A0
""",
)
case(
    "cu0",
    ["tensor<4x?xf32>"],
    ["tensor<4x?xf32>"],
    lambda a: [np.cumsum(a, 0)],
    """
%0 = lutra.cumulative<sum> %a0 {axis = 0 : i64} : A0
lutra.yield %0 : A0
""",
)
case(
    "tk",
    ["tensor<3x40xf32>"],
    ["tensor<3x5xf32>", "tensor<3x5xi64>"],
    lambda a: [-np.sort(-a, 1)[:, :5], np.argsort(-a, 1, kind="stable")[:, :5]],
    """
%k = arith.constant 5 : index
%0, %1 = lutra.top_k %a0, %k {axis = 1 : i64, largest = true} : A0 -> tensor<3x5xf32>, tensor<3x5xi64>
lutra.yield %0, %1 : tensor<3x5xf32>, tensor<3x5xi64>
""",
)
case(
    "cc",
    ["tensor<4x?x3xf32>", "tensor<4x?x3xf32>"],
    ["tensor<4x?x6xf32>"],
    lambda a, b: [np.concatenate([a, b], 2)],
    """
%0 = lutra.concat %a0, %a1 {axis = 2 : i64} : (A0, A1) -> tensor<4x?x6xf32>
lutra.yield %0 : tensor<4x?x6xf32>
""",
)
case(
    "cc0",
    ["tensor<2x?xf32>", "tensor<3x?xf32>"],
    ["tensor<5x?xf32>"],
    lambda a, b: [np.concatenate([a, b], 0)],
    """
%0 = lutra.concat %a0, %a1 {axis = 0 : i64} : (A0, A1) -> tensor<5x?xf32>
lutra.yield %0 : tensor<5x?xf32>
""",
)
case(
    "ex",
    ["tensor<3x1xf32>"],
    ["tensor<2x3x21xf32>"],
    lambda a: [np.broadcast_to(a, (2, 3, 21))],
    """
%0 = lutra.expand %a0[] : A0 -> tensor<2x3x21xf32>
lutra.yield %0 : tensor<2x3x21xf32>
""",
)
case(
    "mp",
    ["tensor<2x9x9x?xf32>"],
    ["tensor<2x5x5x?xf32>"],
    lambda a: [torch.nn.functional.max_pool2d(torch.tensor(a).permute(0, 3, 1, 2), 3, 2, 1).permute(0, 2, 3, 1).numpy()],
    """
%0 = lutra.pool<max> %a0 {layout = #lutra.conv_layout<channels_last>, window = array<i64: 3, 3>, strides = array<i64: 2, 2>, low = array<i64: 1, 1>, high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} : A0 -> tensor<2x5x5x?xf32>
lutra.yield %0 : tensor<2x5x5x?xf32>
""",
)
case(
    "ap",
    ["tensor<2x3x9x9xf32>"],
    ["tensor<2x3x5x5xf32>"],
    lambda a: [torch.nn.functional.avg_pool2d(torch.tensor(a), 3, 2, 1, count_include_pad=False).numpy()],
    """
%0 = lutra.pool<average> %a0 {layout = #lutra.conv_layout<channels_first>, window = array<i64: 3, 3>, strides = array<i64: 2, 2>, low = array<i64: 1, 1>, high = array<i64: 1, 1>, dilations = array<i64: 1, 1>} : A0 -> tensor<2x3x5x5xf32>
lutra.yield %0 : tensor<2x3x5x5xf32>
""",
)
# Windows that slide along rows: tiles inside, single elements at both edges.
case(
    "ap_rows",
    ["tensor<2x1x7x21xf32>"],
    ["tensor<2x1x7x21xf32>"],
    lambda a: [torch.nn.functional.avg_pool2d(torch.tensor(a), (1, 5), 1, (0, 2), count_include_pad=True).numpy()],
    """
%0 = lutra.pool<average> %a0 {count_padding, layout = #lutra.conv_layout<channels_first>, window = array<i64: 1, 5>, strides = array<i64: 1, 1>, low = array<i64: 0, 2>, high = array<i64: 0, 2>, dilations = array<i64: 1, 1>} : A0 -> A0
lutra.yield %0 : A0
""",
)
case(
    "mp_rows",
    ["tensor<2x3x9x19xf32>"],
    ["tensor<2x3x5x17xf32>"],
    lambda a: [torch.nn.functional.max_pool2d(torch.tensor(a), 3, (2, 1), 1, (1, 2)).numpy()],
    """
%0 = lutra.pool<max> %a0 {layout = #lutra.conv_layout<channels_first>, window = array<i64: 3, 3>, strides = array<i64: 2, 1>, low = array<i64: 1, 1>, high = array<i64: 1, 1>, dilations = array<i64: 1, 2>} : A0 -> tensor<2x3x5x17xf32>
lutra.yield %0 : tensor<2x3x5x17xf32>
""",
)
case(
    "cv",
    ["tensor<2x4x9x9xf32>", "tensor<6x2x3x3xf32>"],
    ["tensor<2x6x5x9xf32>"],
    lambda x, w: [convolve(x, w, 2)],
    """
%0 = lutra.conv<channels_first> %a0, %a1 {strides = array<i64: 2, 1>, low = array<i64: 1, 2>, high = array<i64: 1, 2>, dilations = array<i64: 1, 2>, groups = 2 : i64} : (A0, A1) -> tensor<2x6x5x9xf32>
lutra.yield %0 : tensor<2x6x5x9xf32>
""",
)
case(
    "cvdw",
    ["tensor<2x9x9x20xf32>", "tensor<3x3x1x20xf32>"],
    ["tensor<2x5x9x20xf32>"],
    lambda x, w: [convolve(x.transpose(0, 3, 1, 2), w.transpose(3, 2, 0, 1), 20).transpose(0, 2, 3, 1)],
    """
%0 = lutra.conv<channels_last> %a0, %a1 {strides = array<i64: 2, 1>, low = array<i64: 1, 2>, high = array<i64: 1, 2>, dilations = array<i64: 1, 2>, groups = 20 : i64} : (A0, A1) -> tensor<2x5x9x20xf32>
lutra.yield %0 : tensor<2x5x9x20xf32>
""",
)
# Tiled forms: one output along the last spatial dimension, and windows as large as the image along one or both.
for name, image, window in (
    ("cvcol", (2, 33, 1, 20), (5, 1, 20, 24)),
    ("cvwide", (2, 13, 4, 8), (3, 4, 8, 20)),
    ("cvall", (3, 5, 4, 8), (5, 4, 8, 20)),
):
    at = [image[0], image[1] - window[0] + 1, image[2] - window[1] + 1, window[3]]
    shape = [f"tensor<{'x'.join(map(str, sizes))}xf32>" for sizes in (image, window, at)]
    case(
        name,
        shape[:2],
        shape[2:],
        lambda x, w: [
            torch.nn.functional.conv2d(torch.tensor(x.transpose(0, 3, 1, 2)), torch.tensor(w.transpose(3, 2, 0, 1)))
            .numpy().transpose(0, 2, 3, 1)
        ],
        f"""
%0 = lutra.conv<channels_last> %a0, %a1 {{strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64}} : (A0, A1) -> {shape[2]}
lutra.yield %0 : {shape[2]}
""",
    )
case(
    "cvt",
    ["tensor<2x4x5x5xf32>", "tensor<4x3x3x3xf32>"],
    ["tensor<2x6x10x10xf32>"],
    lambda x, w: [torch.nn.functional.conv_transpose2d(torch.tensor(x), torch.tensor(w), stride=2, padding=1, output_padding=1, groups=2).numpy()],
    """
%0 = lutra.conv_transpose %a0, %a1 {strides = array<i64: 2, 2>, low = array<i64: 1, 1>, high = array<i64: 1, 1>, output_padding = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 2 : i64} : (A0, A1) -> tensor<2x6x10x10xf32>
lutra.yield %0 : tensor<2x6x10x10xf32>
""",
)
case(
    "rz",
    ["tensor<1x2x4x4xf32>"],
    ["tensor<1x2x8x8xf32>"],
    lambda a: [torch.nn.functional.interpolate(torch.tensor(a), scale_factor=2, mode="bilinear", align_corners=False).numpy()],
    """
%0 = lutra.resize<linear> %a0[] {scales = array<f64: 1.0, 1.0, 2.0, 2.0>, coordinates = #lutra.resize_coordinates<half_pixel>, rounding = #lutra.resize_rounding<round_prefer_floor>, cubic_coefficient = -0.75 : f64} : A0 -> tensor<1x2x8x8xf32>
lutra.yield %0 : tensor<1x2x8x8xf32>
""",
)
case(
    "rzc",
    ["tensor<1x2x4x4xf32>"],
    ["tensor<1x2x8x8xf32>"],
    lambda a: [torch.nn.functional.interpolate(torch.tensor(a), scale_factor=2, mode="bicubic", align_corners=False).numpy()],
    """
%0 = lutra.resize<cubic> %a0[] {scales = array<f64: 1.0, 1.0, 2.0, 2.0>, coordinates = #lutra.resize_coordinates<half_pixel>, rounding = #lutra.resize_rounding<round_prefer_floor>, cubic_coefficient = -0.75 : f64} : A0 -> tensor<1x2x8x8xf32>
lutra.yield %0 : tensor<1x2x8x8xf32>
""",
)
case(
    "sc",
    ["tensor<5x4xf32>", "tensor<2x4xi64>", "tensor<2x4xf32>"],
    ["tensor<5x4xf32>"],
    lambda a, i, u: [torch.tensor(a).scatter_add(0, torch.tensor(np.where(np.clip(i, -5, 4) < 0, np.clip(i, -5, 4) + 5, np.clip(i, -5, 4))), torch.tensor(u)).numpy()],
    """
%0 = lutra.scatter_elements<add> %a0, %a1, %a2 {axis = 0 : i64} : (A0, A1, A2) -> A0
lutra.yield %0 : A0
""",
)
case(
    "lstm",
    ["tensor<?x2x5xf32>", "tensor<1x12x5xf32>", "tensor<1x12x3xf32>", "tensor<1x24xf32>", "tensor<1x2x3xf32>", "tensor<1x2x3xf32>"],
    ["tensor<?x1x2x3xf32>", "tensor<1x2x3xf32>", "tensor<1x2x3xf32>"],
    lstm,
    """
%0, %1, %2 = lutra.lstm<forward> %a0, %a1, %a2, %a3, %a4, %a5 : (A0, A1, A2, A3, A4, A5) -> (tensor<?x1x2x3xf32>, tensor<1x2x3xf32>, tensor<1x2x3xf32>)
lutra.yield %0, %1, %2 : tensor<?x1x2x3xf32>, tensor<1x2x3xf32>, tensor<1x2x3xf32>
""",
)

for mode in ("constant", "edge", "reflect", "wrap"):
    fill = {"constant_values": 9} if mode == "constant" else {}
    case(
        f"pad_{mode}",
        ["tensor<6x5xf32>"],
        ["tensor<9x10xf32>"],
        lambda a, mode=mode, fill=fill: [np.pad(a, ((2, 1), (3, 2)), mode=mode, **fill)],
        f"""
%c = lutra.constant dense<9.0> : tensor<f32>
%0 = lutra.pad<{mode}> %a0, %c low [2, 3] high [1, 2] : A0, tensor<f32> -> tensor<9x10xf32>
lutra.yield %0 : tensor<9x10xf32>
""",
    )

REDUCTIONS = {"sum": np.sum, "max": np.max, "min": np.min, "prod": np.prod}
SHAPES = {(1,): "3x1x?", (2,): "3x4x1", (0, 1): "1x1x?", (0, 2): "1x4x1", (0, 1, 2): "1x1x1"}
for kind, function in REDUCTIONS.items():
    for axes, shape in SHAPES.items():
        result = f"tensor<{shape}xf32>"
        case(
            f"r_{kind}_{''.join(map(str, axes))}",
            ["tensor<3x4x?xf32>"],
            [result],
            lambda a, function=function, axes=axes: [-function(a, axis=axes, keepdims=True)],
            f"""
%0 = lutra.reduce<{kind}> %a0 axes = {list(axes)} : A0 -> {result}
%1 = lutra.unary<neg> %0 : {result} -> {result}
lutra.yield %1 : {result}
""",
            prepare=near_one if kind == "prod" else None,
        )

# Codes of bytes as floats on the right of a product: few rows add along K, more transpose blocks or copy panels.
for rows, flag in [(rows, flag) for rows in (1, 2, 3, 4, 9) for flag in ("", " {transpose_rhs}")]:
    turned = bool(flag)
    case(
        f"codes_of_floats_{rows}_{'columns' if turned else 'rows'}",
        [f"tensor<2x{rows}x?xf32>", "tensor<2x?x?xi8>"],
        [f"tensor<2x{rows}x?xf32>"],
        lambda a, b, turned=turned: [a.astype(float) @ (b.swapaxes(1, 2) if turned else b)],
        f"%0 = lutra.cast %a1 : A1 -> tensor<2x?x?xf32>\n"
        f"%1 = lutra.matmul %a0, %0{flag} : (A0, tensor<2x?x?xf32>) -> tensor<2x{rows}x?xf32>\n"
        f"lutra.yield %1 : tensor<2x{rows}x?xf32>",
    )

# Every power of two from the least subnormal number to 1, and numbers between them.
TINY = np.geomspace(2.0**-149, 1, 20_001)
ULP_CASES = [
    UlpCase("exp", np.linspace(-87, 88.7, 1_000_001), np.exp, 1.1),
    UlpCase("log", np.exp(np.linspace(-100, 88, 1_000_001)), np.log, 0.9),
    UlpCase("tanh", np.append(np.linspace(-10, 10, 1_000_001), TINY), np.tanh, 5.0),
    UlpCase("erf", np.append(np.linspace(-5, 5, 200_001), TINY), erf, 6.0),
]
