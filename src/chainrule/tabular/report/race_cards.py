"""The card of the networks that were trained: the race of their rates, and the model's members."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.formatting import counted
from chainrule.html_page.markup import Html, card, facts, figure, key, paragraph, table, text
from chainrule.html_page.svg import VARIABLES
from chainrule.tabular.report import plots
from chainrule.tabular.report.findings import Findings
from chainrule.tabular.scores import SCORES


def runs(found: Findings) -> Iterator[Html]:
    """Yield the card of a race and of members, where a training had the one or the other."""
    told = found.model.about["runs"]
    if "race" in told:
        yield card("Race and members", facts(_members(found)), *_race(found))
    elif told["members"] > 1:
        yield card("Members", facts(_members(found)))


def _members(found: Findings) -> dict[str, str]:
    """Return what the networks of the model are, what they brought, and what was left out."""
    told, rows = found.model.about["runs"], found.model.about["rows"]
    every = rows["training"] + rows["validation"]
    with_all = f"all {every:,} rows, those held out too"
    return {
        "model": "the mean of " * (told["members"] > 1) + counted(told["members"], "network"),
        "members": _kinds(told),
        "trained on": with_all
        if "epochs" in told
        else f"the {rows['training']:,} rows in training",
        "brought": _brought(told.get("brought")),
        "left out": "; ".join(told.get("left_out", ())),
    }


def _kinds(told: Mapping[str, Any]) -> str:
    """Return how many networks are of each rate, and for how many epochs, where that is told."""
    rates = [told["rate"], told.get("also", told["rate"])]
    epochs = told.get("epochs", [None] * told["members"])
    kinds = Counter((rates[k % 2], made) for k, made in enumerate(epochs))
    return "; ".join(
        f"{count:,} of rate {rate:g}" + (f", for {counted(made, 'epoch')}" if made else "")
        for (rate, made), count in kinds.items()
    )


def _brought(brought: Mapping[str, Any] | None) -> str:
    """Return how good the members are together, beside the first alone; "" if it is not known."""
    if brought is None:
        return ""
    score = SCORES[brought["score"]]
    one, all_of_them = (score.text(brought[name]) for name in ("one", "members"))
    return f"{score.word} {all_of_them}, of the first alone {one}"


def _race(found: Findings) -> Iterator[Html]:
    """Yield the figure of a race, and its table; the winner stands first."""
    told, metric = found.model.about["runs"], found.model.about["options"].get("metric")
    word = SCORES[metric].word if metric else "loss"
    places = _ranked(told)
    raced = [told["race"][k] for k in places]
    curves = [np.asarray(found.model.curves[f"race.{k + 1}"]) for k in places]
    at = dict(enumerate(told["epochs"][:2] if "epochs" in told else [raced[0]["epoch"]]))
    if "also" not in told:
        at.pop(1, None)
    said = (
        f"{word[0].upper()}{word[1:]} of the rows held out, by epoch, at each rate: "
        f"{raced[0]['rate']:g} won. A point marks "
        + ("the epoch after which its members end." if "epochs" in told else "its best epoch.")
    )
    yield figure(plots.race_plot(curves, at, word, said), said)
    rows = [_row(told, each, k) for k, each in enumerate(raced)]
    yield table("the rates that were raced", ["rate", f"best {word}", "epoch", "outcome"], rows)
    if any(_is_other(each, curve) for each, curve in zip(raced, curves, strict=True)):
        yield paragraph(f"The {word} in the table is with a temperature, in the plot without.")


def _is_other(raced: Mapping[str, Any], curve: Any) -> bool:
    """Whether what was found of a rate is no point of its curve."""
    at = raced.get("epoch")
    return at is not None and not np.isclose(curve[at - 1], raced["found"], rtol=1e-6)


def _ranked(told: Mapping[str, Any]) -> list[int]:
    """Return the places of the raced rates: the winner, one as good, the others."""
    first = [told["rate"], told.get("also")]
    rates = [each["rate"] for each in told["race"]]
    return sorted(range(len(rates)), key=lambda k: (rates[k] != first[0], rates[k] != first[1]))


def _row(told: Mapping[str, Any], raced: Mapping[str, Any], place: int) -> list[Any]:
    became = "diverged" if raced["found"] is None else "not chosen"
    if raced["rate"] in (told["rate"], told.get("also")):
        became = "won" if place == 0 else "as good"
    sign = key(VARIABLES[plots.COLOURS[min(place, 2)]])
    rate = Html(f"{sign}{text(format(raced['rate'], 'g'))}")
    return [rate, raced["found"], raced.get("epoch"), became]
