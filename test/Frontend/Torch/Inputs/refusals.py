"""Programs that cannot be imported, and what is said about them."""

from collections.abc import Callable

import torch
from lutra._errors import UnsupportedError
from lutra.torch import import_program


class Expression(torch.nn.Module):
    def __init__(self, function: Callable) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)


def view_in_place(x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    y[0].add_(1)
    return y


CASES = {
    "unsupported": lambda x: (torch.erfinv(torch.erfinv(x)), torch.nonzero(x)),
    "random": lambda x: torch.nn.functional.dropout(x, 0.5, training=True),
    "view in place": view_in_place,
    "input in place": lambda x: x.add_(1),
    "masked": lambda x: x.index_put((x > 0.5,), torch.tensor(0.0)),
    "apart": lambda x: torch.ops.aten.index_put(
        x.reshape(3, 2, 2), [torch.tensor([0]), None, torch.tensor([1])], torch.zeros(1, 2)
    ),
}

for name, function in CASES.items():
    program = torch.export.export(Expression(function), (torch.rand(3, 4),))
    try:
        import_program(program)
    except UnsupportedError as error:
        print(f"{name}: {error}")
    else:
        print(f"{name}: imported")
