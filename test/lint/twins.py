"""Each pass of a Passes.td has a text test and a numeric twin, named after its flag; each error number has a case.

usage: twins.py SOURCE_ROOT

A pass lutra-STEM has a STEM.mlir that runs lutra-opt --lutra-STEM and FileCheck, and a STEM.e2e.mlir that runs
lutra-run with it. A conversion's tests may be split by op family: any in the folder of its pair of levels counts. A
verifier's E1 has a comment `// op E1` in an invalid*.mlir and an expected error before the next case.
"""

import re
import sys
from pathlib import Path

PASS = re.compile(r'def\s+(\w+)\s*:\s*Pass<\s*"([a-z0-9-]+)"')
ERROR = re.compile(r"//\s*(E\d+)\b")
# Passes whose result is not a module that lutra-run evaluates: the test that compares their numbers, and what in it
# runs them, in its RUN lines or in the script that those start.
NO_TWIN = {
    "lutra-assemble-nvgpu": ("Target/NVGPU/convert-tile-to-nvvm.e2e.mlir", "--lutra-assemble-nvgpu"),
    "convert-lutra-to-mil": ("Target/MIL/evaluate.e2e.test", "--convert-lutra-to-mil"),
    "convert-lutra-to-runtime": ("Target/CPU/views.e2e.mlir", "lutra-compile"),
    "lutra-quantize-caches": ("Dialect/Lutra/Transforms/quantize-caches.e2e.mlir", "--lutra-quantize-caches"),
    "lutra-apply-kernel-abi": ("Target/CPU/views.e2e.mlir", "lutra-compile"),
    "convert-tile-to-nvvm": ("Target/NVGPU/convert-tile-to-nvvm.e2e.mlir", "--convert-tile-to-nvvm"),
    "convert-tile-to-vector": ("Conversion/TileToVector/machine.e2e.test", "--convert-tile-to-vector"),
}


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def commands(path: Path) -> list[str]:
    """The RUN lines of a test, continued lines joined."""
    lines = [line.split("RUN:", 1)[1].strip() for line in path.read_text().splitlines() if "RUN:" in line]
    return re.sub(r"\\\n", " ", "\n".join(lines)).splitlines()


def tests_of(tests: Path, flag: str) -> tuple[list[Path], list[Path]]:
    """The tests that are named after a flag: of text, of numbers."""
    stem = flag.removeprefix("lutra-")
    found = [path for path in tests.rglob("*") if path.name in (f"{stem}.mlir", f"{stem}.e2e.mlir")]
    if stem.startswith("convert-"):
        source, _, target = stem.removeprefix("convert-").partition("-to-")
        folder = f"{camel(source)}To{camel(target)}"
        found += [path for path in (tests / "Conversion").rglob("*.mlir") if folder.lower() == path.parent.name.lower()]
    numbers = {path for path in found if path.name.endswith(".e2e.mlir")}
    return sorted(set(found) - numbers), sorted(numbers)


def runs(test: Path, step: str) -> bool:
    """Whether a test's commands, or a script that they start, hold a step."""
    if not test.is_file():
        return False
    texts = commands(test)
    for script in re.findall(r"%S/(\S+\.py)", "\n".join(texts)):
        texts.append((test.parent / script).read_text())
    return any(step in text for text in texts)


def check_pass(tests: Path, flag: str) -> list[str]:
    """What is missing for a pass."""
    uses = re.compile(rf"(?<![\w-])(?:--)?{re.escape(flag)}(?![\w-])")
    text, numbers = tests_of(tests, flag)
    missing = []
    if not any(
        any(uses.search(line) and "lutra-opt" in line for line in commands(path))
        and any("FileCheck" in line for line in commands(path))
        for path in text
    ):
        missing.append(f"no text test of its name runs lutra-opt --{flag} and FileCheck")
    if flag in NO_TWIN:
        place, step = NO_TWIN[flag]
        if not runs(tests / place, step):
            missing.append(f"test/{place}, which stands for its numeric twin, does not run {step}")
    elif not any(uses.search(line) and "lutra-run" in line for path in numbers for line in commands(path)):
        missing.append(f"no numeric twin of its name runs lutra-run with {flag}")
    return missing


def has_case(invalid: str, name: str, error: str) -> bool:
    """Whether a comment announces an error of an op, and an error is expected before the next case."""
    for match in re.finditer(rf"// (?:{name}) {error}\b", invalid):
        case = re.split(r"^// -----|^\s*// \w+ E\d+\b", invalid[match.end() :], maxsplit=1, flags=re.M)[0]
        if "expected-error" in case:
            return True
    return False


def main() -> int:
    root = Path(sys.argv[1])
    errors, passes = [], 0
    for path in sorted((root / "include").rglob("Passes.td")):
        for _, flag in PASS.findall(path.read_text()):
            passes += 1
            errors += [f"{path.relative_to(root)}: pass {flag}: {what}" for what in check_pass(root / "test", flag)]
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
                    if not has_case(invalid, f"{snake(op)}|{op}Op", error):
                        place = f"{tests.relative_to(root)}/invalid*.mlir"
                        errors.append(f"{source.relative_to(root)}: no case '// {snake(op)} {error}' in {place}")
    print("\n".join(errors) or f"{passes} passes have their tests, {numbers} error numbers have a case")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
