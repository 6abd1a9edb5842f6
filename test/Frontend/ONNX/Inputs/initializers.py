"""Models whose bytes store initializers in the ways that protobuf allows, compiled and compared with numpy."""

from __future__ import annotations

import tempfile
from pathlib import Path

import lutra
import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

RAW_DATA = 9  # fields of TensorProto, GraphProto and ModelProto
INITIALIZER = 5
GRAPH = 7


def message(field: int, payload: bytes) -> bytes:
    """A field of texts or messages on the wire."""
    length, size = b"", len(payload)
    while size > 127:
        length += bytes([size & 127 | 128])
        size >>= 7
    return bytes([field << 3 | 2]) + length + bytes([size]) + payload


def model(names: list[str], count: int) -> onnx.ModelProto:
    """y = x plus every named vector of `count` elements, whose initializers come later."""
    vector = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [count]) for name in ("x", "y")]
    sums = ["x", *(f"sum{index}" for index in range(len(names) - 1)), "y"]
    nodes = [helper.make_node("Add", [sums[i], name], [sums[i + 1]]) for i, name in enumerate(names)]
    graph = helper.make_graph(nodes, "g", vector[:1], vector[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def whole(plain: onnx.ModelProto, *initializers: bytes) -> bytes:
    """The model's bytes with a second graph field, which holds the initializers."""
    return plain.SerializeToString() + message(GRAPH, b"".join(message(INITIALIZER, i) for i in initializers))


def expect(name: str, text: bytes, count: int, added: npt.NDArray[np.float32]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(text)
        x = np.arange(count, dtype=np.float32)
        (y,) = lutra.compile(path, compile_threads=1, threads=1)(x=x)
        print("good" if np.array_equal(y, x + added) else "bad", name)


def main() -> None:
    rng = np.random.default_rng(0)
    for count in (16383, 16384, 16385):  # around 64 KiB
        value = rng.integers(-99, 99, count).astype(np.float32)
        tensor = numpy_helper.from_array(value, "w")
        expect(f"{count} elements", whole(model(["w"], count), tensor.SerializeToString()), count, value)
    count = 20000
    first, second, third = (rng.integers(-99, 99, count).astype(np.float32) for _ in range(3))
    named = {"v": first, "w": second}
    tensors = [numpy_helper.from_array(value, name).SerializeToString() for name, value in named.items()]
    twice = tensors[1] + message(RAW_DATA, third.tobytes())
    expect("raw_data twice", whole(model(["v", "w"], count), tensors[0], twice), count, first + third)
    text = whole(model(["v", "w"], count), *tensors)
    expect("two of them", text, count, first + second)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        ends = [len(text) - 1, len(text) - 4 * count, len(text) - 5 * count]
        messages = []
        for end in ends:
            path.write_bytes(text[:end])
            try:
                lutra.compile(path)
                messages.append("compiled")
            except lutra.CompileError as error:
                messages.append(str(error))
        print("good" if all("truncated" in text for text in messages) else "bad", messages)


if __name__ == "__main__":
    main()
