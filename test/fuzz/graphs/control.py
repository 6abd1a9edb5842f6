"""Rules for branches: a condition that is known at run time only, with values of the graph read from inside."""

from __future__ import annotations

import numpy as np
from graph import Graph, Value
from onnx import helper
from pointwise import activate, combine


def branch(graph: Graph, x: Value) -> tuple[object, Value] | None:
    """A graph that turns x into something of its type and sizes."""
    outer_nodes, outer_pool = graph.nodes, list(graph.pool)
    graph.nodes = []
    result = x
    for _ in range(graph.random.between(1, 3)):
        result = activate(graph, result) if graph.random.chance(60) else combine(graph, result) or result
    if result is x:
        result = graph.node("Identity", [x], x)
    body = helper.make_graph(graph.nodes, graph.fresh("branch"), [], [graph.type_of(result, {})])
    graph.nodes = outer_nodes
    graph.pool[:] = outer_pool
    return body, result


def condition(graph: Graph) -> Value:
    """An input, or a comparison of exact numbers."""
    if graph.random.chance(50):
        return graph.input("bool", (), 0, 1)
    x = graph.input("int64", graph.fixed(3), -9, 9)
    if graph.opset >= 18:
        top = graph.node("ReduceMax", [x, graph.ints(0)], x, shape=(), keepdims=0)
    else:
        top = graph.node("ReduceMax", [x], x, shape=(), axes=[0], keepdims=0)
    return graph.node("Greater", [top, graph.constant(np.array(3, np.int64))], top, dtype="bool", span=(0, 1))


def one_of_two(graph: Graph) -> bool:
    x = graph.choose(("float32", "float64"), largest=100)
    if x is None:
        return False
    test = condition(graph)
    then, otherwise = branch(graph, x), branch(graph, x)
    if then is None or otherwise is None:
        return False
    (then_body, a), (else_body, b) = then, otherwise
    graph.node(
        "If", [test], x, span=(min(a.low, b.low), max(a.high, b.high)), then_branch=then_body, else_branch=else_body
    )
    return True


RULES = [(1, one_of_two)]
