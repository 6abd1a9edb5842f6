"""Faulty ONNX models: each function writes one into a folder and returns the file to compile."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import onnx
from onnx import AttributeProto, TensorProto, helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
node = helper.make_node


def info(name: str, shape: list[int | str], kind: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def model(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto] | None = None,
    outputs: list[onnx.ValueInfoProto] | None = None,
    constants: list[TensorProto] | None = None,
    opset: int = 18,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes, "g", inputs or [info("x", [2, 3])], outputs or [info("y", [2, 3])], constants or []
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def relu() -> onnx.ModelProto:
    return model([node("Relu", ["x"], ["y"])])


def save(folder: Path, content: onnx.ModelProto | bytes) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
    return path


def ints(name: str, values: list[int]) -> TensorProto:
    return helper.make_tensor(name, INT64, [len(values)], values)


def floats(name: str, shape: list[int]) -> TensorProto:
    count = 1
    for size in shape:
        count *= size
    return helper.make_tensor(name, FLOAT, shape, [0.5] * count)


def external(**entries: str) -> TensorProto:
    tensor = TensorProto(name="w", data_type=FLOAT, dims=[2, 3])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def with_weight(tensor: TensorProto) -> onnx.ModelProto:
    return model([node("Add", ["x", "w"], ["y"])], constants=[tensor])


def bytes_beside(folder: Path, name: str = "w.bin", size: int = 24) -> Path:
    path = folder / name
    path.write_bytes(bytes(size))
    return path


def symlink_last(folder: Path) -> Path:
    target = bytes_beside(folder.parent, folder.name + "-outside.bin")
    (folder / "w.bin").symlink_to(target)
    return save(folder, with_weight(external(location="w.bin")))


def symlink_parent(folder: Path) -> Path:
    outside = folder.parent / (folder.name + "-outside")
    outside.mkdir()
    bytes_beside(outside)
    (folder / "sub").symlink_to(outside)
    return save(folder, with_weight(external(location="sub/w.bin")))


def hard_link(folder: Path) -> Path:
    os.link(bytes_beside(folder.parent, folder.name + "-outside.bin"), folder / "w.bin")
    return save(folder, with_weight(external(location="w.bin")))


def fifo(folder: Path) -> Path:
    os.mkfifo(folder / "w.bin")
    return save(folder, with_weight(external(location="w.bin")))


def directory(folder: Path) -> Path:
    (folder / "w.bin").mkdir()
    return save(folder, with_weight(external(location="w.bin")))


def short_file(folder: Path) -> Path:
    bytes_beside(folder, size=20)
    return save(folder, with_weight(external(location="w.bin")))


def wrapping_offset(folder: Path) -> Path:
    bytes_beside(folder)
    return save(folder, with_weight(external(location="w.bin", offset=str(2**64 - 8), length="24")))


def wrong_length(folder: Path) -> Path:
    bytes_beside(folder)
    return save(folder, with_weight(external(location="w.bin", length="20")))


def unknown_key(folder: Path) -> Path:
    bytes_beside(folder)
    return save(folder, with_weight(external(location="w.bin", address="4096")))


def lying_dims(dims: list[int]) -> onnx.ModelProto:
    tensor = floats("w", [2, 3])
    del tensor.dims[:]
    tensor.dims.extend(dims)
    return with_weight(tensor)


def nested(depth: int) -> onnx.ModelProto:
    """A chain of functions, each calling the next."""
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    result = model([node("F0", ["x"], ["y"], domain="own")])
    result.opset_import.append(opsets[1])
    for level in range(depth):
        last = level + 1 == depth
        call = node("Relu", ["a"], ["b"]) if last else node(f"F{level + 1}", ["a"], ["b"], domain="own")
        result.functions.append(helper.make_function("own", f"F{level}", ["a"], ["b"], [call], opsets))
    return result


def recursive_function() -> onnx.ModelProto:
    call = node("F", ["a"], ["b"], domain="own")
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    function = helper.make_function("own", "F", ["a"], ["b"], [call], opsets)
    result = model([node("F", ["x"], ["y"], domain="own")])
    result.opset_import.append(helper.make_opsetid("own", 1))
    result.functions.append(function)
    return result


def function_bomb(levels: int) -> onnx.ModelProto:
    """Functions that each call the one before twice."""
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    result = model([node(f"F{levels}", ["x"], ["y"], domain="own")])
    result.opset_import.append(helper.make_opsetid("own", 1))
    result.functions.append(helper.make_function("own", "F0", ["a"], ["c"], [node("Relu", ["a"], ["c"])], opsets))
    for level in range(1, levels + 1):
        calls = [node(f"F{level - 1}", [a], [b], domain="own") for a, b in (("a", "b"), ("b", "c"))]
        result.functions.append(helper.make_function("own", f"F{level}", ["a"], ["c"], calls, opsets))
    return result


def conv(**attributes: object) -> onnx.ModelProto:
    return model(
        [node("Conv", ["x", "w"], ["y"], **attributes)],
        [info("x", [1, 4, 8, 8])],
        [info("y", [1, 4, 8, 8])],
        [floats("w", [4, 4, 3, 3])],
    )


def quantized(scale: float) -> onnx.ModelProto:
    constants = [
        helper.make_tensor("s", FLOAT, [], [scale]),
        helper.make_tensor("z", TensorProto.UINT8, [], [0]),
    ]
    outputs = [info("y", [2, 3], TensorProto.UINT8)]
    return model([node("QuantizeLinear", ["x", "s", "z"], ["y"])], None, outputs, constants)


def wrong_attribute_type() -> onnx.ModelProto:
    bad = node("Softmax", ["x"], ["y"])
    bad.attribute.add(name="axis", type=AttributeProto.FLOAT, f=1.0)
    return model([bad])


def no_opset() -> onnx.ModelProto:
    result = relu()
    del result.opset_import[:]
    return result


def generated(shape: list[int]) -> onnx.ModelProto:
    nodes = [node("ConstantOfShape", ["s"], ["c"]), node("Add", ["x", "c"], ["y"])]
    return model(nodes, constants=[ints("s", shape)])


def hostile_names() -> onnx.ModelProto:
    name = '%n"\n../\x01' + "a" * 500
    return model([node("Nope", ["x"], ["y"], name=name)])


def shaped(op: str, inputs: list[tuple[list[int], int]], **attributes: object) -> onnx.ModelProto:
    """One node whose operands have these shapes and element types."""
    names = [f"x{index}" for index in range(len(inputs))]
    given = [info(name, shape, kind) for name, (shape, kind) in zip(names, inputs, strict=True)]
    outputs = [helper.make_value_info("y", onnx.TypeProto())]
    return model([node(op, names, ["y"], **attributes)], given, outputs)


MODELS: dict[str, Callable[[Path], Path]] = {
    "empty": lambda f: save(f, b""),
    "truncated": lambda f: save(f, relu().SerializeToString()[:-7]),
    "random": lambda f: save(f, random.Random(1).randbytes(4096)),
    "text": lambda f: save(f, b"this is no model\n"),
    "no_graph": lambda f: save(f, onnx.ModelProto(ir_version=9).SerializeToString()),
    "no_opset": lambda f: save(f, no_opset()),
    "opset_9999": lambda f: save(f, model([node("Relu", ["x"], ["y"])], opset=9999)),
    "missing_file": lambda f: f / "model.onnx",
    "is_directory": lambda f: f,
    "cycle": lambda f: save(f, model([node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]),
                                      node("Relu", ["b"], ["y"])])),
    "undefined_value": lambda f: save(f, model([node("Add", ["x", "nowhere"], ["y"])])),
    "duplicate_value": lambda f: save(f, model([node("Relu", ["x"], ["y"]), node("Abs", ["x"], ["y"])])),
    "duplicate_input": lambda f: save(f, model([node("Relu", ["x"], ["y"])],
                                               [info("x", [2, 3]), info("x", [2, 3])])),
    "duplicate_output": lambda f: save(f, model([node("Relu", ["x"], ["y"])], None,
                                                [info("y", [2, 3]), info("y", [2, 3])])),
    "undefined_output": lambda f: save(f, model([node("Relu", ["x"], ["z"])])),
    "missing_operand": lambda f: save(f, model([node("Add", ["x"], ["y"])])),
    "lying_output_shape": lambda f: save(f, model([node("Relu", ["x"], ["y"])], None, [info("y", [2, 4])])),
    "lying_output_type": lambda f: save(f, model([node("Relu", ["x"], ["y"])], None,
                                                 [info("y", [2, 3], INT64)])),
    "no_broadcast": lambda f: save(f, model([node("Add", ["x", "w"], ["y"])], constants=[floats("w", [4])])),
    "negative_dim": lambda f: save(f, lying_dims([-2, -3])),
    "overflowing_dims": lambda f: save(f, lying_dims([2**62, 2**62])),
    "storage_mismatch": lambda f: save(f, lying_dims([2, 4])),
    "giant_constant": lambda f: save(f, generated([2**40, 3])),
    "negative_constant_shape": lambda f: save(f, generated([-2, 3])),
    "external_parent": lambda f: save(f, with_weight(external(location="../w.bin"))),
    "external_absolute": lambda f: save(f, with_weight(external(location="/etc/passwd"))),
    "external_symlink": symlink_last,
    "external_symlink_parent": symlink_parent,
    "external_hard_link": hard_link,
    "external_fifo": fifo,
    "external_directory": directory,
    "external_missing": lambda f: save(f, with_weight(external(location="w.bin"))),
    "external_short": short_file,
    "external_wrapping_offset": wrapping_offset,
    "external_wrong_length": wrong_length,
    "external_unknown_key": unknown_key,
    "external_no_location": lambda f: save(f, with_weight(external(offset="0"))),
    "recursive_function": lambda f: save(f, recursive_function()),
    "nested_deep": lambda f: save(f, nested(40)),
    "function_bomb": lambda f: save(f, function_bomb(25)),
    "zero_stride": lambda f: save(f, conv(strides=[0, 1])),
    "zero_group": lambda f: save(f, conv(group=0)),
    "kernel_rank": lambda f: save(f, conv(kernel_shape=[3])),
    "attribute_type": lambda f: save(f, wrong_attribute_type()),
    "axis_range": lambda f: save(f, model([node("Softmax", ["x"], ["y"], axis=7)])),
    "quantize_scale_zero": lambda f: save(f, quantized(0.0)),
    "quantize_scale_nan": lambda f: save(f, quantized(float("nan"))),
    "transposed_channels": lambda f: save(f, shaped("ConvTranspose", [([1, 4, 5], FLOAT), ([3, 2, 3], FLOAT)])),
    "transposed_groups": lambda f: save(f, shaped("ConvTranspose", [([1, 3, 5], FLOAT), ([3, 2, 3], FLOAT)], group=2)),
    "lstm_weights": lambda f: save(f, shaped("LSTM", [([5, 2, 3], FLOAT), ([1, 8, 4], FLOAT), ([1, 8, 2], FLOAT)],
                                             hidden_size=2)),
    "lstm_directions": lambda f: save(f, shaped("LSTM", [([5, 2, 3], FLOAT), ([2, 8, 3], FLOAT), ([2, 8, 2], FLOAT)],
                                                hidden_size=2)),
    "scatter_updates": lambda f: save(f, shaped("ScatterND", [([3, 3], FLOAT), ([2, 1], INT64), ([1, 3], FLOAT)])),
    "gather_outside": lambda f: save(f, shaped("GatherElements", [([3, 3], FLOAT), ([2, 5], INT64)])),
    "gather_batch": lambda f: save(f, shaped("GatherND", [([3, 3], FLOAT), ([2, 1], INT64)], batch_dims=1)),
    "quantize_axis": lambda f: save(f, shaped("QuantizeLinear", [([2, 5], FLOAT), ([3], FLOAT)], axis=1)),
    "loss_target": lambda f: save(f, shaped("NegativeLogLikelihoodLoss", [([2, 5], FLOAT), ([3], INT64)])),
    "sqrt_of_integers": lambda f: save(f, shaped("Sqrt", [([3], INT64)])),
    "unknown_op": lambda f: save(f, model([node("Nope", ["x"], ["y"])])),
    "hostile_name": lambda f: save(f, hostile_names()),
}
