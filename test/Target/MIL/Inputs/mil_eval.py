"""Loads a package with coremltools and evaluates it on the host.

coremltools has no engine on Linux, but it folds constants while it rebuilds a program. So the program is
loaded once as it is, which checks the type of every operation, and once more with its inputs replaced by
constants that hold the data: then every result carries a value. Operations without a folding rule get
one here.
"""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np

logging.disable(logging.CRITICAL)  # coremltools reports its missing macOS parts on import

from coremltools.converters.mil.backend.mil.helper import create_scalar_value, create_tensor_value  # noqa: E402
from coremltools.converters.mil.frontend.milproto.load import load  # noqa: E402
from coremltools.converters.mil.mil.ops.registry import SSAOpRegistry  # noqa: E402
from coremltools.models.utils import load_spec  # noqa: E402
from coremltools.proto import MIL_pb2  # noqa: E402

Array = np.ndarray


def windows(x: Array, size: list[int], strides: list[int], dilations: list[int]) -> Array:
    """All windows of the spatial dimensions of x [B, C, ..]: [B, C, positions.., window..]."""
    reach = [dilation * (extent - 1) + 1 for extent, dilation in zip(size, dilations, strict=True)]
    view = np.lib.stride_tricks.sliding_window_view(x, reach, axis=tuple(range(2, x.ndim)))
    places = tuple(slice(None, None, stride) for stride in strides)
    inside = tuple(slice(None, None, dilation) for dilation in dilations)
    return view[(slice(None), slice(None), *places, *inside)]


def spatial(op: object, rank: int) -> tuple[list[int], list[int], list[tuple[int, int]]]:
    """Strides, dilations and padding of a window operation over `rank` dimensions."""

    def entries(name: str, default: int, count: int) -> list[int]:
        value = getattr(op, name, None)
        return [default] * count if value is None else [int(entry) for entry in value.val]

    pad = entries("pad", 0, 2 * rank) if op.pad_type.val == "custom" else [0] * (2 * rank)
    return entries("strides", 1, rank), entries("dilations", 1, rank), list(zip(pad[::2], pad[1::2], strict=True))


def conv(op: object) -> Array | None:
    if op.x.val is None or op.weight.val is None:
        return None
    x, weight = op.x.val.astype(np.float32), op.weight.val.astype(np.float32)
    groups = 1 if op.groups is None else int(op.groups.val)
    strides, dilations, pad = spatial(op, x.ndim - 2)
    patches = windows(np.pad(x, [(0, 0), (0, 0), *pad]), list(weight.shape[2:]), strides, dilations)
    inner = [1, *range(x.ndim, patches.ndim)]
    parts = [
        np.tensordot(
            patches[:, g * weight.shape[1] : (g + 1) * weight.shape[1]], part, (inner, list(range(1, weight.ndim)))
        )
        for g, part in enumerate(np.split(weight, groups))
    ]
    result = np.moveaxis(np.concatenate(parts, axis=-1), -1, 1)
    if op.bias is not None:
        result = result + op.bias.val.astype(np.float32).reshape(1, -1, *[1] * (x.ndim - 2))
    return result.astype(op.x.val.dtype)


def pool(op: object, average: bool) -> Array | None:
    if op.x.val is None:
        return None
    x = op.x.val.astype(np.float32)
    size = [int(extent) for extent in op.kernel_sizes.val]
    strides, _, pad = spatial(op, x.ndim - 2)
    ones, axes = [1] * len(size), tuple(range(-len(size), 0))
    border = [(0, 0), (0, 0), *pad]
    if not average:
        result = windows(np.pad(x, border, constant_values=-np.inf), size, strides, ones).max(axes)
    else:
        total = windows(np.pad(x, border), size, strides, ones).sum(axes)
        exclude = op.exclude_padding_from_average is not None and op.exclude_padding_from_average.val
        real = windows(np.pad(np.ones_like(x), border, constant_values=0 if exclude else 1), size, strides, ones)
        result = total / real.sum(axes)
    return result.astype(op.x.val.dtype)


