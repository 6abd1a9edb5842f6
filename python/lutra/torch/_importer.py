"""torch.export programs to graph-level modules.

The program is read as exported, before decomposition: its operators are fewer and say what was meant. Each
call becomes one call of the graph builder with arguments by their names in the operator's schema; sizes are
objects that know arithmetic, so the Python operators that the exporter leaves on them just run.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lutra import _compiler
from lutra._errors import CompileError, error_for
from lutra._sizes import Dims, plain_dims

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram
    from torch.fx import Node

UNBOUNDED = 2**62
INVALID, UNSUPPORTED = 1, 3  # exit codes
# Checks that the exporter leaves behind: the compiled function checks its inputs itself.
CHECKS = (
    "aten._assert_async",
    "aten._assert_scalar",
    "aten._assert_tensor_metadata",
    "aten.sym_constrain_range",
    "aten.sym_constrain_range_for_size",
)
VIEWS = ("view", "reshape", "slice", "select", "transpose", "permute", "expand", "squeeze", "unsqueeze", "t", "alias")


class ImportedProgram:
    """A program at graph level."""

    def __init__(self, program: _compiler.Program) -> None:
        self._program = program

    def text(self) -> str:
        """The module as MLIR text."""
        return self._program.text()

    def write(self, path: str | Path) -> None:
        """The module as MLIR bytecode, which lutra-compile and lutra-opt read."""
        self._program.write(str(path))

    def _compile(self, flags: list[str]) -> None:
        """Uses the program up; see lutra.compile."""
        code, findings, _ = self._program.compile(flags)
        if code != 0:
            raise error_for(code, [line for _, line in findings])


def import_program(
    program: ExportedProgram,
    *,
    dim_names: Mapping[str, Sequence[str | None]] | None = None,
    dims: Dims | None = None,
) -> ImportedProgram:
    """Import what torch.export.export returned.

    dim_names: names of the dynamic sizes of inputs, as `--dim` will call them: {"input_ids": ["batch", "seq"]};
    the exporter's own symbols otherwise. dims: fixed sizes or (low, high) ranges of named sizes. Weights are read in
    place: keep the program's memory unchanged until the result was written or compiled.

    Raises UnsupportedError, which lists every operator without an import, and InvalidModelError for names that the
    program's inputs and sizes do not bear.
    """
    try:
        return ImportedProgram(_Importer(program, dim_names or {}, plain_dims(dims)).run())
    except _compiler.BuildFailure as failure:
        code, message = failure.args
        raise error_for(code, [message]) from None


def _sym_min(a: Any, b: Any) -> Any:  # noqa: ANN401 - sizes and numbers
    return b.min(a) if isinstance(b, _compiler.Size) else a.min(b) if isinstance(a, _compiler.Size) else min(a, b)


def _sym_max(a: Any, b: Any) -> Any:  # noqa: ANN401
    return b.max(a) if isinstance(b, _compiler.Size) else a.max(b) if isinstance(a, _compiler.Size) else max(a, b)


# Functions of Python on sizes and on results with several parts.
SCALARS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "floordiv": operator.floordiv,
    "getitem": operator.getitem,
    "mod": operator.mod,
    "mul": operator.mul,
    "neg": operator.neg,
    "sub": operator.sub,
    "sym_max": _sym_max,
    "sym_min": _sym_min,
}


def _base_name(target: Any) -> str:  # noqa: ANN401 - of a node
    """ "aten.add" for torch.ops.aten.add.Tensor; the plain name for a Python function."""
    name = str(getattr(target, "_schema", None) and target._schema.name or "")
    return name.replace("::", ".") if name else getattr(target, "__name__", str(target))


def _wrong_name(text: str) -> CompileError:
    return error_for(INVALID, [f"E0901: {text}"])


class _Importer:
    def __init__(
        self,
        program: ExportedProgram,
        dim_names: Mapping[str, Sequence[str | None]],
        dims: Mapping[str, int | tuple[int, int]],
    ) -> None:
        self.exported = program
        self.graph = _compiler.Program()
        self.dim_names = dim_names
        self.dims = dims
        self.values: dict[Node, Any] = {}
        self.symbols: dict[str, int | _compiler.Size] = {}
        self.size_names: dict[str, str] = {}  # of a symbol, as callers know it
        self.weights: dict[tuple[int, tuple[int, ...], str], _compiler.Tensor] = {}

    def run(self) -> _compiler.Program:
        nodes = list(self.exported.graph.nodes)
        needed = self._needed(nodes)
        self._refuse_unsupported([node for node in nodes if node in needed])
        self._add_inputs([node for node in nodes if node.op == "placeholder"], needed)
        self._refuse_unknown_names()
        for node in nodes:
            if node in needed and node.op == "call_function":
                self.values[node] = self._call(node)
        self._finish(next(node for node in nodes if node.op == "output"))
        return self.graph

    # What to import.

    def _needed(self, nodes: list[Node]) -> set[Node]:
        """Nodes that a result depends on; checks hang on none."""
        needed: set[Node] = set()
        stack = [node for node in nodes if node.op == "output" or self._is_in_place(node)]
        while stack:
            node = stack.pop()
            if node not in needed:
                needed.add(node)
                stack.extend(node.all_input_nodes)
        return needed

    @staticmethod
    def _is_in_place(node: Node) -> bool:
        name = _base_name(node.target)
        return (
            node.op == "call_function" and name.startswith("aten.") and name.endswith("_") and not name.endswith("__")
        )

    def _refuse_unsupported(self, nodes: list[Node]) -> None:
        missing: dict[str, list[str]] = {}
        for node in nodes:
            if node.op in ("placeholder", "output"):
                continue
            name = _base_name(node.target)
            known = node.op == "call_function" and (
                name in SCALARS or name in CHECKS or _compiler.supports(self._operator(node))
            )
            if not known:
                missing.setdefault(name if node.op == "call_function" else f"{node.op} {node.target}", []).append(
                    node.name
                )
        if missing:
            parts = [f'{name} ({len(users)}, first "{users[0]}")' for name, users in sorted(missing.items())]
            count = len(parts)
            raise error_for(
                UNSUPPORTED,
                [f"E0601: {count} operator{'s have' if count > 1 else ' has'} no import: {', '.join(parts)}"],
            )

    def _operator(self, node: Node) -> str:
        name = _base_name(node.target)
        if self._is_in_place(node) and not _compiler.supports(name):
            return name.removesuffix("_")
        return name

    # Inputs and weights.

    def _add_inputs(self, placeholders: list[Node], needed: set[Node]) -> None:
        from torch.export.graph_signature import InputKind

        specs = {spec.arg.name: spec for spec in self.exported.graph_signature.input_specs if hasattr(spec.arg, "name")}
        weights = []
        inputs = [node.name for node in placeholders if specs[node.name].kind == InputKind.USER_INPUT]
        for name in self.dim_names:
            if name not in inputs:
                raise _wrong_name(
                    f'dim_names is about an input "{name}"; the program has {", ".join(inputs) or "none"}'
                )
        for node in placeholders:
            spec = specs[node.name]
            if spec.kind != InputKind.USER_INPUT:
                weights.append((node, spec))
            elif "val" in node.meta and hasattr(node.meta["val"], "shape"):
                self.values[node] = self._add_input(node)
            elif node in needed:
                raise error_for(
                    UNSUPPORTED, [f'E0602: input "{node.name}" is no tensor; make it a constant of the export']
                )
        for node, spec in weights:
            if node in needed:
                self.values[node] = self._add_weight(spec.target)

    def _refuse_unknown_names(self) -> None:
        known = ", ".join(sorted(set(self.size_names.values())))
        for name in self.dims:
            if name not in self.size_names.values():
                raise _wrong_name(
                    f'no size of the inputs is named "{name}"; {f"known: {known}" if known else "they have none"}'
                )

    def _add_input(self, node: Node) -> _compiler.Tensor:
        value = node.meta["val"]
        names = list(self.dim_names.get(node.name, ()))
        if len(names) > len(value.shape):
            raise _wrong_name(f'dim_names has {len(names)} names for input "{node.name}" of rank {len(value.shape)}')
        shape = []
        for index, size in enumerate(value.shape):
            given = names[index] if index < len(names) else None
            if given and isinstance(size, int):
                raise _wrong_name(
                    f'dim_names calls dimension {index} of input "{node.name}" "{given}", but the program fixes it to '
                    f"{size}; export it with a dynamic size or write None"
                )
            shape.append(size if isinstance(size, int) else self._symbol(size, given, node.name))
        return self.graph.add_input(node.name, self._dtype(value.dtype), shape)

    def _symbol(self, size: torch.SymInt, given: str | None, where: str) -> int | _compiler.Size:
        expression = size.node.expr
        key = str(expression)
        if not expression.is_Symbol:
            raise error_for(
                UNSUPPORTED, [f'E0602: input "{where}" has the size {key}; export it with a size of its own']
            )
        if key not in self.symbols:
            limits = self.exported.range_constraints.get(expression)
            low, high = 1, UNBOUNDED
            if limits is not None:
                low = max(int(limits.lower), 1)
                high = int(limits.upper) if limits.upper.is_Integer else UNBOUNDED
            name = self.size_names[key] = given or key
            limit = self.dims.get(name, (low, high))
            self.symbols[key] = limit if isinstance(limit, int) else self.graph.symbol(name, *limit)
        elif given and given != self.size_names[key]:
            raise _wrong_name(
                f'dim_names calls a size of input "{where}" "{given}", but it is the size that was called '
                f'"{self.size_names[key]}" before; the program has one size there'
            )
        return self.symbols[key]

    def _add_weight(self, target: str) -> _compiler.Tensor:
        state = self.exported.state_dict
        tensor = state[target] if target in state else self.exported.constants[target]
        tensor = tensor.detach().contiguous()
        key = (tensor.data_ptr(), tuple(tensor.shape), str(tensor.dtype))
        if key not in self.weights:  # tied weights are one
            self.weights[key] = self.graph.add_constant(
                target,
                self._dtype(tensor.dtype),
                list(tensor.shape),
                tensor.data_ptr(),
                tensor.numel() * tensor.element_size(),
                tensor,
            )
        return self.weights[key]

    @staticmethod
    def _dtype(dtype: torch.dtype) -> str:
        return str(dtype).removeprefix("torch.")

    # Calls.

    def _value(self, argument: Any) -> Any:  # noqa: ANN401 - whatever a node may hold
        import torch
        from torch.fx import Node

        if isinstance(argument, Node):
            return self.values.get(argument)
        if isinstance(argument, torch.dtype):
            return self._dtype(argument)
        if isinstance(argument, torch.device | torch.layout | torch.memory_format):
            return None
        if isinstance(argument, list | tuple):
            return [self._value(entry) for entry in argument]
        return argument

    def _call(self, node: Any) -> Any:  # noqa: ANN401
        name = _base_name(node.target)
        if name in CHECKS:
            return None
        if name in SCALARS:
            return SCALARS[name](*[self._value(argument) for argument in node.args])
        schema = node.target._schema
        arguments = {entry.name: entry.default_value for entry in schema.arguments if entry.has_default_value()}
        arguments |= {entry.name: value for entry, value in zip(schema.arguments, node.args, strict=False)}
        arguments |= dict(node.kwargs)
        if "dtype" in arguments and isinstance(arguments["dtype"], int):  # a default, as the schema stores it
            arguments["dtype"] = None
        result: Any = self.graph.call(
            self._operator(node), {key: self._value(value) for key, value in arguments.items()}, node.name
        )
        if self._is_in_place(node):
            self._update(node, result)
        return result

    def _update(self, node: Node, result: _compiler.Tensor) -> None:
        """What reads the changed tensor later reads the result. A change through a view would reach further."""
        changed: Any = node.args[0]
        views = [user for user in changed.users if user in self.values and self._is_view(user)]
        if views or self._is_view(changed):
            raise error_for(UNSUPPORTED, [f'E0601: node "{node.name}" changes a view in place; write it without'])
        if changed.op == "placeholder":
            raise error_for(UNSUPPORTED, [f'E0601: node "{node.name}" changes an input or a weight in place'])
        self.values[changed] = result

    @staticmethod
    def _is_view(node: Node) -> bool:
        return node.op == "call_function" and _base_name(node.target).removeprefix("aten.") in VIEWS

    # Results.

    def _finish(self, output: Any) -> None:  # noqa: ANN401 - a node with its results
        from torch.export.graph_signature import OutputKind

        specs = self.exported.graph_signature.output_specs
        mutations = [spec.target for spec in specs if spec.kind != OutputKind.USER_OUTPUT]
        if mutations:
            raise error_for(UNSUPPORTED, [f"E0601: the program changes buffers: {', '.join(map(str, mutations))}"])
        values = [self._value(argument) for argument in output.args[0]]
        names = self._result_names(len(values))
        pairs = []
        for position, value in enumerate(values):
            if isinstance(value, _compiler.Tensor):
                pairs.append((names[position], value))
            elif value is not None:
                raise error_for(UNSUPPORTED, [f'E0602: result "{names[position]}" is no tensor'])
        self.graph.finish(pairs)

    def _result_names(self, count: int) -> list[str]:
        """Keys of a dictionary of results, or output_0, output_1, .."""
        from torch.utils._pytree import tree_unflatten

        names = [f"output_{position}" for position in range(count)]
        spec = self.exported.call_spec.out_spec
        structure: Any = tree_unflatten(list(range(count)), spec) if spec is not None else None
        for key, position in structure.items() if hasattr(structure, "items") else ():
            if isinstance(position, int):
                names[position] = str(key)
        return names
