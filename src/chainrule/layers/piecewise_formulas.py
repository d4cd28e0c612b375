"""The formulas of a piecewise linear layer, for its working."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.layers.piecewise_linear import HIGHEST, LOWEST, PiecewiseLinear
from chainrule.trees import Array


def formulas(layer: PiecewiseLinear, sheet: Any) -> Any:
    """Return what `Layer.work` does.

    >>> layer = cr.PiecewiseLinear([[0.0, 1.0, 2.0]], size=2)
    >>> net = cr.Network(1, [layer], loss="half_squared_error")
    >>> explained = cr.explain(net, net.init(), [[1.5]], [[0.0, 0.0]], of="w1")
    >>> next(line for line in explained.text().splitlines() if "t_i1 =" in line)
    '  t_i1 = min((i1 − 1) / (2 − 1), 5)'
    """
    return _Work(layer, sheet).formulas()


class _Work:
    """The formulas: see `Layer.work`. t is how far x is in its bin, from edge to edge."""

    def __init__(self, layer: PiecewiseLinear, sheet: Any) -> None:
        self.layer, self.sheet = layer, sheet
        self.layout, self.params = sheet.layout(layer), sheet.params

    def formulas(self) -> Any:
        def a(f: int, d: int) -> Any:
            return self.sheet.a(self.out(f, d))

        return self.sheet.formulas(
            a=self.a,
            dx=self.dx,
            by={
                "w": lambda f, d: [(a(f, d), self.x(f))],
                "b": lambda f, d: [(a(f, d), 1)],
                "W": self.of_bin,
            },
            reach=self.reach,
            slope=self.slope,
        )

    def x(self, f: int) -> Any:
        return self.sheet.x(self.layout.embedded[f])

    def out(self, f: int, d: int) -> Any:
        """The output that value d of a number is."""
        return self.layout.place(self.layout.embedded[f]) + d

    def edges(self, f: int) -> tuple[float, ...]:
        return self.layer.edges[self.layout.embedded[f]]

    def bin(self, f: int) -> Any:
        """The bin that a number lies in."""
        return self.sheet.bin(self.layout.embedded[f], self.edges(f))

    def ends(self, f: int) -> Any:
        """The edges of that bin."""
        return self.sheet.ends(self.edges(f), self.bin(f))

    def width(self, f: int) -> Any:
        left, right = map(self.sheet.number, self.ends(f))
        return right - left

    def t(self, f: int) -> Any:
        """How far the number is in its bin: held, in the first and in the last."""
        j, last = self.bin(f), self.sheet.last_bin(self.edges(f))
        left, right = self.ends(f)

        def share() -> Any:
            made = (self.x(f) - self.sheet.number(left)) / self.width(f)
            made = self.sheet.call("max", self.sheet.number(LOWEST), made) if j == 0 else made
            return self.sheet.call("min", made, self.sheet.number(HIGHEST)) if j == last else made

        value = self.sheet.record.u[0, self.layer.spans[f][0] + j]
        note = f"in bin {j + 1} of {last + 1}, from {left:g} to {right:g}"
        return self.sheet.let("t", share, value, source=self.layout.embedded[f], note=note)

    def W(self, f: int, i: int, d: int) -> Any:
        """What bin i of a number adds."""
        return self.sheet.parameter("W", self.layer.spans[f][0] + i, d)

    def a(self, j: int) -> Any:
        k, d = self.layout.source(j)
        if not self.layer.edges[k]:
            return self.sheet.x(k)
        f = [*self.layout.embedded].index(k)
        last, first = self.bin(f), self.layer.spans[f][0]
        bins = slice(first, first + last + 1)
        filled = self.sheet.record.u[0, bins] * self.params.W[bins, d]

        def term(i: int) -> Any:
            return self.t(f) * self.W(f, i, d) if i == last else self.W(f, i, d)

        linear = self.sheet.parameter("b", f, d) + self.x(f) * self.sheet.parameter("w", f, d)
        return linear + self.sheet.total(filled, term)

    def dx(self, k: int) -> Any:
        if not self.layer.edges[k]:
            return self.sheet.da(self.layout.place(k))
        f = [*self.layout.embedded].index(k)
        values = self.sheet.left[self.out(f, 0) :][: self.layer.size] * self._slopes(f)

        def term(d: int) -> Any:
            return self.sheet.da(self.out(f, d)) * self.slope(f, d)

        return self.sheet.total(values, term)

    def is_held(self, f: int) -> bool:
        """Whether t stays where it is as x moves."""
        return bool(self.sheet.is_held(self.layout.embedded[f], self.ends(f), LOWEST, HIGHEST))

    def slope(self, f: int, d: int) -> Any:
        """The derivative of a value by its number."""
        w = self.sheet.parameter("w", f, d)
        return w if self.is_held(f) else w + self.W(f, self.bin(f), d) / self.width(f)

    def _slopes(self, f: int) -> Array:
        w, j = self.params.w[f], self.bin(f)
        left, right = self.ends(f)
        added = self.params.W[self.layer.spans[f][0] + j] / (right - left)
        return w if self.is_held(f) else w + added

    def of_bin(self, row: int, d: int) -> Any:
        """What an entry of W changes: nothing, where its bin is behind that of the number."""
        f = next(f for f, (_, end) in enumerate(self.layer.spans) if row < end)
        i, j = row - self.layer.spans[f][0], self.bin(f)
        by = self.t(f) if i == j else self.sheet.number(float(i < j))
        return [(self.sheet.a(self.out(f, d)), by)]

    def reach(self, below: Any) -> Any:
        outputs: list[int] = []
        slopes: list[float] = []
        for k in below:
            first, embedded = self.layout.place(k), bool(self.layer.edges[k])
            size = self.layer.size if embedded else 1
            outputs += range(first, first + size)
            slopes += [*self._slopes([*self.layout.embedded].index(k))] if embedded else [1.0]
        return outputs, self.sheet.left[outputs] * np.array(slopes)
