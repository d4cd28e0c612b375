"""The lines of one example: forward unit by unit, and backward from its loss unit by unit."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np

from chainrule.activations import activation
from chainrule.explain.example import Row
from chainrule.explain.expressions import Expression, Quantity, Sum
from chainrule.explain.forms import ACTIVATION_FORMS, LOSS_FORMS, Form, number
from chainrule.explain.names import Key, derivative
from chainrule.explain.softmax import Softmax
from chainrule.explain.steps import Step
from chainrule.explain.sums import largest, total, whole
from chainrule.explain.working_loss import OWN, LossLines
from chainrule.rows import is_own


class Working(LossLines):
    """The lines of one example."""

    # What is tied stands in several places

    def tied(self, places: Collection[Key]) -> Step:
        """∂C by a weight or bias, the sum over its places: δ, times what z changes by it."""
        pairs = [self.dparameter(place) for place in places]
        terms = [
            self.dz(place.layer, place.unit) * by
            for place, (_, by) in zip(places, pairs, strict=True)
        ]
        value = whole([d.value for d, _ in pairs])
        return Step(pairs[0][0].key, terms[0] if len(terms) == 1 else Sum(tuple(terms)), value)

    # The chain rule itself

    def chain(self, key: Key) -> list[Step]:
        """The chain rule of a derivative in a line or two, whose factors are worked out later."""
        layer, j = key.layer, key.unit
        if key.kind in ("w", "b"):
            d, by = self.dparameter(key)
            if self.is_joint(layer):
                return [self._joint_delta(layer, j), Step(d.key, self.dz(layer, j) * by, d.value)]
            return [Step(d.key, self.dout(layer, j) * self.slope(layer, j) * by, d.value)]
        steps = [] if layer == self.at.last else [self._over_units(layer, j)]
        steps += self._undropped(layer, j)
        if key.kind == "z":
            d = self.d(self.z(layer, j), self.delta(layer)[j])
            if self.is_joint(layer):
                return [Step(d.key, self._joint_delta(layer, j).formula, d.value)]
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

    def layer_forward(self, layer: int, units: Collection[int]) -> list[Step]:
        """The lines of some units of a layer; of a joint activation all sums come first."""
        if not self.is_joint(layer):
            return [step for j in units for step in self.forward(layer, j)]
        sums = [self._weighted(layer, j) for j in units]
        own, row = is_own(activation, self.row(layer)), self.row(layer)
        softmax = Softmax(self.record(layer).z[0], lambda j: self.z(layer, j), self.top)
        outs: list[Step] = []
        for j in units:
            out = self.out(layer, j)
            formula = None if own else softmax.share(j)
            note = f"{OWN}, {row.name}" if own else str(row)
            outs += [Step(out.key, formula, out.value, note), *self.dropped(layer, j)]
        return [*sums, *([] if own else softmax.letters()), *outs]

    def _weighted(self, layer: int, j: int) -> Step:
        z = self.z(layer, j)
        return Step(z.key, self._weighted_input(layer, j), z.value)

    def forward(self, layer: int, j: int) -> list[Step]:
        """The lines of a unit: weighted input, activation, and what dropout leaves of it."""
        return [
            self._weighted(layer, j),
            self._by_form(self.out(layer, j), layer, j, 0),
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

    # Backward

    def layer_backward(self, layer: int, units: Collection[int]) -> list[Step]:
        """∂C by some units of a layer, from what they pass on back to their weighted inputs.

        Behind a joint activation each weighted input has a part in every activation.
        """
        if not self.is_joint(layer):
            return [step for j in units for step in self.deltas_of(layer, j)]
        counted = {j: largest(self._parts(layer, j), self.top) for j in units}
        reached = sorted({k for places in counted.values() for k in places})
        steps = [step for k in reached for step in self.dunit(layer, k)]
        for j, places in counted.items():
            steps += [self._entry(layer, k, j) for k in places]
            steps.append(self._joint_delta(layer, j))
        return steps

    def _parts(self, layer: int, j: int) -> Row:
        """What ∂C by each activation of a layer contributes to a unit's δ."""
        return np.asarray(self.da(layer) * self.jacobian(layer)[:, j])

    def _joint_delta(self, layer: int, j: int) -> Step:
        """δ = Σ ∂C/∂a_k · ∂a_k/∂z_j."""

        def term(k: int) -> Expression:
            return self.dout(layer, k) * self.entry(layer, k, j)

        delta = self.dz(layer, j)
        return Step(delta.key, total(self._parts(layer, j), term, self.top), delta.value)

    def _entry(self, layer: int, k: int, j: int) -> Step:
        """∂a_k/∂z_j: a_j (1 − a_j), or −a_k a_j."""
        entry, row = self.entry(layer, k, j), self.row(layer)
        if is_own(activation, row):
            return Step(entry.key, None, entry.value, f"{OWN}, {row.name}")
        a_k, a_j = self.out(layer, k), self.out(layer, j)
        formula: Expression = a_j * (1 - a_j) if k == j else -(a_k * a_j)
        return Step(entry.key, formula, entry.value, str(row))

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

    def gradient(self, places: Collection[Key]) -> list[Step]:
        """∂C by a weight or bias, which stands in one place or is tied."""
        return [*map(self._entered, places), self.tied(places)]

    def _entered(self, place: Key) -> Step:
        """What z changes by a weight or a bias."""
        _, by = self.dparameter(place)
        entered = self.sent(place.layer - 1, place.source) if place.kind == "w" else number(1)
        return Step(by.key, entered, by.value)

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
        joint = self._has_softmax or self._has_own_loss or self.is_joint(layer)
        return layer == self.at.last and not joint

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
