"""Writes the node cases of the onnx package as folders that onnx-cases reads.

cases.py FOLDER [--shard=I/N] [--dynamic] [PATTERN..]: one sub-folder per case (all, every N-th, or those whose name
contains a pattern) with model.onnx, input-I.npy, output-I.npy and bind-NAME.pb. Integer operands that decide a
result's shape (PARAMETERS) are bound: a compiled model has them as constants. Cases with values that are
no tensors get a file skip.txt with the reason. With --dynamic every size of an unbound input becomes a name of
its own, so that it is known at run time only; cases without such a size are left out.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

# Operator: operands that must be known when the model is compiled.
PARAMETERS: dict[str, tuple[int, ...]] = {
    "AffineGrid": (1,),
    "BlackmanWindow": (0,),
    "CenterCropPad": (1,),
    "Col2Im": (1, 2),
    "Compress": (1,),
    "ConstantOfShape": (0,),
    "CumProd": (1,),
    "CumSum": (1,),
    "DFT": (1, 2),
    "Expand": (1,),
    "HammingWindow": (0,),
    "HannWindow": (0,),
    "OneHot": (1,),
    "Pad": (1, 3),
    "Range": (0, 1, 2),
    "ReduceL1": (1,),
    "ReduceL2": (1,),
    "ReduceLogSum": (1,),
    "ReduceLogSumExp": (1,),
    "ReduceMax": (1,),
    "ReduceMean": (1,),
    "ReduceMin": (1,),
    "ReduceProd": (1,),
    "ReduceSum": (1,),
    "ReduceSumSquare": (1,),
    "Reshape": (1,),
    "Resize": (1, 2, 3),
    "ReverseSequence": (1,),
    "STFT": (1, 3),
    "Slice": (1, 2, 3, 4),
    "Split": (1,),
    "Squeeze": (1,),
    "Tile": (1,),
    "TopK": (1,),
    "Unsqueeze": (1,),
    "Upsample": (1,),
}
# Operands whose absence or presence changes the meaning of other operators.
PARAMETERS["Dropout"] = (2,)
PARAMETERS["LSTM"] = PARAMETERS["GRU"] = PARAMETERS["RNN"] = (4,)


def bound_names(model: onnx.ModelProto) -> set[str]:
    """Graph inputs that reach a parameter operand, directly or through shape arithmetic."""
    graph = model.graph
    inputs = {value.name for value in graph.input}
    producers = {name: node for node in graph.node for name in node.output}
    bound: set[str] = set()

    def mark(name: str) -> None:
        if name in inputs:
            bound.add(name)
        elif name in producers and producers[name].op_type not in ("Shape", "Size"):
            for operand in producers[name].input:
                mark(operand)

    for node in graph.node:
        for index in PARAMETERS.get(node.op_type, ()):
            if index < len(node.input):
                mark(node.input[index])
        for function in model.functions:
            if (function.domain, function.name) == (node.domain, node.op_type):
                for inner in function.node:
                    for index in PARAMETERS.get(inner.op_type, ()):
                        if index < len(inner.input) and inner.input[index] in function.input:
                            mark(node.input[list(function.input).index(inner.input[index])])
    return bound


def storable(value: object) -> np.ndarray | None:
    """The value as an array of a type that .npy files have (bf16 and 8-bit floats widened), or None."""
    if isinstance(value, onnx.TensorProto):
        value = numpy_helper.to_array(value)
    if not isinstance(value, np.ndarray | np.generic):
        return None
    array = np.asarray(value)
    if array.dtype.name == "bfloat16" or array.dtype.name.startswith("float8"):
        return np.asarray(array.astype(np.float32))
    if array.dtype.kind not in "fiub":
        return None
    return array


def write_case(case: object, folder: Path) -> None:
    folder.mkdir(parents=True)
    model = case.model  # type: ignore[attr-defined]
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    inputs, outputs = case.data_sets[0]  # type: ignore[attr-defined]
    bound = bound_names(model)
    position = 0
    for value, info in zip(inputs, model.graph.input, strict=False):
        array = storable(value)
        if array is None:
            (folder / "skip.txt").write_text(f"input {info.name} is no tensor of a NumPy type\n")
            return
        if info.name in bound:
            tensor = value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(value)
            (folder / f"bind-{info.name}.pb").write_bytes(tensor.SerializeToString())
            continue
        np.save(folder / f"input-{position}.npy", np.ascontiguousarray(array).reshape(array.shape))
        position += 1
    for index, value in enumerate(outputs):
        array = storable(value)
        if array is None:
            (folder / "skip.txt").write_text(f"output {index} is no tensor of a NumPy type\n")
            return
        np.save(folder / f"output-{index}.npy", np.ascontiguousarray(array).reshape(array.shape))


def load() -> list[object]:
    from onnx.backend.test.loader import load_model_tests

    warnings.simplefilter("ignore")
    return list(load_model_tests(kind="node"))


def forget_sizes(model: onnx.ModelProto) -> bool:
    """Names in place of input sizes; whether there were any."""
    bound, changed = bound_names(model), False
    for value in model.graph.input:
        if value.name in bound or not value.type.HasField("tensor_type"):
            continue
        for index, dim in enumerate(value.type.tensor_type.shape.dim):
            changed |= dim.HasField("dim_value")
            dim.dim_param = f"{value.name}_{index}"
    for value in (*model.graph.output, *model.graph.value_info):
        for dim in value.type.tensor_type.shape.dim if value.type.HasField("tensor_type") else ():
            dim.ClearField("value")
    return changed


def main() -> None:
    arguments = sys.argv[1:]
    dynamic = "--dynamic" in arguments
    if dynamic:
        arguments.remove("--dynamic")
    shard, shards = 0, 1
    for word in [word for word in arguments if word.startswith("--shard=")]:
        shard, shards = map(int, word.removeprefix("--shard=").split("/"))
        arguments.remove(word)
    root, patterns = Path(arguments[0]), arguments[1:]
    root.mkdir(parents=True, exist_ok=True)
    for index, item in enumerate(load()):
        name = item.name  # type: ignore[attr-defined]
        if index % shards != shard or (patterns and not any(pattern in name for pattern in patterns)):
            continue
        if not dynamic or forget_sizes(item.model):  # type: ignore[attr-defined]
            write_case(item, root / name)


if __name__ == "__main__":
    main()
