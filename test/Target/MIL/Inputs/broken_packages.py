"""Damages a good package in one place at a time and wants the checker to name the fault.

usage: broken_packages.py GOOD.mlpackage FOLDER
"""

import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from coremltools.proto import Model_pb2
from mil_eval import check

MODEL = "Data/com.apple.CoreML/model.mlmodel"
WEIGHTS = "Data/com.apple.CoreML/weights/weight.bin"


def on_model(change: Callable) -> Callable[[Path], None]:
    """A damage to the parsed model: change(model, function, block)."""

    def damage(package: Path) -> None:
        model = Model_pb2.Model.FromString((package / MODEL).read_bytes())
        function = model.mlProgram.functions["main"]
        change(model, function, function.block_specializations[function.opset])
        (package / MODEL).write_bytes(model.SerializeToString())

    return damage


def on_bytes(file: str, change: Callable[[bytearray], bytes]) -> Callable[[Path], None]:
    def damage(package: Path) -> None:
        (package / file).write_bytes(change(bytearray((package / file).read_bytes())))

    return damage


def on_manifest(change: Callable[[dict], None]) -> Callable[[Path], None]:
    def damage(package: Path) -> None:
        manifest = json.loads((package / "Manifest.json").read_text())
        change(manifest)
        (package / "Manifest.json").write_text(json.dumps(manifest))

    return damage


def patched(at: int, data: bytes) -> Callable[[bytearray], bytes]:
    return lambda raw: bytes(raw[:at]) + data + bytes(raw[at + len(data) :])


def named(block: object, name: str) -> object:
    return next(op for op in block.operations if op.outputs[0].name == name)


def rename(operation: object, name: str) -> None:
    operation.outputs[0].name = name


def set_opset(model: object, function: object, block: object) -> None:
    function.opset = "CoreML7"
    function.block_specializations["CoreML7"].CopyFrom(block)
    del function.block_specializations["CoreML8"]


def first_item(manifest: dict) -> dict:
    return next(iter(manifest["itemInfoEntries"].values()))


def escape(manifest: dict) -> None:
    first_item(manifest)["path"] = "../../outside"


DAMAGES: list[tuple[str, Callable[[Path], None], str]] = [
    ("no-manifest", lambda p: (p / "Manifest.json").unlink(), "E0101"),
    ("manifest-not-json", on_bytes("Manifest.json", lambda raw: b"{"), "E0101"),
    ("manifest-version", on_manifest(lambda m: m.update(fileFormatVersion="9.0.0")), "lacks version"),
    ("manifest-root", on_manifest(lambda m: m.update(rootModelIdentifier="x")), "none of its items"),
    ("manifest-author", on_manifest(lambda m: first_item(m).pop("author")), "lacks path, name, author"),
    ("manifest-escapes", on_manifest(escape), "E0401"),
    ("no-weights", lambda p: shutil.rmtree((p / WEIGHTS).parent), "which is not there"),
    ("model-empty", on_bytes(MODEL, lambda raw: b""), "holds no ML program"),
    ("model-cut", on_bytes(MODEL, lambda raw: bytes(raw[: len(raw) // 2])), "E0101"),
    ("spec-unknown", on_model(lambda m, f, b: setattr(m, "specificationVersion", 42)), "E0603"),
    ("spec-and-opset", on_model(set_opset), "does not belong to specification version 9"),
    (
        "input-name",
        on_model(lambda m, f, b: setattr(m.description.input[0], "name", "other")),
        'is "in_0" in the function',
    ),
    (
        "input-shape",
        on_model(lambda m, f, b: m.description.input[0].type.multiArrayType.shape.append(2)),
        "another type",
    ),
    (
        "input-type",
        on_model(lambda m, f, b: setattr(m.description.input[0].type.multiArrayType, "dataType", 131104)),
        "another type",
    ),
    ("output-missing", on_model(lambda m, f, b: m.description.output.pop()), "has 0 outputs, the function 1"),
    ("name-twice", on_model(lambda m, f, b: rename(named(b, "relu"), "linear")), "defined twice"),
    ("name-illegal", on_model(lambda m, f, b: rename(named(b, "relu"), "re-lu")), "no identifier"),
    (
        "undefined-operand",
        on_model(lambda m, f, b: setattr(named(b, "relu").inputs["x"].arguments[0], "name", "gone")),
        'reads "gone"',
    ),
    ("undefined-result", on_model(lambda m, f, b: b.outputs.__setitem__(0, "gone")), 'result "gone" is not defined'),
    ("result-is-input", on_model(lambda m, f, b: b.outputs.__setitem__(0, "in_0")), "is an input or a constant"),
    (
        "operation-unknown",
        on_model(lambda m, f, b: setattr(named(b, "relu"), "type", "rectify")),
        'operation "rectify"',
    ),
    (
        "parameter-unknown",
        on_model(lambda m, f, b: named(b, "relu").inputs["z"].arguments.add(name="linear")),
        'no parameter "z"',
    ),
    (
        "parameter-missing",
        on_model(lambda m, f, b: named(b, "linear").inputs.pop("weight")),
        'lacks the parameter "weight"',
    ),
    (
        "constant-type",
        on_model(lambda m, f, b: setattr(named(b, "fc_weight").outputs[0].type.tensorType, "dataType", 11)),
        "E0202",
    ),
    (
        "constant-blob-offset",
        on_model(lambda m, f, b: setattr(named(b, "fc_weight").attributes["val"].blobFileValue, "offset", 128)),
        "behind the end of the weight file",
    ),
    ("blob-sentinel", on_bytes(WEIGHTS, patched(64, b"\0\0\0\0")), "no blob starts at offset 64"),
    ("blob-type", on_bytes(WEIGHTS, patched(68, struct.pack("<I", 4))), "type or size of its blob"),
    ("blob-size", on_bytes(WEIGHTS, patched(72, struct.pack("<Q", 22))), "E0"),
    ("blob-huge", on_bytes(WEIGHTS, patched(72, struct.pack("<Q", 2**63))), "longer than the weight file"),
    ("blob-start", on_bytes(WEIGHTS, patched(80, struct.pack("<Q", 64))), "does not start behind its metadata"),
    ("blob-nan", on_bytes(WEIGHTS, patched(130, struct.pack("<H", 0x7E00))), "NaN or an infinity at element 1"),
    ("weights-cut", on_bytes(WEIGHTS, lambda raw: bytes(raw[:-4])), "longer than the weight file"),
    ("weights-count", on_bytes(WEIGHTS, patched(0, struct.pack("<I", 7))), "E0402"),
    ("weights-version", on_bytes(WEIGHTS, patched(4, struct.pack("<I", 1))), "no header of version 2"),
]


def accepted(package: Path) -> bool:
    try:
        check(package)
    except BaseException:  # the loader has no exception class of its own
        return False
    return True


def main() -> int:
    good, folder = Path(sys.argv[1]), Path(sys.argv[2])
    failures, silent = [], 0
    for name, damage, expected in DAMAGES:
        package = folder / f"{name}.mlpackage"
        shutil.copytree(good, package)
        damage(package)
        result = subprocess.run(["lutra-mil", "--check", package], capture_output=True, text=True)
        if result.returncode not in (1, 3) or expected not in result.stderr:
            failures.append(f"{name}: exit {result.returncode}, wanted {expected!r}: {result.stderr.strip()}")
        silent += accepted(package)
    print("\n".join(failures) or f"{len(DAMAGES)} broken packages refused, {silent} of them accepted by coremltools")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
