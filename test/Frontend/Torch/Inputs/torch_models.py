"""BERT, GPT-2 and ResNet from small configurations, batch and sequence dynamic.

usage: torch_models.py [MODEL...]
"""

import sys
import warnings
from collections.abc import Callable

import torch
from torch.export import Dim
from torch_compare import compare

warnings.filterwarnings("ignore")
BATCH, SEQUENCE = Dim("batch", min=1, max=16), Dim("seq", min=2, max=64)


class Named(torch.nn.Module):
    """A model of transformers called with one positional tensor for each name."""

    def __init__(self, model: torch.nn.Module, *names: str) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.model(**dict(zip(self.names, inputs, strict=True)))[0]


def bert() -> None:
    from transformers import BertConfig, BertModel

    config = BertConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        vocab_size=99,
        max_position_embeddings=64,
    )
    model = Named(BertModel(config), "input_ids", "attention_mask")

    def sample(batch: int, length: int) -> list[torch.Tensor]:
        mask = torch.ones(batch, length, dtype=torch.long)
        mask[0, length // 2 :] = 0
        return [torch.randint(0, 99, (batch, length)), mask]

    dims = {0: BATCH, 1: SEQUENCE}
    compare(model, sample(2, 7), dynamic_shapes=((dims, dims),), others=[sample(3, 12)])


def gpt2() -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        n_embd=32, n_layer=2, n_head=2, vocab_size=99, n_positions=64, use_cache=False, bos_token_id=1, eos_token_id=2
    )
    model = Named(GPT2LMHeadModel(config), "input_ids")
    inputs = [[torch.randint(0, 99, shape)] for shape in ((2, 7), (3, 12))]
    compare(model, inputs[0], dynamic_shapes=(({0: BATCH, 1: SEQUENCE},),), others=inputs[1:])


def resnet() -> None:
    from transformers import ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=5)
    model = Named(ResNetForImageClassification(config), "pixel_values")
    inputs = [[torch.randn(batch, 3, 32, 32)] for batch in (2, 3)]
    compare(model, inputs[0], dynamic_shapes=(({0: BATCH},),), others=inputs[1:])


MODELS: dict[str, Callable[[], None]] = {"bert": bert, "gpt2": gpt2, "resnet": resnet}


def main() -> int:
    failures = []
    for name in sys.argv[1:] or MODELS:
        torch.manual_seed(11)
        try:
            MODELS[name]()
        except Exception as error:
            failures.append(f"{name}: {type(error).__name__}: {error}")
        else:
            print(f"{name} agrees")
    print("\n".join(failures))
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
