"""Imports a torch module and compares what the graph means with what PyTorch computes.

The reference evaluator computes the imported module in double precision and derives, for each element, how far
single precision may lie from that. PyTorch's own result must lie within; integers and truth values must be equal.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from lutra.testing import evaluate
from lutra.torch import import_program


def check(name: str, got: np.ndarray, reference: np.ndarray, bound: np.ndarray | None) -> None:
    if got.shape != reference.shape:
        raise AssertionError(f"{name}: shape {got.shape}, the import gives {reference.shape}")
    if got.dtype.kind != "f" and got.dtype != reference.dtype:
        raise AssertionError(f"{name}: type {got.dtype}, the import gives {reference.dtype}")
    if got.dtype.kind != "f" or bound is None:
        if not np.array_equal(got, reference):
            raise AssertionError(f"{name}: differs: {got.ravel()[:8]} and {reference.ravel()[:8]}")
        return
    both_nan = np.isnan(got) & np.isnan(reference)
    with np.errstate(invalid="ignore"):
        off = np.where(both_nan | (got == reference), 0, np.abs(got.astype(np.float64) - reference))
    if not (off <= bound.reshape(off.shape)).all():
        worst = np.nanargmax(off - bound.reshape(off.shape))
        raise AssertionError(f"{name}: off by {off.flat[worst]:.3g}, bound {bound.flat[worst]:.3g}")


def compare(
    module: torch.nn.Module,
    inputs: Sequence[torch.Tensor],
    *,
    dynamic_shapes: object = None,
    others: Sequence[Sequence[torch.Tensor]] = (),
) -> str:
    """Export with `inputs`, compare on them and on each of `others`. Returns the imported module's text."""
    module = module.eval()
    with torch.no_grad():
        program = torch.export.export(module, tuple(inputs), dynamic_shapes=dynamic_shapes)
    imported = import_program(program)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "module.mlirbc"
        imported.write(path)
        for sample in [inputs, *others]:
            with torch.no_grad():
                expected = module(*sample)
            values = (
                list(expected.values()) if hasattr(expected, "values") and not torch.is_tensor(expected) else expected
            )
            values = list(values) if isinstance(values, list | tuple) else [values]
            results, bounds = evaluate(path, [tensor.numpy() for tensor in sample])
            if len(results) != len(values):
                raise AssertionError(f"{len(values)} results, the import gives {len(results)}")
            names = [f"output_{i}" for i in range(len(values))]
            names = names if names[0] in results else list(expected.keys())
            for key, value in zip(names, values, strict=True):
                check(key, value.numpy(), results[key], bounds.get(key))
    return imported.text()
