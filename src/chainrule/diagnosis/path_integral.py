r"""What each input contributed to a prediction: integrated gradients along the straight path.

X   (n, i)   inputs       b   (i,)     the baseline      c   (n, i)   contributions
A   (n, w)   the path behind the layers that embed each input by itself      t   from 0 to 1

Source: Sundararajan, Taly and Yan (2017), Axiomatic attribution for deep networks,
arXiv:1703.01365.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule import engine
from chainrule.diagnosis.input_path import InputPath, figures, slopes
from chainrule.diagnosis.output_value import OutputValue
from chainrule.errors import check_number, check_whole
from chainrule.network import Network, Parameters, check_inputs, check_parameters
from chainrule.trees import leaves, tree_map

Array = NDArray[Any]
Parts = Sequence[Sequence[int]] | None

ORDERS = 8, 32, 128
"""At how many points of the path the gradient is taken by Gauss's rule; where the first are too
few, at more, before parts of it are halved."""

HALVED = 64
"""Into how many it is cut where parts of it are to be halved."""

POINTS = 4096
"""About how many points of paths pass through the networks at a time."""

HALVINGS = 40
"""How often a part is halved at most: then it is as good as a point."""

MOST_PARTS = 2**14
"""So many parts of a path are halved at a time at most: a jump and some kinks want far fewer."""

GAUSS = (0.5 - 0.5 / 3**0.5, 0.5 + 0.5 / 3**0.5)
"""Where in a part the gradient is taken, once parts are halved: exact up to cubes."""

ATTEMPTS = 4
"""How often a path is cut anew, each time held to an eighth of the residue."""

SINGLE = 1e-4
"""Up from which tolerance the precision of the parameters will do; below it, it is double."""


class Contributions(NamedTuple):
    """What each input contributed, and between which figures.

    Attributes
    ----------
    values
        c, (n, inputs), double precision.
    baseline
        The figure at the baseline.
    figures
        The figure of each example, (n,): the baseline's, the contributions and the residue.

    Examples
    --------
    >>> Contributions(np.array([[1.0, 2.0]]), 0.5, np.array([3.5])).residue
    array([0.])
    """

    values: Array
    baseline: float
    figures: Array

    @property
    def residue(self) -> Array:
        """What the contributions lack of each figure: the quadrature's error in their sum, (n,)."""
        return np.asarray(self.figures - self.baseline - self.values.sum(axis=1))


def integrated_gradients(
    net: Network,
    params: Parameters | list[Parameters],
    X: Any,
    baseline: Any,
    *,
    output: int = 0,
    log_odds: bool = False,
    tolerance: float = 1e-6,
) -> Contributions:
    r"""Return what each input contributed to a prediction, against that of a baseline.

    $$c_j = (x_j - b_j) \int_0^1 \frac{\partial F}{\partial x_j}(b + t\,(x - b))\,dt,\qquad
      \sum_j c_j = F(x) - F(b)$$

    The gradient is taken at eight points of the path, by Gauss's rule. Where the contributions then
    differ too much from what F changes by, it is taken at more, and at last in parts of the path
    that are halved until they add up. Inputs that number the levels of an embedding pass through
    the vectors between.

    Parameters
    ----------
    net, params
        The network and its parameters; a list of parameters predicts the mean of their networks.
    X
        The examples, (n, inputs).
    baseline
        What they are compared with, (inputs,).
    output
        Which output F is, from 0.
    log_odds
        Whether F is ln(p / (1 − p)) of a probability, in place of p.
    tolerance
        The greatest residue, as a share of Σ|c|. From 1e-4 up the precision of the parameters is
        used, below it double precision.

    Returns
    -------
    Contributions
        The contributions, the baseline's figure and those of the examples.

    Raises
    ------
    TypeError, ValueError
        Where an argument does not fit, or the contributions do not add up: the output jumps.

    Examples
    --------
    >>> net = cr.Network(2, [cr.Dense(1)], loss="squared_error")
    >>> params = net.parameters([([[2.0, -1.0]], [0.5])])
    >>> cr.integrated_gradients(net, params, [[3.0, 1.0]], [1.0, 1.0])
    Contributions(values=array([[4., 0.]]), baseline=1.5, figures=array([5.5]))
    """
    members = params if isinstance(params, list) else [params]
    if not members:
        raise ValueError("params must be those of a network, or of some, got an empty list")
    for each in members:
        check_parameters(net, each)
    b, _ = check_inputs(net, members[0], np.asarray(baseline)[None], what="baseline")
    X, _ = check_inputs(net, members[0], X)
    check_whole("output", output, least=0, most=net.outputs - 1)
    check_number("tolerance", tolerance, above=0)
    value = OutputValue(net, output, log_odds)
    return of_checked(value, members, X, b[0], tolerance)


