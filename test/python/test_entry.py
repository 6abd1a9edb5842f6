"""What a call with wrong arguments raises; the C side of the same checks is test/Runtime/entry.test."""

from __future__ import annotations

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
