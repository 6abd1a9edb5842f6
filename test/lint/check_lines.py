"""CHECK lines that no FileCheck reads, and mistyped directives.

usage: check_lines.py SOURCE_ROOT
"""

import difflib
import re
import sys
from pathlib import Path

SUFFIXES = "NEXT|SAME|NOT|DAG|LABEL|EMPTY|COUNT-\\d+"
PREFIXES = re.compile(r"--?check-prefix(?:es)?[= ]([A-Za-z0-9_,-]+)")
WORDS = {"RUN", "REQUIRES", "UNSUPPORTED", "XFAIL", "END", "DEFINE", "REDEFINE", "ALLOW_RETRIES", "COM", "NOTE"}


def main() -> int:
    root = Path(sys.argv[1])
    errors = []
    count = 0
    for path in sorted((root / "test").rglob("*")):
        if path.suffix not in (".mlir", ".test", ".td") or not path.is_file():
            continue
        count += 1
        text = path.read_text()
        runs = "\n".join(line for line in text.splitlines() if re.search("RUN:|DEFINE:", line))
        runs = re.sub(r"\\\s*\n\s*(?://|#)\s*RUN:", " ", runs)
        prefixes = set()
        for command in re.findall(r"FileCheck[^|\n]*", runs):
            named = PREFIXES.findall(command)
            prefixes.update(prefix for group in named for prefix in group.split(","))
            if not named:
                prefixes.add("CHECK")
        known = re.compile(rf"^({'|'.join(map(re.escape, sorted(prefixes)))})(-({SUFFIXES}))?$") if prefixes else None
        used = set()
        for number, line in enumerate(text.splitlines(), 1):
            match = re.match(r"\s*(?://|#)\s*([A-Z][A-Z0-9_]*(?:-[A-Z0-9]+)*)(?:\{[A-Z]+\})?:", line)
            if not match or match[1].split("-")[0] in WORDS or match[1] in WORDS:
                continue
            stem = match[1].split("-")[0]
            looks = [*prefixes, "CHECK"]
            if not difflib.get_close_matches(stem, [p.split("-")[0] for p in looks], 1, 0.75):
                continue  # a word of the comment, as in "GPT-2: ..."
            if known is None or not known.match(match[1]):
                errors.append(f"{path.relative_to(root)}:{number}: {match[1]}: is read by no FileCheck of this file")
            else:
                used.add(known.match(match[1])[1])
        for prefix in sorted(prefixes - used):
            errors.append(f"{path.relative_to(root)}: a RUN line checks {prefix}, but no line starts with it")
        if "RUN:" not in text and path.suffix in (".mlir", ".test") and "Inputs" not in path.parts:
            errors.append(f"{path.relative_to(root)}: has no RUN line")
    print("\n".join(errors) or f"{count} test files hold no inert check line")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
