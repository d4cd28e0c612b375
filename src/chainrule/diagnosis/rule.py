"""A row of the table of rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chainrule.diagnosis.evidence import Evidence

MOST = 0.5
"""More than half is most."""


@dataclass(frozen=True)
class Rule:
    """A row of the table.

    Parameters
    ----------
    name
        The key word of the finding.
    weight
        How much it explains, from 0 to 100: causes before what follows of them.
    holds
        Whether it is found.
    evidence
        The sentence with the figures.
    change
        What to change.
    few_rows
        Whether a few hundred examples are enough to say so.
    names_rows
        Whether the sentence may name rows, by their numbers from 0.
    """

    name: str
    weight: int
    holds: Callable[[Evidence], bool]
    evidence: Callable[[Evidence], str]
    change: str
    few_rows: bool = True
    names_rows: bool = False
