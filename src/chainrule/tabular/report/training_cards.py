"""The cards of what was trained and how it went: the model, its scores and its losses."""

from __future__ import annotations

from chainrule.layers.layer_words import before_outputs
from chainrule.network import Network
from chainrule.tabular.report import plots
from chainrule.tabular.report.findings import Findings
from chainrule.tabular.report.markup import (
    Html,
    card,
    figure,
    number,
    paragraph,
    short,
    table,
    text,
    warning,
)
from chainrule.tabular.scores import SCORES


def heading(found: Findings) -> tuple[str, str]:
    """Return the title of the page, and the line below it."""
    target, rows = found.model.target, found.model.about["rows"]
    return (
        f"{short(target.column, 60)} from {short(found.source.name, 80)}",
        f"{target.task} by a network that was trained on {rows['training']:,} rows",
    )


def summary(found: Findings) -> Html:
    """Return the card of the model: its table, its network, its scores beside the baseline's."""
    about, net = found.model.about, found.model.net
    rows, made = about["rows"], about["epochs"]
    left = f"; {rows['without_target']:,} without a target left out" * bool(rows["without_target"])
    early = "; ended by early stopping" * (about["over"] == "early stopping")
    facts = {
        "table": short(found.source.name, 80),
        "target": f"{short(found.model.target.column, 60)} ({found.model.target.task})",
        "rows": f"{rows['training']:,} in training, {rows['validation']:,} held out for "
        f"validation{left}",
        "network": _layers(net),
        "parameters": number(net.size),
        "training": f"{_epochs(made)}; the best was epoch {about['best_epoch']:,}{early}",
    }
    scores = about["validation"]
    listed = "".join(f"<dt>{name}</dt><dd>{text(said)}</dd>" for name, said in facts.items())
    parts = [
        Html(f"<dl>{listed}</dl>"),
        table(
            "scores of the rows held out",
            ["score", "model", "baseline"],
            [
                [SCORES[name].word, value, scores["baseline"].get(name)]
                for name, value in scores["model"].items()
            ],
            "scores",
        ),
        paragraph(f"The baseline knows the target alone: it always predicts {_baseline(found)}."),
    ]
    if about["refit"]:
        parts.append(paragraph(f"The network was {about['refit']}."))
    parts += [warning(each) for each in about["warnings"]]
    if found.prepared.weight is not None:
        said = "Scores, losses and importances count each row with its weight; all else once."
        parts.append(paragraph(said))
    return card("The model", *parts)


def _layers(net: Network) -> str:
    """Return the layers in a row."""
    said, _ = before_outputs(net.layers, net.inputs)
    return " → ".join([f"{net.inputs:,} in", *said, f"{net.outputs:,} out"])


def _epochs(count: int) -> str:
    return f"{count:,} epoch" + "s" * (count != 1)


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
    curves, best = found.model.curves, found.model.about["best_epoch"]
    metric = found.model.about["options"].get("metric")
    loss = str(found.model.net.loss)
    training = curves["loss"]
    if metric is None:
        validation = curves["validation_loss"]
        said = (
            f"Training and validation loss over {_epochs(len(training))}: validation is lowest "
            f"after epoch {best:,}, {number(float(validation[best - 1]))}; training then is at "
            f"{number(float(training[best - 1]))}."
        )
        plot = plots.loss_plot(training, validation, best, loss, said)
        return card("Losses", figure(plot, said))
    validation, word = curves[f"validation_{metric}"], SCORES[metric].word
    said = f"Training loss over {_epochs(len(training))}; after epoch {best:,} it is at "
    said += f"{number(float(training[best - 1]))}."
    own = f"{word} of the rows held out: best after epoch {best:,}, "
    own += f"{number(float(validation[best - 1]))}."
    own = own[0].upper() + own[1:]
    return card(
        "Losses",
        figure(plots.loss_plot(training, None, best, loss, said), said),
        figure(plots.metric_plot(validation, best, word, own), own),
    )
