"""The formulas of an activation: of each number by itself, or of a row as a softmax has it.

z, a   what it is of, and what it gives        slope   ∂a/∂z; of a row, an entry for each pair
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.activation_row import Activation
from chainrule.activations import activation
from chainrule.explanation.derivation_steps import NotedFormula, Step
from chainrule.explanation.expressions import Expression, Quantity
from chainrule.explanation.formulas import ACTIVATION_FORMULAS, Formula, number
from chainrule.explanation.notation import derivative
from chainrule.explanation.softmax import Softmax
from chainrule.explanation.sums import Row, largest
from chainrule.rows import is_own

if TYPE_CHECKING:
    from chainrule.explanation.example_numbers import ExampleNumbers
    from chainrule.explanation.layer_working import Sheet

OWN = "by a function of your own"


class Activated:
    """The formulas of what an activation makes of quantities z, whose numbers are `zs` (1, o)."""

    sheet: Sheet
    row: Activation
    z: Callable[[int], Quantity]
    zs: Any

    def __init__(
        self, sheet: Sheet, row: Activation, z: Callable[[int], Quantity], zs: Any
    ) -> None:
        self.sheet, self.row, self.z, self.zs = sheet, row, z, zs
        self.values: Any = sheet.record.a
        self.working: ExampleNumbers = sheet.working

    @property
    def joint(self) -> bool:
        """Whether each number depends on the whole row."""
        return self.row.pull is not None

    def a(self, j: int) -> NotedFormula:
        """The formula of what leaves."""
        if not self.joint:
            return self._by_formula(j, 0)
        return self._unless_own(lambda: self._softmax.share(j))

    def back(self, j: int) -> Any:
        """∂C/∂z, from ∂C by what leaves; of a unit by itself its slope alone."""
        seed = self.working.root(self.sheet.k)
        if seed is not None:
            if self.joint:
                return self._entry(seed, j)
            return self._by_formula(j, 1) if j == seed else NotedFormula(number(0.0))
        if not self.joint:
            return self.sheet.da(j) * self._slope(j)
        return self.sheet.total(self._parts(j), lambda k: self.sheet.da(k) * self._known(k, j))

    def needs(self, units: Collection[int]) -> list[int]:
        """The outputs that the derivatives by some z are summed over."""
        counted = (largest(self._parts(j), self.working.top) for j in units)
        return sorted({k for places in counted for k in places})

    def letters(self) -> list[Step]:
        """The letters of a softmax."""
        return [] if is_own(activation, self.row) else self._softmax.letters()

    @property
    def reach(self) -> Any:
        """The outputs that some z reach, and how much comes back: see `Formulas`."""
        return self.sheet.reached(lambda k, j: self.sheet.left[k] * self._jacobian[k, j])

    # Of each number by itself

    def _by_formula(self, j: int, facet: int) -> NotedFormula:
        """The formula of an activation (facet 0) or its slope, with the letters that it needs."""
        z, a = self.z(j), self.sheet.a(j)

        def form() -> Formula:
            made: Formula = ACTIVATION_FORMULAS[self.row.name][facet](
                z, a, *map(number, self.row.parameters)
            )
            return made

        return self._unless_own(form)

    def _unless_own(self, form: Callable[[], Formula | Expression]) -> NotedFormula:
        if is_own(activation, self.row):
            return NotedFormula(None, f"{OWN}, {self.row.name}")
        made = form()
        if isinstance(made, Expression):
            return NotedFormula(made, str(self.row))
        lets = (Step(q.key, expression, q.value, when=made.when) for q, expression in made.lets)
        return NotedFormula(made.expression, str(self.row), tuple(lets))

    def _slope(self, j: int) -> Quantity:
        key = derivative(self.sheet.a(j).key, self.z(j).key)
        return self.working.define(key, self._slopes[j], lambda: self._by_formula(j, 1))

    @functools.cached_property
    def _slopes(self) -> Row:
        return np.asarray(self.row.df(self.zs, self.values, np)[0])

    # Of a row

    @functools.cached_property
    def _softmax(self) -> Softmax:
        return Softmax(self.zs[0], self.z, self.working.top, place=self.sheet.k)

    @functools.cached_property
    def _jacobian(self) -> Row:
        """∂a/∂z: the derivative of a_k by z_j in row k, column j."""
        assert self.row.pull is not None
        z, a = (np.repeat(part, part.shape[1], axis=0) for part in (self.zs, self.values))
        return np.asarray(self.row.pull(z, a, np.eye(z.shape[1]), np))

    def _parts(self, j: int) -> Row:
        """What ∂C by each output contributes to ∂C/∂z_j."""
        return np.asarray(self.sheet.left * self._jacobian[:, j])

    def _known(self, k: int, j: int) -> Quantity:
        key = derivative(self.sheet.a(k).key, self.z(j).key)
        return self.working.define(key, self._jacobian[k, j], lambda: self._entry(k, j))

    def _entry(self, k: int, j: int) -> NotedFormula:
        """∂a_k/∂z_j: a_j (1 − a_j), or −a_k a_j."""
        a_k, a_j = self.sheet.a(k), self.sheet.a(j)
        return self._unless_own(lambda: a_j * (1 - a_j) if k == j else -(a_k * a_j))
