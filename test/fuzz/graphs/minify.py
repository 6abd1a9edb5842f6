"""A failing case made small: fewer calls, outputs and nodes, then smaller sizes, as long as it fails in the same way.

A node goes by making what it computes an input, with the values that onnxruntime or the onnx package computes there.
A size shrinks everywhere at once: in inputs, constants and in lists of sizes; what no longer fits is no longer a
model that the oracles can run, and that step is taken back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import onnx
from graph import Array, Case, pruned, reads
from onnx import TensorProto, helper, numpy_helper, shape_inference
from oracles import Peers

Fails = Callable[[Case], bool]


def copy_of(model: onnx.ModelProto) -> onnx.ModelProto:
    result = onnx.ModelProto()
    result.CopyFrom(model)
    return result


def output_of(name: str, kind: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, None)


def types_of(model: onnx.ModelProto) -> dict[str, onnx.ValueInfoProto]:
    inferred = shape_inference.infer_shapes(model).graph
    return {value.name: value for value in (*inferred.value_info, *inferred.output, *inferred.input)}


def live(case: Case) -> Case:
    """Without the nodes and inputs that no output needs."""
    model = copy_of(case.model)
    needed = {output.name for output in model.graph.output}
    kept: list[onnx.NodeProto] = []
    for node in reversed(model.graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(reads(node))
    del model.graph.node[:]
    model.graph.node.extend(reversed(kept))
    for value in [value for value in model.graph.input if value.name not in needed]:
        model.graph.input.remove(value)
    names = {value.name for value in model.graph.input}
    calls = [{name: array for name, array in call.items() if name in names} for call in case.calls]
    return Case(pruned(model), calls)


def with_outputs(case: Case, outputs: list[onnx.ValueInfoProto]) -> Case:
    model = copy_of(case.model)
    del model.graph.output[:]
    model.graph.output.extend(outputs)
    return live(Case(model, case.calls))


def one_call(case: Case) -> Iterator[Case]:
    """Each call alone, first with its sizes fixed, then with their names."""
    for call in case.calls:
        model = copy_of(case.model)
        for value in model.graph.input:
            for dim, size in zip(value.type.tensor_type.shape.dim, call[value.name].shape, strict=True):
                dim.dim_value = size
        for value in model.graph.output:
            value.type.tensor_type.ClearField("shape")
        yield Case(model, [call])
    if len(case.calls) > 1:
        for call in case.calls:
            yield Case(case.model, [call])


def fewer_outputs(case: Case) -> Iterator[Case]:
    """One value alone, early ones first; then the outputs without one of them."""
    types, made = types_of(case.model), [name for node in case.model.graph.node for name in node.output]
    for name in made:
        if name in types:
            yield with_outputs(case, [output_of(name, types[name].type.tensor_type.elem_type)])
    outputs = list(case.model.graph.output)
    for gone in range(len(outputs) if len(outputs) > 1 else 0):
        yield with_outputs(case, outputs[:gone] + outputs[gone + 1 :])


def recorded(case: Case, names: list[str]) -> list[dict[str, Array]] | None:
    """What the values of these names are in each call."""
    types = types_of(case.model)
    model = copy_of(case.model)
    del model.graph.output[:]
    model.graph.output.extend(output_of(name, types[name].type.tensor_type.elem_type) for name in names)
    peers = Peers(model)
    found = [peers.onnxruntime(call) or peers.reference(call) for call in case.calls]
    return None if any(values is None for values in found) else found  # type: ignore[return-value]


def without_nodes(case: Case) -> Iterator[Case]:
    """Each node's results as inputs, late nodes first: they take most with them."""
    types = types_of(case.model)
    for node in reversed(case.model.graph.node):
        names = [name for name in node.output if name]
        if any(name not in types or types[name].type.tensor_type.elem_type == TensorProto.BFLOAT16 for name in names):
            continue
        outputs = {output.name for output in case.model.graph.output}
        values = None if outputs.intersection(names) else recorded(case, names)
        if values is None:
            continue
        model = copy_of(case.model)
        model.graph.node.remove(node)
        for name in names:
            arrays = [call[name] for call in values]
            same = len({array.shape for array in arrays}) == 1
            declared = types[name].type.tensor_type.shape
            sizes = (
                list(arrays[0].shape)
                if same
                else [dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None for dim in declared.dim]
            )
            kind = types[name].type.tensor_type.elem_type
            model.graph.input.append(helper.make_tensor_value_info(name, kind, sizes))
        calls = [
            {**call, **{name: more[name] for name in names}} for call, more in zip(case.calls, values, strict=True)
        ]
        yield live(Case(model, calls))


