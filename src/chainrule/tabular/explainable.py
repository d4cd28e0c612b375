"""What a model says of its predictions: what each column contributed to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

import polars as pl

from chainrule.errors import check_whole, unknown_name
from chainrule.tabular.asked_figure import METHODS, asked_figure
from chainrule.tabular.files.source import Source
from chainrule.tabular.formats.notes import Notes
from chainrule.tabular.mean_row import mean_row
from chainrule.tabular.read_options import column_name

if TYPE_CHECKING:
    from chainrule.tabular.column_contributions import Explaining
    from chainrule.tabular.row_reasons import RowReasons
    from chainrule.tabular.table_model import TableModel

MANY, ONE = 1e-2, 2e-6
"""The greatest error of a contribution, as a share of all their sizes: of many rows, and of one."""


class Explainable:
    """The methods of a `TableModel` that explain its predictions.

    >>> issubclass(cr.TableModel, Explainable)
    True
    """

    def why(
        self,
        table: Any,
        notes: Notes | None = None,
        *,
        output: str | None = None,
        log_odds: bool = False,
        method: str = "gradients",
        against: Any = None,
        keep: Iterable[Any] = (),
        **reading: Any,
    ) -> pl.DataFrame:
        r"""Return what each column contributed to the prediction for each row of a table.

        $$c_k = \int_0^1 \sum_{j \in k} \frac{\partial F}{\partial x_j}(b + t (x - b))
          \,(x_j - b_j)\,dt,\qquad F(x) = F(b) + \sum_k c_k$$

        x is the row as the model prepares it and b the mean of the rows in training; the prepared
        numbers j of a column k are taken together. Each contribution is right to within 1 % of the
        sum of their sizes, by estimate. Their sum differs from the value less the baseline by the
        residue: by rounding, as a rule, and by no more than that 1 %.

        Parameters
        ----------
        table, notes, keep, **reading
            As in `predict`.
        output
            What is explained: a class, `quantile_0.5`, or of several targets one of them or of
            their outputs. Left out, the class predicted, the quantity, or the middle quantile.
        log_odds
            Whether of a class ln(p / (1 − p)) is explained, which goes on where p is nearly 1.
        method
            "gradients", or for up to 12 columns "shapley": by prediction for all sets of columns.
        against
            A table whose mean row is the baseline, in place of that of training.

        Returns
        -------
        polars.DataFrame
            Of each row the columns kept, `output`, `value`, `baseline`, `residue` and
            `contribution_<column>` for each column.

        Raises
        ------
        TableError, ValueError
            Where the table lacks what the model needs, or there is no such output.

        Examples
        --------
        >>> model = cr.train("sklearn:diabetes", "target", effort="fast", epochs=2)
        >>> model.why("sklearn:diabetes").columns[:6]
        ['output', 'value', 'baseline', 'residue', 'contribution_age', 'contribution_sex']
        """
        kept = tuple(map(column_name, (keep,) if isinstance(keep, str) else keep))
        asked = self.explaining(output, log_odds, method, against, MANY)
        source = cast("TableModel", self).opened(table, **reading)
        return pl.concat(list(self.contributions(source, asked, notes, keep=kept)))

    def contributions(
        self,
        source: Source,
        asked: Explaining,
        notes: Notes | None = None,
        *,
        keep: tuple[str, ...] = (),
    ) -> Iterator[pl.DataFrame]:
        """Yield the contributions for a source chunk by chunk.

        Parameters
        ----------
        source
            The table, opened.
        asked
            What `explaining` returned.
        notes, keep
            As in `predict`.
        """
        from chainrule.tabular.column_contributions import contributions_by_chunk

        yield from contributions_by_chunk(cast("TableModel", self), source, asked, notes, keep)

    def why_row(
        self,
        table: Any,
        row: int,
        notes: Notes | None = None,
        *,
        output: str | None = None,
        log_odds: bool = False,
        method: str = "gradients",
        against: Any = None,
        **reading: Any,
    ) -> RowReasons:
        """Return the same for one row, with a waterfall as `text()` and as a page, `html()`.

        The contributions add up to within 2e-6 of the sum of their sizes, and as printed exactly.

        Parameters
        ----------
        table, notes, output, log_odds, method, against, **reading
            As in `why`.
        row
            The number of the row, from 1.

        Examples
        --------
        >>> model = cr.train("sklearn:diabetes", "target", effort="fast", epochs=2)
        >>> model.why_row("sklearn:diabetes", 3).title
        'why target in row 3 of sklearn:diabetes'
        """
        from chainrule.tabular.row_reasons import reasons_of_row

        check_whole("row", row, least=1)
        model = cast("TableModel", self)
        asked = self.explaining(output, log_odds, method, against, ONE)
        return reasons_of_row(model, model.opened(table, **reading), row, asked, notes)

    def explaining(
        self,
        output: str | None = None,
        log_odds: bool = False,
        method: str = "gradients",
        against: Any = None,
        tolerance: float = MANY,
    ) -> Explaining:
        """Return what is asked of an explanation, checked.

        Parameters
        ----------
        output, log_odds, method, against
            As in `why`.
        tolerance
            The greatest error of a contribution, as a share of the sum of all their sizes.
        """
        from chainrule.tabular.column_contributions import Explaining

        model = cast("TableModel", self)
        if method not in METHODS:
            raise unknown_name("method", method, METHODS)
        asked = asked_figure(model, output)
        if log_odds and asked.model.target.task != "classification":
            raise ValueError(
                f"log odds are of classes, and {asked.model.target.column!r} is a quantity; leave "
                "`log_odds=` out"
            )
        baseline = mean_row(model, None if against is None else model.opened(against))
        return Explaining(asked, baseline, log_odds, method, tolerance)  # type: ignore[arg-type]
