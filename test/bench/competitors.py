"""Lutra and its peers behind one face: prepare(case, threads) gives a function that runs the case once.

Each peer gets its own best settings; where these differ from case to case, so do competitors: onnxruntime-f32 leaves
activations as they are where they may be rounded, openvino-bf16 rounds them to bf16 (AMX) instead of 8 bits. None says
that a competitor has no form of the case. One that raises is left out of the case's row, and the reason is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from cases import Case

Run = Callable[[], Any]
Prepare = Callable[[Case, int], Run | None]


def _loadable(case: Case, name: str) -> bytes | str | None:
    """A file is given by its path, so that external data is found."""
    model = case.model_for(name)
    return model if isinstance(model, bytes | None) else str(model)


def with_lutra(case: Case, threads: int) -> Run:
    import lutra

    source = _loadable(case, "lutra")
    assert source is not None
    model = lutra.compile(source, threads=threads)
    return lambda: model(**case.inputs)


def _with_onnxruntime(name: str, case: Case, threads: int) -> Run | None:
    source = _loadable(case, name)
    if source is None:
        return None
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, case.inputs)


def with_onnxruntime(case: Case, threads: int) -> Run | None:
    return _with_onnxruntime("onnxruntime", case, threads)


def with_onnxruntime_f32(case: Case, threads: int) -> Run | None:
    name = "onnxruntime-f32"
    return _with_onnxruntime(name, case, threads) if name in case.peers else None


def _with_openvino(name: str, case: Case, threads: int, settings: dict[str, Any]) -> Run | None:
    source = _loadable(case, name)
    if source is None:
        return None
    import openvino as ov

    core = ov.Core()
    settings |= {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads}
    compiled = core.compile_model(core.read_model(source), "CPU", settings)
    request = compiled.create_infer_request()
    return lambda: request.infer(case.inputs, share_inputs=True, share_outputs=True)


def with_openvino(case: Case, threads: int) -> Run | None:
    """Left alone it would round the activations of every product with weights in few bits."""
    group = case.rounded_group
    settings = {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": group}
    return _with_openvino("openvino", case, threads, settings)


def with_openvino_bf16(case: Case, threads: int) -> Run | None:
    if not case.rounded_group:
        return None
    settings = {"INFERENCE_PRECISION_HINT": "bf16", "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0}
    return _with_openvino("openvino-bf16", case, threads, settings)


def _with_torch(operation: Callable[[], Any], threads: int) -> Run:
    import torch

    def run() -> object:
        torch.set_num_threads(threads)
        with torch.inference_mode():
            return operation()

    return run


def with_torch(case: Case, threads: int) -> Run | None:
    from torch_products import product

    operation = case.torch() if case.torch else product(case)
    return _with_torch(operation, threads) if operation else None


def with_torch_bf16(case: Case, threads: int) -> Run | None:
    from torch_products import bf16_product

    operation = bf16_product(case)
    return _with_torch(operation, threads) if operation else None


def with_ggml(case: Case, threads: int) -> Run | None:
    from ggml import product

    return product(case, threads)


COMPETITORS: dict[str, Prepare] = {
    "lutra": with_lutra,
    "onnxruntime": with_onnxruntime,
    "onnxruntime-f32": with_onnxruntime_f32,
    "openvino": with_openvino,
    "openvino-bf16": with_openvino_bf16,
    "torch": with_torch,
    "torch-bf16": with_torch_bf16,
    "ggml": with_ggml,
}


def first_output(result: Any) -> npt.NDArray[np.float64]:
    """The only output of a product, whatever its competitor returns."""
    value = result if isinstance(result, np.ndarray) or hasattr(result, "numpy") else result[0]
    return np.asarray(value.float().numpy() if hasattr(value, "numpy") else value, np.float64)
