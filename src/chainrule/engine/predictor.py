"""Predictions by the compiled engine, straight from the user's arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import engine
from chainrule.engine.program import MadeOnce, for_predictions
from chainrule.engine.session import why_not
from chainrule.network import Network, Parameters
from chainrule.sparse_rows import as_entries
from chainrule.trees import Array, leaves, tree_map

FEW_ROWS = 4
"""Up to so many rows are each predicted by itself: `few_rows` of `predict.hpp`."""


def predict(
    net: Any, params: Any, X: Array, threads: int | None, *, alike: bool = False
) -> Array | None:
    """Return the prediction for each example, or None where something is not as it ought to be.

    That is whatever the engine does not have, and every error: the caller then names it. A few rows
    are predicted in microseconds, so nothing is looked at twice. Their sums are then taken in
    another order than those of many rows, unless all are to be `alike`.
    """
    if not (isinstance(net, Network) and isinstance(params, tuple)):
        return None
    predictor = _predictor(net)
    if predictor is None or isinstance(X, np.ma.MaskedArray):  # what it masks is to be refused
        return None
    started = 0 if threads is None else min(threads, engine.cores())
    predicted = predictor.predict(params, X, started, alike)
    if predicted is None and (read := _readable(params, X)):
        predicted = predictor.predict(*read, started, alike)
    return predicted


def predict_sparse(
    net: Network, params: Parameters, X: Any, threads: int | None, *, alike: bool = False
) -> Array | None:
    """Return the same for checked sparse rows; a few of them are predicted as dense ones are.

    Not where all are to be `alike`: many have not always the bits of dense ones.
    """
    if X.shape[0] <= FEW_ROWS and not alike:
        return predict(net, params, X.toarray(), threads)
    predictor = _predictor(net)
    if predictor is None:
        return None
    made = predictor.predict_sparse32 if X.dtype == np.float32 else predictor.predict_sparse64
    started = 0 if threads is None else min(threads, engine.cores())
    return made(tree_map(np.ascontiguousarray, params), as_entries(X), started)


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
        program=for_predictions(net).compiled_by(engine.native),
        cores=engine.cores(),
        empty=np.empty,
        single=np.dtype(np.float32),
        twice=np.dtype(np.float64),
    )


_predictor = MadeOnce(_make)
"""The predictor of each network, or None."""
