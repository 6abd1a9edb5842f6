"""The small network (two products with bias and activation, a softmax) through both front ends to three targets.

usage: three_targets.py [--ptx-only] FOLDER

ONNX and torch.export are imported by the same builder; every route must give the numbers of the imported graph in
double precision, within a bound derived from the precision in which the route computes:

  cpu     a library that runs here
  nvgpu   a library whose launcher runs on the unit tests' driver and whose kernels run on the PTX emulator: as a device
          of capability 8.0 (cubin for sm_80), of 9.0 (cubin for sm_90a) and of 12.0 (the PTX that the library carries)
  mil     a package that coremltools loads and evaluates

Each bound must also notice one changed weight. The process needs the fake driver's folder in LD_LIBRARY_PATH.
--ptx-only: nvgpu writes its PTX to FOLDER and no library, which needs ptxas.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import lutra
import numpy as np
import onnx
import torch
from emulated_driver import EmulatedDriver
from lutra.torch import import_program
from mil_eval import evaluate
from onnx import TensorProto, helper, numpy_helper

Array = np.ndarray
Source = Callable[[dict[str, int] | None], dict[str, object]]  # arguments of lutra.compile for sizes that are fixed
# 70 rows are two tiles of 64, 36 is no multiple of a block of depth, 80 are two tiles, 10 is a thin one.
SIZES, ROWS = (36, 80, 10), 70


@dataclass(frozen=True)
class Precision:
    """Relative errors: of an operand as a product reads it, of one addition, of a value as it is stored, of exp."""

    operand: float
    add: float
    store: float
    exp: float


F32, F16 = 2.0**-24, 2.0**-11
PRECISION = {
    ("cpu", "f32"): Precision(0, F32, F32, 4 * F32),
    ("cpu", "f16"): Precision(0, F32, F16, 4 * F32),
    # f32 enters tensor cores as tf32: sm_90a cuts to 10 bits of fraction, sm_80 rounds.
    ("nvgpu", "f32"): Precision(2.0**-10, F32, F32, 2.0**-21),
    ("nvgpu", "f16"): Precision(0, F32, F16, 2.0**-21),
    # Core ML computes in fp16: weights and inputs are rounded to it, and so is each result.
    ("mil", "f32"): Precision(F16, F32, F16, F16),
    ("mil", "f16"): Precision(0, F32, F16, F16),
}
DOUBLE = Precision(0, 2.0**-53, 2.0**-53, 4 * 2.0**-53)


def network(dtype: torch.dtype) -> torch.nn.Sequential:
    torch.manual_seed(17)
    layers = [torch.nn.Linear(*SIZES[:2]), torch.nn.ReLU(), torch.nn.Linear(*SIZES[1:]), torch.nn.Softmax(-1)]
    return torch.nn.Sequential(*layers).eval().to(dtype)


def onnx_model(module: torch.nn.Sequential, kind: str) -> onnx.ModelProto:
    """The network as an ONNX file would hold it, written by hand: Gemm, Relu, Gemm, Softmax."""
    weights = [
        numpy_helper.from_array(module[layer].get_parameter(kind).detach().numpy(), f"{kind}{layer}")
        for layer in (0, 2)
        for kind in ("weight", "bias")
    ]
    nodes = [
        helper.make_node("Gemm", ["input", "weight0", "bias0"], ["h"], transB=1),
        helper.make_node("Relu", ["h"], ["a"]),
        helper.make_node("Gemm", ["a", "weight2", "bias2"], ["s"], transB=1),
        helper.make_node("Softmax", ["s"], ["output_0"], axis=-1),
    ]
    element = {"f32": TensorProto.FLOAT, "f16": TensorProto.FLOAT16}[kind]
    value = lambda name, size: helper.make_tensor_value_info(name, element, ["batch", size])  # noqa: E731
    graph = helper.make_graph(nodes, "small", [value("input", SIZES[0])], [value("output_0", SIZES[2])], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def spread(weights: Array, errors: Array) -> Array:
    """Errors of independent terms, summed with these weights: the root of the sum of the squares."""
    return np.sqrt(np.square(errors) @ np.square(weights))


def exact(module: torch.nn.Sequential, x: Array, precision: Precision) -> tuple[Array, Array]:
    """The network in float64, and how far a computation of this precision may lie from it.

    Each rounding is off by up to its unit, independently of the others; four times the root of the sum of squares is
    seven deviations of such a sum.
    """
    value = x.astype(np.float64)
    error = np.zeros_like(value)
    for layer in (0, 2):
        weight, bias = (part.detach().numpy().astype(np.float64) for part in module[layer].parameters())
        size = np.abs(value) + error
        operands = np.hypot(precision.operand, precision.operand) * size
        product = np.hypot(spread(np.abs(weight.T), operands), spread(np.abs(weight.T), error))
        value = value @ weight.T + bias
        magnitude = size @ np.abs(weight.T) + np.abs(bias)
        additions = np.sqrt(weight.shape[1]) * precision.add * magnitude
        # The product and the sum with the bias are both stored where they are not fused.
        stored = 2 * precision.store * (np.abs(value) + np.abs(bias))
        error = np.sqrt(product**2 + additions**2 + stored**2)
        if layer == 0:
            value = np.maximum(value, 0)
    distance = value.max(-1, keepdims=True) - value
    share = np.exp(-distance)
    share /= share.sum(-1, keepdims=True)
    # Errors of the logits shift the numerator and, by their shares, the denominator; so does the rounded difference.
    error = np.hypot(error, distance * precision.store)
    shift = error + np.sqrt(np.square(share * error).sum(-1, keepdims=True))
    rest = np.sqrt(value.shape[-1] + 3) * precision.store + 2 * precision.exp
    tiny = 2.0**-24 if precision.store == F16 else 2.0**-126  # what is flushed
    return share, 4 * share * np.expm1(shift + rest) + tiny


def reference(path: Path, x: Array, folder: Path) -> Array:
    """The imported graph, evaluated in double precision."""
    np.save(folder / "x.npy", x)
    flags = ["--allow-bytecode", "--stop-after=import", "-o", folder / "imported.mlir"]
    subprocess.run(["lutra-compile", path, *flags], check=True)
    run = ["lutra-run", folder / "imported.mlir", f"--input=0={folder}/x.npy", f"--output={folder}/out", "--bounds"]
    subprocess.run(run, check=True, capture_output=True)
    return np.load(folder / "out/output_0.npy")


class Routes:
    """Every way from one model to numbers."""

    def __init__(self, folder: Path, driver: EmulatedDriver | None) -> None:
        self.folder, self.driver = folder, driver

    def cpu(self, source: Source, x: Array) -> Array:
        return lutra.compile(**source(None))(x)[0]

    def ptx(self, path: Path, name: str, arch: str) -> str:
        ptx = self.folder / f"{name}-{arch}.ptx"
        flags = ["--target=nvgpu", f"--gpu-arch={arch}", "--emit=asm", "--allow-bytecode", "-o", ptx]
        subprocess.run(["lutra-compile", path, *flags], check=True)
        return ptx.read_text()

    def gpu(self, source: Source, x: Array, path: Path, name: str) -> dict[str, Array]:
        texts = {arch: self.ptx(path, name, arch) for arch in ("sm_80", "sm_90a")}
        if not self.driver:
            return {}
        library = self.folder / f"{name}.so"
        model = lutra.compile(**source(None), target="nvgpu", output=library)
        assert model.inputs[0].shape == ("batch", SIZES[0]), model.inputs
        results = {}
        for arch, capability in {"sm_80": (8, 0), "sm_90a": (9, 0), "ptx": (12, 0)}.items():
            self.driver.present(*capability, texts.get(arch))
            results[arch] = lutra.load(library)(x)[0]
            if self.driver.error:
                raise self.driver.error
            assert bool(self.driver.cubin()) == (arch != "ptx"), "the launcher loads other code than it should"
            (self.folder / f"{name}-{arch}.cubin").write_bytes(self.driver.cubin())
            self.check_launches(x)
        return results

    def check_launches(self, x: Array) -> None:
        """Two products and a softmax; the sizes of their rows arrive as slots, addresses inside device memory."""
        launches = self.driver.launches
        assert len(launches) == 3, launches
        assert [launch.blocks for launch in launches[:2]] == [4, 2], launches
        for launch in launches:
            assert launch.threads == 128
            sizes = [slot for slot in launch.slots if slot < 1 << 20]
            places = [slot - self.driver.base for slot in launch.slots if slot >= 1 << 20]
            assert sizes == [len(x)] * len(sizes) and len(sizes) == 2, launch
            assert all(0 <= place < self.driver.memory.size and place % 16 == 0 for place in places), launch

    def mil(self, source: Source, x: Array, name: str) -> Array:
        path = self.folder / f"{name}.mlpackage"
        package = lutra.compile(**source({"batch": len(x)}), target="mil", output=path)
        subprocess.run(["lutra-mil", "--check", path], check=True)
        return evaluate(package.path, {"input": x})["output_0"]


def sources(folder: Path, module: torch.nn.Sequential, x: Array, kind: str) -> dict[str, tuple[Source, Path]]:
    """Each front end: what lutra.compile takes, and a file with the same graph."""
    onnx_file, torch_file = folder / "net.onnx", folder / "torch.mlirbc"
    onnx_file.write_bytes(onnx_model(module, kind).SerializeToString())
    batch = torch.export.Dim("batch", min=1, max=4096)
    program = torch.export.export(module, (torch.from_numpy(x),), dynamic_shapes=({0: batch},))
    names = {"input": ["batch"]}
    import_program(program, dim_names=names).write(torch_file)
    return {
        "onnx": (lambda dims: {"model": onnx_file, "dims": dims}, onnx_file),
        "torch": (lambda dims: {"model": program, "dim_names": names, "dims": dims}, torch_file),
    }


def judge(module: torch.nn.Sequential, x: Array, result: Array, precision: Precision) -> float:
    """The largest error in units of its bound."""
    expected, bound = exact(module, x, precision)
    return float((np.abs(np.asarray(result, np.float64) - expected) / bound).max())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ptx-only", action="store_true")
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    routes = Routes(folder, None if arguments.ptx_only else EmulatedDriver())
    failed = False
    for kind, dtype in (("f32", torch.float32), ("f16", torch.float16)):
        module, other = network(dtype), network(dtype)
        with torch.no_grad():
            other[2].bias[3] += 0.05
        x = np.random.default_rng(3).standard_normal((ROWS, SIZES[0])).astype({"f32": "f4", "f16": "f2"}[kind])
        for front, (source, path) in sources(folder, module, x, kind).items():
            # The evaluator and exact() are two computations in double precision: each is inside its bound.
            value = reference(path, x, folder)
            if not judge(module, x, value, DOUBLE) <= 2 or judge(other, x, value, DOUBLE) <= 2:
                raise SystemExit(f"{front} {kind}: the evaluator differs from float64 or hides a changed weight")
            results = {"cpu": routes.cpu(source, x)}
            name = f"{front}-{kind}"
            results |= {f"nvgpu {arch}": result for arch, result in routes.gpu(source, x, path, name).items()}
            results["mil"] = routes.mil(source, x, name)
            for route, result in results.items():
                precision = PRECISION[route.split()[0], kind]
                ratio, wrong = (judge(net, x, result, precision) for net in (module, other))
                right = ratio <= 1 < wrong
                failed |= not right
                verdict = "agrees" if right else "differs" if ratio > 1 else "does not notice a changed weight"
                print(f"{kind} {front} to {route}: {verdict}")
                print(f"  {ratio:.3f} of the bound; with a changed weight {wrong:.1f}", file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main())
