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
from run import measure, show  # noqa: E402

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
        fma_peak = read_rate = 0.0

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
