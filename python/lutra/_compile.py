"""lutra.compile: a model file, its bytes or an exported program to something that runs."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, Unpack, cast, overload

from lutra._errors import UsageError, error_for
from lutra._model import Model
from lutra._package import Package
from lutra._samples import write_samples
from lutra._sizes import Dims, plain_dims, plain_threads

if TYPE_CHECKING:
    from onnx import ModelProto
    from torch.export import ExportedProgram

    from lutra.torch import ImportedProgram

    Bytes: TypeAlias = bytes | bytearray | memoryview
    Source: TypeAlias = str | os.PathLike[str] | Bytes | ModelProto | ExportedProgram | ImportedProgram

Samples: TypeAlias = "str | os.PathLike[str] | Iterable[Any] | Callable[[], Any]"
DimNames: TypeAlias = Mapping[str, Sequence[str | None]]
Spec: TypeAlias = "str | os.PathLike[str] | Mapping[str, str | float | Sequence[str]]"


class Options(TypedDict, total=False):
    """The keywords of lutra.compile beside target."""

    threads: int | None
    output: str | os.PathLike[str] | None
    target_cpu: str | Sequence[str] | None
    gpu_arch: str | Sequence[str] | None
    cuda: str | os.PathLike[str] | None
    dims: Dims | None
    dim_names: DimNames | None
    quantize: Spec | None
    calibrate: Samples | Sequence[Samples] | None
    tokenizer: Any
    quantize_report: str | os.PathLike[str] | None
    report: str | os.PathLike[str] | None
    strategy: str
    arithmetic: str
    compile_threads: int | None
    isolate: bool | None


@overload
def compile(model: Source, *, target: Literal["mil"], **options: Unpack[Options]) -> Package: ...


@overload
def compile(model: Source, *, target: Literal["cpu", "nvgpu"] = "cpu", **options: Unpack[Options]) -> Model: ...


@overload
def compile(model: Source, *, target: str, **options: Unpack[Options]) -> Model | Package: ...


def compile(
    model: Source,
    *,
    target: str = "cpu",
    threads: int | None = None,
    output: str | os.PathLike[str] | None = None,
    target_cpu: str | Sequence[str] | None = None,
    gpu_arch: str | Sequence[str] | None = None,
    cuda: str | os.PathLike[str] | None = None,
    dims: Dims | None = None,
    dim_names: DimNames | None = None,
    quantize: Spec | None = None,
    calibrate: Samples | Sequence[Samples] | None = None,
    tokenizer: Any = None,
    quantize_report: str | os.PathLike[str] | None = None,
    report: str | os.PathLike[str] | None = None,
    strategy: str = "auto",
    arithmetic: str = "float",
    compile_threads: int | None = None,
    isolate: bool | None = None,
) -> Model | Package:
    """Compile an .onnx or .mlir file, an ONNX model (bytes or onnx.ModelProto) or an exported program ahead of time.

    target: "cpu", "nvgpu" (a model that opens its GPU at the first call, so that it can be compiled on a machine
    without one) or "mil" (a Core ML package). threads: of one call of the model, None is one per CPU. output: keep
    the artifact here (otherwise it lives as long as the model; see Model.save). target_cpu: instruction-set levels,
    such as "avx2" or ["avx2", "avx512"]. gpu_arch: "sm_80", "sm_90a" or both (default). cuda: the CUDA toolkit's
    folder, if it is not found by itself (in CUDA_HOME, as the package nvidia-cuda-nvcc, on PATH). dims: fixed sizes
    or (low, high) ranges of named input sizes. dim_names: what the dynamic sizes of an exported program are called,
    by input: {"input_ids": ["batch", "seq"]}. quantize: which weights of products to store in few bits, such as
    "int8", "w4a8" or "weights=int4:g128,exclude=*head*" (docs/quantization.md), a dict of such items, {"weights":
    "int4:g128", "exclude": ["*head*"]}, or the path of a TOML file of them (.toml). calibrate: inputs of the model
    that quantization fits codes to: an .npz, .npy, .safetensors or .jsonl file, a folder of them, samples (dicts of
    arrays by input name, tuples of arrays in the order of the inputs, or arrays where there is one input; of NumPy or
    torch) in an iterable, from a reader's get_next() or a function, or a list of such sets, which weigh the same.
    tokenizer: makes token ids of .txt files and of lines {"text": ".."} of .jsonl files among these: the path of a
    tokenizer.json, or a tokenizer of the packages tokenizers or transformers.
    quantize_report: a JSON file for what it did to each layer. report: a JSON file for what the compiler decided, such
    as the strategy of each product. strategy: how products are computed, such as "coded" (of all, or an error),
    "coded,auto" (of those that it computes; the others get the cheapest). arithmetic: "integer" computes codes from
    codes without floats where it can be (docs/quantization.md). isolate: compile in a process of its own, so that no
    fault of the compiler reaches this one (default for files); what is in memory, such as an exported program's
    weights, is not copied without.

    Raises a CompileError whose class tells the kind and whose `diagnostics` list every finding.
    """
    source = _as_source(model)
    sizes = plain_dims(dims)
    plain_threads(threads)  # before the work, not after it
    folder = None
    if output is None:
        folder = tempfile.TemporaryDirectory(prefix="lutra-")
        output = Path(folder.name) / ("model.mlpackage" if target == "mil" else "model.so")
    flags = [f"--target={target}", f"--strategy={strategy}", f"--arithmetic={arithmetic}", "-o", os.fspath(output)]
    for flag, names in (("--target-cpu", target_cpu), ("--gpu-arch", gpu_arch)):
        if names is not None:
            flags.append(f"{flag}={names if isinstance(names, str) else ','.join(names)}")
    if quantize is not None:
        flags.append(f"--quantize={_spec_text(quantize)}")
    if quantize_report is not None:
        flags.append(f"--quantize-report={os.fspath(quantize_report)}")
    if report is not None:
        flags.append(f"--report={os.fspath(report)}")
    if tokenizer is not None and calibrate is None:
        raise UsageError(["tokenizer goes with calibrate; say which texts to make tokens of"])
    samples = None if calibrate is None else tempfile.TemporaryDirectory(prefix="lutra-samples-")
    if samples is not None:
        flags.append(f"--calibrate={write_samples(calibrate, Path(samples.name), tokenizer)}")
    if cuda is None and target == "nvgpu":
        cuda = _packaged_toolkit()
    if cuda is not None:
        flags.append(f"--cuda={os.fspath(cuda)}")
    if compile_threads is not None:
        flags.append(f"--threads={compile_threads}")
    if isinstance(source, str | bytes):
        if dim_names is not None:
            raise UsageError(["dim_names belong to exported programs; a file names its sizes itself"])
        for name, size in sizes.items():
            flags.append(f"--dim={name}={size}" if isinstance(size, int) else f"--dim={name}={size[0]}..{size[1]}")
        _compile_file(source, flags, isolate)
    else:
        _compile_program(source, sizes, dim_names, flags, isolate)
    if samples is not None:
        samples.cleanup()
    if target == "mil":
        return Package(output, folder=folder)
    return Model(output, threads=threads, folder=folder, deferred=target != "cpu")


def _read_spec(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # also of its text
        raise UsageError([f"quantize {path} cannot be read: {error}"]) from None


def _spec_text(spec: object) -> str:
    """A spec as the compiler takes it. Numbers have no exponents in it."""
    if isinstance(spec, os.PathLike) or (isinstance(spec, str) and spec.endswith(".toml")):
        spec = _read_spec(Path(spec))
    if isinstance(spec, str):
        return spec
    if not isinstance(spec, Mapping) or not spec:
        raise UsageError(
            [f"quantize takes a spec as text, a dict of its items or the path of a TOML file of them, not {spec!r}"]
        )
    items = []
    for key, value in spec.items():
        parts = value if isinstance(value, list | tuple) else [value]
        texts = [f"{part:.12f}".rstrip("0").rstrip(".") if isinstance(part, float) else str(part) for part in parts]
        known = all(isinstance(part, str | int | float) and not isinstance(part, bool) for part in parts)
        if not isinstance(key, str) or not known or (parts is value and key != "exclude"):
            raise UsageError([f"quantize has {key!r}: {value!r}; an item is a text, a number or, of exclude, a list"])
        if key != "exclude" and "," in "".join(texts):
            raise UsageError([f"quantize has {key!r}: {value!r}, whose comma would start another item"])
        if texts:
            items.append(f"{key.removesuffix('=')}={';'.join(texts)}")
    return ",".join(items)


def _packaged_toolkit() -> str | None:
    """The folder of PyPI's nvidia-cuda-nvcc, laid out like a toolkit's, unless the environment names a toolkit."""
    if any(os.environ.get(name) for name in ("CUDA_HOME", "CUDA_PATH", "CUDA_ROOT")):
        return None
    package = importlib.util.find_spec("nvidia")
    for folder in (package.submodule_search_locations if package else None) or ():
        for toolkit in sorted(Path(folder).glob("cu[0-9]*"), reverse=True):
            if os.access(toolkit / "bin" / "ptxas", os.X_OK):
                return os.fspath(toolkit)
    return None


def _as_source(model: object) -> str | bytes | ExportedProgram | ImportedProgram:
    """A path, an ONNX model's bytes or a program. What was not imported yet cannot be the model's class."""
    if isinstance(model, str | os.PathLike):
        return os.fsdecode(model)
    if isinstance(model, bytes | bytearray | memoryview):
        return bytes(model)
    if getattr(getattr(model, "DESCRIPTOR", None), "full_name", None) == "onnx.ModelProto":
        return bytes(cast("ModelProto", model).SerializeToString())
    torch, importer = sys.modules.get("torch"), sys.modules.get("lutra.torch")
    if importer is not None and isinstance(model, importer.ImportedProgram):
        return cast("ImportedProgram", model)
    exported = getattr(getattr(torch, "export", None), "ExportedProgram", None)
    if exported is not None and isinstance(model, exported):
        return cast("ExportedProgram", model)
    kind = f"{type(model).__module__}.{type(model).__qualname__}"
    if torch is not None and isinstance(model, torch.nn.Module):
        raise TypeError(f"{kind} is a torch.nn.Module; export it with torch.export.export first")
    raise TypeError(
        f"cannot compile a {kind}; pass a path, the bytes of an ONNX model, an onnx.ModelProto, or what "
        "torch.export.export or lutra.torch.import_program returned"
    )


def _compile_file(model: str | bytes, flags: list[str], isolate: bool | None) -> None:
    data = model if isinstance(model, bytes) else None
    path = "model.onnx" if isinstance(model, bytes) else model
    flags.append(f"./{path}" if path.startswith("-") else path)  # a name, no flag
    if isolate is None:
        isolate = data is None
    if isolate and data is not None:
        raise UsageError(["isolate=True needs a file; write the bytes to one"])
    run_compiler(flags, data=data, isolate=isolate)


def _compile_program(
    program: ExportedProgram | ImportedProgram,
    dims: dict[str, int | tuple[int, int]],
    dim_names: DimNames | None,
    flags: list[str],
    isolate: bool | None,
) -> None:
    """In this process the builder's module is compiled where it is, with the weights in PyTorch's memory."""
    from lutra.torch import ImportedProgram, import_program

    if not isinstance(program, ImportedProgram):
        program = import_program(program, dim_names=dim_names, dims=dims)
    elif dims or dim_names:
        raise UsageError(["an imported program has its sizes already; pass dims and dim_names to import_program"])
    if not isolate:
        program._compile([*flags, "program.mlir"])
        return
    with tempfile.TemporaryDirectory(prefix="lutra-") as folder:
        path = Path(folder) / "program.mlirbc"
        program.write(path)
        run_compiler([*flags, "--allow-bytecode", os.fspath(path)], isolate=True)


def run_compiler(flags: Sequence[str], *, data: bytes | None = None, isolate: bool = False) -> str:
    """Run the compiler with the flags of lutra-compile; returns the module that it printed."""
    if isolate:
        finished = subprocess.run([_tool(), *flags], capture_output=True, text=True, check=False)
        code, lines, text = finished.returncode, finished.stderr.splitlines(), finished.stdout
    else:
        from lutra import _compiler  # loads LLVM: only when it is needed

        code, findings, text = _compiler.compile(list(flags), data)
        lines = [line for _, line in findings]
    if code != 0:
        raise error_for(code, lines)
    return text


def _tool() -> str:
    beside = Path(__file__).parent / "bin" / "lutra-compile"
    found = os.fspath(beside) if beside.exists() else shutil.which("lutra-compile")
    if found is None:
        raise error_for(5, ["lutra-compile is neither in the package nor on the PATH; pass isolate=False"])
    return found
