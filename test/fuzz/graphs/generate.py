"""A seed to a case: what kind of graph, its first inputs, then rule after rule.

A profile weighs the families, so that some graphs are all products and others all movement. Half of the graphs have
sizes that are known at run time only and are called three times, one call with a size 1 and now and then one with a
size 0.
"""

from __future__ import annotations

from collections.abc import Callable

import control
import movement
import pointwise
import products
import quantization
import recurrence
import reductions
import windows
from graph import MAX_ELEMENTS, Case, Dim, Graph, Shape, Value
from randomness import Random

Rule = Callable[[Graph], bool]
Rules = list[tuple[int, Rule]]
SIZES = (1, 2, 3, 4, 5, 7, 8, 9, 13, 15, 16, 17, 23, 31, 32, 33, 64, 65)
SMALL = (1, 2, 3, 4, 5, 6, 7, 9, 11)
FAMILIES: dict[str, Rules] = {
    "pointwise": pointwise.RULES,
    "integers": pointwise.INTEGER_RULES + products.INTEGER_RULES,
    "products": products.RULES,
    "windows": windows.RULES,
    "reductions": reductions.RULES,
    "movement": movement.RULES,
    "quantization": quantization.RULES,
    "control": control.RULES,
    "recurrence": recurrence.RULES,
}
# Profile: its weight, element types of first inputs, ranks, weights of families.
PROFILES: dict[str, tuple[int, list[str], list[int], dict[str, int]]] = {
    "mixed": (
        6,
        ["float32"],
        [1, 2, 3, 4],
        {"pointwise": 6, "products": 4, "reductions": 3, "movement": 5, "windows": 1, "control": 1},
    ),
    "products": (
        5,
        ["float32", "float32", "float64", "float16"],
        [2, 3],
        {"products": 6, "pointwise": 3, "movement": 2, "reductions": 1},
    ),
    "chains": (3, ["float32", "float32", "float16"], [0, 1, 2, 3], {"pointwise": 8, "reductions": 2, "movement": 1}),
    "movement": (
        3,
        ["float32", "int64", "float16", "bool", "uint8"],
        [1, 2, 3, 4],
        {"movement": 8, "pointwise": 1, "reductions": 1},
    ),
    "norms": (3, ["float32", "float64"], [1, 2, 3], {"reductions": 6, "pointwise": 3, "movement": 3, "products": 1}),
    "images": (
        4,
        ["float32", "float32", "float32", "float16"],
        [3, 4],
        {"windows": 8, "pointwise": 2, "movement": 2, "reductions": 1},
    ),
    "integers": (2, ["int64", "int32", "uint8", "int8"], [1, 2, 3], {"integers": 8, "movement": 3, "reductions": 2}),
    "codes": (3, ["float32"], [2, 4], {"quantization": 8, "pointwise": 2, "movement": 2, "products": 1}),
    "sequences": (
        1,
        ["float32"],
        [3],
        {"recurrence": 3, "pointwise": 2, "products": 1, "movement": 3, "reductions": 1},
    ),
    "branches": (1, ["float32"], [1, 2, 3], {"control": 3, "pointwise": 3, "products": 2, "movement": 2}),
}


def first_shape(graph: Graph, ranks: list[int], named: list[Dim]) -> Shape:
    random = graph.random
    while True:
        rank = random.pick(ranks)
        sizes = SMALL if graph.most == MAX_ELEMENTS and (rank > 3 or (rank == 3 and random.chance(50))) else SIZES
        shape = tuple(
            random.pick(named) if named and random.chance(40) else graph.fixed(random.pick(sizes))[0]
            for _ in range(rank)
        )
        if graph.elements(shape) <= graph.most // 2:
            return shape


def sizes_by_call(random: Random) -> list[Dim]:
    """Sizes of names in three calls: one of them 1, or now and then 0."""
    dims = [(random.pick((5, 7, 17, 33)), 1, random.pick((2, 3, 8)))]
    if random.chance(50):
        dims.append((random.pick((3, 4)), random.pick((6, 9, 19)), 0 if random.chance(25) else 1))
    return dims


def results(graph: Graph) -> list[Value]:
    """Every value that nothing reads (the last three), some that others read, now and then an input."""
    inner = {name for node in graph.nodes for name in node.input}
    inputs = {value.name for value in graph.inputs}
    made = [value for value in graph.pool if value.name not in inputs]
    outputs = [value for value in made if value.name not in inner][-3:] or made[-1:]
    for value in made:
        if value not in outputs and graph.random.chance(6):
            outputs.append(value)
    if graph.inputs and graph.random.chance(3):
        outputs.append(graph.random.pick(graph.inputs))
    if outputs and graph.random.chance(5):
        again = outputs[0]
        outputs.append(graph.node("Identity", [again], again))
    return outputs


def generate(seed: int) -> Case:
    """The case of a seed, the same on every machine."""
    random = Random(seed)
    profile = random.weighted([(entry[0], name) for name, entry in PROFILES.items()])
    _, dtypes, ranks, families = PROFILES[profile]
    dynamic = random.chance(45)
    opsets = (21, 22) if profile == "codes" else (17, 18, 20, 21, 22, 24)  # the onnx package evaluates codes from 19 on
    graph = Graph(random, calls=3 if dynamic else 1, opset=random.pick(opsets))
    named = sizes_by_call(random) if dynamic else []
    if random.chance(6):
        graph.most = 16 * MAX_ELEMENTS  # work for more than one thread
    for _ in range(random.pick((1, 1, 2))):
        dtype = random.pick(dtypes)
        low, high = {"bool": (0, 1), "uint8": (0, 255), "int8": (-128, 127)}.get(dtype, (-2, 2))
        if dtype in ("int64", "int32"):
            low, high = -20, 20
        graph.pool.append(graph.input(dtype, first_shape(graph, ranks, named), low, high))
    wanted, tries = random.between(15, 40) if random.chance(8) else random.between(3, 14), 0
    while len(graph.nodes) < wanted and tries < 90:
        tries += 1
        rules = FAMILIES[random.weighted([(weight, name) for name, weight in families.items()])]
        random.weighted(rules)(graph)
    return graph.finish(results(graph))
