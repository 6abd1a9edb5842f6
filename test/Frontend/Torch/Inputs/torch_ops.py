"""Single PyTorch expressions through the importer, on static and (where marked) dynamic shapes."""

import sys
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch_compare import compare

torch.manual_seed(5)


class Expression(torch.nn.Module):
    def __init__(self, function: Callable) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.function(*inputs)


def real(*shape: int) -> torch.Tensor:
    return torch.rand(shape) * 4 - 2


def positive(*shape: int) -> torch.Tensor:
    return torch.rand(shape) + 0.3


def integer(*shape: int, low: int = -7, high: int = 8) -> torch.Tensor:
    return torch.randint(low, high, shape)


def boolean(*shape: int) -> torch.Tensor:
    return torch.rand(shape) > 0.4


def narrow(*shape: int) -> dict[str, torch.Tensor]:
    """By type; products of a few of them wrap."""
    whole = torch.randint(-100, 100, shape)
    return {name: whole.to(getattr(torch, name)) for name in ("int8", "uint8", "int16")}


x34, x234, i34, b34 = real(3, 4), real(2, 3, 4), integer(3, 4), boolean(3, 4)
POINTWISE = [
    "abs",
    "neg",
    "sign",
    "ceil",
    "floor",
    "round",
    "exp",
    "sin",
    "cos",
    "tan",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "erf",
    "sigmoid",
    "relu",
    "expm1",
    "square",
]
POSITIVE = ["log", "sqrt", "rsqrt", "reciprocal", "log2", "log10", "log1p"]

# Products of narrow integers have their type, wrapped: of [3, 40], [40, 5], [3, 5].
NARROW_ROWS, NARROW_COLUMNS, NARROW_SUM = narrow(3, 40), narrow(40, 5), narrow(3, 5)
NARROW: dict[str, Callable] = {
    "matmul": lambda x, y, z: x @ y + z,
    "linear": lambda x, y, z: F.linear(x, y.t()) + z,
    "einsum": lambda x, y, z: torch.einsum("ij,jk->ik", x, y) + z,
    "addmm": lambda x, y, z: torch.addmm(z, x, y),
    "addmm beta": lambda x, y, z: torch.addmm(z, x, y, beta=2, alpha=3),
    "addmm without": lambda x, y, z: torch.addmm(z, x, y, beta=0),
    "baddbmm": lambda x, y, z: torch.baddbmm(z[None], x[None], y[None]),
}

