r"""The figure that networks predict, as a function of what leaves them, and its slope.

a   (n, k·o)   what leaves a network, of its k members side by side
p   (n, o)     what it predicts; P, the mean over the networks
F   (n,)       the figure: one of P, or the log odds of one        da   (n, k·o)   ∂F/∂a
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import losses
from chainrule.loss_row import Head, Loss
from chainrule.network import Network

Array = NDArray[Any]


@dataclass(frozen=True)
class OutputValue:
    r"""An output of networks of one kind: the mean of what they predict, or its log odds.

    $$P = \frac1m \sum_i p_i,\qquad F = P_j \quad\text{or}\quad F = \ln\frac{P_j}{1 - P_j}$$

    The slope of a probability comes of the loss: p = e^−L where its output is the target, and so
    ∂p = −p ∂L. That of a rate e^a is ∂L where the target is 0. Quantiles are in their order.

    >>> net = cr.Network(1, [cr.Dense(2)], loss="cross_entropy")
    >>> F, [da] = OutputValue(net, 1).of([np.zeros((1, 2))])
    >>> F, da
    (array([0.5]), array([[-0.25,  0.25]]))
    """

    net: Network
    output: int
    log_odds: bool = False

    @property
    def head(self) -> Head:
        """The loss that the output is of, and its place among others."""
        heads = losses.loss(self.net.loss).heads(self.net.outputs)
        return next(head for head in heads if self.output < head.end)

    def __post_init__(self) -> None:
        row = self.head.loss
        if self.log_odds and row.link_name not in ("softmax", "sigmoid"):
            raise ValueError(f"log odds are of probabilities, and loss {str(row)!r} has none")

    def of(self, outputs: Sequence[Array]) -> tuple[Array, list[Array]]:
        """Return F (n,), and of each network its slope by what leaves it."""
        each = [self._of_one(a) for a in outputs]
        F, G = (np.mean([part[k] for part in each], axis=0) for k in (0, 1))
        slopes = [part[2] / len(outputs) for part in each]
        if not self.log_odds:
            return F, slopes
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.log(F) - np.log(G), [da / (F * G)[:, None] for da in slopes]

    def _of_one(self, a: Array) -> tuple[Array, Array, Array]:
        """Return the figure of one network, of a probability the rest to 1, and the slope."""
        head, k, n = self.head, self.net.members, len(a)
        row, apart = head.loss, head.of(a.reshape(n * k, -1))
        p = row.link(apart, np)
        mean = p.reshape(n, k, -1).mean(axis=1)
        j = self._places(mean)
        rows = np.arange(n)
        chosen = np.zeros_like(mean)
        chosen[rows, j] = 1
        of_output = np.repeat(chosen, k, axis=0)
        slope = np.zeros((n * k, self.net.outputs), a.dtype)
        slope[:, head.first : head.end] = self._slope(row, apart, p, of_output) / k
        return mean[rows, j], self._rest(row, apart, mean, rows, j), slope.reshape(a.shape)

    def _places(self, mean: Array) -> Array:
        """Return which output the figure is, of each example: quantiles never cross."""
        place = self.output - self.head.first
        if self.head.loss.name == "quantile":
            return np.asarray(np.argsort(mean, axis=1, kind="stable")[:, place])
        return np.full(len(mean), place)

    def _slope(self, row: Loss, a: Array, p: Array, of_output: Array) -> Array:
        if row.link_name == "softmax":
            own = np.sum(p * of_output, axis=1, keepdims=True)
            made: Array = -own * losses.LOSSES[row.name].grad(a, of_output, np)
        elif row.link_name == "sigmoid":
            made = -p * row.grad(a, np.ones_like(a), np) * of_output
        elif row.link_name == "exp":
            made = row.grad(a, np.zeros_like(a), np) * of_output
        else:
            made = of_output
        return made

    def _rest(self, row: Loss, a: Array, mean: Array, rows: Array, j: Array) -> Array:
        """Return what a probability lacks to 1, without loss of digits."""
        if row.link_name == "softmax":
            others = mean.copy()
            others[rows, j] = 0
            return np.asarray(others.sum(axis=1))
        if row.link_name == "sigmoid":
            return np.asarray(
                row.link(-a, np).reshape(len(mean), -1, mean.shape[1]).mean(1)[rows, j]
            )
        return mean[rows, j]
