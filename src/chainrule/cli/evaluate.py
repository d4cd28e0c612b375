"""The command `evaluate`: how good a model is on a table that has the target."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from chainrule.cli import scoring
from chainrule.cli.click_options import asked_reading, reads_tables
from chainrule.cli.exits import refusals
from chainrule.cli.terminal import say, say_as_json
from chainrule.cli.training_files import load_model
from chainrule.tabular.output_files import check_apart


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("table")
@reads_tables
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
def evaluate(model: Path, table: str, as_json: bool, **reading: Any) -> None:
    """Score a model on a table that has the target.

    The scores of a baseline are printed beside the model's. The baseline predicts without looking
    at the columns: the shares of the classes in training, or the mean.

    \b
    chainrule evaluate houses.model test.csv
    """
    with refusals():
        from chainrule.tabular.formats.notes import Notes

        check_apart({}, table, model)
        trained = load_model(model, table)
        source = trained.opened(table, **asked_reading(reading))
        notes = Notes()
        found = trained.evaluate(source, notes)
        for line in (*source.notes, *notes.lines()):
            say(line, err=True)
    if as_json:
        say_as_json(found)
    else:
        say("\n".join(scoring.of_scores(found)))
