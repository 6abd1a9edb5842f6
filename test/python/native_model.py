"""Compiles for this machine alone. A test that compares numbers runs one level; the others only take time."""

from __future__ import annotations

from typing import Any

import lutra


def compile_native(model: Any, **options: Any) -> lutra.Model:
    """As lutra.compile, for the best level of this CPU."""
    return lutra.compile(model, target_cpu="native", **options)
