"""Teams of threads where none would pay: small networks are made by all sizes of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chainrule import engine


@contextmanager
def teams_of_all_sizes_in_turn() -> Iterator[None]:
    """Laps of a few steps by teams of each size in turn, and teams for all that they can make."""
    if engine.native is None:
        yield
        return
    engine.native.all_in_turn(True)
    try:
        yield
    finally:
        engine.native.all_in_turn(False)
