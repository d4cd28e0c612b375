"""Which units of each place have lines: those that the subject of a derivation reaches most."""

from __future__ import annotations

import functools
from collections.abc import Collection
from typing import TYPE_CHECKING

from chainrule.explanation.notation import Key
from chainrule.explanation.sums import largest
from chainrule.explanation.unit_places import is_parameter
from chainrule.explanation.working import Working

if TYPE_CHECKING:
    from chainrule.explanation.unit_places import Places


class Reached:
    """The units of each place that a derivative of an example goes through.

    `behind` says of each place whether anything comes to it from the subject.
    """

    working: Working
    of: Key
    places: Collection[Key]
    top: int

    def __init__(self, working: Working, of: Key, places: Collection[Key], top: int) -> None:
        self.working, self.of, self.places, self.top = working, of, places, top
        self.at: Places = working.at
        self.units: list[list[int]] = []
        self.behind: list[bool] = []
        for k in range(len(self.at.layers)):
            chosen = self._chosen(k)
            self.behind.append(chosen is not None)
            self.units.append(chosen or [])

    def _chosen(self, k: int) -> list[int] | None:
        """The units of a place; None where nothing comes to it."""
        own, below = self._own(k), [self._below(source) for source in self.at.layers[k].sources]
        if not any(below):
            return sorted(own) or None
        outputs, strengths = self.working.formulas(k).reach(*below)
        most = [outputs[place] for place in largest(strengths, self.top)]
        return sorted({*most, *own})

    def _below(self, source: int) -> list[int]:
        """The units of a source that the derivative comes through: of the inputs all, or one."""
        if source >= 0:
            return self.units[source]
        if self.of.kind == "x":
            return [self.of.unit]
        return list(range(self.at.inputs)) if self._is_of_all else []

    @functools.cached_property
    def _is_of_all(self) -> bool:
        return self.of.kind in ("C", "all")

    def _own(self, k: int) -> set[int]:
        """The units of a place that the subject is, or changes at once."""
        found: set[int] = set()
        for place in self.places:
            if is_parameter(place):
                if k in self.at.instances(place):
                    found |= self.working.changed_units(place, k)
            elif place.kind in ("a", "z") and place.layer == k:
                found.add(place.unit)
        return found
