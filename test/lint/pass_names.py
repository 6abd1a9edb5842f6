"""From the name of a pass its flag, its file, its struct and its tests can be derived.

usage: pass_names.py SOURCE_ROOT
A conversion is `ConvertXToY`, --convert-x-to-y, lib/Conversion/XToY/ConvertXToY.cpp, its tests by op family in
test/Conversion/XToY. Any other pass is a verb phrase, `FoldWeights`: --lutra-fold-weights, FoldWeights.cpp and
fold-weights*.mlir in the folders that mirror its Passes.td. What prints debug text or remarks does it under the flag.
"""

import re
import sys
from pathlib import Path

PASS = re.compile(r'^def\s+(\w+)\s*:\s*Pass<\s*"([^"]*)"', re.MULTILINE)
OPTION = re.compile(r'(?:List)?Option<\s*"\w+",\s*"([^"]*)"')
DEBUG_TYPE = re.compile(r'^#define DEBUG_TYPE "([^"]*)"', re.MULTILINE)
CONVERSION = re.compile(r"Convert(\w+To\w+)$")
# The first words of passes. A new verb is first a new word here.
VERBS = (
    "Apply",
    "Assemble",
    "Choose",
    "Convert",
    "Encode",
    "Flatten",
    "Fold",
    "Form",
    "Fuse",
    "Group",
    "Move",
    "Narrow",
    "Pack",
    "Plan",
    "Quantize",
    "Raise",
    "Split",
    "Use",
)


def kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()


def check_pass(root: Path, folder: str, name: str, flag: str) -> list[str]:
    """What is wrong with the pass `name` that the Passes.td of `folder` declares."""
    conversion = CONVERSION.match(name)
    errors = []
    if not conversion and (not name.startswith(VERBS) or name.endswith("Pass")):
        errors.append(f"is no verb phrase; begin with one of {', '.join(VERBS)} and leave out 'Pass'")
    expected = kebab(name) if conversion else f"lutra-{kebab(name)}"
    if flag != expected:
        errors.append(f"has the flag --{flag}; name it --{expected}")
    place = f"Conversion/{conversion[1]}" if conversion else folder
    sources = sorted((root / "lib" / place).rglob(f"{name}.cpp"))
    if len(sources) != 1:
        return [*errors, f"lies in {len(sources)} files {name}.cpp in lib/{place}; keep it in one"]
    text = sources[0].read_text()
    if not re.search(rf"struct {name} final\s+: lutra::impl::{name}Base<{name}>", text):
        errors.append(f"is not 'struct {name} final' in {sources[0].relative_to(root)}")
    for category in DEBUG_TYPE.findall(text):
        if category != flag:
            errors.append(f'has the DEBUG_TYPE "{category}"; use its flag, "{flag}"')
    tests = root / "test" / sources[0].parent.relative_to(root / "lib")
    pattern = "*.mlir" if conversion else f"{kebab(name)}*.mlir"
    if not any(tests.glob(pattern)):
        errors.append(f"has no test/{tests.relative_to(root / 'test')}/{pattern}")
    return errors


def main() -> int:
    root = Path(sys.argv[1])
    errors, count = [], 0
    for path in sorted((root / "include" / "lutra").rglob("Passes.td")):
        text = path.read_text()
        where = path.relative_to(root)
        folder = path.parent.relative_to(root / "include" / "lutra").as_posix()
        for name, flag in PASS.findall(text):
            count += 1
            errors += [f"{where}: {name} {wrong}" for wrong in check_pass(root, folder, name, flag)]
        for option in OPTION.findall(text):
            if not re.fullmatch(r"[a-z]+(-[a-z]+)*", option):
                errors.append(f"{where}: option '{option}' is not lower-case words joined by '-'")
    print("\n".join(errors) or f"{count} passes are named by the rules")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
