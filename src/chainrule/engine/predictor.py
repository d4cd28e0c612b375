"""Predictions by the compiled engine, straight from the user's arrays."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from chainrule import engine, losses
from chainrule.engine.session import PER_CORE, dense_layers, why_not
from chainrule.network import Network, Parameters
from chainrule.trees import Array, leaves

_known: dict[int, tuple[weakref.ref[Network], Any]] = {}
"""The predictor of each network, or None, by its identity: comparing networks takes too long."""


def predict(net: Network, params: Parameters, X: Array, threads: int | None) -> Array | None:
    """Return the prediction for each example, or None where something is not as it ought to be.

    That is whatever the engine does not have, and every error: the caller then names it. A few rows
    are predicted in microseconds, so nothing is looked at twice.
    """
    key = id(net)
    found = _known.get(key)
    if found is None or found[0]() is not net:
        found = weakref.ref(net, lambda _: _known.pop(key, None)), _make(net)
        _known[key] = found
    predictor = found[1]
    if predictor is None:
        return None
    if threads is not None:
        threads = min(threads, PER_CORE * engine.cores())
    predicted = predictor.predict(params, X, threads or 0)
    if predicted is None and isinstance(X, np.ndarray) and X.dtype.kind in "biuf":
        weights = next((leaf for leaf in leaves(params) if isinstance(leaf, np.ndarray)), X)
        with np.errstate(over="ignore"):
            converted = np.ascontiguousarray(X, weights.dtype)
        if converted is not X:
            return predictor.predict(params, converted, threads or 0)
    return predicted


def _make(net: Network) -> Any:
    if why_not(net, net.form):
        return None
    assert engine.native is not None
    _, layers = dense_layers(net)
    form = net.form
    return engine.native.predictor(
        net.inputs,
        net.outputs,
        layers,
        losses.loss(net.loss).name,
        [k for k, entry in enumerate(form) if entry],
        len(form),
        engine.cores(),
        np.empty,
        np.dtype(np.float32),
        np.dtype(np.float64),
    )
