"""Rules for source text that need no compiler.

usage: sources.py SOURCE_ROOT
No target's name outside the folders that are about targets, no printing to the standard streams in lib/ (errors are
diagnostics), no command-line options or environment in lib/, no tabs, no line of C++, TableGen or CMake that is longer
than 120 columns, no marks of unfinished work, no path of a developer's machine, no two types of one name in headers.
"""

import re
import sys
from pathlib import Path

# What a target is and how it is reached; every other folder of lib/ and include/lutra/ holds for all targets.
TARGET_FOLDERS = (
    "API/",
    "Conversion/LutraToMIL/",
    "Conversion/TileToNVVM/",
    "Conversion/TileToVector/",
    "Dialect/MIL/",
    "Machine/",
    "Pipeline/",
    "Runtime/",
    "Target/",
)
# Conversions to a target, whose contracts stand in the list of all conversions.
TARGET_PASSES = ("ConvertLutraToMIL", "ConvertTileToVector")
TARGET_NAME = re.compile(
    r'"(avx\w*|sse\w*|neon|x86\w*|sm_?[0-9]\w*|nvgpu|cuda|mil|cpu)\\?"'
    r"|\b(avx\w*|sse[0-9]\w*|x86\w*|sm_[0-9]\w*|nvgpu|nvvm|nvptx|amx)\b"
    r"|NVGPUTarget|CpuTarget|CpuLevel|Dialect/MIL/|\bmil::"
)
# A type that a header defines outside of any other.
TYPE = re.compile(r"^(?:class|struct|enum class|union) (\w+)(?: final)?\s*(?::[^;{]*)?\{", re.MULTILINE)
RULES = [
    (
        "lib/",
        (".cpp", ".h"),
        re.compile(r"\b(errs|outs|dbgs)\(\)|\bstd::c(err|out)\b|(?<!\w)f?printf\("),
        "prints; emit a diagnostic",
    ),
    (
        "lib/",
        (".cpp", ".h"),
        re.compile(r"\bcl::(opt|list)\b|\bgetenv\("),
        "reads options or the environment; take a struct",
    ),
    ("lib/", (".cpp", ".h"), re.compile(r"\bdynamic_cast<|\btypeid\(|\bthrow\b"), "needs RTTI or exceptions"),
    ("include/", (".h",), re.compile(r"^\s*using namespace"), "opens a namespace in a header"),
    (
        "",
        (".cpp", ".h", ".td", ".py", ".mlir", ".md", ".c"),
        re.compile(r"\b(TODO|FIXME|XXX|HACK)\b"),
        "marks unfinished work",
    ),
    ("", (".cpp", ".h", ".td", ".py", ".mlir", ".c"), re.compile(r"\t"), "holds a tab"),
    (
        "",
        (".cpp", ".h", ".td", ".c", ".in", ".cmake", "CMakeLists.txt"),
        re.compile(r".{121}"),
        "is longer than 120 columns; break it",
    ),
    (
        "",
        (".cpp", ".h", ".td", ".py", ".mlir", ".md", ".c", ".txt", ".json", ".toml", ".cmake", ".sh"),
        re.compile(r"(?<![\w.])/(work|root|home)/\w"),
        "names a path of one machine",
    ),
]
# The lints' own patterns. A file that no longer exists is no exception.
EXCEPT = ("test/lint/sources.py", "test/lint/self_test.py")
TOPS = ("lib", "include", "tools", "test", "python", "docs")


def holds_for_all_targets(relative: str) -> bool:
    for top in ("lib/", "include/lutra/"):
        if relative.startswith(top):
            folder = relative.removeprefix(top)
            return not folder.startswith(TARGET_FOLDERS) and folder.endswith((".cpp", ".h", ".td", ".c", ".in"))
    return False


def target_names(relative: str, lines: list[str]) -> list[str]:
    """Where a file that holds for all targets names one."""
    errors, entry = [], ""
    for number, line in enumerate(lines, 1):
        if relative.endswith("Passes.td") and (found := re.match(r"def (\w+)", line)):
            entry = found[1]
        if entry not in TARGET_PASSES and TARGET_NAME.search(line):
            errors.append(f"{relative}:{number}: names a target where all are alike; ask TileTarget")
    return errors


def repeated_types(root: Path) -> list[str]:
    """Headers that define one name: the linker takes inline functions of either type for both."""
    seen: dict[str, str] = {}
    errors = []
    for top in ("include", "lib"):
        for path in sorted((root / top).rglob("*.h")):
            relative = path.relative_to(root).as_posix()
            for match in TYPE.finditer(path.read_text(errors="replace")):
                other = seen.setdefault(match[1], relative)
                if other != relative:
                    errors.append(f"{relative}: defines {match[1]}, as {other} does; give it a name of its own")
    return errors


def main() -> int:
    root = Path(sys.argv[1])
    gone = [path for path in EXCEPT if (root / path).parent.is_dir() and not (root / path).exists()]
    errors, count = [f"test/lint/sources.py excepts {path}, which does not exist" for path in gone], 0
    for top in TOPS:
        for path in sorted((root / top).rglob("*")):
            relative = path.relative_to(root).as_posix()
            if not path.is_file() or relative in EXCEPT or "__pycache__" in relative:
                continue
            rules = [rule for rule in RULES if relative.startswith(rule[0]) and path.name.endswith(rule[1])]
            if not rules:
                continue
            count += 1
            lines = path.read_text(errors="replace").splitlines()
            if holds_for_all_targets(relative):
                errors += target_names(relative, lines)
            for number, line in enumerate(lines, 1):
                for _, _, pattern, why in rules:
                    code_rule = why.startswith(("prints", "reads", "needs"))
                    if relative.startswith("lib/Runtime/") and why.startswith("reads"):
                        continue  # the runtime has no options struct: LUTRA_ISA and the like are its interface
                    if pattern.search(line.split("//")[0] if code_rule else line):
                        errors.append(f"{relative}:{number}: {why}")
    errors += repeated_types(root)
    print("\n".join(errors) or f"{count} files keep the rules")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
