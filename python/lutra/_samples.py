"""Samples of a calibration as the compiler takes them: arrays in memory, and texts, become files."""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lutra._errors import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt

KINDS = "give the path of a tokenizer.json, or a tokenizer of the packages tokenizers or transformers"


def write_samples(calibrate: object, folder: Path, tokenizer: Any) -> str:
    """Sets of samples as the compiler takes them; those in memory, and texts, become files in `folder`."""
    if isinstance(calibrate, str | os.PathLike):
        path = os.fspath(calibrate)
        return path if tokenizer is None else _write_tokens(path, folder, tokenizer)
    if not isinstance(calibrate, Iterable) or isinstance(calibrate, Mapping):
        raise UsageError(["calibrate takes a path, dicts of arrays by input name, or a list of such sets"])
    items = list(calibrate)
    if not items:
        raise UsageError(["calibrate has a set without samples; give dicts of arrays by input name"])
    if not any(isinstance(item, Mapping) for item in items):
        return ";".join(write_samples(item, folder / str(index), tokenizer) for index, item in enumerate(items))
    import numpy as np

    folder.mkdir(exist_ok=True, parents=True)
    for index, item in enumerate(items):
        if not isinstance(item, Mapping):
            raise UsageError([f"sample {index} of calibrate is a {type(item).__name__}, not a dict by input name"])
        # As numpy.savez does it, whose own arguments no input may have the names of.
        with zipfile.ZipFile(folder / f"{index:06}.npz", "w") as archive:
            for name, array in item.items():
                own = _as_array(array, f"sample {index} of calibrate has {name!r}")
                with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, own, allow_pickle=False)
    return os.fspath(folder)


def _as_array(values: object, where: str) -> npt.NDArray[Any]:
    import numpy as np

    try:
        array = np.asarray(values, order="C")
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
