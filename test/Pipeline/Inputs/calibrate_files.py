"""Writes samples of the model of calibrate.py as files of other kinds, good and wrong ones, and one with branches."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

NUMPY = {"F32": np.float32, "I64": np.int64, "BF16": np.uint16}

BRANCHES = """
func.func @main(%x: tensor<?x96xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]},
                %m: tensor<?xi64> {lutra.name = "attention_mask", lutra.dim_names = ["n"]})
    -> (tensor<?x96xf32> {lutra.name = "y", lutra.dim_names = ["n", ""]}) {
  %w1 = lutra.weight @w1 : tensor<96x96xf32>
  %w2 = lutra.weight @w2 : tensor<96x96xf32>
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %size = tensor.dim %m, %zero : tensor<?xi64>
  %few = arith.cmpi ule, %size, %one : index
  %a = scf.if %few -> tensor<?x96xf32> {
    scf.yield %x : tensor<?x96xf32>
  } else {
    %b = lutra.matmul %x, %w1 : (tensor<?x96xf32>, tensor<96x96xf32>) -> tensor<?x96xf32> loc("branch")
    scf.yield %b : tensor<?x96xf32>
  }
  %y = lutra.matmul %a, %w2 : (tensor<?x96xf32>, tensor<96x96xf32>) -> tensor<?x96xf32> loc("last")
  return %y : tensor<?x96xf32>
}
"""


def safetensors(arrays: dict[str, tuple[str, npt.NDArray[Any]]]) -> bytes:
    header: dict[str, Any] = {"__metadata__": {"format": "np"}}
    data = b""
    for name, (kind, values) in arrays.items():
        own = values.astype(NUMPY[kind]).tobytes()
        header[name] = {"dtype": kind, "shape": values.shape, "data_offsets": [len(data), len(data) + len(own)]}
        data += own
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def main() -> None:
    folder = Path(sys.argv[1])
    files = folder / "files"
    for path in (files, files / "set", files / "bad"):
        path.mkdir()
    samples = [dict(np.load(path)) for path in sorted((folder / "set").glob("*.npz"))]
    lines = []
    for index, sample in enumerate(samples):
        both = {"x": ("F32", sample["x"]), "attention_mask": ("I64", sample["attention_mask"])}
        (files / "set" / f"{index}.safetensors").write_bytes(safetensors(both))
        # A mask of booleans, and what tokenizers add; numbers of f32 in decimal are the same again.
        mask = (sample["attention_mask"] > 0).tolist()
        lines.append(json.dumps({"x": sample["x"].tolist(), "attention_mask": mask, "token_type_ids": [0]}))
    (files / "set.jsonl").write_text("\n".join(lines) + "\n\n")
    stacked = {name: np.stack([sample[name] for sample in samples]) for name in ("x", "attention_mask")}
    np.savez(files / "stacked.npz", **stacked)
    both = {"x": ("F32", stacked["x"]), "attention_mask": ("I64", stacked["attention_mask"])}
    (files / "stacked.safetensors").write_bytes(safetensors(both))
    bad = files / "bad"
    whole = (files / "set" / "0.safetensors").read_bytes()
    (bad / "cut.safetensors").write_bytes(whole[:-1])
    (bad / "head.safetensors").write_bytes(whole[:40])
    (bad / "short.safetensors").write_bytes(whole[:7])
    (bad / "long.safetensors").write_bytes(b"\xff" * 8 + whole[8:])
    (bad / "json.safetensors").write_bytes(whole[:8] + b"[" + whole[9:])
    (bad / "list.safetensors").write_bytes((2).to_bytes(8, "little") + b"[]")
    (bad / "place.safetensors").write_bytes(whole.replace(b'"data_offsets"', b'"data_outsets"'))
    (bad / "sizes.safetensors").write_bytes(whole.replace(b"[70, 96]", b"[71, 96]"))
    (bad / "negative.safetensors").write_bytes(whole.replace(b"[70, 96]", b"[-7, 96]"))
    (bad / "type.safetensors").write_bytes(safetensors({"x": ("BF16", np.zeros((2, 96)))}))
    uneven = stacked | {"attention_mask": stacked["attention_mask"][:5]}
    np.savez(bad / "uneven.npz", **uneven)
    np.savez(bad / "none.npz", **{name: array[:0] for name, array in stacked.items()})
    np.savez(bad / "single.npz", x=stacked["x"], attention_mask=np.int64(1))
    text = {
        "cut": lines[0] + "\n{",
        "list": "[1]",
        "ragged": '{"x": [[1], [2, 3]], "attention_mask": [1]}',
        "nested": '{"x": ' + "[" * 100000,
        "deep": '{"x": ' + "[" * 9 + "1" + "]" * 9 + "}",
        "null": '{"x": [null]}',
        "text": '{"text": "some words"}',
        "fraction": '{"x": [1], "attention_mask": [1, 2.5]}',
        "great": '{"x": [1], "attention_mask": [1, 99999999999999999999]}',
        "stacked": '{"x": [[[1]]], "attention_mask": [1]}',
        "none": "{}",
        "blank": "\n \n",
        "masked": '{"x": [1], "attention_mask": [0]}',
    }
    for name, own in text.items():
        (bad / f"{name}.jsonl").write_text(own + "\n")
    (bad / "words.txt").write_text("some words\n")
    random = np.random.default_rng(8)
    weights = ""
    for name in ("w1", "w2"):
        values = (random.standard_normal((96, 96)) / 8).astype(np.float32).tobytes().hex()
        weights += f'lutra.global @{name} : tensor<96x96xf32> = dense<"0x{values}"> : tensor<96x96xf32>\n'
    (files / "branches.mlir").write_text(weights + BRANCHES)


if __name__ == "__main__":
    main()
