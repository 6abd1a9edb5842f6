"""Calibration through the package: samples in files and in memory are the same."""

from __future__ import annotations

import json
import os
from pathlib import Path

import lutra
import numpy as np
import pytest

FOLDER = Path(os.environ["LUTRA_TEST_FOLDER"])  # of test/Pipeline/Inputs/calibrate.py
MODEL = FOLDER / "model.mlir"


def samples() -> list[dict[str, np.ndarray]]:
    return [dict(np.load(path)) for path in sorted((FOLDER / "set").glob("*.npz"))]


def weights_of(model: lutra.Model) -> list[np.ndarray]:
    (own, *_) = samples()
    return list(model(**own))


def test_samples_in_memory_are_those_in_files() -> None:
    spec = "weights=int4:g32"
    by_path = weights_of(lutra.compile(MODEL, quantize=spec, calibrate=FOLDER / "set"))
    by_iterator = weights_of(lutra.compile(MODEL, quantize=spec, calibrate=iter(samples())))
    plain = weights_of(lutra.compile(MODEL, quantize=spec))
    for one, other in zip(by_path, by_iterator, strict=True):
        assert np.array_equal(one, other)
    assert not np.array_equal(plain[0], by_path[0])


def test_sets_are_paths_or_samples(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    sets = [FOLDER / "set", samples()[:2]]
    lutra.compile(MODEL, quantize="int4,holdout=50", calibrate=sets, quantize_report=report)
    found = json.loads(report.read_text())
    assert found["calibration"]["samples"] == 8
    assert not found["outputsOfFittedSamples"]
    assert {layer["weight"] for layer in found["layers"]} == {"w1", "w2"}
    assert [layer["weight"] for layer in found["kept"]] == ["w3"]
    assert all(layer["tokens"] == 280 and layer["method"] == "gptq" for layer in found["layers"])


def test_refuses_what_is_no_sample() -> None:
    with pytest.raises(lutra.UsageError, match="dicts of arrays"):
        lutra.compile(MODEL, quantize="int4", calibrate=samples()[0])
    with pytest.raises(lutra.UsageError, match="sample 1 of calibrate is a list"):
        lutra.compile(MODEL, quantize="int4", calibrate=[samples()[0], [1.0]])
    with pytest.raises(lutra.CompileError, match="has no array 'x'"):
        lutra.compile(MODEL, quantize="int4", calibrate=[{"attention_mask": np.ones(3, np.int64)}])
