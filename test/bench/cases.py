"""What the benchmark measures: small ONNX models with their inputs, and whole networks.

A case is an ONNX model (bytes, or the path of a file), its inputs and its work, so that every competitor computes
the same thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to measure. `flops` and `bytes` are those of one call, 0 where nobody counts them.

    A product may round its activations to 8 bits where `rounded_group`, the elements that share a scale, is not 0.
    """

    name: str
    model: bytes | Path
    inputs: Arrays
    flops: float = 0
    bytes: float = 0
    rounded_group: int = 0
    torch: Callable[[], Callable[[], Any]] | None = field(default=None, repr=False)

    @property
    def is_onnx(self) -> bool:
        """Whether others than Lutra can read the model."""
        return not isinstance(self.model, Path) or self.model.suffix == ".onnx"


def _model(nodes: list[Any], inputs: Arrays, output: list[int | str], weights: Arrays) -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        nodes,
        "case",
        [helper.make_tensor_value_info(k, TensorProto.FLOAT, v.shape) for k, v in inputs.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, output)],
        [numpy_helper.from_array(v, k) for k, v in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    return model.SerializeToString()


def _random(*shape: int) -> npt.NDArray[np.float32]:
    generator = np.random.default_rng(sum(shape))
    return generator.standard_normal(shape).astype(np.float32)


def gemm(m: int, n: int, k: int) -> Case:
    """[m, k] x [k, n] with a constant right-hand side."""
    from onnx import helper

    x, w = _random(m, k), _random(k, n)

    def with_torch() -> Callable[[], Any]:
        import torch

        a, b = torch.from_numpy(x), torch.from_numpy(w)
        return lambda: a @ b

    return Case(
        f"gemm {m}x{n}x{k}",
        _model([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": x}, [m, n], {"w": w}),
        {"x": x},
        2.0 * m * n * k,
        4.0 * (m * k + k * n + m * n),
        torch=with_torch,
    )


def integer_gemm(m: int, n: int, k: int) -> Case:
    """[m, k] of ui8 x a constant [k, n] of i8, exact in i32."""
    from onnx import TensorProto, helper, numpy_helper

    generator = np.random.default_rng(m + n + k)
    x = generator.integers(0, 256, (m, k)).astype(np.uint8)
    w = generator.integers(-127, 128, (k, n)).astype(np.int8)

    def with_torch() -> Callable[[], Any]:
        import torch

        # Signed alone, and more than 16 rows.
        a, b = torch.from_numpy((x - 128).astype(np.int8)), torch.from_numpy(w)
        return lambda: torch._int_mm(a, b)

    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "w"], ["y"])],
        "case",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.INT32, [m, n])],
        [numpy_helper.from_array(w, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    return Case(
        f"int8 gemm {m}x{n}x{k}",
        model.SerializeToString(),
        {"x": x},
        2.0 * m * n * k,
        1.0 * (m * k + k * n) + 4.0 * m * n,
        torch=with_torch if m > 16 else None,
    )


def blocked_gemm(m: int, n: int, k: int, block: int, level: int = 1, bits: int = 4) -> Case:
    """[m, k] of f32 x [n, k] in codes of `bits` bits, a scale and a zero point for each `block` (MatMulNBits).

    At level 1 activations stay f32, at level 4 they may be rounded to 8 bits with a scale for each block.
    """
    from onnx import TensorProto, helper, numpy_helper

    generator = np.random.default_rng(m + n + k)
    blocks = k // block
    x = generator.standard_normal((m, k)).astype(np.float32)
    fixed = {
        "codes": generator.integers(0, 256, (n, blocks, block * bits // 8), np.uint8),
        "scales": generator.uniform(0.01, 0.1, (n, blocks)).astype(np.float32),
        "zeros": generator.integers(0, 256, (n, -(-blocks * bits // 8)), np.uint8),
    }
    sizes = {"K": k, "N": n, "bits": bits, "block_size": block, "accuracy_level": level}
    graph = helper.make_graph(
        [helper.make_node("MatMulNBits", ["x", *fixed], ["y"], domain="com.microsoft", **sizes)],
        "case",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [m, n])],
        [numpy_helper.from_array(value, name) for name, value in fixed.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    return Case(
        f"w{bits}{'a8' if level == 4 else ''} g{block} gemm {m}x{n}x{k}",
        model.SerializeToString(),
        {"x": x},
        2.0 * m * n * k,
        4.0 * m * (k + n) + sum(float(value.nbytes) for value in fixed.values()),
        rounded_group=block if level == 4 else 0,
    )


def bit_gemm(m: int, n: int, k: int, block: int, work: Path) -> Case:
    """[m, k] of f32, which may be rounded to 8 bits, x [n, k] of +-1 with a scale for each block.

    ONNX has no type of one bit, so that Lutra runs alone.
    """
    from lutra import encoding

    form = f"[dense<uint<1>, bipolar, scales = [f16, 1, {block}]>]"
    generator = np.random.default_rng(m + n + k)
    x = generator.standard_normal((m, k)).astype(np.float32)
    _, scales = encoding.layout(form, (n, k))
    data = generator.integers(0, 256, scales.offset + scales.nbytes, np.uint8)
    data[scales.offset :] = generator.uniform(0.01, 0.1, n * k // block).astype(np.float16).view(np.uint8)
    kind = f"tensor<{n}x{k}xf32, #lutra.encoding<{form}, act = int<8, sym, group<{block}>>>>"
    left, out = f"tensor<{m}x{k}xf32>", f"tensor<{m}x{n}xf32>"
    path = work / f"bits_{m}x{n}x{k}.mlir"
    path.write_text(f"""
lutra.global @w : {kind} = dense<"0x{data.tobytes().hex().upper()}"> : tensor<{data.nbytes}xi8>
func.func @main(%x: {left} {{lutra.name = "x"}}) -> ({out} {{lutra.name = "y"}}) {{
  %w = lutra.weight @w : {kind}
  %y = lutra.matmul %x, %w {{transpose_rhs}} : ({left}, {kind}) -> {out}
  return %y : {out}
}}
""")
    return Case(
        f"w1a8 g{block} gemm {m}x{n}x{k}",
        path,
        {"x": x},
        2.0 * m * n * k,
        4.0 * m * (k + n) + data.nbytes,
        rounded_group=block,
    )


def conv(size: int, channels: int, filters: int, window: int, stride: int = 1) -> Case:
    """A window x window convolution of a size x size image, padded to keep its size."""
    from onnx import helper

    x, w = _random(1, channels, size, size), _random(filters, channels, window, window)
    pad, out = window // 2, (size - 1) // stride + 1
    node = helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[window] * 2, pads=[pad] * 4, strides=[stride] * 2)

    def with_torch() -> Callable[[], Any]:
        import torch

        image, weight = torch.from_numpy(x), torch.from_numpy(w)
        return lambda: torch.nn.functional.conv2d(image, weight, padding=pad, stride=stride)

    return Case(
        f"conv {window}x{window} {size}x{size}x{channels}->{filters}",
        _model([node], {"x": x}, [1, filters, out, out], {"w": w}),
        {"x": x},
        2.0 * out * out * filters * channels * window * window,
        4.0 * (x.size + w.size + out * out * filters),
        torch=with_torch,
    )


def integer_conv(size: int, channels: int, filters: int, window: int) -> Case:
    """A convolution of codes between codes (QDQ), one scale for each filter, padded to keep its size."""
    from onnx import TensorProto, helper, numpy_helper

    generator = np.random.default_rng(size + channels + filters)
    x = generator.integers(0, 256, (1, channels, size, size)).astype(np.uint8)
    fixed = {
        "w": generator.integers(-127, 128, (filters, channels, window, window)).astype(np.int8),
        "ws": generator.uniform(0.001, 0.01, filters).astype(np.float32),
        "wz": np.zeros(filters, np.int8),
        "xs": np.float32(0.02),
        "xz": np.uint8(0),
        "ys": np.float32(window * channels**0.5 * 0.02),
        "yz": np.uint8(128),
    }
    pads = [window // 2] * 4
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "xs", "xz"], ["xf"]),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wf"], axis=0),
        helper.make_node("Conv", ["xf", "wf"], ["c"], kernel_shape=[window] * 2, pads=pads),
        helper.make_node("QuantizeLinear", ["c", "ys", "yz"], ["y"]),
    ]
    out = [1, filters, size, size]
    graph = helper.make_graph(
        nodes,
        "case",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.UINT8, out)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in fixed.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    return Case(
        f"int8 conv {window}x{window} {size}x{size}x{channels}->{filters}",
        model.SerializeToString(),
        {"x": x},
        2.0 * size * size * filters * channels * window * window,
        1.0 * (x.size + fixed["w"].size + size * size * filters),
    )


def softmax(rows: int, columns: int) -> Case:
    from onnx import helper

    x = _random(rows, columns)

    def with_torch() -> Callable[[], Any]:
        import torch

        a = torch.from_numpy(x)
        return lambda: torch.softmax(a, -1)

    node = helper.make_node("Softmax", ["x"], ["y"], axis=-1)
    model = _model([node], {"x": x}, [rows, columns], {})
    return Case(f"softmax {rows}x{columns}", model, {"x": x}, 0, 8.0 * x.size, torch=with_torch)


def layer_norm(rows: int, columns: int) -> Case:
    from onnx import helper

    x, scale, bias = _random(rows, columns), _random(columns), _random(columns)

    def with_torch() -> Callable[[], Any]:
        import torch

        a, s, b = (torch.from_numpy(t) for t in (x, scale, bias))
        return lambda: torch.nn.functional.layer_norm(a, (columns,), s, b)

    node = helper.make_node("LayerNormalization", ["x", "scale", "bias"], ["y"], axis=-1)
    model = _model([node], {"x": x}, [rows, columns], {"scale": scale, "bias": bias})
    return Case(f"layer_norm {rows}x{columns}", model, {"x": x}, 0, 8.0 * x.size, torch=with_torch)


def operators(work: Path) -> Iterator[Case]:
    """Single operators at the sizes that matter; what is no ONNX model lies in `work`."""
    yield gemm(512, 512, 512)
    yield gemm(128, 768, 3072)
    yield gemm(1, 4096, 4096)
    yield gemm(17, 1000, 333)
    yield integer_gemm(512, 512, 512)
    yield integer_gemm(128, 768, 3072)
    yield integer_gemm(16, 4096, 4096)
    yield integer_gemm(128, 4096, 4096)
    yield integer_gemm(512, 4096, 4096)
    yield integer_gemm(1, 4096, 4096)
    yield integer_conv(56, 64, 64, 3)
    yield integer_conv(56, 64, 256, 1)
    yield integer_conv(14, 256, 256, 3)
    yield blocked_gemm(1, 4096, 4096, 32)
    yield blocked_gemm(16, 4096, 4096, 32)
    yield blocked_gemm(128, 4096, 4096, 128)
    for block in (32, 128):
        for m in (1, 4, 16, 128):
            yield blocked_gemm(m, 4096, 4096, block, level=4)
    for bits in (2, 8):
        for m in (1, 16, 128):
            yield blocked_gemm(m, 4096, 4096, 128, level=4, bits=bits)
    for m in (1, 4, 16):
        yield bit_gemm(m, 4096, 4096, 128, work)
    yield conv(56, 64, 64, 3)
    yield conv(56, 64, 64, 1)
    yield softmax(512, 1024)
    yield layer_norm(512, 768)


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
