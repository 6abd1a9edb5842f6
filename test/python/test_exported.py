"""lutra.compile on what torch.export returned: sizes, weights, targets, errors."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import lutra
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lutra.testing import compare, evaluate, notices  # noqa: E402
from lutra.torch import import_program  # noqa: E402


class Tied(torch.nn.Module):
    """One weight, used twice."""

    def __init__(self, size: int) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.weight = torch.nn.Parameter(torch.randn(size, size) / size**0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x @ self.weight) @ self.weight


def export(module: torch.nn.Module, rows: int = 5, size: int = 16) -> torch.export.ExportedProgram:
    batch = torch.export.Dim("batch", min=1, max=1024)
    return torch.export.export(module.eval(), (torch.randn(rows, size),), dynamic_shapes=({0: batch},))


@pytest.fixture(scope="module")
def program() -> torch.export.ExportedProgram:
    return export(Tied(16))


def check(program: torch.export.ExportedProgram, x: torch.Tensor, result: np.ndarray, folder: Path) -> None:
    """The result lies in the evaluator's bound, which notices one element that is off by a tenth."""
    graph = folder / "graph.mlirbc"
    import_program(program).write(graph)
    values, bounds = evaluate(graph, [x.numpy()])
    value, bound = values["output_0"], bounds["output_0"]
    assert value.shape == x.shape and np.abs(value).max() > 0
    report = compare(result, value, bound)
    assert report.passed and not report.undetermined, str(report)
    assert notices(value, bound)


