"""The lines of one example's loss: of each head probabilities and shares of outputs; their sum."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import losses
from chainrule.explanation.activation_formulas import OWN
from chainrule.explanation.cached_method import cached_method
from chainrule.explanation.derivation_steps import Step
from chainrule.explanation.example_numbers import ExampleNumbers
from chainrule.explanation.expressions import Expression, Quantity
from chainrule.explanation.formulas import (
    ACTIVATION_FORMULAS,
    LOSS_FORMULAS,
    minus_log,
    number,
    smoothed,
)
from chainrule.explanation.notation import Key
from chainrule.explanation.softmax import Softmax
from chainrule.explanation.sums import Row, exact_sum, largest, total
from chainrule.loss_row import Head, Loss
from chainrule.rows import is_own

SMOOTHED, SIGMOID = "the smoothed label", "the loss's sigmoid"
"""What is said of the lines of a label and of a probability."""


class LossLines:
    """The lines of the loss of what leaves place `k`: of a network, or of one of its members."""

    k: int
    top: int

    def __init__(self, example: ExampleNumbers, k: int) -> None:
        self.k, self.top = k, example.top
        self.loss: Loss = losses.loss(example.net.loss)
        parts = self.loss.heads(example.at.layers[k].outputs)
        numbers = range(1, len(parts) + 1) if self.loss.parts else (0,)
        self.heads: list[HeadLines] = [
            HeadLines(example, k, *part) for part in zip(parts, numbers, strict=True)
        ]

    @cached_method
    def lines(self, reached: tuple[int, ...], cost: Key) -> list[Step]:
        """The lines of the loss: the outputs' shares of it, then their sum, which is a cost.

        Written are the outputs that the derivative reaches, and those with the largest shares.
        """
        counted = [j for head in self.heads for j in head.counted]
        shares = np.concatenate([head.shares for head in self.heads])[counted]
        summed = total(shares, lambda k: self.share(counted[k]), self.top)
        written = sorted({*reached, *(counted[k] for k in largest(shares, self.top))})
        steps = [step for head in self.heads for step in head.lines(written)]
        return [*steps, Step(cost, summed, exact_sum(shares))]

    def slope(self, j: int) -> Expression | None:
        """The derivative of the loss by an output, or None of a loss of one's own."""
        return self._head(j).slope(j)

    def share(self, j: int) -> Quantity:
        """An output's share of the loss."""
        return self._head(j).share(j)

    def name(self, j: int) -> str:
        """The name of the loss of an output."""
        return self._head(j).loss.name

    @property
    def is_split(self) -> bool:
        """Whether each output has a share of the loss to itself."""
        return not any(head.has_softmax or head.is_own for head in self.heads)

    def _head(self, j: int) -> HeadLines:
        return next(head for head in self.heads if j < head.end)


