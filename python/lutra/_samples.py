"""Samples of a calibration as the compiler takes them: arrays in memory, and texts, become files."""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lutra._errors import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

KINDS = "give the path of a tokenizer.json, or a tokenizer of the packages tokenizers or transformers"

SAMPLES = (
    "samples are dicts of arrays by input name, tuples of arrays in the order of the inputs, or, where the model has "
    "one input, arrays"
)


def write_samples(calibrate: object, folder: Path, tokenizer: Any) -> str:
    """Sets of samples as the compiler takes them; those in memory, and texts, become files in `folder`."""
    if isinstance(calibrate, str | os.PathLike):
        path = os.fspath(calibrate)
        return path if tokenizer is None else _write_tokens(path, folder, tokenizer)
    if isinstance(calibrate, Mapping) or _is_array(calibrate):
        raise UsageError([f"calibrate is a single {type(calibrate).__name__}; {SAMPLES}, and [sample] for one alone"])
    # What anything else gives are samples: data loaders make lists of tensors.
    lists_are_sets = isinstance(calibrate, list | tuple)
    sets: list[str] = []
    samples = 0
    for index, item in enumerate(_items(calibrate)):
        arrays = _arrays_of(item, lists_are_sets)
        if (arrays is None and (samples > 0 or not _is_set(item))) or (arrays is not None and sets):
            beside = ", beside what is a set of samples" if sets else ""
            raise UsageError([f"sample {index} of calibrate is a {type(item).__name__}{beside}; {SAMPLES}"])
        if arrays is None:
            sets.append(write_samples(item, folder / str(index), tokenizer))
        else:
            _write_sample(arrays, folder, samples)
            samples += 1
    if not sets and samples == 0:
        raise UsageError([f"calibrate has a set without samples; {SAMPLES}"])
    return ";".join(sets) if sets else os.fspath(folder)


def _items(source: Any) -> Iterator[Any]:
    """What an iterable gives, or a reader or function until it returns None."""
    call = getattr(source, "get_next", source)  # readers of onnxruntime
    if call is source and hasattr(source, "__iter__"):
        yield from source
        return
    if callable(call):
        item = call()
        if isinstance(item, Iterator):
            yield from item
            return
        while item is not None:
            yield item
            item = call()
        return
    try:
        items = iter(source)  # of a dataset with numbered samples
    except TypeError:
        raise UsageError([f"calibrate is a {type(source).__name__}, neither path nor samples; {SAMPLES}"]) from None
    yield from items


def _is_array(value: object) -> bool:
    return hasattr(value, "__array__") or isinstance(value, int | float)


def _is_set(item: object) -> bool:
    sources = ("__iter__", "__getitem__", "get_next")
    return isinstance(item, os.PathLike) or callable(item) or any(hasattr(item, name) for name in sources)


def _arrays_of(item: object, lists_are_sets: bool) -> Mapping[str, Any] | None:
    """The arrays of a sample by their names; those of numpy.savez, which mean places, where they have none."""
    if isinstance(item, Mapping):
        return item
    if _is_array(item):
        return {"arr_0": item}
    if not item or not isinstance(item, tuple if lists_are_sets else (list, tuple)):
        return None
    parts: Sequence[Any] = item
    if any(isinstance(part, Mapping | tuple | str | os.PathLike) for part in parts):
        return None
    return {f"arr_{place}": part for place, part in enumerate(parts)}


def _write_sample(arrays: Mapping[str, Any], folder: Path, index: int) -> None:
    import numpy as np

    folder.mkdir(exist_ok=True, parents=True)
    # As numpy.savez does it, whose own arguments no input may have the names of.
    with zipfile.ZipFile(folder / f"{index:06}.npz", "w") as archive:
        for name, array in arrays.items():
            own = _as_array(array, f"sample {index} of calibrate has {name!r}")
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, own, allow_pickle=False)