def resident() -> int:
    """Bytes of memory that the process holds now."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


@pytest.mark.parametrize("isolate", [False, True])
def test_takes_tensors_of_any_batch(program: torch.export.ExportedProgram, tmp_path: Path, isolate: bool) -> None:
    model = lutra.compile(program, dim_names={"x": ["rows"]}, isolate=isolate)
    assert model.inputs == (lutra.TensorSpec("x", "float32", ("rows", 16)),)
    for rows in (1, 7, 64):
        x = torch.randn(rows, 16)
        check(program, x, model(x)[0], tmp_path)


def test_fixes_sizes(program: torch.export.ExportedProgram, tmp_path: Path) -> None:
    model = lutra.compile(program, dim_names={"x": ["rows"]}, dims={"rows": 3})
    assert model.inputs == (lutra.TensorSpec("x", "float32", (3, 16)),)
    x = torch.randn(3, 16)
    check(program, x, model(x)[0], tmp_path)
    with pytest.raises(lutra.RunError, match="has size 4 in dimension 0, but the model takes 3"):
        model(torch.randn(4, 16))


@pytest.mark.parametrize(
    ("dim_names", "dims", "message"),
    [
        ({"y": ["rows"]}, {}, 'E0901: dim_names is about an input "y"; the program has x'),
        ({"x": ["rows", None, "depth"]}, {}, 'E0901: dim_names has 3 names for input "x" of rank 2'),
        ({"x": ["rows", "columns"]}, {}, 'dimension 1 of input "x" "columns", but the program fixes it to 16; export'),
        ({"x": ["rows"]}, {"row": 3}, 'E0901: no size of the inputs is named "row"; known: rows'),
    ],
)
def test_refuses_names_that_the_program_lacks(
    program: torch.export.ExportedProgram, dim_names: dict[str, list[str | None]], dims: dict[str, int], message: str
) -> None:
    with pytest.raises(lutra.InvalidModelError, match=re.escape(message)):
        lutra.compile(program, dim_names=dim_names, dims=dims)


def test_refuses_two_names_of_one_size() -> None:
    class Sum(torch.nn.Module):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return x + y

    batch = torch.export.Dim("batch", min=1, max=64)
    tensor = torch.randn(5, 3)
    exported = torch.export.export(Sum(), (tensor, tensor), dynamic_shapes=({0: batch}, {0: batch}))
    names = {"x": ["rows"], "y": ["lines"]}
    with pytest.raises(lutra.InvalidModelError, match='"lines", but it is the size that was called "rows" before'):
        lutra.compile(exported, dim_names=names)
    fixed = lutra.compile(exported, dim_names={"x": ["rows"], "y": ["rows"]}, dims={"rows": 5})
    assert [spec.shape for spec in fixed.inputs] == [(5, 3), (5, 3)]


def test_shares_weights() -> None:
    size = 4096  # 64 MB
    module = Tied(size)
    exported = export(module, size=size)
    before = resident()
    imported = import_program(exported)
    assert resident() - before < size * size  # a copy would be four times that
    text = imported.text()
    assert text.count("lutra.global") == 1 and text.count("lutra.matmul") == 2
    del imported


def test_uses_an_imported_program_up(program: torch.export.ExportedProgram) -> None:
    imported = import_program(program, dim_names={"x": ["rows"]})
    assert "lutra.matmul" in imported.text()
    model = lutra.compile(imported)
    assert model.outputs == (lutra.TensorSpec("output_0", "float32", ("rows", 16)),)
    with pytest.raises(RuntimeError, match="compiled already"):
        imported.text()
    with pytest.raises(lutra.UsageError, match="import_program"):
        lutra.compile(import_program(program), dims={"s0": 3})


def test_lists_all_unsupported_operators() -> None:
    class Odd(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return torch.erfinv(x), torch.nonzero(x)

    exported = torch.export.export(Odd(), (torch.rand(3, 4),))
    with pytest.raises(lutra.UnsupportedError) as caught:
        lutra.compile(exported)
    assert caught.value.exit_code == 3
    assert caught.value.diagnostics == [
        'E0601: 2 operators have no import: aten.erfinv (1, first "erfinv"), aten.nonzero (1, first "nonzero")'
    ]


def test_writes_packages(program: torch.export.ExportedProgram, tmp_path: Path) -> None:
    with pytest.raises(lutra.UnsupportedError, match=r'needs static shapes.*give dims={"rows": SIZE}'):
        lutra.compile(program, target="mil", dim_names={"x": ["rows"]})
    package = lutra.compile(program, target="mil", dim_names={"x": ["rows"]}, dims={"rows": 3})
    copy = tmp_path / "copy.mlpackage"
    package.save(copy)
    stale = copy / "Data" / "stale"
    stale.touch()
    package.save(copy)  # replaces what was there
    assert not stale.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["copy.mlpackage"]
    written = {path.relative_to(package.path): path.read_bytes() for path in package.path.rglob("*") if path.is_file()}
    assert Path("Manifest.json") in written and len(written) == 3
    assert {path.relative_to(copy): path.read_bytes() for path in copy.rglob("*") if path.is_file()} == written
    subprocess.run(["lutra-mil", "--check", copy], check=True)
    (tmp_path / "other").mkdir()
    with pytest.raises(FileExistsError, match="is no package"):
        package.save(tmp_path / "other")


def test_opens_a_gpu_at_the_first_call(program: torch.export.ExportedProgram, tmp_path: Path) -> None:
    toolkit = tmp_path / "empty"
    toolkit.mkdir()
    with pytest.raises(lutra.EnvironmentFault, match="E0803: no ptxas") as caught:
        lutra.compile(program, target="nvgpu", cuda=toolkit)
    assert caught.value.exit_code == 5
    try:
        model = lutra.compile(program, target="nvgpu", gpu_arch="sm_80", output=tmp_path / "net.so")
    except lutra.EnvironmentFault:
        pytest.skip("no ptxas")
    assert model.target == "sm_80" and model.inputs[0].name == "x"  # known without a GPU
    x = torch.randn(2, 16)
    try:
        result = model(x)[0]
    except lutra.RunError as error:
        assert error.code == 5
        assert "no NVIDIA driver" in str(error) or "no GPU" in str(error)
        return
    # A GPU is here. Its products take tf32, which has 10 bits of fraction: the numbers are test/models' business.
    assert result.shape == (2, 16) and np.abs(result).max() > 0


def test_takes_the_assembler_of_a_package(
    program: torch.export.ExportedProgram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ptxas = tmp_path / "site" / "nvidia" / "cu13" / "bin" / "ptxas"
    ptxas.parent.mkdir(parents=True)
    ptxas.write_text("#!/bin/sh\necho an assembler from a package\nexit 1\n")
    ptxas.chmod(0o755)
    monkeypatch.syspath_prepend(tmp_path / "site")
    for name in ("CUDA_HOME", "CUDA_PATH", "CUDA_ROOT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(lutra.InternalError, match="an assembler from a package"):
        lutra.compile(program, target="nvgpu")
    monkeypatch.setenv("CUDA_HOME", str(tmp_path))
    with pytest.raises(lutra.EnvironmentFault, match="CUDA_HOME names"):
        lutra.compile(program, target="nvgpu")
