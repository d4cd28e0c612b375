r"""Dense: every output sees every input.

x       (n, i)      W   (o, i)      z = x Wᵀ + b   (n, o)
delta   (n, o)      b   (o,)        a = f(z)       (n, o)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from chainrule.activation_row import Activation
from chainrule.activations import activation
from chainrule.errors import check_whole
from chainrule.initialisers import check_initialiser, draw_weights
from chainrule.layers.layer import Draw, Layer, Words
from chainrule.layers.parameter_shapes import zeros
from chainrule.rows import is_own
from chainrule.sparse_rows import column, dense
from chainrule.trees import Array
from chainrule.value_types import AtLeastOne


class DenseParameters(NamedTuple):
    """Weights W (o, i) and biases b (o,)."""

    W: Array
    b: Array


class DenseRecord(NamedTuple):
    """What a dense layer saw: input x (n, i), weighted input z (n, o), activation a (n, o)."""

    x: Array
    z: Array
    a: Array


@dataclass(frozen=True)
class Dense(Layer):
    r"""A layer in which each of `units` outputs weighs every input.

    $$z = x W^\top + b,\qquad a = f(z)$$

    $$\delta = \frac{\partial C}{\partial a} \odot f'(z),\qquad
      \frac{\partial C}{\partial x} = \delta W$$

    $$\frac{\partial C}{\partial W} = \sum_n \delta \otimes x,\qquad
      \frac{\partial C}{\partial b} = \sum_n \delta$$

    Parameters
    ----------
    units
        The number of outputs, o.
    activation
        The name of a row of the table of activations, `"leaky_relu(0.2)"`, or a row of your own.
    initialiser
        How `init` draws W: the name of a row of the table of initialisers. Left out, it is the
        one that suits the activation. Biases start at 0.

    Notes
    -----
    Source: Rumelhart, Hinton and Williams (1986), Learning representations by back-propagating
    errors.

    Examples
    --------
    >>> Dense(3, "tanh")
    Dense(3, 'tanh')
    """

    kind: ClassVar[str] = "dense"

    units: AtLeastOne
    activation: str | Activation = "identity"
    initialiser: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", check_whole("Dense: units", self.units, least=1))
        suits = activation(self.activation).initialiser
        check_initialiser(self.initialiser or suits)

    def __repr__(self) -> str:
        named = self.activation if isinstance(self.activation, str) else str(self.activation)
        more = f", initialiser={self.initialiser!r}" if self.initialiser else ""
        return f"Dense({self.units}, {named!r}{more})"

    @classmethod
    def example(cls, inputs: int) -> Dense:
        return cls(inputs, "tanh")

    @property
    def takes_sparse(self) -> bool:
        return type(self).forward is Dense.forward

    def outputs(self, inputs: int) -> int:
        return self.units

    def form(self, inputs: int) -> DenseParameters:
        return DenseParameters(W=zeros(self.units, inputs), b=zeros(self.units))

    def init(self, inputs: int, rng: np.random.Generator) -> DenseParameters:
        name = self.initialiser or activation(self.activation).initialiser
        return DenseParameters(
            W=draw_weights(name, rng, self.units, inputs), b=np.zeros(self.units)
        )

    def forward(
        self, params: DenseParameters, x: Array, draw: Draw | None, xp: Any
    ) -> tuple[Array, DenseRecord]:
        z = x @ params.W.mT + params.b
        a = activation(self.activation).f(z, xp)
        return a, DenseRecord(x, z, a)

    def delta(self, params: DenseParameters, record: DenseRecord, da: Array, xp: Any) -> Array:
        return activation(self.activation).delta(record.z, record.a, da, xp)

    def dx(self, params: DenseParameters, record: DenseRecord, delta: Array, xp: Any) -> Array:
        return delta @ params.W

    def gradient(self, record: DenseRecord, delta: Array, xp: Any) -> DenseParameters:
        return DenseParameters(W=delta.mT @ record.x, b=xp.sum(delta, axis=0))

    def per_example_gradients(self, record: DenseRecord, delta: Array, xp: Any) -> DenseParameters:
        return DenseParameters(W=delta[:, :, None] * dense(record.x)[:, None, :], b=delta)

    def squared_norms(self, record: DenseRecord, delta: Array, xp: Any) -> Array:
        """|delta ⊗ x|² + |delta|² = |delta|² (|x|² + 1): Goodfellow (2015), arXiv:1510.01799."""
        return xp.sum(delta * delta, axis=1) * (xp.sum(record.x * record.x, axis=1) + 1)

    def kinks(self, record: DenseRecord) -> list[Array]:
        return [record.z - kink for kink in activation(self.activation).kinks]

    def ends_in(self, before: str) -> str:
        return "identity" if is_own(activation, self.activation) else str(self.activation)

    def without_end(self) -> str:
        return f"Dense({self.units})"

    def words(self, inputs: int) -> Words:
        return Words(self.kind, f"{self.units:,}", str(self.activation))

    def lower(self, program: Any, x: int) -> int:
        z = program.affine(x, self.units, W="W", b="b")
        made: int = program.activate(z, activation(self.activation))
        return made

    def entry(
        self, record: DenseRecord, delta: Array, name: str, entry: tuple[int, ...], xp: Any
    ) -> Array:
        j, *k = entry
        return delta[:, j] * column(record.x, k[0]) if k else delta[:, j]

    def matrices(self) -> tuple[tuple[str, str, str], ...]:
        joint = activation(self.activation).pull is not None
        return (
            ("Z", "X Wᵀ + b", "z"),
            ("A", "f(Z)", "a"),
            ("Δ", "∂C/∂A ∂A/∂Z" if joint else "∂C/∂A ⊙ f′(Z)", "delta"),
            ("∂C/∂X", "Δ W", "dx"),
            ("∂C/∂W", "Δᵀ X / n", "W"),
            ("∂C/∂b", "1ᵀ Δ / n", "b"),
        )

    def work(self, sheet: Any) -> Any:
        W, x, delta = sheet.params.W, sheet.entered, sheet.delta[0]

        def w(j: int, k: int) -> Any:
            return sheet.parameter("W", j, k)

        def z(j: int) -> Any:
            def formula() -> Any:
                products = sheet.total(W[j] * x, lambda k: w(j, k) * sheet.x(k))
                return products + sheet.parameter("b", j)

            return sheet.weighted(j, sheet.record.z[0, j], formula)

        f = sheet.activated(activation(self.activation), z, sheet.record.z)

        def dz(j: int) -> Any:
            return sheet.dz(j, delta[j], lambda: f.back(j))

        def through(k: int, term: Any, *, parts: bool = True) -> Any:
            return sheet.over(k, W[:, k] * delta, term, apart=not f.joint, parts=parts)

        return sheet.formulas(
            a=f.a,
            dx=lambda k: through(k, lambda j: dz(j) * w(j, k)),
            by={"W": lambda j, k: [(z(j), sheet.x(k))], "b": lambda j: [(z(j), 1)]},
            reach=sheet.reached(lambda j, k: W[j, k] * delta[j]),
            z=z,
            delta=dz,
            needs=f.needs if f.joint else None,
            letters=f.letters if f.joint else None,
            chain=lambda k: through(
                k, lambda j: dz(j) * sheet.local(z(j), k, W[j, k]), parts=False
            ),
        )
