"""What the layer makes of each way in which the tools can end, and of a run in which too little was compared."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import oracles
import pytest
from cases import read_text
from oracles import CALL, CRASH, DIED, HANG, IMPORT, INVALID, PASSED, REFUSED, THREADS, Options, Verdict, check
from run import ENOUGH, Run

CASE = read_text(Path(__file__).parent / "cases" / "scale-is-bias.txt")
# Overwrites the top byte of the first element of the result y.
SPOIL = """
"$real" "$@"
for word in "$@"; do case "$word" in --output=*) folder=${word#--output=};; esac; done
printf '\\105' | LD_PRELOAD= dd of="$folder/y.npy" bs=1 seek=$((127 + %d)) conv=notrunc status=none
exit 0
"""
ENDS = [
    ("lutra-compile", "model.so", "exit 70", CRASH),
    ("lutra-compile", "model.so", "kill -SEGV $$", CRASH),
    ("lutra-compile", "model.so", "exit 4", CRASH),
    ("lutra-compile", "model.so", "echo 'unsupported' >&2; exit 3", CRASH),
    ("lutra-compile", "model.so", """echo 'E0601: node "a" (Foo, line 1)' >&2; exit 3""", REFUSED),
    ("lutra-compile", "import.mlirbc", "exit 1", INVALID),
    ("lutra-compile", "model.so", "exec sleep 30", HANG),
    ("lutra-run", "model.so", "kill -SEGV $$", DIED),
    ("lutra-run", "model.so", "exit 1", CALL),
    ("lutra-run", "--bounds", SPOIL % 8, IMPORT),
    ("lutra-run", "--threads=2", SPOIL % 4, THREADS),
    ("lutra-run", "@nothing@", "exit 1", PASSED),
]


@pytest.mark.parametrize(("tool", "word", "body", "kind"), ENDS)
def test_endings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: str, word: str, body: str, kind: str) -> None:
    """The tool does as the body says when the word is among its arguments, else what it should."""
    script = tmp_path / "bin" / tool
    script.parent.mkdir()
    script.write_text(
        f'#!/bin/sh\nreal={shutil.which(tool)}\ncase "$*" in *{word}*) {body}\n;; esac\nexec "$real" "$@"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
    if kind == HANG:
        monkeypatch.setattr(oracles, "SECONDS", 3)
    assert check(CASE, Options((oracles.machine_levels()[0],)), tmp_path / "work").kind == kind


def test_shares(tmp_path: Path) -> None:
    """A run is wrong when too much is refused, too little judged, or too much accepted."""

    def complaints(refused: int, judged: int, noticed: int) -> int:
        run = Run(tmp_path, None)
        for number in range(ENOUGH):
            kind = REFUSED if number < refused else PASSED
            run.kinds[kind] += 1
            run.verdicts.append(Verdict(kind, results=1, noticed=number < noticed, calls=1, judged=number < judged))
        return len(run.summary())

    assert complaints(1, ENOUGH, ENOUGH) == 0
    assert complaints(ENOUGH // 2, ENOUGH, ENOUGH) == 1
    assert complaints(0, ENOUGH // 2, ENOUGH) == 1
    assert complaints(0, ENOUGH, ENOUGH // 2) == 1
