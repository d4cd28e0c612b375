"""The interval of a model of a table, written into its graph: bounds, or sets of classes.

p   (n, 1) predictions in the target's units, or (n, classes) probabilities
q   (n, 2) the quantiles that bounds come of

`bounds_of` of a model is the truth: tests hold the two together.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.interop.onnx_arrays import XP, Traced
from chainrule.tabular.class_sets import BETWEEN, quoted
from chainrule.tabular.table_model import TableModel


def bounded(model: TableModel, p: Traced, q: Traced) -> list[Traced]:
    """Return the lower and the upper bound of each prediction, (n,) each."""
    assert model.interval is not None
    reach, t = model.interval.reach, model.interval.threshold
    value = p[:, 0]
    low, high = (value + reach * (q[:, k] - value) for k in (0, 1))
    bounds = [XP.minimum(low - t, value), XP.maximum(high + t, value)]
    return [XP.maximum(each, 0.0) for each in bounds] if model.kind == "counts" else bounds


def most_probable(p: Traced) -> Traced:
    """Return the number of the most probable class of each row, (n,)."""
    return p.graph.add("ArgMax", p, shape=p.shape[:1], dtype=np.int64, axis=1, keepdims=0)


def sets_of(model: TableModel, p: Traced) -> Traced:
    """Return the set of each row as a text, its labels with | between them, (n,)."""
    assert model.interval is not None
    first, exact = most_probable(p), XP.astype(p, np.float64)
    made: Any = None
    for k, name in enumerate(model.target.names):  # type: ignore[attr-defined]
        label = np.array(quoted(name), object)
        inside = (1 - exact[:, k] <= model.interval.threshold) | XP.equal(first, np.int64(k))
        own = XP.where(inside, label, NONE)
        if made is None:
            made, begun = own, inside
            continue
        behind = XP.where(inside & begun, np.array(BETWEEN, object), NONE)
        made = _joined(_joined(made, behind), own)
        begun = begun | inside
    found: Traced = made
    return found


NONE = np.array("", object)


def _joined(before: Traced, behind: Traced) -> Traced:
    return before.graph.add("StringConcat", before, behind)
