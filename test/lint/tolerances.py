"""No test types a tolerance: bounds are derived (docs/design/bounds.md).

usage: tolerances.py SOURCE_ROOT

In Python, refused are
  - functions that have a tolerance built in (allclose, isclose, assert_close, approx ..);
  - a number as the argument or the default of a parameter that is called a tolerance (rtol, atol, tolerance, eps ..);
  - a name called so, or a bound, that stands for numbers alone, also inside a dict or a list;
  - a comparison of an expression with a small number (above 0, at most a hundredth).
In C++, EXPECT_NEAR and its kin with a number as the bound, and ASSERT_/EXPECT_FLOAT_EQ, whose four units are nobody's
bound. In RUN lines, flags that are called a tolerance.

Numbers that say something else have other names: u of a format, stated units in the last place, limits of time.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

WORDS = {"rtol", "atol", "tol", "tols", "tolerance", "tolerances", "eps", "epsilon", "slack", "delta"}
NAMES = WORDS | {"bound", "bounds", "threshold", "thresholds", "margin"}
LOOSE = re.compile(r"(assert_)?(all_?close|is_?close|approx|approx_equal|almost_equal(_nulp)?|assert_close)")
SMALL = 0.01
NEAR = re.compile(r"\b(?:EXPECT|ASSERT)_(?:NEAR\([^;]*,\s*[0-9.][^;,()]*\)|(?:FLOAT|DOUBLE)_EQ\()")
FLAG = re.compile(r"RUN:.*--[a-z-]*(tol|tolerance|epsilon)\b")


def called(name: str, words: set[str]) -> bool:
    return not words.isdisjoint(name.lower().split("_"))


def numbers(node: ast.AST | None) -> Iterator[float]:
    """The values of an expression that is made of numbers alone; nothing when something else is in it."""
    parts: list[ast.AST | None]
    match node:
        case ast.Constant(value=bool()):
            return
        case ast.Constant(value=int() | float() as value):
            yield float(value)
            return
        case ast.UnaryOp(operand=operand):
            yield from numbers(operand)
            return
        case ast.BinOp(left=left, right=right):
            both = [list(numbers(left)), list(numbers(right))]
            if all(both):
                yield from (value for side in both for value in side)
            return
        case ast.Dict(values=values):
            parts = list(values)
        case ast.List(elts=values) | ast.Tuple(elts=values) | ast.Set(elts=values):
            parts = list(values)
        case _:
            return
    found = [list(numbers(part)) for part in parts]
    if all(found):
        yield from (value for part in found for value in part)


def typed(node: ast.AST | None) -> bool:
    """Whether an expression is numbers that are not all 0 (0 demands equality)."""
    return any(value != 0 for value in numbers(node))


def value_of(node: ast.AST) -> float | None:
    """The value of an arithmetic expression of numbers."""
    if not list(numbers(node)) or isinstance(node, ast.Dict | ast.List | ast.Tuple | ast.Set):
        return None
    value = eval(compile(ast.Expression(node), "", "eval"), {"__builtins__": {}})  # noqa: S307 - numbers alone
    return float(value) if isinstance(value, int | float) else None


def in_python(text: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(func=function, keywords=keywords):
                name = getattr(function, "attr", getattr(function, "id", ""))
                if LOOSE.fullmatch(name):
                    yield node.lineno, f"{name} has a tolerance of its own"
                for keyword in keywords:
                    if keyword.arg and called(keyword.arg, WORDS) and typed(keyword.value):
                        yield node.lineno, f"{keyword.arg} is typed in"
            case ast.arguments():
                named = [*node.posonlyargs, *node.args][::-1]
                defaults = [*zip(named, node.defaults[::-1], strict=False)]
                defaults += zip(node.kwonlyargs, node.kw_defaults, strict=True)
                for argument, default in defaults:
                    if called(argument.arg, NAMES) and typed(default):
                        yield argument.lineno, f"{argument.arg} is typed in"
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    if isinstance(target, ast.Name | ast.Attribute):
                        name = target.id if isinstance(target, ast.Name) else target.attr
                        if called(name, NAMES) and typed(value):
                            yield node.lineno, f"{name} is typed in"
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if called(name, NAMES) and typed(value):
                yield node.lineno, f"{name} is typed in"
            case ast.Compare(left=left, ops=operators, comparators=others):
                sides = [left, *others]
                ordered = any(isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for op in operators)
                small = [value for side in sides if (value := value_of(side)) is not None and 0 < abs(value) <= SMALL]
                if ordered and small:
                    yield node.lineno, f"compares with {small[0]:g}"


def faults(path: Path, text: str) -> Iterator[tuple[int, str]]:
    if path.suffix == ".py":
        yield from in_python(text)
        return
    near = NEAR, "the bound of a comparison is typed in"
    pattern, why = near if path.suffix == ".cpp" else (FLAG, "a flag types in a tolerance")
    for number, line in enumerate(text.splitlines(), 1):
        if pattern.search(line):
            yield number, why


def main() -> int:
    root = Path(sys.argv[1])
    errors, count = [], 0
    for top in ("test", "python", "docs", "tools"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix not in (".py", ".cpp", ".mlir", ".test") or not path.is_file():
                continue
            count += 1
            for number, why in sorted(faults(path, path.read_text(errors="replace"))):
                errors.append(f"{path.relative_to(root)}:{number}: {why}; derive the tolerance (lutra.testing)")
    print("\n".join(errors) or f"{count} files type no tolerance")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
