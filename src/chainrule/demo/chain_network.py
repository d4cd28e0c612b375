r"""Part 2 of the demonstration: a chain of three units, and the mean over a training set.

a0 = x   (1, 1)   input of one example       z1, z2, z3   (1, 1)   weighted inputs
a1, a2   (1, 1)   hidden activations         C₀           cost of one example
a3       (1, 1)   output                     C            mean of C₀ over the examples
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.text import Text

import chainrule as cr
from chainrule import losses
from chainrule.activations import activation
from chainrule.demo.printing import block, heading, open_table, paragraph, part, show
from chainrule.formatting import decimals
from chainrule.layers.dense_stack import stack
from chainrule.trees import named_leaves, number

if TYPE_CHECKING:
    from chainrule.backprop import Trace

NET = cr.Network(1, stack([1, 1, 1], ["sigmoid"] * 3), loss="squared_error")
PARAMS = NET.parameters([([[1.2]], [0.1]), ([[-0.8]], [0.3]), ([[1.5]], [-0.4])])
X, Y = np.array([[0.2], [0.5], [0.9]]), np.array([[0.9], [0.6], [0.2]])
L = 3

INTRODUCTION = """
One input, two hidden layers of one unit, one output, σ in each: the chain with which 3Blue1Brown
explains the calculus of backpropagation. Its cost has no ½: C₀ = (a^L − y)² for one example, and C
is the mean over the examples. Weights and examples are our own. There are L = 3 layers, so a^L is
a3 and a^(L−1) is a2; a0 is the input x.
"""

EXAMPLES = (" " * 6).join(f"x = {x}, y = {y}" for x, y in zip(X.flat, Y.flat, strict=True))

CHAIN = """
Backpropagation walks back along the chain and multiplies; “so far” is the product of all factors
down to that line. After each σ′(z) it is the gradient by that layer's bias. Times what enters the
layer, it is the gradient by that layer's weight.
"""

MEAN = """
Each of the three examples has a third of its own cost and of its own gradient as its share in the
mean. The shares add up to what cr.cost and cr.gradient return (✓: to 12 digits).
"""

SEVERAL = """
With several output units, C₀ = Σ_j (a_j − y_j)², and what comes back to unit k of the layer
before is a sum over them:
"""

SUM = "∂C₀/∂a_k = Σ_j w_jk · σ′(z_j) · 2(a_j − y_j)"


def show_part(console: Console) -> None:
    """Print part 2."""
    one = Example(0)
    part(console, 2, "A chain of units, and the mean over the examples")
    paragraph(console, INTRODUCTION)
    block(console, EXAMPLES)
    heading(console, "Forward: the first example", "trace = cr.forward(net, params, X[:1])")
    _show_forward(console, one)
    heading(console, "Backward: the last layer", "deltas = cr.backward(trace, y[:1])")
    _show_last_layer(console, one)
    heading(console, "Back to the first layer", "cr.gradient(trace, deltas)")
    paragraph(console, CHAIN)
    console.print()
    _show_chain(console, one)
    heading(console, "All three examples", "cr.per_example_gradients(trace, deltas)")
    paragraph(console, MEAN)
    console.print()
    _show_mean(console)
    console.print()
    paragraph(console, SEVERAL)
    block(console, SUM)


class Example:
    """One example's way through the chain and back; layers count from 1, as in the tutorial."""

    x: NDArray[Any]
    y: NDArray[Any]

    def __init__(self, k: int) -> None:
        self.x, self.y = X[k : k + 1], Y[k : k + 1]
        self.trace: Trace = cr.forward(NET, PARAMS, self.x)
        self.deltas: tuple[Any, ...] = cr.backward(self.trace, self.y)
        self.grads: tuple[Any, ...] = cr.gradient(self.trace, self.deltas)
        self.cost: float = float(cr.cost(NET, PARAMS, self.x, self.y))

    def a(self, layer: int) -> float:
        """The activation of a layer; a0 is the input."""
        return float(self.trace[layer - 1].a[0, 0] if layer else self.x[0, 0])

    def z(self, layer: int) -> float:
        """The weighted input of a layer."""
        return float(self.trace[layer - 1].z[0, 0])

    def slope(self, layer: int) -> float:
        """σ′(z) of a layer."""
        record = self.trace[layer - 1]
        return float(activation("sigmoid").df(record.z, record.a, np)[0, 0])

    def by_a(self, layer: int) -> float:
        """∂C₀/∂a of a layer: the loss's own, or what the layer above hands down."""
        if layer == L:
            return float(losses.loss(NET.loss).grad(self.trace.output, self.y, np)[0, 0])
        above = layer  # layers[k] is layer k + 1
        dx = NET.layers[above].dx(PARAMS[above], self.trace[above], self.deltas[above], np)
        return float(dx[0, 0])

    def by_w(self, layer: int) -> float:
        """∂C₀/∂w of a layer."""
        return float(self.grads[layer - 1].W[0, 0])

    def by_b(self, layer: int) -> float:
        """∂C₀/∂b of a layer."""
        return float(self.grads[layer - 1].b[0])


