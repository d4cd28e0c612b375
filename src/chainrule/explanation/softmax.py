"""The softmax of some quantities, as formulas: e^z / S, with S the sum of the powers."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from chainrule.explanation.derivation_steps import Step
from chainrule.explanation.expressions import Expression, Quantity, in_double
from chainrule.explanation.formulas import exp
from chainrule.explanation.notation import Key
from chainrule.explanation.sums import Row, total

LARGEST_EXPONENT = 50.0
"""From which size on the largest exponent is taken off all before e is raised to them."""


class Softmax:
    """The lines of a softmax over some quantities; `top` is how many powers of S are written."""

    def __init__(self, values: Row, quantity: Callable[[int], Quantity], top: int) -> None:
        self.values, self.quantity, self.top = values, quantity, top

    @functools.cached_property
    def shift(self) -> Quantity | None:
        """The largest of the quantities, where they are too large to raise e to."""
        if np.max(np.abs(self.values)) <= LARGEST_EXPONENT:
            return None
        return Quantity(Key("letter", text="m"), float(np.max(self.values)))

    def exponent(self, j: int) -> Expression:
        """Return what e is raised to."""
        z = self.quantity(j)
        return z - self.shift if self.shift else z

    @functools.cached_property
    def whole(self) -> Step:
        """S, the sum of the powers."""
        powers = np.exp(self.values - (self.shift.value if self.shift else 0.0))
        summed = total(powers, lambda j: exp(self.exponent(j)), self.top)
        return Step(Key("letter", text="S"), summed, in_double(summed), "for the softmax")

    def letters(self) -> list[Step]:
        """Return the lines of the letters that the shares need."""
        if not self.shift:
            return [self.whole]
        note = "the largest, taken off all"
        return [Step(self.shift.key, None, self.shift.value, note), self.whole]

    def share(self, j: int) -> Expression:
        """Return e^z / S."""
        return exp(self.exponent(j)) / self.whole.quantity