def of_checked(
    value: OutputValue,
    members: Sequence[Parameters],
    X: Array,
    baseline: Array,
    tolerance: float,
    parts: Parts = None,
) -> Contributions:
    """Return the same of arguments that are as they must be.

    With `parts`, lists of inputs that belong together, c in the tolerance is that of each of them.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="squared_error")
    >>> params = net.parameters([([[2.0]], [0.5])])
    >>> of_checked(OutputValue(net, 0), [params], np.ones((1, 1)), np.zeros(1), 1e-6).values
    array([[2.]])
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):  # the threads are here
        return _within(value, members, X, baseline, _Tolerance(tolerance, parts))


class _Tolerance(NamedTuple):
    """The greatest residue, as a share of the sizes of what parts of the inputs contribute."""

    share: float
    parts: Parts

    def of(self, made: Contributions) -> Array:
        """Return the greatest residue of each row; rounding is no residue."""
        rounding = 256 * np.finfo(np.float64).eps * (np.abs(made.figures) + abs(made.baseline))
        c = made.values
        if self.parts is not None:
            c = np.stack([c[:, own].sum(axis=1) for own in self.parts], axis=1)
        return np.asarray(np.maximum(self.share * np.abs(c).sum(axis=1), rounding))


def _within(
    value: OutputValue,
    members: Sequence[Parameters],
    X: Array,
    baseline: Array,
    tolerance: _Tolerance,
) -> Contributions:
    exact = _Integral(value, members, baseline, np.float64)
    own = next((leaf.dtype for leaf in leaves(members[0])), np.float64)
    quick = _Integral(value, members, baseline, own) if tolerance.share >= SINGLE else exact
    values, ends = quick.at_once(X, ORDERS[0])
    if (wrong := np.flatnonzero(~np.isfinite(ends - exact.start))).size:
        raise FloatingPointError(
            f"the figure of example {wrong[0]} or of the baseline is not finite, got "
            f"{ends[wrong[0]]:g} and {exact.start:g}"
        )
    made = Contributions(values, exact.start, ends)
    far = np.flatnonzero(~(np.abs(made.residue) <= tolerance.of(made)))
    for order in ORDERS[1:]:
        if far.size:
            values[far], _ = quick.at_once(X[far], order)
            far = far[~(np.abs(made.residue) <= tolerance.of(made))[far]]
    if far.size:
        for rows in np.array_split(far, -(-far.size * HALVED // POINTS)):
            values[rows] = exact.halved(X[rows], made, rows, tolerance)
    return made


class _Integral:
    """The sum along the paths of some networks, in the precision asked for."""

    def __init__(
        self, value: OutputValue, members: Sequence[Parameters], baseline: Array, dtype: Any
    ) -> None:
        precise = [tree_map(lambda leaf: leaf.astype(dtype, copy=False), each) for each in members]
        self.value, self.baseline = value, baseline.astype(dtype)
        self.paths = [InputPath(value.net, each, self.baseline) for each in precise]
        self.start = float(figures(self.paths, value, [path.start for path in self.paths])[0])

    def at_once(self, X: Array, order: int) -> tuple[Array, Array]:
        """Return contributions by so many points, and the ends' figures, by several threads."""
        from concurrent.futures import ThreadPoolExecutor

        rows = max(1, POINTS // order)
        chunks = [X[first : first + rows] for first in range(0, len(X), rows)]
        if len(chunks) == 1:
            made = [self._by_order(chunks[0], order)]
        else:
            with ThreadPoolExecutor(engine.cores()) as pool:
                made = list(pool.map(lambda chunk: self._by_order(chunk, order), chunks))
        values, ends = zip(*made, strict=True)
        return np.concatenate(values), np.concatenate(ends)

    def _by_order(self, X: Array, order: int) -> tuple[Array, Array]:
        X = X.astype(self.baseline.dtype, copy=False)
        n, (between, weights) = len(X), gauss(order)
        t = np.concatenate([[0], np.cumsum(weights)]).astype(X.dtype)
        t[-1] = 1
        ends, t = np.tile(X, (order + 1, 1)), np.repeat(t, n)
        A = [path.at(ends, t).reshape(order + 1, n, -1) for path in self.paths]
        passed = [np.diff(own, axis=0) for own in A]
        at = between.astype(X.dtype)[:, None, None]
        points = [
            (own[:-1] + at * step).reshape(order * n, -1)
            for own, step in zip(A, passed, strict=True)
        ]
        values = np.zeros(X.shape)
        each = zip(self.paths, passed, slopes(self.paths, self.value, points), strict=True)
        for path, step, g in each:
            values += path.by_input((g.reshape(step.shape) * step).sum(axis=0))
        return values, figures(self.paths, self.value, [own[-1] for own in A]).astype(np.float64)

    def halved(self, X: Array, made: Contributions, rows: Array, tolerance: _Tolerance) -> Array:
        """Return contributions whose parts are halved until they add up."""
        found, share = made.values[rows], 1.0
        X = X.astype(np.float64)
        for _ in range(ATTEMPTS):
            known = Contributions(found, self.start, made.figures[rows])
            allowed = tolerance.of(known)
            found, residue = self._of_parts(X, share * allowed / HALVED)
            if (np.abs(residue) <= allowed).all():
                made.figures[rows] = self.start + found.sum(axis=1) + residue
                return found
            share /= 8
        worst = int(np.argmax(np.abs(residue) - allowed))
        raise ValueError(
            f"the contributions to example {rows[worst]} do not add up, by {residue[worst]:.3g}: "
            "its output jumps on the way from the baseline, as that of levels behind other layers"
        )

    def _of_parts(self, X: Array, allowed: Array) -> tuple[Array, Array]:
        """Return contributions, and their residue, where each part has at most so much of it."""
        values, residue = np.zeros(X.shape), np.zeros(len(X))
        edges = np.linspace(0, 1, HALVED + 1)
        rows = np.repeat(np.arange(len(X)), HALVED)
        left, right = np.tile(edges[:-1], len(X)), np.tile(edges[1:], len(X))
        for halving in itertools.count():
            c, r = self._by_part(X[rows], left, right)
            over = halving == HALVINGS or len(rows) > MOST_PARTS * len(X)
            done = (np.abs(r) <= allowed[rows]) | over
            np.add.at(values, rows[done], c[done])
            np.add.at(residue, rows[done], r[done])
            if done.all():
                return values, residue
            rows, left, right = rows[~done], left[~done], right[~done]
            middle = (left + right) / 2
            rows = np.concatenate([rows, rows])
            left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
        raise AssertionError

    def _by_part(self, X: Array, left: Array, right: Array) -> tuple[Array, Array]:
        """Return the contributions in each part of a path, and what they lack of its F."""
        made = [self._some(*each) for each in _by_points(X, left, right)]
        values, residues = zip(*made, strict=True)
        return np.concatenate(values), np.concatenate(residues)

    def _some(self, X: Array, left: Array, right: Array) -> tuple[Array, Array]:
        first = [path.at(X, left) for path in self.paths]
        last = [path.at(X, right) for path in self.paths]
        values = np.zeros(X.shape)
        for place in GAUSS:
            A = [one + place * (other - one) for one, other in zip(first, last, strict=True)]
            each = zip(self.paths, first, last, slopes(self.paths, self.value, A), strict=True)
            for path, one, other, g in each:
                values += path.by_input(g * (other - one)) / len(GAUSS)
        change = figures(self.paths, self.value, last) - figures(self.paths, self.value, first)
        return values, change - values.sum(axis=1)


def _by_points(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    for first in range(0, len(arrays[0]), POINTS):
        yield tuple(array[first : first + POINTS] for array in arrays)


def gauss(order: int) -> tuple[Array, Array]:
    """Return where each point of Gauss's rule lies in its weight, and the weights, from 0 to 1.

    >>> gauss(2)[1]
    array([0.5, 0.5])
    """
    points, weights = np.polynomial.legendre.leggauss(order)
    return (points + 1 - np.cumsum(weights) + weights) / weights, weights / 2
