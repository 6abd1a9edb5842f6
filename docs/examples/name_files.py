"""Names the type of files with magika's model, compiled ahead of time by Lutra.

usage: name_files.py FILE...

Compiles the ONNX model inside the `magika` package to one shared library, loads that, runs it on the given files, and
compares every score with onnxruntime on the same input. This is also the job of tools/quickstart.
"""

import json
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import lutra
import numpy as np
import numpy.typing as npt


def model_folder() -> Path:
    """Folder of the newest model that the magika package carries."""
    spec = find_spec("magika")
    if spec is None or spec.origin is None:
        raise SystemExit("name_files.py: the package magika is missing; run tools/quickstart")
    return Path(spec.origin).parent / "models" / "standard_v3_3"


def features(path: Path, config: dict[str, int]) -> npt.NDArray[np.int32]:
    """The model's input for one file: first and last bytes, white space stripped, padded with token 256."""
    size, block = path.stat().st_size, config["block_size"]
    with path.open("rb") as file:
        head = file.read(block).lstrip()[: config["beg_size"]]
        file.seek(max(0, size - block))
        tail = file.read(block).rstrip()[-config["end_size"] :]
    tokens = np.full(config["beg_size"] + config["end_size"], config["padding_token"], np.int32)
    tokens[: len(head)] = np.frombuffer(head, np.uint8)
    if tail:
        tokens[-len(tail) :] = np.frombuffer(tail, np.uint8)
    return tokens


def fastest_ms(call: "object", rounds: int = 20) -> float:
    """Least time of one call in milliseconds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        call()  # type: ignore[operator]
        best = min(best, time.perf_counter() - start)
    return best * 1e3


def main() -> int:
    folder = model_folder()
    config = json.loads((folder / "config.min.json").read_text())
    labels: list[str] = config["target_labels_space"]
    paths = [Path(name) for name in sys.argv[1:]]
    if not paths:
        raise SystemExit(__doc__)
    batch = np.stack([features(path, config) for path in paths])

    start = time.perf_counter()
    model = lutra.compile(folder / "model.onnx")
    compile_seconds = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as scratch:
        library = Path(scratch) / "magika.so"
        model.save(library)
        size = library.stat().st_size
        loaded = lutra.load(library)  # needs no compiler
        (scores,) = loaded(batch)
        ours_ms = fastest_ms(lambda: loaded(batch))

    import onnxruntime

    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: batch}
    expected = session.run(None, feed)[0]
    theirs_ms = fastest_ms(lambda: session.run(None, feed))

    width = max(len(str(path)) for path in paths)
    for path, row in zip(paths, scores, strict=True):
        print(f"{str(path):{width}}  {labels[int(row.argmax())]:12} {row.max():.3f}")
    agree = int((scores.argmax(1) == expected.argmax(1)).sum())
    print(f"compiled in {compile_seconds:.2f} s to {size / 1e6:.1f} MB; {ours_ms:.2f} ms for {len(paths)} files")
    print(
        f"onnxruntime: {theirs_ms:.2f} ms; same label for {agree} of {len(paths)} files, "
        f"largest difference of a score {np.abs(scores - expected).max():.1e}"
    )
    return 0 if agree == len(paths) else 1


if __name__ == "__main__":
    sys.exit(main())
