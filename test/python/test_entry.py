"""What a call with wrong arguments raises; the C side of the same checks is test/Runtime/entry.test."""

from __future__ import annotations

import importlib.util
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

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


def test_refuses_sizes_beyond_memory() -> None:
    model = lutra.compile(MODEL.with_name("outer.mlir"), threads=1)
    ones = np.ones((1,) * 7 + (2,), np.float32)
    assert model(ones)[0].item() == 2**7 * 3  # prefix sums of ones and of pairs
    for size in (256, 2048, 65536):
        with pytest.raises(lutra.RunError, match="no memory for an arena of"):
            model(np.ones((1,) * 7 + (size,), np.float32))


def compile_imported(name: str, folder: Path) -> lutra.Model:
    """One of the importer's test models, compiled."""
    pytest.importorskip("onnx")
    source = Path(__file__).parents[1] / "Frontend" / "ONNX" / "Inputs" / "models.py"
    spec = importlib.util.spec_from_file_location("importer_models", source)
    assert spec is not None and spec.loader is not None
    models = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(models)
    path = folder / f"{name}.onnx"
    path.write_bytes(models.MODELS[name]().SerializeToString())
    return lutra.compile(path, threads=1)


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> lutra.Model:
    """A model whose ops ask something of sizes that are known at run time only."""
    return compile_imported("limited_sizes", tmp_path_factory.mktemp("limited"))


@pytest.fixture(scope="module")
def related(tmp_path_factory: pytest.TempPathFactory) -> lutra.Model:
    """A model whose ops take sizes of two names together."""
    return compile_imported("related_sizes", tmp_path_factory.mktemp("related"))


def related_inputs(n: int, m: int, k: int, rows: int) -> list[np.ndarray]:
    return [np.ones(shape, np.float32) for shape in ((n, 4), (m, 1), (3, k), (rows, 2))]


@pytest.mark.parametrize(("n", "m"), [(5, 5), (1, 5), (7, 1), (1, 1)])
def test_runs_where_sizes_fit(related: lutra.Model, n: int, m: int) -> None:
    total, fixed, product = related(*related_inputs(n, m, 6, 6))
    assert np.array_equal(total, np.full((max(n, m), 4), 2, np.float32))
    assert np.array_equal(fixed, np.full((5, 1), 2, np.float32))
    assert np.array_equal(product, np.full((3, 2), 6, np.float32))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            (3, 5, 6, 6),
            r'sizes 3 \(from dimension 0 of input "a"\) and 5 \(from .* input "b"\) meet in .* equal, or one of them 1',
        ),
        ((2, 2, 6, 6), r'sizes 2 \(from dimension 0 of input "b"\) and 5 meet in one op'),
        ((5, 5, 6, 7), r'sizes 6 \(.* input "c"\) and 7 \(.* input "d"\) meet in one op and must be equal$'),
    ],
)
def test_refuses_sizes_that_do_not_fit(related: lutra.Model, arguments: tuple[int, int, int, int], text: str) -> None:
    with pytest.raises(lutra.InputError, match=text):
        related(*related_inputs(*arguments))


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
        ({"depth": 6}, r'input "c" has size 6 in dimension 1 \(depth\), but the model takes 5$'),
    ],
)
def test_refuses_sizes_outside_limits(limited: lutra.Model, arguments: dict[str, int], text: str) -> None:
    with pytest.raises(lutra.RunError, match=text):
        limited(*sizes(**arguments))


@pytest.fixture(scope="module")
def matching(tmp_path_factory: pytest.TempPathFactory) -> lutra.Model:
    """A model whose ops would read outside their operands if sizes did not fit."""
    return compile_imported("matching_sizes", tmp_path_factory.mktemp("matching"))


