r"""Is the gradient right? Backpropagation against central differences in float64.

w   (p,)   all parameters of a network in one row       g   (p,)   the gradient of C by them
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import backprop
from chainrule.backprop import Trace
from chainrule.docstrings import documented_by
from chainrule.errors import check_number, check_weights
from chainrule.layers import Draw, Role
from chainrule.network import Network, Parameters, check_inputs, check_parameters
from chainrule.streams import Seed, Stream, generator
from chainrule.targets import check_targets, encode
from chainrule.trees import leaves, named_leaves, number, rebuild, tree_map
from chainrule.value_types import read

SMALL = 2000
"""Up to this many parameters are checked one by one; more, in random directions."""

DIRECTIONS = 10
STEP = float(np.finfo(np.float64).eps) ** (1 / 3)
"""Where the two errors of a central difference, h² and ε/h, are alike."""

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class GradientCheck:
    """What `check_gradient` found.

    Parameters
    ----------
    relative_error
        ‖g − ĝ‖ / max(‖g‖, ‖ĝ‖), with g by backpropagation and ĝ by differences.
    absolute_error
        The largest |g − ĝ|.
    tolerance
        The relative error up to which the check passes.
    worst
        Where the absolute error is largest, with both figures.
    checked
        How many parameters, or directions, were compared.
    kinks
        Those left out because the cost has a kink within the step, where it has no derivative.
    by
        "parameter" or "random direction".
    """

    relative_error: float
    absolute_error: float
    tolerance: float
    worst: str
    checked: int
    kinks: tuple[str, ...]
    by: str

    @property
    def passed(self) -> bool:
        """Whether anything was compared, and the relative error is within the tolerance."""
        return self.checked > 0 and self.relative_error <= self.tolerance

    def __str__(self) -> str:
        verdict = "right" if self.passed else "WRONG" if self.checked else "NOT CHECKED"
        lines = [
            f"gradient {verdict}: relative error {self.relative_error:.1e} "
            f"(tolerance {self.tolerance:.0e}), absolute error {self.absolute_error:.1e}",
            f"compared by {self.by}: {self.checked}",
        ]
        if self.checked:
            lines.append(f"largest difference: {self.worst}")
        if self.kinks:
            shown = ", ".join(self.kinks[:5]) + (", …" if len(self.kinks) > 5 else "")
            lines.append(f"left out, a kink lies within the step: {len(self.kinks)} ({shown})")
        return "\n".join(lines)


@documented_by(backprop.cost)
def check_gradient(
    net: Network,
    params: Parameters,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    draw: Draw | None = None,
    *,
    tolerance: float = 1e-7,
    seed: int = 0,
) -> GradientCheck:
    r"""Compare the gradient by backpropagation with central differences of the cost in float64.

    $$\hat g = \frac{C(w + h d) - C(w - h d)}{2h}$$

    Up to 2000 parameters, d is each parameter in turn; with more, d is a random direction added
    to the gradient's own, so that the derivative along it is not lost in rounding. Where a unit,
    the loss or the L1 penalty has a kink within the step, the difference is no derivative: such
    entries are left out and named. Raises as `cost` does.

    Parameters
    ----------
    {net, params}
    {X, y}
    {sample_weight}
    {draw}
    tolerance
        The relative error up to which the check passes.
    seed
        What the random directions follow from.

    Examples
    --------
    >>> net = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(2)], loss="cross_entropy")
    >>> check = check_gradient(net, net.init(0), [[0.5, -1.0]], [1])
    >>> check.passed, check.checked
    (True, 17)
    """
    check_number("check_gradient: tolerance", tolerance, above=0)
    read(seed, Seed, "check_gradient: seed")
    check_parameters(net, params)
    params = tree_map(lambda leaf: np.asarray(leaf, dtype=np.float64), params)
    cost = _Cost(net, params, X, y, sample_weight, draw)
    g = cost.gradient()
    trained = ~cost.where(Role.STATISTIC)
    by, names, directions = _varied(params, g, trained, seed)
    given, measured, smooth = directions @ g, np.empty(len(names)), np.empty(len(names), bool)
    for k, d in enumerate(directions):
        measured[k], smooth[k] = cost.difference(d)
    error = np.abs(given - measured)[smooth]
    kept = [name for name, keep in zip(names, smooth, strict=True) if keep]
    norms = (float(np.linalg.norm(part[smooth])) for part in (given, measured))
    scale = max(*norms, cost.noise * len(error) ** 0.5 / tolerance)
    return GradientCheck(
        relative_error=float(np.linalg.norm(error)) / scale if kept else 0.0,
        absolute_error=float(np.max(error, initial=0.0)),
        tolerance=tolerance,
        worst=_worst(kept, given[smooth], measured[smooth]),
        checked=len(kept),
        kinks=tuple(name for name, keep in zip(names, smooth, strict=True) if not keep),
        by=by,
    )


def _varied(
    params: Parameters, g: Vector, trained: NDArray[np.bool_], seed: int
) -> tuple[str, list[str], Any]:
    """Return along what the cost is varied: its kind, names and directions."""
    if len(g) > SMALL:
        names = [f"direction {k + 1}" for k in range(DIRECTIONS)]
        rng = generator(Stream.DIRECTIONS, seed)
        return "random direction", names, _directions(g, trained, rng)
    names = [name for name, keep in zip(_numbers(params), trained, strict=True) if keep]
    return "parameter", names, np.eye(len(g))[trained]


def _worst(names: list[str], given: Vector, measured: Vector) -> str:
    """Say where the two differ most, with both figures; "" of nothing."""
    if not names:
        return ""
    k = int(np.argmax(np.abs(given - measured)))
    return f"{names[k]}: {given[k]:.9g} by backpropagation, {measured[k]:.9g} by differences"


class _Cost:
    """The cost as a function of one row of parameters, in float64."""

    def __init__(
        self, net: Network, params: Parameters, X: Any, y: Any, w: Any, draw: Draw | None
    ) -> None:
        self.net, self.params, self.draw = net, params, draw
        self.X, self.xp = check_inputs(net, params, X)
        n, dtype = self.X.shape[0], self.X.dtype
        self.loss = net.row
        y = check_targets(self.loss.target, y, n, net.outputs, dtype, self.xp)
        self.y = encode(y, net.outputs, dtype, self.xp)
        self.w = None if w is None else check_weights(w, n, dtype, self.xp)
        self.row = _row(params)
        self.weights = self.where(Role.WEIGHT)
        cost, _ = self.at(self.row)
        eps = float(np.finfo(np.float64).eps)
        self.noise = 10 * eps * max(abs(cost), 1.0) / STEP
        """What rounding leaves of a difference where the gradient is 0."""

    def where(self, role: Role) -> NDArray[np.bool_]:
        """Return which entries of the row belong to parameters of a role."""
        roles = self.net.roles
        parts = [np.full(p.size, roles[name] is role) for name, p in named_leaves(self.params)]
        return np.concatenate(parts)

    def at(self, row: Vector) -> tuple[float, Trace]:
        trace = backprop.forward(self.net, _unrow(self.params, row), self.X, self.draw, check=False)
        return float(backprop.trace_cost(trace, self.y, self.w, check=False)), trace

    def gradient(self) -> Vector:
        _, trace = self.at(self.row)
        deltas = backprop.backward(trace, self.y, self.w, check=False)
        return _row(backprop.gradient(trace, deltas))

    def difference(self, d: Vector) -> tuple[float, bool]:
        """Return the central difference along d, and whether no kink lies within its step."""
        h = STEP * max(1.0, float(np.max(np.abs(self.row) * (d != 0))))
        low, high = self.row - h * d, self.row + h * d
        (cost_low, trace_low), (cost_high, trace_high) = self.at(low), self.at(high)
        # along d the step that was really made, after rounding, is the difference of the ends
        length = float((high - low) @ d) / float(d @ d)
        smooth = all(
            np.array_equal(np.sign(a), np.sign(b))
            for a, b in zip(self.kinks(trace_low, low), self.kinks(trace_high, high), strict=True)
        )
        return (cost_high - cost_low) / length, smooth

    def kinks(self, trace: Trace, row: Vector) -> list[Any]:
        """Return the arrays that change sign where the cost has a kink."""
        found = []
        for layer, record in zip(self.net.layers, trace, strict=True):
            found += layer.kinks(record)
        if self.loss.kink is not None:
            found.append(self.loss.kink(trace.output, self.y, self.xp))
        if self.net.l1:
            found.append(row[self.weights])
        return found


def _row(params: Parameters) -> Vector:
    return np.concatenate([np.ravel(leaf) for leaf in leaves(params)])


def _unrow(params: Parameters, row: Vector) -> Parameters:
    parts, start = [], 0
    for leaf in leaves(params):
        parts.append(row[start : start + leaf.size].reshape(leaf.shape))
        start += leaf.size
    return tuple(rebuild(params, parts))


def _numbers(params: Parameters) -> list[str]:
    return [number(params, name, k) for name, p in named_leaves(params) for k in range(p.size)]


def _directions(g: Vector, trained: NDArray[np.bool_], rng: np.random.Generator) -> Vector:
    """Unit vectors in the trained parameters, each a random one plus the gradient's own."""
    random = trained * rng.standard_normal((DIRECTIONS, g.size))
    random /= np.linalg.norm(random, axis=1, keepdims=True)
    mixed = random + g / max(float(np.linalg.norm(g)), float(np.finfo(np.float64).tiny))
    directions: Vector = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    return directions