# name: (function, inputs)
STATIC: dict[str, tuple[Callable, list[torch.Tensor]]] = {
    **{name: (getattr(torch, name), [x34]) for name in POINTWISE},
    **{name: (getattr(torch, name), [positive(3, 4)]) for name in POSITIVE},
    "asin acos": (lambda x: torch.asin(x) + torch.acos(x), [x34 / 2.1]),
    "exp of integers": (torch.exp, [i34]),
    "silu": (F.silu, [x34]),
    "gelu": (F.gelu, [x34]),
    "gelu tanh": (lambda x: F.gelu(x, approximate="tanh"), [x34]),
    "softplus": (lambda x: F.softplus(x, beta=2.0), [x34]),
    "softplus threshold": (lambda x: F.softplus(x, beta=2.0, threshold=0.5), [x34]),
    "softplus double": (lambda x: F.softplus(20 * x), [x34.double()]),
    "leaky_relu": (lambda x: F.leaky_relu(x, 0.2), [x34]),
    "elu": (F.elu, [x34]),
    "hardtanh": (F.hardtanh, [x34]),
    "relu6": (lambda x: F.relu6(4 * x), [x34]),
    "hardswish": (lambda x: F.hardswish(2 * x), [x34]),
    "hardsigmoid": (lambda x: F.hardsigmoid(2 * x), [x34]),
    "mish": (F.mish, [x34]),
    "dropout": (lambda x: F.dropout(x, 0.5, training=False), [x34]),
    "add alpha": (lambda x, y: torch.add(x, y, alpha=3), [x34, real(4)]),
    "sub alpha": (lambda x, y: torch.sub(x, y, alpha=2), [i34, integer(4)]),
    "rsub": (lambda x: 2 - x, [x34]),
    "promotes": (lambda x, y, b: x + y * 2 + b, [x34, i34, b34]),
    "signs promote": (
        lambda x, y: (x + y, y * x, torch.maximum(x, y), x < y, torch.cat([x, y])),
        [NARROW_SUM["uint8"], NARROW_SUM["int8"]],
    ),
    "arithmetic of truth values": (lambda x, y: (x + y, x * y, torch.maximum(x, y)), [b34, boolean(3, 4)]),
    "number promotes": (lambda x: x + 1.5, [i34]),
    "true division": (lambda x: x / 4, [i34]),
    "division floor": (lambda x, y: torch.div(x, y, rounding_mode="floor"), [i34, integer(3, 4, low=1)]),
    "division trunc": (lambda x, y: torch.div(x, y, rounding_mode="trunc"), [x34, positive(3, 4)]),
    "floor_divide": (lambda x: x // 3, [i34]),
    "remainder": (lambda x: x % 3, [i34]),
    "fmod": (lambda x: torch.fmod(x, 3), [i34]),
    "pow": (lambda x: x**3, [x34]),
    "pow base": (lambda x: 2**x, [x34]),
    "maximum": (torch.maximum, [x34, real(4)]),
    "clamp": (lambda x: x.clamp(-1, 0.5), [x34]),
    "clamp max": (lambda x: x.clamp(max=1), [i34]),
    "comparisons": (lambda x, y: (x < y) | (x >= 1) & (y != 0) ^ (x == y), [x34, real(4)]),
    "logical": (lambda a, b: torch.logical_or(torch.logical_not(a), b), [b34, i34]),
    "bitwise": (lambda a, b: (a & b) | ~a, [b34, boolean(3, 4)]),
    "where": (lambda c, x: torch.where(c, x, 0.0), [b34, x34]),
    "masked_fill": (lambda x, m: x.masked_fill(m, -1.0), [x34, b34]),
    "isnan": (lambda x: torch.isnan(x / (x - x)), [x34]),
    "addcmul": (lambda x: torch.addcmul(x, x, x, value=0.5), [x34]),
    "lerp": (lambda x, y: torch.lerp(x, y, 0.25), [x34, real(3, 4)]),
    "to": (lambda x: x.to(torch.int32), [x34]),
    "type_as": (lambda x, y: x.type_as(y), [i34, x34]),
    "in place": (lambda x: (x * 2).add_(1).relu_() + 1, [x34]),
    "in place, read by the old name": (lambda x: [y := x * 2, y.mul_(3), y + 1][2], [x34]),
    "sum": (lambda x: x.sum((0, 2)), [x234]),
    "sum of truth values": (lambda x: x.sum(-1), [b34]),
    "mean": (lambda x: x.mean(-1, keepdim=True), [x234]),
    "mean of all": (lambda x: x.mean(), [x234]),
    "prod": (lambda x: x.prod(1), [x34]),
    "amax": (lambda x: x.amax((0, 1)), [x234]),
    "max with index": (lambda x: tuple(x.max(1)), [x34]),
    "min of all": (lambda x: x.min(), [x34]),
    "argmax": (lambda x: x.argmax(-1), [x34]),
    "argmin of all": (lambda x: x.argmin(), [x34]),
    "any all": (lambda x: (x.any(1), x.all()), [b34]),
    "var": (lambda x: x.var(1), [x34]),
    "std biased": (lambda x: x.std(1, correction=0), [x34]),
    "cumsum": (lambda x: x.cumsum(1), [i34]),
    "logsumexp": (lambda x: torch.logsumexp(x, 1), [x34]),
    "vector norm": (lambda x: torch.linalg.vector_norm(x, dim=1), [x34]),
    "topk": (lambda x: tuple(x.topk(2)), [x34]),
    "softmax": (lambda x: x.softmax(1), [x234]),
    "log_softmax": (lambda x: x.log_softmax(-1), [x234]),
    "layer_norm": (lambda x, w: F.layer_norm(x, (3, 4), w, w), [x234, x34]),
    "rms_norm": (lambda x, w: F.rms_norm(x, (4,), w), [x234, real(4)]),
    "group_norm": (lambda x: F.group_norm(x, 2), [real(2, 4, 5)]),
    "group_norm_flat": (lambda x: F.group_norm(x, 2), [real(3, 4)]),
    "view": (lambda x: x.view(4, -1), [x34]),
    "flatten": (lambda x: x.flatten(1), [x234]),
    "unflatten": (lambda x: x.unflatten(1, (2, -1)), [x34]),
    "permute": (lambda x: x.permute(2, 0, 1), [x234]),
    "transpose": (lambda x: x.transpose(1, -1) @ x, [x234]),
    "t": (lambda x: x.t(), [x34]),
    "movedim": (lambda x: x.movedim(0, 2), [x234]),
    "expand": (lambda x: x[:, :1].expand(2, -1, 5), [x34]),
    "repeat": (lambda x: x.repeat(2, 1, 3), [x34]),
    "repeat_interleave": (lambda x: x.repeat_interleave(3, dim=1), [x34]),
    "slices": (lambda x: x[1:, ::2, -1:], [x234]),
    "narrow": (lambda x: x.narrow(1, -3, 2), [x34]),
    "select": (lambda x: x[:, -1], [x234]),
    "cat": (lambda x, y: torch.cat([x, y, x], 1), [x34, real(3, 2)]),
    "cat promotes": (lambda x, y: torch.cat([x, y]), [x34, i34]),
    "stack promotes": (lambda x, y: torch.stack([x, y]), [i34, x34]),
    "stack": (lambda x, y: torch.stack([x, y], -1), [x34, real(3, 4)]),
    "split": (lambda x: [part + 1 for part in x.split(3, 1)], [x34]),
    "split sizes": (lambda x: x.split([1, 3], 1)[1], [x34]),
    "chunk": (lambda x: x.chunk(2, 1)[1], [x34]),
    "unbind": (lambda x: x.unbind(0)[1], [x34]),
    "squeeze": (lambda x: x.unsqueeze(1).unsqueeze(-1).squeeze(), [x34]),
    "squeeze dim": (lambda x: x.unsqueeze(1).squeeze(1).squeeze(0), [x34]),
    "pad": (lambda x: F.pad(x, (1, 2, 0, 1), value=3.0), [x34]),
    "pad reflect": (lambda x: F.pad(x, (2, 1), mode="reflect"), [x234]),
    "flip": (lambda x: x.flip(0, 1), [x34]),
    "roll": (lambda x: x.roll((1, -1), (0, 1)), [x34]),
    "tril": (lambda x: x.tril(1), [x34]),
    "gather": (lambda x, i: x.gather(1, i), [x34, integer(2, 2, low=0, high=4)]),
    "index_select": (lambda x, i: x.index_select(1, i), [x34, integer(5, low=0, high=4)]),
    "embedding": (F.embedding, [integer(2, 3, low=0, high=5), real(5, 4)]),
    "index": (lambda x, i: x[i], [x34, integer(2, 2, low=0, high=3)]),
    "index pairs": (lambda x, i, j: x[:, i, j], [x234, integer(2, 1, low=0, high=3), integer(5, low=0, high=4)]),
    "index_copy": (lambda x, i, y: x.index_copy(1, i, y), [x234, torch.tensor([2, 0]), real(2, 2, 4)]),
    "index_put": (lambda x, i, y: x.index_put((i,), y), [x34, torch.tensor([2, 0]), real(2, 4)]),
    "index_put pairs": (
        lambda x, i, j, y: torch.ops.aten.index_put(x, [None, i, j], y),
        [x234, torch.tensor([[2], [0]]), torch.tensor([1, 3, 0]), real(2, 1, 3)],
    ),
    "index_put adds": (
        lambda x, i, y: x.index_put((i,), y, accumulate=True),
        [x34, torch.tensor([2, 0, 2]), real(3, 1)],
    ),
    "diff": (lambda x: x.diff(dim=1), [i34]),
    **{
        f"scatter {reduce}": (
            lambda x, i, y, reduce=reduce: x.scatter(1, i, y, reduce=reduce),
            [x34, torch.tensor([[0, 2], [1, 1], [3, 0]]), real(3, 2)],
        )
        for reduce in ("add", "multiply")
    },
    "scatter of a corner": (lambda x, i, y: x.scatter(1, i, y), [x34, torch.tensor([[0, 2], [1, 3]]), real(3, 3)]),
    "scatter": (lambda x, i, y: x.scatter(1, i, y), [x34, torch.tensor([[0, 2], [1, 3], [3, 0]]), real(3, 2)]),
    "arange": (lambda x: x + torch.arange(1, 9, 2), [i34]),
    "full": (lambda x: x + torch.full((3, 1), 2.5) + torch.zeros(4) + torch.ones_like(x), [x34]),
    "linear": (F.linear, [x234, real(5, 4), real(5)]),
    "matmul": (torch.matmul, [x234, real(4, 5)]),
    "matmul broadcasts": (torch.matmul, [real(2, 1, 3, 4), real(5, 4, 2)]),
    "matrix times vector": (torch.matmul, [x34, real(4)]),
    "bmm": (torch.bmm, [x234, real(2, 4, 3)]),
    "addmm": (lambda b, x, y: torch.addmm(b, x, y, beta=0.5, alpha=2), [real(5), x34, real(4, 5)]),
    "baddbmm": (torch.baddbmm, [real(2, 3, 5), x234, real(2, 4, 5)]),
    "einsum": (lambda x, y: torch.einsum("bij,bkj->bik", x, y), [x234, real(2, 5, 4)]),
    **{
        f"{name} {kind}": (function, [inputs[kind] for inputs in (NARROW_ROWS, NARROW_COLUMNS, NARROW_SUM)])
        for kind in NARROW_ROWS
        for name, function in NARROW.items()
    },
    "attention": (F.scaled_dot_product_attention, [real(2, 3, 5, 4), real(2, 3, 6, 4), real(2, 3, 6, 4)]),
    "attention causal": (lambda q: F.scaled_dot_product_attention(q, q, q, is_causal=True), [real(2, 2, 5, 4)]),
    "attention mask": (
        lambda q, m: F.scaled_dot_product_attention(q, q, q, attn_mask=m),
        [real(2, 2, 3, 4), torch.tensor([[True, False, True], [False, False, False], [True, True, True]])],
    ),
    "attention bias": (
        lambda q, m: F.scaled_dot_product_attention(q, q, q, attn_mask=m, scale=0.3),
        [real(2, 2, 3, 4), real(3, 3)],
    ),
    "attention groups": (
        lambda q, k: F.scaled_dot_product_attention(q, k, k, enable_gqa=True),
        [real(1, 4, 3, 4), real(1, 2, 3, 4)],
    ),
    "conv1d": (lambda x, w: F.conv1d(x, w, padding=1, stride=2), [real(2, 4, 9), real(6, 4, 3)]),
    "conv2d": (
        lambda x, w, b: F.conv2d(x, w, b, padding=(1, 0), dilation=2, groups=2),
        [real(2, 4, 9, 9), real(6, 2, 3, 3), real(6)],
    ),
    "conv2d same": (lambda x, w: F.conv2d(x, w, padding="same"), [real(1, 2, 6, 7), real(3, 2, 4, 3)]),
    "conv_transpose2d": (
        lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1),
        [real(1, 4, 5, 5), real(4, 3, 3, 3)],
    ),
    "batch_norm": (lambda x, m, v: F.batch_norm(x, m, v), [real(2, 3, 4), real(3), positive(3)]),
    "max_pool2d": (lambda x: F.max_pool2d(x, 3, 2, 1), [real(1, 2, 8, 7)]),
    "max_pool2d ceil": (lambda x: F.max_pool2d(x, 2, ceil_mode=True), [real(1, 2, 7, 5)]),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 3, 2, 1), [real(1, 2, 8, 7)]),
    "avg_pool2d bare": (lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), [real(1, 2, 8, 7)]),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, 1), [real(1, 2, 8, 7)]),
    "adaptive_avg_pool2d even": (lambda x: F.adaptive_avg_pool2d(x, (4, 1)), [real(1, 2, 8, 7)]),
}

