"""Which units and edges are drawn: of a small network all, of a large one the strongest.

How strong a unit is: |a · ∂C/∂a|; an edge: |x · w · δ|; both as the mean over the examples.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from chainrule.backprop import backward, forward
from chainrule.explain.names import Key
from chainrule.explain.steps import Derivation
from chainrule.explain.sums import largest
from chainrule.targets import encode

WIDEST = 12
"""The most units of a layer that are all drawn."""

UNITS = 8
"""How many are drawn of a wider one."""

EDGES = 48
"""The most edges between the drawn units of two layers that are all drawn; else half of it."""


class Shown(NamedTuple):
    """The units drawn of each layer, the inputs first, and the edges (j, k) into each layer."""

    units: list[list[int]]
    edges: list[list[tuple[int, int]]]

    def subjects(self) -> list[Key]:
        """Return the keys of all that is drawn and has a derivative."""
        weights = [Key("w", layer, *jk) for layer, edges in enumerate(self.edges) for jk in edges]
        own = [(layer, j) for layer, units in enumerate(self.units[1:]) for j in units]
        inputs = [Key("x", -1, k) for k in self.units[0]]
        biases = [Key("b", *at) for at in own]
        return [*weights, *biases, *inputs, *(Key("a", *at) for at in own)]


def shown(derivation: Derivation) -> Shown:
    """Return what is drawn: what the derivation is of is always part of it.

    >>> net = cr.Network(2, [cr.Dense(1)], loss="half_squared_error")
    >>> explanation = cr.explain(net, net.init(), [1.0, 2.0], [1.0], of="w1")
    >>> shown(explanation.derivation)
    Shown(units=[[0, 1], [0]], edges=[[(0, 0), (0, 1)]])
    """
    with np.errstate(all="ignore"):
        return _strongest_of(derivation)


def _strongest_of(derivation: Derivation) -> Shown:
    at = derivation.at
    sent, deltas, weights = _numbers(derivation)
    units = []
    for layer, width in enumerate(at.widths):
        strength = np.zeros(width)
        if layer < len(weights):
            strength = np.abs(sent[layer] * (deltas[layer] @ weights[layer])).mean(axis=0)
        elif width:
            strength = np.abs(deltas[-1]).mean(axis=0)
        units.append(
            _strongest(strength, UNITS if width > WIDEST else width, _own(derivation, layer))
        )
    edges = [
        _edges(sent[k], deltas[k], weights[k], units[k], units[k + 1], _edge(derivation, k))
        for k in range(len(weights))
    ]
    return Shown(units, edges)


def _numbers(derivation: Derivation) -> tuple[list[Any], list[Any], list[Any]]:
    """What enters each dense layer, its deltas, its weights."""
    net, params, data, indices = (
        derivation.net,
        derivation.params,
        derivation.data,
        derivation.at.indices,
    )
    trace = forward(net, params, data.X, check=False)
    y = encode(data.y, net.outputs, data.X.dtype, np)
    deltas = backward(net, params, trace, y, check=False)
    return (
        [np.asarray(trace[k].x) for k in indices],
        [np.asarray(deltas[k]) for k in indices],
        [np.asarray(params[k].W) for k in indices],
    )


def _own(derivation: Derivation, layer: int) -> list[int]:
    """The units of a layer, the inputs being 0, that the derivation is about."""
    key = derivation.subject
    found = []
    if key.kind in ("w", "b", "a", "x", "z") and key.layer == layer - 1:
        found.append(key.unit)
    if key.kind == "w" and key.layer == layer:
        found.append(key.source)
    return found


def _edge(derivation: Derivation, layer: int) -> list[tuple[int, int]]:
    key = derivation.subject
    return [(key.unit, key.source)] if key.kind == "w" and key.layer == layer else []


def _strongest(strength: Any, most: int, own: list[int]) -> list[int]:
    order = [*own, *(k for k in map(int, np.argsort(-strength, kind="stable")) if k not in own)]
    return sorted(order[:most])


def _edges(
    sent: Any, deltas: Any, W: Any, lower: list[int], upper: list[int], own: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    pairs = [(j, k) for j in upper for k in lower]
    if len(pairs) <= EDGES:
        return pairs
    strength = [float(np.abs(sent[:, k] * deltas[:, j]).mean() * abs(W[j, k])) for j, k in pairs]
    strongest = [pairs[i] for i in largest(strength, EDGES // 2)]
    return sorted({*strongest, *own})
