"""Numbers beside the middle of two f16 or two bf16, where rounding twice goes wrong.

usage: halfway.py FOLDER, for real.npy (f64) and whole.npy (i32)

A number next to such a middle rounds to the middle itself in f32, and from there to the even neighbour.
"""

import sys
from pathlib import Path

import numpy as np


def main() -> None:
    middles, near = [], 2.0**-40
    for bits, least, largest in ((11, 2.0**-24, 65504.0), (8, 2.0**-133, (2 - 2.0**-7) * 2.0**127)):
        spacing = 2.0 ** (1 - bits)
        middles += [1 + spacing / 2, 1 + 1.5 * spacing, (2 - spacing / 2) * 2.0**5, (1 + spacing / 2) * 2.0**-9]
        middles += [least / 2, 1.5 * least, 2.5 * least]
        middles += [largest * (1 + 2.0 ** -(bits + 1)), np.ldexp(2 - 2.0**-bits, int(np.log2(largest)))]
    special = [0.0, 1e-60, 1e300, np.inf, np.nan, 0.1, 1 / 3]
    real = np.array([m * (1 + e) for m in middles for e in (-near, 0.0, near)] + special)
    whole = np.array([m + e for m in (16842752, 33685504, 17039360, 2080505856) for e in (-1, 0, 1)], np.int32)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "real.npy", np.concatenate([real, -real]))
    np.save(folder / "whole.npy", np.concatenate([whole, -whole, whole[:5]]))


if __name__ == "__main__":
    main()
