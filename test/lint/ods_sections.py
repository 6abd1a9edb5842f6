"""Each op of a dialect states shapes, semantics, numbered errors, an example and its source, in this order.

usage: ods_sections.py SOURCE_ROOT
"""

import re
import sys
from pathlib import Path

SECTIONS = ["Shapes:", "Semantics:", "Errors:", "Example", "Source:"]
OP = re.compile(r"^def Lutra_(\w+Op)\s*:(.*?)^}", re.M | re.S)


def main() -> int:
    root = Path(sys.argv[1])
    errors, count = [], 0
    for path in sorted((root / "include/lutra/Dialect/Lutra/IR").glob("Lutra*Ops.td")):
        for name, body in OP.findall(path.read_text()):
            count += 1
            description = re.search(r"let description = \[\{(.*?)\}\];", body, re.S)
            text = description[1] if description else ""
            places = [text.find(section) for section in SECTIONS]
            if -1 in places:
                missing = [s.rstrip(":") for s, p in zip(SECTIONS, places, strict=True) if p < 0]
                errors.append(f"{path.name}: {name} lacks {', '.join(missing)}")
            elif places != sorted(places):
                errors.append(f"{path.name}: {name} has its sections out of order")
    print("\n".join(errors) or f"{count} ops are described in full")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
