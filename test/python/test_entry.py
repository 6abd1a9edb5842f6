"""What a call with wrong arguments raises; the C side of the same checks is test/Runtime/entry.test."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import lutra
import numpy as np
import pytest

MODEL = Path(__file__).parents[1] / "Runtime" / "Inputs" / "entry.mlir"
A, B, S = np.ones((3, 5), np.float32), np.ones((3, 1), np.int64), np.array(2, np.float32)


@pytest.fixture(scope="module")
def model() -> lutra.Model:
    return lutra.compile(MODEL, threads=1)


def test_runs(model: lutra.Model) -> None:
    assert np.array_equal(model(A, B, S)[0], np.full((3, 5), 3, np.float32))
    assert model(A[:0], B[:0], S)[0].shape == (0, 5)


def test_refuses_wrong_types(model: lutra.Model) -> None:
    with pytest.raises(TypeError, match='input "b" must hold int64, not int32'):
        model(A, B.astype(np.int32), S)
    with pytest.raises(TypeError, match='input "s" must hold float32, not bool'):
        model(A, B, np.array(True))


def test_refuses_wrong_ranks(model: lutra.Model) -> None:
    with pytest.raises(ValueError, match='input "s" has 1 dimensions, but the model takes 0'):
        model(A, B, S.reshape(1))
    with pytest.raises(ValueError, match='input "b" has 1 dimensions, but the model takes 2'):
        model(A, B[:, 0], S)


def test_refuses_wrong_sizes(model: lutra.Model) -> None:
    with pytest.raises(lutra.RunError, match='input "a" has size 4 in dimension 1, but the model takes 5') as caught:
        model(A[:, :4], B, S)
    assert caught.value.code == 1
    with pytest.raises(
        lutra.RunError, match=r'input "b" has size 2 in dimension 0 \(rows\), but input "a" has 3 there'
    ):
        model(A, B[:2], S)
    with pytest.raises(lutra.RunError, match='input "b" has size 2 in dimension 1, but the model takes 1'):
        model(A, np.ones((3, 2), np.int64), S)


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> lutra.Model:
    """A model whose ops ask something of sizes that are known at run time only."""
    pytest.importorskip("onnx")
    source = Path(__file__).parents[1] / "Frontend" / "ONNX" / "Inputs" / "models.py"
    spec = importlib.util.spec_from_file_location("importer_models", source)
    assert spec is not None and spec.loader is not None
    models = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(models)
    path = tmp_path_factory.mktemp("limited") / "limited.onnx"
    path.write_bytes(models.limited_sizes().SerializeToString())
    return lutra.compile(path, threads=1)


def sizes(seq: int = 3, width: int = 3, depth: int = 5, batch: int = 2, rows: int = 2) -> list[np.ndarray]:
    shapes = ((batch, seq, 4), (1, 2, width), (rows, depth), (rows, 3))
    return [np.ones(shape, np.float32) for shape in shapes]


def test_runs_at_the_limits(limited: lutra.Model) -> None:
    first, second, product, free = limited(*sizes())
    assert np.array_equal(first, np.ones((2, 1, 4), np.float32))
    assert np.array_equal(second, np.ones((1, 1, 1), np.float32))  # two of three taps lie on padding
    assert np.array_equal(product, np.full((2, 2), 2.5, np.float32))
    assert free.shape == (2, 3)


def test_runs_without_rows(limited: lutra.Model) -> None:
    assert [result.shape for result in limited(*sizes(batch=0, rows=0))] == [(0, 1, 4), (1, 1, 1), (0, 2), (0, 3)]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"seq": 2}, r'input "a" has size 2 in dimension 1 \(seq\), but the model takes 3 or more'),
        ({"seq": 0}, r'input "a" has size 0 in dimension 1 \(seq\), but the model takes 3 or more'),
        ({"width": 2}, r'input "b" has size 2 in dimension 2 \(b.2\), but the model takes 3 or more'),
        ({"depth": 6}, r'input "c" has size 6 in dimension 1 \(depth\), but the model takes 5 to 5'),
    ],
)
def test_refuses_sizes_outside_limits(limited: lutra.Model, arguments: dict[str, int], text: str) -> None:
    with pytest.raises(lutra.RunError, match=text):
        limited(*sizes(**arguments))
