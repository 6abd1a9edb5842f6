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
    "lutra-assemble-nvgpu": "Target/NVGPU",
    "convert-lutra-to-mil": "Target/MIL",
    "convert-lutra-to-runtime": "Target/CPU",
    "lutra-apply-kernel-abi": "Target/CPU",
    "convert-tile-to-nvvm": "Conversion/TileToNVVM",
    "convert-tile-to-vector": "Conversion/TileToVector",
}


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def run_lines(tests: Path) -> dict[Path, str]:
    """The RUN lines of each test, continued lines joined."""
    lines = {}
    for path in sorted(tests.rglob("*")):
        if path.suffix in (".mlir", ".test"):
            text = "\n".join(line for line in path.read_text().splitlines() if "RUN:" in line)
            lines[path] = re.sub(r"\\\s*\n\s*(?://|#)\s*RUN:", " ", text)
    return lines


def main() -> int:
    root = Path(sys.argv[1])
    errors, passes = [], 0
    runs = run_lines(root / "test")
    for path in sorted((root / "include").rglob("Passes.td")):
        for _, flag in PASS.findall(path.read_text()):
            passes += 1
            uses = re.compile(rf"(?<![\w-])(?:--)?{re.escape(flag)}(?![\w-])")
            users = {path: text for path, text in runs.items() if uses.search(text)}
            if not any("lutra-opt" in text and "FileCheck" in text for text in users.values()):
                errors.append(f"{path.relative_to(root)}: no text test runs lutra-opt --{flag} | FileCheck")
            if flag in NO_TWIN:
                if not (root / "test" / NO_TWIN[flag]).is_dir():
                    errors.append(f"{path.relative_to(root)}: pass {flag}: test/{NO_TWIN[flag]} does not exist")
            elif not any("lutra-run" in text for text in users.values()):
                errors.append(f"{path.relative_to(root)}: no numeric twin runs lutra-run with {flag}")
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
                    if not re.search(rf"// (?:{snake(op)}|{op}Op) {error}\b", invalid):
                        place = f"{tests.relative_to(root)}/invalid*.mlir"
                        errors.append(f"{source.relative_to(root)}: no case '// {snake(op)} {error}' in {place}")
    print("\n".join(errors) or f"{passes} passes have their tests, {numbers} error numbers have a case")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
