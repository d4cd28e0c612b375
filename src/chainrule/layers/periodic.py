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
from chainrule.layers.layer import Draw, Layer, Words
from chainrule.layers.layout import Layout
from chainrule.layers.parameter_shapes import zeros
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

    $$e = (x,\; W \cos \theta + b),\qquad \theta = 2 \pi\, \omega\, x + \varphi$$

    With g = ∂C/∂(W cos θ + b), of the mixtures,

    $$\frac{\partial C}{\partial \theta} = -\sin \theta \odot W^\top g,\qquad
      \frac{\partial C}{\partial x} = \frac{\partial C}{\partial e_0}
      + \sum_m 2 \pi\, \omega_m \frac{\partial C}{\partial \theta_m}$$

    $$\frac{\partial C}{\partial \omega} =
      \sum_n 2 \pi\, x \frac{\partial C}{\partial \theta},\qquad
      \frac{\partial C}{\partial \varphi} = \sum_n \frac{\partial C}{\partial \theta},\qquad
      \frac{\partial C}{\partial W} = \sum_n g \otimes \cos \theta,\qquad
      \frac{\partial C}{\partial b} = \sum_n g$$

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
        """Return which inputs are embedded, and where they come to stand.

        Parameters
        ----------
        inputs
            The number of inputs.
        """
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

    def lower(self, program: Any, x: int) -> int:
        features = self.layout(program.width(x)).embedded
        made: int = program.periodic(x, features, "frequency", "phase", "W", "b")
        return made

    def work(self, sheet: Any) -> Any:
        return _Work(sheet.layout(self), sheet).formulas()


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


class _Work:
    """The formulas: see `Layer.work`. θ is the angle of a frequency, c its cosine."""

    def __init__(self, layout: Layout, sheet: Any) -> None:
        self.layout, self.sheet = layout, sheet
        self.params, self.record, self.delta = sheet.params, sheet.record, sheet.delta
        self.turns = 2 * sheet.pi

    def formulas(self) -> Any:
        def a(f: int, v: int) -> Any:
            return self.sheet.a(self.out(f, v))

        return self.sheet.formulas(
            a=self.a,
            dx=self.dx,
            by={
                "frequency": lambda f, m: self.of_theta(f, m, self.turns * self.x(f)),
                "phase": lambda f, m: self.of_theta(f, m, 1),
                "W": lambda f, v, m: [(a(f, v), self.cosine(f, m))],
                "b": lambda f, v: [(a(f, v), 1)],
            },
            reach=self.reach,
            slope=self.slope,
        )

    def x(self, f: int) -> Any:
        """The number with frequencies f."""
        return self.sheet.x(self.layout.embedded[f])

    def number(self, k: int) -> int:
        """The f of input k, or −1."""
        return [*self.layout.embedded].index(k) if k in self.layout.embedded else -1

    def out(self, f: int, v: int) -> int:
        """The output that mixture v of a number is."""
        return self.layout.place(self.layout.embedded[f]) + 1 + v

    def omega(self, f: int, m: int) -> Any:
        return self.sheet.parameter("frequency", f, m)

    def theta(self, f: int, m: int) -> Any:
        def angle() -> Any:
            return self.turns * self.x(f) * self.omega(f, m) + self.sheet.parameter("phase", f, m)

        return self.sheet.let("θ", angle, self.record.angle[0, f, m], of=self.omega(f, m))

    def cosine(self, f: int, m: int) -> Any:
        def cos() -> Any:
            return self.sheet.call("cos", self.theta(f, m))

        return self.sheet.let("c", cos, self.record.cosine[0, f, m], of=self.omega(f, m))

    def by_cosine(self, f: int, m: int) -> Any:
        values = self.delta.values[0, f] * self.params.W[f, :, m]

        def term(v: int) -> Any:
            return self.sheet.da(self.out(f, v)) * self.sheet.parameter("W", f, v, m)

        summed = np.sum(values)
        return self.sheet.by(self.cosine(f, m), lambda: self.sheet.total(values, term), summed)

    def by_theta(self, f: int, m: int) -> Any:
        def back() -> Any:
            return -(self.by_cosine(f, m) * self.sheet.call("sin", self.theta(f, m)))

        return self.sheet.by(self.theta(f, m), back, self.delta.angle[0, f, m])

    def of_theta(self, f: int, m: int, by: Any) -> Any:
        """What a parameter changes, which is an angle."""
        self.by_theta(f, m)
        return [(self.theta(f, m), by)]

    def a(self, j: int) -> Any:
        k, v = self.layout.source(j)
        if not v:
            return self.sheet.x(k)
        f = self.number(k)
        products = self.params.W[f, v - 1] * self.record.cosine[0, f]

        def term(m: int) -> Any:
            return self.sheet.parameter("W", f, v - 1, m) * self.cosine(f, m)

        return self.sheet.total(products, term) + self.sheet.parameter("b", f, v - 1)

    def dx(self, k: int) -> Any:
        itself, f = self.sheet.da(self.layout.place(k)), self.number(k)
        if f < 0:
            return itself
        values = self.delta.angle[0, f] * 2 * math.pi * self.params.frequency[f]

        def term(m: int) -> Any:
            return self.by_theta(f, m) * self.turns * self.omega(f, m)

        return itself + self.sheet.total(values, term)

    def slope(self, f: int, v: int) -> Any:
        """The derivative of an output of a number by that."""
        if not v:
            return self.sheet.number(1.0)

        def term(m: int) -> Any:
            turned = self.sheet.call("sin", self.theta(f, m)) * self.turns * self.omega(f, m)
            return -(self.sheet.parameter("W", f, v - 1, m) * turned)

        return self.sheet.total(self.params.W[f, v - 1], term)

    def reach(self, below: Any) -> Any:
        parts = [self._reached(k) for k in below]
        outputs = [j for own, _ in parts for j in own]
        return outputs, self.sheet.left[outputs] * np.array([g for _, own in parts for g in own])

    def _reached(self, k: int) -> tuple[list[int], list[float]]:
        """The outputs of an input, and their derivatives by it."""
        first, f = self.layout.place(k), self.number(k)
        if f < 0:
            return [first], [1.0]
        W = self.params.W[f]
        turned = -np.sin(self.record.angle[0, f]) * 2 * math.pi * self.params.frequency[f]
        return list(range(first, first + 1 + len(W))), [1.0, *(W @ turned)]
