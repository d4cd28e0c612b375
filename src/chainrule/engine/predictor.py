"""Predictions by the compiled engine, straight from the user's arrays."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from chainrule import engine
from chainrule.engine.program import for_predictions
from chainrule.engine.session import why_not
from chainrule.network import Network, Parameters
from chainrule.sparse_rows import as_entries
from chainrule.trees import Array, leaves, tree_map

FEW_ROWS = 4
"""Up to so many rows are each predicted by itself, with their sums in another order than in many:
`few_rows` of `predict.hpp`."""

_known: dict[int, tuple[weakref.ref[Network], Any]] = {}
"""The predictor of each network, or None, by its identity: comparing networks takes too long."""


def predict(net: Any, params: Any, X: Array, threads: int | None) -> Array | None:
    """Return the prediction for each example, or None where something is not as it ought to be.

    That is whatever the engine does not have, and every error: the caller then names it. A few rows
    are predicted in microseconds, so nothing is looked at twice.
    """
    if not (isinstance(net, Network) and isinstance(params, tuple)):
        return None
    predictor = _of(net)
    if predictor is None or isinstance(X, np.ma.MaskedArray):  # what it masks is to be refused
        return None
    started = 0 if threads is None else min(threads, engine.cores())
    predicted = predictor.predict(params, X, started)
    if predicted is None and (read := _readable(params, X)):
        predicted = predictor.predict(*read, started)
    return predicted


def predict_sparse(net: Network, params: Parameters, X: Any, threads: int | None) -> Array | None:
    """Return the same for checked sparse rows; a few of them are predicted as dense ones are."""
    if X.shape[0] <= FEW_ROWS:
        return predict(net, params, X.toarray(), threads)
    predictor = _of(net)
    if predictor is None:
        return None
    made = predictor.predict_sparse32 if X.dtype == np.float32 else predictor.predict_sparse64
    started = 0 if threads is None else min(threads, engine.cores())
    return made(tree_map(np.ascontiguousarray, params), as_entries(X), started)


def _of(net: Network) -> Any:
    """Return the predictor of a network, which is made once, or None."""
    key = id(net)
    found = _known.get(key)
    if found is None or found[0]() is not net:
        found = weakref.ref(net, lambda _: _known.pop(key, None)), _make(net)
        _known[key] = found
    return found[1]


def _readable(params: Parameters, X: Array) -> tuple[Parameters, Array] | None:
    """Return both in one dtype and contiguous, or None where they are so, or are not numbers."""
    given = [*leaves(params), X]
    if not all(isinstance(array, np.ndarray) and array.dtype.kind in "biuf" for array in given):
        return None
    with np.errstate(over="ignore"):  # what becomes infinite is refused
        X = np.ascontiguousarray(X, given[0].dtype)
    params = tree_map(np.ascontiguousarray, params)
    changed = any(new is not old for new, old in zip([*leaves(params), X], given, strict=True))
    return (params, X) if changed else None


def _make(net: Network) -> Any:
    if why_not(net, net.form):
        return None
    assert engine.native is not None
    return engine.native.predictor(
        program=for_predictions(net),
        form=net.form,
        cores=engine.cores(),
        empty=np.empty,
        single=np.dtype(np.float32),
        twice=np.dtype(np.float64),
    )
