"""The benchmark finds its package, prints who failed and says so in its exit code."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from cases import Case  # noqa: E402
from ggml import stored_blocks  # noqa: E402
from machine import Machine, Work  # noqa: E402
from run import measure, relative_error, show  # noqa: E402
from weights import (  # noqa: E402
    Weight,
    bipolar,
    bitmod4,
    encoded,
    encoding_text,
    fp4,
    integers,
    iq4_nl,
    nf4,
    powers,
    ternary,
)

QUICK = ["--threads", "1", "--rounds", "1", "--round-ms", "1", "--with", "lutra"]


def bench(
    *arguments: str, script: Path = HERE / "run.py", pythonpath: str | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if pythonpath is not None:
        environment["PYTHONPATH"] = pythonpath
    command = [sys.executable, str(script), *QUICK, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_prints_a_row_and_writes_it(tmp_path: Path) -> None:
    done = bench("--filter", "softmax", "--json", str(tmp_path / "b.json"), pythonpath=os.environ["PYTHONPATH"])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("softmax 512x1024") and "1t  lutra" in done.stdout
    (row,) = json.loads((tmp_path / "b.json").read_text())["rows"]
    assert row["case"] == "softmax 512x1024" and row["microseconds"]["lutra"]["least"] > 0


def test_finds_the_package_that_was_built(tmp_path: Path) -> None:
    """Beside a repository's build folder without PYTHONPATH; without either there is one error."""
    script = tmp_path / "test" / "bench" / "run.py"
    shutil.copytree(HERE, script.parent, ignore=shutil.ignore_patterns("__pycache__"))
    arguments = ("--filter", "softmax", "--json", str(tmp_path / "b.json"))
    done = bench(*arguments, script=script)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("run.py: error: cannot import lutra (") and done.stderr.count("\n") == 1
    assert not (tmp_path / "b.json").exists()
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "python").symlink_to(os.environ["PYTHONPATH"])
    done = bench(*arguments, script=script)
    assert (done.returncode, done.stderr) == (0, "") and "lutra" in done.stdout


def test_refuses_a_filter_that_matches_nothing(tmp_path: Path) -> None:
    done = bench("--filter", "no such", "--json", str(tmp_path / "b.json"), pythonpath=os.environ["PYTHONPATH"])
    assert (done.returncode, done.stderr) == (2, "run.py: error: no case's name holds 'no such'\n")
    assert not (tmp_path / "b.json").exists()


def test_fails_when_lutra_does(tmp_path: Path) -> None:
    from onnx import TensorProto, helper, save

    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Unheard", ["x"], ["y"], domain="of")], "g", value[:1], value[1:])
    operators = [helper.make_opsetid("", 17), helper.make_opsetid("of", 1)]
    save(helper.make_model(graph, opset_imports=operators), tmp_path / "odd_model.onnx")
    arguments = (
        "--threads",
        "1",
        "1",
        "--filter",
        "odd_model",
        "--models",
        str(tmp_path),
        "--json",
        str(tmp_path / "b.json"),
    )
    done = bench(*arguments, pythonpath=os.environ["PYTHONPATH"])
    assert done.returncode == 1
    assert re.search(r"^    lutra: UnsupportedError: .*E0601", done.stdout, re.M)
    assert done.stderr == "run.py: error: lutra failed on odd_model\n" * 2
    rows = json.loads((tmp_path / "b.json").read_text())["rows"]
    assert ["compilation" in row for row in rows] == [True, False, False], "compiled once, measured twice"


def test_puts_errors_and_limits_beside_times(tmp_path: Path) -> None:
    """Of a product in few bits, whose peer has another form of the model."""
    arguments = ("--group", "lowbit", "--filter", "ternary a8 g128 gemm 1x2560x2048")
    others = ("--with", "lutra", "onnxruntime", "--json", str(tmp_path / "b.json"))
    done = bench(*arguments, *others, pythonpath=os.environ["PYTHONPATH"])
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(
        r"1t  lutra [\d.]+/\de-\d  ort [\d.]+/\de-\d  x.* of ort  \d+ GMAC/s  .*/clock  \d+% of ", done.stdout
    )
    result = json.loads((tmp_path / "b.json").read_text())
    (row,) = result["rows"]
    assert all(0 < error["rms"] < 0.02 and error["rms"] < error["max"] < 0.1 for error in row["error"].values())
    assert row["limit"]["name"] in {*result["machine"]["bytes_per_second"], *result["machine"]["macs_per_second"]}


def test_measures_groups_that_tiles_do_not_divide(tmp_path: Path) -> None:
    arguments = ("--group", "ragged", "--filter", "g128 gemm 16x2048x2056", "--with", "lutra", "--threads", "1")
    done = bench(*arguments, "--json", str(tmp_path / "b.json"), pythonpath=os.environ["PYTHONPATH"])
    assert (done.returncode, done.stderr) == (0, "")
    (row,) = json.loads((tmp_path / "b.json").read_text())["rows"]
    assert 0 < row["error"]["lutra"]["rms"] < 0.02


