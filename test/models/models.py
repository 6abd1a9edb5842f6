"""The networks of the model suite, with seeded inputs. Importing this loads no framework."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True, slots=True)
class Case:
    """A model file, the inputs of each call, and the results that feed the next call.

    independent: rounding errors of a sum's terms may be taken as independent. Equal terms round alike.
    """

    name: str
    model: Path
    inputs: list[dict[str, npt.NDArray[np.generic]]]
    state: dict[str, str] = field(default_factory=dict)
    independent: bool = True


def package_folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"package {package} is missing; install python/requirements-test.txt")
    return Path(spec.origin).parent


def magika(work: Path) -> Case:
    model = next((package_folder("magika") / "models").glob("*/model.onnx"))
    rng = np.random.default_rng(1)
    inputs = []
    for batch in (1, 3):
        # Random bytes; the last file is shorter than the window (256 is the padding token).
        tokens = rng.integers(0, 256, (batch, 2048)).astype(np.int32)
        tokens[-1, 300:] = 256
        inputs.append({"bytes": tokens})
    return Case("magika", model, inputs)


def light(name: str, *, random_weights: bool = False) -> Callable[[Path], Case]:
    """An image model of the onnx package. Its weights are constants made by ConstantOfShape."""

    def build(work: Path) -> Case:
        import onnx

        path = package_folder("onnx") / "backend" / "test" / "data" / "light" / f"light_{name}.onnx"
        model = onnx.load(path)
        rng = np.random.default_rng(7)
        if random_weights:
            replace_constants(model, rng)
        else:
            cut_softmax(model)
        path = work / f"{name}.onnx"
        onnx.save(model, path)
        initialised = {tensor.name for tensor in model.graph.initializer}
        inputs = {
            value.name: rng.standard_normal([dim.dim_value or 1 for dim in value.type.tensor_type.shape.dim]).astype(
                np.float32
            )
            for value in model.graph.input
            if value.name not in initialised
        }
        return Case(f"light_{name}", path, [inputs], independent=random_weights)

    return build


def cut_softmax(model: onnx.ModelProto) -> None:
    """The last layer's values as the result. Equal weights make equal classes: softmax gives 1/1000 for anything."""
    producers = {name: node for node in model.graph.node for name in node.output}
    for output in model.graph.output:
        node = producers[output.name]
        if node.op_type == "Softmax":
            model.graph.node.remove(node)
            output.name = node.input[0]


