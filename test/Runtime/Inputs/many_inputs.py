"""Writes a module that adds up as many inputs of four dimensions as the argument says."""

import sys

count = int(sys.argv[1])
kind = "tensor<1x2x3x4xf32>"
print(
    "func.func @main("
    + ", ".join(f'%x{i}: {kind} {{lutra.name = "x{i}"}}' for i in range(count))
    + f') -> ({kind} {{lutra.name = "y"}}) {{'
)
total = "%x0"
for i in range(1, count):
    print(f"  %s{i} = lutra.binary<add> {total}, %x{i} : ({kind}, {kind}) -> {kind}")
    total = f"%s{i}"
print(f"  return {total} : {kind}\n}}")
