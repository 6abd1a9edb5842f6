"""Whether models that the compiler must refuse are refused for the right reason."""

from __future__ import annotations

from collections.abc import Iterable

import lutra
from onnx import ModelProto


def fault_of_refusals(models: Iterable[tuple[str, ModelProto]]) -> str:
    """What is wrong with a refusal, each of which has a text to say; empty: nothing."""
    for text, model in models:
        try:
            lutra.compile(model.SerializeToString())
        except (lutra.UnsupportedError, lutra.InvalidModelError) as error:
            if text not in str(error):
                return f"the refusal does not say {text!r}: {error}"
        else:
            return f"accepted: {text}"
    return ""
