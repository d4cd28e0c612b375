r"""Embedding: each number of a level, such as that of a category, becomes a vector of its own.

x   (n, i)      levels   of each input, or 0      W   (rows, d)   the vectors of all levels
a   (n, o)      k        (n, f)   the levels that the f inputs name, as rows of W
"""

from __future__ import annotations

import itertools
import math
import reprlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from chainrule.errors import check_whole
from chainrule.layers.layer import Draw, Layer, Words
from chainrule.layers.layout import Layout
from chainrule.layers.parameter_shapes import zeros
from chainrule.trees import Array

MOST = 2**24
"""The most levels of an input: single precision tells no more whole numbers apart."""


class EmbeddingParameters(NamedTuple):
    """The vectors of all levels of all inputs, W (rows, d)."""

    W: Array


class EmbeddingRecord(NamedTuple):
    """What the layer saw: x and a."""

    x: Array
    a: Array


@dataclass(frozen=True, repr=False)
class Embedding(Layer):
    r"""A layer that gives each level of an input, which is numbered from 0, a vector of its own.

    $$e = W_k,\qquad k = \mathrm{round}(x);\qquad e = \frac{1}{L} \sum_m W_m
    \text{ where } k \text{ is none of the } L \text{ levels}$$

    $$\frac{\partial C}{\partial W_k} =
      \sum_{n:\ \mathrm{round}(x) = k} \frac{\partial C}{\partial e},\qquad
      \frac{\partial C}{\partial x} = 0$$

    The level is the whole number nearest to x; what is none of them gets the mean of all, and gives
    each of them 1/L of its ∂C/∂e. So e does not change with x. W ~ U(±1/√d) is learnt; it is
    penalised and decays.

    Parameters
    ----------
    levels
        For each input how many levels it has; or 0, and it passes through as it is.
    size
        d, how many values a level becomes.

    Raises
    ------
    TypeError, ValueError
        Where an argument is not of its kind, or no input has levels.

    Notes
    -----
    Source: Guo and Berkhahn (2016), Entity embeddings of categorical variables, arXiv:1604.06737.

    Examples
    --------
    >>> layer = cr.Embedding([3, 0], size=2)
    >>> W = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 0.0]])
    >>> net = cr.Network(2, [layer], "huber")
    >>> cr.predict(net, net.parameters([[W]]), [[1, 0.5], [7, 0.5]])
    array([[3. , 4. , 0.5],
           [3. , 2. , 0.5]])
    """

    kind: ClassVar[str] = "embedding"
    numbers_levels: ClassVar[bool] = True

    levels: tuple[int, ...]
    size: int = 8

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", _levels(self.levels))
        size = check_whole("Embedding: size", self.size, least=1)
        object.__setattr__(self, "size", size)

    def __repr__(self) -> str:
        few = len(self.levels) <= 12
        shown = list(self.levels) if few else f"{len(self.levels)} inputs, {self.rows:,} levels"
        return f"Embedding({shown}, {self.size})"

    @classmethod
    def example(cls, inputs: int) -> Embedding:
        return cls((3,) * inputs, 1)

    @property
    def rows(self) -> int:
        """How many levels all inputs have."""
        return sum(self.levels)

    @property
    def spans(self) -> list[tuple[int, int]]:
        """The first row of W of each input with levels and the one behind its last."""
        ends = itertools.accumulate((own for own in self.levels if own), initial=0)
        return list(itertools.pairwise(ends))

    def layout(self, inputs: int) -> Layout:
        """Return which inputs are embedded, and where they come to stand.

        Parameters
        ----------
        inputs
            The number of inputs.
        """
        if len(self.levels) != inputs:
            raise ValueError(f"has levels for {len(self.levels)} inputs, and gets {inputs}")
        return Layout(inputs, tuple(k for k, own in enumerate(self.levels) if own), self.size)

    def outputs(self, inputs: int) -> int:
        return self.layout(inputs).outputs

    def form(self, inputs: int) -> EmbeddingParameters:
        self.layout(inputs)
        return EmbeddingParameters(zeros(self.rows, self.size))

    def init(self, inputs: int, rng: np.random.Generator) -> EmbeddingParameters:
        bound = 1 / math.sqrt(self.size)
        return EmbeddingParameters(rng.uniform(-bound, bound, self.form(inputs).W.shape))

    def forward(
        self, params: EmbeddingParameters, x: Array, draw: Draw | None, xp: Any
    ) -> tuple[Array, EmbeddingRecord]:
        layout = self.layout(x.shape[1])
        means = [xp.mean(params.W[first:end, :], axis=0) for first, end in self.spans]
        vectors = xp.concat([params.W, xp.stack(means)], axis=0)
        taken = xp.take(vectors, xp.reshape(self._rows(x, xp), (-1,)), axis=0)
        e = xp.reshape(taken, (x.shape[0], len(layout.embedded), self.size))
        a = layout.joined(e, x, xp)
        return a, EmbeddingRecord(x, a)

    def delta(
        self, params: EmbeddingParameters, record: EmbeddingRecord, da: Array, xp: Any
    ) -> Array:
        return da

    def dx(
        self, params: EmbeddingParameters, record: EmbeddingRecord, delta: Array, xp: Any
    ) -> Array:
        layout = self.layout(record.x.shape[1])
        none = xp.zeros((delta.shape[0], len(layout.embedded)), dtype=delta.dtype)
        return layout.dx(xp.asarray(none, device=device(delta)), delta, xp)

    def gradient(self, record: EmbeddingRecord, delta: Array, xp: Any) -> EmbeddingParameters:
        g = self.layout(record.x.shape[1]).of_numbers(delta, xp)
        parts = [u.mT @ g[:, f, :] for f, u in enumerate(self._shares(record, xp))]
        return EmbeddingParameters(xp.concat(parts, axis=0))

    def per_example_gradients(
        self, record: EmbeddingRecord, delta: Array, xp: Any
    ) -> EmbeddingParameters:
        g = self.layout(record.x.shape[1]).of_numbers(delta, xp)
        parts = [u[:, :, None] * g[:, f, None, :] for f, u in enumerate(self._shares(record, xp))]
        return EmbeddingParameters(xp.concat(parts, axis=1))

    def squared_norms(self, record: EmbeddingRecord, delta: Array, xp: Any) -> Array:
        """|g|² of each level that there is, |g|²/L of the mean of L."""
        g = self.layout(record.x.shape[1]).of_numbers(delta, xp)
        shares = [xp.sum(u * u, axis=1) for u in self._shares(record, xp)]
        return xp.sum(xp.sum(g * g, axis=2) * xp.stack(shares, axis=1), axis=1)

    def kinks(self, record: EmbeddingRecord) -> list[Array]:
        """Cosines of π x, which change sign half-way between whole numbers."""
        xp = array_namespace(record.x)
        return [xp.cos(math.pi * self.layout(record.x.shape[1]).numbers(record.x, xp))]

    def words(self, inputs: int) -> Words:
        return Words("embedding", f"{self.rows:,} × {self.size:,}")

    def lower(self, program: Any, x: int) -> int:
        made: int = program.embedding(x, self.levels, "W")
        return made

    def formula_bounds(self, x: Array) -> tuple[Array, Array]:
        """From half-way below a level to half-way above it; halves are left out."""
        low, high = np.full(x.shape, -np.inf), np.full(x.shape, np.inf)
        for k in self.layout(x.shape[1]).embedded:
            level, last = np.round(x[:, k]), self.levels[k] - 1
            ends = [np.nextafter(level - 0.5, np.inf), level + 0.5]
            bounds = [[-np.inf, -0.5], ends, [np.nextafter(last + 0.5, np.inf), np.inf]]
            kind = np.where(level < 0, 0, np.where(level > last, 2, 1))
            low[:, k], high[:, k] = (
                np.choose(kind, [each[end] for each in bounds]) for end in (0, 1)
            )
        return low, high

    def work(self, sheet: Any) -> Any:
        return _Work(self, sheet).formulas()

    def _rows(self, x: Array, xp: Any) -> Array:
        """The row of each level among those of W, followed by one for the mean of each input."""
        layout = self.layout(x.shape[1])
        k = xp.round(layout.numbers(x, xp))

        def each(values: Iterable[int]) -> Array:
            return xp.asarray([*values], dtype=x.dtype, device=device(x))

        first, own = (each(part) for part in zip(*self._firsts_and_levels, strict=True))
        means = each(range(self.rows, self.rows + len(layout.embedded)))
        return xp.astype(xp.where((k >= 0) & (k < own), first + k, means), xp.int64)

    @property
    def _firsts_and_levels(self) -> list[tuple[int, int]]:
        return [(first, end - first) for first, end in self.spans]

    def _shares(self, record: EmbeddingRecord, xp: Any) -> list[Array]:
        """Of each input, what share its levels have in e: u (n, L)."""
        rows = self._rows(record.x, xp)
        shares = []
        for f, (first, end) in enumerate(self.spans):
            each = xp.arange(first, end, device=device(record.x))
            is_own = xp.astype(rows[:, f, None] == each[None, :], record.x.dtype)
            unseen = rows[:, f, None] >= self.rows
            shares.append(xp.where(unseen, 1 / (end - first), is_own))
        return shares


