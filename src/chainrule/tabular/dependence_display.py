"""A picture of what a model makes of a column: the mean over rows, and the curve of each row.

v   (g,) the values that the column is given      p   (n, g)   predictions of n rows
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainrule.errors import check_whole, unknown_name
from chainrule.extras import library
from chainrule.html_page.colours import BLUE, GREY
from chainrule.tabular.asked_figure import asked_figure
from chainrule.tabular.column_dependence import ROWS, column_predictions, is_ordered

if TYPE_CHECKING:
    from polars.series.series import Series

Array = NDArray[Any]

KINDS = ("average", "individual", "both")

CURVES = 50
"""The most curves of single rows that are drawn: more hide one another."""


class DependenceDisplay:
    """What a model predicts as a column changes: on average, and for single rows.

    Parameters
    ----------
    values
        What the column is given, (g,); None where rows have no value.
    predictions
        What is predicted of each row with each value, (n, g).
    column, output
        What the axes are called: the column, and what is predicted.
    ordered
        Whether the values are numbers or dates, between which there are others.
    kind
        "average", "individual" or "both".
    curves
        The most rows whose curves are drawn, at equal distances among the rows.
    centered
        Whether each curve begins at 0: what is drawn is by how much the prediction differs from
        that for the first value, so that rows that differ in level lie on one another.

    Attributes
    ----------
    ax_, figure_
        The axes and their figure.
    lines_
        The curves of single rows.
    mean_line_
        The curve of the mean over all rows; None where it is not asked for.

    Notes
    -----
    Source: Goldstein, Kapelner, Bleich and Pitkin (2015), Peeking inside the black box,
    arXiv:1309.6392.

    Examples
    --------
    >>> wine = cr.train("sklearn:wine", "target", effort="fast", epochs=2, hidden=[4])
    >>> display = cr.DependenceDisplay.from_estimator(wine, "sklearn:wine", "alcohol", rows=20)
    >>> display.ax_.get_xlabel(), len(display.lines_)
    ('alcohol', 20)
    """

    values: Series
    predictions: Array
    column: str
    output: str
    ordered: bool
    kind: str
    curves: int
    ax_: Any
    figure_: Any

    def __init__(
        self,
        values: pl.Series,
        predictions: Array,
        *,
        column: str,
        output: str,
        ordered: bool,
        kind: str = "both",
        curves: int = CURVES,
        centered: bool = False,
    ) -> None:
        self.values, self.predictions = values, predictions
        self.column, self.output = column, output
        self.ordered, self.kind, self.curves = ordered, kind, curves
        self.centered = centered

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        table: Any,
        column: Any,
        *,
        output: str | None = None,
        kind: str = "both",
        values: Sequence[Any] | None = None,
        rows: int = ROWS,
        curves: int = CURVES,
        centered: bool = False,
        ax: Any = None,
        **kwargs: Any,
    ) -> DependenceDisplay:
        """Draw what a model makes of a column.

        Raises ValueError for another kind or output, and what `partial_dependence` raises.

        Parameters
        ----------
        estimator
            A model of `cr.train`, or a fitted `TabularClassifier` or `TabularRegressor`.
        table, column, values, rows
            As in `partial_dependence`.
        output
            A class, a quantile, or one of several targets; left out, the last class, the quantity,
            or the middle quantile.
        kind, curves, centered
            As above.
        ax
            The axes to draw on; left out, a new figure.
        **kwargs
            Those of `plot`.
        """
        if kind not in KINDS:
            raise unknown_name("kind", kind, KINDS)
        curves = check_whole("curves", curves, least=1)
        model = getattr(estimator, "model_", estimator)
        given, p = column_predictions(model, table, column, values, rows, {})
        names = model.outputs_named
        asked = asked_figure(model, output)
        own = len(asked.model.outputs_named) - 1 if asked.output is None else asked.output
        name = asked.named(own)
        before = 0
        for part in model.parts if len(model.target.each) > 1 else ():
            if part.target.column == asked.model.target.column:
                break
            before += part.net.outputs
        assert before + own < len(names)
        display = cls(
            given,
            p[:, :, before + own],
            column=given.name,
            output=name,
            ordered=is_ordered(model, given.name),
            kind=kind,
            curves=curves,
            centered=centered,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> DependenceDisplay:
        """Draw the curves; what has no value is a category of its own, behind a number's curve.

        Parameters
        ----------
        ax
            The axes to draw on; left out, a new figure.
        **kwargs
            What matplotlib's `plot` takes, for the curve of the mean.
        """
        if ax is None:
            _, ax = library("matplotlib.pyplot", "plot").subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        p = self.predictions
        p = p - p[:, :1] if self.centered else p
        self.lines_: list[Any] = []
        self.mean_line_: Any = None
        there = self.values.is_not_null().to_numpy()
        x = self.values.filter(pl.Series(there)).to_numpy() if self.ordered else None
        if self.kind != "average":
            n = len(p)
            chosen = np.unique(np.linspace(0, n - 1, min(n, self.curves)).round().astype(int))
            for row in p[chosen]:
                self.lines_ += self._curve(x, row, there, color=GREY, linewidth=0.7, alpha=0.4)
        if self.kind != "individual":
            drawn = {"color": BLUE, "linewidth": 2.5, "label": "mean over the rows", **kwargs}
            (self.mean_line_,) = self._curve(x, p.mean(axis=0), there, **drawn)
            self.ax_.legend(frameon=False)
        if x is None:
            words = ["missing" if each is None else str(each) for each in self.values]
            self.ax_.set_xticks(range(len(words)), words, parse_math=False)  # $ is one of a name
        what = "change of the predicted" if self.centered else "predicted"
        self.ax_.set_xlabel(self.column, parse_math=False)
        self.ax_.set_ylabel(f"{what} {self.output}", parse_math=False)
        self.ax_.spines[["top", "right"]].set_visible(False)
        self.ax_.grid(axis="y", alpha=0.25)
        return self

    def _curve(
        self, x: Array | None, p: Array, there: NDArray[np.bool_], **style: Any
    ) -> list[Any]:
        """Draw a curve, through points where the values are categories."""
        if x is None:
            return list(self.ax_.plot(range(len(p)), p, marker="o", **style))
        if not there.all():  # a level by itself: no value lies beside no value
            self.ax_.axhline(p[~there][0], linestyle=":", **{**style, "label": None})
        return list(self.ax_.plot(x, p[there], **style))
