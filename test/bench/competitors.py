"""Lutra and its peers behind one face: prepare(case, threads) gives a function that runs the case once.

Each peer gets its own best settings. None says that a competitor has no form of the case. One that raises is left
out of the case's row, and the reason is kept.
"""

from __future__ import annotations

from collections.abc import Callable

from cases import Case

Run = Callable[[], object]


def _loadable(case: Case) -> bytes | str:
    """A file is given by its path, so that external data is found."""
    return case.model if isinstance(case.model, bytes) else str(case.model)


def with_lutra(case: Case, threads: int) -> Run:
    import lutra

    model = lutra.compile(_loadable(case), threads=threads)
    return lambda: model(**case.inputs)


def with_onnxruntime(case: Case, threads: int) -> Run | None:
    if not case.is_onnx:
        return None
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(_loadable(case), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, case.inputs)


def with_openvino(case: Case, threads: int) -> Run | None:
    if not case.is_onnx:
        return None
    import openvino as ov

    core = ov.Core()
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads,
    }
    if case.rounded_group:
        settings["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = case.rounded_group
    compiled = core.compile_model(core.read_model(_loadable(case)), "CPU", settings)
    request = compiled.create_infer_request()
    return lambda: request.infer(case.inputs, share_inputs=True, share_outputs=True)


def with_torch(case: Case, threads: int) -> Run | None:
    if case.torch is None:
        return None
    import torch

    operation = case.torch()

    def run() -> object:
        torch.set_num_threads(threads)
        with torch.inference_mode():
            return operation()

    return run


COMPETITORS: dict[str, Callable[[Case, int], Run | None]] = {
    "lutra": with_lutra,
    "onnxruntime": with_onnxruntime,
    "openvino": with_openvino,
    "torch": with_torch,
}