def matching_inputs(**changed: int) -> dict[str, np.ndarray]:
    fitting = dict(a=2, b=2, c=3, d=3, e=1, f=5, g=4, picks=2, h=2, rows=2, places=1, updates=1, i=3, j=3, k=4, l=2)
    size = {**fitting, **changed}
    shapes = {name: (size[name], 3) for name in ("a", "b", "e", "f", "h", "updates")}
    shapes |= {name: (size[name], 4) for name in ("c", "d")} | {name: (size[name], 1) for name in ("rows", "places")}
    shapes |= {"g": (3, size["g"]), "picks": (2, size["picks"]), "i": (1, size["i"], 4), "j": (2, size["j"])}
    shapes |= {"k": (1, 1, size["k"], 2), "l": (size["l"], 2)}
    indices = ("picks", "rows", "places")
    return {
        name: np.zeros(shape, np.int64) if name in indices else np.arange(math.prod(shape), dtype="f").reshape(shape)
        for name, shape in shapes.items()
    }


def test_runs_where_all_sizes_match(matching: lutra.Model) -> None:
    inputs = matching_inputs()
    results = dict(zip([output.name for output in matching.outputs], matching(**inputs), strict=True))
    assert np.array_equal(results["joined"], np.concatenate([inputs["a"], inputs["b"]], 1))
    assert np.array_equal(results["rest"], inputs["d"].reshape(2, 6))
    assert np.array_equal(results["tail"], inputs["f"][2:])
    assert np.array_equal(results["picked"], inputs["g"][[0, 0], :2])
    assert results["blocks"].shape == (1, 4, 2, 1)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"a": 5}, r"sizes 5 .* and 2 .* meet in one op and must be equal"),
        ({"c": 1}, r'input "c" has size 1 in dimension 0 \(c0\), but the model takes 3$'),
        ({"d": 2}, r"make 4 \* d0 = 8, but an op needs that to be 6 \* floordiv\(4 \* d0, 6\) = 6"),
        ({"e": 5}, r'input "e" has size 5 in dimension 0 \(e0\), but the model takes 1$'),
        ({"f": 2}, r'input "f" has size 2 in dimension 0 \(f0\), but the model takes 5$'),
        ({"picks": 5}, r"make g1 = 4, but an op needs that to be at least p1 = 5"),
        ({"rows": 4}, r"sizes 2 .* and 4 .* meet in one op and must be equal"),
        ({"places": 9}, r"sizes 9 .* and 1 .* meet in one op and must be equal"),
        ({"i": 2}, r'input "i" has size 2 in dimension 1 \(i1\), but the model takes 3$'),
        ({"j": 5}, r'input "j" has size 5 in dimension 1 \(j1\), but the model takes 3$'),
        ({"k": 3}, r"make k.2 = 3, but an op needs that to be 2 \* floordiv\(k.2, 2\) = 2"),
        ({"l": 0}, r'input "l" has size 0 in dimension 0 \(l0\), but the model takes 1 or more'),
    ],
)
def test_refuses_sizes_that_would_read_outside(matching: lutra.Model, changed: dict[str, int], text: str) -> None:
    with pytest.raises(lutra.InputError, match=text):
        matching(**matching_inputs(**changed))


def test_raises_one_class_for_inputs(model: lutra.Model) -> None:
    assert issubclass(lutra.InputError, (lutra.RunError,)) and issubclass(lutra.InputError, ValueError)
    wrong = [
        ((A, B), "takes 3 inputs, not 2"),
        ((A.astype(np.float64), B, S), 'input "a" must hold float32, not float64'),
        ((A[0], B, S), 'input "a" has 1 dimensions'),
        ((A[:, :4], B, S), 'input "a" has size 4 in dimension 1'),
        (([[1.0], [1.0, 2.0]], B, S), 'input "a" is a list, which is no array'),
    ]
    for arguments, text in wrong:
        with pytest.raises(lutra.InputError, match=text) as caught:
            model(*arguments)
        assert caught.value.code == 1
    for named, text in (({"a": A, "z": B}, "no input 'z'"), ({"a": A, "b": B}, "inputs are missing: s")):
        with pytest.raises(lutra.InputError, match=text):
            model(**named)
    with pytest.raises(lutra.InputError, match="given twice"):
        model(A, a=A)
    with pytest.raises(lutra.InputError, match='input "a" has 1 dimensions'):
        model.infer_shapes((3,), (3, 1), ())


