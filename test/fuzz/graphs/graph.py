"""A graph that grows node by node, every value with its type, its sizes in each call and a range of its elements.

A size is a tuple with one number for each call of the model: a graph with sizes known at run time only is called
several times. Sizes meet only where the tuples are equal or one is 1 throughout. Ranges are rough and hold by
interval arithmetic on basic operations, which is the same everywhere; rules use them to stay clear of overflow, poles
and roots of negatives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from randomness import Random, tensor

Array: TypeAlias = npt.NDArray[Any]
Dim: TypeAlias = tuple[int, ...]
Shape: TypeAlias = tuple[Dim, ...]

FLOATS = ("float32", "float64", "float16")
SIGNED = ("int64", "int32", "int8")
INTEGERS = (*SIGNED, "uint8")
MAX_ELEMENTS = 6000
LARGEST = {"float16": 1000.0, "float32": 1e6, "float64": 1e8}


def proto_type(dtype: str) -> int:
    return TensorProto.BFLOAT16 if dtype == "bfloat16" else helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor of the graph. Its elements lie in [low, high]."""

    name: str
    dtype: str
    shape: Shape
    low: float
    high: float

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> float:
        """The largest magnitude."""
        return max(abs(self.low), abs(self.high))

    @property
    def isfloat(self) -> bool:
        return self.dtype in FLOATS

    def fixed(self, *axes: int) -> bool:
        """Whether sizes are the same in every call; of all axes when none is named."""
        return all(len(set(self.shape[axis])) == 1 for axis in axes or range(self.rank))

    def at(self, axis: int) -> int:
        """A fixed size."""
        return self.shape[axis][0]

    def readable(self) -> list[int]:
        """The axes of a fixed size of 1 or more, whose elements can be named."""
        return [axis for axis in range(self.rank) if self.fixed(axis) and self.at(axis) > 0]


@dataclass(frozen=True, slots=True)
class Case:
    """A model and the inputs of each call, in the order of the graph's inputs."""

    model: onnx.ModelProto
    calls: list[dict[str, Array]]


