r"""A gradient as a sum over paths: from a weight, unit by unit, to each output.

    ∂C/∂w = Σ over paths of  ∂z/∂w · Π (f′ of a unit · the weight to the next) · ∂C/∂output

There are as many paths as the widths of the layers above multiply to. The largest are found
without making the others: the k largest products through a unit are among the k largest through
each unit above it. `ways` says how units lead to each other.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from chainrule.explanation import derivation
from chainrule.explanation.derivation_steps import Step
from chainrule.explanation.expressions import Product, Quantity
from chainrule.explanation.forward_backward import Passes
from chainrule.explanation.notation import COST, Key, derivative, name_of, notation
from chainrule.explanation.subjects import subject
from chainrule.explanation.text import Text, figure_text, line_text
from chainrule.explanation.unit_places import Places, is_parameter
from chainrule.explanation.unit_to_unit import Ways
from chainrule.explanation.writer import Writer, write_step
from chainrule.layers import Role
from chainrule.network import Network, Parameters, divisor
from chainrule.penalties import penalty_gradient

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Path:
    """One way from a weight to an output.

    Attributes
    ----------
    example
        The example, from 1; 0 where there is only one.
    units
        The units on the way, such as `("h1", "o2")`.
    factors
        What is multiplied along it, each with its key and number, from the weight to the output.
    value
        The product, times the example's share of the mean: what the path gives to the gradient.
    """

    example: int
    units: tuple[str, ...]
    factors: tuple[Quantity, ...]
    value: float

    @property
    def smallest(self) -> Quantity:
        """The factor that shortens the path most."""
        return min(self.factors, key=lambda factor: abs(factor.value))


@dataclass(frozen=True)
class Paths:
    """A gradient, the largest of the paths that make it up, and the exact sum of the others.

    Parameters
    ----------
    at, subject
        The network's places, and what the derivative is by.
    gradient
        The derivative of the cost, the core's.
    paths
        The largest paths, by size.
    others, rest
        How many paths there are beside them, and what these give together.
    penalty
        What the penalty gives.
    notation
        The name of the convention.
    """

    at: Places
    subject: Key
    gradient: float
    paths: tuple[Path, ...]
    others: int
    rest: float
    penalty: float
    notation: str = "mazur"

    def text(self, width: int = 80) -> str:
        """Return the paths as text: each product, and a chart of the factors of the largest.

        Parameters
        ----------
        width
            How many columns a line has at most.

        Examples
        --------
        >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
        >>> params = net.parameters([([[0.5]], [0.25])])
        >>> print(cr.paths(net, params, [3.0], [1.0], of="w1").text())
        ∂E_total/∂w1 = 2.25, by paths
        ...
        """
        writer = Text()
        rows = [f"{self._symbol(writer)} = {figure_text(self.gradient)}, by paths"]
        for path in self.paths:
            rows += ["", self._title(path)]
            rows += line_text(self._line(path, writer), width)
        ends = [("the penalty", self.penalty), (f"the other {self.others} paths", self.rest)]
        rows += [""] + [f"{name}: {figure_text(value)}" for name, value in ends if value]
        if self.paths:
            rows += ["", *self._chart(self.paths[0], writer, width)]
        return "\n".join(rows).replace("\n\n\n", "\n\n") + "\n"

    def __str__(self) -> str:
        return self.text()

    def _symbol(self, writer: Writer) -> str:
        return self._name(derivative(COST, self.subject), writer)

    def _name(self, key: Key, writer: Writer) -> str:
        return writer.named(name_of(key, self.at, notation(self.notation))).text

    def _title(self, path: Path) -> str:
        start = name_of(self.subject, self.at, notation("mazur"))
        of = f", example {path.example}" if path.example else ""
        return " → ".join([Text().named(start).text, *path.units]) + of

    def _line(self, path: Path, writer: Writer) -> Any:
        step = Step(Key("letter", text="path"), Product(path.factors), path.value)
        return write_step(step, writer, self.at, notation(self.notation), None)

    def _chart(self, path: Path, writer: Writer, width: int) -> list[str]:
        """The sizes of a path's factors, as bars of powers of ten to the left and right of 1."""
        names = [self._name(factor.key, writer) for factor in path.factors]
        logs = [math.log10(abs(f.value)) if f.value else -math.inf for f in path.factors]
        finite = [abs(log) for log in logs if math.isfinite(log)]
        side = (width - max(map(len, names)) - 16) // 2
        scale = side / max([1.0, *finite])
        rows = [f"The factors of {self._title(path)}, in powers of ten"]
        for name, log, factor in zip(names, logs, path.factors, strict=True):
            bar = "█" * round(abs(log) * scale) if math.isfinite(log) else "█" * side
            left, right = (bar, "") if log < 0 else ("", bar)
            head = f"  {name:<{max(map(len, names))}}"
            rows.append(
                f"{head} {left:>{side}}│{right:<{side}} {figure_text(factor.value):>10}".rstrip()
            )
        smallest = path.smallest
        if abs(smallest.value) < 1:
            name = self._name(smallest.key, writer)
            rows.append(f"It is {name} = {figure_text(smallest.value)} that makes it small.")
        return rows


