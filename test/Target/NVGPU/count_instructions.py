"""Counts machine instructions of one kernel of a cubin by prefix.

usage: count_instructions.py CUBIN KERNEL PREFIX=COUNT...     PREFIX ends at a dot or at the name's end.
"""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path


def find_disassembler() -> str:
    """nvdisasm on PATH, or the one of the nvidia-cuda-nvdisasm wheel."""
    found = shutil.which("nvdisasm")
    if found:
        return found
    spec = importlib.util.find_spec("nvidia")
    for folder in spec.submodule_search_locations if spec else []:
        for path in sorted(Path(folder).glob("cu*/bin/nvdisasm")):
            return str(path)
    sys.exit("no nvdisasm; install the wheel nvidia-cuda-nvdisasm")


def main() -> int:
    cubin, kernel, *wanted = sys.argv[1:]
    text = subprocess.run([find_disassembler(), cubin], capture_output=True, text=True, check=True).stdout
    section = re.search(rf"^\.text\.{re.escape(kernel)}:\n(.*?)(?=^\s*\.section|\Z)", text, re.M | re.S)
    if not section:
        sys.exit(f"{cubin} has no kernel {kernel}")
    names = re.findall(r"/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9_a-z.]*)", section.group(1))
    errors = []
    for item in wanted:
        prefix, _, count = item.rpartition("=")
        found = sum(name == prefix or name.startswith(prefix + ".") for name in names)
        if found != int(count):
            errors.append(f"{kernel}: {found} instructions {prefix}, expected {count}")
    print("\n".join(errors) or f"{kernel}: {len(names)} instructions")
    return bool(errors) or not names


if __name__ == "__main__":
    sys.exit(main())
