"""A derivation as data: parts, each of steps, each with what it is, its formula and its value."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from chainrule.batches import Examples
from chainrule.explanation.expressions import Condition, Expression, Quantity
from chainrule.explanation.form_choice import settled
from chainrule.explanation.notation import COST, Key
from chainrule.explanation.printed_digits import DIGITS, Rounding, figure, rounding
from chainrule.explanation.unit_places import Places
from chainrule.layers import Draw
from chainrule.network import Network, Parameters
from chainrule.optimizers import Optimizer, State
from chainrule.ties import Ties


class Update(NamedTuple):
    """The update to be explained beside the gradient: the rule, and where it stands."""

    optimizer: Optimizer
    step: int = 1
    states: list[State] | None = None
    frozen: frozenset[str] = frozenset()
    clip_value: float | None = None
    clip_norm: float | None = None
    mean_weight: float | None = None
    """Of all examples, where those that are worked out are a batch of them."""
    ties: Ties = ()


@dataclass(frozen=True)
class Step:
    """One line of the working: a quantity, the formula that gives it, its value, a note.

    `steps` hold the lines that the formula needs and that only it needs, such as the letters that
    it brings along. A step without a formula is given: it only names its value. One with a
    condition is a line where that holds.
    """

    key: Key
    formula: Expression | None
    value: float
    note: str = ""
    steps: tuple[Step, ...] = ()
    when: Condition | None = None

    @property
    def quantity(self) -> Quantity:
        """What the step is of, as a node of other formulas."""
        return Quantity(self.key, self.value)

    @functools.cached_property
    def rounding(self) -> Rounding:
        """How many digits its figures need: the same in every format, and found once."""
        if self.formula is None:
            return Rounding(figure(self.value), DIGITS, rounded=False)
        return rounding(self.formula, self.value)

    @functools.cached_property
    def settled(self) -> Step | None:
        """The step as it is written, by its numbers; None where there is no line."""
        if self.when and not self.when.holds:
            return None
        formula = settled(self.formula) if self.formula else None
        steps = settled_steps(self.steps)
        if formula is self.formula and steps == self.steps and not self.when:
            return self
        return Step(self.key, formula, self.value, self.note, steps)

    def walk(self) -> Iterator[Step]:
        """Yield the steps below this one, then the step."""
        for step in self.steps:
            yield from step.walk()
        yield self


def settled_steps(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Return the steps that are lines by their numbers, with the formulas that are written."""
    return tuple(each for step in steps if (each := step.settled) is not None)


class NotedFormula(NamedTuple):
    """A formula and what is said of it, of a quantity that is known: all else of a step."""

    formula: Expression | None
    note: str = ""
    steps: tuple[Step, ...] = ()

    def of(self, quantity: Quantity) -> Step:
        """Return the step of a quantity."""
        return Step(quantity.key, self.formula, quantity.value, self.note, self.steps)


@dataclass(frozen=True)
class Part:
    """Steps that belong together, under a title."""

    title: str
    steps: tuple[Step, ...]
    note: str = ""


@dataclass(frozen=True)
class Derivation:
    """The whole working of a derivative, of the cost by `subject`, or of another quantity `of`.

    It is of a network with its parameters, some examples, and the update made of the gradient, if
    that is explained too. `labels` are the user's own names of inputs and outputs, by the key of
    the quantity; of a sum, `top` terms are written.
    """

    net: Network
    at: Places
    subject: Key
    parts: tuple[Part, ...]
    params: Parameters
    data: Examples
    made: Update | None
    labels: dict[Key, str]
    top: int
    of: Key = COST
    draw: Draw | None = None

    def steps(self) -> Iterator[Step]:
        """Yield every step, in the order in which they are written."""
        for part in self.parts:
            for step in part.steps:
                yield from step.walk()
