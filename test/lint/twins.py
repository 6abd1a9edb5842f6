"""Each pass of a Passes.td has a text test and a numeric twin, named after its flag; each error number has a case.

usage: twins.py SOURCE_ROOT
"""

import re
import sys
from pathlib import Path

PASS = re.compile(r'def\s+(\w+)\s*:\s*Pass<\s*"([a-z0-9-]+)"')
ERROR = re.compile(r"//\s*(E\d+)\b")
# Passes whose result is not a module that lutra-run evaluates; their numbers are tested through artifacts,
# by the tests named here.
NO_TWIN = {
    "lutra-kernel-abi": "Target/CPU",
    "convert-lutra-to-runtime": "Target/CPU",
    "lutra-assemble-nvgpu": "Target/NVGPU",
    "convert-lutra-to-mil": "Target/MIL",
}


def stem(flag: str) -> str:
    return flag.removeprefix("lutra-")


def has_test(root: Path, name: str, suffix: str) -> bool:
    """A test named after the pass, or a folder of that name split by op family."""
    tests = root / "test"
    if any(tests.rglob(f"{name}{suffix}")) or any(tests.rglob(f"{name}-*{suffix}")):
        return True
    return any(any(folder.glob(f"*{suffix}")) for folder in tests.rglob("*") if folder.is_dir() and folder.name == name)


def main() -> int:
    root = Path(sys.argv[1])
    errors, passes = [], 0
    for path in sorted((root / "include").rglob("Passes.td")):
        for _, flag in PASS.findall(path.read_text()):
            passes += 1
            name = stem(flag)
            if not has_test(root, name, ".mlir"):
                errors.append(f"{path.relative_to(root)}: pass {flag} has no text test {name}.mlir")
            if not has_test(root, name, ".e2e.mlir"):
                if flag not in NO_TWIN:
                    errors.append(f"{path.relative_to(root)}: pass {flag} has no numeric twin {name}.e2e.mlir")
                elif not (root / "test" / NO_TWIN[flag]).is_dir():
                    errors.append(f"{path.relative_to(root)}: pass {flag}: test/{NO_TWIN[flag]} does not exist")
    numbers = 0
    for dialect in sorted((root / "lib" / "Dialect").glob("*/IR")):
        tests = root / "test" / dialect.relative_to(root / "lib")
        invalid = "\n".join(path.read_text() for path in sorted(tests.glob("*invalid*.mlir")))
        for source in sorted(dialect.glob("*.cpp")):
            for op, body in re.findall(
                r"^LogicalResult (\w+?)(?:Op|Attr|Type)?::verify\w*\(.*?\n(.*?)^}", source.read_text(), re.M | re.S
            ):
                for error in sorted(set(ERROR.findall(body))):
                    numbers += 1
                    if not re.search(rf"{re.escape(op)}\w*\b[^\n]*\b{error}\b", invalid, re.IGNORECASE):
                        place = f"{tests.relative_to(root)}/invalid*.mlir"
                        errors.append(f"{source.relative_to(root)}: no case '// {op} {error}' in {place}")
    print("\n".join(errors) or f"{passes} passes have their tests, {numbers} error numbers have a case")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