class _Largest(NamedTuple):
    """The largest products from what leaves each unit of a place to the outputs, and their ways.

    Entry r of unit u, of (units, k), goes on to unit `unit[u, r]` of place `place[u, r]`, and there
    to its entry `entry[u, r]`. Where there are fewer, the rest is NaN.
    """

    value: Array
    place: Any
    unit: Any
    entry: Any


def paths_of(
    net: Network,
    params: Parameters,
    X: Any,
    y: Any,
    of: str,
    top: int,
    sample_weight: Any,
    name: str,
) -> Paths:
    """Return the largest paths of a gradient; see `cr.paths`.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> params = net.parameters([([[0.5]], [0.25])])
    >>> paths_of(net, params, [3.0], [1.0], "w1", 10, None, "mazur").paths[0].units
    ('o1',)
    """
    at = Places.of(net)
    key = subject(of, at)
    if not (is_parameter(key) or key.kind in ("x", "a")):
        raise ValueError(f"paths: of must be a weight, a bias, an input or a unit, got {of!r}")
    params, data = derivation.in_double(net, params, X, y, sample_weight)
    passes = Passes(net, params, data, at=at)
    w = np.ones(passes.n) if data.w is None else data.w
    weights = w / divisor(net, float(w.sum()))
    found: list[Path] = []
    count = 0
    for row, weight in enumerate(map(float, weights)):
        example = row + 1 if passes.n > 1 else 0
        own = _OfExample(passes, key, row, Key("C", example=example), top)
        found += own.paths(example, weight)
        count += own.count
    whole = float(np.dot(weights, passes.parts(key)))
    shown = sorted(found, key=lambda path: -abs(path.value))[:top]
    others = count - len(shown)
    rest = whole - math.fsum(path.value for path in shown) if others else 0.0
    penalty = _penalty(net, passes, key)
    return Paths(at, key, whole + penalty, tuple(shown), others, rest, penalty, name)


def _penalty(net: Network, passes: Passes, key: Key) -> float:
    if not is_parameter(key) or net.roles[passes.at.leaf(key)[0]] is not Role.WEIGHT:
        return 0.0
    return float(penalty_gradient(net, np.array(passes.value(key)), np))


