r"""The figure that networks predict, as a function of what leaves them, and its slope.

a   (n, k·o)   what leaves a network, of its k members side by side
p   (n,)       one of what it predicts, of its members the mean; P, the mean over the networks
q   (n,)       of a probability, what it lacks to 1             da   (n, k·o)   ∂F/∂a, or ∂p/∂a
F   (n,)       the figure: P, or its log odds
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import losses
from chainrule.diagnosis.chord_slopes import following
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
    >>> OutputValue(net, 1).of_network(np.zeros((1, 2)))
    (array([0.5]), array([0.5]), array([[-0.25,  0.25]]))
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

    def joined(self, p: Sequence[Array], q: Sequence[Array]) -> tuple[Array, Array]:
        """Return F at points, and ∂F/∂p of each network from each to the next, the same of all.

        p and q are those of each network, (n, points).
        """
        P, Q = np.mean(p, axis=0), np.mean(q, axis=0)
        if not self.log_odds:
            return P, np.full_like(P[:, 1:], 1 / len(p))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            F = np.log(P) - np.log(Q)
            sums = P[:, 1:] + P[:, :-1], Q[:, 1:] + Q[:, :-1]
            dP = np.where(sums[0] < sums[1], np.diff(P), -np.diff(Q))
            in_middle = 4 / (sums[0] * sums[1])
            far = np.abs(dP) * in_middle > np.finfo(P.dtype).eps ** (1 / 3)
            return F, np.where(far, np.diff(F) / dP, in_middle) / P.dtype.type(len(p))

    def along_chords(self, a: Array) -> Array:
        """Return the mean of ∂p/∂a of one network from each row to the next, by Gauss's rule."""
        step = following(a) - a
        points, weights = np.polynomial.legendre.leggauss(4)
        each = zip((points + 1) / 2, weights / 2, strict=True)
        made = [self.of_network(a + a.dtype.type(t) * step)[2] * a.dtype.type(w) for t, w in each]
        return np.asarray(sum(made))

    def of_network(self, a: Array) -> tuple[Array, Array, Array]:
        """Return the p of one network, of a probability what it lacks to 1, and ∂p/∂a."""
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
