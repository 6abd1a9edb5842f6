"""Runs the onnx package's node cases, evaluated and compiled, and compares with status.csv.

run.py TOOL [--update] [--keep FOLDER] [--shard I/N] [--jobs N] [--dynamic] [PATTERN..]. A case passes when it was
imported and evaluated, and compiled to a shared library that gives the expected output inside the derived
bounds. Else it is unsupported by name or left to an oracle note (oracle-notes.md). Anything else
fails: wrong numbers, a crash, a case that passes or fails unlike its row, a case without a row. With
--update the rows of passing and unsupported cases are rewritten; oracle rows are only ever written by
hand. With --dynamic the cases have input sizes that are known at run time only and their results are in
dynamic.csv; a case may then also be refused because the sizes it needs cannot be told (E02, E03).
"""

import argparse
import csv
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
STATUS = {False: HERE / "status.csv", True: HERE / "dynamic.csv"}
UNSUPPORTED = re.compile(r"^E06\d\d: ")
UNDECIDED = re.compile(r"^E0[23]\d\d: ")
NODE = re.compile(r'node "[^"]*" \((\w+), ')
OP = re.compile(r"'(lutra\.\w+)'")


def classify(line: str, dynamic: bool) -> str:
    """`pass`, `unsupported:..` or the text of the failure."""
    if line.startswith("pass "):
        return "pass"
    if UNSUPPORTED.match(line):
        names = list(dict.fromkeys(NODE.findall(line) or OP.findall(line)))
        return "unsupported:" + ("+".join(names) if names else "type")
    if dynamic and UNDECIDED.match(line):
        return "unsupported:sizes"
    return line


def run_chunk(tool: str, folders: list[Path]) -> dict[str, str]:
    done = subprocess.run([tool, *map(str, folders)], capture_output=True, text=True, check=True)
    results = {}
    for line in done.stdout.splitlines():
        name, _, text = line.partition(" ")
        results[name] = text
    return results


def run_cases(tool: str, root: Path, jobs: int) -> dict[str, str]:
    results, runnable = {}, []
    for folder in sorted(root.iterdir()):
        if (folder / "skip.txt").exists():
            results[folder.name] = "E0602: type"
        else:
            runnable.append(folder)
    chunks = [runnable[start : start + 50] for start in range(0, len(runnable), 50)]
    with ThreadPoolExecutor(jobs) as pool:
        for part in pool.map(lambda chunk: run_chunk(tool, chunk), chunks):
            results.update(part)
    return results


def read_status(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {row["case"]: row["status"] for row in csv.DictReader(file)}


def write_status(path: Path, rows: dict[str, str]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case", "status"])
        writer.writerows(sorted(rows.items()))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("patterns", nargs="*")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--dynamic", action="store_true")
    parser.add_argument("--shard", default="0/1")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = arguments.keep or Path(temporary) / "cases"
        if not root.exists():
            flags = [f"--shard={arguments.shard}", *(["--dynamic"] if arguments.dynamic else [])]
            command = [sys.executable, str(HERE / "cases.py"), str(root), *flags, *arguments.patterns]
            subprocess.run(command, check=True)
        results = run_cases(arguments.tool, root, arguments.jobs)
    path = STATUS[arguments.dynamic]
    status, failures = read_status(path), []
    counts: Counter[str] = Counter()
    for name, line in sorted(results.items()):
        found, expected = classify(line, arguments.dynamic), status.get(name, "absent")
        kind = "oracle" if expected.startswith("oracle:") else found.partition(":")[0]
        counts[kind if kind in ("pass", "unsupported", "oracle") else "failed"] += 1
        if expected.startswith("oracle:") and found != "pass":
            continue
        if arguments.update and (found == "pass" or found.startswith("unsupported:")):
            status[name] = found
        elif found != expected:
            failures.append(f"{name}: {line} (expected {expected})")
    if arguments.update:
        write_status(path, status)
    print("\n".join(failures))
    print(", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())), f"of {len(results)}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
