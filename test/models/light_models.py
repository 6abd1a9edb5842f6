"""Every light image model of the onnx package is in models.LIGHT and has a test that runs both of its variants."""

import sys
from pathlib import Path

import models


def main() -> int:
    folder = models.package_folder("onnx") / "backend" / "test" / "data" / "light"
    packaged = {path.stem.removeprefix("light_") for path in folder.glob("light_*.onnx")}
    faults = [f"{name}: not in models.LIGHT, or not in the package" for name in packaged ^ set(models.LIGHT)]
    for name in models.LIGHT:
        test = Path(__file__).parent / f"light-{name.replace('_', '-')}.test"
        lines = test.read_text().splitlines() if test.exists() else []
        for case in (f"light_{name}", f"light_{name}_random"):
            if f"# RUN: %python %S/check_model.py {case} --engine cpu" not in lines:
                faults.append(f"{test.name} does not run {case}")
    print("\n".join(faults) or f"{len(models.LIGHT)} light models have their tests")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
