"""usage: memory_limits.py ARTIFACT: compiles magika's model within ever more memory: each limit is kept or named."""

import subprocess
import sys
from pathlib import Path

import magika

model = next((Path(magika.__file__).parent / "models").glob("*/model.onnx"))
codes = []
for limit in range(200, 1000, 100):
    command = ["lutra-compile", str(model), "-o", sys.argv[1], f"--memory-limit={limit}M"]
    run = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    codes.append(run.returncode)
    if run.returncode not in (0, 4) or (run.returncode == 4) != ("E0701" in run.stderr):
        sys.exit(f"{limit}M: exit code {run.returncode}: {run.stderr}")
if 4 not in codes:
    sys.exit("no limit was met")
