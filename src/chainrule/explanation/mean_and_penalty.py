"""The lines that no example has to itself: the mean over the examples, and the penalty."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from chainrule.explanation.derivation_steps import Step
from chainrule.explanation.expressions import Expression, Quantity, call
from chainrule.explanation.formulas import number
from chainrule.explanation.forward_backward import Passes
from chainrule.explanation.notation import COST, Key, derivative
from chainrule.explanation.sums import exact_sum, total
from chainrule.explanation.unit_places import is_parameter
from chainrule.explanation.updates import letter
from chainrule.layers import Role
from chainrule.trees import named_leaves

ALIKE, OF_WEIGHTS = "moved in every example alike", "the penalty is of weights alone"
"""What is said of a mean by a unit, and of a parameter that costs nothing by itself."""


class Means:
    """The mean over the examples and the penalty; `rows` are the examples that are worked out."""

    passes: Passes
    rows: Sequence[int]
    top: int

    def __init__(self, passes: Passes, rows: Sequence[int], top: int) -> None:
        self.passes, self.rows, self.top = passes, rows, top
        self.w: list[float] | None = (
            None if passes.data.w is None else [float(w) for w in passes.data.w]
        )

    def mean(self, keys: Sequence[Key]) -> list[Step]:
        """The mean of the examples' costs, then of their derivatives by each of the keys."""
        if not self.passes.combines:
            return []
        steps = [self._mean(COST), *map(self._mean, keys)]
        sums = self.passes.net.reduction == "sum"
        return steps if self.w is None or sums else [self._weights(self.w), *steps]

    def _mean(self, key: Key) -> Step:
        passes = self.passes
        values = passes.parts(key)
        cost = passes.mean_cost

        def part(i: int) -> Quantity:
            if key == COST:
                return Quantity(passes.example_cost(i), values[i])
            return Quantity(derivative(passes.derived_cost(i), key), values[i])

        formula: Expression
        if self.w is None:
            formula = total(values, part, self.top, self.rows)
        else:
            formula = self._weighted(self.w, values, part)
        if passes.net.reduction == "mean":
            formula = formula / self._divisor()
        if key == COST:
            return Step(cost, formula, passes.mean_loss)
        note = ALIKE if key.kind in ("x", "a", "z") else ""
        return Step(derivative(cost, key), formula, passes.gradient(key, plain=True), note)

    def _divisor(self) -> Expression:
        """What the sum over the examples is divided by, for their mean."""
        n = number(self.passes.n)
        if self.w is None:
            return n
        weights = self._weights(self.w).quantity
        return weights if self.passes.mean_weight is None else n * weights

    def _weighted(
        self, w: list[float], values: list[float], part: Callable[[int], Quantity]
    ) -> Expression:
        def term(i: int) -> Expression:
            return _weight(w, i) * part(i)

        return total(np.multiply(w, values), term, self.top, self.rows)

    def _weights(self, w: list[float]) -> Step:
        """The sum of the examples' weights, or the mean of all that they are a batch of."""
        mean = self.passes.mean_weight
        if mean is not None:
            note = "of all examples in training"
            return Step(Key("letter", text="mean weight"), None, mean, note)
        summed = total(w, lambda i: _weight(w, i), self.top, self.rows)
        return Step(Key("letter", text="Σ weight"), summed, exact_sum(w))

    # The penalty

    def penalty(self, keys: Sequence[Key]) -> list[Step]:
        """C = the mean + λ₁ Σ|w| + ½ λ₂ Σw², then its derivative by each of the keys."""
        if not self.passes.penalises:
            return []
        net, passes = self.passes.net, self.passes
        steps: list[Step] = []
        formula: Expression = Quantity(passes.mean_cost, passes.mean_loss)
        if net.l1:
            steps.append(self._over_weights("Σ|w|", abs, lambda w: call("abs", w)))
            formula = formula + number(net.l1) * steps[-1].quantity
        if net.l2:
            steps.append(self._over_weights("Σw²", np.square, lambda w: w**2))
            formula = formula + number(net.l2) / 2 * steps[-1].quantity
        return [*steps, Step(COST, formula, passes.cost), *map(self._penalised, keys)]

    def _over_weights(
        self,
        name: str,
        size: Callable[[np.ndarray], np.ndarray],
        of: Callable[[Quantity], Expression],
    ) -> Step:
        """The sum of a size over all weights of the network."""
        roles = self.passes.net.roles
        weights = [
            (name, leaf)
            for name, leaf in named_leaves(self.passes.params)
            if roles[name] is Role.WEIGHT
        ]
        sizes = np.concatenate([size(leaf).ravel() for _, leaf in weights])
        ends = np.cumsum([leaf.size for _, leaf in weights])

        def term(k: int) -> Expression:
            which = int(np.searchsorted(ends, k, side="right"))
            name, leaf = weights[which]
            entry = np.unravel_index(k - ends[which] + leaf.size, leaf.shape)
            key = self.passes.at.key(name, [*map(int, entry)])
            return of(Quantity(key, self.passes.value(key)))

        summed = letter(name, exact_sum(sizes))
        return Step(summed.key, total(sizes, term, self.top), summed.value)

    def _penalised(self, key: Key) -> Step:
        """∂C: that of the mean, and the penalty's share."""
        net, passes = self.passes.net, self.passes
        mean = passes.gradient(key, plain=True)
        formula: Expression = Quantity(derivative(passes.mean_cost, key), mean)
        if not (is_parameter(key) and net.roles[passes.at.leaf(key)[0]] is Role.WEIGHT):
            return Step(derivative(COST, key), formula, mean, OF_WEIGHTS)
        w, times = Quantity(key, passes.value(key)), len(passes.at.places(key))
        shares = [(net.l1, call("sgn", w)), (net.l2, w)]
        for rate, share in shares:
            if rate:
                term = number(rate) * share
                formula = formula + (times * term if times > 1 else term)
        return Step(derivative(COST, key), formula, passes.gradient(key))


def _weight(w: list[float], i: int) -> Quantity:
    return Quantity(Key("letter", 1, i, text="weight"), w[i])
