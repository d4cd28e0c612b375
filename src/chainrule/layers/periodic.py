r"""Periodic: each number becomes some values of cosines of it.

x   (n, i)      frequency, phase   (f, m)      c = cos(2π x frequency + phase)   (n, f, m)
a   (n, o)      W   (f, v, m)   b  (f, v)      e = (x, W c + b)                  (n, f, 1 + v)
"""

from __future__ import annotations

import math
import reprlib
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from chainrule.errors import check_number, check_whole
from chainrule.layers.base import Draw, Layer, Words
from chainrule.layers.embedding import Layout
from chainrule.layers.zeros import zeros
from chainrule.trees import Array


class PeriodicParameters(NamedTuple):
    """Frequencies and phases (f, m), weights W (f, v, m) and biases b (f, v) of f numbers."""

    frequency: Array
    phase: Array
    W: Array
    b: Array


class PeriodicRecord(NamedTuple):
    """What the layer saw: x, its numbers (n, f), the turned angles and cosines (n, f, m), a."""

    x: Array
    numbers: Array
    angle: Array
    cosine: Array
    a: Array


class PeriodicDelta(NamedTuple):
    """∂C/∂a (n, o), by the values W c + b (n, f, v), and by the angles (n, f, m)."""

    da: Array
    values: Array
    angle: Array


@dataclass(frozen=True)
class Periodic(Layer):
    r"""A layer that turns each number into itself and some mixtures of cosines of it.

    $$e = (x,\; W \cos(2 \pi\, \omega\, x + \varphi) + b)$$

    Frequencies ω ~ N(0, σ²), phases φ ~ U(±π), W and b ~ U(±1/√m) are learnt, of each number its
    own; W alone is penalised and decays.

    Parameters
    ----------
    values
        v, how many mixtures each number becomes, beside itself.
    frequencies
        m, how many cosines are mixed.
    sigma
        σ, how fast the cosines turn at the start.
    features
        Which inputs are embedded, by number from 0; left out, all. The others pass through.

    Raises
    ------
    TypeError, ValueError
        Where an argument is not of its kind, or a feature is named that there is not.

    Notes
    -----
    Source: Gorishniy, Rubachev and Babenko (2022), On embeddings for numerical features,
    arXiv:2203.05556; in this form Holzmüller, Grinsztajn and Steinwart (2024), arXiv:2407.04491.

    Examples
    --------
    >>> net = cr.Network(3, [cr.Periodic(features=(0, 1)), cr.Dense(1)], loss="huber")
    >>> net.widths, net.init()[0].frequency.shape
    ((3, 9, 1), (2, 16))
    """

    kind: ClassVar[str] = "periodic"

    values: int = 3
    frequencies: int = 16
    sigma: float = 0.1
    features: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("values", "frequencies"):
            value = check_whole(f"Periodic: {name}", getattr(self, name), least=1)
            object.__setattr__(self, name, value)
        sigma = check_number("Periodic: sigma", self.sigma, above=0)
        object.__setattr__(self, "sigma", sigma)
        if self.features is not None:
            object.__setattr__(self, "features", _features(self.features))

    @classmethod
    def example(cls, inputs: int) -> Periodic:
        return cls(2, 3, 0.5)

    def layout(self, inputs: int) -> Layout:
        """Return which inputs are embedded, and where they come to stand."""
        features = range(inputs) if self.features is None else self.features
        if features[-1] >= inputs:
            raise ValueError(f"features must be numbers below {inputs}, got {features[-1]}")
        return Layout(inputs, features, self.values + 1)

    def outputs(self, inputs: int) -> int:
        return self.layout(inputs).outputs

    def form(self, inputs: int) -> PeriodicParameters:
        f, v, m = len(self.layout(inputs).embedded), self.values, self.frequencies
        return PeriodicParameters(zeros(f, m), zeros(f, m), zeros(f, v, m), zeros(f, v))

    def init(self, inputs: int, rng: np.random.Generator) -> PeriodicParameters:
        frequency, phase, W, b = (leaf.shape for leaf in self.form(inputs))
        bound = 1 / math.sqrt(self.frequencies)
        return PeriodicParameters(
            self.sigma * rng.standard_normal(frequency),
            rng.uniform(-math.pi, math.pi, phase),
            rng.uniform(-bound, bound, W),
            rng.uniform(-bound, bound, b),
        )

    def forward(
        self, params: PeriodicParameters, x: Array, draw: Draw | None, xp: Any
    ) -> tuple[Array, PeriodicRecord]:
        layout = self.layout(x.shape[1])
        numbers = layout.numbers(x, xp)
        angle = 2 * math.pi * numbers[:, :, None] * params.frequency + params.phase
        cosine = xp.cos(angle)
        values = (cosine[:, :, None, :] @ params.W.mT)[:, :, 0, :] + params.b
        a = layout.joined(xp.concat([numbers[:, :, None], values], axis=2), x, xp)
        return a, PeriodicRecord(x, numbers, angle, cosine, a)

    def delta(
        self, params: PeriodicParameters, record: PeriodicRecord, da: Array, xp: Any
    ) -> PeriodicDelta:
        values = self.layout(record.x.shape[1]).of_numbers(da, xp)[:, :, 1:]
        cosine = (values[:, :, None, :] @ params.W)[:, :, 0, :]
        return PeriodicDelta(da, values, -xp.sin(record.angle) * cosine)

    def dx(
        self, params: PeriodicParameters, record: PeriodicRecord, delta: PeriodicDelta, xp: Any
    ) -> Array:
        layout = self.layout(record.x.shape[1])
        turned = xp.sum(delta.angle * (2 * math.pi * params.frequency), axis=2)
        return layout.dx(turned + layout.of_numbers(delta.da, xp)[:, :, 0], delta.da, xp)

    def gradient(self, record: PeriodicRecord, delta: PeriodicDelta, xp: Any) -> PeriodicParameters:
        each = self.per_example_gradients(record, delta, xp)
        return PeriodicParameters(*(xp.sum(leaf, axis=0) for leaf in each))

    def per_example_gradients(
        self, record: PeriodicRecord, delta: PeriodicDelta, xp: Any
    ) -> PeriodicParameters:
        return PeriodicParameters(
            delta.angle * (2 * math.pi * record.numbers[:, :, None]),
            delta.angle,
            delta.values[:, :, :, None] * record.cosine[:, :, None, :],
            delta.values,
        )

    def squared_norms(self, record: PeriodicRecord, delta: PeriodicDelta, xp: Any) -> Array:
        each = self.per_example_gradients(record, delta, xp)
        return sum(xp.sum(leaf**2, axis=tuple(range(1, leaf.ndim))) for leaf in each)

    def words(self, inputs: int) -> Words:
        layout = self.layout(inputs)
        return Words("periodic", f"{len(layout.embedded):,} × {layout.size:,}")


def _features(given: Any) -> tuple[int, ...]:
    """Numbers of inputs in their order, each once."""
    got = reprlib.repr(given)
    try:
        features = tuple(sorted(check_whole("Periodic: features", k, least=0) for k in given))
    except TypeError:
        raise TypeError(
            f"Periodic: features must be numbers of inputs such as (0, 2), got {got}"
        ) from None
    if not features or len(set(features)) < len(features):
        raise ValueError(f"Periodic: features must name inputs, each once, got {got}")
    return features
