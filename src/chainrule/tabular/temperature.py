r"""The temperature of classes: one number that mends how sure networks are of what they predict.

z   (m, n, classes)   what m networks make of n rows, before the softmax
y   (n,) labels       w   (n,) weights, or None for 1 each
p   (n, classes)      the mean over the networks of softmax(z / T)
T   a number; of several targets one for each that has classes, found from its own outputs

A temperature above 1 makes probabilities less sure, and one below 1 surer; which class a network
holds for the most probable stays. Source: Guo, Pleiss, Sun and Weinberger (2017), On calibration of
modern neural networks, arXiv:1706.04599.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule import losses
from chainrule.batches import Examples
from chainrule.evaluation import predict
from chainrule.loss_row import Head
from chainrule.network import Network, Parameters

Array = NDArray[Any]

LEAST = 300
"""The fewest rows held out by which a temperature is found: of fewer, chance makes too much."""

SPREAD = 0.5
"""How far log T may well be from 0, as a standard deviation: of few errors it would go anywhere."""

FOLDS = 5
"""In so many parts, each by the temperature of the others, it is seen what a temperature brings."""

MOST = 2**20
"""The most numbers of z that a temperature is found by: of many rows, some at equal distances."""

HALVINGS, FURTHEST = 12, 3.0
"""How often the range of log T is halved, and how far it reaches on both sides."""


class Calibration(NamedTuple):
    """A temperature, and what it brings on the rows held out.

    Attributes
    ----------
    temperature
        That of all of them.
    before, after
        Their log loss without a temperature, and with that which the other folds have.
    folds
        The fold of each row, (n,), and `temperatures`, those of all folds but one.
    """

    temperature: float
    before: float
    after: float
    folds: Array
    temperatures: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Thermometer:
    """What finds the temperatures of networks by rows held out, all of which count for something.

    Parameters
    ----------
    net
        The networks, their outputs without the softmax.
    heads
        Their losses, of each target one.
    rows
        How many rows are held out, and `places`, which of them are `used`.
    """

    net: Network
    heads: tuple[Head, ...]
    rows: int
    places: Array
    used: Examples

    def logits(self, members: Sequence[Parameters]) -> Array:
        """Return z of the rows that are used, and what else the networks make of them."""
        return np.stack([np.asarray(predict(self.net, each, self.used.X)) for each in members])

    def distance(self, params: Parameters) -> float:
        """Return the loss of a network, that of classes as the log loss at their temperature."""
        z = self.logits([params])
        return sum(
            _at_its_temperature(head, *self._of(head, z), self.used.w) for head in self.heads
        )

    def calibrated(self, members: Sequence[Parameters]) -> tuple[Calibration | None, ...]:
        """Return of each target the temperature of some networks' mean, where it has classes.

        It has none where that does not lower their log loss.
        """
        z = self.logits(members)
        return tuple(
            self._calibration(*self._of(head, z)) if has_classes(head) else None
            for head in self.heads
        )

    def _of(self, head: Head, z: Array) -> tuple[Array, Array]:
        """Return the outputs of one target, and its y."""
        y = self.used.y
        own = y if y.ndim == 1 else head.of(y)
        labels = own.argmax(axis=1) if has_classes(head) and y.ndim > 1 else own
        return z[:, :, head.first : head.end], labels

    def _calibration(self, z: Array, y: Array) -> Calibration | None:
        w, fold = self.used.w, np.arange(len(y)) % FOLDS
        others = [fold != k for k in range(FOLDS)]
        each = tuple(fitted(z[:, o], y[o], w if w is None else w[o]) for o in others)
        before = log_loss(z, y, w)
        after = log_loss(z, y, w, np.array(each)[fold])
        if after >= before:
            return None
        folds = np.zeros(self.rows, np.int8)
        folds[self.places] = fold
        return Calibration(fitted(z, y, w), before, after, folds, each)


def has_classes(head: Head) -> bool:
    """Whether a loss is of classes, which have a softmax.

    >>> [has_classes(head) for head in losses.loss("heads(huber: 1, cross_entropy: 3)").parts]
    [False, True]
    """
    return head.loss.name == "cross_entropy"


def _at_its_temperature(head: Head, z: Array, y: Array, w: Array | None) -> float:
    """Return the loss of one network's outputs for a target, of classes at their temperature."""
    if has_classes(head):
        return log_loss(z, y, w, fitted(z, y, w))
    return float(np.average(head.loss.value(z[0], y, np).sum(axis=1), weights=w))


