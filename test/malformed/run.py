"""Gives faulty models to the compiler and checks what expect.csv promises of each.

run.py [--no-limit] TOOL [FLAG..]: the tool is told to write out.so and runs in an empty folder with 1 GiB of address
space (any size with --no-limit), 10 s and closed stdin. It must end with the exit code, print exactly one line, which
names the error code and contains the text, and leave no file behind. Every other time the output is there already: it
must keep its bytes.
"""

import csv
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "onnx"))
OLD = b"what was here before\n"


def rows() -> Iterator[dict[str, str]]:
    with (HERE / "expect.csv").open(newline="") as file:
        yield from csv.DictReader(file)


def write_model(row: dict[str, str], folder: Path) -> Path:
    """The row's model in a new folder."""
    from models import MODELS

    folder.mkdir()
    return MODELS[row["generator"].removeprefix("onnx:")](folder)


def close_input() -> None:
    """In the child: no standard input at all."""
    os.close(0)


def prepare() -> None:
    """In the child: the limit, too."""
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    close_input()


def files_of(folder: Path) -> dict[Path, int]:
    return {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}


def check(row: dict[str, str], command: list[str], root: Path, *, limited: bool) -> list[str]:
    work, output = root / (row["id"] + "-work"), root / (row["id"] + "-output")
    model = write_model(row, root / row["id"])
    work.mkdir()
    output.mkdir()
    if int(row["id"]) % 2:
        (output / "out.so").write_bytes(OLD)
    before = files_of(root)
    line = [*command, str(model), "-o", str(output / "out.so")]
    try:
        done = subprocess.run(
            line, cwd=work, capture_output=True, text=True, errors="replace", timeout=10,
            preexec_fn=prepare if limited else close_input, check=False,
        )
    except subprocess.TimeoutExpired:
        return ["took more than 10 s"]
    text = done.stderr.strip("\n")
    faults = []
    if done.returncode != int(row["exit"]):
        faults.append(f"exit code {done.returncode} instead of {row['exit']}")
    if text.count("\n") != 0 or done.stdout:
        faults.append("prints other than one line")
    if row["code"] + ":" not in text or row["contains"] not in text:
        faults.append(f"prints {text[:300]!r}, which lacks {row['code']} or {row['contains']!r}")
    after = files_of(root)
    if {path for path in after if path not in before} or any(
        path not in after or (after[path] != stamp and not path.is_dir()) for path, stamp in before.items()
    ):
        faults.append("leaves files behind or changes one")
    return faults


def main() -> int:
    failed, count, command = 0, 0, sys.argv[1:]
    limited = command[0] != "--no-limit"
    with tempfile.TemporaryDirectory() as root:
        for row in rows():
            count += 1
            for fault in check(row, command if limited else command[1:], Path(root), limited=limited):
                failed += 1
                print(f"{row['id']} {row['generator']}: {fault}")
    print(f"{count} faulty models, {failed} faults of the tool")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
