"""Whole networks that the benchmark measures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from cases import Arrays, Case

TRANSFORMERS = ("bert 4x384 qdq", "gpt2 4x768", "resnet50 of transformers qdq")


def _inputs_of(model: Path, sizes: dict[str, int]) -> Arrays:
    """Seeded inputs for a model; a named dimension takes its size from `sizes`, else 1."""
    import onnx

    graph = onnx.load(model, load_external_data=False).graph
    initial = {weight.name for weight in graph.initializer}
    generator = np.random.default_rng(7)
    arrays: Arrays = {}
    for value in graph.input:
        if value.name in initial:
            continue
        tensor = value.type.tensor_type
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        shape = [d.dim_value or sizes.get(d.dim_param, 1) for d in tensor.shape.dim]
        if np.issubdtype(dtype, np.floating):
            arrays[value.name] = generator.standard_normal(shape).astype(dtype)
        else:
            low = 1 if "mask" in value.name else 0
            arrays[value.name] = generator.integers(low, 2, shape).astype(dtype)
    return arrays


def models(folder: Path | None) -> Iterator[Case]:
    """Networks installed here (magika, silero-vad, the light ones of onnx) and any *.onnx of `folder`."""
    import importlib.util

    def package(name: str) -> Path | None:
        spec = importlib.util.find_spec(name)
        return Path(spec.origin).parent if spec and spec.origin else None

    paths: list[Path] = []
    if root := package("magika"):
        paths += sorted(root.glob("models/standard*/model.onnx"))
    if root := package("silero_vad"):
        paths += sorted(root.glob("data/silero_vad_op18_ifless.onnx"))
    if root := package("onnx"):
        paths += sorted(root.glob("backend/test/data/light/light_*.onnx"))
    if folder:
        paths += sorted(folder.glob("*.onnx"))
    for path in paths:
        name = path.parent.name if path.stem == "model" else path.stem
        length = 512 if "silero" in name else 128  # silero takes frames of 512 samples
        yield Case(name, path, _inputs_of(path, {"sequence": length, "seq": length}))


def _quantized(path: Path, inputs: Arrays, kinds: list[str]) -> Path | None:
    """The model with its ops of `kinds` in 8 bits (QDQ, per channel, static), by onnxruntime's own tool."""
    import importlib.util

    if importlib.util.find_spec("onnxruntime") is None:
        return None
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """One batch of inputs."""

        def __init__(self) -> None:
            self.rest = [inputs]

        def get_next(self) -> Arrays | None:
            return self.rest.pop() if self.rest else None

    result = path.with_suffix(".qdq.onnx")
    quantize_static(path, result, Reader(), quant_format=QuantFormat.QDQ, per_channel=True, op_types_to_quantize=kinds)
    return result


def transformers_models(work: Path) -> Iterator[Case]:
    """A BERT, a GPT-2 and a ResNet of transformers with random weights, dynamic sizes; two of them also in 8 bits."""
    import importlib.util

    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("transformers") is None:
        return
    import torch
    import transformers

    torch.manual_seed(5)
    batch, sequence = torch.export.Dim("batch", min=1, max=64), torch.export.Dim("sequence", min=2, max=512)
    tokens = {name: torch.ones(2, 11, dtype=torch.int64) for name in ("input_ids", "attention_mask")}
    text = (tokens, {name: {0: batch, 1: sequence} for name in tokens})
    image = ({"pixel_values": torch.randn(2, 3, 224, 224)}, {"pixel_values": {0: batch}})
    bert = transformers.BertConfig(
        vocab_size=5000, hidden_size=384, num_hidden_layers=4, num_attention_heads=12, intermediate_size=1536
    )
    gpt2 = transformers.GPT2Config(vocab_size=5000, n_embd=768, n_layer=4, n_head=12, n_positions=512, use_cache=False)
    networks: list[tuple[str, Any, Any]] = [
        ("bert 4x384", transformers.BertModel(bert), text),
        ("gpt2 4x768", transformers.GPT2LMHeadModel(gpt2), text),
        ("resnet50 of transformers", transformers.ResNetForImageClassification(transformers.ResNetConfig()), image),
    ]
    for name, network, (example, dynamic) in networks:
        path = work / f"{name.replace(' ', '_')}.onnx"
        with torch.no_grad():
            network.eval()
            torch.onnx.export(network, kwargs=example, f=str(path), dynamo=True, dynamic_shapes=dynamic, verbose=False)
        inputs = _inputs_of(path, {"sequence": 128})
        yield Case(name, path, inputs)
        kinds = {"bert": ["MatMul", "Gemm"], "resnet50": ["Conv", "Gemm", "Add", "Relu"]}.get(name.split()[0])
        if kinds and (quantized := _quantized(path, inputs, kinds)):
            yield Case(f"{name} qdq", quantized, inputs)
