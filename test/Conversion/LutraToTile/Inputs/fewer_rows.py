"""Products of an unknown number of rows, compiled for a level where few of them have code of their own: results are
those bits that the strategy for so many rows gives alone, of bytes on another level."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import lutra
import numpy as np
from coded_levels import text

# N, K, group, bits, those of activations: groups and one group; panels that are left over; K that ends within a tile;
# rows that a first-level cache holds and that no stack holds; bits that are counted for one row.
CASES = [
    (64, 512, 128, 4, 8),
    (1040, 512, 32, 4, 8),
    (70, 1024, 1024, 8, 8),
    (33, 400, 160, 3, 8),
    (40, 2056, 128, 2, 8),
    (48, 250, 48, 4, 8),
    (17, 16384, 1024, 4, 8),
    (16, 32784, 32784, 4, 8),
    (1040, 512, 128, 2, 2),
    (1040, 512, 128, 1, 1),
]
ROWS = [0, 1, 2, 5, 6, 8, 15, 16, 17, 30, 31, 32, 33, 70]


def strategies(report: Path) -> tuple[str, list[tuple[int, str]]]:
    """The strategy of the one product of a report, and those of so many rows at most, fewest first."""
    decision = next(each for each in json.loads(report.read_text())["decisions"] if "chosen" in each)
    texts = decision.get("fewerRows", [])
    words = [each.split() for each in ([texts] if isinstance(texts, str) else texts)]
    return decision["chosen"], sorted((int(each[3]), each[0]) for each in words)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("level")
    parser.add_argument("--corrupt", action="store_true", help="expect one result more")
    options = parser.parse_args()
    count = found = 0
    with tempfile.TemporaryDirectory() as folder:
        for n, k, group, bits, lhs_bits in CASES:
            source, report = Path(folder) / "product.mlir", Path(folder) / "report.json"
            content = text(n, k, group, bits, "rows", has_zeros=True)
            source.write_text(content.replace("act = int<8,", f"act = int<{lhs_bits},"))
            names = "coded" if lhs_bits == 8 else "auto"
            fewer = lutra.compile(source, target_cpu=options.level, strategy=names, report=report)
            chosen, ranges = strategies(report)
            found += len(ranges)
            level = "avx2" if lhs_bits == 8 else options.level  # which round to few bits in their own ways
            alone = {name: lutra.compile(source, target_cpu=level, strategy=name) for _, name in [*ranges, (0, chosen)]}
            for rows in ROWS:
                x = np.random.default_rng(rows).standard_normal((rows, k)).astype(np.float32)
                name = next((own for most, own in ranges if rows <= most), chosen)
                expected, got = alone[name](x=x)[0], fewer(x=x)[0]
                if options.corrupt and rows > 0:
                    got[-1, -1] += 1
                np.testing.assert_array_equal(got.view(np.uint32), expected.view(np.uint32), f"{rows} {n} {k}")
                count += 1
    print(f"{count} products are equal, {found} times fewer rows have code of their own")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