# The first dimension of the first input is dynamic; sizes flow through Python's arithmetic.
DYNAMIC: dict[str, tuple[Callable, list[torch.Tensor], list[torch.Tensor]]] = {
    "size arithmetic": (lambda x: x.reshape(x.shape[0] * 2, -1) + (x.shape[0] + 1) // 2, [x34], [real(5, 4)]),
    "arange over size": (lambda x: x + torch.arange(x.shape[0])[:, None], [x34], [real(6, 4)]),
    "causal": (lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True), [x34], [real(6, 4)]),
    "slice to size": (lambda x: torch.arange(64, dtype=torch.float32)[: x.shape[0]] @ x, [x34], [real(7, 4)]),
    "linear": (lambda x: F.linear(x, torch.ones(5, 4)), [x34], [real(1, 4)]),
    "mean": (lambda x: x.mean(0), [x34], [real(9, 4)]),
    "index_copy": (lambda x: x.index_copy(1, torch.tensor([3, 1]), x[:, :2] * 2), [x34], [real(6, 4)]),
    "expand": (lambda x: torch.zeros(4).expand(x.shape[0], 4) + x, [x34], [real(1, 4)]),
}


def main() -> int:
    failures = []
    for name, (function, inputs) in STATIC.items():
        try:
            compare(Expression(function), inputs)
        except Exception as error:  # one expression must not hide the others
            failures.append(f"{name}: {type(error).__name__}: {error}")
    for name, (function, inputs, other) in DYNAMIC.items():
        try:
            dims = ({0: torch.export.Dim("n", min=1, max=64)},)
            compare(Expression(function), inputs, dynamic_shapes=(dims,), others=[other])
        except Exception as error:
            failures.append(f"{name}, dynamic: {type(error).__name__}: {error}")
    print("\n".join(failures) or f"{len(STATIC)} static and {len(DYNAMIC)} dynamic expressions agree")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
