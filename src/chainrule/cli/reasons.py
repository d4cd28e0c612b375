"""What `explain` does without `--of`: what each column contributed to predictions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrule.cli.click_options import OptionType, joined, names
from chainrule.cli.option_names import option_name
from chainrule.cli.terminal import say
from chainrule.formatting import number
from chainrule.tabular.asked_figure import METHODS
from chainrule.tabular.output_files import check_apart, check_predictions

if TYPE_CHECKING:
    import polars as pl

    from chainrule.tabular import TableModel
    from chainrule.tabular.files.source import Source

SUFFIXES = {".html": "html", ".txt": "text"}
"""The formats of one row, by the ending of a file."""


def asks_why(command: Any) -> Any:
    """Add the options of explanations of predictions."""
    options = (
        click.option(
            "--for",
            "asked",
            metavar="NAME",
            help="Without --of: which class, quantile or target; by default the class predicted.",
        ),
        click.option(
            "--log-odds",
            is_flag=True,
            help="Without --of: explain ln(p / (1 - p)) of a class in place of p.",
        ),
        click.option(
            "--method",
            type=click.Choice(list(METHODS)),
            help="Without --of: integrated gradients, the default, or Shapley values of few "
            "columns.",
        ),
        click.option(
            "--against",
            metavar="TABLE",
            help="Without --of: compare with the mean row of this table, not with that of "
            "training.",
        ),
        click.option(
            "--keep",
            type=OptionType("NAMES", names),
            multiple=True,
            help="Without --of and --row: columns of the table to copy to the output.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def check_of_predictions(given: dict[str, Any], of_chains: dict[str, Any], row: int | None) -> None:
    """Refuse options of chain rules without `--of`, and `--keep` of one row."""
    for name, value in of_chains.items():
        if value is not None:
            raise ValueError(f"{option_name(name)} is of a chain rule; name it by --of")
    if row is not None and given["keep"]:
        raise ValueError("--keep is of all rows; leave --row out")


def check_of_chain_rule(given: dict[str, Any]) -> None:
    """Refuse options of explanations of predictions beside `--of`."""
    for name, value in given.items():
        if value:
            flag = option_name("for" if name == "asked" else name)
            raise ValueError(f"{flag} explains a prediction; leave --of out")


def format_of_row(name: str | None) -> str | None:
    """Return a format of one row, or refuse another."""
    if name not in (None, *SUFFIXES.values()):
        raise ValueError(f"--format {name} is of a chain rule; name it by --of")
    return name


def why_rows(
    model: TableModel, source: Source, given: dict[str, Any], output: Path | None, *, force: bool
) -> None:
    """Write the contributions to the prediction for each row as a table, or print them as CSV."""
    from chainrule.tabular.files.table_writers import open_sink
    from chainrule.tabular.formats.notes import Notes

    check_apart({"the output": output}, *source.stamps)
    if output:
        check_predictions(output, force=force)
    asked = model.explaining(**_asked(given))
    notes, worst = Notes(), 0.0
    with open_sink(output, overwrite=True) as sink:
        for chunk in model.contributions(source, asked, notes, keep=tuple(joined(given["keep"]))):
            worst = max(worst, _share(chunk))
            sink.write(chunk)
    _tell(source, notes)
    say(f"they add up to within {number(100 * worst, 2)} % of the sum of their sizes", err=True)


def why_row(
    model: TableModel,
    source: Source,
    row: int,
    given: dict[str, Any],
    kind: str,
    width: int,
    top: int,
) -> str:
    """Return what each column contributed to the prediction for a row, as a text or a page."""
    from chainrule.tabular.formats.notes import Notes

    notes = Notes()
    found = model.why_row(source, row, notes, **_asked(given))
    _tell(source, notes)
    if model.means is None and not given["against"]:
        say("the model's file tells no means: in place of the mean row stand medians", err=True)
    return found.html() if kind == "html" else found.text(width, top)


def _asked(given: dict[str, Any]) -> dict[str, Any]:
    return {
        "output": given["asked"],
        "log_odds": given["log_odds"],
        "method": given["method"] or next(iter(METHODS)),
        "against": given["against"],
    }


def _share(chunk: pl.DataFrame) -> float:
    """Return the greatest residue of some rows, as a share of the sum of the sizes."""
    import numpy as np

    from chainrule.tabular.prediction_columns import CONTRIBUTION

    own = [name for name in chunk.columns if name.startswith(CONTRIBUTION)]
    sizes = np.abs(chunk.select(own[-len(own) :]).to_numpy()).sum(axis=1)
    residues = np.abs(chunk["residue"].to_numpy())
    return float(
        np.max(residues / np.maximum(sizes, np.finfo(float).tiny), initial=0, where=sizes > 0)
    )


def _tell(source: Source, notes: Any) -> None:
    for line in (*source.notes, *notes.lines()):
        say(line, err=True)
