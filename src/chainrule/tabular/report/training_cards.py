"""The cards of what was trained and how it went: the model, its scores and its losses."""

from __future__ import annotations

from typing import Any

from chainrule.formatting import counted, number
from chainrule.html_page.markup import (
    Html,
    card,
    facts,
    figure,
    paragraph,
    short,
    warning,
)
from chainrule.layers.layer_words import in_a_row
from chainrule.tabular.encoding.target_encoding import TargetEncoder
from chainrule.tabular.model_display import members, score_table
from chainrule.tabular.report import plots
from chainrule.tabular.report.findings import Findings
from chainrule.tabular.scores import SCORES


def heading(found: Findings) -> tuple[str, str]:
    """Return the title of the page, and the line below it."""
    target, rows = found.model.target, found.model.about["rows"]
    return (
        f"{short(target.column, 60)} from {short(found.source.name, 80)}",
        f"{_task(target)} by {members(found.model) or 'a network'}, trained on "
        f"{rows['training']:,} rows",
    )


def _task(target: TargetEncoder) -> str:
    return target.task if len(target.each) == 1 else f"{len(target.each)} targets"


def summary(found: Findings) -> Html:
    """Return the card of the model: its table, its network, its scores beside the baseline's."""
    return card("The model", _facts(found), *_of_target(found), *_told(found))


def of_all(found: Findings) -> Html:
    """Return the card of a model of several targets, without what is of each."""
    return card("The model", _facts(found), *_told(found))


def scores(found: Findings) -> Html:
    """Return the card of the scores of one of several targets."""
    return card("Scores", *_of_target(found))


def _of_target(found: Findings) -> list[Html]:
    return [
        score_table(found.model.about["validation"]),
        paragraph(f"The baseline knows the target alone: it always predicts {_baseline(found)}."),
    ]


def _told(found: Findings) -> list[Html]:
    """Return what was told of a training, and what is to be doubted of it."""
    about, parts = found.model.about, []
    if about["refit"]:
        parts.append(paragraph(f"The network was {about['refit']}."))
    parts += [warning(each) for each in about["warnings"]]
    if found.prepared.weight is not None:
        said = "Scores, losses and importances count each row with its weight; all else once."
        parts.append(paragraph(said))
    return parts


def _facts(found: Findings) -> Html:
    """Return what was trained, on what, and for how long."""
    about, target, net = found.model.about, found.model.target, found.model.net
    rows, epochs = about["rows"], counted(about["epochs"], "epoch")
    left = f"; {rows['without_target']:,} without a target left out" * bool(rows["without_target"])
    early = "; ended by early stopping" * (about["over"] == "early stopping")
    said = {
        "table": short(found.source.name, 80),
        "target": f"{short(target.column, 60)} ({_task(target)})",
        "rows": f"{rows['training']:,} in training, {rows['validation']:,} held out for "
        f"validation{left}",
        "network": in_a_row(net.layers, net.inputs, net.outputs),
        "members": members(found.model),
        "parameters": number(net.size),
        "training": f"{epochs}; the best was epoch {about['best_epoch']:,}{early}",
    }
    if interval := found.model.interval:
        said["interval"] = interval.in_words(about["options"])
    return facts(said)


def _baseline(found: Findings) -> str:
    values = " and ".join(number(float(value)) for value in found.model.baseline)
    if found.model.quantiles:
        return (
            f"the quantile{'s' * (len(found.model.quantiles) > 1)} of the training rows, {values}"
        )
    if found.model.target.task == "regression":
        return f"the mean, {values}"
    return "the shares of the classes"


def losses(found: Findings) -> Html:
    """Return the card of the losses by epoch, and of what validation went by in their place."""
    metric = found.model.about["options"].get("metric")
    figures = [_loss_figure(found)] if metric is None else _metric_figures(found, metric)
    return card("Losses", *figures)


def _loss_figure(found: Findings) -> Html:
    curves, best = found.model.curves, found.model.about["best_epoch"]
    training, validation = curves["loss"], curves["validation_loss"]
    falls = found.model.about["options"].get("schedule") == "coslog4"
    of = "of those at which the rate is in a valley, " * falls
    said = (
        f"Training and validation loss over {counted(len(training), 'epoch')}: {of}validation is "
        f"best after epoch {best:,}, {_at(validation, best)}; training then is at "
        f"{_at(training, best)}."
    )
    loss = short(str(found.model.net.loss))
    return figure(plots.loss_plot(training, validation, best, loss, said), said)


def _metric_figures(found: Findings, metric: str) -> list[Html]:
    """Return the plots of the loss in training, and of the score that validation went by."""
    curves, best = found.model.curves, found.model.about["best_epoch"]
    training, score = curves["loss"], curves[f"validation_{metric}"]
    said = (
        f"Training loss over {counted(len(training), 'epoch')}; after epoch {best:,} it is at "
        f"{_at(training, best)}."
    )
    word = SCORES[metric].word
    own = f"{word} of the rows held out: best after epoch {best:,}, {_at(score, best)}."
    own = own[0].upper() + own[1:]
    loss = short(str(found.model.net.loss))
    return [
        figure(plots.loss_plot(training, None, best, loss, said), said),
        figure(plots.metric_plot(score, best, word, own), own),
    ]


def _at(curve: Any, epoch: int) -> str:
    return number(float(curve[epoch - 1]))
