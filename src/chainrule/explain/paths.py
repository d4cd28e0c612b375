r"""A gradient as a sum over paths: from a weight, unit by unit, to each output.

    ∂C/∂w = Σ over paths of  ∂z/∂w · Π (f′ of a unit · the weight to the next) · ∂C/∂output

There are as many paths as the widths of the layers above multiply to. The largest are found
without making the others: the k largest products through a unit are among the k largest through
each unit above it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from chainrule.activations import activation
from chainrule.backprop import backward, forward
from chainrule.explain import derivation
from chainrule.explain.expressions import Product, Quantity
from chainrule.explain.figures import figure
from chainrule.explain.names import COST, Key, derivative, name_of, notation
from chainrule.explain.numbers import held
from chainrule.explain.places import Places
from chainrule.explain.steps import Step
from chainrule.explain.subjects import subject
from chainrule.explain.text import Text, line_text
from chainrule.explain.working import Working
from chainrule.explain.writing import Writer, write_step
from chainrule.network import Network, Parameters, penalty_gradient
from chainrule.targets import encode

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

    Attributes
    ----------
    gradient
        The derivative of the cost, the core's.
    paths
        The largest paths, by size.
    others, rest
        How many paths there are beside them, and what these give together.
    penalty
        What the penalty gives.
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

        >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
        >>> params = net.parameters([([[0.5]], [0.25])])
        >>> print(cr.paths(net, params, [3.0], [1.0], of="w1").text())
        ∂E_total/∂w1 = 2.25, by paths
        ...
        """
        writer = Text()
        rows = [f"{self._symbol(writer)} = {_said(self.gradient)}, by paths"]
        for path in self.paths:
            rows += ["", self._title(path)]
            rows += line_text(self._line(path, writer), width)
        ends = [("the penalty", self.penalty), (f"the other {self.others} paths", self.rest)]
        rows += [""] + [f"{name}: {_said(value)}" for name, value in ends if value]
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
            rows.append(f"{head} {left:>{side}}│{right:<{side}} {_said(factor.value):>10}".rstrip())
        smallest = path.smallest
        if abs(smallest.value) < 1:
            name = self._name(smallest.key, writer)
            rows.append(f"It is {name} = {_said(smallest.value)} that makes it small.")
        return rows


def _said(value: float) -> str:
    return Text().figure(figure(float(value), 6)).text


class _Largest(NamedTuple):
    """The largest products from each unit of a layer to the outputs, (units, k), and their ways.

    Entry r of unit u goes on to unit `unit[u, r]` of the next layer, and there to its entry
    `entry[u, r]`.
    """

    value: Array
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
    if key.kind not in ("w", "b", "x", "a"):
        raise ValueError(f"paths: of must be a weight, a bias, an input or a unit, got {of!r}")
    params, data = derivation.in_double(net, params, X, y, sample_weight)
    targets = encode(data.y, net.outputs, data.X.dtype, np)
    trace = forward(net, params, data.X, check=False)
    deltas = backward(net, params, trace, targets, check=False)
    n = len(data.X)
    weights = np.full(n, 1 / n) if data.w is None else data.w / data.w.sum()
    found: list[Path] = []
    whole = 0.0
    for row in range(n):
        example = row + 1 if n > 1 else 0
        cost = Key("C", example=example)
        working = Working(trace, deltas, targets, row=row, cost=cost, top=top)
        own = _OfExample(working, key, top)
        whole += float(weights[row]) * own.derivative()
        found += own.paths(example, float(weights[row]))
    shown = sorted(found, key=lambda path: -abs(path.value))[:top]
    penalty = 0.0
    if key.kind == "w":
        W = np.array(held(params, at.leaf(key)[0])[key.unit, key.source])
        penalty = float(penalty_gradient(net, W, np))
    others = n * _count(at, key) - len(shown)
    rest = whole - math.fsum(path.value for path in shown) if others else 0.0
    return Paths(at, key, whole + penalty, tuple(shown), others, rest, penalty, name)


def _count(at: Places, key: Key) -> int:
    """How many paths lead from a weight, or from an input or a unit, to the outputs."""
    return math.prod(at.widths[key.layer + 2 :])


