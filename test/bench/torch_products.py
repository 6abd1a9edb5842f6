"""What torch has for products with weights in few bits."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from cases import Case

Operation = Callable[[], Any]


def bf16_product(case: Case) -> Operation | None:
    """Weights as bf16, which other engines would keep in codes."""
    if case.weight is None or not case.rounded_group:
        return None
    import torch

    x = torch.from_numpy(case.inputs["x"])
    weight = torch.from_numpy(case.weight.floats()).bfloat16()
    return lambda: torch.nn.functional.linear(x.bfloat16(), weight).float()


def product(case: Case) -> Operation | None:
    """The kernel of torch that reads such codes, if there is one."""
    if case.weight is None or not case.rounded_group:
        return None
    if case.name.startswith("w8a8 static"):
        return _static_bytes(case)
    if case.weight.bits == 8 and case.weight.group == case.weight.shape[1]:
        return _dynamic_bytes(case)
    if case.weight.bits == 4 and (case.weight.zeros is not None or case.weight.zero is not None):
        return _int4(case)
    return None


def _int4(case: Case) -> Operation:
    """bf16 times codes of 4 bits about 8, a scale and an offset for each group."""
    import torch

    weight = case.weight
    assert weight is not None
    x = torch.from_numpy(case.inputs["x"])
    zeros = weight.zero if weight.zeros is None else weight.zeros.astype(np.float32)
    assert zeros is not None
    sides = np.stack([weight.scales.T, ((8 - zeros) * weight.scales).T], -1)
    scales = torch.from_numpy(np.ascontiguousarray(sides)).bfloat16()
    codes = torch.ops.aten._convert_weight_to_int4pack_for_cpu(torch.from_numpy(weight.codes.astype(np.int32)), 2)
    multiply = torch.ops.aten._weight_int4pack_mm_for_cpu
    return lambda: multiply(x.bfloat16(), codes, weight.group, scales).float()


def _signed(case: Case) -> tuple[Any, Any, Any]:
    """Codes as signed bytes, their scales, and zero points that are 0."""
    import torch

    weight = case.weight
    assert weight is not None
    codes = torch.from_numpy((weight.codes.astype(np.int16) - 128).astype(np.int8))
    scales = torch.from_numpy(weight.scales[:, 0].copy())
    return codes, scales, torch.zeros(len(scales), dtype=torch.int64)


def _dynamic_bytes(case: Case) -> Operation:
    import torch

    torch.backends.quantized.engine = "onednn"
    codes, scales, zeros = _signed(case)
    with warnings.catch_warnings():  # such tensors are deprecated
        warnings.simplefilter("ignore")
        weight = torch._make_per_channel_quantized_tensor(codes, scales.double(), zeros, 0)
    prepared = torch.ops.quantized.linear_prepack(weight, None)
    x = torch.from_numpy(case.inputs["x"])
    return lambda: torch.ops.quantized.linear_dynamic(x, prepared, False)


def _static_bytes(case: Case) -> Operation:
    import torch
    import torch.ao.quantization.fx._decomposed  # registers quantized_decomposed

    codes, scales, zeros = _signed(case)
    x = torch.from_numpy(case.inputs["x"])
    prepared = torch.ops.onednn.qlinear_prepack(codes, list(x.shape))
    quantize, multiply = torch.ops.quantized_decomposed.quantize_per_tensor, torch.ops.onednn.qlinear_pointwise
    scale = case.static_scale
    end: Any = (None, 1.0, 0, torch.float32, "none", [], "")  # no bias, sums as f32, nothing behind them
    return lambda: multiply(quantize(x, scale, 128, 0, 255, torch.uint8), scale, 128, prepared, scales, zeros, *end)
