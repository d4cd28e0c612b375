r"""What stands in members that have scales around each dense layer: see Members, `full`.

x   (k·n, i)   member by member      scale   (k, i)      W   (o, i)      s, b   (k, o)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import device

from chainrule.activation_row import Activation
from chainrule.activations import activation
from chainrule.layers.dense import Dense, DenseParameters
from chainrule.layers.layer import Draw, Layer, Words
from chainrule.layers.parameter_shapes import zeros
from chainrule.layers.scale import Scale, ScaleParameters, ScaleRecord
from chainrule.trees import Array


def of_members(rows: Array, k: int, xp: Any) -> Array:
    """Return the rows of k members, (k·n, …), as (k, n, …).

    >>> of_members(np.array([[1.0], [2.0], [3.0], [4.0]]), 2, np).shape
    (2, 2, 1)
    """
    return xp.reshape(rows, (k, rows.shape[0] // k, *rows.shape[1:]))


def in_rows(parts: Array, xp: Any) -> Array:
    """Return (k, n, …) as the rows of k members, (k·n, …).

    >>> in_rows(np.ones((2, 3, 1)), np).shape
    (6, 1)
    """
    return xp.reshape(parts, (parts.shape[0] * parts.shape[1], *parts.shape[2:]))


def of_each(rows: Array, k: int, xp: Any) -> Array:
    """Return for each row what it gives to each member's own parameters, (k·n, k, …).

    >>> of_each(np.array([[5.0], [6.0]]), 2, np)[:, :, 0]
    array([[5., 0.],
           [0., 6.]])
    """
    member = xp.arange(k, device=device(rows))
    own = xp.astype(member[:, None] == member[None, :], rows.dtype)  # (k, k)
    shape = (1,) * (rows.ndim - 1)
    parts = of_members(rows, k, xp)[:, :, None, ...] * xp.reshape(own, (k, 1, k, *shape))
    return in_rows(parts, xp)


def summed(rows: Array, k: int, xp: Any) -> Array:
    """Return the sum over each member's examples, (k, …).

    >>> summed(np.array([[1.0], [2.0], [3.0], [4.0]]), 2, np)
    array([[3.],
           [7.]])
    """
    return xp.sum(of_members(rows, k, xp), axis=1)


def by_member(rows: Array, factors: Array, xp: Any) -> Array:
    """Return each row times its member's factors (k, i).

    >>> by_member(np.ones((4, 1)), np.array([[2.0], [3.0]]), np).ravel()
    array([2., 2., 3., 3.])
    """
    return in_rows(of_members(rows, factors.shape[0], xp) * factors[:, None, :], xp)


@dataclass(frozen=True)
class MemberScale(Layer):
    r"""A factor for each feature of each of k members, a = x ⊙ r; it starts at 1.

    >>> MemberScale(2).form(3).scale.shape
    (2, 3)
    """

    k: int

    def form(self, inputs: int) -> ScaleParameters:
        return ScaleParameters(zeros(self.k, inputs))

    def init(self, inputs: int, rng: np.random.Generator) -> ScaleParameters:
        return ScaleParameters(np.ones((self.k, inputs)))

    def forward(
        self, params: ScaleParameters, x: Array, draw: Draw | None, xp: Any
    ) -> tuple[Array, ScaleRecord]:
        a = by_member(x, params.scale, xp)
        return a, ScaleRecord(x, a)

    def delta(self, params: ScaleParameters, record: ScaleRecord, da: Array, xp: Any) -> Array:
        return da

    def dx(self, params: ScaleParameters, record: ScaleRecord, delta: Array, xp: Any) -> Array:
        return by_member(delta, params.scale, xp)

    def gradient(self, record: ScaleRecord, delta: Array, xp: Any) -> ScaleParameters:
        return ScaleParameters(summed(delta * record.x, self.k, xp))

    def per_example_gradients(self, record: ScaleRecord, delta: Array, xp: Any) -> ScaleParameters:
        return ScaleParameters(of_each(delta * record.x, self.k, xp))

    def words(self, inputs: int) -> Words:
        return Words("scale")

    def alone(self, params: ScaleParameters, m: int) -> list[tuple[Layer, Any]]:
        return [(Scale(), ScaleParameters(params.scale[m]))]

    def work(self, sheet: Any) -> Any:
        m = sheet.member - 1

        def scale(j: int) -> Any:
            return sheet.parameter("scale", m, j)

        def of_scale(member: int, j: int) -> Any:
            return [(sheet.a(j), sheet.x(j))] if member == m else []

        return sheet.formulas(
            a=lambda j: sheet.x(j) * scale(j),
            dx=lambda j: sheet.da(j) * scale(j),
            by={"scale": of_scale},
        )

    def lower(self, program: Any, x: int) -> int:
        made: int = program.scale(x, "scale")
        return made


class EnsembleDenseParameters(NamedTuple):
    """Weights W (o, i) that all members share; each member's scales s and biases b, (k, o)."""

    W: Array
    s: Array
    b: Array


class EnsembleDenseRecord(NamedTuple):
    """What the layer saw: x (k·n, i), shared sums x Wᵀ, weighted input z, activation a (k·n, o)."""

    x: Array
    sums: Array
    z: Array
    a: Array


class EnsembleDenseDelta(NamedTuple):
    """∂C/∂z, and ∂C by the shared sums, (k·n, o)."""

    z: Array
    sums: Array


