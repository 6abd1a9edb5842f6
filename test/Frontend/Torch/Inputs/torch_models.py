"""BERT, GPT-2 and ResNet from small configurations, batch and sequence dynamic.

usage: torch_models.py [MODEL...]     compares what is imported with what PyTorch computes
"""

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.export import Dim
from torch_compare import compare

warnings.filterwarnings("ignore")
BATCH, SEQUENCE = Dim("batch", min=1, max=16), Dim("seq", min=2, max=64)


@dataclass(frozen=True)
class Case:
    """A module and inputs of several sizes; the first are those of the export."""

    module: torch.nn.Module
    samples: list[list[torch.Tensor]]
    dynamic_shapes: object


class Named(torch.nn.Module):
    """A model of transformers called with one positional tensor for each name."""

    def __init__(self, model: torch.nn.Module, *names: str) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.model(**dict(zip(self.names, inputs, strict=True)))[0]


def bert() -> Case:
    from transformers import BertConfig, BertModel

    config = BertConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        vocab_size=99,
        max_position_embeddings=64,
    )

    def sample(batch: int, length: int) -> list[torch.Tensor]:
        mask = torch.ones(batch, length, dtype=torch.long)
        mask[0, length // 2 :] = 0
        return [torch.randint(0, 99, (batch, length)), mask]

    dims = {0: BATCH, 1: SEQUENCE}
    model = Named(BertModel(config), "input_ids", "attention_mask").eval()
    return Case(model, [sample(2, 7), sample(3, 12), sample(1, 2)], ((dims, dims),))


def gpt2() -> Case:
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        n_embd=32, n_layer=2, n_head=2, vocab_size=99, n_positions=64, use_cache=False, bos_token_id=1, eos_token_id=2
    )
    model = Named(GPT2LMHeadModel(config), "input_ids").eval()
    samples = [[torch.randint(0, 99, shape)] for shape in ((2, 7), (3, 12), (1, 2))]
    return Case(model, samples, (({0: BATCH, 1: SEQUENCE},),))


def resnet() -> Case:
    from transformers import ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=5)
    model = Named(ResNetForImageClassification(config), "pixel_values").eval()
    return Case(model, [[torch.randn(batch, 3, 32, 32)] for batch in (2, 3, 1)], (({0: BATCH},),))


MODELS: dict[str, Callable[[], Case]] = {"bert": bert, "gpt2": gpt2, "resnet": resnet}


def main() -> int:
    failures = []
    for name in sys.argv[1:] or MODELS:
        torch.manual_seed(11)
        try:
            case = MODELS[name]()
            compare(case.module, case.samples[0], dynamic_shapes=case.dynamic_shapes, others=case.samples[1:])
        except Exception as error:
            failures.append(f"{name}: {type(error).__name__}: {error}")
        else:
            print(f"{name} agrees")
    print("\n".join(failures))
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
