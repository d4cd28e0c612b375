r"""A row of the table of losses: all that is known of one, and its check.

a   (n, o)   activation of the last layer      y   (n, o)   target
xp           the array library of a
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace

from chainrule.errors import unknown_name
from chainrule.rows import check_columns, full_name
from chainrule.streams import Stream, generator
from chainrule.targets import TARGETS, Targets, sample
from chainrule.trees import Array


class Head(NamedTuple):
    """A loss of some of the outputs: of `outputs` of them, from number `first` on."""

    loss: Loss
    first: int
    outputs: int

    @property
    def end(self) -> int:
        """The number of the output behind its last."""
        return self.first + self.outputs

    def of(self, array: Array) -> Array:
        """Return its columns.

        >>> Head(cr.losses.loss("huber"), 1, 2).of(np.array([[0, 1, 2, 3]]))
        array([[1, 2]])
        """
        return array[:, self.first : self.end]


@dataclass(frozen=True)
class Loss:
    r"""A row of the table: a loss with everything that is known of it.

    $$L(a, y) = \sum_j \ell_j(a, y),\qquad \mathrm{grad}_j = \frac{\partial L}{\partial a_j}$$

    Parameters
    ----------
    name
        Its name in messages and tables.
    value
        `value(a, y, xp)` returns each output's share of the loss of each example, (n, o).
    grad
        `grad(a, y, xp)` returns ∂L/∂a, (n, o).
    link, link_name
        `link(a, xp)` returns the prediction, (n, o). A loss of the table whose link has a name
        works with it, and so takes the last layer's weighted inputs as they are: the logits.
    latex, dlatex
        The loss of one example and its derivative by a_j in LaTeX.
    target
        What y must be: `real`, `count`, `sign`, `probability` or `class`; of heads what each wants.
    kink
        `kink(a, y, xp)` changes sign, (n, o), where the loss or its derivative has a corner, if
        it has one. Where the loss has no derivative, `grad` returns 0.
    parameters
        The numbers in its full name, `huber(0.5)`.
    source
        Where it comes from: authors, year and title, or number.
    group
        How many outputs belong together: a network has a multiple of them. Where they are more
        than one, outputs take turns in the parameters.
    parts
        The heads of which it is the sum; without any it is one loss of all outputs.
    check
        Whether to compare the derivative with central differences: ValueError if it is wrong.

    Examples
    --------
    >>> cubic = Loss(
    ...     "cubic",
    ...     value=lambda a, y, xp: xp.abs(a - y) ** 3,
    ...     grad=lambda a, y, xp: 3 * (a - y) * xp.abs(a - y),
    ... )
    """

    name: str
    value: Callable[[Array, Array, Any], Array]
    grad: Callable[[Array, Array, Any], Array]
    link: Callable[[Array, Any], Array] = lambda a, xp: a
    link_name: str = ""
    latex: str = r"L(a, y)"
    dlatex: str = r"\frac{\partial L}{\partial a_j}"
    target: Targets = "real"
    kink: Callable[[Array, Array, Any], Array] | None = None
    parameters: tuple[float, ...] = ()
    group: int = 1
    parts: tuple[Head, ...] = ()
    source: str = ""
    check: InitVar[bool] = True

    def __post_init__(self, check: bool) -> None:
        if isinstance(self.target, str) and self.target not in TARGETS:
            raise unknown_name(f"target of loss {self.name!r}", self.target, TARGETS)
        if check:
            _check_loss(self)

    def __str__(self) -> str:
        return full_name(self.name, self.parameters)

    def parameters_of(self, output: int) -> tuple[float, ...]:
        """Return the parameters of one output.

        Parameters
        ----------
        output
            The number of the output, from 0.

        Examples
        --------
        >>> cr.losses.loss("quantile(0.1, 0.9)").parameters_of(3)
        (0.9,)
        """
        for part in self.parts:
            if output < part.end:
                return part.loss.parameters_of(output - part.first)
        if self.group == 1:
            return self.parameters
        return (self.parameters[output % self.group],)

    def heads(self, outputs: int) -> tuple[Head, ...]:
        """Return the losses of a network's outputs: itself alone, or its parts.

        Parameters
        ----------
        outputs
            How many outputs the network has.

        Examples
        --------
        >>> [head.first for head in cr.losses.loss("heads(huber: 1, cross_entropy: 3)").heads(4)]
        [0, 1]
        """
        return self.parts or (Head(self, 0, outputs),)


def _check_loss(loss: Loss) -> None:
    """Vary one output at a time, the others held, over random activations and targets."""
    rng = generator(Stream.OWN_LOSS)
    n, outputs = 64, loss.group if loss.parts else 3 * loss.group
    a = rng.normal(scale=2, size=(n, outputs))
    y = sample(loss.target, rng, n, outputs)
    xp = array_namespace(a)
    if loss.kink is not None:
        smooth = np.all(np.abs(loss.kink(a, y, xp)) > 1e-3, axis=1)
        a, y = a[smooth], y[smooth]

    for what, f in (("value", loss.value), ("grad", loss.grad)):
        result = f(a, y, xp)
        if getattr(result, "shape", None) != a.shape:
            raise ValueError(
                f"loss {loss.name!r}: {what} must return an array of the shape of a, {a.shape}, "
                f"got {getattr(result, 'shape', type(result).__name__)}"
            )
    check_columns(
        f"loss {loss.name!r}, output",
        lambda a: np.sum(loss.value(a, y.astype(a.dtype), xp), axis=1),
        lambda a: loss.grad(a, y.astype(a.dtype), xp),
        a,
    )