@dataclass(frozen=True)
class EnsembleDense(Layer):
    r"""A dense layer of k members, z = (x Wᵀ) ⊙ s + b, a = f(z); s starts at 1.

    >>> EnsembleDense(2, cr.Dense(4, "tanh")).form(3).s.shape
    (2, 4)
    """

    k: int
    dense: Dense

    def outputs(self, inputs: int) -> int:
        return self.dense.units

    def form(self, inputs: int) -> EnsembleDenseParameters:
        own = zeros(self.k, self.dense.units)
        return EnsembleDenseParameters(self.dense.form(inputs).W, own, own)

    def init(self, inputs: int, rng: np.random.Generator) -> EnsembleDenseParameters:
        shape = (self.k, self.dense.units)
        return EnsembleDenseParameters(
            self.dense.init(inputs, rng).W, np.ones(shape), np.zeros(shape)
        )

    def forward(
        self, params: EnsembleDenseParameters, x: Array, draw: Draw | None, xp: Any
    ) -> tuple[Array, EnsembleDenseRecord]:
        sums = x @ params.W.mT
        own = of_members(by_member(sums, params.s, xp), self.k, xp)
        z = in_rows(own + params.b[:, None, :], xp)
        a = activation(self.dense.activation).f(z, xp)
        return a, EnsembleDenseRecord(x, sums, z, a)

    def delta(
        self, params: EnsembleDenseParameters, record: EnsembleDenseRecord, da: Array, xp: Any
    ) -> EnsembleDenseDelta:
        z = activation(self.dense.activation).delta(record.z, record.a, da, xp)
        return EnsembleDenseDelta(z, by_member(z, params.s, xp))

    def dx(
        self,
        params: EnsembleDenseParameters,
        record: EnsembleDenseRecord,
        delta: EnsembleDenseDelta,
        xp: Any,
    ) -> Array:
        return delta.sums @ params.W

    def gradient(
        self, record: EnsembleDenseRecord, delta: EnsembleDenseDelta, xp: Any
    ) -> EnsembleDenseParameters:
        s, b = delta.z * record.sums, delta.z
        return EnsembleDenseParameters(
            delta.sums.mT @ record.x, summed(s, self.k, xp), summed(b, self.k, xp)
        )

    def per_example_gradients(
        self, record: EnsembleDenseRecord, delta: EnsembleDenseDelta, xp: Any
    ) -> EnsembleDenseParameters:
        return EnsembleDenseParameters(
            delta.sums[:, :, None] * record.x[:, None, :],
            of_each(delta.z * record.sums, self.k, xp),
            of_each(delta.z, self.k, xp),
        )

    def kinks(self, record: EnsembleDenseRecord) -> list[Array]:
        return [record.z - kink for kink in activation(self.dense.activation).kinks]

    def ends_in(self, before: str) -> str:
        return self.dense.ends_in(before)

    def words(self, inputs: int) -> Words:
        return self.dense.words(inputs)

    def alone(self, params: EnsembleDenseParameters, m: int) -> list[tuple[Layer, Any]]:
        return [(self.dense, DenseParameters(params.s[m][:, None] * params.W, params.b[m]))]

    def lower(self, program: Any, x: int) -> int:
        z = program.scale(program.affine(x, self.dense.units, W="W"), "s", b="b")
        made: int = program.activate(z, activation(self.dense.activation))
        return made

    @property
    def activation(self) -> str | Activation:
        """The activation of each member."""
        return self.dense.activation

    def work(self, sheet: Any) -> Any:
        return _Work(self, sheet).formulas()


class _Work:
    """The formulas: see `Layer.work`. Of a member, z is the shared sum times s, plus b."""

    def __init__(self, layer: EnsembleDense, sheet: Any) -> None:
        self.sheet, self.m, self.W = sheet, sheet.member - 1, sheet.params.W
        self.delta = sheet.delta
        self.f = sheet.activated(activation(layer.activation), self.z, sheet.record.z)

    def formulas(self) -> Any:
        f = self.f
        return self.sheet.formulas(
            a=f.a,
            dx=self.dx,
            by={
                "W": lambda j, k: [(self.z(j), self.s(j) * self.sheet.x(k))],
                "s": lambda m, j: [(self.z(j), self.sums(j))] if m == self.m else [],
                "b": lambda m, j: [(self.z(j), 1)] if m == self.m else [],
            },
            reach=self.reach,
            z=self.z,
            delta=self.dz,
            needs=f.needs if f.joint else None,
            letters=f.letters if f.joint else None,
        )

    def w(self, j: int, k: int) -> Any:
        return self.sheet.parameter("W", j, k)

    def s(self, j: int) -> Any:
        return self.sheet.parameter("s", self.m, j)

    def sums(self, j: int) -> Any:
        """The shared sum of what enters."""
        products = self.W[j] * self.sheet.entered

        def summed() -> Any:
            return self.sheet.total(products, lambda k: self.w(j, k) * self.sheet.x(k))

        return self.sheet.let("y", summed, self.sheet.record.sums[0, j], unit=j)

    def z(self, j: int) -> Any:
        def formula() -> Any:
            return self.sums(j) * self.s(j) + self.sheet.parameter("b", self.m, j)

        return self.sheet.weighted(j, self.sheet.record.z[0, j], formula)

    def dz(self, j: int) -> Any:
        return self.sheet.dz(j, self.delta.z[0, j], lambda: self.f.back(j))

    def dx(self, k: int) -> Any:
        def term(j: int) -> Any:
            return self.dz(j) * self.s(j) * self.w(j, k)

        return self.sheet.total(self.W[:, k] * self.delta.sums[0], term)

    def reach(self, below: Any) -> Any:
        parts = self.W[:, below] * self.delta.sums[0][:, None]
        return self.sheet.every(np.abs(parts).max(axis=1))
