r"""What each input contributed to a prediction: integrated gradients along the straight path.

X   (n, i)   inputs       b   (i,)     the baseline      c   (n, i)   contributions
A   (n, w)   the path behind the layers that embed each input by itself      t   from 0 to 1
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule import engine
from chainrule.blas_threads import one_blas_thread
from chainrule.diagnosis.input_path import InputPath, contributed, figures
from chainrule.diagnosis.output_value import OutputValue
from chainrule.errors import check_number, check_whole
from chainrule.network import Network, Parameters, check_inputs, check_parameters
from chainrule.trees import leaves, tree_map

Array = NDArray[Any]
Parts = Sequence[Sequence[int]] | None

PARTS = 2, 8, 32, 128
"""Into how many parts the path is cut, and where they are too few, before any is halved."""

HALVED = 64
"""Into how many it is cut where parts of it are to be halved."""

POINTS = 4096
"""About how many points of paths pass through the networks at a time."""

HALVINGS = 40
"""How often a part is halved at most: then it is as good as a point."""

MOST_PARTS = 2**14
"""So many parts of a path are halved at a time at most: a jump and some kinks want far fewer."""

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

    The path is cut into parts. In each of them the slope of an activation is that of its chord,
    which is the mean of f′ along it, and a layer of another kind that is not linear has the
    gradient in the middle: so contributions add up, however few the parts. There are eight, and
    more where no contribution would else be right to within the tolerance, as far as fewer parts
    tell; at last they are halved one by one. Inputs that number the levels of an embedding pass
    through the vectors between.

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
        The greatest error of a contribution, by estimate, and the greatest residue, as a share of
        Σ|c|. From 1e-4 up the precision of the parameters is used, below it double precision.

    Returns
    -------
    Contributions
        The contributions, the baseline's figure and those of the examples.

    Raises
    ------
    TypeError, ValueError
        Where an argument does not fit, or the contributions do not add up: the output jumps.

    Notes
    -----
    Source: Sundararajan, Taly and Yan (2017), Axiomatic attribution for deep networks,
    arXiv:1703.01365. Chords in the place of slopes, over the whole path in one part: Shrikumar,
    Greenside and Kundaje (2017), Learning important features through propagating activation
    differences, arXiv:1704.02685.

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
    with one_blas_thread:  # the threads are here
        return _within(value, members, X, baseline, _Tolerance(tolerance, parts))


class _Tolerance(NamedTuple):
    """The greatest error, as a share of the sizes of what parts of the inputs contribute."""

    share: float
    parts: Parts

    def together(self, c: Array) -> Array:
        """Return the contributions of parts of the inputs from those of each."""
        if self.parts is None:
            return c
        return np.stack([c[:, own].sum(axis=1) for own in self.parts], axis=1)

    def of(self, made: Contributions) -> Array:
        """Return the greatest error of each row; rounding is none."""
        rounding = 256 * np.finfo(np.float64).eps * (np.abs(made.figures) + abs(made.baseline))
        sizes = np.abs(self.together(made.values)).sum(axis=1)
        return np.asarray(np.maximum(self.share * sizes, rounding))


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
    values, ends = quick.at_once(X, PARTS[0])
    if (wrong := np.flatnonzero(~np.isfinite(ends - exact.start))).size:
        raise FloatingPointError(
            f"the figure of example {wrong[0]} or of the baseline is not finite, got "
            f"{ends[wrong[0]]:g} and {exact.start:g}"
        )
    made = Contributions(values, exact.start, ends)
    far = np.arange(len(X))
    for fewer, parts in itertools.pairwise(PARTS):
        if far.size:
            finer, _ = quick.at_once(X[far], parts)
            change = np.abs(tolerance.together(finer - values[far])).max(axis=1)
            values[far] = finer
            error = np.maximum(change / (parts / fewer - 1), np.abs(made.residue[far]))
            far = far[~(error <= tolerance.of(made)[far])]
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

    def at_once(self, X: Array, parts: int) -> tuple[Array, Array]:
        """Return contributions by so many parts, and the ends' figures, by several threads."""
        from concurrent.futures import ThreadPoolExecutor

        rows, cuts = max(1, POINTS // (parts + 1)), cuts_of(parts)
        chunks = [X[first : first + rows] for first in range(0, max(1, len(X)), rows)]

        def made(chunk: Array) -> tuple[Array, Array]:
            values, F = self._along(chunk, np.broadcast_to(cuts, (len(chunk), parts + 1)))
            return values, F[:, -1]

        if len(chunks) == 1:
            return made(X)
        with ThreadPoolExecutor(engine.cores()) as pool:
            values, ends = zip(*pool.map(made, chunks), strict=True)
        return np.concatenate(values), np.concatenate(ends)

    def _along(self, X: Array, t: Array) -> tuple[Array, Array]:
        """Return contributions between the points t of each path, (n, points), and F at them."""
        X, points = X.astype(self.baseline.dtype, copy=False), t.shape[1]
        ends, t = np.repeat(X, points, axis=0), t.ravel().astype(X.dtype)
        A = [path.at(ends, t).reshape(len(X), points, -1) for path in self.paths]
        return contributed(self.paths, self.value, A)

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
        """Return contributions, and their residue, where each part has at most so much error."""
        values, residue = np.zeros(X.shape), np.zeros(len(X))
        cuts = cuts_of(HALVED)
        rows = np.repeat(np.arange(len(X)), HALVED)
        left, right = np.tile(cuts[:-1], len(X)), np.tile(cuts[1:], len(X))
        whole, _ = self._by_part(X[rows], left, right)
        for halving in itertools.count():
            middle, m = (left + right) / 2, len(rows)
            rows = np.concatenate([rows, rows])
            left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
            halves, r = self._by_part(X[rows], left, right)
            error = np.abs(halves[:m] + halves[m:] - whole).max(axis=1) + np.abs(r[:m] + r[m:])
            over = halving == HALVINGS or m > MOST_PARTS * len(X)
            done = np.tile((error <= allowed[rows[:m]]) | over, 2)
            np.add.at(values, rows[done], halves[done])
            np.add.at(residue, rows[done], r[done])
            if done.all():
                return values, residue
            rows, left, right, whole = rows[~done], left[~done], right[~done], halves[~done]
        raise AssertionError

    def _by_part(self, X: Array, left: Array, right: Array) -> tuple[Array, Array]:
        """Return the contributions in each part of a path, and what they lack of its F."""
        made = [self._along(x, t) for x, t in _by_points(X, np.stack([left, right], axis=1))]
        values, F = (np.concatenate(each) for each in zip(*made, strict=True))
        return values, np.diff(F)[:, 0] - values.sum(axis=1)


def cuts_of(parts: int) -> Array:
    """Return where the path is cut, from 0 to 1: close to its ends more often, as Gauss's points.

    >>> cuts_of(2)
    array([0. , 0.5, 1. ])
    """
    return np.asarray(np.sin(np.arange(parts + 1) * (np.pi / 2 / parts)) ** 2)


def _by_points(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    for first in range(0, len(arrays[0]), POINTS):
        yield tuple(array[first : first + POINTS] for array in arrays)
