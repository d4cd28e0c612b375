"""The lines of one example: forward unit by unit, its loss, and backward unit by unit."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Collection, Sequence

import numpy as np

from chainrule import losses
from chainrule.activations import activation
from chainrule.backprop import Deltas, Trace
from chainrule.explain.example import Example, Row
from chainrule.explain.expressions import Expression, Quantity, Sum, call, exact
from chainrule.explain.forms import ACTIVATION_FORMS, LOSS_FORMS, Form, exp, number
from chainrule.explain.names import Key, derivative
from chainrule.explain.steps import Step
from chainrule.rows import is_own
from chainrule.trees import Array

OWN = "by a function of your own"

LARGEST_EXPONENT = 50.0
"""From which size of a logit on the largest is taken off all before e is raised to them."""

SMALLEST_PROBABILITY, LARGEST_PROBABILITY = 1e-290, 0.99
"""Outside of these −ln p is worked out by another way than from p, which has too few digits."""


def largest(values: Sequence[float] | Row, top: int) -> list[int]:
    """Return the places of the `top` largest sizes, in order; of all where one more is all.

    >>> largest([0.5, -3.0, 2.0, 0.25], 2)
    [1, 2]
    """
    sizes = np.abs(np.asarray(values))
    if len(sizes) <= top + 1:
        return list(range(len(sizes)))
    return sorted(map(int, np.argsort(-sizes, kind="stable")[:top]))


def total(
    values: Sequence[float] | Row,
    formula: Callable[[int], Expression],
    top: int,
    shown: Collection[int] | None = None,
) -> Expression:
    """Return the sum of terms: the largest or the shown ones, and one for the exact rest.

    `formula` gives a term by its place among the values.

    >>> total([0.5, -3.0, 2.0, 0.25], lambda k: Quantity(Key("x", -1, k), 1.0), top=2).terms[-1]
    Quantity(key=Key(kind='rest', ... text='the other 2', example=0), value=0.75)
    """
    places = largest(values, top) if shown is None else sorted(shown)
    terms = [formula(k) for k in places]
    if len(places) < len(values):
        rest = np.delete(np.asarray(values), places)
        text = f"the other {len(rest)}" if places else f"all {len(rest)}"
        terms.append(Quantity(Key("rest", text=text), math.fsum(rest)))
    return terms[0] if len(terms) == 1 else Sum(tuple(terms))


class Working(Example):
    """The lines of one example; `top` is how many terms of a sum are written."""

    def __init__(
        self, trace: Trace, deltas: Deltas, y: Array, *, row: int, cost: Key, top: int
    ) -> None:
        super().__init__(trace, deltas, y, row=row, cost=cost)
        self.top = top

    # The chain rule itself

    def chain(self, key: Key) -> list[Step]:
        """The chain rule of a derivative in a line or two, whose factors are worked out later."""
        layer, j = key.layer, key.unit
        if key.kind in ("w", "b"):
            d, by = self.dparameter(key)
            return [Step(d.key, self.dout(layer, j) * self.slope(layer, j) * by, d.value)]
        steps = [] if layer == self.at.last else [self._over_units(layer, j)]
        steps += self._undropped(layer, j)
        if key.kind == "z":
            d = self.d(self.z(layer, j), self.delta(layer)[j])
            steps.append(Step(d.key, self.dout(layer, j) * self.slope(layer, j), d.value))
        return steps

    def _over_units(self, layer: int, k: int) -> Step:
        """∂C by what a unit passes on, through all units above."""
        sent, d = self.sent(layer, k), self.dsent(layer, k)

        def term(j: int) -> Expression:
            z, w = self.z(layer + 1, j), self.w(layer + 1, j, k)
            return self.dz(layer + 1, j) * self.d(sent, w.value, of=z.key)

        return Step(d.key, self._over(layer, k, term), d.value)

    def _over(self, layer: int, k: int, term: Callable[[int], Expression]) -> Expression:
        """The sum of a term for each unit above."""
        return total(self._products(layer, k), term, self.top)

    def _products(self, layer: int, k: int) -> Row:
        """What each unit above contributes to ∂C by what a unit passes on."""
        return np.asarray(self.weights(layer + 1).W[:, k] * self.delta(layer + 1))

    # Forward

    def forward(self, layer: int, j: int) -> list[Step]:
        """The lines of a unit: weighted input, activation, and what dropout leaves of it."""
        z, out = self.z(layer, j), self.out(layer, j)
        return [
            Step(z.key, self._weighted_input(layer, j), z.value),
            self._by_form(out, layer, j, 0),
            *self.dropped(layer, j),
        ]

    def dropped(self, layer: int, j: int) -> list[Step]:
        """What dropout leaves of a unit or an input."""
        masks = self.masks(layer)
        if not masks:
            return []
        out, sent = self.out(layer, j), self.sent(layer, j)
        kept = all(mask[j] for _, mask in masks)
        note = "kept by dropout, and scaled up" if kept else "silenced by dropout"
        return [Step(sent.key, _through(masks, j, out), sent.value, note)]

    def _weighted_input(self, layer: int, j: int) -> Expression:
        products = self.weights(layer).W[j] * self.passed(layer - 1)

        def term(k: int) -> Expression:
            return self.w(layer, j, k) * self.sent(layer - 1, k)

        return total(products, term, self.top) + self.b(layer, j)

    def _by_form(self, quantity: Quantity, layer: int, j: int, facet: int) -> Step:
        """The line of an activation (facet 0) or its slope, below it the letters it needs."""
        row = self.row(layer)
        if is_own(activation, row):
            return Step(quantity.key, None, quantity.value, f"{OWN}, {row.name}")
        z, a = self.z(layer, j), self.out(layer, j)
        form: Form = ACTIVATION_FORMS[row.name][facet](z, a, *map(number, row.parameters))
        lets = tuple(
            Step(each.quantity.key, each.expression, each.quantity.value) for each in form.lets
        )
        return Step(quantity.key, form.expression, quantity.value, str(row), lets)

    # The loss

    def losses(self, reached: Collection[int]) -> list[Step]:
        """The lines of the loss: the outputs' shares of it, then their sum.

        Written are the outputs that the derivative reaches, and those with the largest shares.
        """
        counted = [j for j in range(len(self.y)) if self.labels[j] or not self._has_softmax]
        shares = self.shares[counted]
        whole = total(shares, lambda k: self.share(counted[k]), self.top)
        written = sorted({*reached, *(counted[k] for k in largest(shares, self.top))})
        steps = self._probabilities(written)
        steps += [step for j in written if j in counted for step in self._share(j)]
        return [*steps, Step(self.cost, whole, math.fsum(shares))]

    @property
    def _has_softmax(self) -> bool:
        return self.loss.name == "cross_entropy" and not self._has_own_loss

    @property
    def _has_own_loss(self) -> bool:
        return is_own(losses.loss, self.loss)

    @property
    def _smoothing(self) -> float:
        return self.loss.parameters[0] if self._has_softmax and self.loss.parameters else 0.0

    @functools.cached_property
    def labels(self) -> Row:
        """The targets as the loss has them: smoothed, where it smooths."""
        s = self._smoothing
        return (1 - s) * self.y + s / len(self.y) if s else self.y

    def label(self, j: int) -> Quantity:
        """The target of an output as the loss has it."""
        if not self._smoothing:
            return self.target(j)
        return Quantity(Key("letter", 1, j, text="t"), float(self.labels[j]))

    def _share(self, j: int) -> list[Step]:
        """The line of an output's share of the loss; before it that of its smoothed label."""
        share = self.share(j)
        if self._has_own_loss:
            return [Step(share.key, None, share.value, f"{OWN}, {self.loss.name}")]
        if self._has_softmax:
            return [*self._smoothed(j), Step(share.key, self._minus_log(j), share.value)]
        return [Step(share.key, self._of_loss(LOSS_FORMS[self.loss.name].value, j), share.value)]

    def _of_loss(self, rule: Callable[..., Expression], j: int) -> Expression:
        """A formula of the loss, of what an output passes on and its target."""
        o = number(len(self.y))
        if self._has_softmax:
            return rule(self.p(j), self.label(j), o)
        if self.loss.link_name == "sigmoid":
            return rule(self.p(j), self.target(j), o, self.sent(self.at.last, j))
        parameters = map(number, self.loss.parameters_of(j))
        return rule(self.sent(self.at.last, j), self.target(j), o, *parameters)

    def _smoothed(self, j: int) -> list[Step]:
        if not self._smoothing:
            return []
        s, o, t = number(self._smoothing), number(len(self.y)), self.label(j)
        return [Step(t.key, (1 - s) * self.target(j) + s / o, t.value, "the smoothed label")]

    @functools.cached_property
    def _shift(self) -> Quantity | None:
        """The largest logit, where the logits are too large to raise e to."""
        a = self.passed(self.at.last)
        if np.max(np.abs(a)) <= LARGEST_EXPONENT:
            return None
        return Quantity(Key("letter", text="m"), float(np.max(a)))

    def _logit(self, j: int) -> Expression:
        a = self.sent(self.at.last, j)
        return a - self._shift if self._shift else a

    @functools.cached_property
    def _sum_of_powers(self) -> Step:
        a = self.passed(self.at.last)
        powers = np.exp(a - (self._shift.value if self._shift else 0.0))
        summed = total(powers, lambda j: exp(self._logit(j)), self.top)
        return Step(Key("letter", text="S"), summed, float(exact(summed)), "for the softmax")

    def _probabilities(self, outputs: Collection[int]) -> list[Step]:
        """What a cross-entropy's link makes of the outputs."""
        if self._has_softmax:
            return self._softmax(outputs)
        if self.loss.link_name != "sigmoid":
            return []
        p = {j: self.p(j) for j in outputs}
        form = ACTIVATION_FORMS["sigmoid"][0]
        return [
            Step(
                p[j].key,
                form(self.sent(self.at.last, j), p[j]).expression,
                p[j].value,
                "the loss's sigmoid",
            )
            for j in outputs
        ]

    def _softmax(self, outputs: Collection[int]) -> list[Step]:
        """The probabilities p = e^a / S."""
        steps, S = [], self._sum_of_powers
        if self._shift:
            note = "the largest, taken off all"
            steps.append(Step(self._shift.key, None, self._shift.value, note))
        steps.append(S)
        for j in outputs:
            p = self.p(j)
            steps.append(Step(p.key, exp(self._logit(j)) / S.quantity, p.value))
        return steps

    def _minus_log(self, j: int) -> Expression:
        """−t ln p, from the other probabilities where p is nearly 1, from ln S where it is 0."""
        p, t = self.p(j), self.label(j)
        if p.value < SMALLEST_PROBABILITY:
            return t * Sum((call("ln", self._sum_of_powers.quantity), -self._logit(j)))
        if p.value < LARGEST_PROBABILITY or len(self.y) == 1:
            return self._of_loss(LOSS_FORMS["cross_entropy"].value, j)
        others = [k for k in range(len(self.y)) if k != j]
        rest = total(self.probabilities[others], lambda k: self.p(others[k]), self.top)
        return -(t * call("ln", 1 - rest))

    # Backward

    def deltas_of(self, layer: int, j: int) -> list[Step]:
        """∂C by a unit, from what it passes on back to its weighted input."""
        slope = self._by_form(self.slope(layer, j), layer, j, 1)
        return [*self.dunit(layer, j), slope, self._delta(layer, j)]

    def dunit(self, layer: int, j: int) -> list[Step]:
        """∂C by the activation of a unit, or by an input."""
        steps = [self._dlast(j)] if layer == self.at.last else self._dhidden(layer, j)
        return steps + self._undropped(layer, j)

    def dweighted(self, layer: int, j: int) -> Step:
        """∂C by the weighted input of a unit, which is its δ."""
        delta = self.dz(layer, j)
        return Step(derivative(self.cost, Key("z", layer, j)), delta, delta.value)

    def gradient(self, key: Key) -> list[Step]:
        """∂C by a weight or bias: δ, times what z changes by it."""
        d, by = self.dparameter(key)
        entered = self.sent(key.layer - 1, key.source) if key.kind == "w" else number(1)
        product = self.dz(key.layer, key.unit) * by
        return [Step(by.key, entered, by.value), Step(d.key, product, d.value)]

    def _dlast(self, j: int) -> Step:
        """∂C by an output."""
        d = self.dsent(self.at.last, j)
        if self._has_own_loss:
            return Step(d.key, None, d.value, f"{OWN}, {self.loss.name}")
        return Step(d.key, self._of_loss(LOSS_FORMS[self.loss.name].slope, j), d.value)

    def _dhidden(self, layer: int, k: int) -> list[Step]:
        """∂C by what a unit passes on: the sum over the units above."""
        d, products = self.dsent(layer, k), self._products(layer, k)
        if not self._is_split(layer + 1):

            def term(j: int) -> Expression:
                return self.dz(layer + 1, j) * self.w(layer + 1, j, k)

            return [Step(d.key, self._over(layer, k, term), d.value)]

        def by_output(j: int) -> Quantity:
            return self.d(self.sent(layer, k), products[j], of=self.share(j).key)

        steps = []
        for j in largest(products, self.top):
            product = self.dz(layer + 1, j) * self.w(layer + 1, j, k)
            steps.append(Step(by_output(j).key, product, by_output(j).value))
        return [*steps, Step(d.key, total(products, by_output, self.top), d.value)]

    def _is_split(self, layer: int) -> bool:
        """Whether each unit of a layer has a share of the cost to itself."""
        return layer == self.at.last and not (self._has_softmax or self._has_own_loss)

    def _undropped(self, layer: int, j: int) -> list[Step]:
        """∂C/∂a from ∂C by what dropout leaves of it, where dropout lies behind the unit."""
        masks = self.masks(layer)
        if not masks:
            return []
        da = self.dout(layer, j)
        back = _through(masks[::-1], j, self.dsent(layer, j))
        return [Step(da.key, back, da.value, "back through dropout")]

    def _delta(self, layer: int, j: int) -> Step:
        delta = self.dz(layer, j)
        return Step(delta.key, self.dout(layer, j) * self.slope(layer, j), delta.value)


def _through(masks: list[tuple[float, Row]], j: int, x: Expression) -> Expression:
    """What masks make of x, one after the other."""
    for rate, mask in masks:
        x = x / (1 - number(rate)) if mask[j] else 0 * x
    return x
