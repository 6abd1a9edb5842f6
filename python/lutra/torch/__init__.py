"""PyTorch programs for Lutra.

program = torch.export.export(module.eval(), (x,))
model = lutra.compile(program)              # or, to look at the graph:
print(lutra.torch.import_program(program).text())
"""

from lutra.torch._importer import ImportedProgram, import_program

__all__ = ["ImportedProgram", "import_program"]
