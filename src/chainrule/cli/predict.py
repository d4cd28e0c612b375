"""The command `predict`: from a model and a table to predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from chainrule.cli.click_options import (
    OptionType,
    asked_reading,
    forced,
    joined,
    names,
    reads_tables,
)
from chainrule.cli.exits import refusals
from chainrule.cli.terminal import say
from chainrule.cli.training_files import load_model
from chainrule.tabular.output_files import check_apart, check_predictions


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("table")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write to this file, in the format of its ending, also over earlier predictions.",
)
@forced
@click.option(
    "--keep",
    type=OptionType("NAMES", names),
    multiple=True,
    help="Columns of the table to copy to the output.",
)
@reads_tables
def predict(
    model: Path,
    table: str,
    output: Path | None,
    keep: tuple[list[str], ...],
    force: bool,
    **reading: Any,
) -> None:
    """Predict the target of each row of a table.

    MODEL is what `chainrule train` saved. The table needs the columns that the model was trained
    on, in any order. Without -o the predictions are printed as CSV. Rows are read, predicted and
    written in chunks.

    \b
    chainrule predict houses.model new.csv -o predictions.parquet
    chainrule predict houses.model new.csv --keep id | head
    """
    with refusals():
        from chainrule.tabular.files.table_writers import open_sink
        from chainrule.tabular.formats.notes import Notes

        check_apart({"the output": output}, table, model)
        trained = load_model(model, table)
        source = trained.opened(table, **asked_reading(reading))
        check_apart({"the output": output}, *source.stamps)
        if output:
            check_predictions(output, force=force)
        notes = Notes()
        with open_sink(output, overwrite=True) as sink:
            for chunk in trained.predictions(source, notes, keep=tuple(joined(keep))):
                sink.write(chunk)
        for line in (*source.notes, *notes.lines()):
            say(line, err=True)
