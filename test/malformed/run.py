"""Gives faulty models to a tool and checks what expect.csv promises of each.

run.py TOOL [FLAG..]: the tool runs in an empty folder with 1 GiB of address space, 10 s and closed
stdin. It must end with the exit code, print exactly one line, which names the error code and contains
the text, and leave no file behind.
"""

import csv
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "onnx"))


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


def check(row: dict[str, str], command: list[str], root: Path) -> list[str]:
    from models import MODELS

    folder, work = root / row["id"], root / (row["id"] + "-work")
    folder.mkdir()
    work.mkdir()
    model = MODELS[row["generator"].removeprefix("onnx:")](folder)
    line = [*command, str(model), "-o", str(work / "out")]
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    try:
        done = subprocess.run(
            line, cwd=work, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=10, preexec_fn=limit, check=False,
        )
    except subprocess.TimeoutExpired:
        return ["took more than 10 s"]
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    text = done.stderr.strip("\n")
    faults = []
    if done.returncode != int(row["exit"]):
        faults.append(f"exit code {done.returncode} instead of {row['exit']}")
    if text.count("\n") != 0 or done.stdout:
        faults.append("prints other than one line")
    if row["code"] + ":" not in text or row["contains"] not in text:
        faults.append(f"prints {text[:300]!r}, which lacks {row['code']} or {row['contains']!r}")
    if before != after or any(work.iterdir()):
        faults.append("leaves files behind")
    return faults


def main() -> int:
    failed = 0
    with (HERE / "expect.csv").open(newline="") as file, tempfile.TemporaryDirectory() as root:
        rows = list(csv.DictReader(file))
        for row in rows:
            for fault in check(row, sys.argv[1:], Path(root)):
                failed += 1
                print(f"{row['id']} {row['generator']}: {fault}")
    print(f"{len(rows)} faulty models, {failed} faults of the tool")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
