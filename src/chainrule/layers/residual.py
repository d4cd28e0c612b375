r"""Residual: what some layers make of x, added to x.

x, a, da   (n, i)      a = x + F(x)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from chainrule.layers import chain
from chainrule.layers.dense import Dense
from chainrule.layers.layer import Draw, Layer, Role, Words
from chainrule.trees import Array


class ResidualRecord(NamedTuple):
    """What the layer saw: input x, the records of the layers within, output a."""

    x: Array
    inner: tuple[Any, ...]
    a: Array


class ResidualDelta(NamedTuple):
    """∂C/∂a (n, i), and the deltas of the layers within."""

    da: Array
    inner: tuple[Any, ...]


@dataclass(frozen=True, init=False, repr=False)
class Residual(Layer):
    r"""A layer that adds to x what layers within make of it; they must lead back to its width.

    $$a = x + F(x),\qquad
      \frac{\partial C}{\partial x} = \frac{\partial C}{\partial a}
      + \frac{\partial C}{\partial a} \frac{\partial F}{\partial x}$$

    The parameters are a tuple with an entry for each layer within. Raises TypeError or ValueError
    for what is no layer, and for none.

    Parameters
    ----------
    *layers
        The layers F within, one after the other.

    Notes
    -----
    Source: He and others (2016), Deep residual learning for image recognition, arXiv:1512.03385.

    Examples
    --------
    >>> net = cr.Network(8, [cr.Residual(cr.Dense(16, "relu"), cr.Dense(8))], loss="huber")
    >>> net.init()[0][1].W.shape
    (8, 16)
    """

    kind: ClassVar[str] = "residual"

    layers: tuple[Layer, ...]

    def __init__(self, *layers: Layer) -> None:
        chain.check_layers("Residual", layers)
        object.__setattr__(self, "layers", layers)

    def __repr__(self) -> str:
        return f"Residual({', '.join(map(repr, self.layers))})"

    @classmethod
    def of_fields(cls, **fields: Any) -> Residual:
        return cls(*fields["layers"])

    @classmethod
    def example(cls, inputs: int) -> Residual:
        return cls(Dense(inputs + 1, "tanh"), Dense(inputs))

    def outputs(self, inputs: int) -> int:
        width = chain.widths(self.layers, inputs)[-1]
        if width != inputs:
            raise ValueError(f"the layers of {self!r} must lead back to {inputs}, got {width}")
        return inputs

    def form(self, inputs: int) -> tuple[Any, ...]:
        return tuple(layer.form(i) for layer, i in self._within(inputs))

    def init(self, inputs: int, rng: np.random.Generator) -> tuple[Any, ...]:
        return tuple(layer.init(i, rng) for layer, i in self._within(inputs))

    def _within(self, inputs: int) -> zip[tuple[Layer, int]]:
        """The layers within, each with how many values enter it."""
        return zip(self.layers, chain.widths(self.layers, inputs), strict=False)

    def forward(
        self, params: tuple[Any, ...], x: Array, draw: Draw | None, xp: Any
    ) -> tuple[Array, ResidualRecord]:
        a, inner = chain.forward(self.layers, params, x, lambda k: draw and draw.within(k), xp)
        return x + a, ResidualRecord(x, inner, x + a)

    def delta(
        self, params: tuple[Any, ...], record: ResidualRecord, da: Array, xp: Any
    ) -> ResidualDelta:
        return ResidualDelta(da, chain.deltas(self.layers, params, record.inner, da, xp))

    def dx(
        self, params: tuple[Any, ...], record: ResidualRecord, delta: ResidualDelta, xp: Any
    ) -> Array:
        first = self.layers[0]
        return delta.da + first.dx(params[0], record.inner[0], delta.inner[0], xp)

    def gradient(self, record: ResidualRecord, delta: ResidualDelta, xp: Any) -> tuple[Any, ...]:
        return self._each("gradient", record, delta, xp)

    def per_example_gradients(
        self, record: ResidualRecord, delta: ResidualDelta, xp: Any
    ) -> tuple[Any, ...]:
        return self._each("per_example_gradients", record, delta, xp)

    def squared_norms(self, record: ResidualRecord, delta: ResidualDelta, xp: Any) -> Array:
        return sum(self._each("squared_norms", record, delta, xp))

    def _each(
        self, name: str, record: ResidualRecord, delta: ResidualDelta, xp: Any
    ) -> tuple[Any, ...]:
        """What a function of each layer within says."""
        inner = zip(self.layers, record.inner, delta.inner, strict=True)
        return tuple(getattr(layer, name)(seen, part, xp) for layer, seen, part in inner)

    def kinks(self, record: ResidualRecord) -> list[Array]:
        inner = zip(self.layers, record.inner, strict=True)
        return [kink for layer, seen in inner for kink in layer.kinks(seen)]

    def after_step(self, params: tuple[Any, ...], record: ResidualRecord) -> tuple[Any, ...]:
        inner = zip(self.layers, params, record.inner, strict=True)
        return tuple(layer.after_step(own, seen) for layer, own, seen in inner)

    def role(self, name: str) -> Role:
        k, _, own = name.partition(".")
        return self.layers[int(k)].role(own)

    @property
    def over_batch(self) -> bool:
        return any(layer.over_batch for layer in self.layers)

    def words(self, inputs: int) -> Words:
        return Words(self.kind, inside=tuple(layer.words(i) for layer, i in self._within(inputs)))

    def lower(self, program: Any, x: int) -> int:
        y = x
        for k, layer in enumerate(self.layers):
            y = program.inner(k, layer, y)
        made: int = program.add(x, y)
        return made

    def entry(
        self,
        record: ResidualRecord,
        delta: ResidualDelta,
        name: str,
        entry: tuple[int, ...],
        xp: Any,
    ) -> Array:
        k, _, own = name.partition(".")
        within = record.inner[int(k)], delta.inner[int(k)]
        return self.layers[int(k)].entry(*within, own, entry, xp)

    def unfold(self, flow: Any, x: int) -> int:
        y = flow.through(self.layers, x, seen="inner.{}", alone=False)
        made: int = flow.place(self, x, y)
        return made

    def work(self, sheet: Any) -> Any:
        return sheet.formulas(
            a=lambda j: sheet.noted(
                sheet.x(j) + sheet.x(j, 1), "what entered, and what came of it"
            ),
            dx=(sheet.da, sheet.da),
        )
