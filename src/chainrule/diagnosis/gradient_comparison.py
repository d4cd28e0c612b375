r"""Is a gradient that of another library? The two beside each other, parameter by parameter.

g, h   the gradients of one parameter, ours and theirs, in its shape
a      (n, o)   what leaves a layer
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import check_number
from chainrule.layers import Role
from chainrule.network import Network, Parameters, describe
from chainrule.trees import Array, named_leaves

DOUBLE = float(np.finfo(np.float64).eps)

ROUNDING, LEAST = 100, 1_000
"""What rounding leaves: of a gradient so many times the precision, in parts of that of all
parameters; and of one parameter's, so that no tolerance is less."""


class LibraryGradient(NamedTuple):
    """What a library makes of a network, its data and its loss.

    Parameters
    ----------
    cost, gradient
        The cost, and its derivatives in the form of the parameters.
    outputs
        What leaves each layer.
    formulas
        The layers that the library has nothing like: it has only found the derivatives of our
        formulas.
    """

    cost: float
    gradient: Parameters
    outputs: Sequence[Array] = ()
    formulas: tuple[int, ...] = ()


@dataclass(frozen=True)
class GradientComparison:
    """What `compare_gradients` found.

    Parameters
    ----------
    of
        The library that the second gradient is of.
    costs
        The cost, as both have it.
    errors
        The relative error of each parameter, by its name, from the first layer to the last.
    tolerance
        The relative error up to which the two are the same.
    first
        The first layer on the way back, from the last, with a parameter whose gradients differ: the
        error is in it or behind it. "" where there is none.
    first_output
        The first layer on the way forward of which something else leaves; "" where there is none.
    formulas
        The layers that the library has nothing like.
    """

    of: str
    costs: tuple[float, float]
    errors: dict[str, float]
    tolerance: float
    first: str
    first_output: str = ""
    formulas: tuple[str, ...] = ()

    @property
    def same_cost(self) -> bool:
        """Whether the two costs are the same."""
        ours, theirs = self.costs
        return abs(ours - theirs) <= self.tolerance * max(1.0, abs(ours))

    @property
    def passed(self) -> bool:
        """Whether the costs are the same, what leaves the layers, and the gradients."""
        return self.same_cost and not self.first and not self.first_output


def compare_gradients(
    net: Network,
    of: str,
    ours: LibraryGradient,
    theirs: LibraryGradient,
    tolerance: float = 1e-7,
    precision: float = DOUBLE,
) -> GradientComparison:
    r"""Compare the gradient of each parameter with that of another library.

    $$\frac{\|g - h\|}{\max(\|g\|, \|h\|)}$$

    What no gradient moves, such as running statistics, is left out; one that is as small as the
    rounding of the others is not held to digits that it has not. `precision` is that of the coarser
    of the two, which the tolerance is never below 1,000 times of.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="huber")
    >>> ours = LibraryGradient(0.5, net.parameters([([[1.0]], [2.0])]))
    >>> theirs = LibraryGradient(0.5, net.parameters([([[1.0]], [2.5])]))
    >>> compare_gradients(net, "torch", ours, theirs).first
    "layer 0, Dense(1, 'identity')"
    """
    tolerance = check_number("compare_gradients: tolerance", tolerance, above=0)
    tolerance = max(tolerance, LEAST * precision)
    given = dict(named_leaves(ours.gradient))
    pairs = {
        name: (np.ravel(given[name]), np.ravel(leaf))
        for name, leaf in named_leaves(theirs.gradient)
        if net.roles[name] is not Role.STATISTIC
    }
    least = ROUNDING * precision / tolerance
    whole = np.sqrt(sum(float(g @ g) for g, _ in pairs.values()))
    errors = {name: _error(g, h, least * whole) for name, (g, h) in pairs.items()}
    places = [int(name.partition(".")[0]) for name, e in errors.items() if not e <= tolerance]
    outputs = zip(ours.outputs, theirs.outputs, strict=False)
    other = [
        k for k, (a, b) in enumerate(outputs) if not _error(np.ravel(a), np.ravel(b)) <= tolerance
    ]
    return GradientComparison(
        of,
        (ours.cost, theirs.cost),
        errors,
        tolerance,
        _named(net, places[-1:]),
        _named(net, other[:1]),
        tuple(describe(net, k) for k in theirs.formulas),
    )


def _named(net: Network, places: Iterable[int]) -> str:
    return "".join(describe(net, k) for k in places)


def _error(g: NDArray[Any], h: NDArray[Any], least: float = 0.0) -> float:
    """The relative error of two rows of numbers, of which at least so much is to be right."""
    scale = max(float(np.linalg.norm(g)), float(np.linalg.norm(h)), least)
    return float(np.linalg.norm(g - h)) / scale if scale else 0.0