class _OfExample:
    """The paths of one example."""

    def __init__(self, passes: Passes, key: Key, row: int, cost: Key, top: int) -> None:
        self.ways = Ways(passes, row, cost)
        self.working, self.at, self.top = self.ways.working, passes.at, top
        self.starts = self.ways.starts(key)
        self.from_unit = not is_parameter(key)
        self.lowest = min((start.layer for start in self.starts), default=0)
        self.largest: dict[int, _Largest] = {}
        self.counts: dict[int, Any] = {}
        for k in range(self.at.last, self.lowest - 1, -1):
            self._find(k)

    @property
    def count(self) -> int:
        """How many paths there are."""
        return sum(int(self.counts[start.layer][start.unit]) for start in self.starts)

    def _find(self, k: int) -> None:
        """Find the largest products from what leaves the units of a place."""
        width = self.at.widths[k + 1]
        if k in self.at.ends:
            value, on = np.asarray(self.working.dpassed(k))[:, None], np.zeros((width, 1), int)
            self.largest[k], self.counts[k] = _Largest(value, on, on, on), [1] * width
            return
        hops = [
            (q, *self.ways.matrix(q, port)) for q, port in self.at.above[k] if q in self.largest
        ]
        units = {start.unit for start in self.starts} if k == self.lowest else range(width)
        found = [self._of_unit(u, hops) if u in units else np.zeros((4, 0)) for u in range(width)]
        most = max(part.shape[1] for part in found)
        value = np.full((4, width, most), np.nan)
        for u, part in enumerate(found):
            value[:, u, : part.shape[1]] = part
        on = np.nan_to_num(value[1:]).astype(int)
        self.largest[k] = _Largest(value[0], *on)
        reached = [(self.counts[q], reach) for q, _, reach in hops]
        self.counts[k] = [
            sum(itertools.chain(*(itertools.compress(n, reach[:, u]) for n, reach in reached)))
            for u in range(width)
        ]

    def _of_unit(self, u: int, hops: list[Any]) -> Array:
        """The largest of all that goes on from a unit: products, places, units, entries, (4, k)."""
        products, ways = [], []
        for q, factor, reach in hops:
            value = np.where(reach[:, u, None], factor[:, u, None] * self.largest[q].value, np.nan)
            products.append(value.ravel())
            unit, entry = np.divmod(np.arange(value.size), value.shape[1])
            ways.append(np.stack([np.full(value.size, q), unit, entry]))
        value, way = np.concatenate(products), np.concatenate(ways, axis=1)
        there = np.flatnonzero(~np.isnan(value))
        keep = there[np.argsort(-np.abs(value[there]), kind="stable")[: self.top]]
        return np.concatenate([value[None, keep], way[:, keep]])

    def paths(self, example: int, weight: float) -> Iterator[Path]:
        """Yield the largest paths, with the example's share of the mean."""
        for start in self.starts:
            for r, value in enumerate(self.largest[start.layer].value[start.unit]):
                if np.isnan(value):
                    continue
                units = [*self._way(start.layer, start.unit, r)]
                factors = [*start.factors, *self._factors(units)]
                if example:
                    factors.append(Quantity(Key("letter", text="share"), weight))
                own = math.prod(factor.value for factor in start.factors)
                named = units[1:] if self.from_unit else units
                names = tuple(self._unit(*unit) for unit in named)
                yield Path(example, names, tuple(factors), float(value) * weight * own)

    def _unit(self, k: int, u: int) -> str:
        """What a unit is called: of several members, with the one that it is of."""
        member = self.at.shared_by(Key("a", k, u))
        return f"{self.at.unit(k, u)}({member})" if member else self.at.unit(k, u)

    def _way(self, k: int, u: int, r: int) -> Iterator[tuple[int, int]]:
        """The units of a path, each with its place."""
        yield k, u
        while k not in self.at.ends:
            found = self.largest[k]
            k, u, r = (int(part[u, r]) for part in (found.place, found.unit, found.entry))
            yield k, u

    def _factors(self, units: list[tuple[int, int]]) -> Iterator[Quantity]:
        for before, after in itertools.pairwise(units):
            yield from self.ways.factors(*before, *after)
        k, u = units[-1]
        yield self.working.d(self.working.sent(k, u), self.working.dpassed(k)[u])
