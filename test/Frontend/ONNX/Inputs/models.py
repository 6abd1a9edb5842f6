"""Small ONNX models for the importer's text tests: models.py NAME FILE."""

import math
import sys
from collections.abc import Callable

import onnx
from onnx import TensorProto, helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def info(name: str, kind: int, shape: list[int | str | None] | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def model(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: dict[str, list[int]] | None = None,
    opset: int = 18,
) -> onnx.ModelProto:
    initializers = [
        helper.make_tensor(name, INT64, [len(values)], values) for name, values in (constants or {}).items()
    ]
    graph = helper.make_graph(nodes, "graph", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def split_heads() -> onnx.ModelProto:
    """x [batch, seq, 12] to [batch, 3, seq, 4], its shape computed as exporters do."""
    node = helper.make_node
    return model(
        [
            node("Shape", ["x"], ["shape"]),
            node("Gather", ["shape", "zero"], ["batch"]),
            node("Gather", ["shape", "one"], ["seq"]),
            node("Concat", ["batch", "seq", "rest"], ["target"], axis=0),
            node("Reshape", ["x", "target"], ["heads"]),
            node("Transpose", ["heads"], ["y"], perm=[0, 2, 1, 3]),
        ],
        [info("x", FLOAT, ["batch", "seq", 12])],
        [info("y", FLOAT, ["batch", 3, "seq", 4])],
        {"zero": [0], "one": [1], "rest": [3, -1]},
    )


def position_table() -> onnx.ModelProto:
    """A table of 512 positions cut to the sequence's length limits that length."""
    node = helper.make_node
    table = helper.make_node("ConstantOfShape", ["size"], ["table"], value=helper.make_tensor("v", FLOAT, [1], [0.5]))
    return model(
        [
            table,
            node("Shape", ["x"], ["seq"], start=1, end=2),
            node("Slice", ["table", "zero", "seq", "zero"], ["rows"]),
            node("Add", ["x", "rows"], ["y"]),
        ],
        [info("x", FLOAT, ["batch", "seq", 8])],
        [info("y", FLOAT, ["batch", "seq", 8])],
        {"zero": [0], "size": [512, 8]},
    )


def unsupported() -> onnx.ModelProto:
    """Two nodes without an import, one that depends on them and one that is fine."""
    node = helper.make_node
    return model(
        [
            node("Det", ["x"], ["a"], name="first"),
            node("Relu", ["x"], ["b"]),
            node("NonZero", ["x"], ["c"], name="second"),
            node("Shape", ["c"], ["d"], name="third"),
        ],
        [info("x", FLOAT, [4, 4])],
        [info("a", FLOAT, []), info("b", FLOAT, [4, 4]), info("d", INT64, [2])],
    )


def packed_integers() -> onnx.ModelProto:
    """Constants of 4-bit integers: as a value, as a range to round to, as an output and out of a branch."""
    codes = helper.make_tensor("codes", TensorProto.INT4, [4], bytes([0x21, 0x43]), raw=True)
    zero = helper.make_tensor("zero", TensorProto.UINT4, [], bytes([3]), raw=True)
    node = helper.make_node

    def branch(name: str) -> onnx.GraphProto:
        """Gives the codes under another name."""
        return helper.make_graph([node("Identity", ["codes"], [name])], name, [], [info(name, TensorProto.INT4, [4])])

    graph = model(
        [
            node("Cast", ["codes"], ["a"], name="value", to=FLOAT),
            node("QuantizeLinear", ["x", "scale", "zero"], ["b"], name="range"),
            node("Identity", ["codes"], ["c"], name="output"),
            node("If", ["flag"], ["d"], name="branch", then_branch=branch("e"), else_branch=branch("f")),
        ],
        [info("x", FLOAT, [4]), info("scale", FLOAT, []), info("flag", TensorProto.BOOL, [])],
        [info("a", FLOAT, [4]), info("b", TensorProto.UINT4, [4]), info("c", TensorProto.INT4, [4])],
    )
    graph.graph.initializer.extend([codes, zero])
    return graph


def small_floats() -> onnx.ModelProto:
    """Constants of 8-bit floats where none are taken, and conversions to them of which there is no form."""
    e4m3, e5m2 = TensorProto.FLOAT8E4M3FN, TensorProto.FLOAT8E5M2
    node = helper.make_node
    graph = model(
        [
            node("Add", ["codes", "codes"], ["a"], name="sum"),
            node("Cast", ["x"], ["b"], name="unbounded", to=e5m2, saturate=0),
            node("QuantizeLinear", ["x", "scale", "one"], ["c"], name="codes_of"),
            node("QuantizeLinear", ["x", "scale", "zero"], ["d"], name="wrapped", saturate=0),
            node("Cast", ["x"], ["e"], name="bounded", to=e5m2),
            node("Reshape", ["codes", "shape"], ["f"], name="moved"),
            node("Cast", ["fnuz"], ["g"], name="other", to=FLOAT),
        ],
        [info("x", FLOAT, [4])],
        [info(name, kind, [4]) for name, kind in zip("abcdeg", (e4m3, e5m2, e4m3, e4m3, e5m2, FLOAT), strict=True)],
        opset=25,
    )
    graph.graph.initializer.extend(
        [
            helper.make_tensor("codes", e4m3, [4], bytes(4), raw=True),
            helper.make_tensor("fnuz", TensorProto.FLOAT8E4M3FNUZ, [4], bytes(4), raw=True),
            helper.make_tensor("zero", e4m3, [], bytes(1), raw=True),
            helper.make_tensor("one", e4m3, [], bytes([0x38]), raw=True),
            helper.make_tensor("scale", FLOAT, [], [0.5]),
            helper.make_tensor("shape", TensorProto.INT64, [2], [2, 2]),
        ]
    )
    return graph


def empty_sequences() -> onnx.ModelProto:
    """Recurrences over no step: no outputs, and the first state as the last."""
    cells = ("GRU", 3), ("RNN", 1), ("LSTM", 4)
    nodes, weights = [], []
    for name, gates in cells:
        for part, width in (("w", 4), ("r", 5)):
            values = [0.5] * (2 * gates * 5 * width)
            weights.append(helper.make_tensor(f"{name}_{part}", FLOAT, [2, gates * 5, width], values))
        nodes.append(
            helper.make_node(
                name,
                ["x", f"{name}_w", f"{name}_r", "", "", "h"],
                [f"{name}_y", f"{name}_h"],
                hidden_size=5,
                direction="bidirectional",
            )
        )
    outputs = [info(f"{name}_y", FLOAT, [0, 2, 3, 5]) for name, _ in cells]
    outputs += [info(f"{name}_h", FLOAT, [2, 3, 5]) for name, _ in cells]
    graph = model(nodes, [info("x", FLOAT, [0, 3, 4]), info("h", FLOAT, [2, 3, 5])], outputs)
    graph.graph.initializer.extend(weights)
    return graph


def limited_sizes() -> onnx.ModelProto:
    """Each op asks something of a size of its input: an element that exists, a window, a constant's size."""
    node = helper.make_node

    def filled(name: str, shape: list[int]) -> onnx.NodeProto:
        count = math.prod(shape)
        return node("Constant", [], [name], value=helper.make_tensor(name, FLOAT, shape, [0.5] * count))

    return model(
        [
            filled("filter", [1, 2, 3]),
            filled("matrix", [5, 2]),
            node("Gather", ["a", "third"], ["first"], axis=1),
            node("Conv", ["b", "filter"], ["second"], dilations=[2], pads=[1, 1]),
            node("MatMul", ["c", "matrix"], ["product"]),
            node("Relu", ["d"], ["free"]),
        ],
        [
            info("a", FLOAT, ["batch", "seq", 4]),
            info("b", FLOAT, [1, 2, None]),
            info("c", FLOAT, ["rows", "depth"]),
            info("d", FLOAT, ["any", 3]),
        ],
        [info(name, FLOAT, None) for name in ("first", "second", "product", "free")],
        {"third": [2]},
    )


def branches() -> onnx.ModelProto:
    """An If that shares sizes and a weight with what is around it; its second result needs no control flow."""
    node = helper.make_node

    def constant(name: str, shape: list[int], values: list[float]) -> onnx.NodeProto:
        return node("Constant", [], [name], value=helper.make_tensor(name, FLOAT, shape, values))

    then_branch = helper.make_graph(
        [node("MatMul", ["x", "w"], ["p"]), node("Add", ["p", "low"], ["a"]), node("Identity", ["low"], ["c"])],
        "then",
        [],
        [info("a", FLOAT, None), info("c", FLOAT, None)],
    )
    else_branch = helper.make_graph(
        [
            node("Shape", ["x"], ["shape"]),
            node("Reshape", ["x", "flat"], ["line"]),
            node("Relu", ["line"], ["positive"]),
            node("Reshape", ["positive", "shape"], ["b"]),
            node("Identity", ["high"], ["d"]),
        ],
        "else",
        [],
        [info("b", FLOAT, None), info("d", FLOAT, None)],
        [helper.make_tensor("flat", INT64, [1], [-1])],
    )
    nodes = [
        constant("w", [4, 4], [float(i % 5 - 2) for i in range(16)]),
        constant("low", [4], [1.0] * 4),
        constant("high", [4], [2.0] * 4),
        node("If", ["flag"], ["chosen", "level"], then_branch=then_branch, else_branch=else_branch),
        node("MatMul", ["chosen", "w"], ["q"]),
        node("Add", ["q", "level"], ["y"]),
    ]
    inputs = [info("x", FLOAT, ["n", 4]), info("flag", TensorProto.BOOL, [])]
    return model(nodes, inputs, [info("y", FLOAT, ["n", 4])])


def uneven_branches() -> onnx.ModelProto:
    """An If whose branches give one row and two."""
    node = helper.make_node
    then_branch = helper.make_graph([node("Abs", ["x"], ["a"])], "then", [], [info("a", FLOAT, None)])
    else_branch = helper.make_graph([node("Concat", ["x", "x"], ["b"], axis=0)], "else", [], [info("b", FLOAT, None)])
    return model(
        [node("If", ["flag"], ["y"], "choice", then_branch=then_branch, else_branch=else_branch)],
        [info("x", FLOAT, [1, 4]), info("flag", TensorProto.BOOL, [])],
        [info("y", FLOAT, None)],
    )


def related_sizes() -> onnx.ModelProto:
    """Sizes of two names in one op: broadcast against each other, against a constant, and summed over."""
    node = helper.make_node
    return model(
        [
            node("Constant", [], ["five"], value=helper.make_tensor("five", FLOAT, [5, 1], [1.0] * 5)),
            node("Add", ["a", "b"], ["sum"]),
            node("Add", ["b", "five"], ["fixed"]),
            node("MatMul", ["c", "d"], ["product"]),
        ],
        [
            info("a", FLOAT, ["n", 4]),
            info("b", FLOAT, ["m", 1]),
            info("c", FLOAT, [3, "k"]),
            info("d", FLOAT, [None, 2]),
        ],
        [info(name, FLOAT, None) for name in ("sum", "fixed", "product")],
    )


def matching_sizes() -> onnx.ModelProto:
    """One op per family that would read or write outside if the sizes of a call did not fit."""
    node = helper.make_node

    def constant(name: str, kind: int, shape: list[int], values: list[float]) -> onnx.NodeProto:
        return node("Constant", [], [name], value=helper.make_tensor(name, kind, shape, values))

    index = onnx.TensorProto.INT64
    return model(
        [
            constant("filter", FLOAT, [3, 1, 1], [1.0] * 3),
            constant("scale", FLOAT, [3], [1.0] * 3),
            node("Concat", ["a", "b"], ["joined"], axis=1),
            node("Reshape", ["c", "two_by_six"], ["reshaped"]),
            node("Reshape", ["d", "by_six"], ["rest"]),
            node("Squeeze", ["e", "first"], ["squeezed"]),
            node("Split", ["f", "parts"], ["head", "tail"], axis=0),
            node("GatherElements", ["g", "picks"], ["picked"], axis=0),
            node("GatherND", ["h", "rows"], ["gathered"], batch_dims=1),
            node("ScatterND", ["h", "places", "updates"], ["scattered"]),
            node("ConvTranspose", ["i", "filter"], ["spread"]),
            node("QuantizeLinear", ["j", "scale"], ["codes"], axis=1),
            node("SpaceToDepth", ["k"], ["blocks"], blocksize=2),
            node("ArgMax", ["l"], ["largest"], axis=0, keepdims=0),
        ],
        [
            info("a", FLOAT, ["a0", 3]),
            info("b", FLOAT, ["b0", 3]),
            info("c", FLOAT, ["c0", 4]),
            info("d", FLOAT, ["d0", 4]),
            info("e", FLOAT, ["e0", 3]),
            info("f", FLOAT, ["f0", 3]),
            info("g", FLOAT, [3, "g1"]),
            info("picks", index, [2, "p1"]),
            info("h", FLOAT, ["h0", 3]),
            info("rows", index, ["r0", 1]),
            info("places", index, ["s0", 1]),
            info("updates", FLOAT, ["u0", 3]),
            info("i", FLOAT, [1, "i1", 4]),
            info("j", FLOAT, [2, "j1"]),
            info("k", FLOAT, [1, 1, None, 2]),
            info("l", FLOAT, ["l0", 2]),
        ],
        [
            info(name, FLOAT, None)
            for name in ("joined", "reshaped", "rest", "squeezed", "head", "tail", "picked", "gathered", "scattered")
        ]
        + [info("spread", FLOAT, None), info("codes", onnx.TensorProto.UINT8, None)]
        + [info("blocks", FLOAT, None), info("largest", index, None)],
        {"two_by_six": [2, 6], "by_six": [-1, 6], "first": [0], "parts": [2, 3]},
    )


def exact_integers() -> onnx.ModelProto:
    """Numbers at the ends of their types, and a size that must fit into one."""
    node, narrow, wide = helper.make_node, onnx.TensorProto.INT32, onnx.TensorProto.INT64
    return model(
        [
            node("Constant", [], ["big"], value=helper.make_tensor("big", narrow, [1], [100_000])),
            node("Constant", [], ["billion"], value=helper.make_tensor("billion", narrow, [1], [10**9])),
            node("Concat", ["ends", "one"], ["joined"], axis=0),
            node("Mul", ["big", "big"], ["wrapped"]),
            node("Cast", ["wrapped"], ["kept"], to=wide),
            node("Shape", ["x"], ["shape"]),
            node("Cast", ["shape"], ["short"], to=narrow),
            node("Mul", ["short", "billion"], ["scaled"]),
        ],
        [info("x", FLOAT, ["n"])],
        [info("joined", wide, None), info("kept", wide, None), info("scaled", narrow, None)],
        {"ends": [2**63 - 1, -(2**63)], "one": [1]},
    )


def overloads() -> onnx.ModelProto:
    """A function that calls another one of its name, told apart by the overload."""
    opset = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    inner = helper.make_function("own", "Twice", ["x"], ["y"], [helper.make_node("Add", ["x", "x"], ["y"])], opset)
    call = helper.make_node("Twice", ["x"], ["y"], domain="own")
    call.overload = inner.overload = "add"
    outer = helper.make_function("own", "Twice", ["x"], ["y"], [call], opset)
    outer.overload = "call"
    entry = helper.make_node("Twice", ["x"], ["y"], domain="own")
    entry.overload = "call"
    result = model([entry], [info("x", FLOAT, [3])], [info("y", FLOAT, None)])
    result.functions.extend([inner, outer])
    result.opset_import.append(opset[1])
    return result


def integer_logarithm() -> onnx.ModelProto:
    """The logarithm of a sum of integers, which has their type."""
    return model(
        [helper.make_node("ReduceLogSum", ["x", "axes"], ["y"])],
        [info("x", onnx.TensorProto.INT32, [2, 3])],
        [info("y", onnx.TensorProto.INT32, None)],
        {"axes": [1]},
    )


def constant_relu() -> onnx.ModelProto:
    """A constant that is folded, with NaN."""
    node = helper.make_node
    held = helper.make_tensor("held", FLOAT, [3], [math.nan, -1.0, 2.0])
    return model(
        [
            node("Constant", [], ["c"], value=held),
            node("Relu", ["c"], ["r"]),
            node("Concat", ["x", "r"], ["y"], axis=0),
        ],
        [info("x", FLOAT, [2])],
        [info("y", FLOAT, [5])],
    )


MODELS: dict[str, Callable[[], onnx.ModelProto]] = {
    "branches": branches,
    "constant_relu": constant_relu,
    "split_heads": split_heads,
    "limited_sizes": limited_sizes,
    "related_sizes": related_sizes,
    "matching_sizes": matching_sizes,
    "integer_logarithm": integer_logarithm,
    "overloads": overloads,
    "packed_integers": packed_integers,
    "small_floats": small_floats,
    "position_table": position_table,
    "empty_sequences": empty_sequences,
    "exact_integers": exact_integers,
    "unsupported": unsupported,
    "uneven_branches": uneven_branches,
}

if __name__ == "__main__":
    with open(sys.argv[2], "wb") as file:
        file.write(MODELS[sys.argv[1]]().SerializeToString())
