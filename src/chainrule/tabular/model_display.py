"""What is shown of a trained model: what it is of, its scores, and how it learnt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from chainrule.formatting import counted, number
from chainrule.html_page.curve import curves
from chainrule.html_page.markup import (
    Html,
    facts,
    number_cell,
    paragraph,
    short,
    table,
    warning,
)
from chainrule.html_page.notebook_part import in_notebook
from chainrule.layers.layer_words import in_a_row
from chainrule.tabular.scores import SCORES

if TYPE_CHECKING:
    from chainrule.tabular.table_model import TableModel


def display(model: TableModel) -> str:
    """Return what a notebook shows of a model; a file may hold only some of it.

    >>> model = cr.train("sklearn:wine", "target", epochs=2, effort="fast")
    >>> "<dt>target</dt><dd>target (classification)</dd>" in display(model)
    True
    """
    doubts = map(warning, model.about.get("warnings", ()))
    return in_notebook(_facts(model), *_scores(model.about), _losses(model), *doubts)


def _facts(model: TableModel) -> Html:
    rows, each = model.about.get("rows"), model.target.each
    task = model.target.task if len(each) == 1 else counted(len(each), "target")
    held = f"{rows['training']:,} in training, {rows['validation']:,} held out" if rows else ""
    return facts(
        {
            "target": f"{short(model.target.column, 60)} ({task})",
            "rows": held,
            "columns": number(len(model.preparation.columns)),
            "network": in_a_row(model.net.layers, model.net.inputs, model.net.outputs),
            "parameters": number(model.net.size),
            "members": members(model),
        }
    )


def _scores(about: Mapping[str, Any]) -> Iterator[Html]:
    """Yield the tables of scores, of several targets one for each below its name."""
    if "targets" in about:
        for name, found in about["targets"].items():
            yield paragraph(short(name, 60))
            yield score_table(found)
    elif "validation" in about:
        yield score_table(about["validation"])


def _losses(model: TableModel) -> Html:
    """Return the curve of the losses, and of validation's where it went by them."""
    names = {"training": "loss", "validation": "validation_loss"}
    found = ((word, model.curves.get(name)) for word, name in names.items())
    lines = {word: line.tolist() for word, line in found if line is not None}
    epochs = len(lines.get("training", ()))
    best = model.about.get("best_epoch", 0)
    chosen = f", of which epoch {best:,} was the best" if best else ""
    return curves(lines, best, f"Losses over {counted(epochs, 'epoch')}{chosen}.")


def members(model: TableModel) -> str:
    """Return of how many networks the mean is predicted, "" of one.

    >>> members(cr.train("sklearn:wine", "target", epochs=2, effort="fast", members=3))
    'the mean of 3 networks'
    """
    return f"the mean of {len(model.members)} networks" if model.others else ""


def score_table(scores: Mapping[str, Any]) -> Html:
    """Return the table of the scores, which are written as on a terminal.

    >>> print(score_table({"model": {"rmse": 1.5}, "baseline": {"rmse": 3.0}}))
    <div class="table"...RMSE</th><td class="number">1.5</td><td class="number">3</td></tr>...
    """
    model, baseline = scores["model"], scores["baseline"]
    rows = [
        (
            SCORES[name].word,
            *(number_cell(SCORES[name].text(part.get(name))) for part in (model, baseline)),
        )
        for name in model
        if name in SCORES
    ]
    return table("scores of the rows held out", ["score", "model", "baseline"], rows, "scores")
