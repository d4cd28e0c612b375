r"""PiecewiseLinear: each number becomes values that are linear between edges.

x   (n, i)      edges   of each input, ascending      w, b   (f, d)       for each of f numbers
a   (n, o)      u       (n, bins)                     W      (bins, d)    for each of all their bins
"""

from __future__ import annotations

import functools
import itertools
import math
import reprlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from chainrule.errors import check_number, check_whole
from chainrule.layers.layer import Draw, Layer, Role, Words
from chainrule.layers.layout import Layout
from chainrule.layers.parameter_shapes import zeros
from chainrule.trees import Array

LOWEST, HIGHEST = -4.0, 5.0
"""Between which t is held, where x lies outside of its edges."""


class PiecewiseLinearParameters(NamedTuple):
    """Slopes w and biases b (f, d) of f numbers, and what each of their bins adds, W (bins, d)."""

    w: Array
    b: Array
    W: Array


class PiecewiseLinearRecord(NamedTuple):
    """What the layer saw: x, its numbers (n, f), how far each bin is filled, u (n, bins), a."""

    x: Array
    numbers: Array
    u: Array
    a: Array


@dataclass(frozen=True, repr=False)
class PiecewiseLinear(Layer):
    r"""A layer that embeds each number piecewise linearly: a slope of its own in each of its bins.

    $$e = b + x\,w + \sum_{i<j} W_i + t\,W_j,\qquad t = \frac{x - e_j}{e_{j+1} - e_j}$$

    $$\frac{\partial e}{\partial x} = w + \frac{W_j}{e_{j+1} - e_j}$$

    $$\frac{\partial e}{\partial w} = x,\qquad \frac{\partial e}{\partial b} = 1,\qquad
      \frac{\partial e}{\partial W_i} = 1\ (i < j),\ t\ (i = j),\ 0\ (i > j)$$

    j is the bin between whose edges x lies, the first or the last where it lies outside; t is held
    in [−4, 5], beyond which ∂e/∂x is w alone. w and b ~ U(±1/√d), W starts at 0, so that the
    embedding starts linear; w and W are penalised and decay.

    Parameters
    ----------
    edges
        For each input its edges, ascending, at least two; or none, and it passes through as it is.
    size
        d, how many values a number becomes.

    Raises
    ------
    TypeError, ValueError
        Where edges are not finite numbers that ascend, or an argument is not of its kind.

    Notes
    -----
    Source: Gorishniy, Rubachev and Babenko (2022), On embeddings for numerical features,
    arXiv:2203.05556.

    Examples
    --------
    >>> layer = cr.PiecewiseLinear([[0.0, 1.0, 3.0], []], size=4)
    >>> layer.outputs(2), layer.form(2).W.shape
    (5, (2, 4))
    """

    kind: ClassVar[str] = "piecewise_linear"

    edges: tuple[tuple[float, ...], ...]
    size: int = 8

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges", _edges(self.edges))
        size = check_whole("PiecewiseLinear: size", self.size, least=1)
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "_hash", hash((self.edges, size)))

    def __hash__(self) -> int:
        """Return what was worked out once: there may be thousands of edges."""
        return self._hash  # type: ignore[attr-defined, no-any-return]

    def __repr__(self) -> str:
        bins = sum(len(edges) - 1 for edges in self.edges if edges)
        few = len(self.edges) + bins <= 12
        shown = list(map(list, self.edges)) if few else f"{len(self.edges)} inputs, {bins} bins"
        return f"PiecewiseLinear({shown}, {self.size})"

    @classmethod
    def example(cls, inputs: int) -> PiecewiseLinear:
        return cls([[-1.0, 0.0, 0.5, 2.0]] * inputs, 1)  # type: ignore[arg-type]

    def layout(self, inputs: int) -> Layout:
        """Return which inputs are embedded, and where they come to stand.

        Parameters
        ----------
        inputs
            The number of inputs.
        """
        if len(self.edges) != inputs:
            raise ValueError(f"has edges for {len(self.edges)} inputs, and gets {inputs}")
        return Layout(inputs, tuple(k for k, e in enumerate(self.edges) if e), self.size)

    def outputs(self, inputs: int) -> int:
        return self.layout(inputs).outputs

    def form(self, inputs: int) -> PiecewiseLinearParameters:
        f, bins, d = len(self.layout(inputs).embedded), self.spans[-1][1], self.size
        return PiecewiseLinearParameters(zeros(f, d), zeros(f, d), zeros(bins, d))

    def init(self, inputs: int, rng: np.random.Generator) -> PiecewiseLinearParameters:
        w, b, W = (leaf.shape for leaf in self.form(inputs))
        bound = 1 / math.sqrt(self.size)
        drawn = rng.uniform(-bound, bound, w), rng.uniform(-bound, bound, b)
        return PiecewiseLinearParameters(*drawn, np.zeros(W))

    @property
    def spans(self) -> list[tuple[int, int]]:
        """The first bin of each number and the one behind its last, among all of them."""
        ends = itertools.accumulate((len(e) - 1 for e in self.edges if e), initial=0)
        return list(itertools.pairwise(ends))

    def forward(
        self, params: PiecewiseLinearParameters, x: Array, draw: Draw | None, xp: Any
    ) -> tuple[Array, PiecewiseLinearRecord]:
        layout = self.layout(x.shape[1])
        numbers, bins = layout.numbers(x, xp), self._bins(x, xp)
        u = xp.minimum(xp.maximum(self._share(x, bins, xp), bins.least), bins.most)
        within = [u[:, first:end] @ params.W[first:end, :] for first, end in self.spans]
        e = params.b + numbers[:, :, None] * params.w + xp.stack(within, axis=1)
        a = layout.joined(e, x, xp)
        return a, PiecewiseLinearRecord(x, numbers, u, a)

    def delta(
        self, params: PiecewiseLinearParameters, record: PiecewiseLinearRecord, da: Array, xp: Any
    ) -> Array:
        return da

    def dx(
        self,
        params: PiecewiseLinearParameters,
        record: PiecewiseLinearRecord,
        delta: Array,
        xp: Any,
    ) -> Array:
        layout = self.layout(record.x.shape[1])
        g, bins = layout.of_numbers(delta, xp), self._bins(record.x, xp)
        share = self._share(record.x, bins, xp)
        filling = (share >= bins.least) & (share < bins.most)
        steps = xp.astype(filling, delta.dtype) / (bins.right - bins.left)
        through = [
            xp.sum((g[:, k, :] @ params.W[first:end, :].mT) * steps[:, first:end], axis=1)
            for k, (first, end) in enumerate(self.spans)
        ]
        dnumbers = xp.sum(g * params.w, axis=2) + xp.stack(through, axis=1)
        return layout.dx(dnumbers, delta, xp)

    def gradient(
        self, record: PiecewiseLinearRecord, delta: Array, xp: Any
    ) -> PiecewiseLinearParameters:
        g = self.layout(record.x.shape[1]).of_numbers(delta, xp)
        W = [record.u[:, a:b].mT @ g[:, k, :] for k, (a, b) in enumerate(self.spans)]
        return PiecewiseLinearParameters(
            xp.sum(g * record.numbers[:, :, None], axis=0), xp.sum(g, axis=0), xp.concat(W, axis=0)
        )

    def per_example_gradients(
        self, record: PiecewiseLinearRecord, delta: Array, xp: Any
    ) -> PiecewiseLinearParameters:
        g = self.layout(record.x.shape[1]).of_numbers(delta, xp)
        W = [record.u[:, a:b, None] * g[:, k, None, :] for k, (a, b) in enumerate(self.spans)]
        return PiecewiseLinearParameters(g * record.numbers[:, :, None], g, xp.concat(W, axis=1))

    def squared_norms(self, record: PiecewiseLinearRecord, delta: Array, xp: Any) -> Array:
        """|g|² (x² + 1 + |u|²) over the numbers, as of a dense layer."""
        g = self.layout(record.x.shape[1]).of_numbers(delta, xp)
        u = [xp.sum(record.u[:, a:b] ** 2, axis=1) for a, b in self.spans]
        entered = record.numbers**2 + 1 + xp.stack(u, axis=1)
        return xp.sum(xp.sum(g * g, axis=2) * entered, axis=1)

    def kinks(self, record: PiecewiseLinearRecord) -> list[Array]:
        xp = array_namespace(record.x)
        bins = self._bins(record.x, xp)
        share = self._share(record.x, bins, xp)
        return [share - bins.least, share - bins.most]

    def role(self, name: str) -> Role:
        return Role.BIAS if name == "b" else Role.WEIGHT

    def words(self, inputs: int) -> Words:
        layout = self.layout(inputs)
        return Words("piecewise linear", f"{len(layout.embedded):,} × {self.size:,}")

    def lower(self, program: Any, x: int) -> int:
        made: int = program.piecewise(x, self.edges, "w", "b", "W")
        return made

    def formula_bounds(self, x: Array) -> tuple[Array, Array]:
        """The edges of the bins; in the first and the last also where t is held."""
        low, high = np.full(x.shape, -np.inf), np.full(x.shape, np.inf)
        for k in self.layout(x.shape[1]).embedded:
            own = self.edges[k]
            least = own[0] + LOWEST * (own[1] - own[0])
            most = own[-2] + HIGHEST * (own[-1] - own[-2])
            ends = np.array([-np.inf, least, *own[1:-1], most, np.inf])
            j = np.searchsorted(ends, x[:, k], side="right")
            low[:, k], high[:, k] = ends[j - 1], ends[np.minimum(j, len(ends) - 1)]
        return low, high

    def work(self, sheet: Any) -> Any:
        from chainrule.layers.piecewise_formulas import formulas

        return formulas(self, sheet)

    def _share(self, x: Array, bins: Bins, xp: Any) -> Array:
        """Where each number lies in each of its bins: from 0 at the left edge to 1 at the right."""
        return (xp.take(x, bins.of, axis=1) - bins.left) / (bins.right - bins.left)

    def _bins(self, x: Array, xp: Any) -> Bins:
        """The bins of all numbers, in the library and dtype of x."""
        of, *bounds = _all_bins(self)
        placed = (xp.asarray(part, dtype=x.dtype, device=device(x)) for part in bounds)
        return Bins(xp.asarray(of, device=device(x)), *placed)


