"""How good a model is on a table that has the target.

y   (n,) labels, or (n, outputs)      p   (n, classes), or (n, 1)      w   (n,) weights, or None
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.tabular import class_scores, intervals
from chainrule.tabular.bounds import within
from chainrule.tabular.class_sets import size_without_inputs
from chainrule.tabular.columns.decision import weight_must
from chainrule.tabular.columns.survey import with_target
from chainrule.tabular.encoding.several_targets import SeveralTargets
from chainrule.tabular.encoding.target_encoding import TargetEncoder
from chainrule.tabular.files.source import Source
from chainrule.tabular.formats.column_values import shown
from chainrule.tabular.formats.notes import Notes
from chainrule.tabular.scores import scored
from chainrule.tabular.table_error import TableError
from chainrule.tabular.target_parts import of_parts

if TYPE_CHECKING:
    from chainrule.tabular.table_model import TableModel

Array = NDArray[Any]

REMEDY = "; without that column, each row counts once"


def evaluated(model: TableModel, source: Source, notes: Notes | None) -> dict[str, Any]:
    """Return what `TableModel.evaluate` does.

    >>> from chainrule.tabular.files.open_source import open_source
    >>> model = cr.train("sklearn:wine", "target", epochs=1)
    >>> evaluated(model, open_source("sklearn:wine"), None)["rows"]["scored"]
    178
    """
    weight = model.about.get("options", {}).get("weight")
    weight = weight if weight in source.columns else None
    chunks = list(_examples(model, source, weight, notes))
    parts = [part for _, found in chunks for part in found]
    if not parts:
        raise TableError(f"{source.name}: no row has the {_named(model.target)}")
    y, p, w, bounds = (_joined(each) for each in zip(*parts, strict=True))
    if w is not None and not w.any():
        raise TableError(f"{source.name}: weight {weight!r} is 0 in all rows with a target{REMEDY}")
    rows = {"scored": len(y), "without_target": sum(n for n, _ in chunks) - len(y)}
    if isinstance(model.target, SeveralTargets):
        each = of_parts(model, y, p)
        of_each = {part.target.column: _found(part, own, q, w) for part, own, q in each}
        return {"rows": rows, "targets": of_each}
    found = {"rows": rows, **_found(model, y, p, w)}
    if bounds is not None:
        found["interval"] = held(model, model.in_units(y), bounds, w)
    return found


def _found(model: TableModel, y: Array, p: Array, w: Array | None) -> dict[str, Any]:
    """Return the scores of a target, and of classes what each was taken for."""
    found = model.scores(y, p, w)
    if model.target.task == "classification":
        names = list(model.outputs_named)
        found["confusion"] = class_scores.confusion_by_name(y, p.argmax(axis=1), names)
    return found


def _named(target: TargetEncoder) -> str:
    names = " and ".join(map(repr, target.columns))
    return f"targets {names}" if len(target.columns) > 1 else f"target {names}"


def scores_of(model: TableModel, y: Array, p: Array, weight: Array | None) -> dict[str, Any]:
    """Return what `TableModel.scores` does, of targets as the scores take them."""
    parts = {"model": p, "baseline": np.broadcast_to(model.baseline, p.shape)}
    found: dict[str, Any] = {
        name: scored(model.kind, y, each, weight, model.quantiles) for name, each in parts.items()
    }
    if model.target.task == "classification":
        names = list(model.outputs_named)
        each = class_scores.class_scores(y, p.argmax(axis=1), len(names), weight)
        found["classes"] = class_scores.scores_by_name(each, names)
    return found


def held(model: TableModel, y: Array, bounds: Array, w: Array | None) -> dict[str, float]:
    """Return in what share of rows bounds held, or sets, and how wide they were.

    The targets are as the scores take them.
    """
    assert model.interval is not None
    coverage = intervals.found(_held(y, bounds), w)
    return {
        "share": model.interval.share,
        "coverage": coverage.share,
        "least": coverage.least,
        "most": coverage.most,
        **widths(model, bounds, w),
    }


def _held(y: Array, bounds: Array) -> Array:
    """Return which values lie within their bounds, or which labels are in their sets."""
    return bounds[np.arange(len(y)), y] if y.ndim == 1 else within(y[:, 0], bounds)


def widths(model: TableModel, bounds: Array, w: Array | None) -> dict[str, float]:
    """Return how wide bounds are in the mean, or how large sets are, and those of the baseline."""
    if model.bounds is None:
        assert model.interval is not None
        baseline = size_without_inputs(model.baseline, model.interval.share)
        size = float(np.average(bounds.sum(axis=1), weights=w))
        return {"size": size, "baseline": float(baseline)}
    width = float(np.average(np.diff(bounds)[:, 0], weights=w))
    return {"width": width, "baseline": float(np.ptp(model.bounds.baseline))}


Part = tuple[Array, Array, Array | None, Array | None]


def _examples(
    model: TableModel, source: Source, weight: str | None, notes: Notes | None
) -> Iterator[tuple[int, list[Part]]]:
    """Yield how many rows each chunk has, and y, p, w and bounds of those with a target, if any."""
    asked = (*model.preparation.columns, *model.target.columns, *([weight] if weight else []))
    first = 1
    for chunk in model.read(source, asked, notes):
        yield chunk.height, _parts(model, chunk, weight, notes, first)
        first += chunk.height


def _parts(
    model: TableModel, chunk: pl.DataFrame, weight: str | None, notes: Notes | None, first: int
) -> list[Part]:
    """Return what `_examples` yields of some rows of a table, in one part where none is refused.

    Errors count the rows without a target too: rows with none among them are looked at in halves.
    """
    known = _with_target(chunk, model.target.columns)
    try:
        return [_part(model, known, weight, notes, first)] if known.height else []
    except (TableError, FloatingPointError):
        if known.height == chunk.height:
            raise
    half = chunk.height // 2
    return [
        *_parts(model, chunk[:half], weight, notes, first),
        *_parts(model, chunk[half:], weight, notes, first + half),
    ]


def _with_target(chunk: pl.DataFrame, targets: tuple[str, ...]) -> pl.DataFrame:
    """Return the rows that have all targets; all rows where a column is missing, which is told."""
    return with_target(chunk, targets) if {*targets} <= {*chunk.columns} else chunk


def _part(
    model: TableModel, known: pl.DataFrame, weight: str | None, notes: Notes | None, first: int
) -> Part:
    y = model.target.encode(known, first=first)
    w = _weights(known[weight], first) if weight else None
    p, bounds = model.outputs_and_bounds(known, notes, first)
    return y, p, w, bounds


def _weights(column: pl.Series, first: int) -> Array:
    """Return the weights of rows, (n,), or raise TableError where one is none."""
    w = column.cast(pl.Float64, strict=False).to_numpy()
    for k in np.flatnonzero(~((w >= 0) & (w < np.inf)))[:1].tolist():
        got = "none" if column[k] is None else shown(column[k])
        must = weight_must(column.name)
        raise TableError(f"{must}, got {got} in row {first + k:,}{REMEDY}")
    return w


def _joined(parts: tuple[Array | None, ...]) -> Any:
    """Return the arrays of all chunks as one, or None where there are none."""
    return None if parts[0] is None else np.concatenate(parts)  # type: ignore[arg-type]
