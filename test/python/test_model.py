"""The package on a model of the IR: compile, load, call, errors, threads."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from pathlib import Path

import lutra
import numpy as np
import pytest

CHAIN = Path(__file__).parents[1] / "Target" / "CPU" / "Inputs" / "chain.mlir"
WEIGHT = np.arange(1, 6, dtype=np.float32)


@pytest.fixture(scope="module")
def chain() -> lutra.Model:
    return lutra.compile(CHAIN, threads=2)


def expected(x: np.ndarray) -> np.ndarray:
    return (x + WEIGHT) * 2 + WEIGHT


def test_describes_itself(chain: lutra.Model) -> None:
    assert chain.inputs == (lutra.TensorSpec("x", "float32", ("rows", 5)),)
    assert chain.outputs == (lutra.TensorSpec("y", "float32", ("rows", 5)),)
    assert chain.level in chain.levels
    assert chain.compiler.startswith("lutra ")


@pytest.mark.parametrize("rows", [0, 1, 2, 7, 8, 9, 1000, 70001])
def test_takes_any_number_of_rows(chain: lutra.Model, rows: int) -> None:
    x = np.random.default_rng(rows).integers(-8, 8, (rows, 5)).astype(np.float32)
    (y,) = chain(x)
    assert y.shape == (rows, 5)
    assert np.array_equal(y, expected(x))
    (y,) = chain(x=x)
    assert np.array_equal(y, expected(x))


def test_takes_dlpack_and_strided_arrays(chain: lutra.Model) -> None:
    x = np.arange(60, dtype=np.float32).reshape(6, 10)[:, ::2]
    assert np.array_equal(chain(x)[0], expected(x))

    class Exchange:
        def __init__(self, array: np.ndarray) -> None:
            self.array = array

        def __dlpack__(self) -> object:
            return self.array.__dlpack__()

    assert np.array_equal(chain(Exchange(np.ascontiguousarray(x)))[0], expected(x))
    with pytest.raises(ValueError, match="contiguous"):
        chain(Exchange(x))


def test_copies_misaligned_arrays(chain: lutra.Model) -> None:
    x = np.arange(10, dtype=np.float32).reshape(2, 5)
    misaligned = np.frombuffer(b"?" + x.tobytes(), np.float32, offset=1).reshape(2, 5)
    assert not misaligned.flags.aligned
    assert np.array_equal(chain(misaligned)[0], expected(x))


def test_refuses_tensors_without_memory(chain: lutra.Model) -> None:
    torch = pytest.importorskip("torch")
    x = torch.ones(2, 5)
    for tensor in (x.to("meta"), x.to_sparse(), x.requires_grad_()):
        with pytest.raises(lutra.InputError, match='input "x" gives no memory to read .*pass a dense tensor') as info:
            chain(tensor)
        assert "\n" not in str(info.value)
    with torch.no_grad():
        assert np.array_equal(chain(x.detach())[0], expected(np.ones((2, 5), np.float32)))


def test_refuses_wrong_arguments(chain: lutra.Model) -> None:
    with pytest.raises(TypeError, match="float32, not float64"):
        chain(np.zeros((2, 5)))
    with pytest.raises(ValueError, match="has 1 dimensions, but the model takes 2"):
        chain(np.zeros(5, np.float32))
    with pytest.raises(lutra.RunError, match='input "x" has size 4 in dimension 1, but the model takes 5'):
        chain(np.zeros((2, 4), np.float32))
    with pytest.raises(TypeError, match="no input 'z'"):
        chain(z=np.zeros((2, 5), np.float32))
    with pytest.raises(TypeError, match="given twice"):
        chain(np.zeros((2, 5), np.float32), x=np.zeros((2, 5), np.float32))
    with pytest.raises(TypeError, match="1 inputs, not 0"):
        chain()


def test_knows_shapes_and_memory(chain: lutra.Model) -> None:
    assert chain.infer_shapes((3, 5)) == [(3, 5)]
    assert chain.arena_bytes((0, 5)) == 0
    assert chain.arena_bytes((100, 5)) >= 100 * 5 * 4


def test_saves_and_loads_without_the_compiler(chain: lutra.Model, tmp_path: Path) -> None:
    chain.save(tmp_path / "copy.so")
    code = (
        "import sys, numpy, lutra; m = lutra.load(sys.argv[1]); m(numpy.ones((2, 5), numpy.float32)); "
        "maps = open('/proc/self/maps').read(); assert 'LLVM' not in maps and 'MLIR' not in maps"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "copy.so")], check=True)
    with pytest.raises(lutra.RunError, match="cannot load"):
        lutra.load(tmp_path / "absent.so")


def test_loads_what_a_path_holds_now(tmp_path: Path) -> None:
    """dlopen alone gives the library that the process already has of that name."""
    text = (
        'func.func @main(%x: tensor<2xf32> {lutra.name = "x"}) -> (tensor<2xf32> {lutra.name = "y"}) {\n'
        "  %r = lutra.unary<KIND> %x : tensor<2xf32> -> tensor<2xf32>\n  return %r : tensor<2xf32>\n}\n"
    )
    for kind in ("neg", "abs"):
        (tmp_path / f"{kind}.mlir").write_text(text.replace("KIND", kind))
    path, x = tmp_path / "same.so", np.array([1, -2], np.float32)
    negates = lutra.compile(tmp_path / "neg.mlir", output=path)
    twice = lutra.load(path)
    takes_abs = lutra.compile(tmp_path / "abs.mlir", output=path)
    for model, y in ((negates, [-1, 2]), (takes_abs, [1, 2]), (twice, [-1, 2]), (lutra.load(path), [1, 2])):
        assert model(x)[0].tolist() == y
    # What was loaded from there can no longer be copied from there.
    with pytest.raises(lutra.RunError, match="was replaced after"):
        negates.save(tmp_path / "copy.so")
    takes_abs.save(tmp_path / "copy.so")
    lutra.compile(tmp_path / "neg.mlir").save(tmp_path / "copy.so")
    assert lutra.load(tmp_path / "copy.so")(x)[0].tolist() == [-1, 2]


def test_finds_damage_before_loading(chain: lutra.Model, tmp_path: Path) -> None:
    """Each in a process of its own: what is mapped without a look ends it."""
    chain.save(tmp_path / "whole.so")
    data = (tmp_path / "whole.so").read_bytes()
    files = {"empty": b"", "text": b"text" * 99}
    for part in (63, 64, 300, 4096, len(data) // 2, len(data) - 4096, len(data) - 25):
        files[f"cut{part}"] = data[:part]
    for at in (5, 0x28, 0x41, 200, 5000, len(data) // 2, len(data) - 30, len(data) - 1):
        files[f"flipped{at}"] = data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
    for name, bytes_ in files.items():
        (tmp_path / f"{name}.so").write_bytes(bytes_)
    code = (
        "import sys, lutra\nfor path in sys.argv[1:]:\n  try:\n    lutra.load(path); print('loaded', path)\n"
        "  except lutra.RunError as error:\n"
        "    print('refused' if error.code == 2 and error.args[0].startswith('cannot load the model: ') else error)"
    )
    paths = [str(tmp_path / f"{name}.so") for name in files]
    run = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout.split("\n")) == (0, ["refused"] * len(files) + [""]), run.stderr
    # Other tools drop the hash; without it the length still counts.
    (tmp_path / "bare.so").write_bytes(data[:-24])
    lutra.load(tmp_path / "bare.so")


def test_gives_the_same_bits_for_any_thread_count(tmp_path: Path) -> None:
    path = tmp_path / "m.so"
    lutra.compile(CHAIN, output=path)
    x = np.random.default_rng(1).standard_normal((50021, 5)).astype(np.float32)
    results = [lutra.load(path, threads=count)(x)[0] for count in (1, 2, 3, 8)]
    for other in results[1:]:
        assert np.array_equal(results[0].view(np.uint32), other.view(np.uint32))


def test_runs_in_many_threads_at_once(chain: lutra.Model) -> None:
    wrong = []

    def work(seed: int) -> None:
        x = np.random.default_rng(seed).integers(-8, 8, (513, 5)).astype(np.float32)
        for _ in range(50):
            if not np.array_equal(chain(x)[0], expected(x)):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_keeps_no_references(chain: lutra.Model) -> None:
    x = np.ones((4, 5), np.float32)
    chain(x)
    before = sys.getrefcount(x)
    for _ in range(1000):
        chain(x)
    gc.collect()
    assert sys.getrefcount(x) == before


@pytest.mark.parametrize("isolate", [True, False])
def test_reports_compile_errors(tmp_path: Path, isolate: bool) -> None:
    broken = tmp_path / "broken.mlir"
    broken.write_text("module {")
    with pytest.raises(lutra.InvalidModelError) as caught:
        lutra.compile(broken, isolate=isolate)
    assert caught.value.exit_code == 1
    assert "E0501" in caught.value.diagnostics[0]
    with pytest.raises(lutra.UsageError, match="--target takes cpu, nvgpu or mil"):
        lutra.compile(CHAIN, target="abacus", isolate=isolate)
    with pytest.raises(lutra.EnvironmentFault, match="E0801"):
        lutra.compile(tmp_path / "absent.mlir", isolate=isolate)
    with pytest.raises(lutra.UsageError, match="--strategy"):
        lutra.compile(CHAIN, strategy="fastest", isolate=isolate)
