"""What `chainrule.batches` was called: of it `HeldOut` was told of, which is `cr.HeldOut`."""

from __future__ import annotations

from typing import Any

from chainrule import batches
from chainrule.warn import deprecated


def __getattr__(name: str) -> Any:
    if name != "HeldOut":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    deprecated("chainrule.examples.HeldOut", "cr.HeldOut")
    return batches.HeldOut
