r"""LayerNorm: each example freed of its mean and variance.

x, a, delta   (n, i)      gamma, beta   (i,)      mean, variance   (n, 1)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from chainrule.fields import hold
from chainrule.layers.layer import Draw, Layer, Words
from chainrule.layers.normalised import NormalisedRecord, moments, normalise, through, work
from chainrule.layers.parameter_shapes import zeros
from chainrule.trees import Array
from chainrule.value_types import Positive


class LayerNormParameters(NamedTuple):
    """Gains gamma (i,) and shifts beta (i,)."""

    gamma: Array
    beta: Array


@dataclass(frozen=True)
class LayerNorm(Layer):
    r"""A layer that takes off each example's mean, divides by its deviation, scales and shifts.

    $$\hat x = \frac{x - \mu}{\sqrt{v + \varepsilon}},\qquad a = \gamma \odot \hat x + \beta$$

    $$\frac{\partial C}{\partial x} = \frac{g - \operatorname{mean}(g)
      - \hat x\,\operatorname{mean}(g \hat x)}{\sqrt{v + \varepsilon}},\qquad
      g = \delta \odot \gamma$$

    $$\frac{\partial C}{\partial \gamma} = \sum_n \delta \odot \hat x,\qquad
      \frac{\partial C}{\partial \beta} = \sum_n \delta$$

    μ and v are mean and variance of an example's i values, over which all means are. γ starts at 1
    and β at 0; penalties and decay leave both alone. Raises ValueError unless epsilon > 0.

    Parameters
    ----------
    epsilon
        ε > 0, added to the variance.

    Notes
    -----
    Source: Ba, Kiros and Hinton (2016), Layer normalization, arXiv:1607.06450.

    Examples
    --------
    >>> cr.LayerNorm()
    LayerNorm(epsilon=1e-05)
    """

    kind: ClassVar[str] = "layer_norm"

    epsilon: Positive = 1e-5

    def __post_init__(self) -> None:
        hold(self, "LayerNorm: ")

    def form(self, inputs: int) -> LayerNormParameters:
        return LayerNormParameters(zeros(inputs), zeros(inputs))

    def init(self, inputs: int, rng: np.random.Generator) -> LayerNormParameters:
        return LayerNormParameters(np.ones(inputs), np.zeros(inputs))

    def forward(
        self, params: LayerNormParameters, x: Array, draw: Draw | None, xp: Any
    ) -> tuple[Array, NormalisedRecord]:
        return normalise(x, *moments(x, 1, xp), params, self.epsilon, xp, own=True)

    def delta(
        self, params: LayerNormParameters, record: NormalisedRecord, da: Array, xp: Any
    ) -> Array:
        return da

    def dx(
        self, params: LayerNormParameters, record: NormalisedRecord, delta: Array, xp: Any
    ) -> Array:
        return through(delta * params.gamma, record, self.epsilon, 1, xp)

    def gradient(self, record: NormalisedRecord, delta: Array, xp: Any) -> LayerNormParameters:
        return LayerNormParameters(xp.sum(delta * record.scaled, axis=0), xp.sum(delta, axis=0))

    def per_example_gradients(
        self, record: NormalisedRecord, delta: Array, xp: Any
    ) -> LayerNormParameters:
        return LayerNormParameters(delta * record.scaled, delta)

    def squared_norms(self, record: NormalisedRecord, delta: Array, xp: Any) -> Array:
        return xp.sum((delta * record.scaled) ** 2 + delta**2, axis=1)

    def words(self, inputs: int) -> Words:
        return Words("layer norm")

    def lower(self, program: Any, x: int) -> int:
        made: int = program.layer_norm(x, "gamma", "beta", self.epsilon)
        return made

    def work(self, sheet: Any) -> Any:
        x, n = sheet.entered, sheet.inputs
        mean, variance = sheet.record.mean[0, 0], sheet.record.variance[0, 0]

        def mu(j: int = 0) -> Any:
            note = "the mean of what enters"
            return sheet.let("μ", lambda: sheet.total(x, sheet.x) / n, mean, note=note)

        def v(j: int = 0) -> Any:
            def summed() -> Any:
                return sheet.total((x - mean) ** 2, lambda k: (sheet.x(k) - mu()) ** 2)

            return sheet.let("v", lambda: summed() / n, variance, note="its variance")

        return work(sheet, mu, v, self.epsilon)
