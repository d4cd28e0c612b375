"""The command `diagnose`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrule.cli.click_options import asked_reading, reads_tables
from chainrule.cli.exits import refusals, usage_errors
from chainrule.cli.explaining import check_output, columns, described, goes_to, put
from chainrule.cli.terminal import say
from chainrule.cli.training_files import is_model, load_model
from chainrule.explanation.output_format import check_place, format_of
from chainrule.tabular.output_files import check_apart

if TYPE_CHECKING:
    from chainrule.diagnosis.verdict import Diagnosis

SUFFIXES = {".html": "html", ".json": "json", ".txt": "text"}
"""The formats, by the ending of a file."""


@click.command()
@click.argument("network")
@click.argument("table", required=False)
@goes_to
@reads_tables
@click.option("--json", "as_json", is_flag=True, help="Write what is found as JSON.")
@click.pass_context
def diagnose(
    ctx: click.Context,
    /,
    network: str,
    table: str | None,
    output: Path | None,
    force: bool,
    as_json: bool,
    **reading: Any,
) -> None:
    """Say why a network does not learn, and what to change.

    NETWORK is a model, and TABLE a table that has its target; or NETWORK is a file with its
    examples as `chainrule explain` reads it, whose optimizer and batches are judged too.

    With -o and a name that ends in .html, it becomes a page with pictures: the gradient by layer,
    units, steps, examples and losses, with a table beside each.

    The exit code is 0 if nothing is found, 1 if something is, and 2 for what cannot be read.

    \b
    chainrule diagnose houses.model houses.csv
    chainrule diagnose houses.model houses.csv -o diagnosis.html
    chainrule diagnose network.toml
    """
    from chainrule.explanation.network_file import network_path

    with usage_errors():
        place = output and check_place(output)
        kind = format_of("json" if as_json else None, output, SUFFIXES)
        read = [network, table] if table else [network_path(network)]
        check_output(output, *read, force=force)
    found = _of_table(network, table, reading, output) if table else _of_file(network)
    with usage_errors():
        put(_written(found, kind, columns(place)), place)
    ctx.exit(1 if found.findings else 0)


def _written(found: Diagnosis, kind: str, width: int) -> str:
    """Return a diagnosis in a format."""
    if kind == "html":
        return found.html()
    if kind == "json":
        return json.dumps(found.as_dict(), indent=2, ensure_ascii=False) + "\n"
    return found.text(width)


def _of_table(model: str, table: str, reading: dict[str, Any], output: Path | None) -> Diagnosis:
    """Diagnose a model by a table, with what is to be noted of it on the standard error."""
    with refusals():
        from chainrule.tabular.formats.notes import Notes
        from chainrule.tabular.table_diagnosis import diagnosed

        trained, notes = load_model(model, table), Notes()
        source = trained.opened(table, **asked_reading(reading))
        check_apart({"the output": output}, *source.stamps)
        found = diagnosed(trained, source, notes)
        for line in (*source.notes, *notes.lines()):
            say(line, err=True)
    return found


def _of_file(network: str) -> Diagnosis:
    """Diagnose a network by the examples of its file."""
    from chainrule.diagnosis import verdict
    from chainrule.explanation.network_file import network_path

    with usage_errors():
        path = network_path(network)
        if is_model(path):
            raise ValueError(
                f"{network}: is a model; name the table that it is diagnosed by after it"
            )
        (net, params, X, y), options = described(network, path)
        if y is None:
            raise ValueError(f"{network}: has no targets, and without them nothing can be said")
        taken = ("optimizer", "sample_weight", "freeze", "batch_size")
        return verdict.diagnose(net, params, X, y, **{name: options[name] for name in taken})
