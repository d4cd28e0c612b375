r"""Activate: an activation by itself, where it does not follow a dense layer at once.

x, a, delta   (n, i)      a = f(x)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from chainrule.activation_row import Activation
from chainrule.activations import activation
from chainrule.layers.layer import Draw, Layer, Words
from chainrule.rows import is_own
from chainrule.trees import Array


class ActivateRecord(NamedTuple):
    """What the layer saw: input x (n, i), activation a (n, i)."""

    x: Array
    a: Array


@dataclass(frozen=True)
class Activate(Layer):
    r"""A layer that applies an activation to what enters.

    $$a = f(x),\qquad \frac{\partial C}{\partial x} = \frac{\partial C}{\partial a} \odot f'(x)$$

    Parameters
    ----------
    activation
        The name of a row of the table of activations, `"leaky_relu(0.2)"`, or a row of your own.

    Examples
    --------
    >>> net = cr.Network(2, [cr.Dense(3), cr.LayerNorm(), cr.Activate("relu")], loss="huber")
    >>> net.layers[2]
    Activate('relu')
    """

    kind: ClassVar[str] = "activate"

    activation: str | Activation

    def __post_init__(self) -> None:
        activation(self.activation)

    def __repr__(self) -> str:
        named = self.activation if isinstance(self.activation, str) else str(self.activation)
        return f"Activate({named!r})"

    @classmethod
    def example(cls, inputs: int) -> Activate:
        return cls("tanh")

    def forward(
        self, params: tuple[()], x: Array, draw: Draw | None, xp: Any
    ) -> tuple[Array, ActivateRecord]:
        a = activation(self.activation).f(x, xp)
        return a, ActivateRecord(x, a)

    def delta(self, params: tuple[()], record: ActivateRecord, da: Array, xp: Any) -> Array:
        return activation(self.activation).delta(record.x, record.a, da, xp)

    def dx(self, params: tuple[()], record: ActivateRecord, delta: Array, xp: Any) -> Array:
        return delta

    def kinks(self, record: ActivateRecord) -> list[Array]:
        return [record.x - kink for kink in activation(self.activation).kinks]

    def ends_in(self, before: str) -> str:
        return "identity" if is_own(activation, self.activation) else str(self.activation)

    def words(self, inputs: int) -> Words:
        return Words(self.kind, function=str(self.activation))

    def lower(self, program: Any, x: int) -> int:
        made: int = program.activate(x, activation(self.activation))
        return made

    def work(self, sheet: Any) -> Any:
        f = sheet.activated(activation(self.activation), sheet.x, sheet.record.x)
        joint = {"reach": f.reach, "letters": f.letters} if f.joint else {}
        return sheet.formulas(a=f.a, dx=f.back, **joint)
