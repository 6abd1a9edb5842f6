"""Every path that README.md and docs/ name exists.

usage: doc_paths.py SOURCE_ROOT

A path starts with one of the folders of the source root (and may hold a *), or is the target of a link, which counts
from the page it stands on.
"""

import re
import sys
from pathlib import Path

PATH = re.compile(r"(?<![\w./<-])(?:lib|include|test|tools|python|docs)/[\w./*-]*")
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)")


def exists(folder: Path, path: str) -> bool:
    return any(folder.glob(path)) if "*" in path else (folder / path).exists()


def check_page(root: Path, page: Path) -> tuple[int, list[str]]:
    """How many paths a page names, and which of them do not exist."""
    count, errors = 0, []
    for number, line in enumerate(page.read_text().splitlines(), 1):
        links = [(page.parent, path) for path in LINK.findall(line)]
        paths = [(root, path.rstrip(".")) for path in PATH.findall(LINK.sub("](", line))]
        for folder, path in links + paths:
            count += 1
            if not exists(folder, path):
                errors.append(f"{page.relative_to(root)}:{number}: names {path}, which does not exist")
    return count, errors


def main() -> int:
    root = Path(sys.argv[1])
    count, errors = 0, []
    for page in sorted([*root.glob("README.md"), *(root / "docs").rglob("*.md")]):
        named, missing = check_page(root, page)
        count += named
        errors += missing
    print("\n".join(errors) or f"{count} paths in the documentation exist")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
