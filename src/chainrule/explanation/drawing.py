"""Where the units of a small network and the names of its weights stand in a drawing.

Lengths are in millimetres, x to the right and y downwards from the middle.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

from chainrule.explanation.unit_places import Places

WIDTH, APART, RADIUS = 120.0, 20.0, 5.0
"""From the first layer to the last at most, from unit to unit, and of a unit."""

WAYS = (0.5, 0.4, 0.6, 0.35, 0.65, 0.3, 0.7, 0.25, 0.75)
"""The places on an edge where its name may stand, as shares of its length."""


class Point(NamedTuple):
    """A place in the drawing."""

    x: float
    y: float


class Unit(NamedTuple):
    """A unit: its name, its place, and its bias if it has one."""

    name: str
    at: Point
    bias: str


class Edge(NamedTuple):
    """A weight: its name, the place of the name, and both ends."""

    name: str
    at: Point
    start: Point
    end: Point


class Drawing(NamedTuple):
    """A network laid out."""

    units: list[Unit]
    edges: list[Edge]
    width: float
    height: float


def layout(at: Places) -> Drawing:
    """Return the places of a network's units and weights.

    >>> net = cr.Network(1, [cr.Dense(2)], loss="half_squared_error")
    >>> [unit.name for unit in layout(Places.of(net)).units]
    ['i1', 'o1', 'o2']
    """
    step = min(50.0, WIDTH / at.last if at.last else WIDTH)

    def place(layer: int, j: int) -> Point:
        return Point((layer + 1) * step, (j - (at.widths[layer + 1] - 1) / 2) * APART)

    units = [
        Unit(at.unit(layer, j), place(layer, j), f"b{at.bias(layer, j)}" if layer >= 0 else "")
        for layer in range(-1, at.last + 1)
        for j in range(at.widths[layer + 1])
    ]
    edges: list[Edge] = []
    for layer, (i, o) in enumerate(itertools.pairwise(at.widths)):
        ends = {
            (j, k): (place(layer - 1, k), place(layer, j))
            for j, k in itertools.product(range(o), range(i))
        }
        for (j, k), (start, end) in ends.items():
            others = [each for each in ends.values() if each != (start, end)]
            named = _free(start, end, [edge.at for edge in edges], others)
            edges.append(Edge(f"w{at.weight(layer, j, k)}", named, start, end))
    return Drawing(units, edges, (at.last + 1) * step, (max(at.widths) - 1) * APART)


def _free(start: Point, end: Point, names: list[Point], edges: list[tuple[Point, Point]]) -> Point:
    """The place on an edge that is farthest from the names that stand already and other edges."""

    def on(way: float) -> Point:
        return Point(start.x + way * (end.x - start.x), start.y + way * (end.y - start.y))

    def room(point: Point) -> float:
        to_names = [math.dist(point, name) for name in names]
        to_edges = [2 * _height(point, *edge) for edge in edges]
        return min([*to_names, *to_edges], default=math.inf)

    return max(map(on, WAYS), key=room)


def _height(point: Point, start: Point, end: Point) -> float:
    """How far above or below an edge a point is."""
    way = (point.x - start.x) / (end.x - start.x)
    return abs(start.y + way * (end.y - start.y) - point.y)


def words(at: Places) -> Iterator[str]:
    """Yield the network in words, a unit a line.

    >>> net = cr.Network(2, [cr.Dense(1)], loss="half_squared_error")
    >>> list(words(Places.of(net)))
    ['o1: w1 from i1, w2 from i2; bias b1']
    """
    for layer, (i, o) in enumerate(itertools.pairwise(at.widths)):
        for j in range(o):
            weights = [f"w{at.weight(layer, j, k)} from {at.unit(layer - 1, k)}" for k in range(i)]
            yield f"{at.unit(layer, j)}: {', '.join(weights)}; bias b{at.bias(layer, j)}"
