r"""RMSNorm: each example divided by the root of its mean square.

x, a, delta, scaled   (n, i)      gamma   (i,)      square   (n, 1)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from chainrule.fields import hold
from chainrule.layers.layer import Draw, Layer, Words
from chainrule.trees import Array
from chainrule.value_types import Positive


class RMSNormParameters(NamedTuple):
    """Gains gamma (i,)."""

    gamma: Array


class RMSNormRecord(NamedTuple):
    """What the layer saw: x, the mean square of each example, scaled, a = γ scaled."""

    x: Array
    square: Array
    scaled: Array
    a: Array


@dataclass(frozen=True)
class RMSNorm(Layer):
    r"""A layer that divides each example by the root of its mean square, and scales.

    $$\hat x = \frac{x}{\sqrt{q + \varepsilon}},\qquad q = \overline{x^2},\qquad
      a = \gamma \odot \hat x$$

    γ starts at 1; penalties and decay leave it alone. Raises ValueError unless epsilon > 0.

    Parameters
    ----------
    epsilon
        ε > 0, added to the mean square.

    Notes
    -----
    Source: Zhang and Sennrich (2019), Root mean square layer normalization, arXiv:1910.07467.

    Examples
    --------
    >>> cr.RMSNorm()
    RMSNorm(epsilon=1e-05)
    """

    kind: ClassVar[str] = "rms_norm"

    epsilon: Positive = 1e-5

    def __post_init__(self) -> None:
        hold(self, "RMSNorm: ")

    def form(self, inputs: int) -> RMSNormParameters:
        return RMSNormParameters(np.broadcast_to(0.0, inputs))

    def init(self, inputs: int, rng: np.random.Generator) -> RMSNormParameters:
        return RMSNormParameters(np.ones(inputs))

    def forward(
        self, params: RMSNormParameters, x: Array, draw: Draw | None, xp: Any
    ) -> tuple[Array, RMSNormRecord]:
        square = xp.mean(x * x, axis=1, keepdims=True)
        scaled = x / xp.sqrt(square + self.epsilon)
        a = params.gamma * scaled
        return a, RMSNormRecord(x, square, scaled, a)

    def delta(self, params: RMSNormParameters, record: RMSNormRecord, da: Array, xp: Any) -> Array:
        return da

    def dx(self, params: RMSNormParameters, record: RMSNormRecord, delta: Array, xp: Any) -> Array:
        g = delta * params.gamma
        along = xp.mean(g * record.scaled, axis=1, keepdims=True)
        return (g - record.scaled * along) / xp.sqrt(record.square + self.epsilon)

    def gradient(self, record: RMSNormRecord, delta: Array, xp: Any) -> RMSNormParameters:
        return RMSNormParameters(xp.sum(delta * record.scaled, axis=0))

    def per_example_gradients(
        self, record: RMSNormRecord, delta: Array, xp: Any
    ) -> RMSNormParameters:
        return RMSNormParameters(delta * record.scaled)

    def squared_norms(self, record: RMSNormRecord, delta: Array, xp: Any) -> Array:
        return xp.sum((delta * record.scaled) ** 2, axis=1)

    def words(self, inputs: int) -> Words:
        return Words("rms norm")

    def lower(self, program: Any, x: int) -> int:
        made: int = program.scale(program.rms(x, self.epsilon), "gamma")
        return made

    def work(self, sheet: Any) -> Any:
        """With g = ∂C/∂x̂, H is the mean of g x̂."""
        n, x, record = sheet.inputs, sheet.entered, sheet.record
        g = sheet.left * sheet.params.gamma

        def root() -> Any:
            def mean() -> Any:
                return sheet.total(x**2, lambda k: sheet.x(k) ** 2) / n

            square = sheet.let("q", mean, record.square[0, 0], note="the mean square")
            return sheet.call("sqrt", square + sheet.number(self.epsilon))

        def scaled(j: int) -> Any:
            return sheet.let("x^", lambda: sheet.x(j) / root(), record.scaled[0, j], unit=j)

        def gamma(j: int) -> Any:
            return sheet.parameter("gamma", j)

        def by_scaled(j: int) -> Any:
            return sheet.by(scaled(j), lambda: sheet.da(j) * gamma(j), g[j])

        def dx(j: int) -> Any:
            gx, note = g * record.scaled[0], "the mean of each derivative times its x̂"

            def mean() -> Any:
                return sheet.total(gx, lambda k: by_scaled(k) * scaled(k)) / n

            return (by_scaled(j) - scaled(j) * sheet.let("H", mean, gx.mean(), note=note)) / root()

        def reach(below: Any) -> Any:
            xs = record.scaled[0]
            parts = g[:, None] * (np.eye(n)[:, below] - xs[:, None] * xs[None, below] / n)
            return sheet.every(np.abs(parts).max(axis=1))

        return sheet.formulas(
            a=lambda j: gamma(j) * scaled(j),
            dx=dx,
            by={"gamma": lambda j: [(sheet.a(j), scaled(j))]},
            reach=reach,
        )
