"""Keeps docs/onnx.md's table of operators equal to the importer's: op_table.py SOURCE_ROOT [--update]."""

import re
import sys
from pathlib import Path

ROW = re.compile(r'^\s+\{"(\w+)", (\d+), \w+(?:<[^>]*>)?(?:, "([\w.]+)")?\},', re.MULTILINE)
BEGIN, END = "<!-- operators -->\n", "<!-- end of operators -->\n"


def table(folder: Path) -> str:
    lines = ["| family | operators, each with the operator set from which it is imported |", "|---|---|"]
    for path in sorted(folder.glob("*.cpp")):
        rows = ROW.findall(path.read_text())
        if rows:
            names = ", ".join(f"{domain and domain + '.'}{name} {since}" for name, since, domain in sorted(rows))
            lines.append(f"| {path.stem.lower()} | {names} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    root = Path(sys.argv[1])
    page = root / "docs" / "onnx.md"
    text = page.read_text()
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    wanted = head + BEGIN + table(root / "lib" / "Frontend" / "ONNX") + END + tail
    if "--update" in sys.argv:
        page.write_text(wanted)
    elif wanted != text:
        print("docs/onnx.md differs from the importer's tables; run test/onnx/op_table.py . --update")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
