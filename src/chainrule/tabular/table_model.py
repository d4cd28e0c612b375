r"""A trained model of a table: from its columns to predictions, in one object and one file.

n   rows of a frame        p   (n, classes) probabilities, or (n, 1) values in the target's units
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.errors import check_predicted
from chainrule.evaluation import predict_finite
from chainrule.network import Network, Parameters
from chainrule.serialization import (
    ModelFileError,
    check_model_replaceable,
    check_writable,
    read_file,
    write_file,
)
from chainrule.tabular import stored_model
from chainrule.tabular.bounds import bounded
from chainrule.tabular.class_sets import sets_of
from chainrule.tabular.encoding.preparation import Preparation
from chainrule.tabular.encoding.several_targets import SeveralTargets
from chainrule.tabular.encoding.target_encoding import TargetEncoder
from chainrule.tabular.explainable import Explainable
from chainrule.tabular.files.copied_columns import with_copies
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.files.source import Source
from chainrule.tabular.formats.column_formats import ColumnFormats
from chainrule.tabular.formats.column_values import check_known
from chainrule.tabular.formats.notes import Notes
from chainrule.tabular.intervals import Interval
from chainrule.tabular.model_reading import forms_of, present, with_names
from chainrule.tabular.prediction_columns import prediction_columns, prediction_names
from chainrule.tabular.read_options import column_name
from chainrule.tabular.scorable import Scorable
from chainrule.tabular.table_error import TableError
from chainrule.tabular.target_parts import named_after_targets, parts_of

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class TableModel(Explainable, Scorable):
    """A network with what its table's columns and target are, as `cr.train` makes it.

    Several of its kind may be members of the model: what it predicts is the mean of theirs.

    Parameters
    ----------
    net, params
        The network and its parameters, for the functions of the core; of several, the first's.
    preparation, target
        How columns become inputs, and outputs become predictions.
    baseline
        The prediction without inputs: the shares of the classes (classes,), or the mean (1,).
    curves
        The losses of training and validation by epoch, and of a race what validation found of each.
    about
        How it was trained, as JSON has it: rows, decisions, options, scores of validation.
    forms
        How the columns of its table are read.
    others
        The parameters of each member but the first.
    interval, bounds
        What share of new rows bounds of a quantity hold, or sets of classes; the bounds' quantiles.
    means
        The means of the prepared rows in training, (features,), if they are known.
    """

    net: Network
    params: Parameters = field(repr=False)
    preparation: Preparation = field(repr=False)
    target: TargetEncoder
    baseline: Array = field(repr=False)
    curves: Mapping[str, Array] = field(repr=False)
    about: Mapping[str, Any] = field(repr=False)
    forms: ColumnFormats = field(default=ColumnFormats(), repr=False)
    others: tuple[Parameters, ...] = field(default=(), repr=False)
    interval: Interval | None = None
    bounds: TableModel | None = field(default=None, repr=False)
    means: Array | None = field(default=None, repr=False)

    def _repr_html_(self) -> str:
        from chainrule.tabular.model_display import display

        return display(self)

    @property
    def members(self) -> tuple[Parameters, ...]:
        """The parameters of each of its networks."""
        return self.params, *self.others

    def with_members(self, members: Sequence[Parameters]) -> TableModel:
        """Return the model with other parameters, of as many networks as there are.

        Parameters
        ----------
        members
            The parameters of each.
        """
        first, *others = members
        return dataclasses.replace(self, params=first, others=tuple(others))

    @property
    def temperature(self) -> float:
        """What the outputs of each network were divided by, in its last layer; 1 where not.

        Of several targets each of `parts` has its own.
        """
        return float(self.about.get("calibration", {}).get("temperature", 1.0))

    def opened(self, table: Any, **reading: Any) -> Source:
        """Return a table, read as in training unless told otherwise.

        Parameters
        ----------
        table, **reading
            As in `predict`.
        """
        if isinstance(table, Source):
            return open_source(table, **reading)
        return open_source(table, **{**self.about.get("reading", {}), **reading})

    def read(
        self, source: Source, columns: Iterable[str], notes: Notes | None = None
    ) -> Iterator[pl.DataFrame]:
        """Yield some columns of a source chunk by chunk, read as in training.

        Parameters
        ----------
        source, notes
            As in `predictions`.
        columns
            Their names; of a source that lacks one, all of its own.
        """
        source, first = with_names(self, source), 1
        forms = forms_of(self, source)
        for chunk in source.chunks(present(source, columns)):
            yield forms.read_new(chunk, notes, first=first)
            first += chunk.height

    def outputs(self, frame: pl.DataFrame, notes: Notes | None = None, *, first: int = 1) -> Array:
        """Return p for the rows of a frame.

        Parameters
        ----------
        frame
            Rows as they stand in the table.
        notes, first
            As in `predict`, and the number of the first row.
        """
        read = self.forms.read_new(frame, notes, first=first)
        return self.outputs_and_bounds(read, notes, first)[0]

    def outputs_and_bounds(
        self, frame: pl.DataFrame, notes: Notes | None, first: int
    ) -> tuple[Array, Array | None]:
        """Return p and the bounds for rows as `read` yields them.

        Parameters
        ----------
        frame, notes, first
            As in `outputs`.
        """
        X = self.preparation.transform(frame, notes, first=first)
        p = self.outputs_of(X, first=first)
        return p, self.bounds_of(X, p, first=first)

    def bounds_of(self, X: Array, p: Array, *, first: int = 1) -> Array | None:
        """Return the bounds of p, (n, 2), or which classes sets have, (n, classes); None without.

        Parameters
        ----------
        X, first
            As in `outputs_of`.
        p
            What it returned.
        """
        if self.interval is None:
            return None
        if self.bounds is None:
            return sets_of(p, self.interval.threshold)
        q = self.bounds.outputs_of(X, first=first)
        bounds = bounded(p[:, 0], q, self.interval)
        check_predicted(bounds, first=first)
        return np.maximum(bounds, 0) if self.kind == "counts" else bounds

    def outputs_of(self, X: Array, *, first: int = 1) -> Array:
        """Return p for prepared inputs: the mean of what the members predict.

        Raises FloatingPointError, with the row, where one is not finite.

        Parameters
        ----------
        X
            Prepared inputs.
        first
            The number of the first row.
        """
        parts = (self._outputs_by(params, X, first) for params in self.members)
        return np.asarray(functools.reduce(np.add, (p / len(self.members) for p in parts)))

    def _outputs_by(self, params: Parameters, X: Array, first: int) -> Array:
        """Return p by the parameters of one member."""
        made = np.asarray(predict_finite(self.net, params, X, first=first))
        if self.target.task == "classification":
            return made
        with np.errstate(over="ignore"):  # it is told of by its row
            p = np.asarray(self.target.values(made))  # type: ignore[attr-defined]
        check_predicted(p, first=first)
        return p

    def predict(
        self, table: Any, notes: Notes | None = None, *, keep: Iterable[Any] = (), **reading: Any
    ) -> pl.DataFrame:
        """Return the predictions for a table as a frame.

        The columns are `prediction` and, of classes, `probability_<class>` for each, of an interval
        `lower` and `upper`, or of classes `set`; of quantiles they are `quantile_<q>`. Of several
        targets each is called after its target too: `prediction_price`, `probability_sold_yes`.

        Parameters
        ----------
        table
            What `chainrule predict` takes, or a data frame.
        notes
            Where values that training has not seen are counted.
        keep
            Columns of the table that stand before the predictions.
        **reading
            How a file is read where that differs from training: options of `cr.train`.
        """
        kept = tuple(map(column_name, (keep,) if isinstance(keep, str) else keep))
        parts = self.predictions(self.opened(table, **reading), notes, keep=kept)
        return pl.concat(list(parts))

    def predictions(
        self, source: Source, notes: Notes | None = None, *, keep: tuple[str, ...] = ()
    ) -> Iterator[pl.DataFrame]:
        """Yield the predictions for a source chunk by chunk.

        Parameters
        ----------
        source
            The table, opened.
        notes, keep
            As in `predict`.
        """
        check_known("column to keep", keep, source.columns)
        if taken := set(keep) & set(prediction_names(self.target, self.interval)):
            raise TableError(f"column {min(taken)!r} to keep is called as one of the predictions")
        source = with_names(self, source)
        needed = present(source, self.preparation.columns)
        first, forms = 1, forms_of(self, source)
        for chunk, copied in with_copies(source, needed, tuple(dict.fromkeys(keep))):
            read = forms.read_new(chunk, notes, first=first)
            p, bounds = self.outputs_and_bounds(read, notes, first)
            first += chunk.height
            yield pl.DataFrame([*copied, *prediction_columns(self.target, p, bounds)])

    @property
    def quantiles(self) -> tuple[float, ...]:
        """The quantiles that are predicted; () where it is the mean, or classes."""
        return getattr(self.target, "quantiles", ())

    @property
    def outputs_named(self) -> tuple[str, ...]:
        """The names of the network's outputs, which differ: the classes, or the target."""
        if isinstance(self.target, SeveralTargets):
            return named_after_targets(self.parts)
        if self.quantiles:
            return tuple(prediction_names(self.target))
        return tuple(getattr(self.target, "names", (self.target.column,)))

    @functools.cached_property
    def parts(self) -> tuple[TableModel, ...]:
        """Of several targets, the model of each: the network with its outputs alone."""
        return parts_of(self)

    def example(self, table: Any, row: int, **reading: Any) -> tuple[Array, Array]:
        """Return a row of a table as the network takes it: X (inputs,) and its y.

        Raises TableError where the table has no such row, or it has no target.

        Parameters
        ----------
        table
            As in `predict`.
        row
            The number of the row, from 1.
        **reading
            As in `predict`.
        """
        source, first = with_names(self, self.opened(table, **reading)), 1
        needed = (*self.preparation.columns, *self.target.columns)
        for chunk in source.chunks(present(source, needed)):
            if row < first + chunk.height:
                frame = forms_of(self, source).read_new(chunk.slice(row - first, 1), first=row)
                y = self.target.encode(frame, first=row)
                return self.preparation.transform(frame, first=row)[0], y[0]
            first += chunk.height
        raise TableError(f"{source.name}: has {first - 1:,} rows, and no row {row:,}")

    def save(self, path: str | Path, *, replace: bool = True, force: bool = False) -> None:
        """Write the model to a file, whole or not at all; equal models make equal bytes.

        Raises OSError where it cannot be written, of which FileExistsError where a file is there
        and is not to be replaced.

        Parameters
        ----------
        path
            The file.
        replace
            Whether a model file that is there is replaced.
        force
            Whether another file that is there, such as a table, is replaced too.
        """
        made = stored_model.contents(self)
        if replace:
            check_model_replaceable(path, force=force)
        write_file(path, *made, replace=replace)

    def check_storable(self) -> None:
        """Raise ValueError where no file could hold the model, whatever its place."""
        check_writable(*stored_model.contents(self))

    @classmethod
    def load(cls, path: str | Path) -> TableModel:
        """Return the model that `save` wrote; nothing in the file is run.

        Raises OSError where it cannot be opened, and ModelFileError where it is damaged, of another
        kind, or from a newer version.

        Parameters
        ----------
        path
            The file.
        """
        arrays, data = read_file(path)
        if data["kind"] != stored_model.KIND:
            raise ModelFileError(
                f"{path}: must hold the model of a table, got the kind {data['kind']!r:.40}; "
                "cr.load reads networks"
            )
        try:
            return cls(**stored_model.fields_of(arrays, data))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ModelFileError(f"{path}: {error}") from None
