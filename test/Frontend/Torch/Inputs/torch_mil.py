"""PyTorch models through the importer and the MIL target, evaluated by coremltools, inside derived bounds.

usage: torch_mil.py FOLDER     A small network in fp16 and fp32, then BERT and ResNet from small configurations.
"""

import copy
import subprocess
import sys
import warnings
from pathlib import Path

import mil_eval
import numpy as np
import torch
from lutra.testing import compare, evaluate, notices
from lutra.torch import import_program

warnings.filterwarnings("ignore")
torch.manual_seed(3)


class First(torch.nn.Module):
    """The first result of a model of transformers."""

    def __init__(self, model: torch.nn.Module, *names: str) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.model(**dict(zip(self.names, inputs, strict=True)))[0]


def small() -> tuple[torch.nn.Module, list[torch.Tensor]]:
    layers = [torch.nn.Linear(12, 24), torch.nn.GELU(), torch.nn.Linear(24, 6), torch.nn.Softmax(-1)]
    return torch.nn.Sequential(*layers), [torch.randn(5, 12)]


def bert() -> tuple[torch.nn.Module, list[torch.Tensor]]:
    from transformers import BertConfig, BertModel

    config = BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, vocab_size=99)
    mask = torch.ones(2, 7, dtype=torch.long)
    mask[0, 4:] = 0
    return First(BertModel(config), "input_ids", "attention_mask"), [torch.randint(0, 99, (2, 7)), mask]


def resnet() -> tuple[torch.nn.Module, list[torch.Tensor]]:
    from transformers import ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=5)
    return First(ResNetForImageClassification(config), "pixel_values"), [torch.randn(1, 3, 32, 32)]


def export(module: torch.nn.Module, inputs: list[torch.Tensor], graph: Path) -> torch.export.ExportedProgram:
    with torch.no_grad():
        program = torch.export.export(module, tuple(inputs))
    import_program(program).write(graph)
    return program


def package_result(graph: Path, compute: str, feeds: dict[str, np.ndarray]) -> np.ndarray:
    """What coremltools computes for the graph's package."""
    package = graph.with_suffix(f".{compute}.mlpackage")
    passes = ["--canonicalize", f"--convert-lutra-to-mil=compute={compute}", "--canonicalize"]
    mil = subprocess.run(["lutra-opt", graph, *passes], check=True, stdout=subprocess.PIPE).stdout
    subprocess.run(["lutra-mil", "--emit-package", "-", "-o", package], check=True, input=mil)
    subprocess.run(["lutra-mil", "--check", package], check=True)
    return mil_eval.evaluate(package, feeds)["output_0"]


def agrees(name: str, folder: Path) -> dict[str, bool]:
    """Whether the package lies inside the bounds, by the type in which it computes.

    In fp16 they are those of the network as half() makes it, which has the weights that the package rounds. PyTorch
    must lie inside both, and an element off by a tenth outside.
    """
    module, inputs = {"small": small, "bert": bert, "resnet": resnet}[name]()
    half = copy.deepcopy(module).half().eval(), [t.half() if t.is_floating_point() else t for t in inputs]
    graph = folder / f"{name}.mlirbc"
    program = export(module.eval(), inputs, graph)
    names = [spec.arg.name for spec in program.graph_signature.input_specs if spec.kind.name == "USER_INPUT"]
    feeds = {
        key: tensor.numpy() if tensor.is_floating_point() else tensor.numpy().astype(np.int32)
        for key, tensor in zip(names, inputs, strict=True)
    }
    verdicts = {}
    for compute, (network, tensors) in {"fp32": (module, inputs), "fp16": half}.items():
        exact = folder / f"{name}.{compute}.mlirbc"
        export(network, tensors, exact)
        references, bounds = evaluate(exact, [tensor.numpy() for tensor in tensors], "--independent")
        reference, bound = references["output_0"], bounds["output_0"]
        with torch.no_grad():
            results = {"torch": network(*tensors).numpy(), "package": package_result(graph, compute, feeds)}
        reports = {engine: compare(result, reference, bound) for engine, result in results.items()}
        for engine, report in reports.items():
            print(f"{name} {compute} {engine}: {report}", file=sys.stderr)
        sharp = notices(reference, bound)
        if not sharp:
            print(f"{name} {compute}: the bound accepts an error of a tenth", file=sys.stderr)
        verdicts[compute] = sharp and all(report.passed and not report.undetermined for report in reports.values())
    return verdicts


def main() -> int:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    failed = False
    for name in ("small", "bert", "resnet"):
        for compute, good in agrees(name, folder).items():
            failed |= not good
            print(f"{name} in {compute}: {'agrees' if good else 'differs'}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