def _as_array(values: object, where: str) -> npt.NDArray[Any]:
    import numpy as np

    try:
        if hasattr(values, "detach"):  # of torch, maybe with a gradient or on a GPU
            tensor: Any = values.detach().cpu()
            values = tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor
        array = np.asarray(values, order="C")
        if array.dtype.name == "bfloat16":  # of ml_dtypes; files have no name for it
            array = array.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise UsageError([f"{where}, which is no array: {error}"]) from None
    if array.dtype.hasobject:
        raise UsageError([f"{where} of objects; give numbers of one type and shape"])
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def _write_tokens(calibrate: str, folder: Path, tokenizer: Any) -> str:
    """The sets of a path with the token ids of those that are texts."""
    sets = []
    encode = _encoder(tokenizer)
    for index, part in enumerate(filter(None, calibrate.split(";"))):
        match = None if os.path.exists(part) else re.fullmatch(r"(.*)(:[0-9.]+)", part, re.DOTALL)
        path, weight = (Path(match[1]), match[2]) if match else (Path(part), "")
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        if not any(_is_text(file) for file in files):
            sets.append(part)
            continue
        own = folder / str(index)
        own.mkdir(parents=True)
        for file in files:
            if _is_text(file):
                _write_lines(file, own / file.with_suffix(".jsonl").name, encode)
            else:
                (own / file.name).symlink_to(file.resolve())
        sets.append(f"{own if path.is_dir() else own / path.with_suffix('.jsonl').name}{weight}")
    return ";".join(sets)


def _is_text(path: Path) -> bool:
    return path.suffix in (".txt", ".jsonl") and path.is_file()


def _write_lines(path: Path, own: Path, encode: Callable[[str], dict[str, list[int]]]) -> None:
    """Lines of JSON, behind those that are there, with the ids of a file's texts."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise UsageError([f"calibration sample {path} is no text of UTF-8: {error}"]) from None
    with own.open("a", encoding="utf-8") as file:
        for line in lines:
            if path.suffix == ".jsonl":
                file.write(_encode_line(line, encode))
            elif line.strip():
                file.write(json.dumps(encode(line)))
            file.write("\n")


def _encode_line(line: str, encode: Callable[[str], dict[str, list[int]]]) -> str:
    """A line of JSON with ids in the place of its text; the compiler says what is wrong with others."""
    try:
        sample = json.loads(line)
    except ValueError:
        return line
    if not isinstance(sample, dict) or not isinstance(sample.get("text"), str):
        return line
    text = sample.pop("text")
    return json.dumps({**encode(text), **sample})


def _plain(encoding: object) -> dict[str, list[int]]:
    import numpy as np

    if not isinstance(encoding, Mapping):
        raise UsageError([f"tokenizer gives a {type(encoding).__name__} and no ids by input name; {KINDS}"])
    return {name: np.asarray(ids).tolist() for name, ids in encoding.items()}


def _encoder(tokenizer: Any) -> Callable[[str], dict[str, list[int]]]:
    """What a tokenizer makes of a text, by the names that models give their inputs."""
    if isinstance(tokenizer, str | os.PathLike):
        from tokenizers import Tokenizer

        path = os.fspath(tokenizer)
        try:
            tokenizer = Tokenizer.from_file(path)
        except Exception as error:  # the package has no class of its own
            raise UsageError([f"tokenizer {path} cannot be read: {error}"]) from None
        tokenizer.no_padding()
    if callable(tokenizer):  # of transformers
        return lambda text: _plain(tokenizer(text))
    if not hasattr(tokenizer, "encode"):
        raise UsageError([f"tokenizer is a {type(tokenizer).__name__}; {KINDS}"])

    def encode(text: str) -> dict[str, list[int]]:
        encoding = tokenizer.encode(text)
        return {
            "input_ids": encoding.ids,
            "attention_mask": encoding.attention_mask,
            "token_type_ids": encoding.type_ids,
        }

    return encode