def _levels(given: Any) -> tuple[int, ...]:
    """Numbers of levels, at least one above 0, or raise."""
    must = "Embedding: levels must hold, for each input, how many levels it has, or 0"
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise TypeError(f"{must}, such as [120, 0], got {reprlib.repr(given)}")
    levels = tuple(
        check_whole(f"Embedding: levels of input {k}", own, least=0, most=MOST)
        for k, own in enumerate(given)
    )
    if not any(levels):
        raise ValueError(f"{must}; at least one must have some, got none")
    return levels


class _Work:
    """The formulas: see `Layer.work`."""

    def __init__(self, layer: Embedding, sheet: Any) -> None:
        self.layer, self.sheet = layer, sheet
        self.layout = sheet.layout(layer)

    def formulas(self) -> Any:
        return self.sheet.formulas(a=self.a, dx=self.dx, by={"W": self.of_row}, reach=self.reach)

    def level(self, f: int) -> Any:
        """The level that an input names, or None where it is none of them."""
        first, end = self.layer.spans[f]
        return self.sheet.level(self.layout.embedded[f], end - first)

    def a(self, j: int) -> Any:
        k, d = self.layout.source(j)
        if not self.layer.levels[k]:
            return self.sheet.x(k)
        f = [*self.layout.embedded].index(k)
        first, end = self.layer.spans[f]
        level, count = self.level(f), end - first
        if level is not None:
            vector = self.sheet.parameter("W", first + level, d)
            return self.sheet.noted(vector, f"level {level:,} of {count:,}, from 0")
        own = self.sheet.params.W[first:end, d]
        summed = self.sheet.total(own, lambda m: self.sheet.parameter("W", first + m, d))
        mean = summed / self.sheet.number(count)
        return self.sheet.noted(mean, f"none of the {count:,} levels: the mean of all")

    def dx(self, k: int) -> Any:
        if not self.layer.levels[k]:
            return self.sheet.da(self.layout.place(k))
        return self.sheet.noted(self.sheet.number(0.0), "a level has no slope")

    def of_row(self, row: int, d: int) -> Any:
        """What an entry of W changes: nothing, where it is of another level."""
        f = next(f for f, (_, end) in enumerate(self.layer.spans) if row < end)
        first, end = self.layer.spans[f]
        level = self.level(f)
        share = 1 / (end - first) if level is None else float(row - first == level)
        by = self.sheet.number(share)
        return [(self.sheet.a(self.layout.place(self.layout.embedded[f]) + d), by)]

    def reach(self, below: Any) -> Any:
        outputs = [self.layout.place(k) for k in below if not self.layer.levels[k]]
        return outputs, self.sheet.left[outputs]
