"""Runs the whole lit suite of a build folder and prints a one-line summary.

Every test kind is a lit test (text, numbers, lints, unit binaries, Python), so one run covers all. A skipped
test lacks a feature of this machine, or is one of the longest, which run with --all.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path


def lit_command(build: Path) -> list[str]:
    """lit's command line, from the build's own configuration."""
    cache = (build / "CMakeCache.txt").read_text().splitlines()
    entries = dict(line.split("=", 1) for line in cache if "=" in line and not line.startswith(("#", "//")))
    mlir = next(value for key, value in entries.items() if key.startswith("MLIR_DIR:"))
    lit = Path(mlir).parents[2] / "bin" / "lit"
    return [sys.executable, str(lit), "-v", "--order=smart", f"-j{os.cpu_count() or 1}"]


def main() -> int:
    build = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.json"
        arguments = ["--param=all=1" if argument == "--all" else argument for argument in sys.argv[2:]]
        command = [*lit_command(build), "-o", str(results), *arguments, str(build / "test")]
        code = subprocess.run(command).returncode
        if not results.exists():
            print("run_tests.py: lit wrote no results", file=sys.stderr)
            return code or 1
        tests = json.loads(results.read_text())["tests"]
    count = Counter(test["code"] for test in tests)
    passed = count["PASS"] + count["XFAIL"]
    skipped = count["UNSUPPORTED"] + count["SKIPPED"] + count["EXCLUDED"]
    failed = len(tests) - passed - skipped
    for test in sorted(tests, key=lambda entry: entry["name"]):
        if test["code"] == "UNSUPPORTED":
            print(f"skipped: {test['name']}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
