"""PyTorch models through the importer and the MIL target, evaluated by coremltools, against PyTorch.

usage: torch_mil.py FOLDER     A small network in fp16 and fp32, then BERT and ResNet from small configurations.
"""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from lutra.torch import import_program
from mil_eval import evaluate

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


def run(name: str, compute: str, folder: Path) -> float:
    """Relative L2 error of the package's result."""
    module, inputs = {"small": small, "bert": bert, "resnet": resnet}[name]()
    module = module.eval()
    with torch.no_grad():
        program = torch.export.export(module, tuple(inputs))
        expected = module(*inputs).numpy()
    graph, package = folder / f"{name}.mlirbc", folder / f"{name}.{compute}.mlpackage"
    import_program(program).write(graph)
    passes = ["--canonicalize", f"--convert-lutra-to-mil=compute={compute}", "--canonicalize"]
    mil = subprocess.run(["lutra-opt", graph, *passes], check=True, stdout=subprocess.PIPE).stdout
    subprocess.run(["lutra-mil", "--emit-package", "-", "-o", package], check=True, input=mil)
    subprocess.run(["lutra-mil", "--check", package], check=True)
    names = [spec.arg.name for spec in program.graph_signature.input_specs if spec.kind.name == "USER_INPUT"]
    feeds = {
        key: tensor.numpy() if tensor.is_floating_point() else tensor.numpy().astype(np.int32)
        for key, tensor in zip(names, inputs, strict=True)
    }
    result = evaluate(package, feeds)["output_0"]
    return float(np.linalg.norm(result - expected) / np.linalg.norm(expected))


# fp16 rounds after each operation: about 2^-11 each, partly cancelling over a network's depth.
BOUNDS = {"fp32": 1e-5, "fp16": 1e-2}


def main() -> int:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    failed = False
    for name in ("small", "bert", "resnet"):
        for compute, bound in BOUNDS.items():
            error = run(name, compute, folder)
            failed |= not error <= bound
            print(f"{name} in {compute}: {'agrees' if error <= bound else 'differs'}")
            print(f"  relative error {error:.2e}, bound {bound:.0e}", file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main())
