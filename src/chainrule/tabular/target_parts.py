"""Of a model of several targets the model of each: the same network with its outputs alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from chainrule import losses
from chainrule.codec import all_differ
from chainrule.layers.dense_stack import part
from chainrule.loss_row import Head
from chainrule.network import Parameters
from chainrule.tabular.encoding.several_targets import SeveralTargets
from chainrule.tabular.encoding.target_encoding import TargetEncoder

if TYPE_CHECKING:
    from chainrule.tabular.table_model import TableModel

Array = NDArray[Any]


def parts_of(model: TableModel) -> tuple[TableModel, ...]:
    """Return the model of each target of several, in their order.

    >>> import polars as pl
    >>> table = pl.DataFrame({"x": [1.5, 2.5] * 20, "y": [0.5, 1.25] * 20, "z": ["a", "b"] * 20})
    >>> both = cr.train(table, ["y", "z"], epochs=1)
    >>> [(part.target.column, part.net.outputs) for part in parts_of(both)]
    [('y', 1), ('z', 2)]
    """
    heads = losses.loss(model.net.loss).parts
    each = zip(heads, model.target.each, strict=True)
    return tuple(_part(model, head, target) for head, target in each)


def of_parts(model: TableModel, y: Array, p: Array) -> Iterator[tuple[TableModel, Array, Array]]:
    """Yield the model of each target of several, with its targets and its outputs.

    >>> import polars as pl
    >>> table = pl.DataFrame({"x": [1.5, 2.5] * 20, "y": [0.5, 1.25] * 20, "z": ["a", "b"] * 20})
    >>> both = cr.train(table, ["y", "z"], epochs=1)
    >>> y = np.array([[0.5, 1, 0]])
    >>> [(own.tolist(), p.shape) for _, own, p in of_parts(both, y, y)]
    [([[0.5]], (1, 1)), ([0], (1, 2))]
    """
    assert isinstance(model.target, SeveralTargets)
    yield from zip(model.parts, model.target.targets(y), model.target.of_each(p), strict=True)


def named_after_targets(parts: Iterable[TableModel]) -> tuple[str, ...]:
    """Return what the outputs of several targets are called: in quotes where two were called alike.

    >>> import polars as pl
    >>> table = pl.DataFrame({"x": [1.5, 2.5] * 20, "y": [0.5, 1.25] * 20, "z": ["a", "b"] * 20})
    >>> named_after_targets(cr.train(table, ["y", "z"], epochs=1).parts)
    ('y', 'z a', 'z b')
    """
    named = [
        (part.target.column,) if part.kind in ("quantity", "counts") else (part.target.column, name)
        for part in parts
        for name in part.outputs_named
    ]
    plain = tuple(map(" ".join, named))
    return plain if all_differ(plain) else tuple(" ".join(map(repr, each)) for each in named)


def _part(model: TableModel, head: Head, target: TargetEncoder) -> TableModel:
    *layers, last = model.net.layers
    of_all = ("targets", "calibrations")
    about = {name: value for name, value in model.about.items() if name not in of_all}
    if "decisions" in about:
        about["decisions"] = [_of_part(each, target) for each in about["decisions"]]
    if scores := model.about.get("targets", {}).get(target.column):
        about["validation"] = scores
    if calibration := model.about.get("calibrations", {}).get(target.column):
        about["calibration"] = calibration
    return dataclasses.replace(
        model.with_members([_cut(params, head) for params in model.members]),
        net=dataclasses.replace(
            model.net,
            layers=(*layers, part(last, head.outputs)),
            loss=str(head.loss),
        ),
        target=target,
        baseline=head.of(model.baseline[None])[0],
        about=about,
    )


def _of_part(decision: dict[str, str], target: TargetEncoder) -> dict[str, str]:
    """Return a decision on a column, in which no other target is one."""
    if decision["role"] != "target" or decision["column"] == target.column:
        return decision
    return {**decision, "role": "left out", "reason": "another target"}


def _cut(params: Parameters, head: Head) -> Parameters:
    """Return parameters of which the last layer has a head's outputs alone."""
    *before, last = params
    return (*before, type(last)(last.W[head.first : head.end], last.b[head.first : head.end]))
