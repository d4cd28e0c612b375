r"""Dropout: while the network trains, each input is silenced with a given probability.

x, a, delta   (n, i)
mask          (n, i)   0, or 1/(1 − rate)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from array_api_compat import device
from numpy.typing import NDArray

from chainrule.fields import hold
from chainrule.layers.layer import Draw, Layer, Words
from chainrule.streams import of_layer, words
from chainrule.trees import Array
from chainrule.value_types import Fraction


class DropoutRecord(NamedTuple):
    """What a dropout layer saw: input x, its mask (None when it predicts), output a."""

    x: Array
    mask: Array | None
    a: Array


def keep_mask(draw: Draw, rate: float, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which inputs stay, from the seed, the step and the layer alone.

    Input number k of the batch, counted row by row, stays where the k-th word of its stream is at
    least 2³² · rate.

    >>> keep_mask(Draw(seed=0, step=1), 0.0, (1, 4))
    array([[ True,  True,  True,  True]])
    """
    drawn = words(draw.seed, of_layer(draw.layer), draw.step, int(np.prod(shape)))
    return (drawn >= round(rate * 2**32)).reshape(shape)


@dataclass(frozen=True)
class Dropout(Layer):
    r"""A layer that silences inputs at random while the network trains.

    $$a = x \odot m,\qquad m = \frac{1}{1 - \mathrm{rate}}\ \text{with probability }
      1 - \mathrm{rate},\ \text{else } 0,\qquad
      \frac{\partial C}{\partial x} = \frac{\partial C}{\partial a} \odot m$$

    The kept inputs are scaled up (inverted dropout), so that prediction passes x through. Raises
    ValueError for another rate.

    Parameters
    ----------
    rate
        The probability with which an input is silenced, 0 <= rate < 1.

    Notes
    -----
    Source: Srivastava and others (2014), Dropout: a simple way to prevent neural networks from
    overfitting.

    Examples
    --------
    >>> Dropout(0.1)
    Dropout(0.1)
    """

    kind: ClassVar[str] = "dropout"
    training_only: ClassVar[bool] = True

    rate: Fraction = 0.5

    def __post_init__(self) -> None:
        hold(self, "Dropout: ")

    def __repr__(self) -> str:
        return f"Dropout({self.rate})"

    def forward(
        self, params: tuple[()], x: Array, draw: Draw | None, xp: Any
    ) -> tuple[Array, DropoutRecord]:
        if draw is None or self.rate == 0:
            return x, DropoutRecord(x, None, x)
        keep = xp.asarray(keep_mask(draw, self.rate, x.shape), device=device(x))
        mask = xp.astype(keep, x.dtype) / (1 - self.rate)
        a = x * mask
        return a, DropoutRecord(x, mask, a)

    def delta(self, params: tuple[()], record: DropoutRecord, da: Array, xp: Any) -> Array:
        return da if record.mask is None else da * record.mask

    def dx(self, params: tuple[()], record: DropoutRecord, delta: Array, xp: Any) -> Array:
        return delta

    def ends_in(self, before: str) -> str:
        return before

    def words(self, inputs: int) -> Words:
        return Words(self.kind, f"{self.rate:g}")

    def lower(self, program: Any, x: int) -> int:
        made: int = program.dropout(x, self.rate)
        return made

    def work(self, sheet: Any) -> Any:
        mask = sheet.record.mask
        if mask is None:
            return None

        def through(j: int, x: Any) -> Any:
            return x / (1 - sheet.number(self.rate)) if mask[0, j] else 0 * x

        def note(j: int) -> str:
            return "kept by dropout, and scaled up" if mask[0, j] else "silenced by dropout"

        return sheet.formulas(
            a=lambda j: sheet.noted(through(j, sheet.x(j)), note(j)),
            dx=lambda j: through(j, sheet.da(j)),
        )
