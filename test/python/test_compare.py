"""The NumPy twin of the compare library refuses deliberately worse results."""

import numpy as np
from lutra.testing import compare


def test_accepts_inside_and_refuses_outside() -> None:
    reference = np.linspace(-1.0, 1.0, 1000)
    bound = np.full(1000, 1e-6)
    actual = reference.astype(np.float32)
    assert compare(actual, reference, bound).passed
    actual[517] += 1e-5
    report = compare(actual, reference, bound)
    assert not report.passed
    assert (report.violations, report.worst) == (1, 517)


def test_exact_without_bound() -> None:
    values = np.array([1.0, np.nan, np.inf, -0.0], np.float32)
    assert compare(values, np.array([1.0, np.nan, np.inf, 0.0], np.float32)).passed
    assert not compare(values, np.array([1.0, np.nan, -np.inf, 0.0], np.float32)).passed
    assert not compare(values, np.array([1.0, 1.0, np.inf, 0.0], np.float32)).passed


def test_open_elements_are_counted() -> None:
    report = compare(np.array([5.0]), np.array([1.0]), np.array([np.inf]))
    assert report.passed
    assert report.undetermined == 1


def test_integers_keep_all_bits() -> None:
    assert not compare(np.array([2**60]), np.array([2**60 + 1])).passed
    assert compare(np.array([], np.int64), np.array([], np.int64)).passed


def test_shapes() -> None:
    assert not compare(np.zeros((2, 3)), np.zeros((3, 2))).passed
