"""The graph of what the model of a table predicts: from its columns to those of predictions.

p   (n, classes) probabilities, or (n, quantiles) values in the target's units, one of a mean
q   (n, 2) the quantiles that bounds come of
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.interop.network_graph import Exported, in_numpy, names_of, predicted
from chainrule.interop.onnx_arrays import XP, Graph, Traced
from chainrule.interop.table_columns import prepared
from chainrule.interop.table_intervals import bounded, most_probable, sets_of
from chainrule.network import Parameters
from chainrule.tabular.encoding.several_targets import SeveralTargets
from chainrule.tabular.encoding.target_encoding import QuantityEncoder, TargetEncoder
from chainrule.tabular.prediction_columns import prediction_names
from chainrule.tabular.table_model import TableModel


def table_graph(what: str, model: TableModel, *, whole: bool) -> Exported:
    """Return the graph of a model: `whole` as in `network_graph`, and errors begin with `what`.

    Raises ValueError for a column of text where operators are to be whole, and for a column that is
    called as one of the predictions.
    """
    names = prediction_names(model.target, model.interval)
    columns = model.preparation.columns
    if called := set(columns) & set(names):
        raise ValueError(
            f"{what}: column {min(called)!r} is called as one of the predictions, which stand "
            "beside it in the file; rename it in the table, and train again"
        )
    each = [(own, [in_numpy(params) for params in own.members]) for own in _networks(model)]
    known = [pair for own, members in each for pair in _named(own, members, model)]
    graph = Graph(known, {*names, *columns})
    inputs, X = prepared(what, graph, model.preparation, whole=whole)
    p, *q = (_outputs(what, own, members, X, whole=whole) for own, members in each)
    made = _columns(model.target, p)
    if model.interval is not None:
        made[1:1] = bounded(model, p, *q) if q else [sets_of(model, p)]
    return Exported(graph, inputs, dict(zip(names, made, strict=True)))


def _networks(model: TableModel) -> list[TableModel]:
    """The model, and that of the quantiles that its bounds come of, where it has some."""
    return [model] if model.bounds is None else [model, model.bounds]


def _named(
    own: TableModel, members: list[Parameters], model: TableModel
) -> Iterator[tuple[str, Any]]:
    """The parameters with their names in the graph."""
    of = "" if own is model else "bounds: "
    for k, params in enumerate(members, start=1):
        member = f"member {k}: " if len(members) > 1 else ""
        yield from names_of(params, of + member)


def _outputs(
    what: str, model: TableModel, members: list[Parameters], X: Traced, *, whole: bool
) -> Any:
    """What a model predicts of prepared rows: the mean of what its members do, in its units."""
    each = [
        _in_units(model.target, predicted(what, model.net, params, X, whole=whole))
        for params in members
    ]
    several = len(each) > 1
    return functools.reduce(operator.add, (p / len(each) for p in each)) if several else each[0]


def _in_units(target: TargetEncoder, p: Any) -> Any:
    """What a network predicts in the units of its target; of quantiles, none is above the next."""
    if isinstance(target, SeveralTargets):
        each = zip(target.parts, _of_each(target, p), strict=True)
        return XP.concat([XP.astype(_in_units(*own), np.float64) for own in each], axis=1)
    if not isinstance(target, QuantityEncoder):
        return p
    values = XP.astype(p, np.float64) * target.scale + target.centre
    if target.outputs == 1:
        return values
    count = np.array([target.outputs], np.int64)
    return values.graph.add("TopK", values, count, more=1, axis=1, largest=0, sorted=1)


def _of_each(target: SeveralTargets, p: Any) -> list[Any]:
    """The outputs of each target."""
    ends = np.cumsum([part.outputs for part in target.parts]).tolist()
    return [p[:, end - part.outputs : end] for part, end in zip(target.parts, ends, strict=True)]


def _columns(target: TargetEncoder, p: Any) -> list[Traced]:
    """The columns of predictions, (n,) each, of classes the most probable before them."""
    if isinstance(target, SeveralTargets):
        each = zip(target.parts, _of_each(target, p), strict=True)
        return [column for own in each for column in _columns(*own)]
    values = [p[:, k] for k in range(target.outputs)]
    if isinstance(target, QuantityEncoder):
        return values
    return [XP.take(_labels(target), most_probable(p)), *values]


def _labels(target: Any) -> Any:
    """The classes as an array: of whole numbers, of Booleans, or of texts."""
    kinds = {int: np.int64, bool: np.bool_}
    return np.array(target.classes, kinds.get(type(target.classes[0]), object))
