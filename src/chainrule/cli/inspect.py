"""The command `inspect`: what is in a model file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chainrule.cli import scoring, summary
from chainrule.cli.exits import refusals
from chainrule.cli.option_names import about_in_options
from chainrule.cli.terminal import say, say_as_json
from chainrule.formatting import counted, size
from chainrule.regular_files import sha256_of
from chainrule.tabular.output_files import check_apart

if TYPE_CHECKING:
    from chainrule.tabular import TableModel
    from chainrule.tabular.columns.decision import Decision


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--json", "as_json", is_flag=True, help="Print everything in the file's header as JSON."
)
def inspect(model: Path, as_json: bool) -> None:
    """Show what is in a model file.

    MODEL is a file that `chainrule train` or `cr.save` wrote.

    \b
    chainrule inspect houses.model
    """
    with refusals():
        from chainrule.serialization import read_file

        check_apart({}, model)
        arrays, about = read_file(model)
        lines = _table_model(model) if about["kind"] == "table" else _network(model)
        sha256, length = sha256_of(model)
        if as_json:
            shapes = {name: list(array.shape) for name, array in arrays.items()}
            file = {"path": str(model), "bytes": length, "sha256": sha256}
            data = {"file": file, "arrays": shapes, **about_in_options(about)}
            say_as_json(data)
            return
    library = f"Chainrule {about['library']}, format {about['format']}"
    rows = {
        "File": f"{model}, {size(length)}",
        "SHA-256": sha256,
        "Written by": library,
    }
    say("\n".join([*lines, "", *summary.facts(rows)]))


def _table_model(path: Path) -> list[str]:
    from chainrule.tabular import TableModel

    model = TableModel.load(path)
    about, lines = model.about, summary.facts(summary.of_training(model))
    if scores := scoring.validated(model):
        lines += ["", scoring.heading(about), *scores]
    lines += scoring.warned(about)
    if "decisions" in about:
        lines += ["", "Columns:", *summary.decided(_columns(model))]
    return lines


def _columns(model: TableModel) -> list[Decision]:
    """Return what became of each column, with the number of its features."""
    from chainrule.tabular.columns.decision import Decision

    features = Counter[str]()
    for encoder in model.preparation.encoders:
        features[encoder.column] += len(encoder.features)
    return [
        Decision(
            each["column"],
            each["role"],
            f"{counted(features[each['column']], 'feature')}; {each['reason']}"
            if each["column"] in features
            else each["reason"],
        )
        for each in model.about["decisions"]
    ]


def _network(path: Path) -> list[str]:
    import chainrule as cr

    net, params, history = cr.load(path)
    rows = {"Network": summary.architecture(net, params), "Loss": str(net.loss)}
    if history is not None:
        rows["Training"] = counted(history.epochs, "epoch")
    return summary.facts(rows)