def bypassed(case: Case) -> Iterator[Case]:
    """Each node with one result left out where an operand has its type and sizes."""
    types = types_of(case.model)
    for node in case.model.graph.node:
        for operand in node.input if len(node.output) == 1 else ():
            result = node.output[0]
            if operand not in types or result not in types or types[operand].type != types[result].type:
                continue
            model = copy_of(case.model)
            model.graph.node.remove(node)
            if result in {output.name for output in model.graph.output}:
                continue
            for other in model.graph.node:
                for index, name in enumerate(other.input):
                    if name == result:
                        other.input[index] = operand
            yield live(Case(model, case.calls))


def resized(array: Array, old: int, new: int, is_list: bool) -> Array:
    if is_list and array.dtype == np.int64 and array.ndim <= 1:
        return np.where(array == old, new, array)
    return np.ascontiguousarray(array[tuple(slice(new) if size == old else slice(None) for size in array.shape)])


def smaller_sizes(case: Case) -> Iterator[Case]:
    sizes = {size for call in case.calls for array in call.values() for size in array.shape}
    sizes.update(size for constant in case.model.graph.initializer for size in constant.dims)
    for old in sorted(sizes, reverse=True):
        for new in (1, 2, 3, old // 2, old - 1):
            if not 0 < new < old:
                continue
            model = copy_of(case.model)
            for value in model.graph.input:
                for dim in value.type.tensor_type.shape.dim:
                    if dim.HasField("dim_value") and dim.dim_value == old:
                        dim.dim_value = new
            for value in model.graph.output:
                value.type.tensor_type.ClearField("shape")
            for constant in model.graph.initializer:
                array = resized(numpy_helper.to_array(constant), old, new, is_list=True)
                constant.CopyFrom(numpy_helper.from_array(array, constant.name))
            for node in model.graph.node:
                for attribute in node.attribute:
                    if attribute.name == "kernel_shape":
                        attribute.ints[:] = [new if size == old else size for size in attribute.ints]
            yield Case(
                model, [{name: resized(array, old, new, False) for name, array in call.items()} for call in case.calls]
            )


def minify(case: Case, fails: Fails, seconds: float) -> Case:
    """The smallest case found in this time."""
    end = time.monotonic() + seconds
    progress = True
    while progress:
        progress = False
        for step in (one_call, fewer_outputs, without_nodes, bypassed, smaller_sizes):
            tries = step(case)
            while time.monotonic() < end:
                try:
                    smaller = next(tries, None)
                except Exception:  # noqa: BLE001 - shape inference of what is no longer a model
                    break
                if smaller is None:
                    break
                if size_of(smaller) < size_of(case) and fails(smaller):
                    case, progress = smaller, True
                    tries = step(case)
        if time.monotonic() >= end:
            break
    return case


def size_of(case: Case) -> tuple[int, int, int, int]:
    """Nodes first, then outputs, names of sizes and calls, then elements."""
    graph = case.model.graph
    names = sum(bool(dim.dim_param) for value in graph.input for dim in value.type.tensor_type.shape.dim)
    elements = sum(array.size for call in case.calls for array in call.values())
    elements += sum(int(np.prod(constant.dims)) for constant in graph.initializer)
    return len(graph.node), len(graph.output), names + len(case.calls), elements