def weight(layer: int) -> float:
    """Return the weight that leads into a layer."""
    return float(PARAMS[layer - 1].W[0, 0])


def bias(layer: int) -> float:
    """Return the bias of a layer."""
    return float(PARAMS[layer - 1].b[0])


def _show_forward(console: Console, one: Example) -> None:
    headers = ["layer", "enters", "w", "b", "z = w · a + b", "a = σ(z)", "σ′(z)"]
    table = open_table(headers, "lrrrrrr")
    for layer in range(1, L + 1):
        table.add_row(
            f"{layer}" + (" = L" if layer == L else ""),
            decimals(one.a(layer - 1), 9 if layer > 1 else 1),
            decimals(weight(layer), 1),
            decimals(bias(layer), 1),
            *(decimals(value, 9) for value in (one.z(layer), one.a(layer), one.slope(layer))),
        )
    show(console, table)
    residual = f"({decimals(one.a(L), 9)} − {one.y[0, 0]})²"
    block(console, f"C₀ = (a^L − y)² = {residual} = {decimals(one.cost, 8)}")


def _show_last_layer(console: Console, one: Example) -> None:
    table = open_table([""] * 9, "lllllllll", gap=1)
    table.show_header = False
    for name, first, value, result in (
        ("∂C₀/∂w^L", "a^(L−1)", decimals(one.a(L - 1), 10), one.by_w(L)),
        ("∂C₀/∂b^L", "", "", one.by_b(L)),
        ("∂C₀/∂a^(L−1)", "w^L", decimals(weight(L), 1), one.by_a(L - 1)),
    ):
        dot, times = ("·", "×") if first else ("", "")
        slope, pull = decimals(one.slope(L), 10), decimals(one.by_a(L), 10)
        table.add_row(name, "=", first, dot, "σ′(z^L)", "·", "2(a^L − y)")
        table.add_row(
            "", "=", value, times, slope, "×", pull, "=", Text(decimals(result, 9), "bold")
        )
    show(console, table)


def _show_chain(console: Console, one: Example) -> None:
    """Print every factor on the way back, with the gradient that is complete after it."""
    headers = ["", " factor", " so far", "", "  × what enters", "", ""]
    table = open_table(headers, "l" * len(headers))
    for layer in range(L, 0, -1):
        name, factor = ("2(a3 − y)", _rounded(one.by_a(L), 7))
        if layer < L:
            name, factor = (f"w{layer + 1}", _exact(weight(layer + 1)))
        table.add_row(name, factor, _rounded(one.by_a(layer), 6), f"∂C₀/∂a{layer}")
        entering = one.a(layer - 1)
        table.add_row(
            f"σ′(z{layer})",
            _rounded(one.slope(layer), 7),
            Text(_rounded(one.by_b(layer), 6), "bold"),
            f"∂C₀/∂b{layer}",
            f"× a{layer - 1} {_rounded(entering, 7) if layer > 1 else _exact(entering)}",
            Text(_rounded(one.by_w(layer), 6), "bold"),
            f"∂C₀/∂w{layer}",
        )
    show(console, table)


def _rounded(value: float, places: int) -> str:
    """Return a number with room for its sign, so that the points stand below each other."""
    return decimals(value, places).rjust(places + 3)


def _exact(value: float) -> str:
    return decimals(value, 1).rjust(4)


def _shares() -> Iterator[tuple[str, list[float], float]]:
    """Yield cost and gradient with the examples' shares: name, shares, what the library returns."""
    trace = cr.forward(NET, PARAMS, X)
    deltas = cr.backward(trace, Y)
    costs = losses.loss(NET.loss).value(trace.output, Y, np).ravel()
    yield "C", list(costs / len(X)), float(cr.cost(NET, PARAMS, X, Y))
    each, mean = cr.per_example_gradients(trace, deltas), cr.gradient(trace, deltas)
    for (name, shares), (_, g) in zip(named_leaves(each), named_leaves(mean), strict=True):
        yield f"∂C/∂{number(PARAMS, name, 0)}", list(shares.ravel()), float(g.flat[0])


def _show_mean(console: Console) -> None:
    headers = ["", *(f"x = {x}" for x in X.flat), "sum", ""]
    table = open_table(headers, "lrrrrl")
    for name, shares, whole in _shares():
        right = np.isclose(sum(shares), whole, rtol=1e-12)
        table.add_row(
            name,
            *(decimals(share, 9) for share in shares),
            Text(decimals(whole, 8), "bold"),
            Text("✓", "green") if right else Text("✗", "bold red"),
        )
    show(console, table)
