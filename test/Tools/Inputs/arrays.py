"""usage: arrays.py FOLDER: arrays that a model with one f32 input of shape [n, 2] takes, or has to refuse."""

import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
folder.mkdir(exist_ok=True)
np.save(folder / "fits.npy", np.ones((3, 2), np.float32))
np.save(folder / "rank.npy", np.ones(6, np.float32))
np.save(folder / "size.npy", np.ones((2, 3), np.float32))
np.save(folder / "f64.npy", np.ones((3, 2), np.float64))
np.save(folder / "i64.npy", np.ones((3, 2), np.int64))
fits = (folder / "fits.npy").read_bytes()
(folder / "cut.npy").write_bytes(fits[:60])
(folder / "lines.npy").write_bytes(fits.replace(b"(3, 2)", b"(3\n\x1bx)"))
