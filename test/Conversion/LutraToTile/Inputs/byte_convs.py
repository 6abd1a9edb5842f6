"""Prints a module with convolutions of bytes less a zero point and constant filters."""

import random
from dataclasses import dataclass


@dataclass
class Conv:
    """Shapes are batch, channels, height and width, and filters, height and width."""

    element: str
    image: tuple[int, int, int, int]
    filter: tuple[int, int, int]
    strides: tuple[int, int] = (1, 1)
    low: tuple[int, int] = (0, 0)
    high: tuple[int, int] = (0, 0)
    dilations: tuple[int, int] = (1, 1)
    groups: int = 1
    zero: int = 0


CONVS = [
    Conv("ui8", (1, 4, 9, 9), (17, 3, 3), low=(1, 1), high=(1, 1), zero=3),
    Conv("i8", (2, 3, 11, 13), (24, 3, 5), strides=(2, 2), low=(1, 0), high=(0, 2), zero=-7),
    Conv("ui8", (1, 20, 7, 23), (64, 3, 3), strides=(1, 2), low=(2, 2), high=(2, 2), dilations=(2, 2), zero=255),
    Conv("i8", (1, 64, 5, 37), (80, 1, 1), zero=127),
    Conv("ui8", (1, 32, 6, 21), (64, 3, 3), low=(1, 1), high=(1, 1), groups=2, zero=128),
    Conv("ui8", (1, 3, 17, 40), (16, 7, 7), strides=(2, 2), low=(3, 3), high=(3, 3)),
    Conv("ui8", (1, 600, 4, 6), (33, 1, 1), strides=(2, 2), zero=9),
    Conv("i8", (1, 130, 3, 19), (16, 2, 2), low=(0, 1), high=(1, 0), zero=-128),
    Conv("ui8", (1, 256, 3, 16), (32, 3, 3), low=(1, 1), high=(1, 1), zero=1),
]


def text(shape: tuple[int, ...], element: str) -> str:
    return f"tensor<{'x'.join(map(str, shape))}x{element}>"


def array(values: tuple[int, int]) -> str:
    return f"array<i64: {values[0]}, {values[1]}>"


def main() -> None:
    source = random.Random(4)
    arguments, types, body = [], [], []
    for i, conv in enumerate(CONVS):
        batch, channels, *sizes = conv.image
        filters, *window = conv.filter
        shape = (filters, channels // conv.groups, *window)
        count = filters * shape[1] * window[0] * window[1]
        codes = bytes(source.choice([0, 1, 127, 128, 129, 255, source.randrange(256)]) for _ in range(count))
        weight, narrow, wide = text(shape, "i8"), text(conv.image, conv.element), text(conv.image, "i16")
        print(f'lutra.global @w{i} : {weight} = dense<"0x{codes.hex()}"> : {weight}')
        extents = [
            (size + low + high - dilation * (taps - 1) - 1) // stride + 1
            for size, low, high, dilation, taps, stride in zip(
                sizes, conv.low, conv.high, conv.dilations, window, conv.strides, strict=True
            )
        ]
        result = text((batch, filters, *extents), "i32")
        arguments.append(f'%x{i}: {narrow} {{lutra.name = "x{i}"}}')
        types.append(result)
        attributes = (
            f"strides = {array(conv.strides)}, low = {array(conv.low)}, high = {array(conv.high)}, "
            f"dilations = {array(conv.dilations)}, groups = {conv.groups} : i64"
        )
        body += [
            f"%w{i} = lutra.weight @w{i} : {weight}",
            f"%c{i} = lutra.cast %x{i} : {narrow} -> {wide}",
            f"%z{i} = lutra.constant dense<{conv.zero}> : tensor<i16>",
            f"%d{i} = lutra.binary<sub> %c{i}, %z{i} : ({wide}, tensor<i16>) -> {wide}",
            f"%r{i} = lutra.conv<channels_first> %d{i}, %w{i} {{{attributes}}} : ({wide}, {weight}) -> {result}",
        ]
    results = ", ".join(f"%r{i}" for i in range(len(CONVS)))
    print(f"func.func @main({', '.join(arguments)}) -> ({', '.join(types)}) {{")
    print("\n".join(f"  {line}" for line in body))
    print(f"  return {results} : {', '.join(types)}\n}}")


main()
