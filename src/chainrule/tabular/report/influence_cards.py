"""The cards of which columns matter, and which rows have the largest gradients."""

from __future__ import annotations

from typing import Any

from chainrule.html_page.markup import Html, bar, card, paragraph, table
from chainrule.tabular.report.example_gradients import ExampleGradient, LargestGradients
from chainrule.tabular.report.findings import Findings
from chainrule.tabular.report.importance import REPEATS, Importances

COLUMNS = 20
"""The most columns whose importance is shown."""


def columns(found: Findings, shown: int = COLUMNS) -> Html:
    """Return the card of the columns that matter."""
    matter = found.importances
    if matter is None:
        nothing = paragraph("Only one row is held out, so there is nothing to shuffle.")
        return card("Columns that matter", nothing)
    most = max(each.mean for each in matter.columns)
    rows = [
        [column, bar(mean / most if most > 0 else 0.0), _rounded(mean), _rounded(spread)]
        for column, mean, spread in matter.columns[:shown]
    ]
    caption = f"the drop of {matter.score} when a column is shuffled"
    head = ["column", "importance", "drop", "deviation"]
    return card(
        "Columns that matter",
        table(caption, head, rows, "importance"),
        paragraph(
            f"Permutation importance on {_examples(found, matter)}: the mean over {REPEATS} "
            "shuffles, and their standard deviation. Correlated columns share their importance."
            f"{_left_out(found, matter, shown)}"
        ),
    )


def _examples(found: Findings, matter: Importances) -> str:
    """What the columns were shuffled in."""
    held_out = len(found.y)
    if matter.examples < held_out:
        return f"{matter.examples:,} of {held_out:,} rows held out, drawn at random"
    return f"{matter.examples:,} rows held out"


def _left_out(found: Findings, matter: Importances, shown: int) -> str:
    """Which columns are not shown, and what R¹ is that those of quantiles lose."""
    every, said = len(found.model.preparation.columns), ""
    if matter.shuffled < every:
        said = (
            f" Of {every:,} columns, only the {matter.shuffled:,} that move the outputs most were "
            "shuffled."
        )
    elif every > shown:
        said = f" {shown} of {every:,} columns are shown."
    if found.model.quantiles:
        said += " R¹ is one less the pinball loss over that of the baseline."
    return said


def _rounded(value: float) -> float:
    """Return a value without the noise of its last digits."""
    return round(value, 6)


def rows(found: Findings) -> Html:
    """Return the card of the rows with the largest gradients."""
    parts = [_gradient_table(found, part, own) for part, own in found.gradients.items()]
    note = (
        "The norm of the gradient of each row's own loss, after the best epoch. Wrong labels and "
        "outliers rise to the top."
    )
    return card("Rows with the largest gradients", paragraph(note), *parts, wide=True)


def _gradient_table(found: Findings, part: str, own: LargestGradients) -> Html:
    of = f"{own.examples:,}" if own.taken == own.examples else (
        f"{own.taken:,} drawn from {own.examples:,}"
    )  # fmt: skip
    classes = found.model.target.task == "classification"
    levels = found.model.quantiles
    predicted = f"quantile {levels[len(levels) // 2]:g}" if levels else "predicted"
    more = ["probability of the target"] if classes else ["residual"]
    return table(
        f"{part}: the {len(own.largest)} largest gradients of {of} rows",
        ["row", *found.shown, found.model.target.column, predicted, *more, "gradient"],
        [_gradient_row(found, each) for each in own.largest],
        "gradients",
    )


def _gradient_row(found: Findings, of: ExampleGradient) -> list[Any]:
    target, values = found.model.target, found.values[of.row]
    shown = [values[name] for name in found.shown]
    if target.task == "classification":
        classes = target.classes  # type: ignore[attr-defined]
        said = [str(classes[of.y]), str(classes[of.p.argmax()]), float(of.p[of.y])]
    else:
        true, predicted = target.decode(of.y[None]).item(), float(of.p[len(of.p) // 2])
        said = [true, predicted, true - predicted]
    return [of.row, *shown, *said, of.norm]