class Bins(NamedTuple):
    """Of each bin: the input that it is of, its edges, between which u is held, (bins,) each."""

    of: Array
    left: Array
    right: Array
    least: Array
    most: Array


@functools.lru_cache
def _all_bins(layer: PiecewiseLinear) -> Bins:
    rows = [
        (k, left, right, LOWEST if j == 0 else 0.0, HIGHEST if j == len(own) - 2 else 1.0)
        for k, own in enumerate(layer.edges)
        for j, (left, right) in enumerate(itertools.pairwise(own))
    ]
    of, *bounds = zip(*rows, strict=True)
    return Bins(np.array(of), *map(np.array, bounds))


def _edges(given: Any) -> tuple[tuple[float, ...], ...]:
    """Edges as tuples, or raise."""
    must = "PiecewiseLinear: edges must hold, for each input, ascending numbers"
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise TypeError(f"{must}, such as [[0, 1, 2], []], got {given!r}")
    named = ((f"PiecewiseLinear: edges of input {k}", own) for k, own in enumerate(given))
    edges = tuple(_of_input(what, own) for what, own in named)
    if not any(edges):
        raise ValueError(f"{must} of at least one, got none")
    return edges


def _of_input(what: str, given: Any) -> tuple[float, ...]:
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise TypeError(f"{what} must be ascending numbers, or none, got {given!r}")
    own = tuple(check_number(what, edge) for edge in given)
    with np.errstate(over="ignore"):
        single = np.asarray(own, np.float32)
    if len(own) == 1 or not (np.all(single[1:] > single[:-1]) and np.all(np.isfinite(single))):
        raise ValueError(
            f"{what} must be none, or two or more numbers that ascend, in single precision too; "
            f"got {reprlib.repr(list(own))}"
        )
    return own
