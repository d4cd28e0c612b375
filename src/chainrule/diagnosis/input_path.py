r"""From one input of a network to another: the straight path, and what happens along it.

x   (n, i)   inputs: x = b + t (x₁ − b)      t   (n,) from 0 to 1
A   (n, w)   what leaves the layers that embed each input by itself: the inputs, where none does
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis.chord_slopes import along_chords
from chainrule.diagnosis.output_value import OutputValue
from chainrule.engine.input_gradient import InputGradient
from chainrule.evaluation import predict_finite
from chainrule.layers import chain
from chainrule.network import Network, Parameters

Array = NDArray[Any]


class InputPath:
    """The path from a baseline through a network, of which the first layers embed the inputs.

    Levels of an input have nothing between them: their vectors are passed through in its place.

    >>> net = cr.Network(1, [cr.Embedding([2], 1), cr.Dense(1)], loss="squared_error")
    >>> params = net.parameters([[[[1.0], [3.0]]], ([[2.0]], [0.0])])
    >>> path = InputPath(net, params, np.array([0.0]))
    >>> path.at(np.array([[1.0], [1.0]]), np.array([0.0, 0.5]))
    array([[1.],
           [2.]])
    """

    of_front: tuple[Any, ...]
    of_rest: tuple[Any, ...]
    baseline: Array
    level: NDArray[np.bool]

    def __init__(self, net: Network, params: Parameters, baseline: Array) -> None:
        k, width = 0, net.inputs
        of_input, level = np.arange(width), np.zeros(width, bool)
        while k < len(net.layers) - 1 and (layout := net.layers[k].layout(width)):
            source = np.array([layout.source(j)[0] for j in range(layout.outputs)])
            own = np.isin(source, layout.embedded) & net.layers[k].numbers_levels
            of_input, level = of_input[source], level[source] | own
            k, width = k + 1, layout.outputs
        self.front: Network | None = (
            Network(net.inputs, net.layers[:k], "half_squared_error") if k else None
        )
        self.rest: Network = Network(width, net.layers[k:], net.loss, reduction="sum")
        self.of_front, self.of_rest = params[:k], params[k:]
        self.baseline, self.level = baseline, level
        self.levels: NDArray[np.bool] = np.isin(np.arange(net.inputs), of_input[level])
        self.starts: NDArray[np.intp] = np.searchsorted(of_input, np.arange(net.inputs))
        self.start: NDArray[Any] = self.embedded(baseline[None])
        self.native: InputGradient | None = InputGradient.of(self.rest, self.of_rest)

    def embedded(self, x: Array) -> Array:
        """Return A of some inputs."""
        if self.front is None:
            return x
        return np.asarray(predict_finite(self.front, self.of_front, x, threads=1))

    def at(self, ends: Array, t: Array) -> Array:
        """Return A at t on the path to each of the ends, (n, i)."""
        t = t[:, None]
        x = np.where(self.levels, ends, self.baseline + t * (ends - self.baseline))
        A = self.embedded(x)
        if self.level.any():
            from_start = t * (A - self.start) + self.start
            A = np.where(self.level, from_start, A)
        return A

    def predicted(
        self, value: OutputValue, A: Array, *, gradient: bool
    ) -> tuple[Array, Array, Any]:
        """Return p and q of the network at points A, and ∂p/∂A between them where it is wanted."""
        if self.native is not None:
            return self.native(A, value.output, gradient=gradient)
        return predicted_by_core(self.rest, self.of_rest, value, A, gradient=gradient)

    def by_input(self, shares: Array) -> Array:
        """Return what belongs to each input, of what belongs to each of A, (n, w)."""
        return np.add.reduceat(shares, self.starts, axis=1)


def figures(paths: Sequence[InputPath], value: OutputValue, A: Sequence[Array]) -> Array:
    """Return F where the networks' paths are at A.

    >>> net = cr.Network(2, [cr.Dense(1)], loss="squared_error")
    >>> path = InputPath(net, net.parameters([([[2.0, 1.0]], [1.0])]), np.zeros(2))
    >>> figures([path], OutputValue(net, 0), [np.ones((1, 2))])
    array([4.])
    """
    each = zip(paths, A, strict=True)
    made = [path.predicted(value, own[:, None], gradient=False) for path, own in each]
    return value.joined([p for p, _, _ in made], [q for _, q, _ in made])[0][:, 0]


def contributed(
    paths: Sequence[InputPath], value: OutputValue, A: Sequence[Array]
) -> tuple[Array, Array]:
    """Return what each input contributes along paths A (n, points, w), and F at their points.

    >>> net = cr.Network(2, [cr.Dense(1)], loss="squared_error")
    >>> path = InputPath(net, net.parameters([([[2.0, 1.0]], [1.0])]), np.zeros(2))
    >>> contributed([path], OutputValue(net, 0), [np.array([[[0.0, 0.0], [1.0, 3.0]]])])
    (array([[2., 3.]]), array([[1., 6.]]))
    """
    made = [path.predicted(value, own, gradient=True) for path, own in zip(paths, A, strict=True)]
    F, share = value.joined([p for p, _, _ in made], [q for _, q, _ in made])
    values = np.zeros((len(F), len(paths[0].starts)))
    for path, own, (_, _, g) in zip(paths, A, made, strict=True):
        passed = np.diff(own, axis=1)
        passed *= g
        values += path.by_input(np.einsum("nkw,nk->nw", passed, share))
    return values, F.astype(np.float64)


def predicted_by_core(
    net: Network, params: Parameters, value: OutputValue, A: Array, *, gradient: bool
) -> tuple[Array, Array, Any]:
    """Return what `InputGradient` does, by the core's functions.

    >>> net = cr.Network(2, [cr.Dense(1, "relu")], loss="squared_error")
    >>> params, A = net.parameters([([[2.0, -1.0]], [0.0])]), np.array([[[-1.0, 0.0], [1.0, 0.0]]])
    >>> predicted_by_core(net, params, OutputValue(net, 0), A, gradient=True)[2]
    array([[[ 1. , -0.5]]])
    """
    n, points, width = A.shape
    layers = tuple(map(along_chords, net.layers)) if gradient else net.layers
    a, records = chain.forward(layers, params, A.reshape(-1, width), lambda k: None, np)
    p, q = (part.reshape(n, points) for part in value.of_network(a)[:2])
    if not gradient:
        return p, q, None
    da = value.along_chords(a)
    da[points - 1 :: points] = 0  # from the last point of a path goes no chord
    deltas = chain.deltas(layers, params, records, da, np)
    g = layers[0].dx(params[0], records[0], deltas[0], np)
    return p, q, g.reshape(A.shape)[:, :-1]
