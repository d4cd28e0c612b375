"""What a mistake is: a row of the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from chainrule.diagnosis.worked_rules import Rules


class Mistake(NamedTuple):
    """A row: its name, the seam, what was done, what to do, and the change of the rules.

    Two rows of one seam make no pair.
    """

    name: str
    seam: str
    sentence: str
    fix: str
    change: Callable[[Rules], Rules | None]
