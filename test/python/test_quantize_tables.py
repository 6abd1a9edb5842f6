"""Tables that are looked up, in codes of 4 bits."""

from __future__ import annotations

import json
from pathlib import Path

import lutra
import numpy as np
import pytest

CPU = Path("/proc/cpuinfo").read_text()
LEVELS = [level for level, flag in {"baseline": "", "avx2": "avx2", "avx512": "avx512bw"}.items() if flag in CPU]


def lookup(values: np.ndarray) -> bytes:
    """Rows of E by indices of two dimensions, and by one index."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [helper.make_node("Gather", ["E", name], [out]) for name, out in (("many", "y"), ("one", "z"))]
    graph = helper.make_graph(
        nodes,
        "lookup",
        [
            helper.make_tensor_value_info("many", TensorProto.INT64, ["batch", "tokens"]),
            helper.make_tensor_value_info("one", TensorProto.INT64, []),
        ],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "tokens", values.shape[1]]),
            helper.make_tensor_value_info("z", TensorProto.FLOAT, [values.shape[1]]),
        ],
        [numpy_helper.from_array(values, "E")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


@pytest.mark.parametrize("columns", [2, 30, 64, 96, 110])
@pytest.mark.parametrize("level", LEVELS)
def test_codes_of_tables_are_exact(columns: int, level: str) -> None:
    """Groups of 32 columns, the last maybe short, whose values are a scale times -8 to 7 stay as they are."""
    pytest.importorskip("onnx")
    random = np.random.default_rng(columns)
    codes = random.integers(-8, 8, (70, columns))
    codes[:, ::32], codes[:, 1::32] = -8, 7
    groups = -(-columns // 32)
    scales = np.exp2(random.integers(-10, 11, (70, groups))) * random.choice([-1, 1], (70, groups))
    values = (codes * np.repeat(scales, 32, axis=1)[:, :columns]).astype(np.float32)
    values[5] = 0
    model = lutra.compile(lookup(values), quantize="embeddings=int4", target_cpu=level)
    many = random.integers(-70, 70, (3, 45))
    y, z = model(many=many, one=np.int64(5))
    assert np.array_equal(y, values[many])
    assert not z.any()
    assert np.array_equal(model(many=many[:0], one=np.int64(-1))[1], values[-1])
    assert model(many=many[:, :0], one=np.int64(0))[0].shape == (3, 0, columns)


def test_scales_take_two_bytes_where_they_fit(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    random = np.random.default_rng(1)
    report = tmp_path / "report.json"
    for size, scale, width in ((64, 1, 2), (64, 1e-9, 4), (65, 1, 4)):
        values = (random.standard_normal((100, size)) * scale).astype(np.float32)
        (y, _) = lutra.compile(lookup(values), quantize="embeddings=int4", quantize_report=report)(
            many=np.arange(100)[None], one=np.int64(0)
        )
        (table,) = json.loads(report.read_text())["embeddings"]
        if size % 2:  # two codes lie in a byte
            assert (table["format"], table["bytes"]) == ("int8:channel:sym", 100 * (size + 4))
        else:
            assert (table["format"], table["bytes"]) == ("int4:g32:asym", 100 * (size // 2 + size // 32 * (width + 1)))
        assert np.linalg.norm(y[0] - values) < 0.1 * np.linalg.norm(values)


NORMAL = (  # quantiles of a normal distribution (arXiv 2305.14314)
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
)  # fmt: skip


@pytest.mark.parametrize("columns", [2, 62, 64, 130])
@pytest.mark.parametrize("level", LEVELS)
def test_codes_of_normal_tables_are_exact(columns: int, level: str, tmp_path: Path) -> None:
    """Groups of 64 columns, the last maybe short, whose values are a power of two times those of nf4 stay."""
    pytest.importorskip("onnx")
    random = np.random.default_rng(columns)
    codes = random.integers(0, 16, (70, columns))
    codes[:, ::64], codes[:, 1::64] = 0, 15
    groups = -(-columns // 64)
    scales = np.exp2(random.integers(-10, 11, (70, groups))).astype(np.float32)
    values = np.array(NORMAL, np.float32)[codes] * np.repeat(scales, 64, axis=1)[:, :columns]
    values[5] = 0
    report = tmp_path / "report.json"
    model = lutra.compile(lookup(values), quantize="embeddings=nf4", target_cpu=level, quantize_report=report)
    (table,) = json.loads(report.read_text())["embeddings"]
    assert (table["format"], table["bytes"]) == ("nf4:g64", 70 * (columns // 2 + 2 * groups))
    many = random.integers(-70, 70, (3, 45))
    y, z = model(many=many, one=np.int64(5))
    assert np.array_equal(y, values[many])
    assert not z.any()
    assert model(many=many[:, :0], one=np.int64(0))[0].shape == (3, 0, columns)


def test_small_tables_stay_bytes(tmp_path: Path) -> None:
    """Beside a table of 16 times its elements one saves nothing."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(2)
    sizes = {"words": 1200, "places": 64, "kinds": 80}
    nodes = [helper.make_node("Gather", [name, "i"], [f"{name}_out"]) for name in sizes]
    graph = helper.make_graph(
        nodes,
        "lookups",
        [helper.make_tensor_value_info("i", TensorProto.INT64, ["n"])],
        [helper.make_tensor_value_info(f"{name}_out", TensorProto.FLOAT, ["n", 32]) for name in sizes],
        [
            numpy_helper.from_array(random.standard_normal((n, 32)).astype(np.float32), name)
            for name, n in sizes.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    for spec, few in (("int4", "int4:g32:asym"), ("nf4", "nf4:g64")):
        report = tmp_path / f"{spec}.json"
        lutra.compile(model.SerializeToString(), quantize=f"embeddings={spec}", quantize_report=report)
        formats = {table["weight"]: table["format"] for table in json.loads(report.read_text())["embeddings"]}
        assert formats == {"words": few, "places": "int8:channel:sym", "kinds": few}


def test_what_is_not_finite_is_refused() -> None:
    pytest.importorskip("onnx")
    values = np.ones((64, 32), np.float32)
    values[3, 4] = np.inf
    with pytest.raises(lutra.CompileError, match="table @E has elements that are not finite"):
        lutra.compile(lookup(values), quantize="embeddings=int4")
    with pytest.raises(lutra.CompileError, match="embeddings=int4, but no lookup reads rows"):
        lutra.compile(lookup(values), quantize="embeddings=int4,exclude=E")