class HeadLines:
    """The lines of one head's loss, the number `head` of several, or 0 where it is the only one.

    Outputs `j` are numbered through all heads.
    """

    example: ExampleNumbers
    k: int
    top: int
    head: int
    loss: Loss
    first: int
    size: int
    end: int
    y: NDArray[Any]

    def __init__(self, example: ExampleNumbers, k: int, part: Head, head: int) -> None:
        self.example, self.k, self.top, self.head = example, k, example.top, head
        self.loss, self.first, self.size = part
        self.end, self.y = part.end, np.asarray(part.of(example.y[None])[0])
        before = example.at.layers[k].outputs * max(example.at.layers[k].member - 1, 0)
        self.output: Any = part._replace(first=before + self.first).of(example.output)

    @property
    def counted(self) -> list[int]:
        """The outputs that have a share in the loss."""
        outputs = range(self.first, self.end)
        return [j for j in outputs if self.labels[j - self.first] or not self.has_softmax]

    def lines(self, written: Collection[int]) -> list[Step]:
        """The lines of those of its outputs that are written."""
        own = [j for j in written if self.first <= j < self.end]
        shares = [step for j in own if j in self.counted for step in self._share(j)]
        return [*self._probabilities(own), *shares]

    def slope(self, j: int) -> Expression | None:
        """The derivative of the loss by an output, or None of a loss of one's own."""
        return None if self.is_own else self._of_loss(LOSS_FORMULAS[self.loss.name].slope, j)

    # The core's numbers, and their names

    @functools.cached_property
    def shares(self) -> Row:
        """Each output's share of the loss."""
        return np.asarray(self.loss.value(self.output, self.y[None], np)[0])

    @functools.cached_property
    def probabilities(self) -> Row:
        """What the loss's link makes of the outputs."""
        return np.asarray(self.loss.link(self.output, np)[0])

    def sent(self, j: int) -> Quantity:
        """An output."""
        return self.example.sent(self.k, j)

    def share(self, j: int) -> Quantity:
        """An output's share of the loss."""
        key = Key("loss", self.k, j, example=self.example.cost.example)
        return Quantity(key, float(self.shares[j - self.first]))

    def target(self, j: int) -> Quantity:
        """The target of an output."""
        return Quantity(Key("y", self.example.at.last, j), float(self.y[j - self.first]))

    def p(self, j: int) -> Quantity:
        """The probability of an output."""
        return Quantity(Key("p", self.k, j), float(self.probabilities[j - self.first]))

    @property
    def has_softmax(self) -> bool:
        """Whether it is of a softmax of the outputs."""
        return self.loss.name == "cross_entropy" and not self.is_own

    @property
    def is_own(self) -> bool:
        """Whether it is a function of the user's own."""
        return is_own(losses.loss, self.loss)

    @property
    def _smoothing(self) -> float:
        return self.loss.parameters[0] if self.has_softmax and self.loss.parameters else 0.0

    @functools.cached_property
    def labels(self) -> Row:
        """The targets as the loss has them: smoothed, where it smooths."""
        s = self._smoothing
        return (1 - s) * self.y + s / len(self.y) if s else self.y

    def label(self, j: int) -> Quantity:
        """The target of an output as the loss has it."""
        if not self._smoothing:
            return self.target(j)
        return Quantity(Key("letter", 1, j, text="t"), float(self.labels[j - self.first]))

    def _share(self, j: int) -> list[Step]:
        """The line of an output's share of the loss; before it that of its smoothed label."""
        share = self.share(j)
        if self.is_own:
            return [Step(share.key, None, share.value, f"{OWN}, {self.loss.name}")]
        if self.has_softmax:
            return [*self._smoothed(j), Step(share.key, self._minus_log(j), share.value)]
        return [Step(share.key, self._of_loss(LOSS_FORMULAS[self.loss.name].value, j), share.value)]

    def _of_loss(self, rule: Callable[..., Expression], j: int) -> Expression:
        """A formula of the loss, of what an output passes on and its target."""
        o = number(len(self.y))
        if self.has_softmax:
            return rule(self.p(j), self.label(j), o)
        if self.loss.link_name == "sigmoid":
            return rule(self.p(j), self.target(j), o, self.sent(j))
        parameters = map(number, self.loss.parameters_of(j - self.first))
        return rule(self.sent(j), self.target(j), o, *parameters)

    def _smoothed(self, j: int) -> list[Step]:
        if not self._smoothing:
            return []
        s, o, t = number(self._smoothing), number(len(self.y)), self.label(j)
        return [Step(t.key, smoothed(self.target(j), s, o), t.value, SMOOTHED)]

    @functools.cached_property
    def _softmax(self) -> Softmax:
        logits = self.example.passed(self.k)[self.first : self.end]
        return Softmax(logits, lambda j: self.sent(self.first + j), self.top, self.head)

    def _probabilities(self, outputs: Collection[int]) -> list[Step]:
        """What a cross-entropy's link makes of the outputs."""
        p = {j: self.p(j) for j in outputs}
        if self.has_softmax:
            shares = [
                Step(p[j].key, self._softmax.share(j - self.first), p[j].value) for j in outputs
            ]
            return [*self._softmax.letters(), *shares]
        if self.loss.link_name != "sigmoid":
            return []
        form = ACTIVATION_FORMULAS["sigmoid"][0]
        return [
            Step(
                p[j].key,
                form(self.sent(j), p[j]).expression,
                p[j].value,
                SIGMOID,
            )
            for j in outputs
        ]

    def _minus_log(self, j: int) -> Expression:
        """−t ln p."""
        rest = None
        if others := [k for k in range(self.first, self.end) if k != j]:
            rest = total([self.p(k).value for k in others], lambda k: self.p(others[k]), self.top)
        exponent = self._softmax.exponent(j - self.first)
        return minus_log(self.p(j), self.label(j), exponent, self._softmax.whole.quantity, rest)
