"""What is said of scores and of what is to be doubted in them, in 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chainrule.cli.option_names import as_options
from chainrule.errors import bare
from chainrule.formatting import counted, decimals, number

if TYPE_CHECKING:
    from chainrule.tabular import TableModel

CLASSES = 20
"""The most classes that have a line each."""


def heading(about: Mapping[str, Any]) -> str:
    """Return what the scores of a training are of.

    >>> heading({"epochs_with_all": 60})
    'On the rows held out, by the model before they were trained with:'
    """
    before = ", by the model before they were trained with" if about.get("epochs_with_all") else ""
    return f"On the rows held out{before}:"


def scores(found: Mapping[str, Any]) -> list[str]:
    """Return scores beside those of the baseline, and those of each class.

    >>> print(*scores({"model": {"rmse": 1.5}, "baseline": {"rmse": 3.0}}), sep="\\n")
                                model    baseline
      RMSE                        1.5           3
    """
    from chainrule.tabular.scores import SCORES

    rows = [
        (score.word, *(score.text(found[part][name]) for part in ("model", "baseline")))
        for name, score in SCORES.items()
        if name in found["model"]
    ]
    if interval := found.get("interval"):
        word, of = ("size of sets", "size") if "size" in interval else ("width of bounds", "width")
        rows.append((word, *(number(interval[part]) for part in (of, "baseline"))))
    rows.insert(0, ("", "model", "baseline"))
    lines = [f"  {word:<19}  {model:>10}  {baseline:>10}" for word, model, baseline in rows]
    return lines + of_classes(found.get("classes", ()))


def validated(model: TableModel) -> list[str]:
    """Return the scores that a model tells, of several targets those of each below its name.

    >>> model = cr.train("sklearn:wine", "target", epochs=1)
    >>> validated(model)[0].split()
    ['model', 'baseline']
    """
    about = model.about
    if "targets" in about:
        return of_targets({name: about["targets"][name] for name in model.target.columns})
    return scores(about["validation"]) if "validation" in about else []


def of_targets(each: Mapping[str, Any]) -> list[str]:
    """Return the scores of several targets.

    >>> rmse = {"model": {"rmse": 1.5}, "baseline": {"rmse": 3.0}}
    >>> print(*of_targets({"price": rmse}), sep="\\n")
      price                     model    baseline
      RMSE                        1.5           3
    """
    from chainrule.cli.summary import short

    lines: list[str] = []
    for name, found in each.items():
        heading, *rest = scores(found)
        named = f"  {short(bare(name)):<19}  {heading[23:]}"
        lines += [*[""] * bool(lines), named, *rest]
    return lines


def of_scores(found: Mapping[str, Any]) -> list[str]:
    """Return what `TableModel.evaluate` found."""
    rows = found["rows"]
    left_out = rows["without_target"]
    without = f", {left_out:,} without a target left out" if left_out else ""
    of_them = of_targets(found["targets"]) if "targets" in found else scores(found)
    lines = [f"{counted(int(rows['scored']), 'row')}{without}", *of_them]
    return [*lines, "", held(found["interval"])] if "interval" in found else lines


def held(interval: Mapping[str, float]) -> str:
    """Return how often the bounds of an interval held, or the sets.

    >>> print(held({"share": 0.9, "coverage": 0.897, "least": 0.881, "most": 0.911}))
    Bounds of 90 % held in 89.7 % of the rows (88.1–91.1 % with 95 % certainty)
    """
    from chainrule.tabular.intervals import between, percent

    coverage = between(interval["least"], interval["most"])
    what = "Sets" if "size" in interval else "Bounds"
    return (
        f"{what} of {percent(interval['share'])} held in {100 * interval['coverage']:.1f} % of the "
        f"rows ({coverage})"
    )


def of_classes(classes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the scores of each class; of many, those that are told apart worst.

    >>> scores = {"class": "yes", "precision": 1.0, "recall": 0.5, "f1": 0.6667, "support": 2}
    >>> print(*of_classes([scores]), sep="\\n")
    <BLANKLINE>
      class  precision  recall      F1  rows
      yes       1.0000  0.5000  0.6667     2
    """
    if not classes:
        return []
    shown = sorted(classes, key=_worst)[:CLASSES] if len(classes) > CLASSES else classes
    rows = [("class", "precision", "recall", "F1", "rows"), *map(_class, shown)]
    lines = _table(rows)
    if len(shown) < len(classes):
        lines.append(
            f"  … the {len(shown)} of {len(classes):,} classes with the lowest F1; --json has all"
        )
    return ["", *lines]


def _worst(scores: Mapping[str, Any]) -> tuple[bool, float]:
    """Order classes by F1, those that have none last."""
    return scores["f1"] is None, scores["f1"] or 0.0


def _class(scores: Mapping[str, Any]) -> tuple[str, ...]:
    from chainrule.cli.summary import short

    shares = (decimals(scores[name], 4) for name in ("precision", "recall", "f1"))
    return short(bare(scores["class"])), *shares, number(scores["support"])


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return rows of which the first column is text and the others are numbers."""
    from rich.cells import cell_len, set_cell_size

    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    return [
        "  "
        + "  ".join(
            [set_cell_size(row[0], widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        )
        for row in rows
    ]


def warned(about: Mapping[str, Any]) -> list[str]:
    """Return the warnings of a training, each as a paragraph.

    >>> warned({"warnings": ["the model predicts one class only"]})
    ['', 'Warning: the model predicts one class only']
    """
    return _paragraphs(as_options(f"Warning: {each}") for each in about.get("warnings", ()))


def _paragraphs(texts: Iterable[str]) -> list[str]:
    from chainrule.demo.printing import WIDTH

    lines = [
        textwrap.fill(each, WIDTH, subsequent_indent="  ", break_on_hyphens=False) for each in texts
    ]
    return ["", *lines] if lines else []