def replace_constants(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    """Seeded weights in place of ConstantOfShape nodes, scaled so that activations keep their size."""
    from onnx import numpy_helper

    shapes = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    uses = {name: (node, index) for node in model.graph.node for index, name in enumerate(node.input)}
    for node in [node for node in model.graph.node if node.op_type == "ConstantOfShape"]:
        shape = [int(size) for size in shapes[node.input[0]]]
        user, index = uses.get(node.output[0], (None, 0))
        if user is not None and user.op_type == "BatchNormalization" and index in (1, 4):
            values = 0.5 + rng.random(shape, np.float32)  # scale and variance
        else:
            values = rng.standard_normal(shape, np.float32)
            deviation = 0.02 if len(shape) < 2 else np.sqrt(1 / int(np.prod(shape[1:])))
            if user is not None and user.op_type == "Gemm" and len(shape) == 2:
                deviation *= 0.1  # logits of a few units: onnxruntime's exp is coarse far below
            values *= np.float32(deviation)
        model.graph.initializer.append(numpy_helper.from_array(values, node.output[0]))
        model.graph.node.remove(node)


def silero(work: Path) -> Case:
    model = package_folder("silero_vad") / "data" / "silero_vad_op18_ifless.onnx"
    rng = np.random.default_rng(3)
    state = np.zeros((2, 1, 128), np.float32)
    frames = [
        {"input": (0.1 * rng.standard_normal((1, 576))).astype(np.float32), "state": state, "sr": np.array(16000)}
        for _ in range(4)
    ]
    return Case("silero_vad", model, frames, {"stateN": "state"})


def exported(name: str) -> Callable[[Path], Case]:
    """A transformers model of a small random config, exported with dynamic batch and sequence."""

    def build(work: Path) -> Case:
        import torch
        import transformers

        torch.manual_seed(5)
        rng = np.random.default_rng(5)
        batch = torch.export.Dim("batch", min=1, max=64)
        sequence = torch.export.Dim("sequence", min=1, max=64)
        if name == "resnet":
            config = transformers.ResNetConfig(
                embedding_size=16, hidden_sizes=[16, 32, 48, 64], depths=[1, 1, 1, 1], num_labels=7
            )
            network: Any = transformers.ResNetForImageClassification(config)
            example = {"pixel_values": torch.randn(2, 3, 64, 64)}
            dynamic = {"pixel_values": {0: batch}}
            inputs = [{"pixel_values": rng.standard_normal((size, 3, 64, 64)).astype(np.float32)} for size in (1, 2, 3)]
        else:
            if name == "bert":
                config = transformers.BertConfig(
                    vocab_size=97, hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96
                )
                network = transformers.BertModel(config)
            else:
                config = transformers.GPT2Config(
                    vocab_size=97, n_embd=48, n_layer=2, n_head=4, n_positions=64, use_cache=False
                )
                network = transformers.GPT2LMHeadModel(config)
            example = {
                "input_ids": torch.randint(0, 97, (2, 11)),
                "attention_mask": torch.ones(2, 11, dtype=torch.int64),
            }
            dynamic = {key: {0: batch, 1: sequence} for key in example}
            inputs = []
            for size, length in ((1, 1), (3, 1), (1, 7), (2, 7), (1, 33), (3, 33)):
                mask = np.ones((size, length), np.int64)
                mask[0, max(length - 2, 1) :] = 0
                inputs.append({"input_ids": rng.integers(0, 97, (size, length)), "attention_mask": mask})
        path = work / f"{name}.onnx"
        with torch.no_grad():
            network.eval()
            torch.onnx.export(network, kwargs=example, f=str(path), dynamo=True, dynamic_shapes=dynamic, verbose=False)
        return Case(name, path, inputs)

    return build


def w4_layers(work: Path, layers: int = 3) -> Case:
    """Layers of the products of a 7B decoder, random weights of 4 bits in groups of 128 (108 MB each)."""
    import onnx
    from onnx import helper, numpy_helper

    rng = np.random.default_rng(0)
    nodes, fixed = [], []

    def product(x: str, k: int, n: int) -> str:
        name = f"product{len(nodes)}"
        blocks = k // 128
        weights = {
            f"{name}.codes": rng.integers(0, 256, (n, blocks, 64), np.uint8),
            f"{name}.scales": rng.uniform(0.001, 0.01, (n, blocks)).astype(np.float32),
            f"{name}.zeros": rng.integers(0, 256, (n, blocks // 2), np.uint8),
        }
        fixed.extend(numpy_helper.from_array(value, key) for key, value in weights.items())
        sizes = {"K": k, "N": n, "bits": 4, "block_size": 128, "accuracy_level": 4}
        nodes.append(helper.make_node("MatMulNBits", [x, *weights], [name], domain="com.microsoft", **sizes))
        return name

    hidden, inner, x = 4096, 11008, "x"
    for _ in range(layers):
        for _ in range(4):
            x = product(x, hidden, hidden)
        gate, up = product(x, hidden, inner), product(x, hidden, inner)
        nodes.append(helper.make_node("Mul", [gate, up], [f"{gate}.{up}"]))
        x = product(f"{gate}.{up}", inner, hidden)
    float_type = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "w4_layers",
        [helper.make_tensor_value_info("x", float_type, ["rows", hidden])],
        [helper.make_tensor_value_info(x, float_type, ["rows", hidden])],
        fixed,
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    path = work / "w4_layers.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    return Case("w4_layers", path, [{"x": rng.standard_normal((rows, hidden)).astype(np.float32)} for rows in (1, 16)])


LIGHT = (
    "bvlc_alexnet",
    "densenet121",
    "inception_v1",
    "inception_v2",
    "resnet50",
    "shufflenet",
    "squeezenet",
    "vgg19",
    "zfnet512",
)
CASES: dict[str, Callable[[Path], Case]] = {
    "magika": magika,
    "silero": silero,
    "w4_layers": w4_layers,
    "w4_stack": functools.partial(w4_layers, layers=8),
    **{f"light_{name}": light(name) for name in LIGHT},
    **{f"light_{name}_random": light(name, random_weights=True) for name in LIGHT},
    **{name: exported(name) for name in ("bert", "gpt2", "resnet")},
}
