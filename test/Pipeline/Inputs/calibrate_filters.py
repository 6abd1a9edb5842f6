"""Writes networks of convolutions as MLIR, and samples of their inputs.

`images` has two dimensions: a plain filter, one with a residual around it, one behind a maximum, one in groups that
integers take, one pixel wide ones with strides, depthwise ones, and a small one, which stays. `sound` has one
dimension. `bounded` has bounds between two filters, as has `swapped`, where they stand on the left. What `loud` returns
is beyond f32 for all samples. `endless` is a sample of `images` that is not finite.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

SIZE, FRAMES = 12, 40


class Network:
    """Lines of a function, and the weights that it reads."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.weights, self.lines = "", ""
        self.count = 0

    def weight(self, name: str, shape: list[int], scale: float) -> str:
        values = (self.random.standard_normal(shape) * scale).astype(np.float32)
        kind = f"tensor<{'x'.join(map(str, shape))}xf32>"
        self.weights += f'lutra.global @{name} : {kind} = dense<"0x{values.tobytes().hex()}"> : {kind}\n'
        self.lines += f"  %{name} = lutra.weight @{name} : {kind}\n"
        return kind

    def op(self, text: str, kind: str) -> str:
        self.count += 1
        self.lines += f"  %v{self.count} = {text}{f' -> {kind}' if kind else ''}\n"
        return f"%v{self.count}"

    def conv(
        self, name: str, x: str, shape: list[int], filter_shape: list[int], stride: int = 1, groups: int = 1
    ) -> tuple[str, list[int]]:
        """A convolution padded by half a window, with a bias."""
        pads = [size // 2 for size in filter_shape[2:]]
        out = [shape[0], filter_shape[0]]
        out += [
            (size + 2 * pad - k) // stride + 1 for size, pad, k in zip(shape[2:], pads, filter_shape[2:], strict=True)
        ]
        kind = self.weight(name, filter_shape, 1 / np.sqrt(np.prod(filter_shape[1:])))
        bias = self.weight(name + "_bias", [filter_shape[0]] + [1] * len(pads), 0.3)
        given, result = (f"tensor<{'x'.join(map(str, s))}xf32>" for s in (shape, out))
        padding = ", ".join(map(str, pads))
        each = ", ".join([str(stride)] * len(pads))
        ones = ", ".join(["1"] * len(pads))
        value = self.op(
            f"lutra.conv<channels_first> {x}, %{name} {{strides = array<i64: {each}>, low = array<i64: {padding}>, "
            f"high = array<i64: {padding}>, dilations = array<i64: {ones}>, groups = {groups} : i64}} : "
            f"({given}, {kind})",
            f'{result} loc("{name}")',
        )
        return self.op(f"lutra.binary<add> {value}, %{name}_bias : ({result}, {bias})", result), out

    def relu(self, x: str, shape: list[int]) -> str:
        kind = f"tensor<{'x'.join(map(str, shape))}xf32>"
        return self.op(f"lutra.unary<relu> {x} : {kind}", kind)

    def write(self, path: Path, given: list[int], result: str, shape: list[int]) -> None:
        def kind(name: str, sizes: list[int]) -> str:
            names = ", ".join(['""'] * len(sizes))
            return f'tensor<{"x".join(map(str, sizes))}xf32> {{lutra.name = "{name}", lutra.dim_names = [{names}]}}'

        plain = f"tensor<{'x'.join(map(str, shape))}xf32>"
        path.write_text(
            f"{self.weights}func.func @main(%x: {kind('x', given)}) -> ({kind('y', shape)}) {{\n"
            f"{self.lines}  return {result} : {plain}\n}}\n"
        )


def images(path: Path) -> None:
    net = Network(3)
    given = [1, 8, SIZE, SIZE]
    x, shape = net.conv("first", "%x", given, [32, 8, 3, 3])
    x = net.relu(x, shape)
    y, _ = net.conv("block", x, shape, [32, 32, 3, 3])
    kind = f"tensor<{'x'.join(map(str, shape))}xf32>"
    y = net.op(f"lutra.binary<add> {y}, {x} : ({kind}, {kind})", kind)
    y = net.relu(y, shape)
    z, _ = net.conv("depthwise", y, shape, [32, 1, 3, 3], groups=32)
    z = net.op(
        f"lutra.pool<max> {net.relu(z, shape)} {{layout = #lutra.conv_layout<channels_first>, "
        "window = array<i64: 3, 3>, strides = array<i64: 1, 1>, low = array<i64: 1, 1>, high = array<i64: 1, 1>, "
        f"dilations = array<i64: 1, 1>}} : {kind}",
        kind,
    )
    z, shape = net.conv("pointwise", z, shape, [64, 32, 1, 1], stride=2)
    z, _ = net.conv("groups", net.relu(z, shape), shape, [64, 16, 3, 3], groups=4)
    z, shape = net.conv("small", z, shape, [8, 64, 1, 1])
    net.write(path, given, z, shape)


def sound(path: Path) -> None:
    net = Network(4)
    given = [1, 1, 256 * FRAMES // 10]
    x, shape = net.conv("basis", "%x", given, [64, 1, 63], stride=16)
    x, shape = net.conv("encoder", net.relu(x, shape), shape, [48, 64, 3], stride=2)
    net.write(path, given, x, shape)


def bounded(path: Path, swapped: bool) -> None:
    net = Network(9)
    given = [1, 8, SIZE, SIZE]
    x, shape = net.conv("first", "%x", given, [32, 8, 3, 3])
    kind = f"tensor<{'x'.join(map(str, shape))}xf32>"
    for name, value in (("max", 0.0), ("min", 1.5)):
        bound = net.op(f"lutra.constant dense<{value}> : tensor<f32>", "")
        operands, kinds = (
            (f"{bound}, {x}", f"tensor<f32>, {kind}") if swapped else (f"{x}, {bound}", f"{kind}, tensor<f32>")
        )
        x = net.op(f"lutra.binary<{name}> {operands} : ({kinds})", kind)
    x, shape = net.conv("second", x, shape, [32, 32, 3, 3])
    net.write(path, given, x, shape)


def loud(path: Path) -> None:
    net = Network(5)
    given = [1, 8, SIZE, SIZE]
    x, shape = net.conv("first", "%x", given, [32, 8, 3, 3])
    kind = f"tensor<{'x'.join(map(str, shape))}xf32>"
    net.write(path, given, net.op(f"lutra.unary<exp> {x} : {kind}", kind), shape)


def main() -> None:
    folder = Path(sys.argv[1])
    random = np.random.default_rng(6)
    loud(folder / "loud.mlir")
    bounded(folder / "bounded.mlir", swapped=False)
    bounded(folder / "swapped.mlir", swapped=True)
    image = random.standard_normal((1, 8, SIZE, SIZE)).astype(np.float32)
    np.savez(folder / "loud.npz", x=image * 1000)
    image[0, 3, 4, 4] = np.inf
    np.savez(folder / "endless.npz", x=image)
    for name, network, shape in (("images", images, (1, 8, SIZE, SIZE)), ("sound", sound, (1, 1, 256 * FRAMES // 10))):
        network(folder / f"{name}.mlir")
        (folder / name).mkdir()
        for index in range(12):
            np.savez(folder / name / f"{index}.npz", x=random.standard_normal(shape).astype(np.float32))


if __name__ == "__main__":
    main()