def silu(op: object) -> Array | None:
    if op.x.val is None:
        return None
    x = op.x.val.astype(np.float32)
    return (x / (1 + np.exp(-x))).astype(op.x.val.dtype)


def reduction(function: Callable) -> Callable:
    """coremltools hands NumPy a numpy.bool for keepdims, which NumPy 2.4 refuses."""

    def rule(op: object) -> Array | None:
        if op.x.val is None:
            return None
        axes = getattr(op, "axes", None) or getattr(op, "axis", None)
        axis = None if axes is None else tuple(np.atleast_1d(axes.val).tolist())
        if function in (np.argmax, np.argmin):
            return function(op.x.val, axis=axis[0], keepdims=bool(op.keep_dims.val)).astype(np.int32)
        return function(op.x.val, axis=axis, keepdims=bool(op.keep_dims.val)).astype(op.x.val.dtype)

    return rule


def cumsum(op: object) -> Array | None:
    if op.x.val is None:
        return None
    axis = int(op.axis.val)
    x = np.flip(op.x.val, axis) if op.reverse.val else op.x.val
    total = np.cumsum(x.astype(np.float64), axis)
    if op.exclusive.val:
        total = total - x
    return (np.flip(total, axis) if op.reverse.val else total).astype(op.x.val.dtype)


def gather_nd(op: object) -> Array | None:
    if op.x.val is None or op.indices.val is None:
        return None
    x, indices, batch = op.x.val, op.indices.val, int(op.batch_dims.val)
    grids = np.meshgrid(*(np.arange(size) for size in indices.shape[:batch]), indexing="ij")
    lead = [grid.reshape(grid.shape + (1,) * (indices.ndim - 1 - batch)) for grid in grids]
    return x[(*lead, *np.moveaxis(indices, -1, 0))]


RULES: dict[str, Callable] = {
    "avg_pool": lambda op: pool(op, True),
    "conv": conv,
    "cumsum": cumsum,
    "gather_nd": gather_nd,
    "max_pool": lambda op: pool(op, False),
    "reduce_argmax": reduction(np.argmax),
    "reduce_argmin": reduction(np.argmin),
    "reduce_max": reduction(np.max),
    "reduce_mean": reduction(np.mean),
    "reduce_min": reduction(np.min),
    "reduce_prod": reduction(np.prod),
    "reduce_sum": reduction(np.sum),
    "silu": silu,
}


def check(package: Path) -> None:
    """Fails when coremltools does not accept the package."""
    spec = load_spec(str(package))
    program = load(spec, spec.specificationVersion, str(package / "Data/com.apple.CoreML/weights"))
    program.validate()
    program._check_early_error_out_for_invalid_program()


def evaluate(package: Path, feeds: dict[str, Array]) -> dict[str, Array]:
    """Results by name of the package's function `main`."""
    check(package)
    spec = load_spec(str(package))
    function = spec.mlProgram.functions["main"]
    block = function.block_specializations[function.opset]
    constants = []
    for argument in function.inputs:
        constant = MIL_pb2.Operation(type="const")
        output = constant.outputs.add()
        output.name = argument.name
        output.type.CopyFrom(argument.type)
        constant.attributes["name"].CopyFrom(create_scalar_value(argument.name))
        constant.attributes["val"].CopyFrom(create_tensor_value(feeds[argument.name]))
        constants.append(constant)
    operations = list(block.operations)
    del function.inputs[:], block.operations[:]
    block.operations.extend(constants + operations)
    for name, rule in RULES.items():
        for version in SSAOpRegistry.core_ops[name].values():
            version.value_inference = rule
    program = load(spec, spec.specificationVersion, str(package / "Data/com.apple.CoreML/weights"))
    values = {out.name: (op.op_type, out.val) for op in program.functions["main"].operations for out in op.outputs}
    gaps = sorted({kind for kind, value in values.values() if value is None})
    if gaps:
        raise AssertionError(f"operations without a value: {gaps}; add rules to mil_eval.py")
    return {name: np.asarray(values[name][1]) for name in block.outputs}
