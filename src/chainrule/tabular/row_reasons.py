"""Why a model predicts of a row what it does: a waterfall from the mean row to the prediction."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.errors import bare, escaped
from chainrule.formatting import counted, decimals, number
from chainrule.html_page.notebook_part import Page
from chainrule.tabular.adding_up import AddingUp, adding_up
from chainrule.tabular.asked_figure import METHODS
from chainrule.tabular.column_contributions import Explaining
from chainrule.tabular.formats.notes import Notes
from chainrule.tabular.model_reading import forms_of, present, with_names
from chainrule.tabular.table_error import TableError

if TYPE_CHECKING:
    from chainrule.tabular.files.source import Source
    from chainrule.tabular.table_model import TableModel

TOP = 12
"""The most columns that are written out."""

LONGEST = 28
"""The most characters of a column with its value."""


@dataclass(frozen=True)
class Bar:
    """A contribution: from one figure to the next, in the printed figures."""

    column: str
    said: str
    value: float
    start: float
    end: float


@dataclass(frozen=True, eq=False)
class RowReasons:
    """What each column contributed to the prediction for a row, against the mean row.

    Attributes
    ----------
    table, row
        The table, and the number of the row.
    name
        What is predicted: the target, with its class or quantile.
    figure
        What of it is explained: `value`, `probability` or `log odds`.
    contributions
        Those of the columns, in the target's units.
    given
        What the row has in them.
    baseline, value
        The figure of the mean row, and that of this one.
    residue
        What the contributions lack: less than the last printed digit.
    method
        How they were found.
    model, inputs, output, explaining
        What the chain rules behind them are of: the model, the prepared row, which output, and what
        was asked.
    """

    table: str
    row: int
    name: str
    figure: str
    contributions: dict[str, float]
    given: dict[str, str]
    baseline: float
    value: float
    residue: float
    method: str
    model: TableModel = field(repr=False)
    inputs: NDArray[Any] = field(repr=False)
    output: int = field(repr=False)
    explaining: Explaining = field(repr=False)

    @property
    def title(self) -> str:
        """What is explained, in words."""
        of = "" if self.figure == "value" else f"the {self.figure} of "
        return f"why {of}{self.name} in row {self.row:,} of {self.table}"

    def bars(self, top: int = TOP) -> tuple[list[Bar], AddingUp]:
        """Return the contributions, the greatest first, and the figures that add up as printed.

        Parameters
        ----------
        top
            The most columns; the others are taken together.
        """
        order = sorted(self.contributions, key=lambda name: -abs(self.contributions[name]))
        own = order if len(order) <= top + 1 else order[:top]
        values = [self.contributions[name] for name in own]
        said = [(name, f"{name} = {self.given[name]}") for name in own]
        if others := order[len(own) :]:
            values.append(sum(self.contributions[name] for name in others))
            said.append(("", f"the other {counted(len(others), 'column')}"))
        figures = adding_up(values, self.baseline, self.value)
        ends = (figures.start + np.cumsum(figures.values)).tolist()
        starts = [figures.start, *ends[:-1]]
        each = zip(said, figures.values, starts, ends, strict=True)
        return [Bar(*names, value, a, b) for names, value, a, b in each], figures

    def text(self, width: int = 80, top: int = TOP) -> str:
        """Return the waterfall as lines of so many columns.

        Parameters
        ----------
        width
            The columns of a line.
        top
            The most columns of the table that are written out.
        """
        bars, figures = self.bars(top)
        return "\n".join([*self._lines(bars, figures, width), ""])

    def _lines(self, bars: list[Bar], figures: AddingUp, width: int) -> Iterator[str]:
        yield from textwrap.wrap(escaped(self.title), width)
        yield ""
        labels = [_cut(escaped(bar.said)) for bar in bars]
        numbers = [signed(bar.value, figures.places) for bar in bars]
        ends = [decimals(end, figures.places) for end in (figures.start, figures.end)]
        left = max(map(len, ("mean row", "this row", *labels)))
        right = max(map(len, (*numbers, *ends)))
        room = max(8, width - left - right - 6)
        low, high = _span(bars, figures)
        yield f"  {'mean row':<{left}}  {'':<{room}}{ends[0]:>{right}}"
        for bar, label, value in zip(bars, labels, numbers, strict=True):
            drawn = _drawn(bar, low, high, room)
            yield f"  {label:<{left}}  {drawn}{value:>{right}}"
        yield f"  {'this row':<{left}}  {'':<{room}}{ends[1]:>{right}}"
        yield ""
        yield from textwrap.wrap(self.said(figures), width)

    def said(self, figures: AddingUp) -> str:
        """Return how the contributions were found, and how exactly they add up.

        Parameters
        ----------
        figures
            What `bars` returned.
        """
        lacking = number(abs(self.residue), 2)
        return (
            f"By {METHODS[self.method]}; as printed they add up, and before they were rounded to "
            f"within {lacking}."
        )

    def html(self) -> Page:
        """Return a page: the waterfall, and behind its bars the chain rule."""
        from chainrule.tabular.reasons_page import page

        return page(self)

    def _repr_html_(self) -> str:
        return self.html()._repr_html_()


def signed(value: float, places: int) -> str:
    """Return a number with its sign.

    >>> signed(1234.5, 1), signed(-2.0, 0), signed(0.0, 1)
    ('+1,234.5', '−2', '0.0')
    """
    return ("+" if value > 0 else "") + decimals(value, places)


def _span(bars: list[Bar], figures: AddingUp) -> tuple[float, float]:
    """Return the least and the greatest figure on the way."""
    passed = [figures.start, *(bar.end for bar in bars)]
    return min(passed), max(passed)


def _drawn(bar: Bar, low: float, high: float, room: int) -> str:
    """Return a bar in its place: dark where the figure rises, light where it falls."""
    of = (room - 3) / (high - low) if high > low else 0.0
    first, last = (round((x - low) * of) for x in sorted((bar.start, bar.end)))
    length = max(1, last - first) if bar.value else 0
    return f"{' ' * first}{('█' if bar.value > 0 else '░') * length}".ljust(room)


def _cut(said: str) -> str:
    return said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"


def reasons_of_row(
    model: TableModel, source: Source, row: int, explaining: Explaining, notes: Notes | None = None
) -> RowReasons:
    """Return why a model predicts what it does of a row; raise TableError where there is none."""
    frame = _row(model, source, row, notes)
    X = model.preparation.transform(frame, notes, first=row)
    made, outputs = explaining.of_rows(X, row)
    asked, output = explaining.asked, int(outputs[0])
    chosen = "log odds" if explaining.log_odds else "probability"
    columns = model.preparation.columns
    return RowReasons(
        source.name,
        row,
        asked.named(output),
        chosen if asked.model.target.task == "classification" else "value",
        dict(zip(columns, made.values[0].tolist(), strict=True)),
        {name: _said(frame[name][0]) for name in columns},
        float(np.ravel(made.baseline)[0]),
        float(made.figures[0]),
        float(made.residue[0]),
        explaining.method,
        asked.model,
        X[0],
        output,
        explaining,
    )


def _row(model: TableModel, source: Source, row: int, notes: Notes | None) -> pl.DataFrame:
    source, first = with_names(model, source), 1
    for chunk in source.chunks(present(source, model.preparation.columns)):
        if row < first + chunk.height:
            return forms_of(model, source).read_new(chunk.slice(row - first, 1), notes, first=row)
        first += chunk.height
    raise TableError(f"{source.name}: has {first - 1:,} rows, and no row {row:,}")


def _said(value: Any) -> str:
    if isinstance(value, float) and np.isfinite(value):
        return number(value, 6)
    if value is None or isinstance(value, float):
        return "missing"
    if isinstance(value, datetime) and value.time() == time.min:
        return str(value.date())
    return bare(str(value))
