"""Writes a model of three products as MLIR, and samples of its inputs: good ones, padded ones, and wrong ones."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

FUNCTION = """
func.func @main(%x: tensor<?x96xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]},
                %m: tensor<?xi64> {lutra.name = "attention_mask", lutra.dim_names = ["n"]})
    -> (tensor<?x96xf32> {lutra.name = "y", lutra.dim_names = ["n", ""]},
        tensor<?x96xf32> {lutra.name = "z", lutra.dim_names = ["n", ""]},
        tensor<?xi64> {lutra.name = "mask", lutra.dim_names = ["n"]}) {
  %w1 = lutra.weight @w1 : tensor<96x160xf32>
  %w2 = lutra.weight @w2 : tensor<160x96xf32>
  %w3 = lutra.weight @w3 : tensor<32x96xf32>
  %a = lutra.matmul %x, %w1 : (tensor<?x96xf32>, tensor<96x160xf32>) -> tensor<?x160xf32> loc("first")
  %b = lutra.unary<relu> %a : tensor<?x160xf32> -> tensor<?x160xf32>
  %c = lutra.matmul %b, %w2 : (tensor<?x160xf32>, tensor<160x96xf32>) -> tensor<?x96xf32> loc("second")
  %n = arith.constant 0 : index
  %size = tensor.dim %x, %n : tensor<?x96xf32>
  %s = lutra.slice %x[0, 0] sizes [%size] steps [1, 1] : tensor<?x96xf32> -> tensor<?x32xf32>
  %d = lutra.matmul %s, %w3 : (tensor<?x32xf32>, tensor<32x96xf32>) -> tensor<?x96xf32> loc("small")
  return %c, %d, %m : tensor<?x96xf32>, tensor<?x96xf32>, tensor<?xi64>
}
"""


def dense(values: npt.NDArray[np.float32]) -> str:
    return f'dense<"0x{values.tobytes().hex()}">'


def main() -> None:
    folder = Path(sys.argv[1])
    random = np.random.default_rng(5)
    text = ""
    for name, shape in (("w1", (96, 160)), ("w2", (160, 96)), ("w3", (32, 96))):
        values = (random.standard_normal(shape) / 8).astype(np.float32)
        kind = f"tensor<{shape[0]}x{shape[1]}xf32>"
        text += f"lutra.global @{name} : {kind} = {dense(values)} : {kind}\n"
    (folder / "model.mlir").write_text(text + FUNCTION)
    for kind in ("set", "padded", "bad", "empty"):
        (folder / kind).mkdir()
    mixing = random.standard_normal((96, 96)).astype(np.float32)
    for index in range(6):
        x = (random.standard_normal((70, 96)) @ mixing).astype(np.float32)
        mask = np.ones(70, np.int64)
        np.savez(folder / "set" / f"{index}.npz", x=x, attention_mask=mask)
        pads = np.full((30, 96), 1e3, np.float32)
        padded = np.concatenate([mask, np.zeros(30, np.int64)])
        np.savez(folder / "padded" / f"{index}.npz", x=np.concatenate([x, pads]), attention_mask=padded)
    bad = folder / "bad"
    np.savez(bad / "name.npz", y=x, attention_mask=mask)
    np.savez(bad / "more.npz", x=x, attention_mask=mask, z=x)
    np.savez(bad / "type.npz", x=x.astype(np.float64), attention_mask=mask)
    np.savez(bad / "shape.npz", x=x[:, :95].copy(), attention_mask=mask)
    np.savez(bad / "mask.npz", x=x, attention_mask=0 * mask)
    np.savez_compressed(bad / "zipped.npz", x=x, attention_mask=mask)
    np.save(bad / "one.npy", x)
    np.savez(folder / "few.npz", x=x[:20], attention_mask=mask[:20])
    np.savez(folder / "zeros.npz", x=0 * x, attention_mask=mask)
    wrong = x.copy()
    wrong[3, 4] = np.nan
    np.savez(bad / "nan.npz", x=wrong, attention_mask=mask)
    for name, key in (("keys", b"'descr'"), ("sizes", b"'shape'")):
        (bad / f"{name}.npy").write_bytes((bad / "one.npy").read_bytes().replace(key, b"'other'"))
    (bad / "cut.npz").write_bytes((bad / "mask.npz").read_bytes()[:2000])


if __name__ == "__main__":
    main()
