"""Writes the skeleton of a lutra-to-lutra pass: contract, source and the two tests, all failing until filled in.

usage: new_pass.py FuseDequant "fuses dequantize into the product that reads it" [--root FOLDER]
"""

import argparse
import re
from pathlib import Path


def kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="CamelCase verb phrase, without Pass")
    parser.add_argument("summary")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    options = parser.parse_args()
    if not re.fullmatch(r"(?:[A-Z][a-z0-9]+)+", options.name) or options.name.endswith("Pass"):
        parser.error(f"{options.name} is not a CamelCase verb phrase without Pass, such as FuseDequant")
    name, stem = options.name, kebab(options.name)
    root: Path = options.root
    tests = root / "test/Dialect/Lutra/Transforms"
    source = root / f"lib/Dialect/Lutra/Transforms/{name}.cpp"
    if source.exists():
        parser.error(f"{source} exists")
    tests.mkdir(parents=True, exist_ok=True)
    source.parent.mkdir(parents=True, exist_ok=True)
    head = f"//===- {name}.cpp - {options.summary} "
    source.write_text(
        f"""{head}{"-" * max(3, 76 - len(head))}===//
// Purpose, the algorithm in a few lines, invariants, paper.
#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

using namespace mlir;

namespace lutra {{
#define GEN_PASS_DEF_{name.upper()}
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
}} // namespace lutra

using namespace lutra;

namespace {{
struct {name} final : lutra::impl::{name}Base<{name}> {{
  using Base::Base;
  void runOnOperation() override;
}};
}} // namespace

void {name}::runOnOperation() {{}}
"""
    )
    passes = root / "include/lutra/Dialect/Lutra/Transforms/Passes.td"
    text = passes.read_text() if passes.exists() else ""
    entry = f"""
def {name} : Pass<"lutra-{stem}", "mlir::ModuleOp"> {{
  let summary = "{options.summary}";
  let description = [{{
    Needs: ...
    Guarantees: ...
    Leaves alone: ...
  }}];
}}
"""
    later = (match.start() for match in re.finditer(r"^def (\w+)", text, re.MULTILINE) if match[1] > name)
    place = next(later, text.rfind("#endif"))  # sorted by name
    passes.parent.mkdir(parents=True, exist_ok=True)
    passes.write_text(text + entry if place < 0 else text[:place].rstrip("\n") + "\n" + entry + "\n" + text[place:])
    (tests / f"{stem}.mlir").write_text(
        f"""// RUN: lutra-opt %s --lutra-{stem} | FileCheck %s

// CHECK-LABEL: func @applies
// CHECK: lutra.what_the_pass_makes
func.func @applies(%a: tensor<3x5xf32>) -> tensor<3x5xf32> {{
  return %a : tensor<3x5xf32>
}}
"""
    )
    (tests / f"{stem}.e2e.mlir").write_text(
        f"""// RUN: lutra-run %s --before-after=lutra-{stem} --seed=7
// RUN: not lutra-run %s --before-after=lutra-{stem} --seed=7 --corrupt=0

func.func @main(%a: tensor<3x5xf32>) -> tensor<3x5xf32> {{
  %r = lutra.unary<relu> %a : tensor<3x5xf32> -> tensor<3x5xf32>
  return %r : tensor<3x5xf32>
}}
"""
    )
    print(f"wrote {source.relative_to(root)}, {stem}.mlir and {stem}.e2e.mlir; next:")
    print(f"  1. list {name}.cpp in lib/Dialect/Lutra/Transforms/CMakeLists.txt")
    print("  2. write the contract in Passes.td, then the tests (they fail now), then the code")
    print("  3. give it a place in lib/Pipeline/Compiler.cpp, with its reason")


if __name__ == "__main__":
    main()