def test_tells_torch_users_what_to_do(model: lutra.Model) -> None:
    torch = pytest.importorskip("torch")
    a, b = torch.ones(3, 5), torch.ones(3, 1, dtype=torch.int64)
    assert np.array_equal(model(a, b, S)[0], np.full((3, 5), 3, np.float32))
    assert model(a.T.contiguous().T[:0], b[:0], S)[0].shape == (0, 5)
    with pytest.raises(lutra.InputError, match='input "a" must hold float32, not float64'):
        model(a.double(), b, S)
    with pytest.raises(lutra.InputError, match='input "a" must hold float32, not bfloat16'):
        model(a.bfloat16(), b, S)
    with pytest.raises(lutra.InputError, match=r'input "a" must hold float32, not elements of 64 bits \(DLPack'):
        model(a.to(torch.complex64), b, S)
    with pytest.raises(lutra.InputError, match=r'input "a" is not contiguous .*; pass x.contiguous\(\)'):
        model(torch.ones(5, 3).T, b, S)


def test_takes_an_input_named_self(tmp_path: Path) -> None:
    path = tmp_path / "self.mlir"
    path.write_text(MODEL.read_text().replace('"a"', '"self"').replace('"b"', '"arrays"'))
    (y,) = lutra.compile(path, threads=1)(self=A, arrays=B, s=S)
    assert np.array_equal(y, np.full((3, 5), 3, np.float32))


def negation() -> Any:
    onnx = pytest.importorskip("onnx")
    shape = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["rows", 2]) for name in "xy"]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Neg", ["x"], ["y"])], "neg", shape[:1], shape[1:])
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)


def test_takes_numpy_integers_as_sizes() -> None:
    for size in (np.int64(4), np.array(4)):
        assert lutra.compile(negation(), dims={"rows": size}).inputs[0].shape == (4, 2)
    lutra.compile(negation(), dims={"rows": (np.int32(1), np.int64(9))})
    for wrong in (2.5, "4", (1, 2, 3), None):
        with pytest.raises(TypeError, match=r"dims\['rows'\] is .*; a size is an integer or \(low, high\)"):
            lutra.compile(MODEL, dims={"rows": wrong})  # type: ignore[dict-item]


@pytest.mark.parametrize("wrong", [3, None, [MODEL], np.zeros(3), Path])
def test_refuses_what_is_no_model(wrong: object) -> None:
    with pytest.raises(TypeError, match="cannot compile a .*; pass a path, the bytes of an ONNX model"):
        lutra.compile(wrong)  # type: ignore[call-overload]


def test_refuses_modules_that_were_not_exported() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match="Linear is a torch.nn.Module; export it with torch.export.export first"):
        lutra.compile(torch.nn.Linear(2, 2))


def test_takes_onnx_models_from_memory() -> None:
    proto = negation()
    data, x = proto.SerializeToString(), np.ones((3, 2), np.float32)
    for source in (proto, data, bytearray(data), memoryview(data)):
        assert np.array_equal(lutra.compile(source)(x)[0], -x)


