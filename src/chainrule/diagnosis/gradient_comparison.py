r"""Is a gradient that of another library? The two beside each other, parameter by parameter.

g, h   the gradients of one parameter, ours and theirs, in its shape
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.errors import check_number
from chainrule.layers import Role
from chainrule.network import Network, Parameters, describe
from chainrule.trees import named_leaves

ROUNDING = float(np.finfo(np.float64).eps) * 100
"""What rounding leaves of a gradient, in parts of that of all parameters."""


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
    """

    of: str
    costs: tuple[float, float]
    errors: dict[str, float]
    tolerance: float
    first: str

    @property
    def same_cost(self) -> bool:
        """Whether the two costs are the same."""
        ours, theirs = self.costs
        return abs(ours - theirs) <= self.tolerance * max(1.0, abs(ours))

    @property
    def passed(self) -> bool:
        """Whether the costs are the same, and so are the gradients of every parameter."""
        return self.same_cost and not self.first


def compare_gradients(
    net: Network,
    of: str,
    costs: tuple[float, float],
    ours: Parameters,
    theirs: Parameters,
    tolerance: float = 1e-7,
) -> GradientComparison:
    r"""Compare the gradient of each parameter with that of another library.

    $$\frac{\|g - h\|}{\max(\|g\|, \|h\|)}$$

    What no gradient moves, such as running statistics, is left out; one that is as small as the
    rounding of the others is not held to digits that it has not.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="huber")
    >>> ours = net.parameters([([[1.0]], [2.0])])
    >>> theirs = net.parameters([([[1.0]], [2.5])])
    >>> compare_gradients(net, "torch", (0.5, 0.5), ours, theirs).first
    "layer 0, Dense(1, 'identity')"
    """
    check_number("compare_gradients: tolerance", tolerance, above=0)
    given = dict(named_leaves(ours))
    pairs = {
        name: (np.ravel(given[name]), np.ravel(theirs_of))
        for name, theirs_of in named_leaves(theirs)
        if net.roles[name] is not Role.STATISTIC
    }
    whole = np.sqrt(sum(float(g @ g) for g, _ in pairs.values()))
    errors = {name: _error(g, h, ROUNDING * whole / tolerance) for name, (g, h) in pairs.items()}
    wrong = [name for name, error in errors.items() if not error <= tolerance]
    first = describe(net, int(wrong[-1].partition(".")[0])) if wrong else ""
    return GradientComparison(of, costs, errors, tolerance, first)


def _error(g: np.ndarray, h: np.ndarray, least: float) -> float:
    """The relative error of two rows of numbers, of which at least so much is to be right."""
    scale = max(float(np.linalg.norm(g)), float(np.linalg.norm(h)), least)
    return float(np.linalg.norm(g - h)) / scale if scale else 0.0