@dataclass(slots=True)
class Graph:
    random: Random
    calls: int = 1
    opset: int = 18
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    inputs: list[Value] = field(default_factory=list)
    arrays: list[dict[str, Array]] = field(default_factory=list)
    pool: list[Value] = field(default_factory=list)
    names: dict[Dim, str] = field(default_factory=dict)
    count: int = 0
    most: int = MAX_ELEMENTS  # of one value

    # Sizes

    def fixed(self, *sizes: int) -> Shape:
        return tuple((size,) * self.calls for size in sizes)

    def elements(self, shape: Shape) -> int:
        """In the largest call."""
        return max((int(np.prod(sizes, dtype=np.int64)) for sizes in zip(*shape, strict=True)), default=1)

    def fits(self, shape: Shape) -> bool:
        return self.elements(shape) <= self.most

    def longest(self, dims: Sequence[Dim]) -> int:
        """Elements that a reduction over these dims reads at most."""
        return max(self.elements(tuple(dims)), 1)

    # Values

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def input(self, dtype: str, shape: Shape, low: float = -2, high: float = 2) -> Value:
        value = Value(self.fresh("x"), dtype, shape, low, high)
        self.inputs.append(value)
        while len(self.arrays) < self.calls:
            self.arrays.append({})
        for call, arrays in enumerate(self.arrays):
            arrays[value.name] = tensor(self.random, dtype, [dim[call] for dim in shape], low, high)
        for dim in shape:
            if len(set(dim)) > 1:
                self.names.setdefault(dim, "nmkpqrst"[len(self.names) % 8] + str(len(self.names)))
        return value

    def constant(self, array: Array, low: float | None = None, high: float | None = None) -> Value:
        """An initialiser, now and then a node; equal ones are shared now and then."""
        if array.dtype == np.int64 or self.random.chance(40):
            for name, other in self.constants.items():
                if other.dtype == array.dtype and other.shape == array.shape and np.array_equal(other, array):
                    return self._constant_value(name, array, low, high)
        name = self.fresh("c")
        if self.random.chance(10):
            self.nodes.append(helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array)))
        else:
            self.constants[name] = array
        return self._constant_value(name, array, low, high)

    def _constant_value(self, name: str, array: Array, low: float | None, high: float | None) -> Value:
        if low is None or high is None:
            wide = array.astype(np.float64)
            low, high = (float(wide.min()), float(wide.max())) if array.size else (0.0, 0.0)
        return Value(name, array.dtype.name, self.fixed(*array.shape), low, high)

    def ints(self, *numbers: int) -> Value:
        return self.constant(np.array(numbers, np.int64))

    def scalar(self, dtype: str, number: float) -> Value:
        return self.constant(np.array(number, dtype))

    def weights(self, dtype: str, shape: Sequence[int], low: float, high: float) -> Value:
        """A constant tensor with the range that was asked for."""
        return self.constant(tensor(self.random, dtype, shape, low, high), low, high)

    def operand(self, dtype: str, shape: Shape, low: float = -2, high: float = 2) -> Value:
        """A value of these sizes: one that is there, a constant, or a new input."""
        same = [value for value in self.pool if value.dtype == dtype and value.shape == shape]
        if same and self.random.chance(60):
            return self.random.pick(same)
        if all(len(set(dim)) == 1 for dim in shape) and self.random.chance(65):
            return self.weights(dtype, [dim[0] for dim in shape], low, high)
        return self.input(dtype, shape, low, high)

    def node(
        self,
        op: str,
        operands: Sequence[Value | str],
        like: Value,
        *,
        shape: Shape | None = None,
        dtype: str | None = None,
        span: tuple[float, float] | None = None,
        **attributes: Any,
    ) -> Value:
        """A node with one result, which is like a value except for what is stated."""
        low, high = span or (like.low, like.high)
        result = Value(self.fresh("v"), dtype or like.dtype, like.shape if shape is None else shape, low, high)
        self.emit(op, operands, [result], **attributes)
        return result

    def emit(self, op: str, operands: Sequence[Value | str], results: Sequence[Value], **attributes: Any) -> None:
        names = [operand if isinstance(operand, str) else operand.name for operand in operands]
        self.nodes.append(helper.make_node(op, names, [value.name for value in results], **attributes))
        self.pool.extend(results)

    def choose(
        self,
        dtypes: Sequence[str] = FLOATS,
        *,
        ranks: Sequence[int] = range(7),
        largest: float = float("inf"),
        fixed: bool = False,
    ) -> Value | None:
        """A value that fits, late ones rather than early ones."""
        fitting = [
            value
            for value in self.pool
            if value.dtype in dtypes and value.rank in ranks and value.size <= largest and (not fixed or value.fixed())
        ]
        if not fitting:
            return None
        if self.random.chance(60):
            return fitting[-1 - self.random.below(min(2, len(fitting)))]
        return self.random.pick(fitting)

    def holds(self, dtype: str, size: float) -> bool:
        """Whether magnitudes stay where the type is at ease."""
        return size <= LARGEST.get(dtype, 100.0)

    # The model

    def type_of(self, value: Value, names: dict[Dim, str]) -> onnx.ValueInfoProto:
        """Sizes that no name stands for are left open."""
        sizes = [dim[0] if len(set(dim)) == 1 else names.get(dim) for dim in value.shape]
        return helper.make_tensor_value_info(value.name, proto_type(value.dtype), sizes)

    def finish(self, outputs: Sequence[Value]) -> Case:
        graph = helper.make_graph(
            self.nodes,
            "fuzz",
            [self.type_of(value, self.names) for value in self.inputs],
            [self.type_of(value, self.names if value in self.inputs else {}) for value in outputs],
            [numpy_helper.from_array(array, name) for name, array in self.constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=10)
        return Case(pruned(model), self.arrays or [{} for _ in range(self.calls)])


def reads(node: onnx.NodeProto) -> list[str]:
    """What a node needs, its branches included."""
    names = [name for name in node.input if name]
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            made = {name for inner in attribute.g.node for name in inner.output}
            for inner in attribute.g.node:
                names += [name for name in reads(inner) if name not in made]
            names += [output.name for output in attribute.g.output if output.name not in made]
    return names


def pruned(model: onnx.ModelProto) -> onnx.ModelProto:
    """Without the constants that nothing reads; nodes and inputs stay, as dead ones are worth a test."""
    used = {output.name for output in model.graph.output}
    for node in model.graph.node:
        used.update(reads(node))
    kept = [constant for constant in model.graph.initializer if constant.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    return model
