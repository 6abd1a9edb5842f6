"""Faulty models through lutra.compile: the exception's class mirrors the exit code of the tool."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import lutra
import pytest

CORPUS = Path(__file__).parents[1] / "malformed" / "run.py"
CLASSES = {
    1: lutra.InvalidModelError,
    3: lutra.UnsupportedError,
    4: lutra.LimitError,
    5: lutra.EnvironmentFault,
}


def load_corpus() -> ModuleType:
    spec = importlib.util.spec_from_file_location("malformed_corpus", CORPUS)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


corpus = load_corpus()
ROWS = list(corpus.rows())


def check(row: dict[str, str], folder: Path, isolate: bool) -> None:
    model = corpus.write_model(row, folder / "model")
    output = folder / "out.so"
    with pytest.raises(lutra.CompileError) as caught:
        lutra.compile(model, output=output, isolate=isolate)
    assert type(caught.value) is CLASSES[int(row["exit"])]
    assert caught.value.exit_code == int(row["exit"])
    assert len(caught.value.diagnostics) == 1
    assert row["code"] + ":" in caught.value.diagnostics[0]
    assert row["contains"] in caught.value.diagnostics[0]
    assert not list(folder.glob("*out.so*"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["generator"])
def test_raises_in_this_process(row: dict[str, str], tmp_path: Path) -> None:
    check(row, tmp_path, isolate=False)


@pytest.mark.parametrize("row", ROWS[::8], ids=lambda row: row["generator"])
def test_raises_across_processes(row: dict[str, str], tmp_path: Path) -> None:
    check(row, tmp_path, isolate=True)
