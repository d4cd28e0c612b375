"""The softmax of some quantities, as formulas: e^z / S, with S the sum of the powers."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from chainrule.explanation.derivation_steps import Step
from chainrule.explanation.expressions import Condition, Either, Expression, Quantity, in_double
from chainrule.explanation.formulas import exp, when
from chainrule.explanation.notation import Key
from chainrule.explanation.sums import Row, total

LARGEST_EXPONENT = 50.0
"""From which size on the largest exponent is taken off all before e is raised to them."""


class Softmax:
    """The lines of a softmax over some quantities; `top` is how many powers of S are written.

    Of several losses in one derivation each has a number, from 1, which stands at its letters; of
    an activation `place` is that of its layer.
    """

    values: Row
    quantity: Callable[[int], Quantity]
    top: int
    number: int
    place: int

    def __init__(
        self,
        values: Row,
        quantity: Callable[[int], Quantity],
        top: int,
        number: int = 0,
        place: int = -1,
    ) -> None:
        self.values, self.quantity, self.top = values, quantity, top
        self.number, self.place = number, place

    @functools.cached_property
    def shift(self) -> Quantity:
        """The largest of the quantities, taken off all where they are too large to raise e to."""
        return Quantity(self._letter("m"), float(np.max(self.values)))

    @functools.cached_property
    def is_shifted(self) -> Condition:
        """Whether it is."""
        size = Quantity(self._letter("|z|"), float(np.max(np.abs(self.values))))
        return when(size, ">", LARGEST_EXPONENT)

    def _letter(self, text: str) -> Key:
        layer, unit = (1, self.number - 1) if self.number else (0, 0)
        source = 2 + self.place  # an optimizer has an m of its own
        return Key("letter", layer, unit, source, text=text)

    def exponent(self, j: int) -> Expression:
        """Return what e is raised to."""
        z = self.quantity(j)
        return Either(self.is_shifted, z - self.shift, z)

    def power(self, j: int) -> Expression:
        """Return e raised to it."""
        return exp(self.exponent(j))

    @functools.cached_property
    def whole(self) -> Step:
        """S, the sum of the powers."""
        powers = np.exp(self.values - (self.shift.value if self.is_shifted.holds else 0.0))
        summed = total(powers, self.power, self.top)
        return self.of_powers(summed, in_double(summed))

    def of_powers(self, summed: Expression, value: float) -> Step:
        """Return the line of S."""
        return Step(self._letter("S"), summed, value, "for the softmax")

    def letters(self) -> list[Step]:
        """Return the lines of the letters that the shares need."""
        note = "the largest, taken off all"
        shift = Step(self.shift.key, None, self.shift.value, note, when=self.is_shifted)
        return [shift, self.whole]

    def share(self, j: int) -> Expression:
        """Return e^z / S."""
        return self.power(j) / self.whole.quantity