@pytest.mark.parametrize(
    "weight",
    [
        integers(8, 256, 3, 128),
        integers(8, 256, 4, 32, 8),
        integers(8, 256, 8, 256, 128),
        ternary(8, 256, 128),
        bipolar(8, 256, 128),
        fp4(8, 256),
        nf4(8, 256),
        iq4_nl(8, 256),
        bitmod4(8, 256),
        powers(8, 256, 3),
        powers(8, 256, 4),
    ],
    ids=lambda weight: weight.name,
)
def test_stores_weights_as_lutra_reads_them(weight: Weight) -> None:
    from lutra import encoding

    stored = encoding.decode(encoding_text(weight), weight.shape, encoded(weight))
    assert np.array_equal(stored, weight.values(0, 8))


def test_writes_blocks_as_ggml_reads_them() -> None:
    """Q4_0: a scale in f16, then 16 bytes with codes 0 to 15 in low nibbles and 16 to 31 in high ones."""
    weight = integers(2, 64, 4, 32, 8)
    kind, blocks = stored_blocks(weight) or (0, np.zeros(0, np.uint8))
    assert kind == 2 and blocks.shape == (2, 2, 18)
    assert np.array_equal(blocks[..., :2].copy().view(np.float16)[..., 0], weight.scales)
    codes = weight.codes.reshape(2, 2, 32)
    assert np.array_equal(blocks[..., 2:] & 15, codes[..., :16]) and np.array_equal(
        blocks[..., 2:] >> 4, codes[..., 16:]
    )
    assert stored_blocks(integers(2, 256, 4, 128)) is None, "it has no zero points for 128 columns"


def test_counts_errors_from_the_size_of_the_product() -> None:
    expected = np.array([[4.0, -4.0], [4.0, 4.0]])
    error = relative_error([np.array([[4.0, -2.0], [4.0, 4.0]], np.float32)], expected)
    assert error == {"max": 0.5, "rms": 0.25}


def test_takes_the_limit_that_binds() -> None:
    machine = Machine.__new__(Machine)
    machine.threads, machine.clock = 2, 1e9
    giga = 2.0**30
    machine.macs = {"fma": 16 * giga, "dot": 64 * giga, "amx": 1024 * giga, "amx8": 1024 * giga}
    machine.reads = {"L2": 64 * giga, "L3": 16 * giga, "DRAM": 8 * giga}
    mega = 2.0**20
    assert machine.limit(Work(mega, mega, 1, coded=True)) == ("L2", mega / giga / 64)
    assert machine.limit(Work(mega, 8 * mega, 1, coded=True)) == ("L3", 8 * mega / giga / 16)
    assert machine.limit(Work(mega, mega, 1, coded=True, cold=True)) == ("DRAM", mega / giga / 8)
    assert machine.limit(Work(giga, mega, 16, coded=True)) == ("amx", 1 / 1024 / 2)
    assert machine.limit(Work(giga, mega, 16, bfloat=True)) == ("amx", 1 / 512 / 2)
    assert machine.limit(Work(giga, mega, 16)) == ("fma", 1 / 16 / 2)
    # A tile of one row takes as long as one of 8.
    assert machine.limit(Work(giga, mega, 1, coded=True)) == ("amx", 1 / 128 / 2)


def test_measures_a_plausible_machine() -> None:
    machine = Machine()
    machine.measure()
    assert 0.5e9 < machine.clock < 7e9 or not machine.macs, "a multiplication takes 3 cycles"
    assert set(machine.reads) in ({"L2", "L3", "DRAM"}, set())


def test_measures_a_child_without_its_parent() -> None:
    """The peak of a process counts that of the one which forked it, until it runs its program."""
    ballast = bytes(range(256)) * 1_000_000
    code = "import time; data = b'x' * 300_000_000\nwhile time.process_time() < 0.2: pass"
    launch = [sys.executable, "-I", "-S", str(HERE / "compiling.py"), sys.executable, "-S", "-c"]
    large, small = (
        json.loads(subprocess.run([*launch, text], check=True, capture_output=True).stdout) for text in (code, "pass")
    )
    assert large["code"] == 0 and large["peak_bytes"] > 3e8 and large["cpu_seconds"] >= 0.2
    assert small["peak_bytes"] < 1e8 < len(ballast)


def test_names_every_peer_that_fails(capsys: pytest.CaptureFixture[str]) -> None:
    class NoMachine:
        def measure(self) -> None: ...

    def broken() -> object:
        raise ValueError("not today")

    options = Namespace(with_=["torch", "onnxruntime"], cpu_time=False, round_ms=1, rounds=1)
    inputs = {"x": np.zeros(3, np.float32)}
    show(measure(Case("broken", b"no model", inputs, torch=broken), 1, options, NoMachine()))  # type: ignore[arg-type]
    printed = capsys.readouterr().out
    assert "    torch: ValueError: not today" in printed
    assert "    onnxruntime: " in printed
    row = measure(Case("without torch", b"no model", inputs), 1, options, NoMachine())  # type: ignore[arg-type]
    assert set(row["refused"]) == {"onnxruntime"}, "a peer without a form of the case has not failed"