def thermometer(net: Network, held_out: Examples, networks: int = 1) -> Thermometer | None:
    """Return what finds temperatures by examples that are held out; None where they are too few.

    There is none without classes either.

    >>> net = cr.Network(1, [cr.Dense(2)], loss="cross_entropy")
    >>> X, y = np.zeros((400, 1), "f4"), np.tile([0, 0, 1, 0], 100)
    >>> params = net.parameters([([[0.0], [0.0]], [4.0, 0.0])])
    >>> thermometer(net, Examples(X, y, None)).calibrated([params])[0][:3]
    (3.46, 1.01815, 0.562802)
    >>> thermometer(net, Examples(X[:299], y[:299], None))
    """
    X, y, w = held_out
    heads = losses.loss(net.loss).heads(net.outputs)
    places = np.arange(len(y)) if w is None else np.flatnonzero(w)
    if len(places) < LEAST or not any(map(has_classes, heads)):
        return None
    places = places[:: -(-len(places) * net.outputs * networks // MOST)]
    part = held_out if len(places) == len(y) else Examples(*_at(places, X, y, w))
    plain = dataclasses.replace(net, loss="half_squared_error")
    return Thermometer(plain, heads, len(y), places, part)


def _at(places: Array, *arrays: Array | None) -> list[Any]:
    return [None if array is None else array[places] for array in arrays]


def log_loss(z: Array, y: Array, w: Array | None, temperature: Any = 1.0) -> float:
    r"""Return the weighted mean of −log p_y, to six digits, at one temperature or those of rows.

    >>> log_loss(np.array([[[0.0, 0.0]]]), np.array([1]), None), round(math.log(2), 6)
    (0.693147, 0.693147)
    """
    found = np.average(-_log_p(*_below_the_best(z, y), np.asarray(temperature))[0], weights=w)
    return float(f"{found:.6g}")


def fitted(z: Array, y: Array, w: Array | None) -> float:
    r"""Return the temperature that suits some rows, to three digits.

    It minimises the sum of their losses and of ½ (log T / `SPREAD`)²; weights count as multiples of
    their mean.

    >>> fitted(np.array([[[4.0, 0.0]] * 400]), np.repeat([0, 1], [300, 100]), None)
    3.46
    """
    w = np.ones(len(y)) if w is None else w / w.mean(dtype=float)
    of, low, high = _below_the_best(z, y), -FURTHEST, FURTHEST
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        slope = math.exp(-middle) * float(w @ _log_p(*of, np.exp(middle))[1])
        rises = slope + middle / SPREAD**2 > 0
        low, high = (low, middle) if rises else (middle, high)
    return float(f"{math.exp((low + high) / 2):.3g}")


def _below_the_best(z: Array, y: Array) -> tuple[Array, Array]:
    """Return z less the greatest of each row, and that of each label, (m, n)."""
    z = z - z.max(axis=2, keepdims=True).astype(float)
    return z, z[:, np.arange(len(y)), y]


def _log_p(z: Array, own: Array, temperature: Any) -> tuple[Array, Array]:
    """Return log p_y (n,), and its derivative by 1 / T."""
    e = np.exp(z / temperature[..., None])
    total = e @ np.ones(e.shape[2])
    each = own / temperature - np.log(total)
    top = each.max(axis=0)
    share = np.exp(each - top)
    slopes = own - np.einsum("mnk,mnk->mn", e, z) / total
    slope = (share * slopes).sum(axis=0) / share.sum(axis=0)
    return np.log(share.mean(axis=0)) + top, slope


def cooled(params: Parameters, temperatures: Any) -> Parameters:
    """Return the parameters of a network whose outputs are z / T: those of its last layer, divided.

    There is one temperature, or one for each output.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="cross_entropy")
    >>> cooled(net.parameters([([[3.0]], [1.5])]), [1.5])
    (DenseParameters(W=array([[2.]]), b=array([1.])),)
    """
    *hidden, last = params
    t = np.asarray(temperatures, last.W.dtype)
    return (*hidden, last._replace(W=last.W / t[..., None], b=last.b / t))