def test_imports_parts_when_they_are_named() -> None:
    code = (
        "import sys, lutra; assert 'lutra.torch' not in sys.modules; lutra.torch.import_program; "
        "lutra.testing.compare; assert not hasattr(lutra, 'absent')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_keeps_saved_models_apart(tmp_path: Path) -> None:
    """Weights beyond 64 MiB are a file of their own, which each saved model needs."""
    large = Path(__file__).parents[1] / "Target" / "CPU" / "Inputs" / "large.mlir"
    other = tmp_path / "other.mlir"
    other.write_text(large.read_text().replace("1.5", "2.5"))
    first, second = tmp_path / "p1.so", tmp_path / "p2.so"
    model = lutra.compile(large)
    model.save(first)
    lutra.compile(other).save(second)
    assert sorted(path.name for path in tmp_path.iterdir() if path != other) == [
        "p1.so",
        "p1.so.weights",
        "p2.so",
        "p2.so.weights",
    ]
    x = np.zeros((180000, 100), np.float32)
    for path, value in ((first, 1.5), (second, 2.5)):
        (y,) = lutra.load(path)(x)
        assert y[0, 0] == value and y[-1, -1] == value
    # Saved again from where it was saved, over the other model, and from weights that lie elsewhere.
    lutra.load(first).save(second)
    assert lutra.load(second)(x)[0][0, 0] == 1.5
    weights = first.with_name(first.name + ".weights").rename(tmp_path / "elsewhere.bin")
    lutra.load(first, weights=weights).save(tmp_path / "p3.so")
    assert lutra.load(tmp_path / "p3.so")(x)[0][0, 0] == 1.5
    # A model without a weights file takes that of the older one away.
    lutra.compile(MODEL).save(second)
    assert not (tmp_path / "p2.so.weights").exists()
    lutra.load(second)
    for path in tmp_path.iterdir():
        path.unlink()


@pytest.mark.parametrize("route", ["path", "memory", "save"])
def test_replaces_files_alone(route: str, tmp_path: Path) -> None:
    """Links are followed, pipes (and so devices) stay; the same for what lies beside."""
    source, above, below = tmp_path / "m.onnx", tmp_path / "above", tmp_path / "below"
    above.mkdir()
    below.mkdir()
    source.write_bytes(negation().SerializeToString())
    saved = lutra.compile(source)

    def write(path: Path) -> None:
        if route == "save":
            saved.save(path)
        else:
            lutra.compile(source if route == "path" else source.read_bytes(), output=path)

    pipe, link, other = above / "pipe", above / "link.so", above / "other.so"
    os.mkfifo(pipe)
    with pytest.raises((lutra.EnvironmentFault, OSError), match="not a regular file"):
        write(pipe)
    assert pipe.is_fifo()
    os.mkfifo(above / "other.so.weights")
    write(other)
    assert (above / "other.so.weights").is_fifo()
    link.symlink_to("../below/real.so")
    for _ in range(2):  # made by way of the link, then replaced
        write(link)
        assert link.is_symlink() and not (below / "real.so").is_symlink()
        lutra.load(link)
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted(
        ["m.onnx", "above", "below", "pipe", "other.so", "other.so.weights", "link.so", "real.so"]
    )


def test_takes_any_path_as_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that look like flags; an empty one is no name."""
    monkeypatch.chdir(tmp_path)
    for name in ("-m.onnx", "--help.onnx"):
        Path(name).write_bytes(negation().SerializeToString())
        for isolate in (True, False):
            assert lutra.compile(name, isolate=isolate).inputs[0].name == "x"
    lutra.compile("-m.onnx", output="-o.so")
    for name in ("--help", "--version"):
        with pytest.raises(lutra.EnvironmentFault, match="E0801"):
            lutra.compile(name)
    for isolate in (True, False):
        with pytest.raises(lutra.UsageError, match="-o takes a file's name, not ''"):
            lutra.compile("-m.onnx", output="", isolate=isolate)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["--help.onnx", "-m.onnx", "-o.so"]


@pytest.mark.parametrize("wrong", [1.5, "2", 2**40, -1, 1025])
def test_refuses_numbers_of_threads(wrong: Any, tmp_path: Path) -> None:
    text = rf"threads is {wrong!r}; it takes a whole number from 0 to 1024"
    with pytest.raises((TypeError, ValueError), match=text):
        lutra.compile(MODEL, threads=wrong, output=tmp_path / "m.so")
    assert not (tmp_path / "m.so").exists()
    with pytest.raises((TypeError, ValueError), match=text):
        lutra.load(tmp_path / "absent.so", threads=wrong)


def test_saves_after_the_folder_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = lutra.compile(MODEL, output="here.so")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    model.save("copy.so")
    assert np.array_equal(lutra.load("copy.so")(A, B, S)[0], np.full((3, 5), 3, np.float32))
