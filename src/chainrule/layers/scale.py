r"""Scale: a factor for each feature.

x, a, delta   (n, i)      scale   (i,)      a = x ⊙ scale
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from chainrule.layers.layer import Draw, Layer, Words
from chainrule.layers.parameter_shapes import zeros
from chainrule.trees import Array


class ScaleParameters(NamedTuple):
    """The factors, scale (i,)."""

    scale: Array


class ScaleRecord(NamedTuple):
    """What the layer saw: input x (n, i), output a (n, i)."""

    x: Array
    a: Array


@dataclass(frozen=True)
class Scale(Layer):
    r"""A layer that multiplies each feature by a factor of its own, which is learnt.

    $$a = x \odot s,\qquad \frac{\partial C}{\partial x} = \delta \odot s,\qquad
      \frac{\partial C}{\partial s} = \sum_n \delta \odot x$$

    The factors start at 1; penalties and decay leave them alone.

    Source: Holzmüller, Grinsztajn and Steinwart (2024), Better by default, arXiv:2407.04491.

    >>> cr.Network(2, [cr.Scale(), cr.Dense(1)], loss="huber").init()[0].scale
    array([1., 1.], dtype=float32)
    """

    kind: ClassVar[str] = "scale"

    def form(self, inputs: int) -> ScaleParameters:
        return ScaleParameters(zeros(inputs))

    def init(self, inputs: int, rng: np.random.Generator) -> ScaleParameters:
        return ScaleParameters(np.ones(inputs))

    def forward(
        self, params: ScaleParameters, x: Array, draw: Draw | None, xp: Any
    ) -> tuple[Array, ScaleRecord]:
        a = x * params.scale
        return a, ScaleRecord(x, a)

    def delta(self, params: ScaleParameters, record: ScaleRecord, da: Array, xp: Any) -> Array:
        return da

    def dx(self, params: ScaleParameters, record: ScaleRecord, delta: Array, xp: Any) -> Array:
        return delta * params.scale

    def gradient(self, record: ScaleRecord, delta: Array, xp: Any) -> ScaleParameters:
        return ScaleParameters(xp.sum(delta * record.x, axis=0))

    def per_example_gradients(self, record: ScaleRecord, delta: Array, xp: Any) -> ScaleParameters:
        return ScaleParameters(delta * record.x)

    def squared_norms(self, record: ScaleRecord, delta: Array, xp: Any) -> Array:
        return xp.sum((delta * record.x) ** 2, axis=1)

    def words(self, inputs: int) -> Words:
        return Words(self.kind)

    def lower(self, program: Any, x: int) -> int:
        made: int = program.scale(x, "scale")
        return made

    def work(self, sheet: Any) -> Any:
        def scale(j: int) -> Any:
            return sheet.parameter("scale", j)

        return sheet.formulas(
            a=lambda j: sheet.x(j) * scale(j),
            dx=lambda j: sheet.da(j) * scale(j),
            by={"scale": lambda j: [(sheet.a(j), sheet.x(j))]},
        )
