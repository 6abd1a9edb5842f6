"""Each file of lib/ and include/ may include only from a lower rank or from its own folder.

usage: layers.py SOURCE_ROOT     The table is the project's architecture; a new folder is first a new row here.
"""

import re
import sys
from pathlib import Path

RANKS = {
    "Support": 0,
    "Solver": 0,
    "Runtime": 0,
    "Machine": 1,
    "Dialect/Lutra/IR": 1,
    "Dialect/MIL/IR": 1,
    "Dialect/Lutra/Builder": 2,
    "Reference": 2,
    "Analysis": 2,
    "Scheduling": 3,
    "Dialect/Lutra/Transforms": 4,
    "Dialect/MIL/Transforms": 4,
    "Conversion": 4,  # one folder per pair, siblings of each other
    "Frontend": 4,
    "Target": 5,
    "Pipeline": 6,
    "API": 7,
}
# Conversion/Passes.h is the one list of conversion passes; the C API's headers belong to rank 7.
SHARED = {"Conversion/Passes.h": 4, "Conversion/Passes.h.inc": 4}
C_API = "lutra-c"
# Runtime never sees LLVM; transforms never see the evaluator or the runtime.
FORBIDDEN = {
    "Runtime": re.compile(r"^(mlir|llvm|lld)/"),
    "Dialect/Lutra/Transforms": re.compile(r"^lutra/(Reference|Runtime)/"),
}
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.MULTILINE)


def folder_of(path: str) -> str | None:
    """The row of the table (with the pair's folder for Conversion, Frontend, Target) that a path lies in."""
    for name in sorted(RANKS, key=len, reverse=True):
        if path == name or path.startswith(name + "/"):
            rest = path[len(name) + 1 :].split("/")
            return f"{name}/{rest[0]}" if name in ("Conversion", "Frontend", "Target") and len(rest) > 1 else name
    return None


def rank_of(folder: str) -> int:
    return next(RANKS[name] for name in sorted(RANKS, key=len, reverse=True) if folder.startswith(name))


def main() -> int:
    root = Path(sys.argv[1])
    errors = []
    files = [
        path
        for top in (root / "lib", root / "include" / "lutra")
        for path in sorted(top.rglob("*"))
        if path.suffix in (".h", ".cpp", ".c", ".td")
    ]
    for path in files:
        top = root / "lib" if path.is_relative_to(root / "lib") else root / "include" / "lutra"
        relative = path.relative_to(top).as_posix()
        folder = folder_of(relative)
        if folder is None:
            errors.append(f"{path.relative_to(root)}: its folder has no rank; add a row to test/lint/layers.py")
            continue
        for included in INCLUDE.findall(path.read_text()):
            forbidden = FORBIDDEN.get(folder)
            if forbidden and forbidden.match(included):
                errors.append(f"{path.relative_to(root)}: {folder} may not include {included}")
            if included.startswith(C_API + "/") and rank_of(folder) < RANKS["API"]:
                errors.append(f"{path.relative_to(root)}: rank {rank_of(folder)} includes the C API's {included}")
            if not included.startswith("lutra/"):
                continue
            target = included.removeprefix("lutra/")
            if target in SHARED and rank_of(folder) >= SHARED[target]:
                continue
            other = folder_of(target)
            if other is None:
                errors.append(f"{path.relative_to(root)}: {included} lies in a folder without a rank")
            elif other != folder and rank_of(other) >= rank_of(folder):
                errors.append(
                    f"{path.relative_to(root)}: {folder} (rank {rank_of(folder)}) includes {included} "
                    f"(rank {rank_of(other)}); move what is shared to a lower rank"
                )
    print("\n".join(errors) or f"{len(files)} files respect the ranks")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
