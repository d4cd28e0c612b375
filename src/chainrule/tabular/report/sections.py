"""The cards of the page: what was trained, how it went, how good it is, and what it rests on."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.layers import Dense
from chainrule.network import Network
from chainrule.tabular.report import figures, plots
from chainrule.tabular.report.findings import Findings
from chainrule.tabular.report.importance import REPEATS
from chainrule.tabular.report.markup import (
    Html,
    card,
    figure,
    number,
    paragraph,
    short,
    table,
    text,
)
from chainrule.tabular.report.pulling import Pull, Pulls
from chainrule.tabular.scores import WORDS

CLASSES = 20
"""The most classes whose confusion is shown whole, and that have a row each."""

COLUMNS = 20
"""The most columns whose importance is shown."""

DECISIONS = 200
"""The most columns whose decision is shown."""

POINTS = 1_000
"""The most points of a plot."""


def heading(found: Findings) -> tuple[str, str]:
    """Return the title of the page, and the line below it."""
    target, rows = found.model.target, found.model.about["rows"]
    return (
        f"{short(target.column, 60)} from {short(found.source.name, 80)}",
        f"{target.task} by a network that was trained on {rows['training']:,} rows",
    )


def cards(found: Findings) -> Iterator[Html]:
    """Yield the cards of the page in their order."""
    yield _summary(found)
    yield _losses(found)
    if found.model.target.task == "classification":
        yield from _classification(found)
    else:
        yield from _regression(found)
    yield _importances(found)
    yield _pulls(found)
    yield _decisions(found)
    yield _options(found)


def _summary(found: Findings) -> Html:
    about, net = found.model.about, found.model.net
    rows, made = about["rows"], about["epochs"]
    left = f"; {rows['without_target']:,} without a target left out" * bool(rows["without_target"])
    facts = {
        "table": short(found.source.name, 80),
        "target": f"{short(found.model.target.column, 60)} ({found.model.target.task})",
        "rows": f"{rows['training']:,} in training, {rows['validation']:,} held out for "
        f"validation{left}",
        "network": _layers(net),
        "parameters": number(net.size),
        "epochs": f"{made:,}, of which {about['best_epoch']:,} was the best and is kept"
        + "; ended by early stopping" * (about["over"] == "early stopping"),
    }
    scores = about["validation"]
    listed = "".join(f"<dt>{name}</dt><dd>{text(said)}</dd>" for name, said in facts.items())
    parts = [
        Html(f"<dl>{listed}</dl>"),
        table(
            "scores of the rows held out",
            ["score", "model", "baseline"],
            [
                [WORDS[name], value, scores["baseline"].get(name)]
                for name, value in scores["model"].items()
            ],
            "scores",
        ),
        paragraph(f"The baseline knows the target alone: it always predicts {_baseline(found)}."),
    ]
    if found.prepared.weight is not None:
        parts.append(paragraph("The scores and losses count each row with its weight; the figures "
                               "below count each once."))  # fmt: skip
    return card("The model", *parts)


def _layers(net: Network) -> str:
    """Return the layers in a row."""
    said = [
        f"{layer.units:,} {layer.activation}" if isinstance(layer, Dense) else str(layer)
        for layer in net.layers[:-1]
    ]
    return " → ".join([f"{net.inputs:,} in", *said, f"{net.outputs:,} out"])


def _baseline(found: Findings) -> str:
    if found.model.target.task == "regression":
        return f"the mean, {number(float(found.model.baseline[0]))}"
    return "the shares of the classes"


def _losses(found: Findings) -> Html:
    curves, best = found.model.curves, found.model.about["best_epoch"]
    losses, validation = curves["loss"], curves["validation_loss"]
    said = (
        f"Training and validation loss over {len(losses):,} epochs: validation is lowest after "
        f"epoch {best:,}, {number(float(validation[best - 1]))}; training then is at "
        f"{number(float(losses[best - 1]))}."
    )
    plot = plots.loss_plot(losses, validation, best, str(found.model.net.loss), said)
    return card("Losses", figure(plot, said))


def _classification(found: Findings) -> Iterator[Html]:
    names = [str(name) for name in found.model.target.classes]  # type: ignore[attr-defined]
    guess = found.p.argmax(axis=1)
    yield _confusion(found, guess, names)
    yield _classes(found, guess, names)
    yield _calibration(found, names)


def _confusion(found: Findings, guess: Any, names: list[str]) -> Html:
    if len(names) > CLASSES:
        pairs = figures.confused_pairs(found.y, guess, len(names))
        return card("Confusion", table(
            f"the most frequent of {len(pairs):,} pairs of classes that were confused",
            ["class", "taken for", "rows"],
            [[names[a], names[b], count] for a, b, count in pairs[:CLASSES]],
        ))  # fmt: skip
    counts = figures.confusion(found.y, guess, len(names))
    rows = [
        [name, *(_shaded(int(count), count / max(own.sum(), 1), j == k)
                 for k, count in enumerate(own))]
        for j, (name, own) in enumerate(zip(names, counts, strict=True))
    ]  # fmt: skip
    return card("Confusion", table(
        "rows of each class by the class predicted", ["class", *names], rows, "confusion"
    ))  # fmt: skip


def _shaded(count: int, share: float, right: bool) -> Html:
    colour = "plus" if right else "minus"
    return Html(
        f'<td class="number" style="background: color-mix(in srgb, var(--{colour}) '
        f'{45 * share:.0f}%, transparent)">{count:,}</td>'
    )


def _classes(found: Findings, guess: Any, names: list[str]) -> Html:
    scores = figures.class_scores(found.y, guess, len(names))
    caption = "how well each class is told"
    if len(scores) > CLASSES:
        caption = f"the {CLASSES} of {len(scores):,} classes that are told worst"
        known = [score for score in scores if not np.isnan(score.f1)]
        scores = sorted(known, key=lambda score: score.f1)[:CLASSES]
    return card("Classes", table(
        caption,
        ["class", "precision", "recall", "F1", "rows"],
        [[names[label], *rest] for label, *rest in scores],
    ))  # fmt: skip


def _calibration(found: Findings, names: list[str]) -> Html:
    bins = figures.calibration(found.y, found.p)
    two = len(names) == 2
    whose = f"of {short(names[1])}" if two else "of the class predicted"
    said = (
        f"What came of the predicted probabilities {whose}, beside the line of equality: they are "
        f"{number(figures.calibration_error(bins))} away from it on average."
    )
    return card("Calibration", figure(plots.calibration_plot(bins, said), said), table(
        "the bins of the curve",
        ["predicted", "came true", "rows"],
        bins,
    ))  # fmt: skip


def _regression(found: Findings) -> Iterator[Html]:
    predicted = found.p[:, 0].astype(float)
    residuals = found.y - predicted
    n = len(residuals)
    seed = int(found.model.about["options"]["seed"])
    some = np.random.default_rng(seed).permutation(n)[:POINTS]
    of = "" if n <= POINTS else f" ({POINTS:,} of {n:,} rows, drawn)"
    said = f"Predicted over true values of the rows held out{of}."
    yield card("Predicted and true", figure(
        plots.true_plot(found.y[some], predicted[some], said), said
    ))  # fmt: skip
    said = f"Residuals, true less predicted, over predicted values{of}."
    yield card("Residuals", figure(
        plots.residual_plot(predicted[some], residuals[some], said), said
    ))  # fmt: skip
    yield _histogram(residuals)


def _histogram(residuals: Any) -> Html:
    bars = figures.histogram(residuals)
    low, middle, high = (number(float(q)) for q in np.quantile(residuals, [0.05, 0.5, 0.95]))
    said = (
        f"Residuals of {len(residuals):,} rows held out: nine in ten lie between {low} and {high}, "
        f"the median is {middle}."
    )
    if bars.beyond:
        said += f" The outermost bars hold {bars.beyond:,} that lie beyond them."
    return card("Distribution of the residuals", figure(plots.histogram_plot(bars, said), said))


def _importances(found: Findings) -> Html:
    matter = found.importances
    if matter is None:
        return card("Columns that matter", paragraph("A single row is held out: none to shuffle."))
    most = max(each.mean for each in matter.columns)
    rows = [
        [column, _bar(mean / most if most > 0 else 0.0), _rounded(mean), f"± {_rounded(spread):g}"]
        for column, mean, spread in matter.columns[:COLUMNS]
    ]
    held, all_columns = len(found.y), len(found.model.preparation.columns)
    examples = f"{matter.examples:,} rows held out"
    if matter.examples < held:
        examples = f"{matter.examples:,} of {held:,} rows held out, drawn"
    of = ""
    if matter.shuffled < all_columns:
        of = f" Of {all_columns:,} columns, the {matter.shuffled:,} were shuffled that move the "
        of += "outputs most."
    elif all_columns > COLUMNS:
        of = f" {COLUMNS} of {all_columns:,} columns are shown."
    return card(
        "Columns that matter",
        table(
            f"what {matter.score} loses where a column is shuffled",
            ["column", "", "loss", "deviation"],
            rows,
            "importance",
        ),
        paragraph(
            f"Permutation importance on {examples}: the mean over {REPEATS} shuffles, and their "
            f"standard deviation. Columns that tell the same share what they matter.{of}"
        ),
    )


def _rounded(value: float) -> float:
    """Return a value without the noise of its last digits."""
    return round(value, 6)


def _bar(share: float) -> Html:
    return Html(f'<td class="bar"><span style="width: {100 * max(share, 0):.1f}%"></span></td>')


def _pulls(found: Findings) -> Html:
    parts = [_pull_table(found, part, own) for part, own in found.pulls.items()]
    note = (
        "How hard a row pulls on the parameters: the length of the gradient of its own loss, at "
        "the parameters kept. Wrong labels and rows unlike all others rise to the top."
    )
    return card("Rows that pull hardest", paragraph(note), *parts, wide=True)


def _pull_table(found: Findings, part: str, own: Pulls) -> Html:
    of = f"{own.examples:,}" if own.taken == own.examples else (
        f"{own.taken:,} drawn from {own.examples:,}"
    )  # fmt: skip
    classes = found.model.target.task == "classification"
    more = ["probability of the target"] if classes else ["residual"]
    return table(
        f"{part}: the {len(own.strongest)} longest gradients of {of} rows",
        ["row", *found.shown, found.model.target.column, "predicted", *more, "gradient"],
        [_pull_row(found, pull) for pull in own.strongest],
        "pulls",
    )


def _pull_row(found: Findings, pull: Pull) -> list[Any]:
    target, values = found.model.target, found.values[pull.row]
    shown = [values[name] for name in found.shown]
    given = values[target.column]
    if target.task == "classification":
        classes = target.classes  # type: ignore[attr-defined]
        made: list[Any] = [str(classes[pull.p.argmax()]), float(pull.p[pull.y])]
        given = str(given)
    else:
        true = float(target.decode(pull.y[None]).item())
        made = [float(pull.p[0]), true - float(pull.p[0])]
    return [pull.row, *shown, given, *made, pull.norm]


def _decisions(found: Findings) -> Html:
    decisions = found.prepared.decisions
    rows = [
        [d.column, d.role, text(short(d.reason, 200)), _code(d.option)]
        for d in decisions[:DECISIONS]
    ]
    parts = [table(
        "what became of each column", ["column", "role", "because", "another way"], rows,
        "decisions",
    )]  # fmt: skip
    rest = Counter(d.role for d in decisions[DECISIONS:])
    if rest:
        roles = ", ".join(f"{role} {count:,}" for role, count in rest.items())
        parts.append(paragraph(f"… and {rest.total():,} columns more: {roles}."))
    parts += [paragraph(note) for note in found.source.notes]
    return card("Decisions on the columns", *parts, wide=True)


def _options(found: Findings) -> Html:
    """Return the options in force, as the command takes them."""
    given = found.model.about["options"]
    said = [
        _code(f"--{name.replace('_', '-')} {shlex.quote(_option(value))}")
        for name, value in given.items()
        if value != []
    ]
    return card("Options in force", Html(f'<p class="options">{" ".join(said)}</p>'), wide=True)


def _option(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _code(option: str) -> Html:
    return Html(f"<code>{text(short(option, 200))}</code>") if option else Html("")
