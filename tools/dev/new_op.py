"""Writes the skeleton of a lutra op: ODS text in its five parts, a hand-valued test and the list of next steps.

usage: new_op.py Norm group_norm "normalisation over groups of channels" [--root FOLDER]
The family names the file: Lutra<Family>Ops.td.
"""

import argparse
import re
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family")
    parser.add_argument("mnemonic", help="snake_case noun")
    parser.add_argument("summary")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    options = parser.parse_args()
    root: Path = options.root
    td = root / f"include/lutra/Dialect/Lutra/IR/Lutra{options.family}Ops.td"
    if not td.exists():
        families = sorted(p.name.removeprefix("Lutra").removesuffix("Ops.td") for p in td.parent.glob("Lutra*Ops.td"))
        parser.error(f"no family {options.family}; the families are {', '.join(f for f in families if f)}")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", options.mnemonic):
        parser.error(f"{options.mnemonic} is not a snake_case noun")
    text = td.read_text()
    if f'"{options.mnemonic}"' in text:
        parser.error(f"lutra.{options.mnemonic} exists in {td.name}")
    name = "".join(part.capitalize() for part in options.mnemonic.split("_"))
    entry = f"""def Lutra_{name}Op : Lutra_GraphOp<"{options.mnemonic}"> {{
  let summary = "{options.summary}";
  let description = [{{
    Shapes: `input` [..], `result` like `input`.

    Semantics: result[i] = ...

    Errors: (E1) ...

    Example:
    ```mlir
    %r = lutra.{options.mnemonic} %x : tensor<2x3xf32> -> tensor<2x3xf32>
    ```
    Source: ...
  }}];
  let arguments = (ins Lutra_Tensor:$input);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}}

"""
    place = text.rfind("#endif")
    td.write_text(text[:place] + entry + text[place:])
    test = root / f"test/Reference/{options.mnemonic}.mlir"
    test.parent.mkdir(parents=True, exist_ok=True)
    test.write_text(
        f"""// RUN: lutra-run %s --print | FileCheck %s
// Values worked out by hand: ...

// CHECK: tensor<2x3xf32>
func.func @main() -> tensor<2x3xf32> {{
  %x = lutra.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %r = lutra.{options.mnemonic} %x : tensor<2x3xf32> -> tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}}
"""
    )
    print(f"wrote lutra.{options.mnemonic} into {td.name} and {test.relative_to(root)}; next, in this order:")
    print("  1. the five parts of its description; its verifier, shape and cost")
    print("  2. lib/Reference: plain loops; then the hand-worked values")
    print("  3. a case in ops-*.mlir and one per error number in invalid-*.mlir")
    print("  4. GraphBuilder and the front ends' tables; lowering in lib/Conversion/LutraToTile with an e2e test")
    print("  5. a line in docs/papers.md")


if __name__ == "__main__":
    main()
