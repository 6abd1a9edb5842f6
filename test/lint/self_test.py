"""The lints notice what they exist for: each gets a small tree with one planted fault and must refuse it.

usage: self_test.py SOURCE_ROOT
"""

import subprocess
import sys
import tempfile
from pathlib import Path

FAULTS = [
    ("layers.py", {"lib/Support/A.cpp": '#include "lutra/Pipeline/Stages.h"\n'}, "move what is shared"),
    ("layers.py", {"lib/Runtime/a.c": '#include "llvm/ADT/StringRef.h"\n'}, "may not include"),
    ("layers.py", {"lib/Novel/A.cpp": "\n"}, "has no rank"),
    (
        "check_lines.py",
        {"test/a.mlir": "// RUN: lutra-opt %s | FileCheck %s\n// CHECK: a\n// CHECK-NXET: b\n"},
        "CHECK-NXET",
    ),
    ("check_lines.py", {"test/a.mlir": "// RUN: lutra-opt %s\n// CHECK: a\n"}, "no FileCheck"),
    (
        "pass_names.py",
        {"include/lutra/Conversion/Passes.td": 'def AToB : Pass<"lutra-a-to-b"> {}\n'},
        "is no verb phrase",
    ),
    (
        "pass_names.py",
        {
            "include/lutra/Conversion/Passes.td": 'def ConvertAToB : Pass<"lutra-a-to-b"> {}\n',
            "lib/Conversion/AToB/ConvertAToB.cpp": (
                "struct ConvertAToB final : lutra::impl::ConvertAToBBase<ConvertAToB> {};\n"
            ),
            "test/Conversion/AToB/a.mlir": "",
        },
        "name it --convert-a-to-b",
    ),
    (
        "pass_names.py",
        {
            "include/lutra/X/Passes.td": 'def FoldA : Pass<"lutra-fold-a"> {}\n',
            "lib/X/FoldA.cpp": '#define DEBUG_TYPE "fold"\nstruct FoldA final : lutra::impl::FoldABase<FoldA> {};\n',
            "test/X/fold-a.mlir": "",
        },
        'use its flag, "lutra-fold-a"',
    ),
    ("twins.py", {"include/lutra/X/Passes.td": 'def Foo : Pass<"lutra-foo"> {}\n'}, "lutra-foo"),
    (
        "twins.py",
        {
            "lib/Dialect/Lutra/IR/A.cpp": "LogicalResult AOp::verify() {\n  return emitOpError(); // E1\n}\n",
            "test/Dialect/Lutra/IR/invalid.mlir": "",
        },
        "a E1",
    ),
    (
        "twins.py",
        {
            "include/lutra/X/Passes.td": 'def Foo : Pass<"lutra-foo"> {}\n',
            "test/foo.mlir": "// RUN: lutra-opt %s --lutra-foo | FileCheck %s\n",
            "test/bar.e2e.mlir": '// RUN: lutra-run %s --before-after="lutra-foo"\n',
        },
        "no numeric twin of its name",
    ),
    (
        "twins.py",
        {
            "include/lutra/X/Passes.td": 'def Foo : Pass<"lutra-assemble-nvgpu"> {}\n',
            "test/assemble-nvgpu.mlir": "// RUN: lutra-opt %s --lutra-assemble-nvgpu | FileCheck %s\n",
            "test/Target/NVGPU/convert-tile-to-nvvm.e2e.mlir": "// RUN: lutra-opt %s\n",
        },
        "does not run --lutra-assemble-nvgpu",
    ),
    (
        "twins.py",
        {
            "lib/Dialect/Lutra/IR/A.cpp": "LogicalResult AOp::verify() {\n  return emitOpError(); // E1\n}\n",
            "test/Dialect/Lutra/IR/invalid.mlir": "// a E1\n// -----\n// b E1\n// expected-error @below {{b}}\n",
        },
        "a E1",
    ),
    (
        "ods_sections.py",
        {
            "include/lutra/Dialect/Lutra/IR/LutraAOps.td": (
                'def Lutra_AOp : Op<"a"> {\n  let description = [{ Shapes: }];\n}\n'
            )
        },
        "AOp lacks",
    ),
    ("sources.py", {"lib/Support/A.cpp": "void f() { llvm::errs() << 1; }\n"}, "emit a diagnostic"),
    (
        "sources.py",
        {"lib/Conversion/LutraToTile/A.cpp": 'bool f(Target t) { return t.getName() == "sm_80"; }\n'},
        "ask TileTarget",
    ),
    ("sources.py", {"include/lutra/Conversion/A/A.td": 'def O : Option<"\\"avx2\\"">;\n'}, "ask TileTarget"),
    ("sources.py", {"lib/Frontend/A/A.cpp": "// Half as fast on sm_80.\n"}, "ask TileTarget"),
    ("sources.py", {"lib/Reference/A.cpp": "mil::ApplyOp op;\n"}, "ask TileTarget"),
    ("sources.py", {"lib/Support/A.cpp": "\n// " + "x" * 118 + "\n"}, "A.cpp:2: is longer than 120 columns"),
    (
        "sources.py",
        {"lib/A/A.h": "struct X {\n};\n", "lib/B/B.h": "class X final : Y {\n"},
        "lib/B/B.h: defines X, as lib/A/A.h does",
    ),
    ("sources.py", {"lib/Support/CMakeLists.txt": "#" * 121}, "lib/Support/CMakeLists.txt:1: is longer"),
    ("sources.py", {"test/lint/sources.py": ""}, "excepts test/lint/self_test.py, which does not exist"),
    ("doc_paths.py", {"docs/a.md": "See `test/Reference/b.mlir`.\n"}, "docs/a.md:1: names test/Reference/b.mlir"),
    ("doc_paths.py", {"docs/a.md": "From lib/*/b.cpp on.\n"}, "docs/a.md:1: names lib/*/b.cpp"),
    ("doc_paths.py", {"docs/design/a.md": "[more](../b.md#part)\n"}, "docs/design/a.md:1: names ../b.md"),
    ("doc_paths.py", {"README.md": "\n[docs](docs/a.md)\n"}, "README.md:2: names docs/a.md"),
    ("tolerances.py", {"test/a.py": "check(a, b, rtol=1e-3)\n"}, "rtol is typed in"),
    ("tolerances.py", {"test/a.py": "import numpy as np\nassert np.allclose(a, b)\n"}, "allclose has a tolerance"),
    ("tolerances.py", {"test/a.py": "def check(a, *, tol: float = 2.0**-10): ...\n"}, "tol is typed in"),
    ("tolerances.py", {"test/a.py": 'BOUNDS = {"fp32": 1e-5, "fp16": 4 * 1e-3}\n'}, "BOUNDS is typed in"),
    ("tolerances.py", {"test/a.py": "if not apart < 1e-12:\n    fail()\n"}, "compares with 1e-12"),
    ("tolerances.py", {"test/unit/A.cpp": "  EXPECT_NEAR(f(x, 2), y, 1e-6);\n"}, "bound of a comparison"),
    ("tolerances.py", {"test/a.mlir": "// RUN: lutra-run %s --tolerance=0.1\n"}, "a flag types in"),
]
# What looks like a fault and is none.
RIGHT = [
    ("sources.py", {"lib/Support/A.cpp": "// " + "\u00e9" * 117 + "\n", "lib/Support/a.txt": "x" * 200}),
    (
        "doc_paths.py",
        {
            "docs/a.md": "`lib/A/*.cpp`, lib/A and `docs/`. Not ours: <https://x.org/lib/b>, [x](https://x.org/docs/b)\n",
            "lib/A/A.cpp": "",
        },
    ),
    (
        "tolerances.py",
        {
            "test/a.py": (
                "U = 2.0**-24\nbound = 4 * n**0.5 * U * size\nassert error <= bound and seconds < 0.5\nbounds = None\n"
                'TEXT = "epsilon = 1.0e-5 : f64"\nlimit, exact_bound = 30, 0\nreport = compare(a, b, bound)\n'
            ),
            "test/unit/A.cpp": "  EXPECT_NEAR(value, wanted, bounds[i]);\n",
        },
    )
]


def run(lint: Path, files: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The lint on a tree with these files."""
    with tempfile.TemporaryDirectory() as folder:
        for top in ("lib/Dialect", "include/lutra", "test", "tools", "python", "docs"):
            (Path(folder) / top).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return subprocess.run([sys.executable, str(lint), folder], capture_output=True, text=True)


def main() -> int:
    lints = Path(sys.argv[1]) / "test" / "lint"
    failures = []
    for lint, files, expected in FAULTS:
        done = run(lints / lint, files)
        if done.returncode == 0 or expected not in done.stdout:
            failures.append(
                f"{lint} let a planted fault pass: {sorted(files)}: {done.stdout.strip()} {done.stderr.strip()}"
            )
    for lint, files in RIGHT:
        done = run(lints / lint, files)
        if done.returncode != 0:
            failures.append(f"{lint} refuses what is right: {done.stdout.strip()} {done.stderr.strip()}")
    print("\n".join(failures) or f"{len(FAULTS)} planted faults are noticed")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
