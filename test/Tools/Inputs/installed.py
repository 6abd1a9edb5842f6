"""Compiles with the installed package; the argument is where it must come from."""

import sys
from pathlib import Path

import lutra
import numpy as np

assert Path(lutra.__file__).is_relative_to(sys.argv[1]), lutra.__file__
x = np.ones((1, 5), np.float32)
print("path:", lutra.compile("model.mlir")(x)[0][0].tolist())
print("in process:", lutra.compile("model.mlir", isolate=False)(x)[0][0].tolist())
try:
    lutra.compile(b"no model")
except lutra.CompileError as error:
    print("bytes:", type(error).__name__)
print("torch:", "yes" if lutra.torch.import_program else "no")
