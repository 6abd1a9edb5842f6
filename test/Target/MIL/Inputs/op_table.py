"""Compares the rows of MILOpTable.cpp with the operations that coremltools knows.

usage: op_table.py MILOpTable.cpp
"""

import logging
import re
import sys
from pathlib import Path

logging.disable(logging.CRITICAL)
from coremltools.converters.mil.mil.input_type import TupleInputType  # noqa: E402
from coremltools.converters.mil.mil.ops.registry import SSAOpRegistry  # noqa: E402

ROW = re.compile(r'\{"(\w+)", ResultRule::\w+,\s*((?:"[^"]*"\s*)+)\}')
OURS_CONSTANT = {"shape", "begin", "end", "pad", "reps"}  # MIL takes them computed, too; we emit constants alone
FREE = {"weight", "bias", "gamma", "beta"}  # constants that we hand over as tensors


def faults(name: str, parameters: str) -> list[str]:
    if name not in SSAOpRegistry.core_ops:
        return [f"{name}: unknown to coremltools"]
    versions = sorted(SSAOpRegistry.core_ops[name].items(), key=lambda item: item[0].value)
    known = versions[-1][1].input_spec.input_types
    result = []
    seen = set()
    for word in parameters.split():
        optional = word.endswith("?")
        word, _, since = word.rstrip("?").partition("@")
        parameter, _, kind = word.partition(":")
        seen.add(parameter)
        if parameter not in known:
            result.append(f"{name}: no parameter {parameter}")
            continue
        spec = known[parameter]
        if spec.optional != optional:
            result.append(f"{name}.{parameter}: optional {optional} here, {spec.optional} there")
        constant = kind not in ("", "list")
        if constant and not spec.const and parameter not in OURS_CONSTANT:
            result.append(f"{name}.{parameter}: constant here alone")
        if not constant and spec.const and parameter not in FREE:
            result.append(f"{name}.{parameter}: constant there alone")
        if (kind == "list") != isinstance(spec, TupleInputType):
            result.append(f"{name}.{parameter}: list or not")
        first = next(6 + i for i, (_, op) in enumerate(versions[-4:]) if parameter in op.input_spec.input_types)
        if int(since or 6) != first:
            result.append(f"{name}.{parameter}: since {since or 6} here, {first} there")
    result += [
        f"{name}: lacks {parameter}" for parameter, spec in known.items() if not spec.optional and parameter not in seen
    ]
    return result


def main() -> int:
    rows = ROW.findall(Path(sys.argv[1]).read_text())
    found = [fault for name, text in rows for fault in faults(name, "".join(re.findall(r'"([^"]*)"', text)))]
    print("\n".join(found) or f"{len(rows)} operations agree")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