class _OfExample:
    """The paths of one example."""

    def __init__(self, working: Working, key: Key, top: int) -> None:
        self.working, self.key, self.top, self.at = working, key, top, working.at
        self.layers = self._layers()

    def derivative(self) -> float:
        """The gradient of the example's own loss."""
        key, working = self.key, self.working
        if key.kind in "xa":
            return float(working.da(key.layer)[key.unit])
        delta = float(working.seat(key.layer).delta[0, key.unit])
        return (
            delta if key.kind == "b" else delta * float(working.passed(key.layer - 1)[key.source])
        )

    def _gain(self, layer: int) -> Array:
        """What a unit's a gains by its z, and what it passes on by its a."""
        if layer < 0:
            return self._kept(layer)
        slope = self._slopes(layer)
        return slope * self._kept(layer)

    def _kept(self, layer: int) -> Array:
        kept = np.ones(self.at.widths[layer + 1])
        for place, seat in self.working.gates(layer):
            kept = kept * place.layer.delta(seat.params, seat.record, kept[None] * 0 + 1, np)[0]
        return kept

    def _slopes(self, layer: int) -> Array:
        record, own = self.working.seat(layer).record, self.at.layers[layer].layer
        row = activation(own.activation)  # type: ignore[attr-defined]
        return np.asarray(row.df(record.z, record.a, np)[0])

    def _z(self, layer: int, u: int) -> Quantity:
        return Quantity(Key("z", layer, u), float(self.working.seat(layer).record.z[0, u]))

    def _layers(self) -> dict[int, _Largest]:
        """The largest products from the units of each layer, from their z on."""
        last, k = self.at.last, self.top
        none = np.zeros((self.at.widths[-1], 1), int)
        found = {
            last: _Largest((self._start(last) * self.working.dpassed(last))[:, None], none, none)
        }
        for layer in range(last - 1, self.key.layer - 1, -1):
            above, W = found[layer + 1], self.working.seat(layer + 1).params.W
            gain, width = self._start(layer), above.value.shape[1]
            value, way = [], []
            for u in self._units(layer):
                products = (W[:, u, None] * above.value).ravel() * gain[u]
                keep = np.argsort(-np.abs(products), kind="stable")[:k]
                value.append(products[keep])
                way.append(keep)
            found[layer] = _Largest(np.array(value), *np.divmod(np.array(way), width))
        return found

    def _units(self, layer: int) -> Sequence[int]:
        """The units of a layer that paths go through: in the lowest, the subject's alone."""
        return [self.key.unit] if layer == self.key.layer else range(self.at.widths[layer + 1])

    def _start(self, layer: int) -> Array:
        """The gain of a layer's units, without the slope where a path starts at their a."""
        begins = layer == self.key.layer and self.key.kind in "xa"
        return self._kept(layer) if begins else self._gain(layer)

    def paths(self, example: int, weight: float) -> Iterator[Path]:
        """Yield the largest paths, with the example's share of the mean."""
        lowest = self.layers[self.key.layer]
        place = 0 if self.key.layer < self.at.last else self.key.unit
        entering = self._entering()
        for r in range(lowest.value.shape[1]):
            units = [*self._way(place, r)]
            factors = [*entering, *self._factors(units)]
            if example:
                factors.append(Quantity(Key("letter", text="share"), weight))
            value = float(lowest.value[place, r]) * weight
            value *= math.prod(factor.value for factor in entering)
            names = tuple(
                self.at.unit(self.key.layer + k, u)
                for k, u in enumerate(units)
                if self.key.kind in "wb" or k
            )
            yield Path(example, names, tuple(factors), value)

    def _way(self, place: int, r: int) -> Iterator[int]:
        """The units of a path, layer by layer."""
        yield self.key.unit
        for layer in range(self.key.layer, self.at.last):
            found = self.layers[layer]
            u, r = int(found.unit[place, r]), int(found.entry[place, r])
            place = u
            yield u

    def _entering(self) -> list[Quantity]:
        """∂z/∂w, the first factor of a weight's path."""
        if self.key.kind != "w":
            return []
        working, key = self.working, self.key
        z, sent = self._z(key.layer, key.unit), working.sent(key.layer - 1, key.source)
        return [Quantity(derivative(z.key, key), sent.value)]

    def _factors(self, units: list[int]) -> Iterator[Quantity]:
        working, start = self.working, self.key.layer
        for k, u in enumerate(units):
            layer = start + k
            out, sent = working.out(layer, u), working.sent(layer, u)
            if layer >= 0 and not (k == 0 and self.key.kind in "xa"):
                z, slope = self._z(layer, u), self._slopes(layer)[u]
                yield Quantity(derivative(out.key, z.key), float(slope))
            if working.gates(layer):
                yield Quantity(derivative(sent.key, out.key), float(self._kept(layer)[u]))
            if layer < self.at.last:
                yield working.parameter(layer + 1, "W", units[k + 1], u)
            else:
                yield working.d(sent, working.dpassed(layer)[u])
