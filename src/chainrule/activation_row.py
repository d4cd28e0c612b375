r"""A row of the table of activations: all that is known of one, and its check.

z   (n, o)   weighted input      a   (n, o)   activation, f(z)
xp           the array library of z
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from chainrule.rows import check_columns, check_derivative, full_name
from chainrule.streams import Stream, generator
from chainrule.trees import Array


def _no_slope(z: Array, a: Array, xp: Any) -> Array:
    raise TypeError("an activation over the layer has no slope of each entry; it has pull")


@dataclass(frozen=True)
class Activation:
    r"""A row of the table: an activation function with everything that is known of it.

    $$a = f(z),\qquad \frac{\partial a}{\partial z} = f'(z)$$

    Parameters
    ----------
    name
        Its name in messages and tables.
    f
        `f(z, xp)` returns a, of the shape and dtype of z.
    df
        `df(z, a, xp)` returns ∂a/∂z from the input, the output, or both.
    pull
        `pull(z, a, da, xp)` returns ∂C/∂z (n, o) from ∂C/∂a, where each a depends on all z of its
        row, as in the softmax: Σ_j ∂C/∂a_j ∂a_j/∂z_k. A row has one of `df` and `pull`.
    latex, dlatex
        Value and derivative as functions of z in LaTeX.
    kinks, at_kinks
        The points where f or f′ has a corner, and what `df` returns there.
    initialiser
        How the weights that lead into it are drawn unless a layer says otherwise.
    parameters
        The numbers in its full name, `leaky_relu(0.2)`.
    source
        Where it comes from: authors, year and title, or number.
    check
        Whether to compare the derivative with central differences: ValueError if it is wrong.

    Examples
    --------
    >>> sine = Activation("sine", f=lambda z, xp: xp.sin(z), df=lambda z, a, xp: xp.cos(z))
    >>> Activation("sine", f=lambda z, xp: xp.sin(z), df=lambda z, a, xp: -xp.cos(z))
    Traceback (most recent call last):
    ...
    ValueError: activation 'sine': the derivative at ...
    """

    name: str
    f: Callable[[Array, Any], Array]
    df: Callable[[Array, Array, Any], Array] = _no_slope
    latex: str = r"f(z)"
    dlatex: str = r"f'(z)"
    kinks: tuple[float, ...] = ()
    at_kinks: tuple[float, ...] = ()
    initialiser: str = "glorot_uniform"
    parameters: tuple[float, ...] = ()
    pull: Callable[[Array, Array, Array, Any], Array] | None = None
    source: str = ""
    check: InitVar[bool] = True

    def __post_init__(self, check: bool) -> None:
        for field in ("kinks", "at_kinks", "parameters"):
            object.__setattr__(self, field, tuple(map(float, getattr(self, field))))
        if len(self.kinks) != len(self.at_kinks):
            raise ValueError(
                f"activation {self.name!r}: at_kinks must give one derivative for each of the "
                f"kinks {self.kinks}, got {self.at_kinks}"
            )
        if (self.df is _no_slope) == (self.pull is None):
            raise ValueError(
                f"activation {self.name!r}: give df, the slope of each entry, or pull, from ∂C/∂a "
                "to ∂C/∂z, where each entry depends on its whole row; one of them"
            )
        if check and self.pull is not None:
            _check_pull(self.name, self.f, self.pull)
        elif check:
            points = np.linspace(-8, 8, 160)  # an even number of points: 0 is not one of them
            for kink in self.kinks:
                points = points[np.abs(points - kink) > 1e-3]
            xp = array_namespace(points)
            what = f"activation {self.name!r}"

            def df(z: Array) -> Array:
                return self.df(z, self.f(z, xp), xp)

            check_derivative(what, lambda z: self.f(z, xp), df, points)
            for kink, given in zip(self.kinks, self.at_kinks, strict=True):
                found = float(df(np.array([kink]))[0])
                if abs(found - given) > 1e-12 * max(1.0, abs(given)):
                    raise ValueError(
                        f"{what}: df returns {found:g} at {kink:g}, at_kinks says {given:g}"
                    )

    def __str__(self) -> str:
        return full_name(self.name, self.parameters)

    def delta(self, z: Array, a: Array, da: Array, xp: Any) -> Array:
        """Return ∂C/∂z from ∂C/∂a, both (n, o).

        Parameters
        ----------
        z, a, da, xp
            What enters, what leaves, ∂C/∂a, each (n, o), and the library of the arrays.

        Examples
        --------
        >>> softmax = cr.activations.ACTIVATIONS["softmax"]
        >>> a = softmax.f(np.array([[0.0, 0.0]]), np)
        >>> softmax.delta(a, a, np.array([[1.0, 0.0]]), np)
        array([[ 0.25, -0.25]])
        """
        return da * self.df(z, a, xp) if self.pull is None else self.pull(z, a, da, xp)


def _check_pull(name: str, f: Any, pull: Any) -> None:
    """Compare the way back with differences of a cost Σ ∂C/∂a a, of random ∂C/∂a."""
    rng = generator(Stream.OWN_ACTIVATION)
    z, da = rng.normal(scale=2, size=(64, 3)), rng.normal(size=(64, 3))
    xp = array_namespace(z)

    check_columns(
        f"activation {name!r}, entry",
        lambda z: np.sum(da.astype(z.dtype) * f(z, xp), axis=1),
        lambda z: pull(z, f(z, xp), da.astype(z.dtype), xp),
        z,
    )
