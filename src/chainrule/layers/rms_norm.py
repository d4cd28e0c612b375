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

    $$\hat x = \frac{x}{\sqrt{q + \varepsilon}},\qquad q = \operatorname{mean}(x^2),\qquad
      a = \gamma \odot \hat x$$

    $$\frac{\partial C}{\partial x} = \frac{g - \hat x\,\operatorname{mean}(g \hat x)}
      {\sqrt{q + \varepsilon}},\qquad g = \delta \odot \gamma,\qquad
      \frac{\partial C}{\partial \gamma} = \sum_n \delta \odot \hat x$$

    The means are over an example's i values. γ starts at 1; penalties and decay leave it
    alone. Raises ValueError unless epsilon > 0.

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
        made = _Worked(sheet, self.epsilon)
        return sheet.formulas(
            a=lambda j: made.gamma(j) * made.scaled(j),
            dx=made.dx,
            by={"gamma": lambda j: [(sheet.a(j), made.scaled(j))]},
            reach=made.reach,
        )


class _Worked:
    """The formulas: with g = ∂C/∂x̂, H is the mean of g x̂."""

    def __init__(self, sheet: Any, epsilon: float) -> None:
        self.sheet, self.epsilon = sheet, epsilon
        self.x, self.g = sheet.record.scaled[0], sheet.left * sheet.params.gamma

    def gamma(self, j: int) -> Any:
        return self.sheet.parameter("gamma", j)

    def square(self) -> Any:
        x, value = self.sheet.entered, self.sheet.record.square[0, 0]

        def formula() -> Any:
            return self.sheet.total(x**2, lambda k: self.sheet.x(k) ** 2) / self.sheet.inputs

        return self.sheet.let("q", formula, value, note="the mean square")

    def root(self) -> Any:
        return self.sheet.call("sqrt", self.square() + self.sheet.number(self.epsilon))

    def scaled(self, j: int) -> Any:
        return self.sheet.let("x^", lambda: self.sheet.x(j) / self.root(), self.x[j], unit=j)

    def by_scaled(self, j: int) -> Any:
        return self.sheet.by(self.scaled(j), lambda: self.sheet.da(j) * self.gamma(j), self.g[j])

    def mean(self) -> Any:
        gx, note = self.g * self.x, "the mean of each derivative times its x̂"

        def formula() -> Any:
            terms = self.sheet.total(gx, lambda k: self.by_scaled(k) * self.scaled(k))
            return terms / self.sheet.inputs

        return self.sheet.let("H", formula, gx.mean(), note=note)

    def dx(self, j: int) -> Any:
        return (self.by_scaled(j) - self.scaled(j) * self.mean()) / self.root()

    @property
    def reach(self) -> Any:
        g, x, n = self.g, self.x, self.sheet.inputs
        return self.sheet.reached(lambda j, k: g[j] * ((j == k) - x[j] * x[k] / n))
